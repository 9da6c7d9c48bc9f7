"""Training, tuning and transform jobs: their lives, their ends, and what the bus is told; tokens of versions."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.embedded_aws.sagemaker_account import ACCOUNT, IMAGE, REGION, ROLE, Account, refused
from tests.embedded_aws.test_sagemaker_embedded import post
from tests.embedded_aws.test_sagemaker_events import shape
from tests.real import read_json, real_files

ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
TRAINING_STATE = "SageMaker Training Job State Change"
TUNING_STATE = "SageMaker HyperParameter Tuning Job State Change"
TRANSFORM_STATE = "SageMaker Transform Job State Change"
PROCESSING_STATE = "SageMaker Processing Job State Change"
TAGS = [{"Key": "team", "Value": "mlops"}]
TOKEN = "0123456789abcdef0123456789abcdef"

ALGORITHM = {"TrainingImage": IMAGE, "TrainingInputMode": "File"}
DEFINITION = {
    "AlgorithmSpecification": ALGORITHM,
    "RoleArn": ROLE,
    "InputDataConfig": [
        {
            "ChannelName": "train",
            "DataSource": {
                "S3DataSource": {
                    "S3DataType": "S3Prefix",
                    "S3Uri": "s3://bucket/train",
                    "S3DataDistributionType": "FullyReplicated",
                }
            },
            "ContentType": "text/csv",
            "CompressionType": "None",
            "RecordWrapperType": "None",
        }
    ],
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/models", "KmsKeyId": "key"},
    "ResourceConfig": {
        "InstanceType": "ml.m5.large",
        "InstanceCount": 1,
        "VolumeSizeInGB": 20,
        "VolumeKmsKeyId": "key",
    },
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
}


def train(account: Account, name: str = "Train-1", **more: Any) -> str:
    request = {"HyperParameters": {"eta": "0.1"}, "Tags": TAGS, **DEFINITION, **more}
    return account.sagemaker.create_training_job(TrainingJobName=name, **request)["TrainingJobArn"]


def trained(account: Account, name: str = "Train-1") -> dict[str, Any]:
    return account.sagemaker.describe_training_job(TrainingJobName=name)


def tune(account: Account, name: str = "tune-1", most: int = 10, objective: str = "Minimize") -> str:
    config = {
        "Strategy": "Bayesian",
        "HyperParameterTuningJobObjective": {"Type": objective, "MetricName": "validation:auc"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": most, "MaxParallelTrainingJobs": 2},
        "ParameterRanges": {
            "ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.1", "MaxValue": "0.7"}],
            "IntegerParameterRanges": [{"Name": "depth", "MinValue": "3", "MaxValue": "9"}],
            "CategoricalParameterRanges": [{"Name": "booster", "Values": ["gbtree", "dart"]}],
        },
    }
    return account.sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig=config,
        TrainingJobDefinition=DEFINITION | {"StaticHyperParameters": {"seed": "1"}},
        Tags=TAGS,
    )["HyperParameterTuningJobArn"]


def tuned(account: Account, name: str = "tune-1") -> dict[str, Any]:
    return account.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)


def transform(account: Account, name: str = "score-1", **more: Any) -> str:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in"}}
    return account.sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName="model-1",
        TransformInput={
            "DataSource": source,
            "ContentType": "text/csv",
            "CompressionType": "None",
            "SplitType": "Line",
        },
        TransformOutput={
            "S3OutputPath": "s3://bucket/out",
            "Accept": "text/csv",
            "AssembleWith": "Line",
            "KmsKeyId": "key",
        },
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        MaxConcurrentTransforms=1,
        MaxPayloadInMB=6,
        BatchStrategy="MultiRecord",
        Environment={"a": "b"},
        Tags=TAGS,
        **more,
    )["TransformJobArn"]


def milliseconds(detail: dict[str, Any]) -> dict[str, Any]:
    """The documented samples have these numbers, and ISO times, as strings."""
    times = {name: 0 for name in detail if name.endswith("Time")}
    return detail | times


def test_training_takes_its_time_and_leaves_a_model(account: Account) -> None:
    arn = train(account)
    states = []
    for _ in range(3):
        found = trained(account)
        states.append((found["TrainingJobStatus"], found["SecondaryStatus"], "TrainingStartTime" in found))
        account.sim.advance(400)

    found = trained(account)
    assert arn == found["TrainingJobArn"] == f"{ARN}:training-job/train-1"
    assert states == [
        ("InProgress", "Starting", False),
        ("InProgress", "Training", True),
        ("Completed", "Completed", True),
    ]
    assert found["ModelArtifacts"]["S3ModelArtifacts"] == "s3://bucket/models/Train-1/output/model.tar.gz"
    [metric] = found["FinalMetricDataList"]
    assert metric["MetricName"] == "validation:rmse"
    span = found["TrainingEndTime"] - found["TrainingStartTime"]
    assert found["BillableTimeInSeconds"] == found["TrainingTimeInSeconds"] == span.total_seconds() == 600
    transitions = [item["Status"] for item in found["SecondaryStatusTransitions"]]
    assert transitions == ["Starting", "Training", "Completed"]
    assert {name: found[name] for name in DEFINITION} == DEFINITION
    assert account.sagemaker.list_tags(ResourceArn=arn)["Tags"] == TAGS


def test_metrics_of_training_are_as_planned(account: Account) -> None:
    account.sim.plan_job_outcome("Train-", ok=True, metrics={"validation:auc": 0.9, "train:auc": 0.95})
    train(account)
    account.sim.settle()

    metrics = {item["MetricName"]: item["Value"] for item in trained(account)["FinalMetricDataList"]}
    assert metrics == pytest.approx({"validation:auc": 0.9, "train:auc": 0.95})


def test_training_fails_for_the_planned_reason(account: Account) -> None:
    account.sim.plan_job_outcome("Train-", ok=False, reason="AlgorithmError: out of memory")
    train(account)
    account.sim.settle()

    found = trained(account)
    assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Failed", "Failed")
    assert found["FailureReason"] == "AlgorithmError: out of memory"
    assert not {"ModelArtifacts", "FinalMetricDataList"} & set(found)
    assert account.events[-1]["detail"]["FailureReason"] == "AlgorithmError: out of memory"


@pytest.mark.parametrize("seconds", [10, 300])
def test_training_is_stopped_once(account: Account, seconds: float) -> None:
    train(account)
    account.sim.advance(seconds)
    for _ in range(2):
        account.sagemaker.stop_training_job(TrainingJobName="Train-1")
    stopping = trained(account)["TrainingJobStatus"]
    account.sim.settle()

    assert (stopping, trained(account)["TrainingJobStatus"]) == ("Stopping", "Stopped")
    statuses = [event["detail"]["TrainingJobStatus"] for event in account.of_type(TRAINING_STATE)]
    assert statuses[-2:] == ["Stopping", "Stopped"]
    assert statuses.count("Stopping") == 1


def test_names_of_jobs_are_taken_for_good(account: Account) -> None:
    account.model()
    train(account)
    tune(account)
    transform(account)
    account.sim.settle()

    with refused("Training job names must be unique within an AWS account and region", "ResourceInUse"):
        train(account)
    for create in (tune, transform):
        with refused("unique", "ResourceInUse"):
            create(account)


def test_unknown_jobs_are_refused(account: Account) -> None:
    with refused("Requested resource not found."):
        trained(account)
    with refused("tune-1", "ResourceNotFound"):
        tuned(account)
    with refused("Could not find requested job with name", "ResourceNotFound"):
        account.sagemaker.stop_transform_job(TransformJobName="score-1")
    with refused("Could not find model"):
        transform(account)


def test_jobs_are_listed_by_name_status_and_time(account: Account) -> None:
    account.sim.plan_job_outcome("bad-", ok=False)
    train(account, "bad-1")
    account.sim.settle()
    train(account, "good-1")
    account.sim.settle()
    train(account, "good-2")

    def names(**filters: Any) -> list[str]:
        found = account.sagemaker.list_training_jobs(**filters)["TrainingJobSummaries"]
        return [item["TrainingJobName"] for item in found]

    assert names() == ["good-2", "good-1", "bad-1"]
    assert names(StatusEquals="Failed") == ["bad-1"]
    assert names(NameContains="good", SortBy="Name", SortOrder="Ascending") == ["good-1", "good-2"]
    assert names(CreationTimeAfter=trained(account, "good-1")["CreationTime"]) == ["good-2"]


@pytest.mark.parametrize("path", real_files("events/sagemaker-training-job-state-change*"))
def test_training_event_looks_like_a_real_one(account: Account, path: Path) -> None:
    train(account)
    account.sim.settle()

    event, real = account.of_type(TRAINING_STATE)[-1], read_json(path)
    assert event.keys() == real.keys()
    assert event["resources"] == [f"{ARN}:training-job/train-1"]
    ours, theirs = shape(milliseconds(event["detail"])), shape(milliseconds(real["detail"]))
    for name in ("SecondaryStatusTransitions", "HyperParameters", "Tags", "VpcConfig"):
        assert type(ours.pop(name)) is type(theirs.pop(name))
    assert ours == theirs
    assert event["detail"]["Tags"] == {"team": "mlops"}
    created = datetime.fromtimestamp(event["detail"]["CreationTime"] / 1000, UTC)
    assert created == trained(account)["CreationTime"]


@pytest.mark.parametrize("objective", ["Minimize", "Maximize"])
def test_tuning_trains_jobs_and_chooses_the_best(account: Account, objective: str) -> None:
    account.sim.plan_job_outcome("tune-", ok=True, metrics={"validation:auc": 0.8})
    arn = tune(account, objective=objective)
    early = tuned(account)
    account.sim.settle()

    late = tuned(account)
    assert (early["HyperParameterTuningJobStatus"], "BestTrainingJob" in early) == ("InProgress", False)
    assert early["TrainingJobStatusCounters"]["InProgress"] == 3
    assert late["HyperParameterTuningJobStatus"] == "Completed"
    assert late["TrainingJobStatusCounters"]["Completed"] == 3
    assert late["ObjectiveStatusCounters"] == {"Succeeded": 3, "Pending": 0, "Failed": 0}
    best = late["BestTrainingJob"]
    metric = best["FinalHyperParameterTuningJobObjectiveMetric"]
    assert metric["Value"] == pytest.approx(0.8)
    assert metric["MetricName"] == "validation:auc"
    job = trained(account, best["TrainingJobName"])
    assert job["TuningJobArn"] == arn == f"{ARN}:hyper-parameter-tuning-job/tune-1"
    assert job["HyperParameters"] == best["TunedHyperParameters"] | {"seed": "1"}
    assert best["TunedHyperParameters"].keys() == {"eta", "depth", "booster"}
    assert job["FinalMetricDataList"][0]["Value"] == pytest.approx(0.8)
    children = account.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="tune-1"
    )["TrainingJobSummaries"]
    values = [it["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for it in children]
    assert (min if objective == "Minimize" else max)(values) == metric["Value"]
    assert account.sagemaker.list_tags(ResourceArn=arn)["Tags"] == TAGS


def test_tuning_may_end_without_a_best_job(account: Account) -> None:
    account.sim.plan_job_outcome("tune-", ok=True, best_job=False)
    tune(account, most=2)
    account.sim.settle()

    found = tuned(account)
    assert found["HyperParameterTuningJobStatus"] == "Completed"
    assert "BestTrainingJob" not in found
    assert found["ObjectiveStatusCounters"] == {"Succeeded": 0, "Pending": 0, "Failed": 2}


def test_tuning_fails_with_all_its_training_jobs(account: Account) -> None:
    account.sim.plan_job_outcome("tune-", ok=False)
    tune(account)
    account.sim.settle()

    found = tuned(account)
    assert found["HyperParameterTuningJobStatus"] == "Failed"
    assert "All training jobs failed" in found["FailureReason"]
    assert found["TrainingJobStatusCounters"]["NonRetryableError"] == 3


def test_stopped_tuning_stops_its_training_jobs(account: Account) -> None:
    tune(account)
    account.sim.advance(200)
    account.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="tune-1")
    account.sim.settle()

    found = tuned(account)
    assert found["HyperParameterTuningJobStatus"] == "Stopped"
    assert found["TrainingJobStatusCounters"]["Stopped"] == 3
    told = [event["detail"]["HyperParameterTuningJobStatus"] for event in account.of_type(TUNING_STATE)]
    assert told == ["InProgress", "Stopping", "Stopped"]


@pytest.mark.parametrize("path", real_files("events/sagemaker-hyperparameter-tuning-job-state-change*"))
def test_tuning_event_looks_like_a_real_one(account: Account, path: Path) -> None:
    tune(account)
    account.sim.settle()

    event, real = account.of_type(TUNING_STATE)[-1], read_json(path)
    assert event.keys() == real.keys()
    ours, theirs = shape(milliseconds(event["detail"])), shape(milliseconds(real["detail"]))
    assert ours.keys() == theirs.keys()
    for name in ("TrainingJobStatusCounters", "ObjectiveStatusCounters"):
        assert ours[name] == theirs[name]
    assert event["detail"]["Tags"] == {"team": "mlops"}


@pytest.mark.parametrize("path", real_files("events/sagemaker-transform-job-state-change*"))
@pytest.mark.parametrize("ok", [True, False])
def test_transform_event_looks_like_a_real_one(account: Account, path: Path, *, ok: bool) -> None:
    account.model()
    account.sim.plan_job_outcome("score-", ok=ok)
    arn = transform(account)
    account.sim.settle()

    events, real = account.of_type(TRANSFORM_STATE), read_json(path)
    ours, theirs = (shape(milliseconds(it["detail"])) for it in (events[-1], real))
    for detail in (ours, theirs):
        detail.pop("FailureReason", None)
        detail.pop("Environment")
        detail.pop("Tags")
    assert ours == theirs
    assert ("FailureReason" in events[-1]["detail"]) is not ok
    statuses = [event["detail"]["TransformJobStatus"] for event in events]
    assert statuses == ["InProgress", "Completed" if ok else "Failed"]
    found = account.sagemaker.describe_transform_job(TransformJobName="score-1")
    assert found["TransformEndTime"] > found["TransformStartTime"] > found["CreationTime"]
    assert account.sagemaker.list_tags(ResourceArn=arn)["Tags"] == TAGS


def test_transform_is_stopped(account: Account) -> None:
    account.model()
    transform(account)
    account.sagemaker.stop_transform_job(TransformJobName="score-1")
    account.sim.settle()

    [summary] = account.sagemaker.list_transform_jobs(StatusEquals="Stopped")["TransformJobSummaries"]
    assert summary["TransformJobName"] == "score-1"


def process(account: Account, name: str = "clean-1", image: str = IMAGE) -> None:
    resources = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}
    output = {"S3Uri": "s3://bucket/out", "LocalPath": "/opt/out", "S3UploadMode": "EndOfJob"}
    account.sagemaker.create_processing_job(
        ProcessingJobName=name,
        ProcessingResources={"ClusterConfig": resources},
        ProcessingOutputConfig={"Outputs": [{"OutputName": "out", "S3Output": output}]},
        AppSpecification={"ImageUri": image},
        RoleArn=ROLE,
        Tags=TAGS,
    )


def processed(account: Account, name: str = "clean-1") -> dict[str, Any]:
    return account.sagemaker.describe_processing_job(ProcessingJobName=name)


def test_processing_fails_for_the_planned_reason(account: Account) -> None:
    account.sim.plan_job_outcome("clean-", ok=False, reason="InternalServerError: try again")
    process(account)
    account.sim.settle()

    assert processed(account)["FailureReason"] == "InternalServerError: try again"


def test_processing_is_announced_when_it_ends(account: Account) -> None:
    process(account)
    early = processed(account)["ProcessingJobStatus"]
    account.sim.settle()

    [event] = account.of_type(PROCESSING_STATE)
    detail, found = event["detail"], processed(account)
    assert (early, found["ProcessingJobStatus"]) == ("InProgress", "Completed")
    assert detail["ProcessingEndTime"] == found["ProcessingEndTime"].timestamp() * 1000
    assert detail["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3UploadMode"] == "END_OF_JOB"
    assert detail["Tags"] == {"team": "mlops"}


def test_processing_is_stopped(account: Account) -> None:
    process(account)
    account.sagemaker.stop_processing_job(ProcessingJobName="clean-1")
    stopping = processed(account)["ProcessingJobStatus"]
    account.sim.settle()

    assert (stopping, processed(account)["ProcessingJobStatus"]) == ("Stopping", "Stopped")


def test_baselining_leaves_its_files_or_says_why_not(account: Account) -> None:
    image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/sagemaker-model-monitor-analyzer"
    process(account, "no-bucket", image)
    account.sim.settle()
    account.s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
    process(account, "good", image)
    account.sim.settle()

    assert "NoSuchBucket: bucket" in processed(account, "no-bucket")["FailureReason"]
    assert "no violations" in processed(account, "good")["ExitMessage"]
    keys = [item["Key"] for item in account.s3.list_objects_v2(Bucket="bucket")["Contents"]]
    assert sorted(keys) == ["out/constraints.json", "out/statistics.json"]


def test_jobs_are_planned_from_another_process(run: Any) -> None:
    aws = run()
    sagemaker = aws.client("sagemaker")
    post(aws, "sagemaker/outcome", job_name_prefix="t", ok=True, metrics={"f1": 0.7})
    sagemaker.create_training_job(TrainingJobName="t-1", **DEFINITION)
    aws.settle()

    [metric] = sagemaker.describe_training_job(TrainingJobName="t-1")["FinalMetricDataList"]
    assert (metric["MetricName"], metric["Value"]) == ("f1", pytest.approx(0.7))


def register(account: Account, **more: Any) -> str:
    return account.sagemaker.create_model_package(ModelPackageGroupName="churn", **more)["ModelPackageArn"]


def test_same_token_registers_one_version(account: Account) -> None:
    account.sagemaker.create_model_package_group(ModelPackageGroupName="churn")

    arns = [register(account, ClientToken=token) for token in (TOKEN, TOKEN, TOKEN + "2")]

    assert arns == [f"{ARN}:model-package/churn/{number}" for number in (1, 1, 2)]
    assert len(account.events) == 2


def test_where_a_version_comes_from_is_kept(account: Account) -> None:
    account.sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    given = {
        "MetadataProperties": {"GeneratedBy": "training", "CommitId": "abc", "ProjectId": "p"},
        "CustomerMetadataProperties": {"training-job": "Train-1"},
        "ModelPackageDescription": "from Train-1",
        "SourceUri": "s3://bucket/models/Train-1",
    }
    arn = register(account, **given)

    found = account.sagemaker.describe_model_package(ModelPackageName=arn)
    [summary] = account.sagemaker.list_model_packages(ModelPackageGroupName="churn")[
        "ModelPackageSummaryList"
    ]
    assert {name: found[name] for name in given} == given
    assert summary["ModelPackageDescription"] == "from Train-1"


def test_version_takes_no_tags_of_its_own(account: Account) -> None:
    account.sagemaker.create_model_package_group(ModelPackageGroupName="churn")

    with refused("Tags"):
        register(account, Tags=TAGS)

    assert (
        account.sagemaker.list_model_packages(ModelPackageGroupName="churn")["ModelPackageSummaryList"] == []
    )
