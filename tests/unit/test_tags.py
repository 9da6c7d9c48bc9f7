"""How one tag is read: what cannot be read stops nothing, and is told."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.tags import KNOWN_TAGS, PARAMETER_TAG, TAG_PREFIX, TagReader

from tests.unit.builders import hostile_text
from tests.unit.release_builders import tag_texts

NAME = "retrain-at"
CHOICES = ("info", "warning", "critical")


def reader(text: str) -> TagReader:
    return TagReader({TAG_PREFIX + NAME: text})


@pytest.mark.parametrize("text", ["team-risk", " team-risk ", "team-risk\n"])
def test_text_is_read_without_the_blanks_around_it(text: str):
    assert reader(text).text(NAME) == "team-risk"


def test_text_of_no_tag_and_of_somebody_elses_tag_is_empty():
    assert TagReader({}).text(NAME) == ""
    assert TagReader({NAME: "critical", f"other:{NAME}": "critical"}).text(NAME) == ""
    assert TagReader({f"Stationkeeper:{NAME}": "critical"}).text(NAME) == ""


@pytest.mark.parametrize("text", ["0", "8760", "08", " 24 "])
def test_number_in_its_range_is_read(text: str):
    tags = reader(text)

    assert tags.number(NAME, 0, 8_760, 7) == int(text)
    assert tags.problems == []


@pytest.mark.parametrize("text", ["-1", "8761", "1.5", "1e3", "٣", "²", "one", "1_0", "+1", "9" * 400])
def test_number_that_cannot_be_read_is_the_default_and_told(text: str):
    tags = reader(text)

    assert tags.number(NAME, 0, 8_760, 7) == 7
    assert tags.number(NAME, 0, 8_760) is None
    assert (
        tags.problems
        == [
            f"tag {TAG_PREFIX}{NAME}={text[:80]}: must be a whole number from 0 to 8,760; the default is used"
        ]
        * 2
    )


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_empty_tag_is_no_tag(text: str):
    tags = reader(text)

    assert tags.number(NAME, 1, 2, 7) == 7
    assert tags.choice(NAME, CHOICES) is None
    assert tags.matching(NAME, re.compile("a"), "an a") is None
    assert tags.problems == []


@pytest.mark.parametrize("text", ["critical", "Critical", " CRITICAL "])
def test_choice_is_read_in_any_case(text: str):
    assert reader(text).choice(NAME, CHOICES) == "critical"


@pytest.mark.parametrize("text", ["crit", "critical,warning", "criticaI", "*"])
def test_choice_nobody_offers_is_told(text: str):
    tags = reader(text)

    assert tags.choice(NAME, CHOICES) is None
    assert tags.problems == [
        f"tag {TAG_PREFIX}{NAME}={text.lower()}: must be one of info, warning, critical; the default is used"
    ]


def test_pattern_holds_for_the_whole_text():
    pattern = re.compile("a+")

    assert reader("aaa").matching(NAME, pattern, "as") == "aaa"
    for text in ("aaab", "baaa", "aaa\nb"):
        tags = reader(text)
        assert tags.matching(NAME, pattern, "as") is None
        assert tags.problems == [f"tag {TAG_PREFIX}{NAME}={text}: must look like as; the default is used"]


# ---------------------------------------------------------------- typing errors


@pytest.mark.parametrize("name", sorted(KNOWN_TAGS))
def test_tag_there_is_is_no_typing_error(name: str):
    tags = TagReader({TAG_PREFIX + name: "x"})

    tags.look_for_typing_errors()

    assert tags.problems == []


@pytest.mark.parametrize(
    "key",
    [
        f"{TAG_PREFIX}{PARAMETER_TAG}InstanceType",
        f"{TAG_PREFIX}{PARAMETER_TAG}retrain-at",
        f"{TAG_PREFIX}released-to",
        f"{TAG_PREFIX}group",
        f"{TAG_PREFIX}version",
        "retrain_at",
        "team",
        "aws:cloudformation:stack-name",
        "stationkeeper",
        "Stationkeeper-retrain-at",
    ],
)
def test_tag_of_others_or_made_by_us_is_no_typing_error(key: str):
    tags = TagReader({key: "x"})

    tags.look_for_typing_errors()

    assert tags.problems == []


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("retraining-pipelin", "retraining-pipeline"),
        ("retrain_at", "retrain-at"),
        ("retraining-cooldown-hours", "retraining-cool-down-hours"),
        ("Endpoint", "endpoint"),
        ("oncall", "on-call"),
        ("register_to", "register-to"),
    ],
)
def test_typing_error_is_told_with_the_tag_that_was_meant(name: str, near: str):
    tags = TagReader({TAG_PREFIX + name: "x"})

    tags.look_for_typing_errors()

    assert tags.problems == [f"tag {TAG_PREFIX}{name}=x: no such tag; {near} is one"]


def test_tag_that_resembles_nothing_is_told_too():
    tags = TagReader({f"{TAG_PREFIX}zzz": "x", TAG_PREFIX: "y"})

    tags.look_for_typing_errors()

    assert tags.problems == [
        f"tag {TAG_PREFIX}=y: no such tag",
        f"tag {TAG_PREFIX}zzz=x: no such tag",
    ]


@pytest.mark.parametrize(
    "name", ["retraining-parameter", "retraining-parameters/Epochs", "retraining-paramter/Epochs"]
)
def test_typing_error_in_a_parameters_tag_does_not_point_at_the_pipeline(name: str):
    tags = TagReader({TAG_PREFIX + name: "10"})

    tags.look_for_typing_errors()

    assert PARAMETER_TAG in tags.problems[0]


# ---------------------------------------------------------------- whatever people write


@given(
    st.dictionaries(
        st.one_of(hostile_text(), hostile_text().map(TAG_PREFIX.__add__)), hostile_text(), max_size=4
    )
)
def test_problems_are_bounded_and_in_a_fixed_order(tags: dict[str, str]):
    one, other = TagReader(tags), TagReader(dict(reversed(tags.items())))

    one.look_for_typing_errors()
    other.look_for_typing_errors()

    assert one.problems == other.problems
    assert len(one.problems) == sum(
        key.startswith(TAG_PREFIX)
        and not key.removeprefix(TAG_PREFIX).startswith(PARAMETER_TAG)
        and key.removeprefix(TAG_PREFIX) not in {*KNOWN_TAGS, "released-to", "group", "version"}
        for key in tags
    )
    assert all(len(problem) < 300 for problem in one.problems)


@given(tag_texts)
def test_number_is_in_its_range_or_the_default_whatever_is_written(text: str):
    tags = reader(text)

    number = tags.number(NAME, 1, 1_000, 7)

    assert number is not None
    assert 1 <= number <= 1_000
    assert tags.problems == [] or (number == 7 and len(tags.problems) == 1)
