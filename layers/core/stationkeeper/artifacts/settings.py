"""How people want artifacts published: the tags of a training job, or of a model package group."""

from collections.abc import Mapping
from dataclasses import dataclass

from stationkeeper.alerts.text import plain
from stationkeeper.events.artifact_trigger import ENDPOINT_TAG
from stationkeeper.releases.names import is_resource_name
from stationkeeper.tags import TAG_PREFIX, TagReader


@dataclass(frozen=True, slots=True)
class ArtifactSettings:
    """
    Attributes
    ----------
    endpoint : the multi-model endpoint to publish to; "" where nobody opted in.
    target_model : what callers call the model; "": the artifact's address says it.
    in_place : whether the newest version is to lie at `<model>/<model>.tar.gz` as well.
    warm_up : address in S3 of a request that a new version is to answer first; `on`: its package's sample payload; "": none.
    waits_for_approval : the job's model is registered first, and published once it is approved.
    endpoint_problem : why `endpoint` is no name of an endpoint; "".
    problems : other tags that cannot be read, one sentence each.
    """

    endpoint: str = ""
    target_model: str = ""
    in_place: bool = False
    warm_up: str = ""
    on_call: str = ""
    waits_for_approval: bool = False
    endpoint_problem: str = ""
    problems: tuple[str, ...] = ()


def settings_of(tags: Mapping[str, str]) -> ArtifactSettings:
    """What the tags say; a tag that cannot be read stops nothing, but for the endpoint's name."""
    reader = TagReader(tags)
    endpoint = reader.text(ENDPOINT_TAG.removeprefix(TAG_PREFIX))
    if not endpoint:
        return ArtifactSettings()
    warm_up = reader.text("warm-up")
    wrong = f"The tag {ENDPOINT_TAG} is {plain(endpoint, 80)!r}, which is no name of an endpoint."
    return ArtifactSettings(
        endpoint=endpoint,
        endpoint_problem="" if is_resource_name(endpoint) else wrong,
        target_model=reader.text("target-model"),
        in_place=reader.choice("in-place", ("on", "off")) == "on",
        warm_up="" if warm_up.lower() == "off" else warm_up,
        on_call=reader.text("on-call"),
        waits_for_approval=bool(reader.text("register-to")),
        problems=tuple(reader.problems),
    )
