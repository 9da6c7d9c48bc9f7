"""What UpdateEndpoint refuses in a `DeploymentConfig`: the limits of deployment guardrails.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html
and the API reference of BlueGreenUpdatePolicy, TrafficRoutingConfig, RollingUpdatePolicy, AutoRollbackConfig.
"""

import math
from typing import Any

from embedded_aws.moto_additions.sagemaker.errors import ValidationException
from embedded_aws.moto_additions.sagemaker.variants import Variant

_TIMEOUT_SECONDS = (600, 28800)
_WAIT_SECONDS = (0, 3600)
_MOST_ALARMS = 10


def validate(
    config: dict[str, Any], live: list[Variant], coming: list[Variant], known_alarms: set[str]
) -> None:
    """Check a `DeploymentConfig` against the variants it replaces and those that come.

    Raises
    ------
    ValidationException
        It names what is wrong.
    """
    if "BlueGreenUpdatePolicy" in config and "RollingUpdatePolicy" in config:
        raise ValidationException(
            "Only one of BlueGreenUpdatePolicy and RollingUpdatePolicy may be specified."
        )
    if any("DesiredServerlessConfig" in variant for variant in [*live, *coming]):
        raise ValidationException("DeploymentConfig is not supported for serverless variants.")
    if {variant["VariantName"] for variant in live} != {variant["VariantName"] for variant in coming}:
        raise ValidationException("DeploymentConfig does not support updates that change variant names.")
    if "BlueGreenUpdatePolicy" in config:
        _blue_green(config["BlueGreenUpdatePolicy"], coming)
    if "RollingUpdatePolicy" in config:
        _rolling(config["RollingUpdatePolicy"], coming)
    _alarms(config.get("AutoRollbackConfiguration"), known_alarms)


def _blue_green(policy: dict[str, Any], coming: list[Variant]) -> None:
    place = "deploymentConfig.blueGreenUpdatePolicy"
    routing = policy["TrafficRoutingConfiguration"]
    kind = routing["Type"]
    wait = routing["WaitIntervalInSeconds"]
    end_wait = policy.get("TerminationWaitInSeconds", 0)
    timeout = policy.get("MaximumExecutionTimeoutInSeconds", _TIMEOUT_SECONDS[1])
    _within(wait, _WAIT_SECONDS, f"{place}.trafficRoutingConfiguration.waitIntervalInSeconds")
    _within(end_wait, _WAIT_SECONDS, f"{place}.terminationWaitInSeconds")
    _within(timeout, _TIMEOUT_SECONDS, f"{place}.maximumExecutionTimeoutInSeconds")
    steps = 1
    if kind == "CANARY":
        _share(routing, "CanarySize", coming, lowest=1)
    elif kind == "LINEAR":
        steps = math.ceil(100 / _share(routing, "LinearStepSize", coming, lowest=10)) - 1
    if kind != "ALL_AT_ONCE":
        end_wait += steps * wait
    if end_wait > timeout:
        raise ValidationException(
            f"The sum of all waits, {end_wait} seconds (WaitIntervalInSeconds and TerminationWaitInSeconds), "
            f"must not exceed MaximumExecutionTimeoutInSeconds, {timeout} seconds."
        )


def _rolling(policy: dict[str, Any], coming: list[Variant]) -> None:
    place = "deploymentConfig.rollingUpdatePolicy"
    if len(coming) != 1:
        raise ValidationException("RollingUpdatePolicy supports endpoints with one variant only.")
    wait = policy["WaitIntervalInSeconds"]
    timeout = policy.get("MaximumExecutionTimeoutInSeconds", _TIMEOUT_SECONDS[1])
    _within(wait, _WAIT_SECONDS, f"{place}.waitIntervalInSeconds")
    _within(timeout, _TIMEOUT_SECONDS, f"{place}.maximumExecutionTimeoutInSeconds")
    batches = math.ceil(100 / _share(policy, "MaximumBatchSize", coming, lowest=5))
    if batches * wait > timeout:
        raise ValidationException(
            f"The sum of all waits, {batches * wait} seconds, "
            f"must not exceed MaximumExecutionTimeoutInSeconds, {timeout} seconds."
        )


def _share(holder: dict[str, Any], name: str, coming: list[Variant], *, lowest: int) -> float:
    """The size in percent of the smallest variant's capacity; at most half, and of at least two instances."""
    size = holder.get(name)
    if size is None:
        raise ValidationException(f"{name} must be specified.")
    capacity = min(int(variant.get("DesiredInstanceCount", 0)) for variant in coming)
    if capacity < 2:
        raise ValidationException(f"{name} needs at least 2 instances; a variant has {capacity}.")
    percent = share_percent(size, capacity)
    if not lowest <= percent <= 50:
        raise ValidationException(
            f"{name} must be between {lowest}% and 50% of the variant's total instance count ({capacity}); "
            f"it is {size['Value']} ({size['Type']})."
        )
    return percent


def share_percent(size: dict[str, Any], capacity: int) -> float:
    """A `CapacitySize` in percent of `capacity` instances."""
    if size["Type"] == "CAPACITY_PERCENT":
        return float(size["Value"])
    return 100 * float(size["Value"]) / max(capacity, 1)


def _alarms(rollback: dict[str, Any] | None, known_alarms: set[str]) -> None:
    if rollback is None:
        return
    names = [alarm.get("AlarmName", "") for alarm in rollback.get("Alarms", [])]
    # An empty list never gets here: the SDK refuses it.
    if len(names) > _MOST_ALARMS:
        raise ValidationException(
            "1 validation error detected: Value at 'deploymentConfig.autoRollbackConfiguration.alarms' "
            f"failed to satisfy constraint: Member must have length less than or equal to {_MOST_ALARMS}"
        )
    if missing := [name for name in names if name not in known_alarms]:
        raise ValidationException(f"Could not find CloudWatch alarm(s) {missing}.")


def _within(value: int, limits: tuple[int, int], member: str) -> None:
    lowest, highest = limits
    if lowest <= value <= highest:
        return
    word, limit = (
        ("less than or equal to", highest) if value > highest else ("greater than or equal to", lowest)
    )
    raise ValidationException(
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
        f"Member must have value {word} {limit}"
    )
