"""What the variables of a pipeline's definition stand for in one execution."""

import re
from dataclasses import dataclass, field
from typing import Any

from embedded_aws.moto_additions.sagemaker.wire import Answer

_PART = re.compile(r"[^.\[\]'\"]+")
_COMPARISONS = {
    "Equals": lambda left, right: left == right,
    "GreaterThan": lambda left, right: left > right,
    "GreaterThanOrEqualTo": lambda left, right: left >= right,
    "LessThan": lambda left, right: left < right,
    "LessThanOrEqualTo": lambda left, right: left <= right,
}


class Unknown(str):
    """A value nobody here knows, such as a number in a file no container has written."""

    __slots__ = ()


@dataclass
class Scope:
    """`steps` are the results of steps by name: a job's description, what a check step found."""

    parameters: dict[str, Any]
    execution: dict[str, Any]
    steps: dict[str, Answer] = field(default_factory=dict)

    def resolve(self, value: Any) -> Any:
        """The value with all its variables replaced."""
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"Get"}:
            return self._get(str(value["Get"]))
        if value.keys() == {"Std:Join"}:
            join = value["Std:Join"]
            return str(join.get("On", "")).join(str(self.resolve(item)) for item in join.get("Values", []))
        if value.keys() == {"Std:JsonGet"}:
            return Unknown(value["Std:JsonGet"].get("Path", ""))
        return {name: self.resolve(item) for name, item in value.items()}

    def holds(self, conditions: list[dict[str, Any]]) -> bool:
        """Whether all of them are met; one about a value nobody knows counts as met."""
        return all(self._met(condition) for condition in conditions)

    def _met(self, condition: dict[str, Any]) -> bool:
        match condition.get("Type"):
            case "Not":
                inner = condition.get("Expression", condition.get("Condition", {}))
                return not self._met(inner)
            case "Or":
                return any(self._met(inner) for inner in condition.get("Conditions", []))
            case "In":
                value = self.resolve(condition.get("QueryValue", condition.get("Value")))
                return isinstance(value, Unknown) or value in self.resolve(condition.get("Values", []))
        left, right = (self.resolve(condition.get(side)) for side in ("LeftValue", "RightValue"))
        compare = _COMPARISONS.get(str(condition.get("Type")))
        if compare is None or isinstance(left, Unknown) or isinstance(right, Unknown):
            return True
        return bool(compare(left, right))

    def _get(self, path: str) -> Any:
        kind, *parts = _PART.findall(path)
        found: Any = {"Parameters": self.parameters, "Execution": self.execution, "Steps": self.steps}.get(
            kind
        )
        for part in parts:
            found = _member(found, part)
        return Unknown(path) if found is None else found


def _member(value: Any, name: str) -> Any:
    """A member by name, an item by number, or an input or output by its own name; None if there is none."""
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list) and name.isdecimal():
        return value[int(name)] if int(name) < len(value) else None
    if isinstance(value, list):
        return next(
            (item for item in value if name in (item.get("OutputName"), item.get("InputName"))),
            None,
        )
    return None
