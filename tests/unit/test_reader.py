"""Reports of every monitor are read whole, in order, or refused."""

import json
import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.reports.reader import MalformedReport, read_violations
from stationkeeper.reports.violation import Measure, Monitor

from tests.real import read, read_json, real_files
from tests.unit.builders import drift, hostile_text, report

DATA_QUALITY = {
    "feature_name": "fare",
    "constraint_check_type": "data_type_check",
    "description": "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
    "Observed: Only 99.7% of data is Integral.",
}
MODEL_QUALITY = {
    "constraint_check_type": "LessThanThreshold",
    "description": "Metric f1 with 0.1717 +/- 0.0313 was LessThanThreshold '0.7272'",
    "metric_name": "f1",
}
BIAS = {
    "facet": "Age",
    "facet_value": "40",
    "metric_name": "CI",
    "constraint_check_type": "bias_drift_check",
    "description": "Value 0.0751544567666083 does not meet the constraint requirement",
}
ATTRIBUTION = {
    "label": "label0",
    "metric_name": "shap",
    "constraint_check_type": "feature_attribution_drift_check",
    "description": "Feature attribution drift 0.7639720923277322 exceeds threshold 0.9",
}


def read_one(entry, monitor=None):
    (violation,) = read_violations(report(entry), monitor)
    return violation


# Shapes


def test_a_data_quality_violation_is_about_its_feature():
    violation = read_one(DATA_QUALITY)

    assert violation.monitor is Monitor.DATA_QUALITY
    assert (violation.subject, violation.qualifier, violation.check) == ("fare", "", "data_type_check")
    assert (violation.measure, violation.observed, violation.expected) == (Measure.SHARE, 99.7, 100.0)
    assert violation.description == DATA_QUALITY["description"]
    assert violation.extra is None


def test_a_model_quality_violation_is_about_its_metric():
    violation = read_one(MODEL_QUALITY)

    assert violation.monitor is Monitor.MODEL_QUALITY
    assert (violation.subject, violation.qualifier, violation.check) == ("f1", "", "LessThanThreshold")
    assert (violation.observed, violation.expected, violation.margin) == (0.1717, 0.7272, 0.0313)


def test_a_bias_violation_is_about_its_facet():
    violation = read_one(BIAS)

    assert violation.monitor is Monitor.BIAS
    assert (violation.subject, violation.qualifier, violation.check) == ("Age", "40 CI", "bias_drift_check")
    assert (violation.measure, violation.observed, violation.expected) == (
        Measure.DIFFERENCE,
        0.0751544567666083,
        None,
    )


def test_an_attribution_violation_is_about_its_metric_and_label():
    violation = read_one(ATTRIBUTION)

    assert violation.monitor is Monitor.EXPLAINABILITY
    assert (violation.subject, violation.qualifier) == ("shap", "label0")
    assert (violation.measure, violation.observed, violation.expected) == (
        Measure.BELOW,
        0.7639720923277322,
        0.9,
    )


@pytest.mark.parametrize("check", ["missing_column_check", "extra_column_check"])
def test_columns_are_counted(check):
    violation = read_one(
        {
            "feature_name": "Missing columns",
            "constraint_check_type": check,
            "description": "There are missing columns in current dataset. Number of columns in current dataset: 1, "
            "Number of columns in baseline constraints: 8",
        }
    )

    assert violation.monitor is Monitor.DATA_QUALITY
    assert (violation.measure, violation.observed, violation.expected) == (Measure.COLUMNS, 1.0, 8.0)


@pytest.mark.parametrize(
    "entry", [DATA_QUALITY, MODEL_QUALITY, BIAS, ATTRIBUTION], ids=["data", "model", "bias", "shap"]
)
@pytest.mark.parametrize("monitor", list(Monitor))
def test_the_job_knows_better_than_the_entry_which_monitor_it_is(entry, monitor):
    assert read_one(entry, monitor).monitor is monitor


def test_the_fields_of_a_custom_container_are_kept():
    violation = read_one(
        {
            "feature_name": "sentence_score",
            "constraint_check_type": "baseline_drift_check",
            "sentence": "Nobody has read the tablets.",
            "nested": {"why": [1, None, True]},
        }
    )

    assert violation.monitor is Monitor.CUSTOM
    assert (violation.subject, violation.check, violation.description) == (
        "sentence_score",
        "baseline_drift_check",
        "",
    )
    assert violation.extra == {"sentence": "Nobody has read the tablets.", "nested": {"why": [1, None, True]}}
    assert (violation.observed, violation.expected, violation.measure) == (None, None, Measure.UNKNOWN)


@pytest.mark.parametrize(
    "observed_field", ["observed", "observed_value", "metric_value", "value", "distance", "score"]
)
@pytest.mark.parametrize(
    "expected_field", ["expected", "expected_value", "baseline_value", "threshold", "limit"]
)
def test_structured_numbers_of_a_custom_container_are_read(observed_field, expected_field):
    violation = read_one({"feature_name": "mmd", observed_field: 0.31, expected_field: 0.2})

    assert (violation.measure, violation.observed, violation.expected) == (Measure.ABOVE, 0.31, 0.2)


@pytest.mark.parametrize(
    ("observed", "expected", "measure", "numbers"),
    [
        ("0.31", "0.2", Measure.ABOVE, (0.31, 0.2)),
        ("Infinity", 1, Measure.ABOVE, (math.inf, 1.0)),
        ("-Infinity", "5.09E-4", Measure.BELOW, (-math.inf, 5.09e-4)),
        (3, 5, Measure.BELOW, (3.0, 5.0)),
        (0, 1, Measure.BELOW, (0.0, 1.0)),
        (0.5, None, Measure.UNKNOWN, (0.5, None)),
        (0.5, "a lot", Measure.UNKNOWN, (0.5, None)),
        (None, 1, Measure.UNKNOWN, (None, None)),
        (True, 1, Measure.UNKNOWN, (None, None)),
        ([1], 1, Measure.UNKNOWN, (None, None)),
        ("", 1, Measure.UNKNOWN, (None, None)),
        (10**400, 1, Measure.UNKNOWN, (None, None)),
    ],
)
def test_structured_numbers_come_in_many_forms(observed, expected, measure, numbers):
    violation = read_one({"feature_name": "mmd", "value": observed, "threshold": expected})

    assert violation.measure is measure
    assert (violation.observed, violation.expected) == numbers


def test_the_description_counts_before_structured_numbers():
    violation = read_one({**drift("fare", 0.3), "value": 7, "threshold": 5})

    assert (violation.observed, violation.expected) == (0.3, 0.1)
    assert violation.extra == {"value": 7, "threshold": 5}


@pytest.mark.parametrize(
    ("entry", "subject", "check", "description"),
    [
        ({}, "unnamed", "unknown", ""),
        (
            {"feature_name": None, "constraint_check_type": None, "description": None},
            "unnamed",
            "unknown",
            "",
        ),
        ({"feature_name": "", "metric_name": "f1"}, "f1", "unknown", ""),
        ({"feature_name": 5, "constraint_check_type": 7, "description": 0.5}, "5", "7", "0.5"),
        ({"feature_name": "_c0"}, "_c0", "unknown", ""),
        ({"feature_name": "driver's age (years)"}, "driver's age (years)", "unknown", ""),
        ({"label": "label0"}, "label0", "unknown", ""),
    ],
)
def test_what_an_entry_leaves_out_is_not_made_up(entry, subject, check, description):
    violation = read_one(entry)

    assert (violation.subject, violation.check, violation.description) == (subject, check, description)


def test_two_metrics_of_one_feature_are_two_constraints():
    """A custom container may measure a feature in several ways by the same check."""
    psi, ks = read_violations(
        report(
            {"feature_name": "age", "metric_name": "psi", "constraint_check_type": "drift", "value": 0.3},
            {"feature_name": "age", "metric_name": "ks", "constraint_check_type": "drift", "value": 0.4},
        )
    )

    assert psi.identity != ks.identity


@pytest.mark.parametrize(
    "other",
    [
        {**BIAS, "facet": "Sex"},
        {**BIAS, "facet_value": "41"},
        {**BIAS, "metric_name": "DPL"},
        {**BIAS, "constraint_check_type": "another_check"},
    ],
)
def test_each_part_of_a_bias_constraint_tells_it_apart(other):
    assert read_one(BIAS).identity != read_one(other).identity


def test_a_constraint_is_the_same_in_every_run_whatever_its_numbers():
    assert read_one(drift("fare", 0.2)).identity == read_one(drift("fare", 0.9, 0.3)).identity


# The document around the entries


def test_order_and_duplicates_are_kept():
    entries = [drift("b", 0.2), drift("a", 0.3), drift("b", 0.2), drift("b", 0.4)]

    read_back = [(v.subject, v.observed) for v in read_violations(report(*entries))]

    assert read_back == [("b", 0.2), ("a", 0.3), ("b", 0.2), ("b", 0.4)]


@pytest.mark.parametrize(
    "text",
    [
        '{"violations": []}',
        '{"violations":[]}',
        ' \r\n\t{ "violations" : [ ] } \n',
        '\ufeff{"violations": []}',
        '{"version": 0.0, "violations": []}',
        '{"version": "1.0", "violations": []}',
        '{"violations": [], "version": "1.0"}',
        '{"violations": [], "made_by": {"violations": [{"feature_name": "no entry of the report"}]}}',
        '{"a": null, "b": true, "c": [1, "]}"], "violations": [], "d": NaN}',
        '{"viol\\u0061tions": []}',
    ],
)
def test_a_report_without_violations_has_many_forms(text):
    assert list(read_violations(text.encode())) == []


@pytest.mark.parametrize("indent", [None, 0, 2, "\t"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("before", [{}, {"version": 0.0}, {"version": "1.0", "x": {"y": [{}]}}])
@pytest.mark.parametrize("after", [{}, {"comment": "}]"}])
def test_layout_does_not_matter(indent, bom, before, after):
    document = {**before, "violations": [DATA_QUALITY, BIAS], **after}
    text = bom + json.dumps(document, indent=indent).encode() + b" \r\n"

    assert [violation.subject for violation in read_violations(text)] == ["fare", "Age"]


def test_literals_that_are_no_json_numbers_are_kept():
    text = b'{"violations": [{"feature_name": "a", "value": Infinity, "threshold": -Infinity, "p": NaN}]}'

    (violation,) = read_violations(text)

    assert (violation.observed, violation.expected) == (math.inf, -math.inf)
    assert violation.extra is not None
    assert math.isnan(violation.extra["p"])


# What is no report


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "JSON object"),
        (b"   ", "JSON object"),
        (b"null", "JSON object"),
        (b"[]", "JSON object"),
        (b'"violations"', "JSON object"),
        (b"0", "JSON object"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "JSON object"),
        (b"{}", "violations"),
        (b'{"version": 0.0}', "violations"),
        (b'{"Violations": []}', "violations"),
        (b'{"violations": null}', "list"),
        (b'{"violations": {}}', "list"),
        (b'{"violations": "none"}', "list"),
        (b'{"violations": 0}', "list"),
        (b'{"violations": [null]}', "no object"),
        (b'{"violations": [[]]}', "no object"),
        (b'{"violations": ["fare"]}', "no object"),
        (b'{"violations": [{}, 1]}', "no object"),
        (b'{"violations": []} x', "more text"),
        (b'{"violations": []}{"violations": []}', "more text"),
        (b'{"violations": []}\x00', "more text"),
        (b'{"violations": []]', "broken JSON"),
        (b'{"violations": [}', "broken JSON"),
        (b'{"violations": [{},]}', "broken JSON"),
        (b'{"violations": [{} {}]}', "broken JSON"),
        (b'{"violations": [],}', "no string|broken JSON"),
        (b'{"violations" []}', "broken JSON"),
        (b'{"violations": [] "version": 0}', "broken JSON"),
        (b'{,"violations": []}', "broken JSON"),
        (b'{5: 1, "violations": []}', "no string"),
        (b"{violations: []}", "broken JSON"),
        (b"{'violations': []}", "broken JSON"),
        (b'{"violations": [{"feature_name": "a\nb"}]}', "broken JSON"),
        (b'{"violations": [{"feature_name": "\\x"}]}', "broken JSON"),
        (b'{"violations": [{"feature_name": "\xff"}]}', "UTF-8"),
        (b'{"violations": [{"feature_name": "\xc3"}]}', "UTF-8"),
        ('{"violations": []}'.encode("utf-16"), "UTF-8"),
        (b"\x1f\x8b\x08\x00", "UTF-8"),
        (b'\xef\xbb\xbf\xef\xbb\xbf{"violations": []}', "JSON object"),
    ],
)
def test_what_is_no_report_is_refused_with_a_reason(text, why):
    with pytest.raises(MalformedReport, match=why):
        list(read_violations(text))


@pytest.mark.parametrize("open_, close", [("[", "]"), ('{"a":', "}")])  # noqa: PT006
@pytest.mark.parametrize("where", ['{"violations": [{"a": %s}]}', '{"x": %s, "violations": []}', "%s"])
@pytest.mark.parametrize("depth", [100_000])
def test_a_nesting_bomb_is_refused(open_, close, where, depth):
    text = where % (open_ * depth + "1" + close * depth)

    with pytest.raises(MalformedReport):
        list(read_violations(text.encode()))


def test_a_nesting_bomb_that_is_never_closed_is_refused():
    with pytest.raises(MalformedReport):
        list(read_violations(b'{"violations": [{"a": ' + b"[" * 100_000))


@pytest.mark.parametrize("text", ['{"violations": [{"value": %s}]}', '{"version": %s, "violations": []}'])
def test_an_integer_of_thousands_of_digits_is_refused(text):
    with pytest.raises(MalformedReport, match="too large"):
        list(read_violations((text % ("9" * 5_000)).encode()))


def test_a_report_is_refused_as_a_whole_though_its_beginning_was_read():
    violations = read_violations(report(*[drift("fare", 0.3)] * 3)[:-4])

    with pytest.raises(MalformedReport):
        list(violations)


ENTRIES = [
    DATA_QUALITY,
    MODEL_QUALITY,
    BIAS,
    ATTRIBUTION,
    {"feature_name": "é\u2028\U0001f600", "n": [1.5e3, None, "]}"]},
]


@pytest.mark.parametrize("escape", [True, False], ids=["ASCII", "UTF-8"])
def test_a_report_cut_anywhere_is_refused(escape):
    whole = json.dumps({"version": "1.0", "violations": ENTRIES, "z": [0]}, ensure_ascii=escape).encode()
    assert len(list(read_violations(whole))) == len(ENTRIES)

    taken = []
    for length in range(len(whole)):
        try:
            list(read_violations(whole[:length]))
        except MalformedReport:
            continue
        taken.append(length)

    assert taken == []


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(), hostile_text())
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(hostile_text(), inner, max_size=3)),
)
NAMED = st.fixed_dictionaries(
    {"feature_name": hostile_text(), "constraint_check_type": hostile_text(), "description": hostile_text()},
    optional={"metric_name": hostile_text(), "value": SCALARS, "note": JSON},
)


@given(
    entries=st.lists(NAMED, max_size=5),
    version=st.one_of(st.just(0.0), st.just("1.0"), JSON),
    escape=st.booleans(),
)
def test_what_was_written_is_read(entries, version, escape):
    document = {"version": version, "violations": entries}
    try:
        written = json.dumps(document, ensure_ascii=escape).encode()
    except UnicodeEncodeError:  # half a surrogate pair exists in JSON only as an escape
        written = json.dumps(document).encode()

    read_back = list(read_violations(written))

    assert [v.check for v in read_back] == [entry["constraint_check_type"] or "unknown" for entry in entries]
    assert [v.description for v in read_back] == [entry["description"] for entry in entries]
    assert [v.subject for v in read_back] == [
        entry["feature_name"] or entry.get("metric_name") or "unnamed" for entry in entries
    ]
    assert all(len(v.identity) == 16 for v in read_back)


@given(entries=st.lists(st.dictionaries(hostile_text(), JSON, max_size=4), max_size=4))
def test_any_objects_make_a_report(entries):
    assert len(list(read_violations(report(*entries)))) == len(entries)


@given(JSON)
def test_any_other_document_is_refused_or_empty_of_surprises(document):
    try:
        read_back = list(read_violations(json.dumps(document).encode()))
    except MalformedReport:
        return

    assert len(read_back) == len(document["violations"])


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(text):
    try:
        list(read_violations(text))
    except MalformedReport as refusal:
        assert str(refusal)  # noqa: PT017


@given(
    entries=st.lists(NAMED, min_size=1, max_size=3),
    position=st.integers(0, 10_000),
    junk=st.sampled_from('{}[],:"\\x'),
)
def test_a_damaged_report_is_read_or_refused(entries, position, junk):
    written = json.dumps({"violations": entries}).encode()
    position %= len(written)
    damaged = written[:position] + junk.encode() + written[position + 1 :]

    try:
        list(read_violations(damaged))
    except MalformedReport as refusal:
        assert str(refusal)  # noqa: PT017


# What the services really wrote

REPORTS = real_files("violations/*.json", "taxi/*/*/constraint_violations.json")

# The documentation's schema of a report, with "string" as every value.
SCHEMAS = {"string"}


@pytest.mark.parametrize("path", REPORTS)
def test_every_violation_of_a_real_report_is_read(path):
    listed = read_json(path)["violations"]

    read_back = list(read_violations(read(path)))

    assert [v.description for v in read_back] == [entry.get("description", "") for entry in listed]
    assert [v.check for v in read_back] == [entry["constraint_check_type"] for entry in listed]
    assert "unnamed" not in {v.subject for v in read_back}


@pytest.mark.parametrize("path", REPORTS)
def test_the_numbers_of_every_real_description_are_found(path):
    """Only two kinds hold none: entries of a custom container without a description, and the documented schema."""
    for violation in read_violations(read(path)):
        if violation.description in SCHEMAS:
            assert violation.measure is Measure.UNKNOWN
        elif not violation.description:
            assert violation.monitor is Monitor.CUSTOM
            assert violation.extra
        else:
            assert violation.measure is not Measure.UNKNOWN, violation.description
            assert violation.observed is not None, violation.description
            alone = (
                violation.measure is Measure.FRACTION
                or "meet the constraint requirement" in violation.description
            )
            assert (violation.expected is None) == alone, violation.description


@pytest.mark.parametrize("path", REPORTS)
def test_the_monitor_of_every_real_report_is_known(path):
    by_fields = {
        "facet": Monitor.BIAS,
        "label": Monitor.EXPLAINABILITY,
        "sentence": Monitor.CUSTOM,
    }
    for entry, violation in zip(read_json(path)["violations"], read_violations(read(path)), strict=True):
        telling = [monitor for field, monitor in by_fields.items() if field in entry]
        otherwise = Monitor.DATA_QUALITY if entry.get("feature_name") else Monitor.MODEL_QUALITY
        assert violation.monitor is (telling[0] if telling else otherwise)


@pytest.mark.parametrize("path", real_files("taxi/*/*/constraint_violations.json"))
def test_no_two_constraints_of_a_real_report_are_confused(path):
    listed = Counter(
        (entry.get("feature_name") or entry.get("metric_name"), entry["constraint_check_type"])
        for entry in read_json(path)["violations"]
    )

    identities = Counter(violation.identity for violation in read_violations(read(path)))

    assert sorted(identities.values()) == sorted(listed.values())


@pytest.mark.parametrize("path", real_files("violations/*.json"))
def test_a_real_report_cut_in_the_middle_is_refused(path):
    whole = read(path).rstrip()

    for length in range(1, len(whole), max(1, len(whole) // 97)):
        with pytest.raises(MalformedReport):
            list(read_violations(whole[:length]))
