"""The JSON a pipeline is made of: its parameters, its steps, and the order they run in."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from embedded_aws.moto_additions.sagemaker.errors import ValidationException

CHECKS = ("QualityCheck", "ClarifyCheck")
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True)
class Parameter:
    """`default` is as the definition has it, None when it has none."""

    name: str
    type: str
    default: Any = None
    choices: tuple[Any, ...] = ()

    def read(self, text: str) -> Any:
        """The value a caller means by this text."""
        if not text:
            raise ValidationException('[string "" is too short (length: 0, required minimum: 1)]')
        try:
            value = self._typed(text)
        except (KeyError, ValueError):
            raise ValidationException(
                f"Invalid value [{text}] for parameter [{self.name}] of type [{self.type}]"
            ) from None  # ?
        if self.choices and value not in self.choices:
            raise ValidationException(
                f"Value [{text}] of parameter [{self.name}] is not one of {list(self.choices)}"
            )  # ?
        return value

    def _typed(self, text: str) -> Any:
        match self.type:
            case "Boolean":
                return _BOOLEANS[text.lower()]
            case "Integer":
                return int(text)
            case "Float":
                return float(text)
        return text


@dataclass(frozen=True)
class Step:
    """`fields` are all members as the definition has them."""

    name: str
    type: str
    fields: dict[str, Any]

    @property
    def arguments(self) -> dict[str, Any]:
        given: dict[str, Any] = self.fields.get("Arguments", {})
        return given

    @property
    def checks(self) -> bool:
        return self.type in CHECKS

    @property
    def needs(self) -> set[str]:
        """Names of the steps that come before it: it says so, or uses what they made."""
        return {*self.fields.get("DependsOn", []), *_used(self.fields)}

    def branch(self, *, holds: bool) -> list["Step"]:
        """What a condition goes on with."""
        return _steps(self.arguments.get("IfSteps" if holds else "ElseSteps", []))


@dataclass(frozen=True)
class Definition:
    parameters: dict[str, Parameter] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Definition":
        """Raises `ValidationException`: no JSON, a step without name or type, a name twice, a circle."""
        try:
            document = json.loads(text)
            parameters = [
                Parameter(
                    item["Name"], item["Type"], item.get("DefaultValue"), tuple(item.get("EnumValues", ()))
                )
                for item in document.get("Parameters", [])
            ]
            steps = _steps(document["Steps"])
            definition = cls({item.name: item for item in parameters}, tuple(steps))
            names = [step.name for step in definition.all_steps()]
        except (AttributeError, KeyError, TypeError, ValueError) as wrong:
            raise ValidationException(f"Unable to parse pipeline definition. {wrong}") from None
        if len(names) != len(set(names)):
            raise ValidationException("Unable to parse pipeline definition. Step names must be unique.")  # ?
        in_order(list(definition.all_steps()))
        return definition

    def all_steps(self) -> Iterator[Step]:
        """With those behind conditions."""
        waiting = list(self.steps)
        while waiting:
            step = waiting.pop(0)
            yield step
            if step.type == "Condition":
                waiting = [*step.branch(holds=True), *step.branch(holds=False), *waiting]

    def values(self, given: list[dict[str, str]]) -> dict[str, Any]:
        """The value of every parameter in an execution that is given these (`{"Name": ..., "Value": ...}`)."""
        texts = {item["Name"]: item["Value"] for item in given}
        if unknown := sorted(texts.keys() - self.parameters.keys()):
            raise ValidationException(
                f"Unable to start pipeline execution. Parameters {unknown} are not declared in the pipeline."
            )  # ?
        missing = sorted(
            name
            for name, parameter in self.parameters.items()
            if name not in texts and parameter.default is None
        )
        if missing:
            raise ValidationException(
                f"Unable to start pipeline execution. No value for parameters {missing}."
            )  # ?
        return {
            name: parameter.read(texts[name]) if name in texts else parameter.default
            for name, parameter in self.parameters.items()
        }


def in_order(steps: list[Step]) -> list[Step]:
    """One after the other: each behind those it needs, otherwise as they are written."""
    ordered: list[Step] = []
    waiting = list(steps)
    while waiting:
        open_names = {step.name for step in waiting}
        ready = next((step for step in waiting if not step.needs & open_names), None)
        if ready is None:
            raise ValidationException(f"Pipeline definition has a circle among {sorted(open_names)}.")  # ?
        waiting.remove(ready)
        ordered.append(ready)
    return ordered


def _steps(items: list[dict[str, Any]]) -> list[Step]:
    return [Step(item["Name"], item["Type"], item) for item in items]


def _used(value: Any) -> Iterator[str]:
    """Names of the steps whose results are named somewhere inside; not those inside a condition's branches."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "Get" and isinstance(item, str) and item.startswith("Steps."):
                yield item.removeprefix("Steps.").split(".")[0].split("[")[0]
            elif name not in ("IfSteps", "ElseSteps"):
                yield from _used(item)
    elif isinstance(value, list):
        for item in value:
            yield from _used(item)
