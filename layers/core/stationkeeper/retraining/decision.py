"""Whether drift starts a pipeline now: a pure function of one look, and its possible answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from stationkeeper.alerts.text import lasting
from stationkeeper.events.domain import stable_id
from stationkeeper.releases.registry import Version, highest
from stationkeeper.reports.newest import NewestRun
from stationkeeper.retraining.parameters import Declared, Passed, parameters_for
from stationkeeper.retraining.record import Drift, Execution, RetrainingRecord
from stationkeeper.retraining.settings import RetrainingSettings
from stationkeeper.severity import Severity
from stationkeeper.tags import PARAMETER_TAG, TAG_PREFIX

_LISTED_WITHIN = timedelta(minutes=10)
"""How long after its start a listing may not show an execution yet."""
_BEGUN_LASTS = timedelta(hours=1)
_RUNNING = ("Executing", "Stopping")


@dataclass(frozen=True, slots=True)
class Pipeline:
    arn: str
    name: str
    declared: tuple[Declared, ...]
    problem: str = ""
    """Why its parameters cannot be read."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An execution as SageMaker lists it."""

    arn: str
    name: str
    status: str
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RetrainingLook:
    """One look. `pipeline` is None when it does not exist; `serving` is the version that is live, where that is known."""

    drift: Drift
    settings: RetrainingSettings
    group_arn: str
    endpoint: str
    pipeline: Pipeline | None
    executions: tuple[Listed, ...]
    waiting: tuple[Version, ...]
    newest_runs: tuple[NewestRun, ...]
    record: RetrainingRecord
    now: datetime
    serving: int | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """There is nothing to start, and nothing to tell."""

    why: str


@dataclass(frozen=True, slots=True)
class Skip:
    """Nothing is started now; on-call is told why."""

    code: str
    why: str
    severity: Severity = Severity.INFO
    advice: str = ""
    execution_arn: str = ""
    version: Version | None = None
    until: datetime | None = None
    lacks: str = ""
    """What has no value."""

    @property
    def about(self) -> str:
        """What tells cases of one code apart, so that another obstacle is told too."""
        number = self.version.number if self.version else ""
        return f"{self.code}:{self.execution_arn}:{number}:{self.lacks}"


@dataclass(frozen=True, slots=True)
class Begin:
    """An execution is to be started; written down before, so that the same call can be made again."""

    execution: Execution


@dataclass(frozen=True, slots=True)
class Started:
    """An execution was started, and that was not written down yet."""

    execution: Execution


@dataclass(frozen=True, slots=True)
class GiveUp:
    """What was begun and never asked for is not any more."""

    execution: Execution


type Decision = Leave | Skip | Begin | Started | GiveUp


def decide(look: RetrainingLook) -> Decision:
    """What a drift calls for.

    What was begun is finished first. Then whether the drift still is as bad as the threshold says; then what stands in the way.
    """
    begun = look.record.unfinished
    if begun is not None:
        return _finish(look, begun)
    if look.drift.event_id in look.record.handled:
        return Leave("this was answered before")
    eased = _eased(look)
    if eased:
        return Leave(eased)
    if look.pipeline is None:
        return Skip(
            "no-pipeline",
            f"There is no pipeline {look.settings.pipeline}.",
            Severity.WARNING,
            f"Create it, or tag the group with another one ({TAG_PREFIX}retraining-pipeline)",
        )
    return _obstacle(look, look.pipeline) or _begin(look, look.pipeline)


def _finish(look: RetrainingLook, begun: Execution) -> Decision:
    """After a crash: what SageMaker took is found by its name; what it did not take is asked for again, if nothing else runs."""
    taken = next((one for one in look.executions if one.name == begun.name), None)
    if taken is not None:
        return Started(
            begun.model_copy(update={"arn": taken.arn, "started_at": taken.started_at or look.now})
        )
    waits = begun.group_arn == look.group_arn and _waiting(look) is not None
    if _running(look.executions) or waits or look.now - begun.asked_at > _BEGUN_LASTS:
        return GiveUp(begun)
    return Begin(begun)


def _eased(look: RetrainingLook) -> str:
    """Why the drift needs no retraining any more, by the monitor's newest run; "" when it does."""
    newest = next((one for one in look.newest_runs if one.schedule_arn == look.drift.schedule_arn), None)
    severity = look.drift.severity
    if newest is not None and newest.violations is not None:
        if newest.violations == 0:
            return "the monitor's newest run found nothing any more"
        severity = newest.severity or severity
    if severity < look.settings.retrain_at:
        return f"the drift is {severity.value}, and retraining starts at {look.settings.retrain_at.value}"
    return ""


def _obstacle(look: RetrainingLook, pipeline: Pipeline) -> Decision | None:
    running = _running(look.executions) or _not_listed_yet(look)
    if running is not None:
        ours = look.record.execution(running.arn)
        if ours is not None and ours.drift.incident == look.drift.incident:
            return Leave("the pipeline runs because of this drift")
        since = f", since {lasting(look.now - running.started_at)}" if running.started_at else ""
        return Skip(
            "running",
            f"The pipeline {pipeline.name} runs already{since}.",
            execution_arn=running.arn,
        )
    waiting = _waiting(look)
    if waiting is not None:
        return Skip(
            "waiting-for-approval",
            f"Version {waiting.number} waits for approval; another one would wait behind it.",
            advice="Approve or reject it",
            version=waiting,
        )
    until = _cooling_until(look)
    if until is not None:
        return Skip(
            "cool-down",
            f"The pipeline was started {lasting(look.now - (until - look.settings.cool_down))} ago, and not again within "
            f"{lasting(look.settings.cool_down)}.",
            until=until,
        )
    return None


def _begin(look: RetrainingLook, pipeline: Pipeline) -> Decision:
    passed = _passed(look, pipeline)
    if passed.missing:
        names = ", ".join(passed.missing)
        return Skip(
            "missing-parameter",
            f"The pipeline {pipeline.name} declares {names} without a default, and no tag sets a value.",
            Severity.WARNING,
            f"Tag the group with {TAG_PREFIX}{PARAMETER_TAG}{passed.missing[0]}, or give it a default",
            lacks=names,
        )
    token = stable_id(pipeline.arn.lower(), look.drift.event_id)
    notes = (*look.settings.problems, *([pipeline.problem] if pipeline.problem else []), *passed.notes)
    return Begin(
        Execution(
            name=f"stationkeeper-{token[:12]}",
            token=token,
            drift=look.drift,
            endpoint=look.endpoint,
            group_arn=look.group_arn,
            asked_at=look.now,
            on_call=look.settings.on_call,
            parameters=passed.parameters,
            notes=notes,
        )
    )


def _passed(look: RetrainingLook, pipeline: Pipeline) -> Passed:
    """For every monitor of the endpoint that is violated now: the pipeline checks against all of their baselines."""
    others = (one for one in look.newest_runs if one.schedule_arn != look.drift.schedule_arn)
    kinds = look.drift.kinds.union(*(one.kinds for one in others if one.violations))
    return parameters_for(kinds, pipeline.declared, look.settings.parameters)


def _running(executions: Iterable[Listed]) -> Listed | None:
    return next((one for one in executions if one.status in _RUNNING), None)


def _not_listed_yet(look: RetrainingLook) -> Listed | None:
    """What was started here so lately that a listing may not show it."""
    newest = look.record.newest
    if newest is None or look.now - newest.began_at >= _LISTED_WITHIN:
        return None
    if any(one.arn.lower() == newest.arn.lower() for one in look.executions):
        return None
    return Listed(newest.arn, newest.name, "Executing", newest.began_at)


def _waiting(look: RetrainingLook) -> Version | None:
    """The newest version above the live one that waits for approval; one that could not be made waits for nobody."""
    return highest(
        version
        for version in look.waiting
        if (version.usable or version.being_made) and (look.serving is None or version.number > look.serving)
    )


def _cooling_until(look: RetrainingLook) -> datetime | None:
    """Until when this group is not retrained again: others that share the pipeline have their own cool-down."""
    ours = [one for one in look.record.executions if one.group_arn == look.group_arn]
    until = ours[-1].began_at + look.settings.cool_down if ours else None
    return until if until is not None and look.now < until else None
