"""What every part of the simulation shares: the time, the agenda, the way out for events, the plans."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from embedded_aws.moto_additions.sagemaker.agenda import Agenda
from embedded_aws.moto_additions.sagemaker.event_stream import EventStream
from embedded_aws.moto_additions.sagemaker.outcomes import OutcomePlan


@dataclass
class Durations:
    """How long things take, in seconds of the virtual clock."""

    creating: float = 600.0
    provisioning: float = 480.0
    rolling_back: float = 240.0
    scaling: float = 180.0
    deleting: float = 60.0
    model_package: float = 0.0
    schedule_pending: float = 120.0
    stopping: float = 60.0
    processing_job: float = 300.0
    # From the creation of a training or transform job to the moment its instances work.
    launching: float = 120.0
    training: float = 600.0
    transforming: float = 300.0
    # A step of a pipeline that runs no job.
    pipeline_step: float = 60.0


@dataclass
class Stage:
    agenda: Agenda
    events: EventStream
    plan: OutcomePlan = field(default_factory=OutcomePlan)
    durations: Durations = field(default_factory=Durations)
    # ARNs of endpoint configurations and models that were deleted while an endpoint ran on them.
    deleted_while_referenced: list[str] = field(default_factory=list)

    def now(self) -> datetime:
        """The time as the service keeps it: UTC, in milliseconds."""
        return datetime.fromtimestamp(round(self.agenda.now(), 3), UTC)
