"""Which picture belongs to a violation or a measured value, and what stands around it: what `drift_page.html.j2` draws.

Texts in these values are cleaned; escaping is the template's.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from stationkeeper.alerts.text import figures, moment, plain
from stationkeeper.pages import captions, pictures
from stationkeeper.pages.content import PageContent, PastRun
from stationkeeper.pages.distributions import BarRow, Bars, Histogram, Note, feature
from stationkeeper.reports.statistics import Statistics, Threshold
from stationkeeper.reports.violation import Measure, Monitor, Violation

_FEATURES_SHOWN = 8
_NAME_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Pair:
    """Two signed values as bars from `zero`."""

    kind: ClassVar[str] = "pair"

    baseline: str
    current: str
    was: str
    now: str
    zero: int


@dataclass(frozen=True, slots=True)
class Lines:
    """A value over the last runs. `barred` is the band past the threshold: its top and height."""

    kind: ClassVar[str] = "lines"

    line: pictures.Line
    barred: tuple[int, int] | None
    low: str
    high: str
    first: str
    last: str
    words: str


type Illustration = Histogram | Bars | Pair | Lines | Note


def of_violation(violation: Violation, content: PageContent) -> tuple[Illustration, ...]:
    """The pictures that show what is wrong; none where nothing measured can be drawn."""
    current, baseline, constraints = (
        side if isinstance(side, Statistics) else Statistics()
        for side in (content.current, content.baseline, content.constraints)
    )
    if violation.monitor is Monitor.EXPLAINABILITY:
        was = baseline.attributions or constraints.attributions
        return (
            *_only(attributions(violation.qualifier, current.attributions, was)),
            *_only(over_runs(violation, content.runs, None, None)),
        )
    if violation.monitor is Monitor.BIAS:
        expected = violation.expected
        if expected is None:
            expected = expected_bias((violation.subject, violation.qualifier), baseline, constraints)
        return (
            *_only(pair(violation.observed, expected)),
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
        names[:_FEATURES_SHOWN], key=lambda n: (old_ranks.get(n, math.inf), ranks.get(n, math.inf), n)
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
    leads = plain(first, _NAME_CHARACTERS)
    leader = (
        f"{leads} still comes first"
        if first == old_first
        else f"{leads} comes first now, {plain(old_first, _NAME_CHARACTERS)} did in the baseline"
    )
    return f"{leader}; {changed} of {len(common)} features changed rank."


# Bias


def expected_bias(of: tuple[str, str], *sources: Statistics) -> float | None:
    """What the first of these that knows a bias value says it was; None where none does."""
    return next((source.bias[of] for source in sources if of in source.bias), None)


def pair(observed: float | None, expected: float | None) -> Pair | None:
    """A value beside its baseline's; None where one of them is not known, or infinite: a single bar compares nothing."""
    if observed is None or expected is None or not (math.isfinite(observed) and math.isfinite(expected)):
        return None
    values = (observed, expected)
    now, was = figures(observed, expected)
    return Pair(
        baseline=pictures.signed_bar(expected, values),
        current=pictures.signed_bar(observed, values),
        was=was,
        now=now,
        zero=pictures.zero_of(values),
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
    if values and observed is not None:
        values[-1] = observed  # the last run is this one, and its report is the truth about it
    values = [None if value is None or math.isnan(value) else value for value in values]
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
        words=captions.history(values, threshold),
    )


def _barred(drawn: pictures.Line, threshold: Threshold | None) -> tuple[int, int] | None:
    if threshold is None or drawn.level is None:
        return None
    return (0, drawn.level) if threshold.violated == "above" else (drawn.level, pictures.HEIGHT - drawn.level)
