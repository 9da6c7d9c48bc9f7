"""Pipelines in moto: on the machine's clock; their executions succeed at once, whatever they are given.

Gaps filled here: parameters are checked, a token given twice starts one execution, executions take their
time, run their steps, can fail and be stopped, and say so.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.utils import load_pipeline_definition_from_s3
from moto.utilities.utils import get_partition

from embedded_aws.moto_additions.sagemaker.errors import (
    ConflictException,
    ResourceNotFound,
    ValidationException,
)
from embedded_aws.moto_additions.sagemaker.pipeline_definition import Definition
from embedded_aws.moto_additions.sagemaker.pipeline_execution import Execution
from embedded_aws.moto_additions.sagemaker.pipeline_runs import PipelineRuns
from embedded_aws.moto_additions.sagemaker.resource import Resource, page, prefix_of
from embedded_aws.moto_additions.sagemaker.stage import Stage
from embedded_aws.moto_additions.sagemaker.wire import Answer, Operation, Request, given

_PLACE = "PipelineDefinitionS3Location"


@dataclass(eq=False)
class Pipeline(Resource):
    """`executions` by ARN; `tokens` maps the token of each request to what it started."""

    creation_token: str | None = None
    modified: datetime | None = None
    last_run: datetime | None = None
    executions: dict[str, Execution] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def last_modified(self) -> datetime:
        return self.modified or self.created

    def summary(self) -> Answer:
        members = ("PipelineDisplayName", "PipelineDescription", "RoleArn")
        return given(
            PipelineArn=self.arn,
            PipelineName=self.name,
            CreationTime=self.created,
            LastModifiedTime=self.last_modified,
            LastExecutionTime=self.last_run,
            **{name: self.fields.get(name) for name in members},
        )


class Pipelines:
    def __init__(self, stage: Stage, runs: PipelineRuns) -> None:
        self._stage = stage
        self._runs = runs

    def operations(self) -> dict[str, Operation]:
        return {
            "CreatePipeline": self.create,
            "UpdatePipeline": self.update,
            "DescribePipeline": self.describe,
            "DeletePipeline": self.delete,
            "ListPipelines": self.list,
            "StartPipelineExecution": self.start,
            "StopPipelineExecution": self.stop,
            "DescribePipelineExecution": self.describe_execution,
            "ListPipelineExecutions": self.list_executions,
            "ListPipelineExecutionSteps": self.list_steps,
            "ListPipelineParametersForExecution": self.list_parameters,
            "DescribePipelineDefinitionForExecution": self.describe_definition,
        }

    def create(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        name, token = request.pop("PipelineName"), request.pop("ClientRequestToken", None)
        found = pipelines_of(backend).get(name)
        if found is not None and found.creation_token == token:
            return {"PipelineArn": found.arn}
        if found is not None:
            raise ValidationException(
                "Pipeline names must be unique within an AWS account and region. Pipeline with name "
                f"({name}) already exists."
            )
        if "PipelineDefinition" not in request and _PLACE not in request:
            raise ValidationException(
                "Either Pipeline Definition or Pipeline Definition S3 location should be provided"
            )
        tags = request.pop("Tags", [])
        _fetch_definition(backend, request)
        arn = f"{prefix_of(backend)}pipeline/{name}"
        pipelines_of(backend)[name] = Pipeline(
            name, arn, self._stage.now(), request, tags, creation_token=token
        )
        return {"PipelineArn": arn}

    def update(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        pipeline = find_pipeline(backend, request.pop("PipelineName"))
        _fetch_definition(backend, request)
        pipeline.fields |= request
        pipeline.modified = self._stage.now()
        return {"PipelineArn": pipeline.arn}

    def describe(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        pipeline = find_pipeline(backend, request["PipelineName"])
        return given(
            PipelineArn=pipeline.arn,
            PipelineName=pipeline.name,
            PipelineStatus="Active",
            CreationTime=pipeline.created,
            LastModifiedTime=pipeline.last_modified,
            LastRunTime=pipeline.last_run,
            CreatedBy=_user(backend),
            LastModifiedBy=_user(backend),
            **pipeline.fields,
        )

    def delete(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        pipeline = find_pipeline(backend, request["PipelineName"])
        if any(execution.running for execution in pipeline.executions.values()):
            raise ConflictException(f"Pipeline '{pipeline.arn}' has running executions.")  # ?
        del pipelines_of(backend)[pipeline.name]
        return {"PipelineArn": pipeline.arn}

    def list(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        prefix = request.get("PipelineNamePrefix", "")
        pipelines, token = page(
            (it for it in pipelines_of(backend).values() if it.name.startswith(prefix)),
            _times(request),
            name=lambda it: it.name,
            created=lambda it: it.created,
        )
        return given(PipelineSummaries=[pipeline.summary() for pipeline in pipelines], NextToken=token)

    def start(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        pipeline = find_pipeline(backend, request["PipelineName"])
        token = request.get("ClientRequestToken", "")
        if token in pipeline.tokens:
            return {"PipelineExecutionArn": pipeline.tokens[token]}
        execution = self._runs.start(backend, pipeline, request)
        pipeline.executions[execution.arn] = execution
        pipeline.last_run = execution.created
        if token:
            pipeline.tokens[token] = execution.arn
        return {"PipelineExecutionArn": execution.arn}

    def stop(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        execution = find_execution(backend, request)
        if execution.status == "Executing":
            self._runs.stop(execution)
        elif execution.status != "Stopping":
            raise ValidationException(
                f"Pipeline execution with ARN {execution.arn} status '{execution.status}'. Only pipeline "
                "executions with 'Executing' status can be stopped"
            )  # ?
        return {"PipelineExecutionArn": execution.arn}

    def describe_execution(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        return find_execution(backend, request).answer(_user(backend))

    def list_executions(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        by_arn = {"SortBy": "Name"} if request.get("SortBy") == "PipelineExecutionArn" else {}
        executions, token = page(
            find_pipeline(backend, request["PipelineName"]).executions.values(),
            _times(request) | by_arn,
            name=lambda it: it.arn,
            created=lambda it: it.created,
        )
        summaries = [execution.summary() for execution in executions]
        return given(PipelineExecutionSummaries=summaries, NextToken=token)

    def list_steps(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        runs, token = page(
            find_execution(backend, request).steps,
            request,
            name=lambda it: it.name,
            created=lambda it: it.started,
        )
        return given(PipelineExecutionSteps=[run.summary() for run in runs], NextToken=token)

    def list_parameters(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        execution = find_execution(backend, request)
        inputs, token = page(
            execution.inputs,
            {"SortOrder": "Ascending", **request},
            name=lambda it: it["Name"],
            created=lambda _: execution.created,
        )
        return given(PipelineParameters=inputs, NextToken=token)

    def describe_definition(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        execution = find_execution(backend, request)
        return {"PipelineDefinition": execution.definition, "CreationTime": execution.created}


def pipelines_of(backend: SageMakerModelBackend) -> dict[str, Pipeline]:
    kept: dict[str, Pipeline] = vars(backend)["pipelines"]
    return kept


def find_pipeline(backend: SageMakerModelBackend, name_or_arn: str) -> Pipeline:
    name = name_or_arn.rpartition("/")[2]
    try:
        return pipelines_of(backend)[name]
    except KeyError:
        raise ResourceNotFound(f"Pipeline '{prefix_of(backend)}pipeline/{name}' does not exist.") from None


def find_execution(backend: SageMakerModelBackend, request: Request) -> Execution:
    arn = request["PipelineExecutionArn"]
    for pipeline in pipelines_of(backend).values():
        if arn in pipeline.executions:
            return pipeline.executions[arn]
    raise ResourceNotFound(f"Pipeline execution '{arn}' does not exist.")  # ?


def _fetch_definition(backend: SageMakerModelBackend, request: Request) -> None:
    """Put the definition into the request, wherever it is, and check it."""
    if "PipelineDefinition" in request and _PLACE in request:
        raise ValidationException(
            "Both Pipeline Definition and Pipeline Definition S3 Location shouldn't be present"
        )
    if place := request.pop(_PLACE, None):
        document = load_pipeline_definition_from_s3(
            place, backend.account_id, get_partition(backend.region_name)
        )
        request["PipelineDefinition"] = json.dumps(document)
    if "PipelineDefinition" in request:
        Definition.parse(request["PipelineDefinition"])


def _times(request: Request) -> Request:
    """These lists call their limits otherwise than the others do."""
    names = {"CreatedAfter": "CreationTimeAfter", "CreatedBefore": "CreationTimeBefore"}
    return {names.get(name, name): value for name, value in request.items()}


def _user(backend: SageMakerModelBackend) -> dict[str, Any]:
    return {"IamIdentity": {"Arn": f"arn:aws:iam::{backend.account_id}:user/developer"}}
