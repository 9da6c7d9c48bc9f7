"""Search expressions over what resources are like: filters, nested filters and expressions of expressions."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from embedded_aws.moto_additions.sagemaker.errors import ValidationException

type Record = dict[str, Any]
type Matches = Callable[[Record], bool]
# Property name -> its shape in the service's model
type Properties = Mapping[str, Any]

_MOST_CONDITIONS = 50
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ?")
# What the service's model calls it -> how it is compared; all else is text.
_KINDS = {"timestamp": "time", "boolean": "truth"} | dict.fromkeys(
    ("integer", "long", "float", "double"), "number"
)
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": lambda actual, value: actual > value,
    "GreaterThanOrEqualTo": lambda actual, value: actual >= value,
    "LessThan": lambda actual, value: actual < value,
    "LessThanOrEqualTo": lambda actual, value: actual <= value,
}


def compiled(expression: dict[str, Any] | None, properties: Properties) -> Matches:
    """What decides whether a record belongs to the results.

    Raises
    ------
    ValidationException
        Unknown property, or an operator or value that is not for it.
    """
    if expression is None:
        return lambda record: True
    conditions = list(_filters(expression))
    if len(conditions) > _MOST_CONDITIONS:
        raise ValidationException(
            f"The number of conditions in SearchExpression must not exceed {_MOST_CONDITIONS}."
        )  # ?
    if sum(condition.get("Operator") == "Contains" for condition in conditions) > 1:
        raise ValidationException("'CONTAINS' operator usage limit of 1 exceeded.")
    return _expression(expression, properties)


def sort_key(name: str, properties: Properties) -> Callable[[Record], Any]:
    """What a record is sorted by; None where it has no such property."""
    _check(name, properties)

    def key(record: Record) -> Any:
        values = _values(record, name)
        if not values:
            return None
        return str(values[0]) if isinstance(values[0], bool | dict | list) else values[0]

    return key


def _filters(expression: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from expression.get("Filters", [])
    for nested in expression.get("NestedFilters", []):
        yield from nested["Filters"]
    for inner in expression.get("SubExpressions", []):
        yield from _filters(inner)


def _expression(expression: dict[str, Any], properties: Properties) -> Matches:
    parts = [
        *(_filter(item, properties) for item in expression.get("Filters", [])),
        *(_nested(item, properties) for item in expression.get("NestedFilters", [])),
        *(_expression(item, properties) for item in expression.get("SubExpressions", [])),
    ]
    if not parts:
        raise ValidationException(
            "SearchExpression must have at least one subexpression, filter, or nested filter."
        )  # ?
    how = any if expression.get("Operator") == "Or" else all
    return lambda record: how(matches(record) for matches in parts)


def _nested(nested: dict[str, Any], properties: Properties) -> Matches:
    """All filters have to match within the same item of a list."""
    name = nested["NestedPropertyName"]
    filters = [_filter(item, properties) for item in nested["Filters"]]
    return lambda record: any(
        all(matches({name: item}) for matches in filters) for item in _values(record, name)
    )


def _filter(condition: dict[str, Any], properties: Properties) -> Matches:
    name, value = condition["Name"], condition.get("Value")
    operator = condition.get("Operator", "Equals")
    _check(name, properties)
    if operator in ("Exists", "NotExists"):
        return lambda record: bool(_values(record, name)) == (operator == "Exists")
    if value is None:
        raise ValidationException(f"Operator {operator} of property {name} needs a value.")  # ?
    kind = _kind(name, properties)
    if operator in ("Contains", "In") and kind == "either":
        kind = "text"
    if operator in _ORDER and kind == "text":
        raise ValidationException(f"Operator {operator} is not supported for text property {name}.")  # ?
    if operator in ("Contains", "In") and kind != "text":
        raise ValidationException(f"Operator {operator} is only supported for text properties: {name}.")  # ?
    wanted = _parsed(value, kind, name)
    return lambda record: _compare(
        operator, [_like(it, wanted, kind) for it in _values(record, name)], wanted
    )


def _compare(operator: str, actual: list[Any], wanted: Any) -> bool:
    match operator:
        case "NotEquals":  # ? of what is not there, too
            return all(value != wanted for value in actual)
        case "Contains":
            return any(wanted in value for value in actual)
        case "In":
            return any(value in wanted.split(",") for value in actual)
        case "Equals":
            return wanted in actual
        case _:
            return any(value is not None and _ORDER[operator](value, wanted) for value in actual)


def _check(name: str, properties: Properties) -> None:
    _kind(name, properties)


def _kind(name: str, properties: Properties) -> str:
    """`time`, `number`, `truth`, `text`, or `either`: hyperparameters are numbers where both sides look like it."""
    first, _, rest = name.partition(".")
    if first == "Metrics" and rest:
        return "number"
    if first not in properties:
        raise ValidationException(f"Unknown property name: {name}")
    if first == "HyperParameters":
        return "either"
    if first == "Tags":
        return "text"
    shape = properties[first]
    for part in rest.split(".") if rest else []:
        while shape.type_name == "list":
            shape = shape.member
        if shape.type_name == "map":
            shape = shape.value
        elif part in getattr(shape, "members", {}):
            shape = shape.members[part]
        else:
            raise ValidationException(f"Unknown property name: {name}")
    return _KINDS.get(shape.type_name, "text")


def _parsed(value: str, kind: str, name: str) -> Any:
    try:
        match kind:
            case "time":
                return _moment(value)
            case "number":
                return float(value)
            case "truth":
                return value.lower() == "true"
            case "either":
                return _number(value)
            case _:
                return value
    except ValueError:
        raise ValidationException(f"Invalid value {value} for property {name}.") from None  # ?


def _moment(value: str) -> datetime:
    """Documented is `YYYY-mm-dd'T'HH:MM:SS`, which is UTC."""
    if not _TIME.fullmatch(value):
        raise ValueError(value)
    return datetime.fromisoformat(value.removesuffix("Z")).replace(tzinfo=UTC)


def _number(value: str) -> int | float | str:
    try:
        return float(value) if "." in value else int(value)
    except ValueError:
        return value


def _like(actual: Any, wanted: Any, kind: str) -> Any:
    """The value as it is compared; None where a hyperparameter is no number and the filter's value is one."""
    if kind == "either" and not isinstance(wanted, str):
        try:
            # A decimal is cut off when the filter's value is an integer.
            return type(wanted)(float(actual))
        except ValueError:
            return None
    return str(actual) if kind == "text" and not isinstance(actual, dict | list) else actual


def _values(record: Record, name: str) -> list[Any]:
    """All values of a property, which may lie inside a list; empty when it is not there."""
    first, _, rest = name.partition(".")
    if first == "Tags" and rest:
        return [tag["Value"] for tag in record.get("Tags", []) if tag["Key"] == rest]
    if first == "Metrics":
        metrics = record.get("FinalMetricDataList", [])
        return [metric["Value"] for metric in metrics if metric["MetricName"] == rest]
    if first == "HyperParameters" and rest:
        return [value for key, value in record.get("HyperParameters", {}).items() if key == rest]
    return [value for value in _inside(record, name.split(".")) if value not in (None, [], {})]


def _inside(value: Any, path: list[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _inside(item, path)
    elif not path:
        yield value
    elif isinstance(value, dict) and path[0] in value:
        yield from _inside(value[path[0]], path[1:])
