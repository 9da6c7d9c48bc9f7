"""A whole report amounts to counts and its worst violations, whatever its size."""

import math
import random
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.reports.reader import read_violations
from stationkeeper.reports.verdict import KEPT, judge, judge_all
from stationkeeper.reports.violation import Measure
from stationkeeper.severity import Severity

from tests.real import read, real_files
from tests.unit.builders import DEFAULTS, START, policy, violation

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL


def drifted(subject, distance):
    return violation(
        subject, "baseline_drift_check", measure=Measure.DISTANCE, observed=distance, expected=0.0
    )


def subjects(verdict):
    return [judged.violation.subject for judged in verdict.worst]


# Counting


def test_an_empty_report_is_no_violation():
    verdict = judge_all([], DEFAULTS, START)

    assert (verdict.total, verdict.severity, verdict.worst, verdict.muted) == (0, None, (), 0)
    assert sum(verdict.counts.values()) == 0


def test_violations_are_counted_by_severity_and_by_check():
    found = [
        violation("a", observed=0.0),
        violation("b", observed=99.9),
        drifted("a", 0.9),
        drifted("b", 0.1),
    ]

    verdict = judge_all([*found, violation("c", "mmd_check", observed=None)], DEFAULTS, START)

    assert verdict.counts == {CRITICAL: 2, WARNING: 2, INFO: 1}
    assert verdict.by_check == {
        ("data_type_check", CRITICAL): 1,
        ("data_type_check", INFO): 1,
        ("baseline_drift_check", CRITICAL): 1,
        ("baseline_drift_check", WARNING): 1,
        ("other", WARNING): 1,
    }
    assert verdict.total == 5
    assert verdict.severity is CRITICAL


def test_a_hundred_invented_checks_count_as_one():
    """Checks become dimensions of a metric: a container may not multiply them."""
    verdict = judge_all([violation("a", f"check_{n}", observed=None) for n in range(100)], DEFAULTS, START)

    assert verdict.by_check == {("other", WARNING): 100}


def test_the_worst_come_first():
    found = [
        drifted("little", 0.01),
        violation("unknown", observed=None),
        drifted("much", 0.9),
        drifted("some", 0.2),
    ]
    found += [drifted("most", 1.0), violation("columns", "missing_column_check", observed=None)]

    verdict = judge_all(found, DEFAULTS, START)

    assert subjects(verdict) == ["most", "much", "columns", "some", "unknown", "little"]


def test_a_constraint_listed_twice_counts_twice():
    verdict = judge_all([drifted("fare", 0.2), drifted("fare", 0.3)], DEFAULTS, START)

    assert verdict.total == 2
    assert [judged.excess for judged in verdict.worst] == pytest.approx([0.3, 0.2])


def test_muted_violations_are_counted_apart():
    by = policy({"mutes": [{"feature": "fare", "until": "2026-12-31"}]})

    verdict = judge_all([drifted("fare", 0.9), drifted("tip", 0.2), drifted("fare", 0.1)], by, START)

    assert (verdict.total, verdict.muted) == (1, 2)
    assert verdict.counts == {WARNING: 1}
    assert verdict.by_check == {("baseline_drift_check", WARNING): 1}
    assert subjects(verdict) == ["tip"]
    assert verdict.severity is WARNING


def test_an_expired_mute_hides_nothing():
    by = policy({"mutes": [{"feature": "fare", "until": "2026-12-31"}]})

    verdict = judge_all([drifted("fare", 0.9)], by, datetime(2027, 1, 1, tzinfo=UTC))

    assert (verdict.total, verdict.muted) == (1, 0)


# However many there are


def test_the_worst_thousand_of_five_thousand_are_kept_and_all_are_counted():
    distances = [n / 5_000 for n in range(1, 5_001)]
    random.Random(7).shuffle(distances)

    verdict = judge_all((drifted(f"{distance:.4f}", distance) for distance in distances), DEFAULTS, START)

    assert subjects(verdict) == [f"{n / 5_000:.4f}" for n in range(5_000, 4_000, -1)]
    assert len(verdict.worst) == KEPT == 1_000
    assert verdict.total == 5_000
    assert verdict.counts == {INFO: 99, WARNING: 1_900, CRITICAL: 3_001}
    assert sum(verdict.by_check.values()) == 5_000


def test_which_of_many_equally_bad_violations_are_kept_does_not_depend_on_their_order():
    """Else the next run, its report written in another order, would find a thousand "new" ones."""
    found = [violation(f"feature {n}", observed=0.0) for n in range(1_500)]

    forward = judge_all(found, DEFAULTS, START)
    backward = judge_all(found[::-1], DEFAULTS, START)

    assert set(subjects(forward)) == set(subjects(backward))


VIOLATIONS = st.builds(
    violation,
    st.sampled_from([f"f{n}" for n in range(30)]),
    st.sampled_from(
        ["data_type_check", "baseline_drift_check", "LessThanThreshold", "mmd_check", "missing_column_check"]
    ),
    measure=st.sampled_from(list(Measure)),
    observed=st.one_of(st.none(), st.floats(), st.sampled_from([0.0, 50.0, 99.7])),
    expected=st.one_of(st.none(), st.floats(), st.sampled_from([0.1, 100.0])),
)
DISTINCT = st.lists(VIOLATIONS, max_size=30, unique_by=lambda one: one.identity)


@given(DISTINCT, st.randoms())
def test_the_order_of_a_report_does_not_matter(found, shuffler):
    shuffled = list(found)
    shuffler.shuffle(shuffled)

    one, other = judge_all(found, DEFAULTS, START), judge_all(shuffled, DEFAULTS, START)

    assert (one.counts, one.by_check) == (other.counts, other.by_check)
    assert [judged.violation.identity for judged in one.worst] == [
        judged.violation.identity for judged in other.worst
    ]


@given(st.lists(VIOLATIONS, max_size=60))
def test_nothing_is_lost_in_counting(found):
    verdict = judge_all(found, DEFAULTS, START)

    assert verdict.total == len(found) == len(verdict.worst) == sum(verdict.by_check.values())
    assert Counter(judged.severity for judged in verdict.worst) == verdict.counts
    assert sorted(subjects(verdict)) == sorted(one.subject for one in found)
    assert verdict.severity == max((judged.severity for judged in verdict.worst), default=None)


@given(st.lists(VIOLATIONS, max_size=40), st.sets(st.sampled_from([f"f{n}" for n in range(30)]), max_size=5))
def test_a_violation_is_counted_or_muted_never_both(found, muted):
    by = policy({"mutes": [{"feature": feature, "until": "2030-01-01"} for feature in sorted(muted)]})

    verdict = judge_all(found, by, START)

    assert verdict.total + verdict.muted == len(found)
    assert verdict.muted == sum(one.subject in muted for one in found)
    assert not muted & set(subjects(verdict))


# Levels


@pytest.mark.parametrize(
    ("distance", "level"),
    [
        (0.0, 100),
        (0.0199, 100),
        (0.02, 200),
        (0.399, 200),
        (0.4, 300),
        (0.799, 300),
        (0.8, 301),
        (1.5, 301),
        (1.6, 302),
        (3.2, 303),
        (0.4 * 2**40, 340),
        (0.4 * 2**60, 360),
        (0.4 * 2**61, 360),
        (1e308, 360),
        (math.inf, 360),
        (math.nan, 200),
    ],
)
def test_a_critical_violation_rises_a_level_with_each_doubling(distance, level):
    # the distance over a threshold of 0 is the excess, up to 1; beyond, a column count says it
    if distance <= 1 or not math.isfinite(distance):
        one = drifted("fare", distance)
    else:
        one = violation(
            "fare", "baseline_drift_check", measure=Measure.BELOW, observed=1 - distance, expected=1.0
        )

    assert judge(one, DEFAULTS).level == level


@given(st.floats(0, allow_nan=False), st.floats(0, allow_nan=False))
def test_levels_never_fall_with_the_excess(one, other):
    less, more = sorted((one, other))

    levels = [
        judge(
            violation(check="mmd_check", measure=Measure.ABOVE, observed=1 + by, expected=1.0), DEFAULTS
        ).level
        for by in (less, more)
    ]

    assert levels == sorted(levels)
    assert all(100 <= level <= 360 for level in levels)


@given(st.floats(0, 5), st.floats(0, 5))
def test_a_fixed_severity_is_a_fixed_level(one, other):
    by = policy({"rules": [{"severity": "critical"}]})

    assert judge(drifted("fare", one), by).level == judge(drifted("fare", other), by).level == 300


@pytest.mark.parametrize("critical_from", [5e-324, 1e-300, 1e300])
@pytest.mark.parametrize("observed", [1.0, 1e308, math.inf, -math.inf])
def test_extreme_limits_do_not_overflow(critical_from, observed):
    by = policy({"rules": [{"critical_from": critical_from}]})

    judged = judge(violation(measure=Measure.ABOVE, observed=observed, expected=1e-308), by)

    assert 100 <= judged.level <= 360


# What the services really wrote


@pytest.mark.parametrize("path", real_files("taxi/*/*/constraint_violations.json", "violations/*.json"))
def test_a_real_report_amounts_to_what_it_lists(path):
    listed = list(read_violations(read(path)))

    verdict = judge_all(listed, DEFAULTS, START)

    assert verdict.total == len(listed)
    assert {judged.violation.identity for judged in verdict.worst} == {one.identity for one in listed}
    levels = [judged.level for judged in verdict.worst]
    assert levels == sorted(levels, reverse=True)
    for judged in verdict.worst:
        share = judged.violation.measure is Measure.SHARE
        if share and judged.violation.observed == 0:
            assert judged.severity is CRITICAL
        if share and judged.violation.observed and judged.violation.observed > 99.01:
            assert judged.severity is INFO
