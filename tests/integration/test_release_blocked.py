"""What stops a release, and what a person has to do: told once, tried again."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from embedded_aws.moto_additions.sagemaker import Outcome

from tests.release_world import ENDPOINT, ReleaseWorld, headline, nothing_is_left, release_world, variant

FAILED = "[CRITICAL] endpoint has failed and serves nothing"
MIXED = "[CRITICAL] update failed, old and new instances serve"


@pytest.fixture
def system() -> Iterator[ReleaseWorld]:
    with release_world() as running:
        yield running
        nothing_is_left(running)


def released(system: ReleaseWorld) -> str:
    system.group()
    first = system.approved()
    system.settle()
    system.told()
    return first


def sweeps(system: ReleaseWorld, hours: int) -> None:
    for _ in range(hours):
        system.advance(3600)
        system.sweep()
        system.settle()


# ---------------------------------------------------------------- the endpoint


def test_a_creation_that_failed_is_told_once_and_made_anew_once_it_is_deleted(system: ReleaseWorld) -> None:
    system.group()
    system.simulator.plan_outcome(ENDPOINT, Outcome.FAILS)
    system.approved()
    system.settle()
    sweeps(system, 3)
    assert system.told() == ["[INFO] creating the endpoint with version 1", FAILED]

    system.sagemaker.delete_endpoint(EndpointName=ENDPOINT)
    system.settle()
    system.sweep()
    system.settle()

    assert system.live_version() == 1
    assert system.told()[-1] == "[OK] version 1 in service after 10 minutes"


def test_an_update_that_failed_is_told_once(system: ReleaseWorld) -> None:
    released(system)
    system.simulator.plan_outcome(ENDPOINT, Outcome.FAILS)
    system.approved()
    system.settle()
    sweeps(system, 3)
    system.approved()
    system.settle()

    assert system.endpoint()["EndpointStatus"] == "Failed"
    assert [
        subject for subject in system.told() if "releasing" not in subject and "waits" not in subject
    ] == [FAILED]


def test_a_rollback_that_failed_is_told_and_goes_on_when_somebody_mended_it(system: ReleaseWorld) -> None:
    released(system)
    system.simulator.plan_outcome(ENDPOINT, Outcome.UPDATE_ROLLBACK_FAILED)
    second = system.approved()
    system.settle()
    sweeps(system, 3)
    assert system.endpoint()["EndpointStatus"] == "UpdateRollbackFailed"
    assert system.told() == ["[INFO] releasing version 2, replacing 1", MIXED]

    live = system.endpoint()["EndpointConfigName"]
    system.sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName=live)
    system.settle()

    assert system.status(second) == "Rejected"
    assert system.live_version() == 1
    assert system.told() == ["[CRITICAL] version 2 rolled back, version 1 serves"]


def test_without_a_role_no_endpoint_is_made(system: ReleaseWorld) -> None:
    import os

    os.environ["EXECUTION_ROLE_ARNS"] = ""
    system.start_containers()
    system.group()
    system.approved()
    system.settle()
    system.sweep()

    assert system.told() == ["[WARNING] no role to create the endpoint with"]


# ---------------------------------------------------------------- what AWS refuses


def denied(operation: str, code: str = "AccessDeniedException") -> Any:
    def deny(**_: Any) -> None:
        raise ClientError(
            {
                "Error": {
                    "Code": code,
                    "Message": f"User: role/release is not authorized to perform: {operation}",
                }
            },
            operation,
        )

    return deny


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("sagemaker", "CreateModel"),
        ("sagemaker", "CreateEndpointConfig"),
        ("sagemaker", "UpdateEndpoint"),
        ("cloudwatch", "PutMetricAlarm"),
    ],
)
def test_a_denied_call_is_told_once_and_tried_again_by_the_next_sweep(
    system: ReleaseWorld, service: str, operation: str
) -> None:
    released(system)
    with system.hooked(service, f"before-call.*.{operation}", denied(operation)):
        system.approved()
        system.settle()
        sweeps(system, 3)
    assert [s for s in system.told() if "waits" not in s] == ["[WARNING] version 2 not released, AWS refused"]
    assert system.live_version() == 1

    system.sweep()
    system.settle()

    assert system.live_version() == 2
    assert system.told() == [
        "[INFO] releasing version 2, replacing 1",
        "[OK] version 2 in service after 28 minutes",
    ]


def test_a_denied_role_says_which_parameter_to_set(system: ReleaseWorld) -> None:
    released(system)
    with system.hooked("sagemaker", "before-call.*.CreateModel", denied("iam:PassRole on resource: role/x")):
        system.approved()
        system.settle()
    (mail,) = system.read_mail()
    assert "ExecutionRoleArns" in mail["body"]


def test_a_version_that_cannot_be_rejected_is_not_tried_again(system: ReleaseWorld) -> None:
    released(system)
    system.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK)
    with system.hooked(
        "sagemaker", "before-call.*.UpdateModelPackage", denied("sagemaker:UpdateModelPackage")
    ):
        second = system.approved()
        system.settle()
        sweeps(system, 3)
    *_, mail = system.read_mail()
    assert "could NOT reject version 2" in mail["body"]
    assert (system.status(second), system.live_version()) == ("Approved", 1)

    system.reject(second)  # as the message asks
    system.settle()
    assert (system.told(), system.live_version()) == ([], 1)
    system.approve(second)  # once more, on purpose
    system.settle()
    assert system.live_version() == 2


def test_autoscaling_that_is_denied_does_not_take_the_version_back(system: ReleaseWorld) -> None:
    system.group()
    with system.hooked(
        "application-autoscaling", "before-call.*.RegisterScalableTarget", denied("RegisterScalableTarget")
    ):
        system.approved()
        system.settle()
        sweeps(system, 3)
    _, serves, *more = system.read_mail()
    assert headline(serves) == "[OK] churn-prod: version 1 in service after 10 minutes"
    assert "RegisterScalableTarget" in serves["body"]
    assert [headline(mail).partition(": ")[2] for mail in more] == [
        "version 1 serves, but not all could be set up"
    ]

    system.sweep()
    assert system.autoscaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert system.told() == []


def test_a_name_somebody_else_used_is_refused(system: ReleaseWorld) -> None:
    """A config of ours, changed by somebody: deleted and made again otherwise."""
    released(system)
    second = system.register()
    system.approve(second)
    system.pump()
    pending = system.endpoint()["PendingDeploymentSummary"]["EndpointConfigName"]
    system.settle()
    system.reject(second)
    system.settle()
    assert system.live_version() == 1
    model = system.sagemaker.describe_endpoint_config(EndpointConfigName=pending)["ProductionVariants"][0][
        "ModelName"
    ]
    system.sagemaker.delete_endpoint_config(EndpointConfigName=pending)
    system.user_config(pending, variant(model, count=7))
    system.told()
    system.approve(second)
    system.settle()

    (mail,) = system.read_mail()
    assert headline(mail) == "[WARNING] churn-prod: version 2 not released, AWS refused"
    assert "something else has this name" in mail["body"]


def test_a_live_config_that_somebody_deleted_is_told_by_the_sweep_once_a_day(system: ReleaseWorld) -> None:
    released(system)
    system.told()
    system.sagemaker.delete_endpoint_config(EndpointConfigName=system.endpoint()["EndpointConfigName"])
    system.simulator.deleted_while_referenced.clear()  # it was not us

    sweeps(system, 3)

    (mail,) = system.read_mail()
    assert mail["attributes"]["kind"] == "ReleaseBlocked"
    assert "was deleted" in mail["body"]
    system.advance(24 * 3600)
    system.sweep()
    assert len(system.read_mail()) == 1


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalFailure", "ServiceUnavailable"])
def test_a_passing_fault_is_nobodys_business(system: ReleaseWorld, code: str) -> None:
    released(system)
    system.approved()
    with system.hooked("sagemaker", "before-call.*.UpdateEndpoint", denied("UpdateEndpoint", code)):
        body = system.inbox.pop()
        assert system.invoke_release(body) == ["0"]
    system.inbox.append(body)
    system.settle()

    assert system.live_version() == 2
    assert system.told() == [
        "[INFO] releasing version 2, replacing 1",
        "[OK] version 2 in service after 28 minutes",
    ]


def test_without_capacity_the_version_keeps_its_approval_and_is_tried_again(system: ReleaseWorld) -> None:
    def no_instances(parsed: dict[str, Any], **_: Any) -> None:
        if parsed.get("FailureReason"):
            parsed["FailureReason"] = (
                "Unable to provision requested ML compute capacity: InsufficientInstanceCapacity"
            )

    released(system)
    system.told()
    system.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK)
    with system.hooked("sagemaker", "after-call.sagemaker.DescribeEndpoint", no_instances):
        second = system.approved()
        system.settle()
        sweeps(system, 2)

    _, mail = (one for one in system.read_mail() if "waits for approval" not in one["subject"])
    assert headline(mail) == "[WARNING] churn-prod: version 2 waits, SageMaker has no instances"
    assert "InsufficientInstanceCapacity" in mail["body"]
    assert system.status(second) == "Approved"
    assert system.live_version() == 1

    sweeps(system, 6)

    assert system.live_version() == 2
