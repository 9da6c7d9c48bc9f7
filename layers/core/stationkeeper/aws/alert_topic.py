"""The SNS topics on-call listens to: e-mail and whatever else subscribes, and chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_sns import SNSClient

    from stationkeeper.alerts.wording import Message


class SnsTopic:
    def __init__(self, client: Callable[[], SNSClient], topic_arn: str) -> None:
        self._client = client
        self._topic_arn = topic_arn

    def deliver(self, message: Message) -> str:
        """Publish a message; returns SNS's id of it."""
        answer = self._client().publish(
            TopicArn=self._topic_arn,
            Subject=message.subject,
            Message=message.body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in message.attributes.items()
            },
        )
        return answer["MessageId"]
