"""Alarms of templates: moto's CloudFormation does not create them."""

from typing import Any

from moto.cloudwatch.models import Alarm, Dimension, Metric, MetricDataQuery, MetricStat, cloudwatch_backends
from moto.core.common_models import CloudFormationModel

from embedded_aws.moto_additions.cloudwatch.alarm import Suppressor


class TemplateAlarm(CloudFormationModel):
    """Gap: `AWS::CloudWatch::Alarm`. Once deployed it is an alarm like any other: DescribeAlarms lists it."""

    def __init__(self, alarm: Alarm) -> None:
        self.alarm = alarm

    @property
    def physical_resource_id(self) -> str:
        return self.alarm.name

    @staticmethod
    def cloudformation_name_type() -> str:
        return "AlarmName"

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::CloudWatch::Alarm"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr == "Arn"

    def get_cfn_attribute(self, attribute_name: str) -> str:
        from moto.cloudformation.exceptions import UnformattedGetAttTemplateException

        if attribute_name == "Arn":
            return self.alarm.alarm_arn
        raise UnformattedGetAttTemplateException

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **kwargs: Any,
    ) -> "TemplateAlarm":
        return cls(put_alarm(resource_name, cloudformation_json["Properties"], account_id, region_name))


class TemplateCompositeAlarm(TemplateAlarm, CloudFormationModel):
    """Gap: `AWS::CloudWatch::CompositeAlarm`. Names its second base because moto looks at direct children only."""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::CloudWatch::CompositeAlarm"


def put_alarm(name: str, properties: dict[str, Any], account_id: str, region_name: str) -> Alarm:
    """Create an alarm from the properties of a template; those of a composite alarm have an `AlarmRule`."""
    metrics = properties.get("Metrics")
    alarm: dict[str, Any] = {
        "name": name,
        "namespace": properties.get("Namespace"),
        "metric_name": properties.get("MetricName"),
        "metric_data_queries": [_query(metric) for metric in metrics] if metrics else None,
        "comparison_operator": properties.get("ComparisonOperator"),
        "evaluation_periods": _integer(properties.get("EvaluationPeriods")),
        "datapoints_to_alarm": _integer(properties.get("DatapointsToAlarm")),
        "period": _integer(properties.get("Period")),
        "threshold": _number(properties.get("Threshold")),
        "statistic": properties.get("Statistic"),
        "extended_statistic": properties.get("ExtendedStatistic"),
        "description": properties.get("AlarmDescription"),
        "dimensions": properties.get("Dimensions", []),
        "alarm_actions": properties.get("AlarmActions", []),
        "ok_actions": properties.get("OKActions", []),
        "insufficient_data_actions": properties.get("InsufficientDataActions", []),
        "unit": properties.get("Unit"),
        "actions_enabled": _truth(properties.get("ActionsEnabled", True)),
        "treat_missing_data": properties.get("TreatMissingData"),
        "evaluate_low_sample_count_percentile": properties.get("EvaluateLowSampleCountPercentile"),
        "threshold_metric_id": properties.get("ThresholdMetricId"),
        "rule": properties.get("AlarmRule"),
        "tags": properties.get("Tags", []),
    }
    if properties.get("ActionsSuppressor"):
        alarm["suppressor"] = Suppressor(
            properties["ActionsSuppressor"],
            int(properties.get("ActionsSuppressorWaitPeriod", 0)),
            int(properties.get("ActionsSuppressorExtensionPeriod", 0)),
        )
    return cloudwatch_backends[account_id][region_name].put_metric_alarm(**alarm)


def _query(query: dict[str, Any]) -> MetricDataQuery:
    stat = query.get("MetricStat")
    # An expression may have no period of its own; an empty one cannot be answered by DescribeAlarms.
    period: Any = _integer(query.get("Period"))
    return MetricDataQuery(
        query_id=query["Id"],
        label=query.get("Label", ""),
        period=period,
        return_data=_truth(query.get("ReturnData", True)),
        expression=query.get("Expression"),
        metric_stat=_stat(stat) if stat else None,
    )


def _stat(stat: dict[str, Any]) -> MetricStat:
    metric = stat["Metric"]
    dimensions = [Dimension(item["Name"], item["Value"]) for item in metric.get("Dimensions", [])]
    return MetricStat(
        metric=Metric(metric["MetricName"], metric["Namespace"], dimensions),
        period=stat["Period"],
        stat=stat["Stat"],
        unit=stat.get("Unit", ""),
    )


def _integer(value: Any) -> int | None:
    return None if value is None else int(value)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _truth(value: Any) -> Any:
    """Templates write `true` and `"true"`."""
    return str(value).lower() == "true"
