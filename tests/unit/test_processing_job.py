"""A processing job's change of state is read however SageMaker spells it, or refused by the field that is wrong."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.errors import InvalidEvent
from stationkeeper.events.processing_job import ProcessingJob, ProcessingJobStateChange

from tests.real import read, read_json, real_files
from tests.runs import run_event
from tests.unit.builders import hostile_text

EVENT = run_event(1, violations=3)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def parsed(event: dict[str, Any] = EVENT, **detail: Any) -> ProcessingJobStateChange:
    return ProcessingJobStateChange.parse({**event, "detail": {**event["detail"], **detail}})


def job(**detail: Any) -> ProcessingJob:
    return parsed(**detail).detail


# Parsing


def test_an_event_is_read():
    event = parsed()

    assert event.id == "event-1-Completed"
    assert (event.account, event.region) == ("123456789012", "eu-west-1")
    assert event.time == datetime(2026, 11, 23, 1, 12, tzinfo=UTC)
    assert event.detail.processing_job_name == EVENT["detail"]["ProcessingJobName"]
    assert (
        event.detail.exit_message == "CompletedWithViolations: Job completed successfully with 3 violations."
    )
    assert event.detail.environment["sagemaker_endpoint_name"] == "taxi-prod"
    assert (
        event.detail.output_uri()
        == EVENT["detail"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    )


@pytest.mark.parametrize(
    "encode",
    [json.dumps, lambda event: json.dumps(event).encode(), lambda event: json.dumps(event, indent=2)],
)
def test_text_bytes_and_objects_read_alike(encode):
    assert ProcessingJobStateChange.parse(encode(EVENT)) == parsed()


def test_new_fields_of_the_service_break_nothing():
    event = {**EVENT, "replay-name": "x", "detail": {**EVENT["detail"], "SomethingNew": {"deep": [1, None]}}}

    assert ProcessingJobStateChange.parse(event) == parsed()


REQUIRED = [
    *((name, [name]) for name in ("id", "source", "detail-type", "account", "region", "time", "detail")),
    *(
        (f"detail.{name}", ["detail", name])
        for name in ("ProcessingJobName", "ProcessingJobArn", "ProcessingJobStatus")
    ),
]


def without(path: list[str]) -> dict[str, Any]:
    event = copy.deepcopy(EVENT)
    *parents, last = path
    place = event
    for parent in parents:
        place = place[parent]
    del place[last]
    return event


def replaced(path: list[str], value: Any) -> dict[str, Any]:
    event = copy.deepcopy(EVENT)
    *parents, last = path
    place = event
    for parent in parents:
        place = place[parent]
    place[last] = value
    return event


@pytest.mark.parametrize(("name", "path"), REQUIRED)
def test_a_missing_field_is_named(name, path):
    with pytest.raises(InvalidEvent, match=rf"\b{name}: Field required"):
        ProcessingJobStateChange.parse(without(path))


@pytest.mark.parametrize(("name", "path"), REQUIRED)
@pytest.mark.parametrize("value", [None, [], {"a": 1}, True])
def test_a_field_of_the_wrong_kind_is_named(name, path, value):
    if name == "time" and value is True:
        pytest.skip("a number, to pydantic")

    with pytest.raises(InvalidEvent, match=rf"\b{name}[.:]"):
        ProcessingJobStateChange.parse(replaced(path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["id"], ""),
        (["source"], "aws.ec2"),
        (["detail-type"], "SageMaker Training Job State Change"),
        (["detail", "ProcessingJobName"], ""),
        (["detail", "ProcessingJobArn"], ""),
        (["time"], "yesterday"),
        (["time"], ""),
        (["detail", "ProcessingOutputConfig"], "somewhere"),
        (["detail", "ProcessingOutputConfig"], {"Outputs": {"a": 1}}),
        (["detail", "Environment"], ["a"]),
        (["detail", "CreationTime"], "yesterday"),
    ],
)
def test_another_event_is_refused(path, value):
    with pytest.raises(InvalidEvent, match=path[-1]):
        ProcessingJobStateChange.parse(replaced(path, value))


def test_a_refusal_does_not_repeat_what_the_event_holds():
    secret = "password=hunter2"

    with pytest.raises(InvalidEvent) as refusal:
        ProcessingJobStateChange.parse(replaced(["detail", "Environment"], [secret]))

    assert secret not in str(refusal.value)


OPTIONAL = [
    "MonitoringScheduleArn",
    "ExitMessage",
    "FailureReason",
    "AppSpecification",
    "ProcessingOutputConfig",
    "Environment",
    "CreationTime",
    "ProcessingStartTime",
    "ProcessingEndTime",
]


@pytest.mark.parametrize("name", OPTIONAL)
@pytest.mark.parametrize("absent", [None, "", "missing"])
def test_every_other_field_may_be_absent(name, absent):
    event = copy.deepcopy(EVENT)
    if absent == "missing":
        event["detail"].pop(name, None)
    else:
        event["detail"][name] = absent

    read_back = ProcessingJobStateChange.parse(event).detail

    field = {
        "MonitoringScheduleArn": read_back.monitoring_schedule_arn,
        "ExitMessage": read_back.exit_message,
        "FailureReason": read_back.failure_reason,
        "AppSpecification": read_back.image or None,
        "ProcessingOutputConfig": read_back.outputs or None,
        "Environment": read_back.environment or None,
        "CreationTime": read_back.creation_time,
        "ProcessingStartTime": read_back.processing_start_time,
        "ProcessingEndTime": read_back.processing_end_time,
    }
    assert field[name] is None


@pytest.mark.parametrize("absent", [None, ""])
def test_parts_of_nested_fields_may_be_absent(absent):
    assert job(AppSpecification={"ImageUri": absent}).image == ""
    assert job(ProcessingOutputConfig={"Outputs": absent}).output_uri() is None
    assert (
        job(ProcessingOutputConfig={"Outputs": [{"OutputName": absent, "S3Output": absent}]}).output_uri()
        is None
    )
    assert job(ProcessingOutputConfig={"Outputs": [{"S3Output": {"S3Uri": absent}}]}).output_uri() is None
    assert (
        job(Environment={"sagemaker_endpoint_name": absent, "end_time": absent}).scheduled_for() is not None
    )


def test_numbers_in_the_environment_are_text():
    assert job(Environment={"a": 5, "b": 0.5, "c": True}).environment == {"a": "5", "b": "0.5", "c": "True"}


TIMES = [
    ("2026-11-23T12:00:00Z", NOON),
    ("2026-11-23T12:00:00z", NOON),
    ("2026-11-23T12:00:00.000Z", NOON),
    ("2026-11-23T12:00:00", NOON),
    ("2026-11-23T12:00:00.000", NOON),
    ("2026-11-23 12:00:00", NOON),
    ("2026-11-23T13:00:00+01:00", NOON),
    ("2026-11-23T12:00:00+0000", NOON),
    ("2026-11-23T07:00:00-0500", NOON),
    (" 2026-11-23T12:00:00Z ", NOON),
    (1_795_435_200, NOON),
    (1_795_435_200.0, NOON),
    (1_795_435_200_000, NOON),
    (1_795_435_200_000.0, NOON),
    ("1795435200", NOON),
    ("1795435200000", NOON),
    ("1795435200.0", NOON),
    ("1.795435200E12", NOON),
]


@pytest.mark.parametrize(("written", "moment"), TIMES)
def test_a_time_is_read_however_it_is_written(written, moment):
    assert ProcessingJobStateChange.parse(replaced(["time"], written)).time == moment
    assert job(ProcessingEndTime=written).processing_end_time == moment


@pytest.mark.parametrize(
    "written", ["NaN", "Infinity", "-Infinity", "1e400", 1e308, 10**400, -(10**30), "9" * 5_000, {}, [1]]
)
def test_a_time_that_cannot_be_is_refused(written):
    with pytest.raises(InvalidEvent, match="time"):
        ProcessingJobStateChange.parse(replaced(["time"], written))


# Where the report is


def outputs(*entries: tuple[str | None, str | None, str | None]) -> dict[str, Any]:
    return {
        "Outputs": [
            {"OutputName": name, "S3Output": {"S3Uri": uri, "LocalPath": path}} for name, uri, path in entries
        ]
    }


@pytest.mark.parametrize(
    ("entries", "uri"),
    [
        ([("result", "s3://b/a", None)], "s3://b/a"),
        ([("result", "s3://b/a/", None)], "s3://b/a"),
        ([("result", "s3://b/a///", None)], "s3://b/a"),
        ([("other", "s3://b/x", None), ("result", "s3://b/a", None)], "s3://b/a"),
        ([("other", "s3://b/x", None), ("analysis_result", "s3://b/a", None)], "s3://b/a"),
        ([("other", "s3://b/x", None), ("monitoring_output", "s3://b/a", None)], "s3://b/a"),
        ([("logs", "s3://b/x", "/logs"), ("mine", "s3://b/a", "/opt/ml/processing/output")], "s3://b/a"),
        ([("mine", "s3://b/a", "/somewhere"), ("more", "s3://b/x", "/else")], "s3://b/a"),
        ([("result", None, None), ("mine", "s3://b/a", None)], "s3://b/a"),
        ([("result", "", None), (None, "s3://b/a", None)], "s3://b/a"),
        ([("result", "s3://b", None)], "s3://b"),
        ([], None),
    ],
)
def test_the_report_is_under_the_output_that_means_it(entries, uri):
    assert job(ProcessingOutputConfig=outputs(*entries)).output_uri() == uri


# When the run was due


@pytest.mark.parametrize(
    ("detail", "due"),
    [
        ({"Environment": {"end_time": "2026-11-23T12:00:00Z"}}, NOON),
        ({"Environment": {"end_time": "2026-11-23T12:00:00"}}, NOON),
        ({"Environment": {"end_time": "2026-11-23T13:00:00+01:00"}}, NOON),
        (
            {
                "Environment": {},
                "ProcessingJobName": "model-monitoring-202611231200-2380a120b4182cad1daa9eb5",
            },
            NOON,
        ),
        ({"Environment": {"end_time": "-PT1H"}, "ProcessingJobName": f"m-202611231200-{'a' * 24}"}, NOON),
        ({"Environment": {"end_time": "soon"}, "ProcessingJobName": f"m-202611231200-{'a' * 24}"}, NOON),
        ({"Environment": {}, "ProcessingJobName": "my-job", "CreationTime": 1_795_435_200_000}, NOON),
        (
            {
                "Environment": {},
                "ProcessingJobName": f"m-202699991200-{'a' * 24}",
                "CreationTime": 1_795_435_200_000,
            },
            NOON,
        ),
        (
            {
                "Environment": {},
                "ProcessingJobName": "m-202611231200-notahash",
                "CreationTime": 1_795_435_200_000,
            },
            NOON,
        ),
        ({"Environment": {}, "ProcessingJobName": "my-job", "ProcessingStartTime": 1_795_435_200_000}, NOON),
        ({"Environment": {}, "ProcessingJobName": "my-job", "ProcessingEndTime": 1_795_435_200_000}, NOON),
        ({"Environment": {}, "ProcessingJobName": "my-job", "ProcessingEndTime": None}, None),
    ],
)
def test_a_run_was_due_at_the_end_of_its_window(detail, due):
    assert job(**detail).scheduled_for() == due


def test_a_window_needs_both_ends():
    both = {"start_time": "2026-11-23T11:00:00Z", "end_time": "2026-11-23T12:00:00Z"}

    assert job(Environment=both).window() == (datetime(2026, 11, 23, 11, tzinfo=UTC), NOON)
    assert job(Environment={"end_time": both["end_time"]}).window() is None
    assert job(Environment={**both, "start_time": "-PT1H"}).window() is None


# Whatever comes

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
PATHS = [
    *([name] for name in EVENT),
    *(["detail", name] for name in EVENT["detail"]),
    ["detail", "ProcessingOutputConfig", "Outputs"],
    ["detail", "ProcessingOutputConfig", "Outputs", 0],
    ["detail", "ProcessingOutputConfig", "Outputs", 0, "S3Output"],
    ["detail", "ProcessingOutputConfig", "Outputs", 0, "S3Output", "S3Uri"],
    *(["detail", "Environment", name] for name in EVENT["detail"]["Environment"]),
]


def read_or_refused(body: Any) -> None:
    try:
        event = ProcessingJobStateChange.parse(body)
    except InvalidEvent as refusal:
        assert "ProcessingJobStateChange" in str(refusal)  # noqa: PT017
        return
    event.detail.output_uri()
    event.detail.scheduled_for()
    event.detail.window()


@given(st.sampled_from(PATHS), JSON)
def test_any_value_in_any_place_is_read_or_refused(path, value):
    event = replaced(path, value)

    read_or_refused(event)
    read_or_refused(json.dumps(event))


@given(JSON)
def test_any_document_is_read_or_refused(document):
    read_or_refused(json.dumps(document))
    if isinstance(document, dict):
        read_or_refused(document)


@given(st.one_of(hostile_text(), st.binary(max_size=100)))
def test_any_text_is_read_or_refused(text):
    read_or_refused(text)


@given(st.integers(0, 10_000))
def test_an_event_cut_anywhere_is_refused(length):
    whole = json.dumps(EVENT)

    with pytest.raises(InvalidEvent):
        ProcessingJobStateChange.parse(whole[: length % len(whole)])


@pytest.mark.parametrize("bomb", ["[" * 100_000, '{"detail":' * 100_000, '{"id": ' + "9" * 100_000 + "}"])
def test_a_bomb_is_refused(bomb):
    with pytest.raises(InvalidEvent):
        ProcessingJobStateChange.parse(bomb)


# What the service really sent


@pytest.mark.parametrize("path", real_files("events/sagemaker-processing-job-state-change--*.json"))
def test_real_events_are_read(path):
    content = read_json(path)

    event = ProcessingJobStateChange.parse(read(path))

    assert event.id == content["id"]
    assert event.detail.processing_job_arn == content["detail"]["ProcessingJobArn"]
    assert event.detail.processing_job_status == content["detail"]["ProcessingJobStatus"]
    assert event.detail.monitoring_schedule_arn is None
    assert event.detail.failure_reason == (content["detail"]["FailureReason"] or None)
    ended = event.detail.processing_end_time
    assert ended is not None
    assert ended.timestamp() * 1_000 == content["detail"]["ProcessingEndTime"]
    assert (
        event.detail.output_uri()
        == content["detail"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    )


@pytest.mark.parametrize("path", real_files("events/*.json"))
def test_other_real_events_are_refused(path):
    if "processing-job" in path.name:
        pytest.skip("it is one")
    read(path)

    with pytest.raises(InvalidEvent):
        ProcessingJobStateChange.parse(read(path))


def without_times(answer: dict[str, Any]) -> dict[str, Any]:
    """The published answers hold times as Python wrote them, which is no JSON."""
    return {name: value for name, value in answer.items() if not str(value).startswith("datetime.")}


@pytest.mark.parametrize("path", real_files("describe_processing_job/*.json"))
def test_real_descriptions_of_jobs_are_read(path):
    answer = read_json(path)

    read_back = ProcessingJob.model_validate(without_times(answer))

    assert read_back.processing_job_name == answer["ProcessingJobName"]
    assert read_back.image == answer["AppSpecification"]["ImageUri"]
    assert len(read_back.outputs) == len(answer["ProcessingOutputConfig"]["Outputs"])
