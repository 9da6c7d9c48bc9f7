"""What is still to happen, each thing at its moment of the virtual clock."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from embedded_aws.clock import VirtualClock


@dataclass(order=True)
class Transition:
    """Something that happens at `due` (seconds since the epoch, virtual clock) unless it is cancelled."""

    due: float
    sequence: int
    action: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)


class Agenda:
    """Transitions in order of their moments; those of one moment in the order they were entered."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._transitions: list[Transition] = []
        self._sequence = itertools.count()
        self._moment: float | None = None

    def now(self) -> float:
        """Seconds since the epoch: the moment of the transition that is being performed, else the clock's.

        The clock may have jumped far past a transition; what follows from it still counts from its moment.
        """
        return self._clock.now() if self._moment is None else self._moment

    def after(self, seconds: float, action: Callable[[], None]) -> Transition:
        transition = Transition(self.now() + seconds, next(self._sequence), action)
        heapq.heappush(self._transitions, transition)
        return transition

    def next_due(self) -> float | None:
        """The moment of the next transition, in seconds since the epoch; None when there is none."""
        while self._transitions and self._transitions[0].cancelled:
            heapq.heappop(self._transitions)
        return self._transitions[0].due if self._transitions else None

    def run_due(self) -> int:
        """Perform every transition whose moment has come; how many."""
        if self._moment is not None:  # asked by what a transition set off: its own loop goes on
            return 0
        performed = 0
        while (due := self.next_due()) is not None and due <= self._clock.now():
            transition = heapq.heappop(self._transitions)
            self._moment = transition.due
            try:
                transition.action()
            finally:
                self._moment = None
            performed += 1
        return performed
