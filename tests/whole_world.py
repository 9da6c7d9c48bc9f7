"""The whole system in one process: every reaction's real handler, its queue, and the template's own rules between them."""

import io
import json
import os
import re
import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any

import boto3
from moto.events.models import EventPattern
from moto.sqs.models import sqs_backends
from samtranslator.yaml_helper import yaml_parse

from tests.release_world import _ROUNDS, ENDPOINT, IMAGE, ROLE, ReleaseWorld, running, variant
from tests.runs import run_event
from tests.world import ACCOUNT, BUCKET, REGION, ROOT, TABLE, _invoke, _load

SCHEDULE = f"{ENDPOINT}-watch"
SCHEDULE_ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:monitoring-schedule/{SCHEDULE}"
PIPELINE = "churn-retraining"
PIPELINE_ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/{PIPELINE}"
REACTIONS = {
    "MonitorReport": "monitor_report",
    "AlarmResponse": "alarm_response",
    "Retraining": "retraining",
    "JobReport": "job_report",
    "ArtifactSync": "artifact_sync",
}
"""Reactions besides `release`, by the name their resources begin with in the template."""
TRAINING_IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/trainer:3"
HOUSES = "house-prices"
"""A multi-model endpoint, and where it loads its models from."""
HOUSES_PREFIX = "fleet/houses/"
HOUSES_CONTAINER = {"Image": IMAGE, "Mode": "MultiModel", "ModelDataUrl": f"s3://{BUCKET}/{HOUSES_PREFIX}"}
PARAMETERS = [
    {"Name": name, "Type": "Boolean", "DefaultValue": False}
    for kind in ("DataQuality", "ModelQuality")
    for name in (f"Skip{kind}Check", f"RegisterNew{kind}Baseline")
]


@cache
def rules() -> dict[str, tuple[bool, EventPattern]]:
    """The template's rules by name: whether they stand on our own bus, and what they let through."""
    template = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    return {
        name: (
            "EventBusName" in resource["Properties"],
            EventPattern.load(json.dumps(resource["Properties"]["EventPattern"])),
        )
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Events::Rule" and "EventPattern" in resource["Properties"]
    }


def rules_that_match(event: dict[str, Any], *, on_our_bus: bool = False) -> list[str]:
    """Names of the template's rules that let an event through."""
    return [
        name
        for name, (ours, pattern) in rules().items()
        if ours is on_our_bus and pattern.matches_event(event)  # type: ignore[arg-type]
    ]


@contextmanager
def logged() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What the functions log meanwhile, line by line; metrics are left out."""
    from stationkeeper.telemetry import logger

    stream = io.StringIO()
    handler = logger.registered_handler
    assert hasattr(handler, "setStream")
    before = handler.setStream(stream)
    try:
        yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    finally:
        handler.setStream(before)


@dataclass
class WholeWorld(ReleaseWorld):
    """`boxes` are the queues of the reactions besides `release`: bodies in the order they came."""

    boxes: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in REACTIONS.values()})
    domain_events: list[dict[str, Any]] = field(default_factory=list)
    """All that went over our own bus, in order; a repeat of an id counts as one."""
    published: list[str] = field(default_factory=list)
    """Ids of all that went over our own bus, with repeats."""
    lost: int = 0
    """How many of the next events never arrive."""
    functions: dict[str, Any] = field(default_factory=dict)
    """The handlers' modules of the reactions besides `release`."""
    slept: list[float] = field(default_factory=list)
    """Seconds that warm-ups waited between two calls, on the virtual clock."""
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

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
            # Small, so that what is too large is quickly made.
            ARTIFACT_LIMIT_MEGABYTES="2",
            UNPACKED_LIMIT_MEGABYTES="4",
            ARTIFACT_KEY_ARN="",
        )
        super().start_containers()
        for name in REACTIONS.values():
            self.start_container(name)

    def start_container(self, name: str) -> None:
        """A cold start of one reaction besides `release`."""
        self.functions[name] = _load(name)
        if name == "artifact_sync":
            warm_ups = self.functions[name].reaction.candidates.publishing.warm_ups
            warm_ups._sleep, warm_ups._clock = self._sleep, self.clock.now

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.jump_to(self.clock.now() + seconds)

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
        matching = rules_that_match(event, on_our_bus=on_our_bus)
        for key, name in REACTIONS.items():
            for rule in matching:
                if rule.startswith(key):
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

    def invoke(self, name: str, *bodies: str) -> list[str]:
        """One invocation of a reaction besides `release`; returns the ids of the messages that failed."""
        return _invoke(self.functions[name], list(bodies))

    def collect(self) -> None:
        """Whatever waits in queues and on our bus is put into the boxes."""
        self._collect()

    def _collect(self) -> None:
        self._take_from_queue()
        self.boxes["alarm_response"] += [one["Body"] for one in self._receive(self.alarm_queue_url)]
        self.boxes["artifact_sync"] += [one["Body"] for one in self._receive(self.artifact_queue_url)]
        for message in self._receive(self.bus_queue_url):
            event = json.loads(message["Body"])
            self.published.append(event["detail"]["id"])
            if event["detail"]["id"] not in {one["detail"]["id"] for one in self.domain_events}:
                self.domain_events.append(event)
            self._sort(event, on_our_bus=True)

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

    def watched(self, name: str = SCHEDULE, *, endpoint: str = ENDPOINT, kind: str = "DataQuality") -> None:
        """A monitor of the endpoint that somebody made; `kind` is DataQuality or ModelQuality."""
        shared: dict[str, Any] = {
            "JobDefinitionName": name,
            "JobResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}
            },
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/monitor",
        }
        read = {"EndpointName": endpoint, "LocalPath": "/opt/ml/processing/input"}
        output: Any = {
            "MonitoringOutputs": [{"S3Output": {"S3Uri": "s3://bucket/out", "LocalPath": "/opt/out"}}]
        }
        sagemaker: Any = self.sagemaker
        if kind == "DataQuality":
            sagemaker.create_data_quality_job_definition(
                **shared,
                DataQualityAppSpecification={"ImageUri": "image"},
                DataQualityJobInput={"EndpointInput": read},
                DataQualityJobOutputConfig=output,
            )
        else:
            sagemaker.create_model_quality_job_definition(
                **shared,
                ModelQualityAppSpecification={"ImageUri": "image", "ProblemType": "BinaryClassification"},
                ModelQualityJobInput={
                    "EndpointInput": read,
                    "GroundTruthS3Input": {"S3Uri": "s3://bucket/truth"},
                },
                ModelQualityJobOutputConfig=output,
            )
        sagemaker.create_monitoring_schedule(
            MonitoringScheduleName=name,
            MonitoringScheduleConfig={
                "MonitoringJobDefinitionName": name,
                "MonitoringType": kind,
                "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
            },
        )

    def monitor_runs(
        self,
        *violations: dict[str, str],
        schedule: str = SCHEDULE,
        endpoint: str = ENDPOINT,
        kind: str = "data",
        **said: str,
    ) -> None:
        """A run of the monitor ends now, with these violations; nothing is handled yet. `said` replaces what its job says."""
        hour = int((self.now - datetime(2026, 11, 23, tzinfo=UTC)) / timedelta(hours=1))
        event = run_event(hour, violations=len(violations) or None, kind=kind, **said)
        event["time"] = self.now.isoformat()
        event["id"] = f"run-{schedule}-{self.now.isoformat()}"
        detail = event["detail"]
        detail["MonitoringScheduleArn"] = SCHEDULE_ARN.replace(SCHEDULE, schedule)
        detail["Environment"] |= {
            "sagemaker_endpoint_name": endpoint,
            "sagemaker_monitoring_schedule_name": schedule,
        }
        uri = detail["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]
        uri["S3Uri"] = f"s3://{BUCKET}/reports/{endpoint}/{schedule}/{hour}"
        self.put_report(event, json.dumps({"violations": list(violations)}))
        self.on_event(event)

    def pipeline(
        self,
        name: str = PIPELINE,
        *,
        registers: bool = True,
        parameters: Any = PARAMETERS,
        tags: dict[str, str] | None = None,
    ) -> str:
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
            PipelineName=name,
            PipelineDefinition=json.dumps(definition),
            ClientRequestToken="0" * 32,
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/pipeline",
            Tags=_tag_list(tags),
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
            Tags=_tag_list(tags),
        )
        return name

    def turns(self, alarm: str, state: Any, reason: str = "Threshold Crossed") -> None:
        """An alarm changes its state now; nothing is handled yet."""
        self.cloudwatch.set_alarm_state(AlarmName=alarm, StateValue=state, StateReason=reason)

    def training_job(self, name: str, tags: dict[str, str] | None = None, **more: Any) -> str:
        """Somebody starts a training job; returns its ARN."""
        request = {
            "AlgorithmSpecification": {"TrainingImage": TRAINING_IMAGE, "TrainingInputMode": "File"},
            "OutputDataConfig": {"S3OutputPath": "s3://bucket/models"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 20},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3_600},
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/train",
            **more,
        }
        return str(
            self.sagemaker.create_training_job(TrainingJobName=name, Tags=_tag_list(tags), **request)[
                "TrainingJobArn"
            ]
        )

    def tuning_job(self, name: str, tags: dict[str, str] | None = None) -> str:
        """Somebody starts a tuning job that maximizes validation:auc; returns its ARN."""
        answer = self.sagemaker.create_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name,
            HyperParameterTuningJobConfig={
                "Strategy": "Bayesian",
                "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:auc"},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2},
            },
            TrainingJobDefinition={
                "AlgorithmSpecification": {"TrainingImage": TRAINING_IMAGE, "TrainingInputMode": "File"},
                "OutputDataConfig": {"S3OutputPath": "s3://bucket/models"},
                "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 20},
                "StoppingCondition": {"MaxRuntimeInSeconds": 3_600},
                "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/train",
            },
            Tags=_tag_list(tags),
        )
        return str(answer["HyperParameterTuningJobArn"])

    def transform_job(self, name: str, tags: dict[str, str] | None = None) -> None:
        """Somebody starts a batch transform of the model `old`, which must be there."""
        self.sagemaker.create_transform_job(
            TransformJobName=name,
            ModelName="old",
            TransformInput={
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in"}}
            },
            TransformOutput={"S3OutputPath": "s3://bucket/out"},
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
            Tags=_tag_list(tags),
        )

    def processing_job(self, name: str, tags: dict[str, str] | None = None) -> None:
        self.sagemaker.create_processing_job(
            ProcessingJobName=name,
            ProcessingResources={
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}
            },
            AppSpecification={"ImageUri": "image"},
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/process",
            Tags=_tag_list(tags),
        )

    # ---------------------------------------------------------------- models of multi-model endpoints

    def begin_in_the_morning(self) -> None:
        """It is one in the morning: what is counted by the day does not depend on the hour the tests run at."""
        self.clock.jump_to((self.now + timedelta(days=1)).replace(hour=1, minute=0).timestamp())

    def multi_model_endpoint(self, name: str = HOUSES, *containers: dict[str, Any]) -> str:
        """A multi-model endpoint in service; `containers` of an inference pipeline, or the one of another kind."""
        first, *others = containers or (HOUSES_CONTAINER,)
        told = {"Containers": [first, *others]} if others else {"PrimaryContainer": first}
        self.sagemaker.create_model(ModelName=f"{name}-models", ExecutionRoleArn=ROLE, **told)
        self.user_config(f"{name}-config", variant(model=f"{name}-models"))
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-config")
        self.settle()
        return name

    def put(self, uri: str, content: bytes) -> str:
        """An object in S3; returns its address."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        self.s3.put_object(Bucket=bucket, Key=key, Body=content)
        return uri

    def start_training(
        self, model: str, archive: bytes | None, *, job: str = "", folder: str = "", **tags: str
    ) -> str:
        """Start a training job for a model of `house-prices`; returns the job's name.

        Parameters
        ----------
        archive : what it leaves as its artifact; None for nothing.
        folder : its output path; by default one that tells the model's name.
        tags : further ones, `in_place="on"`; `target_model` is the model's name, "" for no such tag.
        """
        job = job or f"{re.sub('[^A-Za-z0-9]+', '-', model).strip('-')}-{next(self._numbers)}"
        folder = folder or f"s3://{BUCKET}/model_artifacts/{model}"
        if archive is not None:
            self.put(f"{folder}/{job}/output/model.tar.gz", archive)
        told = {"multi_model_endpoint": HOUSES, "target_model": model, **tags}
        named = {f"stationkeeper:{key.replace('_', '-')}": value for key, value in told.items() if value}
        self.training_job(job, named, OutputDataConfig={"S3OutputPath": folder})
        return job

    def train(self, model: str, archive: bytes | None = None, **more: str) -> str:
        """As `start_training`, and the job runs to its end; its event is not handled yet."""
        job = self.start_training(model, archive, **more)
        while self.sagemaker.describe_training_job(TrainingJobName=job)["TrainingJobStatus"] == "InProgress":
            self._until_next()
        return job

    def _until_next(self) -> None:
        due = self.simulator.next_due()
        assert due is not None
        self.clock.jump_to(due)
        self.simulator.run_due()

    def registered(self, group: str, archive: bytes | None, **more: Any) -> str:
        """Register a version with an artifact of its own; returns its ARN."""
        uri = f"s3://{BUCKET}/registry/{group}/{next(self._numbers)}/model.tar.gz"
        if archive is not None:
            self.put(uri, archive)
        specification = {
            "Containers": [{"Image": IMAGE, "ModelDataUrl": uri}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        }
        return self.register(group, InferenceSpecification=specification, **more)

    def pointer(self, model: str, endpoint: str = HOUSES) -> str:
        """The `TargetModel` callers are sent to; "" when there is no pointer."""
        try:
            answer = self.ssm.get_parameter(Name=f"/stationkeeper/{endpoint}/{model}")
        except self.ssm.exceptions.ParameterNotFound:
            return ""
        return str(answer["Parameter"]["Value"])

    def shelf(self, model: str = "") -> list[str]:
        """What lies under the prefix, as callers would name it, of one model or of all."""
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=HOUSES_PREFIX + (f"{model}/" if model else ""))
        return [one["Key"].removeprefix(HOUSES_PREFIX) for one in found.get("Contents", [])]

    def on_shelf(self, target_model: str) -> Any:
        """What S3 tells of an object under the prefix."""
        return self.s3.head_object(Bucket=BUCKET, Key=HOUSES_PREFIX + target_model)

    def model_record(self, model: str, endpoint: str = HOUSES) -> Any:
        from stationkeeper.aws.model_records import DynamoDbModelRecords

        return DynamoDbModelRecords(lambda: self.dynamodb, TABLE).recall(endpoint, model)

    def said_of(self, model: str, *kinds: str) -> list[dict[str, Any]]:
        """Details of what went over our own bus about a model, of these kinds or of all, in order."""
        return [
            one["detail"]
            for one in self.domain_events
            if one["detail"].get("model") == model and (not kinds or one["detail-type"] in kinds)
        ]

    # ---------------------------------------------------------------- what there is then

    def versions(self, group: str = "churn") -> list[Any]:
        """The versions of a group as they are described, oldest first."""
        pages = self.sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
        arns = [one["ModelPackageArn"] for page in pages for one in page["ModelPackageSummaryList"]]
        found = [self.sagemaker.describe_model_package(ModelPackageName=arn) for arn in arns]
        return sorted(found, key=lambda one: one["ModelPackageVersion"])

    def alarms(self, endpoint: str = ENDPOINT) -> Any:
        from stationkeeper.aws.alarm_memories import DynamoDbAlarmMemories

        return DynamoDbAlarmMemories(lambda: self.dynamodb, TABLE).recall(endpoint)

    def retrainings(self, pipeline_arn: str = PIPELINE_ARN) -> Any:
        from stationkeeper.aws.retraining_records import DynamoDbRetrainingRecords

        return DynamoDbRetrainingRecords(lambda: self.dynamodb, TABLE).recall(pipeline_arn)


def _tag_list(tags: dict[str, str] | None) -> list[Any]:
    return [{"Key": key, "Value": value} for key, value in (tags or {}).items()]


def packed(*files: tuple[str, bytes] | tarfile.TarInfo) -> bytes:
    """A gzip tar archive of these files, or of other members; by default of a model."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=1) as tar:
        for one in files or (("model.bin", b"weights"), ("code/inference.py", b"pass")):
            if isinstance(one, tarfile.TarInfo):
                tar.addfile(one)
                continue
            member = tarfile.TarInfo(one[0])
            member.size = len(one[1])
            tar.addfile(member, io.BytesIO(one[1]))
    return raw.getvalue()


def kinds_of(mail: list[dict[str, Any]]) -> list[str]:
    """Which domain events became these messages."""
    return [one["attributes"]["kind"] for one in mail]


def drifted(feature: str = "age", share: float = 0.0) -> dict[str, str]:
    """A violation that is critical by the default policy when the share is small."""
    return {
        "feature_name": feature,
        "constraint_check_type": "data_type_check",
        "description": "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
        f"Observed: Only {share}% of data is Integral.",
    }


def whole_world(*, clocks_agree: bool = True) -> AbstractContextManager[WholeWorld]:
    """As `release_world`, with every reaction, and queues that follow the virtual clock."""
    return running(WholeWorld, clocks_agree=clocks_agree, queues_follow=True)
