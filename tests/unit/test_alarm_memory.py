"""What is remembered of alarms: each of their edges is to be told once, however their events come.

Events are written as words: `A1` is an ALARM of minute 1, `O2` an OK of minute 2, `b:A1` one of another alarm.
"""

import os
import string
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from itertools import groupby, permutations
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stationkeeper.alarms.memory import AlarmMemory, Edge, Incident
from stationkeeper.severity import Severity

from tests.unit.builders import START

STATES = {"A": "ALARM", "O": "OK"}
LOST_ITS_DATA_OFTEN = " ".join(f"A{minute}" for minute in range(1, 31))
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"


def alarm_arn(name: str) -> str:
    return f"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{name}"


def edge(alarm: str = "a", state: str = "ALARM", minute: float = 0, **said: Any) -> Edge:
    """A change that is heard of as it happens."""
    at = START + timedelta(minutes=minute)
    facts = {"alarm": alarm, "arn": alarm_arn(alarm), "state": state, "at": at, "noted_at": at}
    return Edge.model_validate({**facts, **said})


def edges_of(words: str) -> list[Edge]:
    edges = []
    for word in words.split():
        alarm, _, change = word.rpartition(":")
        edges.append(edge(alarm or "a", STATES[change[0]], float(change[1:])))
    return edges


def words_of(edges: Iterable[Edge]) -> str:
    return " ".join(
        f"{'' if one.alarm == 'a' else one.alarm + ':'}{one.state[0]}{minute_of(one):g}" for one in edges
    )


def minute_of(one: Edge) -> float:
    return (one.at - START) / timedelta(minutes=1)


def alternating(alarm: str, number: int) -> list[Edge]:
    """A1 O2 A3 O4 and so on: what truly happened."""
    return [edge(alarm, "ALARM" if minute % 2 else "OK", minute) for minute in range(1, number + 1)]


def hearing(edges: Iterable[Edge]) -> AlarmMemory:
    memory = AlarmMemory()
    for one in edges:
        memory = memory.with_edge(one)
    return memory


def counted(edges: Iterable[Edge]) -> Counter[tuple[str, str, float]]:
    return Counter((one.alarm, one.state, minute_of(one)) for one in edges)


def red_since(memory: AlarmMemory, alarm: str = "a") -> float | None:
    since = memory.alarms[alarm].red_since
    return None if since is None else (since - START) / timedelta(minutes=1)


# What is told of what is heard


STORIES = {
    "an alarm": ("A1", "A1"),
    "an alarm and its end": ("A1 O2", "A1 O2"),
    "an OK of what was not red": ("O1", ""),
    "red, no data, red": ("A1 A2 O3", "A1 O3"),
    "OK, no data, OK": ("A1 O2 O3 A4", "A1 O2 A4"),
    "repeats": ("A1 A1 O2 A1 O2", "A1 O2"),
    "a repeat long after": ("A1 O2 A3 O4 A5 A1 O2", "A1 O2 A3 O4 A5"),
    "an OK before its ALARM": ("O2 A1", "A1 O2"),
    "an OK before its ALARM, and red again": ("O2 A3 A1", "A1 O2 A3"),
    "an OK that comes late": ("A1 A3 O2", "A1 O2 A3"),
    "a red time that comes late": ("A3 A1 O2", "A1 O2 A3"),
    "a red time that comes late and turned round": ("A5 O2 A1", "A1 O2 A5"),
    "everything turned round": ("O4 A3 O2 A1", "A1 O2 A3 O4"),
    "two OKs before their ALARMs": ("O4 O2 A1 A3", "A1 O2 A3 O4"),
    "two alarms": ("A1 b:A2 O3 b:O4", "A1 b:A2 O3 b:O4"),
    "the OK of another alarm": ("A1 b:O2", "A1"),
}


@pytest.mark.parametrize(("heard", "told"), STORIES.values(), ids=STORIES)
def test_each_edge_is_told_once_and_in_the_order_they_happened(heard, told):
    assert words_of(hearing(edges_of(heard)).pending) == told


@pytest.mark.parametrize("number", range(1, 8 if THOROUGH else 7))
def test_whatever_the_order_each_edge_is_told_once(number):
    true = alternating("a", number)

    told = {words_of(hearing(heard).pending) for heard in permutations(true)}

    assert told == {words_of(true)}


@pytest.mark.parametrize("heard", ["A1 A5 A3 O2 O4", "A1 A3 O4 O6 A7 O2 A5"])
def test_late_alarm_is_told_once_the_ok_before_it_comes(heard):
    told = hearing(edges_of(heard)).pending

    assert counted(told) == counted(edges_of(heard))


@st.composite
def deliveries(draw: st.DrawFn, longest: int) -> tuple[list[Edge], list[tuple[Edge, bool]]]:
    """What truly happened to one to three alarms; how it is heard of, and whether what is pending is told then."""
    true = [
        one
        for alarm in draw(st.sampled_from(["a", "ab", "abc"]))
        for one in alternating(alarm, draw(st.integers(1, longest)))
    ]
    repeats = draw(st.lists(st.sampled_from(true), max_size=8))
    heard = draw(st.permutations([*true, *repeats]))
    return true, [(one, draw(st.booleans())) for one in heard]


def told_of(heard: list[tuple[Edge, bool]]) -> list[Edge]:
    memory = AlarmMemory()
    told: list[Edge] = []
    for one, tell in heard:
        memory = memory.with_edge(one)
        if tell:
            told += memory.pending
            memory = memory.model_copy(update={"pending": ()})
    return [*told, *memory.pending]


@example((edges_of("A1 O2 A3 O4 A5"), [(one, True) for one in edges_of("A1 A5 A3 O2 O4")]))
@given(deliveries(longest=8))
def test_repeats_delays_and_telling_meanwhile_change_nothing(delivered):
    true, heard = delivered

    assert counted(told_of(heard)) == counted(true)


@given(st.lists(st.sampled_from(["ALARM", "OK"]), max_size=12), st.data())
def test_in_order_only_what_differs_from_the_one_before_is_an_edge(states, data):
    heard = [edge("a", state, minute) for minute, state in enumerate(states)]
    runs = [next(run) for _, run in groupby(heard, key=lambda one: one.state)]
    memory = AlarmMemory()

    for place, one in enumerate(heard):
        memory = memory.with_edge(one)
        memory = memory.with_edge(data.draw(st.sampled_from(heard[: place + 1])))

    assert words_of(memory.pending) == words_of(runs[1:] if states[:1] == ["OK"] else runs)


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["ALARM", "OK"])), max_size=12),
    st.randoms(use_true_random=False),
)
def test_red_is_what_the_newest_event_says(changes, chance):
    true = [edge(alarm, state, minute) for minute, (alarm, state) in enumerate(changes)]
    newest = {one.alarm: one.state for one in true}
    heard = [*true, *true[::3]]
    chance.shuffle(heard)

    memory = hearing(heard)

    assert memory.red == tuple(sorted(alarm for alarm, state in newest.items() if state == "ALARM"))
    assert [one.at for one in memory.pending] == sorted(one.at for one in memory.pending)


def test_ok_of_the_very_moment_of_the_alarm_ends_it():
    # An event whose state has no timestamp is placed by its envelope's time, and that has whole seconds.
    memory = hearing(edges_of("A1 O1"))

    assert words_of(memory.pending) == "A1 O1"
    assert memory.red == ()


# What a look found


@pytest.mark.parametrize("seconds", [-4, 0, 4])
def test_end_that_a_look_found_is_not_told_again_when_its_event_comes(seconds):
    found = edge("a", "OK", 5, looked=True)

    memory = hearing([edge("a", "ALARM", 1), found, edge("a", "OK", 5 + seconds / 60)])

    assert words_of(memory.pending) == "A1 O5"
    assert memory.red == ()
    assert memory.has_seen(edge("a", "OK", 5 + seconds / 60))


@pytest.mark.parametrize(("heard", "told"), [("A7", "A1 O5 A7"), ("A3 O2", "A1 O2 A3 O5")])
def test_what_happened_besides_what_a_look_found_is_told(heard, told):
    memory = hearing([edge("a", "ALARM", 1), edge("a", "OK", 5, looked=True), *edges_of(heard)])

    assert words_of(memory.pending) == told


def test_end_that_a_look_found_is_not_told_again_though_it_is_red_again():
    late = edge("a", "OK", 5 + 1 / 60)

    memory = hearing([edge("a", "ALARM", 1), edge("a", "OK", 5, looked=True), edge("a", "ALARM", 7), late])

    assert words_of(memory.pending) == "A1 O5 A7"


# What is known of an edge


def test_edge_that_was_seen_leaves_the_very_same_memory():
    memory = hearing(edges_of("A1 O2"))

    for one in edges_of("A1 O2"):
        assert memory.has_seen(one)
        assert memory.with_edge(one.model_copy(update={"measured": "other words"})) is memory
    assert not memory.has_seen(edge("a", "ALARM", 3))
    assert not memory.has_seen(edge("b", "ALARM", 1))


def test_no_edge_changes_the_memory_it_is_added_to():
    before = hearing(edges_of("A1"))
    copy = before.model_copy(deep=True)

    before.with_edge(edge("a", "OK", 2))

    assert before == copy


@pytest.mark.parametrize(
    ("heard", "since"),
    [
        ("A1", 1),
        ("A1 A2 A3", 1),
        ("A1 O2 A3", 3),
        ("A1 A3 O2", 3),
        ("A3 A1 O2", 3),
        ("O2 A3 A1", 3),
        (LOST_ITS_DATA_OFTEN, 1),
        (f"{LOST_ITS_DATA_OFTEN} O31", 1),
    ],
)
def test_red_since_it_became_red_last(heard, since):
    assert red_since(hearing(edges_of(heard))) == since


@pytest.mark.parametrize(
    "heard",
    [
        "A1 O4",
        "A1 A2 O4",
        "O4 A1",
        "A1 A6 O4",
        f"{LOST_ITS_DATA_OFTEN} O31",
    ],
)
def test_end_of_an_alarm_tells_since_when_it_was_red(heard):
    ended = [one for one in hearing(edges_of(heard)).pending if one.state == "OK"]

    assert [one.red_since for one in ended] == [START + timedelta(minutes=1)]


def test_edge_is_told_with_all_that_is_known_of_it():
    raised = edge(severity="critical", watches="ModelLatency", measured="too slow", guards=True)

    assert hearing([raised]).pending == (raised,)


@pytest.mark.parametrize(("heard", "explained"), [("O2 A1", "O2"), ("A1 A3 O2", "A3")])
def test_edge_that_a_late_one_explains_claims_no_measurement_of_it(heard, explained):
    noted_at = START + timedelta(minutes=30)
    said = {"measured": "what the late one measured", "watches": "ModelLatency", "noted_at": noted_at}
    memory = hearing(one.model_copy(update=said) for one in edges_of(heard))

    told = next(one for one in memory.pending if words_of([one]) == explained)

    assert told.measured == ""
    assert (told.watches, told.arn, told.noted_at) == ("ModelLatency", alarm_arn("a"), noted_at)


def test_key_tells_alarm_state_and_time_apart():
    changes = [edge(alarm, state, minute) for alarm in "ab" for state in STATES.values() for minute in (1, 2)]

    assert len({one.key for one in changes}) == len(changes)
    assert edge(measured="one", severity="info").key == edge(measured="other").key


# Bounds


def test_what_waits_and_what_was_seen_is_bounded():
    memory = hearing(alternating("a", 900))

    assert len(memory.seen) == 400
    assert words_of(memory.pending) == words_of(alternating("a", 900)[-800:])
    assert memory.has_seen(alternating("a", 900)[-1])


def test_what_is_kept_of_one_alarm_is_bounded():
    flapped = hearing([*alternating("a", 2), *(edge("a", "OK", minute) for minute in range(3, 103))])
    shaken = hearing(edge("a", "ALARM", minute) for minute in range(1, 101))
    before = hearing(edge("a", "OK", minute) for minute in range(1, 101))

    for memory in (flapped, shaken, before):
        assert len(memory.alarms["a"].model_dump_json()) < 3_000


def test_alarms_that_were_quiet_for_a_week_are_forgotten_where_there_are_many():
    quiet = [change for number in range(150) for change in alternating(f"old-{number}", 2)]
    week = 7 * 24 * 60

    memory = hearing([*quiet, edge("new", "ALARM", week + 10)])

    assert set(memory.alarms) == {"new"}
    assert words_of(memory.pending[-1:]) == f"new:A{week + 10}"


def test_red_alarm_is_not_forgotten():
    quiet = [change for number in range(150) for change in alternating(f"old-{number}", 2)]
    month = 30 * 24 * 60

    memory = hearing([edge("lasting", "ALARM", 0), *quiet, edge("new", "ALARM", month)])

    assert memory.red == ("lasting", "new")


@pytest.mark.parametrize("number", [1, 2])
def test_alarms_are_bounded_though_all_are_new(number):
    # A query by instance or by user: each of its time series is an alarm of its own, red for a moment.
    memory = hearing(change for name in range(2_000) for change in alternating(f"slow#{name}", number))

    assert len(memory.alarms) <= 1_000


# Storage


@given(
    st.lists(
        st.tuples(
            st.text(string.printable, min_size=1, max_size=4), st.sampled_from(["ALARM", "OK"]), st.text()
        ),
        max_size=10,
    )
)
def test_memory_is_read_back_as_it_was_written(changes):
    memory = hearing(
        edge(alarm, state, minute, severity=Severity.CRITICAL, measured=measured, guards=True)
        for minute, (alarm, state, measured) in enumerate(changes)
    ).model_copy(
        update={
            "incident": Incident(id="5f0e2c1b", since=START, told=2, closed_at=START),
            "outbox": ({"id": "1", "detail_type": "AlarmRaised", "detail": "{}"},),
            "version": 7,
        }
    )

    assert AlarmMemory.model_validate_json(memory.model_dump_json()) == memory


def test_what_a_late_alarm_explains_is_written_without_a_warning():
    memory = hearing(edges_of("O2 A1"))

    assert AlarmMemory.model_validate_json(memory.model_dump_json()) == memory
    assert all(isinstance(one.severity, Severity) for one in memory.pending)


def test_memory_of_an_earlier_or_a_later_version_is_read():
    assert AlarmMemory.model_validate_json("{}") == AlarmMemory()
    assert AlarmMemory.model_validate_json('{"of_2031": 1, "version": 3}').version == 3
