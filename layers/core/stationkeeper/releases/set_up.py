"""What a version in service needs besides serving: autoscaling, and a monitor for each kind of baseline its package has."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stationkeeper.errors import UnsupportedRegion
from stationkeeper.events.release_trigger import GROUP_TAG
from stationkeeper.releases.decision import Block
from stationkeeper.releases.monitor_settings import MonitorSettings, Vpc
from stationkeeper.releases.monitoring import (
    MONITORING_TYPES,
    Baseline,
    BaseliningJob,
    Missing,
    baselining_job,
    drift_check_baselines,
    job_definition,
    monitoring_schedule,
    schedule_name,
)
from stationkeeper.releases.observed import Baselining, Fleet, Scaling, Schedule
from stationkeeper.releases.registry import ModelPackage, group_name
from stationkeeper.releases.scaling import plan_scaling
from stationkeeper.releases.settings import ReleaseSettings
from stationkeeper.releases.steps import Action, Step
from stationkeeper.reports.violation import Monitor
from stationkeeper.tags import TAG_PREFIX

_KINDS = {
    Monitor.DATA_QUALITY: "data quality",
    Monitor.MODEL_QUALITY: "model quality",
    Monitor.BIAS: "bias",
    Monitor.EXPLAINABILITY: "explainability",
}
_PENDING = "Pending"
_OUR_DEFINITION = re.compile(r".+-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class SetUpPlan:
    """What is left to do. `has` says what the endpoint will have, `notes` what it will lack and why.

    `later` says what cannot be finished now: something is under way whose end calls again.
    """

    steps: tuple[Step, ...] = ()
    has: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    failed_job: tuple[str, str] | None = None
    """The baselining job that failed, and why."""
    lost: Block | None = None
    """Why nothing can be set up: what the endpoint runs was deleted."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an endpoint in service has besides its config. `baselining` is the job `baselining_needed` named; None: never started."""

    scaling: Scaling = field(default_factory=Scaling)
    schedules: tuple[Schedule, ...] = ()
    baselining: Baselining | None = None


def baselining_needed(
    package: ModelPackage, settings: ReleaseSettings, fleet: Fleet, group_arn: str
) -> BaseliningJob | None:
    """The job that would suggest the data-quality baseline the package lacks; None where none is wanted."""
    if settings.monitor == "off" or settings.baseline_dataset is None or _why_no_monitor(fleet):
        return None
    how = monitor_settings(settings, fleet, group_arn)
    if Monitor.DATA_QUALITY in _baselines(package) or not how.role_arn:
        return None
    try:
        return baselining_job(f"{group_name(group_arn)}-v{package.number}", settings.baseline_dataset, how)
    except UnsupportedRegion:  # said by `_suggested`
        return None


def plan_set_up(
    package: ModelPackage,
    settings: ReleaseSettings,
    fleet: Fleet,
    variant: str,
    group_arn: str,
    surroundings: Surroundings,
    *,
    created: bool,
) -> SetUpPlan:
    """What is left so that autoscaling and monitoring are as configured."""
    scaling = plan_scaling(settings, fleet.config, variant, surroundings.scaling, created=created)
    monitoring = _plan_monitoring(package, settings, fleet, group_arn, surroundings)
    return SetUpPlan(
        steps=(*scaling.steps, *monitoring.steps),
        has=(*([f"autoscaling: {scaling.words}"] if scaling.words else []), *monitoring.has),
        notes=(*([scaling.note] if scaling.note else []), *monitoring.notes),
        later=monitoring.later,
        failed_job=monitoring.failed_job,
    )


def monitor_settings(settings: ReleaseSettings, fleet: Fleet, group_arn: str) -> MonitorSettings:
    """How monitoring jobs of the endpoint run: with the role of its model, where and how the stack says."""
    stack = settings.stack
    key = stack.kms_key_arn or None
    roles = [model.role_arn for model in fleet.models.values() if model.role_arn]
    return MonitorSettings(
        endpoint=settings.endpoint,
        role_arn=roles[0] if roles else stack.endpoint_role_arn,
        region=stack.region,
        output_uri=f"s3://{stack.bucket}/stationkeeper/monitoring",
        cadence="daily" if settings.monitor == "daily" else "hourly",
        instance_type=stack.monitoring_instance_type,
        output_kms_key=key,
        volume_kms_key=key,
        vpc=Vpc(stack.subnets, stack.security_groups) if stack.subnets and stack.security_groups else None,
        tags={f"{TAG_PREFIX}released-to": settings.endpoint, GROUP_TAG: group_arn},
    )


def _plan_monitoring(
    package: ModelPackage,
    settings: ReleaseSettings,
    fleet: Fleet,
    group_arn: str,
    surroundings: Surroundings,
) -> SetUpPlan:
    ours = _ours(settings.endpoint, surroundings.schedules)
    how = monitor_settings(settings, fleet, group_arn)
    if settings.monitor == "off":
        return _switched_off(ours)
    baselines: Mapping[Monitor, Baseline] = _baselines(package)
    why_not = _why_no_monitor(fleet) or (
        "" if how.role_arn else "no model of the endpoint has an execution role"
    )
    if why_not:
        wanted = baselines or settings.baseline_dataset or settings.monitor
        return SetUpPlan(notes=(f"no monitor: {why_not}",) if wanted else ())
    suggested = _suggested(package, settings, fleet, group_arn, surroundings.baselining)
    if suggested.baseline is not None:
        baselines = {Monitor.DATA_QUALITY: suggested.baseline, **baselines}
    notes = [*suggested.plan.notes]
    if not baselines and suggested.plan == SetUpPlan() and settings.monitor is not None:
        notes.append(
            f"no monitor: the package has no baselines, and the group no tag {TAG_PREFIX}baseline-dataset to suggest them from"
        )
    left_behind = () if suggested.plan.later else _left_behind(ours, baselines)
    plans = [
        _plan_monitor(monitor, baseline, how, settings, ours, surroundings.schedules)
        for monitor, baseline in baselines.items()
    ]
    return SetUpPlan(
        steps=(*suggested.plan.steps, *(step for plan in plans for step in plan.steps)),
        has=tuple(words for plan in plans for words in plan.has),
        notes=(*notes, *(note for plan in plans for note in plan.notes), *left_behind),
        later=(*suggested.plan.later, *(later for plan in plans for later in plan.later)),
        failed_job=suggested.plan.failed_job,
    )


def _plan_monitor(
    monitor: Monitor,
    baseline: Baseline,
    how: MonitorSettings,
    settings: ReleaseSettings,
    ours: Mapping[Monitor, Schedule],
    schedules: Iterable[Schedule],
) -> SetUpPlan:
    kind = _KINDS[monitor]
    definition = job_definition(monitor, baseline, how, settings.ground_truth)
    live = ours.get(monitor)
    if isinstance(definition, Missing):
        stays = (
            f"the {kind} monitor {live.name} judges on by the baseline of an earlier version"
            if live
            else f"no {kind} monitor"
        )
        return SetUpPlan(notes=(f"{stays}: {definition.reason}",))
    schedule = monitoring_schedule(definition, how)
    theirs = [one for one in schedules if one.kind == MONITORING_TYPES[monitor] and one not in ours.values()]
    if live is None and theirs:
        return _there_before(kind, theirs[0])
    words = f"{kind} monitor: {schedule.name}, {how.cadence}"
    cron = schedule.update["MonitoringScheduleConfig"]["ScheduleConfig"]["ScheduleExpression"]
    if live is not None and live.job_definition == definition.name and live.cron in (cron, None):
        ailing = _ailing(kind, live)
        return SetUpPlan(notes=(ailing,)) if ailing else SetUpPlan(has=(words,))
    if live is not None and live.status == _PENDING:
        return SetUpPlan(later=(f"the {kind} monitor {schedule.name} is being changed",))
    define = Step(
        Action(f"Create{MONITORING_TYPES[monitor]}JobDefinition"),
        definition.request,
        f"what a {kind} run does",
    )
    if live is None:
        step = Step(Action.CREATE_MONITORING_SCHEDULE, schedule.create, f"{kind}, {how.cadence}")
    else:
        step = Step(
            Action.UPDATE_MONITORING_SCHEDULE,
            schedule.update,
            f"{kind} by the new version's baseline, {how.cadence}",
        )
    return SetUpPlan(steps=(define, step), has=(words,))


def _there_before(kind: str, schedule: Schedule) -> SetUpPlan:
    """A monitor that people made is theirs to change."""
    ailing = _ailing(kind, schedule)
    return (
        SetUpPlan(notes=(ailing,))
        if ailing
        else SetUpPlan(has=(f"{kind} monitor: {schedule.name}, which was there before",))
    )


def _ailing(kind: str, schedule: Schedule) -> str:
    if schedule.status in ("Stopped", "Failed"):
        return f"the {kind} monitor {schedule.name} is {schedule.status.lower()}: nobody watches that"
    return ""


def _ours(endpoint: str, schedules: Iterable[Schedule]) -> dict[Monitor, Schedule]:
    """The schedules made here: by their name, which people choose too, and a job definition named as ours are."""
    found = {}
    for monitor in _KINDS:
        name = schedule_name(endpoint, monitor)
        for schedule in schedules:
            definition = schedule.job_definition or ""
            if (
                schedule.name == name
                and _OUR_DEFINITION.fullmatch(definition)
                and definition.startswith(name[:10])
            ):
                found[monitor] = schedule
    return found


def _left_behind(ours: Mapping[Monitor, Schedule], baselines: Mapping[Monitor, Baseline]) -> Iterable[str]:
    """Monitors of an earlier version that this one brings no baseline for: they run on, and people should know by what they judge."""
    for monitor, schedule in ours.items():
        if monitor not in baselines:
            yield (
                f"the {_KINDS[monitor]} monitor {schedule.name} judges by the baseline of an earlier version: this one brings none"
            )


def _switched_off(ours: Mapping[Monitor, Schedule]) -> SetUpPlan:
    """Takes our schedules away; what they found so far stays where it is."""
    return SetUpPlan(
        steps=tuple(
            Step(
                Action.DELETE_MONITORING_SCHEDULE,
                {"MonitoringScheduleName": schedule.name},
                f"the tag {TAG_PREFIX}monitor is off",
            )
            for schedule in ours.values()
            if schedule.status != _PENDING
        ),
        later=tuple(
            f"the monitor {schedule.name} is being changed, and taken away after that"
            for schedule in ours.values()
            if schedule.status == _PENDING
        ),
    )


@dataclass(frozen=True, slots=True)
class _Suggested:
    baseline: Baseline | None = None
    plan: SetUpPlan = field(default_factory=SetUpPlan)


def _suggested(
    package: ModelPackage,
    settings: ReleaseSettings,
    fleet: Fleet,
    group_arn: str,
    baselining: Baselining | None,
) -> _Suggested:
    job = baselining_needed(package, settings, fleet, group_arn)
    if job is None and settings.baseline_dataset and Monitor.DATA_QUALITY not in _baselines(package):
        why = f"SageMaker has no analyzer image in {settings.stack.region}"
        return _Suggested(plan=SetUpPlan(notes=(f"no baseline can be suggested: {why}",)))
    if job is None:
        return _Suggested()
    if baselining is None:
        step = Step(Action.CREATE_PROCESSING_JOB, job.request, "suggests the baseline the package lacks")
        return _Suggested(
            plan=SetUpPlan(steps=(step,), later=(f"baselines are being suggested by the job {job.name}",))
        )
    match baselining.status:
        case "Completed":
            return _Suggested(baseline=job.baseline)
        case "InProgress" | "Stopping":
            return _Suggested(plan=SetUpPlan(later=(f"baselines are being suggested by the job {job.name}",)))
        case _:
            why = baselining.reason or baselining.status
            return _Suggested(
                plan=SetUpPlan(
                    notes=(
                        f"no data quality monitor: the baselining job {job.name} ended {baselining.status}",
                    ),
                    failed_job=(job.name, why),
                )
            )


def _baselines(package: ModelPackage) -> dict[Monitor, Baseline]:
    return drift_check_baselines(package.drift_check_baselines) if package.drift_check_baselines else {}


def _why_no_monitor(fleet: Fleet) -> str:
    if any(model.multi_model for model in fleet.models.values()):
        return "Model Monitor does not support multi-model endpoints"
    if fleet.config.serverless:
        return "serverless endpoints capture no data"
    if not fleet.config.captures:
        return "the endpoint's config has no data capture; switch it on in the live config, and releases carry it over"
    return ""
