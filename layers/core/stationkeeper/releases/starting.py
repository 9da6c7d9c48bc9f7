"""The steps that release a version: to a new endpoint, or by changing only the model of a live one."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from stationkeeper.releases.decision import Block, Start
from stationkeeper.releases.guardrails import alarm_names, alarm_steps, guard
from stationkeeper.releases.names import resource_name
from stationkeeper.releases.observed import Alarm, Endpoint, Fleet, Model
from stationkeeper.releases.record import Target
from stationkeeper.releases.registry import ModelPackage
from stationkeeper.releases.settings import TAG_PREFIX, ReleaseSettings
from stationkeeper.releases.steps import Action, Step

VARIANT = "AllTraffic"
_RESERVED_TAGS = "aws:"


@dataclass(frozen=True, slots=True)
class Release:
    """A release, planned: what is written down first, and the steps in order. The last one touches the endpoint."""

    target: Target
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class _Made:
    """The model and the config of a release, by content; names end in a digest of it: the same name is the same thing."""

    model_name: str
    model: dict[str, Any]
    config_name: str
    config: dict[str, Any]
    variant: str
    notes: tuple[str, ...] = ()

    def steps(
        self, model_tags: list[dict[str, str]], config_tags: list[dict[str, str]], of: str
    ) -> list[Step]:
        return [
            Step(
                Action.CREATE_MODEL,
                {"ModelName": self.model_name, **self.model, "Tags": model_tags},
                "the model of the approved version",
            ),
            Step(
                Action.CREATE_ENDPOINT_CONFIG,
                {"EndpointConfigName": self.config_name, **self.config, "Tags": config_tags},
                of,
            ),
        ]


def plan_creation(
    start: Start,
    package: ModelPackage,
    group_arn: str,
    settings: ReleaseSettings,
    last: Fleet | None,
    last_package: ModelPackage | None,
    now: datetime,
) -> Release | Block:
    """The steps to a new endpoint: set up as it was, where one was there before, else of tags and the stack's parameters.

    Parameters
    ----------
    last : what the endpoint ran before somebody deleted it; None when there was none, or its config is gone too.
    last_package : the version it ran.
    """
    tags = _tags(group_arn, settings, package)
    model_tags = config_tags = tags
    if last is not None and isinstance(
        made := _cloned(last, package, last_package, group_arn, settings.endpoint), _Made
    ):
        last_model = last.models[str(last.config.variant(made.variant)["ModelName"])]
        model_tags, config_tags = _merged(last_model.document, tags), _merged(last.config.document, tags)
        words = f"a new endpoint, set up as the one before it ({last.config.name})"
    elif settings.stack.endpoint_role_arn:
        made = _from_settings(package, group_arn, settings)
        words = f"a new endpoint, {settings.scaling[0]} x {settings.instance_type}"
    else:
        return Block(
            "no-role",
            "The endpoint does not exist, and the stack has no execution role to make one with.",
            advice="Set the stack's parameter ExecutionRoleArns, or create the endpoint yourself",
            version=start.version.number,
        )
    steps = (
        *made.steps(model_tags, config_tags, words),
        *alarm_steps(settings, made.config_name, made.variant, tags),
        Step(
            Action.CREATE_ENDPOINT,
            {
                "EndpointName": settings.endpoint,
                "EndpointConfigName": made.config_name,
                "Tags": [tag for tag in tags if not tag["Key"].endswith(":version")],
            },
            start.why,
        ),
    )
    target = _target(start, package, now, made).model_copy(
        update={
            "creating": True,
            "traffic": words,
            "alarms": alarm_names(settings.endpoint, made.config_name),
        }
    )
    notes = [*settings.problems, *made.notes]
    if made.config["ProductionVariants"][0].get("InitialInstanceCount") == 1:
        notes.append("one instance stands in one zone: a failure of either takes the endpoint down")
    return Release(target.model_copy(update={"notes": tuple(notes)}), steps)


def plan_update(
    start: Start,
    package: ModelPackage,
    live_package: ModelPackage | None,
    group_arn: str,
    settings: ReleaseSettings,
    endpoint: Endpoint,
    fleet: Fleet,
    alarms: Iterable[Alarm],
    now: datetime,
    live_latency_milliseconds: float | None = None,
) -> Release | Block:
    """The steps to another version on a live endpoint: its config, cloned, with another model.

    Parameters
    ----------
    live_package : the version that is live, to tell what was set on the model from what came with the version.
    alarms : the guarding alarms that exist already, and those people tagged for the endpoint, with their state.
    live_latency_milliseconds : the highest hourly average of the live fleet's model latency in the last day; None: nobody called it.
    """
    alarms = tuple(alarms)
    made = _cloned(fleet, package, live_package, group_arn, settings.endpoint)
    if isinstance(made, Block):
        return made
    live_model = fleet.models[str(fleet.config.variant(made.variant)["ModelName"])]
    tags = _tags(group_arn, settings, package)
    guarded = guard(
        settings, fleet.config, made.config_name, endpoint, alarms, marketplace=package.marketplace
    )
    update: dict[str, Any] = {
        "EndpointName": endpoint.endpoint_name,
        "EndpointConfigName": made.config_name,
        # Without it, instance counts and weights fall back to what they were when the config was made.
        "RetainAllVariantProperties": True,
    }
    if guarded.deployment is not None:
        update["DeploymentConfig"] = guarded.deployment
    steps = (
        *made.steps(
            _merged(live_model.document, tags),
            _merged(fleet.config.document, tags),
            f"the live config {fleet.config.name} with the new model",
        ),
        *alarm_steps(settings, made.config_name, made.variant, tags, alarms, live_latency_milliseconds),
        Step(Action.UPDATE_ENDPOINT, update, start.why),
    )
    target = _target(start, package, now, made).model_copy(
        update={
            "previous_config": fleet.config.name,
            "seen_modified_at": endpoint.last_modified_time,
            "previous_version": start.running,
            "previous_model": live_model.name,
            "traffic": guarded.words,
            "alarms": alarm_names(settings.endpoint, made.config_name),
            "guarded_by": guarded.alarms,
            "notes": (*settings.problems, *made.notes, *guarded.notes),
        }
    )
    return Release(target, steps)


def alarms_to_be(
    fleet: Fleet, package: ModelPackage, live_package: ModelPackage | None, group_arn: str, endpoint: str
) -> tuple[str, ...]:
    """Names of the alarms that `plan_update` will make: an earlier attempt at the same may have left them red."""
    made = _cloned(fleet, package, live_package, group_arn, endpoint)
    return () if isinstance(made, Block) else alarm_names(endpoint, made.config_name)


def group_name(group_arn: str) -> str:
    return group_arn.rpartition("/")[2]


def _target(start: Start, package: ModelPackage, now: datetime, made: _Made) -> Target:
    return Target(
        version=package.number,
        package_arn=package.model_package_arn,
        config=made.config_name,
        model=made.model_name,
        variant=made.variant,
        started_at=now,
        why=start.why,
        approved_by=package.approved_by,
        approval_note=package.approval_description or "",
    )


def _made(
    package: ModelPackage,
    group_arn: str,
    endpoint: str,
    variant: str,
    model: dict[str, Any],
    config_of: Callable[[str], dict[str, Any]],
) -> _Made:
    def named(content: object) -> str:
        # Of the endpoint too: two that follow one group share nothing that one of them might tidy.
        return resource_name(
            group_name(group_arn), f"v{package.number}", digest_of=[endpoint.lower(), content]
        )

    model_name = named(model)
    config = config_of(model_name)
    return _Made(model_name, model, named(config), config, variant)


def _from_settings(package: ModelPackage, group_arn: str, settings: ReleaseSettings) -> _Made:
    stack = settings.stack
    model: dict[str, Any] = {
        "PrimaryContainer": {"ModelPackageName": package.model_package_arn},
        "ExecutionRoleArn": stack.endpoint_role_arn,
    }
    if package.marketplace:  # SageMaker takes Marketplace products only so
        model["EnableNetworkIsolation"] = True
    if stack.subnets and stack.security_groups:
        model["VpcConfig"] = {"Subnets": list(stack.subnets), "SecurityGroupIds": list(stack.security_groups)}

    def config(model_name: str) -> dict[str, Any]:
        variant = {
            "VariantName": VARIANT,
            "ModelName": model_name,
            "InstanceType": settings.instance_type,
            "InitialInstanceCount": settings.scaling[0],
            "InitialVariantWeight": 1.0,
        }
        made: dict[str, Any] = {"ProductionVariants": [variant]}
        if settings.capture_percentage:
            made["DataCaptureConfig"] = _data_capture(settings)
        if stack.kms_key_arn:
            made["KmsKeyId"] = stack.kms_key_arn
        return made

    return _made(package, group_arn, settings.endpoint, VARIANT, model, config)


def _cloned(
    fleet: Fleet, package: ModelPackage, live_package: ModelPackage | None, group_arn: str, endpoint: str
) -> _Made | Block:
    """A fleet's config and model with another version in them, or why that cannot be."""
    variant_name = fleet.released_variant(group_arn)
    if variant_name is None:
        return Block(
            "ambiguous-variant",
            f"The endpoint has {len(fleet.config.variants)} production variants, and not exactly one of them runs a version of "
            "this group: nobody says which one to change.",
            advice="Leave one production variant that runs a version of this group",
            version=package.number,
        )
    live_model = fleet.model_of(fleet.config.variant(variant_name))
    if live_model is None:
        return Block(
            "no-model",
            f"The live variant {variant_name} names no model (it may use inference components), so there is nothing to change.",
            advice="Release to an endpoint whose variants name their model",
            version=package.number,
        )
    if live_model.multi_model:
        return Block(
            "multi-model",
            "The endpoint hosts many models behind one container; replacing its model would take all of them away.",
            advice=f"Tag the group {TAG_PREFIX}multi-model-endpoint and {TAG_PREFIX}target-model instead of {TAG_PREFIX}endpoint",
            version=package.number,
        )

    if live_model.package_arn is None and len(live_model.containers) > max(1, len(package.containers)):
        return Block(
            "pipeline",
            f"The live model is a pipeline of {len(live_model.containers)} containers, and version {package.number} has "
            f"{max(1, len(package.containers))}: in its place, the others would be gone.",
            advice="Register the whole pipeline as one version",
            version=package.number,
        )

    def config(model_name: str) -> dict[str, Any]:
        kept = {
            name: value
            for name, value in fleet.config.document.items()
            if name not in ("EndpointConfigName", "Tags")
        }
        variants = [
            {**one, "ModelName": model_name} if one.get("VariantName") == variant_name else dict(one)
            for one in fleet.config.variants
        ]
        return {**kept, "ProductionVariants": variants}

    model, notes = _successor(live_model, package, live_package)
    return replace(_made(package, group_arn, endpoint, variant_name, model, config), notes=notes)


def _successor(
    live: Model, package: ModelPackage, live_package: ModelPackage | None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What CreateModel takes for the new version, set up as the live model is; and what people should know of it.

    What was set on the live model itself, not by its version, is carried over: environment, role, network, how its containers are
    called.
    """
    container: dict[str, Any] = {"ModelPackageName": package.model_package_arn}
    overrides = _overrides(live, live_package)
    if overrides:
        container["Environment"] = overrides
    kept = {
        name: live.document[name]
        for name in ("ExecutionRoleArn", "VpcConfig", "EnableNetworkIsolation")
        if live.document.get(name)
    }
    if len(package.containers) > 1 and live.document.get("InferenceExecutionConfig"):
        kept["InferenceExecutionConfig"] = live.document["InferenceExecutionConfig"]
    if package.marketplace:
        kept["EnableNetworkIsolation"] = True
    set_by_version = {name for one in package.containers for name in one.environment}
    notes = tuple(
        f"{name}={value}, set on the live model, is carried over in place of what the version says"
        for name, value in sorted(overrides.items())
        if name in set_by_version
    )
    own = live.containers[0].get("Environment") or {} if live.package_arn is None and live.containers else {}
    if own:
        notes += (
            f"the live model was made without a version, and its environment ({', '.join(sorted(own))}) is not carried over",
        )
    return {"PrimaryContainer": container, **kept}, notes


def _overrides(live: Model, live_package: ModelPackage | None) -> dict[str, str]:
    """The environment that people set on the live model: what its own version does not say, or says otherwise."""
    if len(live.containers) != 1 or live.package_arn is None or live_package is None:
        return {}
    own = {name: value for one in live_package.containers for name, value in one.environment.items()}
    environment = live.containers[0].get("Environment") or {}
    return {name: str(value) for name, value in environment.items() if own.get(name) != str(value)}


def _data_capture(settings: ReleaseSettings) -> dict[str, Any]:
    capture: dict[str, Any] = {
        "EnableCapture": True,
        "InitialSamplingPercentage": settings.capture_percentage,
        "DestinationS3Uri": f"s3://{settings.stack.bucket}/stationkeeper/capture/{settings.endpoint}",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {
            "CsvContentTypes": ["text/csv"],
            "JsonContentTypes": ["application/json", "application/jsonlines"],
        },
    }
    if settings.stack.kms_key_arn:
        capture["KmsKeyId"] = settings.stack.kms_key_arn
    return capture


def _tags(group_arn: str, settings: ReleaseSettings, package: ModelPackage) -> list[dict[str, str]]:
    return [
        {"Key": f"{TAG_PREFIX}released-to", "Value": settings.endpoint},
        {"Key": f"{TAG_PREFIX}group", "Value": group_name(group_arn)},
        {"Key": f"{TAG_PREFIX}version", "Value": str(package.number)},
    ]


def _merged(document: Mapping[str, Any], tags: list[dict[str, str]]) -> list[dict[str, str]]:
    """Tags of what is cloned (some accounts refuse what carries no cost centre), and ours; at most the 50 AWS takes."""
    ours = {tag["Key"] for tag in tags}
    kept = [
        dict(tag)
        for tag in document.get("Tags") or []
        if tag["Key"] not in ours and not tag["Key"].lower().startswith(_RESERVED_TAGS)
    ]
    return [*tags, *kept][:50]
