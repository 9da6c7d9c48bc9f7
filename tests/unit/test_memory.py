"""What is remembered of a schedule is the same however its events come, and on-call hears the same."""

import random
import string
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stationkeeper.alerts.lifecycle import Finding, TellBlindness, TellRecovery, TellViolations
from stationkeeper.alerts.memory import RUNS_KEPT, Memory, Placement
from stationkeeper.alerts.standing import Judged, Run, Standing
from stationkeeper.aws.monitor_memories import DynamoDbMonitorMemories
from stationkeeper.aws.versioned_items import body_of
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


def heard_of(memory: Memory) -> dict[str, int]:
    """What on-call knows of, as far as this memory knows."""
    return dict(memory.heard.violations.told) if memory.heard.violations else {}


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
    """What follows from the runs; what on-call heard follows from the order they came in."""
    return memory.model_dump(mode="json", exclude={"version", "outbox", "heard", "names"})


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
        (
            Run(at=START + timedelta(hours=9), job="job-0001.000", outcome=judged_run(1).outcome),
            Placement.KNOWN,
        ),
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
    runs = [
        run_of(hour, outcome)
        for hour, outcome in enumerate(draw(st.lists(outcomes, min_size=1, max_size=most)))
    ]
    came = draw(st.permutations(runs))
    again = draw(st.lists(st.tuples(st.sampled_from(runs), st.integers(0, 2 * most)), max_size=4))
    for run, place in again:
        came.insert(place, run)
    return came


def due_order(came: list[Run]) -> list[Run]:
    return sorted({run.job: run for run in came}.values(), key=lambda run: run.order)


ANY_ALERTING = st.builds(
    Alerting, runs_before_alert=st.sampled_from([1, 2, 3]), repeat_after_hours=st.sampled_from([3, 24])
)


@settings(max_examples=200)
@given(arrivals(), ANY_ALERTING)
def test_any_order_of_events_ends_in_the_same_memory(came, alerting):
    in_order, _ = recalling(*due_order(came), alerting=alerting)

    memory, _ = recalling(*came, alerting=alerting)

    assert as_stored(memory) == as_stored(in_order)
    assert memory.standing() == in_order.standing()


@given(arrivals(), ANY_ALERTING)
def test_a_memory_is_where_the_story_ends(came, alerting):
    standing = Standing()
    for run in due_order(came):
        standing = standing.after(run)

    memory, _ = recalling(*came, alerting=alerting)

    assert memory.standing() == standing
    for run in memory.runs:
        assert (
            memory.standing_before(run).after(run)
            == memory.model_copy(
                update={"runs": tuple(r for r in memory.runs if r.order <= run.order)}
            ).standing()
        )


@given(arrivals(), ANY_ALERTING)
def test_a_memory_survives_being_stored(came, alerting):
    memory, _ = recalling(*came, alerting=alerting)

    stored = Memory.model_validate_json(memory.model_dump_json())

    assert stored == memory
    assert stored.standing() == memory.standing()
    assert stored.newest == memory.newest


@given(arrivals(), ANY_ALERTING)
def test_a_memory_stored_after_every_run_is_the_same(came, alerting):
    memory = Memory()
    for run in came:
        if memory.placement(run) in (Placement.NEWEST, Placement.LATE):
            memory, _ = memory.with_run(run, names_of(run), alerting)
            memory = Memory.model_validate_json(memory.model_dump_json())

    assert memory == recalling(*came, alerting=alerting)[0]


@given(arrivals(), ANY_ALERTING)
def test_what_on_call_knows_of_has_a_name(came, alerting):
    """It is named when it is over."""
    memory, _ = recalling(*came, alerting=alerting)

    assert set(heard_of(memory)) <= set(memory.names)


@settings(max_examples=20)
@given(st.lists(OUTCOMES, min_size=RUNS_KEPT + 1, max_size=RUNS_KEPT + 15), st.randoms(), ANY_ALERTING)
def test_what_is_no_longer_kept_lives_on_in_the_state(outcomes, shuffler, alerting):
    runs = [run_of(hour, outcome) for hour, outcome in enumerate(outcomes)]
    came = sorted(runs, key=lambda run: run.at.timestamp() + shuffler.uniform(0, 8 * 3600))
    standing = Standing()
    for run in runs:
        standing = standing.after(run)

    memory, _ = recalling(*came, alerting=alerting)

    assert memory.runs == tuple(runs[-RUNS_KEPT:])
    assert memory.standing() == standing


def test_names_are_kept_as_long_as_they_are_in_use():
    runs = [judged_run(0, A=300, B=300), *(judged_run(hour, A=300) for hour in range(1, RUNS_KEPT + 2))]

    seldom = Alerting(repeat_after_hours=720)

    lasting, _ = recalling(*runs, alerting=seldom)
    over, _ = recalling(*runs, *(judged_run(60 + hour) for hour in range(RUNS_KEPT + 1)), alerting=seldom)

    assert set(lasting.names) == {"A", "B"}  # B was listed in the last message, so on-call waits for its end
    assert over.names == {}


# What on-call hears when events come late


def told_late(late: Run, *before: Run, alerting: Alerting = ALERTING) -> tuple[Any, ...]:
    memory, _ = recalling(*before, alerting=alerting)
    assert memory.placement(late) is Placement.LATE
    return memory.with_run(late, names_of(late), alerting)[1]


def test_late_news_is_what_no_newer_run_found():
    findings = told_late(judged_run(1, A=300), judged_run(0), judged_run(2))

    assert [(finding.kind, finding.new) for finding in findings] == [("violations", {"A"})]


@pytest.mark.parametrize(
    ("late", "before"),
    [
        pytest.param(judged_run(1, A=300), [judged_run(0), judged_run(2, A=300)], id="found again"),
        pytest.param(judged_run(1, A=300), [judged_run(0), judged_run(2, A=302)], id="found again, worse"),
        pytest.param(
            judged_run(1, A=200), [judged_run(2), judged_run(3, A=300)], id="found again by a later one"
        ),
        pytest.param(
            judged_run(1, A=300, B=300), [judged_run(2, A=300), judged_run(3, B=300)], id="by several"
        ),
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
        pytest.param(
            judged_run(1, A=301), [judged_run(0), judged_run(2, A=300)], id="worse than found again"
        ),
        pytest.param(
            judged_run(1, A=300, B=300), [judged_run(0), judged_run(2, A=300)], id="not all found again"
        ),
        pytest.param(judged_run(1, A=300), [judged_run(0), blind_run(2)], id="found, then blind"),
        pytest.param(blind_run(1), [judged_run(0), judged_run(2)], id="blind, then seeing"),
        pytest.param(blind_run(1), [judged_run(0), judged_run(2, A=300)], id="blind, then violated"),
    ],
)
def test_what_no_newer_run_speaks_for_is_told_late(late, before):
    findings = told_late(late, *before)

    assert len(findings) == 1
    assert isinstance(findings[0], TellBlindness if late.outcome.kind == "blind" else TellViolations)


def test_a_reminder_is_not_told_late():
    """The newer run has reminded on-call already; a late one brings nothing new."""
    newer = [judged_run(hour, A=300) for hour in (0, 1, 26)]

    assert told_late(judged_run(25, A=300), *newer) == ()


def test_that_there_were_more_is_not_told_late_when_a_newer_run_had_as_many():
    newer = [judged_run(0, A=200, untracked=10), judged_run(2, A=200, untracked=30)]

    assert told_late(judged_run(1, A=200, untracked=25), *newer) == ()


def test_late_news_changes_nothing_on_call_waits_for():
    before, _ = recalling(judged_run(0, A=300), judged_run(2, A=300))
    late = judged_run(1, A=300, B=300)

    after, _ = before.with_run(late, names_of(late), ALERTING)

    assert after.heard == before.heard


FEW = st.sampled_from([{}, {"A": 300}, {"A": 300}, {"B": 300}, "no-data"])


@settings(max_examples=400)
@given(came=arrivals(most=6, outcomes=FEW), alerting=ANY_ALERTING)
def test_what_the_memory_says_was_told_was_told(came, alerting):
    """Whatever order events come in: what lasts is told or still to be told, never only written down as told."""
    memory, told = recalling(*came, alerting=alerting)

    named = set().union(*(finding.new for _, finding in told if isinstance(finding, TellViolations)))
    assert set(heard_of(memory)) <= named
    if memory.heard.blindness is not None:
        assert any(isinstance(finding, TellBlindness) for _, finding in told)


@settings(max_examples=400)
@given(came=arrivals(most=6, outcomes=FEW), alerting=ANY_ALERTING)
def test_on_call_is_told_the_end_of_all_that_it_waits_for(came, alerting):
    """An event that comes late may not make Stationkeeper forget that on-call waits for the end of an incident."""
    memory, waiting = Memory(), set()
    for run in came:
        placement = memory.placement(run)
        if placement in (Placement.KNOWN, Placement.FORGOTTEN):
            continue
        memory, findings = memory.with_run(run, names_of(run), alerting)
        if placement is Placement.LATE:  # a newer run decided: on-call waits for the end of what lasts only
            kinds = {finding.kind for finding in findings}
            assert "recovery" not in kinds
            heard = memory.heard
            known = {"violations": heard.violations, "blindness": heard.blindness}
            began = {kind for kind, state in known.items() if state is not None} - waiting
            assert began <= kinds
            waiting |= began
            continue
        waiting |= {finding.kind for finding in findings} - {"recovery"}
        over = {finding.of for finding in findings if isinstance(finding, TellRecovery)}
        assert over <= waiting
        waiting -= over
        if isinstance(run.outcome, Judged):
            assert "blindness" not in waiting
            assert run.outcome.total or "violations" not in waiting
    assert (memory.heard.violations is not None) is ("violations" in waiting)
    assert (memory.heard.blindness is not None) is ("blindness" in waiting)


def told_of(findings: list[tuple[str, Finding]]) -> set[str]:
    return set().union(
        *(finding.new | finding.worse for _, finding in findings if isinstance(finding, TellViolations))
    )


@settings(max_examples=400)
@given(came=arrivals(most=6, outcomes=FEW))
def test_every_critical_violation_is_told_whatever_order_events_come_in(came):
    _, told = recalling(*came)

    found = {name for run in came if isinstance(run.outcome, Judged) for name in run.outcome.levels}
    assert told_of(told) == found


@settings(max_examples=400)
@given(came=arrivals(most=6, outcomes=FEW))
def test_blindness_is_told_whatever_order_events_come_in(came):
    _, told = recalling(*came)

    blind = any(not isinstance(run.outcome, Judged) for run in came)
    assert any(isinstance(finding, TellBlindness) for _, finding in told) is blind


@pytest.mark.parametrize(
    "came",
    [
        pytest.param([judged_run(1, A=300), judged_run(2, A=300), judged_run(3)], id="in order"),
        pytest.param(
            [judged_run(2, A=300), judged_run(1, A=300), judged_run(3, A=300)], id="the first late, it lasts"
        ),
        pytest.param(
            [judged_run(1, A=300), judged_run(3), judged_run(2, A=300)], id="the second late, then over"
        ),
        pytest.param(
            [judged_run(2, A=300), judged_run(1, A=300), judged_run(3)], id="the first late, then over"
        ),
        pytest.param([judged_run(3), judged_run(1, A=300), judged_run(2, A=300)], id="both late"),
        pytest.param([judged_run(3), judged_run(2, A=300), judged_run(1, A=300)], id="both late, backwards"),
    ],
)
def test_two_runs_in_a_row_are_told_whatever_order_they_come_in(came):
    _, told = recalling(*came, alerting=Alerting(runs_before_alert=2))

    assert told_of(told) == {"A"}


def test_two_blind_runs_in_a_row_are_told_though_the_first_came_late():
    alerting = Alerting(runs_before_alert=2)

    _, told = recalling(blind_run(2), blind_run(1), blind_run(3), alerting=alerting)

    assert [finding.kind for _, finding in told] == ["blindness"]


# Where the monitor stood


def test_where_it_stood_before_a_run_is_known_for_every_run():
    memory, _ = recalling(judged_run(0, A=300), judged_run(1, A=300, B=200), blind_run(2), blind_run(3))

    violated = memory.standing_before(blind_run(4)).violated
    assert violated is not None
    assert violated.outcome.total == 2
    violated = memory.standing_before(judged_run(1)).violated
    assert violated is not None
    assert violated.outcome.total == 1
    assert memory.standing_before(judged_run(0)) == Standing()


def test_open_violations_are_not_forgotten_by_a_monitor_that_is_blind_for_long():
    memory, _ = recalling(judged_run(0, A=300, B=300), *(blind_run(hour) for hour in range(1, RUNS_KEPT + 5)))

    violated = memory.standing_before(blind_run(RUNS_KEPT + 5)).violated
    assert violated is not None
    assert violated.outcome.total == 2


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
@pytest.mark.parametrize(
    "noisy", [("subject",), ("subject", "qualifier"), ("subject", "qualifier", "check")], ids=len
)
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
        memory = memories.remember(SCHEDULE_ARN, "taxi-prod", memory)

    assert len(body_of(memory)) < 300_000
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
        memory = memories.remember(SCHEDULE_ARN, "taxi-prod", memory)

    assert len(memory.runs) == RUNS_KEPT
    assert len(body_of(memory)) < 30_000
    assert memory.version == 40


def test_a_name_is_kept_recognisable():
    names = {
        "fare": "fare",
        "é" * 96: "é" * 20,
        "特徴量" * 100: "特徴量",
        " a  b\n": "a b",
        "\ud800": "\\ud800",
    }
    found = [violation(name) for name in names]

    memory, _ = remembered(Memory(), execution(), judge_all(found, DEFAULTS, START))

    for name in memory.names.values():
        assert "\n" not in name
        assert "message" not in name
        assert len(name.encode()) <= 96
    for beginning in names.values():
        assert any(name.startswith(beginning) for name in memory.names.values()), beginning


def test_one_constraint_listed_twice_is_remembered_once_at_its_worst():
    found = [
        violation("fare", observed=99.9),
        violation("fare", observed=0.0),
        violation("fare", observed=80.0),
    ]

    memory, findings = remembered(Memory(), execution(), judge_all(found, DEFAULTS, START))

    (run,) = memory.runs
    assert isinstance(run.outcome, Judged)
    assert list(run.outcome.levels.values()) == [302]
    assert run.outcome.total == 3
    assert memory.names == {violation("fare").identity: "fare (data_type_check)"}
    assert len(findings) == 1
