"""Lets the virtual clock jump when there is nothing to do but wait for a message to become visible."""

import time
from threading import Condition, Thread
from typing import Protocol

from embedded_aws.clock import VirtualClock
from embedded_aws.event_source import EventSources
from embedded_aws.journal import Journal

_LOOK_AGAIN_SECONDS = 0.2
# SQS shows a message *after* its moment, not at it.
_JUST_AFTER_SECONDS = 0.002


class Transitions(Protocol):
    """What else happens at moments of the virtual clock, such as an endpoint's change of status."""

    def next_due(self) -> float | None:
        """The next moment, in seconds since the epoch; None when nothing is to come."""

    def run_due(self) -> int:
        """Let everything happen whose moment has come."""


class Timekeeper:
    """Watches the event sources in a thread of its own.

    Parameters
    ----------
    transitions : they happen on the way to a message, in order; none is a reason to jump by itself.
    honour_deadlines : after an invocation that was killed, do not hurry its messages before the
        invocation's deadline has passed in real time. Code that remembers "in progress until <deadline>"
        (idempotency) goes by the function's own clock and would find its predecessor still at work.
    """

    def __init__(
        self,
        activity: Condition,
        clock: VirtualClock,
        sources: EventSources,
        journal: Journal,
        transitions: Transitions,
        *,
        honour_deadlines: bool = True,
    ) -> None:
        self.honour_deadlines = honour_deadlines
        self._activity = activity
        self._clock = clock
        self._sources = sources
        self._journal = journal
        self._transitions = transitions
        self._thread = Thread(target=self._watch, name="timekeeper", daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def _watch(self) -> None:
        with self._activity:
            while not self._sources.stopping:
                self._activity.wait(self._jump_if_idle())

    def _jump_if_idle(self) -> float:
        """Jump if nothing is runnable; how many real seconds to wait before looking again."""
        if self._sources.running:
            return _LOOK_AGAIN_SECONDS
        waiting = self._sources.waiting()
        if not waiting or any(message.ready for message in waiting):
            return _LOOK_AGAIN_SECONDS
        next_up = min(waiting, key=lambda message: message.ready_at)
        held_seconds = self._sources.not_before.get(next_up.message_id, 0.0) - time.time()
        if self.honour_deadlines and held_seconds > 0:
            return min(held_seconds, _LOOK_AGAIN_SECONDS)
        moment = next_up.ready_at + _JUST_AFTER_SECONDS
        due = self._transitions.next_due()
        skipped = self._clock.jump_to(moment if due is None else min(moment, due))
        self._transitions.run_due()
        self._journal.add(
            "clock-jump", seconds=round(skipped, 3), queue=next_up.queue_name, message_id=next_up.message_id
        )
        self._activity.notify_all()
        return _LOOK_AGAIN_SECONDS
