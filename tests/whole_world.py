"""The whole system in one process: every reaction's real handler, its queue, and the template's own rules between them."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from unittest import mock

import boto3
from embedded_aws.clock import VirtualClock
from embedded_aws.moto_additions.events import installed
from embedded_aws.moto_additions.sagemaker import SageMakerSimulator
from moto import mock_aws
from moto.events.models import EventPattern
from moto.sqs.models import sqs_backends
from samtranslator.yaml_helper import yaml_parse

from tests.release_world import _ROUNDS, _SERVICE_MODELS, ENDPOINT, ReleaseWorld
from tests.runs import run_event
from tests.world import ACCOUNT, REGION, ROOT, TABLE, _ignore, _invoke, _load, _lost

SCHEDULE = f"{ENDPOINT}-watch"
SCHEDULE_ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:monitoring-schedule/{SCHEDULE}"
PIPELINE = "churn-retraining"
PIPELINE_ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/{PIPELINE}"
REACTIONS = {
    "MonitorReport": "monitor_report",
    "AlarmResponse": "alarm_response",
    "Retraining": "retraining",
    "JobReport": "job_report",
}
"""Reactions besides `release`, by the name their resources begin with in the template."""
PARAMETERS = [
    {"Name": name, "Type": "Boolean", "DefaultValue": False}
    for kind in ("DataQuality", "ModelQuality")
    for name in (f"Skip{kind}Check", f"RegisterNew{kind}Baseline")
]


@cache
def _patterns(reaction: str) -> list[tuple[bool, EventPattern]]:
    """What the template's rules for a reaction let through, and whether they stand on our own bus."""
    template = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    return [
        (
            "EventBusName" in resource["Properties"],
            EventPattern.load(json.dumps(resource["Properties"]["EventPattern"])),
        )
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Events::Rule" and name.startswith(reaction)
    ]


@dataclass
class WholeWorld(ReleaseWorld):
    """`boxes` are the queues of the reactions besides `release`: bodies in the order they came."""

    boxes: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in REACTIONS.values()})
    lost: int = 0
    """How many of the next events never arrive."""

    def start_containers(self) -> None:
        first = not hasattr(self, "alarm_queue_url")
        if first:
            self.alarm_queue_url = self.sqs.create_queue(QueueName="alarm-response")["QueueUrl"]
            # Everything on our own bus, to be sorted by the template's rules.
            self.bus_queue_url = self.sqs.create_queue(
                QueueName="bus", Attributes={"Policy": self._policy_of(self.queue_url)}
            )["QueueUrl"]
            self.events.put_rule(
                Name="all", EventBusName="stationkeeper", EventPattern='{"source": ["stationkeeper"]}'
            )
            self.events.put_targets(
                Rule="all",
                EventBusName="stationkeeper",
                Targets=[{"Id": "queue", "Arn": self._arn(self.bus_queue_url)}],
            )
            self.tagging = boto3.client("resourcegroupstaggingapi")
        os.environ.update(
            ALARM_RESPONSE_QUEUE_URL=self.alarm_queue_url,
            RETRAINING_COOL_DOWN_HOURS="24",
            JOB_NAME_PREFIXES="nightly-",
        )
        super().start_containers()
        self.functions = {name: _load(name) for name in REACTIONS.values()}

    def _policy_of(self, url: str) -> str:
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
        return str(answer["Attributes"]["Policy"])

    def on_event(self, event: dict[str, Any]) -> None:
        if self.lost:
            self.lost -= 1
            return
        super().on_event(event)
        self._sort(event, on_our_bus=False)

    def _sort(self, event: dict[str, Any], *, on_our_bus: bool) -> None:
        for key, name in REACTIONS.items():
            for ours, pattern in _patterns(key):
                if ours is on_our_bus and pattern.matches_event(event):  # type: ignore[arg-type]
                    self.boxes[name].append(json.dumps(event))

    # ---------------------------------------------------------------- what happens

    def pump(self) -> None:
        """Deliver everything that waits, failures again, until all queues are empty; then tell on-call."""
        for _ in range(10 * _ROUNDS):
            if not self.deliver_something():
                break
        else:
            raise AssertionError(f"not quiet: {self.boxes} {self.inbox[:1]}")
        while self.invoke_notification():
            pass

    def deliver_something(self) -> bool:
        """One delivery to whichever reaction has something waiting; whether there was one."""
        self._collect()
        if self.inbox:
            self.deliver_next()
            return True
        name = next((name for name, box in self.boxes.items() if box), None)
        if name is None:
            return False
        self.deliver_to(name)
        return True

    def deliver_to(self, name: str) -> None:
        """One delivery to a reaction; what failed, or was not finished, goes back to the end of its queue."""
        body = self.boxes[name].pop(0)
        done = False
        try:
            done = not _invoke(self.functions[name], [body])
        finally:
            if not done:
                self.boxes[name].append(body)

    def _collect(self) -> None:
        self._take_from_queue()
        self.boxes["alarm_response"] += [one["Body"] for one in self._receive(self.alarm_queue_url)]
        for message in self._receive(self.bus_queue_url):
            self._sort(json.loads(message["Body"]), on_our_bus=True)

    def next_delayed(self) -> float | None:
        """When the next message that is held back in a queue becomes visible, in seconds since the epoch."""
        queue = sqs_backends[ACCOUNT][REGION].queues["alarm-response"]
        held = [message.delayed_until / 1_000 for message in queue._messages if message.delayed]
        return min(held, default=None)

    def settle(self) -> None:
        """Until nothing is under way: queues, endpoints, jobs, executions, gathered alarms."""
        for _ in range(_ROUNDS):
            self.pump()
            due = self._next()
            if due is None:
                return
            self.clock.jump_to(due)
            self.simulator.run_due()
        raise AssertionError("does not settle")

    def advance(self, seconds: float) -> None:
        """Time passes, and events are handled as they come."""
        until = self.clock.now() + seconds
        self.pump()
        while (due := self._next()) is not None and due <= until:
            self.clock.jump_to(due)
            self.simulator.run_due()
            self.pump()
        self.clock.jump_to(until)

    def _next(self) -> float | None:
        moments = [
            moment for moment in (self.simulator.next_due(), self.next_delayed()) if moment is not None
        ]
        return min(moments, default=None)

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    # ---------------------------------------------------------------- what people and services do

    def watched(self, name: str = SCHEDULE) -> None:
        """A data-quality monitor of the endpoint that somebody made."""
        self.sagemaker.create_data_quality_job_definition(
            JobDefinitionName=name,
            DataQualityAppSpecification={"ImageUri": "image"},
            DataQualityJobInput={
                "EndpointInput": {"EndpointName": ENDPOINT, "LocalPath": "/opt/ml/processing/input"}
            },
            DataQualityJobOutputConfig={
                "MonitoringOutputs": [{"S3Output": {"S3Uri": "s3://bucket/out", "LocalPath": "/opt/out"}}]
            },
            JobResources={
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}
            },
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/monitor",
        )
        self.sagemaker.create_monitoring_schedule(
            MonitoringScheduleName=name,
            MonitoringScheduleConfig={
                "MonitoringJobDefinitionName": name,
                "MonitoringType": "DataQuality",
                "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
            },
        )

    def monitor_runs(self, *violations: dict[str, str]) -> None:
        """A run of the monitor ends now, with these violations; nothing is handled yet."""
        hour = int((self.now - datetime(2026, 11, 23, tzinfo=UTC)) / timedelta(hours=1))
        event = run_event(hour, violations=len(violations) or None)
        event["time"] = self.now.isoformat()
        detail = event["detail"]
        detail["MonitoringScheduleArn"] = SCHEDULE_ARN
        detail["Environment"] |= {
            "sagemaker_endpoint_name": ENDPOINT,
            "sagemaker_monitoring_schedule_name": SCHEDULE,
        }
        self.put_report(event, json.dumps({"violations": list(violations)}))
        self.on_event(event)

    def pipeline(self, *, registers: bool = True, parameters: Any = PARAMETERS) -> str:
        """A pipeline that trains, and registers a version of `churn` where it should; returns its ARN."""
        steps = [
            {
                "Name": "Train",
                "Type": "Training",
                "Arguments": {
                    "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
                    "OutputDataConfig": {"S3OutputPath": "s3://bucket/models"},
                    "ResourceConfig": {
                        "InstanceType": "ml.m5.large",
                        "InstanceCount": 1,
                        "VolumeSizeInGB": 20,
                    },
                    "StoppingCondition": {"MaxRuntimeInSeconds": 3_600},
                    "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/train",
                },
            }
        ]
        if registers:
            steps.append(
                {
                    "Name": "Register",
                    "Type": "RegisterModel",
                    "DependsOn": ["Train"],
                    "Arguments": {
                        "ModelPackageGroupName": "churn",
                        "ModelApprovalStatus": "PendingManualApproval",
                        "InferenceSpecification": {
                            "Containers": [
                                {
                                    "Image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/xgboost:1.7-1",
                                    "ModelDataUrl": "s3://bucket/models/model.tar.gz",
                                }
                            ],
                            "SupportedContentTypes": ["text/csv"],
                            "SupportedResponseMIMETypes": ["text/csv"],
                        },
                    },
                }
            )
        definition = {"Version": "2020-12-01", "Parameters": parameters, "Steps": steps}
        answer = self.sagemaker.create_pipeline(
            PipelineName=PIPELINE,
            PipelineDefinition=json.dumps(definition),
            ClientRequestToken="0" * 32,
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/pipeline",
        )
        return str(answer["PipelineArn"])

    def alarm(self, name: str, endpoint: str = ENDPOINT, tags: dict[str, str] | None = None) -> str:
        """An alarm somebody made on an endpoint's latency; returns its name. It is OK."""
        self.cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/SageMaker",
            MetricName="ModelLatency",
            Dimensions=[
                {"Name": "EndpointName", "Value": endpoint},
                {"Name": "VariantName", "Value": "AllTraffic"},
            ],
            ExtendedStatistic="p95",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1_000_000.0,
            ComparisonOperator="GreaterThanThreshold",
            Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
        )
        return name

    def turns(self, alarm: str, state: str, reason: str = "Threshold Crossed") -> None:
        """An alarm changes its state now; nothing is handled yet."""
        self.cloudwatch.set_alarm_state(AlarmName=alarm, StateValue=state, StateReason=reason)

    # ---------------------------------------------------------------- what there is then

    def alarms(self, endpoint: str = ENDPOINT) -> Any:
        from stationkeeper.aws.alarm_memories import DynamoDbAlarmMemories

        return DynamoDbAlarmMemories(lambda: self.dynamodb, TABLE).recall(endpoint)

    def retrainings(self, pipeline_arn: str = PIPELINE_ARN) -> Any:
        from stationkeeper.aws.retraining_records import DynamoDbRetrainingRecords

        return DynamoDbRetrainingRecords(lambda: self.dynamodb, TABLE).recall(pipeline_arn)


def drifted(feature: str = "age", share: float = 0.0) -> dict[str, str]:
    """A violation that is critical by the default policy when the share is small."""
    return {
        "feature_name": feature,
        "constraint_check_type": "data_type_check",
        "description": "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
        f"Observed: Only {share}% of data is Integral.",
    }


@contextmanager
def whole_world(*, clocks_agree: bool = True) -> Iterator[WholeWorld]:
    """As `release_world`, with every reaction, and queues that follow the virtual clock."""
    from stationkeeper import assembly

    before = dict(os.environ)
    os.environ.update(
        AWS_DEFAULT_REGION=REGION,
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
        POWERTOOLS_LOG_LEVEL="INFO",
    )
    clock = VirtualClock()
    holder: list[WholeWorld] = []
    simulator = SageMakerSimulator(
        clock,
        lambda event: holder[0].on_event(event),  # noqa: PLW0108  # filled later
        on_status=lambda *state: holder[0].on_status(*state),  # noqa: PLW0108
    )
    now = (lambda: datetime.fromtimestamp(clock.now(), UTC)) if clocks_agree else assembly._now
    try:
        with (
            mock_aws(),
            clock.installed(),
            installed(on_matched=_ignore, on_undelivered=_lost),
            simulator.installed(),
            mock.patch("botocore.session.create_loader", return_value=_SERVICE_MODELS),
            mock.patch.object(assembly, "_now", now),
        ):
            world = WholeWorld(clock=clock)
            world.simulator = simulator
            holder.append(world)
            yield world
    finally:
        os.environ.clear()
        os.environ.update(before)
