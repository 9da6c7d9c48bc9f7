"""An endpoint: what runs, what is coming, and how DescribeEndpoint and the events show it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.sagemaker.models import SageMakerModelBackend

from embedded_aws.moto_additions.sagemaker.agenda import Transition
from embedded_aws.moto_additions.sagemaker.errors import not_found
from embedded_aws.moto_additions.sagemaker.event_stream import epoch_milliseconds
from embedded_aws.moto_additions.sagemaker.resource import Resource, arn_of, tag_map
from embedded_aws.moto_additions.sagemaker.variants import Variant, data_capture
from embedded_aws.moto_additions.sagemaker.wire import Answer, given

# Statuses as events spell them, where it is not just upper case.
_EVENT_STATUS = {
    "InService": "IN_SERVICE",
    "OutOfService": "OUT_OF_SERVICE",
    "RollingBack": "ROLLING_BACK",
    "SystemUpdating": "SYSTEM_UPDATING",
    "UpdateRollbackFailed": "UPDATE_ROLLBACK_FAILED",
}


@dataclass
class Deployment:
    """A configuration on its way to an endpoint."""

    config: Resource
    variants: list[Variant]
    shadow_variants: list[Variant]
    deployment_config: dict[str, Any] | None
    started: datetime
    # Of each variant; kept, because its model may be deleted while it runs.
    containers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    # Set while the alarms decide: after provisioning, before the old fleet is gone.
    baking: bool = False

    @property
    def alarms(self) -> list[str]:
        """Names of the alarms that call the deployment off."""
        rollback = (self.deployment_config or {}).get("AutoRollbackConfiguration", {})
        return [alarm["AlarmName"] for alarm in rollback.get("Alarms", []) if "AlarmName" in alarm]

    def summary(self) -> Answer:
        """As `PendingDeploymentSummary`."""
        return given(
            EndpointConfigName=self.config.name,
            ProductionVariants=self.variants,
            ShadowProductionVariants=self.shadow_variants or None,
            StartTime=self.started,
        )


@dataclass(eq=False)
class Endpoint:
    """`config` is the live one, or the first one on its way; it outlives its deletion."""

    backend: SageMakerModelBackend
    name: str
    arn: str
    config: Resource
    created: datetime
    modified: datetime
    tags: list[dict[str, str]]
    status: str = "Creating"
    variants: list[Variant] = field(default_factory=list)
    shadow_variants: list[Variant] = field(default_factory=list)
    failure_reason: str | None = None
    last_deployment_config: dict[str, Any] | None = None
    pending: Deployment | None = None
    # What runs, as `Deployment.containers` has it.
    containers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    # Of a multi-model endpoint, by variant and `TargetModel`: ETags of what is in memory, and how many calls have
    # waited for what is not.
    loaded: dict[str, dict[str, str]] = field(default_factory=dict)
    loading: dict[str, dict[str, int]] = field(default_factory=dict)
    # What is entered in the agenda for it.
    next_step: Transition | None = None

    @property
    def configurations(self) -> Iterator[Resource]:
        """Those that must not be deleted."""
        yield self.config
        if self.pending is not None:
            yield self.pending.config

    @property
    def runs(self) -> bool:
        """Whether it answers invocations."""
        return self.status in (
            "InService",
            "Updating",
            "RollingBack",
            "SystemUpdating",
            "UpdateRollbackFailed",
        )

    def description(self) -> Answer:
        fields = self.config.fields
        shown = bool(self.variants)
        return given(
            EndpointName=self.name,
            EndpointArn=self.arn,
            EndpointConfigName=self.config.name,
            ProductionVariants=self.variants or None,
            ShadowProductionVariants=self.shadow_variants or None,
            DataCaptureConfig=data_capture(self.config) if shown else None,
            EndpointStatus=self.status,
            FailureReason=self.failure_reason,
            CreationTime=self.created,
            LastModifiedTime=self.modified,
            LastDeploymentConfig=self.last_deployment_config,
            AsyncInferenceConfig=fields.get("AsyncInferenceConfig"),
            ExplainerConfig=fields.get("ExplainerConfig"),
            MetricsConfig=fields.get("MetricsConfig"),
            # While it is created, what is coming is the endpoint itself.
            PendingDeploymentSummary=self.pending.summary() if shown and self.pending else None,
        )

    def summary(self) -> Answer:
        """As in the list of endpoints."""
        return {
            "EndpointName": self.name,
            "EndpointArn": self.arn,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "EndpointStatus": self.status,
        }

    def event_detail(self, status: str = "") -> Answer:
        """What both kinds of events say; `status` where it is none the API has (`Deleted`)."""
        coming = self.pending.variants if self.pending else []
        return {
            "EndpointName": self.name,
            "EndpointArn": self.arn,
            "EndpointConfigName": self.config.name,
            "ProductionVariants": [_for_event(variant) for variant in self.variants or coming],
            "EndpointStatus": _EVENT_STATUS.get(status or self.status, (status or self.status).upper()),
            "CreationTime": epoch_milliseconds(self.created),
            "LastModifiedTime": epoch_milliseconds(self.modified),
            "Tags": tag_map(self.tags),
        }

    def deployment_event_detail(self) -> Answer:
        """The same with what is coming."""
        detail = self.event_detail()
        if self.pending is not None:
            detail["PendingDeploymentSummary"] = {
                "EndpointConfigName": self.pending.config.name,
                "StartTime": epoch_milliseconds(self.pending.started),
                "ProductionVariants": [_for_event(variant) for variant in self.pending.variants],
            }
        return detail


def _for_event(variant: Variant) -> Variant:
    shown = {name: value for name, value in variant.items() if name != "DeployedImages"}
    if "VariantStatus" in variant:
        shown["VariantStatus"] = [
            {**status, "StartTime": epoch_milliseconds(status["StartTime"])}
            for status in variant["VariantStatus"]
        ]
    return shown


def endpoints_of(backend: SageMakerModelBackend) -> dict[str, Endpoint]:
    kept: dict[str, Endpoint] = vars(backend)["endpoints"]
    return kept


def find_endpoint(backend: SageMakerModelBackend, name: str) -> Endpoint:
    try:
        return endpoints_of(backend)[name]
    except KeyError:
        raise not_found("endpoint", arn_of(backend, "endpoint", name)) from None
