"""When alarms of an endpoint are told, so that a storm is one thread and not forty e-mails: a pure function over the memory.

The first red alarm is told at once, and so is one that is worse than what was told. Otherwise the messages of an incident are at least three
minutes apart, then ten, then fifteen; what happens in between is gathered. An incident is over when no alarm was red for three minutes; one that
begins again within the hour is the same.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from stationkeeper.alarms.memory import AlarmMemory, Edge, Incident
from stationkeeper.events.domain import stable_id

_APART = (timedelta(minutes=3), timedelta(minutes=10), timedelta(minutes=15))
"""SQS delays a message by 15 minutes at most."""
_MOST_GATHERED = 300
"""Told at once, before the memory forgets the oldest."""
_NAMED_KEPT = 100
_QUIET = timedelta(minutes=3)
_SAME_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Later:
    """Something is to be told, not before `due`."""

    due: datetime


@dataclass(frozen=True, slots=True)
class Tell:
    """What is to be told now, and the memory once it is."""

    kind: Literal["raised", "cleared"]
    edges: tuple[Edge, ...]
    incident: Incident
    first: bool
    after: AlarmMemory


def next_message(
    memory: AlarmMemory, endpoint: str, now: datetime, *, urgent: bool = False
) -> Tell | Later | None:
    """What on-call is to be told of the changes that are pending.

    Parameters
    ----------
    urgent : something was done about one of them; on-call should know at once.
    """
    if not memory.pending:
        return None
    known = memory.incident
    # Counted to when it was heard of: what is gathered past the hour still belongs to the incident it was gathered for.
    heard_at = min(edge.noted_at for edge in memory.pending)
    goes_on = known is not None and (known.closed_at is None or heard_at - known.closed_at < _SAME_WITHIN)
    if known is None or not goes_on:
        began = min(edge.red_since or edge.at for edge in memory.pending)
        incident = Incident(
            id=stable_id(endpoint.lower(), "alarm", began.isoformat(), known.id if known else "")[:8],
            since=began,
        )
        return _tell(memory, incident, now, first=True)
    if not urgent and not _is_worse(memory, known) and len(memory.pending) < _MOST_GATHERED:
        due = _due(memory, known)
        if now < due:
            return Later(due)
        quiet_at = max(edge.noted_at for edge in memory.pending) + _QUIET
        if not _raised(memory) and now < min(quiet_at, due + _APART[-1]):
            return Later(quiet_at)
    return _tell(memory, known, now, first=False)


def _is_worse(memory: AlarmMemory, incident: Incident) -> bool:
    """Whether something went red that is worse than all that was told of this incident; after all was clear, any other alarm is."""
    return any(
        edge.severity > incident.worst
        or (incident.closed_at is not None and edge.alarm not in incident.named)
        for edge in _raised(memory)
    )


def _raised(memory: AlarmMemory) -> list[Edge]:
    """Changes to red that are not over by now."""
    red = frozenset(memory.red)
    return [edge for edge in memory.pending if edge.state == "ALARM" and edge.alarm in red]


def _due(memory: AlarmMemory, incident: Incident) -> datetime:
    """When the incident may make its next message."""
    heard_at = min(edge.noted_at for edge in memory.pending)
    if incident.told_at is None:
        return heard_at
    return max(heard_at, incident.told_at + _APART[min(max(incident.told, 1), len(_APART)) - 1])


def _tell(memory: AlarmMemory, incident: Incident, now: datetime, *, first: bool) -> Tell:
    raised = _raised(memory)
    worst = max((incident.worst, *(edge.severity for edge in raised)))
    told = incident.model_copy(
        update={
            "told": incident.told + 1,
            "told_at": now,
            "worst": worst,
            "named": tuple(dict.fromkeys((*incident.named, *(edge.alarm for edge in raised))))[-_NAMED_KEPT:],
            "closed_at": None if memory.red else now,
        }
    )
    return Tell(
        kind="raised" if raised else "cleared",
        edges=memory.pending,
        incident=told,
        first=first,
        after=memory.model_copy(update={"incident": told, "pending": ()}),
    )
