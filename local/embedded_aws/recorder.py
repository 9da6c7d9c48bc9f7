"""Writes down what happens: into the journal, and what people would receive into the outbox."""

import json
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any

from moto.events.models import Rule
from moto.sns.models import Topic
from moto.sqs.models import Message, Queue

from embedded_aws.calls import Call
from embedded_aws.faults import Fault
from embedded_aws.function import Result
from embedded_aws.journal import Journal
from embedded_aws.outbox import Outbox


class Recorder:
    """Its methods are the hooks of `moto_additions.Hooks`, the server and the event sources.

    Parameters
    ----------
    name_of : physical id or ARN -> logical id in the template, or the name itself.
    """

    def __init__(self, journal: Journal, outbox: Outbox, name_of: Callable[[str], str]) -> None:
        self._journal = journal
        self._outbox = outbox
        self._name_of = name_of

    def dead_letter(self, queue: Queue, message: Message) -> None:
        self._journal.add(
            "dead-letter",
            queue=queue.name,
            logical_id=self._name_of(queue.queue_arn),
            message_id=message.id,
            event_id=event_id(message),
            receive_count=message.approximate_receive_count,
            reason="received too often",
        )

    def matched(self, rule: Rule, event: dict[str, Any], targets: list[str]) -> None:
        self._journal.add(
            "matched",
            rule=rule.name,
            logical_id=self._name_of(rule.name),
            event_id=event["id"],
            targets=targets,
        )

    def undelivered(
        self, rule: Rule, event: dict[str, Any], target: str, reason: str, dead_letter_arn: str | None
    ) -> None:
        self._journal.add(
            "undelivered",
            rule=rule.name,
            logical_id=self._name_of(rule.name),
            event_id=event["id"],
            target=target,
            reason=reason,
            dead_letter_queue=dead_letter_arn,
        )

    def published(self, topic: Topic, message: str, subject: str | None, attributes: dict[str, Any]) -> None:
        published = self._outbox.put(topic, message, subject, attributes)
        self._journal.add("published", topic=published.topic, subject=subject, file=published.file_name)

    def fault(self, fault: Fault, call: Call) -> None:
        self._journal.add(
            "fault", fault=fault.kind, service=call.service, action=call.action, caller=call.caller
        )


def note_invocation(
    journal: Journal,
    logical_id: str,
    result: Result,
    *,
    queue: str = "",
    messages: Sequence[Message] = (),
    failed: Collection[str] = (),
) -> None:
    """One entry per invocation; `failed` are ids of messages that stay in the queue."""
    journal.add(
        "invocation",
        function=logical_id,
        request_id=result.request_id,
        queue=queue,
        outcome="partial" if result.outcome == "success" and failed else result.outcome,
        event_ids=[event_id(message) for message in messages],
        message_ids=[message.id for message in messages],
        receive_counts=[message.approximate_receive_count for message in messages],
        failed_message_ids=[message.id for message in messages if message.id in failed],
        duration_ms=round(result.duration_ms, 2),
        cold_start=result.init_ms is not None,
        memory_used_mb=result.memory_used_mb,
        error_type=result.error_type,
        error_message=result.error_message,
    )


def event_id(message: Message) -> str:
    """The `id` of the EventBridge event in a message's body, else the message's own."""
    with suppress(ValueError):
        body = json.loads(message.body)
        if isinstance(body, dict) and isinstance(body.get("id"), str):
            return str(body["id"])
    return message.id
