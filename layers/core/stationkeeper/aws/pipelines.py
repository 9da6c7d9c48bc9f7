"""Pipelines of SageMaker and their executions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stationkeeper.aws.errors import unless_missing, unless_refused
from stationkeeper.retraining.decision import Listed, Pipeline
from stationkeeper.retraining.parameters import DefinitionUnreadable, declared_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_sagemaker import SageMakerClient

_LISTED = 100


class AwsPipelines:
    """Each method is one call."""

    def __init__(
        self, client: Callable[[], SageMakerClient], partition: str, region: str, account: str
    ) -> None:
        self._client = client
        self._prefix = f"arn:{partition}:sagemaker:{region}:{account}:pipeline/"

    def arn(self, name: str) -> str:
        """A pipeline's ARN; SageMaker spells names in lower case there."""
        return f"{self._prefix}{name.lower()}"

    def pipeline(self, name: str) -> Pipeline | None:
        """A pipeline with the parameters it declares; None when it is not there."""
        answer = unless_missing(lambda: self._client().describe_pipeline(PipelineName=name))
        if answer is None:
            return None
        try:
            declared, problem = declared_in(answer.get("PipelineDefinition", "")), ""
        except DefinitionUnreadable as error:
            declared, problem = (), f"no parameters are passed: {error}"
        return Pipeline(self.arn(name), str(answer.get("PipelineName") or name), declared, problem)

    def executions(self, name: str) -> tuple[Listed, ...]:
        """The newest executions, at most a hundred."""
        answer = self._client().list_pipeline_executions(
            PipelineName=name, SortBy="CreationTime", SortOrder="Descending", MaxResults=_LISTED
        )
        return tuple(
            Listed(
                arn=str(one["PipelineExecutionArn"]),
                name=str(one.get("PipelineExecutionDisplayName") or ""),
                status=str(one.get("PipelineExecutionStatus") or ""),
                started_at=one.get("StartTime"),
            )
            for one in answer.get("PipelineExecutionSummaries", [])
        )

    def start(self, request: Mapping[str, Any]) -> str:
        """Start an execution; its token makes that safe to repeat. Returns its ARN.

        Raises
        ------
        StepRefused
            SageMaker will never take the request as it is.
        botocore.exceptions.ClientError
            Passing faults, after boto3's own retries.
        """
        answer = unless_refused(
            "StartPipelineExecution",
            str(request["PipelineName"]),
            lambda: self._client().start_pipeline_execution(**request),
        )
        return str(answer["PipelineExecutionArn"])
