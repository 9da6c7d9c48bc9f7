"""moto's server in this process; a layer around it logs calls, injects faults and obeys `/_embedded/`."""

import io
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from socket import SHUT_RDWR
from threading import Condition, Event, Thread
from typing import Any, Protocol

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from embedded_aws.calls import Call, CallLog, read_call
from embedded_aws.faults import Fault, FaultPlan, error_answer

CONTROL_PREFIX = "/_embedded/"
# botocore gives up reading after 60 s by itself.
_HANG_SECONDS = 90.0

_log = logging.getLogger(__name__)

type StartResponse = Callable[..., Any]
type Control = Callable[[str, str, Mapping[str, str], Any], tuple[HTTPStatus, Any]]


class Callers(Protocol):
    """Who is behind an access key, and how to end them."""

    def by_access_key(self) -> Mapping[str, str]:
        """Access key id -> caller's name."""

    def kill(self, caller: str) -> bool:
        """Kill the caller's process; False when it is not a function."""

    def alive(self, caller: str) -> bool:
        """Whether there is still someone to answer."""


class AwsServer:
    """Listens on 127.0.0.1 until closed.

    Parameters
    ----------
    port : 0 for any free one.
    activity : moto is not made for threads: one call at a time, under this condition's lock.
    control : answers `/_embedded/` routes: (method, path, query, JSON body) -> (status, JSON answer).
    """

    def __init__(
        self,
        port: int,
        activity: Condition,
        calls: CallLog,
        faults: FaultPlan,
        callers: Callers,
        control: Control,
        on_fault: Callable[[Fault, Call], None],
    ) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._activity = activity
        self._calls = calls
        self._faults = faults
        self._callers = callers
        self._control = control
        self._on_fault = on_fault
        self._closing = Event()
        self._server = make_server(
            "127.0.0.1", port, self._answer, threaded=True, request_handler=_QuietRequestHandler
        )
        self._thread = Thread(
            target=self._server.serve_forever, args=(0.05,), name="embedded-aws-server", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.port)

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        body = _read_body(environ)
        path = str(environ.get("PATH_INFO", ""))
        if path.startswith(CONTROL_PREFIX):
            return self._control_answer(environ, path, body, start_response)
        started = time.time()
        call = read_call(environ, body, self._callers.by_access_key())
        fault = self._faults.strike(call)
        if fault is None:
            status, answer = self._through_moto(call, environ, body, start_response)
            self._calls.add(call, status, started)
            return answer
        self._on_fault(fault, call)
        return self._faulty(fault, call, started, environ, body, start_response)

    def _through_moto(
        self, call: Call, environ: dict[str, Any], body: bytes, start_response: StartResponse
    ) -> tuple[int, list[bytes]]:
        heads: list[tuple[str, Any]] = []

        def keep_head(status: str, headers: Any, *_: Any) -> None:
            heads.append((status, headers))

        environ["wsgi.input"] = io.BytesIO(body)
        try:
            with self._activity:
                answer = list(self._moto(environ, keep_head))
            status, headers = heads[-1]
        except Exception as failure:  # noqa: BLE001  moto may raise anything; it is logged
            # Whatever moto cannot do reaches the caller as the service's own failure, not as a web page.
            _log.exception("moto failed at %s %s", call.service, call.action)
            error = error_answer("500", call, _protocol(environ, call), f"moto: {failure!r}")
            status, headers = f"{error.status.value} {error.status.phrase}", list(error.headers.items())
            answer = [error.body]
        start_response(status, headers)
        return int(status.split(" ", 1)[0]), answer

    def _faulty(
        self,
        fault: Fault,
        call: Call,
        started: float,
        environ: dict[str, Any],
        body: bytes,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        match fault.kind:
            case "throttle" | "500" | "access-denied" as kind:
                error = error_answer(kind, call, _protocol(environ, call))
                self._calls.add(call, error.status, started, fault.kind)
                start_response(f"{error.status.value} {error.status.phrase}", list(error.headers.items()))
                return [error.body]
            case "crash-after":
                status, _ = self._through_moto(call, environ, body, lambda *_: None)
                self._calls.add(call, status, started, fault.kind)
            case "crash-before":
                self._calls.add(call, 0, started, fault.kind)
            case "timeout":
                self._calls.add(call, 0, started, fault.kind)
                until = time.monotonic() + _HANG_SECONDS
                while time.monotonic() < until and self._callers.alive(call.caller):
                    if self._closing.wait(0.05):
                        break
        if fault.kind != "timeout":
            # Gone before it could see an answer. A user's process is not ours to kill: its connection drops.
            self._callers.kill(call.caller)
        _drop_connection(environ)
        start_response("500 Internal Server Error", [])
        return []

    def _control_answer(
        self, environ: dict[str, Any], path: str, body: bytes, start_response: StartResponse
    ) -> Iterable[bytes]:
        query = dict(
            pair.partition("=")[::2] for pair in str(environ.get("QUERY_STRING", "")).split("&") if pair
        )
        try:
            request = json.loads(body) if body else {}
            status, answer = self._control(
                str(environ["REQUEST_METHOD"]), path.removeprefix(CONTROL_PREFIX), query, request
            )
        except (ValueError, KeyError, TypeError) as error:
            status, answer = HTTPStatus.BAD_REQUEST, {"error": f"{type(error).__name__}: {error}"}
        except TimeoutError as error:
            status, answer = HTTPStatus.GATEWAY_TIMEOUT, {"error": str(error)}
        start_response(f"{status.value} {status.phrase}", [("Content-Type", "application/json")])
        return [json.dumps(answer).encode()]


class _QuietRequestHandler(MotoRequestHandler):
    def log(self, *_: Any, **__: Any) -> None:
        """Say nothing: calls.jsonl has it all."""

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        """A killed function does not wait for its answer."""


def _read_body(environ: dict[str, Any]) -> bytes:
    """The whole body, chunked or not; moto gets it back as it was."""
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        body = bytes(stream.read())
        environ["CONTENT_LENGTH"] = str(len(body))
        return body
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return bytes(stream.read(length)) if length else b""


def _protocol(environ: Mapping[str, Any], call: Call) -> str:
    """The protocol a request came in, by what it looks like."""
    if "HTTP_SMITHY_PROTOCOL" in environ:
        return "cbor"
    if "HTTP_X_AMZ_TARGET" in environ:
        return "json"
    if "x-www-form-urlencoded" in str(environ.get("CONTENT_TYPE", "")):
        return "query"
    return "rest-xml" if call.service in ("s3", "route53", "cloudfront") else "rest-json"


def _drop_connection(environ: Mapping[str, Any]) -> None:
    socket = environ.get("werkzeug.socket")
    if socket is not None:
        try:
            socket.shutdown(SHUT_RDWR)
        except OSError:
            return
