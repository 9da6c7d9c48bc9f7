"""What on-call reads of releases: the essentials at 3 a.m., and commands that do what they say."""

import ast
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stationkeeper
from hypothesis import example, given
from hypothesis import strategies as st
from stationkeeper.alerts.block_wording import BLOCKS, UNKNOWN_BLOCK
from stationkeeper.alerts.release_steps import TAG_PREFIX
from stationkeeper.alerts.text import plain
from stationkeeper.alerts.wording import Message, message_for
from stationkeeper.events.domain import Cause
from stationkeeper.events.job_events import Retrained
from stationkeeper.events.on_bus import from_detail
from stationkeeper.events.release_events import (
    ApprovalRequested,
    MetricCompared,
    ReleaseBlocked,
    ReleaseEvent,
    ReleaseRolledBack,
    ReleaseStarted,
    ReleaseSucceeded,
)
from stationkeeper.severity import Severity
from stationkeeper.tags import TAG_PREFIX as REAL_PREFIX

from tests.unit.builders import START, hostile_text
from tests.unit.test_wording import (
    PARAMETER,
    assert_deliverable,
    command,
    commands_of,
    judgement,
    options,
    subject_of,
)

GROUP_ARN = "arn:aws:sagemaker:eu-west-1:123456789012:model-package-group/churn"
PACKAGE = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/churn"
ALARMS = ("churn-v8-3f2a91bc-5xx-errors", "churn-v8-3f2a91bc-latency")
CORE = Path(stationkeeper.__file__).parent
WATCH = "[EndpointStatus,EndpointConfigName,FailureReason]"

REQUIRED: dict[type[ReleaseEvent], dict[str, Any]] = {
    ReleaseStarted: {
        "why": "version 8 is the newest approved",
        "traffic": "10 % for 10 minutes, then all",
        "alarms": ALARMS,
        "replaces": 7,
    },
    ReleaseSucceeded: {"started_at": START - timedelta(minutes=42), "replaced": 7, "serving": 8},
    ReleaseRolledBack: {
        "severity": Severity.CRITICAL,
        "started_at": START - timedelta(minutes=25),
        "reason": "an alarm went off",
        "red_alarms": ALARMS[:1],
    },
    ReleaseBlocked: {"severity": Severity.WARNING, "code": "refused", "why": "CreateModel: access denied"},
    ApprovalRequested: {"serving": 7},
}
KINDS = list(REQUIRED)


def event(kind: type[ReleaseEvent], **said: Any) -> Any:
    """An event about version 8 of churn on churn-prod."""
    facts: dict[str, Any] = {
        "id": "1",
        "incident": "5f0e2c1b",
        "severity": Severity.INFO,
        "endpoint": "churn-prod",
        "account": "123456789012",
        "region": "eu-west-1",
        "on_call": "ml-on-call",
        "cause": Cause(event_id="0a15f67d"),
        "group": "churn",
        "group_arn": GROUP_ARN,
        "at": START,
        "version": 8,
        "package_arn": f"{PACKAGE}/8",
        "serving": 7,
    }
    return kind(**{**facts, **REQUIRED[kind], **said})


def message(kind: type[ReleaseEvent], **said: Any) -> Message:
    return message_for(event(kind, **said), PARAMETER)


# Subjects


SUBJECTS: list[tuple[type[ReleaseEvent], dict[str, Any], str]] = [
    (ReleaseStarted, {}, "[INFO] churn-prod: releasing version 8, replacing 7"),
    (ReleaseStarted, {"replaces": None}, "[INFO] churn-prod: releasing version 8"),
    (ReleaseStarted, {"creating": True}, "[INFO] churn-prod: creating the endpoint with version 8"),
    (ReleaseSucceeded, {}, "[OK] churn-prod: version 8 in service after 42 minutes"),
    (ReleaseRolledBack, {}, "[CRITICAL] churn-prod: version 8 rolled back, version 7 serves"),
    (ReleaseRolledBack, {"serving": None}, "[CRITICAL] churn-prod: version 8 rolled back"),
    (ReleaseBlocked, {}, "[WARNING] churn-prod: version 8 not released, AWS refused"),
    (ApprovalRequested, {}, "[INFO] churn-prod: version 8 of churn waits for approval"),
]
LONGEST: list[tuple[type[ReleaseEvent], str]] = [
    (ReleaseStarted, "[INFO] {}: releasing v1234"),
    (ReleaseSucceeded, "[OK] {}: v1234 in service"),
    (ReleaseRolledBack, "[CRITICAL] {}: rolled back"),
    (ReleaseBlocked, "[WARNING] {}: AWS refused"),
    (ApprovalRequested, "[INFO] {}: approve v1234?"),
]


@pytest.mark.parametrize(("kind", "said", "subject"), SUBJECTS)
def test_the_subject_says_it_all(kind, said, subject):
    assert subject_of(message(kind, **said)) == subject


@pytest.mark.parametrize(("kind", "subject"), LONGEST)
def test_the_longest_endpoint_leaves_room_for_what_happened(kind, subject):
    longest = "e" * 63

    told = message(kind, endpoint=longest, version=1234, group="g" * 63)
    assert subject_of(told) == subject.format(longest)


@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", [8, 9_999])
def test_no_subject_is_ever_cut(kind, severity, version):
    told = message(kind, endpoint="e" * 63, version=version, serving=9_998, group="g" * 63, severity=severity)

    assert not subject_of(told).endswith("...")


def test_a_success_that_needs_a_look_is_not_called_ok():
    assert message(ReleaseSucceeded, severity=Severity.WARNING).subject.startswith("[WARNING] churn-prod: ")


# Bodies


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_names_version_group_and_endpoint_at_once(kind):
    first = message(kind).body.split("\n\n")[0].lower()

    assert "version 8 of churn" in first
    assert "endpoint churn-prod" in first


def test_a_start_says_why_by_whom_and_how():
    body = message(
        ReleaseStarted,
        approved_by="alice",
        approval_note="AUC is better",
        notes=("the alarm old-p99 is red already; it is left out",),
    ).body

    assert "in place of version 7, which serves meanwhile." in body
    assert "Why: version 8 is the newest approved." in body
    assert 'Approved  by alice: "AUC is better"' in body
    assert "Traffic   10 % for 10 minutes, then all" in body
    assert f"WHEN ONE OF THESE ALARMS GOES RED\n  {ALARMS[0]}\n  {ALARMS[1]}\n" in body
    assert "WORTH KNOWING\n  the alarm old-p99 is red already; it is left out\n" in body
    assert "You hear again when version 8 is in service or rolled back" in body
    assert (
        "SageMaker finishes this update first, then the next highest approved version takes over (7, if"
        in body
    )


def test_a_start_that_goes_back_does_not_promise_the_version_it_replaces():
    """Version 8 was rejected: rejecting version 6 does not bring it back."""
    body = message(ReleaseStarted, version=6, replaces=8, package_arn=f"{PACKAGE}/6").body

    assert "takes over; version 6 stays if there is none" in body
    assert "(8, if" not in body


def test_one_alarm_is_told_in_the_singular():
    assert "WHEN THIS ALARM GOES RED" in message(ReleaseStarted, alarms=ALARMS[:1]).body
    assert "RED ALARM\n" in message(ReleaseRolledBack).body
    assert "RED ALARMS\n" in message(ReleaseRolledBack, red_alarms=ALARMS).body


def test_a_release_without_alarms_says_that_nothing_guards_it():
    assert "No alarm guards it" in message(ReleaseStarted, alarms=()).body


def test_a_new_endpoint_has_nothing_to_roll_back_to():
    body = message(ReleaseStarted, creating=True, replaces=None, serving=None).body

    assert "ALARMS THAT WATCH IT" in body
    assert "roll" not in body.lower()
    assert "SageMaker makes the endpoint first" in body


def test_a_model_of_another_origin_is_named_so():
    assert "in place of a model of another origin" in message(ReleaseStarted, replaces=None).body


def test_a_success_says_what_there_is_what_is_missing_and_how_to_go_back():
    body = message(
        ReleaseSucceeded,
        has=("autoscaling: 2 to 4 instances",),
        notes=("no bias monitor: why",),
        later=("baselines are being suggested",),
        approved_by="alice",
        kept_until=START + timedelta(days=7),
    ).body

    assert "is in service on endpoint churn-prod, in place of version 7. The release took 42 minutes." in body
    assert "IT HAS\n  autoscaling: 2 to 4 instances\n" in body
    assert "MISSING, OR NOT AS ASKED FOR\n  no bias monitor: why\n" in body
    assert "STILL TO COME\n  baselines are being suggested\n" in body
    assert "keeps the config and the model of version 7 until 30 Nov 2026 00:00 UTC." in body
    assert "Nothing is left for you to do" not in body
    assert judgement(body, "Rejected")["--model-package-arn"] == f"{PACKAGE}/8"


def test_a_success_with_nothing_missing_lets_people_sleep():
    body = message(ReleaseSucceeded).body

    assert "Nothing is left for you to do." in body
    assert "MISSING" not in body


def test_a_rollback_says_who_serves_and_why():
    body = message(ReleaseRolledBack, approved_by="alice").body

    assert "SageMaker rolled it back. Version 7 serves everybody again." in body
    assert "Reason: an alarm went off" in body
    assert "Found     23 Nov 2026 00:00 UTC, 25 minutes after the release began" in body
    assert f"RED ALARM\n  {ALARMS[0]}\n" in body
    assert "It rejected version 8 in the registry, so that it is not tried again." in body
    assert "It releases nothing more" in body


def test_a_silent_rollback_says_that_it_was_silent():
    body = message(ReleaseRolledBack, silent=True, reason="", red_alarms=()).body

    assert "SageMaker gave no reason; only the endpoint's config shows it." in body
    assert "Reason:" not in body
    assert "ALARM" not in body


def test_a_rejection_that_was_refused_comes_first():
    body = message(ReleaseRolledBack, rejected=False, refusal="access denied").body

    assert "It could NOT reject version 8 in the registry: access denied." in body
    assert judgement(body, "Rejected")["--approval-description"] == "rolled back"
    assert body.index("Rejected --approval-description") < body.index("describe-alarm-history")


def test_a_rollback_says_what_is_released_instead():
    assert "It goes on to version 6" in message(ReleaseRolledBack, next_version=6).body
    assert "It goes on to" not in message(ReleaseRolledBack, next_version=7).body


def test_a_version_that_failed_in_service_serves_until_another_does():
    """A smoke test failed: SageMaker rolled nothing back."""
    followed = message(ReleaseRolledBack, serving=8, next_version=7, red_alarms=())
    stuck = message(ReleaseRolledBack, serving=8, next_version=None, red_alarms=())

    assert subject_of(followed) == "[CRITICAL] churn-prod: version 8 failed, version 7 takes over"
    assert "and failed there. It serves until version 7 takes over." in followed.body
    assert subject_of(stuck) == "[CRITICAL] churn-prod: version 8 failed and still serves"
    assert "It STILL SERVES everybody: no other version is approved." in stuck.body
    assert "rolled it back" not in followed.body + stuck.body
    assert commands_of(stuck.body)[0][2] == "list-model-packages"


def test_a_rolled_back_version_can_be_tried_again():
    assert judgement(message(ReleaseRolledBack).body, "Approved")["--model-package-arn"] == f"{PACKAGE}/8"


def test_a_log_is_read_from_the_beginning_of_the_release_whenever_it_is_read():
    arguments = command(message(ReleaseRolledBack).body, "logs", "tail")

    assert arguments == [
        *("/aws/sagemaker/Endpoints/churn-prod", "--region", "eu-west-1"),
        *("--since", "2026-11-22T23:35:00Z"),
    ]


def test_a_composite_alarm_has_its_history_too():
    arguments = command(message(ReleaseRolledBack).body, "cloudwatch", "describe-alarm-history")

    at = arguments.index("--alarm-types")
    assert arguments[at + 1 : at + 3] == ["MetricAlarm", "CompositeAlarm"]
    assert arguments[arguments.index("--alarm-name") + 1] == ALARMS[0]


# Approval


def table(*metrics: MetricCompared, **said: Any) -> list[str]:
    """The lines of the metrics, without their title."""
    body = message(ApprovalRequested, metrics=metrics, **said).body
    return body.split("METRICS\n")[1].split("\n\n")[0].split("\n")


def metric(name: str, candidate: float | None = None, live: float | None = None) -> MetricCompared:
    return MetricCompared(name=name, candidate=candidate, live=live)


def test_metrics_stand_side_by_side():
    rows = table(
        metric("accuracy", 0.912, 0.905),
        metric("auc", 0.87001, 0.87),
        metric("f1", 0.5, 0.5),
        metric("rmse", 11.5, 12),
        metric("new one", 3),
        metric("gone", None, 4),
    )

    assert rows == [
        "                 v8     v7     change",
        "  accuracy    0.912  0.905     +0.007",
        "  auc       0.87001   0.87  +1.00e-05",
        "  f1            0.5    0.5       same",
        "  rmse         11.5     12       -0.5",
        "  new one         3      -          -",
        "  gone            -      4          -",
    ]


def test_without_a_live_version_there_is_nothing_to_compare():
    assert table(metric("accuracy", 0.912), serving=None) == ["               v8", "  accuracy  0.912"]


def test_infinite_metrics_are_said_in_words():
    assert table(metric("r2", float("-inf"), 0.9))[1].split("  ")[-1] == "minus infinite"
    assert "not a number" in table(metric("r2", float("inf"), float("inf")), metric("x", float("nan"), 1))[2]


def test_many_metrics_are_cut_to_what_a_phone_shows():
    rows = table(*(metric(f"metric {n} {'x' * 100}", n, n + 1) for n in range(40)))

    assert len(rows) == 1 + 25 + 1
    assert rows[-1] == "  ... and 15 more"
    assert max(map(len, rows)) < 80


def test_metrics_that_could_not_be_read_are_said_to_be_unknown():
    none = message(ApprovalRequested).body
    denied = message(
        ApprovalRequested, metrics_problem="access denied", live_metrics_problem="there are none"
    ).body
    half = message(ApprovalRequested, metrics=(metric("f1", 1),), live_metrics_problem="there are none").body

    assert "No metrics were registered with version 8." in none
    assert "No metrics of version 8: access denied." in denied
    assert "No metrics of version 7: there are none." in denied
    assert "METRICS" in half
    assert "No metrics of version 7: there are none." in half


def test_an_approval_offers_both_commands_and_says_what_they_do():
    body = message(
        ApprovalRequested,
        description="retrained",
        registered_at=START,
        registered_by="alice",
        metrics=(metric("f1", 1),),
    ).body

    assert "Registered  23 Nov 2026 00:00 UTC by alice" in body
    assert "What it is  retrained" in body
    assert "do not say which direction is better" in body
    assert "Approve it: Stationkeeper then releases it to churn-prod" in body
    assert "Or reject it; version 7 goes on serving:" in body
    for status in ("Approved", "Rejected"):
        assert judgement(body, status) == {
            "--region": "eu-west-1",
            "--model-package-arn": f"{PACKAGE}/8",
            "--model-approval-status": status,
            "--approval-description": "your reason",
        }


RETRAINED = Retrained(
    incident="5f0e2c1b",
    execution_arn="arn:aws:sagemaker:eu-west-1:123456789012:pipeline/churn-retrain/execution/p4jn9xou8a8s",
    pipeline="churn-retrain",
    started_at=START - timedelta(hours=1),
    drift="12 features drifted",
    drift_severity=Severity.CRITICAL,
    drift_since=START - timedelta(hours=3),
)


def test_a_retrained_version_is_connected_to_the_drift_that_started_it():
    told = message(ApprovalRequested, retrained=RETRAINED, metrics=(metric("f1", 1),))

    assert subject_of(told) == "[INFO] churn-prod: version 8 of churn, retrained, waits for approval"
    assert (
        "It comes out of a retraining that was started on 22 Nov 2026 23:00 UTC because of drift: 12 features drifted "
        "(critical), since 22 Nov 2026 21:00 UTC. The drift was told in this thread, #5f0e2c1b."
    ) in told.body
    assert "Pipeline   churn-retrain\n" in told.body
    assert f"Execution  {RETRAINED.execution_arn}\n" in told.body
    assert "METRICS" in told.body


def test_drift_told_in_another_thread_is_named_by_it():
    body = message(ApprovalRequested, retrained=RETRAINED.model_copy(update={"incident": "11112222"})).body

    assert "The drift was told in the thread #11112222." in body


# Obstacles


def codes_of_the_code_base() -> set[str]:
    """Every code that some module gives an obstacle."""
    found = {"refused", "older-version"}
    for path in CORE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) not in ("Block", "ReleaseBlocked"):
                continue
            given_code = [*node.args[:1], *(word.value for word in node.keywords if word.arg == "code")]
            found |= {one.value for one in given_code if isinstance(one, ast.Constant)}
    return found


CODES = sorted(codes_of_the_code_base())


def test_every_obstacle_of_the_code_base_has_its_words():
    assert set(CODES) - set(BLOCKS) == set(), "give each its words in alerts/block_wording.py"
    assert set(BLOCKS) - set(CODES) == set(), "no module blocks with these any more"
    assert len(CODES) >= 12


@pytest.mark.parametrize("code", [*CODES, "unheard-of"])
@pytest.mark.parametrize("version", [8, None])
def test_an_obstacle_says_why_and_what_to_do(code, version):
    """A version of an obstacle may be unknown, and its ARN with it."""
    told = message(
        ReleaseBlocked,
        code=code,
        why="Something stands in the way.",
        advice="Take it away",
        failure_reason="no ping",
        version=version,
        package_arn=f"{PACKAGE}/8" if version else None,
    )

    assert "\nWhy: Something stands in the way.\nSageMaker says: no ping\n" in told.body
    assert "\n  Take it away.\n  1. " in told.body
    assert ("endpoint churn-prod" in told.body.lower()) is (code != "unreadable-tags")
    assert commands_of(told.body)
    assert "{" not in told.subject + told.body.replace("{}", "")
    assert_deliverable(told)


@pytest.mark.parametrize("code", CODES)
def test_an_obstacle_is_named_even_beside_the_longest_endpoint(code):
    subject = subject_of(
        message(ReleaseBlocked, code=code, endpoint="e" * 63, version=9_999, severity=Severity.CRITICAL)
    )

    assert not subject.endswith("...")
    assert not subject.endswith("blocked")
    assert BLOCKS[code] is not UNKNOWN_BLOCK


def test_a_tag_that_names_no_endpoint_is_told_of_the_group():
    """There is no endpoint to name: the event carries the group's name instead."""
    body = message(
        ReleaseBlocked,
        code="unreadable-tags",
        endpoint="churn",
        why="the tag is wrong",
        version=None,
        serving=None,
    ).body

    assert body.startswith(
        "Nothing can be released from the model package group churn.\nWhy: The tag is wrong.\n"
    )


def test_messages_name_tags_as_the_settings_read_them():
    assert TAG_PREFIX == REAL_PREFIX


def test_an_endpoint_is_deleted_last_and_with_a_warning():
    body = message(ReleaseBlocked, code="endpoint-failed", why="It is Failed.", serving=None).body

    assert commands_of(body)[-1][1:3] == ["sagemaker", "delete-endpoint"]
    assert "DELETE it. That cannot be undone" in body
    assert judgement(body, "Rejected")["--model-package-arn"] == f"{PACKAGE}/8"
    assert [code for code in BLOCKS if "delete-endpoint" in message(ReleaseBlocked, code=code).body] == [
        "endpoint-failed"
    ]


def test_an_older_version_is_got_by_rejecting_the_newer_never_itself():
    newer = message(
        ReleaseBlocked, code="older-version", version=6, package_arn=f"{PACKAGE}/6", serving=8
    ).body
    unknown = message(
        ReleaseBlocked, code="older-version", version=6, package_arn=f"{PACKAGE}/6", serving=5
    ).body

    assert judgement(newer, "Rejected")["--model-package-arn"] == f"{PACKAGE}/8"
    assert judgement(unknown, "Rejected")["--model-package-arn"] == "ARN-FROM-THE-LIST"
    assert "the highest approved version counts" in newer


def test_what_serves_is_offered_for_approval_when_nothing_is():
    known = message(ReleaseBlocked, code="nothing-approved", version=7, package_arn=f"{PACKAGE}/7").body
    unknown = message(ReleaseBlocked, code="nothing-approved", version=None, package_arn=None).body

    assert judgement(known, "Approved")["--model-package-arn"] == f"{PACKAGE}/7"
    assert judgement(unknown, "Approved")["--model-package-arn"] == "ARN-FROM-THE-LIST"


def test_a_group_of_another_account_is_listed_by_its_arn():
    shared = GROUP_ARN.replace("123456789012", "210987654321")

    ours = command(message(ReleaseBlocked, code="nothing-approved").body, "sagemaker", "list-model-packages")
    theirs = command(
        message(ReleaseBlocked, code="nothing-approved", group_arn=shared).body,
        "sagemaker",
        "list-model-packages",
    )

    assert ours[ours.index("--model-package-group-name") + 1] == "churn"
    assert theirs[theirs.index("--model-package-group-name") + 1] == shared


# Whatever the world outside is called

TEXT = hostile_text()
NAME = hostile_text(visible=True)
NUMBER = st.one_of(st.none(), st.integers(1, 10**9))
FLOAT = st.one_of(st.none(), st.floats())
COMMON = {
    # SageMaker's own names, which our settings check; a message must survive others all the same
    "endpoint": NAME,
    "group": NAME,
    "group_arn": NAME,
    "package_arn": st.one_of(st.none(), NAME),
    "version": NUMBER,
    "serving": NUMBER,
    "severity": st.sampled_from(Severity),
}
TEXTS = st.lists(TEXT, max_size=20).map(tuple)
HOSTILE: dict[type[ReleaseEvent], dict[str, st.SearchStrategy[Any]]] = {
    ReleaseStarted: {
        "why": TEXT,
        "traffic": TEXT,
        "creating": st.booleans(),
        "alarms": TEXTS,
        "notes": TEXTS,
        "approved_by": TEXT,
        "approval_note": TEXT,
        "replaces": NUMBER,
    },
    ReleaseSucceeded: {
        "replaced": NUMBER,
        "has": TEXTS,
        "notes": TEXTS,
        "later": TEXTS,
        "approved_by": TEXT,
        "kept_until": st.sampled_from([None, START]),
    },
    ReleaseRolledBack: {
        "reason": TEXT,
        "silent": st.booleans(),
        "red_alarms": TEXTS,
        "rejected": st.booleans(),
        "refusal": TEXT,
        "approved_by": TEXT,
        "next_version": NUMBER,
    },
    ReleaseBlocked: {
        "code": st.one_of(st.sampled_from(CODES), TEXT),
        "why": TEXT,
        "advice": TEXT,
        "failure_reason": TEXT,
    },
    ApprovalRequested: {
        "description": TEXT,
        "registered_at": st.sampled_from([None, START]),
        "registered_by": TEXT,
        "metrics": st.lists(
            st.builds(MetricCompared, name=TEXT, candidate=FLOAT, live=FLOAT), max_size=40
        ).map(tuple),
        "metrics_problem": TEXT,
        "live_metrics_problem": TEXT,
        "retrained": st.one_of(
            st.none(),
            st.builds(
                Retrained,
                incident=TEXT,
                execution_arn=TEXT,
                pipeline=TEXT,
                started_at=st.just(START),
                drift=TEXT,
                drift_severity=st.sampled_from(Severity),
                drift_since=st.just(START),
            ),
        ),
    },
}
EVENTS = st.one_of(
    *(
        st.fixed_dictionaries({**COMMON, **fields}).map(lambda said, kind=kind: event(kind, **said))
        for kind, fields in HOSTILE.items()
    )
)
KEPT_WORDS = re.compile(
    r"(Endpoint |Version |The version |The endpoint |The job |A job |Nothing |Why: |Reason: |SageMaker |No |Not all |They |It comes |Pipeline|Execution|"
    r"Started|Approved|Traffic|How|In service|Rolled back|Began|Found|Group|Registered|What it is|Failed|Job|On call|"
    r"WHAT |TO |SAGEMAKER |ALARMS |WORTH |IT HAS|MISSING|STILL |RED |METRICS|  |--$|Runbook: |Stationkeeper,|$)"
)


@given(EVENTS)
@example(event(ReleaseStarted, why="\n[CRITICAL] forged", notes=("\n", " ", "")))
def test_a_message_is_what_sns_takes(hostile):
    assert_deliverable(message_for(hostile, PARAMETER))


@given(EVENTS)
def test_a_body_is_laid_out_whatever_it_holds(hostile):
    body = message_for(hostile, PARAMETER).body

    unknown = [line for line in body.split("\n") if not KEPT_WORDS.match(line)]
    assert unknown == []
    assert "\n\n\n" not in body
    assert not re.search(r"[ \t]\n", body)
    assert body.splitlines() == body.split("\n")[:-1]


@given(EVENTS)
def test_every_command_reads_as_it_was_meant(hostile):
    known = {plain(text, 2_000) for text in (hostile.endpoint, hostile.group, hostile.group_arn)}
    arn = plain(hostile.package_arn, 2_000) if hostile.package_arn is not None else None

    for words in commands_of(message_for(hostile, PARAMETER).body):
        assert words[0] == "aws"
        assert words[words.index("--region") + 1] == "eu-west-1"
        assert "\n" not in "".join(words)
        for option in (
            "--endpoint-name",
            "--endpoint-name-equals",
            "--model-package-group-name",
            "--resource-arn",
        ):
            if option in words:
                assert words[words.index(option) + 1] in known | {"ARN-FROM-THE-LIST"}
        if words[2] == "update-model-package":
            judged = options(words[3:])
            assert list(judged) == [
                *("--region", "--model-package-arn", "--model-approval-status", "--approval-description"),
            ]
            group = (arn or "").rpartition("/")[0]
            assert judged["--model-package-arn"] in (arn, f"{group}/{hostile.serving}", "ARN-FROM-THE-LIST")


def test_an_event_crosses_the_bus_unchanged():
    for kind in KINDS:
        one = event(kind)

        back = from_detail(one.detail_type, one.model_dump(mode="json"))

        assert back == one
        assert message_for(back, PARAMETER) == message_for(one, PARAMETER)


def test_the_largest_message_fits():
    wide = "\U0001f600" * 10_000

    told = message(
        ReleaseSucceeded, has=(wide,) * 1_000, notes=(wide,) * 1_000, later=(wide,) * 1_000, approved_by=wide
    )

    assert_deliverable(told)
    assert told.body.endswith("event 0a15f67d.\n")


@pytest.mark.parametrize("kind", KINDS)
def test_attributes_are_what_subscribers_filter_on(kind):
    told = message(kind)

    assert told.attributes == {
        "severity": event(kind).severity.value,
        "endpoint": "churn-prod",
        "kind": kind.__name__,
        "incident": "5f0e2c1b",
        "team": "ml-on-call",
    }


def test_every_endpoint_is_watched_with_the_same_command():
    for kind in (ReleaseStarted, ReleaseSucceeded, ReleaseRolledBack):
        arguments = command(message(kind).body, "sagemaker", "describe-endpoint")

        assert arguments == ["--region", "eu-west-1", "--endpoint-name", "churn-prod", "--query", WATCH]
