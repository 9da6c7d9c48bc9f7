"""Endpoint configurations in moto: an existing name is overwritten, and only a handful of members kept."""

from moto.sagemaker.models import SageMakerModelBackend

from embedded_aws.moto_additions.sagemaker.errors import ValidationException, already_exists, not_found
from embedded_aws.moto_additions.sagemaker.models import find_model
from embedded_aws.moto_additions.sagemaker.resource import Resource, arn_of, page
from embedded_aws.moto_additions.sagemaker.stage import Stage
from embedded_aws.moto_additions.sagemaker.usage import endpoints_on_configuration
from embedded_aws.moto_additions.sagemaker.wire import Answer, Operation, Request, given

KIND = "endpoint configuration"


class EndpointConfigs:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateEndpointConfig": self.create,
            "DescribeEndpointConfig": self.describe,
            "DeleteEndpointConfig": self.delete,
            "ListEndpointConfigs": self.list,
        }

    def create(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        name = request.pop("EndpointConfigName")
        arn = arn_of(backend, "endpoint-config", name)
        if name in configs_of(backend):
            raise already_exists(KIND, arn)
        variants = request["ProductionVariants"] + request.get("ShadowProductionVariants", [])
        seen: set[str] = set()
        for variant in variants:
            if variant["VariantName"] in seen:
                raise ValidationException(f"Duplicate variant name {variant['VariantName']}.")  # ?
            seen.add(variant["VariantName"])
            if "ModelName" in variant:
                find_model(backend, variant["ModelName"])
            if "ServerlessConfig" not in variant and "InstanceType" not in variant:
                raise ValidationException(
                    f"Variant {variant['VariantName']} needs InstanceType or ServerlessConfig."
                )  # ?
            variant.setdefault("InitialVariantWeight", 1.0)
        tags = request.pop("Tags", [])
        configs_of(backend)[name] = Resource(name, arn, self._stage.now(), request, tags)
        return {"EndpointConfigArn": arn}

    def describe(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        config = find_config(backend, request["EndpointConfigName"])
        return {
            "EndpointConfigName": config.name,
            "EndpointConfigArn": config.arn,
            "CreationTime": config.created,
            **config.fields,
        }

    def delete(self, backend: SageMakerModelBackend, request: Request) -> None:
        """SageMaker lets a configuration go that an endpoint runs on; the endpoint cannot be updated then."""
        config = find_config(backend, request["EndpointConfigName"])
        if endpoints_on_configuration(backend, config.name):
            self._stage.deleted_while_referenced.append(config.arn)
        del configs_of(backend)[config.name]

    def list(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        configs, token = page(
            configs_of(backend).values(), request, name=lambda it: it.name, created=lambda it: it.created
        )
        summaries = [
            {
                "EndpointConfigName": config.name,
                "EndpointConfigArn": config.arn,
                "CreationTime": config.created,
            }
            for config in configs
        ]
        return given(EndpointConfigs=summaries, NextToken=token)


def configs_of(backend: SageMakerModelBackend) -> dict[str, Resource]:
    kept: dict[str, Resource] = vars(backend)["endpoint_configs"]
    return kept


def find_config(backend: SageMakerModelBackend, name: str) -> Resource:
    try:
        return configs_of(backend)[name]
    except KeyError:
        raise not_found(KIND, arn_of(backend, "endpoint-config", name)) from None
