"""Pipelines: what starts an execution, what it does, how it ends, and what the bus is told."""

import json
import urllib.error
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from embedded_aws.moto_additions.sagemaker import ExecutionOutcome

from tests.embedded_aws.sagemaker_account import ACCOUNT, IMAGE, PACKAGE_STATE, REGION, ROLE, Account, refused
from tests.embedded_aws.test_sagemaker_embedded import post
from tests.embedded_aws.test_sagemaker_events import covers, shape
from tests.real import read_json, real_files

ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/Churn"
EXECUTION_STATUS = "SageMaker Model Building Pipeline Execution Status Change"
STEP_STATUS = "SageMaker Model Building Pipeline Execution Step Status Change"
TOKEN = "0123456789abcdef0123456789abcdef"

PARAMETERS = [
    {"Name": "InputData", "Type": "String", "DefaultValue": "s3://bucket/data"},
    {"Name": "Trees", "Type": "Integer", "DefaultValue": 100},
    {"Name": "SkipDataQualityCheck", "Type": "Boolean", "DefaultValue": False},
    {"Name": "RegisterNewBaseline", "Type": "Boolean", "DefaultValue": False},
]
PREPARE = {
    "Name": "Prepare",
    "Type": "Processing",
    "Arguments": {
        "AppSpecification": {"ImageUri": IMAGE},
        "ProcessingInputs": [
            {"InputName": "raw", "S3Input": {"S3Uri": {"Get": "Parameters.InputData"}, "LocalPath": "/opt"}}
        ],
        "ProcessingOutputConfig": {
            "Outputs": [{"OutputName": "train", "S3Output": {"S3Uri": "s3://bucket/train"}}]
        },
        "RoleArn": ROLE,
    },
}
CHECK = {
    "Name": "CheckData",
    "Type": "QualityCheck",
    "CheckType": "DATA_QUALITY",
    "ModelPackageGroupName": "churn",
    "SkipCheck": {"Get": "Parameters.SkipDataQualityCheck"},
    "RegisterNewBaseline": {"Get": "Parameters.RegisterNewBaseline"},
    "Arguments": {
        "AppSpecification": {"ImageUri": IMAGE},
        "ProcessingOutputConfig": {
            "Outputs": [{"OutputName": "check", "S3Output": {"S3Uri": "s3://bucket/check"}}]
        },
        "RoleArn": ROLE,
    },
}
TRAIN = {
    "Name": "Train",
    "Type": "Training",
    "Arguments": {
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": {"trees": {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Trees"}]}}},
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": {
                            "Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"
                        },
                    }
                },
            }
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/models"},
        "RoleArn": ROLE,
    },
}


def file_at(uri: Any) -> dict[str, Any]:
    return {"ContentType": "application/json", "S3Uri": uri}


REGISTER = {
    "Name": "Register",
    "Type": "RegisterModel",
    "Arguments": {
        "ModelPackageGroupName": "churn",
        "ModelApprovalStatus": "PendingManualApproval",
        "InferenceSpecification": {
            "Containers": [
                {"Image": IMAGE, "ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}}
            ],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        "ModelMetrics": {
            "ModelDataQuality": {
                "Constraints": file_at({"Get": "Steps.CheckData.CalculatedBaselineConstraints"})
            }
        },
        "DriftCheckBaselines": {
            "ModelDataQuality": {
                "Constraints": file_at({"Get": "Steps.CheckData.BaselineUsedForDriftCheckConstraints"})
            }
        },
    },
}
CONDITION = {
    "Name": "GoodEnough",
    "Type": "Condition",
    "DependsOn": ["Train"],
    "Arguments": {
        "Conditions": [
            {
                "Type": "LessThanOrEqualTo",
                "LeftValue": {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.E.P"}, "Path": "rmse"}},
                "RightValue": 6.0,
            }
        ],
        "IfSteps": [REGISTER],
        "ElseSteps": [{"Name": "TooBad", "Type": "Fail", "Arguments": {"ErrorMessage": "rmse is too high"}}],
    },
}
STEPS = (PREPARE, CHECK, TRAIN, CONDITION)


def pipeline(account: Account, *steps: dict[str, Any], name: str = "Churn", **more: Any) -> str:
    definition = {"Version": "2020-12-01", "Parameters": PARAMETERS, "Steps": list(steps or STEPS)}
    request = {"PipelineDefinition": json.dumps(definition), "RoleArn": ROLE, **more}
    return account.sagemaker.create_pipeline(PipelineName=name, **request)["PipelineArn"]


def start(account: Account, *, name: str = "Churn", given: dict[str, str] | None = None, **more: Any) -> str:
    parameters = [{"Name": key, "Value": value} for key, value in (given or {}).items()]
    return account.sagemaker.start_pipeline_execution(
        PipelineName=name, PipelineParameters=parameters, **more
    )["PipelineExecutionArn"]


def describe(account: Account, arn: str) -> dict[str, Any]:
    return account.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)


def steps_of(account: Account, arn: str) -> list[dict[str, Any]]:
    """In the order they ran."""
    return account.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending")[
        "PipelineExecutionSteps"
    ]


def told(account: Account) -> list[str]:
    return [event["detail"]["currentPipelineExecutionStatus"] for event in account.of_type(EXECUTION_STATUS)]


def test_execution_runs_its_steps_one_after_the_other(account: Account) -> None:
    pipeline(account)

    arn = start(account)
    early = describe(account, arn)
    account.sim.settle()

    late, steps = describe(account, arn), steps_of(account, arn)
    assert (early["PipelineExecutionStatus"], late["PipelineExecutionStatus"]) == ("Executing", "Succeeded")
    assert [(step["StepName"], step["StepStatus"]) for step in steps] == [
        (name, "Succeeded") for name in ("Prepare", "CheckData", "Train", "GoodEnough", "Register")
    ]
    for earlier, later in pairwise(steps):
        assert earlier["StartTime"] < earlier["EndTime"] <= later["StartTime"]
    assert late["LastModifiedTime"] - late["CreationTime"] > timedelta(minutes=10)


def test_steps_leave_real_jobs_named_after_the_execution(account: Account) -> None:
    pipeline(account)
    arn = start(account, given={"Trees": "7", "InputData": "s3://other/data"})
    account.sim.settle()

    metadata = {step["StepName"]: step["Metadata"] for step in steps_of(account, arn)}
    execution_id = arn.rpartition("/")[2]
    [training] = account.sagemaker.list_training_jobs()["TrainingJobSummaries"]
    job = account.sagemaker.describe_training_job(TrainingJobName=training["TrainingJobName"])
    [processing] = account.sagemaker.list_processing_jobs(NameContains="-Prepare-")["ProcessingJobSummaries"]
    prepared = account.sagemaker.describe_processing_job(ProcessingJobName=processing["ProcessingJobName"])
    assert metadata["Train"]["TrainingJob"]["Arn"] == job["TrainingJobArn"]
    assert metadata["Prepare"]["ProcessingJob"]["Arn"] == prepared["ProcessingJobArn"]
    assert job["TrainingJobName"].startswith(f"pipelines-{execution_id}-Train-")
    assert job["HyperParameters"] == {"trees": "7"}
    assert job["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] == "s3://bucket/train"
    assert prepared["ProcessingInputs"][0]["S3Input"]["S3Uri"] == "s3://other/data"


def test_registered_version_says_where_it_comes_from(account: Account) -> None:
    pipeline(account)
    arn = start(account)
    account.sim.settle()

    version = steps_of(account, arn)[-1]["Metadata"]["RegisterModel"]["Arn"]
    package = account.sagemaker.describe_model_package(ModelPackageName=version)
    [event] = account.of_type(PACKAGE_STATE)
    assert version == f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/churn/1"
    assert package["MetadataProperties"] == {"GeneratedBy": arn}
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    model = package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
    assert model.startswith("s3://bucket/models/pipelines-")
    assert model.endswith("/output/model.tar.gz")
    assert package["ModelMetrics"]["ModelDataQuality"]["Constraints"] == file_at(
        "s3://bucket/check/constraints.json"
    )
    assert event["detail"]["ModelPackageArn"] == version
    assert event["detail"]["MetadataProperties"] == {"GeneratedBy": arn}


def test_same_token_starts_one_execution(account: Account) -> None:
    pipeline(account)

    first = start(account, ClientRequestToken=TOKEN)
    account.sim.settle()
    again = start(account, ClientRequestToken=TOKEN)
    other = start(account, ClientRequestToken=TOKEN + "2")

    assert (first == again, first == other) == (True, False)
    assert len(account.sim.executions("Churn")) == 2


@pytest.mark.parametrize(
    "given",
    [
        {"Unknown": "1"},
        {"SkipDataQualityCheck": "yes"},
        {"Trees": "many"},
        {"InputData": ""},
    ],
)
def test_parameters_have_to_fit_the_definition(account: Account, given: dict[str, str]) -> None:
    pipeline(account)

    with refused(""):
        start(account, given=given)

    assert account.sim.executions("Churn") == []
    assert account.events == []


@pytest.mark.parametrize("value", ["true", "True", "FALSE"])
def test_booleans_are_read_in_any_case(account: Account, value: str) -> None:
    pipeline(account)

    arn = start(account, given={"SkipDataQualityCheck": value})

    found = account.sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)
    assert found["PipelineParameters"] == [{"Name": "SkipDataQualityCheck", "Value": value}]


def test_parameter_without_default_has_to_be_given(account: Account) -> None:
    definition = {"Parameters": [{"Name": "Since", "Type": "String"}], "Steps": [PREPARE]}
    pipeline(account, PipelineDefinition=json.dumps(definition))

    with refused("Since"):
        start(account)
    start(account, given={"Since": "2026-01-01"})


def test_what_is_not_there_is_refused(account: Account) -> None:
    with refused(f"Pipeline '{ARN}' does not exist.", "ResourceNotFound"):
        start(account)
    with refused("does not exist", "ResourceNotFound"):
        describe(account, f"{ARN}/execution/abcdefghijkl")
    with refused("does not exist", "ResourceNotFound"):
        account.sagemaker.list_pipeline_executions(PipelineName="Churn")


@pytest.mark.parametrize("path", real_files("events/sagemaker-model-building-pipeline-execution-status*"))
def test_execution_event_looks_like_a_real_one(account: Account, path: Path) -> None:
    pipeline(account)
    arn = start(account, PipelineExecutionDisplayName="drift", PipelineExecutionDescription="by violation")
    account.sim.settle()

    first, last = account.of_type(EXECUTION_STATUS)
    assert shape(last).keys() == shape(read_json(path)).keys()
    assert shape(last["detail"]) == shape(read_json(path)["detail"])
    assert last["resources"] == [ARN, arn]
    assert last["source"] == "aws.sagemaker"
    assert last["detail"]["previousPipelineExecutionStatus"] == "Executing"
    assert last["detail"]["pipelineExecutionDisplayName"] == "drift"
    assert first["detail"]["currentPipelineExecutionStatus"] == "Executing"
    assert "executionEndTime" not in first["detail"]


@pytest.mark.parametrize("path", real_files("events/sagemaker-model-building-pipeline-execution-step*"))
def test_step_event_looks_like_a_real_one(account: Account, path: Path) -> None:
    pipeline(account, PREPARE)
    arn = start(account)
    account.sim.settle()

    events = account.of_type(STEP_STATUS)
    assert covers(shape(events[-1]), shape(read_json(path))) == []
    assert shape(events[-1]["detail"]) == shape(read_json(path)["detail"])
    assert events[-1]["resources"] == [ARN, arn]
    changes = [(it["detail"].get("previousStepStatus"), it["detail"]["currentStepStatus"]) for it in events]
    assert changes == [(None, "Starting"), ("Starting", "Executing"), ("Executing", "Succeeded")]


def test_execution_fails_at_the_planned_step(account: Account) -> None:
    pipeline(account)
    account.sim.plan_execution("Churn", ExecutionOutcome.FAILS, step="Train", reason="AlgorithmError: NaN")

    arn = start(account)
    account.sim.settle()

    found, steps = describe(account, arn), steps_of(account, arn)
    assert found["PipelineExecutionStatus"] == "Failed"
    assert found["FailureReason"] == "Step failure: One or multiple steps failed."
    assert [step["StepStatus"] for step in steps] == ["Succeeded", "Succeeded", "Failed"]
    assert steps[-1]["FailureReason"] == "AlgorithmError: NaN"
    [job] = account.sagemaker.list_training_jobs(StatusEquals="Failed")["TrainingJobSummaries"]
    described = account.sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"])
    assert described["FailureReason"] == "AlgorithmError: NaN"
    assert told(account) == ["Executing", "Failed"]
    # What was planned concerned one execution.
    assert describe(account, again := start(account))["PipelineExecutionStatus"] == "Executing"
    account.sim.settle()
    assert describe(account, again)["PipelineExecutionStatus"] == "Succeeded"


@pytest.mark.parametrize("step", ["GoodEnough", "Register"])
def test_steps_without_a_job_fail_too(account: Account, step: str) -> None:
    pipeline(account)
    account.sim.plan_execution("Churn", ExecutionOutcome.FAILS, step=step, reason="ClientError: no")

    arn = start(account)
    account.sim.settle()

    assert steps_of(account, arn)[-1]["FailureReason"] == "ClientError: no"
    assert not account.of_type(PACKAGE_STATE)


@pytest.mark.parametrize("skip", ["False", "true"])
def test_violations_fail_the_execution_unless_the_check_is_skipped(account: Account, skip: str) -> None:
    pipeline(account)
    account.sim.plan_execution("Churn", ExecutionOutcome.VIOLATIONS)

    arn = start(account, given={"SkipDataQualityCheck": skip})
    account.sim.settle()

    check = steps_of(account, arn)[1]
    expected = "Succeeded" if skip == "true" else "Failed"
    assert describe(account, arn)["PipelineExecutionStatus"] == check["StepStatus"] == expected
    found = check["Metadata"]["QualityCheck"]
    assert found["SkipCheck"] is (skip == "true")
    assert ("ViolationReport" in found) is (skip == "False")
    assert bool(account.of_type(PACKAGE_STATE)) is (skip == "true")


def test_check_may_be_skipped_by_a_literal(account: Account) -> None:
    pipeline(account, CHECK | {"SkipCheck": True})
    account.sim.plan_execution("Churn", ExecutionOutcome.VIOLATIONS, step="CheckData")

    arn = start(account)
    account.sim.settle()

    assert describe(account, arn)["PipelineExecutionStatus"] == "Succeeded"


@pytest.mark.parametrize(
    ("register", "used"),
    [("True", "s3://bucket/check/constraints.json"), ("False", "s3://old/constraints.json")],
)
def test_baseline_handed_on_is_the_new_or_the_approved_one(
    account: Account, register: str, used: str
) -> None:
    account.sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    account.sagemaker.create_model_package(
        ModelPackageGroupName="churn",
        ModelApprovalStatus="Approved",
        DriftCheckBaselines={"ModelDataQuality": {"Constraints": file_at("s3://old/constraints.json")}},
    )
    pipeline(account)

    start(account, given={"SkipDataQualityCheck": "True", "RegisterNewBaseline": register})
    account.sim.settle()

    name = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/churn/2"
    found = account.sagemaker.describe_model_package(ModelPackageName=name)
    assert found["DriftCheckBaselines"]["ModelDataQuality"]["Constraints"] == file_at(used)


def test_condition_that_does_not_hold_goes_the_other_way(account: Account) -> None:
    pipeline(account)
    account.sim.plan_execution("Churn", ExecutionOutcome.CONDITION_FALSE)

    arn = start(account)
    account.sim.settle()

    condition, fail = steps_of(account, arn)[-2:]
    assert condition["Metadata"] == {"Condition": {"Outcome": "False"}}
    assert (fail["StepName"], fail["FailureReason"]) == ("TooBad", "rmse is too high")
    assert describe(account, arn)["PipelineExecutionStatus"] == "Failed"


@pytest.mark.parametrize(("trees", "last"), [("100", "Few"), ("101", "Many")])
def test_condition_on_a_parameter_is_decided(account: Account, trees: str, last: str) -> None:
    condition = {
        "Name": "Size",
        "Type": "Condition",
        "Arguments": {
            "Conditions": [
                {"Type": "GreaterThan", "LeftValue": {"Get": "Parameters.Trees"}, "RightValue": 100}
            ],
            "IfSteps": [{"Name": "Many", "Type": "Lambda"}],
            "ElseSteps": [{"Name": "Few", "Type": "Callback"}],
        },
    }
    pipeline(account, condition)

    arn = start(account, given={"Trees": trees})
    account.sim.settle()

    assert [step["StepName"] for step in steps_of(account, arn)] == ["Size", last]
    assert describe(account, arn)["PipelineExecutionStatus"] == "Succeeded"


@pytest.mark.parametrize("seconds", [30, 500])
def test_stopped_execution_takes_its_job_with_it(account: Account, seconds: float) -> None:
    pipeline(account)
    arn = start(account)
    account.sim.advance(seconds)

    account.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    stopping = describe(account, arn)["PipelineExecutionStatus"]
    account.sim.settle()

    last = steps_of(account, arn)[-1]
    [job] = account.sagemaker.list_processing_jobs(StatusEquals="Stopped")["ProcessingJobSummaries"]
    assert (stopping, last["StepStatus"]) == ("Stopping", "Stopped")
    [metadata] = last["Metadata"].values()
    assert job["ProcessingJobArn"] == metadata.get("Arn", metadata.get("CheckJobArn"))
    assert told(account) == ["Executing", "Stopping", "Stopped"]
    with refused("Stopped"):
        account.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)


@pytest.mark.parametrize("step", ["Train", "Register", None])
def test_execution_stops_where_it_was_planned(account: Account, step: str | None) -> None:
    pipeline(account)
    account.sim.plan_execution("Churn", ExecutionOutcome.STOPPED, step=step)

    arn = start(account)
    account.sim.settle()

    assert steps_of(account, arn)[-1]["StepName"] == (step or "Prepare")
    assert told(account) == ["Executing", "Stopping", "Stopped"]
    assert not account.of_type(PACKAGE_STATE)


def test_tuning_transform_and_clarify_steps_have_their_jobs(account: Account) -> None:
    tuning = {
        "Name": "Tune",
        "Type": "Tuning",
        "DependsOn": ["Bias"],
        "Arguments": {
            "HyperParameterTuningJobConfig": {
                "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "rmse"},
            },
            "TrainingJobDefinition": TRAIN["Arguments"] | {"HyperParameters": {}},
        },
    }
    score = {"Name": "Score", "Type": "Transform", "Arguments": {"ModelName": "model-1"}}
    bias = CHECK | {"Name": "Bias", "Type": "ClarifyCheck", "CheckType": "DATA_BIAS"}
    pipeline(account, PREPARE, tuning, score, bias)

    arn = start(account)
    account.sim.settle()

    metadata = {step["StepName"]: step["Metadata"] for step in steps_of(account, arn)}
    assert list(metadata) == ["Prepare", "Score", "Bias", "Tune"]
    assert ":hyper-parameter-tuning-job/pipelines-" in metadata["Tune"]["TuningJob"]["Arn"]
    assert ":transform-job/pipelines-" in metadata["Score"]["TransformJob"]["Arn"]
    found = metadata["Bias"]["ClarifyCheck"]
    assert ":processing-job/pipelines-" in found["CheckJobArn"]
    assert found["CalculatedBaselineConstraints"] == "s3://bucket/check/analysis.json"
    assert describe(account, arn)["PipelineExecutionStatus"] == "Succeeded"


def test_execution_fails_when_its_job_is_stopped_behind_its_back(account: Account) -> None:
    pipeline(account)
    arn = start(account)
    [job] = account.sagemaker.list_processing_jobs()["ProcessingJobSummaries"]

    account.sagemaker.stop_processing_job(ProcessingJobName=job["ProcessingJobName"])
    account.sim.settle()

    assert told(account) == ["Executing", "Failed"]
    assert len(steps_of(account, arn)) == 1


def test_what_cannot_happen_is_not_planned_silently(account: Account) -> None:
    pipeline(account, PREPARE)
    account.sim.plan_execution("Churn", ExecutionOutcome.VIOLATIONS)

    with pytest.raises(LookupError, match="violations"):
        start(account)


def test_executions_are_listed_newest_first_in_pages(account: Account) -> None:
    pipeline(account, PREPARE)
    arns = []
    for _ in range(3):
        arns.append(start(account))
        account.sim.advance(3600)
    middle = describe(account, arns[1])["CreationTime"]

    def listed(**request: Any) -> list[str]:
        answer = account.sagemaker.list_pipeline_executions(PipelineName="Churn", **request)
        return [item["PipelineExecutionArn"] for item in answer["PipelineExecutionSummaries"]]

    first = account.sagemaker.list_pipeline_executions(PipelineName="Churn", MaxResults=2)
    assert listed() == arns[::-1]
    assert listed(MaxResults=2, NextToken=first["NextToken"]) == [arns[0]]
    assert listed(CreatedAfter=middle) == [arns[2]]
    assert listed(CreatedBefore=middle) == [arns[0]]
    assert {it["PipelineExecutionStatus"] for it in first["PipelineExecutionSummaries"]} == {"Succeeded"}


def test_simulator_counts_what_ran_at_once(account: Account) -> None:
    pipeline(account, PREPARE)
    start(account)
    account.sim.settle()
    start(account)
    assert account.sim.most_executions_at_once("Churn") == 1

    account.sim.advance(60)
    start(account)
    account.sim.settle()

    assert account.sim.most_executions_at_once("Churn") == 2
    assert account.sim.most_executions_at_once("Other") == 0
    assert [it.status for it in account.sim.executions("Churn")] == ["Succeeded"] * 3


def test_pipeline_is_described_updated_tagged_and_deleted(account: Account) -> None:
    tags = [{"Key": "team", "Value": "mlops"}]
    assert pipeline(account, Tags=tags, PipelineDescription="one") == ARN
    execution = start(account)
    before = account.sagemaker.describe_pipeline(PipelineName=ARN)
    with refused("must be unique"):
        pipeline(account)
    with refused("", "ConflictException"):
        account.sagemaker.delete_pipeline(PipelineName="Churn")

    account.sim.settle()
    fresh = json.dumps({"Steps": [PREPARE]})
    account.sagemaker.update_pipeline(PipelineName="Churn", PipelineDefinition=fresh)
    account.sagemaker.add_tags(ResourceArn=ARN, Tags=[{"Key": "a", "Value": "b"}])

    after = account.sagemaker.describe_pipeline(PipelineName="Churn")
    old = account.sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=execution)
    [summary] = account.sagemaker.list_pipelines(PipelineNamePrefix="Ch")["PipelineSummaries"]
    found = account.tagging.get_resources(ResourceTypeFilters=["sagemaker:pipeline"])
    assert (before["PipelineDescription"], after["PipelineDescription"]) == ("one", "one")
    assert after["PipelineDefinition"] == fresh
    assert old["PipelineDefinition"] == before["PipelineDefinition"]
    assert after["LastModifiedTime"] > before["LastModifiedTime"]
    assert summary["LastExecutionTime"] == after["LastRunTime"]
    assert len(account.sagemaker.list_tags(ResourceArn=ARN)["Tags"]) == 2
    assert [item["ResourceARN"] for item in found["ResourceTagMappingList"]] == [ARN]
    account.sagemaker.delete_pipeline(PipelineName="Churn")
    assert account.sagemaker.list_pipelines()["PipelineSummaries"] == []
    assert len(account.sim.executions("Churn")) == 1


@pytest.mark.parametrize(
    "definition",
    ["nothing", "{}", '{"Steps": [{"Name": "x"}]}', json.dumps({"Steps": [PREPARE, PREPARE]})],
)
def test_definition_has_to_be_one(account: Account, definition: str) -> None:
    with refused("Unable to parse pipeline definition"):
        pipeline(account, PipelineDefinition=definition)


def test_outcomes_are_planned_from_another_process(run: Any) -> None:
    aws = run()
    sagemaker = aws.client("sagemaker")
    definition = json.dumps({"Steps": [PREPARE, CHECK | {"SkipCheck": False, "RegisterNewBaseline": False}]})
    sagemaker.create_pipeline(PipelineName="Churn", PipelineDefinition=definition, RoleArn=ROLE)
    post(aws, "sagemaker/outcome", pipeline_name="Churn", outcome="violations", reason="too much drift")
    post(aws, "sagemaker/outcome", job_name_prefix="pipelines-", ok=False, reason="AlgorithmError: disk")

    arns = []
    for _ in range(2):
        arns.append(sagemaker.start_pipeline_execution(PipelineName="Churn")["PipelineExecutionArn"])
        aws.settle()

    reasons = [
        sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"][0][
            "FailureReason"
        ]
        for arn in arns
    ]
    assert reasons == ["AlgorithmError: disk"] * 2
    post(aws, "sagemaker/outcome", job_name_prefix="pipelines-", ok=True)
    post(aws, "sagemaker/outcome", pipeline_name="Churn", outcome="violations", reason="too much drift")
    arn = sagemaker.start_pipeline_execution(PipelineName="Churn")["PipelineExecutionArn"]
    aws.settle()
    last = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"][0]
    assert (last["StepName"], last["FailureReason"]) == ("CheckData", "too much drift")
    with pytest.raises(urllib.error.HTTPError, match="400"):
        post(aws, "sagemaker/outcome", pipeline_name="Churn", outcome="explodes")
