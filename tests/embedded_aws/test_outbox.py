"""What is published to a topic lands in the outbox; what SNS refuses is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

TOPICS = {"Alerts": {"Type": "AWS::SNS::Topic"}, "Chat": {"Type": "AWS::SNS::Topic"}}


def test_published_messages_become_numbered_files(run: Any, tmp_path: Path) -> None:
    aws = run(resources=TOPICS)
    sns = aws.client("sns")
    text = 'Line one\nLine "two" ☃'

    sns.publish(
        TopicArn=aws.deployment.physical_id("Alerts"),
        Subject="Drift",
        Message=text,
        MessageAttributes={"severity": {"DataType": "String", "StringValue": "critical"}},
    )
    sns.publish(TopicArn=aws.deployment.physical_id("Chat"), Message="{}")

    outbox = tmp_path / "state/outbox"
    assert sorted(path.name for path in outbox.iterdir()) == ["0001-Alerts.json", "0002-Chat.json"]
    first = json.loads((outbox / "0001-Alerts.json").read_text(encoding="utf-8"))
    assert (first["topic"], first["subject"], first["message"]) == ("Alerts", "Drift", text)
    assert first["attributes"] == {"severity": "critical"}
    assert first["published_at"].endswith("Z")
    assert [message.subject for message in aws.outbox()] == ["Drift", None]


@pytest.mark.parametrize("subject", ["x" * 101, "two\nlines", "Grüße", " leading space", "tab\there", "☃"])
def test_subject_sns_would_refuse_is_refused(run: Any, subject: str) -> None:
    aws = run(resources=TOPICS)

    with pytest.raises(ClientError) as raised:
        aws.client("sns").publish(TopicArn=aws.deployment.physical_id("Alerts"), Subject=subject, Message="x")

    assert raised.value.response["Error"]["Code"] == "InvalidParameter"
    assert raised.value.response["Error"]["Message"] == "Invalid parameter: Subject"
    assert aws.outbox() == []


def test_message_is_limited_in_bytes(run: Any) -> None:
    aws = run(resources=TOPICS)
    topic = aws.deployment.physical_id("Alerts")

    aws.client("sns").publish(TopicArn=topic, Subject="!" + "x" * 99, Message="x" * 256 * 1024)
    with pytest.raises(ClientError, match="InvalidParameter.*Message too long"):
        aws.client("sns").publish(TopicArn=topic, Message="ü" * 128 * 1024 + "x")
    with pytest.raises(ClientError, match="Empty message"):
        aws.client("sns").publish(TopicArn=topic, Message="")


def test_queue_subscription_gets_what_its_filter_lets_through(run: Any) -> None:
    resources = TOPICS | {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Subscription": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Ref": "Alerts"},
                "Protocol": "sqs",
                "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]},
                "RawMessageDelivery": True,
                "FilterPolicy": {"severity": ["critical"]},
            },
        },
        "Mail": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Ref": "Alerts"},
                "Protocol": "https",
                "Endpoint": "https://unreachable.invalid/",
            },
        },
    }
    aws = run(resources=resources)

    for severity in ("info", "critical"):
        aws.client("sns").publish(
            TopicArn=aws.deployment.physical_id("Alerts"),
            Message=severity,
            MessageAttributes={"severity": {"DataType": "String", "StringValue": severity}},
        )

    messages = aws.client("sqs").receive_message(
        QueueUrl=aws.deployment.physical_id("Queue"), MaxNumberOfMessages=10
    )["Messages"]
    assert [message["Body"] for message in messages] == ["critical"]
    assert len(aws.outbox()) == 2
