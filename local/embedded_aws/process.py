"""One process of a function: AWS's own runtime interface client, watched for time and memory."""

import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any, Literal

from embedded_aws.function_environment import FunctionDefinition, environment
from embedded_aws.function_log import FunctionLog, OutputPipe
from embedded_aws.runtime_api import Invocation, Report, RuntimeApi

# A laptop under load imports slower than Lambda, whose own limit is 10 s.
INIT_LIMIT_SECONDS = 60.0
_POLL_SECONDS = 0.02
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)
_RESIDENT = re.compile(r"^VmRSS:\s+(\d+) kB", re.MULTILINE)

type Ending = Literal["response", "error", "init-error", "timeout", "memory", "crash"]


@dataclass(frozen=True)
class Ended:
    """How an invocation ended, as the process showed it.

    `body` is the function's answer or its error (`errorType`, `errorMessage`); `alive` says whether the
    process can be used again.
    """

    ending: Ending
    body: Any
    alive: bool


@dataclass(frozen=True)
class Place:
    """Where processes run: the interpreter, the region, the embedded server, folders they may use."""

    python: Path
    region: str
    endpoint_url: str
    state_folder: Path


class FunctionProcess:
    """Started once (cold), invoked many times (warm), replaced when it dies."""

    def __init__(self, definition: FunctionDefinition, place: Place, log: FunctionLog) -> None:
        self._definition = definition
        self._api = RuntimeApi()
        self._output = OutputPipe(log)
        home = place.state_folder / "home" / definition.name
        home.mkdir(parents=True, exist_ok=True)
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            [
                str(place.python),
                "-s",  # no packages from the developer's home
                "-X",
                f"pycache_prefix={place.state_folder / 'pycache'}",  # /var/task is read-only in Lambda
                "-m",
                "awslambdaric",
                definition.handler,
            ],
            cwd=definition.task_root,
            env=environment(
                definition,
                region=place.region,
                endpoint_url=place.endpoint_url,
                runtime_api=self._api.address,
                home=home,
            ),
            stdin=subprocess.DEVNULL,
            stdout=self._output.write_end,
            stderr=self._output.write_end,
            # Its own session: Ctrl-C in the terminal stops us, and we stop the functions in order.
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exited(self) -> bool:
        """Whether it is gone, by itself or killed."""
        return self._process.poll() is not None

    def wait_until_ready(self) -> Ended | float:
        """Wait for the handler to be imported.

        Returns
        -------
        Ended | float
            The failure, or the milliseconds the cold start took.
        """
        report = self._next_report(time.monotonic() + INIT_LIMIT_SECONDS)
        if isinstance(report, Ended):
            return report
        if report.kind == "init-error":
            self.kill()
            return Ended("init-error", report.body, alive=False)
        return (time.monotonic() - self._started) * 1000

    def run(self, invocation: Invocation) -> Ended:
        """Hand over one invocation and wait for its end, which a deadline or too much memory can bring."""
        self._api.offer(invocation)
        until = time.monotonic() + (invocation.deadline - time.time())
        while True:
            report = self._next_report(until)
            if isinstance(report, Ended):
                return report
            if report.request_id == invocation.request_id:
                # Its last words may still be on the way.
                self._output.flush()
                return Ended("error" if report.kind == "error" else "response", report.body, alive=True)

    def peak_memory_mb(self) -> int:
        """The most memory the process ever had resident; 0 where the system does not tell."""
        return self._memory_mb(_PEAK)

    def flush(self) -> None:
        self._output.flush()

    def kill(self) -> None:
        """End it and everything it started, at once; returns when it is gone."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Kill it and give back its server and pipe."""
        self.kill()
        self._api.close()
        self._output.close()

    def _next_report(self, until: float) -> Report | Ended:
        """The process's next word, or how it ended before saying one; `until` on the monotonic clock."""
        while True:
            with suppress(Empty):
                return self._api.reports.get(timeout=_POLL_SECONDS)
            if (code := self._process.poll()) is not None:
                # A word it said before it died counts.
                with suppress(Empty):
                    return self._api.reports.get_nowait()
                return self._dead("crash", _exit_reason(code))
            if self._memory_mb(_RESIDENT) > self._definition.memory_mb:
                self.kill()
                return self._dead("memory", "Runtime exited with error: signal: killed")
            if time.monotonic() > until:
                self.kill()
                return self._dead(
                    "timeout", f"Task timed out after {self._definition.timeout_seconds:.2f} seconds"
                )

    def _dead(self, ending: Ending, message: str) -> Ended:
        self._output.flush()
        kind = "Sandbox.Timedout" if ending == "timeout" else "Runtime.ExitError"
        return Ended(ending, {"errorType": kind, "errorMessage": message}, alive=False)

    def _memory_mb(self, field: re.Pattern[str]) -> int:
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii", errors="replace")
        except OSError:  # gone, or a system without /proc
            return 0
        found = field.search(status)
        return int(found[1]) // 1024 if found else 0


def _exit_reason(code: int) -> str:
    """Lambda's wording for a process that ended by itself; negative codes are signals."""
    if code == 0:
        return "Runtime exited without providing a reason"
    if code > 0:
        return f"Runtime exited with error: exit status {code}"
    names: dict[int, str] = {
        signal.SIGKILL: "killed",
        signal.SIGSEGV: "segmentation fault",
        signal.SIGTERM: "terminated",
    }
    name = names.get(-code) or signal.strsignal(-code) or str(-code)
    return f"Runtime exited with error: signal: {name}"
