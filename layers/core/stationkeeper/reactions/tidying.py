"""Takes away what releases replaced: only what is ours, after the grace period, and only what nothing refers to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from stationkeeper.errors import MemoryConflict
from stationkeeper.reactions.ports import ReleaseRecords
from stationkeeper.releases.record import Record, Retired
from stationkeeper.releases.references import References
from stationkeeper.telemetry import logger, metrics


class Storeroom(Protocol):
    def references(self) -> References:
        """Everything that refers to a config or a model, in the whole account."""

    def delete(self, kind: str, name: str) -> bool:
        """Delete an `endpoint-config`, a `model` or an `alarm`; False when it is not ours to delete any more."""


@dataclass(frozen=True, slots=True)
class Tidying:
    """Costs one read per endpoint; only where something is due it asks for all endpoints and configs of the account."""

    records: ReleaseRecords
    storeroom: Storeroom
    keep_days: int

    def tidy(self, endpoints: Iterable[str], now: datetime) -> None:
        known = {endpoint: self.records.recall(endpoint) for endpoint in sorted(endpoints)}
        # Of all of them: two endpoints that follow one group share what is made of the same content.
        in_use = frozenset(name for record in known.values() for name in record.names_in_use)
        claimed = {
            endpoint: marked
            for endpoint, record in known.items()
            if (marked := self._claim(endpoint, record, in_use, now))
        }
        if not claimed:
            return
        # Asked after the claims: a release that needs one of these things again waits from now on.
        references = self.storeroom.references()
        for endpoint, record in claimed.items():
            due = self._due(record, in_use, now)
            gone = [item for item in due if self._delete(item, due, references)]
            names = {(item.kind, item.name) for item in gone}
            left = tuple(
                # What somebody else uses is asked for again after another grace period.
                item.model_copy(update={"claimed_at": None, "since": now}) if item in due else item
                for item in record.retired
                if (item.kind, item.name) not in names
            )
            try:
                self.records.remember(endpoint, record.model_copy(update={"retired": left}))
            except MemoryConflict:  # a release began meanwhile: what is gone is found gone by the next sweep
                logger.info("Another copy was faster", extra={"decision": "again", "endpoint": endpoint})
                continue
            metrics.count("ThingsTidied", len(gone))
            logger.info(
                "Tidied",
                extra={"decision": "tidied", "endpoint": endpoint, "gone": [item.name for item in gone]},
            )

    def _claim(self, endpoint: str, record: Record, in_use: frozenset[str], now: datetime) -> Record | None:
        """The record with all that is due marked as being deleted; None when nothing is, or another copy is at the record."""
        due = self._due(record, in_use, now)
        if not due:
            return None
        marked = tuple(
            item.model_copy(update={"claimed_at": now}) if item in due else item for item in record.retired
        )
        try:
            return self.records.remember(endpoint, record.model_copy(update={"retired": marked}))
        except MemoryConflict:  # a release is under way there: the next sweep comes in an hour
            return None

    def _due(self, record: Record, in_use: frozenset[str], now: datetime) -> list[Retired]:
        grace = timedelta(days=self.keep_days)
        return [item for item in record.retired if now - item.since >= grace and item.name not in in_use]

    def _delete(self, item: Retired, due: list[Retired], references: References) -> bool:
        """Delete it, unless something refers to it; whether we are done with it."""
        configs = [
            one.name for one in due if one.kind == "endpoint-config" and references.config_is_free(one.name)
        ]
        free = {
            "endpoint-config": references.config_is_free(item.name),
            "model": references.model_is_free(item.name, configs),
            "alarm": True,
        }
        if not free.get(item.kind, False):
            logger.info("Kept", extra={"decision": "kept", "kind": item.kind, "thing": item.name})
            return False
        if not self.storeroom.delete(item.kind, item.name):
            logger.warning(
                "Kept for good", extra={"decision": "not-ours", "kind": item.kind, "thing": item.name}
            )
            metrics.count("ThingsNotOurs")
        return True
