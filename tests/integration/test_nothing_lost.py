"""Repeats, disorder, crashes and faults: the same memory at the end, nothing lost, nothing told twice."""

import itertools
import random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.test_monitor_report import drift, report, run, subjects
from tests.runs import SCHEDULE_ARN, run_event
from tests.world import World, headline, world

STORY: list[list[dict[str, Any]] | None] = [
    [],
    [drift("tip", 0.8)],
    [drift("tip", 0.8), drift("fare", 0.3)],
    None,  # a run that left no report
    [drift("tip", 0.8), drift("fare", 0.9)],
    [drift("fare", 0.9)],
    [],
    [drift("tolls", 0.2)],
    [drift("tolls", 0.2)],
    [drift("tolls", 0.2), drift("tip", 0.6)],
]


def story_events(system: World) -> list[dict[str, Any]]:
    events = []
    for hour, violations in enumerate(STORY):
        event = run_event(hour, violations=len(violations or []))
        if violations is not None:
            system.put_report(event, report(*violations))
        events.append(event)
    return events


@pytest.fixture(scope="module")
def told_in_order() -> tuple[dict[str, Any], list[str]]:
    with world() as system:
        system.react(*story_events(system))
        run(system, len(STORY))
        return system.memory(SCHEDULE_ARN), subjects(system.messages)


def test_the_same_event_five_times_is_one_message_and_one_memory(
    told_in_order: tuple[dict[str, Any], list[str]], system: World
) -> None:

    for event in story_events(system):
        system.react(event, event, event, event, event)
    run(system, len(STORY))

    assert (system.memory(SCHEDULE_ARN), subjects(system.messages)) == told_in_order


@pytest.mark.parametrize("seed", range(8))
def test_ten_runs_in_any_order_end_with_the_same_memory_and_no_message_twice(
    told_in_order: tuple[dict[str, Any], list[str]], system: World, seed: int
) -> None:
    expected, _ = told_in_order
    events = story_events(system)
    disordered = events * 2
    random.Random(seed).shuffle(disordered)

    for event in disordered:
        system.react(event)

    run(system, len(STORY))

    assert system.memory(SCHEDULE_ARN) == expected
    assert headline(system.messages[-1]) == "[OK] taxi-prod: recovered after 3 hours"
    bodies = [message["body"] for message in system.messages]
    assert len(bodies) == len(set(bodies))
    told = "".join(bodies)
    for feature in ("tip", "fare", "tolls"):
        assert feature in told


# 15 calls: recall, policy, report, remember, publish, clear the outbox; for each channel begin delivery, publish, record delivery.
CALLS = 15
SAID, MAILED, POSTED, TOLD = 4, 7, 10, 13
"""Which of them publish: monitor_report, and the three channels of notification."""


def test_the_crash_tests_below_cover_every_call(system: World) -> None:
    run(system, 1, drift("tip", 0.8))

    assert len(system.calls) == CALLS


@pytest.mark.parametrize("crash_after", range(CALLS))
def test_a_crash_after_any_call_loses_nothing(
    told_of_one: tuple[dict[str, Any], list[str]],
    system: World,
    crash_after: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected, (subject,) = told_of_one
    event = run_event(1, violations=1)
    system.put_report(event, report(drift("tip", 0.8)))

    with system.crashing_after(crash_after) as crash:
        assert system.invoke_monitor_report(event) == []
        system.invoke_notification()
    assert crash.happened

    later(monkeypatch, minutes=3)
    system.react(event)

    assert system.memory(SCHEDULE_ARN) == expected
    told = subjects(system.messages)
    assert set(told) == {subject}
    # Killed between delivering and noting it down, the message is delivered once more: never not at all.
    assert len(told) == (2 if crash_after == MAILED else 1)
    assert system.calls.count("sns:Publish") == (3 if crash_after in (MAILED, POSTED) else 2)
    assert system.calls.count("eventbridge:PutEvents") == (3 if crash_after in (SAID, TOLD) else 2)


@pytest.mark.parametrize("channel", ["alerts", "chat", "stationkeeper"])
def test_a_channel_that_cannot_be_reached_holds_back_no_other_and_catches_up(
    system: World, channel: str
) -> None:
    event = run_event(1, violations=1)
    system.put_report(event, report(drift("tip", 0.8)))
    assert system.invoke_monitor_report(event) == []
    system.calls.clear()

    def unreachable(params: dict[str, Any], **_: Any) -> None:
        where = params.get("TopicArn") or params["Entries"][0]["EventBusName"]
        if where.endswith(channel):
            raise ClientError({"Error": {"Code": "InternalError", "Message": "injected"}}, "Publish")

    with (
        system.hooked("sns", "before-parameter-build.sns.Publish", unreachable),
        system.hooked("events", "before-parameter-build.events.PutEvents", unreachable),
    ):
        for _ in range(3):
            assert system.invoke_notification() == ["0"]
    assert len(said(system)) == 2

    assert system.invoke_notification() == []
    assert sorted(said(system)) == ["eventbridge:PutEvents", "sns:Publish", "sns:Publish"]
    assert len(system.read_mail()) == 1


def said(system: World) -> list[str]:
    return [call for call in system.calls if call in ("sns:Publish", "eventbridge:PutEvents")]


@pytest.fixture(scope="module")
def told_of_one() -> tuple[dict[str, Any], list[str]]:
    with world() as system:
        run(system, 1, drift("tip", 0.8))
        return system.memory(SCHEDULE_ARN), subjects(system.messages)


def later(monkeypatch: pytest.MonkeyPatch, minutes: float) -> None:
    """Powertools' clock, past the time-out of the function that was killed."""
    import datetime as dt

    from aws_lambda_powertools.utilities.idempotency.persistence import base, datarecord, dynamodb

    class Later(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
            return dt.datetime.now(tz) + dt.timedelta(minutes=minutes)

    class Module:
        datetime = Later
        timedelta = dt.timedelta

    for module in (base, datarecord, dynamodb):
        name = "dt" if hasattr(module, "dt") else "datetime"
        monkeypatch.setattr(module, name, Module)


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("dynamodb", "GetItem"),
        ("ssm", "GetParameter"),
        ("s3", "GetObject"),
        ("dynamodb", "PutItem"),
        ("events", "PutEvents"),
    ],
)
@pytest.mark.parametrize(
    "code", ["ThrottlingException", "InternalFailure", "SlowDown", "AccessDeniedException"]
)
def test_a_failing_call_gives_the_event_back_and_a_retry_heals(
    system: World, service: str, operation: str, code: str
) -> None:
    event = run_event(1, violations=1)
    system.put_report(event, report(drift("tip", 0.8)))

    def fail(**_: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "injected"}}, operation)

    with system.hooked(service, f"before-call.*.{operation}", fail):
        assert system.invoke_monitor_report(event) == ["0"]

    assert subjects(system.react(event)) == ["[CRITICAL] taxi-prod: 1 feature drifted"]


def test_two_copies_judging_two_runs_at_once_lose_neither(system: World) -> None:
    first, second = (run_event(hour, violations=1) for hour in (1, 2))
    system.put_report(first, report(drift("tip", 0.8)))
    system.put_report(second, report(drift("fare", 0.8)))
    interleaved = itertools.count()

    def another_copy_gets_in_between(**_: Any) -> None:
        if next(interleaved) == 0:
            assert system.invoke_monitor_report(second) == []

    with system.hooked("dynamodb", "before-call.dynamodb.PutItem", another_copy_gets_in_between):
        system.react(first)

    runs = system.memory(SCHEDULE_ARN)["runs"]
    assert [run["job"] for run in runs] == [event["detail"]["ProcessingJobName"] for event in (first, second)]
    told = "".join(message["body"] for message in system.messages)
    assert "tip" in told
    assert "fare" in told


def test_events_per_run_cost_few_calls(system: World) -> None:
    recall, policy, read, remember = (
        "dynamodb:GetItem",
        "ssm:GetParameter",
        "s3:GetObject",
        "dynamodb:PutItem",
    )
    told = ["eventbridge:PutEvents", "dynamodb:PutItem"]
    delivered = [
        call
        for publish in ("sns:Publish", "sns:Publish", "eventbridge:PutEvents")
        for call in ("dynamodb:PutItem", publish, "dynamodb:UpdateItem")
    ]

    def calls_of(hour: int, *violations: dict[str, Any]) -> list[str]:
        system.calls.clear()
        run(system, hour, *violations)
        return list(system.calls)

    assert calls_of(1) == [recall, policy, read, remember]
    assert calls_of(2) == [recall, read, remember]
    assert calls_of(3, drift("tip", 0.8)) == [recall, read, remember, *told, *delivered]
    assert calls_of(4, drift("tip", 0.8)) == [recall, read, remember]

    system.calls.clear()
    system.react(run_event(4, violations=1))
    assert system.calls == [recall]


def test_a_partial_put_events_failure_is_a_failure(system: World) -> None:
    event = run_event(1, violations=1)
    system.put_report(event, report(drift("tip", 0.8)))

    def partly(parsed: dict[str, Any], **_: Any) -> None:
        parsed["FailedEntryCount"] = 1
        parsed["Entries"] = [{"ErrorCode": "ThrottlingException", "ErrorMessage": "injected"}]

    with system.hooked("events", "after-call.*.PutEvents", partly):
        assert system.invoke_monitor_report(event) == ["0"]

    assert subjects(system.react(event)) == ["[CRITICAL] taxi-prod: 1 feature drifted"]
