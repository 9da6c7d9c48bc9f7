"""Tags in moto's SageMaker: doubled when set again, absent for packages and schedules; other ARNs crash it.

Gaps filled here: a tag that is set again replaces the old one; model packages (whose ARN has one
more slash) and monitoring schedules can be tagged and found by the Resource Groups Tagging API.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from unittest import mock

from moto.core.resource_tagging import TaggedResource
from moto.sagemaker.models import SageMakerModelBackend

from embedded_aws.moto_additions.sagemaker.errors import ValidationException
from embedded_aws.moto_additions.sagemaker.monitoring_schedules import schedules_of

_KEPT = (
    "_models",
    "endpoint_configs",
    "endpoints",
    "processing_jobs",
    "training_jobs",
    "transform_jobs",
    "hyper_parameter_tuning_jobs",
    "pipelines",
    "monitoring_schedules",
    "data_quality_job_definitions",
    "model_quality_job_definitions",
    "model_bias_job_definitions",
    "model_explainability_job_definitions",
)

type Tags = list[dict[str, str]]


def installed() -> ExitStack:
    find = SageMakerModelBackend._get_resource_from_arn
    iterate = SageMakerModelBackend.iter_tagged_resources

    def find_by_arn(backend: SageMakerModelBackend, arn: str) -> object:
        found: object = backend.model_packages.get(arn) or next(
            (resource for resource in _ours(backend) if resource.arn == arn), None
        )
        # moto knows the other kinds by their names; it can only read ARNs of two parts.
        if found is None and arn.rpartition(":")[2].count("/") == 1:
            found = find(backend, arn)
        if found is None:
            raise ValidationException(f"Could not find resource {arn}.")  # ?
        return found

    def set_tags(backend: SageMakerModelBackend, arn: str, tags: Tags) -> Tags:
        resource = backend._get_resource_from_arn(arn)
        fresh = {tag["Key"]: tag["Value"] for tag in [*resource.tags, *tags]}
        resource.tags = [{"Key": key, "Value": value} for key, value in fresh.items()]
        return resource.tags  # type: ignore[no-any-return]

    def iterate_all(backend: SageMakerModelBackend) -> Iterator[TaggedResource]:
        yield from iterate(backend)
        for schedule in schedules_of(backend).values():
            tags = {tag["Key"]: tag["Value"] for tag in schedule.tags}
            yield TaggedResource(schedule.arn, tags, "sagemaker:monitoring-schedule")

    context = ExitStack()
    for name, method in (
        ("_get_resource_from_arn", find_by_arn),
        ("add_tags", set_tags),
        ("iter_tagged_resources", iterate_all),
    ):
        context.enter_context(mock.patch.object(SageMakerModelBackend, name, method))
    return context


def _ours(backend: SageMakerModelBackend) -> Iterator[Any]:
    """What has its ARN in lower case, whatever its name is."""
    for kind in _KEPT:
        yield from vars(backend).get(kind, {}).values()
