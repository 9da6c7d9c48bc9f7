"""Names are what SageMaker takes, the same for the same thing, and different for different things."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pydantic import BaseModel
from stationkeeper.releases.names import NAME_LIMIT, is_resource_name, resource_name

PATTERN = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
LONG = "taxi-fares-of-the-whole-city-by-zone-and-hour-for-the-pricing-team"

anything = st.text(max_size=90)
words = st.text("abcXYZ019-", min_size=1, max_size=90)
contents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


def test_parts_are_joined():
    assert resource_name("taxi", "v12") == "taxi-v12"
    assert resource_name("taxi-prod", "data-quality") == "taxi-prod-data-quality"
    assert resource_name("a" * NAME_LIMIT) == "a" * NAME_LIMIT


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("taxi_prod", "v1"), "taxi-prod-v1"),
        (("-taxi-", "v1"), "taxi-v1"),
        (("taxi  ...  prod",), "taxi-prod"),
        (("Zürich", "v1"), "Z-rich-v1"),
        (("taxi", "", "v1"), "taxi-v1"),
        (("taxi", "___", "v1"), "taxi-v1"),
        (("a--b",), "a--b"),
    ],
)
def test_what_the_service_refuses_is_replaced(parts, name):
    assert resource_name(*parts) == name


def test_a_long_name_keeps_its_kind_and_ends_in_a_digest():
    name = resource_name(LONG, "data-quality")

    assert re.fullmatch(r"taxi-fares-of-the-whole-city-by-zone-and-data-quality-[0-9a-f]{8}", name)
    assert len(name) <= NAME_LIMIT


def test_a_long_name_keeps_its_prefix_and_its_version():
    assert re.fullmatch(
        r"stationkeeper-baseline-taxi-fares-of-the-whole-cit-v12-[0-9a-f]{8}",
        resource_name("stationkeeper-baseline", LONG, "v12"),
    )


def test_names_of_this_project_do_not_change_between_releases_of_it():
    """A changed digest would make every model, config and definition anew."""
    assert resource_name(LONG, "v12") == "taxi-fares-of-the-whole-city-by-zone-and-hour-for-v12-eb1d75bf"
    assert resource_name("taxi", "bias", digest_of={"b": [1, None], "a": "x"}) == "taxi-bias-ae07c283"


def test_nothing_usable_leaves_a_digest():
    assert re.fullmatch(r"[0-9a-f]{8}", resource_name("___"))
    assert resource_name("___") != resource_name("...")


def test_a_longer_limit_is_kept():
    name = resource_name(LONG, "5xx", limit=255)

    assert name == f"{LONG}-5xx"
    assert len(resource_name("a" * 300, "5xx", limit=255)) <= 255


def test_a_limit_without_room_for_a_digest_is_refused():
    with pytest.raises(ValueError, match="room for a digest"):
        resource_name("taxi", limit=9)


@given(st.lists(anything, max_size=5), st.none() | contents, st.integers(10, 63))
@example(["-"], None, 63)
@example(["a-" * 40, "b" * 70], None, 10)
@example(["é" * 80], None, 63)
def test_every_name_is_taken_by_the_service(parts, content, limit):
    name = resource_name(*parts, digest_of=content, limit=limit)

    assert PATTERN.fullmatch(name)
    assert is_resource_name(name)
    assert 1 <= len(name) <= limit
    assert name == resource_name(*parts, digest_of=content, limit=limit)


@given(words, words)
@example("a" * 63 + "b", "a" * 63 + "c")
@example("b" + "a" * 63, "c" + "a" * 63)
@example(LONG + "_x", LONG + ".x")
def test_two_long_names_never_share_one(one, other):
    one, other = one.ljust(64, "x"), other.ljust(64, "x")
    assume(one != other)

    assert resource_name(one) != resource_name(other)
    assert resource_name(one, "v1") != resource_name(other, "v1")
    assert resource_name(one, "v1") != resource_name(one, "v2")


@given(words, st.integers(1, 9999), st.integers(1, 9999))
def test_versions_of_one_group_never_share_a_name(group, one, other):
    assume(one != other)

    assert resource_name(group, f"v{one}") != resource_name(group, f"v{other}")


@given(contents, contents)
def test_other_content_is_another_name(one, other):
    assume(one is not None and other is not None and repr(one) != repr(other))
    assume(one != other)

    assert resource_name("taxi", digest_of=one) != resource_name("taxi", digest_of=other)


def test_the_order_of_keys_does_not_matter():
    assert resource_name("taxi", digest_of={"a": 1, "b": {"c": 2, "d": 3}}) == resource_name(
        "taxi", digest_of={"b": {"d": 3, "c": 2}, "a": 1}
    )


@dataclass(frozen=True)
class Shape:
    name: str
    at: datetime


class Settings(BaseModel):
    shape: Shape


def test_content_may_be_values_of_the_domain():
    one = Settings(shape=Shape("a", datetime(2026, 1, 1, tzinfo=UTC)))
    later = Settings(shape=Shape("a", datetime(2026, 1, 2, tzinfo=UTC)))

    assert resource_name("taxi", digest_of=one) == resource_name("taxi", digest_of=one.model_copy())
    assert resource_name("taxi", digest_of=one) != resource_name("taxi", digest_of=later)
    assert resource_name("taxi", digest_of=one.shape) != resource_name("taxi", digest_of=later.shape)


@pytest.mark.parametrize("content", [{1, 2}, object(), [frozenset("ab")], Shape])
def test_content_without_a_stable_text_is_refused(content):
    with pytest.raises(TypeError, match="no stable text"):
        resource_name("taxi", digest_of=content)


def test_a_name_is_the_same_in_every_process():
    command = "from stationkeeper.releases.names import resource_name as n; print(n('taxi', digest_of={'b': 1, 'a': 2}))"
    names = {
        subprocess.run(
            [sys.executable, "-c", command],
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }

    assert names == {resource_name("taxi", digest_of={"a": 2, "b": 1})}


@pytest.mark.parametrize("text", ["a", "taxi-prod", "a--b", "0", "a" * 63])
def test_names_of_the_service_are_known(text):
    assert is_resource_name(text)


@pytest.mark.parametrize("text", ["", "-", "a-", "-a", "a_b", "a b", "ä", "a" * 64, "a\n", "٣"])
def test_other_names_are_not(text):
    assert not is_resource_name(text)


@given(anything)
def test_a_name_of_the_service_is_left_alone(text):
    if is_resource_name(text):
        assert resource_name(text) == text
    else:
        assert resource_name(text) != text
