"""The release life cycle in one process: SageMaker over time, its events through the template's own rules, the real handlers."""

import functools
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import boto3
from botocore.loaders import create_loader
from embedded_aws.clock import VirtualClock
from embedded_aws.moto_additions import s3
from embedded_aws.moto_additions.events import installed
from embedded_aws.moto_additions.sagemaker import SageMakerSimulator
from embedded_aws.moto_additions.sagemaker.endpoint import endpoints_of
from moto import mock_aws
from moto.events.models import EventPattern
from moto.sagemaker.models import sagemaker_backends
from moto.sqs.models import sqs_backends
from samtranslator.yaml_helper import yaml_parse

from tests.world import ACCOUNT, BUCKET, REGION, ROOT, TABLE, World, _ignore, _invoke, _load, _lost, headline

GROUP = "churn"
ENDPOINT = "churn-prod"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/churn-execution"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/xgboost:1.7-1"
GROUP_ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/{GROUP}"
_ROUNDS = 200
# Reading them takes longest of all in a new world, and they never change.
_SERVICE_MODELS = create_loader()


@functools.cache
def release_patterns() -> list[EventPattern]:
    """What the template's rules for the release reaction let through."""
    template = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    return [
        EventPattern.load(json.dumps(resource["Properties"]["EventPattern"]))
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Events::Rule" and name.startswith("Release")
    ]


@dataclass
class ReleaseWorld(World):
    """`inbox` is the release queue: bodies in the order they came; a failed one goes back to its end."""

    simulator: SageMakerSimulator = field(init=False)
    clock: VirtualClock = field(default_factory=VirtualClock)
    inbox: list[str] = field(default_factory=list)
    events_seen: list[dict[str, Any]] = field(default_factory=list)
    after_each_call: Callable[[str], None] | None = None
    """Called after each call of a function with its name; may start another copy of a function."""

    states: list[tuple[str, str, str, str]] = field(default_factory=list)
    """What endpoints went through: name, status, and the configs then, live and coming ("" when none is)."""
    before_each_call: Callable[[str], None] | None = None
    """Called before each call of a function with its name; may raise what AWS would answer."""
    said: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    """Domain events that came to notification, by id: detail type and detail."""

    def __post_init__(self) -> None:
        self.patterns = release_patterns()
        super().__post_init__()

    def start_containers(self) -> None:
        """Cold starts. After the first one clients are kept: they hold no state, and making them takes longest."""
        from stationkeeper.aws import clients

        if hasattr(self, "release"):
            self.release = _load("release")
            self.sweep_function = _load("sweep")
            self.notification = _load("notification")
            return
        self.sagemaker = boto3.client("sagemaker")
        self.cloudwatch = boto3.client("cloudwatch")
        self.autoscaling = boto3.client("application-autoscaling")
        if not hasattr(self, "release_queue_url"):
            self.release_queue_url = self.sqs.create_queue(QueueName="release")["QueueUrl"]
        if not hasattr(self, "alarm_queue_url"):
            self.alarm_queue_url = self.sqs.create_queue(QueueName="alarm-response")["QueueUrl"]
        if not hasattr(self, "artifact_queue_url"):
            self.artifact_queue_url = self.sqs.create_queue(QueueName="artifact-sync")["QueueUrl"]
        os.environ.update(
            ACCOUNT_ID=ACCOUNT,
            AWS_REGION=REGION,
            PARTITION="aws",
            KEEP_DAYS="7",
            DATA_BUCKET=BUCKET,
            EXECUTION_ROLE_ARNS=ROLE,
            DEFAULT_INSTANCE_TYPE="ml.m5.large",
            DEFAULT_MIN_INSTANCES="2",
            DEFAULT_MAX_INSTANCES="4",
            DEFAULT_INVOCATIONS_PER_INSTANCE="1000",
            DEFAULT_BAKE_MINUTES="60",
            DEFAULT_CAPTURE_PERCENTAGE="100",
            DEFAULT_ERROR_PERCENT="5",
            DEFAULT_LATENCY_MILLISECONDS="1000",
            MONITORING_INSTANCE_TYPE="ml.m5.xlarge",
            RELEASE_QUEUE_URL=self.release_queue_url,
            ALARM_RESPONSE_QUEUE_URL=self.alarm_queue_url,
            ARTIFACT_SYNC_QUEUE_URL=self.artifact_queue_url,
        )
        super().start_containers()
        clients._session().events.register("before-call", self._before_call)
        self.release = _load("release")
        self.sweep_function = _load("sweep")

    def _before_call(self, model: Any, **_: Any) -> None:
        if self.before_each_call is not None:
            self.before_each_call(f"{model.service_model.service_id.lower()}:{model.name}")

    def _after_call(self, model: Any, **more: Any) -> None:
        super()._after_call(model, **more)
        if self.after_each_call is not None:
            self.after_each_call(self.calls[-1])

    def on_event(self, event: dict[str, Any]) -> None:
        self.events_seen.append(event)
        if any(pattern.matches_event(event) for pattern in self.patterns):  # type: ignore[arg-type]
            self.inbox.append(json.dumps(event))

    def on_status(self, endpoint: str, status: str, config: str) -> None:
        there = endpoints_of(sagemaker_backends[ACCOUNT][REGION]).get(endpoint)
        coming = there.pending.config.name if there and there.pending else ""
        self.states.append((endpoint, status, config, coming))

    # ---------------------------------------------------------------- what people do

    def group(self, name: str = GROUP, endpoint: str | None = ENDPOINT, **tags: str) -> str:
        """A model package group, tagged for an endpoint; `min_instances="3"` is the tag `stationkeeper:min-instances`."""
        named = {f"stationkeeper:{key.replace('_', '-')}": value for key, value in tags.items()}
        if endpoint:
            named["stationkeeper:endpoint"] = endpoint
        answer = self.sagemaker.create_model_package_group(
            ModelPackageGroupName=name, Tags=[{"Key": key, "Value": value} for key, value in named.items()]
        )
        return answer["ModelPackageGroupArn"]

    def tag(self, arn: str = GROUP_ARN, **tags: str) -> None:
        self.sagemaker.add_tags(
            ResourceArn=arn,
            Tags=[
                {"Key": f"stationkeeper:{key.replace('_', '-')}", "Value": value}
                for key, value in tags.items()
            ],
        )

    def register(self, group: str = GROUP, status: str = "PendingManualApproval", **more: Any) -> str:
        """Register a version; returns its ARN."""
        answer = self.sagemaker.create_model_package(
            ModelPackageGroupName=group,
            ModelApprovalStatus=status,
            **{
                "InferenceSpecification": {
                    "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/models/model.tar.gz"}],
                    "SupportedContentTypes": ["text/csv"],
                    "SupportedResponseMIMETypes": ["text/csv"],
                },
                **more,
            },
        )
        return answer["ModelPackageArn"]

    def approve(self, package_arn: str, note: str = "") -> None:
        more = {"ApprovalDescription": note} if note else {}
        self.sagemaker.update_model_package(
            ModelPackageArn=package_arn, ModelApprovalStatus="Approved", **more
        )

    def reject(self, package_arn: str) -> None:
        self.sagemaker.update_model_package(ModelPackageArn=package_arn, ModelApprovalStatus="Rejected")

    def approved(self, group: str = GROUP, **more: Any) -> str:
        """Register a version and approve it."""
        arn = self.register(group, **more)
        self.approve(arn)
        return arn

    def model(self, name: str, **more: Any) -> str:
        """A model somebody made, not of a version."""
        request = {
            "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/models/old.tar.gz"},
            "ExecutionRoleArn": ROLE,
            **more,
        }
        self.sagemaker.create_model(ModelName=name, **request)
        return name

    def user_config(self, name: str, *variants: dict[str, Any], **more: Any) -> str:
        """A config somebody made; without variants one with two instances of the model `old`."""
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=list(variants) or [variant(model="old")], **more
        )
        return name

    def user_endpoint(
        self, *variants: dict[str, Any], name: str = ENDPOINT, tags: Any = (), **more: Any
    ) -> str:
        """An endpoint somebody made, in service on the config `handmade`; `more` is the config's."""
        if not variants:
            self.model("old")
        self.user_config("handmade", *variants, **more)
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="handmade", Tags=list(tags))
        self.settle()
        return name

    # ---------------------------------------------------------------- what happens then

    def invoke_release(self, *bodies: str) -> list[str]:
        return _invoke(self.release, list(bodies))

    def pump(self) -> None:
        """Deliver everything that waits, failures again, until the queues are empty; then tell on-call."""
        for _ in range(_ROUNDS):
            self._take_from_queue()
            if not self.inbox:
                break
            self.deliver_next()
        else:
            raise AssertionError(f"not quiet after {_ROUNDS} deliveries: {self.inbox[0][:300]}")
        while self.invoke_notification():
            pass

    def deliver_next(self) -> None:
        """One delivery from the queue; what failed, or was not finished, goes back to its end."""
        body = self.inbox.pop(0)
        done = False
        try:
            done = not self.invoke_release(body)
        finally:
            if not done:
                self.inbox.append(body)

    def crash_next_delivery(self, after: int) -> None:
        """The release function dies after its `after`-th call of the next delivery, if it makes so many; the queue delivers again."""
        with self.crashing_after(after):
            self.deliver_next()

    def settle(self) -> None:
        """Until nothing is under way: queues, endpoints, jobs."""
        for _ in range(_ROUNDS):
            self.pump()
            due = self.simulator.next_due()
            if due is None:
                return
            self.clock.jump_to(due)
            self.simulator.run_due()
        raise AssertionError("does not settle")

    def advance(self, seconds: float) -> None:
        """Time passes, and events are handled as they come."""
        until = self.clock.now() + seconds
        self.pump()
        while (due := self.simulator.next_due()) is not None and due <= until:
            self.clock.jump_to(due)
            self.simulator.run_due()
            self.pump()
        self.clock.jump_to(until)

    def sweep(self) -> None:
        """The hourly sweep, and everything that follows."""
        assert self.invoke_sweep() == []
        self.pump()

    def invoke_sweep(self) -> list[str]:
        due = {
            "id": f"sweep-{self.clock.now()}",
            "source": "stationkeeper.schedule",
            "detail-type": "SweepDue",
            "account": ACCOUNT,
            "region": REGION,
            "time": datetime.fromtimestamp(self.clock.now(), UTC).isoformat(),
            "detail": {},
        }
        return _invoke(self.sweep_function, [json.dumps(due)])

    def _receive(self, url: str) -> list[dict[str, Any]]:
        # Asking empty queues again and again would take longer than all else.
        if not sqs_backends[ACCOUNT][REGION].queues[url.rpartition("/")[2]]._messages:
            return []
        messages = super()._receive(url)
        if url == self.queue_url:
            for event in (json.loads(message["Body"]) for message in messages):
                self.said[event["detail"]["id"]] = (event["detail-type"], event["detail"])
        return messages

    def _take_from_queue(self) -> None:
        self.inbox += [message["Body"] for message in self._receive(self.release_queue_url)]

    # ---------------------------------------------------------------- what there is then

    def endpoint(self, name: str = ENDPOINT) -> dict[str, Any]:
        return self.sagemaker.describe_endpoint(EndpointName=name)

    def config(self, name: str = ENDPOINT) -> dict[str, Any]:
        """The config the endpoint runs."""
        return self.sagemaker.describe_endpoint_config(
            EndpointConfigName=self.endpoint(name)["EndpointConfigName"]
        )

    def live_version(self, name: str = ENDPOINT) -> int | None:
        """The version the endpoint's first variant runs; None when it runs no version."""
        model = self.sagemaker.describe_model(
            ModelName=self.config(name)["ProductionVariants"][0]["ModelName"]
        )
        arn = model["PrimaryContainer"].get("ModelPackageName", "")
        return int(arn.rpartition("/")[2]) if arn else None

    def told(self) -> list[str]:
        """Subjects of what on-call got since the last time, without incident, and without endpoint where it is ours."""
        return [headline(mail).replace(f"] {ENDPOINT}: ", "] ") for mail in self.read_mail()]

    def details(self, *kinds: str) -> list[dict[str, Any]]:
        """Details of the domain events of these kinds that were said, in their order."""
        return [detail for kind, detail in self.said.values() if kind in kinds]

    def alarm_names(self) -> set[str]:
        return {alarm["AlarmName"] for alarm in self.cloudwatch.describe_alarms()["MetricAlarms"]}

    def model_names(self) -> set[str]:
        pages = self.sagemaker.get_paginator("list_models").paginate()
        return {model["ModelName"] for page in pages for model in page["Models"]}

    def config_names(self) -> set[str]:
        pages = self.sagemaker.get_paginator("list_endpoint_configs").paginate()
        return {config["EndpointConfigName"] for page in pages for config in page["EndpointConfigs"]}

    def record(self, endpoint: str = ENDPOINT) -> Any:
        from stationkeeper.aws.release_records import DynamoDbReleaseRecords

        return DynamoDbReleaseRecords(lambda: self.dynamodb, "state").recall(endpoint)

    def status(self, package_arn: str) -> str:
        return self.sagemaker.describe_model_package(ModelPackageName=package_arn)["ModelApprovalStatus"]


def variant(model: str, name: str = "AllTraffic", count: int = 2, **more: Any) -> dict[str, Any]:
    """A production variant of a config somebody made."""
    capacity = (
        {} if "ServerlessConfig" in more else {"InstanceType": "ml.m5.large", "InitialInstanceCount": count}
    )
    return {"VariantName": name, "ModelName": model, "InitialVariantWeight": 1.0, **capacity, **more}


def nothing_is_left(system: ReleaseWorld) -> None:
    """What holds whenever everything has been handled, whatever happened."""
    assert system.inbox == []
    assert system.simulator.deleted_while_referenced == []
    stored = system.dynamodb.scan(
        TableName=TABLE,
        FilterExpression="begins_with(pk, :release)",
        ExpressionAttributeValues={":release": {"S": "release#"}},
    )["Items"]
    for item in stored:
        assert system.record(item["pk"]["S"].removeprefix("release#")).outbox == ()
    ids = [(mail["attributes"]["incident"], mail["body"]) for mail in system.messages]
    assert len(ids) == len(set(ids))


def release_world(*, clocks_agree: bool = True) -> AbstractContextManager[ReleaseWorld]:
    """`clocks_agree`: the functions' clock is SageMaker's; otherwise it lags behind by all the jumps, as in the embedded AWS."""
    return running(ReleaseWorld, clocks_agree=clocks_agree)


@contextmanager
def running[W: ReleaseWorld](
    kind: type[W], *, clocks_agree: bool, queues_follow: bool = False
) -> Iterator[W]:
    """A world of a kind; `queues_follow`: delays of its queues pass by the virtual clock."""
    from stationkeeper import assembly

    before = dict(os.environ)
    os.environ.update(
        AWS_DEFAULT_REGION=REGION,
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
        POWERTOOLS_LOG_LEVEL="INFO",
    )
    clock = VirtualClock()
    holder: list[W] = []
    simulator = SageMakerSimulator(
        clock,
        lambda event: holder[0].on_event(event),  # noqa: PLW0108  # filled later
        on_status=lambda *state: holder[0].on_status(*state),  # noqa: PLW0108
    )
    now = (lambda: datetime.fromtimestamp(clock.now(), UTC)) if clocks_agree else assembly._now
    try:
        with (
            mock_aws(),
            clock.installed() if queues_follow else nullcontext(),
            installed(on_matched=_ignore, on_undelivered=_lost),
            s3.installed(),
            simulator.installed(),
            mock.patch("botocore.session.create_loader", return_value=_SERVICE_MODELS),
            mock.patch.object(assembly, "_now", now),
        ):
            world = kind(clock=clock)
            world.simulator = simulator
            holder.append(world)
            yield world
    finally:
        os.environ.clear()
        os.environ.update(before)
