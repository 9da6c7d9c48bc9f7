"""Taking back the version that an alarm speaks against: `release` does the rest, as for any rejection."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from stationkeeper.alarms.memory import Edge
from stationkeeper.alarms.response import taken_back_by
from stationkeeper.alerts.text import plain
from stationkeeper.errors import MemoryConflict
from stationkeeper.events.alarm_trigger import AlarmTrigger
from stationkeeper.events.release_trigger import LOOK_AGAIN
from stationkeeper.reactions.ports import Queue, ReleaseRecords
from stationkeeper.releases.record import Barred, Record
from stationkeeper.telemetry import metrics

_ATTEMPTS = 8


class Registry(Protocol):
    def reject(self, package_arn: str, reason: str) -> str:
        """Reject a version in the registry; why that was refused, or ""."""


@dataclass(frozen=True, slots=True)
class TakingBack:
    """Three steps over its ports, each safe to repeat."""

    releases: ReleaseRecords
    registry: Registry
    release_queue: Queue

    def take_back(
        self, endpoint: str, edge: Edge, record: Record, incident: str, trigger: AlarmTrigger, now: datetime
    ) -> Barred:
        """Bar the live version, reject it in the registry, and have `release` look.

        Barred first: `release` looks as soon as the version is rejected, and should know why; and whoever tries again after a crash
        finds what was done. Each call can be made again.
        """
        live = record.live
        barred = taken_back_by(edge, record) or (record.bars(live.version) if live is not None else None)
        if barred is None:
            assert live is not None
            barred = Barred(
                version=live.version,
                package_arn=live.package_arn,
                at=now,
                reason=plain(f"the alarm {edge.alarm} became red after its release", 300),
                rejected=False,
                incident=incident,
                alarm=edge.key,
            )
            self.releases.remember(endpoint, record.with_bar(barred))
        # The bar is enough for `release`: a registry that is slow to answer delays nothing.
        self.release_queue.send([_look_again(record, trigger)])
        if not barred.rejected and not barred.refusal:
            said = f"Rejected by Stationkeeper: {barred.reason}"
            refusal = self.registry.reject(barred.package_arn, said)
            barred = barred.model_copy(update={"rejected": not refusal, "refusal": plain(refusal, 300)})
            self._note_rejection(endpoint, barred)
            metrics.count("VersionsTakenBack")
        return barred

    def _note_rejection(self, endpoint: str, answered: Barred) -> None:
        """What the registry said; `release` may be at the record at the same moment."""
        for _ in range(_ATTEMPTS):
            record = self.releases.recall(endpoint)
            barred = record.bars(answered.version)
            if barred is None or barred.rejected:
                return
            update = {"rejected": answered.rejected, "refusal": answered.refusal}
            try:
                self.releases.remember(endpoint, record.with_bar(barred.model_copy(update=update)))
                return
            except MemoryConflict:
                continue
        raise MemoryConflict(
            f"the record of {endpoint} changed {_ATTEMPTS} times meanwhile; tried again later"
        )


def _look_again(record: Record, trigger: AlarmTrigger) -> dict[str, object]:
    of_another_account = record.group_arn.split(":")[4:5] != [trigger.account]
    where = {"group_arn": record.group_arn}
    return trigger.message(
        LOOK_AGAIN, {**where, "endpoint": record.endpoint} if of_another_account else where, trigger.time
    )
