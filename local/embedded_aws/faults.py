"""Faults on purpose: an AWS call that is throttled, fails, hangs, is denied, or kills its caller."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from threading import Lock
from typing import Any, Literal
from xml.sax.saxutils import escape

from embedded_aws.calls import USER, Call

type FaultKind = Literal["throttle", "500", "timeout", "crash-before", "crash-after", "access-denied"]
KINDS: tuple[FaultKind, ...] = ("throttle", "500", "timeout", "crash-before", "crash-after", "access-denied")


@dataclass(frozen=True)
class Fault:
    """Which call fails, and how.

    Parameters
    ----------
    service : boto3's name of the service, e.g. `dynamodb`; `*` for any.
    action : e.g. `PutItem`; `*` for any.
    kind : `throttle`, `500`, `access-denied` answer the error the service would; `timeout` never answers and
        does nothing; `crash-before` kills the calling function instead of making the call; `crash-after`
        makes the call and kills the function before it sees the answer.
    nth : which matching call from now on, 1 being the next; `always` for every one.
    caller : logical id of the only function it applies to, or `user`; None for all.
    """

    service: str
    action: str
    kind: FaultKind
    nth: int | Literal["always"] = 1
    caller: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"Unknown kind of fault {self.kind!r}; one of {', '.join(KINDS)}.")
        if self.nth != "always" and (not isinstance(self.nth, int) or self.nth < 1):
            raise ValueError(f"nth is a number from 1 or 'always', not {self.nth!r}.")

    def concerns(self, call: Call) -> bool:
        return (
            self.service in ("*", call.service)
            and self.action in ("*", call.action)
            and self.caller in (None, call.caller)
        )


class FaultPlan:
    """The faults to come. Thread-safe."""

    def __init__(self) -> None:
        self._faults: list[tuple[Fault, list[int]]] = []
        self._lock = Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append((fault, [0]))

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def pending(self) -> list[Fault]:
        """Those that can still strike."""
        with self._lock:
            return [fault for fault, seen in self._faults if fault.nth == "always" or seen[0] < fault.nth]

    def strike(self, call: Call) -> Fault | None:
        """The fault that hits this call. Every fault that concerns the call counts it."""
        with self._lock:
            struck = None
            for fault, seen in self._faults:
                if not fault.concerns(call):
                    continue
                seen[0] += 1
                if struck is None and fault.nth in ("always", seen[0]):
                    struck = fault
            return struck


@dataclass(frozen=True)
class ErrorAnswer:
    """An error as the service's protocol spells it."""

    status: HTTPStatus
    headers: dict[str, str]
    body: bytes


# service -> error code and status, where it differs from the family's own.
_THROTTLED: dict[str, tuple[str, HTTPStatus]] = {
    "lambda": ("TooManyRequestsException", HTTPStatus.TOO_MANY_REQUESTS),
    "s3": ("SlowDown", HTTPStatus.SERVICE_UNAVAILABLE),
    "sns": ("Throttled", HTTPStatus.TOO_MANY_REQUESTS),
    "sqs": ("RequestThrottled", HTTPStatus.BAD_REQUEST),
    "sts": ("Throttling", HTTPStatus.BAD_REQUEST),
    "cloudformation": ("Throttling", HTTPStatus.BAD_REQUEST),
    "iam": ("Throttling", HTTPStatus.BAD_REQUEST),
}
_FAILED: dict[str, str] = {
    "dynamodb": "InternalServerError",
    "events": "InternalException",
    "lambda": "ServiceException",
    "s3": "InternalError",
    "sns": "InternalError",
    "ssm": "InternalServerError",
}
_DENIED: dict[str, str] = {
    "cloudformation": "AccessDenied",
    "cloudwatch": "AccessDenied",
    "iam": "AccessDenied",
    "s3": "AccessDenied",
    "sns": "AuthorizationError",
    "sqs": "AccessDenied",
    "sts": "AccessDenied",
}


def error_answer(
    kind: Literal["throttle", "500", "access-denied"], call: Call, protocol: str, message: str = ""
) -> ErrorAnswer:
    """The error the service would answer, so that botocore raises (or retries) the right `ClientError`.

    `protocol` is the one the request came in: `json`, `rest-json`, `query`, `rest-xml` or `cbor`; `message`
    replaces the usual words.
    """
    if kind == "throttle":
        code, status = _THROTTLED.get(call.service, ("ThrottlingException", HTTPStatus.BAD_REQUEST))
        usual = "Rate exceeded"
    elif kind == "500":
        code = _FAILED.get(call.service, "InternalFailure")
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        usual = "The request processing has failed because of an unknown error, exception or failure."
    else:
        code = _DENIED.get(call.service, "AccessDeniedException")
        # DynamoDB and its JSON siblings answer 400; the REST and query families 403.
        status = HTTPStatus.BAD_REQUEST if protocol == "json" else HTTPStatus.FORBIDDEN
        who = (
            "arn:aws:iam::123456789012:user/developer"
            if call.caller == USER
            else (f"arn:aws:sts::123456789012:assumed-role/{call.caller}/{call.caller}")
        )
        permission = f"{call.service}:{call.action}"
        usual = (
            f"User: {who} is not authorized to perform: {permission} "
            f"because no identity-based policy allows the {permission} action"
        )
    return _spelled(code, message or usual, status, protocol)


def _spelled(code: str, message: str, status: HTTPStatus, protocol: str) -> ErrorAnswer:
    if protocol == "query":
        sender = "Receiver" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "Sender"
        body = (
            f"<ErrorResponse><Error><Type>{sender}</Type><Code>{code}</Code>"
            f"<Message>{escape(message)}</Message></Error><RequestId>embedded</RequestId></ErrorResponse>"
        )
        return ErrorAnswer(status, {"Content-Type": "text/xml"}, body.encode())
    if protocol == "rest-xml":
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            f"<Error><Code>{code}</Code><Message>{escape(message)}</Message>"
            "<RequestId>embedded</RequestId></Error>"
        )
        return ErrorAnswer(status, {"Content-Type": "application/xml"}, body.encode())
    if protocol == "cbor":
        headers = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        return ErrorAnswer(status, headers, _cbor_map({"__type": code, "message": message}))
    headers = {
        "Content-Type": "application/json" if protocol == "rest-json" else "application/x-amz-json-1.0",
        "x-amzn-ErrorType": code,
    }
    body_json: dict[str, Any] = {"__type": code, "message": message, "Message": message}
    return ErrorAnswer(status, headers, json.dumps(body_json).encode())


def _cbor_map(members: dict[str, str]) -> bytes:
    """A CBOR map of a few short texts; botocore reads CBOR but has no writer to reuse."""
    parts = [bytes([0xA0 | len(members)])]
    for text in (part for member in members.items() for part in member):
        encoded = text.encode()
        parts.append(b"\x79" + len(encoded).to_bytes(2, "big") + encoded)
    return b"".join(parts)
