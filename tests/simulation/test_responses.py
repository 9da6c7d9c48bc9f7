"""Violations, alarms, approvals and executions in any order: never two executions at once, never a version taken back outside its bake
time, every change of every alarm told once.

Counterexamples are lists of commands; HYPOTHESIS_PROFILE=thorough looks for more of them, longer and at random.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from embedded_aws.moto_additions.sagemaker import ExecutionOutcome
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from tests.release_world import ENDPOINT
from tests.whole_world import PIPELINE, WholeWorld, drifted, whole_world

_THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
BAKE = timedelta(minutes=60)
HEARD_WITHIN = timedelta(minutes=15)
MINUTE = 60
ALARMS = ("churn-p95", "churn-5xx", "churn-cpu")
GUARDING = ALARMS[:2]
CRITICAL, MINOR = drifted("age", 0.0), drifted("tenure", 99.97)


@dataclass
class Story:
    """What was said, beside what the world knows itself."""

    said: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Every domain event, as it was published first."""


# ---- what may happen


@dataclass(frozen=True)
class Turns:
    alarm: str
    state: str

    def happen(self, system: WholeWorld) -> None:
        system.turns(self.alarm, self.state)


@dataclass(frozen=True)
class OursTurns:
    """The alarm on errors that was made for the live release."""

    state: str

    def happen(self, system: WholeWorld) -> None:
        live = system.record().live
        if live is not None and live.alarms:
            system.turns(live.alarms[0], self.state)


@dataclass(frozen=True)
class Storm:
    def happen(self, system: WholeWorld) -> None:
        for alarm in ALARMS:
            system.turns(alarm, "ALARM")


@dataclass(frozen=True)
class Deleted:
    alarm: str

    def happen(self, system: WholeWorld) -> None:
        system.cloudwatch.delete_alarms(AlarmNames=[self.alarm])
        system.alarm(self.alarm, tags=_tags(self.alarm))


@dataclass(frozen=True)
class MonitorRuns:
    violations: tuple[dict[str, str], ...]
    at_once: bool = True
    """Whether it is handled, and the next hour begins, before anything else happens."""

    def happen(self, system: WholeWorld) -> None:
        """One run an hour: what else happens, happens in the hour after it."""
        system.monitor_runs(*self.violations)
        if self.at_once:
            system.advance(61 * MINUTE)


@dataclass(frozen=True)
class Decides:
    """Somebody approves or rejects a version; `which` counts back from the newest."""

    which: int
    approve: bool

    def happen(self, system: WholeWorld) -> None:
        found = system.sagemaker.list_model_packages(ModelPackageGroupName="churn")["ModelPackageSummaryList"]
        arns = [one["ModelPackageArn"] for one in sorted(found, key=lambda one: one["ModelPackageVersion"])]
        if self.which < len(arns):
            (system.approve if self.approve else system.reject)(arns[-1 - self.which])


@dataclass(frozen=True)
class ExecutionEnds:
    """How the next execution is to end."""

    outcome: ExecutionOutcome

    def happen(self, system: WholeWorld) -> None:
        system.simulator.plan_execution(PIPELINE, self.outcome)


@dataclass(frozen=True)
class SomebodyStarts:
    """People start the pipeline themselves."""

    def happen(self, system: WholeWorld) -> None:
        system.sagemaker.start_pipeline_execution(
            PipelineName=PIPELINE, ClientRequestToken=f"{len(system.simulator.executions(PIPELINE)):032d}"
        )


@dataclass(frozen=True)
class TimePasses:
    seconds: int

    def happen(self, system: WholeWorld) -> None:
        system.advance(self.seconds)


@dataclass(frozen=True)
class Disturbed:
    duplicate: int
    hold_back: bool

    def happen(self, system: WholeWorld) -> None:
        system.simulator.disturb(self.duplicate, hold_back=self.hold_back)


@dataclass(frozen=True)
class HeldEventsCome:
    reverse: bool

    def happen(self, system: WholeWorld) -> None:
        system.simulator.release_held(reverse=self.reverse)


@dataclass(frozen=True)
class Dies:
    """The next delivery to a reaction is cut off after some of its calls."""

    reaction: str
    after: int

    def happen(self, system: WholeWorld) -> None:
        system._collect()
        if system.boxes[self.reaction]:
            with system.crashing_after(self.after):
                system.deliver_to(self.reaction)


@dataclass(frozen=True)
class Refused:
    """AWS is busy: the next call of a reaction fails, whichever it is."""

    reaction: str

    def happen(self, system: WholeWorld) -> None:
        system._collect()
        if not system.boxes[self.reaction]:
            return

        def throttled(call: str) -> None:
            system.before_each_call = None
            error = {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}
            raise ClientError({**error, "ResponseMetadata": {"HTTPStatusCode": 400}}, call)

        system.before_each_call = throttled
        system.deliver_to(self.reaction)
        system.before_each_call = None


REACTIONS = ("alarm_response", "retraining", "job_report", "monitor_report")
STATES = st.sampled_from(["ALARM", "ALARM", "OK", "OK", "INSUFFICIENT_DATA"])
COMMANDS = st.one_of(
    st.builds(Turns, st.sampled_from(ALARMS), STATES),
    st.builds(OursTurns, STATES),
    st.builds(Storm),
    st.builds(Deleted, st.sampled_from(ALARMS)),
    st.builds(MonitorRuns, st.sampled_from([(), (CRITICAL,), (CRITICAL, MINOR), (MINOR,)]), st.booleans()),
    st.builds(MonitorRuns, st.sampled_from([(), (CRITICAL,), (CRITICAL, MINOR)])),
    st.builds(Decides, st.integers(0, 2), st.booleans()),
    st.builds(ExecutionEnds, st.sampled_from([ExecutionOutcome.FAILS, ExecutionOutcome.STOPPED])),
    st.builds(SomebodyStarts),
    st.builds(TimePasses, st.sampled_from([30, 4 * MINUTE, 40 * MINUTE, 70 * MINUTE, 26 * 60 * MINUTE])),
    st.builds(Disturbed, st.integers(1, 3), st.booleans()),
    st.builds(HeldEventsCome, st.booleans()),
    st.builds(Dies, st.sampled_from(REACTIONS), st.integers(0, 12)),
    st.builds(Refused, st.sampled_from(REACTIONS)),
)


# ---- the world


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """Log lines are made as always, and thrown away."""
    from stationkeeper.telemetry import logger

    handler = logger.registered_handler
    with Path(os.devnull).open("w") as nowhere:
        before = handler.setStream(nowhere)
        yield
        if before is not None:
            handler.setStream(before)


@contextmanager
def watched_world() -> Iterator[tuple[WholeWorld, Story]]:
    """An endpoint on version 2 with three alarms, a monitor, and a pipeline that drift may start at any time."""
    story = Story()
    with whole_world() as system:
        system.group(retraining_pipeline=PIPELINE, retrain_at="warning", retraining_cool_down_hours="2")
        system.pipeline()
        for _ in range(2):
            system.approved()
            system.settle()
        system.watched()
        for name in ALARMS:
            system.alarm(name, tags=_tags(name))
        system.settle()
        system.read_mail()
        system.events_seen.clear()
        _listen(system, story)
        yield system, story


def _tags(alarm: str) -> dict[str, str]:
    return {"stationkeeper:endpoint": ENDPOINT} if alarm in GUARDING else {}


def _listen(system: WholeWorld, story: Story) -> None:
    sort = system._sort

    def hear(event: dict[str, Any], *, on_our_bus: bool) -> None:
        if on_our_bus and event["detail"]["id"] not in {detail["id"] for _, detail in story.said}:
            story.said.append((event["detail-type"], event["detail"]))
        sort(event, on_our_bus=on_our_bus)

    system._sort = hear  # type: ignore[method-assign]


@pytest.mark.filterwarnings("ignore:No application metrics to publish")
@settings(
    max_examples=200 if _THOROUGH else 25,
    derandomize=not _THOROUGH,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@example([Turns("churn-p95", "ALARM"), TimePasses(4 * MINUTE), Turns("churn-p95", "OK")])
@example([TimePasses(70 * MINUTE), Storm(), TimePasses(4 * MINUTE)])
@example(
    [MonitorRuns((CRITICAL,)), TimePasses(40 * MINUTE), Decides(0, approve=True), TimePasses(40 * MINUTE)]
)
@example([SomebodyStarts(), MonitorRuns((CRITICAL,), at_once=False), TimePasses(40 * MINUTE)])
@given(st.lists(COMMANDS, min_size=8, max_size=30))
def test_whatever_happens(commands: list[Any]) -> None:
    with watched_world() as (system, story):
        for command in commands:
            command.happen(system)
        comes_to_rest(system)

        never_two_at_once(system)
        nothing_taken_back_outside_the_bake_time(story)
        every_change_told_once(system, story)
        nothing_waits(system)
        for kind in {kind for kind, _ in story.said}:
            event(kind)


def comes_to_rest(system: WholeWorld) -> None:
    """All faults are over; every event that was held back comes; every alarm is OK; time passes."""
    system.simulator.disturb()
    system.simulator.release_held()
    system.settle()
    for name in system.alarm_names():
        system.cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="over")
    system.settle()
    system.advance(20 * MINUTE)
    system.settle()


def never_two_at_once(system: WholeWorld) -> None:
    """None of ours was started while any execution of the pipeline was running."""
    executions = system.simulator.executions(PIPELINE)
    for ours in executions:
        if not (ours.display_name or "").startswith("stationkeeper-"):
            continue
        for other in executions:
            if other is not ours and other.created <= ours.created:
                assert other.ended is not None, (ours, other)
                assert other.ended <= ours.created, (ours, other)


def nothing_taken_back_outside_the_bake_time(story: Story) -> None:
    for kind, detail in story.said:
        if kind != "AlarmRaised" or detail["response"] not in ("rejected", "refused"):
            continue
        released = datetime.fromisoformat(detail["released_at"])
        guarding = [
            datetime.fromisoformat(edge["at"])
            for edge in detail["edges"]
            if edge["guards"] and edge["state"] == "ALARM"
        ]
        assert any(released <= at <= released + BAKE for at in guarding), detail
        assert datetime.fromisoformat(detail["at"]) <= released + BAKE + HEARD_WITHIN


def every_change_told_once(system: WholeWorld, story: Story) -> None:
    told = Counter(
        (edge["alarm"], edge["state"], datetime.fromisoformat(edge["at"]))
        for kind, detail in story.said
        if kind in ("AlarmRaised", "AlarmCleared")
        for edge in detail["edges"]
    )
    assert not {edge: number for edge, number in told.items() if number > 1}
    happened = edges_of(system)
    assert set(told) >= happened, happened - set(told)


def edges_of(system: WholeWorld) -> set[tuple[str, str, datetime]]:
    """Every change to red and back, as CloudWatch told of it; one that lost its data is as red as it was."""
    changes = {
        (
            one["detail"]["alarmName"],
            datetime.fromisoformat(one["detail"]["state"]["timestamp"]),
            one["detail"]["state"]["value"],
        )
        for one in system.events_seen
        if one["detail-type"] == "CloudWatch Alarm State Change"
    }
    red: dict[str, bool] = {}
    found = set()
    for alarm, at, state in sorted(changes):
        if state != "INSUFFICIENT_DATA" and red.get(alarm, False) is not (state == "ALARM"):
            red[alarm] = state == "ALARM"
            found.add((alarm, state, at))
    return found


def nothing_waits(system: WholeWorld) -> None:
    assert system.inbox == []
    assert not any(system.boxes.values())
    assert system.alarms().outbox == ()
    assert system.alarms().pending == ()
    assert system.retrainings().outbox == ()
    assert system.retrainings().unfinished is None
    assert json.loads(json.dumps(system.alarms().red)) == []
