"""What is remembered of one monitoring schedule, and what a further run changes.

The last `RUNS_KEPT` runs are kept with what each found; older ones live on in `base`, the state after them. Where a monitor
stands is computed from that, in the order runs were due. So the memory is the same however often and in whichever
order events come, as long as one is not later than `RUNS_KEPT` runs.

`outbox` holds what is to be said and has not been yet: it is written together with the run it is about, published, then
removed. A crash in between leaves it there, for the retry (or the next run) to publish under the same id.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from stationkeeper.alerts.lifecycle import Blind, Finding, Found, Judged, Recovered, Run, State, fold
from stationkeeper.reports.policy import Alerting

RUNS_KEPT = 30


class Placement(StrEnum):
    """Where a run stands among those already known."""

    NEWEST = "newest"
    LATE = "late"  # a newer run was judged before
    KNOWN = "known"  # judged before: a repeated event
    FORGOTTEN = "forgotten"  # due before everything that is remembered


class Name(BaseModel):
    """How a violation is called, to name it when it is over."""

    model_config = ConfigDict(frozen=True)

    subject: str
    qualifier: str
    check: str


class Memory(BaseModel):
    """Everything remembered of one monitoring schedule.

    `version` counts writes; 0 means that nothing is stored yet. `names` holds the name of each identity in use.
    """

    model_config = ConfigDict(frozen=True)

    base: State = Field(default_factory=State)
    runs: tuple[Run, ...] = ()
    names: Mapping[str, Name] = Field(default_factory=dict)
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

    def state(self, alerting: Alerting) -> State:
        """Where the monitor stands now."""
        state = self.base
        for run in self.runs:
            state, _ = fold(state, run, alerting)
        return state

    def last_total_before(self, run: Run) -> int | None:
        """Violations in the last run before this one that could be judged; None when nothing is known."""
        judged = (
            r.outcome for r in reversed(self.runs) if r.order < run.order and isinstance(r.outcome, Judged)
        )
        return next((outcome.total for outcome in judged), None)

    def with_run(
        self, run: Run, names: Mapping[str, Name], alerting: Alerting
    ) -> tuple["Memory", tuple[Finding, ...]]:
        """The memory with one more run, and what on-call must hear because of it.

        A run that comes late is told only as far as no newer run speaks for it: what it found that no newer run
        found, or its blindness when the next run could be judged.
        """
        earlier = [known for known in self.runs if known.order < run.order]
        later = [known for known in self.runs if known.order > run.order]
        state = self.base
        for known in earlier:
            state, _ = fold(state, known, alerting)
        state, findings = fold(state, run, alerting)
        if later:
            findings = tuple(finding for finding in findings if not _spoken_for(finding, run, later))
        grown = self.model_copy(update={"runs": (*earlier, run, *later), "names": {**self.names, **names}})
        return grown.within_bounds(alerting), findings

    def within_bounds(self, alerting: Alerting) -> "Memory":
        """The same, with at most `RUNS_KEPT` runs and no name that nothing refers to."""
        memory = self
        while len(memory.runs) > RUNS_KEPT:
            memory = memory.without_oldest(alerting)
        used = memory.identities()
        return memory.model_copy(
            update={"names": {key: name for key, name in memory.names.items() if key in used}}
        )

    def without_oldest(self, alerting: Alerting) -> "Memory":
        """The same, with the oldest run kept only as part of `base`."""
        base, _ = fold(self.base, self.runs[0], alerting)
        return self.model_copy(update={"base": base, "runs": self.runs[1:]})

    def identities(self) -> set[str]:
        """Every violation that is remembered."""
        used: set[str] = set()
        if self.base.violations is not None:
            used.update(self.base.violations.seen, self.base.violations.told)
        for run in self.runs:
            if isinstance(run.outcome, Judged):
                used.update(run.outcome.levels)
        return used


def _spoken_for(finding: Finding, run: Run, later: list[Run]) -> bool:
    if isinstance(finding, Recovered):
        return True  # the newer run decided whether it is over
    if isinstance(finding, Found):
        wanted = finding.news or finding.new
        return bool(wanted) and all(_found_again(identity, run, later) for identity in wanted)
    return isinstance(later[0].outcome, Blind)


def _found_again(identity: str, run: Run, later: list[Run]) -> bool:
    assert isinstance(run.outcome, Judged)
    level = run.outcome.levels[identity]
    return any(
        isinstance(newer.outcome, Judged) and newer.outcome.levels.get(identity, 0) >= level
        for newer in later
    )
