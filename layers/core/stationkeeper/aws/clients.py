"""boto3 clients: one session, each client made when it is first asked for and then kept for the container's life."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

# Account-wide throttling is common on SageMaker's control plane. A call that hangs every time is given up within 24 s,
# before the shortest time-out of a function (30 s).
CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=3, read_timeout=5)

_OTHER_CONFIGS = {
    # A model answers within 60 s. No second try: a prediction may not be ours to repeat.
    "sagemaker-runtime": Config(retries={"total_max_attempts": 1}, connect_timeout=3, read_timeout=65)
}
# A copy may take S3 a while, and the thousands of one night are asked to slow down. Every write has a condition: repeating it is safe.
_ARTIFACTS = Config(
    retries={"mode": "standard", "total_max_attempts": 5},
    connect_timeout=3,
    read_timeout=60,
    max_pool_connections=16,
)
# An account may set few parameters a second: adaptive, so that a night's thousands keep to that instead of failing one by one.
_POINTERS = Config(retries={"mode": "adaptive", "total_max_attempts": 10}, connect_timeout=3, read_timeout=15)


@cache
def _session() -> boto3.session.Session:
    return boto3.session.Session()


@cache
def _client(service: str, config: Config | None = None) -> Any:
    config = config or _OTHER_CONFIGS.get(service, CONFIG)
    return _session().client(service, config=config)  # type: ignore[call-overload]  # the name is not a literal here


def autoscaling() -> ApplicationAutoScalingClient:
    client: ApplicationAutoScalingClient = _client("application-autoscaling")
    return client


def cloudformation() -> CloudFormationClient:
    client: CloudFormationClient = _client("cloudformation")
    return client


def cloudwatch() -> CloudWatchClient:
    client: CloudWatchClient = _client("cloudwatch")
    return client


def dynamodb() -> DynamoDBClient:
    client: DynamoDBClient = _client("dynamodb")
    return client


def events() -> EventBridgeClient:
    client: EventBridgeClient = _client("events")
    return client


def functions() -> LambdaClient:
    client: LambdaClient = _client("lambda")
    return client


def s3() -> S3Client:
    client: S3Client = _client("s3")
    return client


def s3_artifacts() -> S3Client:
    client: S3Client = _client("s3", _ARTIFACTS)
    return client


def sagemaker() -> SageMakerClient:
    client: SageMakerClient = _client("sagemaker")
    return client


def sagemaker_runtime() -> SageMakerRuntimeClient:
    client: SageMakerRuntimeClient = _client("sagemaker-runtime")
    return client


def sns() -> SNSClient:
    client: SNSClient = _client("sns")
    return client


def ssm() -> SSMClient:
    client: SSMClient = _client("ssm")
    return client


def ssm_pointers() -> SSMClient:
    client: SSMClient = _client("ssm", _POINTERS)
    return client


def sqs() -> SQSClient:
    client: SQSClient = _client("sqs")
    return client


def sts() -> STSClient:
    client: STSClient = _client("sts")
    return client


def tagging() -> ResourceGroupsTaggingAPIClient:
    client: ResourceGroupsTaggingAPIClient = _client("resourcegroupstaggingapi")
    return client
