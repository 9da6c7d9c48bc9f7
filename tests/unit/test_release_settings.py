"""What a group's tags say, however they are written."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.releases.settings import (
    TAG_PREFIX,
    NotManaged,
    ReleaseSettings,
    Traffic,
    settings_of,
)
from stationkeeper.tags import KNOWN_TAGS

from tests.unit.release_builders import STACK, settings, tag_texts

LABELS = {"ground_truth": "s3://labels/churn", "problem_type": "BinaryClassification"}


@pytest.mark.parametrize(
    ("tag", "text", "attribute", "value"),
    [
        ("instance-type", "ml.c5.xlarge", "instance_type", "ml.c5.xlarge"),
        ("instance-type", "c5.xlarge", "instance_type", "ml.m5.large"),
        ("min-instances", "1", "min_instances", 1),
        ("min-instances", "0", "min_instances", None),
        ("min-instances", "1001", "min_instances", None),
        ("max-instances", "1000", "max_instances", 1000),
        ("max-instances", "-3", "max_instances", None),
        ("max-instances", "٣", "max_instances", None),
        ("bake-minutes", "1440", "bake_minutes", 1440),
        ("bake-minutes", "1441", "bake_minutes", 60),
        ("bake-minutes", "0", "bake_minutes", 60),
        ("capture-percentage", "0", "capture_percentage", 0),
        ("capture-percentage", "100", "capture_percentage", 100),
        ("capture-percentage", "101", "capture_percentage", 100),
        ("error-percent", "1", "error_percent", 1),
        ("error-percent", "0.5", "error_percent", 5),
        ("latency-milliseconds", "3600000", "latency_milliseconds", 3_600_000),
        ("latency-milliseconds", "1s", "latency_milliseconds", None),
        ("invocations-per-instance", "9" * 400, "invocations_per_instance", 1_000),
        ("monitor", "Daily", "monitor", "daily"),
        ("monitor", "weekly", "monitor", None),
        ("smoke-test", "on", "smoke_test", True),
        ("smoke-test", "yes", "smoke_test", False),
        ("baseline-dataset", "s3://data/train.csv", "baseline_dataset", "s3://data/train.csv"),
        ("baseline-dataset", "https://data/train.csv", "baseline_dataset", None),
        ("traffic", "All-At-Once", "traffic", Traffic("all-at-once")),
        ("traffic", "canary-1", "traffic", Traffic("canary", 1)),
        ("traffic", "canary-50", "traffic", Traffic("canary", 50)),
        ("traffic", "canary-0", "traffic", Traffic("canary", 1)),
        ("traffic", "canary-51", "traffic", Traffic("canary", 50)),
        ("traffic", "linear-10", "traffic", Traffic("linear", 10)),
        ("traffic", "linear-5", "traffic", Traffic("linear", 10)),
        ("traffic", "linear-100", "traffic", Traffic("linear", 50)),
        ("traffic", "rolling-10", "traffic", None),
        ("traffic", "canary", "traffic", None),
        ("on-call", "team-risk", "on_call", "team-risk"),
    ],
)
def test_tag_is_read_or_its_default_counts_and_that_is_said(
    tag: str, text: str, attribute: str, value: object
):
    read = settings(**{tag: text})

    assert getattr(read, attribute) == value
    understood = str(value).lower() in (text.lower(), "true")
    assert (read.problems == ()) is understood
    assert all(
        problem.startswith(f"tag {TAG_PREFIX}{tag}={text.lower()[:80]}")
        for problem in read.problems
        if tag == "traffic"
    )
    assert all(problem.startswith(f"tag {TAG_PREFIX}{tag}=") for problem in read.problems)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, (2, 4)),
        ({"min_instances": "3"}, (3, 4)),
        ({"min_instances": "9"}, (9, 9)),
        ({"max_instances": "8"}, (2, 8)),
        ({"max_instances": "1"}, (1, 1)),
        ({"min_instances": "5", "max_instances": "5"}, (5, 5)),
        ({"min_instances": "5", "max_instances": "3"}, (5, 5)),
    ],
)
def test_bounds_of_scaling(tags: dict[str, str], expected: tuple[int, int]):
    read = settings(**tags)

    assert read.scaling == expected
    assert read.scaling_tagged is bool(tags)


@pytest.mark.parametrize(
    "tags", [{}, {"stationkeeper:endpoint": ""}, {"stationkeeper:endpoint": "  "}, {"endpoint": "x"}]
)
def test_group_that_never_asked_takes_no_part(tags: dict[str, str]):
    assert settings_of(tags, STACK) == NotManaged()


@pytest.mark.parametrize("name", ["a_b", "-a", "a-", "e" * 64, "me@home", "a\nb", "é"])
def test_name_that_is_none_is_said(name: str):
    read = settings_of({"stationkeeper:endpoint": name}, STACK)

    assert isinstance(read, NotManaged)
    assert "no endpoint name" in read.why


def test_ground_truth_is_read_whole():
    truth = settings(
        **LABELS,
        ground_truth_start="-P2D",
        ground_truth_end="-PT6H",
        inference_attribute="0",
        probability_threshold="0.5",
    ).ground_truth

    assert truth is not None
    assert (truth.uri, truth.problem_type, truth.probability_threshold) == (
        "s3://labels/churn",
        "BinaryClassification",
        0.5,
    )
    assert (truth.start_offset, truth.end_offset, truth.inference_attribute) == ("-P2D", "-PT6H", "0")


@pytest.mark.parametrize(
    ("offset", "taken"),
    [
        ("-PT1H", True),
        ("-P1D", True),
        ("-P1DT1H1M", True),
        ("-PT9999M", True),
        ("-P99DT999H9999M", True),  # 15 characters, as many as the service takes
        ("-P999DT999H9999M", False),
        ("-P", False),
        ("-PT", False),
        ("-P1DT", False),
        ("P1D", False),
        ("-P1W", False),
        ("-P1.5D", False),
        ("-PT1H1D", False),
        ("-p1d", False),
        pytest.param("-P٣D", False),
        ("-P1D\nx", False),
    ],
)
def test_offsets_are_those_the_service_takes(offset: str, taken: bool):
    read = settings(**LABELS, ground_truth_start=offset, ground_truth_end=offset)
    truth = read.ground_truth

    assert truth is not None
    assert (truth.start_offset, truth.end_offset) == ((offset, offset) if taken else (None, None))
    assert [problem.partition("=")[0] for problem in read.problems] == (
        [] if taken else [f"tag {TAG_PREFIX}ground-truth-start", f"tag {TAG_PREFIX}ground-truth-end"]
    )


# ---------------------------------------------------------------- what is wrong with them


def problems_of(**tags: str) -> dict[str, str]:
    """What is said, by tag."""
    said = (problem.removeprefix(f"tag {TAG_PREFIX}") for problem in settings(**tags).problems)
    return {problem.partition("=")[0]: problem.partition(": ")[2] for problem in said}


@pytest.mark.parametrize(
    ("written", "nearest"),
    [
        ("instance-typ", "instance-type"),
        ("intance-type", "instance-type"),
        ("instance_type", "instance-type"),
        ("Instance-Type", "instance-type"),
        ("min-instance", "min-instances"),
        ("max-instence", "max-instances"),
        ("bake-minute", "bake-minutes"),
        ("bake-time-minutes", "bake-minutes"),
        ("trafic", "traffic"),
        ("oncall", "on-call"),
        ("monitoring", "monitor"),
        ("smoketest", "smoke-test"),
        ("ground-truth-begin", "ground-truth-end"),
        ("groundtruth-start", "ground-truth-start"),
        ("baseline-data-set", "baseline-dataset"),
        ("latency-ms", "latency-milliseconds"),
        ("cost-centre", None),
        ("", None),
        ("x" * 100, None),
    ],
)
def test_tag_of_ours_that_means_nothing_is_said_with_the_one_that_was_meant(
    written: str, nearest: str | None
):
    tags = {"stationkeeper:endpoint": "churn-prod", f"{TAG_PREFIX}{written}": "ml.c5.large"}
    read = settings_of(tags, STACK)

    assert isinstance(read, ReleaseSettings)
    (problem,) = read.problems
    meant = f"; {nearest} is one" if nearest else ""
    assert problem == f"tag {TAG_PREFIX}{written[:80]}=ml.c5.large: no such tag{meant}"


def test_order_of_tags_says_nothing():
    tags = {f"{TAG_PREFIX}{name}": "x" for name in ("trafic", "oncall", "bake-minutes", "monitor")}
    tags["stationkeeper:endpoint"] = "churn-prod"

    assert settings_of(tags, STACK) == settings_of(dict(reversed(tags.items())), STACK)


@pytest.mark.parametrize("name", sorted(KNOWN_TAGS))
def test_known_tag_is_no_typing_error(name: str):
    tags = {f"{TAG_PREFIX}{name}": "x", "stationkeeper:endpoint": "churn-prod"}
    read = settings_of(tags, STACK)

    assert isinstance(read, ReleaseSettings)
    assert not any("no such tag" in problem for problem in read.problems)


@pytest.mark.parametrize("key", ["team", "stationkeeper", "Stationkeeper:endpont", "stationkeeper:group"])
def test_tag_that_is_not_of_ours_is_nobodys_business(key: str):
    read = settings_of({key: "x", "stationkeeper:endpoint": "churn-prod"}, STACK)

    assert isinstance(read, ReleaseSettings)
    assert read.problems == ()


def test_most_below_least_is_said():
    assert problems_of(min_instances="5", max_instances="3") == {
        "max-instances": "it is below min-instances; 5 is used"
    }


KINDS = "must be Regression, BinaryClassification or MulticlassClassification beside ground-truth; no monitor that needs labels is made"


@pytest.mark.parametrize(
    ("tags", "truth", "said"),
    [
        ({}, True, {}),
        ({"ground_truth": ""}, False, {}),
        ({"ground_truth": "labels"}, False, {"ground-truth": "must look like s3://bucket/prefix"}),
        ({"ground_truth": "S3://labels/churn"}, False, {"ground-truth": "must look like s3://bucket/prefix"}),
        ({"ground_truth": "s3://labels/my churn"}, False, {"ground-truth": "must look like"}),
        ({"ground_truth": "s3://l"}, False, {"ground-truth": "must look like"}),
        ({"ground_truth": "s3://labels"}, True, {}),
        ({"problem_type": ""}, False, {"problem-type": KINDS}),
        ({"problem_type": "ranking"}, False, {"problem-type": KINDS}),
        ({"problem_type": "binary-classification"}, True, {}),
        ({"problem_type": "MULTICLASS_CLASSIFICATION"}, True, {}),
        ({"problem_type": " regression "}, True, {}),
        ({"ground_truth_start": "2 days"}, True, {"ground-truth-start": "must look like -P2D"}),
        ({"ground_truth_end": "6h"}, True, {"ground-truth-end": "must look like -PT6H"}),
        ({"probability_threshold": "50"}, True, {"probability-threshold": "must be a number from 0 to 1"}),
        ({"probability_threshold": "0.5.1"}, True, {"probability-threshold": "must be a number from 0 to 1"}),
        ({"probability_threshold": "-0.1"}, True, {"probability-threshold": "must be a number from 0 to 1"}),
        ({"probability_threshold": "nan"}, True, {"probability-threshold": "must be a number from 0 to 1"}),
        ({"probability_threshold": "1e-3"}, True, {"probability-threshold": "must be a number from 0 to 1"}),
        ({"probability_threshold": "0"}, True, {}),
        ({"probability_threshold": "1.0"}, True, {}),
        (
            {"problem_type": "", "ground_truth_start": "x", "probability_threshold": "x"},
            False,
            {"problem-type": KINDS},
        ),
        (
            {"ground_truth_start": "x", "ground_truth_end": "y", "probability_threshold": "z"},
            True,
            {
                "ground-truth-start": "must look like",
                "ground-truth-end": "must look like",
                "probability-threshold": "must be",
            },
        ),
    ],
)
def test_what_is_wrong_with_ground_truth_is_said(tags: dict[str, str], truth: bool, said: dict[str, str]):
    written = {**LABELS, **tags}

    problems = problems_of(**written)

    assert (settings(**written).ground_truth is not None) is truth
    assert problems.keys() == said.keys()
    assert all(problems[name].startswith(beginning) for name, beginning in said.items())


@pytest.mark.parametrize(
    "tags", [{"problem_type": "ranking"}, {"ground_truth_start": "x"}, {"probability_threshold": "x"}]
)
def test_tags_about_labels_mean_nothing_without_ground_truth(tags: dict[str, str]):
    assert (settings(**tags).ground_truth, settings(**tags).problems) == (None, ())


names = st.sampled_from(sorted(KNOWN_TAGS)) | st.text(max_size=30)


@given(
    st.dictionaries(names.map(lambda name: TAG_PREFIX + name) | st.text(max_size=20), tag_texts, max_size=8)
)
def test_whatever_tags_say_settings_are_sound(tags: dict[str, str]):
    read = settings_of({**tags, "stationkeeper:endpoint": "churn-prod"}, STACK)

    assert isinstance(read, ReleaseSettings)
    least, most = read.scaling
    assert 1 <= least <= most
    assert 1 <= read.bake_minutes <= 1_440
    assert 0 <= read.capture_percentage <= 100
    assert 0 < read.error_percent <= 100
    assert read.latency_milliseconds is None or read.latency_milliseconds > 0
    assert read.invocations_per_instance > 0
    assert re.fullmatch(r"ml\.[a-z0-9-]+\.[a-z0-9]+", read.instance_type)
    assert settings_of({**tags, "stationkeeper:endpoint": "churn-prod"}, STACK) == read
    assert isinstance(settings_of(tags, STACK), NotManaged | ReleaseSettings)
