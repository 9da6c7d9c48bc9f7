"""The routes under `/_embedded/`: what a command line or a test in another process can ask for."""

from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from embedded_aws.faults import Fault

if TYPE_CHECKING:
    from embedded_aws.embedded import EmbeddedAws

_DRAIN_SECONDS = 60.0


class ControlRoutes:
    """JSON in, JSON out.

    ======  ===================  ===========================================================
    GET     `ready`              endpoint, state folder, stack, outputs, functions, what was skipped
    POST    `events`             `{"events": [...], "times": n}`: put them on the default bus
    POST    `drain`              `{"timeout_seconds": s}`: wait for quiet; 504 when it never gets quiet
    GET     `state?since=n`      what happened after entry `n`
    GET     `faults`             faults that can still strike
    POST    `faults`             one fault, by its fields
    DELETE  `faults`             none any more
    ======  ===================  ===========================================================
    """

    def __init__(self, embedded: "EmbeddedAws") -> None:
        self._embedded = embedded

    def __call__(
        self, method: str, route: str, query: Mapping[str, str], request: Any
    ) -> tuple[HTTPStatus, Any]:
        embedded = self._embedded
        if not embedded.ready:
            return HTTPStatus.SERVICE_UNAVAILABLE, {"ready": False}
        match method, route.strip("/"):
            case "GET", "ready":
                return self._ready()
            case "POST", "events":
                ids = embedded.send(request["events"], int(request.get("times", 1)))
                return HTTPStatus.OK, {"ids": ids}
            case "POST", "drain":
                summary = embedded.drain(float(request.get("timeout_seconds", _DRAIN_SECONDS)))
                return HTTPStatus.OK, asdict(summary)
            case "GET", "state":
                entries = embedded.journal.since(int(query.get("since", "0")))
                last = entries[-1].sequence if entries else embedded.journal.last
                return HTTPStatus.OK, {"last": last, "entries": [entry.as_json() for entry in entries]}
            case "GET", "faults":
                return HTTPStatus.OK, {"faults": [asdict(fault) for fault in embedded.faults()]}
            case "POST", "faults":
                embedded.add_fault(Fault(**request))
                return HTTPStatus.OK, {}
            case "DELETE", "faults":
                embedded.clear_faults()
                return HTTPStatus.OK, {}
        return HTTPStatus.NOT_FOUND, {"error": f"no {method} /_embedded/{route}"}

    def _ready(self) -> tuple[HTTPStatus, Any]:
        deployment = self._embedded.deployment
        return HTTPStatus.OK, {
            "ready": True,
            "endpoint_url": self._embedded.endpoint_url,
            "state_folder": str(self._embedded.state_folder),
            "stack_name": deployment.stack_name,
            "outputs": deployment.outputs,
            "functions": sorted(deployment.functions),
            "skipped": [asdict(skipped) for skipped in deployment.skipped],
        }
