"""What the bus hears of a message: the message itself, and whether it closes its incident."""

from stationkeeper.alerts import runbook
from stationkeeper.alerts.text import clip_bytes
from stationkeeper.alerts.wording import Message
from stationkeeper.events.alarm_events import AlarmCleared
from stationkeeper.events.artifact_events import ArtifactPublished
from stationkeeper.events.domain import DomainEvent, MonitorBlind, MonitorRecovered, stable_id
from stationkeeper.events.job_events import JobSucceeded
from stationkeeper.events.notification_events import OnCallTold
from stationkeeper.severity import Severity

TEXT_BYTES = 100_000
"""In JSON a character may take six bytes for one, in a text of ours seldom more than two: EventBridge takes 256 KB."""
_RETRAINING = "retraining"


def on_call_told(event: DomainEvent, message: Message, runbook_url: str) -> OnCallTold:
    """The event that says that a message about `event` went to on-call."""
    return OnCallTold(
        **{name: getattr(event, name) for name in DomainEvent.model_fields if name != "id"},
        id=stable_id(OnCallTold.detail_type, event.id),
        kind=event.detail_type,
        subject=message.subject,
        text=clip_bytes(message.body, TEXT_BYTES),
        runbook=runbook.address_of(event, runbook_url),
        over=closes_incident(event),
    )


def closes_incident(event: DomainEvent) -> bool:
    """Whether nothing of the incident is left to hear of, or to do, after this event.

    A problem nobody sees the end of (an obstacle to releases, a rollback, a job that is not started again) is closed by a person. A release
    that succeeds closes nothing: it may stand in the thread of a drift that lasts, or of an alarm that is red.
    """
    match event:
        case MonitorRecovered():
            return True  # of blindness, too: violations that are open then are an incident of their own
        case MonitorBlind(severity=Severity.INFO, newer_run_at=newer):
            return (
                newer is not None
            )  # late news of a run that newer ones were judged after: no recovery follows
        case AlarmCleared(red=red, red_count=count):
            return not red and count == 0
        case ArtifactPublished(mended=mended):
            return mended != ""
        case JobSucceeded(purpose=purpose, retrained=retrained):
            return retrained is None and purpose != _RETRAINING  # the drift it is for lasts
        case _:
            return False
