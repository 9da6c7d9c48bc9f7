"""Text from outside, made safe to show: in a subject, a line of an e-mail, a log, a shell command.

Names and descriptions come from data sets and containers. A feature may be called anything: with line breaks that would forge a line
of the message, with terminal escapes, with characters that turn the reading direction, with half a surrogate pair that cannot
be encoded at all.
"""

import math
import shlex
import unicodedata
from datetime import UTC, datetime, timedelta

_ESCAPED_CATEGORIES = ("C", "Zl", "Zp")


def plain(text: str, limit: int = 200) -> str:
    """One line of encodable text of at most `limit` characters; what cannot be shown is written as `\\uXXXX`."""
    clipped = text[: 2 * limit + 8]  # enough of it, however much of that is blank or needs escaping
    if not (clipped.isascii() and clipped.isprintable()):
        clipped = "".join(_shown(character) for character in clipped)
    clipped = " ".join(clipped.split())
    if len(clipped) <= limit and len(text) <= 2 * limit + 8:
        return clipped
    return clipped[: max(0, limit - 3)].rstrip() + "..."[:limit]


def _shown(character: str) -> str:
    if character in "\t\n\r":
        return " "
    if unicodedata.category(character).startswith(_ESCAPED_CATEGORIES):
        code = ord(character)
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
    return character


def ascii_line(text: str, limit: int) -> str:
    """One line of printable ASCII, as SNS wants subjects: accents dropped, anything else a question mark."""
    decomposed = unicodedata.normalize("NFKD", plain(text, limit * 2))
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    line = " ".join(bare.encode("ascii", "replace").decode("ascii").split())
    return line if len(line) <= limit else line[: limit - 3] + "..."


_CUT = "\n[... cut, the message was too long]\n"


def clip_bytes(text: str, limit: int) -> str:
    """The beginning of a text that fits into `limit` bytes of UTF-8, marked where it was cut."""
    encoded = text.encode("utf-8")
    if len(encoded) <= limit:
        return text
    mark = _CUT if limit >= 2 * len(_CUT) else ""
    return encoded[: limit - len(mark)].decode("utf-8", "ignore") + mark


def quoted(argument: str) -> str:
    """An argument for a POSIX shell, whatever it holds."""
    return shlex.quote(argument)


def figure(value: float | None) -> str:
    """A number as a person reads it: at most four significant digits, never an exponent between 0.0001 and a million."""
    if value is None:
        return "?"
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "infinite" if value > 0 else "minus infinite"
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    size = abs(value)
    if size >= 1e9 or size < 1e-4:
        return f"{value:.2e}"
    if size >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if size < 100 else f"{value:.4g}"


def figures(one: float | None, other: float | None) -> tuple[str, str]:
    """Two numbers as a person reads them, with as many digits as it takes to tell them apart."""
    short = figure(one), figure(other)
    if one is None or other is None or one == other or short[0] != short[1]:
        return short
    for digits in range(4, 18):
        longer = f"{one:.{digits}g}", f"{other:.{digits}g}"
        if longer[0] != longer[1]:
            return longer
    return short


def percent(value: float | None) -> str:
    """A percentage that never rounds to a whole it is not: 99.996 stays 99.996, not 100."""
    if value is None or not math.isfinite(value):
        return figure(value)
    for digits in range(15):
        rounded = round(value, digits)
        if abs(rounded - value) <= 0.05 and (rounded not in (0, 100) or rounded == value):
            return f"{rounded:.{digits}f} %"
    return f"{value} %"


def moment(at: datetime) -> str:
    """`23 Nov 2026 13:00 UTC`."""
    return at.astimezone(UTC).strftime("%d %b %Y %H:%M UTC").lstrip("0")


def period(start: datetime, end: datetime) -> str:
    """A window of time; the date once when both ends share it."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if start.date() == end.date():
        return f"{start:%H:%M} to {end:%H:%M} UTC on {moment(end).rsplit(' ', 2)[0]}"
    return f"{moment(start)} to {moment(end)}"


def lasting(length: timedelta) -> str:
    """A length of time in its two largest units: `2 days 3 hours`."""
    minutes = max(0, round(length.total_seconds() / 60))
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = [count(days, "day"), count(hours, "hour"), count(minutes, "minute")]
    shown = [part for part in parts if not part.startswith("0 ")]
    return " ".join(shown[:2]) or "less than a minute"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 violation`, `2 violations`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size_in_words(size: int) -> str:
    """A number of bytes as a person reads it: `1.5 GB`."""
    for unit, one in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if size >= one:
            return f"{size / one:,.1f} {unit}"
    return count(size, "byte")
