"""A reaction that is killed, throttled or run twice at any call: the same state at the end, and the same told."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.test_alarm_response import guard, long_ago, released
from tests.integration.test_retraining import released as watched
from tests.release_world import nothing_is_left
from tests.whole_world import PIPELINE, WholeWorld, drifted, whole_world

# ---------------------------------------------------------------- stories: everything up to the event that is handled


def raised(system: WholeWorld) -> str:
    """An alarm that is only told."""
    long_ago(system)
    name = guard(system)
    system.pump()
    system.turns(name, "ALARM")
    return "alarm_response"


def rejecting(system: WholeWorld) -> str:
    """An alarm that takes a version back."""
    released(system)
    name = guard(system)
    system.pump()
    system.turns(name, "ALARM")
    return "alarm_response"


def rejecting_later(system: WholeWorld) -> str:
    """An alarm that takes a version back, after another one that does not guard."""
    released(system)
    system.alarm("theirs")
    name = guard(system)
    system.turns("theirs", "ALARM")
    system.settle()
    system.turns(name, "ALARM")
    return "alarm_response"


def gathered(system: WholeWorld) -> str:
    """A second alarm, that is told with others later."""
    long_ago(system)
    one, other = guard(system, "one"), guard(system, "other")
    system.turns(one, "ALARM")
    system.settle()
    system.turns(other, "ALARM")
    return "alarm_response"


def look(system: WholeWorld) -> str:
    """The look that tells what was gathered."""
    gathered(system)
    system.pump()
    due = system.next_delayed()
    assert due is not None
    system.clock.jump_to(due)
    system.collect()
    return "alarm_response"


def start(system: WholeWorld) -> str:
    watched(system)
    system.pipeline()
    system.monitor_runs(drifted())
    system.deliver_to("monitor_report")
    system.collect()
    return "retraining"


def skip(system: WholeWorld) -> str:
    watched(system)
    system.pipeline()
    system.register()
    system.settle()
    system.monitor_runs(drifted())
    system.deliver_to("monitor_report")
    system.collect()
    return "retraining"


def registration(system: WholeWorld) -> str:
    system.group()
    system.training_job("fit", {"stationkeeper:register-to": "churn"})
    return until_it_ended(system)


def registration_told(system: WholeWorld) -> str:
    """Into a group that is released nowhere: the job's own message tells."""
    system.group("churn", endpoint=None)
    system.training_job("fit", {"stationkeeper:register-to": "churn"})
    return until_it_ended(system)


def execution(system: WholeWorld) -> str:
    start(system)
    assert system.invoke("retraining", system.boxes["retraining"].pop()) == []
    return until_it_ended(system, "Pipeline Execution Status")


def until_it_ended(system: WholeWorld, kind: str = "Training Job") -> str:
    box = system.boxes["job_report"]
    while not any(kind in body for body in box):
        due = system.simulator.next_due()
        assert due is not None
        system.clock.jump_to(due)
        system.simulator.run_due()
    box[:] = [body for body in box if kind in body]
    return "job_report"


STORIES: dict[Callable[[WholeWorld], str], int] = {
    raised: 8,
    rejecting: 13,
    rejecting_later: 14,
    gathered: 6,
    look: 8,
    start: 13,
    skip: 11,
    registration: 4,
    registration_told: 5,
    execution: 3,
}
"""And the calls each event costs."""
EACH_CALL = [(story, call) for story, calls in STORIES.items() for call in range(calls)]


def each_call() -> list[Any]:
    """Every call of every story."""
    return [pytest.param(story, call, id=f"{story.__name__}-{call}") for story, call in EACH_CALL]


# ---------------------------------------------------------------- ends


@dataclass
class End:
    """What must be the same: all but times and counts of writes."""

    live: int | None
    versions: list[str]
    executions: int
    red: tuple[str, ...]
    incident: str | None
    barred: list[tuple[int, bool]]
    retrainings: int
    told: set[str]


def end_of(system: WholeWorld, crashes: int) -> End:
    system.settle()
    system.sweep()
    system.settle()
    mail = system.read_mail()
    nothing_is_left(system)
    assert not any(system.boxes.values())
    memory, retrainings, record = system.alarms(), system.retrainings(), system.record()
    assert (memory.pending, memory.outbox, retrainings.outbox) == ((), (), ())
    assert retrainings.unfinished is None
    assert system.simulator.most_executions_at_once(PIPELINE) <= 1
    told = [(one["subject"], one["attributes"]["incident"]) for one in mail]
    assert len(told) == len(set(told))
    assert max(Counter(system.published).values()) <= 1 + crashes
    edges = [
        (edge["alarm"], edge["state"], edge["at"])
        for event in system.domain_events
        if event["detail-type"].startswith("Alarm")
        for edge in event["detail"]["edges"]
    ]
    assert len(edges) == len(set(edges))
    return End(
        system.live_version() if record.live else None,
        [one["ModelApprovalStatus"] for one in system.versions()],
        len(system.simulator.executions(PIPELINE)),
        memory.red,
        # Incidents are named after moments: only whether it is one is compared.
        None if memory.incident is None else "one",
        [(barred.version, barred.rejected) for barred in record.barred],
        len(retrainings.executions),
        {subject.rpartition(" #")[0] for subject, _ in told},
    )


@pytest.fixture(scope="module")
def undisturbed() -> dict[Any, End]:
    ends = {}
    for story in STORIES:
        with whole_world() as system:
            name = story(system)
            system.deliver_to(name)
            ends[story] = end_of(system, 0)
    return ends


@pytest.mark.parametrize(("story", "calls"), STORIES.items())
def test_the_tests_below_cover_every_call(story: Any, calls: int) -> None:
    with whole_world() as system:
        name = story(system)
        system.calls.clear()
        system.deliver_to(name)

    assert len(system.calls) == calls


@pytest.mark.parametrize(
    ("story", "call"),
    each_call(),
)
def test_killed_after_any_call(undisturbed: dict[Any, End], story: Any, call: int) -> None:
    with whole_world() as system:
        name = story(system)
        with system.crashing_after(call) as crash:
            system.deliver_to(name)
        assert crash.happened

        assert end_of(system, 1) == undisturbed[story]


@pytest.mark.parametrize(
    ("story", "call"),
    each_call(),
)
def test_any_call_fails_and_heals(undisturbed: dict[Any, End], story: Any, call: int) -> None:
    with whole_world() as system:
        name = story(system)
        left = [call]
        failed: list[str] = []

        def fail(operation: str) -> None:
            left[0] -= 1
            if left[0] == -1:
                failed.append(operation)
                code, status = ("ThrottlingException", 400) if call % 2 else ("InternalFailure", 500)
                raise ClientError(
                    {
                        "Error": {"Code": code, "Message": "injected"},
                        "ResponseMetadata": {"HTTPStatusCode": status},  # type: ignore[typeddict-item]
                    },
                    operation,
                )

        system.before_each_call = fail
        system.deliver_to(name)
        # An alarm is told without what monitors found; everything else is given back.
        told_without = name == "alarm_response" and failed[0].endswith(":ListMonitoringSchedules")
        assert told_without or len(system.boxes[name]) >= 1
        system.before_each_call = None

        assert end_of(system, 1) == undisturbed[story]


# Powertools keeps one set of metrics per process, where AWS has a process per copy.
@pytest.mark.filterwarnings("ignore:No application metrics to publish")
@pytest.mark.parametrize(
    ("story", "call"),
    each_call(),
)
def test_another_copy_gets_in_between_any_two_calls(
    undisturbed: dict[Any, End], story: Any, call: int
) -> None:
    with whole_world() as system:
        name = story(system)
        body = system.boxes[name][0]
        left = [call]

        def another_copy(_: str) -> None:
            left[0] -= 1
            if left[0] == -1 and system.invoke(name, body):
                system.boxes[name].append(body)

        system.after_each_call = another_copy
        system.deliver_to(name)
        system.after_each_call = None

        assert end_of(system, 1) == undisturbed[story]
