"""Domain events about CloudWatch alarms of an endpoint: raised, and cleared again."""

from typing import ClassVar, Literal

from pydantic import AwareDatetime

from stationkeeper.events.domain import Detail, DomainEvent
from stationkeeper.severity import Severity


class AlarmEdge(Detail):
    """One change of one alarm, to ALARM or to OK. Texts are cleaned and clipped."""

    alarm: str
    """Its name; with the time series' id where one alarm watches many."""
    alarm_arn: str
    state: Literal["ALARM", "OK"]
    at: AwareDatetime
    watches: str = ""
    """What it measures, in words."""
    measured: str = ""
    """What it found, in words."""
    guards: bool = False
    """Whether it counts against a release: made for it, or tagged for the endpoint."""
    red_since: AwareDatetime | None = None
    """Of a change to OK: since when it was red."""


class OpenMonitor(Detail):
    """A monitor of the endpoint whose newest run found something, or could not be judged."""

    schedule: str
    violations: int | None = None
    severity: Severity | None = None
    blind: str = ""


class AlarmEvent(DomainEvent):
    """What all events about alarms of an endpoint share.

    `edges` holds at most 40 of the `edge_count` changes that are told now, in the order they happened; each is told once. `red` names at
    most 20 of the `red_count` alarms that are red now.
    """

    at: AwareDatetime
    since: AwareDatetime
    """When the first alarm of this incident was raised."""
    edges: tuple[AlarmEdge, ...] = ()
    edge_count: int = 0
    red: tuple[str, ...] = ()
    red_count: int = 0
    group: str = ""
    group_arn: str = ""
    version: int | None = None
    """The version that is live; None when Stationkeeper released none."""
    package_arn: str | None = None
    variant: str = ""
    released_at: AwareDatetime | None = None
    approved_by: str = ""
    approved_at: AwareDatetime | None = None
    replaced: int | None = None
    """The version that was live before."""
    releasing: int | None = None
    """The version that is being released at this moment."""
    monitors: tuple[OpenMonitor, ...] = ()


class AlarmRaised(AlarmEvent):
    """Alarms of an endpoint are red.

    `response` says what was done about it: `told` and nothing else; `rejected`: the live version was rejected and the one before it
    takes over; `refused`: the registry refused that (`refusal` says why), the version is barred all the same; `deploying`: SageMaker
    itself rolls back the release under way. `because` says why nothing else was done.
    """

    detail_type: ClassVar[str] = "AlarmRaised"

    response: Literal["told", "rejected", "refused", "deploying"] = "told"
    because: str = ""
    refusal: str = ""
    first: bool = True
    """Whether this is the first message of the incident."""


class AlarmCleared(AlarmEvent):
    """No alarm of the endpoint is red any more; or, where `red` names some, these changed and others stay red."""

    detail_type: ClassVar[str] = "AlarmCleared"
