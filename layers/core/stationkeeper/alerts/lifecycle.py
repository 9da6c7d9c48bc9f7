"""When on-call hears of a monitor: news at once, what lasts once a day, its end once.

A monitor's runs are folded in the order they were due, so that the outcome is the same in whichever order their events come.
Two incidents may be open at a time: *violations* (the monitor found some) and *blindness* (a run could not be judged).
While blind, an open violations incident neither ends nor goes on: nobody knows.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from stationkeeper.reports.policy import Alerting
from stationkeeper.severity import Severity


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Judged(_Frozen):
    """A run whose report was read.

    `levels` maps the identity of each kept violation to its level (see `reports.verdict.Judged`); `untracked` counts
    those beyond what is kept.
    """

    kind: Literal["judged"] = "judged"
    levels: Mapping[str, int]
    counts: Mapping[Severity, int]
    untracked: int = 0

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def severity(self) -> Severity | None:
        return max((severity for severity, count in self.counts.items() if count), default=None)


class Blind(_Frozen):
    """A run that could not be judged, and why (one of `reports.outcome.BlindReason`)."""

    kind: Literal["blind"] = "blind"
    reason: str


class Run(_Frozen):
    """One execution of a monitoring schedule, by when it was due."""

    at: AwareDatetime
    job: str
    outcome: Annotated[Judged | Blind, Field(discriminator="kind")]

    @property
    def order(self) -> tuple[datetime, str]:
        return self.at, self.job


class Seen(_Frozen):
    """A violation within an incident: since when, and in how many runs in a row up to `last`."""

    since: AwareDatetime
    streak: int
    last: AwareDatetime


class ViolationsIncident(_Frozen):
    """From the first run with violations to the first clean one.

    `told` maps what the last message listed to its level then; `told_at` is None until on-call was told.
    """

    since: AwareDatetime
    runs: int
    seen: Mapping[str, Seen]
    told: Mapping[str, int] = Field(default_factory=dict)
    told_at: AwareDatetime | None = None
    told_total: int = 0
    told_untracked: int = 0
    severity: Severity | None = None


class BlindIncident(_Frozen):
    """From the first run that could not be judged to the next one that could."""

    since: AwareDatetime
    runs: int
    reason: str
    told_at: AwareDatetime | None = None
    severity: Severity | None = None


class State(_Frozen):
    """Where a monitor stands after its runs so far."""

    violations: ViolationsIncident | None = None
    blind: BlindIncident | None = None
    last: tuple[AwareDatetime, str] | None = None


class Found(_Frozen):
    """On-call must hear of violations. `new`, `worse` and `over` hold identities, since the last message."""

    kind: Literal["found"] = "found"
    since: AwareDatetime
    runs: int
    first: bool
    reminder: bool
    new: frozenset[str]
    worse: frozenset[str]
    over: frozenset[str]
    news: frozenset[str]
    """Those of `new` and `worse` that make this worth a message."""


class Blinded(_Frozen):
    """On-call must hear that a monitor is blind."""

    kind: Literal["blinded"] = "blinded"
    since: AwareDatetime
    runs: int
    reason: str
    severity: Severity
    reminder: bool


class Recovered(_Frozen):
    """On-call must hear that an incident it knows of is over."""

    kind: Literal["recovered"] = "recovered"
    of: Literal["violations", "blindness"]
    since: AwareDatetime
    runs: int
    over: frozenset[str] = frozenset()


type Finding = Found | Blinded | Recovered


def fold(state: State, run: Run, alerting: Alerting) -> tuple[State, tuple[Finding, ...]]:
    """The next state after a run, and what on-call must hear of it.

    Parameters
    ----------
    state : after the runs due before this one.
    run : the next run.
    alerting : how many runs in a row count, and how often what lasts is repeated.
    """
    findings: list[Finding] = []
    outcome = run.outcome
    if isinstance(outcome, Blind):
        blind, blinded = _still_blind(state.blind, run, outcome, alerting)
        return State(violations=state.violations, blind=blind, last=run.order), blinded
    if state.blind is not None and state.blind.told_at is not None:
        findings.append(Recovered(of="blindness", since=state.blind.since, runs=state.blind.runs))
    if outcome.total == 0:
        incident = state.violations
        if incident is not None and incident.told_at is not None:
            findings.append(
                Recovered(
                    of="violations", since=incident.since, runs=incident.runs, over=frozenset(incident.told)
                )
            )
        return State(last=run.order), tuple(findings)
    after, found = _violated(state.violations, run, outcome, alerting)
    return State(violations=after, last=run.order), (*findings, *found)


def _violated(
    incident: ViolationsIncident | None, run: Run, outcome: Judged, alerting: Alerting
) -> tuple[ViolationsIncident, tuple[Found, ...]]:
    before = incident or ViolationsIncident(since=run.at, runs=0, seen={})
    previous_run = max((seen.last for seen in before.seen.values()), default=None)
    seen = {identity: _seen(before.seen.get(identity), run.at, previous_run) for identity in outcome.levels}
    count = before.runs + 1
    after = before.model_copy(update={"runs": count, "seen": seen})
    # Violations beyond what is kept have no streak of their own: the incident's stands for them.
    telling = {
        identity: level
        for identity, level in outcome.levels.items()
        if seen[identity].streak >= alerting.runs_before_alert
    }
    untracked = outcome.untracked if count >= alerting.runs_before_alert else 0
    if not telling and not untracked:
        return after, ()

    first = before.told_at is None
    new = frozenset(identity for identity in telling if identity not in before.told)
    if before.told_untracked:
        new = frozenset()  # it may have been among those the last message only counted
    worse = frozenset(
        i for i, level in telling.items() if i in before.told and is_worse(level, before.told[i])
    )
    floor = before.severity.rank if before.severity else 0
    news = frozenset(i for i in new | worse if telling[i] // 100 >= floor)
    grown = bool(untracked) and outcome.total >= 2 * before.told_total
    due = before.told_at is not None and run.at - before.told_at >= timedelta(
        hours=alerting.repeat_after_hours
    )
    if not (first or news or grown or due):
        return after, ()
    found = Found(
        since=before.since,
        runs=count,
        first=first,
        reminder=not (first or news or grown),
        new=new,
        worse=worse,
        over=frozenset(before.told) - frozenset(outcome.levels) if not outcome.untracked else frozenset(),
        news=news,
    )
    told = after.model_copy(
        update={
            "told": telling,
            "told_at": run.at,
            "told_total": outcome.total,
            "told_untracked": untracked,
            "severity": outcome.severity,
        }
    )
    return told, (found,)


def is_worse(level: int, than: int) -> bool:
    """A higher severity, or critical by at least twice as much."""
    return level // 100 > than // 100 or (level // 100 == Severity.CRITICAL.rank and level > than)


def _seen(seen: Seen | None, at: datetime, previous_run: datetime | None) -> Seen:
    if seen is None or previous_run is None or seen.last != previous_run:
        return Seen(since=at, streak=1, last=at)
    return Seen(since=seen.since, streak=seen.streak + 1, last=at)


def _still_blind(
    incident: BlindIncident | None, run: Run, outcome: Blind, alerting: Alerting
) -> tuple[BlindIncident, tuple[Blinded, ...]]:
    before = incident or BlindIncident(since=run.at, runs=0, reason=outcome.reason)
    lasting = run.at - before.since
    severity = Severity.WARNING
    if lasting and lasting >= timedelta(hours=alerting.blind_critical_after_hours):
        severity = Severity.CRITICAL
    after = before.model_copy(update={"runs": before.runs + 1, "reason": outcome.reason})
    if after.runs < alerting.runs_before_alert:
        return after, ()
    first = before.told_at is None
    changed = outcome.reason != before.reason or (before.severity is not None and severity > before.severity)
    due = before.told_at is not None and run.at - before.told_at >= timedelta(
        hours=alerting.repeat_after_hours
    )
    if not (first or changed or due):
        return after, ()
    blinded = Blinded(
        since=before.since,
        runs=after.runs,
        reason=outcome.reason,
        severity=severity,
        reminder=not (first or changed),
    )
    return after.model_copy(update={"told_at": run.at, "severity": severity}), (blinded,)
