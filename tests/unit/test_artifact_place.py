"""Where a multi-model endpoint loads from, however its models are made."""

from typing import Any

import pytest
from stationkeeper.artifacts.place import Place, place_of
from stationkeeper.artifacts.refusal import Refusal
from stationkeeper.releases.observed import Endpoint, EndpointConfig, Fleet, Model

ENDPOINT = Endpoint(
    EndpointName="House-Prices", EndpointArn="arn:e", EndpointStatus="InService", EndpointConfigName="config"
)


def multi(uri: object, **more: Any) -> dict[str, Any]:
    return {"Image": "image", "Mode": "MultiModel", "ModelDataUrl": uri, **more}


def fleet(*models: dict[str, Any]) -> Fleet:
    """One variant per model: v0, v1, ..."""
    variants = [{"VariantName": f"v{number}", "ModelName": f"m{number}"} for number, _ in enumerate(models)]
    named = {f"m{number}": Model(f"m{number}", document) for number, document in enumerate(models)}
    return Fleet(EndpointConfig("config", {"ProductionVariants": variants}), named)


def refused(*models: dict[str, Any]) -> Refusal:
    place = place_of("house-prices", ENDPOINT, fleet(*models))
    assert isinstance(place, Refusal)
    assert place.passing
    return place


@pytest.mark.parametrize(
    ("uri", "prefix"),
    [
        ("s3://serving/models/", "models/"),
        ("s3://serving/models", "models/"),
        ("s3://serving/a/b/c", "a/b/c/"),
        ("s3://serving", ""),
        ("s3://serving/", ""),
    ],
)
def test_prefix_with_and_without_a_slash_at_its_end(uri: str, prefix: str):
    place = place_of("house-prices", ENDPOINT, fleet({"PrimaryContainer": multi(uri)}))

    # As the endpoint spells its name, not the tag.
    assert place == Place("House-Prices", "serving", prefix, "v0")
    assert place.uri("a/a-v1.tar.gz") == f"s3://serving/{prefix}a/a-v1.tar.gz"


def test_model_in_an_inference_pipeline():
    place = place_of(
        "house-prices",
        ENDPOINT,
        fleet({"Containers": [{"Image": "scaler", "ModelDataUrl": "s3://x/y.tar.gz"}, multi("s3://b/m/")]}),
    )

    assert place == Place("House-Prices", "b", "m/", "v0")


def test_address_as_a_data_source():
    container = {"Mode": "MultiModel", "ModelDataSource": {"S3DataSource": {"S3Uri": "s3://b/m"}}}

    assert place_of("e", ENDPOINT, fleet({"PrimaryContainer": container})) == Place(
        "House-Prices", "b", "m/", "v0"
    )


def test_variants_that_load_from_one_prefix_however_it_is_written():
    models = [{"PrimaryContainer": multi(uri)} for uri in ("s3://b/m", "s3://b/m/")]

    assert place_of("house-prices", ENDPOINT, fleet(*models)) == Place("House-Prices", "b", "m/", "v0")


def test_variant_beside_it_that_is_no_multi_model_does_not_count():
    single = {"PrimaryContainer": {"Image": "i", "Mode": "SingleModel", "ModelDataUrl": "s3://b/one.tar.gz"}}

    assert place_of("e", ENDPOINT, fleet(single, {"PrimaryContainer": multi("s3://b/m")})) == Place(
        "House-Prices", "b", "m/", "v1"
    )


def test_variants_that_load_from_several_prefixes():
    refusal = refused({"PrimaryContainer": multi("s3://b/m")}, {"PrimaryContainer": multi("s3://b/n")})

    assert refusal.code == "several-prefixes"
    assert "s3://b/m/, s3://b/n/" in refusal.why


def test_prefixes_that_begin_alike_are_two():
    assert (
        refused({"PrimaryContainer": multi("s3://b/m")}, {"PrimaryContainer": multi("s3://b/m2")}).code
        == "several-prefixes"
    )


@pytest.mark.parametrize(
    "document",
    [
        {"PrimaryContainer": {"Image": "i", "ModelDataUrl": "s3://b/one.tar.gz"}},
        {"PrimaryContainer": {"Image": "i", "Mode": "SingleModel"}},
        {"Containers": []},
        {},
    ],
)
def test_endpoint_that_is_no_multi_model_endpoint(document: dict[str, Any]):
    refusal = refused(document)

    assert refusal.code == "not-multi-model"
    assert "house-prices" in refusal.why
    assert "stationkeeper:endpoint" in refusal.advice


def test_endpoint_of_inference_components_has_no_models():
    config = EndpointConfig("config", {"ProductionVariants": [{"VariantName": "all"}]})

    place = place_of("house-prices", ENDPOINT, Fleet(config, {}))

    assert isinstance(place, Refusal)
    assert place.code == "not-multi-model"


@pytest.mark.parametrize("endpoint", [None, ENDPOINT])
def test_endpoint_that_is_not_there(endpoint: Endpoint | None):
    place = place_of("house-prices", endpoint, None)

    assert isinstance(place, Refusal)
    assert place.code == "no-endpoint"
    assert place.passing


def test_endpoint_whose_model_was_deleted_is_not_said_to_be_missing():
    place = place_of("house-prices", ENDPOINT, None)

    assert isinstance(place, Refusal)
    assert "There is no endpoint" not in place.why


@pytest.mark.parametrize("uri", ["https://b.s3.amazonaws.com/m/", "/opt/ml", "s3://", "", None])
def test_address_that_is_no_prefix_in_s3(uri: str | None):
    assert refused({"PrimaryContainer": multi(uri)}).code == "not-s3"
