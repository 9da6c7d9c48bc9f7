"""What on-call was told that lasts, so that it is told when it begins, and once a day while it lasts."""

from collections.abc import Mapping
from datetime import datetime, timedelta

TOLD_AGAIN_AFTER = timedelta(hours=24)
_KEPT = 40


def once_a_day(
    told: Mapping[str, str], subject: str, about: str, now: datetime
) -> tuple[dict[str, str], datetime] | None:
    """What was told, with something that lasts among it, and since when that lasts; None when it was told within the day.

    Parameters
    ----------
    told : by subject, what was said of it last, since when it lasts and when it was said: `about@since@when`.
    """
    parts = told.get(subject, "").rsplit("@", 2)
    before, since, when = parts if len(parts) == 3 else ("", "", "")
    if before != about or not since:
        return with_said(told, subject, f"{about}@{now.isoformat()}@{now.isoformat()}"), now
    first = datetime.fromisoformat(since)
    if now - datetime.fromisoformat(when) < TOLD_AGAIN_AFTER:
        return None
    return with_said(told, subject, f"{about}@{since}@{now.isoformat()}"), first


def with_said(told: Mapping[str, str], subject: str, said: str) -> dict[str, str]:
    """With something said; the oldest subjects are forgotten."""
    after = {**told, subject: said}
    return dict(list(after.items())[-_KEPT:])
