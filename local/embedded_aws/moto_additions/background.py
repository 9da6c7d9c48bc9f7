"""What services go on with after they have answered: a thread that takes one small step of each piece of work at a time."""

from collections.abc import Callable
from threading import Condition, Thread

type Step = Callable[[], bool]
"""Does a little of the work, under moto's lock; whether some is left."""

_TICK_SECONDS = 0.05


class Background:
    """Work that goes on until it is done, or until `close`. The thread runs only while there is some."""

    def __init__(self, activity: Condition) -> None:
        self._activity = activity
        self._steps: list[Step] = []
        self._closing = False
        self._thread: Thread | None = None

    def add(self, step: Step) -> None:
        with self._activity:
            self._steps.append(step)
            if self._thread is None:
                self._thread = Thread(target=self._work, name="embedded-aws-background", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Leave what is not done, and wait for the thread."""
        with self._activity:
            self._closing = True
            thread = self._thread
            self._activity.notify_all()
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        with self._activity:
            while self._steps and not self._closing:
                self._steps = [step for step in self._steps if step()]
                self._activity.wait_for(lambda: self._closing, _TICK_SECONDS)
            self._thread = None
