"""Domain events about artifacts of multi-model endpoints: published, rejected, withdrawn."""

from typing import ClassVar, Literal

from pydantic import AwareDatetime

from stationkeeper.events.domain import Detail, DomainEvent

type SourceKind = Literal["training-job", "model-package"]


class PublishedVersion(Detail):
    """A version of a model as callers know it: its label, and what they pass as `TargetModel`."""

    version: str
    target_model: str
    source_arn: str = ""
    published_at: AwareDatetime | None = None


class ArtifactEvent(DomainEvent):
    """What all events about artifacts share. Texts are cleaned and clipped."""

    at: AwareDatetime
    model: str
    """What callers call it; "" where nothing names it."""
    version: str
    """`7` of a model package version, `20261123130507250` of a training job: when it was created, in UTC."""
    source: SourceKind
    source_arn: str
    artifact_uri: str = ""
    named_by: str = ""
    """Which rule gave the model's name: the tag, or the output path."""
    group: str = ""
    serving: PublishedVersion | None = None
    """What the pointer names after this; None when nothing was ever published."""
    pointer: str = ""
    """Name of the SSM parameter that holds the `TargetModel`."""
    quiet: bool = False
    """For the bus only: on-call need not hear of it."""


class ArtifactPublished(ArtifactEvent):
    """A version lies under the endpoint's prefix; `pointed` says whether callers are sent to it, or to a newer one."""

    detail_type: ClassVar[str] = "ArtifactPublished"

    target_model: str
    published_uri: str
    size_bytes: int
    unpacked_bytes: int
    files: int
    pointed: bool
    previous: PublishedVersion | None = None
    in_place: str = ""
    """The `TargetModel` that always holds the newest version, for callers that follow no pointer; "" where none is wanted."""
    warmed: bool = False
    """Whether it answered a call before callers were sent to it."""
    mended: str = ""
    """Code of the refusal before it, which on-call heard of; ""."""


class ArtifactRejected(ArtifactEvent):
    """It was not published, or callers are not sent to it; what served keeps serving. `code` tells the reasons apart."""

    detail_type: ClassVar[str] = "ArtifactRejected"

    code: str
    reason: str
    hint: str = ""
    passing: bool = False
    """Whether it is looked at again every hour (a job for a day, a version while it is approved): it may be mended without a new artifact."""
    target_model: str = ""
    """Of a version that lies under the prefix: something else about it could not be done. "" of what was not published."""
    of_the_day: int = 1
    """How many artifacts of the endpoint were rejected since midnight, in UTC."""


class ArtifactWithdrawn(ArtifactEvent):
    """A published version was taken back, and callers are sent to `serving`, or still to itself where nothing else is left."""

    detail_type: ClassVar[str] = "ArtifactWithdrawn"

    target_model: str
    nothing_left: bool = False
