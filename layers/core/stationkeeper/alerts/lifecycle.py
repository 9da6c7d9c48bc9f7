"""When on-call hears of a monitor: news at once, what lasts once a day, its end once.

Two values are compared. `Standing` is how things are: it follows from the monitor's runs in the order they were due, in
whichever order their events came. `Heard` is what on-call was told. What is left to tell is the difference.

Two incidents may be open at a time: *violations* (the monitor found some) and *blindness* (a run could not be judged).
While blind, an open violations incident neither ends nor goes on: nobody knows.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from itertools import takewhile
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from stationkeeper.reports.policy import Alerting
from stationkeeper.severity import Severity

UNMENTIONED_KEPT = 1_000


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


class Violated(_Frozen):
    """From the first run with violations on, until one is clean.

    `rows` counts, for each violation of the last run that could be judged, in how many runs in a row it was found.
    """

    since: AwareDatetime
    runs: int
    rows: Mapping[str, int]
    outcome: Judged


class Blinded(_Frozen):
    """From the first run that could not be judged on, until one can."""

    since: AwareDatetime
    runs: int
    reason: str


class Standing(_Frozen):
    """Where a monitor stands after its runs so far; `last` is the order of the last one."""

    violated: Violated | None = None
    blinded: Blinded | None = None
    last: tuple[AwareDatetime, str] | None = None

    def after(self, run: Run) -> "Standing":
        """Where it stands after the next run."""
        outcome = run.outcome
        if isinstance(outcome, Blind):
            before = self.blinded
            blinded = Blinded(
                since=before.since if before else run.at,
                runs=before.runs + 1 if before else 1,
                reason=outcome.reason,
            )
            return Standing(violated=self.violated, blinded=blinded, last=run.order)
        if outcome.total == 0:
            return Standing(last=run.order)
        known = self.violated
        violated = Violated(
            since=known.since if known else run.at,
            runs=known.runs + 1 if known else 1,
            rows={name: (known.rows.get(name, 0) if known else 0) + 1 for name in outcome.levels},
            outcome=outcome,
        )
        return Standing(violated=violated, last=run.order)


class HeardViolations(_Frozen):
    """What on-call knows of violations.

    `told` maps those of the last message to their level then; `unmentioned` those found since that were no news by
    themselves. The next message names them, as new or as over. `least` is the level that those the last message only
    counted (`untracked`) did not exceed.
    """

    since: AwareDatetime
    told: Mapping[str, int]
    told_at: AwareDatetime
    total: int
    untracked: int
    least: int
    severity: Severity
    unmentioned: Mapping[str, int] = Field(default_factory=dict)

    @property
    def known(self) -> frozenset[str]:
        """What the next message says is over, unless it is still there."""
        return frozenset(self.told) | frozenset(self.unmentioned)

    def with_unmentioned(self, levels: Mapping[str, int]) -> "HeardViolations":
        """The same, with these to be named in the next message; as many as there is room for."""
        unmentioned = {**self.unmentioned, **levels}
        if not levels or len(unmentioned) > UNMENTIONED_KEPT:
            return self
        return self.model_copy(update={"unmentioned": unmentioned})


class HeardBlindness(_Frozen):
    """What on-call knows of a monitor being blind."""

    since: AwareDatetime
    reason: str
    told_at: AwareDatetime
    severity: Severity


class Heard(_Frozen):
    """What on-call was told and has not been told to be over."""

    violations: HeardViolations | None = None
    blindness: HeardBlindness | None = None


class TellViolations(_Frozen):
    """On-call must hear of violations.

    `severity` is that of the worst it hears of; `new`, `worse` and `over` hold identities, since the last message.
    """

    kind: Literal["violations"] = "violations"
    severity: Severity
    since: AwareDatetime
    runs: int
    first: bool
    reminder: bool
    new: frozenset[str]
    worse: frozenset[str]
    over: frozenset[str]
    repeat_after_hours: float


class TellBlindness(_Frozen):
    """On-call must hear that a monitor is blind."""

    kind: Literal["blindness"] = "blindness"
    since: AwareDatetime
    runs: int
    reason: str
    severity: Severity
    reminder: bool
    repeat_after_hours: float


class TellRecovery(_Frozen):
    """On-call must hear that something it knows of is over."""

    kind: Literal["recovery"] = "recovery"
    of: Literal["violations", "blindness"]
    since: AwareDatetime
    runs: int
    over: frozenset[str] = frozenset()


type Finding = TellViolations | TellBlindness | TellRecovery


def news_of(
    run: Run, before: Standing, heard: Heard, alerting: Alerting
) -> tuple[Heard, tuple[Finding, ...]]:
    """What on-call must hear after a monitor's newest run, and what it knows then.

    Parameters
    ----------
    run : the newest run.
    before : where the monitor stood before it.
    heard : what on-call was told until now.
    alerting : how many runs in a row count, and how often what lasts is repeated.
    """
    after = before.after(run)
    if after.blinded is not None:
        blindness, told = _blindness(run, after.blinded, heard.blindness, alerting)
        return Heard(violations=heard.violations, blindness=blindness), told
    findings: list[Finding] = []
    if heard.blindness is not None:
        runs = before.blinded.runs if before.blinded else 1
        findings.append(TellRecovery(of="blindness", since=heard.blindness.since, runs=runs))
    if after.violated is not None:
        violations, found = _violations(run, after.violated, heard.violations, alerting)
        return Heard(violations=violations), (*findings, *found)
    if heard.violations is not None:
        known = heard.violations
        runs = before.violated.runs if before.violated else 1
        findings.append(TellRecovery(of="violations", since=known.since, runs=runs, over=known.known))
    return Heard(), tuple(findings)


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
    violated = _standing(base, [*earlier, run]).violated
    if not untold or violated is None:
        return heard, ()
    finding = TellViolations(
        severity=_severity(untold.values()),
        since=violated.since,
        runs=violated.runs,
        first=False,
        reminder=False,
        new=frozenset(untold),
        worse=frozenset(),
        over=frozenset(),
        repeat_after_hours=alerting.repeat_after_hours,
    )
    return _heard_late(heard, untold, finding, _standing(base, [*earlier, run, *later]), later[-1].at), (
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
    finding = TellBlindness(
        since=since,
        runs=len(before) + 1,
        reason=run.outcome.reason,
        severity=Severity.WARNING,
        reminder=False,
        repeat_after_hours=alerting.repeat_after_hours,
    )
    if len(after) == len(later) and heard.blindness is None:  # it lasts: on-call waits for its end
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
    standing = _standing(base, [*earlier, run])
    judged_since = 1
    for following in (None, *later):
        if following is not None:
            standing = standing.after(following)
            judged_since += isinstance(following.outcome, Judged)
        if standing.violated is None:
            break
        for name, level in _telling(standing.violated, alerting).items():
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
            for name, level in _telling(standing.violated, alerting).items():
                told[name] = max(level, told.get(name, 0))
    return told


def _standing(base: Standing, runs: Iterable[Run]) -> Standing:
    return reduce(Standing.after, runs, base)


def is_worse(level: int, than: int) -> bool:
    """A higher severity, or critical by at least twice as much."""
    return level // 100 > than // 100 or (level // 100 == Severity.CRITICAL.rank and level > than)


def _severity(levels: Iterable[int]) -> Severity:
    """That of the highest level."""
    return Severity.of_rank(max(levels, default=100) // 100)


def _telling(violated: Violated, alerting: Alerting) -> dict[str, int]:
    """Violations found in enough runs in a row to be told, with their level."""
    levels = violated.outcome.levels
    return {
        name: level for name, level in levels.items() if violated.rows[name] >= alerting.runs_before_alert
    }


def _violations(
    run: Run, violated: Violated, heard: HeardViolations | None, alerting: Alerting
) -> tuple[HeardViolations | None, tuple[TellViolations, ...]]:
    outcome = violated.outcome
    told: Mapping[str, int] = heard.told if heard else {}
    # What on-call knows stays known when its row was broken for a run.
    telling = _telling(violated, alerting) | {n: level for n, level in outcome.levels.items() if n in told}
    # Violations beyond what is kept have no row of their own: the incident's stands for them.
    untracked = outcome.untracked if violated.runs >= alerting.runs_before_alert else 0
    if heard is None and not telling and not untracked:
        return None, ()

    new = frozenset(name for name in telling if name not in told)
    worse = frozenset(name for name, level in telling.items() if name in told and is_worse(level, told[name]))
    floor = heard.severity.rank if heard else 0
    if heard is not None and heard.untracked:
        # Those no worse may have been among those the last message only counted.
        new = frozenset(name for name in new if telling[name] > heard.least)
    grown = heard is not None and bool(untracked) and outcome.total >= 2 * heard.total
    news = grown or any(telling[name] // 100 >= floor for name in new | worse)
    due = heard is not None and run.at - heard.told_at >= timedelta(hours=alerting.repeat_after_hours)
    if heard is not None and not news and not due:
        return heard.with_unmentioned({name: telling[name] for name in new}), ()
    since = heard.since if heard else violated.since
    known = heard.known if heard else frozenset()
    severity = _severity(outcome.levels.values() if untracked or not telling else telling.values())
    finding = TellViolations(
        severity=severity,
        since=since,
        runs=violated.runs,
        first=heard is None,
        reminder=heard is not None and not news,
        new=new,
        worse=worse,
        over=known - frozenset(outcome.levels) if not outcome.untracked else frozenset(),
        repeat_after_hours=alerting.repeat_after_hours,
    )
    after = HeardViolations(
        since=since,
        # What is not called over is still known, as far as there is room.
        told={**told, **telling} if outcome.untracked and len(told) <= len(telling) else telling,
        told_at=run.at,
        total=outcome.total,
        untracked=untracked,
        least=min(outcome.levels.values(), default=0),
        severity=severity,
    )
    return after, (finding,)


def _blindness(
    run: Run, blinded: Blinded, heard: HeardBlindness | None, alerting: Alerting
) -> tuple[HeardBlindness | None, tuple[TellBlindness, ...]]:
    if heard is None and blinded.runs < alerting.runs_before_alert:
        return None, ()
    since = heard.since if heard else blinded.since
    lasting = run.at - since
    critical = bool(lasting) and lasting >= timedelta(hours=alerting.blind_critical_after_hours)
    severity = Severity.CRITICAL if critical or not alerting.blind_critical_after_hours else Severity.WARNING
    news = heard is None or blinded.reason != heard.reason or severity > heard.severity
    due = heard is not None and run.at - heard.told_at >= timedelta(hours=alerting.repeat_after_hours)
    if not news and not due:
        return heard, ()
    finding = TellBlindness(
        since=since,
        runs=blinded.runs,
        reason=blinded.reason,
        severity=severity,
        reminder=not news,
        repeat_after_hours=alerting.repeat_after_hours,
    )
    return HeardBlindness(since=since, reason=blinded.reason, told_at=run.at, severity=severity), (finding,)
