"""Addresses of files in S3, as the registry takes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.aws.s3_addresses import s3_address


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("s3://models/churn/metrics.json", ("models", "churn/metrics.json")),
        ("s3://models/a?b#c.json", ("models", "a?b#c.json")),
        ("s3://models//a.json", ("models", "/a.json")),
        ("https://models.s3.eu-west-1.amazonaws.com/churn/a%20b.json", ("models", "churn/a b.json")),
        ("https://s3.eu-west-1.amazonaws.com/models/churn/metrics.json", ("models", "churn/metrics.json")),
        ("https://s3-us-west-2.amazonaws.com/models/x.json", ("models", "x.json")),
        ("s3://models", None),
        ("s3://models/", None),
        ("https://example.com/metrics.json", None),
        ("/metrics.json", None),
        ("", None),
        ("https://[", None),
    ],
)
def test_an_address_names_bucket_and_key(uri: str, address: tuple[str, str] | None):
    assert s3_address(uri) == address


@given(st.text())
def test_any_text_is_an_address_or_none(text: str):
    address = s3_address(text)

    assert address is None or all(address)
