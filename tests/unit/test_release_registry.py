"""Versions of a group, as the registry describes them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
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
