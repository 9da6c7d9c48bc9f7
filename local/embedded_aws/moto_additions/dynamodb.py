"""DynamoDB in moto: a table of a template gets neither its time to live nor its point-in-time recovery."""

from contextlib import ExitStack
from typing import Any
from unittest import mock

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table


def installed() -> ExitStack:
    create = Table.create_from_cloudformation_json.__func__  # type: ignore[attr-defined]

    def create_with_settings(
        cls: type[Table],
        /,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **kwargs: Any,
    ) -> Table:
        table: Table = create(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs)
        properties = cloudformation_json["Properties"]
        backend = dynamodb_backends[account_id][region_name]
        if time_to_live := properties.get("TimeToLiveSpecification"):
            backend.update_time_to_live(table.name, time_to_live)
        if recovery := properties.get("PointInTimeRecoverySpecification"):
            backend.update_continuous_backups(table.name, recovery)
        return table

    context = ExitStack()
    context.enter_context(
        mock.patch.object(Table, "create_from_cloudformation_json", classmethod(create_with_settings))
    )
    return context
