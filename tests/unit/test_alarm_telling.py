"""From what is to be told of alarms to the event that tells it: the same on every retry, clean, bounded, and whole after the bus."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stationkeeper.alarms.memory import Edge, Incident
from stationkeeper.alarms.telling import Context, alarm_event
from stationkeeper.alarms.thread import Tell, next_message
from stationkeeper.events.alarm_events import AlarmCleared, AlarmEvent, AlarmRaised
from stationkeeper.events.on_bus import DETAIL_TYPES, from_detail
from stationkeeper.releases.record import Barred
from stationkeeper.reports.newest import NewestRun
from stationkeeper.severity import Severity

from tests.unit.builders import START, forms_of_control, hostile_text
from tests.unit.release_builders import GROUP_ARN, live, package_arn, record, target
from tests.unit.test_alarm_memory import alarm_arn, alternating, edge, edges_of, hearing

MINUTE = timedelta(minutes=1)
SCHEDULE = "arn:aws:sagemaker:eu-west-1:123456789012:monitoring-schedule/"
ENTRY_BYTES = 256 * 1024
"""What EventBridge takes in one entry."""


def tell(*edges: Edge, minute: float = 60) -> Tell:
    message = next_message(hearing(edges), "churn-prod", START + minute * MINUTE, urgent=True)
    assert isinstance(message, Tell)
    return message


def context(**replaced: Any) -> Context:
    facts: dict[str, Any] = {
        "endpoint": "churn-prod",
        "account": "123456789012",
        "region": "eu-west-1",
        "on_call": "ml-on-call",
        "event_id": "0a15f67d",
        "at": START + 60 * MINUTE,
        "record": record(live=live(8)),
    }
    return Context(**{**facts, **replaced})


def event(message: Tell, where: Context | None = None, refusal: str = "") -> AlarmEvent:
    gone = Barred(version=8, package_arn="", at=START, reason="", rejected=False, refusal=refusal)
    return alarm_event(message, where or context(), gone if refusal else None)


def run(name: str = "hourly", violations: int | None = 3, blind: str = "") -> NewestRun:
    severity = Severity.WARNING if violations else None
    return NewestRun(SCHEDULE + name, frozenset({"DataQuality"}), violations, severity, blind)


def on_the_bus(one: AlarmEvent) -> AlarmEvent:
    read = from_detail(one.detail_type, json.loads(one.model_dump_json()))
    assert isinstance(read, AlarmEvent)
    return read


# What it says


def test_raised_alarm_is_told_with_where_whose_and_what_was_released():
    raised = edge(
        minute=50,
        severity="critical",
        watches="ModelLatency",
        measured="too slow",
        guards=True,
        because="not in the bake time",
    )
    serving = live(
        8, released_at=START, approved_by="alice", approved_at=START - MINUTE, replaced=7, variant="blue"
    )

    told = event(tell(raised), context(record=record(live=serving)))

    assert told == AlarmRaised.model_validate(
        {
            "id": told.id,
            "incident": tell(raised).incident.id,
            "severity": "critical",
            "endpoint": "churn-prod",
            "account": "123456789012",
            "region": "eu-west-1",
            "on_call": "ml-on-call",
            "cause": {"event_id": "0a15f67d"},
            "at": START + 60 * MINUTE,
            "since": START + 50 * MINUTE,
            "edges": [
                {
                    "alarm": "a",
                    "alarm_arn": alarm_arn("a"),
                    "state": "ALARM",
                    "at": START + 50 * MINUTE,
                    "watches": "ModelLatency",
                    "measured": "too slow",
                    "guards": True,
                }
            ],
            "edge_count": 1,
            "red": ["a"],
            "red_count": 1,
            "group": "churn",
            "group_arn": GROUP_ARN,
            "version": 8,
            "package_arn": package_arn(8),
            "variant": "blue",
            "released_at": START,
            "approved_by": "alice",
            "approved_at": START - MINUTE,
            "replaced": 7,
            "response": "told",
            "because": "not in the bake time",
            "first": True,
        }
    )


def test_cleared_alarm_is_told_for_the_record_with_how_long_it_was_red():
    told = event(tell(*edges_of("A1 O5")))

    assert isinstance(told, AlarmCleared)
    assert told.severity is Severity.INFO
    assert [(one.state, one.red_since) for one in told.edges] == [("ALARM", None), ("OK", START + MINUTE)]
    assert (told.red, told.red_count) == ((), 0)


def test_alarms_that_stay_red_are_named_by_what_clears():
    first = tell(*edges_of("A1 b:A1"))
    after = next_message(first.after.with_edge(edge("a", "OK", 61)), "churn-prod", START + 64 * MINUTE)
    assert isinstance(after, Tell)

    told = event(after)

    assert isinstance(told, AlarmCleared)
    assert told.red == ("b",)


@pytest.mark.parametrize(
    ("kind", "refusal", "said"),
    [
        ("tell", "", "told"),
        ("deploying", "", "deploying"),
        ("reject", "", "rejected"),
        ("reject", "access denied", "refused"),
    ],
)
def test_response_says_what_was_done(kind, refusal, said):
    told = event(tell(edge(response=kind, because="because of that")), refusal=refusal)

    assert isinstance(told, AlarmRaised)
    assert (told.response, told.because, told.refusal) == (said, "because of that", refusal)


ANSWERS = {
    "a rejection weighs most": (
        [{"response": "deploying"}, {"response": "reject", "because": "took back"}, {"guards": True}],
        ("rejected", "took back"),
    ),
    "a release under way weighs more than nothing": (
        [{"because": "too late", "guards": True}, {"response": "deploying", "because": "under way"}],
        ("deploying", "under way"),
    ),
    "why not more, of what guards": (
        [{"because": "does not guard"}, {"because": "too late", "guards": True}],
        ("told", "too late"),
    ),
    "why not more, where it is known": ([{}, {"because": "does not guard"}], ("told", "does not guard")),
    "of the first, where all are alike": ([{"because": "one"}, {"because": "other"}], ("told", "one")),
}


@pytest.mark.parametrize(("answers", "said"), ANSWERS.values(), ids=ANSWERS)
def test_most_that_was_done_about_what_is_told_is_said(answers, said):
    told = event(tell(*(edge(f"a{number}", **answer) for number, answer in enumerate(answers))))

    assert isinstance(told, AlarmRaised)
    assert (told.response, told.because) == said


def test_what_was_done_about_an_edge_is_told_though_it_waited():
    first = tell(edge("z")).after
    known = edge("a", minute=61)
    waiting = first.with_edge(known).with_answer(
        known.model_copy(update={"response": "deploying", "because": "under way"})
    )
    message = next_message(waiting.with_edge(edge("b", minute=62)), "churn-prod", START + 63 * MINUTE)
    assert isinstance(message, Tell)

    told = event(message)

    assert isinstance(told, AlarmRaised)
    assert (told.response, told.because, told.edge_count) == ("deploying", "under way", 2)


@pytest.mark.parametrize("first", [True, False])
def test_first_of_an_incident_is_said_to_be(first):
    message = tell(edge())
    told = event(Tell(message.kind, message.edges, message.incident, first, message.after))

    assert isinstance(told, AlarmRaised)
    assert told.first is first


def test_nothing_released_is_nothing_said_of_a_version():
    told = event(tell(edge()), context(record=record(group_arn="", endpoint="", version=0)))

    assert (told.group, told.version, told.package_arn, told.released_at, told.approved_by) == (
        "",
        None,
        None,
        None,
        "",
    )


@pytest.mark.parametrize(
    ("under_way", "releasing"), [(None, None), (target(9), 9), (target(9, asked=False), None)]
)
def test_release_under_way_is_named_once_sagemaker_took_it(under_way, releasing):
    assert event(tell(edge()), context(record=record(live=live(8), target=under_way))).releasing == releasing


def test_monitors_that_found_something_or_see_nothing_are_named():
    runs = (run("a", 3), run("b", 0), run("c", None), run("d", None, "no data"))

    told = event(tell(edge()), context(newest_runs=runs))

    assert [(one.schedule, one.violations, one.severity, one.blind) for one in told.monitors] == [
        ("a", 3, Severity.WARNING, ""),
        ("d", None, None, "no data"),
    ]


# Severity


@given(st.lists(st.sampled_from(Severity), min_size=1, max_size=8), st.lists(st.sampled_from(Severity)))
def test_as_severe_as_the_worst_that_was_raised(raised, ended):
    before = [edge(f"old-{number}", "ALARM", 0) for number in range(len(ended))]
    first = tell(edge("z"), *before).after
    for number, severity in enumerate(ended):
        first = first.with_edge(edge(f"old-{number}", "OK", 1, severity=severity))
    for number, severity in enumerate(raised):
        first = first.with_edge(edge(f"new-{number}", "ALARM", 2, severity=severity))
    message = next_message(first, "churn-prod", START + 63 * MINUTE)
    assert isinstance(message, Tell)

    told = event(message)

    assert told.severity is max(raised, key=lambda severity: severity.rank)
    assert told.edge_count == len(raised) + len(ended)


# Ids


def test_id_is_the_same_on_every_retry():
    message = tell(edge(measured="one", severity="critical"))
    again = tell(edge(measured="other words"))
    retried = context(
        event_id="another",
        at=START + 90 * MINUTE,
        record=record(live=live(9)),
        endpoint="Churn-Prod",
        newest_runs=(run(),),
    )

    assert event(message).id == event(message).id == event(again, retried).id


def test_id_differs_with_what_is_told_where_and_in_which_incident():
    told = [
        tell(*edges_of("A1")),
        tell(*edges_of("A2")),
        tell(*edges_of("b:A1")),
        tell(*edges_of("A1 b:A1")),
        tell(*edges_of("A1 O2")),
        tell(*edges_of("A1 O3")),
    ]
    other = Incident(id="another", since=START)
    ids = [event(one).id for one in told]
    ids += [
        event(told[0], context(endpoint="fraud-prod")).id,
        event(Tell("raised", told[0].edges, other, first=True, after=told[0].after)).id,
    ]

    assert len(set(ids)) == len(ids)


@given(
    st.lists(st.sampled_from(alternating("a", 6)), unique=True, min_size=1),
    st.lists(st.sampled_from(alternating("a", 6)), unique=True, min_size=1),
)
def test_id_follows_from_the_edges(one, other):
    incident, after = Incident(id="5f0e2c1b", since=START), hearing([])

    ids = [
        event(Tell("cleared", tuple(edges), incident, first=False, after=after)).id for edges in (one, other)
    ]

    assert (ids[0] == ids[1]) is (one == other)


# Texts and bounds


def encodable(text: str) -> str:
    """As the reaction gives it to an edge, that takes nothing else."""
    return text.encode("utf-8", "replace").decode()


def assert_clean(text: str, limit: int) -> None:
    assert len(text) <= limit
    assert text == " ".join(text.split())
    assert text.encode().decode() == text, "it can be sent"
    assert not set(text) & set("\x00\x1b\n\r\u202e\u2028")


@settings(max_examples=100)
@given(st.data())
def test_texts_are_clean_and_bounded(data):
    def text() -> str:
        drawn: str = data.draw(hostile_text())
        return drawn

    def said() -> str:
        return encodable(text())

    alarm = edge(
        said() or "a", arn=said(), watches=said(), measured=said(), response="reject", because=said()
    )
    serving = live(8, approved_by=said(), variant=said(), package_arn=said())
    where = context(
        endpoint=text(),
        on_call=text(),
        event_id=text(),
        record=record(group_arn=said(), live=serving),
        newest_runs=(run(said(), 3), run(said(), None, text() or "no data")),
    )

    told = event(tell(alarm), where, text())

    assert isinstance(told, AlarmRaised)
    (one,) = told.edges
    limits = {
        (told.endpoint, 63),
        (told.on_call, 64),
        (told.cause.event_id, 100),
        (told.because, 300),
        (told.refusal, 300),
        (told.group, 63),
        (told.group_arn, 300),
        (told.variant, 63),
        (told.package_arn or "", 300),
        (told.approved_by, 100),
        (one.alarm, 255),
        (one.alarm_arn, 400),
        (one.watches, 300),
        (one.measured, 300),
        *((name, 255) for name in told.red),
        *((monitor.schedule, 63) for monitor in told.monitors),
        *((monitor.blind, 200) for monitor in told.monitors),
    }
    for shown, limit in limits:
        assert_clean(shown, limit)
    assert on_the_bus(told) == told


def test_lists_are_bounded_and_counted():
    storm = [edge(f"a{number:03}", "ALARM", number) for number in range(90)]
    runs = tuple(run(f"s{number}") for number in range(30))

    told = event(tell(*storm, minute=100), context(newest_runs=runs))

    assert [one.alarm for one in told.edges] == [f"a{number:03}" for number in range(40)]
    assert (told.edge_count, len(told.red), told.red_count, len(told.monitors)) == (90, 20, 90, 10)


@pytest.mark.parametrize(
    "filler", [*(encodable(text) for text in forms_of_control() if text.strip()), "\U0001f600"]
)
def test_largest_event_fits_on_the_bus(filler):
    long = filler * 2_000
    storm = [
        edge(f"{number}{long}", arn=long, watches=long, measured=long, because=long, minute=number)
        for number in range(60)
    ]
    serving = live(8, approved_by=long, variant=long, package_arn=long)
    where = context(
        endpoint=long,
        on_call=long,
        event_id=long,
        record=record(group_arn=long, live=serving),
        newest_runs=tuple(run(long, 3, long) for _ in range(20)),
    )

    told = event(tell(*storm, minute=100), where, long)

    assert len(told.model_dump_json().encode()) + 1_000 < ENTRY_BYTES


# The bus


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["ALARM", "OK"])), min_size=1, max_size=10))
def test_event_is_whole_after_the_bus(changes):
    edges = [
        edge(alarm, state, minute, severity=Severity.CRITICAL)
        for minute, (alarm, state) in enumerate(changes)
    ]
    if not hearing(edges).pending:
        edges.append(edge("z", "ALARM", 30))

    told = event(tell(*edges), context(newest_runs=(run(),)))

    assert told.detail_type in DETAIL_TYPES
    assert on_the_bus(told) == told
