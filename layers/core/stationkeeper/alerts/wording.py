"""The messages on-call reads: plain text a person woken by it can act on.

What is told of an event is worded where it belongs (`monitor_wording`, `alarm_wording`, ...); here it becomes a message.
"""

from dataclasses import dataclass

from stationkeeper.alerts import (
    alarm_wording,
    artifact_wording,
    job_wording,
    monitor_wording,
    release_wording,
    retraining_wording,
    runbook,
)
from stationkeeper.alerts.layout import Told
from stationkeeper.alerts.text import ascii_line, clip_bytes, plain
from stationkeeper.events.alarm_events import AlarmEvent
from stationkeeper.events.artifact_events import ArtifactEvent
from stationkeeper.events.domain import DomainEvent, MonitorEvent
from stationkeeper.events.job_events import JobEvent
from stationkeeper.events.release_events import ReleaseEvent
from stationkeeper.events.retraining_events import RetrainingEvent

SUBJECT_CHARACTERS = 99  # SNS: under 100
BODY_BYTES = 200_000  # SNS: 256 KiB with attributes
_NAME_CHARACTERS = 63  # of SageMaker's names; pipelines may have longer ones
_INCIDENT_CHARACTERS = 8
_ATTRIBUTE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Message:
    """What is delivered: an ASCII subject of one line, a plain-text body, attributes to filter on."""

    subject: str
    body: str
    attributes: dict[str, str]
    told: Told
    """What it is made of, for a channel that lays it out in another way."""


def message_for(event: DomainEvent, severity_policy_parameter: str, runbook_url: str = "") -> Message:
    """The message for a domain event.

    `severity_policy_parameter` is the SSM parameter that the command for muting edits; `runbook_url` is where the team keeps the
    runbook, "" where it only has the project's own.
    """
    match event:
        case MonitorEvent():
            told = monitor_wording.told(event, severity_policy_parameter)
        case ReleaseEvent():
            told = release_wording.told(event)
        case AlarmEvent():
            told = alarm_wording.told(event)
        case RetrainingEvent():
            told = retraining_wording.told(event)
        case JobEvent():
            told = job_wording.told(event)
        case ArtifactEvent():
            told = artifact_wording.told(event)
        case _:
            raise TypeError(f"no wording for {event.detail_type}")
    attributes = {
        "severity": event.severity.value,
        "endpoint": event.endpoint,
        "kind": event.detail_type,
        "incident": event.incident,
        "team": event.on_call,
    }
    return Message(
        _subject(event, told),
        clip_bytes(str(told.body) + _footer(event, runbook_url), BODY_BYTES),
        {name: _attribute(value) for name, value in attributes.items()},
        told,
    )


def _subject(event: DomainEvent, told: Told) -> str:
    """Severity, endpoint, what happened, incident. The incident is never cut: mail clients thread by it."""
    level = "OK" if told.fine else event.severity.value.upper()
    about = ascii_line(event.endpoint or told.about, _NAME_CHARACTERS)
    beginning = f"[{level}] {about}: "
    ending = f" #{ascii_line(event.incident, _INCIDENT_CHARACTERS)}"
    room = SUBJECT_CHARACTERS - len(beginning) - len(ending)
    choices = [ascii_line(headline, SUBJECT_CHARACTERS) for headline in told.headlines]
    headline = next((choice for choice in choices if len(choice) <= room), ascii_line(choices[-1], room))
    return beginning + headline + ending


def _attribute(value: str) -> str:
    """A value subscribers filter on: SNS takes no empty one, and a job may belong to no endpoint."""
    return plain(value, _ATTRIBUTE_CHARACTERS) or "none"


def _footer(event: DomainEvent, runbook_url: str) -> str:
    account, region, incident, seen = (
        plain(text) for text in (event.account, event.region, event.incident, event.cause.event_id)
    )
    return (
        f"\n\n--\nRunbook: {runbook.address_of(event, runbook_url)}\n"
        f"Stationkeeper, account {account}, region {region}. Incident {incident}, event {seen}.\n"
    )
