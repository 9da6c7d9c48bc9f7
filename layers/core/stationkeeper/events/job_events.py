"""Domain events about jobs and pipeline executions that ended."""

from typing import ClassVar

from pydantic import AwareDatetime

from stationkeeper.events.domain import Detail, DomainEvent
from stationkeeper.severity import Severity


class Retrained(Detail):
    """The retraining that something came out of, and the drift that started it."""

    incident: str
    execution_arn: str
    pipeline: str
    started_at: AwareDatetime
    drift: str
    drift_severity: Severity
    drift_since: AwareDatetime


class FailedStep(Detail):
    """The step of a pipeline execution that failed, with the job that it ran, if it ran one."""

    name: str
    kind: str
    reason: str = ""
    job_arn: str = ""
    log_group: str = ""


class JobEvent(DomainEvent):
    """What all events about a job share. `endpoint` is "" where the job belongs to none. Texts are cleaned and clipped."""

    at: AwareDatetime
    kind: str
    """`training`, `tuning`, `transform`, `processing` or `pipeline`."""
    job: str
    """Its name; of an execution, the pipeline's."""
    job_arn: str
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    log_group: str = ""
    purpose: str = ""
    """`baselining` or `retraining` where it was started here."""
    group: str = ""
    group_arn: str = ""
    version: int | None = None
    retrained: Retrained | None = None
    """The retraining it is, or is part of."""


class JobFailed(JobEvent):
    """It failed; or it ended well, and what was to be done with it could not be done."""

    detail_type: ClassVar[str] = "JobFailed"

    code: str = ""
    """SageMaker's own word for what failed, e.g. `AlgorithmError`; `register` when its model could not be registered."""
    reason: str = ""
    hint: str = ""
    exit_code: int | None = None
    passing: bool = False
    """Whether it may well succeed if it is simply started again."""
    step: FailedStep | None = None


class JobStopped(JobEvent):
    """Somebody, or a limit, stopped it."""

    detail_type: ClassVar[str] = "JobStopped"

    reason: str = ""


class JobSucceeded(JobEvent):
    """It ended well. Told of what was started here, and of what became a version of a group that nobody else tells of."""

    detail_type: ClassVar[str] = "JobSucceeded"

    registered: tuple[str, ...] = ()
    """ARNs of the versions that came out of it."""
    metrics: tuple[tuple[str, float], ...] = ()
