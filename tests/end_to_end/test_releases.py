"""Releases through the built artifacts: the real rules, queues, time-outs and schedules."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from embedded_aws.embedded import EmbeddedAws
from embedded_aws.moto_additions.sagemaker import Outcome
from stationkeeper_command import project

from tests.end_to_end.conftest import System
from tests.world import ACCOUNT, BUCKET

ENDPOINT = "churn-prod"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/churn-execution"


@pytest.fixture
def system(built: None, tmp_path: Path) -> Iterator[System]:
    with EmbeddedAws(
        project.BUILD,
        tmp_path,
        project.RUNTIME_PYTHON,
        parameters={
            "OnCall": "ml-on-call",
            "Architecture": project.architecture(),
            "ExecutionRoleArns": ROLE,
        },
        stack_name="stationkeeper",
        honour_deadlines=False,
    ) as aws:
        yield System(aws)


def opt_in(system: System) -> None:
    system.aws.client("sagemaker").create_model_package_group(
        ModelPackageGroupName="churn", Tags=[{"Key": "stationkeeper:endpoint", "Value": ENDPOINT}]
    )


def register(system: System, status: str = "Approved") -> str:
    answer = system.aws.client("sagemaker").create_model_package(
        ModelPackageGroupName="churn",
        ModelApprovalStatus=status,
        InferenceSpecification={
            "Containers": [{"Image": "image", "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )
    return str(answer["ModelPackageArn"])


def live_version(system: System) -> int:
    sagemaker = system.aws.client("sagemaker")
    config = sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"]
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    model = sagemaker.describe_model(ModelName=variants[0]["ModelName"])
    return int(model["PrimaryContainer"]["ModelPackageName"].rpartition("/")[2])


def settled(system: System) -> list[str]:
    """Subjects of what on-call got until nothing was under way any more."""
    system.aws.settle(180)
    return system.react()


def test_an_approval_becomes_an_endpoint_and_one_query_tells_the_story(system: System) -> None:
    opt_in(system)
    register(system)

    assert settled(system) == [
        "[INFO] churn-prod: creating the endpoint with version 1",
        "[OK] churn-prod: version 1 in service after 10 minutes",
    ]

    lines = [
        json.loads(line) for line in system.aws.log("ReleaseFunction").splitlines() if '"decision"' in line
    ]
    started = next(line for line in lines if line["decision"] == "start")
    told = [
        json.loads(line) for line in system.aws.log("NotificationFunction").splitlines() if '"told"' in line
    ]
    assert started["endpoint"] == ENDPOINT
    assert started["event_id"] == told[0]["event_id"]


def test_a_function_killed_between_asking_and_noting_it_ends_as_any_other(system: System) -> None:
    opt_in(system)
    register(system)
    settled(system)
    system.aws.add_fault("sagemaker", "UpdateEndpoint", "crash-after")
    register(system)

    subjects = settled(system)

    assert live_version(system) == 2
    assert subjects[-1].startswith("[OK] churn-prod: version 2 in service")
    assert system.aws.faults() == []


@pytest.mark.parametrize("kind", ["throttle", "500", "access-denied"])
def test_the_sweep_finds_what_an_event_lost(system: System, kind: Any) -> None:
    opt_in(system)
    register(system)
    settled(system)
    system.aws.sagemaker.disturb(drop=True)
    register(system)
    settled(system)
    system.aws.sagemaker.disturb()
    assert live_version(system) == 1
    system.aws.add_fault("sagemaker", "CreateModel", kind)

    system.aws.run_schedule("SweepSchedule")
    settled(system)
    system.aws.run_schedule("SweepSchedule")
    settled(system)

    assert live_version(system) == 2


def test_a_silent_rollback_is_critical_and_not_tried_again(system: System) -> None:
    opt_in(system)
    register(system)
    settled(system)
    system.aws.sagemaker.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK_SILENTLY)
    package = register(system)

    subjects = settled(system)

    assert subjects[-1] == "[CRITICAL] churn-prod: version 2 rolled back, version 1 serves"
    described = system.aws.client("sagemaker").describe_model_package(ModelPackageName=package)
    assert described["ModelApprovalStatus"] == "Rejected"
    system.aws.run_schedule("SweepSchedule")
    assert settled(system) == []
    assert live_version(system) == 1
    assert system.aws.sagemaker.deleted_while_referenced == []
