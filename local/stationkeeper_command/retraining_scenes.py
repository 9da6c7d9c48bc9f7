"""The demo's third story: data drifts, the model is retrained and released in one thread; an alarm takes it back."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from embedded_aws.embedded import ACCOUNT_ID, EmbeddedAws

from stationkeeper_command.errors import CommandError
from stationkeeper_command.release_scenes import (
    BUCKET,
    ENDPOINT,
    GROUP,
    IMAGE,
    MINUTE,
    approve,
    pass_time,
    put_metrics,
    set_alarm,
)
from stationkeeper_command.scenes import AccountScene, Scene, due, files_of, measured, rename, sample_report
from stationkeeper_command.system import PIPELINE, REGION, ROLE

_SAMPLE = "monitor-violations"
_DRIFT = "drift"
_ALARM = "alarm"


def retraining_scenes() -> list[AccountScene]:
    """From a run of the endpoint's own monitor to a version 9 that serves, and is taken back."""
    return [
        AccountScene(
            "Two hours later the endpoint's own monitor finds drift; the team has tagged the group with a pipeline",
            f"stationkeeper:retraining-pipeline={PIPELINE} on the group {GROUP}; SageMaker Processing Job State Change: Completed",
            _data_drifts,
            ("ViolationsDetected", "RetrainingStarted"),
            _DRIFT,
        ),
        AccountScene(
            "The pipeline trains on the new data, does not check it against the old baseline, and registers version 9",
            "Train, CheckData (skipped, new baseline), Register",
            _pipeline_runs,
            ("ApprovalRequested", "JobSucceeded"),
            _DRIFT,
        ),
        AccountScene(
            "Somebody approves version 9, and no alarm goes red while traffic is shifted",
            "aws sagemaker update-model-package ... --model-approval-status Approved; 40 minutes pass",
            _approve_and_wait,
            ("ReleaseStarted", "ReleaseSucceeded"),
            _DRIFT,
        ),
        AccountScene(
            "12 minutes later customers wait for answers: the alarm of this release goes red, version 9 is taken back",
            "CloudWatch Alarm State Change: ALARM",
            _customers_wait,
            ("AlarmRaised", "ReleaseStarted", "ReleaseSucceeded"),
            _ALARM,
        ),
        AccountScene(
            "The fleet of version 9 is gone, and its alarm is OK again",
            "CloudWatch Alarm State Change: OK",
            lambda system: set_alarm(system, 9, "ModelLatency", "OK", "no datapoints were received"),
            ("AlarmCleared",),
            _ALARM,
        ),
    ]


def _data_drifts(system: EmbeddedAws) -> None:
    sagemaker = system.client("sagemaker")
    put_metrics(system, 9, auc=0.928)
    sagemaker.create_pipeline(
        PipelineName=PIPELINE,
        PipelineDefinition=json.dumps(pipeline_definition()),
        ClientRequestToken="0" * 32,
        RoleArn=ROLE,
    )
    sagemaker.add_tags(
        ResourceArn=f"arn:aws:sagemaker:{REGION}:{ACCOUNT_ID}:model-package-group/{GROUP}",
        Tags=[{"Key": "stationkeeper:retraining-pipeline", "Value": PIPELINE}],
    )
    now = datetime.fromtimestamp(system.clock.now(), UTC)
    hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
    run = _run_of_its_monitor(system, hour)
    ended = datetime.fromisoformat(run["time"])
    pass_time(system, (ended - now).total_seconds())
    scene = Scene("", run, sample_report(_SAMPLE), measured(f"{_SAMPLE}-statistics"))
    for bucket, key, content in files_of(scene):
        system.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    system.send(run)


def _run_of_its_monitor(system: EmbeddedAws, hour: datetime) -> dict[str, Any]:
    """The event of a run of the monitor that the releases set up for the endpoint."""
    listed = system.client("sagemaker").list_monitoring_schedules(EndpointName=ENDPOINT)
    (schedule,) = listed["MonitoringScheduleSummaries"]
    run = due(_SAMPLE, hour, violations=9)
    rename(run, ENDPOINT, schedule["MonitoringScheduleName"])
    return run


def _pipeline_runs(system: EmbeddedAws) -> None:
    system.settle()
    sagemaker = system.client("sagemaker")
    (execution,) = sagemaker.list_pipeline_executions(PipelineName=PIPELINE)["PipelineExecutionSummaries"]
    steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution["PipelineExecutionArn"])[
        "PipelineExecutionSteps"
    ]
    check = next(step for step in steps if step["StepName"] == "CheckData")["Metadata"]["QualityCheck"]
    if not (check["SkipCheck"] and check["RegisterNewBaseline"]):
        raise CommandError(f"the pipeline checked against the old baseline: {check}")


def _approve_and_wait(system: EmbeddedAws) -> None:
    approve(system, 9, "trained on what customers do now")
    pass_time(system, 40 * MINUTE)


def _customers_wait(system: EmbeddedAws) -> None:
    sagemaker = system.client("sagemaker")
    released = sagemaker.describe_endpoint(EndpointName=ENDPOINT)["LastModifiedTime"]
    now = datetime.fromtimestamp(system.clock.now(), UTC)
    pass_time(system, max(0.0, (released + timedelta(minutes=12) - now).total_seconds()))
    set_alarm(
        system,
        9,
        "ModelLatency",
        "ALARM",
        "Threshold Crossed: 2 out of the last 3 datapoints were greater than the threshold (1000000.0).",
    )
    system.settle()


def pipeline_definition() -> dict[str, Any]:
    """A pipeline as the SageMaker SDK would write it: train, check, register version 9."""
    jobs = {
        "RoleArn": ROLE,
        "StoppingCondition": {"MaxRuntimeInSeconds": 3_600},
    }

    def baseline(name: str, which: str) -> dict[str, Any]:
        return _file({"Get": f"Steps.CheckData.{which}{name}"})

    def baselines(which: str) -> dict[str, Any]:
        return {name: baseline(name, which) for name in ("Statistics", "Constraints")}

    train = {
        "Name": "Train",
        "Type": "Training",
        "Arguments": {
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/{GROUP}/models"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 20},
            **jobs,
        },
    }
    check = {
        "Name": "CheckData",
        "Type": "QualityCheck",
        "CheckType": "DATA_QUALITY",
        "ModelPackageGroupName": GROUP,
        "SkipCheck": {"Get": "Parameters.SkipDataQualityCheck"},
        "RegisterNewBaseline": {"Get": "Parameters.RegisterNewDataQualityBaseline"},
        "FailOnViolation": True,
        "Arguments": {
            "AppSpecification": {"ImageUri": IMAGE},
            "ProcessingOutputConfig": {
                "Outputs": [{"OutputName": "check", "S3Output": {"S3Uri": f"s3://{BUCKET}/{GROUP}/9/check"}}]
            },
            **jobs,
        },
    }
    register = {
        "Name": "Register",
        "Type": "RegisterModel",
        "Arguments": {
            "ModelPackageGroupName": GROUP,
            "ModelApprovalStatus": "PendingManualApproval",
            "InferenceSpecification": {
                "Containers": [
                    {"Image": IMAGE, "ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}}
                ],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            "ModelMetrics": {
                "ModelQuality": {"Statistics": _file(f"s3://{BUCKET}/{GROUP}/9/evaluation.json")},
                "ModelDataQuality": baselines("CalculatedBaseline"),
            },
            "DriftCheckBaselines": {"ModelDataQuality": baselines("BaselineUsedForDriftCheck")},
        },
    }
    return {
        "Version": "2020-12-01",
        "Parameters": [
            {"Name": name, "Type": "Boolean", "DefaultValue": False}
            for name in ("SkipDataQualityCheck", "RegisterNewDataQualityBaseline")
        ],
        "Steps": [train, check, register],
    }


def _file(uri: Any) -> dict[str, Any]:
    return {"ContentType": "application/json", "S3Uri": uri}
