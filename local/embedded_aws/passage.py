"""How time passes in the embedded AWS: not until the queues are empty, then in jumps from change to change."""

import time
from threading import Condition

from embedded_aws.clock import VirtualClock
from embedded_aws.event_source import EventSources
from embedded_aws.journal import Journal
from embedded_aws.summary import DrainSummary, summarise
from embedded_aws.timekeeper import Transitions

QUIET_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.1


class Passage:
    """Each method returns what happened since the last quiet moment.

    Parameters
    ----------
    activity : moto's lock; notified when a message arrives or an invocation ends.
    transitions : what changes at moments of the clock; the functions see each change before the next one.
    """

    def __init__(
        self,
        activity: Condition,
        clock: VirtualClock,
        sources: EventSources,
        journal: Journal,
        transitions: Transitions,
    ) -> None:
        self._activity = activity
        self._clock = clock
        self._sources = sources
        self._journal = journal
        self._transitions = transitions
        self._quiet_at = 0

    def drain(self, timeout_seconds: float) -> DrainSummary:
        """Wait until every mapped queue is empty and nothing runs; raises `TimeoutError`."""
        until = time.monotonic() + timeout_seconds
        with self._activity:
            while not self._sources.idle():
                left = until - time.monotonic()
                if left <= 0:
                    raise TimeoutError(
                        f"Not quiet after {timeout_seconds:g} s: {self._sources.what_is_left()}."
                    )
                self._activity.wait(min(left, _LOOK_AGAIN_SECONDS))
            since, self._quiet_at = self._quiet_at, self._journal.last
            return summarise(self._journal.since(since))

    def advance(self, seconds: float, timeout_seconds: float) -> DrainSummary:
        """Drain, jump through every transition of this span, draining after each; raises `TimeoutError`."""
        until = self._clock.now() + seconds
        since = self._quiet_at
        self.drain(timeout_seconds)
        while (due := self._transitions.next_due()) is not None and due <= until:
            self._pass_until(due)
            self.drain(timeout_seconds)
        self._pass_until(until)
        self.drain(timeout_seconds)
        return summarise(self._journal.since(since))

    def settle(self, timeout_seconds: float) -> DrainSummary:
        """Drain and jump until no transition is left; raises `TimeoutError`."""
        stop_at = time.monotonic() + timeout_seconds
        since = self._quiet_at
        self.drain(timeout_seconds)
        while (due := self._transitions.next_due()) is not None:
            self._pass_until(due)
            self.drain(max(0.0, stop_at - time.monotonic()))
        return summarise(self._journal.since(since))

    def _pass_until(self, moment: float) -> None:
        """Jump there, and let happen what is due then."""
        with self._activity:
            skipped = self._clock.jump_to(moment)
            self._journal.add("clock-jump", seconds=round(skipped, 3), queue="", message_id="")
            self._transitions.run_due()
            self._activity.notify_all()
