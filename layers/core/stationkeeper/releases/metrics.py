"""Metrics that were registered with a version, made comparable: names to numbers, whatever wrote the file.

SageMaker's own evaluation writes `{"binary_classification_metrics": {"auc": {"value": 0.9, "standard_deviation": "NaN"}}}`; pipelines of
users write what they like.
"""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from stationkeeper.alerts.text import plain
from stationkeeper.events.release_events import MetricCompared

MOST = 40
_DEPTH = 6
_NOT_METRICS = ("confusion_matrix", "receiver_operating_characteristic_curve", "precision_recall_curve")


def metrics_of(document: bytes) -> dict[str, float] | str:
    """Every number in a metrics file by its name, at most `MOST`; or why there are none."""
    try:
        content = json.loads(document, parse_constant=_constant)
    except (ValueError, RecursionError):
        return "it is not JSON"
    found: dict[str, float] = {}
    for name, value in _numbers(content, (), 0):
        found.setdefault(name, value)
        if len(found) == MOST:
            break
    return found or "it holds no numbers"


def compared(candidate: Mapping[str, float], live: Mapping[str, float]) -> tuple[MetricCompared, ...]:
    """The candidate's metrics beside the live version's; those that both have come first."""
    names = sorted({*candidate, *live}, key=lambda name: (name not in candidate, name not in live, name))
    return tuple(
        MetricCompared(name=name, candidate=candidate.get(name), live=live.get(name)) for name in names[:MOST]
    )


def _numbers(value: Any, path: tuple[str, ...], depth: int) -> Iterator[tuple[str, float]]:
    if depth > _DEPTH or not isinstance(value, Mapping):
        return
    if (number := _number(value.get("value"))) is not None:
        yield _name(path), number
        return
    for key, inner in value.items():
        if key in _NOT_METRICS or key == "standard_deviation":
            continue
        if (number := _number(inner)) is not None:
            yield _name((*path, key)), number
        else:
            yield from _numbers(inner, (*path, key), depth + 1)


def _name(path: tuple[str, ...]) -> str:
    """The path without the kind of problem that the service puts around its metrics."""
    shown = path[1:] if len(path) > 1 and path[0].endswith("_metrics") else path
    return plain(" ".join(shown), 60) or "value"


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _constant(_: str) -> None:
    """NaN and Infinity say nothing that could be compared."""
