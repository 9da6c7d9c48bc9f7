"""The queues reactions ask each other, or themselves, to look by."""

from __future__ import annotations

import json
from itertools import batched
from typing import TYPE_CHECKING

from stationkeeper.errors import PublishingFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mypy_boto3_sqs import SQSClient

_MESSAGES_PER_CALL = 10


class SqsQueue:
    def __init__(self, client: Callable[[], SQSClient], queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send(self, messages: Iterable[dict[str, object]], delay_seconds: int = 0) -> None:
        """Send messages, ten a call; nobody sees them before `delay_seconds` are over, at most 900.

        Raises
        ------
        PublishingFailed
            Unless all were taken; sending all of them again does no harm.
        """
        for batch in batched(messages, _MESSAGES_PER_CALL, strict=False):
            answer = self._client().send_message_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {"Id": str(number), "MessageBody": json.dumps(message), "DelaySeconds": delay_seconds}
                    for number, message in enumerate(batch)
                ],
            )
            if failed := answer.get("Failed"):
                codes = sorted({entry["Code"] for entry in failed})
                raise PublishingFailed(
                    f"{len(failed)} messages were not taken by {self._queue_url} ({', '.join(codes)})"
                )
