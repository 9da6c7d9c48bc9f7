"""Bring a model's pointer to where its record says: one copy of the function at a time, until both agree."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from stationkeeper.artifacts.naming import in_place_key, marks, pointer_name
from stationkeeper.artifacts.record import ModelRecord, Refused, Version
from stationkeeper.artifacts.refusal import ArtifactRefused, Refusal
from stationkeeper.artifacts.stored import KeyTaken
from stationkeeper.artifacts.telling import Telling
from stationkeeper.errors import MemoryConflict, StepRefused, UnderWay
from stationkeeper.events.artifact_events import ArtifactRejected
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
        """Delete a version, if it is still what was published; False when it may not be."""

    def is_there(self, bucket: str, key: str, etag: str) -> bool:
        """Whether a version still lies where it was published."""


class Refusals(Protocol):
    def next_of_the_day(self, endpoint: str, at: datetime, what: str) -> int:
        """Count a rejection; how many there were on that day. One of the first ten is counted once, however often it is tried."""


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

    def finish(
        self, endpoint: str, model: str, record: ModelRecord, telling: Telling, gone: tuple[str, ...] = ()
    ) -> None:
        """Do what a record asks for, whose lease is ours, then give the lease back.

        `gone` are addresses of versions that were deleted under it.

        Raises
        ------
        UnderWay
            Others kept changing the record, or what lies in place; what is left is done when the event comes again.
        """
        progress = _Progress(record)
        for _ in range(_LOOKS):
            current = record.serving
            if current is not None:
                self._bring_pointer(record, current, telling, progress)
                self._bring_in_place(record, current, telling, progress)
            agreed = current is None or progress.pointer == current.uri
            unsaid = [
                one
                for one in record.outbox
                # What says where callers are sent waits until they are.
                if one["id"] not in progress.said and (agreed or one["detail_type"] == "ArtifactRejected")
            ]
            if unsaid:
                self.bus.publish([(one["detail_type"], one["detail"]) for one in unsaid])
                progress.said |= {one["id"] for one in unsaid}
            try:
                self.records.remember(endpoint, model, progress.noted_in(record, gone, self.now()))
            except MemoryConflict:
                record = self.records.recall(endpoint, model)
                continue
            return
        raise UnderWay(f"the record of {endpoint}/{model} did not come to rest")

    def tidy(self, endpoint: str, model: str, telling: Telling) -> None:
        """Finish what was left undone, and delete the versions that nobody was sent to for long enough.

        Raises
        ------
        UnderWay
            Another copy is at it; if it died, the next try finds its lease over.
        """
        for _ in range(_LOOKS):
            record = self.records.recall(endpoint, model)
            due = record.due(self.now(), timedelta(days=self.keep_days))
            if record.settled and not due:
                logger.info("Nothing to do", extra={"decision": "settled"})
                return
            if record.leased(self.now()):
                raise UnderWay(f"another copy is at the record of {endpoint}/{model}")
            claimed = record.retiring(one.uri for one in due).with_lease(self.token(), self.now())
            try:
                record = self.records.remember(endpoint, model, claimed)
            except MemoryConflict:
                continue
            gone = tuple(one.uri for one in due if self._deleted(one))
            self.finish(endpoint, model, record, telling, gone)
            return
        raise MemoryConflict(f"the record of {endpoint}/{model} kept changing; tried again later")

    def rejection(
        self,
        refusal: Refusal,
        record: ModelRecord,
        telling: Telling,
        *,
        identity: str = "",
        target_model: str = "",
        etag: str = "",
    ) -> tuple[Refused, ArtifactRejected]:
        """Count a rejection: what is to be remembered of it, and what is to be said; see `Telling.rejected`.

        `identity`: of what could not be done, where that is not the publication of the source itself.
        """
        source = telling.source
        what = f"{identity or source.identity} {refusal.code} {etag}"
        # An endpoint that is not there has no name of its own: a wrong tag on 10,000 jobs may be 10,000 names.
        endpoint = "-" if refusal.code == "no-endpoint" else telling.endpoint
        number = self.refusals.next_of_the_day(endpoint, self.now(), what)
        event = telling.rejected(refusal, record, number, target_model, etag)
        metrics.count("ArtifactsRejected", reason=refusal.code)
        logger.warning(
            "Rejected",
            extra={"decision": "rejected", "reason": refusal.code, "why": event.reason, "quiet": event.quiet},
        )
        refused = Refused(
            identity=identity or source.identity,
            source_arn=source.arn,
            number=source.number,
            owner=source.owner,
            code=refusal.code,
            passing=refusal.passing,
            etag=etag,
            incident=event.incident,
            loud=not event.quiet,
            at=event.at,
        )
        return refused, event

    def taken_back_today(self, telling: Telling) -> int:
        """Count a version that is taken back, or approved again: how many there were of the endpoint on that day."""
        what = f"{telling.source.identity} {telling.event_id}"
        return self.refusals.next_of_the_day(f"{telling.endpoint}#taken-back", self.now(), what)

    def still_there(self, version: Version) -> bool:
        """Whether callers could be sent back to a version."""
        bucket, key, _ = version.where
        return self.shelf.is_there(bucket, key, version.etag)

    def _bring_pointer(
        self, record: ModelRecord, current: Version, telling: Telling, progress: "_Progress"
    ) -> None:
        if progress.pointer == current.uri and progress.pointer_is_sure:
            return
        name = pointer_name(record.endpoint, record.model)
        try:
            self.pointers.move(name, current.target_model)
        except StepRefused as refused:
            why = f"The pointer {name} could not be moved: {refused}"
            before = record.model_copy(update={"current": record.pointer})
            refusal = Refusal("pointer-refused", why, passing=True)
            self._say_once(refusal, "pointer", before, current, telling, progress)
            return
        progress.moved_to(current.uri)
        metrics.count("PointersMoved")
        logger.info(
            "Pointer moved",
            extra={"decision": "pointed", "pointer": name, "target_model": current.target_model},
        )

    def _bring_in_place(
        self, record: ModelRecord, current: Version, telling: Telling, progress: "_Progress"
    ) -> None:
        if not record.wants_in_place or progress.in_place == current.uri:
            return
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
            self._say_once(refusal, "in place", record, current, telling, progress)
        except ArtifactRefused as refused:
            self._say_once(refused.refusal, "in place", record, current, telling, progress)
        except MemoryConflict as conflict:
            raise UnderWay(str(conflict)) from conflict
        else:
            progress.in_place = current.uri
            logger.info("In place", extra={"decision": "in-place", "target_model": wanted})

    def _say_once(
        self,
        refusal: Refusal,
        what: str,
        record: ModelRecord,
        current: Version,
        telling: Telling,
        progress: "_Progress",
    ) -> None:
        """Tell of something that could not be done for a published version; not again while it is the same."""
        identity = f"{what} {current.source.identity}"
        known = (record.refusal(identity), *progress.refused)
        if any(one is not None and (one.identity, one.code) == (identity, refusal.code) for one in known):
            logger.info("Still refused", extra={"decision": "refused-before", "reason": refusal.code})
            return
        about = replace(
            telling,
            source=current.source,
            named_by="",
            endpoint=record.endpoint,
            on_call=record.on_call or telling.on_call,
        )
        refused, event = self.rejection(
            refusal, record, about, identity=identity, target_model=current.target_model
        )
        self.bus.publish([(event.detail_type, event.model_dump_json())])
        progress.refused.append(refused)

    def _deleted(self, version: Version) -> bool:
        bucket, key, _ = version.where
        if not self.shelf.delete(bucket, key, version.etag):
            metrics.count("ArtifactsNotDeleted")  # it stays marked: the next look tries again
            return False
        metrics.count("ArtifactsRetired")
        logger.info("Retired", extra={"decision": "retired", "thing": version.uri})
        return True


class _Progress:
    """What one copy of the function did since it took the lease: true whatever others write into the record meanwhile."""

    def __init__(self, record: ModelRecord) -> None:
        self.pointer, self.in_place = record.pointer, record.in_place
        self.pointer_is_sure = not record.unsure
        self.said: set[str] = set()
        self.refused: list[Refused] = []
        self._left: set[str] = set()

    def moved_to(self, uri: str) -> None:
        self._left.add(self.pointer)
        self.pointer, self.pointer_is_sure = uri, True

    def noted_in(self, record: ModelRecord, gone: tuple[str, ...], now: datetime) -> ModelRecord:
        """The record with all of it, and without the lease."""
        noted = record.retired(gone).with_refusals(*self.refused).left(self._left - {self.pointer}, now)
        return noted.model_copy(
            update={
                "pointer": self.pointer,
                "in_place": self.in_place,
                "unsure": not self.pointer_is_sure,
                "outbox": tuple(one for one in record.outbox if one["id"] not in self.said),
                "lease": None,
            }
        )
