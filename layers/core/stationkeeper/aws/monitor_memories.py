"""Memories of monitoring schedules in the state table.

One item per schedule: `pk` is `monitor#<schedule ARN>`, `sk` is `memory`. `body` holds the memory as compressed JSON, `version` orders
writes. The other attributes repeat what people and other reactions ask for.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from stationkeeper.alerts.memory import Memory
from stationkeeper.alerts.standing import Judged
from stationkeeper.aws.versioned_items import VersionedItems, compressed

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef

# An item may be 400 KB; the rest is for the other attributes.
_BODY_LIMIT_BYTES = 300_000
# Forgotten when the schedule has not run for so long.
_KEPT_FOR = timedelta(days=400)


class DynamoDbMonitorMemories:
    """Reads consistently, writes on condition that nobody else did."""

    def __init__(self, client: Callable[[], DynamoDBClient], table_name: str) -> None:
        self._items = VersionedItems(client, table_name, "memory")

    def recall(self, schedule_arn: str) -> Memory:
        item = self._items.get(_partition(schedule_arn))
        if item is None:
            return Memory()
        body, version = item
        return Memory.model_validate_json(body).model_copy(update={"version": version})

    def remember(self, schedule_arn: str, endpoint: str, memory: Memory) -> Memory:
        """Store a memory over the version it came from; see `MonitorMemories.remember`."""
        body = _encode(memory)
        while len(body) > _BODY_LIMIT_BYTES and len(memory.runs) > 1:
            memory = memory.without_oldest().within_bounds()
            body = _encode(memory)
        newest = memory.newest
        attributes: dict[str, UniversalAttributeValueTypeDef] = {"endpoint": {"S": endpoint}}
        if newest is not None:
            attributes["last_run_at"] = {"S": newest.at.isoformat()}
            if isinstance(newest.outcome, Judged):
                attributes["violations"] = {"N": str(newest.outcome.total)}
                attributes["severity"] = {"S": newest.outcome.severity or "none"}
            else:
                attributes["blind"] = {"S": newest.outcome.reason}
        version = self._items.put(_partition(schedule_arn), body, memory.version, attributes, _KEPT_FOR)
        return memory.model_copy(update={"version": version})


def _encode(memory: Memory) -> bytes:
    return compressed(memory.model_dump_json(exclude={"version"}))


def _partition(schedule_arn: str) -> str:
    return f"monitor#{schedule_arn}"
