"""The course of a deployment: how long each phase takes, and how much traffic the new fleet has in it.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

from embedded_aws.moto_additions.sagemaker.deployment_config import share_percent


@dataclass(frozen=True)
class Phase:
    """`status` and `message` are those of a variant's status; `percent` is the new fleet's traffic."""

    status: Literal["Creating", "Baking"]
    message: str
    seconds: float
    percent: float = 0.0


def phases(config: dict[str, Any] | None, instances: int, provisioning_seconds: float) -> list[Phase]:
    """From the acceptance of an update to its end.

    Parameters
    ----------
    config : a valid `DeploymentConfig`; None for blue/green, all at once, without baking.
    instances : of the new fleet.
    """
    creating = Phase(
        "Creating", f"Launching {instances} instance(s) for the new fleet.", provisioning_seconds
    )
    if config and (policy := config.get("RollingUpdatePolicy")):
        return _rolling(policy, instances, provisioning_seconds)
    blue_green = (config or {}).get("BlueGreenUpdatePolicy")
    return [creating, *_blue_green(blue_green, instances)] if blue_green else [creating]


def _blue_green(policy: dict[str, Any], instances: int) -> list[Phase]:
    routing = policy["TrafficRoutingConfiguration"]
    wait = routing["WaitIntervalInSeconds"]
    baking: list[Phase] = []
    if routing["Type"] == "CANARY":
        percent = share_percent(routing["CanarySize"], instances)
        baking.append(_bake(wait, "WaitIntervalInSeconds", "canary", percent, instances))
    elif routing["Type"] == "LINEAR":
        step = share_percent(routing["LinearStepSize"], instances)
        baking += [
            _bake(wait, "WaitIntervalInSeconds", "linear step", number * step, instances)
            for number in range(1, math.ceil(100 / step))
        ]
    end_wait = policy.get("TerminationWaitInSeconds", 0)
    return [*baking, _bake(end_wait, "TerminationWaitInSeconds", "full", 100.0, instances)]


def _rolling(policy: dict[str, Any], instances: int, provisioning_seconds: float) -> list[Phase]:
    step = share_percent(policy["MaximumBatchSize"], instances)
    course: list[Phase] = []
    for number in range(math.ceil(100 / step)):
        percent = min(100.0, (number + 1) * step)
        course.append(
            Phase("Creating", "Launching the next batch.", provisioning_seconds, percent=number * step)
        )
        course.append(
            _bake(policy["WaitIntervalInSeconds"], "WaitIntervalInSeconds", "batch", percent, instances)
        )
    return course


def _bake(seconds: int, member: str, capacity: str, percent: float, instances: int) -> Phase:
    count = max(1, math.ceil(instances * percent / 100))
    message = (
        f"Baking for {seconds} seconds ({member}) with traffic enabled on {capacity} capacity of "
        f"{count} instance(s)."
    )
    return Phase("Baking", message, float(seconds), percent)
