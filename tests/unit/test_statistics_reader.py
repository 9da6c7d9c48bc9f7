"""What a monitor measured is read from any of its files; what is odd in them is left out, and nothing else."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.reports.reader import read_violations
from stationkeeper.reports.statistics import Bucket, Categorical, Numeric, Statistics, Threshold
from stationkeeper.reports.statistics_reader import (
    MOST_BUCKETS,
    MOST_FEATURES,
    MalformedStatistics,
    read_statistics,
)
from stationkeeper.reports.violation import Monitor

from tests.real import PLACE, read, read_json, real_files
from tests.unit.builders import hostile_text

FARE = {
    "name": "fare",
    "inferred_type": "Fractional",
    "numerical_statistics": {
        "common": {"num_present": 8, "num_missing": 2},
        "mean": 2.5,
        "sum": 20.0,
        "std_dev": 1.25,
        "min": 1.0,
        "max": 5.0,
        "distribution": {
            "kll": {
                "buckets": [
                    {"lower_bound": 1.0, "upper_bound": 3.0, "count": 6.0},
                    {"lower_bound": 3.0, "upper_bound": 5.0, "count": 2.0},
                ],
                "sketch": {"parameters": {"c": 0.64, "k": 2048.0}, "data": [[1.0, 2.0]]},
            }
        },
    },
}
PAYMENT = {
    "name": "payment",
    "inferred_type": "String",
    "string_statistics": {
        "common": {"num_present": 10, "num_missing": 0},
        "distinct_count": 3.0,
        "distribution": {
            "categorical": {"buckets": [{"value": "cash", "count": 2}, {"value": "card", "count": 8}]}
        },
    },
}


def statistics(**document):
    return read_statistics(json.dumps(document).encode())


def fare_with(**numerical):
    """The feature, with other numbers."""
    read = statistics(features=[FARE | {"numerical_statistics": FARE["numerical_statistics"] | numerical}])
    return read.features["fare"]


def fare_in(*buckets):
    """The feature, in other buckets of (lower bound, upper bound, count)."""
    keys = ("lower_bound", "upper_bound", "count")
    held = [dict(zip(keys, bucket, strict=True)) for bucket in buckets]
    return fare_with(distribution={"kll": {"buckets": held}})


# Data quality


def test_a_numeric_feature_is_read_without_its_sketch():
    read = statistics(version=0.0, dataset={"item_count": 10}, features=[FARE])

    assert read == Statistics(
        items=10.0,
        columns=("fare",),
        features={
            "fare": Numeric(
                name="fare",
                present=8.0,
                missing=2.0,
                mean=2.5,
                std_dev=1.25,
                minimum=1.0,
                maximum=5.0,
                buckets=(Bucket(1.0, 3.0, 6.0), Bucket(3.0, 5.0, 2.0)),
            )
        },
    )


def test_a_categorical_feature_is_read_most_frequent_value_first():
    assert statistics(features=[PAYMENT]).features == {
        "payment": Categorical("payment", 10.0, 0.0, 3.0, (("card", 8.0), ("cash", 2.0)))
    }


def test_only_wanted_features_are_kept():
    data = json.dumps({"features": [FARE, PAYMENT]}).encode()

    assert list(read_statistics(data, frozenset({"payment", "tip"})).features) == ["payment"]
    assert not read_statistics(data, frozenset()).features


def test_every_column_is_named_whatever_is_kept_of_it():
    features = [FARE | {"name": f"f{i}"} for i in range(MOST_FEATURES + 1)]
    unknown = {"name": "empty", "inferred_type": "Unknown"}
    data = json.dumps({"features": [*features, unknown, FARE | {"name": "f0"}, {"name": 5}]}).encode()

    for wanted in (None, frozenset[str]()):
        columns = read_statistics(data, wanted).columns
        assert columns == (*(f"f{i}" for i in range(MOST_FEATURES + 1)), "empty")


def test_the_first_of_too_many_features_are_kept_but_those_asked_for_are_found():
    features = [FARE | {"name": f"f{i}"} for i in range(MOST_FEATURES + 1)]
    data = json.dumps({"features": features}).encode()
    last = f"f{MOST_FEATURES}"

    assert len(read_statistics(data).features) == MOST_FEATURES
    assert last not in read_statistics(data).features
    assert list(read_statistics(data, frozenset({last})).features) == [last]


def test_of_two_features_of_one_name_the_first_is_kept():
    assert isinstance(statistics(features=[PAYMENT | {"name": "fare"}, FARE]).features["fare"], Categorical)


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "fare",
        [],
        {},
        FARE | {"name": None},
        FARE | {"name": ["fare"]},
        {"name": "tip", "inferred_type": "Unknown"},
        {"name": "tip", "numerical_statistics": [1], "string_statistics": "none"},
    ],
)
def test_an_odd_feature_does_not_hide_the_others(odd):
    assert list(statistics(features=[odd, PAYMENT]).features) == ["payment"]


@pytest.mark.parametrize(
    "nothing", ["NaN", math.nan, "Infinity", math.inf, None, True, [1.0], 10**400, 1.8e308]
)
def test_what_is_no_finite_number_is_not_told(nothing):
    fare = fare_with(mean=nothing, std_dev=nothing, min=nothing, max=nothing)

    assert (fare.mean, fare.std_dev, fare.minimum, fare.maximum) == (None,) * 4
    assert fare.present == 8


def test_the_largest_double_is_a_placeholder():
    assert fare_with(min=1.7976931348623157e308, max=-1.7976931348623157e308).minimum is None


def test_a_constant_is_a_bucket_without_width():
    assert fare_in((7, 7, 1_000_000)).buckets == (Bucket(7.0, 7.0, 1_000_000.0),)


@pytest.mark.parametrize(
    ("lower", "upper"),
    [("NaN", "NaN"), (0.0, "Infinity"), (math.nan, 1.0), (5, 1), (None, 2.0), (-1e308, 1e308)],
)
def test_values_of_a_bucket_without_sound_bounds_have_no_place(lower, upper):
    fare = fare_in((1, 2, 3), (lower, upper, 4))

    assert fare.buckets == (Bucket(1.0, 2.0, 3.0),)
    assert fare.unplaced == 4


@pytest.mark.parametrize("count", ["NaN", math.nan, -1, math.inf, None, "3", 10**400])
def test_a_bucket_without_a_sound_count_is_left_out(count):
    fare = fare_in((1, 2, 3), (2, 3, count))

    assert fare.buckets == (Bucket(1.0, 2.0, 3.0),)
    assert fare.unplaced == 0


def test_values_beyond_the_most_buckets_have_no_place():
    fare = fare_in(*((i, i + 1, 2) for i in range(MOST_BUCKETS + 5)))

    assert len(fare.buckets) == MOST_BUCKETS
    assert fare.unplaced == 10


def fare_up_to(maximum, end, *, present=8):
    """Buckets that hold 6 of the values, and end at `end`."""
    buckets = [
        {"lower_bound": -0.9, "upper_bound": 0, "count": 4},
        {"lower_bound": 0, "upper_bound": end, "count": 2},
    ]
    return fare_with(max=maximum, common={"num_present": present}, distribution={"kll": {"buckets": buckets}})


def test_values_at_a_maximum_that_the_last_bucket_misses_by_rounding_are_in_it():
    assert fare_up_to(0.9, 0.8999999999999999).buckets == (Bucket(-0.9, 0.0, 4.0), Bucket(0.0, 0.9, 4.0))


@pytest.mark.parametrize(
    ("maximum", "end", "present"), [(0.9, 0.8, 8), (0.9, 0.9, 8), (0.9, 0.8999999999999999, 6)]
)
def test_other_values_that_no_bucket_counts_are_not_invented(maximum, end, present):
    assert fare_up_to(maximum, end, present=present).buckets[-1] == Bucket(0.0, end, 2.0)


@pytest.mark.parametrize("common", [None, {}, {"num_present": "NaN", "num_missing": -3}])
def test_where_the_number_of_values_is_not_told_those_in_buckets_count(common):
    fare = fare_with(common=common)

    assert (fare.present, fare.missing) == (8.0, 0.0)


def test_a_feature_without_a_distribution_has_no_buckets():
    assert fare_with(distribution={"kll": None}).buckets == ()


def test_values_that_are_no_text_and_values_listed_twice_are_counted():
    buckets = [
        {"value": 1, "count": 2},
        {"value": "1", "count": 3},
        {"value": None, "count": 9},
        {"count": 9},
    ]
    texts = {"distribution": {"categorical": {"buckets": buckets}}}

    (feature,) = statistics(features=[{"name": "zone", "string_statistics": texts}]).features.values()

    assert feature == Categorical("zone", 5.0, 0.0, None, (("1", 5.0),))


# Model quality


def test_metrics_of_one_number_are_read_as_violations_spell_them():
    metrics = {
        "true_positive_rate": {"value": 0.75, "standard_deviation": 0.125},
        "f0_5": {"value": 0.5, "standard_deviation": "NaN"},
        "f0_5_best_constant_classifier": {"value": 0},
        "auc": {"value": "NaN", "standard_deviation": "NaN"},
        "confusion_matrix": {"0": {"0": 1, "1": 2}},
        "precision_recall_curve": {"precisions": [1, 1], "recalls": [0, 1]},
        "accuracy": 0.5,
    }

    assert statistics(binary_classification_metrics=metrics).metrics == {
        "truePositiveRate": (0.75, 0.125),
        "f0_5": (0.5, None),
        "f0_5BestConstantClassifier": (0.0, None),
    }


@pytest.mark.parametrize("kind", ["binary_classification", "multiclass_classification", "regression"])
def test_metrics_and_thresholds_of_every_problem_type_are_read(kind):
    assert statistics(**{f"{kind}_metrics": {"weighted_f1": {"value": 1}}}).metrics == {
        "weightedF1": (1.0, None)
    }
    assert statistics(
        **{
            f"{kind}_constraints": {
                "weighted_f1": {"threshold": 0.5, "comparison_operator": "LessThanThreshold"},
                "mae": {"threshold": 2, "comparison_operator": "GreaterThanThreshold"},
                "odd": {"threshold": 2, "comparison_operator": "NotEqual"},
                "odder": {"threshold": "NaN", "comparison_operator": "LessThanThreshold"},
                "oddest": {"threshold": 2, "comparison_operator": []},
            }
        }
    ).thresholds == {"weightedF1": Threshold(0.5, "below"), "mae": Threshold(2.0, "above")}


# Clarify


def test_bias_is_read_by_facet_value_and_metric_before_and_after_training():
    def facets(*metrics):
        return {
            "label": "y",
            "facets": {"Age": [{"value_or_threshold": "(40, 90]", "metrics": list(metrics)}]},
        }

    read = statistics(
        pre_training_bias_metrics=facets({"name": "CI", "value": -0.5}, {"name": "KL", "value": "Infinity"}),
        post_training_bias_metrics=facets(
            {"name": "DI", "value": 2}, {"name": "CDDPL", "value": None, "error": "Group variable is empty"}
        ),
    )

    assert read.bias == {("Age", "(40, 90] CI"): -0.5, ("Age", "(40, 90] DI"): 2.0}


def test_the_first_of_too_many_attributions_are_kept():
    values = {"first": "NaN"} | {f"f{i}": i for i in range(MOST_FEATURES + 1)}
    read = statistics(explanations={"kernel_shap": {"label0": {"global_shap_values": values}}})

    assert list(read.attributions["label0"]) == [f"f{i}" for i in range(MOST_FEATURES)]


def test_attributions_are_read_by_label():
    read = statistics(
        explanations={
            "kernel_shap": {
                "label0": {"global_shap_values": {"Age": 0.5, "Sex": "NaN"}, "expected_value": 0.25},
                "label1": {"global_shap_values": []},
            },
            "pdp": [],
        }
    )

    assert read.attributions == {"label0": {"Age": 0.5}}


# What is no such file


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "broken JSON: .* .character 0."),
        (b'{"features": [', "broken JSON: .* .character 14."),
        (b'{"features": "\xff"}', "not UTF-8 text .byte 14."),
        (b"[]", "no JSON object"),
        (b"{}", 'none of "features"'),
        (b'{"version": "1.0", "violations": []}', 'none of "features"'),
        (b'{"features": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"features": ' + b"1" * 5_000 + b"}", "number too large"),
    ],
)
def test_what_no_monitor_writes_is_refused_with_what_and_where(data, said):
    with pytest.raises(MalformedStatistics, match=said):
        read_statistics(data)


def test_a_byte_order_mark_is_no_fault():
    assert read_statistics(b'\xef\xbb\xbf{"dataset": {"item_count": 3}}').items == 3


NUMBERS = st.one_of(
    st.floats(),
    st.integers(),
    st.none(),
    st.booleans(),
    st.sampled_from(["NaN", "Infinity", 10**400]),
    hostile_text(),
)
ODD = st.recursive(
    NUMBERS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "name",
                    "value",
                    "count",
                    "buckets",
                    "kll",
                    "categorical",
                    "lower_bound",
                    "upper_bound",
                    "common",
                    "num_present",
                    "mean",
                    "distribution",
                    "numerical_statistics",
                    "string_statistics",
                    "facets",
                    "metrics",
                    "threshold",
                    "kernel_shap",
                    "comparison_operator",
                    "value_or_threshold",
                    "label0",
                    "global_shap_values",
                    "item_count",
                ]
            ),
            inner,
            max_size=6,
        ),
    ),
    max_leaves=30,
)


def mapping(**fields):
    return st.fixed_dictionaries(
        {}, optional={name: st.one_of(ODD, values) for name, values in fields.items()}
    )


def list_of(items):
    return st.lists(st.one_of(items, ODD), max_size=4)


BUCKETS = list_of(mapping(lower_bound=NUMBERS, upper_bound=NUMBERS, count=NUMBERS, value=NUMBERS))
STATISTICS = mapping(
    common=mapping(num_present=NUMBERS, num_missing=NUMBERS),
    mean=NUMBERS,
    std_dev=NUMBERS,
    min=NUMBERS,
    max=NUMBERS,
    distinct_count=NUMBERS,
    distribution=mapping(kll=mapping(buckets=BUCKETS), categorical=mapping(buckets=BUCKETS)),
)
FILES = mapping(
    dataset=mapping(item_count=NUMBERS),
    features=list_of(
        mapping(name=hostile_text(), numerical_statistics=STATISTICS, string_statistics=STATISTICS)
    ),
    regression_metrics=mapping(mae=mapping(value=NUMBERS, standard_deviation=NUMBERS)),
    regression_constraints=mapping(mae=mapping(threshold=NUMBERS, comparison_operator=hostile_text())),
    post_training_bias_metrics=mapping(
        facets=mapping(
            Age=list_of(
                mapping(
                    value_or_threshold=NUMBERS, metrics=list_of(mapping(name=hostile_text(), value=NUMBERS))
                )
            )
        )
    ),
    explanations=mapping(kernel_shap=mapping(label0=mapping(global_shap_values=mapping(Age=NUMBERS)))),
)


@given(st.binary(max_size=200))
def test_any_bytes_are_statistics_or_refused(data):
    try:
        read = read_statistics(data)
    except MalformedStatistics:
        return
    assert isinstance(read, Statistics)


@given(FILES)
def test_however_odd_a_file_is_every_number_read_from_it_is_sound(document):
    try:
        read = statistics(**document)
    except MalformedStatistics:
        assert not document
        return

    for feature in read.features.values():
        if isinstance(feature, Numeric):
            assert all(bucket.lower <= bucket.upper and bucket.count >= 0 for bucket in feature.buckets)
            assert feature.unplaced >= 0
        else:
            assert len({value for value, _ in feature.counts}) == len(feature.counts)
            assert all(count > 0 for _, count in feature.counts)
        assert feature.present >= 0
        assert feature.missing >= 0
    assert all(math.isfinite(number) for number in numbers_of(read))


def numbers_of(read):
    yield read.items or 0.0
    for feature in read.features.values():
        yield from (feature.present, feature.missing)
        if isinstance(feature, Numeric):
            told = (feature.mean, feature.std_dev, feature.minimum, feature.maximum, feature.unplaced)
            yield from (number for number in told if number is not None)
            yield from (number for b in feature.buckets for number in (b.lower, b.upper, b.count))
        else:
            yield feature.distinct or 0.0
            yield from (count for _, count in feature.counts)
    for value, deviation in read.metrics.values():
        yield from (value, deviation or 0.0)
    yield from (threshold.value for threshold in read.thresholds.values())
    yield from read.bias.values()
    yield from (value for values in read.attributions.values() for value in values.values())


# Real files


@pytest.mark.parametrize("path", real_files("statistics/*.json", "taxi/data_quality/*/statistics.json"))
def test_every_real_feature_is_read_with_all_its_values(path):
    document = read_json(path)

    found = read_statistics(read(path))

    assert found.items == document["dataset"]["item_count"]
    assert list(found.features) == [feature["name"] for feature in document["features"]]
    for feature in found.features.values():
        counts = (
            [bucket.count for bucket in feature.buckets]
            if isinstance(feature, Numeric)
            else [count for _, count in feature.counts]
        )
        assert math.fsum(counts) == feature.present > 0


@pytest.mark.parametrize("path", real_files("mq_statistics/*.json", "taxi/model_quality/*/statistics.json"))
def test_every_real_metric_of_one_number_is_read(path):
    document = read_json(path)
    (metrics,) = (document[key] for key in document if key.endswith("_metrics"))

    found = read_statistics(read(path)).metrics

    assert [value for value, _ in found.values()] == [
        metric["value"] for metric in metrics.values() if isinstance(metric.get("value"), int | float)
    ]
    assert found


@pytest.mark.parametrize(
    "path", real_files("mq_constraints/*.json", "constraints/*.json", "taxi/*/*/constraints.json")
)
def test_every_real_threshold_is_read(path):
    document = read_json(path)
    expected = [constraint["threshold"] for constraint in document.get("regression_constraints", {}).values()]

    assert [threshold.value for threshold in read_statistics(read(path)).thresholds.values()] == expected


@pytest.mark.parametrize("path", real_files("analysis/*.json"))
def test_every_real_analysis_holds_bias_or_attributions(path):
    found = read_statistics(read(path))

    assert bool(found.bias) != bool(found.attributions)


@pytest.mark.parametrize("path", real_files("taxi/model_quality/*/constraint_violations.json"))
def test_each_violated_metric_of_the_taxi_model_is_found_with_its_value_and_threshold(path):
    found = read_statistics(read(path.with_name("statistics.json")))
    baseline = read_statistics(read(PLACE / "taxi/model_quality/baseline/constraints.json"))

    for violation in read_violations(read(path), Monitor.MODEL_QUALITY):
        assert found.metrics[violation.subject][0] == violation.observed
        assert baseline.thresholds[violation.subject].value == violation.expected


def real(pattern):
    """The one file of that name."""
    (parameter,) = real_files(pattern)
    return read_statistics(read(getattr(parameter, "values", parameter)[0]))


def test_real_taxi_rides():
    rides = real("taxi/data_quality/2020-03-09/statistics.json").features["pickup_count"]

    assert (rides.present, rides.missing) == (96.0, 0.0)
    assert (rides.mean, rides.std_dev) == (373.65100383758545, 203.45101089846946)
    assert (rides.minimum, rides.maximum) == (34.730953216552734, 630.9991455078125)
    assert [bucket.count for bucket in rides.buckets] == [19, 8, 3, 2, 1, 3, 9, 18, 18, 15]
    assert rides.buckets[-1] == Bucket(571.3723262786865, 630.9991455078125, 15.0)


def test_real_messages():
    messages = real("statistics/*__statistics__3daa6a.json").features["message"]

    assert messages == Categorical(
        "message", 418.0, 0.0, 1.0, (("preproc-not-YET-supported-for-csv-json", 418.0),)
    )


def test_real_quality_of_the_taxi_model():
    assert real("taxi/model_quality/2020-03-09/statistics.json").metrics == {
        "mae": (61.85842378934225, None),
        "mse": (7275.347269985415, None),
        "rmse": (85.29564625457395, None),
        "r2": (0.8127539434975399, None),
    }
    assert real("taxi/model_quality/baseline/statistics.json").metrics["mae"] == (
        38.29501488095238,
        0.24146914041470052,
    )


def test_real_thresholds():
    assert real("mq_constraints/*__mq_constraints__da1951.json").thresholds == {
        "mae": Threshold(0.5040653554420981, "above"),
        "mse": Threshold(0.03364933609800973, "above"),
        "rmse": Threshold(0.5776238707827177, "above"),
        "r2": Threshold(-3.208758170289026, "below"),
    }


def test_real_bias_before_and_after_training():
    bias = real("analysis/*__analysis__9f9f9f.json").bias

    assert bias["customer_gender_female", "1 AD"] == -0.025751072961373356
    assert bias["customer_gender_female", "1 DCR"] == -72.0
    assert ("customer_gender_female", "1 CDDPL") not in bias
    assert real("analysis/*__analysis__219d34.json").bias["F1", "(0.5, 0.9936148802477393] CI"] == -0.08


def test_real_attributions():
    attributions = real("analysis/*__analysis__4e7f58.json").attributions

    assert list(attributions) == ["label0"]
    assert len(attributions["label0"]) == 14
    assert attributions["label0"]["Marital Status"] == 0.05452765230404344


def test_real_attributions_of_two_labels():
    attributions = real("analysis/*__analysis__57cb7d.json").attributions

    assert {label: len(values) for label, values in attributions.items()} == {"label0": 8, "label1": 5}
