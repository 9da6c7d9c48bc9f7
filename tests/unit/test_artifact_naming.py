"""What a model is called, by which rule, and where its versions lie."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.artifacts.naming import (
    Named,
    in_place_key,
    is_model_name,
    job_number,
    marks,
    model_name,
    pointer_name,
    told_apart,
    version_key,
)
from stationkeeper.artifacts.refusal import Refusal

from tests.unit.builders import hostile_text

PATH = "s3://training/any/where/model_artifacts/Houston_TX/job-7/output/model.tar.gz"
TAG_RULE = "tag stationkeeper:target-model"
PATH_RULE = "output path .../model_artifacts/<model>/<job>/output/model.tar.gz"
_TARGET_MODEL = re.compile(r"\S[\x20-\x7e]{0,1023}")
"""What InvokeEndpoint takes as `TargetModel`: at most 1,024 characters of its header."""
_PARAMETER = re.compile(r"(/[a-zA-Z0-9_.-]+){1,15}")


def test_tag_says_the_name():
    assert model_name("houston", "s3://b/anything.tar.gz") == Named("houston", TAG_RULE)


def test_tag_wins_over_the_address():
    assert model_name("houston", PATH) == Named("houston", TAG_RULE)


@pytest.mark.parametrize(
    ("uri", "model"),
    [
        (PATH, "Houston_TX"),
        ("s3://b/model_artifacts/a/j/output/model.tar.gz", "a"),
        ("https://b.s3.eu-west-1.amazonaws.com/x/model_artifacts/a.b-c_d/j/output/model.tar.gz", "a.b-c_d"),
        # The last folders count, whatever those before are called.
        ("s3://b/model_artifacts/old/model_artifacts/new/j/output/model.tar.gz", "new"),
        ("s3://b/model_artifacts/model_artifacts/j/output/model.tar.gz", "model_artifacts"),
    ],
)
def test_address_says_the_name(uri: str, model: str):
    assert model_name("", uri) == Named(model, PATH_RULE)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "s3://b/model.tar.gz",
        "s3://b/job-7/output/model.tar.gz",
        "s3://b/my_model_artifacts/a/j/output/model.tar.gz",
        "s3://b/model_artifacts/j/output/model.tar.gz",
        "s3://b/model_artifacts/a/deeper/j/output/model.tar.gz",
        "s3://b/model_artifacts/a/j/output/model.tar.gz/more",
        "s3://b/model_artifacts//j/output/model.tar.gz",
    ],
)
def test_without_tag_and_folder_there_is_no_name_and_both_rules_are_said(uri: str):
    refusal = model_name("", uri)

    assert isinstance(refusal, Refusal)
    assert refusal.code == "no-name"
    assert not refusal.passing
    assert "stationkeeper:target-model" in refusal.why
    assert "model_artifacts/<model>/<job>/output/model.tar.gz" in refusal.why
    assert "stationkeeper:target-model" in refusal.advice


@pytest.mark.parametrize(
    "name", ["a/b", ".hidden", "-x", "_x", "a b", "ünder", "a" * 101, "a\n", "²", "a\0", "../x", "s3://x"]
)
def test_name_that_no_caller_could_use_is_refused_and_its_rule_is_said(name: str):
    by_tag = model_name(name, PATH)

    assert isinstance(by_tag, Refusal)
    assert by_tag.code == "bad-name"
    assert TAG_RULE in by_tag.why
    assert by_tag.why.isprintable()
    if "/" not in name:
        by_path = model_name("", f"s3://b/model_artifacts/{name}/j/output/model.tar.gz")
        assert isinstance(by_path, Refusal)
        assert by_path.code == "bad-name"
        assert PATH_RULE in by_path.why


@pytest.mark.parametrize("name", ["a", "0", "A" * 100, "Houston_TX", "a..b", "v1.2-x", "a.tar.gz"])
def test_names_that_are_taken(name: str):
    assert is_model_name(name)


@given(hostile_text(), hostile_text())
def test_whatever_a_tag_says_a_name_is_usable_everywhere_or_refused(tag: str, label: str):
    named = model_name(tag, PATH)

    if isinstance(named, Refusal):
        named.why.encode()
        assert named.why.isprintable()
        assert len(named.why) < 600
    else:
        key = version_key(named.model, told_apart("20261123130507250", label))
        assert _TARGET_MODEL.fullmatch(key)
        assert _PARAMETER.fullmatch(pointer_name("e" * 63, named.model))
        assert key.count("/") == 1


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True), st.integers(1, 10**17))
def test_the_key_in_place_is_no_version_s_key(model: str, number: int):
    assert in_place_key(model) != version_key(model, str(number))
    assert version_key(model, str(number)) != version_key(model, told_apart(str(number), "x"))


@given(st.integers(0, 2_000_000_000_000), st.integers(1, 10**9))
def test_jobs_are_ordered_by_when_they_were_created(since_2020: int, milliseconds: int):
    earlier = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(milliseconds=since_2020)
    later = earlier + timedelta(milliseconds=milliseconds)

    assert job_number(earlier) < job_number(later)
    assert len(str(job_number(earlier))) == 17


def test_zone_of_a_job_s_time_does_not_count():
    at = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)

    assert job_number(at) == job_number(at.astimezone(timezone(timedelta(hours=9)))) == 20261123233000000


@pytest.mark.parametrize("microseconds", [0, 1, 999, 1_000, 999_999])
def test_milliseconds_count_and_nothing_below(microseconds: int):
    at = datetime(2026, 11, 23, tzinfo=UTC).replace(microsecond=microseconds)

    assert job_number(at) % 1_000 == microseconds // 1_000


def test_marks_tell_the_model_the_version_and_what_it_was_made_of():
    assert marks("house-prices", "a", "7", "arn:x@1.000", '"e1"') == {
        "stationkeeper-model": "house-prices/a",
        "stationkeeper-version": "7",
        "stationkeeper-source": "arn:x@1.000",
        "stationkeeper-etag": "e1",
    }
    assert "stationkeeper-etag" not in marks("house-prices", "a", "7", "arn:x@1.000")


def test_label_that_tells_apart_is_the_same_on_every_try():
    assert told_apart("7", "a", "b") == told_apart("7", "a", "b") != told_apart("7", "a", "c")
