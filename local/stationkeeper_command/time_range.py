"""A range of time as somebody types it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from stationkeeper.alerts.text import plain

from stationkeeper_command.errors import CommandError

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class TimeRange:
    begin: datetime
    end: datetime


def time_range(begin: str, end: str, last: str, now: datetime) -> TimeRange:
    """`begin` to `end`, or to now; or the `last` hours.

    Raises
    ------
    CommandError
        Nothing, or no such range, was said.
    """
    if last:
        return TimeRange(now - _length(last), now)
    if not begin:
        raise CommandError("say from when on: --from 2026-11-23T12:00, or --last 6h")
    found = TimeRange(_moment(begin), _moment(end) if end else now)
    if found.begin >= found.end:
        raise CommandError(
            f"the range is empty: {found.begin.isoformat()} is not before {found.end.isoformat()}"
        )
    return found


def _moment(said: str) -> datetime:
    try:
        at = datetime.fromisoformat(said)
    except ValueError as error:
        raise CommandError(
            f"{plain(said, 60)!r} is no moment. Write it as 2026-11-23T12:00, or 2026-11-23T12:00+01:00"
        ) from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _length(said: str) -> timedelta:
    parts = re.fullmatch(r"([1-9]\d{0,4})([mhd])", said)
    if parts is None:
        raise CommandError(f"{plain(said, 60)!r} is no length of time. Write it as 30m, 6h or 2d")
    return timedelta(**{_UNITS[parts[2]]: int(parts[1])})
