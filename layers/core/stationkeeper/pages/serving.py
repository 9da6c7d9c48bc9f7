"""Which version of the model served the data a run looked at, in words."""

from datetime import datetime

from stationkeeper.alerts.text import moment


def serving(
    version: int, released_at: datetime, replaced: int | None, window: tuple[datetime, datetime] | None
) -> str:
    """`version` is the one verified in service last, at `released_at`; `window` that of the data.

    Of what served before it only the last is known, `replaced`, not since when.
    """
    since = moment(released_at)
    if window is None or released_at <= window[0]:
        return f"version {version}, in service since {since}"
    if released_at >= window[1]:
        before = f"version {replaced} or one before it" if replaced is not None else "not known"
        return f"{before}; version {version} is in service since {since}, after this window"
    before = f", version {replaced} right before" if replaced is not None else ""
    return f"version {version} from {since} on{before}: it changed within this window"
