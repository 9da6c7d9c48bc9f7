"""A function's log: what its process prints, line by line, between Lambda's own START, END and REPORT."""

import os
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Lock, Thread

type OnLog = Callable[[str, str], None]


class FunctionLog:
    """Appends to `<folder>/<function name>.log` and tells `on_log(function name, line)`; thread-safe."""

    def __init__(self, folder: Path, function_name: str, on_log: OnLog | None = None) -> None:
        self.function_name = function_name
        self.path = folder / f"{function_name}.log"
        self._file = self.path.open("a", encoding="utf-8")
        self._on_log = on_log
        self._lock = Lock()

    def write_line(self, line: str) -> None:
        with self._lock:
            if self._file.closed:
                return
            self._file.write(line + "\n")
            self._file.flush()
        if self._on_log is not None:
            self._on_log(self.function_name, line)

    def started(self, request_id: str) -> None:
        self.write_line(f"START RequestId: {request_id} Version: $LATEST")

    def failed(self, request_id: str, message: str) -> None:
        """A line Lambda itself writes when it had to end an invocation."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        self.write_line(f"{now}Z {request_id} {message}")

    def ended(
        self,
        request_id: str,
        *,
        duration_ms: float,
        memory_mb: int,
        memory_used_mb: int,
        init_ms: float | None,
        status: str = "",
    ) -> None:
        """The END and REPORT lines; `init_ms` only for a cold start, `status` only for a failure."""
        report = [
            f"REPORT RequestId: {request_id}",
            f"Duration: {duration_ms:.2f} ms",
            f"Billed Duration: {-int(-(duration_ms + (init_ms or 0.0)) // 1)} ms",
            f"Memory Size: {memory_mb} MB",
            f"Max Memory Used: {memory_used_mb} MB",
        ]
        if init_ms is not None:
            report.append(f"Init Duration: {init_ms:.2f} ms")
        if status:
            report.append(status)
        self.write_line(f"END RequestId: {request_id}")
        self.write_line("\t".join(report))

    def close(self) -> None:
        with self._lock:
            self._file.close()


class OutputPipe:
    """What one process prints, copied to a `FunctionLog`.

    The parent keeps the writing end open too and can put a marker into the stream: once the reader meets
    it, everything printed before is in the log, so REPORT never overtakes the function's last words.
    """

    def __init__(self, log: FunctionLog) -> None:
        self._log = log
        self._read_end, self.write_end = os.pipe()
        self._marker = f"\x00{uuid.uuid4().hex}\x00".encode()
        self._met = Event()
        self._closing = False
        self._thread = Thread(target=self._copy, name=f"log-{log.function_name}", daemon=True)
        self._thread.start()

    def flush(self) -> None:
        """Wait until everything printed so far is in the log."""
        self._met.clear()
        os.write(self.write_end, self._marker)
        self._met.wait(timeout=5)

    def close(self) -> None:
        self._closing = True
        self.flush()
        self._thread.join(timeout=5)
        os.close(self.write_end)
        os.close(self._read_end)

    def _copy(self) -> None:
        pending = b""
        while True:
            pending += os.read(self._read_end, 65536)
            while self._marker in pending:
                # An unfinished line before the marker is a line of its own: nothing more is coming for it.
                before, _, pending = pending.partition(self._marker)
                for line in before.removesuffix(b"\n").split(b"\n") if before else []:
                    self._write(line)
                self._met.set()
                if self._closing:
                    return
            *lines, pending = pending.split(b"\n")
            for line in lines:
                self._write(line)

    def _write(self, line: bytes) -> None:
        # awslambdaric joins the lines of a traceback with carriage returns, so that they stay one log event.
        for part in line.decode(errors="replace").rstrip("\r").split("\r"):
            self._log.write_line(part)
