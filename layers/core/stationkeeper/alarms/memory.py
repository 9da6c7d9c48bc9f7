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
_MOST_ALARMS = 600
"""More than the 500 time series one alarm may watch."""
_FORGOTTEN_AFTER = timedelta(days=7)
_PENDING_KEPT = 800
_HEARD_KEPT = 20
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
    """Whether nobody told of it: a look, or a later event, shows that it was so."""
    response: Literal["tell", "deploying", "reject"] = "tell"
    because: str = ""
    """What was done about it, and why not more."""

    @property
    def key(self) -> str:
        return stable_id(self.alarm, self.state, self.at.isoformat())[:12]


class Heard(_Remembered):
    """An event of an alarm; `told` where it was an edge."""

    state: Literal["ALARM", "OK"]
    at: AwareDatetime
    told: bool = False
    looked: bool = False
    """Whether a look found it; its event may come yet."""


class Watched(_Remembered):
    """An alarm as its events show it."""

    arn: str
    heard: tuple[Heard, ...] = ()
    """Its newest events in the order they happened."""
    red_since: AwareDatetime | None = None
    """Since when it is red, or was red last."""
    deploying: str = ""
    """The config that was being deployed when it became red, and that SageMaker would have rolled back for it."""

    @property
    def red(self) -> bool:
        return bool(self.heard) and self.heard[-1].state == "ALARM"

    @property
    def changed_at(self) -> datetime:
        return self.heard[-1].at


class Incident(_Remembered):
    """All that is told of alarms of one endpoint, from the first red one until none is."""

    id: str
    since: AwareDatetime
    told: int = 0
    """How many messages it has made."""
    told_at: AwareDatetime | None = None
    """When it made the last one."""
    worst: Severity = Severity.INFO
    """Of the red alarms it has told of."""
    named: tuple[str, ...] = ()
    """Alarms it has told of as red."""
    closed_at: AwareDatetime | None = None


class AlarmMemory(_Remembered):
    alarms: Mapping[str, Watched] = Field(default_factory=dict)
    incident: Incident | None = None
    pending: tuple[Edge, ...] = ()
    """Edges that are not told yet, in the order they happened."""
    seen: tuple[str, ...] = ()
    """Keys of the edges whose events came, newest last."""
    look_at: AwareDatetime | None = None
    """When a look is due that was asked for last."""
    outbox: tuple[Mapping[str, str], ...] = ()
    version: int = 0
    """Orders writes; 0 means nothing is stored."""

    @property
    def red_while_deploying(self) -> list[tuple[Edge, str]]:
        """The changes by which alarms became red while a config was being deployed, of those that still are; and that config."""
        return [
            (
                Edge(
                    alarm=name,
                    arn=watched.arn,
                    state="ALARM",
                    at=watched.red_since,
                    noted_at=watched.red_since,
                    guards=True,
                ),
                watched.deploying,
            )
            for name, watched in self.alarms.items()
            if watched.red and watched.deploying and watched.red_since is not None
        ]

    @property
    def red(self) -> tuple[str, ...]:
        return tuple(sorted(name for name, watched in self.alarms.items() if watched.red))

    def has_seen(self, edge: Edge) -> bool:
        return edge.key in self.seen

    def with_answer(self, answered: Edge, deploying: str = "") -> "AlarmMemory":
        """With what was done about an edge that is to be told; `deploying` is the config it was left to SageMaker to roll back."""
        pending = tuple(answered if edge.key == answered.key else edge for edge in self.pending)
        watched = self.alarms[answered.alarm].model_copy(update={"deploying": deploying})
        return self.model_copy(
            update={"pending": pending, "alarms": {**self.alarms, answered.alarm: watched}}
        )

    def with_edge(self, edge: Edge) -> "AlarmMemory":
        """The memory once an alarm's change was heard of; the same memory when it was heard of before."""
        if self.has_seen(edge):
            return self
        known = self.alarms.get(edge.alarm) or Watched(arn=edge.arn)
        if any(_is_same(heard, edge) for heard in known.heard if heard.looked):
            return self.model_copy(update={"seen": (*self.seen, edge.key)[-_SEEN_KEPT:]})
        after, edges = _with_event(known, edge)
        alarms = _bounded({**self.alarms, edge.alarm: after}, edge.noted_at)
        pending = sorted((*self.pending, *edges), key=lambda one: one.at)[-_PENDING_KEPT:]
        return self.model_copy(
            update={
                "alarms": alarms,
                "pending": tuple(pending),
                "seen": (*self.seen, edge.key)[-_SEEN_KEPT:],
            }
        )


def _is_same(found: Heard, edge: Edge) -> bool:
    """Whether a look found this change before its event came; the API's clock and the event's may differ a little."""
    return found.state == edge.state and abs(edge.at - found.at) < _SAME_CHANGE


def _with_event(known: Watched, edge: Edge) -> tuple[Watched, list[Edge]]:
    """An alarm once an event of it was heard of, and what is an edge now: that event, the one after it, both, or none.

    An event is an edge when the one before it, of those heard of, is of the other state. A late one may make an edge of the next.
    """
    place = sum(heard.at <= edge.at for heard in known.heard)
    heard = [
        *known.heard[:place],
        Heard(state=edge.state, at=edge.at, looked=edge.looked),
        *known.heard[place:],
    ]
    forgot = len(known.heard) == _HEARD_KEPT
    edges: list[Edge] = []
    for index in range(place, min(place + 2, len(heard))):
        one = heard[index]
        before = heard[index - 1].state if index else None
        if one.told or before == one.state or (before is None and one.state == "OK" and not forgot):
            continue
        heard[index] = one.model_copy(update={"told": True})
        since = _red_from(heard, index - 1) if one.state == "OK" else None
        if forgot and since == heard[0].at:
            since = known.red_since  # it was red before what is remembered
        edges.append(
            edge.model_copy(update={"red_since": since})
            if index == place
            else edge.model_copy(
                update={"state": one.state, "at": one.at, "measured": "", "red_since": since}
            )
        )
    newest = len(heard) - 1 if heard[-1].state == "ALARM" else len(heard) - 2
    began = _red_from(heard, newest)
    if known.red_since and (began is None or (forgot and began == heard[0].at)):
        began = known.red_since
    return Watched(arn=edge.arn, heard=tuple(heard[-_HEARD_KEPT:]), red_since=began), edges


def _red_from(heard: list[Heard], index: int) -> datetime | None:
    """Since when an alarm was red at one of its events, as far as is known."""
    since = None
    while index >= 0 and heard[index].state == "ALARM":
        since, index = heard[index].at, index - 1
    return since


def _bounded(alarms: dict[str, Watched], now: datetime) -> dict[str, Watched]:
    """Where there are many: without those that were quiet for long; at most so many, the red and the newest ones."""
    if len(alarms) <= _ALARMS_KEPT:
        return alarms
    kept = [one for one in alarms.items() if one[1].red or now - one[1].changed_at < _FORGOTTEN_AFTER]
    return dict(sorted(kept, key=lambda one: (one[1].red, one[1].changed_at))[-_MOST_ALARMS:])
