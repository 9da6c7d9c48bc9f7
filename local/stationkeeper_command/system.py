"""The embedded AWS with Stationkeeper deployed, as the commands use it."""

import fcntl
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError
from embedded_aws.embedded import EmbeddedAws
from rich.console import Console

from stationkeeper_command import project
from stationkeeper_command.errors import CommandError

DEFAULT_PORT = 4577
REGION = "eu-west-1"
ROLE = "arn:aws:iam::123456789012:role/churn-execution"
PIPELINE = "churn-retraining"
STACK = "stationkeeper"
_PARAMETERS = {
    "AlertEmail": "on-call@example.com",
    "OnCall": "ml-on-call",
    "ExecutionRoleArns": ROLE,
    "RetrainingPipelineArns": f"arn:aws:sagemaker:{REGION}:123456789012:pipeline/{PIPELINE}",
}
_DRAIN_SECONDS = 300.0


@contextmanager
def running(console: Console, port: int = 0, *, honour_deadlines: bool = True) -> Iterator[EmbeddedAws]:
    """Build what is not built, and keep the embedded AWS up; progress goes to `console`."""
    _check_port(port)
    with _alone(), _started(console, port, honour_deadlines=honour_deadlines) as system:
        make_bucket(system.client("s3"), f"sagemaker-{REGION}-123456789012")
        yield system


@contextmanager
def _started(console: Console, port: int, *, honour_deadlines: bool) -> Iterator[EmbeddedAws]:
    if not project.is_built():
        with console.status("Building the functions and layers with `sam build` ..."):
            project.build()
    with console.status("Preparing the Lambda runtime ..."):
        project.prepare_runtime()
    with console.status("Deploying the stack into the embedded AWS ..."):
        system = EmbeddedAws(
            project.BUILD,
            project.STATE,
            project.RUNTIME_PYTHON,
            parameters={**_PARAMETERS, "Architecture": project.architecture()},
            port=port,
            region=REGION,
            stack_name=STACK,
            honour_deadlines=honour_deadlines,
        )
        system.start()
    try:
        yield system
    finally:
        system.stop()


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CommandError(
                f"cannot listen on port {port}: {error.strerror}. Choose another with --port."
            ) from error


@contextmanager
def _alone() -> Iterator[None]:
    """One embedded AWS per state folder: a second one would sweep away what the first writes."""
    project.STATE.mkdir(parents=True, exist_ok=True)
    with (project.STATE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CommandError(
                f"another `stationkeeper local` or `demo` uses {project.STATE}. End it first, or set STATIONKEEPER_STATE "
                "to another folder."
            ) from error
        yield


def make_bucket(s3: Any, bucket: str) -> None:
    """The bucket, unless it is there."""
    try:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise


class Control:
    """A `stationkeeper local` in another process."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port

    def ready(self) -> dict[str, Any]:
        answer: dict[str, Any] = self._ask("GET", "ready")
        return answer

    def last_entry(self) -> int:
        return int(self._ask("GET", "state?since=0")["last"])

    def entries_since(self, sequence: int) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self._ask("GET", f"state?since={sequence}")["entries"]
        return entries

    def send(self, events: list[dict[str, Any]], times: int) -> None:
        self._ask("POST", "events", {"events": events, "times": times})

    def drain(self) -> None:
        self._ask("POST", "drain", {"timeout_seconds": _DRAIN_SECONDS}, timeout=_DRAIN_SECONDS + 10)

    def _ask(self, method: str, route: str, body: Any = None, timeout: float = 10) -> Any:
        request = urllib.request.Request(
            f"{self.url}/_embedded/{route}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            said = error.read().decode("utf-8", "replace")[:500]
            raise CommandError(
                f"the embedded AWS on port {self._port} answered {error.code}: {said}"
            ) from error
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            raise CommandError(
                f"nothing answers on port {self._port}. Start it with `stationkeeper local --port {self._port}`."
            ) from error
        except ValueError as error:
            raise CommandError(f"what answers on port {self._port} is not `stationkeeper local`.") from error
