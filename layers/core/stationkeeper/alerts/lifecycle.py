"""When on-call hears of a monitor: news at once, what lasts once a day, its end once.

Two values are compared. `Standing` is how things are: it follows from the monitor's runs in the order they were due, in
whichever order their events came. `Heard` is what on-call was told. What is left to tell is the difference.

Two incidents may be open at a time: *violations* (the monitor found some) and *blindness* (a run could not be judged).
While blind, an open violations incident neither ends nor goes on: nobody knows.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Literal

from pydantic import AwareDatetime, Field

from stationkeeper.alerts.standing import Blinded, Frozen, Judged, Run, Standing, Violated
from stationkeeper.reports.policy import Alerting
from stationkeeper.severity import Severity

UNMENTIONED_KEPT = 1_000


class HeardViolations(Frozen):
    """What on-call knows of violations.

    `told` maps those of the last message to their level then; `unmentioned` those found since that were no news by
    themselves. The next message names them, as new or as over. `least` is the level that those the last message only
    counted (`untracked`) did not exceed. `gone` are those told to be over since the last daily message: should they
    come back, that is no news before the next one, unless they are critical.
    """

    since: AwareDatetime
    told: Mapping[str, int]
    told_at: AwareDatetime
    total: int
    untracked: int
    least: int
    severity: Severity
    unmentioned: Mapping[str, int] = Field(default_factory=dict)
    gone: Mapping[str, int] = Field(default_factory=dict)

    @property
    def known(self) -> frozenset[str]:
        """What the next message says is over, unless it is still there."""
        return frozenset(self.told) | frozenset(self.unmentioned)

    def known_level(self, name: str) -> int:
        return self.told.get(name) or self.unmentioned[name]

    def with_unmentioned(self, levels: Mapping[str, int]) -> "HeardViolations":
        """The same, with these to be named in the next message; as many as there is room for."""
        unmentioned = {**self.unmentioned, **levels}
        if not levels or len(unmentioned) > UNMENTIONED_KEPT:
            return self
        return self.model_copy(update={"unmentioned": unmentioned})


class HeardBlindness(Frozen):
    """What on-call knows of a monitor being blind."""

    since: AwareDatetime
    reason: str
    told_at: AwareDatetime
    severity: Severity


class Heard(Frozen):
    """What on-call was told and has not been told to be over."""

    violations: HeardViolations | None = None
    blindness: HeardBlindness | None = None


class TellViolations(Frozen):
    """On-call must hear of violations.

    `since` is when they began, as far as is known now; `incident` when they began as far as on-call was first told, which
    stays the same.

    `severity` is that of the worst it hears of; `new`, `worse` and `over` hold identities, since the last message.
    """

    kind: Literal["violations"] = "violations"
    severity: Severity
    incident: AwareDatetime
    since: AwareDatetime
    runs: int
    first: bool
    reminder: bool
    new: frozenset[str]
    worse: frozenset[str]
    over: frozenset[str]
    repeat_after_hours: float


class TellBlindness(Frozen):
    """On-call must hear that a monitor is blind."""

    kind: Literal["blindness"] = "blindness"
    incident: AwareDatetime
    since: AwareDatetime
    runs: int
    reason: str
    severity: Severity
    reminder: bool
    repeat_after_hours: float


class TellRecovery(Frozen):
    """On-call must hear that something it knows of is over."""

    kind: Literal["recovery"] = "recovery"
    of: Literal["violations", "blindness"]
    incident: AwareDatetime
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
        blind = before.blinded
        findings.append(
            TellRecovery(
                of="blindness",
                incident=heard.blindness.since,
                since=blind.since if blind else heard.blindness.since,
                runs=blind.runs if blind else 1,
            )
        )
    if after.violated is not None:
        violations, found = _violations(run, after.violated, heard.violations, alerting)
        return Heard(violations=violations), (*findings, *found)
    if heard.violations is not None:
        known = heard.violations
        hidden = run.outcome.muted if isinstance(run.outcome, Judged) else frozenset()
        over = known.known - hidden
        if over or not hidden:  # what is muted is there still: that on-call muted all of it is no recovery
            ended = before.violated
            findings.append(
                TellRecovery(
                    of="violations",
                    incident=known.since,
                    since=ended.since if ended else known.since,
                    runs=ended.runs if ended else 1,
                    over=over,
                )
            )
    return Heard(), tuple(findings)


def is_worse(level: int, than: int) -> bool:
    """A higher severity, or critical by at least twice as much."""
    return level // 100 > than // 100 or (level // 100 == Severity.CRITICAL.rank and level > than)


def severity_of(levels: Iterable[int]) -> Severity:
    """That of the highest level."""
    return Severity.of_rank(max(levels, default=100) // 100)


def telling_in(violated: Violated, alerting: Alerting) -> dict[str, int]:
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
    telling = telling_in(violated, alerting) | {n: level for n, level in outcome.levels.items() if n in told}
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
    gone = heard.gone if heard else {}
    flickering = frozenset(
        name
        for name in new
        if name in gone
        and telling[name] // 100 < Severity.CRITICAL.rank
        and not is_worse(telling[name], gone[name])
    )
    news = grown or any(telling[name] // 100 >= floor for name in (new | worse) - flickering)
    due = heard is not None and run.at - heard.told_at >= timedelta(hours=alerting.repeat_after_hours)
    if heard is not None and not news and not due:
        return heard.with_unmentioned({name: telling[name] for name in new}), ()
    incident = heard.since if heard else violated.since
    known = heard.known if heard else frozenset()
    over = known - frozenset(outcome.levels) - outcome.muted if not outcome.untracked else frozenset()
    severity = severity_of(outcome.levels.values() if untracked or not telling else telling.values())
    finding = TellViolations(
        severity=severity,
        incident=incident,
        since=violated.since,
        runs=violated.runs,
        first=heard is None,
        reminder=heard is not None and not news,
        new=new,
        worse=worse,
        over=over,
        repeat_after_hours=alerting.repeat_after_hours,
    )
    after = HeardViolations(
        since=incident,
        # What is not called over is still known, as far as there is room.
        told={**told, **telling} if outcome.untracked and len(told) <= len(telling) else telling,
        told_at=run.at,
        total=outcome.total,
        untracked=untracked,
        least=min(outcome.levels.values(), default=0),
        severity=severity,
        gone={} if due else _gone(gone, {name: heard.known_level(name) for name in over} if heard else {}),
    )
    return after, (finding,)


def _gone(before: Mapping[str, int], over: Mapping[str, int]) -> Mapping[str, int]:
    gone = {**before, **over}
    return gone if len(gone) <= UNMENTIONED_KEPT else over


def _blindness(
    run: Run, blinded: Blinded, heard: HeardBlindness | None, alerting: Alerting
) -> tuple[HeardBlindness | None, tuple[TellBlindness, ...]]:
    if heard is None and blinded.runs < alerting.runs_before_alert:
        return None, ()
    since = heard.since if heard else blinded.since
    lasting = run.at - blinded.since
    critical = bool(lasting) and lasting >= timedelta(hours=alerting.blind_critical_after_hours)
    severity = Severity.CRITICAL if critical or not alerting.blind_critical_after_hours else Severity.WARNING
    news = heard is None or blinded.reason != heard.reason or severity > heard.severity
    due = heard is not None and run.at - heard.told_at >= timedelta(hours=alerting.repeat_after_hours)
    if not news and not due:
        return heard, ()
    finding = TellBlindness(
        incident=since,
        since=blinded.since,
        runs=blinded.runs,
        reason=blinded.reason,
        severity=severity,
        reminder=not news,
        repeat_after_hours=alerting.repeat_after_hours,
    )
    return HeardBlindness(since=since, reason=blinded.reason, told_at=run.at, severity=severity), (finding,)
