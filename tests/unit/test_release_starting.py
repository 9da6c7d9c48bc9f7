"""The steps that release a version: what is carried over, what changes, and that the services take all of it."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.releases.decision import Block
from stationkeeper.releases.names import is_resource_name
from stationkeeper.releases.observed import Alarm, EndpointConfig, Fleet, Model
from stationkeeper.releases.registry import ModelPackage
from stationkeeper.releases.settings import ReleaseSettings, StackDefaults
from stationkeeper.releases.starting import Release, alarms_to_be, plan_creation, plan_update
from stationkeeper.releases.steps import Action, Step

from tests.real import read_json, real_files
from tests.unit.release_builders import (
    ACCOUNT,
    ENDPOINT,
    GROUP_ARN,
    IMAGE,
    NOW,
    OTHER_GROUP_ARN,
    REGION,
    ROLE,
    STACK,
    assert_taken,
    capture,
    config,
    endpoint,
    fleet,
    model,
    package,
    package_arn,
    settings,
    start,
    variant,
)

LONG_GROUP = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/{'g' * 63}"
SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 5, "ProvisionedConcurrency": 1}
NETWORK = {"SecurityGroupIds": ["sg-12345678"], "Subnets": ["subnet-12345678"]}


def assert_sound(release: Release) -> None:
    """What holds of every release: the services take its steps, the endpoint comes last, names are SageMaker's."""
    for step in release.steps:
        assert_taken(step)
    actions = [step.action for step in release.steps]
    assert actions == [
        Action.CREATE_MODEL,
        Action.CREATE_ENDPOINT_CONFIG,
        Action.PUT_METRIC_ALARM,
        Action.PUT_METRIC_ALARM,
        *[Action.SET_ALARM_STATE] * (len(actions) - 5),
        actions[-1],
    ]
    assert actions[-1] in (Action.CREATE_ENDPOINT, Action.UPDATE_ENDPOINT)
    model_step, config_step, *alarms, last = release.steps
    reset = [step.name for step in alarms[2:]]
    assert set(reset) <= set(release.target.alarms)
    assert len(set(reset)) == len(reset)
    assert is_resource_name(model_step.name)
    assert is_resource_name(config_step.name)
    target = release.target
    assert (target.model, target.config) == (model_step.name, config_step.name)
    assert last.request["EndpointConfigName"] == target.config
    assert list(target.alarms) == [step.name for step in alarms[:2]]
    for step in release.steps[:2]:
        keys = [tag["Key"] for tag in step.request["Tags"]]
        assert len(set(keys)) == len(keys) <= 50
    assert not target.asked


def updated(
    of: Fleet | None = None,
    new: ModelPackage | None = None,
    old: ModelPackage | None = None,
    *alarms: Alarm,
    group_arn: str = GROUP_ARN,
    read: ReleaseSettings | None = None,
) -> Release:
    of = of or fleet()
    running = [
        {"VariantName": one["VariantName"], "CurrentInstanceCount": 2, "DesiredInstanceCount": 2}
        for one in of.config.variants
    ]
    release = plan_update(
        start(),
        new or package(8),
        old or package(7),
        group_arn,
        read or settings(),
        endpoint(ProductionVariants=running),
        of,
        alarms,
        NOW,
    )
    assert isinstance(release, Release)
    assert_sound(release)
    return release


def created(
    last: Fleet | None = None,
    new: ModelPackage | None = None,
    stack: StackDefaults = STACK,
    last_package: ModelPackage | None = None,
    **tags: str,
) -> Release | Block:
    release = plan_creation(
        start(update=False, running=None),
        new or package(8),
        GROUP_ARN,
        settings(stack, **tags),
        last,
        last_package,
        NOW,
    )
    if isinstance(release, Release):
        assert_sound(release)
    return release


def request(release: Release | Block, action: Action) -> dict[str, Any]:
    assert isinstance(release, Release)
    return next(dict(step.request) for step in release.steps if step.action is action)


def new_config(release: Release | Block) -> dict[str, Any]:
    return request(release, Action.CREATE_ENDPOINT_CONFIG)


def new_model(release: Release | Block) -> dict[str, Any]:
    return request(release, Action.CREATE_MODEL)


def without(document: Any, *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


def blocked(of: Fleet) -> Block:
    block = plan_update(start(), package(8), package(7), GROUP_ARN, settings(), endpoint(), of, (), NOW)
    assert isinstance(block, Block)
    assert block.advice
    assert block.version == 8
    return block


# ---------------------------------------------------------------- a live endpoint's config

EVERYTHING = config(
    "their-config",
    [
        variant(
            VolumeSizeInGB=64,
            ModelDataDownloadTimeoutInSeconds=1200,
            ContainerStartupHealthCheckTimeoutInSeconds=900,
            EnableSSMAccess=True,
            CoreDumpConfig={"DestinationS3Uri": "s3://dumps/", "KmsKeyId": "alias/dumps"},
            RoutingConfig={"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
            ManagedInstanceScaling={"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 4},
            InferenceAmiVersion="al2-ami-sagemaker-inference-gpu-2",
        )
    ],
    DataCaptureConfig=capture(),
    KmsKeyId="alias/endpoint",
    AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": "s3://answers/"}},
    ExplainerConfig={
        "ClarifyExplainerConfig": {"ShapConfig": {"ShapBaselineConfig": {"ShapBaseline": "1,2"}}}
    },
    ShadowProductionVariants=[variant("shadow", "m-shadow", InitialInstanceCount=1)],
    ExecutionRoleArn=ROLE,
    VpcConfig=NETWORK,
    EnableNetworkIsolation=True,
)


def test_clone_keeps_everything_but_the_model():
    made = new_config(updated(fleet(EVERYTHING)))

    kept = without(made, "EndpointConfigName", "ProductionVariants", "Tags")
    assert kept == without(EVERYTHING.document, "EndpointConfigName", "ProductionVariants")
    (old,), (new,) = EVERYTHING.variants, made["ProductionVariants"]
    assert without(new, "ModelName") == without(old, "ModelName")
    assert new["ModelName"] != old["ModelName"]


def as_boto3_answers(value: Any) -> Any:
    """Published answers hold nulls; boto3 leaves those members out."""
    if isinstance(value, dict):
        return {name: as_boto3_answers(inner) for name, inner in value.items() if inner is not None}
    return [as_boto3_answers(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", real_files("describe_endpoint_config/*.json"))
def test_real_config_is_cloned_whole(path):
    answer = as_boto3_answers(read_json(path))
    document = without(answer, "CreationTime", "EndpointConfigArn")
    name = answer["ProductionVariants"][0]["ModelName"]

    release = updated(fleet(EndpointConfig(answer["EndpointConfigName"], document), model(name)))

    made = new_config(release)
    assert without(made, "EndpointConfigName", "ProductionVariants", "Tags") == without(
        document, "EndpointConfigName", "ProductionVariants"
    )
    assert [without(one, "ModelName") for one in made["ProductionVariants"]] == [
        without(one, "ModelName") for one in document["ProductionVariants"]
    ]
    assert release.target.previous_config == "single-variant-config"


def test_fields_of_later_service_versions_survive():
    later = config(variants=[variant(QuantumConfig={"Qubits": 7})], TeleportConfig={"Mode": "Fast"})

    release = plan_update(
        start(), package(8), package(7), GROUP_ARN, settings(), endpoint(), fleet(later), (), NOW
    )

    made = new_config(release)
    assert made["TeleportConfig"] == {"Mode": "Fast"}
    assert made["ProductionVariants"][0]["QuantumConfig"] == {"Qubits": 7}


def test_serverless_config_is_cloned_and_goes_all_at_once():
    of = config(
        variants=[
            {
                "VariantName": "AllTraffic",
                "ModelName": "m7",
                "InitialVariantWeight": 1,
                "ServerlessConfig": SERVERLESS,
            }
        ]
    )

    release = updated(fleet(of))

    assert new_config(release)["ProductionVariants"][0]["ServerlessConfig"] == SERVERLESS
    update = request(release, Action.UPDATE_ENDPOINT)
    assert "DeploymentConfig" not in update
    assert release.target.traffic == "all at once"
    assert release.target.guarded_by == ()
    assert len(release.target.alarms) == 2  # they watch, though SageMaker heeds none


def test_update_keeps_what_was_scaled_and_is_guarded():
    release = updated(None, None, None, Alarm("their-alarm", red=False))

    update = request(release, Action.UPDATE_ENDPOINT)
    assert update["RetainAllVariantProperties"] is True
    assert "ExcludeRetainedVariantProperties" not in update
    rollback = update["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    assert [one["AlarmName"] for one in rollback] == list(release.target.guarded_by)
    made = [step.name for step in release.steps if step.action is Action.PUT_METRIC_ALARM]
    assert [one["AlarmName"] for one in rollback] == [*made, "their-alarm"]


def test_alarms_of_people_are_not_ours_to_take_away():
    release = updated(None, None, None, Alarm("their-alarm", red=False))

    assert "their-alarm" in release.target.guarded_by
    assert "their-alarm" not in release.target.alarms


def test_target_says_what_is_replaced():
    target = updated().target

    assert (target.version, target.package_arn, target.variant) == (8, package_arn(8), "blue")
    assert (target.previous_config, target.previous_model, target.previous_version) == ("c7", "m7", 7)
    assert not target.creating


# ---------------------------------------------------------------- which variant


def test_target_says_where_its_version_comes_from():
    execution = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/churn-retraining/execution/a1b2"
    registered, approved = NOW - timedelta(days=1), NOW - timedelta(hours=1)
    new = package(
        8,
        CreationTime=registered,
        LastModifiedTime=approved,
        MetadataProperties={"GeneratedBy": execution},
    )

    target = updated(new=new).target

    assert (target.registered_at, target.approved_at) == (registered, approved)
    assert target.generated_by == execution
    assert not target.falls_back
    assert target.incident == ""  # the reaction knows the thread


@pytest.mark.parametrize(("running", "falls_back"), [(None, False), (7, False), (8, False), (9, True)])
def test_target_in_place_of_a_higher_version_falls_back(running: int | None, falls_back: bool):
    release = plan_update(
        start(8, running=running), package(8), None, GROUP_ARN, settings(), endpoint(), fleet(), (), NOW
    )

    assert isinstance(release, Release)
    assert release.target.falls_back is falls_back


def test_only_the_variant_of_the_group_changes():
    both = config(variants=[variant("mine", "m7"), variant("theirs", "other", InstanceType="ml.c5.large")])
    other = model("other", 3, OTHER_GROUP_ARN)

    release = updated(fleet(both, model(), other))

    mine, theirs = new_config(release)["ProductionVariants"]
    assert theirs == both.variants[1]
    assert mine["ModelName"] == release.target.model
    assert release.target.variant == "mine"
    dimensions = request(release, Action.PUT_METRIC_ALARM)["Dimensions"]
    assert {"Name": "VariantName", "Value": "mine"} in dimensions


def test_only_variant_is_replaced_whatever_it_runs():
    release = updated(fleet(config(variants=[variant(model="by-hand")]), model("by-hand", None)))

    assert new_model(release)["PrimaryContainer"] == {"ModelPackageName": package_arn(8)}


def two(*models: Model) -> Fleet:
    return fleet(config(variants=[variant("a", models[0].name), variant("b", models[1].name)]), *models)


@pytest.mark.parametrize(
    ("of", "code"),
    [
        (two(model("x", None), model("y", None)), "ambiguous-variant"),
        (two(model("x", 3), model("y", 7)), "ambiguous-variant"),
        (two(model("x", 3, OTHER_GROUP_ARN), model("y", None)), "ambiguous-variant"),
        (fleet(config(variants=[]), model()), "ambiguous-variant"),
        (fleet(config(variants=[variant(model=None)], ExecutionRoleArn=ROLE), model()), "no-model"),
        (
            fleet(
                config(), model(container={"Mode": "MultiModel", "ModelPackageName": None, "Image": IMAGE})
            ),
            "multi-model",
        ),
    ],
    ids=[
        "none of the group",
        "both of the group",
        "of other groups",
        "no variant",
        "inference components",
        "MME",
    ],
)
def test_endpoint_that_cannot_be_changed_blocks(of: Fleet, code: str):
    assert blocked(of).code == code


def test_group_is_no_prefix_of_another():
    sibling = GROUP_ARN + "-eu"
    both = two(model("x", 7), model("y", 7, sibling))

    assert updated(both).target.variant == "a"
    assert updated(both, group_arn=sibling).target.variant == "b"


# ---------------------------------------------------------------- the model


def test_model_is_set_up_as_the_live_one():
    old = model(VpcConfig=NETWORK, EnableNetworkIsolation=True, InferenceExecutionConfig={"Mode": "Direct"})

    made = new_model(updated(fleet(None, old)))

    assert without(made, "ModelName", "Tags") == {
        "PrimaryContainer": {"ModelPackageName": package_arn(8)},
        "ExecutionRoleArn": ROLE,
        "VpcConfig": NETWORK,
        "EnableNetworkIsolation": True,
    }


@pytest.mark.parametrize(
    ("on_model", "of_old", "of_new", "carried"),
    [
        ({}, {}, {}, {}),
        ({"WORKERS": "4"}, {}, {}, {"WORKERS": "4"}),
        ({"PROGRAM": "old.py"}, {"PROGRAM": "old.py"}, {}, {}),
        (
            {"PROGRAM": "old.py", "WORKERS": "4"},
            {"PROGRAM": "old.py"},
            {"PROGRAM": "new.py"},
            {"WORKERS": "4"},
        ),
        ({"WORKERS": "4"}, {}, {"WORKERS": "8"}, {"WORKERS": "4"}),  # and that is said
        ({"WORKERS": "4"}, {"WORKERS": "2"}, {"WORKERS": "8"}, {"WORKERS": "4"}),
        ({"WORKERS": "2"}, {"WORKERS": "2"}, {"WORKERS": "8"}, {}),
        ({"WORKERS": "4"}, {"WORKERS": "2"}, {}, {"WORKERS": "4"}),
        ({}, {"PROGRAM": "old.py"}, {"PROGRAM": "new.py"}, {}),
    ],
)
def test_environment_set_on_the_model_is_carried_over(
    on_model: dict[str, str], of_old: dict[str, str], of_new: dict[str, str], carried: dict[str, str]
):
    old = model(container={"Environment": on_model} if on_model else {})

    release = updated(fleet(None, old), package(8, environment=of_new), package(7, environment=of_old))

    assert new_model(release)["PrimaryContainer"].get("Environment", {}) == carried
    said = [note.partition("=")[0] for note in release.target.notes if "carried over in place of" in note]
    assert said == sorted(carried.keys() & of_new.keys())


def test_environment_that_overrides_the_version_is_said_whole():
    old = model(container={"Environment": {"WORKERS": "4"}})

    release = updated(fleet(None, old), package(8, environment={"WORKERS": "8"}))

    assert release.target.notes == (
        "WORKERS=4, set on the live model, is carried over in place of what the version says",
    )


def test_environment_of_a_model_of_another_origin_is_its_own():
    old = model("by-hand", None, container={"Environment": {"SAGEMAKER_PROGRAM": "old.py"}})

    release = updated(fleet(config(variants=[variant(model="by-hand")]), old))

    assert "Environment" not in new_model(release)["PrimaryContainer"]


@pytest.mark.parametrize("many", [2, 5])
def test_containers_of_a_pipeline_come_with_the_version(many: int):
    old = Model("m7", {"Containers": [{"ModelPackageName": package_arn(7)}] * many, "ExecutionRoleArn": ROLE})

    assert new_model(updated(fleet(None, old)))["PrimaryContainer"] == {"ModelPackageName": package_arn(8)}


def of_two_containers() -> ModelPackage:
    return package(8, InferenceSpecification={"Containers": [{"Image": "a"}, {"Image": "b"}]})


def test_how_containers_are_called_is_kept_where_there_are_several():
    direct = model(InferenceExecutionConfig={"Mode": "Direct"})

    made = new_model(updated(fleet(None, direct), of_two_containers()))

    assert made["InferenceExecutionConfig"] == {"Mode": "Direct"}


def test_pipeline_made_by_hand_is_not_replaced_by_less():
    by_hand = Model("m7", {"Containers": [{"Image": "pre"}, {"Image": "xgb"}], "ExecutionRoleArn": ROLE})

    assert blocked(fleet(None, by_hand)).code == "pipeline"
    assert new_model(updated(fleet(None, by_hand), of_two_containers()))["ModelName"]


def test_environment_of_a_model_made_by_hand_is_not_lost_in_silence():
    by_hand = model(number=None, PrimaryContainer={"Image": "xgb", "Environment": {"WORKERS": "4"}})

    release = updated(fleet(None, by_hand))

    assert any("WORKERS" in note and "not carried over" in note for note in release.target.notes)


def test_marketplace_products_are_isolated():
    product = package(8, InferenceSpecification={"Containers": [{"ProductId": "prod-1"}]})
    made = created(new=product)

    assert isinstance(made, Release)
    assert made.steps[0].request["EnableNetworkIsolation"] is True
    assert new_model(updated(new=product))["EnableNetworkIsolation"] is True


def test_two_endpoints_that_follow_one_group_share_nothing():
    one, other = updated(), updated(read=settings(endpoint="churn-test"))

    assert not {one.target.config, one.target.model} & {other.target.config, other.target.model}


# ---------------------------------------------------------------- names


def names_of(release: Release) -> tuple[str, str]:
    return release.target.model, release.target.config


def test_same_content_has_the_same_names():
    shuffled = EndpointConfig("c7", dict(reversed(list(config().document.items()))))
    again = updated(fleet(shuffled))

    assert names_of(again) == names_of(updated())
    assert names_of(updated())[0].startswith("churn-v8-")


def test_tags_and_the_way_traffic_moves_are_no_content():
    tagged = config(Tags=[{"Key": "team", "Value": "risk"}])

    assert names_of(updated(fleet(tagged), read=settings(traffic="linear-20"))) == names_of(updated())


@pytest.mark.parametrize(
    ("release", "differ"),
    [
        (lambda: updated(new=package(9)), (True, True)),
        (lambda: updated(fleet(config(KmsKeyId="alias/other"))), (False, True)),
        (lambda: updated(fleet(config(variants=[variant(InstanceType="ml.c5.large")]))), (False, True)),
        (lambda: updated(fleet(None, model(EnableNetworkIsolation=True))), (True, True)),
        (lambda: updated(fleet(None, model(container={"Environment": {"A": "1"}}))), (True, True)),
    ],
    ids=["version", "key", "instance type", "isolation", "environment"],
)
def test_other_content_has_other_names(release: Any, differ: tuple[bool, bool]):
    pairs = zip(names_of(release()), names_of(updated()), strict=True)

    assert tuple(one != other for one, other in pairs) == differ


def test_config_of_the_version_that_runs_already_is_itself():
    """Rolled back and forth, a version ends on the config and the model it had."""
    first = updated()
    on_eight = fleet(
        EndpointConfig(first.target.config, without(new_config(first), "Tags")),
        Model(first.target.model, without(new_model(first), "Tags")),
    )
    seven = updated(on_eight, package(7), package(8))
    on_seven = fleet(
        EndpointConfig(seven.target.config, without(new_config(seven), "Tags")),
        Model(seven.target.model, without(new_model(seven), "Tags")),
    )

    assert names_of(updated(on_seven)) == names_of(first)


def test_longest_names_are_taken():
    release = updated(group_arn=LONG_GROUP, new=package(123456))

    assert all(len(name) == 63 for name in names_of(release))
    assert "-v123456-" in release.target.config


# ---------------------------------------------------------------- tags


def tags_of(release: Release, action: Action) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in request(release, action)["Tags"]}


def test_tags_are_carried_over_with_ours():
    theirs = [
        {"Key": "cost-centre", "Value": "42"},
        {"Key": "aws:cloudformation:stack-name", "Value": "x"},
        {"Key": "AWS:reserved", "Value": "x"},
        {"Key": "stationkeeper:version", "Value": "7"},
    ]

    release = updated(fleet(config(Tags=theirs), model(Tags=theirs)))

    for action in (Action.CREATE_MODEL, Action.CREATE_ENDPOINT_CONFIG):
        assert tags_of(release, action) == {
            "stationkeeper:released-to": ENDPOINT,
            "stationkeeper:group": "churn",
            "stationkeeper:version": "8",
            "cost-centre": "42",
        }
    assert "cost-centre" not in tags_of(release, Action.PUT_METRIC_ALARM)


def test_fifty_tags_are_taken():
    many = [{"Key": f"tag-{number}", "Value": ""} for number in range(50)]

    tags = tags_of(updated(fleet(config(Tags=many))), Action.CREATE_ENDPOINT_CONFIG)

    assert len(tags) == 50
    assert tags["stationkeeper:version"] == "8"


# ---------------------------------------------------------------- a new endpoint


def test_new_endpoint_is_made_of_tags_and_defaults():
    release = created(instance_type="ml.c5.xlarge", min_instances="3", capture_percentage="20")

    made = new_config(release)
    assert made["ProductionVariants"] == [
        {
            "VariantName": "AllTraffic",
            "ModelName": new_model(release)["ModelName"],
            "InstanceType": "ml.c5.xlarge",
            "InitialInstanceCount": 3,
            "InitialVariantWeight": 1.0,
        }
    ]
    assert made["DataCaptureConfig"]["InitialSamplingPercentage"] == 20
    assert made["DataCaptureConfig"]["DestinationS3Uri"].endswith(f"/{ENDPOINT}")
    assert new_model(release)["ExecutionRoleArn"] == ROLE
    assert isinstance(release, Release)
    assert release.target.creating
    assert release.target.previous_config is None
    assert release.target.guarded_by == ()


def test_tags_of_a_new_endpoint_do_not_name_a_version_it_will_outlive():
    tags = request(created(), Action.CREATE_ENDPOINT)["Tags"]

    assert [tag["Key"] for tag in tags] == ["stationkeeper:released-to", "stationkeeper:group"]


def test_stack_says_where_a_new_endpoint_stands():
    stack = replace(
        STACK,
        kms_key_arn="arn:aws:kms:eu-west-1:123456789012:key/1",
        subnets=("subnet-1",),
        security_groups=("sg-1",),
    )

    release = created(stack=stack)

    assert new_model(release)["VpcConfig"] == {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    assert new_config(release)["KmsKeyId"] == stack.kms_key_arn
    assert new_config(release)["DataCaptureConfig"]["KmsKeyId"] == stack.kms_key_arn


@pytest.mark.parametrize("half", [{"subnets": ("subnet-1",)}, {"security_groups": ("sg-1",)}])
def test_half_a_network_is_none(half: Any):
    assert "VpcConfig" not in new_model(created(stack=replace(STACK, **half)))


def test_no_capture_where_none_is_wanted():
    assert "DataCaptureConfig" not in new_config(created(capture_percentage="0"))


def test_no_role_blocks():
    block = created(stack=replace(STACK, endpoint_role_arn=""))

    assert isinstance(block, Block)
    assert (block.code, block.version) == ("no-role", 8)
    assert "ExecutionRoleArns" in block.advice


def test_single_instance_is_said():
    release = created(min_instances="1")

    assert isinstance(release, Release)
    assert any("one instance" in note for note in release.target.notes)


def test_problems_of_tags_are_said():
    release = created(bake_minutes="soon")

    assert isinstance(release, Release)
    assert any("bake-minutes=soon" in note for note in release.target.notes)


def test_deleted_endpoint_comes_back_as_it_was():
    old = model(VpcConfig=NETWORK)

    release = created(
        fleet(EVERYTHING, old), stack=replace(STACK, endpoint_role_arn=""), instance_type="ml.c5.large"
    )

    made = new_config(release)
    assert without(made, "EndpointConfigName", "ProductionVariants", "Tags") == without(
        EVERYTHING.document, "EndpointConfigName", "ProductionVariants"
    )
    assert made["ProductionVariants"][0]["InstanceType"] == "ml.m5.large"
    assert new_model(release)["VpcConfig"] == NETWORK
    assert isinstance(release, Release)
    assert "their-config" in release.target.traffic


def test_deleted_endpoint_that_cannot_be_cloned_is_made_of_tags():
    release = created(two(model("x", None), model("y", None)))

    assert [one["VariantName"] for one in new_config(release)["ProductionVariants"]] == ["AllTraffic"]


def test_deleted_endpoint_comes_back_with_the_environment_people_set():
    old = model(container={"Environment": {"WORKERS": "4", "PROGRAM": "old.py"}})
    seven = package(7, environment={"PROGRAM": "old.py"})

    release = created(fleet(None, old), package(8, environment={"WORKERS": "8"}), last_package=seven)

    assert new_model(release)["PrimaryContainer"]["Environment"] == {"WORKERS": "4"}
    assert isinstance(release, Release)
    assert any(note.startswith("WORKERS=4") for note in release.target.notes)


# ---------------------------------------------------------------- an earlier attempt at the same


def test_alarms_to_be_are_those_the_plan_makes():
    release = updated()

    assert (
        alarms_to_be(fleet(), package(8), package(7), GROUP_ARN, ENDPOINT)
        == release.target.alarms
        == tuple(step.name for step in release.steps if step.action is Action.PUT_METRIC_ALARM)
    )


def test_endpoint_that_cannot_be_changed_will_have_no_alarms():
    ambiguous = two(model("x", None), model("y", None))

    assert alarms_to_be(ambiguous, package(8), package(7), GROUP_ARN, ENDPOINT) == ()


def test_our_alarm_that_is_still_red_is_set_to_ok_before_the_endpoint_is_touched():
    errors, latency = updated().target.alarms
    theirs = Alarm("their-alarm", red=True)

    release = updated(None, None, None, Alarm(latency, red=True), Alarm(errors, red=False), theirs)

    reset, last = release.steps[-2:]
    assert (reset.action, reset.name, reset.request["StateValue"]) == (Action.SET_ALARM_STATE, latency, "OK")
    assert last.action is Action.UPDATE_ENDPOINT
    assert release.target.guarded_by == (errors, latency)
    assert [note for note in release.target.notes if "red already" in note] == [
        "the alarm their-alarm is red already and would roll the release back at once; it is left out"
    ]


def test_alarms_may_be_looked_through_only_once():
    latency = updated().target.alarms[1]
    seen = (Alarm(name, red=True) for name in (latency, "their-alarm"))

    release = plan_update(
        start(), package(8), package(7), GROUP_ARN, settings(), endpoint(), fleet(), seen, NOW
    )

    assert isinstance(release, Release)
    assert [step.name for step in release.steps if step.action is Action.SET_ALARM_STATE] == [latency]
    assert any("their-alarm" in note for note in release.target.notes)


def test_alarms_of_a_serverless_endpoint_are_reset_too():
    of = config(variants=[{"VariantName": "AllTraffic", "ModelName": "m7", "ServerlessConfig": SERVERLESS}])
    names = updated(fleet(of)).target.alarms

    release = updated(fleet(of), None, None, *(Alarm(name, red=True) for name in names))

    assert [step.name for step in release.steps if step.action is Action.SET_ALARM_STATE] == list(names)
    assert "DeploymentConfig" not in request(release, Action.UPDATE_ENDPOINT)


# ---------------------------------------------------------------- whatever the live endpoint is

texts = st.text(st.characters(codec="utf-8"), max_size=20)
documents = st.dictionaries(
    texts, st.recursive(texts | st.integers() | st.booleans(), st.lists, max_leaves=5), max_size=4
)


@given(documents, documents, st.dictionaries(texts, texts, max_size=4))
def test_nothing_of_a_config_is_lost(of_config: Any, of_variant: Any, environment: dict[str, str]):
    of = config(
        variants=[{**of_variant, **variant()}], **{k: v for k, v in of_config.items() if k.isidentifier()}
    )
    old = model(container={"Environment": environment})

    first, second = (
        plan_update(
            start(), package(8), package(7), GROUP_ARN, settings(), endpoint(), fleet(of, old), (), NOW
        )
        for _ in range(2)
    )

    assert first == second
    made = new_config(first)
    ignored = ("EndpointConfigName", "ProductionVariants", "Tags")
    assert without(made, *ignored) == without(of.document, *ignored)
    assert without(made["ProductionVariants"][0], "ModelName") == without(of.variants[0], "ModelName")
    assert new_model(first)["PrimaryContainer"].get("Environment", {}) == environment


def test_plan_is_data_that_can_be_printed():
    release = updated(fleet(EVERYTHING))

    printed = json.dumps([[step.action, dict(step.request), step.why] for step in release.steps])

    assert json.loads(printed)[-1][0] == "UpdateEndpoint"
    assert all(isinstance(step, Step) and step.name for step in release.steps)
