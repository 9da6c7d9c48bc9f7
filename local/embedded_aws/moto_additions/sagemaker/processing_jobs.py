"""Processing jobs in moto: completed at once, without a word, without a file.

Gaps filled here: they take their time, can fail, are announced when they end, keep all their members; and one
that makes a baseline leaves `statistics.json` and `constraints.json` behind.
"""

from dataclasses import dataclass
from typing import Any

from moto.s3.models import s3_backends
from moto.sagemaker.models import SageMakerModelBackend
from moto.utilities.utils import get_partition

from embedded_aws.moto_additions.sagemaker.baseline import files, makes_baseline
from embedded_aws.moto_additions.sagemaker.errors import ResourceNotFound
from embedded_aws.moto_additions.sagemaker.jobs import Job, Jobs
from embedded_aws.moto_additions.sagemaker.resource import arn_of
from embedded_aws.moto_additions.sagemaker.wire import Answer, given

_NO_VIOLATIONS = "Completed: Job completed successfully with no violations."
# As events spell the values of the API.
_EVENT_ENUMS = {
    "S3DataType": {"S3Prefix": "S3_PREFIX", "ManifestFile": "MANIFEST_FILE"},
    "S3InputMode": {"File": "FILE", "Pipe": "PIPE"},
    "S3DataDistributionType": {"FullyReplicated": "FULLYREPLICATED", "ShardedByS3Key": "SHARDEDBYS3KEY"},
    "S3CompressionType": {"None": "NONE", "Gzip": "GZIP"},
    "S3UploadMode": {"EndOfJob": "END_OF_JOB", "Continuous": "CONTINUOUS"},
}


@dataclass(eq=False)
class ProcessingJob(Job):
    exit_message: str | None = None

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

    def event_detail(self) -> dict[str, Any]:
        return {name: _in_capitals(value) for name, value in self.description().items()}


class ProcessingJobs(Jobs[ProcessingJob]):
    noun = "ProcessingJob"
    arn_kind = "processing-job"
    state_change = "SageMaker Processing Job State Change"

    def kept(self, backend: SageMakerModelBackend) -> dict[str, ProcessingJob]:
        kept: dict[str, ProcessingJob] = vars(backend)["processing_jobs"]
        return kept

    def find(self, backend: SageMakerModelBackend, name: str) -> ProcessingJob:
        try:
            return self.kept(backend)[name]
        except KeyError:
            arn = arn_of(backend, self.arn_kind, name)
            raise ResourceNotFound(f"Could not find requested job with name: {arn}") from None  # ?

    def _new(self, name: str, arn: str, fields: dict[str, Any], tags: list[dict[str, str]]) -> ProcessingJob:
        return ProcessingJob(name, arn, self._stage.now(), fields, tags)

    def _begin(self, backend: SageMakerModelBackend, job: ProcessingJob) -> None:
        job.next_step = self._stage.agenda.after(
            self._stage.durations.processing_job, lambda: self._run(backend, job)
        )

    def _run(self, backend: SageMakerModelBackend, job: ProcessingJob) -> None:
        if not job.outcome.ok:
            self._end(job, "Failed")
            return
        if makes_baseline(job.fields):
            try:
                _write(backend, job)
            except LookupError as missing:
                job.failure_reason = f"ClientError: Failed to upload data. {missing}"
                self._end(job, "Failed")
                return
            job.exit_message = _NO_VIOLATIONS
        job.exit_message = job.outcome.exit_message or job.exit_message
        self._end(job, "Completed")


def _write(backend: SageMakerModelBackend, job: ProcessingJob) -> None:
    """Raises `LookupError` when the bucket is not there."""
    s3 = s3_backends[backend.account_id][get_partition(backend.region_name)]
    for output in job.fields.get("ProcessingOutputConfig", {}).get("Outputs", []):
        uri = output.get("S3Output", {}).get("S3Uri", "")
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        if bucket not in s3.buckets:
            raise LookupError(f"NoSuchBucket: {bucket}")
        for name, body in files(job.fields.get("Environment", {})).items():
            s3.put_object(bucket, "/".join(filter(None, (prefix.strip("/"), name))), body)


def _in_capitals(value: Any) -> Any:
    """As events spell the members of a job's request."""
    if isinstance(value, list):
        return [_in_capitals(item) for item in value]
    if isinstance(value, dict):
        return {
            name: _EVENT_ENUMS[name].get(item, item)
            if name in _EVENT_ENUMS and isinstance(item, str)
            else _in_capitals(item)
            for name, item in value.items()
        }
    return value
