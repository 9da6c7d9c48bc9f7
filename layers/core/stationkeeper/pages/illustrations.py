"""Which picture belongs to a violation or a measured value, and what stands around it: what `drift_page.html.j2` draws.

Texts in these values are cleaned; escaping is the template's.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stationkeeper.alerts.text import figure, figures, moment, plain
from stationkeeper.pages import captions, pictures
from stationkeeper.pages.comparison import Comparison, Overlay, PairedBars, TypeChanged, compared
from stationkeeper.pages.content import PageContent, PastRun
from stationkeeper.reports.statistics import Statistics, Threshold
from stationkeeper.reports.violation import Measure, Monitor, Violation

_VALUES_SHOWN = 8
_VALUE_CHARACTERS = 60
_NAME_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Histogram:
    """Two distributions over each other: `baseline` an area, `current` a line; "" for a side that is not there."""

    baseline: str
    current: str
    low: str
    high: str
    gap: tuple[int, int] | None
    words: str
    more: str = ""


@dataclass(frozen=True, slots=True)
class BarRow:
    """One row of paired bars; `baseline` and `current` are paths, "" for a side that is not there or has none."""

    name: str
    baseline: str
    current: str
    was: str
    now: str
    zero: int | None = None
    moved: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """Paired bars as a table: what a row is called, and the rows. `outside` stands for values that have no name."""

    of: str
    rows: tuple[BarRow, ...]
    words: str
    with_rank: bool = False


@dataclass(frozen=True, slots=True)
class Lines:
    """A value over the last runs. `barred` is the band past the threshold: its top and height."""

    line: pictures.Line
    barred: tuple[int, int] | None
    low: str
    high: str
    first: str
    last: str
    level: str
    words: str


type Illustration = Histogram | Bars | Lines


def of_violation(violation: Violation, content: PageContent) -> tuple[Illustration, ...]:
    """The pictures that show what is wrong; none where nothing measured can be drawn."""
    current, baseline, constraints = (
        side if isinstance(side, Statistics) else Statistics()
        for side in (content.current, content.baseline, content.constraints)
    )
    if violation.monitor is Monitor.EXPLAINABILITY:
        was = {**constraints.attributions, **baseline.attributions}
        return (
            *_only(attributions(violation.qualifier, current.attributions, was)),
            *_only(over_runs(violation, content.runs, None, None)),
        )
    if violation.monitor is Monitor.BIAS:
        measured = biases(baseline, constraints).get(f"{violation.subject} {violation.qualifier}")
        expected = violation.expected if violation.expected is not None else measured
        return (
            *_only(_signed(violation.observed, expected)),
            *_only(over_runs(violation, content.runs, None, expected)),
        )
    threshold = constraints.thresholds.get(violation.subject) or _threshold(violation)
    if violation.subject in current.metrics or any(violation.subject in run.values for run in content.runs):
        return _only(over_runs(violation, content.runs, threshold, None))
    return feature(violation.subject, current, baseline)


def _only(illustration: Illustration | None) -> tuple[Illustration, ...]:
    return (illustration,) if illustration else ()


def _threshold(violation: Violation) -> Threshold | None:
    if violation.expected is None:
        return None
    match violation.measure:
        case Measure.ABOVE:
            return Threshold(violation.expected, "above")
        case Measure.BELOW:
            return Threshold(violation.expected, "below")
        case _:
            return None


# Distributions


def feature(name: str, current: Statistics, baseline: Statistics) -> tuple[Illustration, ...]:
    """The distributions of a feature; two pictures where it is of another type now."""
    now, was = current.features.get(name), baseline.features.get(name)
    comparison = compared(now, was)
    return _drawn(comparison, captions.moments(now, was))


def _drawn(comparison: Comparison | None, more: str) -> tuple[Illustration, ...]:
    match comparison:
        case Overlay():
            return _only(_histogram(comparison, more))
        case PairedBars():
            return (_paired(comparison, more),)
        case TypeChanged(current=now, baseline=was):
            return (*_drawn(was, "In the baseline it was of another type."), *_drawn(now, more))
        case None:
            return ()


def _histogram(overlay: Overlay, more: str) -> Histogram | None:
    words = captions.overlay(overlay)
    if not overlay.edges:
        return None
    highest = max((*(overlay.current or ()), *(overlay.baseline or ())), default=0.0)
    low, high = figures(overlay.edges[0], overlay.edges[-1])
    return Histogram(
        baseline=pictures.steps(overlay.baseline, highest, closed=True) if overlay.baseline else "",
        current=pictures.steps(overlay.current, highest, closed=False) if overlay.current else "",
        low=low,
        high="" if overlay.edges[0] == overlay.edges[-1] else high,
        gap=None if overlay.gap is None else pictures.bin_edges(overlay.gap, len(overlay.edges) - 1),
        words=words,
        more=more,
    )


def _paired(paired: PairedBars, more: str) -> Bars:
    shown = paired.bars[:_VALUES_SHOWN]
    hidden = paired.bars[_VALUES_SHOWN:]
    rest = [(bar.current, bar.baseline) for bar in hidden]
    if paired.others:
        rest.append((paired.others.current, paired.others.baseline))
    rows = [(plain(bar.value, _VALUE_CHARACTERS) or "(empty)", bar.current, bar.baseline) for bar in shown]
    if rest:
        now, was = (_sum([side[index] for side in rest]) for index in (0, 1))
        rows.append(("all others", now, was))
    largest = max((part for _, *parts in rows for part in parts if part is not None), default=0.0)
    return Bars(
        of="value",
        rows=tuple(
            BarRow(
                name=name,
                baseline=pictures.share_bar(was or 0.0, largest, below=False) if was else "",
                current=pictures.share_bar(now or 0.0, largest, below=True) if now else "",
                was="" if was is None else captions.share(was),
                now="" if now is None else captions.share(now),
            )
            for name, now, was in rows
        ),
        words=more,
    )


def _sum(parts: Sequence[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return math.fsum(known) if known else None


# Attributions


def attributions(
    label: str, current: Mapping[str, Mapping[str, float]], baseline: Mapping[str, Mapping[str, float]]
) -> Bars | None:
    """Shares of the features whose attribution moved most, in the baseline's order, each with its change of rank."""
    now, was = _of_label(label, current), _of_label(label, baseline)
    if not now and not was:
        return None
    ranks, old_ranks = _ranks(now), _ranks(was)
    names = sorted(
        {*now, *was},
        key=lambda name: (
            -abs(now.get(name, 0.0) - was.get(name, 0.0))
            if now and was
            else -now.get(name, was.get(name, 0.0)),
            name,
        ),
    )
    names = sorted(
        names[:_VALUES_SHOWN], key=lambda n: (old_ranks.get(n, math.inf), ranks.get(n, math.inf), n)
    )
    largest = max((abs(side.get(name, 0.0)) for side in (now, was) for name in names), default=0.0)
    rows = []
    for name in names:
        value, old = now.get(name), was.get(name)
        shown, before = figures(value, old)
        rows.append(
            BarRow(
                name=plain(name, _NAME_CHARACTERS),
                baseline=pictures.share_bar(abs(old), largest, below=False) if old else "",
                current=pictures.share_bar(abs(value), largest, below=True) if value else "",
                was="" if old is None else before,
                now="" if value is None else shown,
                moved=_moved(old_ranks.get(name), ranks.get(name)),
            )
        )
    return Bars(of="feature", rows=tuple(rows), words=_ranking(now, was), with_rank=True)


def _of_label(label: str, attributions: Mapping[str, Mapping[str, float]]) -> Mapping[str, float]:
    values = attributions.get(label)
    if values is None and len(attributions) == 1:
        values = next(iter(attributions.values()))
    return {name: value for name, value in (values or {}).items() if math.isfinite(value)}


def _ranks(values: Mapping[str, float]) -> dict[str, int]:
    return {name: rank for rank, name in enumerate(sorted(values, key=lambda name: (-values[name], name)), 1)}


def _moved(old: int | None, new: int | None) -> str:
    if old is None or new is None:
        return f"{new or old}"
    return f"{old}" if old == new else f"{old} to {new} {'▲' if new < old else '▼'}"


def _ranking(now: Mapping[str, float], was: Mapping[str, float]) -> str:
    if not (now and was):
        return "Only one side is known, so that ranks cannot be compared."
    ranks, old_ranks = _ranks(now), _ranks(was)
    common = ranks.keys() & old_ranks.keys()
    changed = sum(ranks[name] != old_ranks[name] for name in common)
    first, old_first = min(ranks, key=ranks.__getitem__), min(old_ranks, key=old_ranks.__getitem__)
    leads = plain(first, _VALUE_CHARACTERS)
    leader = (
        f"{leads} still comes first"
        if first == old_first
        else f"{leads} comes first now, {plain(old_first, _VALUE_CHARACTERS)} did in the baseline"
    )
    return f"{leader}; {changed} of {len(common)} features changed rank."


# Bias


def biases(*sources: Statistics) -> dict[str, float]:
    """Bias values under the names that violations and runs use: facet, facet value and metric."""
    found: dict[str, float] = {}
    for source in sources:
        for parts, value in source.bias.items():
            found.setdefault(" ".join(parts), value)
    return found


def _signed(observed: float | None, expected: float | None) -> Bars | None:
    if observed is None or not math.isfinite(observed):
        return None
    before = expected if expected is not None and math.isfinite(expected) else None
    values = [observed, *([] if before is None else [before])]
    now, was = figures(observed, before)
    return Bars(
        of="",
        rows=(
            BarRow(
                name="",
                baseline="" if before is None else pictures.signed_bar(before, values, below=False),
                current=pictures.signed_bar(observed, values, below=True),
                was="" if before is None else was,
                now=now,
                zero=pictures.zero_of(values),
            ),
        ),
        words="",
    )


# Values over runs


def over_runs(
    violation: Violation, runs: Sequence[PastRun], threshold: Threshold | None, level: float | None
) -> Lines | None:
    """A violation's value over the last runs, up to this one; None where only one is known."""
    names = [violation.subject, f"{violation.subject} {violation.qualifier}"]
    return history(names, runs, violation.observed, threshold, level)


def history(
    names: Sequence[str],
    runs: Sequence[PastRun],
    observed: float | None,
    threshold: Threshold | None,
    level: float | None = None,
) -> Lines | None:
    """A value over the last runs with its threshold, or the level it is compared with; None where no run knows it."""
    values = [next((run.values[name] for name in names if name in run.values), None) for run in runs]
    if values and values[-1] is None:
        values[-1] = observed
    if not values or sum(value is not None and math.isfinite(value) for value in values) < 2:
        return None
    drawn = pictures.line(values, threshold.value if threshold else level)
    if drawn is None:
        return None
    low, high = figures(drawn.low, drawn.high)
    return Lines(
        line=drawn,
        barred=_barred(drawn, threshold),
        low=low,
        high=high,
        first=moment(runs[0].at),
        last=moment(runs[-1].at),
        level=captions.limit(threshold)
        if threshold
        else f"baseline {figure(level)}"
        if level is not None
        else "",
        words=captions.history(values, threshold),
    )


def _barred(drawn: pictures.Line, threshold: Threshold | None) -> tuple[int, int] | None:
    if threshold is None or drawn.level is None:
        return None
    return (0, drawn.level) if threshold.violated == "above" else (drawn.level, pictures.HEIGHT - drawn.level)
