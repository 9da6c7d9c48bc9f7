"""What the bus is told of alarms is shaped exactly as CloudWatch tells it; time series have events of their own."""

import json
from datetime import datetime
from typing import Any

import pytest
from embedded_aws.moto_additions.cloudwatch import set_contributor_state

from tests.embedded_aws.alarm_account import (
    ARN,
    CONFIGURATION,
    CONTRIBUTOR,
    INSIGHTS,
    STATE_CHANGE,
    changes,
    composite,
    contributor,
    described,
    expression,
    insights_alarm,
    math_alarm,
    statistic,
)
from tests.embedded_aws.sagemaker_account import ACCOUNT, REGION, Account
from tests.real import read_json, real_files


def test_a_time_series_goes_red_and_its_alarm_with_it(account: Account) -> None:
    insights_alarm(account)
    for endpoint in ("churn", "fraud"):
        contributor(endpoint, "OK")
    account.events.clear()

    identity = contributor("churn", "ALARM", reason="0.7 > 0.5")

    first, second = [event for event in account.events if event["source"] == "aws.cloudwatch"]
    assert first["detail-type"] == CONTRIBUTOR
    assert first["resources"] == [f"{ARN}:drift"]
    assert first["detail"].keys() == {"alarmName", "alarmContributor", "state", "configuration"}
    assert first["detail"]["alarmContributor"] == {"id": identity, "attributes": {"EndpointName": "churn"}}
    assert first["detail"]["state"].keys() == {"value", "reason", "timestamp"}
    assert first["detail"]["configuration"]["metrics"] == [
        {"id": "e1", "expression": INSIGHTS, "returnData": True, "period": 60}
    ]
    assert second["detail-type"] == STATE_CHANGE
    assert second["detail"]["state"]["reason"] == "1 out of 2 time series evaluated to ALARM"
    assert second["detail"]["previousState"]["value"] == "OK"
    [listed] = account.cloudwatch.describe_alarm_contributors(AlarmName="drift")["AlarmContributors"]
    assert (listed["ContributorId"], listed["StateReason"]) == (identity, "0.7 > 0.5")
    assert isinstance(listed["StateTransitionedTimestamp"], datetime)


def test_the_alarm_stays_red_until_the_last_time_series_recovers(account: Account) -> None:
    insights_alarm(account)

    for endpoint, state in (
        ("churn", "ALARM"),
        ("fraud", "ALARM"),
        ("churn", "OK"),
        ("churn", "OK"),
        ("fraud", "OK"),
    ):
        contributor(endpoint, state)

    assert [value for _, value in changes(account)] == ["ALARM", "OK"]
    assert [value for _, value in changes(account, CONTRIBUTOR)] == ["ALARM", "ALARM", "OK", "OK"]
    assert described(account, "drift")["StateReason"] == "2 out of 2 time series evaluated to OK"


def test_only_what_the_query_tells_apart_is_a_time_series(account: Account) -> None:
    insights_alarm(account)
    account.alarm("errors")

    with pytest.raises(ValueError, match="EndpointName"):
        set_contributor_state("drift", {"Variant": "a"}, "ALARM", account_id=ACCOUNT, region_name=REGION)
    with pytest.raises(ValueError, match="no attributes"):
        contributor("churn", "ALARM", alarm="errors")
    with pytest.raises(ValueError, match="never INSUFFICIENT_DATA"):
        contributor("churn", "INSUFFICIENT_DATA")
    with pytest.raises(LookupError):
        contributor("churn", "ALARM", alarm="gone")


def kinds(value: Any) -> Any:
    """The shape of an event: names, and kinds of values; dimensions are the alarm's own."""
    match value:
        case dict():
            return {
                name: "map" if name in ("dimensions", "attributes") else kinds(item)
                for name, item in value.items()
            }
        case list():
            return [kinds(item) for item in value]
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case _:
            return type(value).__name__


def metric(account: Account, name: str) -> None:
    account.cloudwatch.put_metric_alarm(
        AlarmName=name,
        AlarmDescription="too many",
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": "EndpointName", "Value": "churn"}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )


def summed(account: Account, name: str) -> None:
    total = expression("SUM(METRICS())", Label="Total")
    math_alarm(account, name, total, statistic("m1", "In"), statistic("m2", "Out"), AlarmDescription="sum")


def banded(account: Account, name: str) -> None:
    band = expression("ANOMALY_DETECTION_BAND(m1, 0.8)", "ad1", Label="In (expected)")
    math_alarm(
        account,
        name,
        statistic("m1", "In", returned=True),
        band,
        AlarmDescription="band",
        ThresholdMetricId="ad1",
        ComparisonOperator="LessThanLowerOrGreaterThanUpperThreshold",
    )


def suppressible(account: Account, name: str) -> None:
    for child in ("errors", "latency", "maintenance"):
        account.alarm(child)
    composite(
        account,
        "ALARM(errors) OR ALARM(latency)",
        name,
        ActionsSuppressor="maintenance",
        ActionsSuppressorWaitPeriod=120,
        ActionsSuppressorExtensionPeriod=180,
    )


def queried(account: Account, name: str) -> None:
    math_alarm(account, name, expression("SELECT SUM(drift) FROM stationkeeper", "m2", Period=60))


SAMPLES = {"fc9e8c": metric, "c41850": summed, "1db40d": banded, "63dc80": queried}


def only(pattern: str) -> Any:
    [found] = real_files(f"events/{pattern}")
    return read_json(found.values[0])


@pytest.mark.parametrize("sample", SAMPLES)
def test_state_changes_have_exactly_the_real_shape(account: Account, sample: str) -> None:
    real = only(f"cloudwatch-alarm-state-change--awsdocs-{sample}*")
    SAMPLES[sample](account, "alarm")
    states = ("OK", "ALARM") if "reasonData" in real["detail"]["previousState"] else ("ALARM",)

    for state in states:
        account.cloudwatch.set_alarm_state(
            AlarmName="alarm", StateValue=state, StateReason="r", StateReasonData='{"version": "1.0"}'
        )

    real["detail"]["state"].pop("evaluationState", None)  # of partial data, which nothing here has
    ours = account.of_type(STATE_CHANGE)[-1]
    assert kinds(ours) == kinds(real)
    assert ours["detail"]["state"]["timestamp"].endswith("+0000")
    json.dumps(ours)


def test_a_composite_alarm_has_exactly_the_real_shape(account: Account) -> None:
    real = only("cloudwatch-alarm-state-change--awsdocs-a45272*")
    suppressible(account, "alarm")

    account.trip("errors")

    assert kinds(account.of_type(STATE_CHANGE)[-1]) == kinds(real)


@pytest.mark.parametrize(
    ("sample", "make"), [("15c451", suppressible), ("60166f", metric), ("c94424", summed), ("9d2c8d", None)]
)
def test_configuration_changes_have_exactly_the_real_shape(account: Account, sample: str, make: Any) -> None:
    real = only(f"cloudwatch-alarm-configuration-change--awsdocs-{sample}*")
    if make is None:
        account.alarm("errors")
        composite(account, "ALARM(errors)", "alarm", AlarmDescription="all")
    else:
        make(account, "alarm")
    if real["detail"]["operation"] == "update":
        make(account, "alarm")
    if real["detail"]["operation"] == "delete":
        account.cloudwatch.delete_alarms(AlarmNames=["alarm"])

    ours = account.of_type(CONFIGURATION)[-1]
    if sample == "c94424":  # the order of its metrics is its own
        for event in (real, ours):
            event["detail"]["configuration"]["metrics"].sort(key=lambda item: item["id"])
    assert kinds(ours) == kinds(real)
    assert ours["detail"]["operation"] == real["detail"]["operation"]
    json.dumps(ours)
