"""What a drift page is drawn from: plain values, so that the function, the command line and tests draw the same page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from stationkeeper.reports.outcome import Blindness
from stationkeeper.reports.statistics import Statistics
from stationkeeper.reports.verdict import Verdict
from stationkeeper.reports.violation import Monitor
from stationkeeper.severity import Severity

RUNS_SHOWN = 30


@dataclass(frozen=True, slots=True)
class PastRun:
    """One square of the strip of runs, and one point of each metric's line.

    Attributes
    ----------
    at : when the run was due.
    total, severity : open violations and the worst of them; None when the run was blind.
    blind : why it could not be judged, in a few words; "" when it could.
    values : metrics (and biases, as `facet facet-value metric`) by name, as far as they were kept.
    page : address of its page, relative to this one or with https (anything else is not linked); "" for this run itself, and
        where there is none.
    """

    at: datetime
    total: int | None
    severity: Severity | None
    blind: str = ""
    values: Mapping[str, float] = field(default_factory=dict)
    page: str = ""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something Stationkeeper did about a run: when (None: with the judgement), what, in one sentence of plain text."""

    what: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """A file that would have been drawn and is not there: why, and what to do about it."""

    why: str


@dataclass(frozen=True, slots=True)
class PageContent:
    """A run, for its page. All texts may come from outside: they are cleaned and escaped where they are shown.

    Attributes
    ----------
    endpoint, schedule, job : names; `schedule` and `job` may be "" (command line).
    monitor : which monitor it was; None where not known.
    at : when the run was due; None where not known (command line).
    window : start and end of the data it looked at.
    version : which model version served, in words ("version 8, in service since ..."); "" where not known.
    outcome : the verdict, or why there is none.
    done : what was done about it, in order.
    runs : the last `RUNS_SHOWN` runs, oldest first; the last one is this run. Empty where no memory is (command line).
    current : what this run measured.
    baseline : what the baseline measured.
    constraints : the constraints it was held against.
    report_uri : where the report is; "" where not known.
    drawn_at : when the page was drawn.
    """

    endpoint: str
    monitor: Monitor | None
    outcome: Verdict | Blindness
    drawn_at: datetime
    current: Statistics | Absent
    baseline: Statistics | Absent
    constraints: Statistics | Absent
    schedule: str = ""
    job: str = ""
    at: datetime | None = None
    window: tuple[datetime, datetime] | None = None
    version: str = ""
    account: str = ""
    region: str = ""
    report_uri: str = ""
    policy_problem: str = ""
    done: tuple[Deed, ...] = ()
    runs: tuple[PastRun, ...] = ()
