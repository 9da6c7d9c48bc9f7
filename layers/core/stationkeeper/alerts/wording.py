"""The messages on-call reads: plain text a person woken by it can act on.

What is told of an event is worded where it belongs (`monitor_wording`, `release_wording`); here it becomes a message.
"""

from dataclasses import dataclass

from stationkeeper.alerts import monitor_wording, release_wording
from stationkeeper.alerts.layout import Told
from stationkeeper.alerts.text import ascii_line, clip_bytes
from stationkeeper.events.domain import DomainEvent, MonitorEvent
from stationkeeper.events.release_events import ReleaseEvent

SUBJECT_CHARACTERS = 99  # SNS: under 100
BODY_BYTES = 200_000  # SNS: 256 KiB with attributes


@dataclass(frozen=True, slots=True)
class Message:
    """What is delivered: an ASCII subject of one line, a plain-text body, attributes to filter on."""

    subject: str
    body: str
    attributes: dict[str, str]


def message_for(event: DomainEvent, severity_policy_parameter: str) -> Message:
    """The message for a domain event.

    `severity_policy_parameter` is the SSM parameter that the command for muting edits.
    """
    match event:
        case MonitorEvent():
            told = monitor_wording.told(event, severity_policy_parameter)
        case ReleaseEvent():
            told = release_wording.told(event)
        case _:
            raise TypeError(f"no wording for {event.detail_type}")
    attributes = {
        "severity": event.severity.value,
        "endpoint": event.endpoint,
        "kind": event.detail_type,
        "incident": event.incident,
        "team": event.on_call,
    }
    return Message(_subject(event, told), clip_bytes(told.body + _footer(event), BODY_BYTES), attributes)


def _subject(event: DomainEvent, told: Told) -> str:
    beginning = f"[{'OK' if told.fine else event.severity.value.upper()}] {event.endpoint}: "
    room = SUBJECT_CHARACTERS - len(beginning)
    headline = next((choice for choice in told.headlines if len(choice) <= room), told.headlines[-1])
    return ascii_line(beginning + headline, SUBJECT_CHARACTERS)


def _footer(event: DomainEvent) -> str:
    return (
        f"\n\n--\nStationkeeper, account {event.account}, region {event.region}. Incident {event.incident}, "
        f"event {event.cause.event_id}.\n"
    )
