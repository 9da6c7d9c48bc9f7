"""Hyperparameter tuning jobs in moto: in progress for ever, without training jobs.

Gaps filled here: they train a few jobs of their own, choose the best, are announced, fail, and can be stopped.
"""

import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from moto.sagemaker.models import SageMakerModelBackend

from embedded_aws.moto_additions.sagemaker.errors import ResourceNotFound
from embedded_aws.moto_additions.sagemaker.jobs import Job, Jobs
from embedded_aws.moto_additions.sagemaker.resource import page
from embedded_aws.moto_additions.sagemaker.stage import Stage
from embedded_aws.moto_additions.sagemaker.training_jobs import DEFAULT_METRIC, TrainingJob, TrainingJobs
from embedded_aws.moto_additions.sagemaker.wire import Answer, Operation, Request, given

_MOST_TRAINING_JOBS = 3
_DEFAULT_VALUE = 0.5
_ALL_FAILED = "All training jobs failed. Take a look at the training job failures to get more details."  # ?
# What a definition of training jobs has that a training job has not.
_OF_THE_DEFINITION = (
    "DefinitionName",
    "TuningObjective",
    "HyperParameterRanges",
    "StaticHyperParameters",
    "HyperParameterTuningResourceConfig",
)
# What the documented event has of the description: the best training job is only in the API's answer.
_TOLD = (
    "HyperParameterTuningJobName",
    "HyperParameterTuningJobArn",
    "TrainingJobDefinition",
    "HyperParameterTuningJobStatus",
    "CreationTime",
    "LastModifiedTime",
    "TrainingJobStatusCounters",
    "ObjectiveStatusCounters",
    "FailureReason",
)


@dataclass(eq=False)
class TuningJob(Job):
    trained: list[TrainingJob] = field(default_factory=list)

    @property
    def definitions(self) -> list[dict[str, Any]]:
        """Of its training jobs, however they were given."""
        single = self.fields.get("TrainingJobDefinition")
        return [single] if single is not None else list(self.fields.get("TrainingJobDefinitions", [{}]))

    def objective(self, definition: dict[str, Any]) -> dict[str, str]:
        config = self.fields.get("HyperParameterTuningJobConfig", {})
        found: dict[str, str] = definition.get("TuningObjective") or config.get(
            "HyperParameterTuningJobObjective", {"Type": "Minimize", "MetricName": DEFAULT_METRIC}
        )
        return found

    @property
    def best(self) -> TrainingJob | None:
        objective = self.objective(self.definitions[0])
        metric = objective["MetricName"]
        told = [job for job in self.trained if job.status == "Completed" and metric in job.metrics]
        choose = max if objective["Type"] == "Maximize" else min
        return choose(told, key=lambda job: job.metrics[metric], default=None)

    def description(self) -> Answer:
        status = Counter(job.status for job in self.trained)
        completed = [job for job in self.trained if job.status == "Completed"]
        succeeded = sum(bool(job.metrics) for job in completed)
        return given(
            HyperParameterTuningJobName=self.name,
            HyperParameterTuningJobArn=self.arn,
            HyperParameterTuningJobStatus=self.status,
            CreationTime=self.created,
            HyperParameterTuningEndTime=self.ended,
            LastModifiedTime=self.last_modified,
            TrainingJobStatusCounters={
                "Completed": status["Completed"],
                "InProgress": status["InProgress"] + status["Stopping"],
                "RetryableError": 0,
                "NonRetryableError": status["Failed"],
                "Stopped": status["Stopped"],
            },
            ObjectiveStatusCounters={
                "Succeeded": succeeded,
                "Pending": sum(job.running for job in self.trained),
                "Failed": len(completed) - succeeded + status["Failed"],
            },
            BestTrainingJob=None if self.best is None else self.child_summary(self.best),
            FailureReason=self.failure_reason,
            **self.fields,
        )

    def child_summary(self, job: TrainingJob) -> Answer:
        objective = self.objective(self.definitions[self.trained.index(job) % len(self.definitions)])
        value = job.metrics.get(objective["MetricName"]) if job.status == "Completed" else None
        failed = None if job.running else "Failed"
        return given(
            TrainingJobDefinitionName=job.definition_name,
            TrainingJobName=job.name,
            TrainingJobArn=job.arn,
            CreationTime=job.created,
            TrainingStartTime=job.started,
            TrainingEndTime=job.ended,
            TrainingJobStatus=job.status,
            TunedHyperParameters=job.tuned,
            FailureReason=job.failure_reason,
            FinalHyperParameterTuningJobObjectiveMetric=(
                None if value is None else {**objective, "Value": value}
            ),
            ObjectiveStatus="Succeeded" if value is not None else failed or "Pending",
        )

    def summary(self) -> Answer:
        description = self.description()
        config = self.fields.get("HyperParameterTuningJobConfig", {})
        return given(
            HyperParameterTuningJobName=self.name,
            HyperParameterTuningJobArn=self.arn,
            HyperParameterTuningJobStatus=self.status,
            Strategy=config.get("Strategy"),
            CreationTime=self.created,
            HyperParameterTuningEndTime=self.ended,
            LastModifiedTime=self.last_modified,
            TrainingJobStatusCounters=description["TrainingJobStatusCounters"],
            ObjectiveStatusCounters=description["ObjectiveStatusCounters"],
            ResourceLimits=config.get("ResourceLimits"),
        )

    def event_detail(self) -> dict[str, Any]:
        return {name: value for name, value in self.description().items() if name in _TOLD}


class TuningJobs(Jobs[TuningJob]):
    noun = "HyperParameterTuningJob"
    arn_kind = "hyper-parameter-tuning-job"
    state_change = "SageMaker HyperParameter Tuning Job State Change"

    def __init__(self, stage: Stage, training_jobs: TrainingJobs) -> None:
        super().__init__(stage)
        self._training_jobs = training_jobs

    def operations(self) -> dict[str, Operation]:
        return super().operations() | {"ListTrainingJobsForHyperParameterTuningJob": self.list_trained}

    def kept(self, backend: SageMakerModelBackend) -> dict[str, TuningJob]:
        kept: dict[str, TuningJob] = vars(backend)["hyper_parameter_tuning_jobs"]
        return kept

    def find(self, backend: SageMakerModelBackend, name: str) -> TuningJob:
        try:
            return self.kept(backend)[name]
        except KeyError:
            raise ResourceNotFound(
                f"Amazon SageMaker can't find a tuning job with the name {name}."
            ) from None  # ?

    def list_trained(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        tuning = self.find(backend, request["HyperParameterTuningJobName"])
        jobs, token = page(
            tuning.trained,
            request,
            name=lambda it: it.name,
            created=lambda it: it.created,
            status=lambda it: it.status,
        )
        return given(TrainingJobSummaries=[tuning.child_summary(job) for job in jobs], NextToken=token)

    def _new(self, name: str, arn: str, fields: dict[str, Any], tags: list[dict[str, str]]) -> TuningJob:
        return TuningJob(name, arn, self._stage.now(), fields, tags)

    def _begin(self, backend: SageMakerModelBackend, job: TuningJob) -> None:
        self._announce(job)
        limits = job.fields.get("HyperParameterTuningJobConfig", {}).get("ResourceLimits", {})
        count = min(int(limits.get("MaxNumberOfTrainingJobs", _MOST_TRAINING_JOBS)), _MOST_TRAINING_JOBS)
        for number in range(count):
            self._train(backend, job, number, number / count)

    def _train(self, backend: SageMakerModelBackend, tuning: TuningJob, number: int, share: float) -> None:
        """Start the training job of this number, `share` of the way through the ranges."""
        definition = tuning.definitions[number % len(tuning.definitions)]
        config = tuning.fields.get("HyperParameterTuningJobConfig", {})
        ranges = definition.get("HyperParameterRanges") or config.get("ParameterRanges", {})
        tuned = _chosen(ranges, number, share)
        request = {member: value for member, value in definition.items() if member not in _OF_THE_DEFINITION}
        request["HyperParameters"] = definition.get("StaticHyperParameters", {}) | tuned
        request["Tags"] = tuning.tags

        def prepare(job: TrainingJob) -> None:
            job.tuning_job_arn, job.tuned = tuning.arn, tuned
            job.definition_name = definition.get("DefinitionName")
            if tuning.outcome.ok and tuning.outcome.best_job:
                job.metrics = _metrics(tuning.outcome.metrics, tuning.objective(definition), share)
            tuning.trained.append(job)

        self._training_jobs.start(
            backend,
            f"{tuning.name[:50]}-{number + 1:03}-{uuid.uuid4().hex[:8]}",
            request,
            outcome=tuning.outcome,
            on_end=lambda: self._trained(tuning),
            prepare=prepare,
        )

    def _trained(self, job: TuningJob) -> None:
        """One of its training jobs ended; it ends with the last of them."""
        job.modified = self._stage.now()
        if any(trained.running for trained in job.trained):
            return
        if job.status == "Stopping":
            self._end(job, "Stopped")
        elif all(trained.status == "Failed" for trained in job.trained):
            job.failure_reason = job.outcome.reason or _ALL_FAILED
            self._end(job, "Failed")
        else:
            self._end(job, "Completed")

    def _stopping(self, job: TuningJob) -> None:
        self._announce(job)
        for trained in job.trained:
            self._training_jobs.halt(trained)


def _chosen(ranges: dict[str, Any], number: int, share: float) -> dict[str, str]:
    """A value from each range, by name."""
    chosen: dict[str, str] = {}
    for kind in ("ContinuousParameterRanges", "IntegerParameterRanges"):
        for item in ranges.get(kind, []):
            low, high = float(item["MinValue"]), float(item["MaxValue"])
            value = low + (high - low) * share
            chosen[item["Name"]] = str(round(value) if kind.startswith("Integer") else value)
    for item in ranges.get("CategoricalParameterRanges", []):
        chosen[item["Name"]] = item["Values"][number % len(item["Values"])]
    return chosen


def _metrics(planned: Any, objective: dict[str, str], share: float) -> dict[str, float]:
    """The first training job has the planned metrics and is the best; the others are a little worse."""
    name = objective["MetricName"]
    best = planned.get(name, _DEFAULT_VALUE)
    worse = abs(best) * share / 10
    return {**planned, name: best - worse if objective["Type"] == "Maximize" else best + worse}
