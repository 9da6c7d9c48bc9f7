"""An account with SageMaker's release life cycle in one process: moto, simulator, and what the bus would get."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from embedded_aws.clock import VirtualClock
from embedded_aws.moto_additions.sagemaker import SageMakerSimulator
from moto import mock_aws

REGION = "eu-west-1"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/sagemaker"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/xgboost:1.7-1"
ENDPOINT_STATE = "SageMaker Endpoint State Change"
DEPLOYMENT_STATE = "SageMaker Endpoint Deployment State Change"
PACKAGE_STATE = "SageMaker Model Package State Change"


class Account:
    """Clients, the simulator and the events; helpers make the things most tests need."""

    def __init__(self, sim: SageMakerSimulator, clock: VirtualClock, events: list[dict[str, Any]]) -> None:
        self.sim = sim
        self.clock = clock
        self.events = events
        self.sagemaker = boto3.client("sagemaker")
        self.runtime = boto3.client("sagemaker-runtime")
        self.cloudwatch = boto3.client("cloudwatch")
        self.tagging = boto3.client("resourcegroupstaggingapi")
        self.scaling = boto3.client("application-autoscaling")
        self.s3 = boto3.client("s3")

    def model(self, name: str = "model-1", **more: Any) -> str:
        request = {"PrimaryContainer": {"Image": IMAGE}, "ExecutionRoleArn": ROLE, **more}
        self.sagemaker.create_model(ModelName=name, **request)
        return name

    def config(self, name: str, *variants: dict[str, Any], **more: Any) -> str:
        given = list(variants) or [variant()]
        for item in given:
            if (
                "ModelName" in item
                and not self.sagemaker.list_models(NameContains=item["ModelName"])["Models"]
            ):
                self.model(item["ModelName"])
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=given, **more)
        return name

    def endpoint(self, *variants: dict[str, Any], **more: Any) -> str:
        """`churn`, in service on `churn-1`; `more` is the configuration's."""
        self.config("churn-1", *variants, **more)
        self.sagemaker.create_endpoint(
            EndpointName="churn", EndpointConfigName="churn-1", Tags=[{"Key": "team", "Value": "mlops"}]
        )
        self.sim.settle()
        self.events.clear()
        return "churn"

    def update(self, config: str, **more: Any) -> None:
        self.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName=config, **more)

    def describe(self) -> dict[str, Any]:
        return self.sagemaker.describe_endpoint(EndpointName="churn")

    def state(self) -> tuple[str, str]:
        found = self.describe()
        return found["EndpointStatus"], found["EndpointConfigName"]

    def alarm(self, name: str, state: str = "OK") -> str:
        self.cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/SageMaker",
            MetricName="Invocation5XXErrors",
            Dimensions=[{"Name": "EndpointName", "Value": "churn"}],
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1.0,
            ComparisonOperator="GreaterThanThreshold",
        )
        if state != "OK":
            self.trip(name, state)
        return name

    def trip(self, name: str, state: str = "ALARM") -> None:
        self.cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test says so")

    def statuses(self, detail_type: str = ENDPOINT_STATE) -> list[str]:
        """What endpoint events have said so far."""
        return [
            event["detail"]["EndpointStatus"] for event in self.events if event["detail-type"] == detail_type
        ]

    def of_type(self, detail_type: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["detail-type"] == detail_type]


@contextmanager
def account() -> Iterator[Account]:
    """Needs credentials in the environment; the `account` fixture has them."""
    events: list[dict[str, Any]] = []
    clock = VirtualClock()
    sim = SageMakerSimulator(clock, events.append)
    with mock_aws(), sim.installed():
        yield Account(sim, clock, events)


def variant(
    name: str = "AllTraffic", model: str = "model-1", instances: int = 2, **more: Any
) -> dict[str, Any]:
    return {
        "VariantName": name,
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": instances,
        "InitialVariantWeight": 1.0,
        **more,
    }


def serverless(name: str = "AllTraffic") -> dict[str, Any]:
    settings = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    return {"VariantName": name, "ModelName": "model-1", "ServerlessConfig": settings}


def blue_green(kind: str, *alarms: str, wait: int = 300, end_wait: int = 600, **more: Any) -> dict[str, Any]:
    """A `DeploymentConfig`; `more` is of the traffic routing, `timeout` of the policy."""
    timeout = more.pop("timeout", 7200)
    policy = {
        "TrafficRoutingConfiguration": {"Type": kind, "WaitIntervalInSeconds": wait, **more},
        "TerminationWaitInSeconds": end_wait,
        "MaximumExecutionTimeoutInSeconds": timeout,
    }
    config: dict[str, Any] = {"BlueGreenUpdatePolicy": policy}
    if alarms:
        config["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": name} for name in alarms]}
    return config


def percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


@contextmanager
def refused(message: str, code: str = "ValidationException") -> Iterator[None]:
    """The call inside is answered by this error."""
    with pytest.raises(ClientError) as raised:
        yield
    error = raised.value.response["Error"]
    assert message in error["Message"]
    assert error["Code"] == code
