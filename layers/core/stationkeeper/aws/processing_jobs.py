"""Processing jobs, asked of SageMaker where an event leaves something out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stationkeeper.aws.errors import is_missing
from stationkeeper.events.processing_job import ProcessingJob

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_sagemaker import SageMakerClient


class SageMakerProcessingJobs:
    """Asks SageMaker for a job by its name."""

    def __init__(self, client: Callable[[], SageMakerClient]) -> None:
        self._client = client

    def describe(self, job_name: str) -> ProcessingJob | None:
        """What `DescribeProcessingJob` answers; None when there is no such job any more."""
        try:
            answer = self._client().describe_processing_job(ProcessingJobName=job_name)
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        return ProcessingJob.model_validate(answer)
