"""Endpoints somebody made: an update changes the model and nothing else."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.release_world import (
    BUCKET,
    ENDPOINT,
    IMAGE,
    ROLE,
    ReleaseWorld,
    nothing_is_left,
    release_world,
    variant,
)
from tests.world import ACCOUNT, REGION

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234"
CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 30,
    "DestinationS3Uri": f"s3://{BUCKET}/my-capture",
    "KmsKeyId": KEY,
    "CaptureOptions": [{"CaptureMode": "Output"}],
    "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
}


@pytest.fixture
def system() -> Iterator[ReleaseWorld]:
    with release_world() as running:
        yield running
        nothing_is_left(running)


def carried_over(system: ReleaseWorld, before: dict[str, Any]) -> None:
    """The live config is the one before but for the released model's name."""
    ours = {"EndpointConfigName", "EndpointConfigArn", "CreationTime", "ResponseMetadata"}
    after = system.config()

    def rest(config: dict[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in config.items() if name not in ours}
        variants = kept["ProductionVariants"]
        kept["ProductionVariants"] = [
            {k: v for k, v in one.items() if k != "ModelName" or one["VariantName"] != "AllTraffic"}
            for one in variants
        ]
        return kept

    assert after["EndpointConfigName"] != before["EndpointConfigName"]
    assert rest(after) == rest(before)


@pytest.mark.parametrize(
    ("config", "of_variant"),
    [
        ({"DataCaptureConfig": CAPTURE, "KmsKeyId": KEY}, {}),
        (
            {},
            {
                "VolumeSizeInGB": 40,
                "ModelDataDownloadTimeoutInSeconds": 900,
                "ContainerStartupHealthCheckTimeoutInSeconds": 600,
                "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
            },
        ),
        (
            {
                "AsyncInferenceConfig": {
                    "OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/async", "KmsKeyId": KEY}
                }
            },
            {},
        ),
        ({}, {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}),
        (
            {
                "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
                "EnableNetworkIsolation": True,
                "ExecutionRoleArn": ROLE,
            },
            {},
        ),
    ],
    ids=["capture and key", "variant's limits", "async", "serverless", "network"],
)
def test_an_update_clones_the_live_config(
    system: ReleaseWorld, config: dict[str, Any], of_variant: dict[str, Any]
) -> None:
    system.group()
    system.model("old")
    system.user_endpoint(variant("old", **of_variant), **config)
    before = system.config()
    system.approved()
    system.settle()

    assert system.live_version() == 1
    carried_over(system, before)
    assert system.told()[-1].startswith("[OK] version 1 in service")


def test_a_shadow_variant_stays(system: ReleaseWorld) -> None:
    system.group()
    system.model("old")
    system.model("candidate")
    system.user_endpoint(variant("old"), ShadowProductionVariants=[variant("candidate", name="Shadow")])
    before = system.config()
    system.approved()
    system.settle()

    assert system.live_version() == 1
    carried_over(system, before)
    assert system.config()["ShadowProductionVariants"][0]["ModelName"] == "candidate"


def test_of_two_variants_only_the_one_that_runs_the_group_changes(system: ReleaseWorld) -> None:
    system.group()
    first = system.register()
    system.model("champion", PrimaryContainer={"ModelPackageName": first})
    system.model("other")
    system.user_endpoint(variant("champion"), variant("other", name="Other"))
    before = system.config()
    system.approved()
    system.settle()

    assert system.live_version() == 2
    carried_over(system, before)
    assert system.config()["ProductionVariants"][1]["ModelName"] == "other"


def test_two_variants_of_other_origin_are_ambiguous(system: ReleaseWorld) -> None:
    system.group()
    system.model("one")
    system.model("other")
    system.user_endpoint(variant("one"), variant("other", name="Other"))
    system.approved()
    system.settle()

    assert system.told() == ["[WARNING] version 1 not released, unclear to which variant"]
    assert system.endpoint()["EndpointConfigName"] == "handmade"


def test_instances_and_weights_that_changed_at_run_time_survive(system: ReleaseWorld) -> None:
    system.group()
    system.user_endpoint()
    system.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=ENDPOINT,
        DesiredWeightsAndCapacities=[
            {"VariantName": "AllTraffic", "DesiredInstanceCount": 5, "DesiredWeight": 0.5}
        ],
    )
    system.settle()
    system.approved()
    system.settle()

    (running,) = system.endpoint()["ProductionVariants"]
    assert system.live_version() == 1
    assert (running["CurrentInstanceCount"], running["CurrentWeight"]) == (5, 0.5)


def test_one_instance_is_updated_all_at_once(system: ReleaseWorld) -> None:
    system.group()
    system.model("old")
    system.user_endpoint(variant("old", count=1))
    system.approved()
    system.settle()

    assert system.live_version() == 1


def test_what_was_set_on_the_live_model_stays(system: ReleaseWorld) -> None:
    system.group()
    network = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}
    system.model(
        "old", VpcConfig=network, EnableNetworkIsolation=True, Tags=[{"Key": "cost-centre", "Value": "42"}]
    )
    system.user_endpoint(variant("old"))
    system.approved()
    system.settle()

    name = system.config()["ProductionVariants"][0]["ModelName"]
    model = system.sagemaker.describe_model(ModelName=name)
    assert (model["VpcConfig"], model["EnableNetworkIsolation"]) == (network, True)
    tags = system.sagemaker.list_tags(ResourceArn=model["ModelArn"])["Tags"]
    assert {"Key": "cost-centre", "Value": "42"} in tags
    assert {"Key": "stationkeeper:version", "Value": "1"} in tags


def test_an_endpoint_somebody_made_keeps_its_scaling(system: ReleaseWorld) -> None:
    system.group()
    system.user_endpoint()
    system.approved()
    system.settle()

    assert system.autoscaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []


def test_a_tag_brings_scaling_to_it(system: ReleaseWorld) -> None:
    system.group(max_instances="8")
    system.user_endpoint()
    system.approved()
    system.settle()

    (bounds,) = system.autoscaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert (bounds["MinCapacity"], bounds["MaxCapacity"]) == (2, 8)


def test_a_multi_model_endpoint_is_not_touched(system: ReleaseWorld) -> None:
    system.group()
    system.model(
        "many",
        PrimaryContainer={"Image": IMAGE, "Mode": "MultiModel", "ModelDataUrl": f"s3://{BUCKET}/many/"},
    )
    system.user_endpoint(variant("many"))
    system.approved()
    system.settle()
    system.sweep()

    assert system.endpoint()["EndpointConfigName"] == "handmade"
    assert system.told() == ["[WARNING] version 1 not released, it is a multi-model endpoint"]


# ---------------------------------------------------------------- what others do meanwhile


def test_a_config_somebody_put_on_the_endpoint_is_replaced_by_its_clone(system: ReleaseWorld) -> None:
    system.group()
    system.approved()
    system.settle()
    system.model("old")
    system.user_config("theirs", variant("old"), KmsKeyId=KEY)
    system.told()
    system.sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName="theirs")
    system.settle()

    assert system.live_version() == 1
    assert system.config()["KmsKeyId"] == KEY
    assert system.told()[0] == "[INFO] releasing version 1"


def test_the_approved_version_on_a_config_somebody_made_is_taken_as_it_is(system: ReleaseWorld) -> None:
    system.group()
    first = system.approved()
    system.settle()
    system.model("same", PrimaryContainer={"ModelPackageName": first})
    system.user_config("theirs", variant("same", VolumeSizeInGB=50))
    system.told()
    system.sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName="theirs")
    system.settle()

    assert system.endpoint()["EndpointConfigName"] == "theirs"
    assert system.told() == []
    second = system.approved()
    system.settle()
    assert system.config()["ProductionVariants"][0]["VolumeSizeInGB"] == 50
    system.reject(second)
    system.settle()
    assert system.live_version() == 1


def test_our_update_waits_for_the_one_of_somebody_else(system: ReleaseWorld) -> None:
    system.group()
    system.approved()
    system.settle()
    system.told()
    system.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=ENDPOINT,
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}],
    )
    system.approved()
    system.pump()
    assert system.told() == []
    system.settle()

    assert system.live_version() == 2
    assert system.endpoint()["ProductionVariants"][0]["CurrentInstanceCount"] == 3
    assert system.told() == [
        "[INFO] releasing version 2, replacing 1",
        "[OK] version 2 in service after 28 minutes",
    ]


def test_somebody_is_faster_between_our_look_and_our_update(system: ReleaseWorld) -> None:
    system.group()
    system.approved()
    system.settle()
    system.told()

    def scale(call: str) -> None:
        if call == "sagemaker:CreateEndpointConfig":
            system.sagemaker.update_endpoint_weights_and_capacities(
                EndpointName=ENDPOINT,
                DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 4}],
            )
            system.after_each_call = None

    system.after_each_call = scale
    system.approved()
    system.settle()

    assert system.live_version() == 2
    assert system.told() == [
        "[INFO] releasing version 2, replacing 1",
        "[OK] version 2 in service after 28 minutes",
    ]


def test_an_endpoint_that_was_deleted_comes_back_with_the_sweep_as_it_was(system: ReleaseWorld) -> None:
    system.group()
    system.model("old")
    system.user_endpoint(variant("old", VolumeSizeInGB=50), DataCaptureConfig=CAPTURE)
    system.approved()
    system.settle()
    before = system.config()
    system.told()

    system.sagemaker.delete_endpoint(EndpointName=ENDPOINT)
    system.settle()
    system.sweep()
    system.settle()

    assert system.config() | {"ResponseMetadata": 0} == before | {"ResponseMetadata": 0}
    assert system.told() == [
        "[INFO] creating the endpoint with version 1",
        "[OK] version 1 in service after 10 minutes",
    ]


@pytest.mark.parametrize("gone", ["config", "model"])
def test_what_serves_was_deleted_by_somebody(system: ReleaseWorld, gone: str) -> None:
    system.group()
    system.approved()
    system.settle()
    config = system.config()
    model = config["ProductionVariants"][0]["ModelName"]
    system.told()
    if gone == "config":
        system.sagemaker.delete_endpoint_config(EndpointConfigName=config["EndpointConfigName"])
    else:
        system.sagemaker.delete_model(ModelName=model)
    system.simulator.deleted_while_referenced.clear()  # it was not us
    system.sweep()
    system.approved()
    system.settle()
    system.sweep()

    # Once when the sweep finds it, once more for the version that cannot be released because of it.
    told = [subject for subject in system.told() if "waits" not in subject]
    assert told == ["[WARNING] its live config or model was deleted"] * 2
    assert system.endpoint()["EndpointStatus"] == "InService"
