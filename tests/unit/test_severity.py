"""Severities compare by how bad they are."""

from itertools import permutations

import pytest
from stationkeeper.severity import Severity

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL


@pytest.mark.parametrize("order", list(permutations(Severity)))
def test_the_worst_is_critical_though_the_alphabet_says_warning(order):
    assert max(order) is CRITICAL
    assert min(order) is INFO
    assert sorted(order) == [INFO, WARNING, CRITICAL]
    assert sorted(order, reverse=True) == [CRITICAL, WARNING, INFO]


@pytest.mark.parametrize(
    ("less", "more"),
    [(INFO, WARNING), (WARNING, CRITICAL), (INFO, CRITICAL)],
    ids=lambda severity: severity.value,
)
def test_every_comparison_goes_by_badness(less, more):
    assert less < more
    assert less <= more
    assert more > less
    assert more >= less
    assert not more < less
    assert not more <= less
    assert not less > more
    assert not less >= more
    assert less.rank < more.rank


@pytest.mark.parametrize("severity", list(Severity))
def test_a_severity_is_as_bad_as_itself(severity):
    assert severity <= severity  # noqa: PLR0124
    assert severity >= severity  # noqa: PLR0124
    assert not severity < severity  # noqa: PLR0124
    assert not severity > severity  # noqa: PLR0124


def test_a_severity_compares_with_its_plain_word_too():
    assert CRITICAL > "warning"
    assert INFO < "critical"
    assert WARNING == "warning"
    assert {"critical": 1}[CRITICAL] == 1


def test_a_word_that_is_no_severity_does_not_compare():
    with pytest.raises(ValueError, match="catastrophic"):
        _ = CRITICAL < "catastrophic"
