"""Logs and metrics, the same way in every function.

One structured line per decision, with the keys `event_id`, `endpoint`, `monitoring_schedule`, `decision`, `severity`; metrics in
CloudWatch's embedded format, printed with the invocation. A metric with further dimensions is written as one of its own, so that
dimensions do not multiply with each other.
"""

from datetime import datetime

from aws_lambda_powertools import Logger, Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

NAMESPACE = "Stationkeeper"
SERVICE = "stationkeeper"

logger = Logger(service=SERVICE, use_rfc3339=True, utc=True, serialize_stacktrace=False)


class _Printer(AmazonCloudWatchEMFProvider):
    """Says nothing when there is nothing to print: an invocation may write only metrics with dimensions of their own."""

    def flush_metrics(self, raise_on_empty_metrics: bool = False) -> None:  # noqa: FBT001, FBT002 - powertools' signature
        if self.metric_set:
            super().flush_metrics(raise_on_empty_metrics)


class _Metrics:
    """Counters, timers and values of this service."""

    def __init__(self) -> None:
        self.of_invocation = Metrics(provider=_Printer(namespace=NAMESPACE, service=SERVICE))

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
    """How long it took from the event to the end of its reaction, in milliseconds; `react` notes it for every reaction."""
    metrics.milliseconds(
        "ReactionLatency", max(0.0, (now - event_time).total_seconds() * 1_000), reaction=reaction
    )


def note_ignored(reaction: str, why: str) -> None:
    """An event that calls for nothing; why is said in the log alone, so that reasons cannot multiply metrics."""
    metrics.count("EventsIgnored", reaction=reaction)
    logger.info("Ignored", extra={"decision": "ignored", "reason": why})
