"""What the pictures say, in words: captions that are text alternatives as well. Computed from the numbers that are drawn."""

import math
from collections.abc import Sequence

from stationkeeper.alerts.text import count, figure, figures
from stationkeeper.pages.comparison import Overlay
from stationkeeper.reports.statistics import Feature, Numeric, Threshold
from stationkeeper.reports.violation import Measure, Violation

_MOST = 0.8
_NEARLY_ALL = 0.95


def share(part: float | None) -> str:
    """A share of 0..1 as a whole percentage that stays on one line, never rounded to none or all of it."""
    if part is None:
        return "?"
    rounded = "<1" if 0 < part < 0.01 else ">99" if 0.99 < part < 1 else f"{round(100 * part)}"
    return f"{rounded}\N{NO-BREAK SPACE}%"


def overlay(drawn: Overlay) -> str:
    """Where most values lie, now and in the baseline."""
    now, was = (
        spread(drawn.edges, side, unplaced)
        for side, unplaced in (
            (drawn.current, drawn.current_unplaced),
            (drawn.baseline, drawn.baseline_unplaced),
        )
    )
    said = [f"Now {now}" if now else "", f"baseline {was}" if was else ""]
    sentence = "; ".join(part for part in said if part)
    overlap = " No overlap." if drawn.disjoint else ""
    broken = " The axis is cut where neither has values." if drawn.gap is not None else ""
    return f"{sentence[:1].upper()}{sentence[1:]}.{overlap}{broken}" if sentence else ""


def spread(edges: Sequence[float], shares: Sequence[float] | None, unplaced: float = 0.0) -> str:
    """`about 82 % between 10 and 20`: the fewest neighbouring bins that hold most values. "" when the side is missing."""
    if shares is None:
        return ""
    outside = f", {share(unplaced)} at infinite values" if unplaced else ""
    placed = math.fsum(shares)
    if not placed:
        return f"no values that can be placed{outside}"
    start, end = _fewest_bins(shares, _MOST * placed)
    low, high = figures(edges[start], edges[end])
    held = math.fsum(shares[start:end])
    if edges[start] == edges[end]:
        return f"always {low}" if held > 1 - 1e-9 else f"{share(held)} at {low}{outside}"
    if held > 1 - 1e-9:
        return f"all between {low} and {high}"
    if held >= _NEARLY_ALL and end - start > len(shares) / 2:
        return f"spread from {low} to {high}{outside}"
    return f"about {share(held)} between {low} and {high}{outside}"


def _fewest_bins(shares: Sequence[float], wanted: float) -> tuple[int, int]:
    """First and one past the last of the fewest neighbouring bins that hold at least `wanted`; of equals, the fullest."""
    for width in range(1, len(shares)):
        sums = [(math.fsum(shares[i : i + width]), -i) for i in range(len(shares) - width + 1)]
        held, start = max(sums)
        if held >= wanted:
            return -start, -start + width
    return 0, len(shares)


def moments(current: Feature | None, baseline: Feature | None) -> str:
    """Mean and missing values, now and in the baseline, where they are told and say something."""
    said = []
    if isinstance(current, Numeric) and current.mean is not None:
        was = baseline.mean if isinstance(baseline, Numeric) else None
        now, before = figures(current.mean, was)
        said.append(f"Mean {now}{f', was {before}' if was is not None else ''}.")
    missing, was_missing = _missing(current), _missing(baseline)
    if missing or was_missing:
        before = f", was {share(was_missing)}" if was_missing is not None else ""
        said.append(f"Missing {share(missing)}{before}.")
    return " ".join(said)


def _missing(feature: Feature | None) -> float | None:
    if feature is None or not (values := feature.present + feature.missing):
        return None
    return feature.missing / values


def history(values: Sequence[float | None], threshold: Threshold | None) -> str:
    """The newest value, the range it moved in, and how often it was past its threshold."""
    known = [value for value in values if value is not None]
    newest = f"Now {figure(values[-1])}" if values and values[-1] is not None else "Not measured now"
    if len(known) < 2:
        return f"{newest}; no earlier run is known."
    low, high = figures(min(known), max(known))
    moved = f"{low} to {high}" if low != high else "unchanged" if known[-1] == values[-1] else f"always {low}"
    sentence = f"{newest}; {moved} over {count(len(known), 'run')}"
    if threshold is None:
        return f"{sentence}."
    past = sum(is_past(value, threshold) for value in known)
    often = "in none" if not past else "in all" if past == len(known) else f"in {past}"
    return f"{sentence}, past the limit {often} of them."


def is_past(value: float, threshold: Threshold) -> bool:
    """Whether a value is where its threshold does not allow it; one that equals it is not.

    Source: the comparisons of constraints, `LessThanThreshold` and `GreaterThanThreshold`, name what is violated.
    """
    return value > threshold.value if threshold.violated == "above" else value < threshold.value


def limit(threshold: Threshold) -> str:
    """A threshold, worded as in messages."""
    return (
        f"at most {figure(threshold.value)} allowed"
        if threshold.violated == "above"
        else f"at least {figure(threshold.value)} wanted"
    )


def past(violation: Violation) -> str:
    """How far past its constraint a violation is; "" where its numbers do not say."""
    observed, expected = violation.observed, violation.expected
    if observed is None or math.isnan(observed):
        return ""
    if violation.measure is Measure.FRACTION:
        return f"{share(1 - observed)} do not fit" if 0 <= observed <= 1 else ""
    if expected is None or not math.isfinite(expected):
        return ""
    if math.isinf(observed):
        return "infinitely far past"
    return _finite_past(violation.measure, observed, expected)


def _finite_past(measure: Measure, observed: float, expected: float) -> str:
    away = abs(observed - expected)
    match measure:
        case Measure.SHARE if observed < expected:
            return f"{figure(away)} points short"
        case Measure.COLUMNS if away:
            return f"{figure(away)} too {'many' if observed > expected else 'few'}"
        case Measure.DISTANCE | Measure.ABOVE if observed > expected:
            return _ratio(observed, expected, away)
        case Measure.BELOW if observed < expected:
            return f"{share(away / expected)} short" if 0 <= observed < expected else f"{figure(away)} short"
        case Measure.DIFFERENCE:
            return f"{figure(away)} away"
        case _:
            return ""


def _ratio(observed: float, limit: float, away: float) -> str:
    """`5.2 times the limit`; close to it, by how much; where the limit is nothing, the difference."""
    if limit <= 0 or math.isinf(observed / limit):
        return f"{figure(away)} over the limit"
    times = observed / limit
    if times < 1.5:
        return f"{share(times - 1)} over the limit"
    return f"{figure(times) if times < 10 else f'{times:,.0f}'} times the limit"
