"""What the bus is told looks like what SageMaker and CloudWatch tell it, and can be disturbed."""

import json
from pathlib import Path
from typing import Any

import pytest
from embedded_aws.moto_additions.cloudwatch import put_alarm
from embedded_aws.moto_additions.events import deliver, installed
from embedded_aws.moto_additions.sagemaker import Outcome

from tests.embedded_aws.sagemaker_account import (
    ACCOUNT,
    DEPLOYMENT_STATE,
    ENDPOINT_STATE,
    PACKAGE_STATE,
    REGION,
    Account,
    blue_green,
    percent,
)
from tests.embedded_aws.test_sagemaker_registry import group, package
from tests.real import read_json, real_files

ALARM_STATE = "CloudWatch Alarm State Change"


def shape(value: Any) -> Any:
    """Names and kinds of values; a number is a number, whatever it counts."""
    match value:
        case dict():
            return {name: shape(item) for name, item in value.items()}
        case list():
            return [shape(item) for item in value[:1]]
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case _:
            return type(value).__name__


def covers(ours: Any, real: Any, path: str = "") -> list[str]:
    """What is in the real shape and not in ours, or of another kind."""
    if isinstance(real, dict):
        if not isinstance(ours, dict):
            return [path]
        missing = [f"{path}.{name}" for name in real if name not in ours]
        return missing + [
            it for name in real if name in ours for it in covers(ours[name], real[name], f"{path}.{name}")
        ]
    if isinstance(real, list):
        return covers(ours[0], real[0], f"{path}[]") if real and ours else []
    return [] if ours == real else [f"{path}: {ours} for {real}"]


@pytest.mark.parametrize("path", real_files("events/sagemaker-endpoint-state-change*"))
def test_endpoint_event_looks_like_a_real_one(account: Account, path: Path) -> None:
    real = shape(read_json(path))
    account.endpoint()
    account.config("churn-2")

    account.update("churn-2")

    [event] = account.of_type(ENDPOINT_STATE)
    assert covers(shape(event), real) == []
    assert event["source"] == "aws.sagemaker"
    assert event["resources"] == [event["detail"]["EndpointArn"]]
    assert event["detail"]["Tags"] == {"team": "mlops"}
    assert event["detail"]["LastModifiedTime"] > event["detail"]["CreationTime"] > 1.7e12
    json.dumps(event)


@pytest.mark.parametrize("path", real_files("events/sagemaker-endpoint-deployment-state-change*467*"))
def test_deployment_event_looks_like_a_real_one(account: Account, path: Path) -> None:
    account.endpoint()
    account.config("churn-2")
    account.update("churn-2", DeploymentConfig=blue_green("CANARY", CanarySize=percent(50)))

    account.sim.advance(500)

    event = account.of_type(DEPLOYMENT_STATE)[-1]
    assert covers(shape(event), shape(read_json(path))) == []
    [pending] = event["detail"]["PendingDeploymentSummary"]["ProductionVariants"]
    assert pending["VariantStatus"][0]["Status"] == "Baking"
    json.dumps(event)


@pytest.mark.parametrize("path", real_files("events/sagemaker-model-package-state-change--docs*"))
def test_model_package_event_looks_like_a_real_one(account: Account, path: Path) -> None:
    group(account)
    metrics = {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": "s3://b/e.json"}}}
    arn = package(
        account,
        ModelMetrics=metrics,
        MetadataProperties={"GeneratedBy": "arn:aws:sagemaker:eu-west-1:123456789012:pipeline/p/execution/e"},
        ModelLifeCycle={"Stage": "Development", "StageStatus": "Approved", "StageDescription": "x"},
    )

    account.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Rejected")

    registered, rejected = account.of_type(PACKAGE_STATE)
    assert covers(shape(rejected), shape(read_json(path))) == []
    assert registered["detail"]["ModelApprovalStatus"] == "PendingManualApproval"
    assert "UpdatedModelPackageFields" not in registered["detail"]
    assert rejected["detail"]["ModelApprovalStatus"] == "Rejected"
    assert rejected["detail"]["UpdatedModelPackageFields"] == ["ModelApprovalStatus"]
    json.dumps(rejected)


@pytest.mark.parametrize("path", real_files("events/cloudwatch-alarm-state-change--awsdocs-fc9e8c*"))
def test_alarm_event_looks_like_a_real_one(account: Account, path: Path) -> None:
    account.alarm("errors")
    account.cloudwatch.put_metric_alarm(
        AlarmName="errors",
        AlarmDescription="too many",
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": "InstanceId", "Value": "churn"}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    for state in ("INSUFFICIENT_DATA", "OK", "ALARM"):
        account.cloudwatch.set_alarm_state(
            AlarmName="errors", StateValue=state, StateReason="r", StateReasonData='{"version": "1.0"}'
        )

    first, second = account.of_type(ALARM_STATE)
    assert covers(shape(second), shape(read_json(path))) == []
    assert second["source"] == "aws.cloudwatch"
    assert second["resources"] == ["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:errors"]
    assert second["detail"]["state"]["value"] == "ALARM"
    assert second["detail"]["previousState"]["value"] == first["detail"]["state"]["value"]
    assert second["detail"]["state"]["timestamp"].endswith("+0000")


def test_composite_alarm_event_has_its_rule(account: Account) -> None:
    put_alarm("both", {"AlarmRule": "ALARM(a) AND ALARM(b)"}, ACCOUNT, REGION)

    account.trip("both")

    [event] = account.of_type(ALARM_STATE)
    assert event["detail"]["configuration"] == {"alarmRule": "ALARM(a) AND ALARM(b)"}


def test_metadata_only_update_is_announced_with_its_fields(account: Account) -> None:
    group(account)
    arn = package(account, ModelApprovalStatus="Approved")

    account.sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={"ticket": "1"})

    detail = account.of_type(PACKAGE_STATE)[-1]["detail"]
    assert detail["ModelApprovalStatus"] == "Approved"
    assert detail["UpdatedModelPackageFields"] == ["CustomerMetadataProperties"]


def test_events_are_duplicated_with_and_without_their_id(account: Account) -> None:
    account.endpoint()
    account.config("churn-2")

    account.sim.disturb(duplicate=3)
    account.update("churn-2")
    account.sim.disturb(duplicate=2, same_id=True)
    account.sim.settle()

    assert account.statuses() == ["UPDATING"] * 3 + ["IN_SERVICE"] * 2
    assert len({event["id"] for event in account.events}) == 4


def test_events_are_dropped_until_told_otherwise(account: Account) -> None:
    account.endpoint()
    account.config("churn-2")

    account.sim.disturb(drop=True)
    account.update("churn-2")
    account.sim.disturb()
    account.sim.settle()

    assert account.statuses() == ["IN_SERVICE"]


def test_held_events_come_later_in_any_order(account: Account) -> None:
    account.endpoint()
    account.config("churn-2")
    account.sim.plan_outcome("churn", Outcome.ROLLS_BACK)

    account.sim.disturb(hold_back=True, only=ENDPOINT_STATE)
    account.update("churn-2")
    account.sim.settle()
    before = account.statuses()

    assert (before, account.sim.release_held(reverse=True)) == ([], 3)
    assert account.statuses() == ["IN_SERVICE", "ROLLING_BACK", "UPDATING"]
    times = [event["time"] for event in account.events]
    assert times == sorted(times, reverse=True)


def test_events_reach_a_queue_over_the_default_bus(account: Account) -> None:
    import boto3

    sqs, events = boto3.client("sqs"), boto3.client("events")
    policy = {
        "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"},
    }
    url = sqs.create_queue(QueueName="q", Attributes={"Policy": json.dumps(policy)})["QueueUrl"]
    pattern = {"source": ["aws.sagemaker"], "detail": {"EndpointStatus": ["IN_SERVICE"]}}
    events.put_rule(Name="r", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="r", Targets=[{"Id": "q", "Arn": "arn:aws:sqs:eu-west-1:123456789012:q"}])
    account.endpoint()
    account.config("churn-2")
    account.update("churn-2")
    account.sim.settle()

    with installed(lambda *_: None, lambda *_: None):
        for event in account.events:
            deliver(event, event["account"], event["region"])

    [message] = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert json.loads(message["Body"])["detail"]["EndpointConfigName"] == "churn-2"
