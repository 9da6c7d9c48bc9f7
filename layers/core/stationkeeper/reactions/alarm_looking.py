"""Looking at alarms: which endpoint one is about, how bad it is, and how those that are red stand now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Protocol

from stationkeeper.alarms.memory import AlarmMemory, Edge
from stationkeeper.alarms.response import guards
from stationkeeper.alarms.subject import (
    children_in_description,
    children_of,
    endpoints_in,
    endpoints_in_description,
)
from stationkeeper.alarms.words import measured, watches
from stationkeeper.alerts.text import plain
from stationkeeper.events.alarm import AlarmStateChange, alarm_name_of
from stationkeeper.releases.names import is_resource_name
from stationkeeper.releases.record import Record
from stationkeeper.severity import Severity
from stationkeeper.tags import TagReader

_MADE = "Unchecked: Initial alarm creation"
"""CloudWatch's words for the first state of an alarm."""
_GENERATIONS = 3
"""How deep composite alarms are followed into each other."""
_EVENT_DUE_WITHIN = timedelta(minutes=2)
"""Younger changes are left to their own events."""


class AlarmSight(Protocol):
    def tags(self, alarm_arn: str) -> dict[str, str]: ...
    def described(self, names: Iterable[str]) -> dict[str, Mapping[str, Any]]: ...


@dataclass(frozen=True)
class Alarm:
    """An alarm's change; its tags are looked up when they are needed first."""

    change: AlarmStateChange
    sight: AlarmSight
    noted_at: datetime

    @cached_property
    def tags(self) -> Mapping[str, str]:
        propagated = self.change.detail.alarm_tags
        if propagated is not None:
            return {key: value or "" for key, value in propagated.items()}
        return self.sight.tags(self.change.alarm_arn)

    @cached_property
    def plain_edge(self) -> Edge:
        """The change before anything was looked up for it."""
        detail = self.change.detail
        return Edge(
            alarm=plain(self.change.identity, 255),
            arn=self.change.alarm_arn,
            state="ALARM" if detail.state.value == "ALARM" else "OK",
            at=self.change.at,
            noted_at=self.noted_at,
            watches=watches(detail),
            measured=measured(detail),
        )

    def edge(self, endpoint: str, record: Record) -> Edge:
        """The change, with how bad it is and whether it counts against releases."""
        made_for_releases = guards(self.change.detail.alarm_name, record)
        guarding = (made_for_releases or self.is_tagged_for(endpoint)) and not self.change.muted
        chosen = TagReader(self.tags).choice("severity", tuple(severity.value for severity in Severity))
        default = Severity.CRITICAL if guarding else Severity.WARNING
        severity = Severity(chosen) if chosen else default
        return self.plain_edge.model_copy(update={"severity": severity, "guards": guarding})

    def is_tagged_for(self, endpoint: str) -> bool:
        return TagReader(self.tags).text("endpoint").lower() == endpoint.lower()

    def endpoints(self) -> tuple[str, ...]:
        """The endpoints it is about: from what it measures, from its tags, from its children."""
        detail = self.change.detail
        if measured_at := endpoints_in(detail, account=self.change.account):
            return measured_at
        if is_resource_name(tagged := TagReader(self.tags).text("endpoint")):
            return (tagged,)
        children = children_of(detail)
        for _ in range(_GENERATIONS):
            if not children:
                break
            described = self.sight.described(children).values()
            found = dict.fromkeys(name for one in described for name in endpoints_in_description(one))
            if found:
                return tuple(found)
            children = tuple(name for one in described for name in children_in_description(one))
        return ()


def with_truth(memory: AlarmMemory, sight: AlarmSight, now: datetime) -> AlarmMemory:
    """The memory, without alarms that are gone, or are OK though no event said so."""
    red = {name: watched for name, watched in memory.alarms.items() if watched.red}
    described = sight.described(alarm_name_of(watched.arn) for watched in red.values())
    for name, watched in red.items():
        alarm = described.get(alarm_name_of(watched.arn))
        ended = now if alarm is None else _ok_since(alarm)
        if ended is None or ended <= watched.changed_at:
            continue  # red, or CloudWatch's answer is older than what was heard of
        if alarm is not None and now - ended < _EVENT_DUE_WITHIN:
            continue
        over = Edge(
            alarm=name,
            arn=watched.arn,
            state="OK",
            at=ended,
            noted_at=now,
            looked=True,
        )
        found = "" if alarm is not None else "it was deleted"
        memory = memory.with_edge(over.model_copy(update={"measured": found}))
    return memory


def with_what_came_before(memory: AlarmMemory, alarm: Alarm) -> AlarmMemory:
    """The memory, with an end that nobody told of: the alarm was not red before it became red now, or it was made anew."""
    before, change = alarm.change.detail.previous_state, alarm.plain_edge
    watched = memory.alarms.get(change.alarm)
    if (
        before is None
        or before.timestamp is None
        or change.state != "ALARM"
        or watched is None
        or not watched.red
    ):
        return memory
    made_anew = before.value == "INSUFFICIENT_DATA" and (before.reason or "").startswith(_MADE)
    if (before.value != "OK" and not made_anew) or not watched.changed_at < before.timestamp < change.at:
        return memory
    end = {"state": "OK", "at": before.timestamp, "measured": "", "severity": Severity.INFO, "looked": True}
    return memory.with_edge(change.model_copy(update=end))


def _ok_since(alarm: Mapping[str, Any]) -> datetime | None:
    """Since when a described alarm is OK; None when it is not."""
    if alarm.get("StateValue") != "OK":
        return None
    return alarm.get("StateTransitionedTimestamp") or alarm.get("StateUpdatedTimestamp")
