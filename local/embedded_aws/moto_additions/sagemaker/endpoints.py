"""Endpoints in moto: in service at once, never updated, taken down in the middle of anything.

Gaps filled here: `UpdateEndpoint` is missing; states over time, refusals while one is under way, the
service's own wording, most of what DescribeEndpoint shows. The course of things is `deployments.py`.
"""

from typing import Any

from moto.sagemaker.models import SageMakerModelBackend

from embedded_aws.moto_additions.sagemaker.deployments import Deployments
from embedded_aws.moto_additions.sagemaker.endpoint import Deployment, Endpoint, endpoints_of, find_endpoint
from embedded_aws.moto_additions.sagemaker.endpoint_configs import find_config
from embedded_aws.moto_additions.sagemaker.errors import (
    ValidationException,
    already_exists,
    in_progress,
)
from embedded_aws.moto_additions.sagemaker.resource import Resource, arn_of, page
from embedded_aws.moto_additions.sagemaker.scalable_variants import refuse_what_autoscaling_forbids
from embedded_aws.moto_additions.sagemaker.stage import Stage
from embedded_aws.moto_additions.sagemaker.variants import (
    containers_by_variant,
    planned_variants,
    retain,
)
from embedded_aws.moto_additions.sagemaker.wire import Answer, Operation, Request, given

_AT_REST = ("InService", "OutOfService", "UpdateRollbackFailed")


class Endpoints:
    def __init__(self, stage: Stage, deployments: Deployments) -> None:
        self._stage = stage
        self._deployments = deployments

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateEndpoint": self.create,
            "UpdateEndpoint": self.update,
            "UpdateEndpointWeightsAndCapacities": self.scale,
            "DeleteEndpoint": self.delete,
            "DescribeEndpoint": self.describe,
            "ListEndpoints": self.list,
        }

    def create(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        name = request["EndpointName"]
        arn = arn_of(backend, "endpoint", name)
        if name in endpoints_of(backend):
            raise already_exists("endpoint", arn)
        config = find_config(backend, request["EndpointConfigName"])
        now = self._stage.now()
        endpoint = Endpoint(backend, name, arn, config, now, now, request.get("Tags", []))
        endpoint.pending = self._deployment(backend, config, request.get("DeploymentConfig"))
        endpoints_of(backend)[name] = endpoint
        self._deployments.create(endpoint)
        return {"EndpointArn": arn}

    def update(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        endpoint = find_endpoint(backend, request["EndpointName"])
        _refuse_while_busy(endpoint)
        config = find_config(backend, request["EndpointConfigName"])
        # The service compares with the live configuration: once that is deleted, nothing can be updated
        # [terraform-provider-aws #48997].
        find_config(backend, endpoint.config.name)
        if "AsyncInferenceConfig" in endpoint.config.fields and "AsyncInferenceConfig" not in config.fields:
            raise ValidationException(
                "The AsyncInferenceConfig parameter cannot be removed from this endpoint "
                f"{endpoint.name}. To change the endpoint, create a new one."
            )
        refuse_what_autoscaling_forbids(endpoint, config)
        how = request.get("DeploymentConfig")
        if how is None and request.get("RetainDeploymentConfig"):
            how = endpoint.last_deployment_config
        coming = self._deployment(backend, config, how)
        if request.get("RetainAllVariantProperties"):
            excluded = [
                item["VariantPropertyType"] for item in request.get("ExcludeRetainedVariantProperties", [])
            ]
            retain(coming.variants, endpoint.variants, excluded)
            retain(coming.shadow_variants, endpoint.shadow_variants, excluded)
        self._deployments.update(endpoint, coming)
        return {"EndpointArn": endpoint.arn}

    def scale(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        endpoint = find_endpoint(backend, request["EndpointName"])
        _refuse_while_busy(endpoint)
        wanted = request["DesiredWeightsAndCapacities"]
        variants = {variant["VariantName"]: variant for variant in endpoint.variants}
        if unknown := [item["VariantName"] for item in wanted if item["VariantName"] not in variants]:
            raise ValidationException(
                f'The variant name(s) "{", ".join(unknown)}" is/are not present within endpoint '
                f'configuration "{endpoint.config.name}".'
            )
        for item in wanted:
            changes = {
                "DesiredWeight": item.get("DesiredWeight"),
                "DesiredInstanceCount": item.get("DesiredInstanceCount"),
                "DesiredServerlessConfig": item.get("ServerlessUpdateConfig"),
            }
            variants[item["VariantName"]] |= given(**changes)
        self._deployments.scale(endpoint)
        return {"EndpointArn": endpoint.arn}

    def delete(self, backend: SageMakerModelBackend, request: Request) -> None:
        endpoint = find_endpoint(backend, request["EndpointName"])
        if endpoint.status not in (*_AT_REST, "Failed"):
            raise in_progress(endpoint.arn)
        self._deployments.delete(endpoint)

    def describe(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        return find_endpoint(backend, request["EndpointName"]).description()

    def list(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        endpoints, token = page(
            endpoints_of(backend).values(),
            request,
            name=lambda it: it.name,
            created=lambda it: it.created,
            modified=lambda it: it.modified,
            status=lambda it: it.status,
        )
        return given(Endpoints=[endpoint.summary() for endpoint in endpoints], NextToken=token)

    def _deployment(
        self, backend: SageMakerModelBackend, config: Resource, how: dict[str, Any] | None
    ) -> Deployment:
        now = self._stage.now()
        return Deployment(
            config,
            planned_variants(backend, config, "ProductionVariants", now),
            planned_variants(backend, config, "ShadowProductionVariants", now),
            how,
            now,
            containers_by_variant(backend, config),
        )


def _refuse_while_busy(endpoint: Endpoint) -> None:
    if endpoint.status == "Failed":
        # ? Documented is only that "DeleteEndpoint is the only operation" on a failed endpoint.
        raise ValidationException(f'Cannot update endpoint "{endpoint.arn}" in status Failed.')
    if endpoint.status not in _AT_REST:
        raise in_progress(endpoint.arn)
