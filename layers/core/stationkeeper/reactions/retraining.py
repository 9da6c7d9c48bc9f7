"""Drift was found: start the pipeline that retrains the model, or say why not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pydantic import ValidationError

from stationkeeper.alerts.text import plain
from stationkeeper.errors import InvalidEvent, MemoryConflict, StepRefused, problems_of
from stationkeeper.events.domain import DomainEvent, ViolationsDetected
from stationkeeper.events.on_bus import DomainEventOnBus
from stationkeeper.reactions.opt_in import OptIn
from stationkeeper.reactions.outbox import EventBus, entry, say_what_is_pending
from stationkeeper.reactions.ports import NewestRuns, RememberedReleases, RetrainingRecords
from stationkeeper.releases.record import Record
from stationkeeper.releases.registry import Version
from stationkeeper.retraining.decision import (
    Begin,
    GiveUp,
    Leave,
    Listed,
    Pipeline,
    RetrainingLook,
    Skip,
    Started,
    decide,
)
from stationkeeper.retraining.record import Drift, Execution, RetrainingRecord
from stationkeeper.retraining.settings import RetrainingSettings, retraining_settings
from stationkeeper.retraining.telling import Telling, drift_of
from stationkeeper.severity import Severity
from stationkeeper.telemetry import logger, metrics, note_ignored

_LOOKS = 8


class Groups(Protocol):
    """Model package groups, and their versions."""

    def groups_of(self, endpoint: str) -> tuple[str, ...]: ...
    def waiting(self, group_arn: str) -> tuple[Version, ...]: ...


class Pipelines(Protocol):
    def arn(self, name: str) -> str: ...
    def pipeline(self, name: str) -> Pipeline | None: ...
    def executions(self, name: str) -> tuple[Listed, ...]: ...
    def start(self, request: Mapping[str, Any]) -> str:
        """Start an execution, safe to repeat; returns its ARN. Raises `StepRefused`, or passing faults."""


@dataclass(frozen=True, slots=True)
class Place:
    """What drifted, and what its retraining runs by."""

    drift: Drift
    endpoint: str
    group_arn: str
    settings: RetrainingSettings
    pipeline_arn: str
    """"" where the tag that names it cannot be read."""
    record: Record
    event: DomainEventOnBus

    @property
    def key(self) -> str:
        """What its record is remembered under."""
        return self.pipeline_arn or f"group {self.group_arn}"


@dataclass(frozen=True, slots=True)
class Retraining:
    """The reaction, over its ports.

    Calls of AWS: docs/architecture.md lists them, tests/integration/test_retraining_calls.py counts them.
    """

    groups: Groups
    opt_in: OptIn
    pipelines: Pipelines
    records: RetrainingRecords
    releases: RememberedReleases
    newest_runs: NewestRuns
    bus: EventBus
    on_call: str
    cool_down_hours: int
    now: Callable[[], datetime]

    def react(self, event: DomainEventOnBus) -> None:
        try:
            detail = ViolationsDetected.model_validate(event.detail)
        except ValidationError as error:
            raise InvalidEvent(f"detail of {event.detail_type}: {problems_of(error)}") from error
        with logger.append_context_keys(
            event_id=detail.cause.event_id,
            endpoint=plain(detail.endpoint, 63),
            incident=plain(detail.incident, 32),
        ):
            place = self._place(event, detail)
            if place is not None:
                self._retrain(place, max(self.now(), event.time))

    def _place(self, event: DomainEventOnBus, detail: ViolationsDetected) -> Place | None:
        record = self.releases.recall(detail.endpoint)
        found = [record.group_arn] if record.group_arn else self.groups.groups_of(detail.endpoint)
        if not found:
            _ignored("no model package group is released to this endpoint")
            return None
        group_arn = found[0]
        tags = self.opt_in.tags_of(group_arn, detail.endpoint)
        settings = retraining_settings(tags or {}, self.on_call, self.cool_down_hours)
        if settings is None:
            _ignored("the group names no retraining pipeline")
            return None
        drift = drift_of(detail)
        if drift.severity < settings.retrain_at:
            _ignored(f"below {settings.retrain_at.value}, where retraining starts")
            return None
        pipeline_arn = self.pipelines.arn(settings.pipeline) if settings.pipeline else ""
        return Place(drift, detail.endpoint, group_arn, settings, pipeline_arn, record, event)

    def _retrain(self, place: Place, now: datetime) -> None:
        """Look, and do what the look calls for, until this drift is answered."""
        for _ in range(_LOOKS):
            try:
                record = self._say(place, self.records.recall(place.key))
                if self._answer(place, record, now):
                    return
            except MemoryConflict:
                logger.info("Another copy was faster; looking again", extra={"decision": "again"})
        raise MemoryConflict(f"{place.key} did not come to rest in {_LOOKS} looks; tried again later")

    def _answer(self, place: Place, record: RetrainingRecord, now: datetime) -> bool:
        """Do what one look calls for; whether the drift is answered then."""
        telling = self._telling(place, now)
        if place.settings.pipeline is None:
            problem = Skip("unreadable-tags", "; ".join(place.settings.problems), Severity.WARNING)
            self._skip(place, record, problem, telling)
            return True
        if place.drift.event_id in record.handled and record.unfinished is None:
            logger.info("Nothing to do", extra={"decision": "known"})
            return True
        look = self._look(place, place.settings.pipeline, record, now)
        decision = decide(look)
        logger.info(
            "Looked",
            extra={
                "decision": type(decision).__name__.lower(),
                "reason": plain(str(getattr(decision, "why", "")), 300),
                "pipeline": place.settings.pipeline,
            },
        )
        match decision:
            case Leave():
                metrics.count("RetrainingsLeft")
                return True
            case Skip():
                self._skip(place, record, decision, telling)
                return True
            case GiveUp(execution):
                self._remember(place, record.without(execution))
                return False
            case Started(execution):
                self._started(place, record, execution, telling)
                return execution.drift.event_id == place.drift.event_id
            case Begin(execution):
                return self._begin(place, record, execution, telling)

    def _look(self, place: Place, pipeline: str, record: RetrainingRecord, now: datetime) -> RetrainingLook:
        described = self.pipelines.pipeline(pipeline)
        return RetrainingLook(
            drift=place.drift,
            settings=place.settings,
            group_arn=place.group_arn,
            endpoint=place.endpoint,
            pipeline=described,
            executions=self.pipelines.executions(pipeline) if described else (),
            waiting=self.groups.waiting(place.group_arn) if described else (),
            newest_runs=self.newest_runs.of(place.endpoint),
            record=record,
            now=now,
            serving=place.record.live.version if place.record.live else None,
        )

    def _begin(self, place: Place, record: RetrainingRecord, execution: Execution, telling: Telling) -> bool:
        # Written first: whoever comes next knows what was meant, and makes the same call.
        begun = self._remember(place, record.with_execution(execution))
        request = {
            "PipelineName": place.settings.pipeline,
            "PipelineExecutionDisplayName": execution.name,
            "PipelineExecutionDescription": plain(
                f"Started by Stationkeeper: {execution.drift.words} on endpoint {execution.endpoint}, incident "
                f"{execution.drift.incident}",
                1_000,
            ),
            "PipelineParameters": [{"Name": one.name, "Value": one.value} for one in execution.parameters],
            "ClientRequestToken": execution.token,
        }
        try:
            arn = self.pipelines.start(request)
        except StepRefused as refused:
            about = Skip("refused", str(refused), Severity.WARNING, _advice(refused))
            self._skip(place, begun.without(execution), about, telling)
            return True
        self._started(
            place, begun, execution.model_copy(update={"arn": arn, "started_at": telling.at}), telling
        )
        return execution.drift.event_id == place.drift.event_id

    def _started(
        self, place: Place, record: RetrainingRecord, execution: Execution, telling: Telling
    ) -> None:
        after = record.with_execution(execution).handling(execution.drift.event_id)
        cool_down = place.settings.cool_down
        told = telling.started(execution, execution.began_at + cool_down if cool_down else None)
        self._remember(place, after, told)
        metrics.count("RetrainingsStarted")

    def _skip(self, place: Place, record: RetrainingRecord, skip: Skip, telling: Telling) -> None:
        """Write down that nothing is started; on-call hears of each obstacle when it begins, and once a day."""
        metrics.count("RetrainingsSkipped", code=skip.code)
        after = record.handling(place.drift.event_id)
        news = after.telling_once(f"skipped {place.drift.incident}", skip.about, telling.at)
        if news is not None:
            self._remember(place, news, telling.skipped(skip))
        elif after is not record:
            self._remember(place, after)

    def _remember(self, place: Place, record: RetrainingRecord, *events: DomainEvent) -> RetrainingRecord:
        named = record.model_copy(
            update={
                "pipeline": place.settings.pipeline or "",
                "outbox": (*record.outbox, *map(entry, events)),
            }
        )
        return self._say(place, self.records.remember(place.key, named))

    def _say(self, place: Place, record: RetrainingRecord) -> RetrainingRecord:
        return say_what_is_pending(
            record,
            self.bus,
            remember=lambda one: self.records.remember(place.key, one),
            recall=lambda: self.records.recall(place.key),
            whose=place.key,
        )

    def _telling(self, place: Place, now: datetime) -> Telling:
        return Telling(
            drift=place.drift,
            group_arn=place.group_arn,
            endpoint=place.endpoint,
            pipeline=place.settings.pipeline or "",
            pipeline_arn=place.pipeline_arn,
            account=place.event.account,
            region=place.event.region,
            on_call=place.settings.on_call,
            event_id=place.event.detail["cause"]["event_id"],
            at=now,
            serving=place.record.live.version if place.record.live else None,
        )


def _ignored(why: str) -> None:
    note_ignored("retraining", why)


def _advice(refused: StepRefused) -> str:
    if refused.code in ("AccessDenied", "AccessDeniedException"):
        return "Add the pipeline to the stack's parameter RetrainingPipelineArns, and deploy"
    return ""
