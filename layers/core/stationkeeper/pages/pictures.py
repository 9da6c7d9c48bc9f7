"""The geometry of the page's pictures: from shares and values to SVG path data, in whole units of a picture's own grid.

Pictures hold shapes only. Words, numbers and axes stand around them as HTML, so that they stay readable at any width.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 240, 64
BAR_WIDTH, BAR_HEIGHT = 100, 12
_SPIKE = WIDTH // 6
_LEAST = 1  # what is there must be seen, however little it is


def steps(shares: Sequence[float], highest: float, *, closed: bool, spike: bool = False) -> str:
    """The outline of a histogram whose bins are drawn equally wide; `closed` along the bottom makes it an area.

    `highest` is the share that is as high as the picture. A `spike` stands in the middle: a single value has no extent.
    """
    start, end = ((WIDTH - _SPIKE) // 2, (WIDTH + _SPIKE) // 2) if spike else (0, WIDTH)
    lines = [f"M{start} {HEIGHT}"]
    for index, share in enumerate(shares, 1):
        lines.append(f"V{HEIGHT - _extent(share, highest, HEIGHT)}")
        lines.append(f"H{start + round((end - start) * index / len(shares))}")
    return "".join([*lines, f"V{HEIGHT}", "Z" if closed else ""])


def bin_edges(index: int, count: int) -> tuple[int, int]:
    """Where the bin of this index begins and ends."""
    return round(WIDTH * index / count), round(WIDTH * (index + 1) / count)


@dataclass(frozen=True, slots=True)
class Line:
    """Values over runs.

    Attributes
    ----------
    path : line through the values, broken where a run has none.
    dots : values without a neighbour, which no line shows; and the last one.
    last : the newest value's dot; "" when the newest run has none.
    level : height of the level it is compared with; None without one, or where that is not finite.
    low, high : values at the lower and upper end of the picture.
    """

    path: str
    dots: str
    last: str
    level: int | None
    low: float
    high: float


def line(values: Sequence[float | None], level: float | None) -> Line | None:
    """A line over evenly spaced runs, oldest first; None when no value is finite. Infinite and missing values are gaps."""
    finite = [_finite(value) for value in values]
    known = [value for value in finite if value is not None]
    if not known:
        return None
    limit = _finite(level)
    low, high = _padded([*known, *([] if limit is None else [limit])])
    points = [
        None if value is None else (_across(index, len(finite)), _up(value, low, high))
        for index, value in enumerate(finite)
    ]
    alone = [
        point
        for index, point in enumerate(points)
        if point and not _at(points, index - 1) and not _at(points, index + 1) and index < len(points) - 1
    ]
    return Line(
        path=_broken_line(points),
        dots=_dots(alone),
        last=_dots([points[-1]] if points[-1] else []),
        level=None if limit is None else _up(limit, low, high),
        low=low,
        high=high,
    )


def _at(points: Sequence[tuple[int, int] | None], index: int) -> tuple[int, int] | None:
    return points[index] if 0 <= index < len(points) else None


def _broken_line(points: Iterable[tuple[int, int] | None]) -> str:
    parts: list[str] = []
    pen_down = False
    for point in points:
        if point:
            parts.append(f"{'L' if pen_down else 'M'}{point[0]} {point[1]}")
        pen_down = point is not None
    return "".join(parts)


def _dots(points: Iterable[tuple[int, int]]) -> str:
    """Lines without length: with round ends they are round dots however the picture is stretched."""
    return "".join(f"M{x} {y}h0" for x, y in points)


def _across(index: int, count: int) -> int:
    margin = 6
    return WIDTH - margin if count == 1 else margin + round((WIDTH - 2 * margin) * index / (count - 1))


def _up(value: float, low: float, high: float) -> int:
    # Halves first: the whole of a range may be too large for a float.
    part = (value / 2 - low / 2) / (high / 2 - low / 2)
    return HEIGHT - 4 - round((HEIGHT - 8) * min(1.0, max(0.0, part)))


def _padded(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    if high / 2 - low / 2 > 0:
        return low, high
    around = abs(low) / 10 or 1.0
    if math.isinf(low + around) or math.isinf(low - around):
        return (0.0, low) if low > 0 else (low, 0.0)
    return low - around, low + around


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def share_bar(share: float, largest: float, *, below: bool) -> str:
    """A horizontal bar from the left, `largest` as long as the picture is wide; in its lower or upper half."""
    top = BAR_HEIGHT // 2 if below else 0
    return f"M0 {top + 1}H{_extent(share, largest, BAR_WIDTH)}V{top + BAR_HEIGHT // 2 - 1}H0Z"


def signed_bar(value: float, values: Sequence[float]) -> str:
    """A horizontal bar from zero, as high as the picture, on a scale that holds zero and all `values`."""
    start, end = sorted((zero_of(values), _place(value, values)))
    return f"M{start} 1H{max(end, start + _LEAST)}V{BAR_HEIGHT - 1}H{start}Z"


def zero_of(values: Sequence[float]) -> int:
    """Where zero is on the scale of `signed_bar`."""
    return _place(0.0, values)


def _place(value: float, values: Sequence[float]) -> int:
    low, high = min(0.0, *values), max(0.0, *values)
    whole = high / 2 - low / 2
    return round(BAR_WIDTH * ((value / 2 - low / 2) / whole)) if whole else 0


def column(count: float, largest: float, height: int) -> int:
    """Height of a column of the strip of runs."""
    return _extent(count, largest, height)


def _extent(part: float, largest: float, full: int) -> int:
    if not (part > 0 and largest > 0):
        return 0
    return max(_LEAST, round(full * min(1.0, part / largest)))
