"""What guards a release: the alarms that watch the new fleet, and how traffic moves to it.

The alarms look at the dimension `EndpointConfigName`, which SageMaker publishes for the new fleet once it gets traffic: errors of the
old fleet neither stop nor excuse a release, and an alarm is green when its release begins.

Source: SageMaker guide, "Auto-Rollback Configuration and Monitoring", "Exclusions"; API reference, `DeploymentConfig`.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stationkeeper.releases.names import resource_name
from stationkeeper.releases.observed import Alarm, Endpoint, EndpointConfig
from stationkeeper.releases.settings import ReleaseSettings, Traffic
from stationkeeper.releases.steps import Action, Step

_MOST_ALARMS = 10
_STAGE_SECONDS = 600
"""How long one stage of a deployment bakes at most. The old fleet is paid for meanwhile."""
_LEAST_STAGE_SECONDS = 300
"""Two minutes of three must be over an alarm's limit, and metrics come late: in less no alarm goes red."""
_PROVISIONING_SECONDS = 3_600
_EXECUTION_SECONDS = (600, 28_800)
_ALARM_NAME_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class Guard:
    """How a version is brought in.

    `deployment` is the `DeploymentConfig` of UpdateEndpoint, None where SageMaker takes none. `words` say it to people; `alarms` can
    roll the deployment back.
    """

    deployment: Mapping[str, Any] | None
    words: str
    alarms: tuple[str, ...]
    notes: tuple[str, ...]


def alarm_names(endpoint: str, config: str) -> tuple[str, str]:
    """Names of the two alarms that guard a config on an endpoint; two endpoints may run one config."""
    return (
        resource_name(endpoint, config, "5xx-errors", limit=_ALARM_NAME_CHARACTERS),
        resource_name(endpoint, config, "latency", limit=_ALARM_NAME_CHARACTERS),
    )


def alarm_steps(
    settings: ReleaseSettings,
    config: str,
    variant: str,
    tags: list[dict[str, str]],
    alarms: Iterable[Alarm] = (),
    live_latency_milliseconds: float | None = None,
) -> list[Step]:
    """The alarms on errors and latency of a config's fleet.

    `Invocation5XXErrors` is 0 or 1 per call, so its average is the share of failed ones. `ModelLatency` is in microseconds. An alarm of
    these names among `alarms` is of an earlier attempt at the same thing; where it is red still, it is set to OK: the new fleet
    has done nothing yet.
    """
    errors, latency = alarm_names(settings.endpoint, config)
    limit = latency_limit(settings, live_latency_milliseconds)
    about = f"{settings.endpoint}, config {config}"
    shared: dict[str, Any] = {
        "Namespace": "AWS/SageMaker",
        "Dimensions": [
            {"Name": "EndpointName", "Value": settings.endpoint},
            {"Name": "VariantName", "Value": variant},
            {"Name": "EndpointConfigName", "Value": config},
        ],
        "Period": 60,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "ComparisonOperator": "GreaterThanThreshold",
        # No calls are no errors; a fleet that gets no traffic yet must not roll back.
        "TreatMissingData": "notBreaching",
        "Tags": tags,
    }
    red = {alarm.name for alarm in alarms if alarm.red}
    return [
        Step(
            Action.PUT_METRIC_ALARM,
            {
                "AlarmName": errors,
                "AlarmDescription": f"Over {settings.error_percent:g} % of calls fail with 5xx: {about}",
                "MetricName": "Invocation5XXErrors",
                "Statistic": "Average",
                "Threshold": settings.error_percent / 100,
                **shared,
            },
            f"rolls back when over {settings.error_percent:g} % of calls to the new fleet fail",
        ),
        Step(
            Action.PUT_METRIC_ALARM,
            {
                "AlarmName": latency,
                "AlarmDescription": f"95th percentile of model latency over {limit:,} ms: {about}",
                "MetricName": "ModelLatency",
                "ExtendedStatistic": "p95",
                "Threshold": float(limit * 1_000),
                **shared,
            },
            f"rolls back when the 95th percentile of latency exceeds {limit:,} ms",
        ),
        *(
            Step(
                Action.SET_ALARM_STATE,
                {
                    "AlarmName": name,
                    "StateValue": "OK",
                    "StateReason": "a new attempt at this release begins",
                },
                "red since an earlier attempt; the new fleet has done nothing yet",
            )
            for name in (errors, latency)
            if name in red
        ),
    ]


def latency_limit(settings: ReleaseSettings, live_milliseconds: float | None) -> int:
    """From which latency on a release rolls back, in milliseconds.

    The tag's, or the stack's default; but no less than three times what the live fleet needs on average, or every model that is slow by
    nature would lose its first release.
    """
    if settings.latency_milliseconds is not None:
        return settings.latency_milliseconds
    return max(settings.stack.latency_milliseconds, math.ceil(3 * (live_milliseconds or 0)))


def guard(
    settings: ReleaseSettings,
    config: EndpointConfig,
    new_config: str,
    endpoint: Endpoint,
    alarms: Iterable[Alarm],
    *,
    marketplace: bool = False,
) -> Guard:
    """How to move an endpoint from its `config` to `new_config`.

    Parameters
    ----------
    alarms : the guarding alarms that exist already, and those people tagged for the endpoint, with their state.
    marketplace : whether the new model is a Marketplace product.
    """
    usable, notes = _usable_alarms(alarm_names(settings.endpoint, new_config), alarms)
    unguarded = _unguarded(config, marketplace=marketplace)
    if unguarded:
        notes = [f"{unguarded}: no canary, no bake, no automatic rollback by alarm", *notes]
        return Guard(None, "all at once", (), tuple(notes))
    traffic, why_not = _traffic(settings, config, endpoint)
    if why_not:
        notes = [why_not, *notes]
    stage = min(max(settings.bake_minutes * 60, _LEAST_STAGE_SECONDS), _STAGE_SECONDS)
    routing, stages = _routing(traffic, stage)
    longest = stages * stage + stage + _provisioning_seconds(config)
    deployment: dict[str, Any] = {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": stage,
            "MaximumExecutionTimeoutInSeconds": min(
                max(longest, _EXECUTION_SECONDS[0]), _EXECUTION_SECONDS[1]
            ),
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in usable]},
    }
    return Guard(deployment, _words(traffic, stage), usable, tuple(notes))


def _provisioning_seconds(config: EndpointConfig) -> int:
    """How long a new fleet may take: its instances, and what its variants say of the model's download and start."""
    names = ("ModelDataDownloadTimeoutInSeconds", "ContainerStartupHealthCheckTimeoutInSeconds")
    return _PROVISIONING_SECONDS + max(
        (sum(int(variant.get(name) or 0) for name in names) for variant in config.variants), default=0
    )


def _usable_alarms(ours: tuple[str, str], alarms: Iterable[Alarm]) -> tuple[tuple[str, ...], list[str]]:
    """Our two alarms and those of people that are not red, and what is to be said of the others."""
    people = sorted((alarm for alarm in alarms if alarm.name not in ours), key=lambda alarm: alarm.name)
    green = [*ours, *(alarm.name for alarm in people if not alarm.red)]
    notes = [
        f"the alarm {alarm.name} is red already and would roll the release back at once; it is left out"
        for alarm in people
        if alarm.red
    ]
    if len(green) > _MOST_ALARMS:
        notes.append(f"SageMaker takes {_MOST_ALARMS} alarms; left out: {', '.join(green[_MOST_ALARMS:])}")
    return tuple(green[:_MOST_ALARMS]), notes


def _unguarded(config: EndpointConfig, *, marketplace: bool) -> str:
    if config.serverless:
        return "the endpoint is serverless"
    if any(str(variant.get("InstanceType", "")).startswith("ml.inf1.") for variant in config.variants):
        return "the endpoint runs on Inf1 instances"
    if marketplace:
        return "the model is a Marketplace product"
    return ""


def _traffic(settings: ReleaseSettings, config: EndpointConfig, endpoint: Endpoint) -> tuple[Traffic, str]:
    """The way traffic moves, and why it is not the one that was asked for."""
    counts = [
        endpoint.instances(str(variant.get("VariantName"))) or int(variant.get("InitialInstanceCount") or 1)
        for variant in config.variants
    ]
    fewest = min(counts, default=1)
    wanted = settings.traffic or Traffic("canary", 10)
    if wanted.kind == "all-at-once" or fewest >= 2:
        return wanted, ""
    why = f"{wanted} needs two instances or more and there is one: all traffic moves at once, then the old fleet stands by"
    return Traffic("all-at-once"), why if settings.traffic else ""


def _routing(traffic: Traffic, stage: int) -> tuple[dict[str, Any], int]:
    """The routing, and how many stages it waits for."""
    if traffic.kind == "all-at-once":
        return {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}, 0
    size = {"Type": "CAPACITY_PERCENT", "Value": traffic.percent}
    if traffic.kind == "canary":
        return {"Type": "CANARY", "WaitIntervalInSeconds": stage, "CanarySize": size}, 1
    return (
        {"Type": "LINEAR", "WaitIntervalInSeconds": stage, "LinearStepSize": size},
        math.ceil(100 / traffic.percent),
    )


def _words(traffic: Traffic, stage: int) -> str:
    minutes = f"{stage // 60} minute{'' if stage == 60 else 's'}"
    stands_by = f"the old fleet stands by for {minutes} after that"
    match traffic.kind:
        case "all-at-once":
            return f"all at once; {stands_by}"
        case "canary":
            return f"{traffic.percent} % for {minutes}, then all; {stands_by}"
        case _:
            return f"{traffic.percent} % more every {minutes}; {stands_by}"
