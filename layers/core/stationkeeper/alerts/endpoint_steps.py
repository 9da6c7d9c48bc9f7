"""What on-call may do next about an endpoint and the alarms that watch it."""

from collections.abc import Iterable
from datetime import datetime
from urllib.parse import quote

from stationkeeper.alerts.commands import aws, utc
from stationkeeper.alerts.layout import Step, cloudwatch_console, endpoint_page
from stationkeeper.alerts.text import quoted
from stationkeeper.events.domain import DomainEvent

_ALARMS_LOOKED_AT = 2
_ALARMS_SHOWN = 3


def watched(event: DomainEvent, what: str = "Watch it") -> Step:
    """Status, config and failure reason of the endpoint."""
    named = f"--endpoint-name {quoted(event.endpoint)}"
    query = "--query '[EndpointStatus,EndpointConfigName,FailureReason]'"
    return Step(what, (aws(event, "sagemaker describe-endpoint", named, query),))


def in_console(event: DomainEvent) -> Step:
    return Step("Look at it in the console, with its metrics", (endpoint_page(event),))


def metrics_page(event: DomainEvent) -> Step:
    """Invocations, errors and latency of each variant, ready to be drawn."""
    found = (
        f"search={quote(event.endpoint, safe='')};namespace=AWS/SageMaker;dimensions=EndpointName,VariantName"
    )
    page = f"{cloudwatch_console(event.region)}metricsV2:graph=~();{found}"
    return Step("See its calls, errors and latency", (page, endpoint_page(event)))


def instances_log(event: DomainEvent, what: str, since: datetime) -> Step:
    """What the endpoint's containers wrote."""
    group = quoted(f"/aws/sagemaker/Endpoints/{event.endpoint}")
    return Step(what, (aws(event, f"logs tail {group}", f"--since {utc(since)}"),))


def alarm_pages(event: DomainEvent, alarms: Iterable[str]) -> Step | None:
    names = list(alarms)[:_ALARMS_SHOWN]
    if not names:
        return None
    which = "the alarm" if len(names) == 1 else "the alarms"
    return Step(f"See {which} in CloudWatch", tuple(_alarm_page(event, name) for name in names))


def alarms_explained(event: DomainEvent, alarms: Iterable[str], since: datetime) -> Step | None:
    """When alarms went red. Without both types named, composite alarms have no history."""
    names = list(alarms)[:_ALARMS_LOOKED_AT]
    if not names:
        return None
    query = "--query 'AlarmHistoryItems[].[Timestamp,HistorySummary]' --output text"
    kind = (
        f"--alarm-types MetricAlarm CompositeAlarm --history-item-type StateUpdate --start-date {utc(since)}"
    )
    lines = []
    for name in names:
        named = f"--alarm-name {quoted(name)}"
        lines += [aws(event, "cloudwatch describe-alarm-history", named, "\\"), f"  {kind} \\", f"  {query}"]
    lines += [_alarm_page(event, name) for name in names]
    return Step(
        f"See when the alarm{'' if len(names) == 1 else 's'} went red; how far, in the console", tuple(lines)
    )


def _alarm_page(event: DomainEvent, name: str) -> str:
    return f"{cloudwatch_console(event.region)}alarmsV2:alarm/{quote(name, safe='')}"
