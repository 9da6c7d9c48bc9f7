"""Writing down what happened to an endpoint's releases, and saying it: one conditional write holds both, then it is said."""

from dataclasses import dataclass

from stationkeeper.alerts.text import plain
from stationkeeper.events.domain import DomainEvent
from stationkeeper.reactions.outbox import EventBus, entry, say_what_is_pending
from stationkeeper.reactions.ports import ReleaseRecords
from stationkeeper.releases.decision import Block, Look
from stationkeeper.releases.record import Record
from stationkeeper.releases.telling import Telling
from stationkeeper.telemetry import logger, metrics


@dataclass(frozen=True, slots=True)
class Notebook:
    """Records of endpoints, and the bus."""

    records: ReleaseRecords
    bus: EventBus

    def write(self, look: Look, record: Record, *events: DomainEvent) -> Record:
        """Store a record over the one it came from, with what is to be said of it, and say it.

        Raises `MemoryConflict` when somebody else stored one since.
        """
        named = record.model_copy(update={"group_arn": look.group_arn, "endpoint": look.settings.endpoint})
        return self.write_at(look.settings.endpoint, named, *events)

    def write_at(self, key: str, record: Record, *events: DomainEvent) -> Record:
        """The same, for a record that is of no endpoint."""
        outbox = (*record.outbox, *map(entry, events))
        return self.say_pending(key, self.records.remember(key, record.model_copy(update={"outbox": outbox})))

    def say_pending(self, key: str, record: Record) -> Record:
        """Say what an earlier attempt wrote down and did not come to say."""
        return say_what_is_pending(
            record,
            self.bus,
            remember=lambda one: self.records.remember(key, one),
            recall=lambda: self.records.recall(key),
            whose=key,
        )

    def block(self, look: Look, block: Block, telling: Telling, record: Record | None = None) -> Record:
        """Write down that something blocks; on-call hears it when it begins, and once a day while it lasts.

        `record` is written whether it is told or not. Returns the record as it is stored then.
        """
        logger.warning(
            "Blocked", extra={"decision": "blocked", "code": block.code, "reason": plain(block.why, 500)}
        )
        metrics.count("ReleasesBlocked", code=block.code)
        before = look.record if record is None else record
        news = before.telling_once("blocked", f"{block.code}:{block.version}:{block.about}", look.now)
        if news is not None:
            told, since = news
            return self.write(look, told, telling.blocked(block, package_arn(look, block.version), since))
        return before if record is None else self.write(look, record)


def package_arn(look: Look, version: int | None) -> str | None:
    """The ARN of an approved version."""
    return next((one.model_package_arn for one in look.approved or () if one.number == version), None)
