"""Who called what: one record for every AWS call made through the embedded server."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, unquote

from moto.core.request import Request
from moto.core.routing import get_service_router

USER = "user"
_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
# The runtime signs as `sagemaker`.
_INVOCATIONS = ("/invocations", "/async-invocations", "/invocations-response-stream")
_CBOR_OPERATION = re.compile(r"^/service/[^/]+/operation/(?P<action>\w+)$")
# Members of a request that name the thing it is about.
_RESOURCE = re.compile(r"(Name|Arn|ARN|Url|Bucket|Key|Id)$")
# The names services sign with, where boto3 calls them differently.
_CLIENT_NAMES = {
    "elasticloadbalancing": "elbv2",
    "email": "ses",
    "monitoring": "cloudwatch",
    "states": "stepfunctions",
    "tagging": "resourcegroupstaggingapi",
}


@dataclass(frozen=True)
class Call:
    """One AWS call as it arrived.

    `caller` is a function's logical id, or "user"; `service` is boto3's name for it.
    """

    service: str
    action: str
    caller: str
    region: str
    resources: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CallRecord:
    """One AWS call and how it ended.

    `time` is in seconds since the epoch; `status` is the HTTP status, 0 when no answer was given;
    `fault` names the injected fault, if any.
    """

    time: float
    caller: str
    service: str
    action: str
    resources: dict[str, str]
    status: int
    duration_ms: float
    fault: str = ""


class CallLog:
    """Every call, in memory and in `calls.jsonl`."""

    def __init__(self, path: Path) -> None:
        self._records: list[CallRecord] = []
        self._lock = Lock()
        self._file = path.open("a", encoding="utf-8")

    def add(self, call: Call, status: int, started: float, fault: str = "") -> None:
        record = CallRecord(
            time=started,
            caller=call.caller,
            service=call.service,
            action=call.action,
            resources=call.resources,
            status=status,
            duration_ms=round((time.time() - started) * 1000, 2),
            fault=fault,
        )
        with self._lock:
            self._records.append(record)
            if not self._file.closed:
                self._file.write(json.dumps(asdict(record)) + "\n")
                self._file.flush()

    def all(self) -> list[CallRecord]:
        with self._lock:
            return list(self._records)

    def close(self) -> None:
        with self._lock:
            self._file.close()


def read_call(environ: Mapping[str, Any], body: bytes, callers: Mapping[str, str]) -> Call:
    """What a request asks for, in any of AWS's protocols.

    Parameters
    ----------
    environ : the WSGI environment.
    body : the request's body, already read.
    callers : access key id -> caller.
    """
    credential = _CREDENTIAL.search(str(environ.get("HTTP_AUTHORIZATION", "")))
    key, region, signed = credential.group("key", "region", "service") if credential else ("", "", "s3")
    path = str(environ.get("PATH_INFO", "/"))
    service = _CLIENT_NAMES.get(signed, signed)
    if service == "sagemaker" and path.endswith(_INVOCATIONS):
        service = "sagemaker-runtime"
    action, resources = _action(service, environ, path, body)
    return Call(service, action, callers.get(key, USER), region, resources)


def _action(service: str, environ: Mapping[str, Any], path: str, body: bytes) -> tuple[str, dict[str, str]]:
    if target := environ.get("HTTP_X_AMZ_TARGET"):  # json
        return str(target).rpartition(".")[2], _resources(_parsed(body))
    if cbor := _CBOR_OPERATION.match(path):
        return cbor["action"], {}
    if "x-www-form-urlencoded" in str(environ.get("CONTENT_TYPE", "")):  # query
        form = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
        if "Action" in form:
            return form["Action"], _resources(form)
    return _rest_action(service, environ, path)


def _rest_action(service: str, environ: Mapping[str, Any], path: str) -> tuple[str, dict[str, str]]:
    """rest-json and rest-xml: method and path tell the operation."""
    try:
        operation, arguments = get_service_router(service).match(Request(dict(environ)))
    except Exception:  # noqa: BLE001  an operation or service moto does not know: it answers that itself
        return f"{environ.get('REQUEST_METHOD')} {path}", {}
    return str(operation.name), {name: unquote(str(value)) for name, value in arguments.items()}


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _resources(request: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: value
        for name, value in request.items()
        if isinstance(value, str) and _RESOURCE.search(name) and len(value) < 256
    }
