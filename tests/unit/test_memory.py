"""What is remembered of a schedule is the same however its events come, and on-call hears the same."""

import random
import string
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationkeeper.alerts.lifecycle import Blinded, Found, Judged, Recovered, Run, State, fold
from stationkeeper.alerts.memory import RUNS_KEPT, Memory, Name, Placement
from stationkeeper.aws.monitor_memories import DynamoDbMonitorMemories, _encode
from stationkeeper.reports.policy import Alerting
from stationkeeper.reports.verdict import judge_all
from tests.unit.builders import (
    DEFAULTS,
    SCHEDULE_ARN,
    START,
    blind_run,
    execution,
    judged_run,
    names_of,
    remembered,
    violation,
)

ALERTING = Alerting()


def recalling(*runs: Run, alerting: Alerting = ALERTING) -> tuple[Memory, list[tuple[str, Any]]]:
    """The memory after these runs came in this order, and each finding with the job it is about."""
    memory, told = Memory(), []
    for run in runs:
        if memory.placement(run) in (Placement.KNOWN, Placement.FORGOTTEN):
            continue
        memory, findings = memory.with_run(run, names_of(run), alerting)
        told += [(run.job, finding) for finding in findings]
    return memory, told


def as_stored(memory: Memory) -> dict[str, Any]:
    return memory.model_dump(mode="json", exclude={"version", "outbox"})


# Placement


def test_the_first_run_is_the_newest():
    assert Memory().placement(judged_run(1)) is Placement.NEWEST


@pytest.mark.parametrize(
    ("run", "placement"),
    [
        (judged_run(4), Placement.NEWEST),
        (judged_run(3), Placement.KNOWN),
        (blind_run(3), Placement.KNOWN),
        (judged_run(2), Placement.LATE),
        (judged_run(1), Placement.KNOWN),
        (judged_run(0), Placement.LATE),
        (Run(at=START + timedelta(hours=9), job="job-0001.000", outcome=judged_run(1).outcome), Placement.KNOWN),
    ],
)
def test_a_run_is_placed_by_its_job_and_when_it_was_due(run, placement):
    memory, _ = recalling(judged_run(1), judged_run(3))

    assert memory.placement(run) is placement


def test_a_run_before_all_that_is_remembered_is_forgotten():
    memory, _ = recalling(*(judged_run(hour) for hour in range(RUNS_KEPT + 2)))

    assert memory.placement(judged_run(0)) is Placement.FORGOTTEN
    assert memory.placement(judged_run(1)) is Placement.FORGOTTEN
    assert memory.placement(judged_run(0.5)) is Placement.FORGOTTEN
    assert memory.placement(judged_run(2)) is Placement.KNOWN
    assert memory.placement(judged_run(2.5)) is Placement.LATE


def test_two_jobs_due_at_the_same_time_are_two_runs():
    first, second = judged_run(1, A=300), judged_run(1, A=300).model_copy(update={"job": "another"})

    memory, _ = recalling(first, second)

    assert [run.job for run in memory.runs] == sorted([first.job, second.job])


# Whatever order events come in

LEVELS = st.sampled_from([100, 200, 300, 301])
OUTCOMES = st.one_of(
    st.dictionaries(st.sampled_from("ABC"), LEVELS, max_size=3),
    st.dictionaries(st.sampled_from("ABC"), LEVELS, max_size=3),
    st.sampled_from(["no-data", "job-failed"]),
)


def run_of(hour: float, outcome: dict[str, int] | str) -> Run:
    return blind_run(hour, outcome) if isinstance(outcome, str) else judged_run(hour, **outcome)


@st.composite
def arrivals(draw, most: int = 12, outcomes: st.SearchStrategy = OUTCOMES) -> list[Run]:
    """Hourly runs in the order they came, some of them again."""
    runs = [run_of(hour, outcome) for hour, outcome in enumerate(draw(st.lists(outcomes, min_size=1, max_size=most)))]
    came = draw(st.permutations(runs))
    again = draw(st.lists(st.tuples(st.sampled_from(runs), st.integers(0, 2 * most)), max_size=4))
    for run, place in again:
        came.insert(place, run)
    return came


def due_order(came: list[Run]) -> list[Run]:
    return sorted({run.job: run for run in came}.values(), key=lambda run: run.order)


ANY_ALERTING = st.builds(Alerting, runs_before_alert=st.sampled_from([1, 2, 3]), repeat_after_hours=st.sampled_from([3, 24]))


@settings(max_examples=200)
@given(arrivals(), ANY_ALERTING)
def test_any_order_of_events_ends_in_the_same_memory(came, alerting):
    in_order, _ = recalling(*due_order(came), alerting=alerting)

    memory, _ = recalling(*came, alerting=alerting)

    assert as_stored(memory) == as_stored(in_order)
    assert memory.state(alerting) == in_order.state(alerting)


@given(arrivals(), ANY_ALERTING)
def test_a_memory_is_where_the_story_ends(came, alerting):
    state = State()
    for run in due_order(came):
        state, _ = fold(state, run, alerting)

    memory, _ = recalling(*came, alerting=alerting)

    assert memory.state(alerting) == state


@given(arrivals(), ANY_ALERTING)
def test_a_memory_survives_being_stored(came, alerting):
    memory, _ = recalling(*came, alerting=alerting)

    stored = Memory.model_validate_json(memory.model_dump_json())

    assert stored == memory
    assert stored.state(alerting) == memory.state(alerting)
    assert stored.newest == memory.newest


@given(arrivals(), ANY_ALERTING)
def test_a_memory_stored_after_every_run_is_the_same(came, alerting):
    memory = Memory()
    for run in came:
        if memory.placement(run) in (Placement.NEWEST, Placement.LATE):
            memory, _ = memory.with_run(run, names_of(run), alerting)
            memory = Memory.model_validate_json(memory.model_dump_json())

    assert as_stored(memory) == as_stored(recalling(*came, alerting=alerting)[0])


@settings(max_examples=20)
@given(st.lists(OUTCOMES, min_size=RUNS_KEPT + 1, max_size=RUNS_KEPT + 15), st.randoms(), ANY_ALERTING)
def test_what_is_no_longer_kept_lives_on_in_the_state(outcomes, shuffler, alerting):
    runs = [run_of(hour, outcome) for hour, outcome in enumerate(outcomes)]
    came = sorted(runs, key=lambda run: run.at.timestamp() + shuffler.uniform(0, 8 * 3600))
    state = State()
    for run in runs:
        state, _ = fold(state, run, alerting)

    memory, _ = recalling(*came, alerting=alerting)

    assert memory.runs == tuple(runs[-RUNS_KEPT:])
    assert memory.state(alerting) == state


def test_names_are_kept_as_long_as_they_are_in_use():
    runs = [judged_run(0, A=300, B=300), *(judged_run(hour, A=300) for hour in range(1, RUNS_KEPT + 2))]

    memory, _ = recalling(*runs)
    assert set(memory.names) == {"A", "B"}  # B is what the last message listed

    memory, _ = recalling(*runs, judged_run(RUNS_KEPT + 2), *(judged_run(60 + hour) for hour in range(RUNS_KEPT + 1)))
    assert memory.names == {}


# What on-call hears when events come late


def messages(told: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    return [(job[4:8].lstrip("0") or "0", finding.of if isinstance(finding, Recovered) else finding.kind) for job, finding in told]


def told_late(late: Run, *before: Run, alerting: Alerting = ALERTING) -> tuple[Any, ...]:
    memory, _ = recalling(*before, alerting=alerting)
    assert memory.placement(late) is Placement.LATE
    return memory.with_run(late, names_of(late), alerting)[1]


def test_late_news_is_what_no_newer_run_found():
    findings = told_late(judged_run(1, A=300), judged_run(0), judged_run(2))

    assert [(finding.kind, finding.new) for finding in findings] == [("found", {"A"})]


@pytest.mark.parametrize(
    ("late", "before"),
    [
        pytest.param(judged_run(1, A=300), [judged_run(0), judged_run(2, A=300)], id="found again"),
        pytest.param(judged_run(1, A=300), [judged_run(0), judged_run(2, A=302)], id="found again, worse"),
        pytest.param(judged_run(1, A=200), [judged_run(2), judged_run(3, A=300)], id="found again by a later one"),
        pytest.param(judged_run(1, A=300, B=300), [judged_run(2, A=300), judged_run(3, B=300)], id="by several"),
        pytest.param(judged_run(1), [judged_run(0, A=300), judged_run(2, A=300)], id="clean in between"),
        pytest.param(judged_run(1), [judged_run(0, A=300), judged_run(2)], id="over before it was known"),
        pytest.param(judged_run(1), [judged_run(0), judged_run(2, A=300)], id="clean, nothing to say"),
        pytest.param(blind_run(1), [judged_run(0), blind_run(2)], id="blind, still blind"),
        pytest.param(judged_run(1), [blind_run(0), judged_run(2)], id="saw before it was known"),
        pytest.param(judged_run(1, A=300), [judged_run(0, A=300), judged_run(2, A=300)], id="ongoing"),
    ],
)
def test_what_a_newer_run_speaks_for_is_not_told_late(late, before):
    assert told_late(late, *before) == ()


@pytest.mark.parametrize(
    ("late", "before"),
    [
        pytest.param(judged_run(1, A=301), [judged_run(0), judged_run(2, A=300)], id="worse than found again"),
        pytest.param(judged_run(1, A=300, B=300), [judged_run(0), judged_run(2, A=300)], id="not all found again"),
        pytest.param(judged_run(1, A=300), [judged_run(0), blind_run(2)], id="found, then blind"),
        pytest.param(blind_run(1), [judged_run(0), judged_run(2)], id="blind, then seeing"),
        pytest.param(blind_run(1), [judged_run(0), judged_run(2, A=300)], id="blind, then violated"),
    ],
)
def test_what_no_newer_run_speaks_for_is_told_late(late, before):
    findings = told_late(late, *before)

    assert len(findings) == 1
    assert isinstance(findings[0], Blinded if late.outcome.kind == "blind" else Found)


def test_a_reminder_is_not_told_late():
    """The newer run has reminded on-call already; a late one brings nothing new."""
    newer = [judged_run(hour, A=300) for hour in (0, 1, 26)]

    assert told_late(judged_run(25, A=300), *newer) == ()


def test_that_there_were_more_is_not_told_late_when_a_newer_run_had_as_many():
    newer = [judged_run(0, A=200, untracked=10), judged_run(2, A=200, untracked=30)]

    assert told_late(judged_run(1, A=200, untracked=25), *newer) == ()


@pytest.mark.parametrize("runs_before_alert", [1, 2, 3])
@settings(max_examples=300)
@given(came=arrivals(most=6, outcomes=st.sampled_from([{}, {"A": 300}, {"A": 300}, {"B": 300}])))
def test_what_the_memory_says_was_told_was_told(runs_before_alert, came):
    """Whatever order events come in: what lasts is either told or still to be told, never only written down as told."""
    alerting = Alerting(runs_before_alert=runs_before_alert)

    memory, told = recalling(*came, alerting=alerting)

    incident = memory.state(alerting).violations
    if incident is not None and incident.told_at is not None:
        named = set().union(*(finding.new for _, finding in told if isinstance(finding, Found)))
        assert set(incident.told) <= named


@pytest.mark.parametrize("runs_before_alert", [1, 2, 3])
@settings(max_examples=300)
@given(came=arrivals(most=6, outcomes=st.sampled_from([{}, {"A": 300}, {"A": 300}])))
def test_an_incident_that_was_told_stays_told_until_its_end_is(runs_before_alert, came):
    """An event that comes late may not make Stationkeeper forget that on-call waits for the end of an incident."""
    alerting = Alerting(runs_before_alert=runs_before_alert)
    memory, waiting = Memory(), False
    for run in came:
        placement = memory.placement(run)
        if placement in (Placement.KNOWN, Placement.FORGOTTEN):
            continue
        memory, findings = memory.with_run(run, names_of(run), alerting)
        kinds = [finding.of if isinstance(finding, Recovered) else finding.kind for finding in findings]
        if placement is Placement.NEWEST:  # late news says itself that a newer run did not find it
            waiting = (waiting or "found" in kinds) and "violations" not in kinds
        if waiting:
            incident = memory.state(alerting).violations
            assert incident is not None
            assert incident.told_at is not None


@pytest.mark.parametrize("runs_before_alert", [1, 2, 3])
@settings(max_examples=300)
@given(came=arrivals(most=6, outcomes=st.sampled_from([{}, "no-data", "no-data"])))
def test_blindness_that_the_memory_says_was_told_was_told(runs_before_alert, came):
    alerting = Alerting(runs_before_alert=runs_before_alert)

    memory, told = recalling(*came, alerting=alerting)

    blind = memory.state(alerting).blind
    if blind is not None and blind.told_at is not None:
        assert any(isinstance(finding, Blinded) for _, finding in told)


def test_two_runs_in_a_row_are_told_though_the_second_came_first():
    alerting = Alerting(runs_before_alert=2)
    first, second, third = (judged_run(hour, A=300) for hour in (1, 2, 3))

    _, told = recalling(second, first, third, alerting=alerting)

    assert [finding.kind for _, finding in told] == ["found"]


# Violations at the last run that could be judged


def test_the_last_total_is_that_of_the_last_run_that_could_be_judged():
    memory, _ = recalling(judged_run(0, A=300), judged_run(1, A=300, B=200), blind_run(2), blind_run(3))

    assert memory.last_total_before(blind_run(4)) == 2
    assert memory.last_total_before(judged_run(1)) == 1
    assert memory.last_total_before(judged_run(0)) is None


def test_open_violations_are_not_forgotten_by_a_monitor_that_is_blind_for_long():
    memory, _ = recalling(judged_run(0, A=300, B=300), *(blind_run(hour) for hour in range(1, RUNS_KEPT + 5)))
    assert memory.state(ALERTING).violations is not None

    assert memory.last_total_before(blind_run(RUNS_KEPT + 5)) == 2


# The size of a memory


class Table:
    """A DynamoDB table that holds one item, as much as DynamoDB would take."""

    def __init__(self) -> None:
        self.item: dict[str, Any] = {}

    def put_item(self, *, Item: dict[str, Any], **_: Any) -> None:  # noqa: N803
        size = sum(len(name) + len(next(iter(value.values()))) for name, value in Item.items())
        assert size < 400_000, f"DynamoDB refuses an item of {size:,} bytes"
        self.item = Item

    def get_item(self, **_: Any) -> dict[str, Any]:
        body = {"B": self.item["body"]["B"]}
        return {"Item": {"body": body, "version": self.item["version"]}} if self.item else {}


def noise(source: random.Random) -> str:
    """A name of 300 characters that does not compress."""
    return "".join(source.choices(string.printable.strip(), k=300))


@pytest.mark.parametrize("runs", [2, 40])
@pytest.mark.parametrize("noisy", [("subject",), ("subject", "qualifier"), ("subject", "qualifier", "check")], ids=len)
def test_a_memory_stays_within_its_item_whatever_monitors_find(runs, noisy):
    """Each run finds 1,000 other violations, with names that are as long as names get."""
    source = random.Random(3)
    table = Table()
    memories = DynamoDbMonitorMemories(lambda: table, "state")  # type: ignore[arg-type, return-value]
    memory = Memory()
    for hour in range(runs):
        found = [violation(**{part: noise(source) for part in noisy}) for _ in range(1_000)]
        run = execution(hour)
        memory, _ = remembered(memory, run, judge_all(found, DEFAULTS, run.at))
        memory = memories.remember(SCHEDULE_ARN, "taxi-prod", memory, ALERTING)

    assert len(_encode(memory)) < 300_000
    assert len(table.item["body"]["B"]) < 300_000
    again = memories.recall(SCHEDULE_ARN)
    assert again == memory
    newest = Run(at=run.at, job=run.job, outcome=judged_run(0).outcome)
    assert again.placement(newest) in (Placement.KNOWN, Placement.FORGOTTEN)


def test_a_memory_of_common_runs_keeps_them_all():
    """60 features drift every hour for days: far below the limit, so nothing is folded away early."""
    table = Table()
    memories = DynamoDbMonitorMemories(lambda: table, "state")  # type: ignore[arg-type, return-value]
    memory = Memory()
    for hour in range(40):
        found = [violation(f"feature_number_{n}", observed=float(hour)) for n in range(60)]
        run = execution(hour)
        memory, _ = remembered(memory, run, judge_all(found, DEFAULTS, run.at))
        memory = memories.remember(SCHEDULE_ARN, "taxi-prod", memory, ALERTING)

    assert len(memory.runs) == RUNS_KEPT
    assert len(_encode(memory)) < 30_000
    assert memory.version == 40


def test_a_name_is_kept_recognisable():
    names = {"fare": "fare", "é" * 96: "é" * 20, "特徴量" * 100: "特徴量", " a  b\n": "a b", "\ud800": "\\ud800"}
    found = [violation(name) for name in names]

    memory, _ = remembered(Memory(), execution(), judge_all(found, DEFAULTS, START))

    kept = Counter(name.subject for name in memory.names.values())
    for name in memory.names.values():
        assert "\n" not in name.subject
        assert "message" not in name.subject
        assert len(name.subject.encode()) <= 96
    for beginning in names.values():
        assert any(subject.startswith(beginning) for subject in kept), beginning


def test_one_constraint_listed_twice_is_remembered_once_at_its_worst():
    found = [violation("fare", observed=99.9), violation("fare", observed=0.0), violation("fare", observed=80.0)]

    memory, findings = remembered(Memory(), execution(), judge_all(found, DEFAULTS, START))

    (run,) = memory.runs
    assert isinstance(run.outcome, Judged)
    assert list(run.outcome.levels.values()) == [302]
    assert run.outcome.total == 3
    assert memory.names == {violation("fare").identity: Name(subject="fare", qualifier="", check="data_type_check")}
    assert len(findings) == 1
