"""Replays of an archive: a range of time, to chosen rules, over time."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Condition, RLock
from typing import Any

import boto3
import pytest
from embedded_aws import moto_additions

from tests.embedded_aws.sagemaker_account import Account, refused

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
POLICY = '{"Statement": {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}}'


class Bus:
    """A bus with an archive that holds one event of each of these minutes, and two rules with a queue each."""

    def __init__(self) -> None:
        self.events: Any = boto3.client("events")
        self.sqs: Any = boto3.client("sqs")
        self.arn = self.events.create_event_bus(Name="ours")["EventBusArn"]
        self.archive = self.events.create_archive(ArchiveName="all", EventSourceArn=self.arn)["ArchiveArn"]
        self.rules, self.queues = {}, {}
        for name in ("one", "two"):
            self.queues[name] = self.sqs.create_queue(QueueName=name, Attributes={"Policy": POLICY})[
                "QueueUrl"
            ]
            self.rules[name] = self.events.put_rule(
                Name=name, EventBusName="ours", EventPattern='{"source": ["us"]}'
            )["RuleArn"]
            target = {
                "Id": "queue",
                "Arn": f"arn:aws:sqs:{self.arn.split(':')[3]}:{self.arn.split(':')[4]}:{name}",
            }
            self.events.put_targets(Rule=name, EventBusName="ours", Targets=[target])

    def put(self, *minutes: int) -> None:
        for minute in minutes:
            entry = {
                "EventBusName": "ours",
                "Source": "us",
                "DetailType": "Said",
                "Detail": f'{{"minute": {minute}}}',
                "Time": AT.replace(minute=minute),
            }
            self.events.put_events(Entries=[entry])
        for name in self.queues:
            self.read(name)

    def read(self, name: str) -> list[str]:
        """Bodies that came to a rule's queue since the last look."""
        bodies = []
        while found := self.sqs.receive_message(QueueUrl=self.queues[name], MaxNumberOfMessages=10).get(
            "Messages"
        ):
            bodies += [message["Body"] for message in found]
        return bodies

    def start(self, name: str = "again", begin: int = 0, end: int = 59, rules: tuple[str, ...] = ()) -> None:
        destination: dict[str, Any] = {"Arn": self.arn}
        if rules:
            destination["FilterArns"] = [self.rules[rule] for rule in rules]
        self.events.start_replay(
            ReplayName=name,
            EventSourceArn=self.archive,
            EventStartTime=AT.replace(minute=begin),
            EventEndTime=AT.replace(minute=end),
            Destination=destination,
        )

    def ended(self, name: str = "again") -> dict[str, Any]:
        stop_at = time.monotonic() + 10
        while time.monotonic() < stop_at:
            found: dict[str, Any] = self.events.describe_replay(ReplayName=name)
            if found["State"] not in ("STARTING", "RUNNING", "CANCELLING"):
                return found
            time.sleep(0.02)
        raise AssertionError(found)


@pytest.fixture
def bus(account: Account) -> Iterator[Bus]:
    lock = Condition(RLock())
    with (
        moto_additions.events.installed(lambda *_: None, lambda *_: None),
        moto_additions.working_on(lock),
    ):
        yield Bus()


def test_only_what_happened_in_the_range_comes_again_to_the_rules_that_are_named(bus: Bus) -> None:
    bus.put(5, 1, 3, 9)

    bus.start(begin=2, end=9, rules=("one",))
    found = bus.ended()

    bodies = bus.read("one")
    assert [body.partition('"minute": ')[2][0] for body in bodies] == ["3", "5"]
    assert all('"replay-name": "again"' in body for body in bodies)
    assert bus.read("two") == []
    assert found["State"] == "COMPLETED"
    assert found["EventLastReplayedTime"] == AT.replace(minute=5)
    assert found["Destination"]["FilterArns"] == [bus.rules["one"]]
    assert bus.events.describe_archive(ArchiveName="all")["EventCount"] == 4


def test_without_rules_named_all_get_it(bus: Bus) -> None:
    bus.put(1)

    bus.start()
    bus.ended()

    assert [len(bus.read(name)) for name in ("one", "two")] == [1, 1]


def test_a_replay_takes_its_time_and_can_be_cancelled(bus: Bus) -> None:
    bus.put(*range(40))

    bus.start()
    assert bus.events.describe_replay(ReplayName="again")["State"] in ("STARTING", "RUNNING")
    bus.events.cancel_replay(ReplayName="again")

    assert bus.ended()["State"] == "CANCELLED"
    assert len(bus.read("one")) < 40
    with refused("not in a valid state", "IllegalStatusException"):
        bus.events.cancel_replay(ReplayName="again")


def test_ten_at_once_are_all_there_are(bus: Bus) -> None:
    bus.put(*range(40))
    for number in range(10):
        bus.start(f"replay-{number}")

    with refused("10 replays are active already", "LimitExceededException"):
        bus.start("one-too-many")
