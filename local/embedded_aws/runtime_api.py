"""The Lambda Runtime API: the HTTP server a function's process asks for its next invocation.

One server per process, so that a process that was killed can never answer for its successor.
Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import queue
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar, Literal

_PREFIX = "/2018-06-01/runtime"


@dataclass(frozen=True)
class Invocation:
    """What a process is asked to do; `deadline` is in seconds since the epoch."""

    request_id: str
    function_arn: str
    deadline: float
    payload: bytes


@dataclass(frozen=True)
class Report:
    """What the process told: it is ready for work, answered, failed, or could not start.

    `body` is the parsed JSON answer or error; `request_id` is empty for `ready` and `init-error`.
    """

    kind: Literal["ready", "response", "error", "init-error"]
    request_id: str = ""
    body: Any = None


class RuntimeApi:
    """Hands invocations to one process and collects what it reports.

    >>> api = RuntimeApi()
    >>> api.address.startswith("127.0.0.1:")
    True
    >>> api.close()
    """

    def __init__(self) -> None:
        self.reports: queue.Queue[Report] = queue.Queue()
        self._invocations: queue.Queue[Invocation | None] = queue.Queue()
        self._server = _Server(self)
        self._thread = Thread(
            target=self._server.serve_forever, args=(0.05,), name="runtime-api", daemon=True
        )
        self._thread.start()

    @property
    def address(self) -> str:
        """Host and port, as the process expects them in AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def offer(self, invocation: Invocation) -> None:
        self._invocations.put(invocation)

    def next_invocation(self) -> Invocation | None:
        """Waits for work; None when the server closes."""
        self.reports.put(Report("ready"))
        return self._invocations.get()

    def close(self) -> None:
        self._invocations.put(None)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: RuntimeApi) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A process that was killed leaves broken connections behind: nothing to report."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Answers are small and must not wait for Nagle's algorithm.
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server
    _FAILURE: ClassVar[dict[str, Any]] = {"errorType": "Runtime.BadAnswer", "errorMessage": "not JSON"}

    def do_GET(self) -> None:
        if self.path != f"{_PREFIX}/invocation/next":
            self._answer(404, b"{}")
            return
        invocation = self.server.api.next_invocation()
        if invocation is None:
            self.close_connection = True
            return
        trace = (
            f"Root=1-{int(invocation.deadline):08x}-{invocation.request_id.replace('-', '')[:24]};Sampled=0"
        )
        self._answer(
            200,
            invocation.payload,
            {
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(int(invocation.deadline * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
                # awslambdaric 4 crashes with signal 11 without this header (and without a content type).
                "Lambda-Runtime-Trace-Id": trace,
            },
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = self.path.removeprefix(_PREFIX).strip("/").split("/")
        match parts:
            case ["init", "error"]:
                self._report(Report("init-error", body=self._parsed(body)))
            case ["invocation", request_id, "response"]:
                self._report(Report("response", request_id, self._parsed(body)))
            case ["invocation", request_id, "error"]:
                self._report(Report("error", request_id, self._parsed(body)))
            case _:
                self._answer(404, b"{}")

    def _report(self, report: Report) -> None:
        # Answer first: the process may be told to die as soon as the report is read.
        self._answer(202, b'{"status":"OK"}')
        self.server.api.reports.put(report)

    def _parsed(self, body: bytes) -> Any:
        try:
            return json.loads(body) if body else None
        except ValueError:
            return self._FAILURE

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: Any, **__: Any) -> None:
        """Say nothing: the function's own log tells the story."""
