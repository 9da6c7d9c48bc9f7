"""From what a run found to what its page shows: every text cleaned, every number formatted, every picture chosen."""

from collections.abc import Sequence
from dataclasses import dataclass

from stationkeeper.alerts.layout import Step
from stationkeeper.alerts.monitor_steps import BlindRun, after_blindness
from stationkeeper.alerts.phrases import BLIND, MONITORS, UNKNOWN_BLINDNESS, headlines
from stationkeeper.alerts.text import count, figure, moment, period, plain
from stationkeeper.pages import measured, strip
from stationkeeper.pages.content import RUNS_SHOWN, Absent, PageContent
from stationkeeper.pages.groups import Extent, Group, grouped, severities
from stationkeeper.reports.outcome import Blindness
from stationkeeper.reports.statistics import Statistics
from stationkeeper.reports.verdict import Verdict
from stationkeeper.reports.violation import Monitor

_LINE = 500
_NAME = 120
_FEATURES_NAMED = 60


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and its value; `code` is set in a fixed width."""

    name: str
    value: str
    code: bool = False


@dataclass(frozen=True, slots=True)
class Headline:
    """What became of the run: `kind` is a severity, `clean` or `blind`."""

    kind: str
    word: str
    sentence: str
    details: str


@dataclass(frozen=True, slots=True)
class Blind:
    """Why nothing is known, and what on-call may do."""

    sentence: str
    said: str
    before: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class PageView:
    """All that the template shows, in its order; its texts are cleaned, not yet escaped."""

    title: str
    endpoint: str
    monitor: str
    headline: Headline
    facts: tuple[Fact, ...]
    policy_problem: str
    notes: tuple[str, ...]
    deeds: tuple[Fact, ...]
    tiles: tuple[strip.Tile, ...]
    runs: str
    blind: Blind | None
    groups: tuple[Group, ...]
    smaller: str
    measured: tuple[measured.Section, ...]
    looked_at: str
    names: tuple[str, ...]
    legend: frozenset[str]
    footer: tuple[Fact, ...]


def view_of(content: PageContent, extent: Extent) -> PageView:
    """What a page shows, with as many violations as `extent` says."""
    outcome = content.outcome
    verdict = outcome if isinstance(outcome, Verdict) else None
    groups = grouped(verdict, content, extent) if verdict else ()
    sections = measured.sections(verdict, content) if verdict else ()
    clean = verdict is not None and verdict.severity is None
    headline = _headline(outcome)
    endpoint = plain(content.endpoint, _NAME) or "unnamed endpoint"
    monitor = MONITORS[content.monitor]
    # A schedule that watches no endpoint (batch transform) stands in its place.
    watched = "schedule" if content.endpoint == content.schedule else "endpoint"
    when = f", {moment(content.at)}" if content.at else ""
    return PageView(
        title=f"{headline.word}: {endpoint}, {monitor}{when}",
        endpoint=endpoint,
        monitor=f"{monitor[0].upper()}{monitor[1:]} of {watched}",
        headline=headline,
        facts=_facts(content),
        policy_problem=(
            f"The severity policy needs you: {plain(content.policy_problem, _LINE)}."
            if content.policy_problem
            else ""
        ),
        notes=_absences(content) if verdict else (),
        deeds=tuple(
            Fact(moment(deed.at) if deed.at else "With the judgement", plain(deed.what, _LINE))
            for deed in content.done
        ),
        tiles=strip.tiles(content.runs[-RUNS_SHOWN:]),
        runs=strip.in_words(content.runs[-RUNS_SHOWN:]),
        blind=_blind(outcome, content) if isinstance(outcome, Blindness) else None,
        groups=groups,
        smaller=_smaller(verdict, extent),
        measured=sections,
        looked_at=_looked_at(content) if clean else "",
        names=_names(content) if clean else (),
        legend=_legend(groups, sections),
        footer=_footer(content),
    )


def _headline(outcome: Verdict | Blindness) -> Headline:
    if isinstance(outcome, Blindness):
        words = BLIND.get(outcome.reason, UNKNOWN_BLINDNESS)
        return Headline("blind", "Blind", f"Nothing is known about this run: {words.short}", "")
    muted = f"{count(outcome.muted, 'violation')} muted" if outcome.muted else ""
    severity = outcome.severity
    if severity is None:
        return Headline("clean", "Clean", f"No violations{' but muted ones' if muted else ''}", muted)
    checks: dict[str, int] = {}
    for (check, _), number in outcome.by_check.items():
        checks[check] = checks.get(check, 0) + number
    details = [severities(outcome.counts), headlines(checks)[0], muted]
    return Headline(
        severity.value,
        severity.value.capitalize(),
        count(outcome.total, "violation"),
        "; ".join(part for part in details if part),
    )


def _facts(content: PageContent) -> tuple[Fact, ...]:
    items = content.current.items if isinstance(content.current, Statistics) else None
    told = (
        Fact("Data from", period(*content.window) if content.window else ""),
        Fact("Run due", moment(content.at) if content.at else ""),
        Fact("Model", plain(content.version, _LINE)),
        Fact("Records looked at", figure(items) if items is not None else ""),
    )
    return tuple(fact for fact in told if fact.value)


def _absences(content: PageContent) -> tuple[str, ...]:
    """What cannot be drawn and why; each reason once."""
    sides: tuple[tuple[str, Statistics | Absent], ...]
    match content.monitor:
        case Monitor.MODEL_QUALITY:
            sides = (("this run's metrics", content.current), ("the thresholds", content.constraints))
        case Monitor.BIAS | Monitor.EXPLAINABILITY:
            known = isinstance(content.baseline, Statistics) or isinstance(content.constraints, Statistics)
            sides = (("what this run measured", content.current),)
            sides += () if known else (("the baseline", content.constraints),)
        case _:
            sides = (("what this run measured", content.current), ("the baseline", content.baseline))
    reasons: dict[str, list[str]] = {}
    for what, side in sides:
        if isinstance(side, Absent):
            reasons.setdefault(plain(side.why, _LINE).rstrip("."), []).append(what)
    return tuple(f"Not drawn: {' and '.join(whats)} ({why})." for why, whats in reasons.items())


def _blind(outcome: Blindness, content: PageContent) -> Blind:
    words = BLIND.get(outcome.reason, UNKNOWN_BLINDNESS)
    # Without job and region (a report from the command line) there is nothing to paste.
    run = BlindRun(
        outcome.reason,
        content.region,
        content.endpoint,
        content.schedule,
        content.job,
        content.report_uri or None,
    )
    steps = after_blindness(run, words.advice) if content.job and content.region else ()
    return Blind(
        sentence=words.sentence,
        said=plain(outcome.detail, _LINE),
        before=strip.open_before(content.runs),
        steps=steps or (Step(words.advice),),
    )


def _smaller(verdict: Verdict | None, extent: Extent) -> str:
    if verdict is None or len(verdict.worst) <= extent.pictured:
        return ""
    return f"The {extent.pictured:,} worst have pictures. More would make the page too large."


def _looked_at(content: PageContent) -> str:
    if not isinstance(content.current, Statistics):
        return ""
    now = content.current
    parts = [
        count(len(now.columns), "feature") if now.columns else "",
        count(len(now.metrics), "metric") if now.metrics else "",
        count(len(now.bias), "bias value") if now.bias else "",
        f"attributions of {count(len(now.attributions), 'label')}" if now.attributions else "",
    ]
    what = ", ".join(part for part in parts if part)
    records = f" in {figure(now.items)} records" if now.items is not None else ""
    return f"The monitor looked at {what}{records}." if what else ""


def _names(content: PageContent) -> tuple[str, ...]:
    if not isinstance(content.current, Statistics):
        return ()
    names = sorted(content.current.columns)
    shown = tuple(plain(name, _NAME) or "unnamed" for name in names[:_FEATURES_NAMED])
    more = len(names) - len(shown)
    return (*shown, f"and {more:,} more") if more else shown


def _legend(groups: Sequence[Group], sections: Sequence[measured.Section]) -> frozenset[str]:
    """Which kinds of pictures are on the page, so that the legend explains these and no others."""
    drawn = [one for group in groups for card in group.cards for one in card.illustrations]
    drawn += [one.illustration for section in sections for one in section.measured if one.illustration]
    return frozenset(one.kind for one in drawn) - {"note"}


def _footer(content: PageContent) -> tuple[Fact, ...]:
    account = " ".join(part for part in (plain(content.account, _NAME), plain(content.region, _NAME)) if part)
    told = (
        Fact("Schedule", plain(content.schedule, _LINE), code=True),
        Fact("Job", plain(content.job, _LINE), code=True),
        Fact("Report", plain(content.report_uri, 2 * _LINE), code=True),
        Fact("Account and region", account),
        Fact("Page drawn", moment(content.drawn_at)),
    )
    return tuple(fact for fact in told if fact.value)
