"""How artifacts, their versions and their refusals are called in plain words.

The event says why an artifact was refused and what to advise; here is what each code is called in a subject, and the commands that
fit it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from stationkeeper.alerts.artifact_steps import (
    container_log,
    contents_listed,
    deletions,
    endpoint_models,
    endpoint_seen,
    endpoints_listed,
    first_bytes,
    job_of,
    object_seen,
    pointer_moved,
    pointer_seen,
    registry_told,
    restored,
    rights_seen,
    source_log,
    source_seen,
    tagged_endpoint,
    tagged_model,
    tags_seen,
    untagged_endpoint,
    untagged_in_place,
    versions_listed,
    what_lies_there,
)
from stationkeeper.alerts.layout import Step
from stationkeeper.alerts.text import moment
from stationkeeper.events.artifact_events import ArtifactEvent, ArtifactRejected, PublishedVersion

type _Next = Callable[[ArtifactRejected], Step | None]

POINTER_REFUSED = "pointer-refused"
WARM_UP = "warm-up"
_SHORT_LABEL = 12  # a training job's is its time of creation: too long for a subject


@dataclass(frozen=True, slots=True)
class RefusalWords:
    """Why an artifact was refused, for a subject, and the next steps.

    Attributes
    ----------
    what : a clause, `it is cut off`.
    short : at most 13 characters: it stands alone beside the longest endpoint.
    headline : in place of `new artifact refused, <what>`.
    final : nothing but another training job or version mends it.
    no_place : the endpoint is what is wrong: calls may fail, whatever the pointer names.
    """

    what: str
    short: str
    steps: tuple[_Next, ...]
    headline: str = ""
    final: bool = False
    no_place: bool = False


def _without_in_place(event: ArtifactRejected) -> Step | None:
    return untagged_in_place(event) if published_before(event) else None


_CONTENT: tuple[_Next, ...] = (object_seen, contents_listed, source_seen, source_log, registry_told)
_ENDPOINT: tuple[_Next, ...] = (endpoint_seen, endpoint_models, tags_seen, tagged_endpoint)
REFUSALS: dict[str, RefusalWords] = {
    # the archive
    "empty": RefusalWords(
        "it is empty", "it is empty", (object_seen, source_seen, source_log, registry_told)
    ),
    "truncated": RefusalWords("it is cut off", "it is cut off", _CONTENT),
    "damaged": RefusalWords("it is damaged", "it is damaged", _CONTENT),
    "not-gzip": RefusalWords(
        "it is no gzip archive",
        "no gzip file",
        (object_seen, first_bytes, source_seen, source_log, registry_told),
    ),
    "not-tar": RefusalWords("it is no tar archive", "no tar file", _CONTENT),
    "no-files": RefusalWords("no file is in it", "no file in it", _CONTENT),
    "too-large": RefusalWords("it is too large", "too large", _CONTENT),
    "too-many-members": RefusalWords("it holds too many files", "too many", _CONTENT),
    "too-large-header": RefusalWords("its headers are too large", "huge headers", _CONTENT),
    "bomb": RefusalWords("it unpacks to far too much", "unpacks large", _CONTENT),
    "special-member": RefusalWords("it holds more than plain files", "special files", _CONTENT),
    "unsafe-member": RefusalWords("a name in it is unsafe", "unsafe name", _CONTENT),
    "unsafe-link": RefusalWords("a link in it is unsafe", "unsafe link", _CONTENT),
    # where it lies, and who may read it
    "missing": RefusalWords(
        "it is not there", "not there", (object_seen, deletions, source_seen, registry_told)
    ),
    "denied": RefusalWords("access is denied", "access denied", (object_seen, rights_seen, source_seen)),
    "archived": RefusalWords("it is archived", "archived", (object_seen, restored, source_seen)),
    "customer-key": RefusalWords(
        "only its owner has its key", "owner's key", (source_seen, source_log, registry_told)
    ),
    "not-s3": RefusalWords(
        "an address is no file in S3",
        "wrong address",
        (source_seen, endpoint_seen, endpoint_models),
        final=True,
    ),
    # the endpoint
    "no-endpoint": RefusalWords(
        "there is no such endpoint",
        "no endpoint",
        (endpoints_listed, tags_seen, tagged_endpoint),
        no_place=True,
    ),
    "not-multi-model": RefusalWords(
        "the endpoint is not multi-model", "single model", _ENDPOINT, no_place=True
    ),
    "several-prefixes": RefusalWords(
        "the endpoint has several prefixes", "many prefixes", (endpoint_seen, endpoint_models), no_place=True
    ),
    # which model it is, and of what
    "no-name": RefusalWords(
        "nothing says which model it is", "no name", (tags_seen, tagged_model, source_seen)
    ),
    "bad-name": RefusalWords("its name cannot be used", "bad name", (tags_seen, tagged_model, source_seen)),
    "another-source": RefusalWords(
        "its model has another source", "two sources", (tags_seen, untagged_endpoint, source_seen)
    ),
    "no-job": RefusalWords("its training job is gone", "job is gone", (), final=True),
    "no-artifact": RefusalWords(
        "there is none", "no artifact", (source_seen, source_log, registry_told), final=True
    ),
    "several-artifacts": RefusalWords(
        "it is not one but several", "several parts", (source_seen, registry_told), final=True
    ),
    # publishing
    "key-taken": RefusalWords(
        "its key is taken", "key taken", (what_lies_there, _without_in_place), final=True
    ),
    WARM_UP: RefusalWords(
        "its warm-up failed",
        "warm-up fails",
        (container_log, source_seen, source_log, registry_told),
        headline="new version failed its warm-up",
        final=True,
    ),
    "warm-up-not-tried": RefusalWords(
        "its warm-up could not be tried",
        "not warmed up",
        (source_seen, registry_told, tags_seen),
        headline="new version held back, its warm-up could not be tried",
    ),
    POINTER_REFUSED: RefusalWords(
        "the pointer was not moved",
        "pointer stuck",
        (pointer_seen, pointer_moved),
        headline="the pointer could not be moved",
    ),
}
UNKNOWN_REFUSAL = RefusalWords(
    "see why",
    "refused",
    (object_seen, source_seen, source_log, versions_listed),
    headline="new artifact refused",
)


def published_before(event: ArtifactRejected) -> bool:
    """Whether it is about a version that lies there: something else about it could not be done."""
    return bool(event.target_model)


def labelled(label: str) -> str:
    """`version 7`."""
    return f"version {label}" if label else "the new version"


def short_label(label: str) -> str:
    """`v7`, where a subject has no room for more; "" for one that is itself too long."""
    return f"v{label}" if label and len(label) <= _SHORT_LABEL else ""


def version_of_model(event: ArtifactEvent) -> str:
    """`version 7 of Houston_TX`."""
    return labelled(event.version) + (f" of {event.model}" if event.model else "")


def served(version: PublishedVersion) -> str:
    """`version 6 (Houston_TX/Houston_TX-v6.tar.gz), published 21 Nov 2026 10:00 UTC`."""
    since = f", published {moment(version.published_at)}" if version.published_at is not None else ""
    return f"{labelled(version.version)} ({version.target_model}){since}"


def made_by(event: ArtifactEvent) -> str:
    """`training job houston-7`, `version 7 of group houston`; "" when nobody knows."""
    if not event.source_arn:
        return ""
    if event.source == "training-job":
        return f"training job {job_of(event)}".rstrip()
    of_group = f" of group {event.group}" if event.group else ""
    return f"version {event.source_arn.rpartition('/')[2]}{of_group}"


def explained(event: ArtifactEvent) -> str:
    """The version's label, and what it means where that is no number of a package."""
    made_of_time = event.source == "training-job" and event.version
    return f"{event.version} (when the job was created, in UTC)" if made_of_time else event.version
