"""From what on-call must hear of alarms to the domain event that says it: a pure translation."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from stationkeeper.alarms.memory import Edge
from stationkeeper.alarms.response import Response
from stationkeeper.alarms.thread import Tell
from stationkeeper.alerts.text import plain
from stationkeeper.events.alarm_events import AlarmCleared, AlarmEvent, AlarmRaised
from stationkeeper.events.domain import Cause, stable_id
from stationkeeper.releases.record import Barred, Record
from stationkeeper.releases.registry import group_name
from stationkeeper.reports.newest import NewestRun
from stationkeeper.severity import Severity

_EDGES_TOLD = 40
_RED_TOLD = 20
_MONITORS_TOLD = 10
_WEIGHTS = {"tell": 0, "deploying": 1, "reject": 2}


@dataclass(frozen=True, slots=True)
class Context:
    """What a message about alarms says besides them: where, whose, and what was released lately."""

    endpoint: str
    account: str
    region: str
    on_call: str
    event_id: str
    at: datetime
    record: Record
    newest_runs: tuple[NewestRun, ...] = ()


def alarm_event(tell: Tell, context: Context, taken_back: Barred | None = None) -> AlarmEvent:
    """The domain event that tells of alarms; its id follows from the incident and from what is told.

    `taken_back` is the version that was taken back because of what is told; it may not be the live one any more.
    """
    shared = _shared(tell, context)
    if taken_back is not None and taken_back.version != shared["version"]:
        gone = {"package_arn": plain(taken_back.package_arn, 300), "released_at": None, "replaced": None}
        shared |= {**gone, "version": taken_back.version, "approved_by": "", "approved_at": None}
    refusal = taken_back.refusal if taken_back else ""
    if tell.kind == "cleared" and taken_back is None:
        return AlarmCleared.model_validate({**shared, "severity": Severity.INFO})
    response = _response(tell.edges)
    done = {"tell": "told", "deploying": "deploying", "reject": "refused" if refusal else "rejected"}
    return AlarmRaised.model_validate(
        {
            **shared,
            "severity": _severity(tell.edges),
            "response": done[response.kind],
            "because": plain(response.because, 300),
            "refusal": plain(refusal, 300),
            "first": tell.first,
        }
    )


def _response(edges: tuple[Edge, ...]) -> Response:
    """What was done about the alarms that are told: the most of it; why not more, of those that might have called for more."""
    raised = [edge for edge in edges if edge.state == "ALARM"]
    most = max(raised, key=lambda edge: (_WEIGHTS[edge.response], edge.guards, bool(edge.because)))
    return Response(most.response, most.because)


def _severity(edges: Iterable[Edge]) -> Severity:
    return max(edge.severity for edge in edges if edge.state == "ALARM")


def _shared(tell: Tell, context: Context) -> dict[str, object]:
    record, red = context.record, tell.after.red
    live, target = record.live, record.target
    return {
        "id": stable_id(context.endpoint.lower(), tell.incident.id, *(edge.key for edge in tell.edges)),
        "incident": tell.incident.id,
        "endpoint": plain(context.endpoint, 63),
        "account": context.account,
        "region": context.region,
        "on_call": plain(context.on_call, 64),
        "cause": Cause(event_id=plain(context.event_id, 100)),
        "at": context.at,
        "since": tell.incident.since,
        "edges": [_edge(edge) for edge in tell.edges[:_EDGES_TOLD]],
        "edge_count": len(tell.edges),
        "red": [plain(name, 255) for name in red[:_RED_TOLD]],
        "red_count": len(red),
        "group": plain(group_name(record.group_arn), 63),
        "group_arn": plain(record.group_arn, 300),
        "version": live.version if live else None,
        "package_arn": plain(live.package_arn, 300) if live else None,
        "variant": plain(live.variant, 63) if live else "",
        "released_at": live.released_at if live else None,
        "approved_by": plain(live.approved_by, 100) if live else "",
        "approved_at": live.approved_at if live else None,
        "replaced": live.replaced if live else None,
        "releasing": target.version if target and target.asked else None,
        "monitors": [
            {
                "schedule": plain(run.schedule, 63),
                "violations": run.violations,
                "severity": run.severity,
                "blind": plain(run.blind, 200),
            }
            for run in context.newest_runs
            if run.violations or run.blind
        ][:_MONITORS_TOLD],
    }


def _edge(edge: Edge) -> dict[str, object]:
    return {
        "alarm": plain(edge.alarm, 255),
        "alarm_arn": plain(edge.arn, 400),
        "state": edge.state,
        "at": edge.at,
        "watches": plain(edge.watches, 300),
        "measured": plain(edge.measured, 300),
        "guards": edge.guards,
        "red_since": edge.red_since,
    }
