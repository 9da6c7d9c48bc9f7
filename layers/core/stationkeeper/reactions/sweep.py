"""Every hour: look at every managed group and at every missed artifact again, and tidy what was replaced long enough ago."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from stationkeeper.events.alarm_trigger import LOOK_AT_ALARMS
from stationkeeper.events.domain import stable_id
from stationkeeper.events.release_trigger import LOOK_AGAIN
from stationkeeper.events.scheduled import SweepDue
from stationkeeper.reactions.artifact_sweep import ArtifactSweep
from stationkeeper.reactions.ports import Queue
from stationkeeper.reactions.tidying import Tidying
from stationkeeper.telemetry import logger, metrics


class Managed(Protocol):
    def managed_groups(self) -> tuple[tuple[str, str], ...]:
        """Groups that are tagged for an endpoint, as (group ARN, endpoint)."""

    def following_endpoints(self) -> tuple[tuple[str, str], ...]:
        """Endpoints tagged to follow a group of another account, as (group ARN, endpoint)."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """The reaction, over its ports: two listings, one message per managed group to `release`, one per endpoint to `alarm_response`."""

    managed: Managed
    release_queue: Queue
    alarm_queue: Queue
    tidying: Tidying
    artifacts: ArtifactSweep
    now: Callable[[], datetime]

    def react(self, due: SweepDue) -> None:
        now = max(self.now(), due.time)
        groups = self.managed.managed_groups()
        following = self.managed.following_endpoints()
        looks = [
            *({"group_arn": group} for group, _ in groups),
            *({"group_arn": group, "endpoint": endpoint} for group, endpoint in following),
        ]
        endpoints = sorted({endpoint for _, endpoint in (*groups, *following)})
        self.release_queue.send(_message(due, LOOK_AGAIN, look) for look in looks)
        self.alarm_queue.send(_message(due, LOOK_AT_ALARMS, {"endpoint": endpoint}) for endpoint in endpoints)
        metrics.count("GroupsSwept", len(looks))
        logger.info("Swept", extra={"decision": "swept", "groups": len(looks)})
        self.tidying.tidy(endpoints, now)
        self.artifacts.sweep(due, now)


def _message(due: SweepDue, detail_type: str, detail: dict[str, str]) -> dict[str, object]:
    message_id = stable_id("sweep", due.id, detail_type, *detail.values())
    return due.message(detail_type, detail, due.time, message_id=message_id)
