"""SQS in moto: keeps everybody out while it polls, and knows no queue policies in templates."""

from collections.abc import Callable
from contextlib import ExitStack
from threading import Condition
from typing import Any
from unittest import mock

from moto.core.common_models import CloudFormationModel
from moto.sqs.models import Message, Queue, sqs_backends

from embedded_aws.moto_additions.attached_policy import AttachedPolicy

type OnDeadLetter = Callable[[Queue, Message], None]


def installed(activity: Condition, on_dead_letter: OnDeadLetter) -> ExitStack:
    """Notify `activity` of every new message, and tell `on_dead_letter` of those a redrive policy moved."""
    add_message = Queue.add_message

    def add_message_and_tell(queue: Queue, message: Message) -> None:
        with activity:
            add_message(queue, message)
            # Only a message that was received before can arrive with a count: it was moved here.
            if message.approximate_receive_count:
                on_dead_letter(queue, message)
            activity.notify_all()

    def wait_without_blocking(queue: Queue, timeout: int) -> None:
        # Gap: a long poll would keep everybody else out of moto; waiting on the condition lets them in.
        with activity:
            activity.wait_for(lambda: bool(queue.messages), timeout)

    context = ExitStack()
    context.enter_context(mock.patch.object(Queue, "add_message", add_message_and_tell))
    context.enter_context(mock.patch.object(Queue, "wait_for_messages", wait_without_blocking))
    return context


class QueuePolicy(AttachedPolicy, CloudFormationModel):
    """Gap: `AWS::SQS::QueuePolicy` is unknown to moto's CloudFormation."""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SQS::QueuePolicy"

    @staticmethod
    def attach(properties: dict[str, Any], account_id: str, region_name: str) -> None:
        backend = sqs_backends[account_id][region_name]
        for url in properties["Queues"]:
            backend.get_queue(url.rpartition("/")[2])._policy_json = properties["PolicyDocument"]
