"""What is remembered of a run so that its page can be drawn again, and so that later pages show it among the last runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from stationkeeper.reports.outcome import Blindness, Execution
from stationkeeper.reports.policy import EndpointPolicy
from stationkeeper.reports.verdict import Verdict
from stationkeeper.severity import Severity

_DEEDS_KEPT = 20


@dataclass(frozen=True, slots=True)
class RunKey:
    """Which run: its schedule, when it was due, its job. Keys of one schedule sort by when runs were due."""

    schedule_arn: str
    at: datetime
    job: str

    @property
    def sort_key(self) -> str:
        return f"{self.at.astimezone(UTC).isoformat(timespec='microseconds')}#{self.job}"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="constants")


class RecordedDeed(_Frozen):
    """Something that was done about a run; `id` is that of the domain event that said so.

    `step` is 1 for what follows from the run itself, 2 for what follows from that: times of events are whole seconds.
    """

    id: str
    at: AwareDatetime
    what: str
    step: int = 1


class Found(_Frozen):
    """What a run came to, as later pages show it. `total` is None when it was blind, and `blind` says why.

    `values` are metrics by name, biases as `facet facet-value metric`.
    """

    total: int | None = None
    severity: Severity | None = None
    blind: str = ""
    values: Mapping[str, float] = Field(default_factory=dict)


class DrawnRun(_Frozen):
    """A run, as its event told of it, and where its files are."""

    execution: Execution
    account: str
    region: str
    baseline_uri: str | None = None
    constraints_uri: str | None = None
    serving: str = ""
    """Which version served, in words, when the run was looked at first."""
    found: Found = Found()
    policy: EndpointPolicy
    """What it was judged by, and `judged_at` when: a page that is drawn again says the same."""
    judged_at: AwareDatetime


class RunRecord(_Frozen):
    """One item. `run` is None as long as only what was done about it is known; `version` counts writes, 0 for none."""

    at: AwareDatetime | None = None
    job: str = ""
    run: DrawnRun | None = None
    deeds: tuple[RecordedDeed, ...] = ()
    version: int = 0

    def of(self, key: RunKey) -> "RunRecord":
        return self.model_copy(update={"at": key.at, "job": key.job})

    def with_run(self, run: DrawnRun) -> "RunRecord":
        """The same, with the run itself; what was looked at first stays."""
        return self if self.run is not None else self.model_copy(update={"run": run})

    def with_found(self, found: Found) -> "RunRecord":
        assert self.run is not None
        return self.model_copy(update={"run": self.run.model_copy(update={"found": found})})

    def with_deed(self, deed: RecordedDeed) -> "RunRecord":
        """The same, with one more deed, in order; each is kept once."""
        if any(known.id == deed.id for known in self.deeds):
            return self
        deeds = sorted((*self.deeds, deed), key=lambda one: (one.step, one.at, one.id))
        return self.model_copy(update={"deeds": tuple(deeds[-_DEEDS_KEPT:])})


def found(outcome: Verdict | Blindness, values: Mapping[str, float]) -> Found:
    if isinstance(outcome, Blindness):
        return Found(blind=outcome.reason.value)
    return Found(total=outcome.total, severity=outcome.severity, values=values)
