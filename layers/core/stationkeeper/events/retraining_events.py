"""Domain events about retraining: a pipeline was started because of drift, or was not, and why."""

from typing import ClassVar

from pydantic import AwareDatetime

from stationkeeper.events.domain import Detail, DomainEvent
from stationkeeper.severity import Severity


class PassedParameter(Detail):
    """A parameter the execution was started with, and why."""

    name: str
    value: str
    why: str = ""


class RetrainingEvent(DomainEvent):
    """What all events about retraining share. `incident` is the drift's own."""

    at: AwareDatetime
    group: str
    group_arn: str
    pipeline: str
    pipeline_arn: str
    schedule: str
    """The monitoring schedule that found the drift."""
    schedule_arn: str = ""
    run_at: AwareDatetime | None = None
    """When the run that found it was due; its job is in `cause`."""
    drift: str
    """What was found, in a few words."""
    drift_severity: Severity
    drift_since: AwareDatetime
    serving: int | None = None
    """The version that serves meanwhile."""


class RetrainingStarted(RetrainingEvent):
    """A pipeline execution was started."""

    detail_type: ClassVar[str] = "RetrainingStarted"

    execution_arn: str
    parameters: tuple[PassedParameter, ...] = ()
    notes: tuple[str, ...] = ()
    not_again_before: AwareDatetime | None = None
    """When the cool-down ends."""


class RetrainingSkipped(RetrainingEvent):
    """Nothing was started; `code` tells the reasons apart."""

    detail_type: ClassVar[str] = "RetrainingSkipped"

    code: str
    why: str
    advice: str = ""
    execution_arn: str = ""
    """The execution that stands in the way."""
    version: int | None = None
    """The version that waits for approval."""
    package_arn: str | None = None
    until: AwareDatetime | None = None
    """Until when nothing is started."""
