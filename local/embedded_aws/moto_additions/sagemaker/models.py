"""Models in moto: an existing name is overwritten, half of the members lost, and lists know no filters."""

from typing import Any

from moto.sagemaker.models import SageMakerModelBackend

from embedded_aws.moto_additions.sagemaker.errors import ValidationException, already_exists, not_found
from embedded_aws.moto_additions.sagemaker.model_packages import find_package
from embedded_aws.moto_additions.sagemaker.resource import Resource, arn_of, page
from embedded_aws.moto_additions.sagemaker.stage import Stage
from embedded_aws.moto_additions.sagemaker.usage import endpoints_on_model
from embedded_aws.moto_additions.sagemaker.wire import Answer, Operation, Request, given


class Models:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateModel": self.create,
            "DescribeModel": self.describe,
            "DeleteModel": self.delete,
            "ListModels": self.list,
        }

    def create(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        name = request.pop("ModelName")
        arn = arn_of(backend, "model", name)
        if name in models_of(backend):
            raise already_exists("model", arn)
        containers = containers_of(request)
        if not containers:
            raise ValidationException("One of PrimaryContainer or Containers must be specified.")  # ?
        if "PrimaryContainer" in request and "Containers" in request:
            raise ValidationException("PrimaryContainer and Containers cannot be specified together.")  # ?
        for container in containers:
            if package := container.get("ModelPackageName"):
                find_package(backend, package)
        tags = request.pop("Tags", [])
        for container in containers:
            container.setdefault("Mode", "SingleModel")
        request.setdefault("EnableNetworkIsolation", False)
        models_of(backend)[name] = Resource(name, arn, self._stage.now(), request, tags)
        return {"ModelArn": arn}

    def describe(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        model = find_model(backend, request["ModelName"])
        return {
            "ModelName": model.name,
            "ModelArn": model.arn,
            "CreationTime": model.created,
            **model.fields,
        }

    def delete(self, backend: SageMakerModelBackend, request: Request) -> None:
        model = find_model(backend, request["ModelName"])
        if endpoints_on_model(backend, model.name):
            self._stage.deleted_while_referenced.append(model.arn)
        del models_of(backend)[model.name]

    def list(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        models, token = page(
            models_of(backend).values(), request, name=lambda it: it.name, created=lambda it: it.created
        )
        summaries = [
            {"ModelName": model.name, "ModelArn": model.arn, "CreationTime": model.created}
            for model in models
        ]
        return given(Models=summaries, NextToken=token)


def models_of(backend: SageMakerModelBackend) -> dict[str, Resource]:
    kept: dict[str, Resource] = vars(backend)["_models"]
    return kept


def find_model(backend: SageMakerModelBackend, name: str) -> Resource:
    try:
        return models_of(backend)[name]
    except KeyError:
        raise not_found("model", arn_of(backend, "model", name)) from None


def containers_of(fields: dict[str, Any]) -> list[dict[str, Any]]:
    """The containers of a model, however they were given."""
    primary = fields.get("PrimaryContainer")
    return [primary] if primary is not None else list(fields.get("Containers", []))
