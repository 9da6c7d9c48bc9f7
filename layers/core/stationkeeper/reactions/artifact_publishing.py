"""Publish one artifact: check it, copy it to a key of its own, call it once if asked, then send callers to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from stationkeeper.alerts.text import plain
from stationkeeper.artifacts.naming import in_place_key, marks, nameless, told_apart, version_key
from stationkeeper.artifacts.place import Place
from stationkeeper.artifacts.record import ModelRecord, Refused, Source, Version
from stationkeeper.artifacts.refusal import ArtifactRefused, Refusal
from stationkeeper.artifacts.settings import ArtifactSettings
from stationkeeper.artifacts.stored import Checked, KeyTaken, Stored
from stationkeeper.artifacts.telling import Telling
from stationkeeper.artifacts.warm_up import WarmUp
from stationkeeper.errors import MemoryConflict, StillLoading
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
        if record.published(candidate.source.identity):
            self.finish(candidate, record)
            return True
        place = self.places.of(candidate.settings.endpoint)
        if isinstance(place, Refusal):
            self.refuse(candidate, place, record)
            return False
        known = record.refusal(candidate.source.identity)
        try:
            artifact = self.store.check(candidate.source.artifact_uri, known.etag if known else "")
            if artifact is None:
                logger.info(
                    "Still refused", extra={"decision": "refused-before", "reason": known and known.code}
                )
                return False
            label, stored = self._stored(artifact, candidate, place)
        except ArtifactRefused as refused:
            self.refuse(candidate, refused.refusal, record, refused.etag)
            return False
        target_model = version_key(candidate.model, label)
        warm_up = self._warm_up(candidate, place, target_model)
        version = Version(
            source=candidate.source,
            generation=0,
            label=label,
            target_model=target_model,
            uri=place.uri(target_model),
            etag=stored.etag,
            size_bytes=stored.size,
            published_at=candidate.telling.at,
            failed=warm_up.said if warm_up.failed else "",
        )
        self._put_into_service(candidate, record, place, version, artifact, warm_up)
        return not warm_up.failed

    def finish(self, candidate: Candidate, record: ModelRecord) -> None:
        """Of a version that is published: what an earlier try may have left undone."""
        if record.settled:
            logger.info("Ignored", extra={"decision": "ignored", "reason": "it is published"})
            return
        self.settling.tidy(candidate.settings.endpoint, candidate.model, candidate.telling)

    def refuse(self, candidate: Candidate, refusal: Refusal, record: ModelRecord, etag: str = "") -> None:
        """Tell that a version is not published, and remember it, so that it is told once."""
        source, endpoint = candidate.source, candidate.settings.endpoint
        model = candidate.model or nameless(source.arn)
        known = record.refusal(source.identity)
        if known is not None and known.code == refusal.code and known.etag == etag:
            logger.info("Still refused", extra={"decision": "refused-before", "reason": refusal.code})
            return
        loud = self.settling.reject(refusal, record, candidate.telling)
        refused = Refused(
            identity=source.identity,
            source_arn=source.arn,
            code=refusal.code,
            passing=refusal.passing,
            etag=etag,
            incident=candidate.telling.incident_of_the_day,
            loud=loud,
            at=candidate.telling.at,
        )
        for _ in range(_LOOKS):
            changed = record.named(endpoint, model).with_refusal(refused)
            try:
                self.settling.records.remember(endpoint, model, changed)
            except MemoryConflict:
                record = self.settling.records.recall(endpoint, model)
                continue
            return
        raise MemoryConflict(f"the record of {endpoint}/{model} kept changing; tried again later")

    def _stored(self, artifact: Checked, candidate: Candidate, place: Place) -> tuple[str, Stored]:
        """Copy it to a key of its own; the label in that key, and what lies there."""
        source = candidate.source
        plain_label = str(source.number)
        for label in (plain_label, told_apart(plain_label, source.identity, artifact.etag)):
            key = place.prefix + version_key(candidate.model, label)
            ours = marks(place.endpoint, candidate.model, label, source.identity, artifact.etag)
            try:
                return label, self.store.publish(artifact, place.bucket, key, ours)
            except KeyTaken:
                logger.warning("Key taken", extra={"decision": "another-key", "thing": plain(key, 300)})
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
        artifact: Checked,
        warm_up: WarmUp,
    ) -> None:
        """Write the version down, over whatever others wrote meanwhile, and send callers to it if it is the newest."""
        endpoint, model, telling = candidate.settings.endpoint, candidate.model, candidate.telling
        if version.failed:
            self.settling.reject(
                Refusal(
                    "warm-up",
                    f"The new version was called before anybody is sent to it, and failed: {version.failed}",
                    "See what its container logged; mend what it says, and train again",
                ),
                record,
                telling,
            )
        for _ in range(_LOOKS):
            if record.published(
                version.source.identity
            ):  # by another copy of the function, at the same moment
                self.finish(candidate, record)
                return
            changed = record.named(place.endpoint, model).with_owner(version.source.owner)
            changed = changed.with_version(version.model_copy(update={"generation": changed.generation}))
            changed = changed.pointed(place, self.settling.now())
            changed = changed.model_copy(update={"wants_in_place": candidate.settings.in_place})
            if not version.failed:
                in_place = in_place_key(model) if candidate.settings.in_place else ""
                event = telling.published(
                    version, changed, record, artifact, in_place, warm_up, record.loud_refusal
                )
                changed = changed.saying(entry(event))
            try:
                stored = self.settling.settle(endpoint, model, changed, telling)
            except MemoryConflict:
                record = self.settling.records.recall(endpoint, model)
                continue
            pointed = stored.current == version.uri
            metrics.count("ArtifactsPublished")
            facts = {"decision": "published", "thing": plain(version.uri, 300), "pointed": pointed}
            logger.info("Published", extra=facts)
            return
        raise MemoryConflict(f"the record of {endpoint}/{model} kept changing; tried again later")
