"""Jobs and pipeline executions as SageMaker describes them, and the registry that takes their models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stationkeeper.aws.errors import unless_missing, unless_refused
from stationkeeper.aws.resource_tags import ResourceTags
from stationkeeper.events.job import JobKind
from stationkeeper.events.job_events import FailedStep
from stationkeeper.jobs.registration import Registered, TrainingJob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_sagemaker import SageMakerClient

_NEWEST_VERSIONS = 100
_TEXT = 300
_CHECKS = ("QualityCheck", "ClarifyCheck")


class AwsJobSight:
    def __init__(self, client: Callable[[], SageMakerClient]) -> None:
        self._client = client
        self._tags = ResourceTags(client)

    def tags(self, arn: str) -> dict[str, str] | None:
        """Tags of a job, a pipeline or a group; None when it is not there. One call."""
        return unless_missing(lambda: self._tags.of(arn))

    def training_job(self, name: str) -> TrainingJob | None:
        """A training job; None when it is not there. One call."""
        return unless_missing(
            lambda: TrainingJob.model_validate(self._client().describe_training_job(TrainingJobName=name))
        )

    def best_training_job(self, tuning_job: str) -> str | None:
        """Name of the best training job of a tuning job; None when none was good. One call."""
        answer = unless_missing(
            lambda: self._client().describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=tuning_job)
        )
        best = answer.get("BestTrainingJob") if answer else None
        return str(best["TrainingJobName"]) if best and best.get("TrainingJobName") else None

    def failed_step(self, execution_arn: str) -> FailedStep | None:
        """The step that an execution failed at; None when it tells of none. One call per hundred steps."""
        steps = unless_missing(lambda: list(self._steps(execution_arn))) or []
        failed = (step for step in steps if step.get("StepStatus") == "Failed")
        step = min(failed, key=lambda one: str(one.get("EndTime") or ""), default=None)
        if step is None:
            return None
        kind, arn = _job_of(step.get("Metadata") or {})
        return FailedStep(
            name=str(step.get("StepName") or ""),
            kind=kind,
            reason=str(step.get("FailureReason") or ""),
            job_arn=arn[:_TEXT],
            log_group=_log_group(arn),
        )

    def registered_by(self, execution_arn: str) -> tuple[str, ...]:
        """ARNs of the versions that an execution registered. One call per hundred steps."""
        found = (
            ((step.get("Metadata") or {}).get("RegisterModel") or {}).get("Arn")
            for step in unless_missing(lambda: list(self._steps(execution_arn))) or []
        )
        return tuple(sorted({str(arn) for arn in found if arn}))

    def failure_reason(self, execution_arn: str) -> str:
        """Why an execution failed; "" when it does not tell. One call."""
        answer = unless_missing(
            lambda: self._client().describe_pipeline_execution(PipelineExecutionArn=execution_arn)
        )
        return str(answer.get("FailureReason") or "") if answer else ""

    def newest_versions(self, group: str) -> tuple[Registered, ...] | None:
        """The newest versions of a group, at most a hundred; None when the group is not there. One call."""
        answer = unless_missing(
            lambda: self._client().list_model_packages(
                ModelPackageGroupName=group,
                ModelPackageType="Versioned",
                SortBy="CreationTime",
                SortOrder="Descending",
                MaxResults=_NEWEST_VERSIONS,
            )
        )
        if answer is None:
            return None
        return tuple(
            Registered(
                arn=str(one["ModelPackageArn"]),
                description=str(one.get("ModelPackageDescription") or ""),
                created_at=one.get("CreationTime"),
            )
            for one in answer.get("ModelPackageSummaryList", [])
        )

    def _steps(self, execution_arn: str) -> Iterator[Mapping[str, Any]]:
        pages = (
            self._client()
            .get_paginator("list_pipeline_execution_steps")
            .paginate(PipelineExecutionArn=execution_arn, PaginationConfig={"PageSize": 100})
        )
        for page in pages:
            yield from page.get("PipelineExecutionSteps", [])


class AwsRegistry:
    def __init__(self, client: Callable[[], SageMakerClient]) -> None:
        self._client = client

    def register(self, request: Mapping[str, Any]) -> str:
        """Make a version; its token makes that safe to repeat. Returns its ARN.

        Raises
        ------
        StepRefused
            SageMaker will never take the request as it is.
        botocore.exceptions.ClientError
            Passing faults, after boto3's own retries.
        """
        answer = unless_refused(
            "CreateModelPackage",
            str(request["ModelPackageGroupName"]),
            lambda: self._client().create_model_package(**request),
        )
        return str(answer["ModelPackageArn"])


def _job_of(metadata: Mapping[str, Any]) -> tuple[str, str]:
    """What kind of step it is, and the ARN of the job it ran; "" where it ran none."""
    for kind, about in metadata.items():
        if kind in _CHECKS:
            return kind, str(about.get("CheckJobArn") or "")
        if isinstance(about, dict):
            return kind, str(about.get("Arn") or "")
    return "", ""


def _log_group(job_arn: str) -> str:
    for kind in (JobKind.TRAINING, JobKind.PROCESSING, JobKind.TRANSFORM):
        if f":{kind.value}-job/" in job_arn:
            return kind.log_group or ""
    return ""
