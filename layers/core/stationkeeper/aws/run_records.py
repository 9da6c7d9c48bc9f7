"""Records of runs that pages are drawn of: one item per run, `pk` is `run#<schedule ARN>`, `sk` sorts by when runs were due."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from stationkeeper.aws.versioned_items import VersionedItems, memory_of
from stationkeeper.pages.record import RunRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

    from stationkeeper.pages.record import RunKey

# Longer than pages are kept.
_KEPT_FOR = timedelta(days=400)


class DynamoDbRunRecords:
    def __init__(self, client: Callable[[], DynamoDBClient], table_name: str) -> None:
        self._client = client
        self._table_name = table_name

    def until(self, key: RunKey, most: int) -> list[RunRecord]:
        """The records of the last runs of a schedule until this one, oldest first. One call: an item has one or two KB."""
        pages = (
            self._client()
            .get_paginator("query")
            .paginate(
                TableName=self._table_name,
                KeyConditionExpression="pk = :pk AND sk <= :sk",
                ExpressionAttributeValues={
                    ":pk": {"S": _partition(key.schedule_arn)},
                    ":sk": {"S": key.sort_key},
                },
                ProjectionExpression="body, version",
                ScanIndexForward=False,
                ConsistentRead=True,
                PaginationConfig={"MaxItems": most, "PageSize": most},
            )
        )
        newest_first = [item for page in pages for item in page["Items"]]
        return [memory_of(RunRecord, item) for item in reversed(newest_first)]

    def remember(self, key: RunKey, record: RunRecord) -> RunRecord:
        """Store a record over the version it came from; see `RunRecords.remember`. One call."""
        items = VersionedItems(self._client, self._table_name, key.sort_key)
        return items.remember(_partition(key.schedule_arn), record, {}, _KEPT_FOR)


def _partition(schedule_arn: str) -> str:
    return f"run#{schedule_arn}"
