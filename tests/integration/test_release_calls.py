"""What each event costs: the calls of AWS, one by one. Throttling is account-wide, so each one counts."""

from collections.abc import Iterator

import pytest

from tests.release_world import ENDPOINT, ReleaseWorld, nothing_is_left, release_world
from tests.world import ACCOUNT, REGION

LOOK = ["sagemaker:ListTags", "dynamodb:GetItem", "sagemaker:ListModelPackages", "sagemaker:DescribeEndpoint"]
TOLD = ["dynamodb:PutItem", "eventbridge:PutEvents", "dynamodb:PutItem"]
SET_UP = [
    "sagemaker:DescribeModelPackage",
    "sagemaker:DescribeEndpointConfig",
    "sagemaker:DescribeModel",
    "application auto scaling:DescribeScalableTargets",
    "application auto scaling:DescribeScalingPolicies",
    "sagemaker:ListMonitoringSchedules",
]


@pytest.fixture
def system() -> Iterator[ReleaseWorld]:
    with release_world() as running:
        yield running
        nothing_is_left(running)


def calls_of_next(system: ReleaseWorld) -> list[str]:
    """Calls of the one event that waits; what follows it is not counted."""
    (body,) = system.inbox
    system.inbox.clear()
    system.calls.clear()
    assert system.invoke_release(body) == []
    return list(system.calls)


def until_an_event_waits(system: ReleaseWorld) -> None:
    while not system.inbox:
        due = system.simulator.next_due()
        assert due is not None
        system.clock.jump_to(due)
        system.simulator.run_due()
    del system.inbox[1:]  # SageMaker says it more than once


def released(system: ReleaseWorld) -> None:
    system.group()
    system.approved()
    system.settle()


def test_a_registration(system: ReleaseWorld) -> None:
    released(system)
    system.register()

    assert calls_of_next(system) == [
        *LOOK,
        "sagemaker:ListModelPackages",
        "sagemaker:DescribeModelPackage",
        "sagemaker:DescribeModelPackage",
        *TOLD,
    ]


def test_an_approval_that_creates(system: ReleaseWorld) -> None:
    system.group()
    first = system.register()
    system.pump()
    system.approve(first)

    assert calls_of_next(system) == [
        *LOOK,
        "sagemaker:DescribeModelPackage",
        "dynamodb:PutItem",
        "sagemaker:CreateModel",
        "sagemaker:CreateEndpointConfig",
        "cloudwatch:PutMetricAlarm",
        "cloudwatch:PutMetricAlarm",
        "sagemaker:CreateEndpoint",
        *TOLD,
    ]


def test_an_approval_that_updates(system: ReleaseWorld) -> None:
    released(system)
    second = system.register()
    system.pump()
    system.approve(second)

    assert calls_of_next(system) == [
        *LOOK,
        "sagemaker:DescribeModelPackage",
        "sagemaker:DescribeEndpointConfig",
        "sagemaker:DescribeModel",
        "sagemaker:DescribeModelPackage",
        "sagemaker:ListTags",
        "sagemaker:ListTags",
        "resource groups tagging api:GetResources",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricStatistics",
        "dynamodb:PutItem",
        "sagemaker:CreateModel",
        "sagemaker:CreateEndpointConfig",
        "cloudwatch:PutMetricAlarm",
        "cloudwatch:PutMetricAlarm",
        "sagemaker:UpdateEndpoint",
        *TOLD,
    ]


EXECUTION = {
    "MetadataProperties": {
        "GeneratedBy": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/churn-retraining/execution/a1b2c3d4e5f6"
    }
}


def test_version_of_a_pipeline_execution_costs_one_read_more(system: ReleaseWorld) -> None:
    system.group()
    first = system.register(**EXECUTION)

    asked = calls_of_next(system)
    system.approve(first)
    created = calls_of_next(system)

    assert asked == [
        *LOOK,
        "sagemaker:ListModelPackages",
        "sagemaker:DescribeModelPackage",
        "dynamodb:GetItem",
        *TOLD,
    ]
    assert created[: len(LOOK) + 3] == [
        *LOOK,
        "sagemaker:DescribeModelPackage",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
    ]
    assert len(created) == 15


def test_version_of_a_job_costs_no_read(system: ReleaseWorld) -> None:
    job = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/churn-2026"
    system.group()
    first = system.register(MetadataProperties={"GeneratedBy": job})
    system.pump()
    system.approve(first)

    assert len(calls_of_next(system)) == 14


def test_its_event_in_service(system: ReleaseWorld) -> None:
    released(system)
    system.approved()
    system.pump()
    until_in_service(system)

    again = [
        "sagemaker:ListTags",
        "dynamodb:GetItem",
        "sagemaker:ListModelPackages",
        "sagemaker:DescribeEndpoint",
    ]
    assert calls_of_next(system) == ["dynamodb:GetItem", *LOOK, *SET_UP, *TOLD, *again]


def until_in_service(system: ReleaseWorld) -> None:
    while True:
        until_an_event_waits(system)
        if system.endpoint()["EndpointStatus"] == "InService":
            return
        system.inbox.clear()


def test_its_event_after_a_rollback(system: ReleaseWorld) -> None:
    from embedded_aws.moto_additions.sagemaker import Outcome

    released(system)
    system.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK)
    system.approved()
    system.pump()
    until_in_service(system)

    assert calls_of_next(system) == [
        "dynamodb:GetItem",
        *LOOK,
        "cloudwatch:DescribeAlarms",
        "sagemaker:UpdateModelPackage",
        *TOLD,
        *LOOK,
    ]
    system.settle()  # our own rejection is announced, too


def test_a_duplicate_when_all_is_settled(system: ReleaseWorld) -> None:
    released(system)
    second = system.register()
    system.approve(second)
    duplicate = system.inbox[-1]
    system.settle()
    system.inbox.append(duplicate)

    assert calls_of_next(system) == LOOK


def test_an_event_while_sagemaker_is_at_work(system: ReleaseWorld) -> None:
    released(system)
    system.approved()
    duplicate = system.inbox[-1]
    system.pump()
    system.inbox.append(duplicate)

    assert calls_of_next(system) == LOOK


def test_an_endpoint_nobody_manages(system: ReleaseWorld) -> None:
    system.user_endpoint(name="theirs")
    system.simulator.disturb()
    system.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="theirs",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}],
    )
    until_an_event_waits(system)

    assert calls_of_next(system) == ["dynamodb:GetItem"]


def test_a_group_nobody_manages(system: ReleaseWorld) -> None:
    system.group(endpoint=None)
    system.register()

    assert calls_of_next(system) == ["sagemaker:ListTags"]


def test_a_sweep_over_three_groups_at_rest(system: ReleaseWorld) -> None:
    for name in ("one", "two", "three"):
        system.group(name, endpoint=f"{name}-prod")
        system.approved(name)
    system.settle()
    system.sweep()
    system.calls.clear()

    assert system.invoke_sweep() == []
    assert system.calls == [
        "resource groups tagging api:GetResources",
        "resource groups tagging api:GetResources",
        "sqs:SendMessageBatch",  # to release
        "sqs:SendMessageBatch",  # to alarm_response
        *["dynamodb:GetItem"] * 3,  # is anything to be tidied?
        # Of multi-model endpoints: groups, jobs of the last day, endpoints that models are published to. There are none.
        "resource groups tagging api:GetResources",
        "sagemaker:Search",
        "dynamodb:Query",
    ]
    system.calls.clear()
    system.pump()
    # Whether a version waits for approval is asked too.
    assert system.calls == [*LOOK, *SET_UP, "sagemaker:ListModelPackages"] * 3
