"""What a version is run by: its model and the config around it, made of the live ones or of tags and stack parameters.

Changing only the model is the whole art: whatever else the live config and model say survives, fields we never heard of included.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from stationkeeper.releases.decision import Block
from stationkeeper.releases.names import resource_name
from stationkeeper.releases.observed import Fleet, Model
from stationkeeper.releases.registry import ModelPackage, group_name
from stationkeeper.releases.settings import ReleaseSettings
from stationkeeper.releases.steps import Action, Step
from stationkeeper.tags import TAG_PREFIX

VARIANT = "AllTraffic"


@dataclass(frozen=True, slots=True)
class Made:
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


def _made(
    package: ModelPackage,
    group_arn: str,
    endpoint: str,
    variant: str,
    model: dict[str, Any],
    config_of: Callable[[str], dict[str, Any]],
) -> Made:
    def named(content: object) -> str:
        # Of the endpoint too: two that follow one group share nothing that one of them might tidy.
        return resource_name(
            group_name(group_arn), f"v{package.number}", digest_of=[endpoint.lower(), content]
        )

    model_name = named(model)
    config = config_of(model_name)
    return Made(model_name, model, named(config), config, variant)


def made_from_settings(package: ModelPackage, group_arn: str, settings: ReleaseSettings) -> Made:
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


def cloned(
    fleet: Fleet, package: ModelPackage, live_package: ModelPackage | None, group_arn: str, endpoint: str
) -> Made | Block:
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
