"""Domain events as consumers receive them from the bus."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from stationkeeper.events.alarm_events import AlarmCleared, AlarmRaised
from stationkeeper.events.artifact_events import ArtifactPublished, ArtifactRejected, ArtifactWithdrawn
from stationkeeper.events.domain import DomainEvent, MonitorBlind, MonitorRecovered, ViolationsDetected
from stationkeeper.events.envelope import Envelope
from stationkeeper.events.job_events import JobFailed, JobStopped, JobSucceeded
from stationkeeper.events.release_events import (
    ApprovalRequested,
    ReleaseBlocked,
    ReleaseRolledBack,
    ReleaseStarted,
    ReleaseSucceeded,
)
from stationkeeper.events.retraining_events import RetrainingSkipped, RetrainingStarted

_TYPES: dict[str, type[DomainEvent]] = {
    event.detail_type: event
    for event in (
        ViolationsDetected,
        MonitorBlind,
        MonitorRecovered,
        ApprovalRequested,
        ReleaseStarted,
        ReleaseSucceeded,
        ReleaseRolledBack,
        ReleaseBlocked,
        ArtifactPublished,
        ArtifactRejected,
        ArtifactWithdrawn,
        AlarmRaised,
        AlarmCleared,
        RetrainingStarted,
        RetrainingSkipped,
        JobFailed,
        JobStopped,
        JobSucceeded,
    )
}
DETAIL_TYPES = tuple(_TYPES)


def from_detail(detail_type: str, detail: dict[str, Any]) -> DomainEvent:
    """The event of a detail-type; a pydantic `ValidationError` names what is wrong with its detail."""
    return _TYPES[detail_type].model_validate(detail)


def _known_detail_type(value: Any) -> Any:
    if value not in _TYPES:
        raise ValueError(f"not one of {', '.join(sorted(_TYPES))}")
    return value


class DomainEventOnBus(Envelope):
    """A domain event as its consumers receive it."""

    source: Literal["stationkeeper"]
    detail_type: Annotated[str, BeforeValidator(_known_detail_type)] = Field(alias="detail-type")
    detail: dict[str, Any]
