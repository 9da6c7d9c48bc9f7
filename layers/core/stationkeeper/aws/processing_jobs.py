"""Processing jobs, asked of SageMaker where an event leaves something out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stationkeeper.events.processing_job import ProcessingJob

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_sagemaker import SageMakerClient


class SageMakerProcessingJobs:
    def __init__(self, client: Callable[[], SageMakerClient]) -> None:
        self._client = client

    def describe(self, job_name: str) -> ProcessingJob:
        return ProcessingJob.model_validate(
            self._client().describe_processing_job(ProcessingJobName=job_name)
        )
