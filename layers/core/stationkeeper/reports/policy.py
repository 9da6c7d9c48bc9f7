"""How bad a violation is: a policy that is data, with defaults, overrides and mutes.

A violation is judged by its *excess*: how far it is past its constraint, as a share of what could go wrong. 99.7 % of values being
integers where all should be is an excess of 0.003; 0 % is 1.0. Each check has two limits: below `info_below` it is
for the record, from `critical_from` it is critical, between them a warning. What has no numbers is a warning.
"""

import math
import re
from datetime import UTC, date, datetime
from fnmatch import translate
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from stationkeeper.errors import InvalidPolicy, problems_of
from stationkeeper.reports.violation import Measure, Violation
from stationkeeper.severity import Severity

# Classification rates that cannot pass 1: the room left above their threshold is what can go wrong.
_RATES = frozenset(("falsePositiveRate", "falseNegativeRate", "false_positive_rate", "false_negative_rate"))


class Limits(BaseModel):
    """Severity of a check by excess; `severity` fixes it whatever the numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    info_below: float = Field(default=0.0, ge=0)
    critical_from: float = Field(default=math.inf, gt=0)
    severity: Severity | None = None

    def judge(self, excess: float | None) -> Severity:
        if self.severity is not None:
            return self.severity
        if excess is None:
            return Severity.WARNING
        if excess >= self.critical_from:
            return Severity.CRITICAL
        return Severity.INFO if excess < self.info_below else Severity.WARNING


_MATCH = Limits(info_below=0.01, critical_from=0.25)
_METRIC = Limits(info_below=0.05, critical_from=0.5)

DEFAULT_LIMITS: dict[str, Limits] = {
    "data_type_check": _MATCH,
    "completeness_check": _MATCH,
    "categorical_values_check": _MATCH,
    "baseline_drift_check": Limits(info_below=0.02, critical_from=0.4),
    "missing_column_check": Limits(severity=Severity.CRITICAL),
    "extra_column_check": Limits(severity=Severity.WARNING),
    "LessThanThreshold": _METRIC,
    "GreaterThanThreshold": _METRIC,
    "bias_drift_check": Limits(info_below=0.02, critical_from=0.2),
    "feature_attribution_drift_check": Limits(info_below=0.01, critical_from=0.25),
}
OTHER_CHECKS = Limits(critical_from=1.0)


def excess(violation: Violation) -> float | None:
    """How far past its constraint, from 0 (just at it) to 1 (as far as it can be) or more; None when not known.

    Shares, distances and rates are measured against the room between the constraint and the worst possible value; metrics without
    a worst value against the constraint itself; bias metrics by their absolute change.
    """
    observed, expected = violation.observed, violation.expected
    if observed is None or math.isnan(observed) or (expected is not None and not math.isfinite(expected)):
        return None
    if violation.measure is Measure.FRACTION:
        return 1.0 - observed if 0 <= observed <= 1 else None
    if math.isinf(observed):
        return math.inf
    return None if expected is None else _finite_excess(violation, observed, expected)


def _finite_excess(violation: Violation, observed: float, expected: float) -> float | None:
    match violation.measure:
        case Measure.SHARE:
            return max(0.0, expected - observed) / expected if expected > 0 else None
        case Measure.DISTANCE:
            return _of_room(observed, expected)
        case Measure.COLUMNS:
            return abs(observed - expected) / expected if expected > 0 else None
        case Measure.BELOW:
            return _of_constraint(expected - observed, expected)
        case Measure.ABOVE if violation.subject in _RATES:
            return _of_room(observed, expected)
        case Measure.ABOVE:
            return _of_constraint(observed - expected, expected)
        case Measure.DIFFERENCE:
            return abs(observed - expected) / max(1.0, abs(expected))
        case _:
            return None


def _of_room(observed: float, limit: float) -> float:
    """Share of the room between a limit and 1 that is used up."""
    if 0 <= limit < 1 and observed <= 1:
        return max(0.0, observed - limit) / (1 - limit)
    return _of_constraint(observed - limit, limit)


def _of_constraint(past: float, limit: float) -> float:
    return max(0.0, past) / abs(limit) if limit else max(0.0, past)


def _pattern(text: str) -> str:
    if not text or len(text) > 300:
        raise ValueError("must be 1 to 300 characters; * stands for any text")
    return text


type Glob = Annotated[str, AfterValidator(_pattern)]
"""A name, where `*` stands for any text and `?` for one character; upper and lower case differ."""


@lru_cache(maxsize=1_024)
def _compiled(glob: str) -> re.Pattern[str]:
    # Brackets stand for themselves: features are called embedding[3].
    return re.compile(translate(glob.replace("[", "[[]")))


_GLOB_SHOWN = 120


def glob_for(name: str) -> str:
    """A glob that matches a name and little else: what cannot be printed, or would be a wildcard, is `?`; the end of a
    long name is `*`."""
    shown = "".join(c if c.isprintable() and c != "*" else "?" for c in name[:_GLOB_SHOWN])
    return (shown if len(name) <= _GLOB_SHOWN else f"{shown}*") or "*"


def matches(glob: str, name: str) -> bool:
    return glob in ("*", name) or _compiled(glob).match(name) is not None


class _Selector(BaseModel):
    """What a rule or a mute is about; what is left out means all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: Glob = "*"
    feature: Glob = "*"
    check: Glob = "*"

    def selects(self, violation: Violation) -> bool:
        """Whether it is about a violation of an endpoint that it concerns."""
        return matches(self.check, violation.check) and matches(self.feature, violation.subject)


class Rule(_Selector):
    """Other limits, or a fixed severity, for what it selects. The last rule that selects a violation counts."""

    info_below: float | None = Field(default=None, ge=0)
    critical_from: float | None = Field(default=None, gt=0)
    severity: Severity | None = None

    @model_validator(mode="after")
    def says_something(self) -> "Rule":
        if self.info_below is None and self.critical_from is None and self.severity is None:
            raise ValueError("give info_below, critical_from or severity")
        return self

    def over(self, limits: Limits) -> Limits:
        """These limits with this rule's in their place."""
        changes = self.model_dump(include={"info_below", "critical_from"}, exclude_none=True)
        return limits.model_copy(update={**changes, "severity": self.severity})


class Mute(_Selector):
    """What it selects is not told until `until` (a date: to the end of that day, UTC); it is still counted."""

    until: date | datetime
    reason: str = Field(default="", max_length=500)

    def holds(self, now: datetime) -> bool:
        if isinstance(self.until, datetime):
            return now <= (self.until if self.until.tzinfo else self.until.replace(tzinfo=UTC))
        return now.astimezone(UTC).date() <= self.until


class Alerting(BaseModel):
    """When on-call hears of a monitor. The last entry whose endpoint matches counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: Glob = "*"
    runs_before_alert: int = Field(default=1, ge=1, le=24)
    repeat_after_hours: float = Field(default=24, ge=1, le=24 * 30)
    blind_critical_after_hours: float = Field(default=24, ge=0, le=24 * 30)
    ignore: bool = False


class SeverityPolicy(BaseModel):
    """The whole policy, as the user writes it over the defaults.

    Example
    -------
    >>> SeverityPolicy.parse('{"mutes": [{"endpoint": "churn-*", "feature": "tip", "until": "2027-01-31"}]}').mutes[0].feature
    'tip'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: tuple[Rule, ...] = Field(default=(), max_length=100)
    mutes: tuple[Mute, ...] = Field(default=(), max_length=100)
    alerting: tuple[Alerting, ...] = Field(default=(), max_length=100)

    @classmethod
    def parse(cls, text: str) -> "SeverityPolicy":
        """Read a policy from JSON.

        Raises
        ------
        InvalidPolicy
            Naming the place and what is wrong with it.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise InvalidPolicy(problems_of(error, most=1)) from error

    def for_endpoint(self, endpoint: str) -> "EndpointPolicy":
        """What of the policy concerns one endpoint."""
        alerting = next((a for a in reversed(self.alerting) if matches(a.endpoint, endpoint)), Alerting())
        return EndpointPolicy(
            endpoint=endpoint,
            rules=tuple(rule for rule in self.rules if matches(rule.endpoint, endpoint)),
            mutes=tuple(mute for mute in self.mutes if matches(mute.endpoint, endpoint)),
            alerting=alerting,
        )


class PolicyInForce(BaseModel):
    """The policy to judge by; `problem` says why it is not the one the user wrote last."""

    model_config = ConfigDict(frozen=True)

    policy: SeverityPolicy
    problem: str | None = None


class EndpointPolicy(BaseModel):
    """The policy as it applies to one endpoint."""

    model_config = ConfigDict(frozen=True)

    endpoint: str
    rules: tuple[Rule, ...]
    mutes: tuple[Mute, ...]
    alerting: Alerting

    def limits(self, violation: Violation) -> Limits:
        limits = DEFAULT_LIMITS.get(violation.check, OTHER_CHECKS)
        for rule in self.rules:
            if rule.selects(violation):
                limits = rule.over(limits)
        return limits

    def muted(self, violation: Violation, now: datetime) -> bool:
        return any(mute.selects(violation) and mute.holds(now) for mute in self.mutes)
