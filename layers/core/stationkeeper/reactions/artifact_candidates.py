"""From what was trained or approved to a candidate: which model it is of, whether it may be published as that, and how it is told."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from stationkeeper.alerts.text import plain
from stationkeeper.artifacts.naming import Named, model_name, nameless
from stationkeeper.artifacts.place import Place
from stationkeeper.artifacts.record import ModelRecord, Source, Version
from stationkeeper.artifacts.refusal import Refusal
from stationkeeper.artifacts.settings import ArtifactSettings, settings_of
from stationkeeper.artifacts.telling import Telling
from stationkeeper.errors import MemoryConflict
from stationkeeper.events.artifact_trigger import ArtifactTrigger
from stationkeeper.events.domain import DomainEvent
from stationkeeper.reactions.artifact_publishing import Candidate, Publishing
from stationkeeper.reactions.outbox import entry
from stationkeeper.releases.registry import group_name
from stationkeeper.telemetry import logger, metrics


class Tags(Protocol):
    def tags(self, arn: str) -> dict[str, str] | None:
        """Tags of a SageMaker resource; None when it is not there."""


@dataclass(frozen=True, slots=True)
class Candidates:
    tags: Tags
    publishing: Publishing
    on_call: str
    now: Callable[[], datetime]

    def recall(self, endpoint: str, model: str) -> ModelRecord:
        return self.publishing.settling.records.recall(endpoint, model)

    def bring(
        self,
        trigger: ArtifactTrigger,
        settings: ArtifactSettings,
        source: Source,
        *,
        problem: Refusal | None = None,
        record: ModelRecord | None = None,
        payload_uri: str = "",
        content_type: str = "",
    ) -> bool:
        """Publish a version, or tell why it cannot be; whether it is published.

        Parameters
        ----------
        problem : why there is nothing to publish, where that is known already.
        record : of its model as it is stored; None: it is asked for.
        payload_uri : the sample payload it was registered with.
        """
        named = model_name(settings.target_model, source.artifact_uri)
        model = named.model if isinstance(named, Named) else ""
        candidate = Candidate(
            settings=settings,
            source=source,
            model=model,
            telling=self.telling(
                trigger, settings, model, source, named.by if isinstance(named, Named) else ""
            ),
            asked_at=trigger.time,
            payload_uri=payload_uri if settings.warm_up.lower() == "on" else settings.warm_up,
            content_type=content_type,
        )
        if record is None:
            record = self.recall(settings.endpoint, model or nameless(source.arn))
        refusal = (
            _bad_endpoint(settings)
            or problem
            or (named if isinstance(named, Refusal) else None)
            # Asked last, as it may cost a call.
            or self._claimed_by_another(record, source, settings)
        )
        if refusal is not None:
            self.publishing.refuse(candidate, refusal, record)
            return False
        return self.publishing.publish(candidate, record)

    def follow(
        self, trigger: ArtifactTrigger, settings: ArtifactSettings, record: ModelRecord, changed: ModelRecord
    ) -> bool:
        """Send callers where a changed record says, and tell; finish what an earlier try left undone where nothing changed.

        Returns False when somebody else wrote meanwhile: look again.
        """
        settling = self.publishing.settling
        if changed == record:
            if not record.settled:
                telling = self._of_record(trigger, settings, record, record.versions[-1])
                settling.tidy(settings.endpoint, record.model, telling)
            return True
        before, serving = record.serving, changed.serving
        after = changed.at(before.uri) if before is not None else None
        telling = self._of_record(trigger, settings, record, before or record.versions[-1])
        if before is not None and after is not None and after.rejected and not before.rejected:
            event: DomainEvent = telling.withdrawn(after, changed, settling.taken_back_today(telling))
            changed = changed.saying(entry(event))
            metrics.count("ArtifactsWithdrawn")
        elif serving is not None and changed.current != record.current:
            telling = self._of_record(trigger, settings, record, serving)
            event = telling.published(serving, changed, record, again=settling.taken_back_today(telling))
            changed = changed.saying(entry(event))
        try:
            stored = settling.settle(settings.endpoint, record.model, changed, telling)
        except MemoryConflict:
            return False
        logger.info("Followed", extra={"decision": "pointed", "thing": plain(stored.current, 300)})
        return True

    def gone_back_to(self, record: ModelRecord, changed: ModelRecord, place: Place) -> ModelRecord:
        """A changed record, with callers sent back only to what is still there: somebody else may have deleted it."""
        while True:
            pointed = changed.pointed(place, self.now())
            serving = pointed.serving
            if serving is None or pointed.current == record.current:
                return pointed
            if self.publishing.settling.still_there(serving):
                return pointed
            logger.warning("Not there any more", extra={"decision": "gone", "thing": plain(serving.uri, 300)})
            changed = changed.retired([serving.uri])

    def _of_record(
        self, trigger: ArtifactTrigger, settings: ArtifactSettings, record: ModelRecord, version: Version
    ) -> Telling:
        """What is told of a version that is published: as its publication said it."""
        telling = self.telling(trigger, settings, record.model, version.source)
        on_call = settings.on_call or record.on_call or self.on_call
        return replace(telling, endpoint=record.endpoint, on_call=on_call)

    def telling(
        self,
        trigger: ArtifactTrigger,
        settings: ArtifactSettings,
        model: str,
        source: Source,
        named_by: str = "",
    ) -> Telling:
        return Telling(
            endpoint=settings.endpoint,
            model=model,
            source=source,
            named_by=named_by,
            account=trigger.account,
            region=trigger.region,
            on_call=settings.on_call or self.on_call,
            event_id=trigger.id,
            at=max(self.now(), trigger.time),
        )

    def _claimed_by_another(
        self, record: ModelRecord, source: Source, settings: ArtifactSettings
    ) -> Refusal | None:
        """What is wrong when two publish one model. A group may follow training jobs, or a group that is not tagged for it any more."""
        if not record.owner or source.owner.lower() == record.owner.lower():
            return None
        owner = settings_of(self.tags.tags(record.owner) or {})
        if owner.endpoint.lower() != settings.endpoint.lower() or owner.target_model not in (
            "",
            record.model,
        ):
            return None
        return Refusal(
            "another-source",
            f"Model {record.model} of endpoint {settings.endpoint} is published from the group {group_name(record.owner)}; it "
            "cannot have two sources.",
            "Take the tag stationkeeper:multi-model-endpoint off one of the two",
            passing=True,
        )


def _bad_endpoint(settings: ArtifactSettings) -> Refusal | None:
    if not settings.endpoint_problem:
        return None
    return Refusal("no-endpoint", settings.endpoint_problem, "Tag with the name of a multi-model endpoint")
