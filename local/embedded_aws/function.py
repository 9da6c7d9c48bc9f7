"""A deployed function that can be invoked: cold once, warm after, and what Lambda says about each run."""

import json
import time
import uuid
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal

from embedded_aws.function_environment import FunctionDefinition
from embedded_aws.function_log import FunctionLog, OnLog
from embedded_aws.process import Ended, FunctionProcess, Place
from embedded_aws.runtime_api import Invocation

type Outcome = Literal["success", "error", "init-error", "timeout", "memory", "crash"]


@dataclass(frozen=True)
class Result:
    """What came of one invocation.

    `answer` is the function's JSON answer (None on failure); `started` and `deadline` are seconds since the
    epoch in real time; `init_ms` is None when the function was warm.
    """

    request_id: str
    outcome: Outcome
    answer: Any
    error_type: str
    error_message: str
    started: float
    deadline: float
    duration_ms: float
    init_ms: float | None
    memory_used_mb: int

    @property
    def killed(self) -> bool:
        """Whether the process ended before it could put its own house in order."""
        return self.outcome in ("timeout", "memory", "crash")


class FunctionStoppedError(Exception):
    """The embedded AWS is stopping; nothing is invoked any more."""


class LambdaFunction:
    """One function, one process at a time. Invocations wait for each other."""

    def __init__(self, definition: FunctionDefinition, place: Place, on_log: OnLog | None = None) -> None:
        logs = place.state_folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        self.definition = definition
        self.log = FunctionLog(logs, definition.name, on_log)
        self._place = place
        self._process: FunctionProcess | None = None
        self._busy = Lock()
        self._stopped = False
        self.cold_starts = 0

    @property
    def pid(self) -> int | None:
        """Of its process; None while there is none."""
        process = self._process
        return process.pid if process else None

    @property
    def alive(self) -> bool:
        """Whether it has a process that runs."""
        process = self._process
        return process is not None and not process.exited

    def invoke(self, payload: Any) -> Result:
        """Run the handler with `payload` (a JSON value) and wait for its end.

        Never raises for what the function does: crashes, timeouts and errors are outcomes. Raises
        `FunctionStoppedError` after `stop`.
        """
        with self._busy:
            if self._stopped:
                raise FunctionStoppedError(self.definition.name)
            return self._invoke(json.dumps(payload).encode())

    def kill(self) -> None:
        """End its process now, in the middle of whatever it does (a fault)."""
        if (process := self._process) is not None:
            process.kill()

    def stop(self) -> None:
        """End its process for good."""
        self._stopped = True
        self.kill()
        with self._busy:
            self._discard()
        self.log.close()

    def _invoke(self, payload: bytes) -> Result:
        request_id = str(uuid.uuid4())
        init_ms: float | None = None
        started = time.time()
        if self._process is not None and self._process.exited:
            # It died while idle: Lambda starts a new one and the event never notices.
            self._discard()
        process = self._process
        if process is None:
            process = self._process = FunctionProcess(self.definition, self._place, self.log)
            self.cold_starts += 1
            if self._stopped:  # while it was being started
                process.kill()
            ready = process.wait_until_ready()
            if isinstance(ready, Ended):
                self.log.started(request_id)
                return self._finish(process, request_id, ready, started, started, None)
            init_ms = ready
        self.log.started(request_id)
        started = time.time()
        deadline = started + self.definition.timeout_seconds
        ended = process.run(Invocation(request_id, self.definition.arn, deadline, payload))
        return self._finish(process, request_id, ended, started, deadline, init_ms)

    def _finish(
        self,
        process: FunctionProcess,
        request_id: str,
        ended: Ended,
        started: float,
        deadline: float,
        init_ms: float | None,
    ) -> Result:
        duration_ms = (time.time() - started) * 1000
        memory_mb = self.definition.memory_mb
        used_mb = memory_mb if ended.ending == "memory" else min(process.peak_memory_mb(), memory_mb)
        error = ended.body if isinstance(ended.body, dict) and ended.ending != "response" else {}
        message = str(error.get("errorMessage", ""))
        if ended.ending == "timeout":
            self.log.failed(request_id, message)
        elif ended.ending in ("memory", "crash"):
            message = f"RequestId: {request_id} Error: {message}"
            self.log.write_line(message)
        self.log.ended(
            request_id,
            duration_ms=duration_ms,
            memory_mb=memory_mb,
            memory_used_mb=used_mb,
            init_ms=init_ms,
            status=_STATUS.get(ended.ending, ""),
        )
        if not ended.alive:
            self._discard()
        return Result(
            request_id=request_id,
            outcome="success" if ended.ending == "response" else ended.ending,
            answer=ended.body if ended.ending == "response" else None,
            error_type=str(error.get("errorType", "")),
            error_message=message,
            started=started,
            deadline=deadline,
            duration_ms=duration_ms,
            init_ms=init_ms,
            memory_used_mb=used_mb,
        )

    def _discard(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None


_STATUS = {
    "timeout": "Status: timeout",
    "memory": "Status: error\tError Type: Runtime.OutOfMemory",
    "crash": "Status: error\tError Type: Runtime.ExitError",
    "init-error": "Status: error\tError Type: Runtime.ExitError",
}
