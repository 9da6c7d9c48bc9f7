"""What a monitor measured, whatever it was violated by: distributions of features, metrics, bias, attributions.

Sources of the shapes: `statistics.json` of data quality (`features`) and model quality (`..._metrics`), `constraints.json` of all
monitors (thresholds, baselines of bias and attribution), `analysis.json` of Clarify.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Bucket:
    """Values from `lower` to `upper`; the last bucket of a feature takes in its upper bound. Counts may be fractions.

    Bounds are finite and in order (`lower == upper`: a constant), counts are finite and not negative.
    """

    lower: float
    upper: float
    count: float


@dataclass(frozen=True, slots=True)
class Numeric:
    """A numeric feature: how many values there were and were missing, and how they are spread; None where not told.

    `unplaced` values are counted in no bucket here: the bounds of theirs say nothing (infinite, reversed, not a number).
    """

    name: str
    present: float
    missing: float
    mean: float | None
    std_dev: float | None
    minimum: float | None
    maximum: float | None
    buckets: tuple[Bucket, ...]
    unplaced: float = 0.0


@dataclass(frozen=True, slots=True)
class Categorical:
    """A feature of strings. `counts` holds what the report lists, each value once, most frequent first.

    These may not be all values there are; `distinct` (None: not told) is the monitor's estimate of how many there are.
    """

    name: str
    present: float
    missing: float
    distinct: float | None
    counts: tuple[tuple[str, float], ...]


type Feature = Numeric | Categorical


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where a metric must not go: `above` means that it is violated above `value`, `below` that it is below it."""

    value: float
    violated: Literal["above", "below"]


@dataclass(frozen=True, slots=True)
class Statistics:
    """Everything a file says in numbers, all of them finite, under the names violations use (metrics: camelCase).

    Attributes
    ----------
    items : records looked at; None when not told.
    columns : names of all features the file lists, each once, whatever is told of them and was kept.
    features : by name, those that were kept.
    metrics : value and, where told, standard deviation of each metric of model quality.
    thresholds : of these metrics (constraints files only).
    bias : value by subject and qualifier of its violations: facet, and facet value with metric.
    attributions : global SHAP value of each feature, by label.
    """

    items: float | None = None
    columns: tuple[str, ...] = ()
    features: Mapping[str, Feature] = field(default_factory=dict)
    metrics: Mapping[str, tuple[float, float | None]] = field(default_factory=dict)
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    bias: Mapping[tuple[str, str], float] = field(default_factory=dict)
    attributions: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
