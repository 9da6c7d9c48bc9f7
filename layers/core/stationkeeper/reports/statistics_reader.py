"""Reading what a monitor measured: `statistics.json`, `constraints.json` and `analysis.json` of any monitor.

A page is drawn from it beside a judgement that already stands, so whatever part is odd is left out, and the rest is read.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Literal

from stationkeeper.errors import StationkeeperError
from stationkeeper.reports.statistics import Bucket, Categorical, Feature, Numeric, Statistics, Threshold

MOST_FEATURES = 5_000
MOST_BUCKETS = 1_000

# What is larger is a placeholder (the largest double), and differences of two such numbers are infinite.
_LARGEST = 1e300
_ROUNDING = 1e-12

_METRICS = ("binary_classification_metrics", "multiclass_classification_metrics", "regression_metrics")
_CONSTRAINTS = (
    "binary_classification_constraints",
    "multiclass_classification_constraints",
    "regression_constraints",
)
_BIAS = ("pre_training_bias_metrics", "post_training_bias_metrics")
_KNOWN = frozenset((*_METRICS, *_CONSTRAINTS, *_BIAS, "dataset", "features", "explanations"))

_VIOLATED: Mapping[Any, Literal["above", "below"]] = {
    "GreaterThanThreshold": "above",
    "LessThanThreshold": "below",
}
# The metric files say `true_positive_rate`, violations `truePositiveRate`; `f0_5` holds no second word.
_NEXT_WORD = re.compile(r"_([a-z])")


class MalformedStatistics(StationkeeperError):
    """The file is not a JSON document of the kind that monitors write beside their report."""


def read_statistics(data: bytes, wanted: frozenset[str] | None = None) -> Statistics:
    """Everything in the file that can be drawn.

    Parameters
    ----------
    data : the file's bytes, UTF-8 (with or without byte order mark).
    wanted : names of the features to keep; None keeps the first `MOST_FEATURES`. Names are kept of all features, and
        of each label the first `MOST_FEATURES` attributions: a change of one is seen among the others.

    Returns
    -------
    Statistics
        All numbers in it are finite. The sketches of a feature, curves and confusion matrices are left out.

    Raises
    ------
    MalformedStatistics
        Not JSON, or nothing in it is what a monitor writes.
    """
    document = _document(data)
    if _KNOWN.isdisjoint(document):
        raise MalformedStatistics(
            'neither statistics, constraints nor an analysis: none of "features", "..._metrics", "..._constraints", '
            '"explanations" at the top of the document'
        )
    return Statistics(
        items=_count(_object(document.get("dataset")).get("item_count")),
        columns=_columns(document),
        features=dict(islice(_features(document, wanted), MOST_FEATURES)),
        metrics=dict(_metrics(document)),
        thresholds=dict(_thresholds(document)),
        bias=dict(_bias(document)),
        attributions=dict(_attributions(document)),
    )


def _document(data: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise MalformedStatistics(f"not UTF-8 text (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise MalformedStatistics(f"broken JSON: {error.msg} (character {error.pos})") from error
    except RecursionError as error:
        raise MalformedStatistics("values nested too deeply to be statistics") from error
    except ValueError as error:  # an integer of thousands of digits
        raise MalformedStatistics("a number too large to be read") from error
    if not isinstance(document, dict):
        raise MalformedStatistics("the document is no JSON object")
    return document


# Features


def _columns(document: Mapping[str, Any]) -> tuple[str, ...]:
    names = (item.get("name") for item in _objects(document.get("features")))
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str)))


def _features(document: Mapping[str, Any], wanted: frozenset[str] | None) -> Iterator[tuple[str, Feature]]:
    seen: set[str] = set()
    for item in _objects(document.get("features")):
        name = item.get("name")
        if not isinstance(name, str) or name in seen or not (wanted is None or name in wanted):
            continue
        if (feature := _feature(name, item)) is not None:
            seen.add(name)
            yield name, feature


def _feature(name: str, item: Mapping[str, Any]) -> Feature | None:
    """None for a feature of constraints, which have no statistics, and for a column of unknown type."""
    if isinstance(numbers := item.get("numerical_statistics"), dict):
        return _numeric(name, numbers)
    if isinstance(texts := item.get("string_statistics"), dict):
        return _categorical(name, texts)
    return None


def _numeric(name: str, statistics: Mapping[str, Any]) -> Numeric:
    buckets: list[Bucket] = []
    unplaced = 0.0
    for bucket in _buckets(statistics, "kll"):
        count = _count(bucket.get("count"))
        if count is None:
            continue
        lower, upper = _number(bucket.get("lower_bound")), _number(bucket.get("upper_bound"))
        if lower is None or upper is None or lower > upper or len(buckets) == MOST_BUCKETS:
            unplaced += count
        else:
            buckets.append(Bucket(lower, upper, count))
    counted = math.fsum((*(bucket.count for bucket in buckets), unplaced))
    present, missing = _presence(statistics, counted)
    maximum = _number(statistics.get("max"))
    if buckets and maximum is not None and present > counted and _ends_just_below(maximum, buckets):
        last = buckets[-1]
        buckets[-1] = Bucket(last.lower, maximum, last.count + present - counted)
    return Numeric(
        name=name,
        present=present,
        missing=missing,
        mean=_number(statistics.get("mean")),
        std_dev=_count(statistics.get("std_dev")),
        minimum=_number(statistics.get("min")),
        maximum=maximum,
        buckets=tuple(buckets),
        unplaced=unplaced,
    )


def _ends_just_below(maximum: float, buckets: Sequence[Bucket]) -> bool:
    """Whether the last bucket ends a rounding error below the maximum: then the monitor counted no value equal to it.

    Source: real statistics of Model Monitor, where one in fifty features lacks exactly the values at its maximum.
    """
    largest = max(abs(buckets[0].lower), abs(maximum))
    return 0 < maximum - buckets[-1].upper <= _ROUNDING * largest


def _categorical(name: str, statistics: Mapping[str, Any]) -> Categorical:
    counts: dict[str, float] = {}
    for bucket in _buckets(statistics, "categorical"):
        value, count = bucket.get("value"), _count(bucket.get("count"))
        if value is not None and count:
            counts[_text(value)] = counts.get(_text(value), 0.0) + count
    present, missing = _presence(statistics, math.fsum(counts.values()))
    return Categorical(
        name=name,
        present=present,
        missing=missing,
        distinct=_count(statistics.get("distinct_count")),
        counts=tuple(sorted(counts.items(), key=lambda entry: -entry[1])[:MOST_BUCKETS]),
    )


def _buckets(statistics: Mapping[str, Any], kind: str) -> Iterator[Mapping[str, Any]]:
    distribution = _object(_object(statistics.get("distribution")).get(kind))
    return _objects(distribution.get("buckets"))


def _presence(statistics: Mapping[str, Any], counted: float) -> tuple[float, float]:
    """How many values there are and how many are missing; where it is not told, those counted, and none."""
    common = _object(statistics.get("common"))
    present, missing = _count(common.get("num_present")), _count(common.get("num_missing"))
    return counted if present is None else present, missing or 0.0


# Model quality


def _metrics(document: Mapping[str, Any]) -> Iterator[tuple[str, tuple[float, float | None]]]:
    """Metrics of one number; curves and confusion matrices have no `value`."""
    for name, metric in _entries(document, _METRICS):
        if (value := _number(metric.get("value"))) is not None:
            yield _as_violations_spell(name), (value, _count(metric.get("standard_deviation")))


def _thresholds(document: Mapping[str, Any]) -> Iterator[tuple[str, Threshold]]:
    for name, constraint in _entries(document, _CONSTRAINTS):
        value = _number(constraint.get("threshold"))
        operator = constraint.get("comparison_operator")
        if value is not None and isinstance(operator, str) and operator in _VIOLATED:
            yield _as_violations_spell(name), Threshold(value, _VIOLATED[operator])


def _entries(document: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key in keys:
        for name, entry in _object(document.get(key)).items():
            if isinstance(entry, dict):
                yield name, entry


def _as_violations_spell(name: str) -> str:
    return _NEXT_WORD.sub(lambda match: match[1].upper(), name)


# Clarify


def _bias(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], float]]:
    for key in _BIAS:
        for facet, groups in _object(_object(document.get(key)).get("facets")).items():
            for group in _objects(groups):
                facet_value = _text(group.get("value_or_threshold"))
                for metric in _objects(group.get("metrics")):
                    name, value = metric.get("name"), _number(metric.get("value"))
                    if isinstance(name, str) and value is not None:
                        yield (facet, f"{facet_value} {name}".lstrip()), value


def _attributions(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, float]]]:
    labels = _object(_object(document.get("explanations")).get("kernel_shap"))
    for label, explained in labels.items():
        values = _object(_object(explained).get("global_shap_values"))
        numbers = ((name, number) for name, value in values.items() if (number := _number(value)) is not None)
        if kept := dict(islice(numbers, MOST_FEATURES)):
            yield label, kept


# JSON values of unknown kind


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """The objects of a list; whatever else it holds is left out."""
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _number(value: Any) -> float | None:
    """A finite number. `"NaN"` and `"Infinity"` come as strings and as bare words; neither can be drawn."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -_LARGEST <= value <= _LARGEST else None


def _count(value: Any) -> float | None:
    number = _number(value)
    return None if number is None or number < 0 else number


def _text(value: Any) -> str:
    """As violations have it: Clarify and custom containers write numbers, too."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
