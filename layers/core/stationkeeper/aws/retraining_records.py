"""Records of retrainings in the state table: one item per pipeline, `pk` is `retraining#<pipeline ARN>`, `sk` is `record`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from stationkeeper.aws.versioned_items import VersionedItems
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
        return self._items.recall(RetrainingRecord, _partition(pipeline_arn))

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
        return self._items.remember(_partition(pipeline_arn), record, attributes, _KEPT_FOR)


def _partition(pipeline_arn: str) -> str:
    return f"retraining#{pipeline_arn.lower()}"
