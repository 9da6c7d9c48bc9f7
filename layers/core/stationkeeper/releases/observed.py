"""An endpoint and what belongs to it, as SageMaker, CloudWatch and Application Auto Scaling describe them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import Field

from stationkeeper.events.fields import Many, Maybe, SageMakerModel, Text, Timestamp
from stationkeeper.releases.registry import Document, version_of


class State(StrEnum):
    """What an endpoint's status allows."""

    IN_SERVICE = "in service"
    BUSY = "busy"
    FAILED = "failed"
    MIXED = "mixed fleet"
    OUT_OF_SERVICE = "out of service"


_STATES = {
    "InService": State.IN_SERVICE,
    "Failed": State.FAILED,
    "UpdateRollbackFailed": State.MIXED,
    "OutOfService": State.OUT_OF_SERVICE,
}


class RunningVariant(SageMakerModel):
    variant_name: str = Field(min_length=1)
    current_instance_count: int | None = None
    desired_instance_count: int | None = None


class PendingDeployment(SageMakerModel):
    endpoint_config_name: Text = None


class Endpoint(SageMakerModel):
    """What `DescribeEndpoint` answers."""

    endpoint_name: str = Field(min_length=1)
    endpoint_arn: str = Field(min_length=1)
    endpoint_status: str
    endpoint_config_name: str = ""
    """The config that serves; while an update is under way still the old one."""
    failure_reason: Text = None
    creation_time: Timestamp = None
    last_modified_time: Timestamp = None
    production_variants: Many[RunningVariant] = ()
    pending_deployment_summary: Maybe[PendingDeployment] = None

    @property
    def state(self) -> State:
        # Creating, Updating, SystemUpdating, RollingBack, Deleting, and whatever is added to them.
        return _STATES.get(self.endpoint_status, State.BUSY)

    @property
    def pending_config(self) -> str | None:
        return (
            self.pending_deployment_summary.endpoint_config_name if self.pending_deployment_summary else None
        )

    def instances(self, variant: str) -> int | None:
        """How many instances a variant has, or is about to have; None where it has none to count."""
        for running in self.production_variants:
            if running.variant_name == variant:
                counts = [running.current_instance_count, running.desired_instance_count]
                return min((count for count in counts if count), default=None)
        return None


@dataclass(frozen=True, slots=True)
class Model:
    """A model, whole. `document` is what `CreateModel` would take to make it again."""

    name: str
    document: Document
    arn: str = ""

    @property
    def containers(self) -> list[Mapping[str, Any]]:
        primary = self.document.get("PrimaryContainer")
        return [primary] if primary else list(self.document.get("Containers") or [])

    @property
    def package_arn(self) -> str | None:
        """The version it was made of."""
        arns = {container.get("ModelPackageName") for container in self.containers} - {None, ""}
        return str(arns.pop()) if len(arns) == 1 else None

    @property
    def multi_model(self) -> bool:
        return any(container.get("Mode") == "MultiModel" for container in self.containers)

    @property
    def role_arn(self) -> str:
        return str(self.document.get("ExecutionRoleArn") or "")

    def is_version_of(self, group_arn: str) -> bool:
        prefix = f"{group_arn.replace(':model-package-group/', ':model-package/')}/".lower()
        return (self.package_arn or "").lower().startswith(prefix)


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """An endpoint config, whole. `document` is what `CreateEndpointConfig` would take to make it again."""

    name: str
    document: Document
    arn: str = ""

    @property
    def variants(self) -> list[Mapping[str, Any]]:
        return list(self.document.get("ProductionVariants") or [])

    def variant(self, name: str) -> Mapping[str, Any]:
        return next(variant for variant in self.variants if variant.get("VariantName") == name)

    @property
    def asynchronous(self) -> bool:
        return bool(self.document.get("AsyncInferenceConfig"))

    @property
    def serverless(self) -> bool:
        return any(variant.get("ServerlessConfig") for variant in self.variants)

    @property
    def captures(self) -> bool:
        return bool((self.document.get("DataCaptureConfig") or {}).get("EnableCapture"))


@dataclass(frozen=True, slots=True)
class Fleet:
    """The config an endpoint runs, with the models of its production variants by name."""

    config: EndpointConfig
    models: Mapping[str, Model]

    def model_of(self, variant: Mapping[str, Any]) -> Model | None:
        return self.models.get(str(variant.get("ModelName") or ""))

    def released_variant(self, group_arn: str) -> str | None:
        """The variant that releases of a group change: the only one, or the only one that runs a version of it."""
        variants = self.config.variants
        if len(variants) > 1:
            variants = [v for v in variants if (model := self.model_of(v)) and model.is_version_of(group_arn)]
        return str(variants[0]["VariantName"]) if len(variants) == 1 else None

    def version(self, group_arn: str) -> int | None:
        """The version of the group that is live; None when something else is."""
        name = self.released_variant(group_arn)
        model = self.model_of(self.config.variant(name)) if name else None
        if model is None or model.package_arn is None or not model.is_version_of(group_arn):
            return None
        return version_of(model.package_arn)


@dataclass(frozen=True, slots=True)
class Alarm:
    """A CloudWatch alarm, and whether it is red now."""

    name: str
    red: bool


@dataclass(frozen=True, slots=True)
class Scaling:
    """What scales a variant: bounds and policies by name, as requests of Application Auto Scaling; None: nothing does."""

    bounds: tuple[int, int] | None = None
    policies: Mapping[str, Document] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A monitoring schedule of the endpoint."""

    name: str
    status: str
    """Pending, Failed, Scheduled or Stopped."""
    kind: str
    """MonitoringType, e.g. DataQuality."""
    job_definition: str | None
    cron: str | None = None


@dataclass(frozen=True, slots=True)
class Baselining:
    """The job that suggests baselines: its status, and why it failed."""

    status: str
    reason: str = ""
