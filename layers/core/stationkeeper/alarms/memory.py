"""What is remembered of an endpoint's alarms: which are red since when, and which of their changes are still to be told.

An edge is a change to ALARM or to OK. INSUFFICIENT_DATA is none: an alarm that lost its data is as red as it was. Each edge is told once,
however often and in whatever order its event comes.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from stationkeeper.events.domain import stable_id
from stationkeeper.severity import Severity

_SEEN_KEPT = 400
_ALARMS_KEPT = 100
_PENDING_KEPT = 400
_TIMES_KEPT = 20
_FORGOTTEN_AFTER = timedelta(days=7)
_SAME_CHANGE = timedelta(seconds=5)


class _Remembered(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Edge(_Remembered):
    """A change of an alarm that is worth telling, with what on-call should know of it."""

    alarm: str
    arn: str
    state: Literal["ALARM", "OK"]
    at: AwareDatetime
    noted_at: AwareDatetime
    """When we heard of it."""
    severity: Severity = Severity.WARNING
    watches: str = ""
    measured: str = ""
    guards: bool = False
    red_since: AwareDatetime | None = None
    looked: bool = False
    """Whether nobody told of it: a look found the alarm so."""

    @property
    def key(self) -> str:
        return stable_id(self.alarm, self.state, self.at.isoformat())[:12]


class Watched(_Remembered):
    """An alarm as its newest event showed it."""

    arn: str
    red: bool
    changed_at: AwareDatetime
    red_since: AwareDatetime | None = None
    swallowed: tuple[AwareDatetime, ...] = ()
    """When it became ALARM though it was red: from INSUFFICIENT_DATA, or from an OK whose event is late."""
    unheard: tuple[AwareDatetime, ...] = ()
    """When it became OK though it was not red as far as we knew: the event of its ALARM may be late."""
    looked: bool = False
    """Whether a look found that it is OK; the event that says so is late."""


class Incident(_Remembered):
    """All that is told of alarms of one endpoint, from the first red one until none is."""

    id: str
    since: AwareDatetime
    told: int = 0
    """How many messages it has made."""
    closed_at: AwareDatetime | None = None


class AlarmMemory(_Remembered):
    alarms: Mapping[str, Watched] = Field(default_factory=dict)
    incident: Incident | None = None
    pending: tuple[Edge, ...] = ()
    """Edges that are not told yet, in the order they happened."""
    seen: tuple[str, ...] = ()
    """Keys of the edges whose events came, newest last."""
    outbox: tuple[Mapping[str, str], ...] = ()
    version: int = 0
    """Orders writes; 0 means nothing is stored."""

    @property
    def red(self) -> tuple[str, ...]:
        return tuple(sorted(name for name, watched in self.alarms.items() if watched.red))

    def has_seen(self, edge: Edge) -> bool:
        return edge.key in self.seen

    def with_edge(self, edge: Edge) -> "AlarmMemory":
        """The memory once an alarm's change was heard of; the same memory when it was heard of before."""
        if self.has_seen(edge):
            return self
        known = self.alarms.get(edge.alarm)
        if known is not None and _is_found_already(known, edge):
            return self.model_copy(update={"seen": (*self.seen, edge.key)[-_SEEN_KEPT:]})
        late = known is not None and edge.at <= known.changed_at
        after, edges = _late(known, edge) if known is not None and late else _next(known, edge)
        alarms = _bounded({**self.alarms, edge.alarm: after}, edge.noted_at)
        pending = sorted((*self.pending, *edges), key=lambda one: one.at)[-_PENDING_KEPT:]
        return self.model_copy(
            update={
                "alarms": alarms,
                "pending": tuple(pending),
                "seen": (*self.seen, edge.key)[-_SEEN_KEPT:],
            }
        )


def _next(known: Watched | None, edge: Edge) -> tuple[Watched, list[Edge]]:
    """A change that is newer than all that is known of its alarm."""
    before = known or Watched(arn=edge.arn, red=False, changed_at=edge.at)
    update: dict[str, object] = {"changed_at": edge.at, "arn": edge.arn, "looked": edge.looked}
    if edge.state == "ALARM":
        if before.red:
            update["swallowed"] = (*before.swallowed, edge.at)[-_TIMES_KEPT:]
            return before.model_copy(update=update), []
        return before.model_copy(update={**update, "red": True, "red_since": edge.at}), [edge]
    if not before.red:
        update["unheard"] = (*before.unheard, edge.at)[-_TIMES_KEPT:]
        return before.model_copy(update=update), []
    told = edge.model_copy(update={"red_since": before.red_since})
    return before.model_copy(update={**update, "red": False}), [told]


def _is_found_already(known: Watched, edge: Edge) -> bool:
    """Whether a look found this change before its event came; the API's clock and the event's may differ a little."""
    return (
        known.looked
        and not known.red
        and edge.state == "OK"
        and abs(edge.at - known.changed_at) < _SAME_CHANGE
    )


def _late(known: Watched, edge: Edge) -> tuple[Watched, list[Edge]]:
    """A change that is older than another one that is known: it is told, and what it explains of later ones; the alarm stays as it is."""
    if edge.state == "ALARM":
        if known.red and known.red_since is not None and known.red_since <= edge.at:
            return known, []  # it was red already
        explained = min((at for at in known.unheard if at > edge.at), default=None)
        if explained is None:
            return known, [edge]
        over = edge.model_copy(
            update={"state": "OK", "at": explained, "red_since": edge.at, "measured": "", "severity": "info"}
        )
        left = tuple(at for at in known.unheard if at != explained)
        return known.model_copy(update={"unheard": left}), [edge, over]
    again = min((at for at in known.swallowed if at > edge.at), default=None)
    if again is None:
        return known, [edge]
    left = tuple(at for at in known.swallowed if at != again)
    raised = edge.model_copy(update={"state": "ALARM", "at": again, "measured": ""})
    since = again if known.red else known.red_since
    return known.model_copy(update={"swallowed": left, "red_since": since}), [edge, raised]


def _bounded(alarms: dict[str, Watched], now: datetime) -> dict[str, Watched]:
    """Without those that were quiet for long, where there are many."""
    if len(alarms) <= _ALARMS_KEPT:
        return alarms
    return {
        name: watched
        for name, watched in alarms.items()
        if watched.red or now - watched.changed_at < _FORGOTTEN_AFTER
    }
