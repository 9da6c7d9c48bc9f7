"""Versions of a model package group, as the registry describes them."""

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from pydantic import Field

from stationkeeper.alerts.text import plain
from stationkeeper.events.fields import Many, Maybe, SageMakerModel, Text, TextMap, Timestamp
from stationkeeper.releases.baselines import DriftCheckBaselines

METRIC_PROPERTY = "metric:"
"""Begins the property of a version that holds one of its metrics: the metric's name follows."""


class Version(SageMakerModel):
    """A version in a listing. `ListModelPackages` sorts by time or name: its number is the order that counts."""

    model_package_arn: str = Field(min_length=1)
    model_package_version: int
    model_approval_status: Text = None
    model_package_status: Text = None
    creation_time: Timestamp = None

    @property
    def number(self) -> int:
        return self.model_package_version

    @property
    def usable(self) -> bool:
        """Whether the package is made; a listing that does not say so is taken at its word."""
        return self.model_package_status in ("Completed", None)

    @property
    def being_made(self) -> bool:
        return self.model_package_status in ("Pending", "InProgress")


class MetricsSource(SageMakerModel):
    content_type: Text = None
    s3_uri: Text = None


class MetricsFiles(SageMakerModel):
    statistics: Maybe[MetricsSource] = None
    report: Maybe[MetricsSource] = None


class ModelMetrics(SageMakerModel):
    model_quality: Maybe[MetricsFiles] = None


class S3DataSource(SageMakerModel):
    s3_uri: Text = None


class ModelDataSource(SageMakerModel):
    s3_data_source: Maybe[S3DataSource] = None


class Container(SageMakerModel):
    image: Text = None
    product_id: Text = None
    model_data_url: Text = None
    model_data_source: Maybe[ModelDataSource] = None
    environment: TextMap = Field(default_factory=dict)


class InferenceSpecification(SageMakerModel):
    containers: Many[Container] = ()
    supported_content_types: Many[str] = ()


class Identity(SageMakerModel):
    arn: Text = None


class Editor(SageMakerModel):
    user_profile_name: Text = None
    iam_identity: Maybe[Identity] = None

    @property
    def name(self) -> str:
        """Who it was, as short as it is told; ""."""
        if self.user_profile_name:
            return self.user_profile_name
        arn = self.iam_identity.arn if self.iam_identity else None
        return (arn or "").rpartition(":")[2].removeprefix("assumed-role/").removeprefix("user/")


class Metadata(SageMakerModel):
    generated_by: Text = None


class ModelPackage(SageMakerModel):
    """A version with all we use of it."""

    model_package_arn: str = Field(min_length=1)
    model_package_version: int
    model_package_group_name: Text = None
    model_package_description: Text = None
    model_package_status: Text = None
    model_approval_status: Text = None
    approval_description: Text = None
    last_modified_time: Timestamp = None
    last_modified_by: Maybe[Editor] = None
    created_by: Maybe[Editor] = None
    creation_time: Timestamp = None
    inference_specification: Maybe[InferenceSpecification] = None
    model_metrics: Maybe[ModelMetrics] = None
    drift_check_baselines: Maybe[DriftCheckBaselines] = None
    sample_payload_url: Text = None
    metadata_properties: Maybe[Metadata] = None
    customer_metadata_properties: TextMap = Field(default_factory=dict)

    @property
    def number(self) -> int:
        return self.model_package_version

    @property
    def listed(self) -> Version:
        """The version as a listing would have it."""
        return Version.model_validate(self.model_dump(by_alias=True, include=set(Version.model_fields)))

    @property
    def containers(self) -> tuple[Container, ...]:
        return self.inference_specification.containers if self.inference_specification else ()

    @property
    def artifacts(self) -> tuple[str, ...]:
        """Where the artifacts of its containers lie, those that have one."""
        sources = (
            one.model_data_source.s3_data_source if one.model_data_source else None for one in self.containers
        )
        found = (
            one.model_data_url or (source.s3_uri if source else None)
            for one, source in zip(self.containers, sources, strict=True)
        )
        return tuple(uri for uri in found if uri)

    @property
    def marketplace(self) -> bool:
        """Whether one of its containers is a Marketplace product."""
        return any(container.product_id for container in self.containers)

    @property
    def quality_uri(self) -> str | None:
        """Where the model-quality metrics lie that were registered with the version."""
        quality = self.model_metrics.model_quality if self.model_metrics else None
        return quality.statistics.s3_uri if quality and quality.statistics else None

    @property
    def content_type(self) -> str | None:
        """The first content type the version says it takes."""
        types = self.inference_specification.supported_content_types if self.inference_specification else ()
        return types[0] if types else None

    @property
    def generated_by(self) -> str:
        """ARN of what registered it, where the service says so: a pipeline execution, or a job; ""."""
        return (self.metadata_properties.generated_by if self.metadata_properties else None) or ""

    @property
    def noted_metrics(self) -> dict[str, float]:
        """Metrics that were registered as properties of the version, by name."""
        found = {}
        for key, value in self.customer_metadata_properties.items():
            if key.startswith(METRIC_PROPERTY) and value:
                with suppress(ValueError):  # a property people wrote
                    found[plain(key.removeprefix(METRIC_PROPERTY), 60)] = float(value)
        return {name: value for name, value in found.items() if math.isfinite(value)}

    @property
    def approved_by(self) -> str:
        return self.last_modified_by.name if self.last_modified_by else ""


def highest(versions: Iterable[Version]) -> Version | None:
    """The version with the highest number."""
    return max(versions, key=lambda version: version.number, default=None)


def group_name(group_arn: str) -> str:
    """The name of a group, from its ARN."""
    return group_arn.rpartition("/")[2]


def version_of(package_arn: str) -> int | None:
    """The number at the end of a version's ARN."""
    number = package_arn.rpartition("/")[2]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None


type Document = Mapping[str, Any]
"""An answer of SageMaker that is carried over whole, so that what we do not know of survives."""
