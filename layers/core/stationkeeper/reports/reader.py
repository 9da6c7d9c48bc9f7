"""Reading a `constraint_violations.json` of any monitor, one violation at a time.

A report may hold a million violations. The text is decoded once and each violation is parsed from its place in it, so that
memory stays near the size of the file whatever is kept of it: no list of all violations ever exists.
"""

import json
import re
from collections.abc import Generator, Iterator
from json.decoder import JSONDecoder
from typing import Any

from stationkeeper.errors import StationkeeperError
from stationkeeper.reports.description import Numbers, number, numbers_in
from stationkeeper.reports.violation import Measure, Monitor, Violation

_DECODER = JSONDecoder()
_WHITESPACE = re.compile(r"[ \t\n\r]*")
# Most violations fit the first window; what does not fit the second is no violation.
_USUAL_CHARACTERS = 1_000
_LARGEST_CHARACTERS = 1_000_000
_LONGEST_TOKEN = 20

_KNOWN_FIELDS = frozenset(
    ("feature_name", "metric_name", "facet", "facet_value", "label", "constraint_check_type", "description")
)
# Where custom containers put numbers that SageMaker's monitors write into the description.
_OBSERVED_FIELDS = ("observed", "observed_value", "metric_value", "value", "distance", "score")
_EXPECTED_FIELDS = ("expected", "expected_value", "baseline_value", "threshold", "limit")


class MalformedReport(StationkeeperError):
    """The report is not the JSON document that monitors write."""


def read_violations(report: bytes, monitor: Monitor | None = None) -> Iterator[Violation]:
    """Every violation of a report, in its order.

    Parameters
    ----------
    report : the file's bytes, UTF-8 (with or without byte order mark).
    monitor : which monitor wrote it, when that is known; else each violation's own fields tell.

    Raises
    ------
    MalformedReport
        While iterating, where the text stops being a report. What was read before it is not a result.
    """
    try:
        text = report.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedReport(f"not UTF-8 text (byte {error.start})") from error
    for item in _items(text):
        yield violation_from(item, monitor)


def violation_from(item: dict[str, Any], monitor: Monitor | None = None) -> Violation:
    """One entry of `violations` as a neutral violation; nothing it holds is dropped."""
    check = _text(item.get("constraint_check_type")) or "unknown"
    description = _text(item.get("description"))
    facet, metric, feature, label = (
        _text(item.get(field)) for field in ("facet", "metric_name", "feature_name", "label")
    )
    extra = {key: value for key, value in item.items() if key not in _KNOWN_FIELDS} or None
    numbers = numbers_in(description)
    if extra and numbers.observed is None:
        numbers = _structured_numbers(extra, numbers)
    if facet:
        subject, qualifier = facet, " ".join(filter(None, (_text(item.get("facet_value")), metric)))
    else:
        subject = feature or metric or label or "unnamed"
        qualifier = " ".join(part for part in (metric, label) if part and part != subject)
    return Violation(
        monitor=monitor or _monitor_of(check, facet, metric, feature, label, extra),
        subject=subject,
        qualifier=qualifier,
        check=check,
        measure=numbers.measure,
        observed=numbers.observed,
        expected=numbers.expected,
        margin=numbers.margin,
        description=description,
        extra=extra,
    )


def _monitor_of(
    check: str, facet: str, metric: str, feature: str, label: str, extra: dict[str, Any] | None
) -> Monitor:
    if check == "bias_drift_check" or (facet and metric):
        return Monitor.BIAS
    if check == "feature_attribution_drift_check" or (label and metric):
        return Monitor.EXPLAINABILITY
    if extra:
        return Monitor.CUSTOM
    if check in DATA_QUALITY_CHECKS and feature:
        return Monitor.DATA_QUALITY
    if check in ("LessThanThreshold", "GreaterThanThreshold") and metric:
        return Monitor.MODEL_QUALITY
    return Monitor.CUSTOM


DATA_QUALITY_CHECKS = frozenset(
    (
        "data_type_check",
        "completeness_check",
        "baseline_drift_check",
        "missing_column_check",
        "extra_column_check",
        "categorical_values_check",
    )
)


def _structured_numbers(extra: dict[str, Any], found: Numbers) -> Numbers:
    observed, expected = (
        next((value for field in fields if (value := _number(extra.get(field))) is not None), None)
        for fields in (_OBSERVED_FIELDS, _EXPECTED_FIELDS)
    )
    if observed is None:
        return found
    measure = Measure.UNKNOWN if expected is None else Measure.ABOVE if observed > expected else Measure.BELOW
    return Numbers(measure, observed, expected)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return number(value) if isinstance(value, str) else float(value)  # "Infinity" comes as a string
    except (ValueError, OverflowError):
        return None


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _items(text: str) -> Iterator[dict[str, Any]]:
    """Each object of the top-level `violations` list."""
    position = _expect(text, _skip(text, 0), "{", "a JSON object")
    found = False
    closed = text.startswith("}", position)
    while not closed:
        key, position = _value(text, position)
        if not isinstance(key, str):
            raise MalformedReport(f"broken JSON: a key that is no string before character {position}")
        position = _expect(text, _skip(text, position), ":", "':'")
        if key == "violations":
            found = True
            position = yield from _list(text, position)
        else:  # version, and whatever else a container adds
            _, position = _value(text, position)
        closed, position = _next(text, position, "}")
    position = _expect(text, position, "}", "'}'")
    if position != len(text):
        raise MalformedReport(f"more text after the end of the document (character {position})")
    if not found:
        raise MalformedReport('the document has no "violations" list')


def _list(text: str, position: int) -> Generator[dict[str, Any], None, int]:
    position = _expect(text, position, "[", 'a list as "violations"')
    closed = text.startswith("]", position)
    while not closed:
        start = position
        item, position = _value(text, position)
        if not isinstance(item, dict):
            raise MalformedReport(f"a violation that is no object (character {start})")
        yield item
        closed, position = _next(text, position, "]")
    return _expect(text, position, "]", "']'")


def _next(text: str, position: int, closing: str) -> tuple[bool, int]:
    """Whether the collection ends here, and where to go on."""
    position = _skip(text, position)
    if text.startswith(closing, position):
        return True, position
    return False, _expect(text, position, ",", f"',' or '{closing}'")


def _value(text: str, position: int) -> tuple[Any, int]:
    """The JSON value at a position, and where it ends.

    It is parsed from a window of its own, so that one value of a hundred megabytes (`[{},{},...` becomes 25 times as large in
    memory) is refused before it is built.
    """
    for window in (_USUAL_CHARACTERS, _LARGEST_CHARACTERS):
        piece = text[position : position + window]
        whole = position + window >= len(text)
        try:
            value, end = _DECODER.raw_decode(piece)
        except json.JSONDecodeError as error:
            if not whole and (window < _LARGEST_CHARACTERS or _may_be_cut(error, piece)):
                continue
            where = f"character {position + error.pos} of {len(text)}"
            raise MalformedReport(f"broken JSON: {error.msg} ({where})") from error
        except RecursionError as error:
            raise MalformedReport("objects nested too deeply to be a report") from error
        except ValueError as error:  # an integer of thousands of digits
            raise MalformedReport(f"a number too large to be read near character {position}") from error
        else:
            if whole or end < len(piece):  # else a number may go on
                return value, position + end
    raise MalformedReport(
        f"one value is longer than {_LARGEST_CHARACTERS:,} characters (from character {position})"
    )


def _may_be_cut(error: json.JSONDecodeError, piece: str) -> bool:
    """Whether it is the end of the window that is wrong, not what it holds; a string is reported by its beginning."""
    return error.msg.startswith("Unterminated string") or error.pos >= len(piece) - _LONGEST_TOKEN


def _skip(text: str, position: int) -> int:
    match = _WHITESPACE.match(text, position)
    return match.end() if match else position


def _expect(text: str, position: int, token: str, what: str) -> int:
    """Where the next token starts, after the expected one."""
    if not text.startswith(token, position):
        raise MalformedReport(f"broken JSON: expected {what} at character {position} of {len(text)}")
    return _skip(text, position + 1)
