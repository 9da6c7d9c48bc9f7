"""What is remembered of the releases to one endpoint.

The record is written before the endpoint is touched and after it has answered, on condition that nobody else wrote it since, so that
of several copies one leads. It holds names, not truths: what the endpoint really runs is always asked of SageMaker.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from stationkeeper.alerts.told import once_a_day, with_said

CLAIM_LASTS = timedelta(minutes=15)
"""A function lives no longer: after that nobody is deleting what it claimed."""
_RETIRED_KEPT = 100
_BARRED_KEPT = 50


class _Remembered(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Target(_Remembered):
    """The release under way. `asked`: SageMaker took the request; before that only we know of it."""

    version: int
    package_arn: str
    config: str
    model: str
    variant: str
    started_at: AwareDatetime
    previous_config: str | None = None
    previous_version: int | None = None
    previous_model: str | None = None
    creating: bool = False
    asked: bool = False
    seen_modified_at: AwareDatetime | None = None
    """When the endpoint was last modified before it was asked for, by SageMaker's clock."""
    why: str = ""
    approved_by: str = ""
    approval_note: str = ""
    traffic: str = ""
    alarms: tuple[str, ...] = ()
    """The alarms that were made for it."""
    guarded_by: tuple[str, ...] = ()
    """The alarms that roll it back: those and people's own; none where SageMaker takes none."""
    notes: tuple[str, ...] = ()
    """What people should know of how it is released."""
    incident: str = ""
    """The thread it is told in."""
    approved_at: AwareDatetime | None = None
    registered_at: AwareDatetime | None = None
    generated_by: str = ""
    """ARN of the pipeline execution, or the job, that registered it."""
    falls_back: bool = False
    """Whether it takes the place of a higher version, that was taken back."""


class Live(_Remembered):
    """The release that was verified in service last."""

    version: int
    package_arn: str
    config: str
    model: str
    variant: str
    started_at: AwareDatetime
    released_at: AwareDatetime
    approved_by: str = ""
    alarms: tuple[str, ...] = ()
    ours: bool = True
    """Whether config and model were made here; what somebody else made is never tidied."""
    guarded_by: tuple[str, ...] = ()
    """The alarms that could roll it back when it was released: those and people's own."""
    incident: str = ""
    approved_at: AwareDatetime | None = None
    replaced: int | None = None
    fell_back: bool = False
    """Whether it took the place of a higher version, that was taken back."""
    settled: str = ""
    """Digest of what it was set up with: while it stays the same, only `sweep` looks at all of it again."""


class Barred(_Remembered):
    """A version that was rolled back. It is not tried again unless somebody approves it after `at`."""

    version: int
    package_arn: str
    at: AwareDatetime
    reason: str
    until: AwareDatetime | None = None
    """When it may be tried again by itself: where nothing speaks against the version, as when there was no capacity."""
    rejected: bool = True
    """The registry said so too, at least once since."""
    refusal: str = ""
    """Why the registry did not let us reject it."""
    incident: str = ""
    """The thread in which it was told."""
    alarm: str = ""
    """Key of the alarm's change that took it back."""


class Retired(_Remembered):
    """Something of ours that a release replaced: an endpoint config, a model or an alarm, by name."""

    kind: str
    name: str
    since: AwareDatetime
    claimed_at: AwareDatetime | None = None
    """Since when it is being deleted: until that is over nobody may use it again."""


class Record(_Remembered):
    """All that is remembered of one endpoint."""

    group_arn: str = ""
    endpoint: str = ""
    created: bool = False
    """Whether Stationkeeper made the endpoint."""
    target: Target | None = None
    live: Live | None = None
    barred: tuple[Barred, ...] = ()
    retired: tuple[Retired, ...] = ()
    told: dict[str, str] = Field(default_factory=dict)
    """What on-call was told that lasts, by subject, so that it is told once: `blocked`, `asked`, `older`."""
    outbox: tuple[Mapping[str, str], ...] = ()
    version: int = 0
    """Orders writes; 0 means nothing is stored."""

    def bars(self, version: int) -> Barred | None:
        return next((barred for barred in self.barred if barred.version == version), None)

    def taken_over_by(self, group_arn: str, at: datetime) -> "Record":
        """The record for another group: what the endpoint is made of stays, what was said and done about versions does not."""
        if not self.group_arn or self.group_arn.lower() == group_arn.lower():
            return self
        return self.with_target(None, at).model_copy(update={"barred": (), "told": {}})

    @property
    def names_in_use(self) -> set[str]:
        """Configs, models and alarms that the release under way, or the live one, is made of."""
        names: set[str] = set()
        if self.live:
            names |= {self.live.config, self.live.model, *self.live.alarms}
        if self.target:
            names |= {self.target.config, self.target.model, *self.target.alarms}
            names |= {self.target.previous_config or "", self.target.previous_model or ""}
        return names - {""}

    def without_bar(self, version: int) -> "Record":
        return self.model_copy(update={"barred": tuple(b for b in self.barred if b.version != version)})

    def with_bar(self, barred: Barred) -> "Record":
        kept = (*self.without_bar(barred.version).barred, barred)[-_BARRED_KEPT:]
        return self.model_copy(update={"barred": kept})

    def retiring(self, *items: tuple[str, str | None], at: datetime) -> "Record":
        """With things of ours that a release replaced; what is used again is taken off the list."""
        known = {(one.kind, one.name) for one in self.retired}
        fresh = tuple(
            Retired(kind=kind, name=name, since=at)
            for kind, name in items
            if name and (kind, name) not in known
        )
        return self.model_copy(update={"retired": (*self.retired, *fresh)[-_RETIRED_KEPT:]})

    def using(self, *names: str) -> "Record":
        return self.model_copy(update={"retired": tuple(r for r in self.retired if r.name not in names)})

    def with_target(self, target: Target | None, at: datetime) -> "Record":
        """With another release under way, or none; what only the one before it is made of is retired."""
        after = self.model_copy(update={"target": target})
        if target is not None:
            after = after.using(target.config, target.model, *target.alarms)
        before = self.target
        return after if before is None else after.retiring_unused(before, at)

    def with_live(self, live: Live, at: datetime) -> "Record":
        """With another live release; what only the one before it is made of, and is ours, is retired."""
        after = self.model_copy(update={"live": live}).using(live.config, live.model, *live.alarms)
        before = self.live
        return after if before is None or not before.ours else after.retiring_unused(before, at)

    def retiring_unused(self, gone: Target | Live, at: datetime) -> "Record":
        """With what a release is made of retired, but what the present ones are made of too."""
        used = self.names_in_use
        things = [
            ("endpoint-config", gone.config),
            ("model", gone.model),
            *(("alarm", name) for name in gone.alarms),
        ]
        return self.retiring(*(thing for thing in things if thing[1] not in used), at=at)

    def being_deleted(self, names: set[str], now: datetime) -> str | None:
        """One of these names that `sweep` is deleting at this moment."""
        return next(
            (
                one.name
                for one in self.retired
                if one.name in names and one.claimed_at and now - one.claimed_at < CLAIM_LASTS
            ),
            None,
        )

    def telling_once(self, subject: str, about: str, now: datetime) -> "tuple[Record, datetime] | None":
        """The record once something that lasts was told, and since when that lasts; None when it was told within the day."""
        news = once_a_day(self.told, subject, about, now)
        return None if news is None else (self.model_copy(update={"told": news[0]}), news[1])

    def telling(self, subject: str, said: str) -> "Record":
        return self.model_copy(update={"told": with_said(self.told, subject, said)})

    def not_telling(self, *subjects: str) -> "Record":
        return self.model_copy(update={"told": {k: v for k, v in self.told.items() if k not in subjects}})
