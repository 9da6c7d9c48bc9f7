"""What on-call reads of jobs and pipeline executions that ended: what failed, why, and where its log is."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.alerts.job_phrases import KINDS, PURPOSES, version_number
from stationkeeper.alerts.text import plain
from stationkeeper.alerts.wording import Message, message_for
from stationkeeper.events.domain import Cause
from stationkeeper.events.job_events import (
    FailedStep,
    JobEvent,
    JobFailed,
    JobStopped,
    JobSucceeded,
    Retrained,
)
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

SAGEMAKER = "arn:aws:sagemaker:eu-west-1:123456789012"
PACKAGE = f"{SAGEMAKER}:model-package/churn"
GROUP_ARN = f"{SAGEMAKER}:model-package-group/churn"
EXECUTION = f"{SAGEMAKER}:pipeline/churn-retrain/execution/p4jn9xou8a8s"
CONSOLE = "https://eu-west-1.console.aws.amazon.com"
RETRAINED = Retrained(
    incident="5f0e2c1b",
    execution_arn=EXECUTION,
    pipeline="churn-retrain",
    started_at=START - timedelta(hours=1),
    drift="12 features drifted",
    drift_severity=Severity.CRITICAL,
    drift_since=START - timedelta(hours=3),
)
STEP = FailedStep(
    name="Train",
    kind="Training",
    reason="AlgorithmError: no rows",
    job_arn=f"{SAGEMAKER}:training-job/pipelines-p4jn9xou8a8s-train-abc",
    log_group="/aws/sagemaker/TrainingJobs",
)
OF_CHURN = {"endpoint": "churn-prod", "group": "churn", "group_arn": GROUP_ARN}
RETRAINING = {
    **OF_CHURN,
    "kind": "pipeline",
    "job": "churn-retrain",
    "job_arn": EXECUTION,
    "log_group": "",
    "purpose": "retraining",
    "retrained": RETRAINED,
}
BASELINING = {
    **OF_CHURN,
    "kind": "processing",
    "job": "baseline-1",
    "log_group": "/aws/sagemaker/ProcessingJobs",
    "purpose": "baselining",
    "version": 8,
    "reason": "bad header",
}


def event(kind: type[JobEvent], /, **said: Any) -> Any:
    """A training job of no endpoint that ran for 42 minutes."""
    facts: dict[str, Any] = {
        "id": "1",
        "incident": "5f0e2c1b",
        "severity": Severity.INFO if kind is JobSucceeded else Severity.WARNING,
        "endpoint": "",
        "account": "123456789012",
        "region": "eu-west-1",
        "on_call": "ml-on-call",
        "cause": Cause(event_id="0a15f67d"),
        "at": START + timedelta(minutes=1),
        "kind": "training",
        "job": "churn-train-7",
        "job_arn": f"{SAGEMAKER}:training-job/churn-train-7",
        "started_at": START - timedelta(minutes=42),
        "ended_at": START,
        "log_group": "/aws/sagemaker/TrainingJobs",
    }
    return kind(**{**facts, **said})


def message(kind: type[JobEvent], /, **said: Any) -> Message:
    return message_for(event(kind, **said), PARAMETER)


# Subjects

SUBJECTS: list[tuple[type[JobEvent], dict[str, Any], str]] = [
    (JobFailed, {}, "[WARNING] churn-train-7: training job failed after 42 minutes"),
    (JobFailed, {"started_at": None}, "[WARNING] churn-train-7: training job failed"),
    (JobFailed, OF_CHURN, "[WARNING] churn-prod: training job churn-train-7 failed after 42 minutes"),
    (JobFailed, {"kind": "something"}, "[WARNING] churn-train-7: job failed after 42 minutes"),
    (
        JobFailed,
        {"kind": "pipeline", "job": "nightly", "step": STEP},
        "[WARNING] nightly: pipeline failed at step Train after 42 minutes",
    ),
    (
        JobFailed,
        {**RETRAINING, "step": STEP},
        "[WARNING] churn-prod: retraining failed at step Train after 42 minutes",
    ),
    (JobFailed, BASELINING, "[WARNING] churn-prod: no data-quality monitor, baselining failed"),
    (
        JobFailed,
        {**OF_CHURN, "code": "register"},
        "[WARNING] churn-prod: training job churn-train-7 done, but its model is not registered",
    ),
    (JobStopped, {}, "[WARNING] churn-train-7: training job stopped after 42 minutes"),
    (JobStopped, RETRAINING, "[WARNING] churn-prod: retraining stopped after 42 minutes"),
    (JobSucceeded, {}, "[OK] churn-train-7: training job done after 42 minutes"),
    (
        JobSucceeded,
        {**RETRAINING, "registered": (f"{PACKAGE}/9",)},
        "[OK] churn-prod: retraining done after 42 minutes, version 9 registered",
    ),
    (
        JobSucceeded,
        {"registered": (f"{PACKAGE}/9", f"{PACKAGE}/10")},
        "[OK] churn-train-7: training job done after 42 minutes, 2 versions registered",
    ),
]
LONGEST: list[tuple[type[JobEvent], dict[str, Any], str]] = [
    (JobFailed, {}, "[CRITICAL] {}: job failed"),
    (JobFailed, {"purpose": "retraining"}, "[CRITICAL] {}: job failed"),
    (JobFailed, {"purpose": "baselining"}, "[CRITICAL] {}: no baseline"),
    (JobFailed, {"code": "register"}, "[CRITICAL] {}: unregistered"),
    (JobStopped, {}, "[CRITICAL] {}: job stopped"),
    (JobSucceeded, {}, "[OK] {}: training job done"),
    (JobSucceeded, {"kind": "tuning", "registered": (f"{PACKAGE}/9",)}, "[OK] {}: tuning job done"),
]


@pytest.mark.parametrize(("kind", "said", "subject"), SUBJECTS)
def test_the_subject_says_it_all(kind, said, subject):
    assert subject_of(message(kind, **said)) == subject


@pytest.mark.parametrize("named", ["endpoint", "job"])
@pytest.mark.parametrize(("kind", "said", "subject"), LONGEST)
def test_the_longest_name_leaves_room_for_what_happened(kind, said, subject, named):
    told = message(kind, severity=Severity.CRITICAL, **{**said, named: "e" * 63})

    assert subject_of(told) == subject.format("e" * 63)


def test_a_pipeline_may_have_a_longer_name_than_a_subject_has_room_for():
    told = message(JobFailed, kind="pipeline", job="p" * 256)

    assert subject_of(told) == f"[WARNING] {'p' * 60}...: job failed"


def test_a_job_of_no_endpoint_is_filtered_on_as_none():
    assert message(JobFailed).attributes == {
        "severity": "warning",
        "endpoint": "none",
        "kind": "JobFailed",
        "incident": "5f0e2c1b",
        "team": "ml-on-call",
    }


# Failed


def test_a_failed_job_says_why_how_long_and_where_its_log_is():
    body = message(
        JobFailed,
        group="churn",
        code="AlgorithmError",
        reason="ValueError: could not convert",
        hint="a column holds text",
        exit_code=1,
    ).body

    assert body.startswith(
        "The training job churn-train-7 failed after 42 minutes. It belongs to group churn.\n\n"
        "Reason: ValueError: could not convert\nLikely: A column holds text.\n\n"
    )
    assert "Failed     23 Nov 2026 00:00 UTC\nRan for    42 minutes\nJob        churn-train-7\n" in body
    assert "Error      AlgorithmError\nExit code  1\n" in body
    assert "It told you. It changed nothing, and does not start it again.\n" in body
    assert command(body, "logs", "tail") == [
        *("/aws/sagemaker/TrainingJobs", "--region", "eu-west-1"),
        *("--log-stream-name-prefix", "churn-train-7/", "--since", "2026-11-22T23:13:00Z"),
    ]
    assert (
        f"     {CONSOLE}/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Faws$252Fsagemaker$252FTrainingJobs"
        "$3FlogStreamNameFilter$3Dchurn-train-7$252F\n"
    ) in body


def test_a_failure_without_a_reason_says_so():
    assert "Reason: none was given.\n" in message(JobFailed).body


@pytest.mark.parametrize(
    ("kind", "call", "option", "page"),
    [
        ("training", "describe-training-job", "--training-job-name", "jobs"),
        (
            "tuning",
            "describe-hyper-parameter-tuning-job",
            "--hyper-parameter-tuning-job-name",
            "hyper-tuning-jobs",
        ),
        ("transform", "describe-transform-job", "--transform-job-name", "transform-jobs"),
        ("processing", "describe-processing-job", "--processing-job-name", "processing-jobs"),
    ],
)
def test_every_kind_is_described_and_shown(kind, call, option, page):
    for ended in (JobFailed, JobStopped, JobSucceeded):
        body = message(ended, kind=kind, job="one").body

        assert options(command(body, "sagemaker", call))[option] == "one"
        assert f"     {CONSOLE}/sagemaker/home?region=eu-west-1#/{page}/one\n" in body
        assert f"{KINDS[kind].name} one" in body


def test_a_tuning_job_lists_the_trainings_that_failed():
    body = message(JobFailed, kind="tuning", job="tune", log_group="").body

    listed = options(command(body, "sagemaker", "list-training-jobs-for-hyper-parameter-tuning-job"))
    assert listed["--hyper-parameter-tuning-job-name"] == "tune"
    assert listed["--status-equals"] == "Failed"
    assert "aws logs tail" not in body


def test_a_pipeline_names_the_step_its_job_and_its_log():
    body = message(JobFailed, kind="pipeline", job="nightly", job_arn=EXECUTION, log_group="", step=STEP).body

    assert body.startswith("The execution of pipeline nightly failed at its step Train after 42 minutes.\n")
    assert "Its step Train says: AlgorithmError: no rows\n" in body
    assert "Step        Train (Training)\nStep's job  pipelines-p4jn9xou8a8s-train-abc\n" in body
    assert command(body, "logs", "tail")[4] == "pipelines-p4jn9xou8a8s-train-abc/"
    for call in ("list-pipeline-execution-steps", "retry-pipeline-execution"):
        assert options(command(body, "sagemaker", call))["--pipeline-execution-arn"] == EXECUTION


def test_a_reason_is_not_told_twice():
    body = message(JobFailed, kind="pipeline", step=STEP, reason=STEP.reason).body

    assert body.count("AlgorithmError: no rows") == 1


@pytest.mark.parametrize("passing", [True, False])
def test_what_may_pass_is_said_to(passing):
    said = "WHAT TO DO NEXT\n  It may well succeed if it is simply started again.\n"

    assert (said in message(JobFailed, passing=passing).body) is passing


def test_a_failed_retraining_says_what_drifts_on():
    body = message(JobFailed, **RETRAINING, step=STEP).body

    assert body.startswith(
        "Retraining of churn failed at its step Train after 42 minutes: the execution of pipeline churn-retrain brought no "
        "new version. The live version on endpoint churn-prod goes on serving, and drifting.\n"
    )
    assert (
        "The retraining was started on 22 Nov 2026 23:00 UTC because of drift: 12 features drifted (critical), since "
        "22 Nov 2026 21:00 UTC. The drift was told in this thread, #5f0e2c1b.\n"
    ) in body
    assert "It changed nothing on the endpoint, which serves as before." in body


def test_a_failed_baselining_says_what_is_lacking():
    body = message(JobFailed, **BASELINING).body

    assert "suggest a data-quality baseline for version 8 of churn failed." in body
    assert "Endpoint churn-prod has no data-quality monitor" in body
    assert "Reason: bad header" in body
    assert "It told you. The endpoint serves as before.\n" in body
    assert "--log-stream-name-prefix baseline-1/" in body
    assert options(command(body, "sagemaker", "add-tags"))["--tags"].startswith(
        "Key=stationkeeper:baseline-dataset,Value=s3://"
    )
    assert set(PURPOSES) == {"baselining"}


def test_a_job_of_another_purpose_is_told_too():
    body = message(JobFailed, purpose="warm the cache").body

    assert "It was for warm the cache." in body
    assert "add-tags" not in body


def test_a_model_that_could_not_be_registered_is_not_a_failed_training():
    body = message(JobFailed, **OF_CHURN, code="register", reason="access denied").body

    assert body.startswith(
        "The training job churn-train-7 ended well after 42 minutes, but its model could NOT be registered as a version of "
        "churn.\n\nReason: access denied\n"
    )
    assert "Ended    23 Nov 2026 00:00 UTC\n" in body
    assert "Error " not in body
    assert command(body, "sagemaker", "list-model-packages")
    assert "retry-pipeline-execution" not in body


# Stopped, done


def test_a_stopped_job_says_who_may_have_done_it():
    body = message(JobStopped, kind="tuning", reason="MaxRuntimeExceeded", log_group="").body

    assert body.startswith(
        "The tuning job churn-train-7 was stopped after 42 minutes: by somebody, or by a limit.\n"
    )
    assert "Reason: MaxRuntimeExceeded\n" in body
    assert (
        options(command(body, "cloudtrail", "lookup-events"))["--lookup-attributes"]
        == "AttributeKey=EventName,AttributeValue=StopHyperParameterTuningJob"
    )


def test_what_a_job_brought_waits_for_approval():
    body = message(
        JobSucceeded,
        **OF_CHURN,
        registered=(f"{PACKAGE}/9",),
        metrics=(("validation:auc", 0.91), ("f1", float("inf"))),
        retrained=RETRAINED,
    ).body

    assert body.startswith(
        "The training job churn-train-7 ended well after 42 minutes. Version 9 of churn came out of it and waits for approval.\n\n"
        "It is part of a retraining that was started on 22 Nov 2026 23:00 UTC because of drift: "
    )
    assert f"REGISTERED\n  {PACKAGE}/9\n" in body
    assert "METRICS\n  validation:auc  0.91\n  f1              infinite\n" in body
    assert "It releases nothing before somebody approves it." in body
    for status in ("Approved", "Rejected"):
        assert judgement(body, status)["--model-package-arn"] == f"{PACKAGE}/9"


def test_what_registered_nothing_says_so():
    body = message(JobSucceeded, **RETRAINING).body

    assert "It registered no version." in body
    assert "update-model-package" not in body


@pytest.mark.parametrize(
    ("arn", "number"), [(f"{PACKAGE}/9", 9), ("churn", None), ("x/" + "9" * 40, None), ("x/\u00b2", None)]
)
def test_a_version_is_read_from_its_arn(arn, number):
    assert version_number(arn) == number


# Whatever the world outside is called

TEXT = st.deferred(hostile_text)
NUMBER = st.one_of(st.none(), st.integers(1, 10**9))
MOMENT = st.sampled_from([None, START - timedelta(days=2), START, START + timedelta(days=2)])
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("incident", "job", "job_arn", "log_group", "group", "group_arn", "on_call"), TEXT),
    "endpoint": st.one_of(st.just(""), TEXT),
    "severity": st.sampled_from(Severity),
    "kind": st.one_of(st.sampled_from([*KINDS]), TEXT),
    "started_at": MOMENT,
    "ended_at": MOMENT,
    "purpose": st.one_of(st.sampled_from(["baselining", "retraining", ""]), TEXT),
    "version": NUMBER,
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
}
STEPS = st.one_of(
    st.none(), st.builds(FailedStep, name=TEXT, kind=TEXT, reason=TEXT, job_arn=TEXT, log_group=TEXT)
)
EVENTS = st.one_of(
    st.fixed_dictionaries(
        {
            **FIELDS,
            "code": st.one_of(st.just("register"), TEXT),
            "reason": TEXT,
            "hint": TEXT,
            "exit_code": NUMBER,
            "passing": st.booleans(),
            "step": STEPS,
        }
    ).map(lambda said: event(JobFailed, **said)),
    st.fixed_dictionaries({**FIELDS, "reason": TEXT}).map(lambda said: event(JobStopped, **said)),
    st.fixed_dictionaries(
        {
            **FIELDS,
            "registered": st.lists(TEXT, max_size=3).map(tuple),
            "metrics": st.lists(st.tuples(TEXT, st.floats()), max_size=4).map(tuple),
        }
    ).map(lambda said: event(JobSucceeded, **said)),
)
OURS = (
    "The job |The execution |The retraining |The [a-z]+ job|Retraining|It is part |Reason: |Likely: |Its step ",
    "(Failed|Stopped|Ended|Ran for|Pipeline|Job|Execution|Step|Step's job|Error|Exit code|Group|On call) ",
)


@given(EVENTS)
def test_a_message_is_what_sns_takes_and_nothing_forges_a_line(hostile):
    told = message_for(hostile, PARAMETER)

    assert_deliverable(told)
    assert_laid_out(told.body, *OURS)


@given(EVENTS)
def test_every_command_reads_as_it_was_meant(hostile):
    def shown(text: str) -> str:
        return plain(text, 2_000)

    step = getattr(hostile, "step", None)
    jobs = {shown(hostile.job), *([shown(step.job_arn).rpartition("/")[2]] if step else [])}
    groups = {shown(hostile.log_group), *([shown(step.log_group)] if step else [])}
    versions = {plain(one, 500) for one in getattr(hostile, "registered", ())}
    for words in commands_of(message_for(hostile, PARAMETER).body):
        assert words[0] == "aws"
        assert words[words.index("--region") + 1] == "eu-west-1"
        if words[1:3] == ["logs", "tail"]:
            assert words[3] in groups
            assert words[words.index("--log-stream-name-prefix") + 1].removesuffix("/") in jobs
            continue
        said = options(words[3:])
        assert said.get("--model-package-arn") in {None, *versions}
        assert said.get("--resource-arn") in {None, shown(hostile.group_arn)}
        assert said.get("--pipeline-execution-arn") in {None, shown(hostile.job_arn)}
        assert {said[name] for name in said if name.endswith("-job-name")} <= jobs


def test_an_event_crosses_the_bus_unchanged():
    for one in (
        event(JobFailed, **RETRAINING, step=STEP),
        event(JobStopped),
        event(JobSucceeded, registered=(f"{PACKAGE}/9",), metrics=(("f1", 0.5),)),
    ):
        back = from_detail(one.detail_type, one.model_dump(mode="json"))

        assert back == one
        assert message_for(back, PARAMETER) == message_for(one, PARAMETER)


def test_the_largest_message_fits():
    wide = "\U0001f600" * 10_000

    told = message(JobSucceeded, registered=(wide,) * 1_000, metrics=((wide, 1.0),) * 1_000)

    assert_deliverable(told)
    assert told.body.endswith("event 0a15f67d.\n")
