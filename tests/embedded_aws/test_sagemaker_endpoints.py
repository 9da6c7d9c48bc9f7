"""Endpoints take their time, refuse what comes too early, and keep or lose what SageMaker keeps or loses."""

from datetime import timedelta

import pytest
from embedded_aws.moto_additions.sagemaker import Outcome

from tests.embedded_aws.sagemaker_account import (
    ENDPOINT_STATE,
    IMAGE,
    Account,
    refused,
    serverless,
    variant,
)

CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 50,
    "DestinationS3Uri": "s3://bucket/capture",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
}


def assert_close(span: timedelta, seconds: int) -> None:
    assert abs(span.total_seconds() - seconds) < 1


def test_creation_takes_ten_minutes(account: Account) -> None:
    account.config("churn-1")
    account.sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName="churn-1")

    account.sim.advance(590)
    early = account.describe()
    account.sim.advance(20)
    late = account.describe()

    assert early["EndpointStatus"] == "Creating"
    assert "ProductionVariants" not in early
    assert late["EndpointStatus"] == "InService"
    [found] = late["ProductionVariants"]
    assert (found["CurrentInstanceCount"], found["DesiredInstanceCount"]) == (2, 2)
    assert (found["CurrentWeight"], found["DesiredWeight"]) == (1.0, 1.0)
    assert found["DeployedImages"][0]["SpecifiedImage"] == IMAGE
    assert "@sha256:" in found["DeployedImages"][0]["ResolvedImage"]
    assert_close(late["LastModifiedTime"] - late["CreationTime"], 600)
    assert account.statuses() == ["CREATING", "IN_SERVICE"]


def test_failed_creation_allows_only_deletion(account: Account) -> None:
    account.config("churn-1")
    account.config("churn-2")
    account.sim.plan_outcome("churn", Outcome.FAILS)
    account.sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName="churn-1")
    account.sim.settle()

    found = account.describe()
    with refused("in status Failed"):
        account.update("churn-2")
    account.sagemaker.delete_endpoint(EndpointName="churn")
    account.sim.settle()

    assert found["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in found["FailureReason"]
    assert account.statuses() == ["CREATING", "FAILED", "DELETING", "DELETED"]


def test_names_taken_and_names_unknown_are_refused_in_the_services_words(account: Account) -> None:
    account.endpoint()
    arn = "arn:aws:sagemaker:eu-west-1:123456789012"

    with refused(f'Cannot create already existing endpoint "{arn}:endpoint/churn".'):
        account.sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName="churn-1")
    with refused(f'Cannot create already existing endpoint configuration "{arn}:endpoint-config/churn-1".'):
        account.config("churn-1")
    with refused(f'Cannot create already existing model "{arn}:model/model-1".'):
        account.model()
    with refused(f'Could not find endpoint configuration "{arn}:endpoint-config/none".'):
        account.update("none")
    with refused(f'Could not find endpoint "{arn}:endpoint/none".'):
        account.sagemaker.update_endpoint(EndpointName="none", EndpointConfigName="churn-1")
    with refused(f'Could not find endpoint "{arn}:endpoint/none".'):
        account.sagemaker.describe_endpoint(EndpointName="none")
    with refused(f'Could not find endpoint configuration "{arn}:endpoint-config/none".'):
        account.sagemaker.describe_endpoint_config(EndpointConfigName="none")
    with refused(f'Could not find model "{arn}:model/none".'):
        account.sagemaker.describe_model(ModelName="none")
    with refused(f'Could not find model "{arn}:model/none".'):
        account.sagemaker.create_endpoint_config(
            EndpointConfigName="x", ProductionVariants=[variant(model="none")]
        )


@pytest.mark.parametrize("when", ["Creating", "Updating", "RollingBack", "Deleting"])
def test_busy_endpoint_refuses_every_change(account: Account, when: str) -> None:
    account.config("churn-1")
    account.config("churn-2")
    account.sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName="churn-1")
    if when != "Creating":
        account.sim.settle()
        account.sim.plan_outcome("churn", Outcome.ROLLS_BACK)
        if when == "Deleting":
            account.sagemaker.delete_endpoint(EndpointName="churn")
        else:
            account.update("churn-2")
        if when == "RollingBack":
            account.sim.advance(500)

    assert account.state()[0] == when
    busy = 'Cannot update in-progress endpoint "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/churn".'
    with refused(busy):
        account.update("churn-2")
    with refused(busy):
        account.sagemaker.delete_endpoint(EndpointName="churn")
    with refused(busy):
        account.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="churn",
            DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 4}],
        )


def test_update_shows_old_and_new_until_it_is_done(account: Account) -> None:
    account.endpoint(DataCaptureConfig=CAPTURE)
    account.model("model-2")
    account.config("churn-2", variant(model="model-2", instances=3))

    account.update("churn-2")
    during = account.describe()
    account.sim.settle()
    after = account.describe()

    assert (during["EndpointStatus"], during["EndpointConfigName"]) == ("Updating", "churn-1")
    assert during["PendingDeploymentSummary"]["EndpointConfigName"] == "churn-2"
    assert during["PendingDeploymentSummary"]["ProductionVariants"][0]["DesiredInstanceCount"] == 3
    assert during["DataCaptureConfig"]["CurrentSamplingPercentage"] == 50
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", "churn-2")
    assert "PendingDeploymentSummary" not in after
    # Nobody asked for it in the new configuration, so capture is gone.
    assert "DataCaptureConfig" not in after
    assert account.statuses() == ["UPDATING", "IN_SERVICE"]


@pytest.mark.parametrize(
    ("more", "count", "weight"),
    [
        ({}, 2, 1.0),
        ({"RetainAllVariantProperties": True}, 5, 0.5),
        (
            {
                "RetainAllVariantProperties": True,
                "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredInstanceCount"}],
            },
            2,
            0.5,
        ),
        (
            {
                "RetainAllVariantProperties": True,
                "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}],
            },
            5,
            1.0,
        ),
    ],
)
def test_update_keeps_live_capacity_only_when_asked(
    account: Account, more: dict, count: int, weight: float
) -> None:
    account.endpoint()
    account.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="churn",
        DesiredWeightsAndCapacities=[
            {"VariantName": "AllTraffic", "DesiredInstanceCount": 5, "DesiredWeight": 0.5}
        ],
    )
    scaling = account.describe()["ProductionVariants"][0]
    account.sim.settle()
    account.config("churn-2")

    account.update("churn-2", **more)
    account.sim.settle()

    assert (scaling["CurrentInstanceCount"], scaling["DesiredInstanceCount"]) == (2, 5)
    [found] = account.describe()["ProductionVariants"]
    assert (found["CurrentInstanceCount"], found["DesiredInstanceCount"]) == (count, count)
    assert (found["CurrentWeight"], found["DesiredWeight"]) == (weight, weight)


def test_weights_of_unknown_variants_are_refused(account: Account) -> None:
    account.endpoint()

    with refused('"Other" is/are not present'):
        account.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="churn", DesiredWeightsAndCapacities=[{"VariantName": "Other", "DesiredWeight": 1}]
        )


def test_deleted_endpoint_is_gone_after_a_while_and_its_name_is_free(account: Account) -> None:
    account.endpoint()

    account.sagemaker.delete_endpoint(EndpointName="churn")
    during = account.state()[0]
    account.sim.settle()

    assert during == "Deleting"
    with refused("Could not find endpoint"):
        account.describe()
    assert account.statuses() == ["DELETING", "DELETED"]
    account.sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName="churn-1")
    assert account.state()[0] == "Creating"


def test_serverless_endpoint_has_no_instances(account: Account) -> None:
    account.endpoint(serverless())

    [found] = account.describe()["ProductionVariants"]

    assert found["CurrentServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    assert "CurrentInstanceCount" not in found


def test_shadow_async_and_explainer_are_shown(account: Account) -> None:
    asynchronous = {"OutputConfig": {"S3OutputPath": "s3://bucket/out"}}
    shap = {"ShapBaselineConfig": {"MimeType": "text/csv", "ShapBaseline": "1,2"}}
    explainer = {"ClarifyExplainerConfig": {"ShapConfig": shap}}
    account.endpoint(
        variant("Live"),
        ShadowProductionVariants=[variant("Shadow", instances=1)],
        AsyncInferenceConfig=asynchronous,
        ExplainerConfig=explainer,
    )

    found = account.describe()

    assert found["AsyncInferenceConfig"] == asynchronous
    assert found["ExplainerConfig"] == explainer
    assert [item["CurrentInstanceCount"] for item in found["ShadowProductionVariants"]] == [1]


def test_async_inference_cannot_be_removed(account: Account) -> None:
    account.endpoint(AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": "s3://bucket/out"}})
    account.config("churn-2")

    with refused("The AsyncInferenceConfig parameter cannot be removed from this endpoint churn"):
        account.update("churn-2")


def test_deletion_of_what_an_endpoint_runs_on_is_allowed_and_noted(account: Account) -> None:
    account.endpoint()
    account.model("model-2")
    account.config("churn-2", variant(model="model-2"))
    account.config("unused", variant(model="model-2"))

    account.sagemaker.delete_endpoint_config(EndpointConfigName="unused")
    account.update("churn-2")
    account.sagemaker.delete_endpoint_config(EndpointConfigName="churn-1")
    account.sagemaker.delete_model(ModelName="model-2")

    arn = "arn:aws:sagemaker:eu-west-1:123456789012"
    assert account.sim.deleted_while_referenced == [f"{arn}:endpoint-config/churn-1", f"{arn}:model/model-2"]


def test_endpoint_whose_live_configuration_is_gone_cannot_be_updated(account: Account) -> None:
    account.endpoint()
    account.config("churn-2")
    account.sim.plan_outcome("churn", Outcome.ROLLS_BACK_SILENTLY)
    account.update("churn-2")
    account.sim.settle()
    account.sagemaker.delete_endpoint_config(EndpointConfigName="churn-1")

    with refused(
        'Could not find endpoint configuration "arn:aws:sagemaker:eu-west-1:123456789012:endpoint-config/'
    ):
        account.update("churn-2")


def test_lists_are_filtered_sorted_and_paged(account: Account) -> None:
    account.config("churn-1")
    for name in ("a-1", "b-1", "a-2"):
        account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="churn-1")
        account.sim.advance(60)
    account.sim.advance(500)
    sagemaker = account.sagemaker

    newest = [item["EndpointName"] for item in sagemaker.list_endpoints()["Endpoints"]]
    named = sagemaker.list_endpoints(NameContains="a-", SortBy="Name", SortOrder="Ascending")["Endpoints"]
    ready = sagemaker.list_endpoints(StatusEquals="InService")["Endpoints"]
    pages = sagemaker.get_paginator("list_endpoints").paginate(PaginationConfig={"PageSize": 2})

    since = sagemaker.describe_endpoint(EndpointName="a-1")["CreationTime"] + timedelta(seconds=1)
    later = sagemaker.list_endpoints(CreationTimeAfter=since)["Endpoints"]

    assert newest == ["a-2", "b-1", "a-1"]
    assert [item["EndpointName"] for item in later] == ["a-2", "b-1"]
    assert [item["EndpointName"] for item in named] == ["a-1", "a-2"]
    assert [item["EndpointName"] for item in ready] == ["b-1", "a-1"]
    assert [len(page["Endpoints"]) for page in pages] == [2, 1]
    assert len(sagemaker.list_endpoint_configs()["EndpointConfigs"]) == 1
    assert len(sagemaker.list_models()["Models"]) == 1


def test_what_is_overdue_has_happened_when_somebody_looks(account: Account) -> None:
    account.config("churn-1")
    account.sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName="churn-1")

    account.clock.jump_to(account.clock.now() + 7200)  # nobody told the simulator

    found = account.describe()
    assert found["EndpointStatus"] == "InService"
    assert_close(found["LastModifiedTime"] - found["CreationTime"], 600)
    assert len(account.of_type(ENDPOINT_STATE)) == 2
