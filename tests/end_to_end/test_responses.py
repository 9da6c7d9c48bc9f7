"""Alarms, retraining and jobs through the built artifacts: what only the real rules, queues and delays between them can show."""

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from stationkeeper_command.retraining_scenes import pipeline_definition
from stationkeeper_command.system import PIPELINE

from tests.end_to_end.conftest import System
from tests.end_to_end.test_releases import ENDPOINT, ROLE, live_version, register, settled, system
from tests.integration.test_monitor_report import drift, report
from tests.runs import run_event
from tests.world import ACCOUNT, REGION

__all__ = ["system"]  # the fixture: a stack that may release

SCHEDULE = f"{ENDPOINT}-watch"
SCHEDULE_ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:monitoring-schedule/{SCHEDULE}"
SLOW = "Threshold Crossed: 3 out of the last 3 datapoints were greater than the threshold (1000000.0)."


def now(system: System) -> datetime:
    return datetime.fromtimestamp(system.aws.clock.now(), UTC)


def opt_in(system: System, **tags: str) -> None:
    chosen = {"endpoint": ENDPOINT, **{name.replace("_", "-"): value for name, value in tags.items()}}
    system.aws.client("sagemaker").create_model_package_group(
        ModelPackageGroupName="churn",
        Tags=[{"Key": f"stationkeeper:{name}", "Value": value} for name, value in chosen.items()],
    )


def alarm(system: System, name: str, **tags: str) -> None:
    """An alarm on the endpoint's latency that somebody made."""
    system.aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="ModelLatency",
        Dimensions=[
            {"Name": "EndpointName", "Value": ENDPOINT},
            {"Name": "VariantName", "Value": "AllTraffic"},
        ],
        ExtendedStatistic="p95",
        Period=60,
        EvaluationPeriods=3,
        Threshold=1_000_000.0,
        ComparisonOperator="GreaterThanThreshold",
        Tags=[{"Key": f"stationkeeper:{key}", "Value": value} for key, value in tags.items()],
    )


def turns(system: System, name: str, state: str) -> list[str]:
    """Subjects of what on-call gets because an alarm changes its state."""
    system.aws.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason=SLOW)
    return system.react()


def pipeline(system: System) -> None:
    system.aws.client("sagemaker").create_pipeline(
        PipelineName=PIPELINE,
        PipelineDefinition=json.dumps(pipeline_definition()),
        ClientRequestToken="0" * 32,
        RoleArn=ROLE,
    )


def drifted(system: System, hour: int = 1) -> dict[str, Any]:
    """The end of a run of the endpoint's monitor, with drift that is critical."""
    event = run_event(hour, violations=1)
    event["time"] = now(system).isoformat()
    event["detail"]["MonitoringScheduleArn"] = SCHEDULE_ARN
    event["detail"]["Environment"] |= {
        "sagemaker_endpoint_name": ENDPOINT,
        "sagemaker_monitoring_schedule_name": SCHEDULE,
    }
    system.put_report(event, report(drift("age", 0.8)).encode())
    return event


def control(system: System, route: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(
        f"{system.aws.endpoint_url}/_embedded/{route}",
        method="POST",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60):
        pass


def decisions(system: System, function: str) -> list[str]:
    return [
        json.loads(line)["decision"] for line in system.aws.log(function).splitlines() if '"decision"' in line
    ]


def dead_letters(system: System) -> list[str]:
    """Queues that hold what could not be handled."""
    sqs = system.aws.client("sqs")
    urls = {name: url for name, url in system.aws.deployment.outputs.items() if "DeadLetters" in name}
    return [
        name
        for name, url in urls.items()
        if sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"][
            "ApproximateNumberOfMessages"
        ]
        != "0"
    ]


def test_an_alarm_becomes_an_email_and_its_end_another_one_in_the_same_thread(system: System) -> None:
    alarm(system, "churn-p95", endpoint=ENDPOINT)

    assert turns(system, "churn-p95", "OK") == []
    assert turns(system, "churn-p95", "ALARM") == [f"[CRITICAL] {ENDPOINT}: alarm churn-p95 is red"]
    assert turns(system, "churn-p95", "INSUFFICIENT_DATA") == []
    assert turns(system, "churn-p95", "ALARM") == []
    system.aws.advance(600)
    (cleared,) = turns(system, "churn-p95", "OK")

    assert cleared.startswith(f"[OK] {ENDPOINT}: alarm churn-p95 clear after ")
    first, last = system.outbox()
    assert first.attributes["incident"] == last.attributes["incident"]
    assert [first.attributes["kind"], last.attributes["kind"]] == ["AlarmRaised", "AlarmCleared"]
    assert dead_letters(system) == []


def test_a_storm_of_alarms_is_two_messages(system: System) -> None:
    names = [f"churn-{number}" for number in range(20)]
    for name in names:
        alarm(system, name, endpoint=ENDPOINT)
    cloudwatch = system.aws.client("cloudwatch")

    for name in names:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason=SLOW)
    subjects = system.react()

    assert len(subjects) == 2
    assert subjects[0] == f"[CRITICAL] {ENDPOINT}: alarm churn-0 is red"
    assert subjects[1].startswith(f"[CRITICAL] {ENDPOINT}: ")
    assert "20 red now" in subjects[1]


@pytest.mark.parametrize(
    ("service", "action", "kind"),
    [
        ("sagemaker", "UpdateModelPackage", "crash-after"),
        ("sagemaker", "UpdateModelPackage", "throttle"),
        ("sqs", "SendMessageBatch", "crash-before"),
        ("events", "PutEvents", "crash-after"),
    ],
)
def test_a_release_is_taken_back_whatever_fails_on_the_way(
    system: System, service: str, action: str, kind: Any
) -> None:
    opt_in(system)
    for _ in range(2):
        register(system)
        settled(system)
    (guard,) = [
        one["AlarmName"]
        for one in system.aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
        if one["AlarmName"].startswith(f"{ENDPOINT}-churn-v2-") and one["MetricName"] == "ModelLatency"
    ]
    system.aws.advance(12 * 60)
    system.aws.add_fault(service, action, kind, caller="AlarmResponseFunction")
    before = len(system.outbox())

    system.aws.client("cloudwatch").set_alarm_state(AlarmName=guard, StateValue="ALARM", StateReason=SLOW)
    subjects = settled(system)

    assert system.aws.faults() == []
    assert live_version(system) == 1
    told = system.outbox()[before:]
    assert sorted(str(message.attributes["kind"]) for message in told) == [
        "AlarmRaised",
        "ReleaseStarted",
        "ReleaseSucceeded",
    ]
    assert f"[INFO] {ENDPOINT}: releasing version 1, replacing 2" in subjects
    assert dead_letters(system) == []


def test_drift_becomes_a_version_that_waits_for_approval_in_one_thread(system: System) -> None:
    opt_in(system, retraining_pipeline=PIPELINE)
    register(system)
    settled(system)
    pipeline(system)
    before = len(system.outbox())

    begun = sorted(system.react(drifted(system), times=2))
    ended = settled(system)

    assert begun == [
        f"[CRITICAL] {ENDPOINT}: 1 feature drifted",
        f"[INFO] {ENDPOINT}: retraining started, 1 violation",
    ]
    assert sorted(subject.partition(" after")[0] for subject in ended) == [
        f"[INFO] {ENDPOINT}: version 2 of churn, retrained, waits for approval",
        f"[OK] {ENDPOINT}: retraining done",
    ]
    assert len({message.attributes["incident"] for message in system.outbox()[before:]}) == 1
    (execution,) = system.aws.sagemaker.executions(PIPELINE)
    given = system.aws.client("sagemaker").list_pipeline_parameters_for_execution(
        PipelineExecutionArn=execution.arn
    )["PipelineParameters"]
    assert {one["Name"]: one["Value"] for one in given} == {
        "SkipDataQualityCheck": "True",
        "RegisterNewDataQualityBaseline": "True",
    }


@pytest.mark.parametrize("kind", ["crash-after", "crash-before", "throttle"])
def test_one_drift_starts_one_execution_whatever_happens_at_its_start(system: System, kind: Any) -> None:
    opt_in(system, retraining_pipeline=PIPELINE)
    register(system)
    settled(system)
    pipeline(system)
    system.aws.add_fault("sagemaker", "StartPipelineExecution", kind)

    subjects = sorted(system.react(drifted(system), times=3))

    assert system.aws.faults() == []
    assert len(system.aws.sagemaker.executions(PIPELINE)) == 1
    assert subjects[1:] == [f"[INFO] {ENDPOINT}: retraining started, 1 violation"]
    settled(system)
    assert system.react(drifted(system, hour=2)) == []  # ongoing; nothing new


def test_a_retraining_that_fails_says_at_which_step_and_why(system: System) -> None:
    opt_in(system, retraining_pipeline=PIPELINE)
    register(system)
    settled(system)
    pipeline(system)
    reason = "AlgorithmError: ValueError: could not convert string to float: 'unknown'"
    control(
        system,
        "sagemaker/outcome",
        {"pipeline_name": PIPELINE, "outcome": "fails", "step": "Train", "reason": reason},
    )
    _, started = sorted(system.react(drifted(system)))

    (failed,) = settled(system)

    assert started == f"[INFO] {ENDPOINT}: retraining started, 1 violation"
    assert failed == f"[WARNING] {ENDPOINT}: retraining failed at step Train after 12 minutes"
    last = system.outbox()[-1]
    assert "could not convert string to float" in last.message
    assert last.attributes["incident"] == system.outbox()[-2].attributes["incident"]


def test_a_training_job_asks_to_be_registered_and_is(system: System) -> None:
    opt_in(system)
    sagemaker = system.aws.client("sagemaker")
    sagemaker.create_training_job(
        TrainingJobName="churn-by-hand",
        AlgorithmSpecification={
            "TrainingImage": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/churn:1",
            "TrainingInputMode": "File",
        },
        RoleArn=ROLE,
        OutputDataConfig={"S3OutputPath": "s3://bucket/models"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 20},
        StoppingCondition={"MaxRuntimeInSeconds": 3_600},
        Tags=[{"Key": "stationkeeper:register-to", "Value": "churn"}],
    )

    assert settled(system) == [f"[INFO] {ENDPOINT}: version 1 of churn waits for approval"]
    assert decisions(system, "JobReportFunction") == ["registered"]


def test_noise_of_alarms_and_jobs_reaches_no_function(system: System) -> None:
    at = now(system) - timedelta(minutes=1)
    job = {**run_event(1, MonitoringScheduleArn=None, Environment={}), "time": at.isoformat()}
    noise = [
        {
            "source": "aws.cloudwatch",
            "detail-type": "CloudWatch Alarm State Change",
            "detail": {"alarmName": "churn-p95", "state": {"value": "INSUFFICIENT_DATA"}},
        },
        {
            "source": "aws.cloudwatch",
            "detail-type": "CloudWatch Alarm State Change",
            "detail": {"alarmName": "TargetTracking-endpoint/churn-prod", "state": {"value": "ALARM"}},
        },
        {
            "source": "aws.cloudwatch",
            "detail-type": "CloudWatch Alarm Configuration Change",
            "detail": {"alarmName": "churn-p95", "operation": "update", "state": {"value": "ALARM"}},
        },
        {
            "source": "aws.sagemaker",
            "detail-type": "SageMaker Training Job State Change",
            "detail": {"TrainingJobName": "nightly", "TrainingJobStatus": "InProgress"},
        },
        {
            "source": "aws.sagemaker",
            "detail-type": "SageMaker Transform Job State Change",
            "detail": {"TransformJobName": "nightly", "TransformJobStatus": "Completed"},
        },
        {
            "source": "aws.sagemaker",
            "detail-type": "SageMaker Model Building Pipeline Execution Step Status Change",
            "detail": {"stepName": "Train", "currentStepStatus": "Failed"},
        },
        job,
    ]

    assert system.react(*noise) == []
    for name in ("AlarmResponseFunction", "JobReportFunction", "RetrainingFunction"):
        assert decisions(system, name) == []
