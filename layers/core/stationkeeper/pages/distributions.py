"""The distribution of a feature as a picture: what is drawn of it, and what stands around it.

Texts in these values are cleaned; escaping is the template's.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from stationkeeper.alerts.text import figures, plain
from stationkeeper.pages import captions, pictures
from stationkeeper.pages.comparison import Overlay, PairedBars, TypeChanged, compared
from stationkeeper.reports.statistics import Statistics

_VALUES_SHOWN = 8
_VALUE_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class Histogram:
    """Two distributions over each other: `baseline` an area, `current` a line; "" for a side that is not there."""

    kind: ClassVar[str] = "histogram"

    baseline: str
    current: str
    low: str
    high: str
    gap: tuple[int, int] | None
    words: str


@dataclass(frozen=True, slots=True)
class BarRow:
    """One row of paired bars; `baseline` and `current` are paths, "" for a side that is not there or has none."""

    name: str
    baseline: str
    current: str
    was: str
    now: str
    moved: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """Paired bars as a table: what a row is called, and the rows."""

    kind: ClassVar[str] = "bars"

    of: str
    rows: tuple[BarRow, ...]
    words: str
    with_rank: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """What there is to say where nothing can be drawn."""

    kind: ClassVar[str] = "note"

    words: str


def feature(name: str, current: Statistics, baseline: Statistics) -> tuple[Histogram | Bars | Note, ...]:
    """The distributions of a feature; two pictures where it is of another type now, none where nobody measured it."""
    now, was = current.features.get(name), baseline.features.get(name)
    comparison = compared(now, was)
    if isinstance(comparison, TypeChanged):
        before = "This is the baseline, of another type: the two cannot be compared."
        return (*_drawn(comparison.baseline, before), *_drawn(comparison.current, captions.moments(now, was)))
    more = [captions.moments(now, was), "" if was else "No baseline.", "" if now else "Not measured now."]
    words = " ".join(part for part in more if part)
    drawn = _drawn(comparison, words)
    return drawn if drawn or not (now or was) else (Note(f"No values to draw. {words}".rstrip()),)


def _drawn(comparison: Overlay | PairedBars | None, more: str) -> tuple[Histogram | Bars, ...]:
    match comparison:
        case Overlay():
            return _histogram(comparison, more)
        case PairedBars():
            return (_paired(comparison, more),)
        case None:
            return ()


def _histogram(overlay: Overlay, more: str) -> tuple[Histogram, ...]:
    if not overlay.edges:
        return ()
    spike = overlay.edges[0] == overlay.edges[-1]
    highest = max((*(overlay.current or ()), *(overlay.baseline or ())), default=0.0)
    low, high = figures(overlay.edges[0], overlay.edges[-1])
    histogram = Histogram(
        baseline=pictures.steps(overlay.baseline, highest, closed=True, spike=spike)
        if overlay.baseline
        else "",
        current=pictures.steps(overlay.current, highest, closed=False, spike=spike)
        if overlay.current
        else "",
        low=low,
        high="" if spike else high,
        gap=None if overlay.gap is None else pictures.bin_edges(overlay.gap, len(overlay.edges) - 1),
        words=" ".join(part for part in (captions.overlay(overlay), more) if part),
    )
    return (histogram,)


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
