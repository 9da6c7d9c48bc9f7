"""Endpoints, models and fleets, as SageMaker describes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.releases.observed import Model, State

from tests.unit.release_builders import (
    GROUP_ARN,
    OTHER_GROUP_ARN,
    VARIANT,
    config,
    endpoint,
    fleet,
    model,
    package_arn,
    variant,
)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("InService", State.IN_SERVICE),
        ("Failed", State.FAILED),
        ("UpdateRollbackFailed", State.MIXED),
        ("OutOfService", State.OUT_OF_SERVICE),
        *(
            (busy, State.BUSY)
            for busy in ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting", "New")
        ),
    ],
)
def test_status_says_what_may_be_done(status: str, state: State):
    assert endpoint(status=status).state is state


@given(st.text(max_size=30))
def test_status_nobody_knows_is_taken_for_busy(status: str):
    assert endpoint(status=status).state in State


@pytest.mark.parametrize(
    ("current", "desired", "counted"),
    [(2, 2, 2), (1, 4, 1), (4, 1, 1), (0, 2, 2), (0, 0, None), (None, None, None), (None, 3, 3)],
)
def test_instances_are_counted_low(current: int | None, desired: int | None, counted: int | None):
    seen = endpoint(
        ProductionVariants=[
            {"VariantName": VARIANT, "CurrentInstanceCount": current, "DesiredInstanceCount": desired}
        ]
    )

    assert seen.instances(VARIANT) == counted
    assert seen.instances("other") is None


def test_config_that_comes_is_known():
    assert endpoint(PendingDeploymentSummary={"EndpointConfigName": "c8"}).pending_config == "c8"
    assert endpoint(PendingDeploymentSummary=None).pending_config is None
    assert endpoint(ProductionVariants=None).instances(VARIANT) is None


@pytest.mark.parametrize(
    ("containers", "arn"),
    [
        ([{"ModelPackageName": package_arn(7)}], package_arn(7)),
        ([{"ModelPackageName": package_arn(7)}] * 2, package_arn(7)),
        ([{"ModelPackageName": package_arn(7)}, {"ModelPackageName": package_arn(8)}], None),
        ([{"Image": "i"}], None),
        ([], None),
    ],
)
def test_version_a_model_is_made_of(containers: list[dict[str, str]], arn: str | None):
    assert Model("m", {"Containers": containers}).package_arn == arn


@pytest.mark.parametrize(
    ("group", "version"),
    [
        (GROUP_ARN, 7),
        (GROUP_ARN.upper().replace(":MODEL-PACKAGE-GROUP/", ":model-package-group/"), 7),
        (OTHER_GROUP_ARN, None),
    ],
)
def test_version_of_the_group_that_is_live(group: str, version: int | None):
    assert fleet().version(group) == version


def test_group_whose_name_begins_like_another_is_another():
    sibling = GROUP_ARN + "-eu"

    assert fleet(None, model("m7", 7, sibling)).version(GROUP_ARN) is None
    assert fleet(None, model("m7", 7, GROUP_ARN)).version(sibling) is None


def test_variant_without_a_model_runs_no_version():
    assert fleet(config(variants=[variant(model=None)])).version(GROUP_ARN) is None
    assert fleet(config(variants=[])).released_variant(GROUP_ARN) is None
