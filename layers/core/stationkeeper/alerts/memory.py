"""What is remembered of one monitoring schedule, and what a further run changes.

The last `RUNS_KEPT` runs are kept with what each found; older ones live on in `base`, where the monitor stood after them. So
what is known of a monitor is the same however often and in whichever order events come, as long as none is later than
`RUNS_KEPT` runs. `heard` is what on-call was told.

`outbox` holds what is to be said and has not been yet: it is written together with the run it is about, published, then
removed. A crash in between leaves it there, for the retry (or the next run) to publish under the same id.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from stationkeeper.alerts.late_news import late_news_of
from stationkeeper.alerts.lifecycle import Finding, Heard, news_of
from stationkeeper.alerts.standing import Run, Standing, standing_after
from stationkeeper.reports.policy import Alerting

RUNS_KEPT = 30
NAMES_KEPT = 500


class Placement(StrEnum):
    """Where a run stands among those already known."""

    NEWEST = "newest"
    LATE = "late"  # a newer run was judged before
    KNOWN = "known"  # judged before: a repeated event
    FORGOTTEN = "forgotten"  # due before everything that is remembered


class Memory(BaseModel):
    """Everything remembered of one monitoring schedule.

    `version` counts writes; 0 means that nothing is stored yet. `names` says how the worst `NAMES_KEPT` of
    what on-call knows are called, to name them when they are over.
    """

    model_config = ConfigDict(frozen=True)

    base: Standing = Field(default_factory=Standing)
    runs: tuple[Run, ...] = ()
    names: Mapping[str, str] = Field(default_factory=dict)
    heard: Heard = Field(default_factory=Heard)
    outbox: tuple[Mapping[str, Any], ...] = ()
    version: int = 0

    @property
    def newest(self) -> Run | None:
        return self.runs[-1] if self.runs else None

    def placement(self, run: Run) -> Placement:
        if any(known.job == run.job for known in self.runs):
            return Placement.KNOWN
        if self.base.last is not None and run.order <= self.base.last:
            return Placement.FORGOTTEN
        return Placement.NEWEST if self.newest is None or run.order > self.newest.order else Placement.LATE

    def standing(self) -> Standing:
        """Where the monitor stands now."""
        return standing_after(self.base, self.runs)

    def standing_before(self, run: Run) -> Standing:
        """Where the monitor stood before a run."""
        return standing_after(self.base, (known for known in self.runs if known.order < run.order))

    def with_run(
        self, run: Run, names: Mapping[str, str], alerting: Alerting
    ) -> tuple["Memory", tuple[Finding, ...]]:
        """The memory with one more run, and what on-call must hear because of it."""
        earlier = [known for known in self.runs if known.order < run.order]
        later = [known for known in self.runs if known.order > run.order]
        heard = self.heard
        if later:
            heard, findings = late_news_of(run, self.base, earlier, later, heard, alerting)
        else:
            heard, findings = news_of(run, standing_after(self.base, earlier), heard, alerting)
        runs = (*earlier, run, *later)
        grown = self.model_copy(update={"runs": runs, "heard": heard, "names": {**self.names, **names}})
        return grown.within_bounds(), findings

    def within_bounds(self) -> "Memory":
        """The same, with at most `RUNS_KEPT` runs and `NAMES_KEPT` names."""
        memory = self
        while len(memory.runs) > RUNS_KEPT:
            memory = memory.without_oldest()
        return memory.model_copy(update={"names": memory.names_in_use()})

    def without_oldest(self) -> "Memory":
        """The same, with the oldest run kept only as part of `base`."""
        return self.model_copy(update={"base": self.base.after(self.runs[0]), "runs": self.runs[1:]})

    def names_in_use(self) -> dict[str, str]:
        """Names of what on-call knows, the worst first; all that is ever called over."""
        known = self.heard.violations
        levels = {**known.unmentioned, **known.told} if known else {}
        worst = sorted(levels, key=lambda identity: (-levels[identity], identity))
        return {identity: self.names[identity] for identity in worst[:NAMES_KEPT] if identity in self.names}
