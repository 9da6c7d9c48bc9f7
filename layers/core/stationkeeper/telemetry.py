"""Logs and metrics, the same way in every function.

One structured line per decision, with the keys `event_id`, `endpoint`, `monitoring_schedule`, `decision`, `severity`; metrics in
CloudWatch's embedded format, printed with the invocation. A metric with further dimensions is written as one of its own, so that
dimensions do not multiply with each other.
"""

from datetime import datetime

from aws_lambda_powertools import Logger, Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit

NAMESPACE = "Stationkeeper"
SERVICE = "stationkeeper"

logger = Logger(service=SERVICE, use_rfc3339=True, utc=True, serialize_stacktrace=False)


class _Metrics:
    """Counters, timers and values of this service."""

    def __init__(self) -> None:
        self.of_invocation = Metrics(namespace=NAMESPACE, service=SERVICE)

    def count(self, name: str, number: int = 1, **dimensions: str) -> None:
        self._write(name, MetricUnit.Count, number, dimensions)

    def milliseconds(self, name: str, number: float, **dimensions: str) -> None:
        self._write(name, MetricUnit.Milliseconds, number, dimensions)

    def value(self, name: str, number: float, **dimensions: str) -> None:
        self._write(name, MetricUnit.Count, number, dimensions)

    def _write(self, name: str, unit: MetricUnit, number: float, dimensions: dict[str, str]) -> None:
        if not dimensions:
            self.of_invocation.add_metric(name=name, unit=unit, value=number)
            return
        with single_metric(name=name, unit=unit, value=number, namespace=NAMESPACE) as metric:
            metric.add_dimension(name="service", value=SERVICE)
            for dimension, value in dimensions.items():
                metric.add_dimension(name=dimension, value=value)


metrics = _Metrics()


def note_latency(event_time: datetime, now: datetime, reaction: str) -> None:
    """How long it took from the event to the action, in milliseconds."""
    metrics.milliseconds(
        "ReactionLatency", max(0.0, (now - event_time).total_seconds() * 1_000), reaction=reaction
    )
