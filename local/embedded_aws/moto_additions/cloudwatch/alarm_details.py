"""What events say of alarms.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
"""

import uuid
from datetime import datetime
from typing import Any

from moto.cloudwatch.models import MetricDataQuery

from embedded_aws.moto_additions.cloudwatch.alarm import Alarm, Contributor

type Detail = dict[str, Any]

STATE_CHANGE = "CloudWatch Alarm State Change"
CONTRIBUTOR_STATE_CHANGE = "CloudWatch Alarm Contributor State Change"
CONFIGURATION_CHANGE = "CloudWatch Alarm Configuration Change"

# Where an event calls it otherwise than the API does.
_SUPPRESSED_BY = {"Alarm": "AlarmSuppressor"}


def given(**members: Any) -> Detail:
    """Those members that have a value: the service leaves the others out."""
    return {name: value for name, value in members.items() if value not in (None, "")}


def timestamp(moment: datetime) -> str:
    """`2019-10-02T17:20:48.554+0000`; `moment` is UTC."""
    return f"{moment.strftime('%Y-%m-%dT%H:%M:%S')}.{moment.microsecond // 1000:03d}+0000"


def state_change(alarm: Alarm, previous: Detail) -> Detail:
    return {
        "alarmName": alarm.name,
        "state": state(alarm),
        "previousState": previous,
        "configuration": configuration(alarm),
    }


def contributor_state_change(alarm: Alarm, contributor: Contributor) -> Detail:
    """It has neither a previous state nor data of the reason."""
    return {
        "alarmName": alarm.name,
        "alarmContributor": {"id": contributor.id, "attributes": contributor.attributes},
        "state": {
            "value": contributor.value,
            "reason": contributor.reason,
            "timestamp": timestamp(contributor.transitioned),
        },
        "configuration": configuration(alarm),
    }


def configuration_change(alarm: Alarm, operation: str, previous: Detail | None = None) -> Detail:
    """`operation` is `create`, `update` or `delete`; `previous` is the `whole_configuration` before an update."""
    current = state(alarm)
    shown = {name: current[name] for name in ("actionsSuppressedBy", "value", "timestamp") if name in current}
    return {
        "alarmName": alarm.name,
        "operation": operation,
        "state": shown,
        "configuration": whole_configuration(alarm),
        **given(previousConfiguration=previous),
    }


def state(alarm: Alarm) -> Detail:
    suppressed_by = alarm.actions_suppressed_by
    shown = suppressed_by and _SUPPRESSED_BY.get(suppressed_by, suppressed_by)
    return given(
        actionsSuppressedBy=shown,
        actionsSuppressedReason=shown and f"Actions suppressed by {shown}",
        value=alarm.state_value,
        reason=alarm.state_reason,
        reasonData=alarm.state_reason_data,
        timestamp=timestamp(alarm.state_updated_timestamp),
    )


def configuration(alarm: Alarm) -> Detail:
    """Of a composite alarm its rule, of any other its metrics."""
    if alarm.rule:
        return given(
            description=alarm.description,
            alarmRule=alarm.rule,
            actionsSuppressor=alarm.actions_suppressor,
            actionsSuppressorWaitPeriod=alarm.actions_suppressor_wait_period,
            actionsSuppressorExtensionPeriod=alarm.actions_suppressor_extension_period,
        )
    return given(description=alarm.description, metrics=_metrics(alarm))


def whole_configuration(alarm: Alarm) -> Detail:
    """What it does and how it decides, too."""
    decides = {} if alarm.rule else _decides(alarm)
    return {
        **decides,
        **configuration(alarm),
        "alarmName": alarm.name,
        "actionsEnabled": alarm.actions_enabled,
        "timestamp": timestamp(alarm.configuration_updated_timestamp),
        "okActions": list(alarm.ok_actions),
        "alarmActions": list(alarm.alarm_actions),
        "insufficientDataActions": list(alarm.insufficient_data_actions),
    }


def _decides(alarm: Alarm) -> Detail:
    return given(
        evaluationPeriods=alarm.evaluation_periods,
        datapointsToAlarm=alarm.datapoints_to_alarm,
        threshold=alarm.threshold,
        thresholdMetricId=alarm.threshold_metric_id,
        comparisonOperator=alarm.comparison_operator,
        treatMissingData=alarm.treat_missing_data,
        evaluateLowSampleCountPercentile=alarm.evaluate_low_sample_count_percentile,
    )


def _metrics(alarm: Alarm) -> list[Detail]:
    if alarm.metric_data_queries:
        return [_query(query) for query in alarm.metric_data_queries]
    stat = _metric_stat(
        alarm.namespace,
        alarm.metric_name,
        alarm.dimensions,
        alarm.period,
        alarm.statistic or alarm.extended_statistic,
        alarm.unit,
    )
    # CloudWatch makes up an id, another one with every update.
    made_up = uuid.uuid5(uuid.NAMESPACE_URL, f"{alarm.alarm_arn}#{alarm.configuration_updated_timestamp}")
    return [{"id": str(made_up), "metricStat": stat, "returnData": True}]


def _query(query: MetricDataQuery) -> Detail:
    stat = query.metric_stat
    shown = stat and _metric_stat(
        stat.metric.namespace,
        stat.metric.metric_name,
        stat.metric.dimensions,
        stat.period,
        stat.stat,
        stat.unit,
    )
    return given(
        id=query.id,
        label=query.label,
        expression=query.expression,
        metricStat=shown,
        # Templates say it as text; left out, it is true.
        returnData=str(query.return_data).lower() != "false",
        period=_whole(query.period),
    )


def _metric_stat(
    namespace: str, name: str, dimensions: list[Any], period: Any, stat: str | None, unit: str | None
) -> Detail:
    metric = {
        "namespace": namespace,
        "name": name,
        "dimensions": {dimension.name: dimension.value for dimension in dimensions or []},
    }
    return given(metric=metric, period=_whole(period), stat=stat, unit=unit)


def _whole(seconds: Any) -> int | None:
    return int(seconds) if seconds else None
