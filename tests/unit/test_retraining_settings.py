"""What a group's tags say about retraining, however they are written."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.retraining.settings import RetrainingSettings, retraining_settings
from stationkeeper.severity import Severity
from stationkeeper.tags import KNOWN_TAGS, PARAMETER_TAG, TAG_PREFIX

from tests.unit.builders import hostile_text
from tests.unit.release_builders import tag_texts

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:pipeline/churn-retrain"


def read(**tags: str) -> RetrainingSettings:
    """Settings of a group that is retrained by churn-retrain, unless a tag says otherwise."""
    named = {TAG_PREFIX + name.replace("_", "-"): text for name, text in tags.items()}
    settings = retraining_settings(
        {f"{TAG_PREFIX}retraining-pipeline": "churn-retrain", **named}, "ml-on-call", 24
    )
    assert settings is not None
    return settings


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"team": "risk"},
        {f"{TAG_PREFIX}endpoint": "churn-prod", f"{TAG_PREFIX}retrain-at": "warning"},
        {f"{TAG_PREFIX}retraining-pipeline": ""},
        {f"{TAG_PREFIX}retraining-pipeline": " \t"},
        {"retraining-pipeline": "churn-retrain"},
        {f"{TAG_PREFIX}retraining-pipelin": "churn-retrain"},
    ],
)
def test_group_that_names_no_pipeline_is_not_retrained(tags: dict[str, str]):
    assert retraining_settings(tags, "ml-on-call", 24) is None


def test_defaults_count_where_the_tags_are_silent():
    assert read() == RetrainingSettings(
        pipeline="churn-retrain",
        retrain_at=Severity.CRITICAL,
        cool_down=timedelta(hours=24),
        on_call="ml-on-call",
        parameters={},
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("churn-retrain", "churn-retrain"),
        (" churn-retrain ", "churn-retrain"),
        ("Churn-Retrain", "Churn-Retrain"),
        ("p", "p"),
        ("p" * 256, "p" * 256),
        ("a--b", "a--b"),
    ],
)
def test_pipeline_is_named_by_its_name(text: str, name: str):
    settings = read(retraining_pipeline=text)

    assert settings.pipeline == name
    assert settings.problems == ()


@pytest.mark.parametrize(
    "text",
    [
        ARN,  # of any account, and a start is possible in this one only
        "churn_retrain",
        "-churn",
        "churn-",
        "churn retrain",
        "churn-retrain\nrm",
        "p" * 257,
        "churn/retrain",
        "$(reboot)",
        "modèle",
        "٣",
        f"{ARN}/execution/p1",
        ARN.replace("sagemaker", "s3"),
        ARN.replace("123456789012", "1234"),
        ARN.replace(":pipeline/", ":pipelines/"),
        "arn:aws:sagemaker:eu-west-1:123456789012:pipeline/",
    ],
)
def test_pipeline_that_cannot_be_read_is_none_and_told(text: str):
    settings = read(retraining_pipeline=text)

    assert settings.pipeline is None
    assert settings.problems == (
        f"tag {TAG_PREFIX}retraining-pipeline={text[:80]}: must look like the name of a pipeline; the default is used",
    )


@pytest.mark.parametrize(
    ("text", "severity"),
    [("info", "info"), ("warning", "warning"), ("Critical", "critical"), (" WARNING", "warning")],
)
def test_retraining_starts_at_the_severity_a_tag_says(text: str, severity: str):
    settings = read(retrain_at=text)

    assert settings.retrain_at is Severity(severity)
    assert settings.problems == ()


@pytest.mark.parametrize("text", ["high", "warn", "critical!", "3"])
def test_severity_there_is_not_is_critical_and_told(text: str):
    settings = read(retrain_at=text)

    assert settings.retrain_at is Severity.CRITICAL
    assert settings.problems == (
        f"tag {TAG_PREFIX}retrain-at={text}: must be one of info, warning, critical; the default is used",
    )


@pytest.mark.parametrize(("text", "hours"), [("0", 0), ("1", 1), ("8760", 8_760), ("", 24), (" 12 ", 12)])
def test_cool_down_is_that_of_the_tag(text: str, hours: int):
    settings = read(retraining_cool_down_hours=text)

    assert settings.cool_down == timedelta(hours=hours)
    assert settings.problems == ()


@pytest.mark.parametrize("text", ["8761", "-1", "1.5", "1d", "٣", "9" * 300])
def test_cool_down_that_cannot_be_read_is_the_stacks_and_told(text: str):
    settings = read(retraining_cool_down_hours=text)

    assert settings.cool_down == timedelta(hours=24)
    assert settings.problems == (
        f"tag {TAG_PREFIX}retraining-cool-down-hours={text[:80]}: must be a whole number from 0 to 8,760; the default is used",
    )


def test_stack_may_have_no_cool_down():
    settings = retraining_settings({f"{TAG_PREFIX}retraining-pipeline": "p"}, "ml-on-call", 0)

    assert settings is not None
    assert settings.cool_down == timedelta(0)


def test_parameters_are_named_after_the_slash_and_kept_as_they_are():
    settings = read(
        **{
            f"{PARAMETER_TAG}InstanceType": "ml.m5.xlarge",
            f"{PARAMETER_TAG}Empty": "",
            f"{PARAMETER_TAG}Words": " two words ",
            f"{PARAMETER_TAG}a/b": "c",
            "on-call": "team-risk",
        }
    )

    assert settings.parameters == {
        "InstanceType": "ml.m5.xlarge",
        "Empty": "",
        "Words": " two words ",
        "a/b": "c",
    }
    assert settings.on_call == "team-risk"
    assert settings.problems == ()


def test_typing_errors_are_told_though_the_rest_is_fine():
    settings = read(retrainat="warning")

    assert settings.retrain_at is Severity.CRITICAL
    assert settings.problems == (f"tag {TAG_PREFIX}retrainat=warning: no such tag; retrain-at is one",)


def test_everything_wrong_is_told():
    settings = read(
        retraining_pipeline="?", retrain_at="never", retraining_cool_down_hours="long", retrainat="info"
    )

    assert settings.pipeline is None
    assert [problem.partition("=")[0] for problem in settings.problems] == [
        f"tag {TAG_PREFIX}{name}"
        for name in ("retrainat", "retraining-pipeline", "retraining-cool-down-hours", "retrain-at")
    ]


@given(
    st.dictionaries(
        st.one_of(
            st.sampled_from(sorted(KNOWN_TAGS)).map(TAG_PREFIX.__add__),
            hostile_text().map((TAG_PREFIX + PARAMETER_TAG).__add__),
            hostile_text(),
        ),
        st.one_of(tag_texts, hostile_text()),
        max_size=6,
    ),
    tag_texts,
)
def test_whatever_people_write_it_is_read_the_same_way_twice(tags: dict[str, str], pipeline: str):
    tags = {**tags, f"{TAG_PREFIX}retraining-pipeline": pipeline}

    settings = retraining_settings(tags, "ml-on-call", 24)

    assert settings == retraining_settings(dict(reversed(tags.items())), "ml-on-call", 24)
    if settings is None:
        assert not pipeline.strip()
        return
    assert timedelta(0) <= settings.cool_down <= timedelta(hours=8_760)
    assert settings.on_call
    assert (settings.pipeline is not None) or settings.problems
    assert settings.pipeline is None or settings.pipeline in pipeline
