"""Metrics that were registered with a version, whatever wrote the file."""

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stationkeeper.releases.metrics import MOST, compared, metrics_of

from tests.real import read, real_files


def numbers(document: Any) -> dict[str, float] | str:
    return metrics_of(json.dumps(document).encode())


@pytest.mark.parametrize("path", real_files("mq_statistics/*.json"))
def test_real_evaluations_are_read(path):
    found = metrics_of(read(path))

    assert isinstance(found, dict)
    assert 1 <= len(found) <= MOST
    assert not [
        name for name in found if "standard_deviation" in name or "confusion" in name or "curve" in name
    ]
    assert not [name for name in found if name.endswith(("_metrics", "value"))]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"auc": 0.9}, {"auc": 0.9}),
        ({"regression_metrics": {"mse": {"value": 4.9, "standard_deviation": 2.2}}}, {"mse": 4.9}),
        ({"metrics": {"f1": 1}}, {"metrics f1": 1.0}),
        ({"value": 3}, {"value": 3.0}),
        ({"a_metrics": 1}, {"a_metrics": 1.0}),
        ({"auc": {"value": "NaN"}, "f1": 0.5}, {"f1": 0.5}),
        ({"auc": math.nan, "f1": math.inf, "r2": -math.inf, "mse": 1}, {"mse": 1.0}),
        ({"passed": True, "mse": 1}, {"mse": 1.0}),
        ({"huge": 10**400, "mse": 1}, {"mse": 1.0}),
        ({"confusion_matrix": {"0": {"0": 7}}, "mse": 1}, {"mse": 1.0}),
        ({"a\nb\u202e": 1}, {"a b\\u202e": 1.0}),
        ({}, "it holds no numbers"),
        ([{"mse": 1}], "it holds no numbers"),
        (0.5, "it holds no numbers"),
        ({"mse": "1"}, "it holds no numbers"),
    ],
)
def test_numbers_are_found_by_their_names(document: Any, expected: Any):
    assert numbers(document) == expected


@pytest.mark.parametrize(
    "content", [b"", b"{", b"mse: 1", b"\xff\xfe\x00", b"[" * 100_000, b'{"a":' * 100_000]
)
def test_what_is_no_json_is_said(content: bytes):
    assert metrics_of(content) == "it is not JSON"


def test_a_thousand_metrics_are_cut():
    found = numbers({f"metric {number:04}": number for number in range(1_000)})

    assert isinstance(found, dict)
    assert len(found) == MOST


def test_metrics_far_below_are_left():
    document: Any = {"mse": 1}
    for _ in range(50):
        document = {"deeper": document}

    assert numbers(document) == "it holds no numbers"


@given(st.binary(max_size=300))
@example(b'{"a": 1e999}')
@example(b'{"\\ud800": 1}')
@example(b'{"a": ' + b"9" * 5_000 + b"}")
def test_arbitrary_bytes_are_read(content: bytes):
    found = metrics_of(content)

    assert found
    if isinstance(found, dict):
        assert all(math.isfinite(value) and name.isprintable() for name, value in found.items())


values = st.dictionaries(st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False), max_size=60)


@given(values, values)
def test_metrics_of_both_come_first(candidate: dict[str, float], live: dict[str, float]):
    rows = compared(candidate, live)

    assert len(rows) == min(len({*candidate, *live}), MOST)
    kinds = [(row.candidate is None, row.live is None) for row in rows]
    assert kinds == sorted(kinds)
    assert all((row.candidate, row.live) == (candidate.get(row.name), live.get(row.name)) for row in rows)
