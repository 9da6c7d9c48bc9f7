"""What on-call reads of alarms: which, since when, after which release, and what was done about it."""

import json
import re
import shlex
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.alerts.text import plain
from stationkeeper.alerts.wording import Message, message_for
from stationkeeper.events.alarm_events import AlarmCleared, AlarmEdge, AlarmEvent, AlarmRaised, OpenMonitor
from stationkeeper.events.domain import Cause
from stationkeeper.events.on_bus import from_detail
from stationkeeper.severity import Severity

from tests.unit.builders import START, hostile_text
from tests.unit.test_wording import (
    PARAMETER,
    assert_deliverable,
    assert_laid_out,
    command,
    commands_of,
    judgement,
    options,
    subject_of,
)

PACKAGE = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/churn"
GROUP_ARN = "arn:aws:sagemaker:eu-west-1:123456789012:model-package-group/churn"
CONSOLE = "https://eu-west-1.console.aws.amazon.com"


def arn(name: str) -> str:
    return f"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{name}"


def edge(alarm: str = "churn-p95", minute: float = 0, state: str = "ALARM", **said: Any) -> AlarmEdge:
    facts: dict[str, Any] = {
        "alarm": alarm,
        "alarm_arn": arn(alarm),
        "state": state,
        "at": START + timedelta(minutes=minute),
        "watches": "ModelLatency p95 of variant AllTraffic, over 1 minute",
        "measured": "3 of the last 3 values were above 1,000 ms (latest 2,310 ms)",
    }
    return AlarmEdge(**{**facts, **said})


def event(kind: type[AlarmEvent], *edges: AlarmEdge, minute: float = 1, **said: Any) -> Any:
    """Alarms of churn-prod, 12 minutes after version 8 came into service; what is red follows from the edges."""
    last = {one.alarm: one.state for one in edges}
    red = tuple(name for name, state in last.items() if state == "ALARM")
    facts: dict[str, Any] = {
        "id": "1",
        "incident": "5f0e2c1b",
        "severity": Severity.CRITICAL,
        "endpoint": "churn-prod",
        "account": "123456789012",
        "region": "eu-west-1",
        "on_call": "ml-on-call",
        "cause": Cause(event_id="0a15f67d"),
        "at": START + timedelta(minutes=minute),
        "since": START,
        "edges": edges,
        "edge_count": len(edges),
        "red": red,
        "red_count": len(red),
        "group": "churn",
        "group_arn": GROUP_ARN,
        "version": 8,
        "package_arn": f"{PACKAGE}/8",
        "variant": "AllTraffic",
        "released_at": START - timedelta(minutes=12),
        "approved_by": "alice",
        "approved_at": START - timedelta(hours=1),
        "replaced": 7,
    }
    return kind(**{**facts, **said})


def raised(*edges: AlarmEdge, **said: Any) -> Message:
    return message_for(event(AlarmRaised, *(edges or (edge(),)), **said), PARAMETER)


def cleared(*edges: AlarmEdge, **said: Any) -> Message:
    return message_for(event(AlarmCleared, *edges, **{"minute": 42, **said}), PARAMETER)


FOUR = tuple(edge(f"churn-{letter}") for letter in "abcd")
BACK = edge(minute=42, state="OK", red_since=START)

# Subjects

RAISED: list[tuple[tuple[AlarmEdge, ...], dict[str, Any], str]] = [
    ((edge("p95"),), {}, "alarm p95 is red, 12 minutes after version 8 came into service"),
    ((edge(),), {}, "alarm churn-p95 is red, 12 minutes after version 8"),
    ((edge(),), {"version": None}, "alarm churn-p95 is red"),
    ((edge(),), {"released_at": START - timedelta(days=2)}, "alarm churn-p95 is red"),
    ((edge(),), {"released_at": START + timedelta(minutes=1)}, "alarm churn-p95 is red"),
    ((edge("x" * 200),), {}, "alarm red 12 minutes after version 8"),
    (FOUR, {}, "4 alarms red, 12 minutes after version 8 came into service"),
    (FOUR, {"version": None}, "4 alarms red"),
    ((edge(), edge(state="OK"), edge()), {}, "alarm churn-p95 went red 2 times"),
    (
        (edge(),),
        {"response": "rejected", "minute": 0},
        "alarm churn-p95: version 8 taken back after 12 minutes",
    ),
    (FOUR, {"response": "rejected", "minute": 0}, "4 alarms: version 8 taken back after 12 minutes"),
    ((edge(),), {"response": "refused"}, "alarm churn-p95 red, version 8 could not be rejected"),
    (
        (edge(),),
        {"response": "deploying", "releasing": 9},
        "alarm churn-p95 red while version 9 is being released",
    ),
    ((edge(),), {"first": False}, "alarm churn-p95 is red again"),
    ((edge(),), {"first": False, "red_count": 4}, "alarm churn-p95 is red too, 4 red now"),
    (FOUR, {"first": False, "red_count": 41}, "4 more alarms, 41 red now"),
    (FOUR, {"first": False}, "4 alarms red again"),
]
CLEARED: list[tuple[tuple[AlarmEdge, ...], dict[str, Any], str]] = [
    ((BACK,), {}, "[OK] churn-prod: alarm churn-p95 clear after 42 minutes"),
    ((BACK, edge("b", 9, "OK")), {}, "[OK] churn-prod: alarms clear after 42 minutes"),
    (
        (edge(minute=42, state="OK", red_since=START + timedelta(minutes=30)),),
        {},
        "[OK] churn-prod: alarms clear after 42 minutes",
    ),
    (
        (edge("a", 9, "OK"), edge("b", 9, "OK")),
        {"red": ("churn-p95",), "red_count": 1},
        "[CRITICAL] churn-prod: 2 of 3 alarms clear, churn-p95 stays red",
    ),
    (
        (BACK,),
        {"red": ("a", "b"), "red_count": 30},
        "[CRITICAL] churn-prod: 1 of 31 alarms clear, 30 stay red",
    ),
]


@pytest.mark.parametrize(("edges", "said", "headline"), RAISED)
def test_the_subject_of_red_alarms_says_it_all(edges, said, headline):
    assert subject_of(raised(*edges, **said)) == f"[CRITICAL] churn-prod: {headline}"


@pytest.mark.parametrize(("edges", "said", "subject"), CLEARED)
def test_the_subject_of_clear_alarms_says_it_all(edges, said, subject):
    assert subject_of(cleared(*edges, **said)) == subject


@pytest.mark.parametrize(
    ("said", "headline"),
    [
        ({}, "alarm red"),
        ({"response": "rejected"}, "taken back"),
        ({"response": "refused"}, "NOT rejected"),
        ({"response": "deploying", "releasing": 1235}, "alarm red"),
        ({"first": False, "red_count": 4}, "4 alarms red"),
        ({"first": False, "red_count": 1_000}, "alarms red"),
    ],
)
def test_the_longest_endpoint_leaves_room_for_what_happened(said, headline):
    told = raised(endpoint="e" * 63, version=1234, **said)

    assert subject_of(told) == f"[CRITICAL] {'e' * 63}: {headline}"


def test_the_longest_endpoint_leaves_room_for_the_end():
    done = cleared(BACK, endpoint="e" * 63)
    partly = cleared(BACK, endpoint="e" * 63, red=("a",) * 20, red_count=1_000)

    assert subject_of(done) == f"[OK] {'e' * 63}: alarms clear"
    assert subject_of(partly) == f"[CRITICAL] {'e' * 63}: alarms red"


# Bodies


def test_a_red_alarm_says_what_it_found_and_after_which_release():
    body = raised(edge(guards=True)).body

    assert body.startswith(
        "The alarm churn-p95 of endpoint churn-prod is red, 12 minutes after version 8 came into service.\n\n"
    )
    assert "Red since  23 Nov 2026 00:00 UTC, 1 minute ago\n" in body
    assert "Live       version 8 of churn\n" in body
    assert "Released   22 Nov 2026 23:48 UTC, 12 minutes before the first alarm\n" in body
    assert "Approved   by alice, 22 Nov 2026 23:00 UTC\n" in body
    assert "Replaced   version 7\n" in body
    assert (
        "WHAT WENT RED\n"
        "  churn-p95: red since 00:00 UTC (guards releases)\n"
        "    watches  ModelLatency p95 of variant AllTraffic, over 1 minute\n"
        "    found    3 of the last 3 values were above 1,000 ms (latest 2,310 ms)\n"
    ) in body
    assert "STILL RED" not in body


def test_what_was_not_released_here_is_said_so():
    body = raised(
        version=None, package_arn=None, released_at=None, replaced=None, group="", group_arn=""
    ).body

    assert "Live       no version that Stationkeeper released\n" in body
    assert "update-model-package" not in body
    assert "stationkeeper plan" not in body
    assert "     stationkeeper status\n" in body


def test_a_release_after_the_first_alarm_is_not_called_its_reason():
    body = raised(released_at=START + timedelta(minutes=3)).body

    assert "3 minutes after the first alarm" in body
    assert "came into service" not in body


def test_what_monitors_say_at_the_same_time_is_told():
    body = raised(
        monitors=(
            OpenMonitor(schedule="churn-quality", violations=3, severity=Severity.CRITICAL),
            OpenMonitor(schedule="churn-bias", blind="no-data"),
            OpenMonitor(schedule="churn-other", blind="something new", violations=1),
        )
    ).body

    assert (
        "WHAT ITS MONITORS SAY\n  churn-quality: 3 violations (critical)\n  churn-bias: blind, no data to look at\n"
        "  churn-other: 1 violation; blind, something new\n"
    ) in body


def test_an_alarm_that_is_only_told_says_why_and_how_to_go_back():
    body = raised(because="this alarm does not guard releases").body

    assert (
        "It told you, and changed nothing. It took nothing back: this alarm does not guard releases.\n"
        in body
    )
    assert "the next highest approved version takes over (7, if it still is approved):" in body
    assert judgement(body, "Rejected") == {
        "--region": "eu-west-1",
        "--model-package-arn": f"{PACKAGE}/8",
        "--model-approval-status": "Rejected",
        "--approval-description": "taken back after an alarm",
    }


def test_a_version_taken_back_is_said_to_be_and_can_be_approved_anew():
    body = raised(response="rejected", because="it became red within 60 minutes").body

    assert "It rejected version 8 in the registry. Why: it became red within 60 minutes.\n" in body
    assert (
        "The next highest approved version takes over (7, if it still is approved); you hear of that." in body
    )
    assert judgement(body, "Approved")["--model-package-arn"] == f"{PACKAGE}/8"
    assert "Rejected" not in body


def test_a_rejection_that_was_refused_is_the_first_thing_to_do():
    body = raised(response="refused", refusal="access denied").body

    assert "It could NOT reject version 8 in the registry: access denied.\n" in body
    assert "version 8 is barred here all the same" in body
    assert commands_of(body)[0][2] == "update-model-package"
    assert judgement(body, "Rejected")["--model-package-arn"] == f"{PACKAGE}/8"


def test_during_a_release_what_is_live_is_not_offered_for_rejection():
    """The live version is what SageMaker goes back to."""
    body = raised(response="deploying", releasing=9, because="a release is under way").body

    assert "Releasing  version 9, under way now\n" in body
    assert (
        "SageMaker itself watches the release and rolls version 9 back. Why: a release is under way." in body
    )
    assert "update-model-package" not in body


def test_more_alarms_of_an_incident_say_how_many_are_red():
    more = raised(edge("churn-5xx", 9), first=False, minute=9, red=("churn-5xx", "churn-p95"), red_count=2)
    again = raised(edge(minute=9), first=False, minute=9)

    assert more.body.startswith(
        "1 more alarm of endpoint churn-prod went red: 2 alarms are red now. This incident, #5f0e2c1b, has lasted "
        "9 minutes. The first went red 12 minutes after version 8 came into service.\n"
    )
    assert "STILL RED\n  churn-p95\n" in more.body
    assert again.body.startswith("Alarms of endpoint churn-prod went red again: 1 alarm is red now.")


def test_a_storm_is_one_readable_message():
    storm = [edge(f"churn-{n:02}") for n in range(40)]

    told = raised(*storm, edge_count=57)

    assert told.body.startswith("40 alarms of endpoint churn-prod are red.")
    assert "  churn-11: red since 00:00 UTC\n  ... and 28 more\n" in told.body
    assert "churn-12" not in told.body
    assert told.body.count("watches") == 3
    assert "There were 17 more changes, of these alarms and others." in told.body
    assert len(told.body.split("\n")) < 75
    assert_deliverable(told)


def test_an_alarm_that_flaps_is_told_once():
    edges = [edge("churn-5xx", minute, "OK" if minute % 2 else "ALARM") for minute in range(5)]

    body = raised(*edges, minute=5).body
    over = cleared(*edges, edge("churn-5xx", 5, "OK")).body

    assert body.count("churn-5xx: ") == 1
    assert "churn-5xx: red 3 times, the last since 00:04 UTC\n" in body
    assert "churn-5xx: red 3 times, clear since 00:05 UTC\n" in over


def test_what_cleared_while_others_went_red_is_told_apart():
    body = raised(edge("a", 5, "OK", red_since=START), edge("b", 6), first=False, minute=7).body

    assert "WHAT WENT RED\n  b: red since 00:06 UTC\n" in body
    assert "CLEAR AGAIN\n  a: clear since 00:05 UTC, was red for 5 minutes\n" in body


def test_a_moment_of_another_day_has_its_date():
    body = raised(edge(minute=-5), minute=1).body

    assert "churn-p95: red since 22 Nov 2026 23:55 UTC\n" in body


def test_what_is_clear_says_how_long_each_was_red():
    body = cleared(BACK, edge("b", 9, "OK", red_since=START)).body

    assert body.startswith("All alarms of endpoint churn-prod are clear again, after 42 minutes.\n")
    assert "  churn-p95: clear since 00:42 UTC, was red for 42 minutes\n" in body
    assert "  b: clear since 00:09 UTC, was red for 9 minutes\n" in body
    assert "It closed the incident." in body
    assert "found" not in body


def test_what_stays_red_is_not_called_fine():
    body = cleared(BACK, red=("churn-5xx",), red_count=1).body

    assert body.startswith("1 of 2 alarms of endpoint churn-prod is clear; churn-5xx stays red.\n")
    assert "STILL RED\n  churn-5xx\n" in body
    assert "alarm/churn-5xx\n" in body
    assert "closed the incident" not in body


# What to paste and open


def test_links_lead_to_the_alarm_and_the_metrics():
    series = edge("churn-p95 (AllTraffic)", alarm_arn=arn("churn p95/1"))

    body = raised(series).body

    assert f"     {CONSOLE}/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/churn%20p95%2F1\n" in body
    assert (
        f"     {CONSOLE}/cloudwatch/home?region=eu-west-1#metricsV2:graph=~();search=churn-prod;"
        "namespace=AWS/SageMaker;dimensions=EndpointName,VariantName\n"
    ) in body
    assert f"     {CONSOLE}/sagemaker/home?region=eu-west-1#/endpoints/churn-prod\n" in body


def test_the_log_is_read_from_before_the_alarm():
    assert command(raised().body, "logs", "tail") == [
        *("/aws/sagemaker/Endpoints/churn-prod", "--region", "eu-west-1"),
        *("--since", "2026-11-22T23:45:00Z"),
    ]


def test_alarms_are_muted_by_a_rule_not_by_their_actions():
    body = raised(*FOUR).body

    rule = options(command(body, "cloudwatch", "put-alarm-mute-rule"))
    assert json.loads(rule["--mute-targets"]) == {"AlarmNames": [one.alarm for one in FOUR]}
    assert json.loads(rule["--rule"]) == {
        "Schedule": {"Expression": "at(YYYY-MM-DDTHH:MM)", "Duration": "P7D"}
    }
    assert rule["--name"] == "mute-churn-a"
    assert "disabling actions does not help" in body


def test_an_alarm_is_left_out_by_its_tag():
    body = raised().body

    assert options(command(body, "cloudwatch", "untag-resource")) == {
        "--region": "eu-west-1",
        "--resource-arn": arn("churn-p95"),
        "--tag-keys": "stationkeeper:endpoint",
    }


def test_stationkeepers_own_commands_name_the_group_they_can_find():
    shared = GROUP_ARN.replace("123456789012", "210987654321")

    assert "     stationkeeper status\n     stationkeeper plan churn\n" in raised().body
    assert f"     stationkeeper plan {shared}\n" in raised(group_arn=shared).body


# Whatever the world outside is called

TEXT = st.deferred(hostile_text)
NUMBER = st.one_of(st.none(), st.integers(1, 10**9))
MOMENT = st.sampled_from([START - timedelta(days=3), START - timedelta(minutes=5), START])
MAYBE = st.one_of(st.none(), MOMENT)
EDGE = st.builds(
    AlarmEdge,
    alarm=st.one_of(TEXT, st.just("churn-p95")),
    alarm_arn=TEXT,
    state=st.sampled_from(["ALARM", "OK"]),
    at=MOMENT,
    watches=TEXT,
    measured=TEXT,
    guards=st.booleans(),
    red_since=MAYBE,
)
MONITOR = st.builds(
    OpenMonitor,
    schedule=TEXT,
    violations=NUMBER,
    severity=st.one_of(st.none(), st.sampled_from(Severity)),
    blind=TEXT,
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "incident": TEXT,
    "severity": st.sampled_from(Severity),
    "endpoint": TEXT,
    "on_call": TEXT,
    "edges": st.lists(EDGE, max_size=8).map(tuple),
    "edge_count": st.integers(0, 100),
    "red": st.lists(TEXT, max_size=20).map(tuple),
    "red_count": st.integers(0, 100),
    "group": TEXT,
    "group_arn": TEXT,
    "version": NUMBER,
    "package_arn": st.one_of(st.none(), TEXT),
    "variant": TEXT,
    "released_at": MAYBE,
    "approved_by": TEXT,
    "approved_at": MAYBE,
    "replaced": NUMBER,
    "releasing": NUMBER,
    "monitors": st.lists(MONITOR, max_size=3).map(tuple),
}
ABOUT_RAISED = {
    **FIELDS,
    "response": st.sampled_from(["told", "rejected", "refused", "deploying"]),
    "because": TEXT,
    "refusal": TEXT,
    "first": st.booleans(),
}
EVENTS = st.one_of(
    st.fixed_dictionaries(ABOUT_RAISED).map(lambda said: event(AlarmRaised, **said)),
    st.fixed_dictionaries(FIELDS).map(lambda said: event(AlarmCleared, **said)),
)
OURS = (
    r"The alarm |[\d,]+ (of [\d,]+ )?(more )?alarms? of |Alarms of |All alarms |There (was|were) ",
    r"(Red since|Red from|Clear by|As of|Live|Released|Approved|Replaced|Releasing|Variant|On call) ",
)


@given(EVENTS)
def test_a_message_is_what_sns_takes_and_nothing_forges_a_line(hostile):
    told = message_for(hostile, PARAMETER)

    assert_deliverable(told)
    assert_laid_out(told.body, *OURS)


@given(EVENTS)
def test_every_command_reads_as_it_was_meant(hostile):
    arns = {plain(one.alarm_arn, 2_000) for one in hostile.edges}
    for words in commands_of(message_for(hostile, PARAMETER).body):
        assert words[0] == "aws"
        assert words[words.index("--region") + 1] == "eu-west-1"
        match words[1:3]:
            case ["logs", "tail"]:
                assert words[3] == f"/aws/sagemaker/Endpoints/{plain(hostile.endpoint, 2_000)}"
                assert len(words) == 8
            case ["sagemaker", "describe-endpoint"]:
                assert options(words[3:])["--endpoint-name"] == plain(hostile.endpoint, 2_000)
            case ["sagemaker", "update-model-package"]:
                assert options(words[3:])["--model-package-arn"] == plain(hostile.package_arn, 2_000)
            case ["cloudwatch", "put-alarm-mute-rule"]:
                said = options(words[3:])
                assert json.loads(said["--mute-targets"])["AlarmNames"]
                assert list(said) == ["--region", "--name", "--mute-targets", "--rule"]
            case ["cloudwatch", "untag-resource"]:
                assert options(words[3:])["--resource-arn"] in arns
            case other:
                pytest.fail(f"an unknown command: {other}")


@given(EVENTS)
def test_stationkeepers_commands_read_as_they_were_meant(hostile):
    lines = re.findall(r"^     (stationkeeper .*)$", message_for(hostile, PARAMETER).body, re.MULTILINE)

    for words in map(shlex.split, lines):
        assert words[1:] == ["status"] or (words[1] == "plan" and len(words) == 3)


def test_an_event_crosses_the_bus_unchanged():
    for one in (event(AlarmRaised, edge(), monitors=(OpenMonitor(schedule="s"),)), event(AlarmCleared, BACK)):
        back = from_detail(one.detail_type, one.model_dump(mode="json"))

        assert back == one
        assert message_for(back, PARAMETER) == message_for(one, PARAMETER)


def test_the_largest_message_fits():
    wide = "\U0001f600" * 10_000
    edges = tuple(edge(f"{n}{wide}", watches=wide, measured=wide) for n in range(40))

    told = raised(*edges, because=wide, monitors=(OpenMonitor(schedule=wide, blind=wide),) * 100)

    assert_deliverable(told)
    assert told.body.endswith("event 0a15f67d.\n")
