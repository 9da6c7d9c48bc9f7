"""Batch transform jobs in moto: completed at once, without a word; they cannot be stopped."""

from dataclasses import dataclass
from typing import Any

from moto.sagemaker.models import SageMakerModelBackend

from embedded_aws.moto_additions.sagemaker.errors import ResourceNotFound
from embedded_aws.moto_additions.sagemaker.jobs import Job, Jobs
from embedded_aws.moto_additions.sagemaker.models import find_model
from embedded_aws.moto_additions.sagemaker.resource import arn_of
from embedded_aws.moto_additions.sagemaker.wire import Answer, given


@dataclass(eq=False)
class TransformJob(Job):
    def description(self) -> Answer:
        return given(
            TransformJobName=self.name,
            TransformJobArn=self.arn,
            TransformJobStatus=self.status,
            FailureReason=self.failure_reason,
            CreationTime=self.created,
            TransformStartTime=self.started,
            TransformEndTime=self.ended,
            **self.fields,
        )

    def summary(self) -> Answer:
        return given(
            TransformJobName=self.name,
            TransformJobArn=self.arn,
            CreationTime=self.created,
            TransformEndTime=self.ended,
            LastModifiedTime=self.last_modified,
            TransformJobStatus=self.status,
            FailureReason=self.failure_reason,
        )

    def event_detail(self) -> dict[str, Any]:
        return self.description()


class TransformJobs(Jobs[TransformJob]):
    noun = "TransformJob"
    arn_kind = "transform-job"
    state_change = "SageMaker Transform Job State Change"

    def kept(self, backend: SageMakerModelBackend) -> dict[str, TransformJob]:
        kept: dict[str, TransformJob] = vars(backend)["transform_jobs"]
        return kept

    def find(self, backend: SageMakerModelBackend, name: str) -> TransformJob:
        try:
            return self.kept(backend)[name]
        except KeyError:
            arn = arn_of(backend, self.arn_kind, name)
            raise ResourceNotFound(f"Could not find requested job with name: {arn}") from None  # ?

    def _new(self, name: str, arn: str, fields: dict[str, Any], tags: list[dict[str, str]]) -> TransformJob:
        return TransformJob(name, arn, self._stage.now(), fields, tags)

    def _begin(self, backend: SageMakerModelBackend, job: TransformJob) -> None:
        self._announce(job)
        job.next_step = self._stage.agenda.after(
            self._stage.durations.launching, lambda: self._transform(job)
        )

    def _transform(self, job: TransformJob) -> None:
        job.started = job.modified = self._stage.now()
        job.next_step = self._stage.agenda.after(
            self._stage.durations.transforming,
            lambda: self._end(job, "Completed" if job.outcome.ok else "Failed"),
        )

    def _stopping(self, job: TransformJob) -> None:
        self._announce(job)
        super()._stopping(job)

    def create(self, backend: SageMakerModelBackend, request: dict[str, Any]) -> Answer:
        find_model(backend, request["ModelName"])
        return super().create(backend, request)
