"""A job or a pipeline execution changed state: five of SageMaker's events, read into one shape.

Each kind has its own spelling of the same facts: `TrainingJobStatus`, `currentPipelineExecutionStatus`; times as ISO, as epoch
milliseconds, as strings, or missing.
"""

import re
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel, to_pascal

from stationkeeper.errors import InvalidEvent
from stationkeeper.events.envelope import Envelope
from stationkeeper.events.fields import Lenient, Maybe, SageMakerModel, Text, Timestamp
from stationkeeper.events.processing_job import AppSpecification


class JobKind(StrEnum):
    TRAINING = "training"
    TUNING = "tuning"
    TRANSFORM = "transform"
    PROCESSING = "processing"
    PIPELINE = "pipeline"

    @property
    def words(self) -> str:
        """What a person calls it: `training job`, `pipeline execution`."""
        return "pipeline execution" if self is JobKind.PIPELINE else f"{self} job"

    @property
    def log_group(self) -> str | None:
        """Where its containers log; None for tuning jobs and pipelines, whose own jobs do."""
        return None if self in (JobKind.TUNING, JobKind.PIPELINE) else f"/aws/sagemaker/{self.title()}Jobs"


# Pipelines have words of their own for the same states; events may write any of them IN_CAPITALS.
_STATUSES = {
    **{
        status.lower(): status
        for status in ("InProgress", "Completed", "Failed", "Stopping", "Stopped", "CompletedWithFailures")
    },
    "executing": "InProgress",
    "succeeded": "Completed",
}
_TERMINAL = ("Completed", "CompletedWithFailures", "Failed", "Stopped")


class Job(Lenient):
    """A job or pipeline execution, as its event tells of it.

    Attributes
    ----------
    name : as SageMaker's calls and logs want it; of a pipeline execution its id.
    status : in the API's spelling, `Completed`, `InProgress` for pipelines too; an unknown one as it was written.
    secondary_status : of training jobs, `MaxRuntimeExceeded` for example; else "".
    ended_at : of an ended job that does not say, when it last changed.
    tags : None when the event says nothing of tags; {} when it says that there are none.
    pipeline_arn, pipeline : of pipeline executions; else "".
    monitoring_schedule_arn, image : of processing jobs, where told; else "".
    """

    kind: JobKind
    name: str
    arn: str
    status: str
    secondary_status: str = ""
    failure_reason: str = ""
    exit_message: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    tags: dict[str, str] | None = None
    pipeline_arn: str = ""
    pipeline: str = ""
    monitoring_schedule_arn: str = ""
    image: str = ""

    @property
    def terminal(self) -> bool:
        """Whether it has ended; a status nobody knows has not."""
        return self.status in _TERMINAL

    @property
    def failed(self) -> bool:
        return self.status in ("Failed", "CompletedWithFailures")


def _tags(value: Any) -> Any:
    """A map, or the API's list of Key and Value; None where nothing is said."""
    if value in ("", None):
        return None
    if isinstance(value, list) and all(isinstance(tag, dict) and "Key" in tag for tag in value):
        value = {tag["Key"]: tag.get("Value") for tag in value}
    if isinstance(value, dict):
        return {key: "" if text is None else str(text) for key, text in value.items()}
    return value


type _Required = Annotated[str, Field(min_length=1)]
type _Tags = Annotated[dict[str, str] | None, BeforeValidator(_tags)]


def _spelled(kind: str) -> Callable[[str], str]:
    """Aliases of one kind of job: `name` is `TrainingJobName`, `start_time` is `TrainingStartTime`."""
    own = {"name": f"{kind}JobName", "arn": f"{kind}JobArn", "status": f"{kind}JobStatus"}
    times = {"start_time": f"{kind}StartTime", "end_time": f"{kind}EndTime"}
    return lambda field: own.get(field) or times.get(field) or to_pascal(field)


class _AnyJob(SageMakerModel):
    name: _Required
    arn: _Required
    status: _Required
    secondary_status: Text = None
    failure_reason: Text = None
    exit_message: Text = None
    creation_time: Timestamp = None
    start_time: Timestamp = None
    end_time: Timestamp = None
    last_modified_time: Timestamp = None
    tags: _Tags = None

    def read(self, kind: JobKind) -> Job:
        status = _normalised(self.status)
        return Job(
            kind=kind,
            name=_name(self.name, self.arn),
            arn=self.arn,
            status=status,
            secondary_status=self.secondary_status or "",
            failure_reason=self.failure_reason or "",
            exit_message=self.exit_message or "",
            created_at=self.creation_time,
            started_at=self.start_time,
            ended_at=self.end_time or (self.last_modified_time if status in _TERMINAL else None),
            tags=self.tags,
        )


class TrainingJob(_AnyJob):
    model_config = ConfigDict(alias_generator=_spelled("Training"))


class TransformJob(_AnyJob):
    model_config = ConfigDict(alias_generator=_spelled("Transform"))


class TuningJob(_AnyJob):
    model_config = ConfigDict(alias_generator=_spelled("HyperParameterTuning"))


class ProcessingJob(_AnyJob):
    model_config = ConfigDict(alias_generator=_spelled("Processing"))

    monitoring_schedule_arn: Text = None
    app_specification: Maybe[AppSpecification] = None

    def read(self, kind: JobKind) -> Job:
        image = self.app_specification.image_uri if self.app_specification else None
        told = {"monitoring_schedule_arn": self.monitoring_schedule_arn or "", "image": image or ""}
        return super().read(kind).model_copy(update=told)


class PipelineExecution(Lenient):
    """An execution; its event, unlike those of jobs, is camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)

    pipeline_execution_arn: Annotated[str, Field(pattern=r"/execution/[^/\s]+$")]
    current_pipeline_execution_status: _Required
    pipeline_arn: Text = None
    pipeline_execution_failure_reason: Text = None
    failure_reason: Text = None
    execution_start_time: Timestamp = None
    execution_end_time: Timestamp = None
    tags: _Tags = None

    def read(self, kind: JobKind) -> Job:
        pipeline_arn, _, execution_id = self.pipeline_execution_arn.rpartition("/execution/")
        pipeline_arn = self.pipeline_arn or pipeline_arn
        return Job(
            kind=kind,
            name=execution_id,
            arn=self.pipeline_execution_arn,
            status=_normalised(self.current_pipeline_execution_status),
            failure_reason=self.pipeline_execution_failure_reason or self.failure_reason or "",
            # An execution starts when it is made; its event tells only one of the two.
            created_at=self.execution_start_time,
            started_at=self.execution_start_time,
            ended_at=self.execution_end_time,
            tags=self.tags,
            pipeline_arn=pipeline_arn,
            pipeline=pipeline_arn.rpartition("/")[2],
        )


class _Told(Envelope):
    detail: _AnyJob | PipelineExecution


class TrainingJobStateChange(_Told):
    detail: TrainingJob


class TuningJobStateChange(_Told):
    detail: TuningJob


class TransformJobStateChange(_Told):
    detail: TransformJob


class ProcessingJobStateChange(_Told):
    detail: ProcessingJob


class PipelineExecutionStatusChange(_Told):
    detail: PipelineExecution


_SHAPES: dict[str, tuple[JobKind, Callable[[Any], _Told]]] = {
    "SageMaker Training Job State Change": (JobKind.TRAINING, TrainingJobStateChange.parse),
    "SageMaker HyperParameter Tuning Job State Change": (JobKind.TUNING, TuningJobStateChange.parse),
    "SageMaker Transform Job State Change": (JobKind.TRANSFORM, TransformJobStateChange.parse),
    "SageMaker Processing Job State Change": (JobKind.PROCESSING, ProcessingJobStateChange.parse),
    "SageMaker Model Building Pipeline Execution Status Change": (
        JobKind.PIPELINE,
        PipelineExecutionStatusChange.parse,
    ),
}


class JobStateChange(Envelope):
    """An event of any kind of job, its detail in the one shape of `Job`."""

    source: Literal["aws.sagemaker"]
    detail: Job

    @classmethod
    def parse(cls, body: str | bytes | dict[str, Any]) -> "JobStateChange":
        """Read any of the five events.

        Raises
        ------
        InvalidEvent
            It is none of them, or lacks its job's name, ARN or status, or a field is not of its kind.
        """
        envelope = Envelope.parse(body)
        shape = _SHAPES.get(envelope.detail_type)
        if envelope.source != "aws.sagemaker" or shape is None:
            raise InvalidEvent(
                f"not a JobStateChange event: source {envelope.source[:100]!r} and detail-type {envelope.detail_type[:100]!r} "
                "are not those of a job or a pipeline execution"
            )
        kind, read = shape
        detail = read(body).detail.read(kind)
        return cls.model_validate({**envelope.model_dump(by_alias=True), "detail": detail})


def _normalised(status: str) -> str:
    return _STATUSES.get(re.sub(r"[\s_-]", "", status).lower(), status)


def _name(told: str, arn: str) -> str:
    """The job's name, of its two spellings in the event.

    The documentation's samples have a random name beside an ARN that ends in the real one: there the ARN is right. Yet ARNs may be
    in lower case where names are not, and log streams are named after the name: a mere difference of case is kept.
    """
    in_arn = arn.rpartition("/")[2] if "/" in arn else ""
    return in_arn if in_arn and in_arn.lower() != told.lower() else told
