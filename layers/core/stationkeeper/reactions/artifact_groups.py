"""A group's versions for a multi-model endpoint: what the registry approves is published, what it rejects is taken back."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from stationkeeper.alerts.text import plain
from stationkeeper.artifacts.naming import Named, is_model_name, model_name
from stationkeeper.artifacts.place import Place
from stationkeeper.artifacts.record import ModelRecord, Source
from stationkeeper.artifacts.refusal import Refusal
from stationkeeper.artifacts.settings import ArtifactSettings, settings_of
from stationkeeper.errors import MemoryConflict
from stationkeeper.events.artifact_trigger import ArtifactTrigger
from stationkeeper.reactions.artifact_candidates import Candidates
from stationkeeper.releases.registry import ModelPackage, Version
from stationkeeper.telemetry import logger

_LOOKS = 20
_TRIES = 3
"""So many versions of a group are tried, when the newest ones cannot be published."""
_DESCRIBED = 20
"""So many versions of a group are looked at by `sweep`, where only their artifacts say which models they are."""
_UNKNOWN = datetime(2000, 1, 1, tzinfo=UTC)


class Registry(Protocol):
    def is_own(self, arn: str) -> bool:
        """Whether an ARN is of this account."""

    def tags(self, arn: str) -> dict[str, str] | None:
        """Tags of a SageMaker resource; None when it is not there."""

    def package(self, arn: str) -> ModelPackage | None:
        """A version with all its properties; None when it is not there."""

    def approved(self, group_arn: str) -> tuple[Version, ...] | None:
        """Approved versions of a group; None when the group is not there."""


@dataclass(frozen=True, slots=True)
class _Group:
    """A group that opted in."""

    arn: str
    settings: ArtifactSettings


@dataclass(frozen=True, slots=True)
class Groups:
    registry: Registry
    candidates: Candidates
    now: Callable[[], datetime]

    def look(self, trigger: ArtifactTrigger) -> str:
        """Look at the group of a version, or at all of a group; why it was not looked at, "" when it was."""
        arn = trigger.group_arn
        tags = self.registry.tags(arn) if self.registry.is_own(arn) else {}
        group = _Group(arn, settings_of(tags or {}))
        if not group.settings.endpoint:
            return "its group is not tagged for a multi-model endpoint"
        with logger.append_context_keys(
            endpoint=plain(group.settings.endpoint, 63), model_package_group=plain(arn, 200)
        ):
            for problem in group.settings.problems:
                logger.warning("Tag ignored", extra={"decision": "tag-ignored", "reason": problem})
            arns = [trigger.package_arn] if trigger.package_arn else []
            if not arns and not group.settings.target_model:
                newest = sorted(self._approved(arn) or {}, reverse=True)[:_DESCRIBED]
                arns = [
                    f"{arn.replace(':model-package-group/', ':model-package/')}/{number}" for number in newest
                ]
            packages = [package for one in arns if (package := self.registry.package(one)) is not None]
            for model, versions in self._by_model(trigger, group, packages).items():
                self._model(trigger, group, model, versions)
        return ""

    def _approved(self, group_arn: str) -> dict[int, Version] | None:
        """Approved versions of a group by number, those that are made; None when it is gone."""
        approved = self.registry.approved(group_arn)
        if not approved and self.registry.tags(group_arn) is None:  # gone is not "approves nothing"
            return None
        return None if approved is None else {one.number: one for one in approved if one.usable}

    def _by_model(
        self, trigger: ArtifactTrigger, group: _Group, packages: Iterable[ModelPackage]
    ) -> dict[str, dict[int, ModelPackage]]:
        """The versions that were looked at by the model they are of; approved ones of which no model can be told are refused."""
        tag = group.settings.target_model
        found: dict[str, dict[int, ModelPackage]] = {tag: {}} if is_model_name(tag) else {}
        for package in packages:
            named = model_name(tag, _artifact(package))
            if isinstance(named, Named):
                found.setdefault(named.model, {})[package.number] = package
            elif package.model_approval_status == "Approved" and package.listed.usable:
                self._publish(trigger, group, package, None)
        return found

    def _model(
        self, trigger: ArtifactTrigger, group: _Group, model: str, seen: Mapping[int, ModelPackage]
    ) -> None:
        """Publish what is to be published of a model, then see which of its versions the registry still approves.

        That is the newest one that can be, and the one the event is about, though it be older: it may be gone back to.
        """
        record = self.candidates.recall(group.settings.endpoint, model)
        # Listed after the record was read: whoever follows a later decision writes it, and our own write is refused.
        approved = self._approved(group.arn)
        if approved is None:
            _leave_alone("its group is gone")
            return
        numbers = set(approved)
        if not group.settings.target_model:  # a group may hold versions of many models
            known = {
                one.source.number for one in record.versions if one.source.owner.lower() == group.arn.lower()
            }
            numbers &= known | set(seen)
        place = self.candidates.publishing.places.of(group.settings.endpoint)
        there = place if isinstance(place, Place) else None
        tries = 0
        published_now = False
        for number in sorted(numbers, reverse=True):
            if tries >= _TRIES and not (trigger.package_arn and number in seen):
                continue
            published = _published(record, group.arn, approved[number], there)
            if published is None:
                package = seen.get(number) or self.registry.package(approved[number].model_package_arn)
                published = package is not None and self._publish(trigger, group, package, record)
                record = self.candidates.recall(group.settings.endpoint, model)
                published_now = True
            tries = _TRIES if published else tries + 1
        if published_now:  # which may have taken minutes
            approved = self._approved(group.arn)
        self._follow_approvals(trigger, group, model, record, approved)

    def _publish(
        self, trigger: ArtifactTrigger, group: _Group, package: ModelPackage, record: ModelRecord | None
    ) -> bool:
        source = Source(
            kind="model-package",
            arn=package.model_package_arn,
            created_at=package.creation_time or _UNKNOWN,
            number=package.number,
            owner=group.arn,
            artifact_uri=_artifact(package),
        )
        return self.candidates.bring(
            trigger,
            group.settings,
            source,
            problem=_problem(package),
            record=record,
            payload_uri=package.sample_payload_url or "",
            content_type=package.content_type or "",
        )

    def _follow_approvals(
        self,
        trigger: ArtifactTrigger,
        group: _Group,
        model: str,
        record: ModelRecord,
        approved: Mapping[int, Version] | None,
    ) -> None:
        """Bring the record to what the registry says, and the pointer after it: back, when the version it names is not approved."""
        publishing, settings = self.candidates.publishing, group.settings
        if not record.versions or not record.is_owned_by(group.arn):
            return
        place = publishing.places.of(settings.endpoint)
        if not isinstance(place, Place):
            _leave_alone(place.why)
            return
        for _ in range(_LOOKS):
            if approved is None:  # gone is not rejected
                _leave_alone("its group is gone")
                return
            changed = record.with_approvals(group.arn, _approves(approved), in_place=settings.in_place)
            changed = self.candidates.gone_back_to(record, changed, place)
            followed = self.candidates.follow(trigger, settings, record, changed)
            if followed and changed == record:
                return
            # Somebody wrote meanwhile; or we did, and a decision that came after the listing found nothing to be changed.
            record = self.candidates.recall(settings.endpoint, model)
            approved = self._approved(group.arn)
        raise MemoryConflict(f"the record of {settings.endpoint}/{model} kept changing; tried again later")


def _leave_alone(why: str) -> None:
    logger.info("Left alone", extra={"decision": "left", "reason": why})


def _approves(approved: Mapping[int, Version]) -> Callable[[Source], bool]:
    """Whether a version is approved: not only one of its number, as a group may be deleted and made anew."""
    return lambda source: source.number in approved and _is(source, approved[source.number])


def _is(source: Source, listed: Version) -> bool:
    same = source.arn.lower() == listed.model_package_arn.lower()
    made = listed.creation_time
    # To the second: two calls need not agree on the rest.
    return same and (made is None or abs(made - source.created_at) < timedelta(seconds=1))


def _published(record: ModelRecord, group_arn: str, listed: Version, place: Place | None) -> bool | None:
    """Whether callers may be sent to what was made of a version for this group; None when nothing was, where the endpoint loads from."""
    if not record.is_owned_by(group_arn):
        return None
    for one in record.versions:
        there = place is None or one.uri == place.uri(one.target_model)
        if there and not one.retired and _is(one.source, listed):
            return not (one.failed or one.retiring)
    return None


def _artifact(package: ModelPackage) -> str:
    return package.artifacts[0] if len(package.artifacts) == 1 else ""


def _problem(package: ModelPackage) -> Refusal | None:
    if len(package.artifacts) == 1:
        return None
    if package.artifacts:
        return Refusal(
            "several-artifacts",
            f"Version {package.number} has {len(package.artifacts)} containers with artifacts; a model of a multi-model endpoint is one.",
            "Register a version with one container",
        )
    return Refusal("no-artifact", f"Version {package.number} was registered without a model artifact.")
