"""Application Auto Scaling in moto: scales variants that do not exist, and in the middle of updates.

Gaps filled here: RegisterScalableTarget of an unknown endpoint or variant, or of one that is being updated;
PutScalingPolicy without a target; and UpdateEndpoint that removes a registered variant or changes its type.
"""

from contextlib import ExitStack
from typing import Any
from unittest import mock

from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.applicationautoscaling.models import (
    ApplicationAutoscalingBackend,
    FakeApplicationAutoscalingPolicy,
    FakeScalableTarget,
    applicationautoscaling_backends,
)
from moto.core.exceptions import JsonRESTError
from moto.sagemaker.models import sagemaker_backends

from embedded_aws.moto_additions.sagemaker.endpoint import Endpoint, endpoints_of
from embedded_aws.moto_additions.sagemaker.errors import ValidationException
from embedded_aws.moto_additions.sagemaker.resource import Resource

_DIMENSION = "sagemaker:variant:DesiredInstanceCount"


def installed() -> ExitStack:
    register = ApplicationAutoscalingBackend.register_scalable_target
    put_policy = ApplicationAutoscalingBackend.put_scaling_policy

    def checked_register(
        backend: ApplicationAutoscalingBackend, namespace: str, r_id: str, *args: Any, **options: Any
    ) -> FakeScalableTarget:
        if namespace == "sagemaker":
            _check_variant(backend, r_id)
        return register(backend, namespace, r_id, *args, **options)

    def checked_put_policy(
        backend: ApplicationAutoscalingBackend, **options: Any
    ) -> FakeApplicationAutoscalingPolicy:
        dimension, resource_id = options["scalable_dimension"], options["resource_id"]
        if resource_id not in backend.targets.get(dimension, {}):
            raise JsonRESTError(
                "ObjectNotFoundException",
                f"No scalable target registered for service namespace: {options['service_namespace']}, "
                f"resource ID: {resource_id}, scalable dimension: {dimension}",
            )
        return put_policy(backend, **options)

    context = ExitStack()
    for name, method in (
        ("register_scalable_target", checked_register),
        ("put_scaling_policy", checked_put_policy),
    ):
        context.enter_context(mock.patch.object(ApplicationAutoscalingBackend, name, method))
    return context


def _check_variant(backend: ApplicationAutoscalingBackend, resource_id: str) -> None:
    """`resource_id` is `endpoint/<name>/variant/<name>`. Theirs is the refusal, the wording is ours."""
    match resource_id.split("/"):
        case ["endpoint", endpoint_name, "variant", variant_name]:
            endpoint = endpoints_of(sagemaker_backends[backend.account_id][backend.region_name]).get(
                endpoint_name
            )
        case _:
            raise AWSValidationException("Unsupported service namespace, resource type or scalable dimension")
    if endpoint is None:
        raise AWSValidationException(f"Could not find endpoint {endpoint_name}.")
    if endpoint.status != "InService":
        raise AWSValidationException(
            f"Endpoint {endpoint_name} is in status {endpoint.status}; it must be InService."
        )
    if variant_name not in [variant["VariantName"] for variant in endpoint.variants]:
        raise AWSValidationException(f"Could not find variant {variant_name} of endpoint {endpoint_name}.")


def refuse_what_autoscaling_forbids(endpoint: Endpoint, config: Resource) -> None:
    """A registered variant must keep its name and its instance type.

    Raises
    ------
    ValidationException
        It does not. (`?` as to the wording)

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-update.html
    """
    scaling = applicationautoscaling_backends[endpoint.backend.account_id][endpoint.backend.region_name]
    before, after = _instance_types(endpoint.config), _instance_types(config)
    for resource_id in scaling.targets.get(_DIMENSION, {}):
        if not resource_id.startswith(f"endpoint/{endpoint.name}/variant/"):
            continue
        variant = resource_id.rpartition("/")[2]
        if variant in before and before[variant] != after.get(variant):
            raise ValidationException(
                f"Variant {variant} is registered with Application Auto Scaling; deregister it before "
                "removing it or changing its instance type."
            )


def _instance_types(config: Resource) -> dict[str, str | None]:
    variants = config.fields["ProductionVariants"]
    return {variant["VariantName"]: variant.get("InstanceType") for variant in variants}
