"""What is remembered of one model of a multi-model endpoint: its versions, and where callers are sent.

The record leads and the pointer follows: who changes the record on condition that nobody else did, and takes the lease with that,
alone moves the pointer, deletes and tells, until both agree. So the pointer is never moved by two copies of the function at once.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict

from stationkeeper.artifacts.place import Place
from stationkeeper.events.artifact_events import PublishedVersion, SourceKind

LEASE_LASTS = timedelta(minutes=6)
"""A function lives no longer: after that nobody is at work."""
_RETIRED_KEPT = 100
_VERSIONS_KEPT = 500
"""More would not fit into an item of the table: the oldest go before their time. One every 20 minutes fills a week."""
_REFUSALS_KEPT = 50


class _Remembered(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Source(_Remembered):
    """What a version is made of. ARN and time of creation together are its identity: a group may be deleted and made anew."""

    kind: SourceKind
    arn: str
    created_at: AwareDatetime
    number: int
    """The order of versions of one owner: a package's version, or when a training job was created (see `naming.job_number`)."""
    owner: str = ""
    """ARN of the group; "" of training jobs, which have none."""
    artifact_uri: str = ""
    name: str = ""
    """Of a training job, as it is called: ARNs may be in lower case."""

    @property
    def identity(self) -> str:
        return f"{self.arn.lower()}@{self.created_at.timestamp():.3f}"


class Version(_Remembered):
    """A version that lies under the endpoint's prefix."""

    source: Source
    generation: int
    """Counts the owners a model has had: versions of a later one are newer, whatever their numbers."""
    label: str
    target_model: str
    uri: str
    etag: str
    size_bytes: int
    unpacked_bytes: int = 0
    files: int = 0
    in_place: bool = False
    """Whether it is to lie at the key without a version as well, while callers are sent to it."""
    published_at: AwareDatetime
    superseded_at: AwareDatetime | None = None
    """Since when callers are not sent to it."""
    rejected: bool = False
    """Taken back by a person: in the registry, or by command."""
    failed: str = ""
    """Why callers are never sent to it."""
    retiring: bool = False
    """Somebody is about to delete it."""
    retired: bool = False

    @property
    def order(self) -> tuple[int, int, datetime, str]:
        return self.generation, self.source.number, self.source.created_at, self.source.arn

    @property
    def good(self) -> bool:
        """Whether callers may be sent to it."""
        return not (self.rejected or self.failed or self.retiring or self.retired)

    def makes_good(self, refused: "Refused") -> bool:
        """Whether it makes up for a refusal before it: not for one of what is newer than it."""
        return self.source.owner.lower() != refused.owner.lower() or self.source.number >= refused.number

    @property
    def where(self) -> tuple[str, str, str]:
        """Bucket, key, and the prefix the key begins with."""
        bucket, _, key = self.uri.removeprefix("s3://").partition("/")
        return bucket, key, key.removesuffix(self.target_model)

    @property
    def told(self) -> PublishedVersion:
        return PublishedVersion(
            version=self.label,
            target_model=self.target_model,
            source_arn=self.source.arn,
            published_at=self.published_at,
        )


class Refused(_Remembered):
    """What could not be done, so that it is told once, and an artifact is not read again while it is the same."""

    identity: str
    """Of the source that was not published; or what else could not be done, and for which version."""
    source_arn: str
    number: int = 0
    owner: str = ""
    code: str
    passing: bool
    etag: str = ""
    incident: str = ""
    loud: bool = False
    """Whether on-call heard of it."""
    at: AwareDatetime


class Lease(_Remembered):
    holder: str
    until: AwareDatetime


class ModelRecord(_Remembered):
    """All of one model. `current` and `pointer` are addresses in S3 of versions, `uri`."""

    version: int = 0
    """Orders writes of the record; has nothing to do with the model's versions."""
    endpoint: str = ""
    model: str = ""
    on_call: str = ""
    """Whom messages name, as the newest publication said."""
    generation: int = 0
    owner: str = ""
    versions: tuple[Version, ...] = ()
    current: str = ""
    """Where callers are to be sent."""
    pointer: str = ""
    """Where they are sent, as far as it was written down."""
    in_place: str = ""
    """The version that lies at the key without a version; "" where none was wanted, or nobody knows."""
    unsure: bool = False
    """Somebody began to move the pointer, and did not write down that it was done."""
    refused: tuple[Refused, ...] = ()
    lease: Lease | None = None
    outbox: tuple[Mapping[str, str], ...] = ()
    """Events to be published once the pointer is where they say."""

    # ------------------------------------------------------------ looking

    def published(self, source: Source, place: Place | None = None) -> Version | None:
        """The version that its owner made of a source, unless it was deleted since; `place`: where the endpoint loads from now."""
        return next(
            (
                one
                for one in self.versions
                if one.source.identity == source.identity
                and not one.retired
                and self.is_owned_by(source.owner)
                and (place is None or one.uri == place.uri(one.target_model))
            ),
            None,
        )

    def is_owned_by(self, owner: str) -> bool:
        """Whether the model is published from a group; "": from training jobs."""
        return self.owner.lower() == owner.lower()

    def made_of(self, source_arn: str) -> bool:
        """Whether a training job's version is known, deleted ones too."""
        return any(one.source.arn.lower() == source_arn.lower() for one in self.versions)

    def refusal(self, identity: str) -> Refused | None:
        return next((one for one in self.refused if one.identity == identity), None)

    def at(self, uri: str) -> Version | None:
        return next((one for one in self.versions if one.uri == uri), None)

    @property
    def serving(self) -> Version | None:
        """The version callers are to be sent to."""
        return self.at(self.current) if self.current else None

    @property
    def wants_in_place(self) -> bool:
        """As the newest version says, though it may be taken back: the key must not keep what was."""
        newest = max(self.versions, key=lambda one: one.order, default=None)
        return newest is not None and newest.in_place

    @property
    def agrees(self) -> bool:
        """Whether callers that follow the pointer are where they are to be."""
        return self.pointer == self.current and not self.unsure

    @property
    def settled(self) -> bool:
        """Whether nothing is left to be done but to delete what is old."""
        in_place = not self.wants_in_place or self.in_place == self.current
        return self.agrees and in_place and not self.outbox and not any(one.retiring for one in self.versions)

    @property
    def settled_sources(self) -> tuple[str, ...]:
        """Lower-case ARNs of what is published, was, or is refused for good, newest first: their events need not be looked at again."""
        published = sorted(self.versions, key=lambda one: one.order, reverse=True)
        refused = [one.source_arn for one in self.refused if not one.passing]
        return tuple(dict.fromkeys(arn.lower() for arn in (*(one.source.arn for one in published), *refused)))

    def leased(self, now: datetime) -> bool:
        return self.lease is not None and now < self.lease.until

    def due(self, now: datetime, keep: timedelta) -> tuple[Version, ...]:
        """Versions to delete: nobody is sent to them for long enough. None while nobody knows for sure where callers are sent."""
        return tuple(
            one
            for one in self.versions
            if (one.retiring or (self.agrees and (_over(one, keep, now) or one.uri in self._surplus)))
            and one.uri not in (self.current, self.pointer)
        )

    def next_due(self, keep: timedelta, now: datetime) -> datetime | None:
        """When something is to be done again; None when nothing is. What is not settled is due at once."""
        if not self.settled or self._surplus:
            return now
        waits = [
            one.superseded_at + keep
            for one in self.versions
            if one.superseded_at is not None and not one.retired and one.uri != self.current
        ]
        return min(waits, default=None)

    def mended_by(self, version: Version) -> Refused | None:
        """The newest refusal that on-call heard of and that a version makes good: not one of what is newer than it."""
        return max(
            (one for one in self.refused if one.loud and version.makes_good(one)),
            key=lambda one: one.at,
            default=None,
        )

    @property
    def _surplus(self) -> frozenset[str]:
        """Addresses of the oldest versions beyond what a record holds."""
        there = sorted((one for one in self.versions if not one.retired), key=lambda one: one.order)
        return frozenset(one.uri for one in there[:-_VERSIONS_KEPT])

    # ------------------------------------------------------------ changing

    def named(self, endpoint: str, model: str) -> "ModelRecord":
        """With the names as people spell them."""
        return self._with(endpoint=endpoint, model=model)

    def with_version(self, version: Version) -> "ModelRecord":
        """With a version that now lies under the prefix; it takes the place of what was deleted at its key.

        A good one makes up for the refusals before it: the next one is news again.
        """
        others = tuple(one for one in self.versions if one.uri != version.uri)
        refused = tuple(one for one in self.refused if one.identity != version.source.identity)
        if not version.failed:
            refused = tuple(
                one.model_copy(update={"loud": False}) if version.makes_good(one) else one for one in refused
            )
        return self._with(versions=(*others, version), refused=refused)

    def with_owner(self, owner: str) -> "ModelRecord":
        """With a new owner, whose versions are newer than all before."""
        if self.versions and self.is_owned_by(owner):
            return self
        return self._with(owner=owner, generation=self.generation + 1)

    def with_refusals(self, *refused: Refused) -> "ModelRecord":
        identities = {one.identity for one in refused}
        others = tuple(one for one in self.refused if one.identity not in identities)
        return self._with(refused=(*others, *refused)[-_REFUSALS_KEPT:])

    def with_approvals(
        self, owner: str, approves: Callable[[Source], bool], *, in_place: bool
    ) -> "ModelRecord":
        """With each version of a group taken back, or not, as the registry has it now; and with the group's wish for a key in place."""
        versions = tuple(
            one.model_copy(update={"rejected": not approves(one.source), "in_place": in_place})
            if one.source.owner.lower() == owner.lower()
            else one
            for one in self.versions
        )
        return self._with(versions=versions)

    def with_taken_back(self, label: str) -> "ModelRecord":
        versions = tuple(
            one.model_copy(update={"rejected": True}) if one.label == label else one for one in self.versions
        )
        return self._with(versions=versions)

    def pointed(self, place: Place, now: datetime) -> "ModelRecord":
        """With `current` at the newest good version under the endpoint's prefix; where there is none it stays.

        Forward by order; back only when the version it was at is not good any more.
        """
        good = [one for one in self.versions if one.good and one.uri == place.uri(one.target_model)]
        newest = max(good, key=lambda one: one.order, default=None)
        current = newest.uri if newest is not None else self.current
        versions = tuple(_superseded(one, current, now) for one in self.versions)
        return self._with(versions=versions, current=current)

    def with_lease(self, holder: str, now: datetime) -> "ModelRecord":
        """With a lease. What its holder is about to move is unknown from now on, until it is written down."""
        return self._with(
            lease=Lease(holder=holder, until=now + LEASE_LASTS),
            unsure=not self.agrees,
            in_place=self.in_place if self.in_place == self.current else "",
        )

    def left(self, uris: Iterable[str], now: datetime) -> "ModelRecord":
        """With versions that callers were sent to until now: their grace begins."""
        chosen = frozenset(uris) - {self.current}
        versions = tuple(
            one.model_copy(update={"superseded_at": now}) if one.uri in chosen else one
            for one in self.versions
        )
        return self._with(versions=versions)

    def retiring(self, uris: Iterable[str]) -> "ModelRecord":
        """With versions marked as being deleted: nobody is sent to them from now on."""
        chosen = frozenset(uris)
        versions = tuple(
            one.model_copy(update={"retiring": True}) if one.uri in chosen else one for one in self.versions
        )
        return self._with(versions=versions)

    def retired(self, uris: Iterable[str]) -> "ModelRecord":
        """With versions that are deleted; the newest of them are remembered, so that a late event does not publish them again."""
        chosen = frozenset(uris)
        versions = [
            one.model_copy(update={"retiring": False, "retired": True}) if one.uri in chosen else one
            for one in self.versions
        ]
        gone = sorted((one for one in versions if one.retired), key=lambda one: one.order)[:-_RETIRED_KEPT]
        forgotten = {one.uri for one in gone}
        return self._with(versions=tuple(one for one in versions if one.uri not in forgotten))

    def saying(self, *entries: Mapping[str, str]) -> "ModelRecord":
        return self._with(outbox=(*self.outbox, *entries))

    def _with(self, **changes: object) -> "ModelRecord":
        return self.model_copy(update=changes)


def _over(version: Version, keep: timedelta, now: datetime) -> bool:
    since = version.superseded_at
    return since is not None and not version.retired and now - since >= keep


def _superseded(version: Version, current: str, now: datetime) -> Version:
    """The version, with since when it is not the one callers are sent to."""
    if version.uri == current:
        return version.model_copy(update={"superseded_at": None})
    return version if version.superseded_at is not None else version.model_copy(update={"superseded_at": now})
