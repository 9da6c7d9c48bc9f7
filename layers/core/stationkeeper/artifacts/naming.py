"""What a model of a multi-model endpoint is called, and where its versions lie."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from stationkeeper.alerts.text import plain
from stationkeeper.artifacts.refusal import Refusal
from stationkeeper.events.domain import stable_id

# What a parameter of SSM, a header of InvokeEndpoint and a key of S3 all take.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_OUTPUT_PATH = re.compile(r"(?:^|/)model_artifacts/([^/]+)/[^/]+/output/model\.tar\.gz$")
_NAMES = "1 to 100 letters, digits and _ . - of ASCII, a letter or a digit first"


@dataclass(frozen=True, slots=True)
class Named:
    """A model's name, and which rule gave it."""

    model: str
    by: str


def is_model_name(text: str) -> bool:
    """Whether a model may be called so."""
    return _NAME.fullmatch(text) is not None


def model_name(tag: str, artifact_uri: str) -> Named | Refusal:
    """What callers call a model: what the tag `target-model` says, else what the artifact's address suggests.

    >>> model_name("", "s3://b/x/model_artifacts/Houston_TX/job-7/output/model.tar.gz").model
    'Houston_TX'
    """
    if tag:
        name, by = tag, "tag stationkeeper:target-model"
    else:
        found = _OUTPUT_PATH.search(artifact_uri)
        if found is None:
            return Refusal(
                "no-name",
                "Nothing says which model it is: there is no tag stationkeeper:target-model, and the artifact does not lie at "
                ".../model_artifacts/<model>/<job>/output/model.tar.gz.",
                "Set the tag stationkeeper:target-model, or let the next job write there",
            )
        name, by = found[1], "output path .../model_artifacts/<model>/<job>/output/model.tar.gz"
    if not is_model_name(name):
        return Refusal(
            "bad-name",
            f"The name {plain(name, 120)!r} (from the {by}) cannot be a target model: it must be {_NAMES}.",
            "Set the tag stationkeeper:target-model to a name like that",
        )
    return Named(name, by)


def nameless(source_arn: str) -> str:
    """Where the refusal of something is remembered of which nobody knows what model it is; no model is called so."""
    return f"-{stable_id(source_arn.lower())[:16]}"


def job_number(created_at: datetime) -> int:
    """The order of a training job's version: when the job was created, in UTC, to the millisecond.

    >>> job_number(datetime(2026, 11, 23, 13, 5, 7, 250_000, UTC))
    20261123130507250
    """
    at = created_at.astimezone(UTC)
    return int(f"{at:%Y%m%d%H%M%S}{at.microsecond // 1_000:03d}")


def version_key(model: str, label: str) -> str:
    """What callers pass as `TargetModel` for one version.

    >>> version_key("Houston_TX", "7")
    'Houston_TX/Houston_TX-v7.tar.gz'
    """
    return f"{model}/{model}-v{label}.tar.gz"


def in_place_key(model: str) -> str:
    """The `TargetModel` that always holds the newest version: `Houston_TX/Houston_TX.tar.gz`."""
    return f"{model}/{model}.tar.gz"


def told_apart(label: str, *what: object) -> str:
    """The label of a version whose key something else has: two jobs of one millisecond, a group that was made anew."""
    return f"{label}-{stable_id(*what)[:8]}"


def pointer_name(endpoint: str, model: str) -> str:
    """The SSM parameter that holds the `TargetModel` of a model: `/stationkeeper/<endpoint>/<model>`."""
    return f"/stationkeeper/{endpoint}/{model}"


def marks(endpoint: str, model: str, label: str, source: str, etag: str = "") -> dict[str, str]:
    """Metadata of what we put under a prefix: by it we know our own things, and what they were made of.

    Parameters
    ----------
    source : identity of what the version was made of.
    etag : of the artifact it was copied from; "" for the key without a version.
    """
    told = {
        "stationkeeper-model": f"{endpoint}/{model}",
        "stationkeeper-version": label,
        "stationkeeper-source": source,
        "stationkeeper-etag": etag,
    }
    return {name: value.strip('"') for name, value in told.items() if value}
