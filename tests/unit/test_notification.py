"""What is delivered to on-call, and what is for the bus only."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from stationkeeper.alerts.wording import Message
from stationkeeper.errors import DeliveryUnderWay
from stationkeeper.events.artifact_events import ArtifactPublished, ArtifactRejected, ArtifactWithdrawn
from stationkeeper.events.on_bus import DomainEventOnBus
from stationkeeper.reactions import notification
from stationkeeper.reactions.notification import BUS, CHANNELS, CHAT, E_MAIL, Notification

from tests.unit.builders import START
from tests.unit.test_artifact_wording import event


class FakeTopic:
    def __init__(self) -> None:
        self.delivered: list[Message] = []
        self.broken: Exception | None = None

    def deliver(self, message: Message) -> str:
        if self.broken is not None:
            raise self.broken
        self.delivered.append(message)
        return "m-1"


class FakeBus:
    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.broken: Exception | None = None

    def publish(self, details: list[tuple[str, str]]) -> None:
        if self.broken is not None:
            raise self.broken
        self.said += [(kind, json.loads(detail)) for kind, detail in details]


class FakeDeliveries:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.done: set[str] = set()
        self.under_way = False

    def once(self, event_id: str, deliver: Callable[[], str]) -> bool:
        self.asked.append(event_id)
        if self.under_way:
            raise DeliveryUnderWay(event_id)
        if event_id in self.done:
            return False
        deliver()
        self.done.add(event_id)
        return True


@pytest.fixture
def topic() -> FakeTopic:
    return FakeTopic()


@pytest.fixture
def chat() -> FakeTopic:
    return FakeTopic()


@pytest.fixture
def bus() -> FakeBus:
    return FakeBus()


@pytest.fixture
def deliveries() -> dict[str, FakeDeliveries]:
    return {channel: FakeDeliveries() for channel in CHANNELS}


@pytest.fixture
def reaction(
    topic: FakeTopic, chat: FakeTopic, bus: FakeBus, deliveries: dict[str, FakeDeliveries]
) -> Notification:
    return Notification(topic, chat, bus, deliveries, "/stationkeeper/severity-policy")


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    monkeypatch.setattr(
        notification.logger, "info", lambda text, extra: lines.append({"text": text, **extra})
    )
    return lines


def on_bus(said: Any) -> DomainEventOnBus:
    """An event as EventBridge delivers it."""
    return DomainEventOnBus.parse(
        {
            "id": "e-1",
            "source": "stationkeeper",
            "detail-type": said.detail_type,
            "account": said.account,
            "region": said.region,
            "time": (START - timedelta(seconds=1)).isoformat(),
            "detail": said.model_dump(mode="json"),
        }
    )


KINDS = (ArtifactRejected, ArtifactPublished, ArtifactWithdrawn)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_for_the_bus_only_is_not_delivered(kind, reaction, topic, deliveries, logged):
    reaction.react(on_bus(event(kind, quiet=True)))

    assert topic.delivered == []
    assert [channel.asked for channel in deliveries.values()] == [[], [], []]
    assert logged == [{"text": "Ignored", "decision": "ignored", "reason": "for the bus only"}]


@pytest.mark.parametrize("kind", KINDS)
def test_what_on_call_should_know_is_delivered_once(kind, reaction, topic, logged):
    for _ in range(2):
        reaction.react(on_bus(event(kind)))

    [message] = topic.delivered
    assert message.attributes["kind"] == kind.detail_type
    assert [line["decision"] for line in logged] == ["told", "duplicate"]


def test_a_message_links_to_where_the_team_keeps_the_runbook(reaction, topic):
    replace(reaction, runbook_url="https://wiki.example.com/runbook").react(on_bus(event(ArtifactRejected)))

    [message] = topic.delivered
    assert "Runbook: https://wiki.example.com/runbook#artifact-rejected\n" in message.body


def test_a_quiet_one_does_not_keep_a_loud_one_of_the_same_id_from_being_told(reaction, topic):
    """The tenth refusal of a day may be the same that was quiet the day before."""
    reaction.react(on_bus(event(ArtifactRejected, quiet=True)))
    reaction.react(on_bus(event(ArtifactRejected, quiet=False)))

    assert len(topic.delivered) == 1


# ---------------------------------------------------------------- channels


def test_every_channel_says_the_same_in_its_own_form(reaction, topic, chat, bus):
    said = event(ArtifactRejected)

    reaction.react(on_bus(said))

    [mail], [posted], [(kind, detail)] = topic.delivered, chat.delivered, bus.said
    assert posted.subject == mail.subject
    assert json.loads(posted.body)["metadata"]["threadId"] == said.incident
    assert kind == "OnCallTold"
    assert (detail["kind"], detail["subject"], detail["text"]) == (
        "ArtifactRejected",
        mail.subject,
        mail.body,
    )


@pytest.mark.parametrize("broken", CHANNELS)
def test_a_channel_that_fails_neither_holds_back_the_others_nor_repeats_them(
    broken, reaction, topic, chat, bus, logged
):
    ways = {E_MAIL: topic, CHAT: chat, BUS: bus}
    counts = lambda: (len(topic.delivered), len(chat.delivered), len(bus.said))  # noqa: E731
    ways[broken].broken = ConnectionError("cut off")

    with pytest.raises(ExceptionGroup, match=f"not delivered over {broken}") as failure:
        reaction.react(on_bus(event(ArtifactRejected)))

    assert failure.value.exceptions == (ways[broken].broken,)
    assert sorted(counts()) == [0, 1, 1]
    assert logged[-1]["channels"] == [channel for channel in CHANNELS if channel != broken]

    ways[broken].broken = None
    reaction.react(on_bus(event(ArtifactRejected)))

    assert counts() == (1, 1, 1)
    assert logged[-1]["channels"] == [broken]


def test_all_failures_are_raised_together(reaction, topic, chat, bus):
    topic.broken, chat.broken, bus.broken = OSError("a"), ValueError("b"), KeyError("c")

    with pytest.raises(ExceptionGroup, match="not delivered over e-mail and chat and bus") as failure:
        reaction.react(on_bus(event(ArtifactRejected)))

    assert failure.value.exceptions == (topic.broken, chat.broken, bus.broken)


@pytest.mark.parametrize("busy", CHANNELS)
def test_a_channel_that_another_copy_is_at_is_looked_at_again_when_the_others_are_done(
    busy, reaction, topic, chat, bus, deliveries
):
    deliveries[busy].under_way = True

    with pytest.raises(DeliveryUnderWay):
        reaction.react(on_bus(event(ArtifactRejected)))

    assert len(topic.delivered) + len(chat.delivered) + len(bus.said) == 2


def test_a_failure_is_louder_than_a_delivery_under_way(reaction, topic, deliveries):
    """`react` logs what is under way and waits; a failure is counted, and an alarm tells of it."""
    topic.broken = OSError("a")
    deliveries[BUS].under_way = True

    with pytest.raises(ExceptionGroup):
        reaction.react(on_bus(event(ArtifactRejected)))


def test_a_message_is_counted_once_however_many_tries_its_channels_take(reaction, chat, monkeypatch):
    counted: list[str] = []
    monkeypatch.setattr(notification.metrics, "count", lambda name, *_, **__: counted.append(name))
    chat.broken = OSError("a")

    with pytest.raises(ExceptionGroup):
        reaction.react(on_bus(event(ArtifactRejected)))
    chat.broken = None
    for _ in range(2):
        reaction.react(on_bus(event(ArtifactRejected)))

    assert counted == ["Messages", "MessagesRepeated"]
