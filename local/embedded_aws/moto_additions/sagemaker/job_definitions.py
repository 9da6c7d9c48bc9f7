"""Definitions of monitoring jobs in moto: four kinds, each with gaps of its own.

Gaps filled here: a taken name is overwritten; an unknown name is refused in other words than the
service's; members such as the stopping condition are lost; lists know neither endpoints nor names.
"""

from collections.abc import Callable
from typing import Any

from moto.sagemaker.models import SageMakerModelBackend

from embedded_aws.moto_additions.sagemaker.errors import ResourceInUseException, ResourceNotFound
from embedded_aws.moto_additions.sagemaker.resource import Resource, arn_of, page
from embedded_aws.moto_additions.sagemaker.stage import Stage
from embedded_aws.moto_additions.sagemaker.wire import Answer, Operation, Request, given

# Monitoring type -> how ARNs spell it; moto's backend has them under the same name with underscores.
_KINDS = {
    "DataQuality": "data-quality-job-definition",
    "ModelQuality": "model-quality-job-definition",
    "ModelBias": "model-bias-job-definition",
    "ModelExplainability": "model-explainability-job-definition",
}


class JobDefinitions:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def operations(self) -> dict[str, Operation]:
        operations: dict[str, Operation] = {}
        for monitoring_type in _KINDS:
            operations |= {
                f"Create{monitoring_type}JobDefinition": self._for(monitoring_type, self._create),
                f"Describe{monitoring_type}JobDefinition": self._for(monitoring_type, self._describe),
                f"Delete{monitoring_type}JobDefinition": self._for(monitoring_type, self._delete),
                f"List{monitoring_type}JobDefinitions": self._for(monitoring_type, self._list),
            }
        return operations

    @staticmethod
    def _for(
        monitoring_type: str, operation: Callable[[str, SageMakerModelBackend, Request], Answer | None]
    ) -> Operation:
        return lambda backend, request: operation(monitoring_type, backend, request)

    def _create(self, monitoring_type: str, backend: SageMakerModelBackend, request: Request) -> Answer:
        name = request.pop("JobDefinitionName")
        arn = arn_of(backend, _KINDS[monitoring_type], name)
        if name in definitions_of(backend, monitoring_type):
            raise ResourceInUseException(f"Job definition {arn} already exists.")  # ?
        tags = request.pop("Tags", [])
        definition = Resource(name, arn, self._stage.now(), request, tags)
        definitions_of(backend, monitoring_type)[name] = definition
        return {"JobDefinitionArn": arn}

    def _describe(self, monitoring_type: str, backend: SageMakerModelBackend, request: Request) -> Answer:
        definition = find_definition(backend, monitoring_type, request["JobDefinitionName"])
        return {
            "JobDefinitionArn": definition.arn,
            "JobDefinitionName": definition.name,
            "CreationTime": definition.created,
            **definition.fields,
        }

    def _delete(self, monitoring_type: str, backend: SageMakerModelBackend, request: Request) -> None:
        definition = find_definition(backend, monitoring_type, request["JobDefinitionName"])
        del definitions_of(backend, monitoring_type)[definition.name]

    def _list(self, monitoring_type: str, backend: SageMakerModelBackend, request: Request) -> Answer:
        endpoint_name = request.get("EndpointName")
        found = (
            definition
            for definition in definitions_of(backend, monitoring_type).values()
            if endpoint_name in (None, endpoint_name_of(definition.fields))
        )
        definitions, token = page(found, request, name=lambda it: it.name, created=lambda it: it.created)
        summaries = [
            {
                "MonitoringJobDefinitionName": definition.name,
                "MonitoringJobDefinitionArn": definition.arn,
                "CreationTime": definition.created,
                # Required in the answer, whatever the job reads.
                "EndpointName": endpoint_name_of(definition.fields) or "",
            }
            for definition in definitions
        ]
        return given(JobDefinitionSummaries=summaries, NextToken=token)


def definitions_of(backend: SageMakerModelBackend, monitoring_type: str) -> dict[str, Resource]:
    kept: dict[str, Resource] = vars(backend)[f"{_KINDS[monitoring_type].replace('-', '_')}s"]
    return kept


def find_definition(backend: SageMakerModelBackend, monitoring_type: str, name: str) -> Resource:
    try:
        return definitions_of(backend, monitoring_type)[name]
    except KeyError:
        arn = arn_of(backend, _KINDS[monitoring_type], name)
        raise ResourceNotFound(f'Could not find job definition "{arn}".') from None  # ?


def endpoint_name_of(fields: dict[str, Any]) -> str | None:
    """The endpoint whose captured data a job reads; None when it reads a batch transform's."""
    for name, job_input in fields.items():
        if name.endswith("JobInput"):
            found = job_input.get("EndpointInput", {}).get("EndpointName")
            return None if found is None else str(found)
    return None
