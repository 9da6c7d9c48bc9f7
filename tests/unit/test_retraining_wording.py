"""What on-call reads of retraining: why it was started with what, or why it was not."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.alerts.skip_wording import SKIPS
from stationkeeper.alerts.text import plain
from stationkeeper.alerts.wording import Message, message_for
from stationkeeper.events.domain import Cause
from stationkeeper.events.on_bus import from_detail
from stationkeeper.events.retraining_events import (
    PassedParameter,
    RetrainingEvent,
    RetrainingSkipped,
    RetrainingStarted,
)
from stationkeeper.severity import Severity
from stationkeeper.tags import KNOWN_TAGS, PARAMETER_TAG, TAG_PREFIX

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
PIPELINE_ARN = "arn:aws:sagemaker:eu-west-1:123456789012:pipeline/churn-retrain"
EXECUTION = f"{PIPELINE_ARN}/execution/p4jn9xou8a8s"
REQUIRED: dict[type[RetrainingEvent], dict[str, Any]] = {
    RetrainingStarted: {"execution_arn": EXECUTION},
    RetrainingSkipped: {"severity": Severity.WARNING, "code": "running", "why": "an execution runs"},
}


def event(kind: type[RetrainingEvent], **said: Any) -> Any:
    """Retraining of churn, because churn-prod drifts."""
    facts: dict[str, Any] = {
        "id": "1",
        "incident": "5f0e2c1b",
        "severity": Severity.INFO,
        "endpoint": "churn-prod",
        "account": "123456789012",
        "region": "eu-west-1",
        "on_call": "ml-on-call",
        "cause": Cause(event_id="0a15f67d"),
        "at": START,
        "group": "churn",
        "group_arn": GROUP_ARN,
        "pipeline": "churn-retrain",
        "pipeline_arn": PIPELINE_ARN,
        "schedule": "churn-data-quality",
        "drift": "12 features drifted",
        "drift_severity": Severity.CRITICAL,
        "drift_since": START - timedelta(hours=2),
        "serving": 7,
    }
    return kind(**{**facts, **REQUIRED[kind], **said})


def started(**said: Any) -> Message:
    return message_for(event(RetrainingStarted, **said), PARAMETER)


def skipped(code: str, **said: Any) -> Message:
    return message_for(event(RetrainingSkipped, code=code, **said), PARAMETER)


WAITING = {"version": 9, "package_arn": f"{PACKAGE}/9"}
SUBJECTS: list[tuple[str, dict[str, Any], str]] = [
    ("running", {}, "no retraining started, one runs already"),
    ("waiting-for-approval", WAITING, "no retraining, version 9 waits for approval"),
    ("waiting-for-approval", {}, "no retraining, a version waits for approval"),
    ("cool-down", {"until": START}, "no retraining before 23 Nov 2026 00:00 UTC"),
    ("cool-down", {}, "no retraining yet, cool-down"),
    ("no-pipeline", {}, "no retraining, its pipeline does not exist"),
    ("missing-parameter", {}, "no retraining, a parameter has no value"),
    ("refused", {}, "no retraining, AWS refused to start it"),
    ("unreadable-tags", {}, "no retraining, the group's tags are not usable"),
    ("unheard-of", {}, "drift, but no retraining was started"),
]


@pytest.mark.parametrize(("code", "said", "headline"), SUBJECTS)
def test_the_subject_says_why_nothing_was_started(code, said, headline):
    assert subject_of(skipped(code, **said)) == f"[WARNING] churn-prod: {headline}"


def test_the_subject_of_a_start_says_what_drifted():
    assert subject_of(started()) == "[INFO] churn-prod: retraining started, 12 features drifted"
    assert subject_of(started(drift="x" * 90)) == "[INFO] churn-prod: retraining with churn-retrain"


@pytest.mark.parametrize("code", [*SKIPS, "unheard-of"])
def test_the_longest_endpoint_leaves_room_for_what_happened(code):
    told = skipped(code, endpoint="e" * 63, severity=Severity.CRITICAL, version=12_345, until=START)

    assert not subject_of(told).endswith(("...", ": "))


def test_every_code_is_tried():
    assert {code for code, _, _ in SUBJECTS} == {*SKIPS, "unheard-of"}


def test_a_long_drift_is_told_by_its_number():
    told = started(drift="12 violations (3 critical, 9 warning) found by the data-quality monitor")

    assert subject_of(told) == "[INFO] churn-prod: retraining started, 12 violations"
    assert "(critical)" not in told.body


def test_a_start_says_why_with_what_and_what_comes_next():
    body = started(
        parameters=(
            PassedParameter(name="SkipDataQualityCheck", value="True", why="data quality was violated"),
            PassedParameter(name="InputData", value="s3://bucket/new"),
        ),
        notes=("the pipeline declares no RegisterNewDataQualityBaseline",),
        not_again_before=START + timedelta(days=1),
    ).body

    assert body.startswith(
        "Retraining of churn has started: an execution of pipeline churn-retrain runs, because of drift on endpoint "
        "churn-prod: 12 features drifted. Version 7 serves meanwhile.\n"
    )
    assert "Drift      12 features drifted (critical), since 22 Nov 2026 22:00 UTC\n" in body
    assert "Found by   churn-data-quality\n" in body
    assert f"Execution  {EXECUTION}\n" in body
    assert "Not again  before 24 Nov 2026 00:00 UTC\n" in body
    assert (
        "PARAMETERS IT WAS STARTED WITH\n  SkipDataQualityCheck = True  (data quality was violated)\n"
        "  InputData = s3://bucket/new\n"
    ) in body
    assert "WORTH KNOWING\n  the pipeline declares no RegisterNewDataQualityBaseline\n" in body
    assert (
        "the new version, which will wait for approval, or of a failure, in this thread: #5f0e2c1b." in body
    )


def test_a_start_without_parameters_says_so():
    assert "It was started with the pipeline's own defaults for every parameter." in started().body


def test_an_execution_can_be_watched_and_stopped():
    body = started().body

    for call in ("list-pipeline-execution-steps", "describe-pipeline-execution", "stop-pipeline-execution"):
        assert command(body, "sagemaker", call)[:4] == [
            *("--region", "eu-west-1"),
            *("--pipeline-execution-arn", EXECUTION),
        ]
    assert "https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#/studio-landing" in body


@pytest.mark.parametrize("code", [*SKIPS, "unheard-of"])
def test_a_skip_says_why_and_what_to_do(code):
    told = skipped(
        code,
        why="something stands in the way",
        advice="Take it away",
        execution_arn=EXECUTION,
        until=START,
        **WAITING,
    )

    assert told.body.startswith(
        "Endpoint churn-prod drifts, and no retraining of churn was started. Version 7 serves on.\n"
        "Why: Something stands in the way.\n\n"
    )
    assert "  It started nothing and changed nothing, and told you.\n" in told.body
    assert "\nWHAT TO DO NEXT\n  Take it away.\n  1. " in told.body
    assert "It decides anew when the drift is told again after 23 Nov 2026 00:00 UTC." in told.body
    assert commands_of(told.body)
    assert "{" not in told.subject + told.body
    assert_deliverable(told)


def test_a_skip_without_advice_goes_straight_to_the_steps():
    assert "\nWHAT TO DO NEXT\n  1. " in skipped("running").body


def test_a_running_execution_can_be_looked_at_and_stopped():
    body = skipped("running", execution_arn=EXECUTION).body

    assert (
        options(command(body, "sagemaker", "stop-pipeline-execution"))["--pipeline-execution-arn"]
        == EXECUTION
    )
    assert options(command(body, "sagemaker", "list-pipeline-execution-steps"))["--output"] == "table"
    assert "stop-pipeline-execution" not in skipped("running").body


def test_a_waiting_version_is_approved_or_rejected():
    body = skipped("waiting-for-approval", **WAITING).body

    for status in ("Approved", "Rejected"):
        assert judgement(body, status)["--model-package-arn"] == f"{PACKAGE}/9"
    assert (
        options(command(skipped("waiting-for-approval").body, "sagemaker", "list-model-packages"))[
            "--model-approval-status"
        ]
        == "PendingManualApproval"
    )


@pytest.mark.parametrize("code", [*SKIPS])
def test_tags_that_are_offered_mean_something(code):
    tags = [
        word.removeprefix(f"Key={TAG_PREFIX}").partition(",")[0]
        for words in commands_of(skipped(code).body)
        if "add-tags" in words
        for word in words
        if word.startswith("Key=")
    ]

    assert all(tag in KNOWN_TAGS or tag.startswith(PARAMETER_TAG) for tag in tags)
    assert bool(tags) is (code in ("cool-down", "no-pipeline", "missing-parameter", "unreadable-tags"))


def test_a_pipeline_of_another_account_is_named_by_its_arn():
    shared = PIPELINE_ARN.replace("123456789012", "210987654321")

    ours = options(command(skipped("refused").body, "sagemaker", "list-pipeline-executions"))
    theirs = options(
        command(skipped("refused", pipeline_arn=shared).body, "sagemaker", "list-pipeline-executions")
    )

    assert ours["--pipeline-name"] == "churn-retrain"
    assert theirs["--pipeline-name"] == shared


# Whatever the world outside is called

TEXT = st.deferred(hostile_text)
NUMBER = st.one_of(st.none(), st.integers(1, 10**9))
MOMENT = st.sampled_from([None, START])
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(
        (
            "incident",
            "endpoint",
            "on_call",
            "group",
            "group_arn",
            "pipeline",
            "pipeline_arn",
            "schedule",
            "drift",
        ),
        TEXT,
    ),
    "execution_arn": TEXT,
    "severity": st.sampled_from(Severity),
    "serving": NUMBER,
}
EVENTS = st.one_of(
    st.fixed_dictionaries(
        {
            **FIELDS,
            "parameters": st.lists(
                st.builds(PassedParameter, name=TEXT, value=TEXT, why=TEXT), max_size=4
            ).map(tuple),
            "notes": st.lists(TEXT, max_size=4).map(tuple),
            "not_again_before": MOMENT,
        }
    ).map(lambda said: event(RetrainingStarted, **said)),
    st.fixed_dictionaries(
        {
            **FIELDS,
            "code": st.one_of(st.sampled_from([*SKIPS]), TEXT),
            "why": TEXT,
            "advice": TEXT,
            "version": NUMBER,
            "package_arn": st.one_of(st.none(), TEXT),
            "until": MOMENT,
        }
    ).map(lambda said: event(RetrainingSkipped, **said)),
)
OURS = (
    "Retraining of |It was started |Endpoint |Why: ",
    "(Drift|Found by|Started|Decided|Pipeline|Execution|Not again|Not before|Waits|On call) ",
)


@given(EVENTS)
def test_a_message_is_what_sns_takes_and_nothing_forges_a_line(hostile):
    told = message_for(hostile, PARAMETER)

    assert_deliverable(told)
    assert_laid_out(told.body, *OURS)


@given(EVENTS)
def test_every_command_reads_as_it_was_meant(hostile):
    execution = plain(hostile.execution_arn, 2_000)
    pipelines = {plain(hostile.pipeline, 2_000), plain(hostile.pipeline_arn, 2_000)}
    for words in commands_of(message_for(hostile, PARAMETER).body):
        assert words[:2] == ["aws", "sagemaker"]
        assert words[3:5] == ["--region", "eu-west-1"]
        said = options(words[3:])
        assert said.get("--pipeline-execution-arn", execution) == execution
        assert said.get("--pipeline-name") in {None, *pipelines}
        assert said.get("--resource-arn") in {None, plain(hostile.group_arn, 2_000)}


def test_an_event_crosses_the_bus_unchanged():
    for one in (
        event(RetrainingStarted, parameters=(PassedParameter(name="a", value="b"),)),
        event(RetrainingSkipped),
    ):
        back = from_detail(one.detail_type, one.model_dump(mode="json"))

        assert back == one
        assert message_for(back, PARAMETER) == message_for(one, PARAMETER)


def test_the_largest_message_fits():
    wide = "\U0001f600" * 10_000

    told = started(
        drift=wide, parameters=(PassedParameter(name=wide, value=wide, why=wide),) * 500, notes=(wide,) * 500
    )

    assert_deliverable(told)
    assert told.body.endswith("event 0a15f67d.\n")
