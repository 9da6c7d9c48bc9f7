"""An alarm as CloudWatch keeps it: moto's, and what moto does not know of one."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.cloudwatch import models

from embedded_aws.moto_additions.cloudwatch.alarm_rule import AlarmRule, name_in, parse

ALARM = "ALARM"
OK = "OK"
INSUFFICIENT_DATA = "INSUFFICIENT_DATA"
STATES = (INSUFFICIENT_DATA, ALARM, OK)

_GROUPED = re.compile(
    r"^\s*SELECT\b.*\bGROUP\s+BY\s+(?P<names>.+?)\s*(?:\bORDER\s+BY\b.*|\bLIMIT\b.*)?$",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class Suppressor:
    """What keeps a composite alarm's actions back; `reference` is a name or an ARN."""

    reference: str
    wait_seconds: int
    extension_seconds: int


@dataclass(frozen=True)
class Contributor:
    """One time series of a metrics insights alarm; `transitioned` is naive UTC, as moto keeps times."""

    id: str
    attributes: dict[str, str]
    value: str
    reason: str
    transitioned: datetime


# alarm, id and attributes of one of its time series, the state it is in now, why
type OnContributor = Callable[["Alarm", str, dict[str, str], str, str], None]


class Alarm(models.Alarm):
    """Named as moto's class is: its answers find `AlarmName` in `name` by that."""

    def __init__(self, **properties: Any) -> None:
        super().__init__(**properties)
        no_data: Any = None
        self.state_value = INSUFFICIENT_DATA
        self.state_reason_data = no_data
        self.state_transitioned_timestamp = self.state_updated_timestamp
        self.parsed_rule: AlarmRule | None = parse(self.rule) if self.rule else None
        self.suppressor: Suppressor | None = None
        # `Alarm` or `WaitPeriod`: why its actions were kept back when it entered its state.
        self.actions_suppressed_by: str | None = None
        self.contributors: dict[str, Contributor] = {}
        self.on_contributor: OnContributor | None = None

    @property
    def actions_suppressor(self) -> str | None:
        return self.suppressor.reference if self.suppressor else None

    @property
    def actions_suppressor_wait_period(self) -> int | None:
        return self.suppressor.wait_seconds if self.suppressor else None

    @property
    def actions_suppressor_extension_period(self) -> int | None:
        return self.suppressor.extension_seconds if self.suppressor else None

    @property
    def actions_suppressed_reason(self) -> str | None:
        return self.actions_suppressed_by and f"Actions suppressed by {self.actions_suppressed_by}"

    @property
    def children(self) -> tuple[str, ...]:
        """Names of the alarms its rule looks at."""
        return self.parsed_rule.names if self.parsed_rule else ()

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the alarms that cannot be deleted before it."""
        return (*self.children, *([name_in(self.suppressor.reference)] if self.suppressor else []))

    @property
    def grouped_by(self) -> tuple[str, ...]:
        """What tells the time series of a metrics insights query apart; empty for any other alarm."""
        for query in self.metric_data_queries:
            if found := _GROUPED.match(query.expression or ""):
                return tuple(name.strip().strip('"') for name in found["names"].split(","))
        return ()

    def take_over(self, before: "Alarm") -> None:
        """An update is another configuration of the same alarm."""
        for kept in (
            "state_value",
            "state_reason",
            "state_reason_data",
            "state_updated_timestamp",
            "state_transitioned_timestamp",
            "actions_suppressed_by",
            "history",
        ):
            setattr(self, kept, getattr(before, kept))
        if [query.expression for query in self.metric_data_queries] == [
            query.expression for query in before.metric_data_queries
        ]:
            self.contributors = before.contributors
