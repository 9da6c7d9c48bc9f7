"""Training jobs in moto: completed at once, on the machine's clock, with invented metrics, without a word.

Gaps filled here: they take their time, can fail and be stopped, are announced, and keep all their members.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.sagemaker.models import SageMakerModelBackend

from embedded_aws.moto_additions.sagemaker.errors import ValidationException
from embedded_aws.moto_additions.sagemaker.jobs import Job, Jobs
from embedded_aws.moto_additions.sagemaker.wire import Answer, given

DEFAULT_METRIC = "validation:rmse"
_DEFAULT_VALUE = 0.5
# What the documented event has of the description; artifacts and metrics are only in the API's answer.
_TOLD = (
    "TrainingJobName",
    "TrainingJobArn",
    "TrainingJobStatus",
    "SecondaryStatus",
    "FailureReason",
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "StoppingCondition",
    "CreationTime",
    "TrainingStartTime",
    "TrainingEndTime",
    "LastModifiedTime",
    "SecondaryStatusTransitions",
)
_MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Training": "Training image download completed. Training in progress.",
    "Stopping": "Stopping the training job",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
}


@dataclass(eq=False)
class TrainingJob(Job):
    """`tuned` are the hyperparameters a tuning job chose, `metrics` the final ones by name."""

    tuning_job_arn: str | None = None
    definition_name: str | None = None
    tuned: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    history: list[tuple[str, datetime]] = field(default_factory=list)

    @property
    def artifacts(self) -> str:
        """Where the model is left."""
        folder = self.fields.get("OutputDataConfig", {}).get("S3OutputPath", "").rstrip("/")
        return f"{folder}/{self.name}/output/model.tar.gz"

    @property
    def seconds(self) -> int | None:
        """How long its instances have worked at the end; None before, and when they never did."""
        if self.started is None or self.ended is None:
            return None
        return round((self.ended - self.started).total_seconds())

    def enters(self, secondary_status: str, moment: datetime) -> None:
        self.history.append((secondary_status, moment))
        self.modified = moment

    def description(self) -> Answer:
        completed = self.status == "Completed"
        metrics = [
            {"MetricName": name, "Value": value, "Timestamp": self.ended}
            for name, value in self.metrics.items()
            if completed
        ]
        return given(
            TrainingJobName=self.name,
            TrainingJobArn=self.arn,
            TuningJobArn=self.tuning_job_arn,
            ModelArtifacts={"S3ModelArtifacts": self.artifacts} if completed else None,
            TrainingJobStatus=self.status,
            SecondaryStatus=self.history[-1][0],
            FailureReason=self.failure_reason,
            CreationTime=self.created,
            TrainingStartTime=self.started,
            TrainingEndTime=self.ended,
            LastModifiedTime=self.last_modified,
            SecondaryStatusTransitions=self._transitions(),
            FinalMetricDataList=metrics or None,
            TrainingTimeInSeconds=self.seconds,
            BillableTimeInSeconds=self.seconds,
            **self.fields,
        )

    def _transitions(self) -> list[dict[str, Any]]:
        ends = [moment for _, moment in self.history[1:]] + [self.ended]
        return [
            given(Status=status, StartTime=begin, EndTime=end, StatusMessage=_MESSAGES[status])
            for (status, begin), end in zip(self.history, ends, strict=True)
        ]

    def summary(self) -> Answer:
        return given(
            TrainingJobName=self.name,
            TrainingJobArn=self.arn,
            CreationTime=self.created,
            TrainingEndTime=self.ended,
            LastModifiedTime=self.last_modified,
            TrainingJobStatus=self.status,
            SecondaryStatus=self.history[-1][0],
        )

    def event_detail(self) -> dict[str, Any]:
        return {name: value for name, value in self.description().items() if name in _TOLD}


class TrainingJobs(Jobs[TrainingJob]):
    noun = "TrainingJob"
    arn_kind = "training-job"
    state_change = "SageMaker Training Job State Change"

    def kept(self, backend: SageMakerModelBackend) -> dict[str, TrainingJob]:
        kept: dict[str, TrainingJob] = vars(backend)["training_jobs"]
        return kept

    def find(self, backend: SageMakerModelBackend, name: str) -> TrainingJob:
        try:
            return self.kept(backend)[name]
        except KeyError:
            raise ValidationException("Requested resource not found.") from None

    def _already_there(self, arn: str) -> str:
        return (
            "Training job names must be unique within an AWS account and region, and a training job with this "
            f"name already exists ({arn})"
        )

    def _new(self, name: str, arn: str, fields: dict[str, Any], tags: list[dict[str, str]]) -> TrainingJob:
        return TrainingJob(name, arn, self._stage.now(), fields, tags)

    def _begin(self, backend: SageMakerModelBackend, job: TrainingJob) -> None:
        job.enters("Starting", job.created)
        self._announce(job)
        job.next_step = self._stage.agenda.after(self._stage.durations.launching, lambda: self._train(job))

    def _train(self, job: TrainingJob) -> None:
        job.started = self._stage.now()
        job.enters("Training", job.started)
        self._announce(job)
        job.next_step = self._stage.agenda.after(
            self._stage.durations.training,
            lambda: self._end(job, "Completed" if job.outcome.ok else "Failed"),
        )

    def _stopping(self, job: TrainingJob) -> None:
        job.enters("Stopping", self._stage.now())
        self._announce(job)
        super()._stopping(job)

    def _end(self, job: TrainingJob, status: str) -> None:
        job.enters(status, self._stage.now())
        # One that a tuning job started knows its metrics already, or that it has none.
        if status == "Completed" and job.tuning_job_arn is None:
            job.metrics = dict(job.outcome.metrics) or {DEFAULT_METRIC: _DEFAULT_VALUE}
        super()._end(job, status)
