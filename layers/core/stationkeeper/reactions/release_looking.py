"""Observing and planning a release: from a place to look at, through everything that is there, to a plan that is data.

Nothing here changes anything: the reaction carries plans out, the command line prints them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from stationkeeper.events.release_trigger import GROUP_TAG
from stationkeeper.reactions.ports import ReleaseRecords
from stationkeeper.releases.decision import Block, Decision, Look, SetUp, Start, Wait, decide, needs_fleet
from stationkeeper.releases.names import resource_name
from stationkeeper.releases.observed import Alarm, Baselining, Endpoint, Fleet, Scaling, Schedule
from stationkeeper.releases.record import Live, Record
from stationkeeper.releases.registry import ModelPackage, Version
from stationkeeper.releases.set_up import SetUpPlan, Surroundings, baselining_needed, plan_set_up
from stationkeeper.releases.settings import (
    NotManaged,
    ReleaseSettings,
    StackDefaults,
    settings_of,
)
from stationkeeper.releases.starting import Release, alarms_to_be, plan_creation, plan_update
from stationkeeper.tags import TAG_PREFIX


class ReleaseSight(Protocol):
    """What can be looked at; `aws.release_sight` has the calls each costs."""

    def is_own(self, arn: str) -> bool: ...
    def tags(self, arn: str) -> dict[str, str] | None: ...
    def followers(self, group_arn: str) -> tuple[str, ...]: ...
    def approved(self, group_arn: str) -> tuple[Version, ...] | None: ...
    def waiting(self, group_arn: str) -> tuple[Version, ...]: ...
    def package(self, arn: str) -> ModelPackage | None: ...
    def endpoint(self, name: str) -> Endpoint | None: ...
    def fleet(self, config_name: str) -> Fleet | None: ...
    def with_tags(self, fleet: Fleet, model_name: str) -> Fleet: ...
    def alarms(self, names: Iterable[str], endpoint: str = "") -> tuple[Alarm, ...]: ...
    def latency_milliseconds(self, endpoint: str, variant: str, now: datetime) -> float | None: ...
    def scaling(self, endpoint: str, variant: str) -> Scaling: ...
    def schedules(self, endpoint: str) -> tuple[Schedule, ...]: ...
    def baselining(self, job_name: str) -> Baselining | None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look.

    `endpoint` is named when its own tags, not the group's, opted in: the group is another account's. `remembered` is the endpoint whose
    record led here.
    """

    group_arn: str
    endpoint: str = ""
    remembered: str = ""


@dataclass(frozen=True, slots=True)
class Hint:
    """What an event said of a version's approval; it may be late."""

    version: int
    approval: str


@dataclass(frozen=True, slots=True)
class NotTaken:
    """The group takes no part, and why where somebody meant it to."""

    group_arn: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Looking:
    """Looks and plans, over its ports."""

    sight: ReleaseSight
    records: ReleaseRecords
    stack: StackDefaults

    def look(
        self, place: Place, now: datetime, *, thorough: bool = False, hint: Hint | None = None
    ) -> Look | NotTaken:
        """One look: what is wanted, what is there, what is remembered.

        `hint` is what an event said of a version: where the listing says otherwise, the version itself is asked.

        The record is read before the endpoint: it says "asked" only after SageMaker was, so that an endpoint seen later shows it.
        """
        settings = self._settings(place)
        gone = settings is None
        if settings is None:  # of a group that is gone we know what was released to
            settings = settings_of({f"{TAG_PREFIX}endpoint": place.remembered}, self.stack)
        if isinstance(settings, NotManaged):
            return NotTaken(place.group_arn, "" if gone else settings.why)
        record = self.records.recall(settings.endpoint)
        rival = self._rival(place, record)
        if not rival:
            record = record.taken_over_by(place.group_arn, now)
        approved = None if gone else self._approved(place.group_arn, hint)
        look = Look(
            group_arn=place.group_arn,
            settings=settings,
            approved=approved,
            endpoint=self.sight.endpoint(settings.endpoint),
            record=record,
            now=now,
            reapproved=self._reapproved(approved or (), record),
            rival_group=rival,
            thorough=thorough,
        )
        if needs_fleet(look) and look.endpoint is not None:
            look = replace(look, fleet=self.sight.fleet(look.endpoint.endpoint_config_name))
        return replace(look, wish=wish(look)) if look.desired else look

    def plan_start(self, look: Look, start: Start) -> Release | Block | Wait:
        """The steps of a release that was decided on."""
        package = self.sight.package(start.version.model_package_arn)
        if package is not None and package.model_approval_status not in ("Approved", None):
            return Wait(
                f"version {package.number} is listed as approved, and is {package.model_approval_status}"
            )
        if package is None:
            return Block(
                "package-gone",
                f"Version {start.version.number} is listed, but cannot be read.",
                version=start.version.number,
            )
        if look.endpoint is None:
            live = look.record.live
            last, last_package = self._with_package(
                self.sight.fleet(live.config) if live else None, look.group_arn
            )
            return plan_creation(start, package, look.group_arn, look.settings, last, last_package, look.now)
        fleet, live_package = self._with_package(
            look.fleet or self.sight.fleet(look.endpoint.endpoint_config_name), look.group_arn
        )
        if fleet is None:
            return config_gone(look.endpoint, start.version.number)
        ours = alarms_to_be(fleet, package, live_package, look.group_arn, look.settings.endpoint)
        return plan_update(
            start,
            package,
            live_package,
            look.group_arn,
            look.settings,
            look.endpoint,
            fleet,
            self.sight.alarms(ours, look.settings.endpoint),
            look.now,
            self._latency(look, fleet),
        )

    def _latency(self, look: Look, fleet: Fleet) -> float | None:
        """The live fleet's latency, where no tag sets the limit."""
        variant = fleet.released_variant(look.group_arn)
        if look.settings.latency_milliseconds is not None or variant is None:
            return None
        return self.sight.latency_milliseconds(look.settings.endpoint, variant, look.now)

    def _with_package(self, fleet: Fleet | None, group_arn: str) -> tuple[Fleet | None, ModelPackage | None]:
        """A fleet with its tags, and the version that the variant to be changed runs."""
        variant = fleet.released_variant(group_arn) if fleet else None
        model = fleet.model_of(fleet.config.variant(variant)) if fleet and variant else None
        if fleet is None or model is None:
            return fleet, None
        package = self.sight.package(model.package_arn) if model.package_arn else None
        return self.sight.with_tags(fleet, model.name), package

    def plan_set_up(self, look: Look, live: Live) -> SetUpPlan:
        """What is left so that autoscaling and monitoring of a version in service are as configured."""
        package = self.sight.package(live.package_arn)
        fleet = look.fleet or self.sight.fleet(live.config)
        if fleet is None and look.endpoint is not None:
            lost = config_gone(look.endpoint, live.version)
            return SetUpPlan(lost=lost, notes=(lost.why,))
        if (
            package is None
            or fleet is None
            or not any(v.get("VariantName") == live.variant for v in fleet.config.variants)
        ):
            return SetUpPlan(
                notes=(
                    "autoscaling and monitors were not looked at: the version or its config cannot be read",
                )
            )
        job = baselining_needed(package, look.settings, fleet, look.group_arn)
        surroundings = Surroundings(
            scaling=self.sight.scaling(look.settings.endpoint, live.variant),
            schedules=self.sight.schedules(look.settings.endpoint),
            baselining=self.sight.baselining(job.name) if job else None,
        )
        return plan_set_up(
            package,
            look.settings,
            fleet,
            live.variant,
            look.group_arn,
            surroundings,
            created=look.record.created,
        )

    def plan(self, look: Look) -> tuple[Decision, Release | SetUpPlan | None]:
        """What would be done now, for people: the decision, and its steps."""
        decision = decide(look)
        match decision:
            case Start():
                release = self.plan_start(look, decision)
                return (release, None) if isinstance(release, Block | Wait) else (decision, release)
            case SetUp():
                set_up = self.plan_set_up(look, decision.live)
                return (set_up.lost, None) if set_up.lost else (decision, set_up)
            case _:
                return decision, None

    def _settings(self, place: Place) -> ReleaseSettings | NotManaged | None:
        """The settings; None when the group is gone."""
        if not place.endpoint:
            tags = self.sight.tags(place.group_arn)
            return None if tags is None else settings_of(tags, self.stack)
        arn = f"arn:{self.stack.partition}:sagemaker:{self.stack.region}:{self.stack.account}:endpoint/{place.endpoint.lower()}"
        tags = self.sight.tags(arn)
        if tags is None:
            return NotManaged(f"there is no endpoint {place.endpoint}")
        if tags.get(GROUP_TAG, "").lower() != place.group_arn.lower():
            return NotManaged()  # its record remembers what it followed once
        return settings_of(tags, self.stack, place.endpoint)

    def _approved(self, group_arn: str, hint: Hint | None) -> tuple[Version, ...] | None:
        """Approved versions: a listing may be older than the event that made us look."""
        listed = self.sight.approved(group_arn)
        if listed is None or hint is None:
            return listed
        found = next((version for version in listed if version.number == hint.version), None)
        if (found is not None) == (hint.approval == "Approved"):
            return listed
        arn = f"{group_arn.replace(':model-package-group/', ':model-package/')}/{hint.version}"
        package = self.sight.package(arn)
        others = tuple(version for version in listed if version.number != hint.version)
        if package is None or package.model_approval_status != "Approved":
            return others
        return (*others, package.listed)

    def _reapproved(self, approved: tuple[Version, ...], record: Record) -> frozenset[int]:
        """Versions that were rolled back and that somebody approved again since."""
        found = set()
        for version in approved:
            barred = record.bars(version.number)
            if barred is None or not barred.rejected:
                continue
            package = self.sight.package(version.model_package_arn)
            if package is None or package.model_approval_status != "Approved":
                continue  # the listing does not show our rejection yet
            if package.last_modified_time is not None and package.last_modified_time > barred.at:
                found.add(version.number)
        return frozenset(found)

    def _rival(self, place: Place, record: Record) -> str:
        """The group that the endpoint is released from, if it is another one that still claims it."""
        if not record.group_arn or record.group_arn.lower() == place.group_arn.lower():
            return ""
        if not self.sight.is_own(record.group_arn):
            return ""
        tags = self.sight.tags(record.group_arn) or {}
        theirs = settings_of(tags, self.stack)
        claims = isinstance(theirs, ReleaseSettings) and theirs.endpoint.lower() == record.endpoint.lower()
        return record.group_arn if claims else ""


def wish(look: Look) -> str:
    """A digest of what the desired version is to be set up with: settings, defaults and version."""
    assert look.desired is not None
    return resource_name("w", digest_of=[look.desired.model_package_arn, look.settings], limit=63)


def config_gone(endpoint: Endpoint, version: int | None) -> Block:
    return Block(
        "config-gone",
        f"The config {endpoint.endpoint_config_name} that the endpoint runs, or its model, was deleted. It serves on, but cannot be "
        "cloned, nor replace an instance.",
        advice="Make the config and the model again under their names",
        version=version,
    )
