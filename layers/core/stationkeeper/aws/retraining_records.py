"""Records of retrainings in the state table: one item per pipeline, `pk` is `retraining#<pipeline ARN>`, `sk` is `record`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from stationkeeper.aws.versioned_items import VersionedItems, compressed
from stationkeeper.retraining.record import RetrainingRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef

# Forgotten when no drift asked for the pipeline for so long.
_KEPT_FOR = timedelta(days=400)


class DynamoDbRetrainingRecords:
    def __init__(self, client: Callable[[], DynamoDBClient], table_name: str) -> None:
        self._items = VersionedItems(client, table_name, "record")

    def recall(self, pipeline_arn: str) -> RetrainingRecord:
        """What is remembered of a pipeline; an empty record when nothing is."""
        item = self._items.get(_partition(pipeline_arn))
        if item is None:
            return RetrainingRecord()
        body, version = item
        return RetrainingRecord.model_validate_json(body).model_copy(update={"version": version})

    def remember(self, pipeline_arn: str, record: RetrainingRecord) -> RetrainingRecord:
        """Store a record over the version it came from, and return it with its new version.

        Raises
        ------
        MemoryConflict
            Somebody else stored another one since.
        """
        attributes: dict[str, UniversalAttributeValueTypeDef] = {
            "pipeline": {"S": record.pipeline or "unknown"}
        }
        if record.newest is not None:
            attributes["execution_arn"] = {"S": record.newest.arn or "being started"}
            attributes["incident"] = {"S": record.newest.drift.incident}
        body = compressed(record.model_dump_json(exclude={"version"}))
        version = self._items.put(_partition(pipeline_arn), body, record.version, attributes, _KEPT_FOR)
        return record.model_copy(update={"version": version})


def _partition(pipeline_arn: str) -> str:
    return f"retraining#{pipeline_arn.lower()}"
