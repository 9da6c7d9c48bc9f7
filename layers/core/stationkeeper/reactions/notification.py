"""Something worth telling: word it and deliver it over every channel, each id once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from pydantic import ValidationError

from stationkeeper.alerts.chat import chat_message
from stationkeeper.alerts.on_call_told import on_call_told
from stationkeeper.alerts.wording import Message, message_for
from stationkeeper.errors import DeliveryUnderWay, InvalidEvent, problems_of
from stationkeeper.events.artifact_events import ArtifactEvent
from stationkeeper.events.domain import DomainEvent, MonitorEvent
from stationkeeper.events.on_bus import DomainEventOnBus, from_detail
from stationkeeper.telemetry import logger, metrics, note_ignored

E_MAIL, CHAT, BUS = CHANNELS = ("e-mail", "chat", "bus")


class Topic(Protocol):
    def deliver(self, message: Message) -> str:
        """Publish a message and return the topic's id of it."""


class Bus(Protocol):
    def publish(self, details: list[tuple[str, str]]) -> None:
        """Publish (detail-type, detail as JSON); raises unless all were taken."""


class Deliveries(Protocol):
    def once(self, event_id: str, deliver: Callable[[], str]) -> bool:
        """Call `deliver` unless it was called for this id within seven days; whether it was called now."""


@dataclass(frozen=True, slots=True)
class Notification:
    """The reaction, over its ports. It costs 3 calls a channel: begin the delivery, publish, record it; of a duplicate 1.

    There are three channels: e-mail, chat and the bus, 9 calls in all. Each has deliveries of its own, so that one that fails neither
    holds back the others nor repeats them when the queue tries again.

    What is for the bus only is dropped by the rule; the code checks again, and no call is made for it. What the bus channel says,
    `OnCallTold`, no rule brings back, and `DomainEventOnBus` refuses it.
    """

    mail: Topic
    chat: Topic
    bus: Bus
    deliveries: Mapping[str, Deliveries]
    """By channel."""
    severity_policy_parameter: str
    runbook_url: str = ""
    """Where the team keeps docs/operations.md; "" where messages name its path."""

    def react(self, event: DomainEventOnBus) -> None:
        """Tell on-call.

        Raises
        ------
        ExceptionGroup
            What went wrong with each channel that failed, when all have been tried.
        DeliveryUnderWay
            When none failed, and another copy is delivering over one of them.
        """
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
            told, failures, under_way = self._deliver(detail, message)
            facts = {"severity": detail.severity.value, "kind": event.detail_type, "subject": message.subject}
            if E_MAIL in told:  # counted once, however many tries the other channels take
                metrics.count("Messages", kind=event.detail_type, severity=detail.severity.value)
            if told:
                logger.info("Told on-call", extra={"decision": "told", "channels": told, **facts})
            if failures:
                raise ExceptionGroup(f"not delivered over {' and '.join(failures)}", [*failures.values()])
            if under_way is not None:
                raise under_way
            if not told:
                metrics.count("MessagesRepeated")
                logger.info("Told before", extra={"decision": "duplicate", **facts})

    def _deliver(
        self, detail: DomainEvent, message: Message
    ) -> tuple[list[str], dict[str, Exception], DeliveryUnderWay | None]:
        """Channels it was delivered over now, those that failed and how, and whether another copy is at one."""
        told: list[str] = []
        failures: dict[str, Exception] = {}
        under_way = None
        for channel, deliver in self._ways(detail, message).items():
            try:
                if self.deliveries[channel].once(detail.id, deliver):
                    told.append(channel)
            except DeliveryUnderWay as error:
                under_way = error
            except Exception as error:  # noqa: BLE001  # raised again when all channels were tried
                failures[channel] = error
        return told, failures, under_way

    def _ways(self, detail: DomainEvent, message: Message) -> dict[str, Callable[[], str]]:
        return {
            E_MAIL: lambda: self.mail.deliver(message),
            CHAT: lambda: self.chat.deliver(chat_message(detail, message, self.runbook_url)),
            BUS: lambda: self._say(detail, message),
        }

    def _say(self, detail: DomainEvent, message: Message) -> str:
        said = on_call_told(detail, message, self.runbook_url)
        self.bus.publish([(said.detail_type, said.model_dump_json())])
        return said.id
