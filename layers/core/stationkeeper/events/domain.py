"""Domain events: what Stationkeeper found or did, as it appears on its own bus.

Each is the `detail` of an EventBridge event with source `stationkeeper` and the class's name as detail-type. `id` is made
from what happened, so that a retry publishes the same one; consumers may see an id more than once.
Infinite numbers are the strings "Infinity" and "-Infinity", as in SageMaker's own reports.
"""

from hashlib import blake2b
from typing import ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from stationkeeper.reports.violation import Monitor
from stationkeeper.severity import Severity

SOURCE = "stationkeeper"


class Detail(BaseModel):
    """A value in an event of ours: frozen, tolerant of what later versions add."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="strings")


class Cause(Detail):
    """The event that made us look, to find its log lines; with the job it was about, where it was about one."""

    event_id: str
    job: str = ""
    job_arn: str = ""


class Window(Detail):
    start: AwareDatetime
    end: AwareDatetime


class ReportedViolation(Detail):
    """A violation in an event; texts are cleaned and clipped.

    `status` is `new` or `worse` since the last message, or `ongoing`. The globs select it in a severity policy, whatever
    characters its names are made of.
    """

    subject: str
    qualifier: str = ""
    metric: str = ""
    """Of a bias check: the metric, whatever of the qualifier was clipped."""
    check: str
    measure: str
    severity: Severity
    observed: float | None = None
    expected: float | None = None
    margin: float | None = None
    description: str
    feature_glob: str = "*"
    check_glob: str = "*"
    status: Literal["new", "worse", "ongoing"] = "ongoing"


class DomainEvent(Detail):
    """What all domain events share.

    `incident` is the same in every event of one incident: endpoint, kind of incident and since when.
    """

    detail_type: ClassVar[str] = "DomainEvent"

    id: str
    incident: str
    severity: Severity
    endpoint: str
    account: str
    region: str
    on_call: str
    cause: Cause


class MonitorEvent(DomainEvent):
    """What all events of a monitor share."""

    schedule: str
    schedule_arn: str
    monitor: Monitor | None = None
    run_at: AwareDatetime
    window: Window | None = None
    since: AwareDatetime
    runs: int
    report_uri: str | None = None
    page_uri: str = ""
    """Where the run's drift page is, a minute after the run was judged."""
    newer_run_at: AwareDatetime | None = None
    """When this run's event came late: when the newest run known was due."""
    policy_problem: str | None = None


class ViolationsDetected(MonitorEvent):
    """A monitor found violations that on-call does not know of, or that last.

    `worst` holds at most 50 of `total`, worst first; `over` at most 20 of `over_count`.
    """

    detail_type: ClassVar[str] = "ViolationsDetected"

    counts: dict[Severity, int]
    by_check: dict[str, int]
    total: int
    muted: int = 0
    new: int = 0
    worse: int = 0
    over: tuple[str, ...] = ()
    over_count: int = 0
    repeat_after_hours: float = 24
    first: bool = False
    reminder: bool = False
    worst: tuple[ReportedViolation, ...] = ()


class MonitorBlind(MonitorEvent):
    """A run could not be judged: nobody knows how the model is doing."""

    detail_type: ClassVar[str] = "MonitorBlind"

    reason: str
    said: str = ""
    repeat_after_hours: float = 24
    reminder: bool = False
    open_violations: int | None = None
    """Violations at the last run that could be judged, when an incident is open."""


class MonitorRecovered(MonitorEvent):
    """An incident that on-call knows of is over."""

    detail_type: ClassVar[str] = "MonitorRecovered"

    of: Literal["violations", "blindness"]
    over: tuple[str, ...] = ()
    over_count: int = 0
    open_violations: int | None = None
    """When the monitor sees again: violations in this run."""
    muted: int = 0
    counts: dict[Severity, int] = Field(default_factory=dict)
    worst: tuple[ReportedViolation, ...] = ()
    """The worst of what is open when the monitor sees again, at most 5."""


def stable_id(*parts: object) -> str:
    """32 hexadecimal digits that follow from what is named, and so are the same on every retry."""
    text = "\0".join(str(part) for part in parts)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
