"""When alarms are told: the first and the worse at once, a storm as one thread, and nothing never."""

import heapq
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.alarms.memory import AlarmMemory, Edge
from stationkeeper.alarms.thread import Later, Tell, next_message
from stationkeeper.severity import Severity

from tests.unit.builders import START
from tests.unit.test_alarm_memory import alternating, edge, edges_of, hearing, words_of

SECOND = 1 / 60
MOST_GATHERED = 300


def clock(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


class Told(NamedTuple):
    """A message, when it was sent, and whether the look that sent it was urgent."""

    at: datetime
    message: Tell
    urgent: bool = False

    @property
    def minute(self) -> float:
        return (self.at - START) / timedelta(minutes=1)

    @property
    def words(self) -> str:
        return words_of(self.message.edges)


def looking(memory: AlarmMemory, minute: float, *, urgent: bool = False) -> Tell | Later | None:
    return next_message(memory, "churn-prod", clock(minute), urgent=urgent)


def telling(
    edges: Iterable[Edge], looks: Iterable[float] = (), urgent: Iterable[float] = ()
) -> tuple[AlarmMemory, list[Told]]:
    """All that is told: there is a look at each event, at each `Later.due`, and in these minutes."""
    planned: list[tuple[datetime, Edge | None, bool]] = [(one.noted_at, one, False) for one in edges]
    planned += [(clock(minute), None, False) for minute in looks]
    planned += [(clock(minute), None, True) for minute in urgent]
    agenda = [(at, number, one, hurry) for number, (at, one, hurry) in enumerate(planned)]
    heapq.heapify(agenda)
    memory, told, number = AlarmMemory(), [], len(agenda)
    while agenda:
        now, _, one, hurry = heapq.heappop(agenda)
        memory = memory.with_edge(one) if one else memory
        message = next_message(memory, "churn-prod", now, urgent=hurry)
        assert message == next_message(memory, "churn-prod", now, urgent=hurry)
        if isinstance(message, Later):
            assert now < message.due <= now + timedelta(minutes=15), "SQS delays no longer"
            number += 1
            heapq.heappush(agenda, (message.due, number, None, False))
        elif message is not None:
            told.append(Told(now, message, hurry))
            memory = message.after
    return memory, told


def apart(told: int) -> timedelta:
    """How long after this message of an incident the next one may come."""
    return timedelta(minutes={1: 3, 2: 10}.get(told, 15))


def worse_edges(message: Tell, before: Tell) -> list[Edge]:
    worst = before.incident.worst
    return [one for one in message.edges if one.state == "ALARM" and one.severity > worst]


def one_after_another(told: list[Told]) -> Iterator[tuple[Told, Told]]:
    """Each message with the next one of the same incident."""
    for before, after in pairwise(told):
        if before.message.incident.id == after.message.incident.id:
            yield before, after


def too_close(told: list[Told]) -> list[tuple[float, float]]:
    """Messages of one incident between which there was less time than there must be, though nothing hurried."""
    return [
        (before.minute, after.minute)
        for before, after in one_after_another(told)
        if after.at - before.at < apart(before.message.incident.told)
        and not after.urgent
        and not worse_edges(after.message, before.message)
        and len(after.message.edges) < MOST_GATHERED
    ]


def after_messages(number: int) -> AlarmMemory:
    """An incident of alarms that are still red: one message in minute 0, and one in each after it."""
    memory = AlarmMemory()
    for minute in range(number):
        message = looking(memory.with_edge(edge(f"a{minute}", "ALARM", minute)), minute, urgent=True)
        assert isinstance(message, Tell)
        memory = message.after
    return memory


def closed(minute: float, told: int = 1) -> AlarmMemory:
    """An incident that was closed in this minute."""
    message = looking(hearing(edges_of("A0 O1")), minute)
    assert isinstance(message, Tell)
    incident = message.incident.model_copy(update={"told": told})
    return message.after.model_copy(update={"incident": incident})


# One message


def test_nothing_pending_is_nothing_to_tell():
    assert looking(AlarmMemory(), 0) is None
    assert looking(AlarmMemory(), 0, urgent=True) is None
    assert looking(after_messages(1), 60) is None


def test_first_red_alarm_is_told_at_once():
    memory = hearing(edges_of("A0"))

    message = looking(memory, 0)

    assert isinstance(message, Tell)
    assert (message.kind, message.edges, message.first) == ("raised", memory.pending, True)
    assert (message.incident.since, message.incident.told, message.incident.closed_at) == (START, 1, None)
    assert (message.incident.told_at, message.incident.worst) == (START, Severity.WARNING)
    assert message.after == memory.model_copy(update={"pending": (), "incident": message.incident})


@pytest.mark.parametrize(("told", "minutes"), [(1, 3), (2, 10), (3, 15), (4, 15), (40, 15)])
def test_messages_of_an_incident_are_further_and_further_apart(told, minutes):
    last = told - 1
    one, other = edge("b", "ALARM", last + 1), edge("c", "ALARM", last + 2)
    memory = after_messages(told).with_edge(one).with_edge(other)

    assert looking(memory, last + 2) == Later(clock(last + minutes))
    assert looking(memory, last + minutes - SECOND) == Later(clock(last + minutes))
    message = looking(memory, last + minutes)

    assert isinstance(message, Tell)
    assert message.edges == (one, other)
    assert (message.kind, message.first, message.incident.told) == ("raised", False, told + 1)
    assert message.incident.told_at == clock(last + minutes)


@pytest.mark.parametrize(("told", "minutes"), [(1, 3), (2, 10), (3, 15), (40, 15), (1, 60 * 24)])
def test_what_is_heard_of_long_enough_after_the_last_message_is_told_at_once(told, minutes):
    now = told - 1 + minutes

    message = looking(after_messages(told).with_edge(edge("b", "ALARM", now)), now)

    assert isinstance(message, Tell)
    assert (words_of(message.edges), message.first) == (f"b:A{now}", False)


@pytest.mark.parametrize(("heard", "due"), [(1, 3), (2.5, 3), (3, 3), (20, 20)])
def test_what_is_heard_of_late_waits_for_the_interval_and_no_longer(heard, due):
    memory = after_messages(1).with_edge(edge("b", "ALARM", -30, noted_at=clock(heard)))

    message = looking(memory, heard)

    assert isinstance(message, Tell) if heard == due else message == Later(clock(due))


def test_what_another_clock_noted_ahead_of_ours_waits_for_it():
    memory = after_messages(1).with_edge(edge("b", "ALARM", 20, noted_at=clock(20 + SECOND)))

    assert looking(memory, 20) == Later(clock(20 + SECOND))


def test_incident_that_does_not_know_when_it_was_told_last_waits_for_nothing():
    # As an earlier version of Stationkeeper wrote it down.
    memory = after_messages(3)
    assert memory.incident is not None
    incident = memory.incident.model_copy(update={"told_at": None})
    memory = memory.model_copy(update={"incident": incident}).with_edge(edge("b", "ALARM", 3))

    assert isinstance(looking(memory, 3), Tell)


# Worse


@pytest.mark.parametrize("told", [1, 2, 3, 40])
def test_what_is_worse_is_told_at_once_with_all_that_was_gathered(told):
    now = told + SECOND
    gathered, worse = edge("b", "ALARM", told), edge("c", "ALARM", now, severity=Severity.CRITICAL)
    memory = after_messages(told).with_edge(gathered)
    assert isinstance(looking(memory, now), Later)

    message = looking(memory.with_edge(worse), now)

    assert isinstance(message, Tell)
    assert (message.kind, message.edges, message.first) == ("raised", (gathered, worse), False)
    assert (message.incident.told, message.incident.worst) == (told + 1, Severity.CRITICAL)


@pytest.mark.parametrize("severity", [Severity.INFO, Severity.WARNING])
def test_what_is_no_worse_waits(severity):
    memory = after_messages(1).with_edge(edge("b", "ALARM", 1, severity=severity))

    assert looking(memory, 1) == Later(clock(3))


def test_worse_is_told_at_once_only_the_first_time():
    critical = [edge(alarm, "ALARM", at, severity=Severity.CRITICAL) for alarm, at in (("b", 1), ("c", 2))]

    _, told = telling([*edges_of("A0"), *critical])

    assert [(one.minute, one.words) for one in told] == [(0, "A0"), (1, "b:A1"), (11, "c:A2")]


def test_nothing_is_worse_where_the_first_was_the_worst():
    critical, warning = (
        edge("b", "ALARM", 0, severity=Severity.CRITICAL),
        edge("c", "ALARM", 5, severity=Severity.WARNING),
    )

    _, told = telling([critical, warning, edge("d", "ALARM", 6, severity=Severity.CRITICAL)])

    assert [(one.minute, one.words) for one in told] == [(0, "b:A0"), (5, "c:A5"), (15, "d:A6")]


def test_end_of_what_is_worse_is_nothing_to_hurry_for():
    memory = after_messages(1).with_edge(edge("a0", "OK", 1, severity=Severity.CRITICAL))

    assert looking(memory, 1) == Later(clock(3))


@pytest.mark.parametrize("before", ["", "a0:O1"])
def test_worse_that_is_over_when_it_is_heard_of_is_nothing_to_hurry_for(before):
    memory = after_messages(1)
    for one in edges_of(f"{before} b:O2 b:A1"):
        memory = memory.with_edge(one.model_copy(update={"severity": Severity.CRITICAL}))

    assert looking(memory, 2) == Later(clock(3))


def test_worse_is_worse_than_what_was_told_as_red():
    critical = [one.model_copy(update={"severity": Severity.CRITICAL}) for one in edges_of("b:O2 b:A1 b:A8")]
    memory = after_messages(1).with_edge(critical[0]).with_edge(critical[1])
    over = looking(memory, 5)
    assert isinstance(over, Tell)
    assert over.kind == "cleared"

    assert isinstance(looking(over.after.with_edge(critical[2]), 8), Tell)


@pytest.mark.parametrize("told", [1, 3])
def test_what_was_acted_on_is_told_at_once(told):
    memory = after_messages(told).with_edge(edge("b", "ALARM", 5)).with_edge(edge("c", "ALARM", 6))

    message = looking(memory, 6, urgent=True)

    assert isinstance(message, Tell)
    assert words_of(message.edges) == "b:A5 c:A6"


@pytest.mark.parametrize(
    ("heard", "kind"),
    [
        ("b:A5", "raised"),
        ("b:A5 b:O6", "cleared"),
        ("b:A5 b:O6 b:A7", "raised"),
        ("b:A5 b:O6 c:A7", "raised"),
        ("a0:O5", "cleared"),
        ("a0:O5 b:A6", "raised"),
        ("a0:O5 a0:A6 a0:O7", "cleared"),
    ],
)
def test_raised_is_what_is_still_red(heard, kind):
    memory = after_messages(1)
    for one in edges_of(heard):
        memory = memory.with_edge(one)

    message = looking(memory, 60)

    assert isinstance(message, Tell)
    assert message.kind == kind
    assert words_of(message.edges) == heard


def test_cleared_though_another_alarm_stays_red():
    message = looking(after_messages(2).with_edge(edge("a1", "OK", 5)), 60)

    assert isinstance(message, Tell)
    assert (message.kind, message.after.red, message.incident.closed_at) == ("cleared", ("a0",), None)


def test_red_time_that_is_over_when_it_is_heard_of_is_told_as_over():
    message = looking(hearing(edges_of("O2 A1")), 30)

    assert isinstance(message, Tell)
    assert (message.kind, message.first, words_of(message.edges)) == ("cleared", True, "A1 O2")
    assert (message.incident.since, message.incident.closed_at) == (clock(1), clock(30))


# One incident


def test_incident_is_over_when_no_alarm_was_red_for_three_minutes():
    memory = after_messages(1).with_edge(edge("a0", "OK", 9))

    assert looking(memory, 9) == Later(clock(12))
    assert looking(memory, 12 - SECOND) == Later(clock(12))
    message = looking(memory, 12)

    assert isinstance(message, Tell)
    assert (message.kind, message.incident.closed_at) == ("cleared", clock(12))


def test_what_is_red_again_within_three_minutes_is_not_over():
    _, told = telling(edges_of("A0 O4 A6.5 O8 A10.5"))

    assert [one.message.kind for one in told] == ["raised", "raised", "raised"]
    assert [one.message.incident.closed_at for one in told] == [None, None, None]


@pytest.mark.parametrize(
    ("alarm", "minute", "due"),
    [
        *[("a", minute, due) for minute, due in ((4.5, 14), (13, 14), (14, 14), (20, 20), (53, 53))],
        # Another one than those that were told is news at once, once all was clear.
        *[("b", minute, minute) for minute in (4.5, 13, 20, 64 - SECOND)],
    ],
)
def test_raised_again_within_an_hour_is_the_same_incident(alarm, minute, due):
    memory, before = telling(edges_of("A0 O1"))
    assert memory.incident is not None
    assert memory.incident.closed_at == clock(4)

    _, told = telling([*edges_of("A0 O1"), edge(alarm, "ALARM", minute)])

    again = told[-1]
    assert again.at == clock(due)
    assert again.message.incident.id == before[0].message.incident.id
    assert (again.message.first, again.message.incident.since) == (False, START)
    assert again.message.incident.closed_at is None


@pytest.mark.parametrize("told", [1, 2, 3, 9])
def test_gathering_past_the_hour_makes_no_new_incident(told):
    before = closed(4, told)
    assert before.incident is not None
    # Over when it is heard of: told once it was quiet for three minutes.
    memory = before.with_edge(edge("b", "OK", 63)).with_edge(edge("b", "ALARM", 62, noted_at=clock(63)))
    assert looking(memory, 63) == Later(clock(66))

    message = looking(memory, 66)

    assert isinstance(message, Tell)
    assert (message.incident.id, message.first) == (before.incident.id, False)


def test_look_that_comes_past_the_hour_makes_no_new_incident():
    before = closed(4)
    assert before.incident is not None

    message = looking(before.with_edge(edge("b", "ALARM", 63)), 80)

    assert isinstance(message, Tell)
    assert (message.incident.id, message.first) == (before.incident.id, False)


@pytest.mark.parametrize("minutes", [60, 61, 60 * 24 * 7])
def test_raised_after_an_hour_is_a_new_incident_and_told_at_once(minutes):
    before = closed(4)
    assert before.incident is not None
    memory = before.with_edge(edge("a", "ALARM", 4 + minutes))

    message = looking(memory, 4 + minutes)

    assert isinstance(message, Tell)
    assert message.incident.id != before.incident.id
    assert (message.first, message.incident.told, message.incident.since) == (True, 1, clock(4 + minutes))


@pytest.mark.parametrize(("heard", "late"), [("b:A0 b:O1 O1", "A0"), ("A0 O5", "O2")])
def test_incident_that_a_change_of_long_ago_begins_has_an_id_of_its_own(heard, late):
    of_then = [one.model_copy(update={"noted_at": clock(100)}) for one in edges_of(late)]

    _, told = telling([*edges_of(heard), *of_then])

    assert [one.message.first for one in told] == [True, False, True]
    assert told[-1].message.incident.id != told[0].message.incident.id


def test_incident_lasts_as_long_as_an_alarm_is_red():
    memory = after_messages(1).with_edge(edge("b", "ALARM", 60 * 24 * 30))

    message = looking(memory, 60 * 24 * 30)

    assert isinstance(message, Tell)
    assert (message.first, message.incident.since) == (False, START)


def test_incident_is_named_after_the_endpoint_and_since_when():
    memory = hearing(edges_of("A1"))

    def named(endpoint: str, memory: AlarmMemory, minute: float = 1) -> str:
        message = next_message(memory, endpoint, clock(minute))
        assert isinstance(message, Tell)
        return message.incident.id

    assert named("churn-prod", memory) == named("Churn-Prod", memory) == named("churn-prod", memory, 2)
    assert named("churn-prod", memory) != named("fraud-prod", memory)
    assert named("churn-prod", memory) != named("churn-prod", hearing(edges_of("A2")))
    assert len(named("churn-prod", memory)) == 8


# Storms


@given(st.lists(st.integers(0, 60), min_size=40, max_size=40), st.lists(st.integers(1, 30), max_size=5))
def test_forty_alarms_within_a_minute_are_two_messages(seconds, looks):
    storm = [edge(f"a{number}", "ALARM", at * SECOND) for number, at in enumerate(seconds)]

    _, told = telling(storm, looks)

    assert len(told) <= 2
    assert sum(len(one.message.edges) for one in told) == 40
    assert len({one.message.incident.id for one in told}) == 1
    assert too_close(told) == []


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.sampled_from(Severity), st.integers(1, 9)), min_size=40, max_size=40
    )
)
def test_forty_alarms_that_come_and_go_are_two_messages_within_ten_minutes_and_one_for_each_that_is_worse(
    alarms,
):
    storm = [
        edge(f"a{number}", state, at * SECOND + after, severity=severity)
        for number, (at, severity, lasts) in enumerate(alarms)
        for state, after in (("ALARM", 0), ("OK", lasts))
    ]

    _, told = telling(storm)

    worse = sum(bool(worse_edges(after.message, before.message)) for before, after in pairwise(told))
    assert worse <= 2
    assert sum(one.minute < 10 for one in told) <= 2 + worse
    assert sum(len(one.message.edges) for one in told) == 80
    assert too_close(told) == []


def test_storm_that_ends_is_one_thread():
    storm = [edge(f"a{number}", "ALARM", number * SECOND) for number in range(40)]
    calm = [edge(f"a{number}", "OK", 5 + number * SECOND) for number in range(40)]

    _, told = telling([*storm, *calm])

    assert [(one.message.kind, len(one.message.edges)) for one in told] == [
        ("raised", 1),
        ("raised", 39),
        ("cleared", 40),
    ]
    assert [one.message.first for one in told] == [True, False, False]
    assert len({one.message.incident.id for one in told}) == 1


@pytest.mark.parametrize("number", [301, 500, 1_500])
def test_storm_of_hundreds_loses_none(number):
    # A query by instance has up to 500 time series, and each is an alarm of its own.
    storm = [edge(f"slow#{one}", "ALARM", one * SECOND / 10) for one in range(number)]

    memory, told = telling(storm)

    assert sum(len(one.message.edges) for one in told) == len(storm)
    assert memory.pending == ()
    assert too_close(told) == []
    assert len(told) <= 2 + number / MOST_GATHERED


def flapping(period: float, share: float, hours: int = 6) -> Iterator[Edge]:
    for number in range(int(hours * 60 / period)):
        yield edge("a", "ALARM", number * period)
        yield edge("a", "OK", number * period + period * share)


@pytest.mark.parametrize("share", [0.05, 0.25, 0.5, 0.75, 0.95])
@pytest.mark.parametrize("period", range(1, 21))
def test_flapping_alarm_makes_few_messages_an_hour(period, share):
    edges = list(flapping(period, share))

    _, told = telling(edges)

    assert " ".join(one.words for one in told) == words_of(edges)
    assert len({one.message.incident.id for one in told}) == 1
    assert most_in_an_hour([one.minute for one in told if one.minute >= 60]) <= 5
    assert most_in_an_hour([one.minute for one in told]) <= 7
    gaps = [after.minute - before.minute for before, after in pairwise(told)]
    assert max(gaps) <= 33 + period, "on-call is not left without a word"
    assert too_close(told) == []


def most_in_an_hour(minutes: list[float]) -> int:
    return max((sum(since <= one < since + 60 for one in minutes) for since in minutes), default=0)


# Whatever happens


@st.composite
def days(draw: st.DrawFn) -> list[Edge]:
    """What happens to up to four alarms within some hours, most of it heard of at once."""
    edges: list[Edge] = []
    for alarm in draw(st.sampled_from(["a", "ab", "abcd"])):
        gaps = draw(st.lists(st.one_of(st.integers(1, 12), st.integers(40, 120)), max_size=12))
        severity = draw(st.sampled_from(Severity))
        minute = 0
        for one, gap in zip(alternating(alarm, len(gaps)), gaps, strict=True):
            minute += gap
            noted = minute + draw(st.sampled_from([0, 0, 0, 0, 5, 70]))
            facts = {"at": clock(minute), "noted_at": clock(noted), "severity": severity}
            edges.append(one.model_copy(update=facts))
    return edges


def minutes() -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, 300), max_size=5)


@given(days(), minutes(), minutes())
def test_everything_is_told_once_and_in_time(edges, looks, urgent):
    memory, told = telling(edges, looks, urgent)

    heard = hearing(sorted(edges, key=lambda one: one.noted_at)).pending
    messages = [one.message for one in told]
    assert sorted(one.key for message in messages for one in message.edges) == sorted(
        one.key for one in heard
    )
    assert memory.pending == ()
    assert looking(memory, 10_000) is None
    assert all(message.edges and message.after.pending == () for message in messages)
    for one in told:
        waited = one.minute - min(
            (edge.noted_at - START) / timedelta(minutes=1) for edge in one.message.edges
        )
        assert waited <= (0 if one.message.first else 33)


@given(days(), minutes(), minutes())
def test_messages_of_one_incident_are_never_too_close_unless_something_hurries(edges, looks, urgent):
    _, told = telling(edges, looks, urgent)

    assert too_close(told) == []
    assert all(one.message.incident.told_at == one.at for one in told)


@given(days(), minutes())
def test_what_is_red_and_worse_never_waits(edges, looks):
    _, told = telling(edges, looks)

    for before, after in one_after_another(told):
        worse = worse_edges(after.message, before.message)
        if {one.alarm for one in worse} & set(after.message.after.red):
            assert max(one.noted_at for one in worse) == after.at


@given(days(), minutes(), minutes())
def test_messages_are_numbered_within_their_incident(edges, looks, urgent):
    _, told = telling(edges, looks, urgent)

    messages = [one.message for one in told]
    for message in messages[:1]:
        assert message.first
    for before, after in pairwise(messages):
        same = not after.first
        assert not same or before.incident.id == after.incident.id
        assert after.incident.told == (before.incident.told + 1 if same else 1)
        assert same or before.incident.closed_at is not None
        assert not same or before.incident.since == after.incident.since


@given(days())
def test_incident_is_closed_by_a_message_that_leaves_nothing_red(edges):
    _, told = telling(edges)

    for one in told:
        message = one.message
        still = {edge.alarm for edge in message.edges if edge.state == "ALARM"} & set(message.after.red)
        assert message.kind == ("raised" if still else "cleared")
        assert message.incident == message.after.incident
        assert message.incident.closed_at == (None if message.after.red else one.at)
