"""Event source mappings: Lambda's own pollers between a queue and a function.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import base64
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Any

from moto.awslambda.models import EventSourceMapping
from moto.sqs.exceptions import QueueDoesNotExist, ReceiptHandleIsInvalid
from moto.sqs.models import Message, Queue, SQSBackend, sqs_backends

from embedded_aws.function import FunctionStoppedError, LambdaFunction, Result
from embedded_aws.journal import Journal
from embedded_aws.recorder import note_invocation

# Messages arrive with a notification; this is only for those that become visible as real time passes.
_LOOK_AGAIN_SECONDS = 0.2


@dataclass(frozen=True)
class WaitingMessage:
    """A message of a mapped queue; `ready_at` is when it can be received, in seconds on the virtual clock."""

    queue_name: str
    message_id: str
    ready_at: float
    ready: bool


class EventSources:
    """All mappings of a deployment, one thread each.

    A mapping has one batch under way at a time, as with a maximum concurrency of one.

    Parameters
    ----------
    activity : moto's lock; notified when a message arrives or an invocation ends.
    """

    def __init__(self, activity: Condition, journal: Journal) -> None:
        self._activity = activity
        self._journal = journal
        self._pollers: list[_Poller] = []
        # message id -> real time before which its redelivery must not be hurried
        self.not_before: dict[str, float] = {}
        self.running = 0
        self.stopping = False

    def add(self, mapping: EventSourceMapping, function: LambdaFunction) -> None:
        """Start reading for `function`."""
        poller = _Poller(self, self._activity, self._journal, mapping, function)
        self._pollers.append(poller)
        poller.start()

    def waiting(self) -> list[WaitingMessage]:
        """Every message in a mapped queue, in flight and delayed ones too. Call it under `activity`."""
        return [waiting for poller in self._pollers for waiting in poller.waiting()]

    def idle(self) -> bool:
        """Whether all mapped queues are empty and nothing runs. Call it under `activity`."""
        return self.running == 0 and not any(poller.has_messages() for poller in self._pollers)

    def what_is_left(self) -> str:
        """In words, for an error. Call it under `activity`."""
        counts = Counter(message.queue_name for message in self.waiting())
        queues = ", ".join(f"{count} in {name}" for name, count in sorted(counts.items()))
        return f"{self.running} running, {queues or 'no message'} left"

    @contextmanager
    def one_more_running(self) -> Iterator[None]:
        """Counts an invocation that no queue asked for."""
        with self._activity:
            self.running += 1
        try:
            yield
        finally:
            self.one_less_running()

    def one_less_running(self) -> None:
        with self._activity:
            self.running -= 1
            self._activity.notify_all()

    def stop(self) -> None:
        """Take no more messages; what runs is for the functions to end."""
        with self._activity:
            self.stopping = True
            self._activity.notify_all()

    def join(self) -> None:
        for poller in self._pollers:
            poller.join()


class _Poller(Thread):
    """Receives batches of one queue and invokes one function with them, one after the other."""

    def __init__(
        self,
        sources: EventSources,
        activity: Condition,
        journal: Journal,
        mapping: EventSourceMapping,
        function: LambdaFunction,
    ) -> None:
        super().__init__(name=f"poller-{function.definition.logical_id}", daemon=True)
        self._sources = sources
        self._activity = activity
        self._journal = journal
        self._mapping = mapping
        self._function = function
        self._queue_name = mapping.event_source_arn.rpartition(":")[2]

    def waiting(self) -> list[WaitingMessage]:
        return [
            WaitingMessage(
                self._queue_name,
                message.id,
                max(message.visible_at, message.delayed_until) / 1000,
                message.visible and not message.delayed,
            )
            for message in self._messages()
        ]

    def has_messages(self) -> bool:
        return bool(self._messages())

    def run(self) -> None:
        with suppress(FunctionStoppedError):
            while messages := self._next_batch():
                try:
                    self._invoke(messages)
                finally:
                    self._sources.one_less_running()

    @property
    def _backend(self) -> SQSBackend:
        return sqs_backends[self._mapping.account_id][self._mapping.region]

    @property
    def _queue(self) -> Queue | None:
        return self._backend.queues.get(self._queue_name)

    def _messages(self) -> list[Message]:
        queue = self._queue
        return queue._messages if queue is not None and self._mapping.enabled else []

    def _next_batch(self) -> list[Message]:
        """Waits for messages; empty when stopping. From here on the batch counts as running."""
        with self._activity:
            while not self._sources.stopping:
                if messages := self._receive():
                    self._sources.running += 1
                    return messages
                self._activity.wait(_LOOK_AGAIN_SECONDS)
        return []

    def _receive(self) -> list[Message]:
        queue = self._queue
        if queue is None or not self._mapping.enabled or not queue._messages:
            return []
        return self._backend.receive_message(
            queue.name,
            self._mapping.batch_size,
            0,
            queue.visibility_timeout,  # type: ignore[attr-defined]  # set by name in moto
            ["All"],
        )

    def _invoke(self, messages: list[Message]) -> None:
        batch = {"Records": [sqs_record(message, self._mapping) for message in messages]}
        result = self._function.invoke(batch)
        failed = failed_messages(result, [message.id for message in messages], self._mapping)
        with self._activity:
            for message in messages:
                if message.id in failed:
                    if result.killed:
                        self._sources.not_before[message.id] = result.deadline
                else:
                    self._sources.not_before.pop(message.id, None)
                    with suppress(ReceiptHandleIsInvalid, QueueDoesNotExist):
                        self._backend.delete_message(self._queue_name, str(message.receipt_handle))
            note_invocation(
                self._journal,
                self._function.definition.logical_id,
                result,
                queue=self._queue_name,
                messages=messages,
                failed=failed,
            )


def failed_messages(result: Result, message_ids: list[str], mapping: EventSourceMapping) -> set[str]:
    """Ids of the messages that stay in the queue.

    Without `ReportBatchItemFailures` the batch succeeds or fails as one. With it, nothing reported is
    success; an answer Lambda cannot make sense of fails the whole batch.
    """
    whole_batch = set(message_ids)
    if result.outcome != "success":
        return whole_batch
    if "ReportBatchItemFailures" not in (mapping.function_response_types or []) or result.answer is None:
        return set()
    if not isinstance(result.answer, dict):
        return whole_batch
    failures = result.answer.get("batchItemFailures")
    if failures is None:
        return set()
    if not isinstance(failures, list):
        return whole_batch
    reported = [failure.get("itemIdentifier") if isinstance(failure, dict) else None for failure in failures]
    if any(identifier not in whole_batch for identifier in reported):
        return whole_batch
    return {identifier for identifier in reported if isinstance(identifier, str)}


def sqs_record(message: Message, mapping: EventSourceMapping) -> dict[str, Any]:
    """A message as a function receives it.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """
    attributes = {
        "ApproximateReceiveCount": str(message.approximate_receive_count),
        "SentTimestamp": str(message.sent_timestamp),
        "SenderId": message.sender_id,
        "ApproximateFirstReceiveTimestamp": str(message.approximate_first_receive_timestamp),
    }
    if message.group_id is not None:
        attributes["MessageGroupId"] = message.group_id
    if message.deduplication_id is not None:
        attributes["MessageDeduplicationId"] = message.deduplication_id
    if message.sequence_number is not None:
        attributes["SequenceNumber"] = message.sequence_number
    for name, value in message.system_attributes.items():
        attributes[name] = str(value.get("StringValue", ""))
    return {
        "messageId": message.id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": {
            name: _record_attribute(value) for name, value in message.message_attributes.items()
        },
        "md5OfBody": message.body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": mapping.event_source_arn,
        "awsRegion": mapping.region,
    }


def _record_attribute(value: dict[str, Any]) -> dict[str, Any]:
    attribute: dict[str, Any] = {
        "dataType": value["DataType"],
        "stringListValues": [],
        "binaryListValues": [],
    }
    if (text := value.get("StringValue")) is not None:
        attribute["stringValue"] = text
    if (binary := value.get("BinaryValue")) is not None:
        raw = binary if isinstance(binary, bytes) else str(binary).encode()
        attribute["binaryValue"] = base64.b64encode(raw).decode()
    return attribute
