"""What is delivered to on-call, and what is for the bus only."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from stationkeeper.alerts.wording import Message
from stationkeeper.events.artifact_events import ArtifactPublished, ArtifactRejected, ArtifactWithdrawn
from stationkeeper.events.on_bus import DomainEventOnBus
from stationkeeper.reactions import notification
from stationkeeper.reactions.notification import Notification

from tests.unit.builders import START
from tests.unit.test_artifact_wording import event


class FakeTopic:
    def __init__(self) -> None:
        self.delivered: list[Message] = []

    def deliver(self, message: Message) -> str:
        self.delivered.append(message)
        return "m-1"


class FakeDeliveries:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def once(self, event_id: str, deliver: Callable[[], str]) -> bool:
        first = event_id not in self.asked
        self.asked.append(event_id)
        if first:
            deliver()
        return first


@pytest.fixture
def topic() -> FakeTopic:
    return FakeTopic()


@pytest.fixture
def deliveries() -> FakeDeliveries:
    return FakeDeliveries()


@pytest.fixture
def reaction(topic: FakeTopic, deliveries: FakeDeliveries) -> Notification:
    return Notification(topic, deliveries, "/stationkeeper/severity-policy")


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
    assert deliveries.asked == []
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
