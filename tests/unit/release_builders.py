"""Values of releases for tests: sound defaults, so that a test names only what it is about."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import botocore.session
from botocore.validate import ParamValidator
from hypothesis import strategies as st
from stationkeeper.errors import MemoryConflict, PublishingFailed
from stationkeeper.releases.decision import Look, Start, needs_fleet
from stationkeeper.releases.observed import Endpoint, EndpointConfig, Fleet, Model
from stationkeeper.releases.record import Barred, Live, Record, Target
from stationkeeper.releases.registry import ModelPackage, Version
from stationkeeper.releases.settings import ReleaseSettings, StackDefaults, settings_of
from stationkeeper.releases.steps import Action, Step
from stationkeeper.tags import TAG_PREFIX

from tests.unit.test_monitoring import problems

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ACCOUNT, REGION = "123456789012", "eu-west-1"
ENDPOINT, GROUP, VARIANT = "churn-prod", "churn", "blue"
GROUP_ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/{GROUP}"
OTHER_GROUP_ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/fraud"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/churn-execution"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/xgboost:1.7-1"
STACK = StackDefaults(
    account=ACCOUNT, region=REGION, bucket=f"stationkeeper-{ACCOUNT}-{REGION}", endpoint_role_arn=ROLE
)
WISH = "w-12345678"

# What SageMaker, CloudWatch and Application Auto Scaling are asked for, as their own models spell it.
_SERVICES = {
    Action.PUT_METRIC_ALARM: "cloudwatch",
    Action.SET_ALARM_STATE: "cloudwatch",
    Action.REGISTER_SCALABLE_TARGET: "application-autoscaling",
    Action.PUT_SCALING_POLICY: "application-autoscaling",
}


@cache
def _model_of(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def assert_taken(step: Step) -> None:
    """The service's own model allows a step's request."""
    service = _SERVICES.get(step.action, "sagemaker")
    shape = _model_of(service).operation_model(step.action.value).input_shape
    report = ParamValidator().validate(dict(step.request), shape).generate_report()
    assert not report, report
    if service != "application-autoscaling":  # its patterns are Java's
        assert problems(dict(step.request), shape) == []


def settings(stack: StackDefaults = STACK, endpoint: str = ENDPOINT, **tags: str) -> ReleaseSettings:
    """Settings of a group by its tags; `min_instances="3"` is the tag `stationkeeper:min-instances`."""
    named = {TAG_PREFIX + name.replace("_", "-"): text for name, text in tags.items()}
    read = settings_of({TAG_PREFIX + "endpoint": endpoint, **named}, stack)
    assert isinstance(read, ReleaseSettings)
    return read


def package_arn(number: int, group_arn: str = GROUP_ARN) -> str:
    return f"{group_arn.replace(':model-package-group/', ':model-package/')}/{number}"


def version(number: int, status: str | None = "Completed", group_arn: str = GROUP_ARN) -> Version:
    return Version.model_validate(
        {
            "ModelPackageArn": package_arn(number, group_arn),
            "ModelPackageVersion": number,
            "ModelPackageStatus": status,
            "ModelApprovalStatus": "Approved",
        }
    )


def package(number: int = 8, *, environment: Mapping[str, str] | None = None, **more: Any) -> ModelPackage:
    container = {"Image": IMAGE, "ModelDataUrl": "s3://models/8.tar.gz", "Environment": environment or {}}
    facts: dict[str, Any] = {
        "ModelPackageArn": package_arn(number),
        "ModelPackageVersion": number,
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": "Approved",
        "CreationTime": NOW - timedelta(days=1),
        "InferenceSpecification": {"Containers": [container]},
    }
    return ModelPackage.model_validate({**facts, **more})


def start(number: int = 8, *, update: bool = True, running: int | None = 7) -> Start:
    return Start(
        version(number), update=update, running=running, why=f"version {number} is the newest approved"
    )


def target(number: int = 8, previous: int | None = 7, **more: Any) -> Target:
    facts: dict[str, Any] = {
        "version": number,
        "package_arn": package_arn(number),
        "config": f"c{number}",
        "model": f"m{number}",
        "variant": VARIANT,
        "started_at": NOW - timedelta(hours=1),
        "seen_modified_at": NOW - timedelta(hours=1),
        "previous_config": f"c{previous}" if previous else None,
        "previous_model": f"m{previous}" if previous else None,
        "previous_version": previous,
        "asked": True,
        "alarms": (f"c{number}-5xx-errors", f"c{number}-latency"),
    }
    return Target.model_validate({**facts, **more})


def live(number: int = 7, **more: Any) -> Live:
    facts: dict[str, Any] = {
        "version": number,
        "package_arn": package_arn(number),
        "config": f"c{number}",
        "model": f"m{number}",
        "variant": VARIANT,
        "started_at": NOW - timedelta(days=2),
        "released_at": NOW - timedelta(days=2),
        "alarms": (f"c{number}-5xx-errors", f"c{number}-latency"),
        "settled": WISH,
    }
    return Live.model_validate({**facts, **more})


def barred(number: int, *, rejected: bool = True, until: datetime | None = None) -> Barred:
    return Barred(
        version=number,
        package_arn=package_arn(number),
        at=NOW - timedelta(hours=2),
        reason="an alarm",
        until=until,
        rejected=rejected,
        refusal="" if rejected else "access denied",
    )


def record(**facts: Any) -> Record:
    return Record(**{"group_arn": GROUP_ARN, "endpoint": ENDPOINT, "version": 1, **facts})


def endpoint(
    config: str = "c7", status: str = "InService", instances: int | None = 2, **more: Any
) -> Endpoint:
    facts: dict[str, Any] = {
        "EndpointName": ENDPOINT,
        "EndpointArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/{ENDPOINT}",
        "EndpointConfigName": config,
        "EndpointStatus": status,
        "CreationTime": NOW - timedelta(days=9),
        "LastModifiedTime": NOW - timedelta(minutes=5),
        "ProductionVariants": [
            {"VariantName": VARIANT, "CurrentInstanceCount": instances, "DesiredInstanceCount": instances}
        ],
    }
    return Endpoint.model_validate({**facts, **more})


def variant(name: str = VARIANT, model: str | None = "m7", **more: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "VariantName": name,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 2,
        "InitialVariantWeight": 1.0,
    }
    return {**facts, **({"ModelName": model} if model else {}), **more}


def capture(*, on: bool = True) -> dict[str, Any]:
    return {
        "EnableCapture": on,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://captured/churn-prod",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    }


def config(
    name: str = "c7", variants: Iterable[Mapping[str, Any]] | None = None, **more: Any
) -> EndpointConfig:
    document = {
        "EndpointConfigName": name,
        "ProductionVariants": [dict(one) for one in ([variant()] if variants is None else variants)],
        **more,
    }
    return EndpointConfig(name, document, f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint-config/{name}")


def model(name: str = "m7", number: int | None = 7, group_arn: str = GROUP_ARN, **more: Any) -> Model:
    """A model of a version; of an image, where `number` is None."""
    container: dict[str, Any] = (
        {"ModelPackageName": package_arn(number, group_arn)}
        if number
        else {"Image": IMAGE, "ModelDataUrl": "s3://m"}
    )
    facts: dict[str, Any] = {
        "ModelName": name,
        "PrimaryContainer": {**container, **more.pop("container", {})},
        "ExecutionRoleArn": ROLE,
    }
    return Model(name, {**facts, **more}, f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model/{name}")


def fleet(of: EndpointConfig | None = None, *models: Model) -> Fleet:
    return Fleet(of or config(), {one.name: one for one in models or (model(),)})


def fleet_of(config_name: str) -> Fleet:
    """The fleet behind a config by its name: `c7` runs version 7, anything else a model of another origin."""
    number = int(config_name[1:]) if config_name[1:].isdigit() and config_name[0] == "c" else None
    name = f"m{number}" if number else "somebody-elses"
    return fleet(config(config_name, [variant(model=name)]), model(name, number))


def look(**facts: Any) -> Look:
    """One look, with the fleet where the decision needs it; as `Looking.look` takes it."""
    defaults: dict[str, Any] = {
        "group_arn": GROUP_ARN,
        "settings": settings(),
        "approved": (version(7), version(8)),
        "endpoint": endpoint(),
        "record": record(live=live()),
        "now": NOW,
        "wish": WISH,
    }
    taken = Look(**{**defaults, **facts})
    if "fleet" not in facts and needs_fleet(taken) and taken.endpoint is not None:
        return Look(**{**defaults, **facts, "fleet": fleet_of(taken.endpoint.endpoint_config_name)})
    return taken


@dataclass
class Records:
    """Records in memory, as the state table keeps them: by the endpoint's name in lower case, over the version they came from.

    `before_write` is called with each key before it is written; another copy may be faster then.
    """

    kept: dict[str, Record] = field(default_factory=dict)
    writes: int = 0
    before_write: Callable[[str], None] | None = None

    def recall(self, endpoint: str) -> Record:
        return self.kept.get(endpoint.lower(), Record())

    def remember(self, endpoint: str, record: Record) -> Record:
        if self.before_write is not None:
            hook, self.before_write = self.before_write, None
            hook(endpoint)
            self.before_write = self.before_write or hook
        if record.version != self.recall(endpoint).version:
            raise MemoryConflict(f"{endpoint} is at version {self.recall(endpoint).version}")
        stored = Record.model_validate_json(record.model_dump_json()).model_copy(
            update={"version": record.version + 1}
        )
        self.kept[endpoint.lower()] = stored
        self.writes += 1
        return stored


@dataclass
class Bus:
    """What was said, as (detail type, detail); `fails` makes the next call fail."""

    said: list[tuple[str, Any]] = field(default_factory=list)
    fails: bool = False

    def publish(self, details: list[tuple[str, str]]) -> None:
        if self.fails:
            self.fails = False
            raise PublishingFailed("the bus is away")
        self.said += [(detail_type, json.loads(detail)) for detail_type, detail in details]


# Tags as people, and programs, write them.
tag_texts = st.one_of(
    st.text(max_size=300),
    st.sampled_from(
        ["", " ", "0", "-1", "1e3", "٣", "9" * 400, "canary-10", "linear-0", "s3://b/k", "on", "off"]
    ),
)
