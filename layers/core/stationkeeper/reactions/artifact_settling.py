"""Bring a model's pointer to where its record says: one copy of the function at a time, until both agree."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from stationkeeper.artifacts.naming import in_place_key, marks, pointer_name
from stationkeeper.artifacts.record import ModelRecord, Version
from stationkeeper.artifacts.refusal import ArtifactRefused, Refusal
from stationkeeper.artifacts.stored import KeyTaken
from stationkeeper.artifacts.telling import Telling
from stationkeeper.errors import MemoryConflict, StepRefused
from stationkeeper.reactions.outbox import EventBus
from stationkeeper.telemetry import logger, metrics

_LOOKS = 20


class ModelRecords(Protocol):
    def recall(self, endpoint: str, model: str) -> ModelRecord:
        """What is remembered of a model; an empty record when nothing is."""

    def remember(self, endpoint: str, model: str, record: ModelRecord) -> ModelRecord:
        """Store a record over the version it came from; raises `MemoryConflict`."""


class Pointers(Protocol):
    def move(self, name: str, target_model: str) -> None:
        """Set the parameter; `StepRefused` when it may not be, or there can be no more of them."""


class Shelf(Protocol):
    """Where published versions lie."""

    def put_in_place(self, bucket: str, version_key: str, key: str, marks: Mapping[str, str]) -> None:
        """Copy a version over the key without one; `KeyTaken`, `ArtifactRefused`, `MemoryConflict`."""

    def delete(self, bucket: str, key: str, etag: str) -> bool:
        """Delete a version, if it is still what was published; False when it may not be, or something else lies there."""


class Refusals(Protocol):
    def next_of_the_day(self, endpoint: str, at: datetime) -> int:
        """Count a rejection; how many there were on that day."""


@dataclass(frozen=True, slots=True)
class Settling:
    """Moves pointers, says what was written down to be said, deletes what is old enough."""

    records: ModelRecords
    pointers: Pointers
    shelf: Shelf
    refusals: Refusals
    bus: EventBus
    keep_days: int
    now: Callable[[], datetime]
    token: Callable[[], str]

    def settle(self, endpoint: str, model: str, changed: ModelRecord, telling: Telling) -> ModelRecord:
        """Store a changed record and do what it asks for, unless another copy is at that: it finds the change, and does it.

        Returns the record as it was stored first. Raises `MemoryConflict` when somebody wrote since `changed` was read: nothing is done then.
        """
        now = self.now()
        mine = not (changed.settled or changed.leased(now))
        stored = self.records.remember(
            endpoint, model, changed.with_lease(self.token(), now) if mine else changed
        )
        if mine:
            self.finish(endpoint, model, stored, telling)
        return stored

    def finish(self, endpoint: str, model: str, record: ModelRecord, telling: Telling) -> None:
        """Do what a record asks for, whose lease is ours, then give the lease back.

        Raises
        ------
        MemoryConflict
            Others kept changing the record; tried again later.
        """
        pointer, in_place = record.pointer, record.in_place
        said: set[str] = set()
        for _ in range(_LOOKS):
            current = record.serving
            if current is not None and pointer != current.uri and self._moved(record, current, telling):
                pointer = current.uri
            if current is not None and record.wants_in_place and in_place != current.uri:
                in_place = current.uri if self._put_in_place(record, current, telling) else in_place
            agreed = current is None or pointer == current.uri
            unsaid = [one for one in record.outbox if one["id"] not in said] if agreed else []
            if unsaid:
                self.bus.publish([(one["detail_type"], one["detail"]) for one in unsaid])
                said |= {one["id"] for one in unsaid}
            outbox = tuple(one for one in record.outbox if one["id"] not in said)
            done = {"pointer": pointer, "in_place": in_place, "outbox": outbox, "lease": None}
            try:
                self.records.remember(endpoint, model, record.model_copy(update=done))
            except MemoryConflict:
                record = self.records.recall(endpoint, model)
                continue
            return
        raise MemoryConflict(f"the record of {endpoint}/{model} did not come to rest; tried again later")

    def tidy(self, endpoint: str, model: str, telling: Telling) -> None:
        """Finish what was left undone, and delete the versions that nobody was sent to for long enough."""
        for _ in range(_LOOKS):
            record = self.records.recall(endpoint, model)
            due = record.due(self.now(), timedelta(days=self.keep_days))
            if (record.settled and not due) or record.leased(self.now()):
                logger.info("Nothing to do", extra={"decision": "settled"})
                return
            claimed = record.with_lease(self.token(), self.now()).retiring(one.uri for one in due)
            try:
                record = self.records.remember(endpoint, model, claimed)
            except MemoryConflict:
                continue
            gone = [one.uri for one in due if self._deleted(one)]
            self.finish(endpoint, model, record.retired(gone), telling)
            return
        raise MemoryConflict(f"the record of {endpoint}/{model} kept changing; tried again later")

    def reject(self, refusal: Refusal, record: ModelRecord, telling: Telling, target_model: str = "") -> bool:
        """Tell of a rejection, see `Telling.rejected`; whether on-call hears of it, not only the bus."""
        number = self.refusals.next_of_the_day(telling.endpoint, self.now())
        event = telling.rejected(refusal, record, number, target_model)
        self.bus.publish([(event.detail_type, event.model_dump_json())])
        metrics.count("ArtifactsRejected", reason=refusal.code)
        logger.warning(
            "Rejected",
            extra={"decision": "rejected", "reason": refusal.code, "why": event.reason, "quiet": event.quiet},
        )
        return not event.quiet

    def _moved(self, record: ModelRecord, current: Version, telling: Telling) -> bool:
        name = pointer_name(record.endpoint, record.model)
        try:
            self.pointers.move(name, current.target_model)
        except StepRefused as refused:
            refusal = Refusal(
                "pointer-refused", f"The pointer {name} could not be moved: {refused}", passing=True
            )
            before = record.model_copy(update={"current": record.pointer})
            self.reject(refusal, before, _about(current, telling), current.target_model)
            return False
        metrics.count("PointersMoved")
        logger.info(
            "Pointer moved",
            extra={"decision": "pointed", "pointer": name, "target_model": current.target_model},
        )
        return True

    def _put_in_place(self, record: ModelRecord, current: Version, telling: Telling) -> bool:
        bucket, key, prefix = current.where
        wanted = in_place_key(record.model)
        ours = marks(record.endpoint, record.model, current.label, current.source.identity)
        try:
            self.shelf.put_in_place(bucket, key, prefix + wanted, ours)
        except KeyTaken:
            refusal = Refusal(
                "key-taken",
                f"Something that Stationkeeper did not put there lies at s3://{bucket}/{prefix}{wanted}. It is left alone; "
                "callers that follow the pointer get the new version.",
                "Move it away once nobody calls it, or take off the tag stationkeeper:in-place",
                passing=True,
            )
        except ArtifactRefused as refused:
            refusal = refused.refusal
        else:
            return True
        self.reject(refusal, record, _about(current, telling), current.target_model)
        return False

    def _deleted(self, version: Version) -> bool:
        bucket, key, _ = version.where
        if not self.shelf.delete(bucket, key, version.etag):
            logger.warning("Kept for good", extra={"decision": "not-ours", "thing": version.uri})
        metrics.count("ArtifactsRetired")
        logger.info("Retired", extra={"decision": "retired", "thing": version.uri})
        return True


def _about(version: Version, telling: Telling) -> Telling:
    """What is told of another version than the one the event was about."""
    return replace(telling, source=version.source, named_by="")
