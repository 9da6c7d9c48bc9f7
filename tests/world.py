"""The system in one process: the real handlers over moto, each call of AWS countable and each one a place to crash.

Events go the way they go in AWS: monitor_report puts domain events on the bus, a rule carries them to a queue, and notification reads
the queue. Deliveries that fail are delivered again.
"""

import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
from embedded_aws.moto_additions.events import installed
from moto import mock_aws
from stationkeeper.events.on_bus import DETAIL_TYPES

ROOT = Path(__file__).parent.parent
REGION = "eu-west-1"
ACCOUNT = "123456789012"
BUCKET = f"sagemaker-{REGION}-{ACCOUNT}"
REPORT_BUCKET = "stationkeeper-reports"
TABLE = "state"
PARAMETER = "/stationkeeper/severity-policy"


class Crash(BaseException):
    """The function's process is killed; no `except Exception` sees it."""


@dataclass
class World:
    """moto with what the stack has, and the two functions."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    crash_after: int | None = None

    def __post_init__(self) -> None:
        self.s3 = boto3.client("s3")
        self.dynamodb = boto3.client("dynamodb")
        self.ssm = boto3.client("ssm")
        self.events = boto3.client("events")
        self.sqs = boto3.client("sqs")
        self.sns = boto3.client("sns")
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.dynamodb.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        )
        self.ssm.put_parameter(Name=PARAMETER, Type="String", Value="{}")
        topic = self.sns.create_topic(Name="alerts")["TopicArn"]
        self.outbox_url = self.sqs.create_queue(QueueName="outbox")["QueueUrl"]
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=self._arn(self.outbox_url))
        policy = {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": "*",
            },
        }
        self.queue_url = self.sqs.create_queue(
            QueueName="notification", Attributes={"Policy": json.dumps(policy)}
        )["QueueUrl"]
        self.events.create_event_bus(Name="stationkeeper")
        self.events.put_rule(
            Name="notification",
            EventBusName="stationkeeper",
            EventPattern=json.dumps({"source": ["stationkeeper"], "detail-type": DETAIL_TYPES}),
        )
        self.events.put_targets(
            Rule="notification",
            EventBusName="stationkeeper",
            Targets=[{"Id": "queue", "Arn": self._arn(self.queue_url)}],
        )
        os.environ.update(
            STATE_TABLE_NAME=TABLE,
            EVENT_BUS_NAME="stationkeeper",
            SEVERITY_POLICY_PARAMETER=PARAMETER,
            REPORT_SIZE_LIMIT_MEGABYTES="128",
            ON_CALL="ml-on-call",
            ALERT_TOPIC_ARN=topic,
            CHAT_TOPIC_ARN=self.sns.create_topic(Name="chat")["TopicArn"],
            REPORT_BUCKET=REPORT_BUCKET,
            AWS_REGION=REGION,
        )
        self.start_containers()

    def _arn(self, queue_url: str) -> str:
        attributes = self.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
        return attributes["Attributes"]["QueueArn"]

    def start_containers(self) -> None:
        """Cold starts: nothing cached."""
        from stationkeeper.aws import clients

        clients._session.cache_clear()
        clients._client.cache_clear()
        clients._session().events.register("after-call", self._after_call)
        self.monitor_report = _load("monitor_report")
        self.notification = _load("notification")

    def _after_call(self, model: Any, **_: Any) -> None:
        self.calls.append(f"{model.service_model.service_id.lower()}:{model.name}")
        if self.crash_after is not None:
            self.crash_after -= 1
            if self.crash_after < 0:
                self.crash_after = None
                raise Crash

    @contextmanager
    def crashing_after(self, calls: int) -> Iterator[SimpleNamespace]:
        """The function dies after its `calls`-th next call (0: the first). `happened` tells whether it got there."""
        outcome = SimpleNamespace(happened=False)
        self.crash_after = calls
        try:
            yield outcome
        except Crash:
            outcome.happened = True
            self.start_containers()
        self.crash_after = None

    @contextmanager
    def hooked(self, service: str, event: str, hook: Callable[..., Any]) -> Iterator[None]:
        """botocore calls `hook` at this event of the functions' client of a service."""
        from stationkeeper.aws import clients

        emitter = clients._client(service).meta.events
        emitter.register(event, hook)
        try:
            yield
        finally:
            emitter.unregister(event, hook)

    def put_report(self, event: dict[str, Any], report: str | bytes) -> None:
        uri = event["detail"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        self.s3.put_object(Bucket=bucket, Key=f"{key}/constraint_violations.json", Body=report)

    def invoke_monitor_report(self, *events: dict[str, Any]) -> list[str]:
        """One invocation with these events as a batch; returns the ids of the messages that failed."""
        return _invoke(self.monitor_report, [json.dumps(event) for event in events])

    def invoke_notification(self) -> list[str]:
        """One invocation with everything that waits; what fails goes back to the queue."""
        waiting = [message["Body"] for message in self._receive(self.queue_url)]
        again = waiting
        try:
            failed = _invoke(self.notification, waiting) if waiting else []
            again = [waiting[int(index)] for index in failed]
        finally:  # after a crash, too, the queue delivers again
            for body in again:
                self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=body)
        return failed

    def _receive(self, url: str) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        while batch := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in batch:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            messages += batch
        return messages

    def react(self, *events: dict[str, Any]) -> list[dict[str, Any]]:
        """Deliver events one by one and all that follows; returns the messages on-call got from it."""
        for event in events:
            assert self.invoke_monitor_report(event) == []
        assert self.invoke_notification() == []
        return self.read_mail()

    def read_mail(self) -> list[dict[str, Any]]:
        """What on-call got since the last time: subject, body and attributes."""
        mail = []
        for message in self._receive(self.outbox_url):
            envelope = json.loads(message["Body"])
            mail.append(
                {
                    "subject": envelope["Subject"],
                    "body": envelope["Message"],
                    "attributes": {k: v["Value"] for k, v in envelope["MessageAttributes"].items()},
                }
            )
        self.messages += mail
        return mail

    def memory(self, schedule_arn: str) -> dict[str, Any]:
        """What is remembered of a schedule, without what counts writes."""
        from stationkeeper.aws.monitor_memories import DynamoDbMonitorMemories

        stored = DynamoDbMonitorMemories(lambda: self.dynamodb, TABLE).recall(schedule_arn)
        return stored.model_dump(mode="json", exclude={"version"})


def headline(mail: dict[str, Any]) -> str:
    """The subject of a message, without the incident it ends with."""
    ending = f" #{mail['attributes']['incident']}"
    assert mail["subject"].endswith(ending)
    return str(mail["subject"].removesuffix(ending))


def _load(function: str) -> ModuleType:
    """Import a function's handler as Lambda does, anew each time."""
    path = ROOT / "functions" / function / "app.py"
    spec = importlib.util.spec_from_file_location(f"functions_{function}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _invoke(module: ModuleType, bodies: list[str]) -> list[str]:
    records = [
        {
            "messageId": str(index),
            "receiptHandle": "handle",
            "body": body,
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:queue",
            "awsRegion": REGION,
        }
        for index, body in enumerate(bodies)
    ]
    context = SimpleNamespace(
        function_name=module.__name__,
        memory_limit_in_mb=768,
        invoked_function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{module.__name__}",
        aws_request_id="request",
        get_remaining_time_in_millis=lambda: 30_000,
    )
    answer = module.handler({"Records": records}, context)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def _ignore(*_: object) -> None:
    pass


def _lost(rule: object, event: object, target: object, why: str, dead_letters: object) -> None:
    raise AssertionError(f"an event was not delivered: {why}")


@contextmanager
def world[W: World](kind: type[W] = World) -> Iterator[W]:  # type: ignore[assignment]
    before = dict(os.environ)
    os.environ.update(
        AWS_DEFAULT_REGION=REGION,
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
        POWERTOOLS_LOG_LEVEL="INFO",
    )
    try:
        with mock_aws(), installed(on_matched=_ignore, on_undelivered=_lost):
            yield kind()
    finally:
        os.environ.clear()
        os.environ.update(before)
