"""Which jobs are runs to judge, and what it means when one cannot be."""

from datetime import UTC, datetime
from typing import Any

import pytest
from stationkeeper.events.processing_job import ProcessingJob, ProcessingJobStateChange
from stationkeeper.reports.outcome import (
    Blindness,
    BlindReason,
    Execution,
    Ignored,
    classify,
    violations_announced,
)
from stationkeeper.reports.violation import Monitor

from tests.real import read, read_json, real_files
from tests.runs import SCHEDULE, SCHEDULE_ARN, run_event
from tests.unit.test_processing_job import without_times

EVENT_TIME = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)


def classified(hour: int = 12, **facts: Any) -> Execution | Ignored:
    return classify(ProcessingJobStateChange.parse(run_event(hour, **facts)).detail, EVENT_TIME)


def executed(hour: int = 12, **facts: Any) -> Execution:
    execution = classified(hour, **facts)
    assert isinstance(execution, Execution)
    return execution


# What counts


def test_a_run_is_an_execution_of_its_schedule():
    execution = executed(violations=3)

    assert (execution.schedule_arn, execution.schedule, execution.endpoint) == (
        SCHEDULE_ARN,
        SCHEDULE,
        "taxi-prod",
    )
    assert execution.job.startswith("model-monitoring-202611231200-")
    assert execution.job_arn.endswith(f":processing-job/{execution.job}")
    assert execution.at == datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert execution.window == (
        datetime(2026, 11, 23, 11, tzinfo=UTC),
        datetime(2026, 11, 23, 12, tzinfo=UTC),
    )
    assert execution.report_uri is not None
    assert execution.report_uri.endswith(
        "/taxi-prod/taxi-data-quality/2026/11/23/12/constraint_violations.json"
    )
    assert violations_announced(execution.exit_message) == 3
    assert execution.blind is None


@pytest.mark.parametrize("status", ["InProgress", "Stopping", "Pending", "", "COMPLETED"])
def test_a_job_that_has_not_ended_is_ignored(status):
    assert isinstance(classified(ProcessingJobStatus=status), Ignored)


@pytest.mark.parametrize("absent", [None, ""])
@pytest.mark.parametrize("status", ["Completed", "Failed", "Stopped"])
def test_a_job_without_a_schedule_is_ignored(absent, status):
    ignored = classified(status=status, MonitoringScheduleArn=absent, Environment={})

    assert isinstance(ignored, Ignored)
    assert "monitoring schedule" in ignored.why


@pytest.mark.parametrize("absent", [None, ""])
def test_a_schedule_that_only_the_environment_names_is_known(absent):
    """That a monitor's event has the schedule's ARN filled was never seen; its environment was."""
    assert executed(MonitoringScheduleArn=absent).schedule_arn == executed().schedule_arn


def test_a_merge_of_ground_truth_is_ignored():
    assert isinstance(classified(kind="merge"), Ignored)


@pytest.mark.parametrize(
    "detail",
    [
        {
            "AppSpecification": {
                "ImageUri": "1.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-model-monitor-groundtruth-merger"
            }
        },
        {
            "ProcessingJobName": "groundtruth-merge-202611231200-2380a120b4182cad1daa9eb5",
            "AppSpecification": "",
        },
    ],
)
def test_a_merge_is_known_by_its_image_or_its_name(detail):
    assert isinstance(classified(**detail), Ignored)


@pytest.mark.parametrize(
    ("environment", "schedule", "endpoint"),
    [
        (
            {"sagemaker_monitoring_schedule_name": "Taxi", "sagemaker_endpoint_name": "taxi-prod"},
            "Taxi",
            "taxi-prod",
        ),
        ({"sagemaker_monitoring_schedule_name": "Taxi"}, "Taxi", "Taxi"),
        ({"sagemaker_endpoint_name": "taxi-prod"}, SCHEDULE, "taxi-prod"),
        ({"sagemaker_monitoring_schedule_name": "", "sagemaker_endpoint_name": None}, SCHEDULE, SCHEDULE),
        ({}, SCHEDULE, SCHEDULE),
        (None, SCHEDULE, SCHEDULE),
        ("", SCHEDULE, SCHEDULE),
    ],
)
def test_names_come_from_the_environment_or_the_schedule(environment, schedule, endpoint):
    execution = executed(Environment=environment)

    assert (execution.schedule, execution.endpoint) == (schedule, endpoint)


def test_without_any_time_the_event_tells_when():
    execution = executed(Environment={}, ProcessingJobName="my-job", ProcessingEndTime=None)

    assert execution.at == EVENT_TIME
    assert execution.window is None


@pytest.mark.parametrize(
    "config", [None, "", {"Outputs": []}, {"Outputs": [{"OutputName": "result", "S3Output": None}]}]
)
def test_a_job_may_name_no_output(config):
    assert executed(ProcessingOutputConfig=config).report_uri is None


ANALYZER = {"ImageUri": "468650794304.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-model-monitor-analyzer"}
CLARIFY = {"ImageUri": "131013547314.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-clarify-processing:1.0"}
OWN = {"ImageUri": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/my-monitor:latest"}
STAMP = "202611231200-2380a120b4182cad1daa9eb5"


@pytest.mark.parametrize(
    ("name", "image", "environment", "monitor"),
    [
        (f"model-monitoring-{STAMP}", ANALYZER, {}, Monitor.DATA_QUALITY),
        (
            f"model-quality-monitoring-{STAMP}",
            ANALYZER,
            {"analysis_type": "MODEL_QUALITY"},
            Monitor.MODEL_QUALITY,
        ),
        (f"model-monitoring-{STAMP}", ANALYZER, {"analysis_type": "MODEL_QUALITY"}, Monitor.MODEL_QUALITY),
        (f"model-quality-monitoring-{STAMP}", ANALYZER, {}, Monitor.MODEL_QUALITY),
        (f"model-bias-monitoring-{STAMP}", CLARIFY, {}, Monitor.BIAS),
        (f"model-explainability-monitoring-{STAMP}", CLARIFY, {}, Monitor.EXPLAINABILITY),
        (f"model-monitoring-{STAMP}", CLARIFY, {}, None),
        (f"model-monitoring-{STAMP}", OWN, {}, None),
        (f"model-monitoring-{STAMP}", None, {}, None),
    ],
)
def test_the_monitor_is_known_where_the_job_tells(name, image, environment, monitor):
    assert (
        executed(ProcessingJobName=name, AppSpecification=image, Environment=environment).monitor is monitor
    )


# What cannot be judged

NO_OBJECTS = 'No S3 objects found under S3 URL "s3://bucket/capture/taxi-prod/AllTraffic/2026/11/23/11" given in input data source. Please ensure that the bucket exists.'


@pytest.mark.parametrize(
    ("status", "kind", "failure", "exit_message", "reason"),
    [
        ("Failed", "data", "Job inputs had no data", "", BlindReason.NO_DATA),
        ("Failed", "data", "AlgorithmError: Job inputs had no data", "", BlindReason.NO_DATA),
        ("Failed", "data", "job inputs HAD NO DATA", "", BlindReason.NO_DATA),
        ("Failed", "data", f"ClientError: {NO_OBJECTS}", "", BlindReason.NO_DATA),
        ("Failed", "data", "", "Job inputs had no data", BlindReason.NO_DATA),
        ("Failed", "data", None, "Job inputs had no data", BlindReason.NO_DATA),
        ("Failed", "data", "No data was found in the window", "", BlindReason.NO_DATA),
        ("Failed", "data", "ClientError: Failed to download data. Access denied", "", BlindReason.JOB_FAILED),
        (
            "Failed",
            "data",
            "Algorithm Error: (caused by CalledProcessError): spark failed",
            "",
            BlindReason.JOB_FAILED,
        ),
        (
            "Failed",
            "data",
            "InternalServerError: We encountered an internal error.  Please try again.",
            "",
            BlindReason.JOB_FAILED,
        ),
        ("Failed", "data", "", "", BlindReason.JOB_FAILED),
        ("Failed", "data", None, None, BlindReason.JOB_FAILED),
        ("Failed", "model", "spark failed", "", BlindReason.JOB_FAILED),
        ("Failed", "merge", "spark failed", "", BlindReason.MERGE_FAILED),
        ("Failed", "merge", "", "", BlindReason.MERGE_FAILED),
        ("Failed", "merge", "Job inputs had no data", "", BlindReason.NO_DATA),
        ("Stopped", "data", "", "", BlindReason.JOB_STOPPED),
        ("Stopped", "data", "", "Stopped by user", BlindReason.JOB_STOPPED),
        ("Stopped", "merge", "", "", BlindReason.JOB_STOPPED),
    ],
)
def test_a_job_that_did_not_complete_is_blind_for_a_reason(status, kind, failure, exit_message, reason):
    execution = executed(status=status, kind=kind, FailureReason=failure, ExitMessage=exit_message)

    assert execution.blind == Blindness(reason, " ".join(filter(None, (failure, exit_message))))


@pytest.mark.parametrize(
    "exit_message", ["Job inputs had no data", "CompletedWithViolations: the model is unwell", "", None]
)
def test_a_job_that_completed_is_judged_by_its_report(exit_message):
    assert executed(ExitMessage=exit_message).blind is None


def test_a_merge_that_was_stopped_is_told():
    """The run it prepares will not come: that is blindness, not silence."""
    assert isinstance(classified(kind="merge", status="Stopped"), Execution)


@pytest.mark.parametrize("reason", ["failed", NO_OBJECTS.replace("capture", "ground-truth")])
def test_a_merge_without_ground_truth_is_not_blamed_on_captured_data(reason):
    """What is missing is told by the address that the service names."""
    execution = executed(kind="merge", status="Failed", FailureReason=reason)

    assert execution.blind is not None
    assert execution.blind.reason is BlindReason.MERGE_FAILED


# How many violations the job itself announces


@pytest.mark.parametrize(
    ("exit_message", "announced"),
    [
        ("Completed: Job completed successfully with no violations.", 0),
        ("CompletedWithViolations: Job completed successfully with 10 violations.", 10),
        ("CompletedWithViolations: Job completed successfully with 1 violations.", 1),
        ("CompletedWithViolations: Job completed successfully with 1 violation.", 1),
        ("CompletedWithViolations: Job completed successfully with 4178 violations.", 4178),
        ("CompletedWithViolations: 3 sentences are unlike any in the baseline", None),
        ("CompletedWithViolations: ", None),
        ("Completed: all is well", None),
        ("", None),
        ("my monitor says: Completed: Job completed successfully with no violations", None),
        ("my monitor says: CompletedWithViolations: Job completed successfully with 10 violations", None),
    ],
)
def test_a_job_announces_its_violations_in_its_exit_message(exit_message, announced):
    assert violations_announced(exit_message) == announced


# What the service really answered

DESCRIPTIONS = real_files("describe_processing_job/*.json")


@pytest.mark.parametrize("path", DESCRIPTIONS)
def test_real_jobs_are_what_they_are(path):
    answer = read_json(path)
    schedule_arn = answer.get("MonitoringScheduleArn")
    name, environment = answer["ProcessingJobName"], answer.get("Environment", {})

    outcome = classify(ProcessingJob.model_validate(without_times(answer)), EVENT_TIME)

    if not schedule_arn or answer["ProcessingJobStatus"] not in ("Completed", "Failed", "Stopped"):
        assert isinstance(outcome, Ignored)
        return
    assert isinstance(outcome, Execution)
    assert outcome.schedule_arn == schedule_arn
    assert outcome.schedule == schedule_arn.partition(":monitoring-schedule/")[2]
    assert outcome.endpoint == environment["sagemaker_endpoint_name"]
    assert outcome.at == datetime.fromisoformat(environment["end_time"])
    assert f"{outcome.at:%Y%m%d%H%M}" == name.split("-")[-2]
    assert outcome.window == tuple(
        datetime.fromisoformat(environment[end]) for end in ("start_time", "end_time")
    )
    (output,) = answer["ProcessingOutputConfig"]["Outputs"]
    assert outcome.report_uri == f"{output['S3Output']['S3Uri']}/constraint_violations.json"
    quality = name.startswith("model-quality-monitoring-")
    assert outcome.monitor is (Monitor.MODEL_QUALITY if quality else Monitor.DATA_QUALITY)
    assert violations_announced(outcome.exit_message) is not None
    assert outcome.blind is None


def test_real_jobs_of_both_kinds_were_looked_at():
    outcomes = [
        classify(ProcessingJob.model_validate(without_times(read_json(case.values[0]))), EVENT_TIME)
        for case in DESCRIPTIONS
    ]

    assert sum(isinstance(outcome, Execution) for outcome in outcomes) == 8
    assert sum(isinstance(outcome, Ignored) for outcome in outcomes) == 8


@pytest.mark.parametrize("path", real_files("events/sagemaker-processing-job-state-change--*.json"))
def test_real_events_of_other_jobs_are_ignored(path):
    event = ProcessingJobStateChange.parse(read(path))

    assert isinstance(classify(event.detail, event.time), Ignored)
