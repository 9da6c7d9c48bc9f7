"""What was done about a run, as its page says it: from the domain events that other reactions published."""

from datetime import datetime

from stationkeeper.alerts.text import count, moment, plain
from stationkeeper.events.domain import (
    DomainEvent,
    MonitorBlind,
    MonitorEvent,
    MonitorRecovered,
    ViolationsDetected,
)
from stationkeeper.events.retraining_events import RetrainingEvent, RetrainingSkipped, RetrainingStarted
from stationkeeper.pages.record import RecordedDeed, RunKey


def run_of(event: DomainEvent) -> RunKey | None:
    """The run a domain event is about; None for what is about no run of a monitor."""
    match event:
        case MonitorEvent():
            return RunKey(event.schedule_arn, event.run_at, event.cause.job)
        case RetrainingEvent(run_at=run_at) if run_at is not None and event.schedule_arn and event.cause.job:
            return RunKey(event.schedule_arn, run_at, event.cause.job)
        case _:
            return None


def recorded(event: DomainEvent, at: datetime) -> RecordedDeed:
    """What a domain event of this time says was done, for the record of its run."""
    step = 2 if isinstance(event, RetrainingEvent) else 1
    return RecordedDeed(id=event.id, at=at, what=deed(event), step=step)


def deed(event: DomainEvent) -> str:
    """What a domain event says was done, in one sentence."""
    thread = f"incident #{plain(event.incident, 8)}"
    match event:
        case ViolationsDetected():
            return f"{_message(event)}: {_news(event)}; {thread}."
        case MonitorBlind():
            return f"{_message(event)}: the monitor is {'still ' if event.reminder else ''}blind; {thread}."
        case MonitorRecovered(of="blindness"):
            return f"{_message(event)}: the monitor sees again; {thread} is closed."
        case MonitorRecovered():
            return f"{_message(event)}: it is over; {thread} is closed."
        case RetrainingStarted():
            execution = plain(event.execution_arn, 300).rpartition("/")[2]
            return f"Started the retraining pipeline {plain(event.pipeline, 256)} (execution {execution}); {thread}."
        case RetrainingSkipped():
            until = f" Nothing is started before {moment(event.until)}." if event.until else ""
            return f"Did not start retraining: {plain(event.why, 500).rstrip('.')}.{until}"
        case _:
            raise TypeError(f"{event.detail_type} is about no run of a monitor")


def _message(event: DomainEvent) -> str:
    return f"Message to on-call ({plain(event.on_call, 64)})"


def _news(event: ViolationsDetected) -> str:
    violations = count(event.total, "violation")
    if event.newer_run_at is not None:
        return f"{violations}, as late news"
    if event.first:
        return f"{violations}, for the first time"
    if event.new or event.worse:
        news = (f"{event.new:,} new" if event.new else "", f"{event.worse:,} worse" if event.worse else "")
        return f"{violations}, {' and '.join(filter(None, news))}"
    return f"{violations}, still"
