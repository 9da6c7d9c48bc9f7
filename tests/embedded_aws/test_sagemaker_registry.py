"""The registry: versions, approvals, pages, tags, other accounts."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.embedded_aws.sagemaker_account import (
    IMAGE,
    PACKAGE_STATE,
    ROLE,
    Account,
    refused,
    variant,
)
from tests.real import read_json, real_files

ARN = "arn:aws:sagemaker:eu-west-1:123456789012"
OTHER_ACCOUNT = "210987654321"
BASELINES = {
    "ModelDataQuality": {
        "Statistics": {"ContentType": "application/json", "S3Uri": "s3://b/statistics.json"},
        "Constraints": {"ContentType": "application/json", "S3Uri": "s3://b/constraints.json"},
    }
}


def group(account: Account, name: str = "churn", **more: Any) -> str:
    return account.sagemaker.create_model_package_group(ModelPackageGroupName=name, **more)[
        "ModelPackageGroupArn"
    ]


def package(account: Account, name: str = "churn", **more: Any) -> str:
    specification = {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": "s3://bucket/model.tar.gz"}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    request = {"ModelPackageGroupName": name, "InferenceSpecification": specification, **more}
    return account.sagemaker.create_model_package(**request)["ModelPackageArn"]


def versions(answer: dict[str, Any]) -> list[int]:
    return [item["ModelPackageVersion"] for item in answer["ModelPackageSummaryList"]]


def test_versions_count_up_and_numbers_never_come_again(account: Account) -> None:
    group(account)
    arns = [package(account) for _ in range(2)]

    account.sagemaker.delete_model_package(ModelPackageName=arns[1])
    arns.append(package(account))

    assert arns == [f"{ARN}:model-package/churn/{number}" for number in (1, 2, 3)]
    assert versions(account.sagemaker.list_model_packages(ModelPackageGroupName="churn")) == [1, 3]


@pytest.mark.parametrize("path", real_files("describe_model_package/aws-samples*d75000*"))
def test_description_looks_like_a_real_one(account: Account, path: Path) -> None:
    group(account)
    description = account.sagemaker.describe_model_package(ModelPackageName=package(account))

    real = read_json(path)
    # Who made it and what SageMaker adds of itself: not simulated.
    unknown = {"CreatedBy", "ModelCard", "Domain", "Task", "SkipModelValidation", "ModelMetrics"}
    assert set(real) - unknown <= set(description)
    assert set(real["InferenceSpecification"]["Containers"][0]) - {"Environment", "ModelDataETag"} <= set(
        description["InferenceSpecification"]["Containers"][0]
    )
    assert "ModelPackageName" not in description


@pytest.mark.parametrize("path", real_files("list_model_packages/*"))
def test_list_looks_like_a_real_one(account: Account, path: Path) -> None:
    group(account)
    package(account, ModelPackageDescription="one")

    [summary] = account.sagemaker.list_model_packages(ModelPackageGroupName="churn")[
        "ModelPackageSummaryList"
    ]

    assert set(summary) == set(read_json(path)["ModelPackageSummaryList"][0])


def test_everything_given_at_registration_is_kept(account: Account) -> None:
    group(account)
    given = {
        "InferenceSpecification": {
            "Containers": [
                {"ContainerHostname": name, "Image": IMAGE, "ModelDataUrl": f"s3://b/{name}"} for name in "ab"
            ],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        "ModelMetrics": {"ModelQuality": {"Statistics": {"ContentType": "x", "S3Uri": "s3://b/q"}}},
        "DriftCheckBaselines": BASELINES,
        "SamplePayloadUrl": "s3://b/payload.tar.gz",
        "CustomerMetadataProperties": {"team": "mlops"},
        "Domain": "MACHINE_LEARNING",
        "Task": "CLASSIFICATION",
        "SkipModelValidation": "None",
    }

    found = account.sagemaker.describe_model_package(ModelPackageName=package(account, **given))

    for container in found["InferenceSpecification"]["Containers"]:
        assert container.pop("ImageDigest").startswith("sha256:")
    assert {name: found[name] for name in given} == given
    assert found["ModelApprovalStatus"] == "PendingManualApproval"


def test_update_changes_what_it_names_and_nothing_else(account: Account) -> None:
    group(account)
    arn = package(account, CustomerMetadataProperties={"a": "1", "b": "2"})
    account.sim.advance(3600)

    account.sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="looks good"
    )
    account.sagemaker.update_model_package(
        ModelPackageArn=arn,
        CustomerMetadataProperties={"c": "3"},
        CustomerMetadataPropertiesToRemove=["a"],
    )

    found = account.sagemaker.describe_model_package(ModelPackageName=arn)
    assert (found["ModelApprovalStatus"], found["ApprovalDescription"]) == ("Approved", "looks good")
    assert found["CustomerMetadataProperties"] == {"b": "2", "c": "3"}
    assert found["LastModifiedTime"] - found["CreationTime"] >= timedelta(hours=1)


def test_list_is_filtered_sorted_and_paged(account: Account) -> None:
    arn = group(account)
    for status in ("Approved", "Rejected", "Approved"):
        package(account, ModelApprovalStatus=status)
        account.sim.advance(1)
    listing = account.sagemaker.list_model_packages

    assert versions(listing(ModelPackageGroupName="churn")) == [1, 2, 3]
    assert versions(listing(ModelPackageGroupName=arn, SortOrder="Descending")) == [3, 2, 1]
    assert versions(listing(ModelPackageGroupName="churn", ModelApprovalStatus="Approved")) == [1, 3]
    first = listing(ModelPackageGroupName="churn", MaxResults=2)
    second = listing(ModelPackageGroupName="churn", MaxResults=2, NextToken=first["NextToken"])
    assert (versions(first), versions(second)) == ([1, 2], [3])
    assert "NextToken" not in second
    assert listing()["ModelPackageSummaryList"] == []  # unversioned ones only


def test_default_page_is_ten(account: Account) -> None:
    group(account)
    for _ in range(11):
        package(account)

    answer = account.sagemaker.list_model_packages(ModelPackageGroupName="churn")

    assert len(answer["ModelPackageSummaryList"]) == 10
    assert "NextToken" in answer


def test_package_can_be_in_progress_first(account: Account) -> None:
    group(account)
    account.sim.package_takes(90)

    arn = package(account)
    early = account.sagemaker.describe_model_package(ModelPackageName=arn)["ModelPackageStatus"]
    account.sim.advance(100)

    late = account.sagemaker.describe_model_package(ModelPackageName=arn)["ModelPackageStatus"]
    told = [event["detail"]["ModelPackageStatus"] for event in account.of_type(PACKAGE_STATE)]
    assert (early, late) == ("InProgress", "Completed")
    assert told == ["InProgress", "Completed"]


def test_what_is_unknown_taken_or_in_use_is_refused(account: Account) -> None:
    group(account)
    package(account)
    sagemaker = account.sagemaker

    with refused(f"ModelPackage {ARN}:model-package/churn/9 does not exist."):
        sagemaker.describe_model_package(ModelPackageName=f"{ARN}:model-package/churn/9")
    with refused(f"ModelPackage {ARN}:model-package/churn/9 does not exist."):
        sagemaker.update_model_package(
            ModelPackageArn=f"{ARN}:model-package/churn/9", ModelApprovalStatus="Approved"
        )
    with refused(f"ModelPackageGroup {ARN}:model-package-group/none does not exist."):
        sagemaker.describe_model_package_group(ModelPackageGroupName="none")
    with refused(f"ModelPackageGroup {ARN}:model-package-group/none does not exist."):
        package(account, "none")
    with refused("Model Package Group already exists"):
        group(account)
    with refused("still contains model packages", "ConflictException"):
        sagemaker.delete_model_package_group(ModelPackageGroupName="churn")
    with refused("does not exist"):
        account.model("m", PrimaryContainer={"ModelPackageName": f"{ARN}:model-package/churn/9"})


def test_empty_group_can_be_deleted(account: Account) -> None:
    group(account)
    account.sagemaker.delete_model_package(ModelPackageName=package(account))

    account.sagemaker.delete_model_package_group(ModelPackageGroupName="churn")

    assert account.sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"] == []


def test_group_of_another_account_is_named_by_its_arn(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_ACCOUNT_ID", OTHER_ACCOUNT)
    there = group(account)
    arn = package(account, ModelApprovalStatus="Approved")
    monkeypatch.delenv("MOTO_ACCOUNT_ID")
    sagemaker = account.sagemaker

    assert arn == f"arn:aws:sagemaker:eu-west-1:{OTHER_ACCOUNT}:model-package/churn/1"
    assert versions(sagemaker.list_model_packages(ModelPackageGroupName=there)) == [1]
    assert sagemaker.list_model_packages(ModelPackageGroupName="churn")["ModelPackageSummaryList"] == []
    assert sagemaker.describe_model_package(ModelPackageName=arn)["ModelPackageArn"] == arn
    assert account.events[-1]["account"] == OTHER_ACCOUNT
    account.model("m", PrimaryContainer={"ModelPackageName": arn})


def test_model_and_configuration_keep_all_their_members(account: Account) -> None:
    network = {"SecurityGroupIds": ["sg-12345678"], "Subnets": ["subnet-12345678"]}
    model = {
        "Containers": [
            {"ContainerHostname": "a", "Image": IMAGE, "Environment": {"X": "1"}, "Mode": "MultiModel"},
            {
                "ContainerHostname": "b",
                "Image": IMAGE,
                "Mode": "SingleModel",
                "ModelDataUrl": "s3://b/m.tar.gz",
            },
        ],
        "InferenceExecutionConfig": {"Mode": "Serial"},
        "VpcConfig": network,
        "EnableNetworkIsolation": True,
        "ExecutionRoleArn": ROLE,
    }
    production = variant(
        VolumeSizeInGB=30,
        ContainerStartupHealthCheckTimeoutInSeconds=300,
        ModelDataDownloadTimeoutInSeconds=300,
        ManagedInstanceScaling={"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2},
        RoutingConfig={"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
        InferenceAmiVersion="al2-ami-sagemaker-inference-gpu-2",
        EnableSSMAccess=True,
    )
    config = {
        "ProductionVariants": [production],
        "ShadowProductionVariants": [variant("Shadow")],
        "DataCaptureConfig": {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": "s3://b/c",
            "KmsKeyId": "key",
            "CaptureOptions": [{"CaptureMode": "Input"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
        },
        "KmsKeyId": "key",
        "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://b/o"}},
        "ExplainerConfig": {
            "ClarifyExplainerConfig": {
                "ShapConfig": {"ShapBaselineConfig": {"MimeType": "text/csv", "ShapBaseline": "1,2"}}
            }
        },
        "ExecutionRoleArn": ROLE,
        "VpcConfig": network,
        "EnableNetworkIsolation": True,
    }
    account.sagemaker.create_model(ModelName="model-1", **model)
    account.sagemaker.create_endpoint_config(EndpointConfigName="c", **config)

    found_model = account.sagemaker.describe_model(ModelName="model-1")
    found_config = account.sagemaker.describe_endpoint_config(EndpointConfigName="c")

    assert {name: found_model[name] for name in model} == model
    assert {name: found_config[name] for name in config} == config


def test_tags_of_everything_are_listed_replaced_and_removed(account: Account) -> None:
    sagemaker = account.sagemaker
    account.endpoint(Tags=[{"Key": "a", "Value": "1"}])
    arns = [
        account.describe()["EndpointArn"],
        sagemaker.describe_endpoint_config(EndpointConfigName="churn-1")["EndpointConfigArn"],
        sagemaker.describe_model(ModelName="model-1")["ModelArn"],
        group(account, "tagged"),
        package(account, "tagged"),
    ]

    for arn in arns:
        sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
        sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "4"}])
        sagemaker.delete_tags(ResourceArn=arn, TagKeys=["b"])
        tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
        assert tags.pop("team", "mlops") == "mlops"
        assert tags == {"a": "4"}
    with refused("Could not find resource"):
        sagemaker.list_tags(ResourceArn=f"{ARN}:endpoint/none")


@pytest.mark.parametrize(
    "resource_type", ["sagemaker:endpoint", "sagemaker:model-package-group", "cloudwatch:alarm"]
)
def test_tagging_api_finds_by_type_and_tag_in_pages(account: Account, resource_type: str) -> None:
    tags = [{"Key": "managed-by", "Value": "test"}]
    account.config("Config")
    for number in range(3):
        account.sagemaker.create_endpoint(
            EndpointName=f"Endpoint-{number}", EndpointConfigName="Config", Tags=tags
        )
        group(account, f"group-{number}", Tags=tags)
        alarm = account.alarm(f"alarm-{number}")
        account.cloudwatch.tag_resource(
            ResourceARN=f"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{alarm}", Tags=tags
        )
    group(account, "untagged")
    account.alarm("untagged")

    pages = account.tagging.get_paginator("get_resources").paginate(
        ResourceTypeFilters=[resource_type],
        TagFilters=[{"Key": "managed-by", "Values": ["test"]}],
        PaginationConfig={"PageSize": 2},
    )

    found = [[item["ResourceARN"] for item in page["ResourceTagMappingList"]] for page in pages]
    assert [len(page) for page in found] == [2, 1]
    kind = resource_type.rpartition(":")[2]
    assert all(f":{kind}" in arn for page in found for arn in page)


def test_arns_are_in_lower_case_where_names_are_not(account: Account) -> None:
    account.config("Config")

    arn = account.sagemaker.create_endpoint(EndpointName="MyEndpoint", EndpointConfigName="Config")[
        "EndpointArn"
    ]

    assert arn == f"{ARN}:endpoint/myendpoint"
    account.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}])
    assert account.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "1"}]


def test_other_account_is_reached_by_credentials_of_its_role(account: Account) -> None:
    role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/reader"
    keys = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    other = boto3.client(
        "sagemaker",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )

    arn = other.create_model_package_group(ModelPackageGroupName="theirs")["ModelPackageGroupArn"]

    assert arn == f"arn:aws:sagemaker:eu-west-1:{OTHER_ACCOUNT}:model-package-group/theirs"
