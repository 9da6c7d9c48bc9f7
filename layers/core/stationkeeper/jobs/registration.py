"""How the model of a training job becomes a version of a group, waiting for approval."""

import math
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import Field

from stationkeeper.alerts.text import plain
from stationkeeper.events.domain import stable_id
from stationkeeper.events.fields import Many, Maybe, SageMakerModel, Text, TextMap, Timestamp
from stationkeeper.releases.registry import METRIC_PROPERTY

_METRICS_KEPT = 40
_NAME_CHARACTERS = 100
"""A property's name may have 128."""


class Artifacts(SageMakerModel):
    s3_model_artifacts: Text = None


class Algorithm(SageMakerModel):
    training_image: Text = None
    algorithm_name: Text = None


class Metric(SageMakerModel):
    metric_name: Text = None
    value: float | None = None


class TrainingJob(SageMakerModel):
    """What `DescribeTrainingJob` answers, as far as a version is made of it."""

    training_job_name: str = Field(min_length=1)
    training_job_arn: str = Field(min_length=1)
    training_job_status: Text = None
    model_artifacts: Maybe[Artifacts] = None
    algorithm_specification: Maybe[Algorithm] = None
    hyper_parameters: TextMap = Field(default_factory=dict)
    final_metric_data_list: Many[Metric] = ()
    creation_time: Timestamp = None
    training_end_time: Timestamp = None
    tuning_job_arn: Text = None
    """The tuning job it is part of; it has that one's tags too."""

    @property
    def artifact(self) -> str:
        return (self.model_artifacts.s3_model_artifacts if self.model_artifacts else None) or ""

    @property
    def image(self) -> str:
        return (self.algorithm_specification.training_image if self.algorithm_specification else None) or ""

    @property
    def metrics(self) -> dict[str, float]:
        """Final metrics by name; those that are no numbers are left out."""
        found = {
            one.metric_name: one.value
            for one in self.final_metric_data_list
            if one.metric_name and one.value is not None and math.isfinite(one.value)
        }
        return dict(list(found.items())[:_METRICS_KEPT])


@dataclass(frozen=True, slots=True)
class Registered:
    """A version that is registered in a group already; `description` tells what it was made of."""

    arn: str
    description: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Impossible:
    """Why a job's model cannot become a version, and what to do."""

    why: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Registration:
    """The request of CreateModelPackage that makes the version."""

    request: Mapping[str, Any]
    metrics: Mapping[str, float] = field(default_factory=dict)


def plan_registration(
    job: TrainingJob, source_arn: str, group: str, image: str, known: Iterable[Registered]
) -> Registration | Registered | Impossible:
    """How a training job's model becomes a version of a group.

    Parameters
    ----------
    source_arn : the job that is tagged: the training job itself, or the tuning job it was the best of.
    image : of the container that serves the model; "": the one that trained it, as SageMaker's own algorithms do.
    known : the newest versions of the group.

    Returns
    -------
    Registered
        The version that was made of this job before, however often its event comes.
    """
    description = _description(job, source_arn)
    for version in known:
        if _marker(source_arn) in version.description:
            return version
    if not job.artifact:
        return Impossible(f"The training job {job.training_job_name} left no model artifact.")
    if not (image or job.image):
        return Impossible(
            f"The training job {job.training_job_name} ran an algorithm of the Marketplace, which names no image.",
            "Tag the job with stationkeeper:inference-image, or register the model by hand",
        )
    properties = _properties(job.metrics)
    return Registration(
        {
            "ModelPackageGroupName": group,
            "ModelPackageDescription": description,
            "InferenceSpecification": {
                "Containers": [{"Image": image or job.image, "ModelDataUrl": job.artifact}]
            },
            "ModelApprovalStatus": "PendingManualApproval",
            "MetadataProperties": {"GeneratedBy": source_arn},
            **({"CustomerMetadataProperties": properties} if properties else {}),
            # The service takes 36 characters; with the same token it makes the same version.
            "ClientToken": stable_id(source_arn.lower(), group),
        },
        job.metrics,
    )


def _description(job: TrainingJob, source_arn: str) -> str:
    best_of = ""
    if source_arn.lower() != job.training_job_arn.lower():
        best_of = f", the best of the tuning job {source_arn.rpartition('/')[2]}"
    return plain(f"Trained by {job.training_job_name}{best_of} {_marker(source_arn)}", 1_024)


def _marker(source_arn: str) -> str:
    """What tells the version of one job from all others, in its description: listings show no other property."""
    return f"[{stable_id(source_arn.lower())[:12]}]"


def _properties(metrics: Mapping[str, float]) -> dict[str, str]:
    """Metrics as properties of a version, under names the registry takes; those that become the same are told apart."""
    found: dict[str, str] = {}
    for name, value in metrics.items():
        key = METRIC_PROPERTY + "".join(map(_taken, plain(name, _NAME_CHARACTERS)))
        if key in found:
            key = f"{key}-{stable_id(name)[:6]}"
        found[key] = repr(value).removesuffix(".0")
    return found


def _taken(character: str) -> str:
    """The character, where the registry takes it: letters, digits, blanks and _ . : / = + - @."""
    return character if character in "_.:/=+-@" or unicodedata.category(character)[0] in "LZN" else "-"
