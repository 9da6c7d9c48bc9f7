"""Looks of the release reaction for tests of the command: version 7 of `churn` is live on `churn-prod` unless said otherwise."""

from datetime import timedelta
from typing import Any

from stationkeeper.releases.decision import Look
from stationkeeper.releases.observed import Endpoint
from stationkeeper.releases.record import Live, Record, Target
from stationkeeper.releases.registry import Version
from stationkeeper.releases.settings import StackDefaults, settings_of

from tests.unit.builders import START

GROUP = "arn:aws:sagemaker:eu-west-1:123456789012:model-package-group/churn"
STACK = StackDefaults(account="123456789012", region="eu-west-1")


def version(number: int, status: str = "Completed") -> Version:
    arn = f"{GROUP.replace('package-group', 'package')}/{number}"
    return Version.model_validate(
        {"ModelPackageArn": arn, "ModelPackageVersion": number, "ModelPackageStatus": status}
    )


def live(number: int = 7, **more: Any) -> Live:
    return Live(
        version=number,
        package_arn=f"arn/{number}",
        config=f"churn-v{number}",
        model=f"churn-v{number}",
        variant="AllTraffic",
        started_at=START,
        released_at=START,
        **more,
    )


def target(number: int = 8, **more: Any) -> Target:
    return Target(
        version=number,
        package_arn=f"arn/{number}",
        config=f"churn-v{number}",
        model=f"churn-v{number}",
        variant="AllTraffic",
        started_at=START,
        previous_version=7,
        **more,
    )


def endpoint(status: str = "InService", config: str = "churn-v7") -> Endpoint:
    return Endpoint.model_validate(
        {
            "EndpointName": "churn-prod",
            "EndpointArn": "arn",
            "EndpointStatus": status,
            "EndpointConfigName": config,
        }
    )


def look(*approved: Version, **more: Any) -> Look:
    settings = settings_of({"stationkeeper:endpoint": "churn-prod"}, STACK)
    values = {
        "endpoint": endpoint(),
        "record": Record(group_arn=GROUP, endpoint="churn-prod", live=live()),
        "now": START + timedelta(minutes=12),
        **more,
    }
    return Look(group_arn=GROUP, settings=settings, approved=approved or (version(7),), **values)
