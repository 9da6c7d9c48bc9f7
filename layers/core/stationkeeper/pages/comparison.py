"""The current distribution of a feature beside its baseline's, in numbers that a picture can be drawn from without lying."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from stationkeeper.reports.statistics import Bucket, Categorical, Feature, Numeric

# A monitor's own histograms have ten buckets: two of them, partly over each other, fit. Thinner bars are hard to tell
# apart on a phone.
MOST_BINS = 24
MOST_VALUES = 12
# With a wider gap between two distributions (in widths of the wider one), 24 even bins leave each of them less than two.
_WIDEST_GAP = 10
# Edges closer than this part of a bucket are one edge, computed in two ways.
_SAME_EDGE = 1e-6
# Shares that are less than this apart are the same, computed in two ways.
_SAME_SHARE = 1e-9


@dataclass(frozen=True, slots=True)
class Overlay:
    """Two histograms over the same bins; bin `i` runs from `edges[i]` to `edges[i + 1]`, the last one takes in its end.

    Attributes
    ----------
    edges : rising; one more than bins. A constant feature is one bin with two equal edges. Empty when no value has a place.
    current, baseline : share of each bin, 0..1; together with the side's `..._unplaced` they sum to 1. None when the side is
        missing, or holds no values.
    current_unplaced, baseline_unplaced : share of values whose buckets do not say where they lie (infinite bounds).
    even : all bins are equally wide. Where they are not, bins are drawn equally wide all the same, and the axis is no scale:
        label the edges.
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
    occupied bucket of either side (finer bars would show detail that nobody measured), and a bucket that lies in two bins is
    divided by length, so that nothing moves past its bounds. Where both sides come in the same buckets, however uneven, these
    are the bins, and neighbours are joined where they are too many: then nothing is divided. A distribution narrower than
    the other one's buckets becomes one or two bars: that is all that can be compared. Two distributions far from each other
    keep bins of their own, with the stretch between them as one (`Overlay.gap`): on an even scale each would be one bar.
    """
    if isinstance(current, Categorical | None) and isinstance(baseline, Categorical | None):
        return _paired(current, baseline)
    if isinstance(current, Numeric | None) and isinstance(baseline, Numeric | None):
        return _overlaid(current, baseline)
    now = _overlaid(current, None) if isinstance(current, Numeric) else _paired(current, None)
    was = _overlaid(None, baseline) if isinstance(baseline, Numeric) else _paired(None, baseline)
    return TypeChanged(now, was) if now or was else None


# Numbers


def _overlaid(current: Numeric | None, baseline: Numeric | None) -> Overlay | None:
    now, was = _Histogram.of(current), _Histogram.of(baseline)
    if not now.total and not was.total:
        return None
    if now.occupied and was.occupied and (apart := _apart(now, was)):
        return apart
    edges = _same_buckets(now, was) or _even_edges((*now.occupied, *was.occupied), MOST_BINS)
    return Overlay(
        edges,
        now.shares(edges),
        was.shares(edges),
        now.unplaced_share,
        was.unplaced_share,
        even=_are_even(edges),
    )


@dataclass(frozen=True, slots=True)
class _Histogram:
    """The buckets of one side, in order; `occupied` ones hold values."""

    buckets: tuple[Bucket, ...]
    occupied: tuple[Bucket, ...]
    unplaced: float
    total: float

    @classmethod
    def of(cls, feature: Numeric | None) -> "_Histogram":
        buckets = tuple(sorted(feature.buckets, key=lambda b: (b.lower, b.upper))) if feature else ()
        unplaced = feature.unplaced if feature else 0.0
        total = math.fsum((*(b.count for b in buckets), unplaced))
        return cls(buckets, tuple(b for b in buckets if b.count), unplaced, total)

    @property
    def start(self) -> float:
        return min(b.lower for b in self.occupied)

    @property
    def end(self) -> float:
        return max(b.upper for b in self.occupied)

    @property
    def unplaced_share(self) -> float:
        return self.unplaced / self.total if self.total else 0.0

    def shares(self, edges: Sequence[float]) -> tuple[float, ...] | None:
        """The share of each bin; None when the side holds no values."""
        if not self.total:
            return None
        below = [math.fsum(b.count * _part_below(b, edge) for b in self.occupied) for edge in edges[:-1]]
        below.append(math.fsum(b.count for b in self.occupied))  # the last bin takes in its end
        return tuple((upto - before) / self.total for before, upto in pairwise(below))


def _part_below(bucket: Bucket, edge: float) -> float:
    """How much of a bucket lies below an edge, its values taken as evenly spread; one without width is a spike."""
    if edge <= bucket.lower:
        return 0.0
    if edge >= bucket.upper:
        return 1.0
    part = (edge - bucket.lower) / (bucket.upper - bucket.lower)
    return 0.0 if part < _SAME_EDGE else 1.0 if part > 1 - _SAME_EDGE else part


def _apart(now: _Histogram, was: _Histogram) -> Overlay | None:
    """Both in bins of their own, when they are far from each other."""
    left, right = (now, was) if now.start < was.start else (was, now)
    if right.start - left.end <= _WIDEST_GAP * max(left.end - left.start, right.end - right.start):
        return None
    low, high = (_even_edges(side.occupied, MOST_BINS // 2 - 1) for side in (left, right))
    lows, highs = left.shares(low) or (), right.shares(high) or ()
    lows, highs = (*lows, *(0.0 for _ in high)), (*(0.0 for _ in low), *highs)
    mine, other = (lows, highs) if left is now else (highs, lows)
    return Overlay(
        low + high, mine, other, now.unplaced_share, was.unplaced_share, even=False, gap=len(low) - 1
    )


def _same_buckets(now: _Histogram, was: _Histogram) -> tuple[float, ...]:
    """The edges both sides came in, from the first to the last occupied bucket; empty when they came in different ones."""
    kinds = {tuple((b.lower, b.upper) for b in side.buckets) for side in (now, was) if side.total}
    occupied = (*now.occupied, *was.occupied)
    if len(kinds) != 1 or not occupied:
        return ()
    bounds = kinds.pop()
    if any(lower >= upper for lower, upper in bounds) or any(a[1] != b[0] for a, b in pairwise(bounds)):
        return ()
    start, end = min(b.lower for b in occupied), max(b.upper for b in occupied)
    edges = [lower for lower, _ in bounds if start <= lower < end]
    joined = -(-len(edges) // MOST_BINS)
    return (*edges[::joined], end)


def _are_even(edges: Sequence[float]) -> bool:
    widths = [end - start for start, end in pairwise(edges)]
    return not widths or max(widths) - min(widths) <= _SAME_EDGE * max(widths)


def _even_edges(buckets: Sequence[Bucket], most: int) -> tuple[float, ...]:
    if not buckets:
        return ()
    start, end = min(b.lower for b in buckets), max(b.upper for b in buckets)
    widest = max(b.upper - b.lower for b in buckets)
    bins = int(min(most, (end - start) / widest * (1 + _SAME_EDGE))) if widest else most
    inner = (start + (end - start) * i / bins for i in range(1, bins))
    # Between two neighbouring floating-point numbers there is no third one to part them at.
    return start, *sorted({edge for edge in inner if start < edge < end}), end


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
    return math.fsum(count for _, count in feature.counts) >= feature.present * (1 - _SAME_SHARE)


def _rest(listed: dict[str, float] | None, shown: Sequence[str]) -> float | None:
    if listed is None:
        return None
    rest = 1.0 - math.fsum(listed.get(value, 0.0) for value in shown)
    return rest if rest > _SAME_SHARE else 0.0


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
