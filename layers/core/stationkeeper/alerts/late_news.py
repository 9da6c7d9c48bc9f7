"""What on-call hears of a run whose event came after that of a newer run."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import takewhile

from stationkeeper.alerts.lifecycle import (
    Finding,
    Heard,
    HeardBlindness,
    HeardViolations,
    TellBlindness,
    TellViolations,
    severity_of,
    telling_in,
)
from stationkeeper.alerts.standing import Blind, Judged, Run, Standing, standing_after
from stationkeeper.reports.policy import Alerting
from stationkeeper.severity import Severity


def late_news_of(
    run: Run, base: Standing, earlier: Sequence[Run], later: Sequence[Run], heard: Heard, alerting: Alerting
) -> tuple[Heard, tuple[Finding, ...]]:
    """What on-call must hear of a run whose event came after that of a newer one: what no other run speaks for.

    Whether it lasts, a newer run has decided; what is no news by itself is left for the next message.

    Parameters
    ----------
    run : the run that came late.
    base : where the monitor stood before all of these runs.
    earlier, later : the other runs known, in order.
    """
    if isinstance(run.outcome, Blind):
        return _late_blindness(run, earlier, later, heard, alerting)
    told = heard.violations.told if heard.violations else {}
    spoken = _told_by(base, [*earlier, *later], run, alerting)
    untold = {
        name: level
        for name, level in _reached_with(run, base, earlier, later, alerting).items()
        if told.get(name, 0) < level and spoken.get(name, 0) < level
    }
    if heard.violations is not None:
        floor = heard.violations.severity.rank
        waiting = {name: level for name, level in untold.items() if level // 100 < floor}
        heard = heard.model_copy(update={"violations": heard.violations.with_unmentioned(waiting)})
        untold = {name: level for name, level in untold.items() if name not in waiting}
    violated = standing_after(base, [*earlier, run]).violated
    if not untold or violated is None:
        return heard, ()
    finding = TellViolations(
        severity=severity_of(untold.values()),
        incident=heard.violations.since if heard.violations else violated.since,
        since=violated.since,
        runs=violated.runs,
        first=False,
        reminder=False,
        new=frozenset(untold),
        worse=frozenset(),
        over=frozenset(),
        repeat_after_hours=alerting.repeat_after_hours,
    )
    return _heard_late(heard, untold, finding, standing_after(base, [*earlier, run, *later]), later[-1].at), (
        finding,
    )


def _heard_late(
    heard: Heard, told: Mapping[str, int], finding: TellViolations, now: Standing, at: datetime
) -> Heard:
    """What on-call knows after late news: what of it lasts, it waits to hear the end of."""
    lasting = {n: level for n, level in told.items() if now.violated and n in now.violated.outcome.levels}
    if now.violated is None or not lasting:
        return heard
    if heard.violations is not None:
        known = heard.violations.model_copy(update={"told": {**heard.violations.told, **lasting}})
        return heard.model_copy(update={"violations": known})
    outcome = now.violated.outcome
    known = HeardViolations(
        since=finding.since,
        told=lasting,
        told_at=at,
        total=outcome.total,
        untracked=outcome.untracked,
        least=min(outcome.levels.values(), default=0),
        severity=finding.severity,
    )
    return heard.model_copy(update={"violations": known})


def _late_blindness(
    run: Run, earlier: Sequence[Run], later: Sequence[Run], heard: Heard, alerting: Alerting
) -> tuple[Heard, tuple[TellBlindness, ...]]:
    """Told when this run completes the row of blind ones that is needed, and neither side was long enough alone."""
    before, after = _blind_row(reversed(earlier)), _blind_row(later)
    wanted = alerting.runs_before_alert
    if len(before) + 1 + len(after) < wanted or max(len(before), len(after)) >= wanted:
        return heard, ()
    assert isinstance(run.outcome, Blind)
    since = before[-1].at if before else run.at
    lasts = len(after) == len(later)
    finding = TellBlindness(
        incident=since,
        since=since,
        runs=len(before) + 1,
        reason=run.outcome.reason,
        severity=Severity.WARNING if lasts else Severity.INFO,
        reminder=False,
        repeat_after_hours=alerting.repeat_after_hours,
    )
    if lasts and heard.blindness is None:  # it lasts: on-call waits for its end
        blindness = HeardBlindness(
            since=since, reason=finding.reason, told_at=later[-1].at, severity=finding.severity
        )
        heard = heard.model_copy(update={"blindness": blindness})
    return heard, (finding,)


def _blind_row(runs: Iterable[Run]) -> list[Run]:
    return list(takewhile(lambda run: isinstance(run.outcome, Blind), runs))


def _reached_with(
    run: Run, base: Standing, earlier: Sequence[Run], later: Sequence[Run], alerting: Alerting
) -> dict[str, int]:
    """Violations of a run whose row, with this run in it, is long enough then or in a later run; their worst level."""
    reached: dict[str, int] = {}
    standing = standing_after(base, [*earlier, run])
    judged_since = 1
    for following in (None, *later):
        if following is not None:
            standing = standing.after(following)
            judged_since += isinstance(following.outcome, Judged)
        if standing.violated is None:
            break
        for name, level in telling_in(standing.violated, alerting).items():
            if standing.violated.rows[name] >= judged_since:
                reached[name] = max(level, reached.get(name, 0))
    return reached


def _told_by(base: Standing, runs: Sequence[Run], late: Run, alerting: Alerting) -> dict[str, int]:
    """Violations that other runs, of the late one's incident or newer, were enough to tell; their worst level."""
    told: dict[str, int] = {}
    standing = base
    for run in runs:
        standing = standing.after(run)
        if standing.violated is None and run.order < late.order:
            told.clear()  # that incident was over
        elif standing.violated is not None and isinstance(run.outcome, Judged):
            for name, level in telling_in(standing.violated, alerting).items():
                told[name] = max(level, told.get(name, 0))
    return told
