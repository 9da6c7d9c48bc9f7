"""Memories of monitoring schedules in the state table.

One item per schedule: `pk` is `monitor#<schedule ARN>`, `sk` is `memory`. `body` holds the memory as compressed JSON, `version` orders
writes. The other attributes repeat what people and other reactions ask for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any

from stationkeeper.alerts.memory import Memory
from stationkeeper.alerts.standing import Judged
from stationkeeper.aws.versioned_items import VersionedItems, body_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef

# An item may be 400 KB; the rest is for the other attributes.
_BODY_LIMIT_BYTES = 300_000
# Forgotten when the schedule has not run for so long.
_KEPT_FOR = timedelta(days=400)
_ITEMS_A_CALL = 100


@dataclass(frozen=True, slots=True)
class Glance:
    """What the newest run of a schedule found. `violations` is None when it was blind, and `blind` says why."""

    schedule_arn: str
    last_run_at: str
    violations: int | None = None
    severity: str = ""
    """Of the worst one; `none` when there are none."""
    blind: str = ""


class DynamoDbMonitorMemories:
    """Reads consistently, writes on condition that nobody else did."""

    def __init__(self, client: Callable[[], DynamoDBClient], table_name: str) -> None:
        self._items = VersionedItems(client, table_name, "memory")

    def recall(self, schedule_arn: str) -> Memory:
        return self._items.recall(Memory, _partition(schedule_arn))

    def glances(self, schedule_arns: Iterable[str]) -> dict[str, Glance]:
        """What is known of those of these schedules that ran, by ARN, without their bodies. One call per hundred."""
        keys = [_partition(arn) for arn in sorted(set(schedule_arns))]
        found = (
            _glance(item)
            for batch in batched(keys, _ITEMS_A_CALL, strict=False)
            for item in self._items.get_attributes(batch, ("last_run_at", "violations", "severity", "blind"))
        )
        return {glance.schedule_arn: glance for glance in found if glance.last_run_at}

    def remember(self, schedule_arn: str, endpoint: str, memory: Memory) -> Memory:
        """Store a memory over the version it came from; see `MonitorMemories.remember`."""
        body = body_of(memory)
        while len(body) > _BODY_LIMIT_BYTES and len(memory.runs) > 1:
            memory = memory.without_oldest().within_bounds()
            body = body_of(memory)
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


def _glance(item: dict[str, Any]) -> Glance:
    values = {name: str(next(iter(value.values()))) for name, value in item.items()}
    violations = values.get("violations")
    return Glance(
        schedule_arn=values["pk"].removeprefix(_partition("")),
        last_run_at=values.get("last_run_at", ""),
        violations=int(violations) if violations is not None else None,
        severity=values.get("severity", ""),
        blind=values.get("blind", ""),
    )


def _partition(schedule_arn: str) -> str:
    return f"monitor#{schedule_arn}"
