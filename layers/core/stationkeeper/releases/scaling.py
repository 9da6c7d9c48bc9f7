"""Autoscaling of a released variant: target tracking on invocations per instance.

Source: Application Auto Scaling API; SageMaker guide, "Automatic scaling". Serverless variants have no instances to count, T2 instances
do not scale, and SageMaker's managed instance scaling does it by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stationkeeper.releases.observed import EndpointConfig, Scaling
from stationkeeper.releases.settings import ReleaseSettings
from stationkeeper.releases.steps import Action, Step

POLICY = "stationkeeper-invocations-per-instance"
_DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_COOL_DOWN_IN_SECONDS = 300
_COOL_DOWN_OUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class ScalingPlan:
    """What is left to do, what the variant will have, and why it will not have what was asked for."""

    steps: tuple[Step, ...] = ()
    words: str = ""
    note: str = ""


def plan_scaling(
    settings: ReleaseSettings, config: EndpointConfig, variant: str, scaling: Scaling, *, created: bool
) -> ScalingPlan:
    """Bring autoscaling of a variant to what tags ask for; to the stack's defaults on an endpoint that was `created` here.

    An endpoint that was there before, and whose group has no tag about scaling, keeps what it has.
    """
    if not (created or settings.scaling_tagged):
        return ScalingPlan()
    why_not = _why_not(config, config.variant(variant))
    if why_not:
        return ScalingPlan(note=f"no autoscaling: {why_not}" if settings.scaling_tagged else "")
    least, most = settings.scaling
    resource = resource_id(settings.endpoint, variant)
    target: dict[str, Any] = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": resource,
        "ScalableDimension": _DIMENSION,
    }
    steps = []
    if scaling.bounds != (least, most):
        steps.append(
            Step(
                Action.REGISTER_SCALABLE_TARGET,
                {**target, "MinCapacity": least, "MaxCapacity": most},
                f"{least} to {most} instances",
            )
        )
    tracking: dict[str, Any] = {
        "TargetValue": float(settings.invocations_per_instance),
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        "ScaleInCooldown": _COOL_DOWN_IN_SECONDS,
        "ScaleOutCooldown": _COOL_DOWN_OUT_SECONDS,
    }
    others = sorted(set(scaling.policies) - {POLICY})
    if others:
        words = f"{least} to {most} instances, by the policy {', '.join(others)} that was there before"
        return ScalingPlan(tuple(steps), words)
    if most > least and not _same(scaling.policies.get(POLICY), tracking):
        steps.append(
            Step(
                Action.PUT_SCALING_POLICY,
                {
                    **target,
                    "PolicyName": POLICY,
                    "PolicyType": "TargetTrackingScaling",
                    "TargetTrackingScalingPolicyConfiguration": tracking,
                },
                f"{settings.invocations_per_instance:,} calls a minute for each instance",
            )
        )
    words = f"{least} to {most} instances, {settings.invocations_per_instance:,} calls a minute each"
    return ScalingPlan(tuple(steps), words if most > least else f"{least} instances, fixed")


def resource_id(endpoint: str, variant: str) -> str:
    """How Application Auto Scaling calls a variant."""
    return f"endpoint/{endpoint}/variant/{variant}"


def _why_not(config: EndpointConfig, variant: Mapping[str, Any]) -> str:
    if variant.get("ServerlessConfig"):
        return "the endpoint is serverless"
    if config.asynchronous:
        return "the endpoint is asynchronous; scale it on ApproximateBacklogSizePerInstance"
    if (variant.get("ManagedInstanceScaling") or {}).get("Status") == "ENABLED":
        return "SageMaker's managed instance scaling is on"
    if str(variant.get("InstanceType", "")).startswith("ml.t2."):
        return "T2 instances do not scale"
    return ""


def _same(live: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> bool:
    return live is not None and all(live.get(name) == value for name, value in wanted.items())
