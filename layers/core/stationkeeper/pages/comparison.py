"""The current distribution of a feature beside its baseline's, in numbers that a picture can be drawn from without lying."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from stationkeeper.reports.statistics import Bucket, Categorical, Feature, Numeric

# A monitor's own histograms have ten buckets; two of them side by side, or shifted against each other, fit. More bars than this
# are thinner than a finger is wide on a phone.
MOST_BINS = 24
MOST_VALUES = 12
# With a wider gap between two distributions (in widths of the wider one), 24 even bins leave each of them less than two.
_WIDEST_GAP = 10
# Edges that differ by less (relative to the range) are the same edge, written by two programs.
_SAME_EDGE = 1e-9


@dataclass(frozen=True, slots=True)
class Overlay:
    """Two histograms over the same bins; bin `i` runs from `edges[i]` to `edges[i + 1]`, the last one takes in its end.

    Attributes
    ----------
    edges : rising; one more than bins. A constant feature is one bin with two equal edges. Empty when no value has a place.
    current, baseline : share of each bin, 0..1; together with the side's `..._unplaced` they sum to 1. None when the side is
        missing, or holds no values.
    current_unplaced, baseline_unplaced : share of values whose buckets do not say where they lie (infinite bounds).
    even : all bins are equally wide. Draw bins side by side anyway; where they are not even, the axis is no scale.
    gap : index of a bin, empty on both sides, that stands for a long stretch between them: the axis is broken there.
    """

    edges: tuple[float, ...]
    current: tuple[float, ...] | None
    baseline: tuple[float, ...] | None
    current_unplaced: float = 0.0
    baseline_unplaced: float = 0.0
    even: bool = True
    gap: int | None = None

    @property
    def disjoint(self) -> bool:
        """Both sides have values, and no bin holds values of both."""
        return (
            self.current is not None
            and self.baseline is not None
            and not any(a and b for a, b in zip(self.current, self.baseline, strict=True))
        )


@dataclass(frozen=True, slots=True)
class Bar:
    """One value's share of the present values, 0..1. None: the side is missing, or lists only some values and not this one."""

    value: str
    current: float | None
    baseline: float | None


@dataclass(frozen=True, slots=True)
class Others:
    """What is not shown by name: its share of the present values, and how many values that are; None where not told."""

    current: float | None
    baseline: float | None
    current_values: int | None
    baseline_values: int | None


@dataclass(frozen=True, slots=True)
class PairedBars:
    """The most frequent values of either side, most frequent first; `others` is None when nothing is left."""

    bars: tuple[Bar, ...]
    others: Others | None = None


@dataclass(frozen=True, slots=True)
class TypeChanged:
    """Numbers became text, or text numbers: each side as it is (None: it holds no values). Their scales are not comparable."""

    current: Overlay | PairedBars | None
    baseline: Overlay | PairedBars | None


type Comparison = Overlay | PairedBars | TypeChanged


def compared(current: Feature | None, baseline: Feature | None) -> Comparison | None:
    """What to draw of a feature; None when neither side holds a value.

    Notes
    -----
    A bucket tells how many values it holds and nothing about where in it they lie. So no bin is narrower than the widest
    occupied bucket of either side (finer bars would show detail nobody measured), and a bucket that two bins share is divided
    by length, so that nothing is moved past its bounds. Where both sides came in the same buckets, these are the bins, and
    neighbours are joined where there are too many: then nothing is divided at all. A distribution much narrower than the
    other one's buckets is one bar: that is all that can be compared. Two distributions far from each other get bins of their
    own with the stretch between them as one (`Overlay.gap`), because on one even scale both would be one bar.
    """
    if isinstance(current, Categorical | None) and isinstance(baseline, Categorical | None):
        return _paired(current, baseline)
    if isinstance(current, Numeric | None) and isinstance(baseline, Numeric | None):
        return _overlaid(current, baseline)
    return _changed(current, baseline)


def _changed(current: Feature | None, baseline: Feature | None) -> TypeChanged | None:
    alone, was = compared(current, None), compared(None, baseline)
    if isinstance(alone, TypeChanged) or isinstance(was, TypeChanged) or alone is was is None:
        return None
    return TypeChanged(alone, was)


# Numbers


def _overlaid(current: Numeric | None, baseline: Numeric | None) -> Overlay | None:
    sides = (_occupied(current), _occupied(baseline))
    lost = (_lost(current), _lost(baseline))
    if not any(sides) and not any(lost):
        return None
    edges, even, gap = _edges(*sides)
    (now, now_lost), (was, was_lost) = (
        _shares(side, edges, elsewhere) for side, elsewhere in zip(sides, lost, strict=True)
    )
    return Overlay(edges, now, was, now_lost, was_lost, even, gap)


def _occupied(feature: Numeric | None) -> tuple[Bucket, ...]:
    """The buckets that hold values, in order."""
    buckets = feature.buckets if feature else ()
    return tuple(sorted((b for b in buckets if b.count > 0), key=lambda b: (b.lower, b.upper)))


def _lost(feature: Numeric | None) -> float:
    return feature.unplaced if feature else 0.0


def _edges(one: Sequence[Bucket], other: Sequence[Bucket]) -> tuple[tuple[float, ...], bool, int | None]:
    """The common edges, whether they are even, and which bin is a gap."""
    if one and other:
        left, right = (one, other) if one[0].lower <= other[0].lower else (other, one)
        gap = right[0].lower - _end(left)
        if gap > _WIDEST_GAP * max(_span(left), _span(right)) > 0:
            before, after = (_even_edges(side, MOST_BINS // 2 - 1) for side in (left, right))
            return before + after, False, len(before) - 1
    return _even_edges((*one, *other), MOST_BINS), True, None


def _even_edges(buckets: Sequence[Bucket], most: int) -> tuple[float, ...]:
    if not buckets:
        return ()
    start, end = min(b.lower for b in buckets), _end(buckets)
    widest = max(b.upper - b.lower for b in buckets)
    bins = most if widest == 0 else min(most, int((end - start) / widest * (1 + _SAME_EDGE)))
    inner = (start + (end - start) * i / bins for i in range(1, bins))
    # Between two neighbouring floating-point numbers there is no third one to part them at.
    return start, *sorted({edge for edge in inner if start < edge < end}), end


def _span(buckets: Sequence[Bucket]) -> float:
    return _end(buckets) - min(b.lower for b in buckets)


def _end(buckets: Sequence[Bucket]) -> float:
    return max(b.upper for b in buckets)


def _shares(
    buckets: Sequence[Bucket], edges: Sequence[float], unplaced: float
) -> tuple[tuple[float, ...] | None, float]:
    """The share of each bin, and the share that has no place."""
    total = math.fsum((*(b.count for b in buckets), unplaced))
    if not total:
        return None, 0.0
    below = [math.fsum(b.count * _part_below(b, edge) for b in buckets) for edge in edges[:-1]]
    below.append(math.fsum(b.count for b in buckets))  # the last bin takes in its end
    return tuple((end - start) / total for start, end in pairwise(below)) if edges else (), unplaced / total


def _part_below(bucket: Bucket, edge: float) -> float:
    """How much of a bucket lies below an edge, its values taken as evenly spread; one without width is a spike."""
    if edge <= bucket.lower:
        return 0.0
    return 1.0 if edge >= bucket.upper else (edge - bucket.lower) / (bucket.upper - bucket.lower)


# Texts


def _paired(current: Categorical | None, baseline: Categorical | None) -> PairedBars | None:
    now, was = (_listed(side) for side in (current, baseline))
    if now is None and was is None:
        return None
    values = sorted(
        {*(now or {}), *(was or {})},
        key=lambda value: (-max((now or {}).get(value, 0.0), (was or {}).get(value, 0.0)), value),
    )
    shown = values[:MOST_VALUES]
    bars = tuple(Bar(value, _share(now, value, current), _share(was, value, baseline)) for value in shown)
    others = Others(
        _rest(now, shown), _rest(was, shown), _unshown(current, now, shown), _unshown(baseline, was, shown)
    )
    return PairedBars(bars, others if others.current or others.baseline else None)


def _listed(feature: Categorical | None) -> dict[str, float] | None:
    """Share of each listed value; None when the side holds no values."""
    if feature is None or not (total := _total(feature)):
        return None
    return {value: count / total for value, count in feature.counts if count > 0}


def _total(feature: Categorical) -> float:
    return max(feature.present, math.fsum(count for _, count in feature.counts))


def _share(listed: dict[str, float] | None, value: str, feature: Categorical | None) -> float | None:
    if listed is None or feature is None:
        return None
    return listed.get(value, 0.0 if _whole(feature) else None)


def _whole(feature: Categorical) -> bool:
    """Whether all values are listed. Counts tell for sure; `distinct` is an estimate."""
    return math.fsum(count for _, count in feature.counts) >= feature.present * (1 - _SAME_EDGE)


def _rest(listed: dict[str, float] | None, shown: Sequence[str]) -> float | None:
    if listed is None:
        return None
    rest = 1.0 - math.fsum(listed.get(value, 0.0) for value in shown)
    return rest if rest > _SAME_EDGE else 0.0


def _unshown(
    feature: Categorical | None, listed: dict[str, float] | None, shown: Sequence[str]
) -> int | None:
    if feature is None or listed is None:
        return None
    if _whole(feature):
        return len(listed.keys() - set(shown))
    if feature.distinct is None:
        return None
    return max(0, int(feature.distinct) - sum(value in listed for value in shown))
