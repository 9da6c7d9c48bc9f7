"""Production variants: what a configuration asks for, and what an endpoint has of it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from moto.sagemaker.models import SageMakerModelBackend

from embedded_aws.moto_additions.sagemaker.images import resolved
from embedded_aws.moto_additions.sagemaker.model_packages import find_package
from embedded_aws.moto_additions.sagemaker.models import containers_of, models_of
from embedded_aws.moto_additions.sagemaker.resource import Resource

type Variant = dict[str, Any]

_CURRENT = {
    "CurrentWeight": "DesiredWeight",
    "CurrentInstanceCount": "DesiredInstanceCount",
    "CurrentServerlessConfig": "DesiredServerlessConfig",
}


def planned_variants(
    backend: SageMakerModelBackend, config: Resource, kind: str, when: datetime
) -> list[Variant]:
    """`kind` (`ProductionVariants`, `ShadowProductionVariants`) as DescribeEndpoint has it; nothing runs yet."""
    return [_planned(backend, variant, when) for variant in config.fields.get(kind, [])]


def _planned(backend: SageMakerModelBackend, asked: dict[str, Any], when: datetime) -> Variant:
    variant: Variant = {
        "VariantName": asked["VariantName"],
        "DeployedImages": [
            {"SpecifiedImage": image, "ResolvedImage": resolved(image), "ResolutionTime": when}
            for image in _images(backend, asked.get("ModelName"))
        ],
        "CurrentWeight": 0.0,
        "DesiredWeight": float(asked["InitialVariantWeight"]),
    }
    if "ServerlessConfig" in asked:
        variant["DesiredServerlessConfig"] = asked["ServerlessConfig"]
    else:
        variant |= {"CurrentInstanceCount": 0, "DesiredInstanceCount": asked.get("InitialInstanceCount", 1)}
    kept = ("ManagedInstanceScaling", "RoutingConfig", "CapacityReservationConfig")
    return variant | {name: asked[name] for name in kept if name in asked}


def containers_by_variant(
    backend: SageMakerModelBackend, config: Resource
) -> dict[str, list[dict[str, Any]]]:
    """What the models of a configuration's production variants run, by the variants' names."""
    containers: dict[str, list[dict[str, Any]]] = {}
    for variant in config.fields.get("ProductionVariants", []):
        model = models_of(backend).get(variant.get("ModelName", ""))
        containers[variant["VariantName"]] = containers_of(model.fields) if model else []
    return containers


def retain(planned: list[Variant], live: list[Variant], excluded: Collection[str]) -> None:
    """Let the variants that go on under their name keep what they have, but for the `excluded` properties."""
    by_name = {variant["VariantName"]: variant for variant in live}
    for variant in planned:
        for name in {"DesiredInstanceCount", "DesiredWeight"} - set(excluded):
            if name in variant and name in by_name.get(variant["VariantName"], {}):
                variant[name] = by_name[variant["VariantName"]][name]


def start(variants: list[Variant]) -> None:
    """What is desired becomes what is there."""
    for variant in variants:
        variant |= {current: variant[desired] for current, desired in _CURRENT.items() if desired in variant}
        variant.pop("VariantStatus", None)


def instances(variants: list[Variant]) -> int:
    return sum(int(variant.get("DesiredInstanceCount", 0)) for variant in variants)


def data_capture(config: Resource) -> dict[str, Any] | None:
    """A configuration's data capture as DescribeEndpoint has it."""
    asked = config.fields.get("DataCaptureConfig")
    if asked is None:
        return None
    enabled = asked.get("EnableCapture", True)
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": asked["InitialSamplingPercentage"],
        "DestinationS3Uri": asked["DestinationS3Uri"],
        "KmsKeyId": asked.get("KmsKeyId", ""),
    }


def _images(backend: SageMakerModelBackend, model_name: str | None) -> list[str]:
    model = models_of(backend).get(model_name) if model_name else None
    images: list[str] = []
    for container in containers_of(model.fields) if model else []:
        if "Image" in container:
            images.append(container["Image"])
        elif package := container.get("ModelPackageName"):
            specification = find_package(backend, package).fields.get("InferenceSpecification", {})
            images += [part["Image"] for part in specification.get("Containers", [])]
    return images
