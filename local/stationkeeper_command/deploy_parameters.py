"""What the template takes, and whether a value is one: checked as CloudFormation would, before anything is sent."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

_LIST = "CommaDelimitedList"
_NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?", re.ASCII)
_LONGEST_BYTES = 4_096
"""Of a parameter's value. Source: CloudFormation user guide, quotas."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of the template. `least` and `most` bound a number; `allowed` is empty when anything goes."""

    name: str
    kind: str
    default: str
    description: str
    pattern: str = ""
    constraint: str = ""
    """What a value must be, in the template's words."""
    allowed: tuple[str, ...] = ()
    least: Decimal | None = None
    most: Decimal | None = None

    def cleaned(self, text: str) -> str:
        """The value that CloudFormation would see: without blanks around it, or around the members of a list."""
        if self.kind != _LIST:
            return text.strip()
        return ",".join(member.strip() for member in text.split(",")) if text.strip() else ""

    def problem(self, value: str) -> str:
        """Why CloudFormation would refuse a value; empty when it would not."""
        if len(value.encode("utf-8", "surrogatepass")) > _LONGEST_BYTES:
            return f"must be at most {_LONGEST_BYTES:,} bytes"
        if self.allowed and value not in self.allowed:
            return f"must be one of {', '.join(self.allowed)}"
        if self.kind == "Number":
            return self._problem_of_number(value)
        members = value.split(",") if self.kind == _LIST else [value]
        # CloudFormation's classes (\w, \d) are ASCII, and a pattern must match all of a value.
        if self.pattern and not all(re.fullmatch(self.pattern, member, re.ASCII) for member in members):
            return self.constraint or f"must match {self.pattern}"
        if len(members) > 1 and "" in members:
            return "must have something between two commas"
        return ""

    def _problem_of_number(self, value: str) -> str:
        if not _NUMBER.fullmatch(value):
            return "must be a number"
        number = Decimal(value)
        if self.least is not None and number < self.least:
            return f"must be at least {self.least:,}"
        if self.most is not None and number > self.most:
            return f"must be at most {self.most:,}"
        return ""


@dataclass(frozen=True, slots=True)
class Template:
    """What a template takes and makes. `resources` counts them by type."""

    parameters: Mapping[str, Parameter]
    resources: Mapping[str, int]


def read_template(path: Path) -> Template:
    """Read a SAM template."""
    document = yaml_parse(path.read_text(encoding="utf-8"))
    types = [resource["Type"] for resource in document["Resources"].values()]
    return Template(
        parameters={name: _parameter(name, about) for name, about in document["Parameters"].items()},
        resources={kind: types.count(kind) for kind in types},
    )


def _parameter(name: str, about: Mapping[str, Any]) -> Parameter:
    least, most = about.get("MinValue"), about.get("MaxValue")
    return Parameter(
        name=name,
        kind=about["Type"],
        default=str(about.get("Default", "")),
        description=about.get("Description", ""),
        pattern=about.get("AllowedPattern", ""),
        constraint=about.get("ConstraintDescription", ""),
        allowed=tuple(str(one) for one in about.get("AllowedValues", ())),
        least=None if least is None else Decimal(str(least)),
        most=None if most is None else Decimal(str(most)),
    )


def stranger(value: str, account: str, region: str) -> str:
    """Why ARNs cannot be used by a stack of this account and region; empty when they can.

    A role of another account cannot be handed to SageMaker, and a pipeline of another one cannot be started.
    """
    for arn in filter(None, value.split(",")):
        _, _, service, of_region, of_account, *_ = [*arn.split(":"), "", "", "", ""]
        if of_account != account:
            return f"must be of account {account}, which your credentials are for; {arn} is not"
        if service != "iam" and of_region != region:
            return f"must be of region {region}; {arn} is not"
    return ""
