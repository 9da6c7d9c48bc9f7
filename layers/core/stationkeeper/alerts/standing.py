"""How a monitor is doing: where it stands after its runs, in the order they were due.

It follows from the runs alone, so it is the same in whichever order their events came. What on-call was told of it is
another matter: see `alerts.lifecycle`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import reduce
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from stationkeeper.severity import Severity


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Judged(Frozen):
    """A run whose report was read.

    `levels` maps the identity of each kept violation to its level (see `reports.verdict.Judged`); `untracked` counts
    those beyond what is kept, and `muted` holds the identities of those a mute hides: they are there, and not told.
    """

    kind: Literal["judged"] = "judged"
    levels: Mapping[str, int]
    counts: Mapping[Severity, int]
    untracked: int = 0
    muted: frozenset[str] = frozenset()

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def severity(self) -> Severity | None:
        return max((severity for severity, count in self.counts.items() if count), default=None)


class Blind(Frozen):
    """A run that could not be judged, and why (one of `reports.outcome.BlindReason`)."""

    kind: Literal["blind"] = "blind"
    reason: str


class Run(Frozen):
    """One execution of a monitoring schedule, by when it was due."""

    at: AwareDatetime
    job: str
    outcome: Annotated[Judged | Blind, Field(discriminator="kind")]

    @property
    def order(self) -> tuple[datetime, str]:
        return self.at, self.job


class Violated(Frozen):
    """From the first run with violations on, until one is clean.

    `rows` counts, for each violation of the last run that could be judged, in how many runs in a row it was found.
    """

    since: AwareDatetime
    runs: int
    rows: Mapping[str, int]
    outcome: Judged


class Blinded(Frozen):
    """From the first run that could not be judged on, until one can."""

    since: AwareDatetime
    runs: int
    reason: str


class Standing(Frozen):
    """Where a monitor stands after its runs so far; `last` is the order of the last one."""

    violated: Violated | None = None
    blinded: Blinded | None = None
    last: tuple[AwareDatetime, str] | None = None

    def after(self, run: Run) -> "Standing":
        """Where it stands after the next run."""
        outcome = run.outcome
        if isinstance(outcome, Blind):
            before = self.blinded
            blinded = Blinded(
                since=before.since if before else run.at,
                runs=before.runs + 1 if before else 1,
                reason=outcome.reason,
            )
            return Standing(violated=self.violated, blinded=blinded, last=run.order)
        if outcome.total == 0:
            return Standing(last=run.order)
        known = self.violated
        violated = Violated(
            since=known.since if known else run.at,
            runs=known.runs + 1 if known else 1,
            rows={name: (known.rows.get(name, 0) if known else 0) + 1 for name in outcome.levels},
            outcome=outcome,
        )
        return Standing(violated=violated, last=run.order)


def standing_after(base: Standing, runs: Iterable[Run]) -> Standing:
    """Where a monitor stands after further runs, in order."""
    return reduce(Standing.after, runs, base)
