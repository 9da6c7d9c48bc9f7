"""A CloudWatch alarm changed: connect it with the release that may have caused it, take that back, tell on-call once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Protocol

from stationkeeper.alarms.memory import AlarmMemory, Edge
from stationkeeper.alarms.response import response_to, taken_back_by
from stationkeeper.alarms.telling import Context, alarm_event
from stationkeeper.alarms.thread import Later, Tell, next_message
from stationkeeper.alerts.text import plain
from stationkeeper.errors import LookRefused, MemoryConflict
from stationkeeper.events.alarm import AlarmStateChange
from stationkeeper.events.alarm_trigger import LOOK_AT_ALARMS, AlarmTrigger
from stationkeeper.reactions.alarm_looking import Alarm, AlarmSight, with_truth, with_what_came_before
from stationkeeper.reactions.alarm_taking_back import TakingBack
from stationkeeper.reactions.opt_in import OptIn
from stationkeeper.reactions.outbox import EventBus, entry, say_what_is_pending
from stationkeeper.reactions.ports import NewestRuns, Queue, RememberedReleases
from stationkeeper.releases.record import Barred, Record
from stationkeeper.releases.settings import ReleaseSettings, StackDefaults, settings_of
from stationkeeper.reports.newest import NewestRun
from stationkeeper.telemetry import logger, metrics, note_ignored

_LOOKS = 8
_AUTOSCALING = "TargetTracking-"
"""Begins the names of the alarms that target tracking scales by: red is their way of working."""
_LONGEST_DELAY_SECONDS = 900
_ANSWERED_ANEW_AFTER = timedelta(seconds=_LONGEST_DELAY_SECONDS)


class AlarmMemories(Protocol):
    def recall(self, endpoint: str) -> AlarmMemory: ...
    def remember(self, endpoint: str, memory: AlarmMemory) -> AlarmMemory:
        """Store a memory over the version it came from; `MemoryConflict` when somebody stored another one since."""


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
    releases: RememberedReleases
    opt_in: OptIn
    stack: StackDefaults
    taking_back: TakingBack
    newest_runs: NewestRuns
    bus: EventBus
    own_queue: Queue
    now: Callable[[], datetime]

    def react(self, trigger: AlarmTrigger) -> None:
        now = max(self.now(), trigger.time)
        if trigger.change is None:
            self._at_endpoint(trigger.endpoint, trigger, None, now)
        else:
            self._changed(trigger.change, trigger, max(now, trigger.change.at))

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
        if settings is None:  # its releases are nobody's business here, or not any more
            record = Record(endpoint=record.endpoint)
        done = Done(record=record)
        answered: Edge | None = None
        after = memory
        if alarm is None:
            after = with_truth(memory, self.sight, now)
            self._answer_late(endpoint, after, record, settings, trigger, now)
        elif not memory.has_seen(alarm.plain_edge):
            if settings is None and not alarm.is_tagged_for(endpoint):
                _ignored("its endpoint is not managed, and it is not tagged for it")
                return
            edge = alarm.edge(endpoint, record)
            after = with_what_came_before(memory, alarm).with_edge(edge)
            if edge.state == "ALARM" and edge in after.pending:
                answered, done = self._respond(endpoint, edge, record, settings, after, trigger, now)
                deploying = record.target.config if record.target and answered.response == "deploying" else ""
                after = after.with_answer(answered, deploying)
        self._tell(endpoint, trigger, memory, after, done, settings, now)
        if answered is not None:
            metrics.count("AlarmsAnswered", response=answered.response)

    def _answer_late(
        self,
        endpoint: str,
        memory: AlarmMemory,
        record: Record,
        settings: ReleaseSettings | None,
        trigger: AlarmTrigger,
        now: datetime,
    ) -> None:
        """Take back what alarms speak against that went red while it was being deployed, as we thought: it was in service already.

        What follows is told in their thread by `release`.
        """
        for edge, config in memory.red_while_deploying:
            if record.live is None or record.live.config != config:
                continue
            response = response_to(edge, record, settings.bake_minutes if settings else 0, now)
            if response.kind == "reject" and taken_back_by(edge, record) is None:
                logger.info("Decided", extra={"decision": "reject", "reason": response.because})
                incident = memory.incident.id if memory.incident else ""
                self.taking_back.take_back(endpoint, edge, record, incident, trigger, now)
                return

    def _settings(self, record: Record) -> ReleaseSettings | None:
        if not record.group_arn:
            return None
        tags = self.opt_in.tags_of(record.group_arn, record.endpoint)
        settings = settings_of(tags, self.stack, record.endpoint) if tags else None
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
        if response.kind == "deploying":
            # Should it be in service already, and nobody have noted it yet, a look answers anew.
            self.own_queue.send(
                [_look_at_alarms(endpoint, now + _ANSWERED_ANEW_AFTER, trigger)], _LONGEST_DELAY_SECONDS
            )
        if response.kind != "reject":
            return answered, Done(record)
        told = next_message(memory, endpoint, now, urgent=True)
        incident = told.incident.id if isinstance(told, Tell) else ""
        barred = self.taking_back.take_back(endpoint, edge, record, incident, trigger, now)
        return answered, Done(record, barred)

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
            memory = with_truth(memory, self.sight, now)
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
                newest_runs=self._newest_runs(endpoint),
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
        asked = memory.look_at is not None and now < memory.look_at <= (message.due if message else now)
        if isinstance(message, Later) and not asked:
            memory = memory.model_copy(update={"look_at": message.due})
        if memory is not before:
            self.memories.remember(endpoint, memory)
        if isinstance(message, Later) and (not asked or memory is before):
            # Sent after what is pending was written down: after a crash in between, the retry sends it. Lambda stops a function that
            # calls itself in a circle 16 times; a look that finds nothing due yet asks for the next one five times at most.
            logger.info("Gathers", extra={"decision": "gathered", "due": message.due.isoformat()})
            self.own_queue.send([_look_at_alarms(endpoint, message.due, trigger)], _delay(message.due, now))

    def _newest_runs(self, endpoint: str) -> tuple[NewestRun, ...]:
        """What monitors found; an alarm is told without it too, and says so."""
        try:
            return self.newest_runs.of(endpoint)
        except LookRefused as refused:
            logger.warning(
                "Tells without monitors", extra={"decision": "told", "reason": plain(str(refused), 300)}
            )
            return (NewestRun("monitors", frozenset(), blind="what they found could not be read just now"),)

    def _say(self, endpoint: str, memory: AlarmMemory) -> AlarmMemory:
        return say_what_is_pending(
            memory,
            self.bus,
            remember=lambda one: self.memories.remember(endpoint, one),
            recall=lambda: self.memories.recall(endpoint),
            whose=f"the alarms of {endpoint}",
        )


def _look_at_alarms(endpoint: str, due: datetime, trigger: AlarmTrigger) -> dict[str, object]:
    return trigger.message(LOOK_AT_ALARMS, {"endpoint": endpoint}, due)


def _delay(due: datetime, now: datetime) -> int:
    return min(_LONGEST_DELAY_SECONDS, max(0, ceil((due - now).total_seconds())))


def _ignored(why: str) -> None:
    note_ignored("alarm_response", why)
