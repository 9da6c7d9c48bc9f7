"""How a retraining and the drift that started it are called, in messages about what came out of it."""

from stationkeeper.alerts.text import moment
from stationkeeper.events.domain import DomainEvent
from stationkeeper.events.job_events import Retrained
from stationkeeper.severity import Severity


def because_of(
    retrained: Retrained, event: DomainEvent, what: str = "It comes out of a retraining that"
) -> str:
    """That there was a retraining, why it was started, and where the drift was told; `what` begins the sentence."""
    return (
        f"{what} was started on {moment(retrained.started_at)} because of drift: "
        f"{found(retrained.drift, retrained.drift_severity)}, since {moment(retrained.drift_since)}. "
        f"{_thread(retrained, event)}"
    )


def retraining_facts(retrained: Retrained) -> tuple[tuple[str, str], ...]:
    return ("Pipeline", retrained.pipeline), ("Execution", retrained.execution_arn)


def found(drift: str, severity: Severity) -> str:
    """`2 features drifted (critical)`; how bad is not said twice."""
    drift = drift or "constraints were violated"
    return drift if severity.value in drift else f"{drift} ({severity.value})"


def _thread(retrained: Retrained, event: DomainEvent) -> str:
    if retrained.incident == event.incident:
        return f"The drift was told in this thread, #{event.incident}."
    return f"The drift was told in the thread #{retrained.incident}."
