"""Monitoring schedules, job definitions, processing jobs and what they leave in S3."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.embedded_aws.sagemaker_account import ACCOUNT, IMAGE, REGION, ROLE, Account, refused
from tests.embedded_aws.test_sagemaker_events import covers, shape
from tests.real import read_json, real_files

ANALYZER = f"156813124566.dkr.ecr.{REGION}.amazonaws.com/sagemaker-model-monitor-analyzer"
RESOURCES = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}}
OUTPUTS = {
    "MonitoringOutputs": [
        {
            "S3Output": {
                "S3Uri": "s3://bucket/reports",
                "LocalPath": "/opt/ml/processing/output",
                "S3UploadMode": "EndOfJob",
            }
        }
    ]
}
INPUT = {"EndpointInput": {"EndpointName": "churn", "LocalPath": "/opt/ml/processing/input"}}
EXTRA = {
    "ModelQuality": {
        "AppSpecification": {"ImageUri": ANALYZER, "ProblemType": "BinaryClassification"},
        "JobInput": {**INPUT, "GroundTruthS3Input": {"S3Uri": "s3://bucket/truth"}},
    },
    "DataQuality": {"AppSpecification": {"ImageUri": ANALYZER}, "JobInput": INPUT},
    "ModelBias": {
        "AppSpecification": {"ImageUri": ANALYZER, "ConfigUri": "s3://bucket/config.json"},
        "JobInput": {**INPUT, "GroundTruthS3Input": {"S3Uri": "s3://bucket/truth"}},
    },
    "ModelExplainability": {
        "AppSpecification": {"ImageUri": ANALYZER, "ConfigUri": "s3://bucket/config.json"},
        "JobInput": INPUT,
    },
}
SNAKE = {
    "DataQuality": "data_quality",
    "ModelQuality": "model_quality",
    "ModelBias": "model_bias",
    "ModelExplainability": "model_explainability",
}
PROCESSING_STATE = "SageMaker Processing Job State Change"


def define(account: Account, kind: str = "DataQuality", name: str = "definition") -> dict[str, Any]:
    request = {
        "JobDefinitionName": name,
        f"{kind}AppSpecification": EXTRA[kind]["AppSpecification"],
        f"{kind}JobInput": EXTRA[kind]["JobInput"],
        f"{kind}JobOutputConfig": OUTPUTS,
        "JobResources": RESOURCES,
        "RoleArn": ROLE,
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    }
    getattr(account.sagemaker, f"create_{SNAKE[kind]}_job_definition")(**request)
    return request


def schedule(
    account: Account, name: str = "watch", kind: str = "DataQuality", cron: str = "cron(0 * ? * * *)"
) -> str:
    account.sagemaker.create_monitoring_schedule(
        MonitoringScheduleName=name,
        MonitoringScheduleConfig={
            "ScheduleConfig": {"ScheduleExpression": cron},
            "MonitoringJobDefinitionName": "definition",
            "MonitoringType": kind,
        },
        Tags=[{"Key": "a", "Value": "1"}],
    )
    return name


def status(account: Account, name: str = "watch") -> str:
    return account.sagemaker.describe_monitoring_schedule(MonitoringScheduleName=name)[
        "MonitoringScheduleStatus"
    ]


def process(account: Account, name: str = "baseline-1", image: str = ANALYZER, **environment: str) -> None:
    account.sagemaker.create_processing_job(
        ProcessingJobName=name,
        ProcessingResources=RESOURCES,
        AppSpecification={"ImageUri": image},
        RoleArn=ROLE,
        Environment={"dataset_format": '{"csv": {"header": true}}', **environment},
        ProcessingInputs=[
            {
                "InputName": "data",
                "S3Input": {
                    "S3Uri": "s3://bucket/train.csv",
                    "LocalPath": "/opt/ml/processing/input",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            }
        ],
        ProcessingOutputConfig={
            "Outputs": [
                {
                    "OutputName": "monitoring_output",
                    "S3Output": {
                        "S3Uri": "s3://bucket/baseline",
                        "LocalPath": "/opt/ml/processing/output",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        StoppingCondition={"MaxRuntimeInSeconds": 3600},
        Tags=[{"Key": "team", "Value": "mlops"}],
    )


def bucket(account: Account) -> None:
    account.s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})


@pytest.mark.parametrize("kind", list(SNAKE))
def test_job_definition_of_each_kind_lives_its_life(account: Account, kind: str) -> None:
    account.endpoint()
    request = define(account, kind)
    call = {
        verb: getattr(account.sagemaker, f"{verb}_{SNAKE[kind]}_job_definition")
        for verb in ("describe", "delete")
    }
    listing = getattr(account.sagemaker, f"list_{SNAKE[kind]}_job_definitions")

    found = call["describe"](JobDefinitionName="definition")
    listed = listing(EndpointName="churn", NameContains="def")["JobDefinitionSummaries"]
    with refused("already exists", "ResourceInUse"):
        define(account, kind)
    call["delete"](JobDefinitionName="definition")

    assert {name: found[name] for name in request} == request
    assert [(item["MonitoringJobDefinitionName"], item["EndpointName"]) for item in listed] == [
        ("definition", "churn")
    ]
    assert listing(EndpointName="other")["JobDefinitionSummaries"] == []
    with refused("Could not find job definition", "ResourceNotFound"):
        call["describe"](JobDefinitionName="definition")
    with refused("Could not find job definition", "ResourceNotFound"):
        call["delete"](JobDefinitionName="definition")


@pytest.mark.parametrize("path", real_files("describe_monitoring_schedule/*2ec61b*"))
def test_schedule_looks_like_a_real_one(account: Account, path: Path) -> None:
    account.endpoint()
    define(account)
    schedule(account)
    account.sim.settle()

    found = account.sagemaker.describe_monitoring_schedule(MonitoringScheduleName="watch")

    assert set(found) == set(read_json(path))
    assert found["EndpointName"] == "churn"


def test_schedule_is_pending_after_each_change_and_refuses_the_next(account: Account) -> None:
    account.endpoint()
    define(account)
    schedule(account)
    sagemaker = account.sagemaker

    def refuse_all() -> None:
        assert status(account) == "Pending"
        config = sagemaker.describe_monitoring_schedule(MonitoringScheduleName="watch")
        with refused("Monitoring schedule in status Pending"):
            sagemaker.delete_monitoring_schedule(MonitoringScheduleName="watch")
        with refused("Monitoring schedule in status Pending"):
            sagemaker.update_monitoring_schedule(
                MonitoringScheduleName="watch", MonitoringScheduleConfig=config["MonitoringScheduleConfig"]
            )

    refuse_all()
    account.sim.advance(130)
    assert status(account) == "Scheduled"
    sagemaker.stop_monitoring_schedule(MonitoringScheduleName="watch")
    refuse_all()
    account.sim.settle()
    assert status(account) == "Stopped"
    sagemaker.start_monitoring_schedule(MonitoringScheduleName="watch")
    account.sim.settle()
    assert status(account) == "Scheduled"
    sagemaker.delete_monitoring_schedule(MonitoringScheduleName="watch")
    with refused("Could not find monitoring schedule", "ResourceNotFound"):
        status(account)


def test_schedules_are_listed_by_endpoint_type_and_name(account: Account) -> None:
    account.endpoint()
    define(account)
    define(account, "ModelQuality")
    schedule(account, "churn-data")
    schedule(account, "churn-quality", "ModelQuality")

    def names(**filters: Any) -> list[str]:
        found = account.sagemaker.list_monitoring_schedules(**filters)["MonitoringScheduleSummaries"]
        return sorted(item["MonitoringScheduleName"] for item in found)

    assert names(EndpointName="churn") == ["churn-data", "churn-quality"]
    assert names(EndpointName="other") == []
    assert names(MonitoringTypeEquals="ModelQuality") == ["churn-quality"]
    assert names(NameContains="data") == ["churn-data"]
    assert names(StatusEquals="Scheduled") == []
    with refused("already exists", "ResourceInUse"):
        schedule(account, "churn-data")


def test_schedule_needs_its_endpoint_and_definition(account: Account) -> None:
    with refused("Could not find job definition", "ResourceNotFound"):
        schedule(account)
    define(account)
    with refused("Could not find endpoint"):
        schedule(account)


def test_schedule_has_tags(account: Account) -> None:
    account.endpoint()
    define(account)
    schedule(account)
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:monitoring-schedule/watch"

    assert account.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    found = account.tagging.get_resources(ResourceTypeFilters=["sagemaker:monitoring-schedule"])
    assert [item["ResourceARN"] for item in found["ResourceTagMappingList"]] == [arn]


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({}, ("features", "features")),
        (
            {"analysis_type": "MODEL_QUALITY", "problem_type": "BinaryClassification"},
            ("binary_classification_constraints", "binary_classification_metrics"),
        ),
    ],
)
def test_baselining_job_leaves_its_files(
    account: Account, environment: dict[str, str], names: tuple[str, str]
) -> None:
    bucket(account)
    process(account, **environment)
    early = account.sagemaker.describe_processing_job(ProcessingJobName="baseline-1")
    nothing = account.s3.list_objects_v2(Bucket="bucket")["KeyCount"]

    account.sim.settle()

    late = account.sagemaker.describe_processing_job(ProcessingJobName="baseline-1")
    assert (early["ProcessingJobStatus"], nothing) == ("InProgress", 0)
    assert late["ProcessingJobStatus"] == "Completed"
    assert late["ExitMessage"] == "Completed: Job completed successfully with no violations."
    for name, member in zip(("constraints", "statistics"), names, strict=True):
        body = account.s3.get_object(Bucket="bucket", Key=f"baseline/{name}.json")["Body"].read()
        assert member in json.loads(body)


def test_job_fails_as_planned_or_for_want_of_its_bucket(account: Account) -> None:
    account.sim.plan_job_outcome("bad-", ok=False)
    process(account, "bad-1")
    process(account, "good-1")
    process(account, "other", image=IMAGE)

    account.sim.settle()

    reasons = {
        name: account.sagemaker.describe_processing_job(ProcessingJobName=name).get("FailureReason")
        for name in ("bad-1", "good-1", "other")
    }
    assert reasons["bad-1"] == "AlgorithmError: See job logs for more information"
    assert "NoSuchBucket: bucket" in str(reasons["good-1"])
    assert reasons["other"] is None
    with refused("Job name must be unique", "ResourceInUse"):
        process(account, "other")


@pytest.mark.parametrize("path", real_files("events/sagemaker-processing-job-state-change--docs*"))
def test_end_of_a_job_is_announced_like_a_real_one(account: Account, path: Path) -> None:
    account.sim.plan_job_outcome("bad-", ok=False)
    process(account, "bad-1")
    account.sim.settle()

    [event] = account.of_type(PROCESSING_STATE)
    missing = covers(shape(event), shape(read_json(path)))
    optional = ("KmsKeyId", "NetworkConfig", "ExperimentConfig", "S3DataDistributionType")
    assert [it for it in missing if not it.endswith(optional)] == []
    assert event["detail"]["ProcessingInputs"][0]["S3Input"]["S3DataType"] == "S3_PREFIX"
    assert event["detail"]["Tags"] == {"team": "mlops"}


def test_stopped_job_ends_stopped(account: Account) -> None:
    process(account)
    account.sagemaker.stop_processing_job(ProcessingJobName="baseline-1")
    account.sim.settle()

    [event] = account.of_type(PROCESSING_STATE)
    assert event["detail"]["ProcessingJobStatus"] == "Stopped"
    listed = account.sagemaker.list_processing_jobs(StatusEquals="Stopped")["ProcessingJobSummaries"]
    assert [item["ProcessingJobName"] for item in listed] == ["baseline-1"]
