"""Records of releases in the state table: one item per endpoint, `pk` is `release#<endpoint>`, `sk` is `record`.

SageMaker's ARNs spell names in lower case, so the key does too. Records do not expire: an endpoint may serve for years.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stationkeeper.aws.versioned_items import VersionedItems
from stationkeeper.releases.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef


class DynamoDbReleaseRecords:
    def __init__(self, client: Callable[[], DynamoDBClient], table_name: str) -> None:
        self._items = VersionedItems(client, table_name, "record")

    def recall(self, endpoint: str) -> Record:
        """What is remembered of an endpoint; an empty record when nothing is."""
        return self._items.recall(Record, _partition(endpoint))

    def remember(self, endpoint: str, record: Record) -> Record:
        """Store a record over the version it came from, and return it with its new version.

        Raises
        ------
        MemoryConflict
            Somebody else stored another one since.
        """
        attributes: dict[str, UniversalAttributeValueTypeDef] = {
            "endpoint": {"S": record.endpoint or endpoint},
            "group_arn": {"S": record.group_arn or "none"},
        }
        if record.live:
            attributes["live_version"] = {"N": str(record.live.version)}
            attributes["released_at"] = {"S": record.live.released_at.isoformat()}
        if record.target:
            attributes["target_version"] = {"N": str(record.target.version)}
        return self._items.remember(_partition(endpoint), record, attributes)


def _partition(endpoint: str) -> str:
    return f"release#{endpoint.lower()}"
