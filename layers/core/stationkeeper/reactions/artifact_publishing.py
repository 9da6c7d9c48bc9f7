"""Publish one artifact: check it, copy it to a key of its own, call it once if asked, then send callers to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from stationkeeper.alerts.text import plain
from stationkeeper.artifacts.naming import marks, nameless, told_apart, version_key
from stationkeeper.artifacts.place import Place
from stationkeeper.artifacts.record import ModelRecord, Refused, Source, Version
from stationkeeper.artifacts.refusal import ArtifactRefused, Refusal
from stationkeeper.artifacts.settings import ArtifactSettings
from stationkeeper.artifacts.stored import Checked, KeyTaken, Stored
from stationkeeper.artifacts.telling import Telling
from stationkeeper.artifacts.warm_up import WarmUp
from stationkeeper.errors import MemoryConflict, StillLoading
from stationkeeper.events.artifact_events import ArtifactRejected
from stationkeeper.events.domain import DomainEvent
from stationkeeper.reactions.artifact_places import Places
from stationkeeper.reactions.artifact_settling import Settling
from stationkeeper.reactions.outbox import entry
from stationkeeper.telemetry import logger, metrics

_LOOKS = 20
_LOADS_FOR = timedelta(hours=1)
"""A model that has not answered by then is refused."""


class Store(Protocol):
    def check(self, uri: str, unless_etag: str = "") -> Checked | None:
        """Read an artifact to its end; None when it still is what was refused before. Raises `ArtifactRefused`, or passing faults."""

    def publish(self, artifact: Checked, bucket: str, key: str, marks: Mapping[str, str]) -> Stored:
        """Copy what was checked to a new key; again it is the same. Raises `KeyTaken`, `ArtifactRefused`, or passing faults."""


class WarmUps(Protocol):
    def call(self, endpoint: str, target_model: str, payload_uri: str, content_type: str) -> WarmUp:
        """Call a model once, waiting until it is loaded."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version that should be published; `payload_uri` is of the request that warms it up, "" for none."""

    settings: ArtifactSettings
    source: Source
    model: str
    telling: Telling
    asked_at: datetime
    """When what made us look happened."""
    payload_uri: str = ""
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Publishing:
    places: Places
    store: Store
    warm_ups: WarmUps
    settling: Settling

    def publish(self, candidate: Candidate, record: ModelRecord) -> bool:
        """Publish a version, unless it is published; whether it is, or soon will be by another copy.

        `record` as it is stored. Raises passing faults: the queue delivers the event again, and what is done by then is found done.
        """
        source = candidate.source
        if source.kind == "training-job" and record.made_of(source.arn):  # deleted ones too
            self.finish(candidate, record)
            return True
        place = self.places.of(candidate.settings.endpoint)
        if isinstance(place, Refusal):
            self.refuse(candidate, place, record)
            return False
        if record.published(source, place):
            self.finish(candidate, record)
            return True
        known = record.refusal(source.identity)
        try:
            artifact = self.store.check(source.artifact_uri, known.etag if known else "")
            if artifact is None:
                self._still_refused(candidate, record, known.code if known else "")
                return False
            label, stored = self._stored(artifact, candidate, record, place)
        except ArtifactRefused as refused:
            # What may be mended without a new artifact is read again, though it is the same.
            self.refuse(candidate, refused.refusal, record, "" if refused.refusal.passing else refused.etag)
            return False
        target_model = version_key(candidate.model, label)
        warm_up = self._warm_up(candidate, place, target_model)
        if candidate.settings.warm_up and not (warm_up.answered or warm_up.failed):
            self.refuse(candidate, _not_tried(candidate, warm_up), record)
            return False
        version = Version(
            source=source,
            generation=0,
            label=label,
            target_model=target_model,
            uri=place.uri(target_model),
            etag=stored.etag,
            size_bytes=stored.size,
            unpacked_bytes=artifact.unpacked_bytes,
            files=artifact.files,
            in_place=candidate.settings.in_place,
            published_at=candidate.telling.at,
            failed=warm_up.said if warm_up.failed else "",
        )
        self._put_into_service(candidate, record, place, version, warm_up)
        return not warm_up.failed

    def finish(self, candidate: Candidate, record: ModelRecord) -> None:
        """Of a version that is published: what an earlier try may have left undone."""
        if record.settled:
            logger.info("Ignored", extra={"decision": "ignored", "reason": "it is published"})
            return
        self.settling.tidy(candidate.settings.endpoint, candidate.model, candidate.telling)

    def refuse(self, candidate: Candidate, refusal: Refusal, record: ModelRecord, etag: str = "") -> None:
        """Tell that a version is not published, and remember it, so that it is told once.

        It is written down with what is to be said: who is interrupted after that says it, and counts it no more.
        """
        source, endpoint = candidate.source, candidate.settings.endpoint
        model = candidate.model or nameless(source.arn)
        event: ArtifactRejected | None = None
        for _ in range(_LOOKS):
            known = record.refusal(source.identity)
            if known is not None and known.code == refusal.code and known.etag == etag:
                self._still_refused(candidate, record, refusal.code)
                return
            if event is None:
                refused, event = self.settling.rejection(refusal, record, candidate.telling, etag=etag)
            # Only who knows how the endpoint is called names a record that has versions: its pointer is called so.
            named = record if record.versions else record.named(endpoint, model)
            changed = named.with_refusals(refused).saying(entry(event))
            try:
                self.settling.settle(endpoint, model, changed, candidate.telling)
            except MemoryConflict:
                record = self.settling.records.recall(endpoint, model)
                continue
            return
        raise MemoryConflict(f"the record of {endpoint}/{model} kept changing; tried again later")

    def _still_refused(self, candidate: Candidate, record: ModelRecord, code: str) -> None:
        """It was told, unless an earlier try was interrupted before that."""
        logger.info("Still refused", extra={"decision": "refused-before", "reason": code})
        if not record.settled:
            model = candidate.model or nameless(candidate.source.arn)
            self.settling.tidy(candidate.settings.endpoint, model, candidate.telling)

    def _stored(
        self, artifact: Checked, candidate: Candidate, record: ModelRecord, place: Place
    ) -> tuple[str, Stored]:
        """Copy it to a key of its own; the label in that key, and what lies there."""
        source = candidate.source
        plain_label = str(source.number)
        for label in (plain_label, told_apart(plain_label, source.identity, artifact.etag)):
            target_model = version_key(candidate.model, label)
            before = record.at(place.uri(target_model))
            if before is not None and before.source.identity != source.identity:
                continue  # deleted or not: an instance may have it loaded
            ours = marks(place.endpoint, candidate.model, label, source.identity, artifact.etag)
            try:
                return label, self.store.publish(artifact, place.bucket, place.prefix + target_model, ours)
            except KeyTaken:
                facts = {"decision": "another-key", "thing": plain(place.uri(target_model), 300)}
                logger.warning("Key taken", extra=facts)
        raise ArtifactRefused(
            Refusal(
                "key-taken",
                f"Something else lies where version {plain_label} of {candidate.model} belongs, and nothing is ever overwritten.",
                f"Look at what lies under s3://{place.bucket}/{place.prefix}{candidate.model}/",
            ),
            artifact.etag,
        )

    def _warm_up(self, candidate: Candidate, place: Place, target_model: str) -> WarmUp:
        if not candidate.payload_uri:
            return WarmUp()
        warm_up = self.warm_ups.call(
            place.endpoint, target_model, candidate.payload_uri, candidate.content_type
        )
        if warm_up.loading and candidate.telling.at - candidate.asked_at < _LOADS_FOR:
            raise StillLoading(f"{target_model} of {place.endpoint}: {warm_up.said}; tried again later")
        facts = {
            "decision": "warmed" if warm_up.answered else "not-warmed",
            "reason": plain(warm_up.said, 300),
        }
        logger.info("Warm-up", extra=facts)
        return warm_up

    def _put_into_service(
        self,
        candidate: Candidate,
        record: ModelRecord,
        place: Place,
        version: Version,
        warm_up: WarmUp,
    ) -> None:
        """Write the version down, over whatever others wrote meanwhile, and send callers to it if it is the newest."""
        endpoint, model, telling = candidate.settings.endpoint, candidate.model, candidate.telling
        owners = record.owner.lower(), version.source.owner.lower()
        failure = self._failure(version, record, telling)
        for _ in range(_LOOKS):
            # By another copy of the function, at the same moment?
            if record.published(version.source, place):
                self.finish(candidate, record)
                return
            if record.owner.lower() not in owners:
                raise MemoryConflict(
                    f"{endpoint}/{model} was taken over by {record.owner}; tried again later"
                )
            changed = record.named(place.endpoint, model).with_owner(version.source.owner)
            changed = changed.model_copy(update={"on_call": telling.on_call})
            changed = changed.with_version(version.model_copy(update={"generation": changed.generation}))
            changed = changed.pointed(place, self.settling.now())
            if failure is None:
                mended = record.mended_by(version)
                event: DomainEvent = telling.published(
                    version, changed, record, warmed=warm_up.answered, mended=mended
                )
            else:
                refused, event = failure
                changed = changed.with_refusals(refused)
            try:
                stored = self.settling.settle(endpoint, model, changed.saying(entry(event)), telling)
            except MemoryConflict:
                record = self.settling.records.recall(endpoint, model)
                continue
            pointed = stored.current == version.uri
            facts = {"thing": plain(version.uri, 300), "pointed": pointed}
            if failure is None:
                metrics.count("ArtifactsPublished")
                logger.info("Published", extra={"decision": "published", **facts})
            else:
                logger.info("Kept back", extra={"decision": "kept-back", **facts})
            return
        raise MemoryConflict(f"the record of {endpoint}/{model} kept changing; tried again later")

    def _failure(
        self, version: Version, record: ModelRecord, telling: Telling
    ) -> tuple[Refused, DomainEvent] | None:
        """What is remembered and said of a version that failed its warm-up; None when it did not."""
        if not version.failed:
            return None
        refusal = Refusal(
            "warm-up",
            f"The new version was called before anybody is sent to it, and failed: {version.failed}",
            "See what its container logged; mend what it says, and train again",
        )
        return self.settling.rejection(refusal, record, telling)


def _not_tried(candidate: Candidate, warm_up: WarmUp) -> Refusal:
    why = warm_up.said or "no sample payload was registered with it"
    return Refusal(
        "warm-up-not-tried",
        f"The tag stationkeeper:warm-up={plain(candidate.settings.warm_up, 120)} asks for a call before anybody is sent to the new version, "
        f"and none could be made: {why}.",
        "Name a request that can be read, like s3://bucket/request.csv, or take the tag off",
        passing=True,
    )
