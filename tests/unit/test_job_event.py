"""Five events of jobs and pipeline executions are read into one shape, however SageMaker spells them."""

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.errors import InvalidEvent
from stationkeeper.events.job import Job, JobKind, JobStateChange

from tests.real import read, real_files
from tests.unit.builders import hostile_text

SAMPLES = Path(__file__).parents[2] / "events"
STAMP = datetime(2020, 3, 10, 9, 18, 9, 50_000, tzinfo=UTC)
OCTOBER = datetime(2018, 10, 6, 12, 26, 13, tzinfo=UTC)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PIPELINE = "SageMaker Model Building Pipeline Execution Status Change"
KINDS = {
    "SageMaker Training Job State Change": ("Training", "training-job", JobKind.TRAINING),
    "SageMaker HyperParameter Tuning Job State Change": (
        "HyperParameterTuning",
        "hyper-parameter-tuning-job",
        JobKind.TUNING,
    ),
    "SageMaker Transform Job State Change": ("Transform", "transform-job", JobKind.TRANSFORM),
    "SageMaker Processing Job State Change": ("Processing", "processing-job", JobKind.PROCESSING),
}
REAL_FILES = (
    "events/sagemaker-training-job-state-change--*.json",
    "events/sagemaker-hyperparameter-tuning-job-state-change--*.json",
    "events/sagemaker-transform-job-state-change--*.json",
    "events/sagemaker-processing-job-state-change--*.json",
    "events/sagemaker-model-building-pipeline-execution-status-change--*.json",
)


def envelope(detail_type: str, detail: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "source": "aws.sagemaker",
        "detail-type": detail_type,
        "account": "123456789012",
        "region": "eu-west-1",
        "time": "2026-11-23T12:00:00Z",
        "detail": detail,
    }


def event(detail_type: str, name: str = "churn-1", status: str = "Failed", **more: Any) -> dict[str, Any]:
    prefix, resource, _ = KINDS[detail_type]
    told = {
        f"{prefix}JobName": name,
        f"{prefix}JobArn": f"arn:aws:sagemaker:eu-west-1:123456789012:{resource}/{name}",
        f"{prefix}JobStatus": status,
    }
    return envelope(detail_type, {**told, **more})


def execution(**more: Any) -> dict[str, Any]:
    arn = "arn:aws:sagemaker:eu-west-1:123456789012:pipeline/churn/execution/p4jn9xou8a8s"
    return envelope(
        PIPELINE, {"pipelineExecutionArn": arn, "currentPipelineExecutionStatus": "Failed", **more}
    )


def training(**more: Any) -> Job:
    return job(event("SageMaker Training Job State Change", **more))


def job(body: dict[str, Any]) -> Job:
    return JobStateChange.parse(body).detail


MINIMAL = [pytest.param(event(detail_type), id=KINDS[detail_type][2].value) for detail_type in KINDS] + [
    pytest.param(execution(), id="pipeline")
]


# What the services themselves wrote


def expected_training(at: datetime) -> Job:
    return Job(
        kind=JobKind.TRAINING,
        name="kmeans-1",
        arn="arn:aws:sagemaker:us-east-1:123456789012:training-job/kmeans-1",
        status="Completed",
        secondary_status="Completed",
        created_at=at,
        started_at=at,
        ended_at=at,
        tags={},
    )


def expected_tuning(at: datetime) -> Job:
    return Job(
        kind=JobKind.TUNING,
        name="x",
        arn="arn:aws:sagemaker:us-east-1:123456789012:tuningJob/x",
        status="status",
        created_at=at,
        tags={},
    )


def expected_transform(at: datetime, status: str = "Completed", reason: str = "") -> Job:
    return Job(
        kind=JobKind.TRANSFORM,
        name="myjob",
        arn="arn:aws:sagemaker:us-east-1:123456789012:transform-job/myjob",
        status=status,
        failure_reason=reason,
        created_at=at,
        started_at=at,
        ended_at=at,
        tags={},
    )


RULE_JOB = "ssh-training-low-gpu-2023--LowGPUUtilization-399d54a4"
FAILED_JOB = "integ-test-analytics-algo-54ee3282-5899-4aa3-afc2-7ce1d02"
EXPECTED = {
    "awsdocs-0669e6": expected_training(STAMP),
    "awsdocs-51cb5b": expected_training(OCTOBER),
    "awsdocs-cffdd7": expected_training(OCTOBER),
    "awsdocs-06063c": expected_tuning(STAMP),
    "awsdocs-0ab096": expected_tuning(OCTOBER),
    "awsdocs-dd9a5b": expected_tuning(STAMP),
    "awsdocs-4f0be1": expected_transform(STAMP),
    "awsdocs-7afcbc": expected_transform(OCTOBER),
    "awsdocs-e4444e": expected_transform(OCTOBER, "another status... GO", "failed why 1"),
    "aws-samples-d66dc7": Job(
        kind=JobKind.PROCESSING,
        name=RULE_JOB,
        arn=f"arn:aws:sagemaker:eu-west-1:555555555555:processing-job/{RULE_JOB}",
        status="Completed",
        exit_message="RuleEvaluationConditionMet: Evaluation of the rule LowGPUUtilization at step 0 resulted in the "
        "condition being met\n",
        created_at=datetime(2023, 9, 4, 13, 48, 25, tzinfo=UTC),
        started_at=datetime(2023, 9, 4, 13, 51, 50, tzinfo=UTC),
        ended_at=datetime(2023, 9, 4, 13, 52, 11, tzinfo=UTC),
        tags={},
        image="929884845733.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-debugger-rules:latest",
    ),
    "docs.aws-x": Job(
        kind=JobKind.PROCESSING,
        name=FAILED_JOB,
        arn=f"arn:aws:sagemaker:us-west-2:037210630506:processing-job/{FAILED_JOB}",
        status="Failed",
        failure_reason="InternalServerError: We encountered an internal error.  Please try again.",
        created_at=datetime(2024, 1, 3, 22, 16, 39, tzinfo=UTC),
        started_at=datetime(2024, 1, 3, 22, 25, 34, tzinfo=UTC),
        ended_at=datetime(2024, 1, 3, 22, 25, 46, tzinfo=UTC),
        tags=None,
        image="012345678901.dkr.ecr.us-west-2.amazonaws.com/processing-uri:latest",
    ),
    "awsdocs-657c29": Job(
        kind=JobKind.PIPELINE,
        name="p4jn9xou8a8s",
        arn="arn:aws:sagemaker:us-east-1:123456789012:pipeline/myPipeline-123/execution/p4jn9xou8a8s",
        status="Completed",
        created_at=datetime(2021, 3, 15, 16, 3, 13, tzinfo=UTC),
        started_at=datetime(2021, 3, 15, 16, 3, 13, tzinfo=UTC),
        ended_at=datetime(2021, 3, 15, 16, 10, 10, tzinfo=UTC),
        tags=None,
        pipeline_arn="arn:aws:sagemaker:us-east-1:123456789012:pipeline/myPipeline-123",
        pipeline="myPipeline-123",
    ),
}
STRANGE = ("awsdocs-06063c", "awsdocs-0ab096", "awsdocs-dd9a5b", "awsdocs-e4444e")


@pytest.mark.parametrize("path", real_files(*REAL_FILES))
def test_real_event_is_read(path):
    which = path.stem.partition("--")[2]

    read_back = JobStateChange.parse(read(path))

    assert read_back.detail == EXPECTED[which]
    assert read_back == JobStateChange.parse(json.loads(read(path)))
    assert read_back.detail.terminal is (which not in STRANGE)


@pytest.mark.parametrize("path", real_files("events/*.json"))
def test_every_other_real_event_is_refused(path):
    if path.stem.partition("--")[2] in EXPECTED and any(path.match(pattern) for pattern in REAL_FILES):
        return

    with pytest.raises(InvalidEvent):
        JobStateChange.parse(read(path))


# Our own samples


@pytest.mark.parametrize(
    ("name", "kind", "status", "ran_for", "tags"),
    [
        ("training-job-failed", "training", "Failed", (0, 2, 22), {"stationkeeper:register-to": "churn"}),
        (
            "training-job-completed",
            "training",
            "Completed",
            (0, 6, 42),
            {"stationkeeper:register-to": "churn"},
        ),
        ("tuning-job-completed", "tuning", "Completed", (1, 12, 0), {"stationkeeper:register-to": "churn"}),
        ("transform-job-failed", "transform", "Failed", (0, 3, 30), {"stationkeeper:on-call": "ml-platform"}),
        (
            "processing-job-failed",
            "processing",
            "Failed",
            (0, 15, 7),
            {"stationkeeper:on-call": "ml-platform"},
        ),
        ("pipeline-execution-failed", "pipeline", "Failed", (0, 21, 33), None),
        ("pipeline-execution-succeeded", "pipeline", "Completed", (0, 48, 21), None),
    ],
)
def test_sample_is_read(name, kind, status, ran_for, tags):
    hours, minutes, seconds = ran_for

    detail = JobStateChange.parse((SAMPLES / f"{name}.json").read_bytes()).detail

    assert (detail.kind, detail.status, detail.tags) == (kind, status, tags)
    # Tuning jobs tell no start.
    began = detail.started_at or detail.created_at
    assert detail.ended_at - began == timedelta(hours=hours, minutes=minutes, seconds=seconds)
    assert detail.terminal
    assert detail.failed is (status == "Failed")
    assert detail.arn.endswith(f"/{detail.name}")


# Kinds


@pytest.mark.parametrize(
    ("kind", "words", "log_group"),
    [
        (JobKind.TRAINING, "training job", "/aws/sagemaker/TrainingJobs"),
        (JobKind.TUNING, "tuning job", None),
        (JobKind.TRANSFORM, "transform job", "/aws/sagemaker/TransformJobs"),
        (JobKind.PROCESSING, "processing job", "/aws/sagemaker/ProcessingJobs"),
        (JobKind.PIPELINE, "pipeline execution", None),
    ],
)
def test_kind_has_words_and_logs(kind, words, log_group):
    assert (kind.words, kind.log_group) == (words, log_group)


@pytest.mark.parametrize("body", MINIMAL)
def test_name_arn_and_status_are_enough(body):
    detail = job(body)

    assert detail.status == "Failed"
    assert (detail.failure_reason, detail.exit_message, detail.image) == ("", "", "")
    assert (detail.created_at, detail.started_at, detail.ended_at) == (None, None, None)
    assert detail.tags is None


@pytest.mark.parametrize("body", MINIMAL)
@pytest.mark.parametrize("wrong", [None, "", [], {"a": 1}, "missing"])
def test_what_is_required_is_named_when_it_is_wrong(body, wrong):
    for name in body["detail"]:
        broken = copy.deepcopy(body)
        if wrong == "missing":
            del broken["detail"][name]
        else:
            broken["detail"][name] = wrong

        with pytest.raises(InvalidEvent, match=rf"detail\.{name}: "):
            JobStateChange.parse(broken)


@pytest.mark.parametrize(
    "body",
    [
        {**event("SageMaker Training Job State Change"), "source": "me"},
        envelope("SageMaker Model Package State Change", {}),
        envelope("SageMaker Model Building Pipeline Execution Step Status Change", execution()["detail"]),
    ],
)
def test_another_event_is_refused_by_its_kind(body):
    with pytest.raises(InvalidEvent, match="detail-type"):
        JobStateChange.parse(body)


def test_execution_without_id_is_refused():
    with pytest.raises(InvalidEvent, match=r"detail\.pipelineExecutionArn"):
        job(execution(pipelineExecutionArn="arn:aws:sagemaker:eu-west-1:123456789012:pipeline/churn"))


def test_a_refusal_does_not_repeat_what_the_event_holds():
    with pytest.raises(InvalidEvent) as refusal:
        training(Tags="password=hunter2", CreationTime="hunter2")

    assert "hunter2" not in str(refusal.value)


def test_job_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        training().name = "another"


# Statuses


@pytest.mark.parametrize(
    ("written", "status", "terminal", "failed"),
    [
        ("Completed", "Completed", True, False),
        ("COMPLETED", "Completed", True, False),
        ("Succeeded", "Completed", True, False),
        ("SUCCEEDED", "Completed", True, False),
        ("Failed", "Failed", True, True),
        ("FAILED", "Failed", True, True),
        ("CompletedWithFailures", "CompletedWithFailures", True, True),
        ("COMPLETED_WITH_FAILURES", "CompletedWithFailures", True, True),
        ("Stopped", "Stopped", True, False),
        ("stopped", "Stopped", True, False),
        ("InProgress", "InProgress", False, False),
        ("IN_PROGRESS", "InProgress", False, False),
        ("Executing", "InProgress", False, False),
        ("Stopping", "Stopping", False, False),
        ("Deleting", "Deleting", False, False),
        ("another status... GO", "another status... GO", False, False),
        ("Incomplete", "Incomplete", False, False),
    ],
)
def test_status_is_the_apis(written, status, terminal, failed):
    detail = training(status=written)

    assert (detail.status, detail.terminal, detail.failed) == (status, terminal, failed)
    assert job(execution(currentPipelineExecutionStatus=written)).status == status


# Names


@pytest.mark.parametrize(
    ("told", "arn", "name"),
    [
        ("churn-1", "arn:aws:sagemaker:eu-west-1:123456789012:training-job/churn-1", "churn-1"),
        ("89c96cc8-dded", "arn:aws:sagemaker:us-east-1:123456789012:training-job/kmeans-1", "kmeans-1"),
        ("Churn-XGB-1", "arn:aws:sagemaker:eu-west-1:123456789012:training-job/churn-xgb-1", "Churn-XGB-1"),
        ("churn-1", "arn:aws:sagemaker:eu-west-1:123456789012:training-job/", "churn-1"),
        ("churn-1", "not an arn", "churn-1"),
    ],
)
def test_name_is_the_arns_but_keeps_its_case(told, arn, name):
    assert training(TrainingJobName=told, TrainingJobArn=arn).name == name


def test_pipeline_is_known_from_the_execution_alone():
    detail = job(execution())

    assert detail.pipeline_arn == "arn:aws:sagemaker:eu-west-1:123456789012:pipeline/churn"
    assert (detail.pipeline, detail.name) == ("churn", "p4jn9xou8a8s")


def test_execution_says_why_it_failed_where_it_does():
    assert job(execution(failureReason="Step failure")).failure_reason == "Step failure"
    assert job(execution(pipelineExecutionFailureReason="Step failure")).failure_reason == "Step failure"


def test_a_processing_job_may_name_another_job():
    body = event(
        "SageMaker Processing Job State Change",
        TrainingJobArn="arn:aws:sagemaker:eu-west-1:123456789012:training-job/t",
        MonitoringScheduleArn="arn:aws:sagemaker:eu-west-1:123456789012:monitoring-schedule/m",
    )

    assert job(body).name == "churn-1"
    assert job(body).monitoring_schedule_arn.endswith("monitoring-schedule/m")


# Times


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-23T12:00:00Z",
        "2026-11-23T12:00:00",
        "2026-11-23T13:00:00+01:00",
        1_795_435_200,
        1_795_435_200.0,
        1_795_435_200_000,
        "1795435200000",
        "1795435200.0",
        "1.795435200E12",
    ],
)
def test_times_are_read_however_they_are_written(written):
    detail = training(CreationTime=written, TrainingStartTime=written, TrainingEndTime=written)

    assert (detail.created_at, detail.started_at, detail.ended_at) == (NOON, NOON, NOON)
    assert job(execution(executionEndTime=written)).ended_at == NOON


def test_what_ended_and_does_not_say_when_ended_at_its_last_change():
    assert training(LastModifiedTime="2026-11-23T12:00:00Z").ended_at == NOON
    assert training(LastModifiedTime="2026-11-23T12:00:00Z", status="InProgress").ended_at is None


# Tags


@pytest.mark.parametrize(
    ("written", "tags"),
    [
        (None, None),
        ("", None),
        ({}, {}),
        ([], {}),
        ({"a": "b", "c": None, "d": 5}, {"a": "b", "c": "", "d": "5"}),
        ([{"Key": "a", "Value": "b"}, {"Key": "c"}], {"a": "b", "c": ""}),
    ],
)
def test_no_tags_told_are_not_no_tags(written, tags):
    assert training(Tags=written).tags == tags


@pytest.mark.parametrize("written", ["a", 5, ["a"], [{"Name": "a"}], {"a": {"b": "c"}}.keys()])
def test_tags_of_another_kind_are_refused(written):
    with pytest.raises(InvalidEvent, match=r"detail\.Tags"):
        training(Tags=written)


# Whatever comes

OPTIONAL = {
    "SecondaryStatus",
    "FailureReason",
    "ExitMessage",
    "CreationTime",
    "LastModifiedTime",
    "Tags",
    "MonitoringScheduleArn",
    "AppSpecification",
    "TrainingJobStatusCounters",
    *(f"{prefix}{moment}Time" for prefix, _, _ in KINDS.values() for moment in ("Start", "End")),
}
CAMEL = {
    "pipelineArn",
    "pipelineExecutionDisplayName",
    "failureReason",
    "executionStartTime",
    "executionEndTime",
    "tags",
}
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
BODIES = st.sampled_from([parameter.values[0] for parameter in MINIMAL])


@given(BODIES, st.dictionaries(st.sampled_from(sorted(OPTIONAL | CAMEL)), st.sampled_from([None, ""])))
def test_every_other_field_may_be_null_or_empty(body, absent):
    assert job({**body, "detail": {**body["detail"], **absent}}) == job(body)


@given(
    BODIES,
    st.dictionaries(
        st.sampled_from([name for name in sorted(OPTIONAL | CAMEL) if name.endswith("Time")]),
        st.datetimes(datetime(2018, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    ),
    st.sampled_from(
        [
            datetime.isoformat,
            datetime.timestamp,
            lambda at: str(int(at.timestamp() * 1000)),
            lambda at: f"{at}",
        ]
    ),
)
def test_times_in_any_spelling_and_any_number_are_read(body, times, spell):
    detail = job({**body, "detail": {**body["detail"], **{name: spell(at) for name, at in times.items()}}})

    told = [detail.created_at, detail.started_at, detail.ended_at]
    assert all(at is None or at.tzinfo for at in told)


def read_or_refused(body: Any) -> None:
    try:
        detail = JobStateChange.parse(body).detail
    except InvalidEvent:
        return
    assert detail.name
    assert detail.status
    assert isinstance(detail.terminal, bool)


@given(BODIES, st.sampled_from(sorted(OPTIONAL | CAMEL)), JSON)
def test_any_value_in_any_place_is_read_or_refused(body, name, value):
    changed = {**body, "detail": {**body["detail"], name: value}}

    read_or_refused(changed)
    read_or_refused(json.dumps(changed))


@given(BODIES, JSON)
def test_any_detail_is_read_or_refused(body, value):
    read_or_refused({**body, "detail": value})


@given(st.one_of(hostile_text(), st.binary(max_size=100)))
def test_any_text_is_read_or_refused(text):
    read_or_refused(text)


@given(BODIES, hostile_text())
def test_names_from_outside_are_read_or_refused(body, text):
    for name in body["detail"]:
        read_or_refused({**body, "detail": {**body["detail"], name: text}})
