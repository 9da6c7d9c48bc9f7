"""Processing jobs in moto: completed at once, without a word, without a file.

Gaps filled here: they take their time, can fail, are announced when they end, keep all their members; and one
that makes a baseline leaves `statistics.json` and `constraints.json` behind.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.s3.models import s3_backends
from moto.sagemaker.models import SageMakerModelBackend
from moto.utilities.utils import get_partition

from embedded_aws.moto_additions.sagemaker.agenda import Transition
from embedded_aws.moto_additions.sagemaker.baseline import files, makes_baseline
from embedded_aws.moto_additions.sagemaker.errors import ResourceInUseException, ResourceNotFound
from embedded_aws.moto_additions.sagemaker.event_stream import epoch_milliseconds
from embedded_aws.moto_additions.sagemaker.resource import Resource, arn_of, page, tag_map
from embedded_aws.moto_additions.sagemaker.stage import Stage
from embedded_aws.moto_additions.sagemaker.wire import Answer, Operation, Request, given

STATE_CHANGE = "SageMaker Processing Job State Change"
# As events spell the values of the API.
_EVENT_ENUMS = {
    "S3DataType": {"S3Prefix": "S3_PREFIX", "ManifestFile": "MANIFEST_FILE"},
    "S3InputMode": {"File": "FILE", "Pipe": "PIPE"},
    "S3DataDistributionType": {"FullyReplicated": "FULLYREPLICATED", "ShardedByS3Key": "SHARDEDBYS3KEY"},
    "S3CompressionType": {"None": "NONE", "Gzip": "GZIP"},
    "S3UploadMode": {"EndOfJob": "END_OF_JOB", "Continuous": "CONTINUOUS"},
}


@dataclass(eq=False)
class ProcessingJob(Resource):
    status: str = "InProgress"
    modified: datetime | None = None
    ended: datetime | None = None
    exit_message: str | None = None
    failure_reason: str | None = None
    next_step: Transition | None = None

    @property
    def last_modified(self) -> datetime:
        return self.modified or self.created

    def description(self) -> Answer:
        return given(
            ProcessingJobName=self.name,
            ProcessingJobArn=self.arn,
            ProcessingJobStatus=self.status,
            ExitMessage=self.exit_message,
            FailureReason=self.failure_reason,
            ProcessingEndTime=self.ended,
            ProcessingStartTime=self.created,
            LastModifiedTime=self.last_modified,
            CreationTime=self.created,
            **self.fields,
        )

    def summary(self) -> Answer:
        return given(
            ProcessingJobName=self.name,
            ProcessingJobArn=self.arn,
            CreationTime=self.created,
            ProcessingEndTime=self.ended,
            LastModifiedTime=self.last_modified,
            ProcessingJobStatus=self.status,
            FailureReason=self.failure_reason,
            ExitMessage=self.exit_message,
        )


class ProcessingJobs:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateProcessingJob": self.create,
            "DescribeProcessingJob": self.describe,
            "StopProcessingJob": self.stop,
            "ListProcessingJobs": self.list,
        }

    def create(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        name = request.pop("ProcessingJobName")
        arn = arn_of(backend, "processing-job", name)
        if name in jobs_of(backend):
            raise ResourceInUseException(
                "Job name must be unique within an AWS account and region, and a job with this name already "
                f"exists ({arn})"
            )
        tags = request.pop("Tags", [])
        job = ProcessingJob(name, arn, self._stage.now(), request, tags)
        jobs_of(backend)[name] = job
        ok = self._stage.plan.job_succeeds(name)
        job.next_step = self._stage.agenda.after(
            self._stage.durations.processing_job, lambda: self._run(backend, job, ok=ok)
        )
        return {"ProcessingJobArn": arn}

    def describe(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        return _find(backend, request["ProcessingJobName"]).description()

    def stop(self, backend: SageMakerModelBackend, request: Request) -> None:
        job = _find(backend, request["ProcessingJobName"])
        if job.status != "InProgress":
            return
        if job.next_step is not None:
            job.next_step.cancelled = True
        job.status, job.modified = "Stopping", self._stage.now()
        self._stage.agenda.after(self._stage.durations.deleting, lambda: self._end(job, "Stopped"))

    def list(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        jobs, token = page(
            jobs_of(backend).values(),
            request,
            name=lambda it: it.name,
            created=lambda it: it.created,
            modified=lambda it: it.last_modified,
            status=lambda it: it.status,
        )
        return given(ProcessingJobSummaries=[job.summary() for job in jobs], NextToken=token)

    def _run(self, backend: SageMakerModelBackend, job: ProcessingJob, *, ok: bool) -> None:
        if not ok:
            job.failure_reason = "AlgorithmError: See job logs for more information"
            self._end(job, "Failed")
            return
        if makes_baseline(job.fields):
            try:
                _write(backend, job)
            except LookupError as missing:
                job.failure_reason = f"ClientError: Failed to upload data. {missing}"
                self._end(job, "Failed")
                return
            job.exit_message = "Completed: Job completed successfully with no violations."
        self._end(job, "Completed")

    def _end(self, job: ProcessingJob, status: str) -> None:
        job.status = status
        job.ended = job.modified = self._stage.now()
        detail = {
            name: epoch_milliseconds(value) if isinstance(value, datetime) else _for_event(value)
            for name, value in job.description().items()
        }
        self._stage.events.emit("aws.sagemaker", STATE_CHANGE, job.arn, detail | {"Tags": tag_map(job.tags)})


def _write(backend: SageMakerModelBackend, job: ProcessingJob) -> None:
    """Raises `LookupError` when the bucket is not there."""
    s3 = s3_backends[backend.account_id][get_partition(backend.region_name)]
    for output in job.fields["ProcessingOutputConfig"]["Outputs"]:
        uri = output.get("S3Output", {}).get("S3Uri", "")
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        if bucket not in s3.buckets:
            raise LookupError(f"NoSuchBucket: {bucket}")
        for name, body in files(job.fields.get("Environment", {})).items():
            s3.put_object(bucket, "/".join(filter(None, (prefix.strip("/"), name))), body)


def _for_event(value: Any) -> Any:
    if isinstance(value, list):
        return [_for_event(item) for item in value]
    if isinstance(value, dict):
        return {
            name: _EVENT_ENUMS[name].get(item, item)
            if name in _EVENT_ENUMS and isinstance(item, str)
            else _for_event(item)
            for name, item in value.items()
        }
    return value


def jobs_of(backend: SageMakerModelBackend) -> dict[str, ProcessingJob]:
    kept: dict[str, ProcessingJob] = vars(backend)["processing_jobs"]
    return kept


def _find(backend: SageMakerModelBackend, name: str) -> ProcessingJob:
    try:
        return jobs_of(backend)[name]
    except KeyError:
        arn = arn_of(backend, "processing-job", name)
        raise ResourceNotFound(f"Could not find requested job with name: {arn}") from None  # ?
