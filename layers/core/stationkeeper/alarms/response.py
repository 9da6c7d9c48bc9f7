"""What is done about an alarm: nothing, or the live version is taken back. A pure function."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from stationkeeper.alarms.memory import Edge
from stationkeeper.releases.record import Barred, Live, Record

_LATE = timedelta(minutes=15)
"""An alarm that is heard of longer after the bake time takes nothing back: people may count on what serves by then."""


@dataclass(frozen=True, slots=True)
class Response:
    """`reject`: the live version is to be rejected. `because` says why not, or why."""

    kind: Literal["tell", "deploying", "reject"]
    because: str = ""


def response_to(edge: Edge, record: Record, bake_minutes: int, now: datetime) -> Response:
    """What an alarm that became red calls for.

    Parameters
    ----------
    record : of the releases to the endpoint.
    bake_minutes : how long an alarm counts against a release.
    """
    if (barred := taken_back_by(edge, record)) is not None:
        # Already, by this very change: what is left is to finish it, and to tell it.
        return Response("reject", _reason(bake_minutes, barred.version))
    if not edge.guards:
        return Response("tell", "this alarm does not guard releases")
    target = record.target
    if target is not None and target.asked:
        if not target.creating and edge.alarm in target.guarded_by:
            return Response("deploying", "a release is under way, and SageMaker itself rolls it back")
        return Response("tell", "a release is under way, and this alarm does not roll it back")
    live = record.live
    if live is None or not live.ours:
        return Response("tell", "what serves was not released here")
    return _counts_against(live, edge, record, timedelta(minutes=bake_minutes), now)


def taken_back_by(edge: Edge, record: Record) -> Barred | None:
    """The version that a change of an alarm took back, where it did."""
    return next((barred for barred in record.barred if barred.alarm == edge.key), None)


def guards(alarm: str, record: Record) -> bool:
    """Whether an alarm was made to watch the live release, or the one under way."""
    live, target = record.live, record.target
    return (live is not None and alarm in (*live.alarms, *live.guarded_by)) or (
        target is not None and alarm in (*target.alarms, *target.guarded_by)
    )


def _counts_against(live: Live, edge: Edge, record: Record, bake: timedelta, now: datetime) -> Response:
    over = live.released_at + bake
    minutes = round(bake.total_seconds() / 60)
    if edge.at < live.released_at:
        return Response("tell", f"it was red before version {live.version} came into service")
    if edge.at > over:
        return Response("tell", f"the {minutes} minutes after the release in which an alarm counts are over")
    barred = record.bars(live.version)
    begun = barred is not None and not barred.rejected and not barred.refusal
    if now > over + _LATE and not begun:
        return Response("tell", "it was heard of too late to take anything back")
    if barred is not None and not begun:
        return Response("tell", f"version {live.version} is being taken back already")
    if live.fell_back:
        # Whatever is wrong was wrong with the version before, too; and something must serve.
        return Response(
            "tell", f"version {live.version} is what was gone back to; the version may not be to blame"
        )
    return Response("reject", _reason(minutes, live.version))


def _reason(minutes: int, version: int) -> str:
    return f"it became red within {minutes} minutes after version {version} came into service"
