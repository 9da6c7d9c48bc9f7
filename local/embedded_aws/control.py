"""The routes under `/_embedded/`: what a command line or a test in another process can ask for."""

from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from embedded_aws.faults import Fault
from embedded_aws.moto_additions.sagemaker import ExecutionOutcome, Outcome

if TYPE_CHECKING:
    from embedded_aws.embedded import EmbeddedAws

_DRAIN_SECONDS = 60.0


class ControlRoutes:
    """JSON in, JSON out.

    ======  ===================  ===========================================================
    GET     `ready`              endpoint, state folder, stack, outputs, functions, what was skipped
    POST    `events`             `{"events": [...], "times": n}`: put them on the default bus
    POST    `drain`              `{"timeout_seconds": s}`: wait for quiet; 504 when it never gets quiet
    POST    `advance`            `{"seconds": s}`: let time pass, through every change on the way
    POST    `settle`             `{"timeout_seconds": s}`: let time pass until nothing changes any more
    POST    `sagemaker/outcome`  `{"endpoint_name": ..., "outcome": ...}`: how its next update ends; or
                                 `{"pipeline_name": ..., "outcome": ..., "step": ..., "reason": ...}`: its
                                 next execution; or `{"job_name_prefix": ..., "ok": ..., "reason": ...,
                                 "metrics": {...}, "best_job": ...}`: jobs of such names
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
        route = route.strip("/")
        answer: Any = None
        match method, route:
            case "GET", "ready":
                answer = self._ready()
            case "GET", "state":
                entries = embedded.journal.since(int(query.get("since", "0")))
                last = entries[-1].sequence if entries else embedded.journal.last
                answer = {"last": last, "entries": [entry.as_json() for entry in entries]}
            case "GET", "faults":
                answer = {"faults": [asdict(fault) for fault in embedded.faults()]}
            case "DELETE", "faults":
                embedded.clear_faults()
                answer = {}
            case "POST", _:
                answer = self._do(route, request)
        if answer is None:
            return HTTPStatus.NOT_FOUND, {"error": f"no {method} /_embedded/{route}"}
        return HTTPStatus.OK, answer

    def _do(self, route: str, request: Any) -> Any:
        """What a POST asks for; None when there is no such route."""
        embedded = self._embedded
        match route:
            case "events":
                return {"ids": embedded.send(request["events"], int(request.get("times", 1)))}
            case "drain":
                return asdict(embedded.drain(float(request.get("timeout_seconds", _DRAIN_SECONDS))))
            case "advance":
                return asdict(embedded.advance(float(request["seconds"])))
            case "settle":
                return asdict(embedded.settle(float(request.get("timeout_seconds", _DRAIN_SECONDS))))
            case "sagemaker/outcome":
                self._plan(request)
                return {}
            case "faults":
                embedded.add_fault(Fault(**request))
                return {}
        return None

    def _plan(self, request: Any) -> None:
        """Let something in SageMaker end as somebody wants it; raises for what it does not understand."""
        sagemaker = self._embedded.sagemaker
        times = int(request.get("times", 1))
        if "pipeline_name" in request:
            sagemaker.plan_execution(
                request["pipeline_name"],
                ExecutionOutcome(request["outcome"]),
                step=request.get("step"),
                reason=request.get("reason"),
                times=times,
            )
        elif "job_name_prefix" in request:
            sagemaker.plan_job_outcome(
                request["job_name_prefix"],
                ok=bool(request["ok"]),
                reason=request.get("reason"),
                metrics=request.get("metrics"),
                best_job=bool(request.get("best_job", True)),
            )
        else:
            sagemaker.plan_outcome(request["endpoint_name"], Outcome(request["outcome"]), times=times)

    def _ready(self) -> dict[str, Any]:
        deployment = self._embedded.deployment
        return {
            "ready": True,
            "endpoint_url": self._embedded.endpoint_url,
            "state_folder": str(self._embedded.state_folder),
            "stack_name": deployment.stack_name,
            "outputs": deployment.outputs,
            "functions": sorted(deployment.functions),
            "skipped": [asdict(skipped) for skipped in deployment.skipped],
        }
