"""SQS in moto: keeps everybody out while it polls, and knows no queue policies in templates."""

from collections.abc import Callable
from contextlib import ExitStack
from threading import Condition
from typing import Any
from unittest import mock

from moto.core.common_models import CloudFormationModel
from moto.sqs.models import Message, Queue, sqs_backends

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


class QueuePolicy(CloudFormationModel):
    """Gap: `AWS::SQS::QueuePolicy` is unknown to moto's CloudFormation."""

    def __init__(self, name: str) -> None:
        self.physical_resource_id = name

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SQS::QueuePolicy"

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **kwargs: Any,
    ) -> "QueuePolicy":
        properties = cloudformation_json["Properties"]
        backend = sqs_backends[account_id][region_name]
        for url in properties["Queues"]:
            backend.get_queue(url.rpartition("/")[2])._policy_json = properties["PolicyDocument"]
        return cls(resource_name)
