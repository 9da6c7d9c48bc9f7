"""Where the artifacts of a multi-model endpoint lie."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stationkeeper.artifacts.refusal import Refusal
from stationkeeper.releases.observed import Endpoint, Fleet


@dataclass(frozen=True, slots=True)
class Place:
    """A multi-model endpoint, and the prefix it loads from; `prefix` ends with "/" or is ""."""

    endpoint: str
    bucket: str
    prefix: str
    variant: str

    def uri(self, target_model: str) -> str:
        return f"s3://{self.bucket}/{self.prefix}{target_model}"


def place_of(name: str, endpoint: Endpoint | None, fleet: Fleet | None) -> Place | Refusal:
    """Where an endpoint loads its models from, as its own model says; a model inside an inference pipeline counts too.

    Parameters
    ----------
    name : as the tag says it.
    endpoint, fleet : as they are now; None when they are not there.
    """
    if endpoint is not None and fleet is None:
        return Refusal(
            "no-endpoint",
            f"The endpoint config {endpoint.endpoint_config_name} of endpoint {name}, or a model in it, was deleted: nobody can say where "
            "it loads from.",
            "Update the endpoint with a config and a model that are there",
            passing=True,
        )
    if endpoint is None or fleet is None:
        return Refusal(
            "no-endpoint",
            f"There is no endpoint {name}, which the tag stationkeeper:multi-model-endpoint names.",
            "Create the endpoint, or tag with the name of one that is there",
            passing=True,
        )
    prefixes: dict[str, str] = {}
    for variant in fleet.config.variants:
        model = fleet.model_of(variant)
        for container in model.containers if model else []:
            if container.get("Mode") == "MultiModel":
                prefixes.setdefault(_data_of(container), str(variant.get("VariantName") or ""))
    if not prefixes:
        return Refusal(
            "not-multi-model",
            f"Endpoint {name} is no multi-model endpoint: none of its containers has the mode MultiModel.",
            "Tag with the name of a multi-model endpoint; for this one, tag the group stationkeeper:endpoint",
            passing=True,
        )
    if len(prefixes) > 1:
        return Refusal(
            "several-prefixes",
            f"The containers of endpoint {name} load their models from several prefixes: {', '.join(sorted(prefixes))}.",
            "Let all its variants load from one prefix",
            passing=True,
        )
    [(uri, variant_name)] = prefixes.items()
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    if not (uri.startswith("s3://") and bucket):
        return Refusal(
            "not-s3",
            f"Endpoint {name} loads its models from {uri!r}, which is no prefix in S3.",
            passing=True,
        )
    prefix = prefix.rstrip("/")
    return Place(endpoint.endpoint_name, bucket, f"{prefix}/" if prefix else "", variant_name)


def _data_of(container: Mapping[str, Any]) -> str:
    """The address a container loads from, with exactly one slash at its end: `s3://b/models` and `s3://b/models/` are one."""
    data = container.get("ModelDataUrl")
    if not data:
        data = ((container.get("ModelDataSource") or {}).get("S3DataSource") or {}).get("S3Uri")
    return f"{str(data or '').rstrip('/')}/"
