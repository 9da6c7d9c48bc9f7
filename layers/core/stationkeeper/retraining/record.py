"""What is remembered of one pipeline's retrainings: the executions that were started here, and why.

Written before an execution is started and after, on condition that nobody else wrote it since: of several copies one leads, and after a
crash the same call is made again.
"""

from collections.abc import Mapping
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from stationkeeper.alerts.told import once_a_day
from stationkeeper.events.job_events import Retrained
from stationkeeper.events.retraining_events import PassedParameter
from stationkeeper.severity import Severity

_EXECUTIONS_KEPT = 20
_HANDLED_KEPT = 100


class Drift(BaseModel):
    """The drift that asks for retraining, as the event about it tells."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_id: str
    """Of the domain event."""
    incident: str
    severity: Severity
    since: AwareDatetime
    schedule: str
    schedule_arn: str
    words: str
    kinds: frozenset[str] = frozenset()
    run_at: AwareDatetime | None = None
    """When the run that found it was due."""
    job: str = ""
    """That run's."""


class Execution(BaseModel):
    """An execution that was started here; `arn` is "" before SageMaker said that it took it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    token: str
    drift: Drift
    endpoint: str
    group_arn: str
    asked_at: AwareDatetime
    on_call: str = ""
    parameters: tuple[PassedParameter, ...] = ()
    notes: tuple[str, ...] = ()
    arn: str = ""
    started_at: AwareDatetime | None = None
    """When SageMaker took it; a retry may come much later than it was meant."""

    @property
    def began_at(self) -> datetime:
        return self.started_at or self.asked_at


class RetrainingRecord(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    pipeline: str = ""
    executions: tuple[Execution, ...] = ()
    """Oldest first."""
    handled: tuple[str, ...] = ()
    """Ids of the domain events that were answered."""
    told: Mapping[str, str] = Field(default_factory=dict)
    outbox: tuple[Mapping[str, str], ...] = ()
    version: int = 0
    """Orders writes; 0 means nothing is stored."""

    @property
    def newest(self) -> Execution | None:
        return self.executions[-1] if self.executions else None

    @property
    def unfinished(self) -> Execution | None:
        """An execution that was about to be started when the function was cut off."""
        newest = self.newest
        return newest if newest is not None and not newest.arn else None

    def execution(self, arn: str) -> Execution | None:
        return next((one for one in self.executions if one.arn and one.arn.lower() == arn.lower()), None)

    def with_execution(self, execution: Execution) -> "RetrainingRecord":
        """With an execution begun, or brought up to date."""
        others = tuple(one for one in self.executions if one.token != execution.token)
        return self.model_copy(update={"executions": (*others, execution)[-_EXECUTIONS_KEPT:]})

    def without(self, execution: Execution) -> "RetrainingRecord":
        left = tuple(one for one in self.executions if one.token != execution.token)
        return self.model_copy(update={"executions": left})

    def handling(self, event_id: str) -> "RetrainingRecord":
        if event_id in self.handled:
            return self
        return self.model_copy(update={"handled": (*self.handled, event_id)[-_HANDLED_KEPT:]})

    def telling_once(self, subject: str, about: str, now: datetime) -> "RetrainingRecord | None":
        """The record once something that lasts was told; None when it was told within the day."""
        news = once_a_day(self.told, subject, about, now)
        return None if news is None else self.model_copy(update={"told": news[0]})


def retrained(execution: Execution, pipeline: str) -> Retrained:
    """What is told of a retraining in events about what came out of it."""
    drift = execution.drift
    return Retrained(
        incident=drift.incident,
        execution_arn=execution.arn,
        pipeline=pipeline,
        started_at=execution.began_at,
        drift=drift.words,
        drift_severity=drift.severity,
        drift_since=drift.since,
    )
