"""Subscribers of a topic: people are asked first, queues are not."""

from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError
from embedded_aws.moto_additions import sns
from moto import mock_aws

ACCOUNT = "123456789012"
QUEUE = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:pager"


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws(), sns.installed(lambda *_: None):
        yield boto3.client("sns").create_topic(Name="alerts")["TopicArn"]


def listed(topic: str) -> dict[str, str]:
    found = boto3.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return {one["Endpoint"]: one["SubscriptionArn"] for one in found}


def test_a_person_is_pending_until_they_confirm(topic: str) -> None:
    client = boto3.client("sns")
    client.subscribe(TopicArn=topic, Protocol="email", Endpoint="anna@example.com")
    assert listed(topic) == {"anna@example.com": "PendingConfirmation"}

    arn = client.confirm_subscription(TopicArn=topic, Token="any")["SubscriptionArn"]

    assert listed(topic) == {"anna@example.com": arn}
    assert arn.startswith(f"{topic}:")


def test_a_queue_is_not_asked(topic: str) -> None:
    boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE)

    assert listed(topic)[QUEUE].startswith(f"{topic}:")


def test_nobody_can_confirm_what_nobody_was_asked(topic: str) -> None:
    with pytest.raises(ClientError, match="Invalid parameter: Token"):
        boto3.client("sns").confirm_subscription(TopicArn=topic, Token="any")
