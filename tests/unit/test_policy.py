"""How bad a violation is, by default and as the user says."""

import json
import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.errors import InvalidPolicy
from stationkeeper.reports.policy import DEFAULT_LIMITS, Limits, SeverityPolicy, excess, matches
from stationkeeper.reports.verdict import judge
from stationkeeper.reports.violation import Measure
from stationkeeper.severity import Severity

from tests.unit.builders import DEFAULTS, policy, violation

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
SHARE, FRACTION, DISTANCE, COLUMNS = Measure.SHARE, Measure.FRACTION, Measure.DISTANCE, Measure.COLUMNS
BELOW, ABOVE, DIFFERENCE, UNKNOWN = Measure.BELOW, Measure.ABOVE, Measure.DIFFERENCE, Measure.UNKNOWN
INF, NAN = math.inf, math.nan


def severity_of(by=DEFAULTS, **facts):
    return judge(violation(**facts), by).severity


# Severity by default


def test_a_share_of_99_7_percent_is_not_one_of_0_percent():
    assert severity_of(observed=99.7) is INFO
    assert severity_of(observed=0.0) is CRITICAL


BY_DEFAULT = [
    # check, measure, (observed, expected), severity: just under, at and over each limit
    *(
        (check, SHARE, numbers, severity)
        for check in ("data_type_check", "completeness_check", "categorical_values_check")
        for numbers, severity in [
            ((100.0, 100.0), INFO),
            ((99.01, 100.0), INFO),
            ((99.0, 100.0), WARNING),
            ((98.99, 100.0), WARNING),
            ((75.01, 100.0), WARNING),
            ((75.0, 100.0), CRITICAL),
            ((74.99, 100.0), CRITICAL),
            ((0.0, 100.0), CRITICAL),
            ((40.0, 50.0), WARNING),
            ((37.5, 50.0), CRITICAL),
            ((60.0, 50.0), INFO),  # better than it must be
        ]
    ),
    ("data_type_check", FRACTION, (1.0, None), INFO),
    ("data_type_check", FRACTION, (0.995, None), INFO),
    ("data_type_check", FRACTION, (0.98, None), WARNING),
    ("data_type_check", FRACTION, (0.75, None), CRITICAL),
    ("completeness_check", FRACTION, (0.0, None), CRITICAL),
    ("completeness_check", FRACTION, (1.5, None), WARNING),  # no share: nobody knows
    ("completeness_check", FRACTION, (-0.5, None), WARNING),
    # drift: the room between the threshold and 1
    ("baseline_drift_check", DISTANCE, (0.1, 0.1), INFO),
    ("baseline_drift_check", DISTANCE, (0.117, 0.1), INFO),
    ("baseline_drift_check", DISTANCE, (0.119, 0.1), WARNING),
    ("baseline_drift_check", DISTANCE, (0.459, 0.1), WARNING),
    ("baseline_drift_check", DISTANCE, (0.461, 0.1), CRITICAL),
    ("baseline_drift_check", DISTANCE, (1.0, 0.1), CRITICAL),
    ("baseline_drift_check", DISTANCE, (0.39, 0.0), WARNING),
    ("baseline_drift_check", DISTANCE, (0.4, 0.0), CRITICAL),
    ("baseline_drift_check", DISTANCE, (1.5, 0.1), CRITICAL),  # a distance without an upper end
    ("baseline_drift_check", DISTANCE, (3.0, 2.5), WARNING),
    ("baseline_drift_check", DISTANCE, (5.0, 2.5), CRITICAL),
    # columns
    ("missing_column_check", COLUMNS, (59.0, 60.0), CRITICAL),
    ("extra_column_check", COLUMNS, (4178.0, 60.0), WARNING),
    # metrics without an end: against their threshold
    ("LessThanThreshold", BELOW, (0.96, 1.0), INFO),
    ("LessThanThreshold", BELOW, (0.94, 1.0), WARNING),
    ("LessThanThreshold", BELOW, (0.51, 1.0), WARNING),
    ("LessThanThreshold", BELOW, (0.5, 1.0), CRITICAL),
    ("LessThanThreshold", BELOW, (-2.0, 1.0), CRITICAL),
    ("LessThanThreshold", BELOW, (-0.51, -0.5), INFO),
    ("LessThanThreshold", BELOW, (-0.6, -0.5), WARNING),
    ("LessThanThreshold", BELOW, (-0.75, -0.5), CRITICAL),
    ("LessThanThreshold", BELOW, (-0.04, 0.0), INFO),
    ("LessThanThreshold", BELOW, (-0.5, 0.0), CRITICAL),
    ("LessThanThreshold", BELOW, (-INF, 0.9), CRITICAL),
    ("GreaterThanThreshold", ABOVE, (104.0, 100.0), INFO),
    ("GreaterThanThreshold", ABOVE, (106.0, 100.0), WARNING),
    ("GreaterThanThreshold", ABOVE, (149.0, 100.0), WARNING),
    ("GreaterThanThreshold", ABOVE, (150.0, 100.0), CRITICAL),
    ("GreaterThanThreshold", ABOVE, (INF, 100.0), CRITICAL),
    # bias: by the absolute change, either way
    ("bias_drift_check", DIFFERENCE, (0.28, 0.27), INFO),
    ("bias_drift_check", DIFFERENCE, (0.31, 0.28), WARNING),
    ("bias_drift_check", DIFFERENCE, (0.25, 0.28), WARNING),
    ("bias_drift_check", DIFFERENCE, (0.47, 0.28), WARNING),
    ("bias_drift_check", DIFFERENCE, (0.49, 0.28), CRITICAL),
    ("bias_drift_check", DIFFERENCE, (-0.2, 0.2), CRITICAL),
    ("bias_drift_check", DIFFERENCE, (10.1, 10.0), INFO),
    ("bias_drift_check", DIFFERENCE, (INF, 2.9), CRITICAL),
    ("bias_drift_check", DIFFERENCE, (-INF, 2.9), CRITICAL),
    ("bias_drift_check", DIFFERENCE, (0.075, None), WARNING),
    # attribution: a ranking score, less is worse
    ("feature_attribution_drift_check", BELOW, (0.895, 0.9), INFO),
    ("feature_attribution_drift_check", BELOW, (0.88, 0.9), WARNING),
    ("feature_attribution_drift_check", BELOW, (0.7639720923277322, 0.9), WARNING),
    ("feature_attribution_drift_check", BELOW, (0.67, 0.9), CRITICAL),
    ("feature_attribution_drift_check", BELOW, (0.95, 0.9), INFO),
    # checks nobody knows: a warning until they are twice what is allowed
    ("mmd_check", ABOVE, (0.1001, 0.1), WARNING),
    ("mmd_check", ABOVE, (0.199, 0.1), WARNING),
    ("mmd_check", ABOVE, (0.2, 0.1), CRITICAL),
    ("mmd_check", UNKNOWN, (0.2, 0.1), WARNING),
    ("mmd_check", UNKNOWN, (None, None), WARNING),
    ("unknown", UNKNOWN, (None, None), WARNING),
]


@pytest.mark.parametrize(("check", "measure", "numbers", "severity"), BY_DEFAULT)
def test_severity_by_default(check, measure, numbers, severity):
    observed, expected = numbers

    assert severity_of(check=check, measure=measure, observed=observed, expected=expected) is severity


@pytest.mark.parametrize(
    "subject", ["falsePositiveRate", "falseNegativeRate", "false_positive_rate", "false_negative_rate"]
)
@pytest.mark.parametrize(
    ("observed", "expected", "severity"),
    [
        (0.13, 0.0, WARNING),  # infinitely more than 0, yet 13 % of what can go wrong
        (0.04, 0.0, INFO),
        (0.5, 0.0, CRITICAL),
        (0.8854324734446131, 0.4285714285714286, CRITICAL),
        (0.44, 0.43, INFO),
        (1.0, 0.99, CRITICAL),
        (1.0, 1.0, INFO),
    ],
)
def test_a_rate_is_measured_by_the_room_left_above_its_threshold(subject, observed, expected, severity):
    facts = {"check": "GreaterThanThreshold", "measure": ABOVE, "observed": observed, "expected": expected}

    assert severity_of(subject=subject, **facts) is severity


def test_a_metric_without_an_end_is_measured_by_its_threshold():
    facts = {"check": "GreaterThanThreshold", "measure": ABOVE, "observed": 0.13, "expected": 0.01}

    assert severity_of(subject="mae", **facts) is CRITICAL
    assert severity_of(subject="falsePositiveRate", **facts) is WARNING


@pytest.mark.parametrize("measure", list(Measure))
@pytest.mark.parametrize(
    ("observed", "expected"),
    [(NAN, 1.0), (0.5, NAN), (NAN, NAN), (None, 1.0), (None, None), (1.0, INF), (INF, INF), (0.0, -INF)],
)
def test_what_has_no_usable_numbers_is_a_warning(measure, observed, expected):
    assert excess(violation(measure=measure, observed=observed, expected=expected)) is None
    assert (
        severity_of(check="LessThanThreshold", measure=measure, observed=observed, expected=expected)
        is WARNING
    )


@pytest.mark.parametrize("expected", [0.0, -1.0])
@pytest.mark.parametrize("measure", [SHARE, COLUMNS])
def test_a_share_of_nothing_is_not_divided_by(measure, expected):
    assert excess(violation(measure=measure, observed=-2.0, expected=expected)) is None


NUMBERS = st.one_of(st.none(), st.floats())


@given(
    measure=st.sampled_from(list(Measure)),
    check=st.sampled_from([*DEFAULT_LIMITS, "mmd_check"]),
    observed=NUMBERS,
    expected=NUMBERS,
    subject=st.sampled_from(["fare", "falsePositiveRate"]),
)
def test_any_numbers_have_a_severity(measure, check, observed, expected, subject):
    one = violation(subject, check, measure=measure, observed=observed, expected=expected)

    past = excess(one)

    assert past is None or past >= 0
    assert judge(one, DEFAULTS).level // 100 == judge(one, DEFAULTS).severity.rank


@given(
    excesses=st.tuples(st.floats(0, allow_nan=False), st.floats(0, allow_nan=False)),
    info_below=st.floats(0, 1e300),
    critical_from=st.floats(0, 1e300, exclude_min=True),
)
def test_further_past_its_constraint_is_never_less_severe(excesses, info_below, critical_from):
    limits = Limits(info_below=info_below, critical_from=critical_from)
    less, more = sorted(excesses)

    assert limits.judge(less) <= limits.judge(more)


# Names with wildcards


@pytest.mark.parametrize(
    ("glob", "name", "selected"),
    [
        ("*", "", True),
        ("*", "anything\nat all", True),
        ("fare", "fare", True),
        ("fare", "Fare", False),
        ("fare", "fares", False),
        ("fare", "the fare", False),
        ("fare*", "fare", True),
        ("fare*", "fare_total", True),
        ("*fare", "the fare", True),
        ("*a*", "fare", True),
        ("*x*", "fare", False),
        ("f?re", "fare", True),
        ("f?re", "fre", False),
        ("f?re", "faare", False),
        ("????", "fare", True),
        ("fa*e", "fa/\u2028re/e", True),
        ("driver's age", "driver's age", True),
        ("_c0", "_c0", True),
        ("a.c", "abc", False),
        ("a+", "aa", False),
        ("(a|b)", "a", False),
        ("a\\*", "a*", False),
        # brackets are part of many names, and mean nothing else
        ("embedding[3]", "embedding[3]", True),
        ("embedding[3]", "embedding3", False),
        ("embedding[*", "embedding[12]", True),
        ("embedding[*]", "embedding[12]", True),
        ("embedding[?]", "embedding[3]", True),
        ("embedding[3]*", "embedding[3]_mean", True),
        ("embedding[0-9]", "embedding3", False),
        ("embedding[!3]", "embedding4", False),
        ("[]", "[]", True),
        ("é*", "écart", True),
        ("x" * 300, "x" * 300, True),
        ("x" * 299 + "*", "x" * 5_000, True),
        ("x" * 300, "x" * 301, False),
    ],
)
def test_a_name_is_selected_by_stars_and_question_marks_only(glob, name, selected):
    assert matches(glob, name) is selected


@given(st.text(max_size=300))
def test_every_name_selects_itself(name):
    assert matches(name, name)


@given(st.text(max_size=50), st.text(max_size=50), st.text(max_size=50))
def test_a_star_stands_for_any_text(before, middle, after):
    plain_before, plain_after = (part.translate(str.maketrans("*?[", "---")) for part in (before, after))

    assert matches(f"{plain_before}*{plain_after}", f"{plain_before}{middle}{plain_after}")


def test_many_stars_do_not_hang():
    assert not matches("*a" * 140 + "b", "a" * 10_000)


# Rules of the user


def test_without_rules_the_defaults_hold():
    by = policy({"rules": [], "mutes": [], "alerting": []})

    assert by.limits(violation()) == DEFAULT_LIMITS["data_type_check"]
    assert policy({}).alerting.runs_before_alert == 1


@pytest.mark.parametrize(
    ("rule", "selected"),
    [
        ({}, True),
        ({"endpoint": "taxi-prod"}, True),
        ({"endpoint": "taxi-*"}, True),
        ({"endpoint": "churn-*"}, False),
        ({"feature": "fare"}, True),
        ({"feature": "Fare"}, False),
        ({"check": "data_type_check"}, True),
        ({"check": "*_drift_check"}, False),
        ({"endpoint": "taxi-*", "feature": "fa?e", "check": "data_*"}, True),
        ({"endpoint": "taxi-*", "feature": "tip", "check": "data_*"}, False),
    ],
)
def test_a_rule_concerns_what_it_selects(rule, selected):
    by = policy({"rules": [{**rule, "severity": "info"}]})

    assert severity_of(by, observed=0.0) is (INFO if selected else CRITICAL)


def test_the_last_rule_that_selects_a_violation_wins():
    by = policy(
        {
            "rules": [
                {"feature": "fare", "severity": "warning"},
                {"feature": "*", "severity": "info"},
                {"feature": "tip", "severity": "critical"},
            ]
        }
    )

    assert severity_of(by, subject="fare", observed=0.0) is INFO
    assert severity_of(by, subject="tip", observed=99.9) is CRITICAL


def test_limits_of_rules_merge_with_each_other_and_the_defaults():
    by = policy({"rules": [{"info_below": 0.05}, {"feature": "fare", "critical_from": 0.5}]})

    assert by.limits(violation("fare")) == Limits(info_below=0.05, critical_from=0.5)
    assert by.limits(violation("tip")) == Limits(info_below=0.05, critical_from=0.25)


@pytest.mark.parametrize(
    ("observed", "severity"),
    [(95.01, INFO), (95.0, WARNING), (50.01, WARNING), (50.0, CRITICAL), (0.0, CRITICAL)],
)
def test_the_limits_of_a_rule_count(observed, severity):
    by = policy({"rules": [{"info_below": 0.05, "critical_from": 0.5}]})

    assert severity_of(by, observed=observed) is severity


def test_a_fixed_severity_holds_whatever_the_numbers():
    by = policy({"rules": [{"severity": "info", "critical_from": 0.0001}]})

    assert {severity_of(by, observed=observed) for observed in (0.0, 50.0, 99.99, INF, NAN, None)} == {INFO}


def test_limits_over_a_fixed_severity_bring_the_numbers_back():
    by = policy({"rules": [{"check": "missing_column_check", "info_below": 0.02, "critical_from": 0.5}]})
    facts = {"check": "missing_column_check", "measure": COLUMNS}

    assert severity_of(by, **facts, observed=59.5, expected=60.0) is INFO
    assert severity_of(by, **facts, observed=50.0, expected=60.0) is WARNING
    assert severity_of(by, **facts, observed=30.0, expected=60.0) is CRITICAL


def test_limits_over_a_fixed_severity_keep_the_other_limit_of_the_check():
    """All type checks are for the record, but `fare` is judged by its numbers again."""
    by = policy(
        {"rules": [{"check": "data_type_check", "severity": "info"}, {"feature": "fare", "info_below": 0.05}]}
    )

    assert by.limits(violation("fare")) == Limits(info_below=0.05, critical_from=0.25)
    assert severity_of(by, subject="fare", observed=0.0) is CRITICAL


def test_when_limits_cross_critical_comes_first():
    by = policy({"rules": [{"info_below": 0.9}]})

    assert severity_of(by, observed=76.0) is INFO
    assert severity_of(by, observed=75.0) is CRITICAL


def test_a_check_can_be_made_never_critical():
    by = policy({"rules": [{"critical_from": 1e9}]})

    assert severity_of(by, observed=0.0) is WARNING


# Mutes

NOON = datetime(2027, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("until", "now", "muted"),
    [
        ("2027-01-31", datetime(2027, 1, 30, 23, 59, tzinfo=UTC), True),
        ("2027-01-31", datetime(2027, 1, 31, 0, 0, tzinfo=UTC), True),
        ("2027-01-31", datetime(2027, 1, 31, 23, 59, 59, 999_999, tzinfo=UTC), True),
        ("2027-01-31", datetime(2027, 2, 1, 0, 0, tzinfo=UTC), False),
        ("2027-01-31T12:00:00Z", NOON, True),
        ("2027-01-31T12:00:00Z", NOON + timedelta(seconds=1), False),
        ("2027-01-31T12:00:00", NOON, True),
        ("2027-01-31T12:00:00", NOON + timedelta(seconds=1), False),
        ("2027-01-31T00:00:00Z", datetime(2027, 1, 31, 0, 0, tzinfo=UTC), True),
        ("2027-01-31T00:00:00Z", datetime(2027, 1, 31, 0, 1, tzinfo=UTC), False),
        ("2027-01-31T14:00:00+02:00", NOON, True),
        ("2027-01-31T14:00:00+02:00", NOON + timedelta(seconds=1), False),
        ("2027-01-31T05:00:00-08:00", NOON + timedelta(minutes=59), True),
        ("2020-01-01", NOON, False),
    ],
)
def test_a_mute_holds_to_its_end(until, now, muted):
    by = policy({"mutes": [{"until": until}]})

    assert by.muted(violation(), now) is muted


@pytest.mark.parametrize("offset", [-11, 0, 14])
def test_the_day_of_a_mute_ends_in_utc_wherever_the_clock_hangs(offset):
    by = policy({"mutes": [{"until": "2027-01-31"}]})
    zone = timezone(timedelta(hours=offset))

    assert by.muted(violation(), datetime(2027, 1, 31, 23, 59, tzinfo=UTC).astimezone(zone))
    assert not by.muted(violation(), datetime(2027, 2, 1, 0, 0, tzinfo=UTC).astimezone(zone))


@pytest.mark.parametrize(
    ("mute", "muted"),
    [
        ({}, True),
        ({"endpoint": "taxi-*", "feature": "fare", "check": "data_type_check"}, True),
        ({"endpoint": "churn-*"}, False),
        ({"feature": "tip"}, False),
        ({"check": "completeness_check"}, False),
    ],
)
def test_a_mute_concerns_what_it_selects(mute, muted):
    by = policy({"mutes": [{**mute, "until": "2027-01-31", "reason": "known since spring"}]})

    assert by.muted(violation(), NOON) is muted


def test_one_of_several_mutes_is_enough():
    by = policy(
        {
            "mutes": [
                {"until": "2020-01-01"},
                {"feature": "fare", "until": "2027-01-31"},
                {"until": "2021-01-01"},
            ]
        }
    )

    assert by.muted(violation("fare"), NOON)
    assert not by.muted(violation("tip"), NOON)


# Alerting

ALERTING = {
    "alerting": [
        {"runs_before_alert": 2},
        {"endpoint": "taxi-*", "runs_before_alert": 3, "repeat_after_hours": 12},
        {"endpoint": "taxi-test", "ignore": True},
        {"endpoint": "churn", "runs_before_alert": 4},
    ]
}


@pytest.mark.parametrize(
    ("endpoint", "runs", "hours", "ignored"),
    [
        ("other", 2, 24, False),
        ("taxi-prod", 3, 12, False),
        ("taxi-test", 1, 24, True),  # one entry counts, not a mixture of several
        ("churn", 4, 24, False),
        ("Churn", 2, 24, False),
    ],
)
def test_the_last_alerting_entry_that_matches_the_endpoint_counts(endpoint, runs, hours, ignored):
    alerting = policy(ALERTING, endpoint).alerting

    assert (alerting.runs_before_alert, alerting.repeat_after_hours, alerting.ignore) == (
        runs,
        hours,
        ignored,
    )


# What is no policy

INVALID = [
    ("", "the document"),
    ("{", "the document"),
    ("rules: []", "the document"),
    ('{"rules": [],}', "the document"),
    ("null", "the document"),
    ("[]", "the document"),
    ('"rules"', "the document"),
    ('{"rule": []}', "rule:"),
    ('{"Rules": []}', "Rules:"),
    ('{"rules": {}}', "rules:"),
    ('{"rules": null}', "rules:"),
    ('{"rules": ["fare"]}', "rules.0:"),
    ('{"rules": [{}]}', "rules.0: .*info_below, critical_from or severity"),
    ('{"rules": [{"feature": "fare"}]}', "rules.0:"),
    ('{"rules": [{"severity": "info"}, {"severity": "fatal"}]}', "rules.1.severity:"),
    ('{"rules": [{"severity": "CRITICAL"}]}', "rules.0.severity:"),
    ('{"rules": [{"severity": "info", "colour": "red"}]}', "rules.0.colour:"),
    ('{"rules": [{"info_below": -0.1}]}', "rules.0.info_below:"),
    ('{"rules": [{"info_below": "little"}]}', "rules.0.info_below:"),
    ('{"rules": [{"info_below": NaN}]}', "rules.0.info_below:"),
    ('{"rules": [{"critical_from": 0}]}', "rules.0.critical_from:"),
    ('{"rules": [{"critical_from": NaN}]}', "rules.0.critical_from:"),
    ('{"rules": [{"severity": "info", "endpoint": ""}]}', "rules.0.endpoint:"),
    ('{"rules": [{"severity": "info", "feature": 5}]}', "rules.0.feature:"),
    (json.dumps({"rules": [{"severity": "info", "feature": "x" * 301}]}), "rules.0.feature:"),
    (json.dumps({"rules": [{"severity": "info"}] * 1_001}), "rules:"),
    ('{"mutes": [{"feature": "fare"}]}', "mutes.0.until:"),
    ('{"mutes": [{"until": "tomorrow"}]}', "mutes.0.until"),
    ('{"mutes": [{"until": "2027-02-30"}]}', "mutes.0.until"),
    ('{"mutes": [{"until": null}]}', "mutes.0.until"),
    ('{"mutes": [{"until": "2027-01-31", "severity": "info"}]}', "mutes.0.severity:"),
    (json.dumps({"mutes": [{"until": "2027-01-31", "reason": "x" * 501}]}), "mutes.0.reason:"),
    ('{"alerting": [{"runs_before_alert": 0}]}', "alerting.0.runs_before_alert:"),
    ('{"alerting": [{"runs_before_alert": 25}]}', "alerting.0.runs_before_alert:"),
    ('{"alerting": [{"runs_before_alert": 1.5}]}', "alerting.0.runs_before_alert:"),
    ('{"alerting": [{}, {"repeat_after_hours": 0.5}]}', "alerting.1.repeat_after_hours:"),
    ('{"alerting": [{"repeat_after_hours": NaN}]}', "alerting.0.repeat_after_hours:"),
    ('{"alerting": [{"repeat_after_hours": Infinity}]}', "alerting.0.repeat_after_hours:"),
    ('{"alerting": [{"blind_critical_after_hours": -1}]}', "alerting.0.blind_critical_after_hours:"),
    ('{"alerting": [{"ignore": "perhaps"}]}', "alerting.0.ignore:"),
    ("[" * 100_000, "the document"),
]


@pytest.mark.parametrize(("text", "place"), INVALID, ids=range(len(INVALID)))
def test_an_invalid_policy_is_refused_and_the_place_named(text, place):
    with pytest.raises(InvalidPolicy, match=f"^{place}"):
        SeverityPolicy.parse(text)


@given(
    st.one_of(
        st.text(),
        st.recursive(
            st.none() | st.floats() | st.text(),
            lambda x: (
                st.lists(x)
                | st.dictionaries(
                    st.sampled_from(["rules", "mutes", "alerting", "until", "feature", "severity"]), x
                )
            ),
        ).map(json.dumps),
    )
)
def test_any_text_is_a_policy_or_refused(text):
    try:
        SeverityPolicy.parse(text)
    except InvalidPolicy as refusal:
        assert ": " in str(refusal)  # noqa: PT017
