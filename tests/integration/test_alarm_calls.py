"""What each alarm event costs: the calls of AWS, one by one. An account has many alarms, and most are nobody's business here."""

import json
from collections.abc import Iterator

import pytest

from tests.integration.test_alarm_response import GUARD, composite, event_of, guard, long_ago, released
from tests.whole_world import WholeWorld, whole_world

MEMORIES = ["dynamodb:GetItem", "dynamodb:GetItem", "sagemaker:ListTags"]
"""Of the alarms, of the release, and the group's tags."""
TAGS = ["cloudwatch:ListTagsForResource"]
TOLD = ["sagemaker:ListMonitoringSchedules", "dynamodb:PutItem", "eventbridge:PutEvents", "dynamodb:PutItem"]
GATHERED = ["dynamodb:PutItem", "sqs:SendMessageBatch"]


@pytest.fixture
def system() -> Iterator[WholeWorld]:
    with whole_world() as running:
        yield running


def calls_of_next(system: WholeWorld) -> list[str]:
    """Calls of the one event that waits for alarm_response; what follows it is not counted."""
    system.collect()
    (body,) = system.boxes["alarm_response"]
    system.boxes["alarm_response"].clear()
    return calls_of(system, body)


def calls_of(system: WholeWorld, body: str) -> list[str]:
    system.calls.clear()
    assert system.invoke("alarm_response", body) == []
    return list(system.calls)


def red(system: WholeWorld, *names: str) -> None:
    """These alarms are red, and that was told."""
    for name in names:
        system.turns(guard(system, name), "ALARM")
    system.settle()


def test_an_alarm_about_no_endpoint(system: WholeWorld) -> None:
    event = event_of(system, "cpu", configuration={"metrics": []})

    assert calls_of(system, json.dumps(event)) == TAGS
    assert calls_of(system, json.dumps(event_of(system, "cpu", configuration={}, alarmTags={}))) == []


def test_an_alarm_of_an_endpoint_nobody_manages(system: WholeWorld) -> None:
    system.alarm("theirs", endpoint="unmanaged")
    system.turns("theirs", "ALARM")

    assert calls_of_next(system) == ["dynamodb:GetItem", "dynamodb:GetItem", *TAGS]


def test_the_first_that_is_red(system: WholeWorld) -> None:
    long_ago(system)
    name = guard(system)
    system.pump()
    system.turns(name, "ALARM")

    assert calls_of_next(system) == [*MEMORIES, *TAGS, *TOLD]


def test_the_first_that_is_red_of_an_endpoint_with_monitors(system: WholeWorld) -> None:
    long_ago(system)
    system.watched()
    name = guard(system)
    system.settle()
    system.turns(name, "ALARM")

    assert calls_of_next(system) == [*MEMORIES, *TAGS, TOLD[0], "dynamodb:BatchGetItem", *TOLD[1:]]


def test_a_composite_that_is_found_by_its_children(system: WholeWorld) -> None:
    long_ago(system)
    system.alarm("slow", endpoint="elsewhere")
    composite(system, "unwell", "ALARM(slow)")
    system.pump()
    system.turns("slow", "ALARM")
    _, body = system.boxes["alarm_response"]

    assert calls_of(system, body) == [
        *TAGS,
        "cloudwatch:DescribeAlarms",
        "dynamodb:GetItem",
        "dynamodb:GetItem",
    ]


def test_a_duplicate(system: WholeWorld) -> None:
    long_ago(system)
    name = guard(system)
    system.pump()
    system.turns(name, "ALARM")
    (body,) = system.boxes["alarm_response"]
    system.settle()

    assert calls_of(system, body) == ["dynamodb:GetItem"]


def test_one_that_is_gathered(system: WholeWorld) -> None:
    long_ago(system)
    red(system, "one")
    name = guard(system, "other")
    system.pump()
    system.turns(name, "ALARM")

    assert calls_of_next(system) == [*MEMORIES, *TAGS, *GATHERED]


def test_the_look_that_tells_what_was_gathered(system: WholeWorld) -> None:
    long_ago(system)
    red(system, "one")
    name = guard(system, "other")
    system.turns(name, "ALARM")
    system.pump()
    due = system.next_delayed()
    assert due is not None
    system.clock.jump_to(due)

    assert calls_of_next(system) == [*MEMORIES, "cloudwatch:DescribeAlarms", *TOLD]


def test_one_that_is_ok_again(system: WholeWorld) -> None:
    long_ago(system)
    red(system, "one")
    system.turns("one", "OK")

    assert calls_of_next(system) == [*MEMORIES, *TAGS, *GATHERED]


def test_the_look_that_tells_that_all_is_clear(system: WholeWorld) -> None:
    long_ago(system)
    red(system, "one")
    system.turns("one", "OK")
    system.pump()
    due = system.next_delayed()
    assert due is not None
    system.clock.jump_to(due)

    assert calls_of_next(system) == [*MEMORIES, *TOLD]


def test_a_look_when_all_is_told(system: WholeWorld) -> None:
    long_ago(system)
    red(system, "one")
    system.turns("one", "OK")
    system.pump()
    due = system.next_delayed()
    assert due is not None
    system.clock.jump_to(due)
    system.collect()
    (body,) = system.boxes["alarm_response"]
    system.settle()

    assert calls_of(system, body) == ["dynamodb:GetItem"]


def test_one_that_takes_a_version_back(system: WholeWorld) -> None:
    released(system)
    name = guard(system)
    system.pump()
    system.turns(name, "ALARM")

    assert calls_of_next(system) == [
        *MEMORIES,
        *TAGS,
        "dynamodb:PutItem",  # barred
        "sqs:SendMessageBatch",  # release looks
        "sagemaker:UpdateModelPackage",
        "dynamodb:GetItem",
        "dynamodb:PutItem",  # rejected
        *TOLD,
    ]


def test_tags_that_come_with_the_event_are_not_asked_for(system: WholeWorld) -> None:
    long_ago(system)

    assert calls_of(system, json.dumps(event_of(system, "x", alarmTags=GUARD))) == [*MEMORIES, *TOLD]


@pytest.mark.parametrize("state", ["INSUFFICIENT_DATA"])
def test_what_is_no_edge_costs_nothing(system: WholeWorld, state: str) -> None:
    assert calls_of(system, json.dumps(event_of(system, "x", state))) == []
