"""Versions of a group, as the registry describes them."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.alerts.text import plain
from stationkeeper.releases.registry import ModelPackage, Version, highest, version_of

from tests.real import read_json, real_files
from tests.unit.release_builders import package, version


def without_printed_times(document: Any) -> Any:
    """Some published answers are printed Python: their times are no data."""
    return {
        name: value for name, value in document.items() if not str(value).startswith("datetime.datetime(")
    }


@pytest.mark.parametrize("path", real_files("describe_model_package/*.json"))
def test_real_package_is_read(path):
    document = without_printed_times(read_json(path))
    if document.get("ModelPackageVersion") is None:
        return

    read = ModelPackage.model_validate(document)

    assert read.number == document["ModelPackageVersion"]
    assert isinstance(read.approved_by, str)
    assert not read.marketplace


@pytest.mark.parametrize("path", real_files("list_model_packages/*.json"))
def test_real_listing_is_read(path):
    for summary in read_json(path)["ModelPackageSummaryList"]:
        read = Version.model_validate(without_printed_times(summary))

        assert (read.number, read.usable, read.being_made) == (1, True, False)


@pytest.mark.parametrize(
    ("status", "usable", "being_made"),
    [
        ("Completed", True, False),
        (None, True, False),
        ("Pending", False, True),
        ("InProgress", False, True),
        ("Failed", False, False),
        ("Deleting", False, False),
    ],
)
def test_package_may_be_used_once_it_is_made(status: str | None, usable: bool, being_made: bool):
    assert (version(1, status).usable, version(1, status).being_made) == (usable, being_made)


@given(st.sets(st.integers(1, 10**6), max_size=8))
def test_highest_number_counts(numbers: set[int]):
    found = highest(version(number) for number in numbers)

    assert (found.number if found else None) == max(numbers, default=None)


@pytest.mark.parametrize(
    ("arn", "number"),
    [
        ("a/churn/7", 7),
        ("a/churn/latest", None),
        ("", None),
        ("a/٣", None),
        ("a/" + "9" * 5_000, None),
        ("7", 7),
    ],
)
def test_number_of_a_version(arn: str, number: int | None):
    assert version_of(arn) == number


@pytest.mark.parametrize(
    ("editor", "name"),
    [
        (None, ""),
        ({}, ""),
        ({"UserProfileName": "jane"}, "jane"),
        ({"IamIdentity": {"Arn": "arn:aws:sts::1:assumed-role/deployer/ci"}}, "deployer/ci"),
        ({"IamIdentity": {"Arn": "arn:aws:iam::1:user/jane"}}, "jane"),
        ({"IamIdentity": {}}, ""),
    ],
)
def test_approver_is_named_short(editor: Any, name: str):
    assert package(LastModifiedBy=editor).approved_by == name


def test_marketplace_product_is_known():
    product = {"Containers": [{"Image": "i"}, {"Image": "i", "ProductId": "p"}]}

    assert package(InferenceSpecification=product).marketplace
    assert not package(InferenceSpecification=None).marketplace
    assert json.loads(package().model_dump_json())["model_package_version"] == 8


# ---------------------------------------------------------------- what registered it, and with which metrics


@pytest.mark.parametrize(
    ("metadata", "by"),
    [
        (None, ""),
        ({}, ""),
        ({"GeneratedBy": None}, ""),
        ({"CommitId": "0a1b2c"}, ""),
        (
            {"GeneratedBy": "arn:aws:sagemaker:eu-west-1:1:pipeline/p/execution/e"},
            "arn:aws:sagemaker:eu-west-1:1:pipeline/p/execution/e",
        ),
    ],
)
def test_what_registered_a_version_is_known_where_the_service_says_so(metadata: Any, by: str):
    assert package(MetadataProperties=metadata).generated_by == by


@pytest.mark.parametrize(
    ("properties", "metrics"),
    [
        (None, {}),
        ({}, {}),
        ({"lineage": "a", "metric": "1"}, {}),
        (
            {"metric:auc": "0.91", "metric:validation:rmse": "1.2e-05"},
            {"auc": 0.91, "validation:rmse": 1.2e-05},
        ),
        ({"metric:auc": "good", "metric:f1": "", "metric:recall": "0.5"}, {"recall": 0.5}),
        ({"metric:auc": None, "metric:f1": "-3"}, {"f1": -3.0}),
    ],
)
def test_metrics_are_noted_as_properties_of_a_version(properties: Any, metrics: dict[str, float]):
    assert package(CustomerMetadataProperties=properties).noted_metrics == metrics


@given(st.dictionaries(st.text(max_size=12).map("metric:".__add__), st.text(max_size=12), max_size=4))
def test_whatever_people_note_is_read(properties: dict[str, str]):
    assert all(
        isinstance(value, float)
        for value in package(CustomerMetadataProperties=properties).noted_metrics.values()
    )


@pytest.mark.parametrize("written", ["nan", "inf", "-Infinity", "1e999"])
def test_noted_metric_that_is_no_number_cannot_be_compared(written: str):
    noted = package(CustomerMetadataProperties={"metric:loss": written}).noted_metrics

    assert all(map(math.isfinite, noted.values()))


def test_names_of_noted_metrics_are_clean():
    """The registry takes separators of lines and paragraphs in the names of properties."""
    (name,) = package(CustomerMetadataProperties={"metric:auc\u2028[CRITICAL] forged": "1"}).noted_metrics

    assert plain(name, 60) == name
