"""Domain events about releases: a version asks for approval, is released, rolled back, or cannot be released."""

from typing import ClassVar

from pydantic import AwareDatetime

from stationkeeper.events.domain import Detail, DomainEvent
from stationkeeper.events.job_events import Retrained


class ReleaseEvent(DomainEvent):
    """What all events of a release share. Texts from outside are cleaned and clipped."""

    group: str
    group_arn: str
    at: AwareDatetime
    version: int | None = None
    """The version the event is about."""
    package_arn: str | None = None
    serving: int | None = None
    """The version that serves now; None when it is none of this group, or nobody knows."""


class ReleaseStarted(ReleaseEvent):
    """SageMaker was asked to bring a version into service."""

    detail_type: ClassVar[str] = "ReleaseStarted"

    why: str
    traffic: str
    creating: bool = False
    alarms: tuple[str, ...] = ()
    """The alarms that roll it back."""
    notes: tuple[str, ...] = ()
    approved_by: str = ""
    approval_note: str = ""
    replaces: int | None = None


class ReleaseSucceeded(ReleaseEvent):
    """The version is in service, on the config that was asked for."""

    detail_type: ClassVar[str] = "ReleaseSucceeded"

    started_at: AwareDatetime
    replaced: int | None = None
    has: tuple[str, ...] = ()
    """What was set up: autoscaling, monitors."""
    notes: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    approved_by: str = ""
    kept_until: AwareDatetime | None = None
    """Until when what it replaced is kept."""


class ReleaseRolledBack(ReleaseEvent):
    """The version did not stay in service. It is not tried again unless somebody approves it anew."""

    detail_type: ClassVar[str] = "ReleaseRolledBack"

    started_at: AwareDatetime
    reason: str
    silent: bool = False
    """SageMaker gave no reason: only the endpoint's config told."""
    red_alarms: tuple[str, ...] = ()
    rejected: bool = True
    refusal: str = ""
    """Why the version could not be rejected in the registry."""
    approved_by: str = ""
    next_version: int | None = None
    """The version that is released instead."""


class ReleaseBlocked(ReleaseEvent):
    """Nothing can be released until a person acts; `code` tells the cases apart."""

    detail_type: ClassVar[str] = "ReleaseBlocked"

    code: str
    why: str
    advice: str = ""
    failure_reason: str = ""


class MetricCompared(Detail):
    """A metric of the candidate beside the live version's."""

    name: str
    candidate: float | None = None
    live: float | None = None


class ApprovalRequested(ReleaseEvent):
    """A version was registered and waits for somebody to approve it."""

    detail_type: ClassVar[str] = "ApprovalRequested"

    description: str = ""
    registered_at: AwareDatetime | None = None
    registered_by: str = ""
    metrics: tuple[MetricCompared, ...] = ()
    metrics_problem: str = ""
    live_metrics_problem: str = ""
    retrained: Retrained | None = None
    """The retraining it came out of, and the drift that started it."""
