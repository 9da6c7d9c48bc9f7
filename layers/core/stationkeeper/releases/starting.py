"""The steps that release a version: to a new endpoint, or by changing only the model of a live one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stationkeeper.releases.decision import Block, Start
from stationkeeper.releases.guardrails import alarm_names, alarm_steps, guard
from stationkeeper.releases.observed import Alarm, Endpoint, Fleet
from stationkeeper.releases.record import Target
from stationkeeper.releases.registry import ModelPackage, group_name
from stationkeeper.releases.settings import ReleaseSettings
from stationkeeper.releases.steps import Action, Step
from stationkeeper.releases.successor import Made, cloned, made_from_settings
from stationkeeper.tags import TAG_PREFIX

_RESERVED_TAGS = "aws:"


@dataclass(frozen=True, slots=True)
class Release:
    """A release, planned: what is written down first, and the steps in order. The last one touches the endpoint."""

    target: Target
    steps: tuple[Step, ...]


def plan_creation(
    start: Start,
    package: ModelPackage,
    group_arn: str,
    settings: ReleaseSettings,
    last: Fleet | None,
    last_package: ModelPackage | None,
    now: datetime,
) -> Release | Block:
    """The steps to a new endpoint: set up as it was, where one was there before, else of tags and the stack's parameters.

    Parameters
    ----------
    last : what the endpoint ran before somebody deleted it; None when there was none, or its config is gone too.
    last_package : the version it ran.
    """
    tags = _tags(group_arn, settings, package)
    model_tags = config_tags = tags
    if last is not None and isinstance(
        made := cloned(last, package, last_package, group_arn, settings.endpoint), Made
    ):
        last_model = last.models[str(last.config.variant(made.variant)["ModelName"])]
        model_tags, config_tags = _merged(last_model.document, tags), _merged(last.config.document, tags)
        words = f"a new endpoint, set up as the one before it ({last.config.name})"
    elif settings.stack.endpoint_role_arn:
        made = made_from_settings(package, group_arn, settings)
        words = f"a new endpoint, {settings.scaling[0]} x {settings.instance_type}"
    else:
        return Block(
            "no-role",
            "The endpoint does not exist, and the stack has no execution role to make one with.",
            advice="Set the stack's parameter ExecutionRoleArns, or create the endpoint yourself",
            version=start.version.number,
        )
    steps = (
        *made.steps(model_tags, config_tags, words),
        *alarm_steps(settings, made.config_name, made.variant, tags),
        Step(
            Action.CREATE_ENDPOINT,
            {
                "EndpointName": settings.endpoint,
                "EndpointConfigName": made.config_name,
                "Tags": [tag for tag in tags if not tag["Key"].endswith(":version")],
            },
            start.why,
        ),
    )
    target = _target(start, package, now, made).model_copy(
        update={
            "creating": True,
            "traffic": words,
            "alarms": alarm_names(settings.endpoint, made.config_name),
        }
    )
    notes = [*settings.problems, *made.notes]
    if made.config["ProductionVariants"][0].get("InitialInstanceCount") == 1:
        notes.append("one instance stands in one zone: a failure of either takes the endpoint down")
    return Release(target.model_copy(update={"notes": tuple(notes)}), steps)


def plan_update(
    start: Start,
    package: ModelPackage,
    live_package: ModelPackage | None,
    group_arn: str,
    settings: ReleaseSettings,
    endpoint: Endpoint,
    fleet: Fleet,
    alarms: Iterable[Alarm],
    now: datetime,
    live_latency_milliseconds: float | None = None,
) -> Release | Block:
    """The steps to another version on a live endpoint: its config, cloned, with another model.

    Parameters
    ----------
    live_package : the version that is live, to tell what was set on the model from what came with the version.
    alarms : the guarding alarms that exist already, and those people tagged for the endpoint, with their state.
    live_latency_milliseconds : the highest hourly average of the live fleet's model latency in the last day; None: nobody called it.
    """
    alarms = tuple(alarms)
    made = cloned(fleet, package, live_package, group_arn, settings.endpoint)
    if isinstance(made, Block):
        return made
    live_model = fleet.models[str(fleet.config.variant(made.variant)["ModelName"])]
    tags = _tags(group_arn, settings, package)
    guarded = guard(
        settings, fleet.config, made.config_name, endpoint, alarms, marketplace=package.marketplace
    )
    update: dict[str, Any] = {
        "EndpointName": endpoint.endpoint_name,
        "EndpointConfigName": made.config_name,
        # Without it, instance counts and weights fall back to what they were when the config was made.
        "RetainAllVariantProperties": True,
    }
    if guarded.deployment is not None:
        update["DeploymentConfig"] = guarded.deployment
    steps = (
        *made.steps(
            _merged(live_model.document, tags),
            _merged(fleet.config.document, tags),
            f"the live config {fleet.config.name} with the new model",
        ),
        *alarm_steps(settings, made.config_name, made.variant, tags, alarms, live_latency_milliseconds),
        Step(Action.UPDATE_ENDPOINT, update, start.why),
    )
    target = _target(start, package, now, made).model_copy(
        update={
            "previous_config": fleet.config.name,
            "seen_modified_at": endpoint.last_modified_time,
            "previous_version": start.running,
            "previous_model": live_model.name,
            "traffic": guarded.words,
            "alarms": alarm_names(settings.endpoint, made.config_name),
            "guarded_by": guarded.alarms,
            "notes": (*settings.problems, *made.notes, *guarded.notes),
        }
    )
    return Release(target, steps)


def alarms_to_be(
    fleet: Fleet, package: ModelPackage, live_package: ModelPackage | None, group_arn: str, endpoint: str
) -> tuple[str, ...]:
    """Names of the alarms that `plan_update` will make: an earlier attempt at the same may have left them red."""
    made = cloned(fleet, package, live_package, group_arn, endpoint)
    return () if isinstance(made, Block) else alarm_names(endpoint, made.config_name)


def _target(start: Start, package: ModelPackage, now: datetime, made: Made) -> Target:
    return Target(
        version=package.number,
        package_arn=package.model_package_arn,
        config=made.config_name,
        model=made.model_name,
        variant=made.variant,
        started_at=now,
        why=start.why,
        approved_by=package.approved_by,
        approved_at=package.last_modified_time,
        approval_note=package.approval_description or "",
        registered_at=package.creation_time,
        generated_by=package.generated_by,
        falls_back=start.running is not None and start.running > package.number,
    )


def _tags(group_arn: str, settings: ReleaseSettings, package: ModelPackage) -> list[dict[str, str]]:
    return [
        {"Key": f"{TAG_PREFIX}released-to", "Value": settings.endpoint},
        {"Key": f"{TAG_PREFIX}group", "Value": group_name(group_arn)},
        {"Key": f"{TAG_PREFIX}version", "Value": str(package.number)},
    ]


def _merged(document: Mapping[str, Any], tags: list[dict[str, str]]) -> list[dict[str, str]]:
    """Tags of what is cloned (some accounts refuse what carries no cost centre), and ours; at most the 50 AWS takes."""
    ours = {tag["Key"] for tag in tags}
    kept = [
        dict(tag)
        for tag in document.get("Tags") or []
        if tag["Key"] not in ours and not tag["Key"].lower().startswith(_RESERVED_TAGS)
    ]
    return [*tags, *kept][:50]
