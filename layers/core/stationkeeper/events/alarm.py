"""`CloudWatch Alarm State Change`, and the same of one time series of an alarm that watches many (its contributor).

An alarm is worth telling whatever else its event holds: only its name, its state and a time are required. Anything else that is
absent, or not of the documented form, is read as absent.

Source: CloudWatch guide, "Alarm events and EventBridge"; API reference, `MetricAlarm`, `CompositeAlarm`.
"""

import contextlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasGenerator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WrapValidator,
)
from pydantic.alias_generators import to_camel, to_pascal

from stationkeeper.events.envelope import Envelope
from stationkeeper.events.fields import Lenient, Text, TextMap, Timestamp

_REASON_DATA_CHARACTERS = 200_000
"""Reason data is limited to 4,000 by the API; far longer text is not worth decoding."""
_SHOWN_CHARACTERS = 100


def _or_absent(value: Any, read: Callable[[Any], Any]) -> Any:
    try:
        return read(value)
    except ValidationError:
        return None


def _in_utc(moment: datetime | None) -> datetime | None:
    try:
        return moment.astimezone(UTC) if moment else None
    except OverflowError:  # the first and the last day there is
        return None


def _each(values: Any, read: Callable[[Any], Any]) -> tuple[Any, ...]:
    kept: list[Any] = []
    for value in _listed(values):
        with contextlib.suppress(ValidationError):
            kept.extend(read([value]))
    return tuple(kept)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


type Spare[T] = Annotated[T | None, WrapValidator(_or_absent)]
"""A value that is absent when it is not of its form."""
type Spares[T] = Annotated[tuple[T, ...], WrapValidator(_each)]
"""A list without what is not of its form."""
type Moment = Annotated[Timestamp, AfterValidator(_in_utc), WrapValidator(_or_absent)]
"""A moment in UTC; absent when it is none."""


class CloudWatchModel(Lenient):
    """A value in CloudWatch's spellings: `alarm_rule` is `alarmRule` in events and `AlarmRule` in API answers."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(
            validation_alias=lambda name: AliasChoices(to_camel(name), to_pascal(name))
        )
    )


def _dimensions(value: Any) -> Any:
    # A map in events, a list of names and values in API answers.
    if isinstance(value, Mapping):
        return value
    pairs = [pair for pair in _listed(value) if isinstance(pair, Mapping)]
    return {pair["Name"]: pair.get("Value") for pair in pairs if isinstance(pair.get("Name"), str)}


class Metric(CloudWatchModel):
    namespace: Spare[Text] = None
    name: Spare[Text] = Field(None, validation_alias=AliasChoices("name", "MetricName"))
    dimensions: Annotated[Spare[TextMap], BeforeValidator(_dimensions)] = None


class MetricStat(CloudWatchModel):
    metric: Spare[Metric] = None
    period: Spare[int] = None
    """Seconds."""
    stat: Spare[Text] = None


class MetricQuery(CloudWatchModel):
    """One metric of an alarm, or one expression over its metrics: metric math, a Metrics Insights query, a search."""

    id: Spare[Text] = None
    metric_stat: Spare[MetricStat] = None
    expression: Spare[Text] = None
    label: Spare[Text] = None
    period: Spare[int] = None
    return_data: Spare[bool] = None
    account_id: Spare[Text] = None
    """Account the metric is of; absent: the alarm's own."""


class PromQLCriteria(CloudWatchModel):
    query: Spare[Text] = None


class EvaluationCriteria(CloudWatchModel):
    prom_ql_criteria: Spare[PromQLCriteria] = Field(
        None, validation_alias=AliasChoices("promQLCriteria", "promQlCriteria", "PromQLCriteria")
    )


class AlarmConfiguration(CloudWatchModel):
    """What an alarm watches. The event of a change of state tells neither its threshold nor its comparison."""

    description: Spare[Text] = Field(None, validation_alias=AliasChoices("description", "AlarmDescription"))
    metrics: Spares[MetricQuery] = ()
    alarm_rule: Spare[Text] = None
    """Of a composite alarm: the expression over its children."""
    actions_suppressor: Spare[Text] = None
    """Name or ARN of the alarm that keeps a composite alarm from acting."""
    evaluation_criteria: Spare[EvaluationCriteria] = None

    @classmethod
    def of_description(cls, alarm: Mapping[str, Any]) -> Self:
        """The same from an entry of `DescribeAlarms`, which tells an alarm on a single metric in fields of its own."""
        described = dict(alarm)
        if described.get("MetricName"):
            stat = described.get("ExtendedStatistic") or described.get("Statistic")
            described["Metrics"] = [
                {"MetricStat": {"Metric": alarm, "Period": alarm.get("Period"), "Stat": stat}}
            ]
        return cls.model_validate(described)

    @property
    def promql(self) -> str:
        """The query of a PromQL alarm, or ""."""
        criteria = self.evaluation_criteria.prom_ql_criteria if self.evaluation_criteria else None
        return (criteria.query if criteria else None) or ""


class TriggeringAlarmState(CloudWatchModel):
    value: Spare[Text] = None


class TriggeringAlarm(CloudWatchModel):
    """A child that made its composite alarm change state."""

    arn: str = Field(min_length=1)
    state: Spare[TriggeringAlarmState] = None


class ReasonData(CloudWatchModel):
    """Why an alarm changed state, in numbers. Data points are in the metric's unit, the oldest first."""

    recent_datapoints: Spares[float] = ()
    threshold: Spare[float] = None
    recent_lower_thresholds: Spares[float] = ()
    recent_upper_thresholds: Spares[float] = ()
    triggering_alarms: Spares[TriggeringAlarm] = ()


def _decoded(value: Any) -> Any:
    """The object in a JSON text; an empty one where there is none, or none that can be read."""
    if isinstance(value, str) and len(value) <= _REASON_DATA_CHARACTERS:
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


class AlarmState(CloudWatchModel):
    value: Literal["ALARM", "OK", "INSUFFICIENT_DATA"]
    reason: Spare[Text] = None
    reason_data: Annotated[ReasonData, BeforeValidator(_decoded)] = Field(default_factory=ReasonData)
    timestamp: Moment = None
    evaluation_state: Spare[Text] = None
    """`PARTIAL_DATA`, `EVALUATION_ERROR` or `EVALUATION_FAILURE` when the alarm could not see everything."""
    actions_suppressed_by: Spare[Text] = None
    """`AlarmSuppressor`, `WaitPeriod` or `ExtensionPeriod` when a composite alarm does not act."""


class AlarmContributor(CloudWatchModel):
    """The time series that changed state, of an alarm on a query that returns many."""

    id: Spare[Text] = None
    attributes: Spare[TextMap] = None


class MuteDetail(CloudWatchModel):
    """The mute rule that keeps an alarm from acting."""

    muted_by_arn: Spare[Text] = None
    mute_window_start: Moment = None
    mute_window_end: Moment = None


class AlarmChange(CloudWatchModel):
    """The alarm as its event describes it."""

    alarm_name: str = Field(min_length=1)
    state: AlarmState
    previous_state: Spare[AlarmState] = None
    """Absent in the event of a contributor."""
    configuration: Spare[AlarmConfiguration] = None
    alarm_contributor: Spare[AlarmContributor] = None
    alarm_tags: Spare[TextMap] = None
    """Present when the alarm propagates its tags."""
    alarm_tags_status: Spare[Text] = None
    mute_detail: Spare[MuteDetail] = None


class AlarmStateChange(Envelope):
    source: Literal["aws.cloudwatch"]
    detail_type: Literal["CloudWatch Alarm State Change", "CloudWatch Alarm Contributor State Change"] = (
        Field(alias="detail-type")
    )
    resources: Spares[str] = ()
    detail: AlarmChange

    @property
    def at(self) -> datetime:
        """When the alarm changed state."""
        return self.detail.state.timestamp or self.time

    @property
    def alarm_arn(self) -> str:
        for resource in self.resources:
            if alarm_name_of(resource) != resource:
                return resource
        return f"arn:aws:cloudwatch:{self.region}:{self.account}:alarm:{self.detail.alarm_name}"

    @property
    def identity(self) -> str:
        """What has a state of its own: the alarm, or one time series of it."""
        contributor = self.detail.alarm_contributor
        name = self.detail.alarm_name
        return f"{name}#{contributor.id}" if contributor and contributor.id else name

    @property
    def muted(self) -> str:
        """Why the alarm does not act itself, as the end of "it is ..."; "" when it does. One printable line."""
        mute = self.detail.mute_detail
        if mute:
            rule = _shown((mute.muted_by_arn or "").rpartition(":")[2])
            end = mute.mute_window_end
            until = f" until {end.day} {end:%b %Y %H:%M} UTC" if end else ""
            return f"muted by the mute rule {rule}{until}" if rule else f"muted by a mute rule{until}"
        kind = self.detail.state.actions_suppressed_by
        if not kind:
            return ""
        configuration = self.detail.configuration
        named = configuration.actions_suppressor if configuration else None
        suppressor = (
            f"its suppressor alarm {_shown(alarm_name_of(named))}" if named else "its suppressor alarm"
        )
        match kind:
            case "WaitPeriod":
                return f"waiting for {suppressor} before it acts"
            case "ExtensionPeriod":
                return f"still kept from acting after {suppressor} cleared"
            case _:
                return f"kept from acting by {suppressor}"


def alarm_name_of(reference: str) -> str:
    """The name of the alarm that a name or an ARN refers to; names may hold colons."""
    parts = reference.split(":", 6)
    is_arn = len(parts) == 7 and (parts[0], parts[2], parts[5]) == ("arn", "cloudwatch", "alarm")
    return parts[6] if is_arn else reference


def _shown(text: str) -> str:
    clipped = text[:_SHOWN_CHARACTERS]
    return " ".join("".join(character if character.isprintable() else "?" for character in clipped).split())
