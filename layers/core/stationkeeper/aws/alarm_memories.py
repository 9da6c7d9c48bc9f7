"""What is remembered of endpoints' alarms, in the state table: one item per endpoint, `pk` is `alarms#<endpoint>`, `sk` is `memory`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from stationkeeper.alarms.memory import AlarmMemory
from stationkeeper.aws.versioned_items import VersionedItems

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef

# Forgotten when no alarm of the endpoint changed for so long.
_KEPT_FOR = timedelta(days=90)


class DynamoDbAlarmMemories:
    def __init__(self, client: Callable[[], DynamoDBClient], table_name: str) -> None:
        self._items = VersionedItems(client, table_name, "memory")

    def recall(self, endpoint: str) -> AlarmMemory:
        """What is remembered of an endpoint's alarms; an empty memory when nothing is."""
        return self._items.recall(AlarmMemory, _partition(endpoint))

    def remember(self, endpoint: str, memory: AlarmMemory) -> AlarmMemory:
        """Store a memory over the version it came from, and return it with its new version.

        Raises
        ------
        MemoryConflict
            Somebody else stored another one since.
        """
        attributes: dict[str, UniversalAttributeValueTypeDef] = {
            "endpoint": {"S": endpoint},
            "red_alarms": {"N": str(len(memory.red))},
        }
        if memory.incident is not None:
            attributes["incident"] = {"S": memory.incident.id}
        return self._items.remember(_partition(endpoint), memory, attributes, _KEPT_FOR)


def _partition(endpoint: str) -> str:
    return f"alarms#{endpoint.lower()}"
