"""Something worth telling: word it and deliver it, each id once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pydantic import ValidationError

from stationkeeper.alerts.wording import Message, message_for
from stationkeeper.errors import InvalidEvent, problems_of
from stationkeeper.events.artifact_events import ArtifactEvent
from stationkeeper.events.domain import MonitorEvent
from stationkeeper.events.on_bus import DomainEventOnBus, from_detail
from stationkeeper.telemetry import logger, metrics, note_ignored


class Topic(Protocol):
    def deliver(self, message: Message) -> str:
        """Publish a message and return the channel's id of it."""


class Deliveries(Protocol):
    def once(self, event_id: str, deliver: Callable[[], str]) -> bool:
        """Call `deliver` unless it was called for this id within seven days; whether it was called now."""


@dataclass(frozen=True, slots=True)
class Notification:
    """The reaction, over its ports. It costs 3 calls: begin the delivery, publish, record it; a duplicate costs 1.

    What is for the bus only is dropped by the rule; the code checks again, and no call is made for it.
    """

    topic: Topic
    deliveries: Deliveries
    severity_policy_parameter: str
    runbook_url: str = ""
    """Where the team keeps docs/operations.md; "" where messages name its path."""

    def react(self, event: DomainEventOnBus) -> None:
        try:
            detail = from_detail(event.detail_type, event.detail)
        except ValidationError as error:
            raise InvalidEvent(f"detail of {event.detail_type}: {problems_of(error)}") from error
        # The id of the event that made us look, so that one query tells the whole story.
        with logger.append_context_keys(
            event_id=detail.cause.event_id,
            endpoint=detail.endpoint,
            **({"monitoring_schedule": detail.schedule} if isinstance(detail, MonitorEvent) else {}),
            incident=detail.incident,
            domain_event_id=detail.id,
        ):
            # The rule drops these; the code checks again.
            if isinstance(detail, ArtifactEvent) and detail.quiet:
                note_ignored("notification", "for the bus only")
                return
            message = message_for(detail, self.severity_policy_parameter, self.runbook_url)
            told = self.deliveries.once(detail.id, lambda: self.topic.deliver(message))
            facts = {"severity": detail.severity.value, "kind": event.detail_type, "subject": message.subject}
            if told:
                metrics.count("Messages", kind=event.detail_type, severity=detail.severity.value)
                logger.info("Told on-call", extra={"decision": "told", **facts})
            else:
                metrics.count("MessagesRepeated")
                logger.info("Told before", extra={"decision": "duplicate", **facts})
