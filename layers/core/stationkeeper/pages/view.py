"""From what a run found to what its page shows: every text cleaned, every number formatted, every picture chosen."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from stationkeeper.alerts.monitor_steps import log_command, report_command
from stationkeeper.alerts.phrases import BLIND, MONITORS, UNKNOWN_BLINDNESS, headlines
from stationkeeper.alerts.text import count, figure, moment, period, plain
from stationkeeper.pages import captions, pictures
from stationkeeper.pages.content import RUNS_SHOWN, Absent, PageContent, PastRun
from stationkeeper.pages.groups import Group, grouped, severities
from stationkeeper.pages.illustrations import Bars, Lines, history
from stationkeeper.reports.outcome import Blindness
from stationkeeper.reports.statistics import Statistics
from stationkeeper.reports.verdict import Verdict
from stationkeeper.reports.violation import Monitor

_LINE = 500
_NAME = 120
_METRICS_SHOWN = 60
_FEATURES_NAMED = 60
TILE_HEIGHT = 28

# An address below or beside this page, and nothing that a browser would take for a scheme or another host.
_RELATIVE_PAGE = re.compile(r"(?!/)[\w%+=.~-][\w%+=.~/-]*", re.ASCII)


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
class Tile:
    """One run of the strip. `height` of its column is out of `TILE_HEIGHT`."""

    kind: str
    label: str
    number: str
    height: int
    page: str
    this: bool


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric within its limit: its value, its limit, its line over the last runs."""

    name: str
    value: str
    limit: str
    drawn: Lines | Bars | None


@dataclass(frozen=True, slots=True)
class Blind:
    """Why nothing is known, and what on-call may do."""

    sentence: str
    said: str
    before: str
    advice: str
    commands: tuple[str, ...]


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
    tiles: tuple[Tile, ...]
    strip: str
    blind: Blind | None
    groups: tuple[Group, ...]
    smaller: str
    metrics: tuple[Metric, ...]
    looked_at: str
    names: tuple[str, ...]
    legend: frozenset[str]
    footer: tuple[Fact, ...]


def view_of(content: PageContent, pictured: int) -> PageView:
    """What a page shows, with pictures of at most `pictured` violations."""
    outcome = content.outcome
    verdict = outcome if isinstance(outcome, Verdict) else None
    groups = grouped(verdict, content, pictured) if verdict else ()
    metrics = _within_limits(verdict, content) if verdict else ()
    clean = verdict is not None and verdict.severity is None
    headline = _headline(outcome)
    endpoint = plain(content.endpoint, _NAME) or "unnamed endpoint"
    monitor = MONITORS[content.monitor]
    when = f", {moment(content.at)}" if content.at else ""
    return PageView(
        title=f"{headline.word}: {endpoint}, {monitor}{when}",
        endpoint=endpoint,
        monitor=f"{monitor[0].upper()}{monitor[1:]}",
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
        tiles=_tiles(content.runs[-RUNS_SHOWN:]),
        strip=_strip_words(content.runs[-RUNS_SHOWN:]),
        blind=_blind(outcome, content) if isinstance(outcome, Blindness) else None,
        groups=groups,
        smaller=_smaller(verdict, pictured),
        metrics=metrics,
        looked_at=_looked_at(content) if clean else "",
        names=_names(content) if clean else (),
        legend=_legend(groups, metrics),
        footer=_footer(content),
    )


def _headline(outcome: Verdict | Blindness) -> Headline:
    if isinstance(outcome, Blindness):
        words = BLIND.get(outcome.reason, UNKNOWN_BLINDNESS)
        return Headline("blind", "Blind", f"Nothing is known about this run: {words.short}", "")
    muted = f"{count(outcome.muted, 'violation')} muted" if outcome.muted else ""
    severity = outcome.severity
    if severity is None:
        return Headline("clean", "Clean", "No violations", muted)
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
        Fact("Data of", period(*content.window) if content.window else ""),
        Fact("Run due", moment(content.at) if content.at else ""),
        Fact("Model", plain(content.version, _LINE)),
        Fact("Records looked at", figure(items) if items is not None else ""),
    )
    return tuple(fact for fact in told if fact.value)


def _absences(content: PageContent) -> tuple[str, ...]:
    """What cannot be drawn and why, each reason once."""
    sides = [("What this run measured", content.current), ("What the baseline measured", content.baseline)]
    if content.monitor is not Monitor.DATA_QUALITY:
        sides.append(("The constraints", content.constraints))
    return tuple(
        f"{what} cannot be drawn: {plain(side.why, _LINE)}"
        for what, side in sides
        if isinstance(side, Absent)
    )


def _tiles(runs: Sequence[PastRun]) -> tuple[Tile, ...]:
    largest = max((run.total or 0 for run in runs), default=0)
    return tuple(_tile(run, largest, this=run is runs[-1]) for run in runs)


def _tile(run: PastRun, largest: int, *, this: bool) -> Tile:
    if run.total is None:
        kind, number, found = "blind", "?", f"blind, {plain(run.blind, _NAME) or 'could not be judged'}"
    elif run.severity is None:
        kind, number, found = "clean", "0", "no violations"
    else:
        kind, number = run.severity.value, _short(run.total)
        found = f"{count(run.total, 'violation')}, worst {kind}"
    return Tile(
        kind=kind,
        label=f"{moment(run.at)}: {found}{' (this run)' if this else ''}",
        number=number,
        height=TILE_HEIGHT if run.total is None else pictures.column(run.total, largest, TILE_HEIGHT),
        page=run.page if _RELATIVE_PAGE.fullmatch(run.page) else "",
        this=this,
    )


def _short(number: int) -> str:
    """A count in at most four characters."""
    if number < 1_000:
        return str(number)
    return f"{number // 1_000}k" if number < 1_000_000 else ">1M"


def _strip_words(runs: Sequence[PastRun]) -> str:
    if not runs:
        return ""
    blind = sum(run.total is None for run in runs)
    clean = sum(run.total == 0 for run in runs)
    parts = [f"{clean} clean", f"{len(runs) - blind - clean} with violations", f"{blind} blind"]
    return f"{moment(runs[0].at)} to {moment(runs[-1].at)}: {', '.join(parts)}."


def _blind(outcome: Blindness, content: PageContent) -> Blind:
    words = BLIND.get(outcome.reason, UNKNOWN_BLINDNESS)
    region = content.region or "REGION"
    commands = [log_command(region, content.job)] if content.job else []
    if content.report_uri:
        commands.append(report_command(region, content.report_uri))
    return Blind(
        sentence=words.sentence,
        said=plain(outcome.detail, _LINE),
        before=_open_before(content.runs),
        advice=words.advice,
        commands=tuple(commands),
    )


def _open_before(runs: Sequence[PastRun]) -> str:
    judged = next((run for run in reversed(runs[:-1]) if run.total is not None), None)
    if judged is None or judged.total is None:
        return "No earlier run that could be judged is known."
    if not judged.total or judged.severity is None:
        return f"The last run that could be judged, of {moment(judged.at)}, found no violations."
    were = "was" if judged.total == 1 else "were"
    return (
        f"At the last run that could be judged, of {moment(judged.at)}, {count(judged.total, 'violation')} {were} open, the "
        f"worst {judged.severity.value}; that problem is neither over nor confirmed."
    )


def _smaller(verdict: Verdict | None, pictured: int) -> str:
    if verdict is None or len(verdict.worst) <= pictured:
        return ""
    return (
        f"The {pictured:,} worst have pictures; the page would grow too large with more."
        if pictured
        else "There are too many, or too large ones, for pictures."
    )


def _within_limits(verdict: Verdict, content: PageContent) -> tuple[Metric, ...]:
    """Metrics and attributions that are not violated: what the monitor watches, and how near its limits it is."""
    if not isinstance(content.current, Statistics):
        return ()
    thresholds = content.constraints.thresholds if isinstance(content.constraints, Statistics) else {}
    violated = {judged.violation.subject for judged in verdict.worst}
    names = sorted(content.current.metrics.keys() - violated, key=lambda name: (name not in thresholds, name))
    return tuple(
        Metric(
            name=plain(name, _NAME),
            value=figure(content.current.metrics[name][0]),
            limit=captions.limit(thresholds[name]) if name in thresholds else "",
            drawn=history([name], content.runs, content.current.metrics[name][0], thresholds.get(name)),
        )
        for name in names[:_METRICS_SHOWN]
    )


def _looked_at(content: PageContent) -> str:
    if not isinstance(content.current, Statistics):
        return ""
    now = content.current
    parts = [
        count(len(now.features), "feature") if now.features else "",
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
    names = sorted(content.current.features)
    shown = tuple(plain(name, _NAME) or "unnamed" for name in names[:_FEATURES_NAMED])
    more = len(names) - len(shown)
    return (*shown, f"and {more:,} more") if more else shown


def _legend(groups: Sequence[Group], metrics: Sequence[Metric]) -> frozenset[str]:
    """Which kinds of pictures are on the page, so that the legend explains these and no others."""
    drawn = [one for group in groups for card in group.cards for one in card.illustrations]
    drawn += [metric.drawn for metric in metrics if metric.drawn]
    return frozenset(type(one).__name__ for one in drawn)


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
