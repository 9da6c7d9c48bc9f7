"""Alarms of every kind in an account, and what the bus was told of them."""

from typing import Any

from embedded_aws.moto_additions.cloudwatch import set_contributor_state

from tests.embedded_aws.sagemaker_account import ACCOUNT, REGION, Account

ARN = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm"
STATE_CHANGE = "CloudWatch Alarm State Change"
CONTRIBUTOR = "CloudWatch Alarm Contributor State Change"
CONFIGURATION = "CloudWatch Alarm Configuration Change"
INSIGHTS = (
    'SELECT MAX(drift) FROM SCHEMA("AWS/SageMaker", EndpointName) GROUP BY EndpointName ORDER BY MAX() DESC'
)


def expression(text: str, name: str = "e1", **more: Any) -> dict[str, Any]:
    return {"Id": name, "Expression": text, "ReturnData": True, **more}


def statistic(name: str, metric: str, *, returned: bool = False) -> dict[str, Any]:
    named = {
        "Namespace": "AWS/SageMaker",
        "MetricName": metric,
        "Dimensions": [{"Name": "EndpointName", "Value": "churn"}],
    }
    stat = {"Metric": named, "Period": 300, "Stat": "Maximum"}
    return {"Id": name, "MetricStat": stat, "ReturnData": returned}


def math_alarm(account: Account, name: str, *metrics: dict[str, Any], **more: Any) -> None:
    settings = {
        "EvaluationPeriods": 1,
        "Threshold": 0.5,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "ignore",
        **more,
    }
    account.cloudwatch.put_metric_alarm(AlarmName=name, Metrics=list(metrics), **settings)


def insights_alarm(account: Account, name: str = "drift") -> None:
    math_alarm(account, name, expression(INSIGHTS, Period=60), AlarmDescription="Each endpoint's drift")


def contributor(endpoint: str, value: str, alarm: str = "drift", reason: str | None = None) -> str:
    return set_contributor_state(
        alarm, {"EndpointName": endpoint}, value, reason, account_id=ACCOUNT, region_name=REGION
    )


def composite(account: Account, rule: str, name: str = "service", **more: Any) -> str:
    account.cloudwatch.put_composite_alarm(AlarmName=name, AlarmRule=rule, **more)
    return name


def described(account: Account, name: str) -> dict[str, Any]:
    answer = account.cloudwatch.describe_alarms(
        AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    [alarm] = answer["MetricAlarms"] + answer["CompositeAlarms"]
    return alarm


def changes(account: Account, detail_type: str = STATE_CHANGE) -> list[tuple[str, str]]:
    """Which alarms have changed, in order, and to what."""
    return [
        (event["detail"]["alarmName"], event["detail"]["state"]["value"])
        for event in account.of_type(detail_type)
    ]
