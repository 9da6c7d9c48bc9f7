"""CloudWatch alarms in moto: nobody hears of their changes. Here the bus does, and deployments that bake."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import Any
from unittest import mock

from moto.cloudwatch.models import Alarm, MetricDataQuery

from embedded_aws.moto_additions.sagemaker.stage import Stage
from embedded_aws.moto_additions.sagemaker.wire import given

STATE_CHANGE = "CloudWatch Alarm State Change"


def installed(stage: Stage, on_change: Callable[[str, str], None]) -> ExitStack:
    """`on_change` is called with the account and region of every alarm whose state has become another."""
    update_state = Alarm.update_state

    def update_and_announce(alarm: Alarm, reason: str, reason_data: str, state_value: str) -> None:
        previous = _state(alarm)
        update_state(alarm, reason, reason_data, state_value)
        alarm.state_updated_timestamp = stage.now().replace(tzinfo=None)
        if previous["value"] == state_value:
            return
        detail = {
            "alarmName": alarm.name,
            "state": _state(alarm),
            "previousState": previous,
            "configuration": _configuration(alarm),
        }
        stage.events.emit("aws.cloudwatch", STATE_CHANGE, alarm.alarm_arn, detail)
        _, _, _, region, account, *_ = alarm.alarm_arn.split(":")
        on_change(account, region)

    context = ExitStack()
    context.enter_context(mock.patch.object(Alarm, "update_state", update_and_announce))
    return context


def _state(alarm: Alarm) -> dict[str, str]:
    return given(
        value=alarm.state_value,
        reason=alarm.state_reason,
        reasonData=alarm.state_reason_data if alarm.state_reason_data not in (None, "{}") else None,
        timestamp=_timestamp(alarm.state_updated_timestamp),
    )


def _timestamp(moment: datetime) -> str:
    """`2019-10-02T17:20:48.554+0000`."""
    return f"{moment.strftime('%Y-%m-%dT%H:%M:%S')}.{moment.microsecond // 1000:03d}+0000"


def _configuration(alarm: Alarm) -> dict[str, Any]:
    if alarm.rule:
        return given(description=alarm.description or None, alarmRule=alarm.rule)
    if alarm.metric_data_queries:
        metrics = [_query(query) for query in alarm.metric_data_queries]
    else:
        stat = _metric_stat(
            alarm.namespace,
            alarm.metric_name,
            alarm.dimensions,
            alarm.period,
            alarm.statistic or alarm.extended_statistic,
        )
        metrics = [{"id": "m1", "metricStat": stat, "returnData": True}]
    return given(description=alarm.description or None, metrics=metrics)


def _query(query: MetricDataQuery) -> dict[str, Any]:
    stat = query.metric_stat
    shown = stat and _metric_stat(
        stat.metric.namespace, stat.metric.metric_name, stat.metric.dimensions, stat.period, stat.stat
    )
    return given(
        id=query.id,
        label=query.label or None,
        expression=query.expression or None,
        metricStat=shown or None,
        returnData=str(query.return_data).lower() == "true",
    )


def _metric_stat(
    namespace: str, name: str, dimensions: list[Any], period: Any, stat: str | None
) -> dict[str, Any]:
    metric = {
        "namespace": namespace,
        "name": name,
        "dimensions": {dimension.name: dimension.value for dimension in dimensions or []},
    }
    return given(metric=metric, period=int(period or 0) or None, stat=stat or None)
