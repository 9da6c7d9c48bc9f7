"""Which version of the model served the data a run looked at, in words."""

from datetime import datetime

from stationkeeper.alerts.text import moment


def serving(
    version: int, released_at: datetime, replaced: int | None, window: tuple[datetime, datetime] | None
) -> str:
    """`version` is the one verified in service last, at `released_at`, after `replaced`; `window` that of the data."""
    since = moment(released_at)
    before = f"version {replaced}" if replaced is not None else "another version or none"
    if window is None or released_at <= window[0]:
        return f"version {version}, in service since {since}"
    if released_at >= window[1]:
        return f"{before}; version {version} is in service since {since}, after this window"
    return f"version {version} from {since} on, {before} until then: it changed within this window"
