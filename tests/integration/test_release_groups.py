"""Which group an endpoint is released from: tags, rivals, groups that are gone, groups of another account."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from embedded_aws.moto_additions.sagemaker import Outcome

from tests.release_world import (
    ENDPOINT,
    GROUP,
    GROUP_ARN,
    ReleaseWorld,
    nothing_is_left,
    release_world,
    variant,
)
from tests.world import REGION

RIVAL = "[WARNING] two model package groups claim the endpoint"
OTHERS = "999999999999"
FOLLOW = "stationkeeper:model-package-group"
THEIR_GROUP = f"arn:aws:sagemaker:{REGION}:{OTHERS}:model-package-group/shared"


@pytest.fixture
def system() -> Iterator[ReleaseWorld]:
    with release_world() as running:
        yield running
        nothing_is_left(running)


# ---------------------------------------------------------------- taking part


def test_a_group_without_the_tag_is_left_alone(system: ReleaseWorld) -> None:
    system.group(endpoint=None)
    system.approved()
    system.settle()
    system.sweep()

    assert system.sagemaker.list_endpoints()["Endpoints"] == []
    assert system.told() == []


def test_a_group_that_is_tagged_later_is_found_by_the_sweep(system: ReleaseWorld) -> None:
    system.group(endpoint=None)
    system.approved()
    system.settle()
    system.tag(endpoint=ENDPOINT)
    system.sweep()
    system.settle()

    assert system.live_version() == 1


def test_without_the_tag_any_more_nothing_is_released(system: ReleaseWorld) -> None:
    system.group()
    system.approved()
    system.settle()
    system.told()
    system.sagemaker.delete_tags(ResourceArn=GROUP_ARN, TagKeys=["stationkeeper:endpoint"])
    system.approved()
    system.settle()
    system.sweep()

    assert system.live_version() == 1
    assert system.told() == []


def test_an_endpoint_tag_that_is_no_name_is_told_once_a_day(system: ReleaseWorld) -> None:
    system.group(endpoint="churn prod!")
    system.approved()
    system.settle()
    system.sweep()
    system.sweep()
    subject = "[WARNING] churn: model package group has no usable endpoint tag"
    assert system.told() == [subject]

    system.advance(25 * 3600)
    system.sweep()
    assert system.told() == [subject]
    system.tag(endpoint=ENDPOINT)
    system.sweep()
    system.settle()
    assert system.live_version() == 1


def test_other_tags_that_cannot_be_read_are_told_with_the_release(system: ReleaseWorld) -> None:
    system.group(traffic="sometimes", min_instances="many")
    system.approved()
    system.pump()

    (mail,) = system.read_mail()
    assert "stationkeeper:traffic=sometimes" in mail["body"]
    assert "stationkeeper:min-instances=many" in mail["body"]


# ---------------------------------------------------------------- two groups


def two_groups(system: ReleaseWorld) -> str:
    """`churn` is released to the endpoint; `other` is tagged for it too. Returns the ARN of its approved version 2."""
    system.group()
    system.approved()
    system.settle()
    system.told()
    system.group("other")
    system.register("other")
    rival = system.register("other")
    system.approve(rival)
    return rival


def test_the_group_that_was_there_first_keeps_the_endpoint(system: ReleaseWorld) -> None:
    two_groups(system)
    system.settle()

    assert system.told() == [RIVAL]
    assert system.live_version() == 1
    assert system.config()["ProductionVariants"][0]["ModelName"].startswith("churn-v1")


def test_the_rival_does_not_take_over_at_its_next_event(system: ReleaseWorld) -> None:
    rival = two_groups(system)
    system.settle()
    assert system.told() == [RIVAL]

    system.approve(rival)
    system.settle()
    system.sweep()
    system.settle()

    assert system.config()["ProductionVariants"][0]["ModelName"].startswith("churn-v1")
    assert system.told() == []


def test_two_groups_are_told_once_a_day(system: ReleaseWorld) -> None:
    two_groups(system)
    system.settle()
    for _ in range(5):
        system.advance(3600)
        system.sweep()
        system.settle()

    assert system.told() == [RIVAL]
    assert system.config()["ProductionVariants"][0]["ModelName"].startswith("churn-v1")


def test_the_endpoint_is_handed_over_by_its_tag(system: ReleaseWorld) -> None:
    two_groups(system)
    system.sagemaker.delete_tags(ResourceArn=GROUP_ARN, TagKeys=["stationkeeper:endpoint"])
    system.settle()
    system.sweep()
    system.settle()

    assert system.config()["ProductionVariants"][0]["ModelName"].startswith("other-v2")
    assert system.told()[-1].startswith("[OK] version 2 in service")


def test_what_was_rolled_back_in_one_group_is_not_barred_in_another(system: ReleaseWorld) -> None:
    system.group()
    system.approved()
    system.settle()
    system.group("other", endpoint=None)
    system.approved("other")
    system.approved("other")
    system.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK)
    system.approved()  # version 2 of churn
    system.settle()

    system.sagemaker.delete_tags(ResourceArn=GROUP_ARN, TagKeys=["stationkeeper:endpoint"])
    system.tag(GROUP_ARN.replace(GROUP, "other"), endpoint=ENDPOINT)
    system.sweep()
    system.settle()

    assert system.config()["ProductionVariants"][0]["ModelName"].startswith("other-v2")


def test_approval_is_asked_for_in_the_next_group_too(system: ReleaseWorld) -> None:
    system.group()
    for _ in range(3):
        system.register()
    system.settle()
    system.told()
    system.sagemaker.delete_tags(ResourceArn=GROUP_ARN, TagKeys=["stationkeeper:endpoint"])
    system.group("other")
    system.register("other")
    system.settle()

    assert system.told() == ["[INFO] version 1 of other waits for approval"]


def test_a_group_that_was_deleted_leaves_the_endpoint(system: ReleaseWorld) -> None:
    system.group()
    first = system.approved()
    system.settle()
    system.told()
    system.sagemaker.delete_model_package(ModelPackageName=first)
    system.sagemaker.delete_model_package_group(ModelPackageGroupName=GROUP)
    for _ in range(2):
        system.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=ENDPOINT,
            DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}],
        )
        system.settle()
        system.sweep()

    assert system.told() == ["[WARNING] its model package group does not exist any more"]
    assert system.endpoint()["EndpointStatus"] == "InService"


# ---------------------------------------------------------------- another account


def their_account() -> Any:
    """SageMaker of the account that keeps the registry."""
    role = boto3.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{OTHERS}:role/registry", RoleSessionName="test"
    )
    keys = role["Credentials"]
    return boto3.client(
        "sagemaker",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def following(system: ReleaseWorld) -> None:
    """An endpoint that follows a group of another account."""
    their_account().create_model_package_group(ModelPackageGroupName="shared")
    system.model("old")
    system.user_endpoint(variant("old"), tags=[{"Key": FOLLOW, "Value": THEIR_GROUP}])


def test_an_endpoint_follows_a_group_of_another_account_by_its_own_tag(system: ReleaseWorld) -> None:
    following(system)
    first = system.approved(THEIR_GROUP)
    assert f":{OTHERS}:" in first
    system.settle()

    assert system.live_version() == 1
    assert system.told()[-1].startswith("[OK] version 1 in service")
    system.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK)
    second = system.approved(THEIR_GROUP)
    system.settle()
    assert system.live_version() == 1
    assert system.status(second) == "Rejected"


def test_what_it_missed_the_sweep_finds(system: ReleaseWorld) -> None:
    following(system)
    system.simulator.disturb(drop=True)
    system.approved(THEIR_GROUP)
    system.sweep()
    system.settle()
    system.sweep()

    assert system.live_version() == 1
    assert system.told()[-1].startswith("[OK] version 1 in service")


def test_without_its_tag_it_follows_no_more(system: ReleaseWorld) -> None:
    following(system)
    system.approved(THEIR_GROUP)
    system.settle()
    system.told()
    system.sagemaker.delete_tags(ResourceArn=system.endpoint()["EndpointArn"], TagKeys=[FOLLOW])
    system.model("mine")
    system.user_config("mine", variant("mine"))
    system.sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName="mine")
    system.settle()

    assert system.endpoint()["EndpointConfigName"] == "mine"
    assert system.told() == []
