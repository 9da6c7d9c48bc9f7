"""What an endpoint needs next, decided from one look at it: a pure function, and its possible answers."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from stationkeeper.events.release_trigger import group_arn_of
from stationkeeper.releases.observed import Endpoint, Fleet, State
from stationkeeper.releases.record import Live, Record, Target
from stationkeeper.releases.registry import Version, highest
from stationkeeper.releases.settings import ReleaseSettings
from stationkeeper.severity import Severity


@dataclass(frozen=True, slots=True)
class Leave:
    """Nothing is left to do."""

    why: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Somebody else is at work; the event of its end calls again, and `sweep` looks every hour."""

    why: str


@dataclass(frozen=True, slots=True)
class Block:
    """Nothing can be done until a person acts; on-call is told when it begins, and once a day while it lasts."""

    code: str
    why: str
    severity: Severity = Severity.WARNING
    advice: str = ""
    version: int | None = None
    failure_reason: str = ""
    about: str = ""
    """What tells cases of one code apart, so that another trouble is told too."""


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The release under way is in service, on the config that was asked for."""

    target: Target


@dataclass(frozen=True, slots=True)
class RolledBack:
    """The endpoint serves again what it served before the release under way, whatever SageMaker calls it."""

    target: Target
    failure_reason: str = ""


_NO_CAPACITY = re.compile(r"capacity|insufficient.{0,20}instances?|ResourceLimitExceeded", re.IGNORECASE)
TRIED_AGAIN_AFTER = timedelta(hours=6)


def lacked_capacity(said: str) -> bool:
    """Whether SageMaker's own words blame the supply of instances, not the version."""
    return _NO_CAPACITY.search(said) is not None


@dataclass(frozen=True, slots=True)
class Start:
    """A version is to be released: to a new endpoint (`update` False), or in place of `running`."""

    version: Version
    update: bool
    running: int | None
    why: str


@dataclass(frozen=True, slots=True)
class SetUp:
    """The newest version is live: see that autoscaling and monitoring are as configured."""

    live: Live


type Decision = Leave | Wait | Block | Succeeded | RolledBack | Start | SetUp


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a group and its endpoint.

    `approved` is None when the group is gone. `fleet` is looked up only where `needs_fleet` says so.
    `reapproved` are versions that were rolled back once and approved again since.
    """

    group_arn: str
    settings: ReleaseSettings
    approved: tuple[Version, ...] | None
    endpoint: Endpoint | None
    record: Record
    now: datetime
    fleet: Fleet | None = None
    reapproved: frozenset[int] = frozenset()
    rival_group: str = ""
    """Another group that is tagged for the same endpoint and was there first."""
    thorough: bool = False
    wish: str = field(default="", compare=False)
    """Digest of the settings: what `Live.settled` is compared with."""

    @property
    def candidates(self) -> tuple[Version, ...]:
        """Approved versions that may be released: not those that were rolled back, not those that failed to be made."""
        return tuple(
            version
            for version in self.approved or ()
            if (version.usable or version.being_made) and not self._barred(version.number)
        )

    def _barred(self, version: int) -> bool:
        barred = self.record.bars(version)
        if barred is None or version in self.reapproved:
            return False
        return barred.until is None or self.now < barred.until

    @property
    def desired(self) -> Version | None:
        """The version the endpoint should run: the highest that may be released now."""
        return highest(version for version in self.candidates if version.usable)

    @property
    def coming(self) -> Version | None:
        """A version above it that is approved and still being made."""
        coming = highest(version for version in self.candidates if version.being_made)
        desired = self.desired
        return coming if coming and (desired is None or coming.number > desired.number) else None

    @property
    def known_live(self) -> Live | None:
        """The release that is live, where the record tells: configs never change, and names of ours tell their content."""
        live = self.record.live
        if live is None or self.endpoint is None or live.config != self.endpoint.endpoint_config_name:
            return None
        if not live.ours and self.fleet is not None and self.fleet.version(self.group_arn) != live.version:
            return None  # people may make another config under the name of one that they deleted
        return live

    @property
    def live_is_of_group(self) -> bool:
        """Whether the live release is a version of this group: an endpoint may have been another group's before."""
        live = self.known_live
        return live is not None and (group_arn_of(live.package_arn) or "").lower() == self.group_arn.lower()

    @property
    def running(self) -> int | None:
        """The version of this group that is live; None when there is none, or something else is."""
        if self.known_live and self.live_is_of_group:
            return self.known_live.version
        return self.fleet.version(self.group_arn) if self.fleet else None


def needs_fleet(look: Look) -> bool:
    """Whether the config and the models of the endpoint must be read to decide."""
    endpoint, target = look.endpoint, look.record.target
    if endpoint is None or endpoint.state is not State.IN_SERVICE or look.desired is None:
        return False
    if (
        target is not None
        and target.asked
        and endpoint.endpoint_config_name in (target.config, target.previous_config)
    ):
        return False
    return not look.live_is_of_group or (look.thorough and not (look.record.live and look.record.live.ours))


def decide(look: Look) -> Decision:
    """What is left to do so that the endpoint runs the newest approved version of the group.

    The endpoint's own state comes first: while SageMaker works on it nothing else counts. Then how the release under way ended. Then
    whether another version should be there.

    Source: UpdateEndpoint refuses while an update is under way; an update may end InService on the old config.
    """
    endpoint = look.endpoint
    if look.rival_group:
        return rivalry(look.rival_group)
    if endpoint is not None and endpoint.state is not State.IN_SERVICE:
        return _unavailable(endpoint, look.record.target)
    if endpoint is not None and (outcome := _outcome(endpoint, look.record.target)) is not None:
        return outcome
    if look.approved is None:
        return _group_gone(look)
    desired, coming = look.desired, look.coming
    if desired is None:
        return _still_made(coming) if coming else _nothing_approved(look)
    if endpoint is None:
        why = f"version {desired.number} is the newest approved, and the endpoint does not exist"
        return Start(desired, update=False, running=None, why=why)
    if look.running == desired.number:
        return _in_place(look, desired)
    if coming and any(version.number == look.running for version in look.candidates):
        return _still_made(coming)  # what runs may run until then: one release instead of two
    return Start(desired, update=True, running=look.running, why=_why(look, desired))


def rivalry(group_arn: str) -> Block:
    """Another group was there first."""
    return Block(
        "rival-group",
        f"The endpoint is released from the group {group_arn}. This group is tagged for it too, and is not used.",
        advice="Leave the tag on one of the two groups only (or on the endpoint, for a group of another account)",
    )


def _still_made(version: Version) -> Wait:
    return Wait(f"version {version.number} is approved and still being made")


def _unavailable(endpoint: Endpoint, target: Target | None) -> Decision:
    version = target.version if target else None
    said = endpoint.failure_reason or ""
    match endpoint.state:
        case State.BUSY:
            return Wait(f"SageMaker is at work on the endpoint ({endpoint.endpoint_status})")
        case State.MIXED:
            return Block(
                "mixed-fleet",
                "An update failed and could not be rolled back: old and new instances serve side by side "
                "(UpdateRollbackFailed). SageMaker takes no further update before this is mended.",
                Severity.CRITICAL,
                "Look at what SageMaker says of the endpoint; open a support case if instances cannot be replaced",
                version,
                said,
            )
        case _:
            return Block(
                "endpoint-failed",
                f"The endpoint is {endpoint.endpoint_status} and serves nothing. SageMaker allows only to delete it; "
                "Stationkeeper deletes no endpoint.",
                Severity.CRITICAL,
                "Find out why; then delete the endpoint, and the newest approved version is released to a new one",
                version,
                said,
            )


def _outcome(endpoint: Endpoint, target: Target | None) -> Decision | None:
    """How the release under way ended; None when none is, or when something else happened to the endpoint."""
    if target is None:
        return None
    if endpoint.endpoint_config_name == target.config:
        return Succeeded(target)
    if target.asked and endpoint.endpoint_config_name == target.previous_config:
        before, now = target.seen_modified_at, endpoint.last_modified_time
        if before is not None and now is not None and now <= before:
            return Wait("SageMaker does not show the update yet")
        # The status says nothing of it, and FailureReason may be empty: only the config tells.
        return RolledBack(target, endpoint.failure_reason or "")
    return None


def _group_gone(look: Look) -> Decision:
    if look.record.live is None and look.record.target is None:
        return Leave("the model package group does not exist")
    return Block(
        "group-gone",
        "The model package group does not exist any more. The endpoint is left as it is.",
        advice="Tag another group with stationkeeper:endpoint to go on, or delete the endpoint if it is not needed",
    )


def _nothing_approved(look: Look) -> Decision:
    if look.record.live is None or look.endpoint is None:
        return Leave("no version of the group is approved")
    return Block(
        "nothing-approved",
        "No approved version of the group is left to release. The endpoint is left as it is and keeps serving what it serves.",
        advice="Approve the version that should run",
        version=look.running,
    )


def package_failed(version: Version) -> Block:
    """A version is approved that can never run."""
    return Block(
        "package-failed",
        f"Version {version.number} is approved, but the package itself is {version.model_package_status}.",
        advice="Register the model again",
        version=version.number,
    )


def _in_place(look: Look, desired: Version) -> Decision:
    live = look.known_live
    if live is None or not look.live_is_of_group:
        return SetUp(_adopted(look, desired))
    if live.settled == look.wish and not look.thorough:
        return Leave(f"version {desired.number} is in service and set up")
    return SetUp(live)


def _adopted(look: Look, desired: Version) -> Live:
    """A version that somebody else released: from now on it is ours to look after."""
    assert look.endpoint is not None
    assert look.fleet is not None
    variant = look.fleet.released_variant(look.group_arn) or ""
    return Live(
        version=desired.number,
        package_arn=desired.model_package_arn,
        config=look.endpoint.endpoint_config_name,
        model=str(look.fleet.config.variant(variant).get("ModelName") or ""),
        variant=variant,
        started_at=look.now,
        released_at=look.endpoint.last_modified_time or look.now,
        ours=False,
    )


def _why(look: Look, desired: Version) -> str:
    running = look.running
    if running is None:
        return f"version {desired.number} is the newest approved; the endpoint runs a model of another origin"
    if running > desired.number:
        bar = look.record.bars(running)
        gone = "is not approved any more"
        if bar and running not in look.reapproved:
            gone = f"was taken back ({bar.reason})"
        return f"version {running} {gone}; version {desired.number} is the next highest approved"
    return f"version {desired.number} is the newest approved"
