"""The virtual clock: waiting for a visibility timeout costs no time.

moto's SQS asks this clock instead of the machine's. When nothing can be done but messages will become
visible later, `event_source.py` lets it jump to that moment. The functions' own clocks are real and stay so.
"""

import time
from contextlib import ExitStack
from unittest import mock

from moto.sqs import models as sqs_models


class VirtualClock:
    """Real time plus every jump made so far. Only ever moves forward."""

    def __init__(self) -> None:
        self._ahead_seconds = 0.0

    @property
    def ahead_seconds(self) -> float:
        """How far the clock is ahead of real time."""
        return self._ahead_seconds

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self._ahead_seconds

    def now_milliseconds(self) -> float:
        """Milliseconds since the epoch."""
        return self.now() * 1000.0

    def jump_to(self, moment: float) -> float:
        """Move forward to `moment` (seconds since the epoch).

        Returns
        -------
        float
            How many seconds were skipped; 0.0 when `moment` is already past.
        """
        skipped = max(0.0, moment - self.now())
        self._ahead_seconds += skipped
        return skipped

    def installed(self) -> ExitStack:
        """Make moto's SQS use this clock until the returned context is closed.

        moto imports its time functions by name, so they are replaced where they are used.
        """
        context = ExitStack()
        context.enter_context(mock.patch.object(sqs_models, "unix_time", self._unix_time))
        context.enter_context(mock.patch.object(sqs_models, "unix_time_millis", self._unix_time_millis))
        return context

    def _unix_time(self, _: object = None) -> float:
        return self.now()

    def _unix_time_millis(self, _: object = None) -> float:
        return self.now_milliseconds()
