"""What tags say about publishing, however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.artifacts.settings import ArtifactSettings, settings_of
from stationkeeper.tags import TAG_PREFIX

from tests.unit.builders import hostile_text


def read(**tags: str) -> ArtifactSettings:
    named = {TAG_PREFIX + name.replace("_", "-"): text for name, text in tags.items()}
    return settings_of({f"{TAG_PREFIX}multi-model-endpoint": "house-prices", **named})


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"multi-model-endpoint": "house-prices"},
        {f"{TAG_PREFIX}endpoint": "house-prices", f"{TAG_PREFIX}target-model": "a"},
        {f"{TAG_PREFIX}multi-model-endpoint": " ", f"{TAG_PREFIX}target-model": "a"},
    ],
)
def test_without_the_tag_nobody_opted_in(tags: dict[str, str]):
    assert settings_of(tags) == ArtifactSettings()


def test_defaults():
    assert read() == ArtifactSettings(endpoint="house-prices")


def test_all_tags():
    assert read(
        target_model=" houston ", in_place="ON", warm_up="s3://b/request.csv", on_call="ml", register_to="g"
    ) == ArtifactSettings(
        endpoint="house-prices",
        target_model="houston",
        in_place=True,
        warm_up="s3://b/request.csv",
        on_call="ml",
        waits_for_approval=True,
    )


@pytest.mark.parametrize("text", ["on", "s3://b/k", "s3://b/a/b%20c.json"])
def test_requests_to_warm_up_with(text: str):
    assert read(warm_up=text).warm_up == text


@pytest.mark.parametrize("text", ["off", "OFF", ""])
def test_no_warm_up(text: str):
    assert read(warm_up=text).warm_up == ""


@pytest.mark.parametrize("text", ["yes", "s3://", "s3://b", "https://b/k", "s3://b/a b"])
def test_warm_up_that_cannot_be_read_is_asked_for_all_the_same(text: str):
    assert read(warm_up=text).warm_up == text


@pytest.mark.parametrize("text", ["true", "1", "newest"])
def test_in_place_that_cannot_be_read_is_off(text: str):
    settings = read(in_place=text)

    assert not settings.in_place
    assert len(settings.problems) == 1


@pytest.mark.parametrize("text", ["off", "OFF", ""])
def test_in_place_is_off(text: str):
    assert not read(in_place=text).in_place
    assert not read(in_place=text).problems


@pytest.mark.parametrize("name", ["house_prices", "-a", "a-", "a" * 64, "a/b", "häuser", "arn:aws:x"])
def test_name_that_no_endpoint_can_have(name: str):
    settings = read(multi_model_endpoint=name)

    assert settings.endpoint == name
    assert "no name of an endpoint" in settings.endpoint_problem


@given(
    st.dictionaries(
        st.sampled_from(
            [
                TAG_PREFIX + name
                for name in (
                    "multi-model-endpoint",
                    "target-model",
                    "in-place",
                    "warm-up",
                    "on-call",
                    "register-to",
                )
            ]
        ),
        hostile_text(),
    )
)
def test_whatever_tags_say_they_are_read(tags: dict[str, str]):
    settings = settings_of(tags)

    assert settings.endpoint_problem.isprintable()
    if not settings.endpoint:
        assert settings == ArtifactSettings()
