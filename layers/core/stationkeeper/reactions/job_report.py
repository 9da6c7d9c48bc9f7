"""A job or a pipeline execution ended: tell what failed, and register the model of a job that asks for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from stationkeeper.alerts.text import plain
from stationkeeper.errors import StepRefused
from stationkeeper.events.domain import DomainEvent
from stationkeeper.events.job import Job, JobKind, JobStateChange
from stationkeeper.events.job_events import FailedStep
from stationkeeper.events.release_trigger import GROUP_TAG
from stationkeeper.jobs.registration import Impossible, Registered, TrainingJob, plan_registration
from stationkeeper.jobs.telling import Telling
from stationkeeper.reactions.outbox import EventBus
from stationkeeper.reactions.ports import RememberedRetrainings
from stationkeeper.releases.names import is_resource_name
from stationkeeper.retraining.record import Execution, RetrainingRecord, retrained
from stationkeeper.tags import TAG_PREFIX, TagReader
from stationkeeper.telemetry import logger, metrics, note_ignored


class JobSight(Protocol):
    def tags(self, arn: str) -> dict[str, str] | None: ...
    def training_job(self, name: str) -> TrainingJob | None: ...
    def best_training_job(self, tuning_job: str) -> str | None:
        """Name of the best training job of a tuning job; None when none was good."""

    def failed_step(self, execution_arn: str) -> FailedStep | None: ...
    def registered_by(self, execution_arn: str) -> tuple[str, ...]:
        """ARNs of the versions that an execution registered."""

    def failure_reason(self, execution_arn: str) -> str: ...
    def newest_versions(self, group: str) -> tuple[Registered, ...] | None:
        """The newest versions of a group; None when it is not there."""


class Registry(Protocol):
    def register(self, request: Mapping[str, Any]) -> str:
        """Make a version, safe to repeat; returns its ARN. Raises `StepRefused`, or passing faults."""


@dataclass(frozen=True, slots=True)
class JobReport:
    """The reaction, over its ports.

    It remembers nothing: events have the same id on every retry, and whether a model is registered the registry says. Calls of AWS:
    docs/architecture.md lists them, tests/integration/test_job_report.py counts them.
    """

    sight: JobSight
    registry: Registry
    retrainings: RememberedRetrainings
    bus: EventBus
    name_prefixes: tuple[str, ...]
    on_call: str
    group_arn: Callable[[str], str]

    def react(self, event: JobStateChange) -> None:
        job = event.detail
        with logger.append_context_keys(job=plain(job.pipeline or job.name, 100), job_kind=job.kind.value):
            why = _not_ours(job)
            if why:
                _ignored(why)
            elif job.kind is JobKind.PIPELINE:
                self._execution(event, job)
            else:
                self._job(event, job)

    def _execution(self, event: JobStateChange, job: Job) -> None:
        record = self.retrainings.recall(job.pipeline_arn)
        ours = record.execution(job.arn)
        if ours is not None:
            self._retraining(event, job, record, ours)
            return
        if not (job.failed or job.status == "Stopped"):
            _ignored("it ended well, and was not started here")
            return
        tags = self._tags(job, job.pipeline_arn)
        if not self._takes_part(job, tags):
            return
        self._tell(self._ended(self._telling(event, job, tags), job))

    def _retraining(self, event: JobStateChange, job: Job, record: RetrainingRecord, ours: Execution) -> None:
        telling = replace(
            self._telling(event, job, {}),
            endpoint=ours.endpoint,
            group_arn=ours.group_arn,
            on_call=ours.on_call or self.on_call,
            retrained=retrained(ours, record.pipeline),
        )
        if job.failed or job.status == "Stopped":
            self._tell(self._ended(telling, job))
        else:
            self._tell(telling.succeeded(self.sight.registered_by(job.arn), {}))

    def _job(self, event: JobStateChange, job: Job) -> None:
        tags = self._tags(job, job.arn)
        telling = self._telling(event, job, tags)
        if job.failed or job.status == "Stopped":
            if self._takes_part(job, tags) and not self._is_of_a_tuning(job):
                self._tell(self._ended(telling, job))
            return
        group = TagReader(tags).text("register-to")
        if not group or job.kind not in (JobKind.TRAINING, JobKind.TUNING):
            _ignored("it ended well, and is not to be registered")
            return
        self._register(job, group, tags, telling)

    def _register(self, job: Job, group: str, tags: Mapping[str, str], telling: Telling) -> None:
        if not is_resource_name(group):
            self._tell(telling.not_registered(_no_name(group)))
            return
        trained = self._trained(job)
        if trained is None:
            return
        group_arn = self.group_arn(group)
        group_tags = self.sight.tags(group_arn)
        known = self.sight.newest_versions(group) if group_tags is not None else None
        if known is None:
            self._tell(telling.not_registered(_no_group(group)))
            return
        reader = TagReader(group_tags or {})
        telling = replace(
            telling,
            endpoint=reader.text("endpoint"),
            group_arn=group_arn,
            on_call=TagReader(tags).text("on-call") or reader.text("on-call") or self.on_call,
        )
        if isinstance(trained, Impossible):
            self._tell(telling.not_registered(trained))
            return
        image = TagReader(tags).text("inference-image") or reader.text("inference-image")
        plan = plan_registration(trained, job.arn, group, image, known)
        if isinstance(plan, Impossible):
            self._tell(telling.not_registered(plan))
            return
        try:
            arn = plan.arn if isinstance(plan, Registered) else self.registry.register(plan.request)
        except StepRefused as refused:
            self._tell(telling.not_registered(Impossible(str(refused))))
            return
        logger.info("Registered", extra={"decision": "registered", "model_package_arn": arn})
        metrics.count("VersionsRegistered")
        if not telling.endpoint:  # of a group that is released somewhere, `release` asks for approval
            self._tell(telling.succeeded((arn,), trained.metrics))

    def _trained(self, job: Job) -> TrainingJob | Impossible | None:
        """The training job whose model is to be registered: the job itself, or the best of a tuning job; None: of that one's jobs."""
        name: str | None = job.name
        if job.kind is JobKind.TUNING:
            name = self.sight.best_training_job(job.name)
            if name is None:
                return Impossible(
                    f"None of the training jobs of {job.name} came to a result that can be compared.",
                    "Look at its training jobs: they failed, or reported no objective metric",
                )
        trained = self.sight.training_job(name or "")
        if job.kind is JobKind.TRAINING and _is_of_a_tuning(trained):
            return None
        return trained or Impossible(f"The training job {name} cannot be found.")

    def _ended(self, telling: Telling, job: Job) -> DomainEvent:
        """What is told of a job that failed or was stopped."""
        if job.status == "Stopped":
            return telling.stopped(job.failure_reason or job.exit_message, job.secondary_status)
        if job.kind is not JobKind.PIPELINE:
            return telling.failed(job.failure_reason or job.exit_message)
        step = self.sight.failed_step(job.arn)
        reason = job.failure_reason or (step.reason if step else "") or self.sight.failure_reason(job.arn)
        return telling.failed(reason, step)

    def _is_of_a_tuning(self, job: Job) -> bool:
        return job.kind is JobKind.TRAINING and _is_of_a_tuning(self.sight.training_job(job.name))

    def _takes_part(self, job: Job, tags: Mapping[str, str]) -> bool:
        """By a tag of ours, or by its name."""
        name = job.pipeline or job.name
        if any(key.startswith(TAG_PREFIX) for key in tags) or name.startswith(self.name_prefixes):
            return True
        _ignored("it carries no tag of ours, and its name begins with none of the stack's prefixes")
        return False

    def _tags(self, job: Job, arn: str) -> Mapping[str, str]:
        return job.tags if job.tags is not None else self.sight.tags(arn) or {}

    def _telling(self, event: JobStateChange, job: Job, tags: Mapping[str, str]) -> Telling:
        reader = TagReader(tags)
        return Telling(
            job=job,
            account=event.account,
            region=event.region,
            on_call=reader.text("on-call") or self.on_call,
            event_id=event.id,
            at=event.time,
            endpoint=reader.text("endpoint") or reader.text("multi-model-endpoint"),
        )

    def _tell(self, event: DomainEvent) -> None:
        self.bus.publish([(event.detail_type, event.model_dump_json())])
        metrics.count("JobsTold", kind=event.detail_type)
        logger.info(
            "Tells", extra={"decision": "told", "kind": event.detail_type, "incident": event.incident}
        )


def _not_ours(job: Job) -> str:
    """Why a job is nobody's business here; "" when it may be."""
    if not job.terminal:
        return f"it has not ended ({plain(job.status, 40)})"
    if job.monitoring_schedule_arn:
        return "it is a monitor's run: monitor_report judges it"
    if job.kind is JobKind.PROCESSING and (job.tags or {}).get(GROUP_TAG):
        return "it suggests baselines for a release: release looks at it"
    return ""


def _is_of_a_tuning(trained: TrainingJob | None) -> bool:
    """Whether a tuning job started it, and gave it its own tags: that job's end tells, and registers the best."""
    if trained is None or not trained.tuning_job_arn:
        return False
    _ignored("it is part of a tuning job, whose end counts")
    return True


def _no_name(group: str) -> Impossible:
    return Impossible(
        f"The tag stationkeeper:register-to is {plain(group, 80)!r}, which is no name of a model package group.",
        "Tag the next job with the name of a group of this account; register this model by hand",
    )


def _no_group(group: str) -> Impossible:
    return Impossible(
        f"There is no model package group {plain(group, 80)}, which the tag stationkeeper:register-to names.",
        "Create the group, then send the job's event again, or register the model by hand",
    )


def _ignored(why: str) -> None:
    note_ignored("job_report", why)
