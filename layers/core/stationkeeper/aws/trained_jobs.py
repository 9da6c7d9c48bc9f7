"""What is tagged for multi-model endpoints: groups, and training jobs that ended well lately."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from stationkeeper.artifacts.found_job import FoundJob
from stationkeeper.events.artifact_trigger import ENDPOINT_TAG
from stationkeeper.events.job import Job, JobKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from mypy_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from mypy_boto3_sagemaker import SageMakerClient


class AwsTrainedJobs:
    def __init__(
        self,
        sagemaker: Callable[[], SageMakerClient],
        tagging: Callable[[], ResourceGroupsTaggingAPIClient],
    ) -> None:
        self._sagemaker = sagemaker
        self._tagging = tagging

    def artifact_groups(self) -> tuple[str, ...]:
        """ARNs of the groups that are tagged for a multi-model endpoint. One call per hundred."""
        pages = (
            self._tagging()
            .get_paginator("get_resources")
            .paginate(
                ResourceTypeFilters=["sagemaker:model-package-group"],
                TagFilters=[{"Key": ENDPOINT_TAG}],
                PaginationConfig={"PageSize": 100},
            )
        )
        return tuple(
            sorted(str(one["ResourceARN"]) for page in pages for one in page["ResourceTagMappingList"])
        )

    def trained_since(self, since: datetime) -> Iterator[FoundJob]:
        """Training jobs tagged for a multi-model endpoint that ended well since then. One call per hundred."""
        pages = (
            self._sagemaker()
            .get_paginator("search")
            .paginate(
                Resource="TrainingJob",
                SearchExpression={
                    "Filters": [
                        {"Name": "TrainingJobStatus", "Operator": "Equals", "Value": "Completed"},
                        {
                            "Name": "LastModifiedTime",
                            "Operator": "GreaterThanOrEqualTo",
                            "Value": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
                        },
                        {"Name": f"Tags.{ENDPOINT_TAG}", "Operator": "Exists"},
                    ]
                },
                PaginationConfig={"PageSize": 100},
            )
        )
        for page in pages:
            for result in page["Results"]:
                job: Mapping[str, Any] = result.get("TrainingJob") or {}
                # Of a tuning job its best model alone is meant to serve.
                if job.get("TrainingJobArn") and not job.get("TuningJobArn"):
                    yield _found(job)


def _found(job: Mapping[str, Any]) -> FoundJob:
    return FoundJob(
        job=Job(
            kind=JobKind.TRAINING,
            name=str(job["TrainingJobName"]),
            arn=str(job["TrainingJobArn"]),
            status=str(job["TrainingJobStatus"]),
            created_at=job.get("CreationTime"),
            ended_at=job.get("TrainingEndTime"),
            tags={str(tag["Key"]): str(tag["Value"]) for tag in job.get("Tags") or []},
        ),
        artifact_uri=str((job.get("ModelArtifacts") or {}).get("S3ModelArtifacts") or ""),
    )
