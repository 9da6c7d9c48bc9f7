"""How alarms, their changes and what else is known of their endpoint are said in plain words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from stationkeeper.alerts.layout import listed
from stationkeeper.alerts.phrases import BLIND
from stationkeeper.alerts.release_phrases import by_whom, version_words
from stationkeeper.alerts.text import count, lasting, moment, plain
from stationkeeper.events.alarm_events import AlarmEdge, AlarmEvent, OpenMonitor

_LISTED = 12
_EXPLAINED = 3
"""In a storm, the first few tell what is going on; of the others the name will do."""
_NAME_CHARACTERS = 80
_DETAIL_CHARACTERS = 200
_MUCH_LATER = timedelta(days=1)
"""An alarm longer after a release than this is hardly about it."""


@dataclass(frozen=True, slots=True)
class Changed:
    """One alarm and what it did, in the order it happened."""

    name: str
    edges: tuple[AlarmEdge, ...]

    @property
    def raised(self) -> tuple[AlarmEdge, ...]:
        return tuple(edge for edge in self.edges if edge.state == "ALARM")

    @property
    def red(self) -> bool:
        """Whether it is red after all of them."""
        return self.edges[-1].state == "ALARM"


def changed(event: AlarmEvent) -> tuple[Changed, ...]:
    """Each alarm once, the first to change first."""
    edges: dict[str, list[AlarmEdge]] = {}
    for edge in event.edges:
        edges.setdefault(edge.alarm, []).append(edge)
    return tuple(Changed(name, tuple(its)) for name, its in edges.items())


def changes(title: str, alarms: Iterable[Changed], now: datetime) -> str:
    """What each alarm did, what it measures and found; "" when there is none."""
    alarms = tuple(alarms)
    if not alarms:
        return ""
    explained = len(alarms) if len(alarms) <= _EXPLAINED + 1 else _EXPLAINED
    lines = [
        line
        for index, alarm in enumerate(alarms[:_LISTED])
        for line in _lines(alarm, now)[: None if index < explained else 1]
    ]
    if len(alarms) > _LISTED:
        lines.append(f"... and {len(alarms) - _LISTED:,} more")
    return listed(title, lines)


def untold(event: AlarmEvent) -> str:
    """That there were more changes than the event holds."""
    more = event.edge_count - len(event.edges)
    return f"There were {count(more, 'more change')}, of these alarms and others." if more > 0 else ""


def _lines(alarm: Changed, now: datetime) -> list[str]:
    """One line for what it did, up to two for why."""
    last = alarm.raised[-1] if alarm.raised else alarm.edges[-1]
    guards = " (guards releases)" if any(edge.guards for edge in alarm.edges) else ""
    lines = [f"{plain(alarm.name, _NAME_CHARACTERS)}: {_did(alarm, now)}{guards}"]
    details = (("watches", last.watches), ("found", last.measured if last.state == "ALARM" else ""))
    return lines + [f"  {name:<9}{plain(text, _DETAIL_CHARACTERS)}" for name, text in details if text]


def _did(alarm: Changed, now: datetime) -> str:
    last = alarm.edges[-1]
    times = len(alarm.raised)
    if last.state == "ALARM":
        since = f"red since {clock(last.at, now)}"
        return since if times == 1 else f"red {times} times, the last since {clock(last.at, now)}"
    if times > 1:
        return f"red {times} times, clear since {clock(last.at, now)}"
    began = last.red_since or (alarm.raised[-1].at if alarm.raised else None)
    after = f", was red for {lasting(last.at - began)}" if began is not None else ""
    return f"clear since {clock(last.at, now)}{after}"


def clock(at: datetime, now: datetime) -> str:
    """A moment of the last hours: its date only where that is another one than now."""
    same_day = moment(at).rsplit(" ", 2)[0] == moment(now).rsplit(" ", 2)[0]
    return " ".join(moment(at).rsplit(" ", 2)[1:]) if same_day else moment(at)


def still_red(event: AlarmEvent, alarms: Iterable[Changed]) -> str:
    """What is red besides the alarms that this message is about."""
    told = {alarm.name for alarm in alarms if alarm.red}
    names = [plain(name, _NAME_CHARACTERS) for name in event.red if name not in told]
    more = max(event.red_count - len(told), len(names)) - len(names)
    return listed("STILL RED", names, more) if names else ""


def console_names(event: AlarmEvent, alarms: Iterable[str]) -> tuple[str, ...]:
    """What CloudWatch calls these alarms: the name of one time series of an alarm is not the alarm's."""
    arns = {edge.alarm: edge.alarm_arn for edge in event.edges}
    return tuple(dict.fromkeys(arns.get(name, "").partition(":alarm:")[2] or name for name in alarms))


def live_facts(event: AlarmEvent) -> tuple[tuple[str, str], ...]:
    """The release that serves, and the one under way."""
    live = "no version that Stationkeeper released"
    if event.version is not None:
        live = f"version {event.version}{f' of {event.group}' if event.group else ''}"
    approved = ", ".join(
        filter(None, (by_whom(event.approved_by), moment(event.approved_at) if event.approved_at else ""))
    )
    return (
        ("Live", live),
        ("Released", _released(event)),
        ("Approved", approved),
        ("Replaced", version_words(event.replaced) if event.replaced is not None else ""),
        (
            "Releasing",
            f"{version_words(event.releasing)}, under way now" if event.releasing is not None else "",
        ),
        ("Variant", event.variant),
    )


def _released(event: AlarmEvent) -> str:
    if event.released_at is None:
        return ""
    gap = event.since - event.released_at
    order = "before" if gap >= timedelta(0) else "after"
    return f"{moment(event.released_at)}, {lasting(abs(gap))} {order} the first alarm"


def after_release(event: AlarmEvent) -> str:
    """`12 minutes after version 8 came into service`, where that may be the reason; else ""."""
    if event.version is None or event.released_at is None:
        return ""
    gap = event.since - event.released_at
    if not timedelta(0) <= gap <= _MUCH_LATER:
        return ""
    return f"{lasting(gap)} after version {event.version} came into service"


def open_monitors(monitors: tuple[OpenMonitor, ...]) -> str:
    """What the monitors of the endpoint say at the same time; "" when they say nothing."""
    shown = [f"{plain(one.schedule, _NAME_CHARACTERS)}: {_monitor_words(one)}" for one in monitors[:_LISTED]]
    return listed("WHAT ITS MONITORS SAY", shown, len(monitors) - len(shown)) if shown else ""


def _monitor_words(monitor: OpenMonitor) -> str:
    found = count(monitor.violations, "violation") if monitor.violations is not None else ""
    severity = f"({monitor.severity.value})" if monitor.severity is not None else ""
    known = BLIND.get(monitor.blind)
    blind = (
        f"blind, {known.short if known else plain(monitor.blind, _DETAIL_CHARACTERS)}"
        if monitor.blind
        else ""
    )
    return "; ".join(filter(None, (" ".join(filter(None, (found, severity))), blind))) or "something is open"
