"""A CloudWatch alarm changed: connect it with the release that may have caused it, take that back, tell on-call once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from math import ceil
from typing import Any, Protocol

from stationkeeper.alarms.memory import AlarmMemory, Edge
from stationkeeper.alarms.response import guards, response_to, taken_back_by
from stationkeeper.alarms.subject import (
    children_in_description,
    children_of,
    endpoints_in,
    endpoints_in_description,
)
from stationkeeper.alarms.telling import Context, alarm_event
from stationkeeper.alarms.thread import Later, Tell, next_message
from stationkeeper.alarms.words import measured, watches
from stationkeeper.alerts.text import plain
from stationkeeper.errors import MemoryConflict
from stationkeeper.events.alarm import AlarmStateChange, alarm_name_of
from stationkeeper.events.alarm_trigger import LOOK_AT_ALARMS, AlarmTrigger
from stationkeeper.events.release_trigger import LOOK_AGAIN
from stationkeeper.reactions.opt_in import OptIn
from stationkeeper.reactions.outbox import EventBus, entry, say_what_is_pending
from stationkeeper.releases.names import is_resource_name
from stationkeeper.releases.record import Barred, Record
from stationkeeper.releases.settings import ReleaseSettings, StackDefaults, settings_of
from stationkeeper.reports.newest import NewestRun
from stationkeeper.severity import Severity
from stationkeeper.tags import TagReader
from stationkeeper.telemetry import logger, metrics, note_latency

_LOOKS = 8
_AUTOSCALING = "TargetTracking-"
"""Begins the names of the alarms that target tracking scales by: red is their way of working."""
_MADE = "Unchecked: Initial alarm creation"
"""CloudWatch's words for the first state of an alarm."""
_GENERATIONS = 3
"""How deep composite alarms are followed into each other."""
_EVENT_DUE_WITHIN = timedelta(minutes=2)
"""Younger changes are left to their own events."""
_LONGEST_DELAY_SECONDS = 900
_NEXT = timedelta(milliseconds=1)


class AlarmSight(Protocol):
    def tags(self, alarm_arn: str) -> dict[str, str]: ...
    def described(self, names: Iterable[str]) -> dict[str, Mapping[str, Any]]: ...


class AlarmMemories(Protocol):
    def recall(self, endpoint: str) -> AlarmMemory: ...
    def remember(self, endpoint: str, memory: AlarmMemory) -> AlarmMemory:
        """Store a memory over the version it came from; `MemoryConflict` when somebody stored another one since."""


class ReleaseRecords(Protocol):
    def recall(self, endpoint: str) -> Record: ...
    def remember(self, endpoint: str, record: Record) -> Record: ...


class Registry(Protocol):
    def reject(self, package_arn: str, reason: str) -> str:
        """Reject a version in the registry; why that was refused, or ""."""


class NewestRuns(Protocol):
    def of(self, endpoint: str) -> tuple[NewestRun, ...]: ...


class Queue(Protocol):
    def send(self, messages: Iterable[dict[str, object]], delay_seconds: int = 0) -> None: ...


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


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an alarm's change: the record it was answered by, and the version that was taken back."""

    record: Record
    taken_back: Barred | None = None


@dataclass(frozen=True, slots=True)
class AlarmResponse:
    """The reaction, over its ports.

    Calls of AWS: docs/architecture.md lists them, tests/integration/test_alarm_calls.py counts them.
    """

    sight: AlarmSight
    memories: AlarmMemories
    releases: ReleaseRecords
    opt_in: OptIn
    stack: StackDefaults
    registry: Registry
    newest_runs: NewestRuns
    bus: EventBus
    own_queue: Queue
    release_queue: Queue
    now: Callable[[], datetime]

    def react(self, trigger: AlarmTrigger) -> None:
        now = max(self.now(), trigger.time)
        if trigger.change is None:
            self._at_endpoint(trigger.endpoint, trigger, None, now)
        else:
            self._changed(trigger.change, trigger, max(now, trigger.change.at))
        note_latency(trigger.time, self.now(), "alarm_response")

    def _changed(self, change: AlarmStateChange, trigger: AlarmTrigger, now: datetime) -> None:
        state = change.detail.state
        if state.value == "INSUFFICIENT_DATA":
            _ignored("an alarm without data is as red as it was")
            return
        if change.muted and state.actions_suppressed_by != "WaitPeriod":
            _ignored(f"it is {change.muted}")
            return
        if change.detail.alarm_name.startswith(_AUTOSCALING):
            _ignored("it is autoscaling's own")
            return
        alarm = Alarm(change, self.sight, now)
        endpoints = alarm.endpoints()
        if not endpoints:
            _ignored("it is about no endpoint that anybody named")
        for endpoint in endpoints:
            self._at_endpoint(endpoint, trigger, alarm, now)

    def _at_endpoint(self, endpoint: str, trigger: AlarmTrigger, alarm: Alarm | None, now: datetime) -> None:
        named = {"alarm": plain(alarm.change.identity, 255)} if alarm else {}
        with logger.append_context_keys(endpoint=plain(endpoint, 63), **named):
            for _ in range(_LOOKS):
                try:
                    self._look(endpoint, trigger, alarm, now)
                    return
                except MemoryConflict:
                    logger.info("Another copy was faster; looking again", extra={"decision": "again"})
        raise MemoryConflict(f"alarms of {endpoint} changed {_LOOKS} times meanwhile; tried again later")

    def _look(self, endpoint: str, trigger: AlarmTrigger, alarm: Alarm | None, now: datetime) -> None:
        memory = self._say(endpoint, self.memories.recall(endpoint))
        known = alarm is not None and memory.has_seen(alarm.plain_edge)
        if not memory.pending and (known or (alarm is None and not memory.red)):
            logger.info("Nothing to do", extra={"decision": "known"})
            return
        record = self.releases.recall(endpoint)
        settings = self._settings(record)
        done = Done(record=record)
        after = memory
        if alarm is None:
            after = self._with_truth(memory, now)
        elif not memory.has_seen(alarm.plain_edge):
            if not record.group_arn and not alarm.is_tagged_for(endpoint):
                _ignored("its endpoint is not managed, and it is not tagged for it")
                return
            edge = alarm.edge(endpoint, record)
            after = _with_what_came_before(memory, alarm).with_edge(edge)
            if edge.state == "ALARM" and edge in after.pending:
                answered, done = self._respond(endpoint, edge, record, settings, after, trigger, now)
                after = after.with_answer(answered)
        self._tell(endpoint, trigger, memory, after, done, settings, now)

    def _settings(self, record: Record) -> ReleaseSettings | None:
        if not record.group_arn:
            return None
        tags = self.opt_in.tags_of(record.group_arn, record.endpoint)
        settings = settings_of(tags or {}, self.stack, record.endpoint)
        return settings if isinstance(settings, ReleaseSettings) else None

    def _respond(
        self,
        endpoint: str,
        edge: Edge,
        record: Record,
        settings: ReleaseSettings | None,
        memory: AlarmMemory,
        trigger: AlarmTrigger,
        now: datetime,
    ) -> tuple[Edge, Done]:
        """What an alarm that became red calls for, done; the edge says what that was."""
        response = response_to(edge, record, settings.bake_minutes if settings else 0, now)
        logger.info("Decided", extra={"decision": response.kind, "reason": response.because})
        answered = edge.model_copy(update={"response": response.kind, "because": response.because})
        if response.kind != "reject":
            return answered, Done(record)
        told = next_message(memory, endpoint, now, urgent=True)
        incident = told.incident.id if isinstance(told, Tell) else ""
        barred = self._take_back(endpoint, edge, record, incident, trigger, now)
        return answered, Done(record, barred)

    def _take_back(
        self, endpoint: str, edge: Edge, record: Record, incident: str, trigger: AlarmTrigger, now: datetime
    ) -> Barred:
        """Bar the live version, reject it in the registry, and have `release` look.

        Barred first: `release` looks as soon as the version is rejected, and should know why; and whoever tries again after a crash
        finds what was done. Each call can be made again.
        """
        barred = taken_back_by(edge, record)
        live = record.live
        if barred is None:
            assert live is not None
            barred = Barred(
                version=live.version,
                package_arn=live.package_arn,
                at=now,
                reason=plain(f"the alarm {edge.alarm} became red after its release", 300),
                rejected=False,
                incident=incident,
                alarm=edge.key,
            )
            self.releases.remember(endpoint, record.with_bar(barred))
        if not barred.rejected and not barred.refusal:
            said = f"Rejected by Stationkeeper: {barred.reason}"
            refusal = self.registry.reject(barred.package_arn, said)
            barred = barred.model_copy(update={"rejected": not refusal, "refusal": plain(refusal, 300)})
            self._note_rejection(endpoint, barred)
            metrics.count("VersionsTakenBack")
        self.release_queue.send([_look_again(record, trigger)])
        return barred

    def _note_rejection(self, endpoint: str, answered: Barred) -> None:
        """What the registry said; `release` may be at the record at the same moment."""
        for _ in range(_LOOKS):
            record = self.releases.recall(endpoint)
            barred = record.bars(answered.version)
            if barred is None or barred.rejected:
                return
            update = {"rejected": answered.rejected, "refusal": answered.refusal}
            try:
                self.releases.remember(endpoint, record.with_bar(barred.model_copy(update=update)))
                return
            except MemoryConflict:
                continue
        raise MemoryConflict(f"the record of {endpoint} changed {_LOOKS} times meanwhile; tried again later")

    def _with_truth(self, memory: AlarmMemory, now: datetime) -> AlarmMemory:
        """The memory, without alarms that are gone, or are OK though no event said so."""
        red = {name: watched for name, watched in memory.alarms.items() if watched.red}
        described = self.sight.described(alarm_name_of(watched.arn) for watched in red.values())
        for name, watched in red.items():
            alarm = described.get(alarm_name_of(watched.arn))
            ended = now if alarm is None else _ok_since(alarm)
            if ended is None or (alarm is not None and now - ended < _EVENT_DUE_WITHIN):
                continue
            over = Edge(
                alarm=name,
                arn=watched.arn,
                state="OK",
                at=max(ended, watched.changed_at + _NEXT),
                noted_at=now,
                looked=True,
            )
            found = "" if alarm is not None else "it was deleted"
            memory = memory.with_edge(over.model_copy(update={"measured": found}))
        return memory

    def _tell(
        self,
        endpoint: str,
        trigger: AlarmTrigger,
        before: AlarmMemory,
        memory: AlarmMemory,
        done: Done,
        settings: ReleaseSettings | None,
        now: datetime,
    ) -> None:
        message = next_message(memory, endpoint, now, urgent=done.taken_back is not None)
        if trigger.change is not None and isinstance(message, Tell) and len(memory.red) > 1:
            # What is said of the others is to be true.
            memory = self._with_truth(memory, now)
            message = next_message(memory, endpoint, now, urgent=True)
        if isinstance(message, Tell):
            context = Context(
                endpoint=done.record.endpoint or endpoint,
                account=trigger.account,
                region=trigger.region,
                on_call=settings.on_call if settings else self.stack.on_call,
                event_id=trigger.id,
                at=now,
                record=done.record,
                newest_runs=self.newest_runs.of(endpoint),
            )
            event = alarm_event(message, context, done.taken_back)
            logger.info(
                "Tells",
                extra={
                    "decision": message.kind,
                    "incident": event.incident,
                    "severity": event.severity.value,
                },
            )
            metrics.count("AlarmEdges", len(message.edges))
            outbox = (*message.after.outbox, entry(event))
            self._say(
                endpoint,
                self.memories.remember(endpoint, message.after.model_copy(update={"outbox": outbox})),
            )
            return
        if memory is not before:
            self.memories.remember(endpoint, memory)
        if isinstance(message, Later):
            # Sent after what is pending was written down: after a crash in between, the retry sends it. Lambda stops a function that
            # calls itself in a circle 16 times; a look that finds nothing due yet asks for the next one five times at most.
            logger.info("Gathers", extra={"decision": "gathered", "due": message.due.isoformat()})
            self.own_queue.send([_look_at_alarms(endpoint, message.due, trigger)], _delay(message.due, now))

    def _say(self, endpoint: str, memory: AlarmMemory) -> AlarmMemory:
        return say_what_is_pending(
            memory,
            self.bus,
            remember=lambda one: self.memories.remember(endpoint, one),
            recall=lambda: self.memories.recall(endpoint),
            whose=f"the alarms of {endpoint}",
        )


def _with_what_came_before(memory: AlarmMemory, alarm: Alarm) -> AlarmMemory:
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


def _look_at_alarms(endpoint: str, due: datetime, trigger: AlarmTrigger) -> dict[str, object]:
    return _message(LOOK_AT_ALARMS, trigger, {"endpoint": endpoint}, due)


def _look_again(record: Record, trigger: AlarmTrigger) -> dict[str, object]:
    of_another_account = record.group_arn.split(":")[4:5] != [trigger.account]
    where = {"group_arn": record.group_arn}
    return _message(
        LOOK_AGAIN,
        trigger,
        {**where, "endpoint": record.endpoint} if of_another_account else where,
        trigger.time,
    )


def _message(
    detail_type: str, trigger: AlarmTrigger, detail: dict[str, str], at: datetime
) -> dict[str, object]:
    return {
        # Its log lines are found by the event that made it.
        "id": trigger.id,
        "source": "stationkeeper",
        "detail-type": detail_type,
        "account": trigger.account,
        "region": trigger.region,
        "time": at.isoformat(),
        "detail": detail,
    }


def _delay(due: datetime, now: datetime) -> int:
    return min(_LONGEST_DELAY_SECONDS, max(0, ceil((due - now).total_seconds())))


def _ignored(why: str) -> None:
    metrics.count("AlarmsIgnored")
    logger.info("Ignored", extra={"decision": "ignored", "reason": why})
