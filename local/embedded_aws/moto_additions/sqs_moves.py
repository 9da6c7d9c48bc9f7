"""SQS in moto: moves no messages between queues. `StartMessageMoveTask`, `ListMessageMoveTasks`, `CancelMessageMoveTask`.

A task takes its time, as in SQS: it counts what there is to move when it starts, moves at most as many a second as was asked for, and goes
on when nobody looks. What is moved is a new message: a new id, sent now, never received. Words of errors are those
SQS answers with. Gaps that stay: no rights are checked (SQS would end a task as FAILED with `AWS.SimpleQueueService.AccessDenied`), what
arrives during a task may be moved with the rest, and SQS keeps no task for ever.
"""

import base64
import binascii
import json
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from unittest import mock
from weakref import WeakKeyDictionary

from moto.core.responses import ActionResult
from moto.sqs.exceptions import SQSException
from moto.sqs.models import Message, Queue, SQSBackend
from moto.sqs.responses import SQSResponse

from embedded_aws.moto_additions.background import Background

_MOST_A_SECOND = 500
_MOST_TASKS_OF_AN_ACCOUNT = 100
_MOST_LISTED = 10
_AT_ONCE = 10
"""So many are moved in one step where no rate was asked for."""
_NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"
_NO_SOURCE = "CouldNotDetermineMessageSource"


@dataclass
class Task:
    """One movement of messages; times in seconds since the epoch."""

    id: str
    source: Queue
    destination_arn: str | None
    per_second: int | None
    to_move: int
    started_at: float
    moved: int = 0
    status: str = "RUNNING"
    failure: str = ""

    @property
    def active(self) -> bool:
        return self.status in ("RUNNING", "CANCELLING")

    @property
    def handle(self) -> str:
        said = json.dumps({"taskId": self.id, "sourceArn": self.source.queue_arn})
        return base64.b64encode(said.encode()).decode()

    def as_answer(self) -> dict[str, Any]:
        members = {
            "TaskHandle": self.handle if self.status == "RUNNING" else None,
            "Status": self.status,
            "SourceArn": self.source.queue_arn,
            "DestinationArn": self.destination_arn,
            "MaxNumberOfMessagesPerSecond": self.per_second,
            "ApproximateNumberOfMessagesMoved": self.moved,
            "ApproximateNumberOfMessagesToMove": self.to_move,
            "FailureReason": self.failure or None,
            "StartedTimestamp": round(self.started_at * 1_000),
        }
        return {name: value for name, value in members.items() if value is not None}


class MessageMoves:
    """All tasks of all queues, newest first by the ARN of the queue they empty."""

    def __init__(self, background: Background) -> None:
        self._background = background
        self._tasks: dict[str, list[Task]] = {}
        self._origins: WeakKeyDictionary[Message, str] = WeakKeyDictionary()

    def installed(self) -> ExitStack:
        add_message = Queue.add_message

        def add_and_remember(queue: Queue, message: Message) -> None:
            # Where a message was before a redrive policy moved it: the queue it first came to.
            if not message.approximate_receive_count:
                self._origins[message] = queue.queue_arn
            add_message(queue, message)

        context = ExitStack()
        context.enter_context(mock.patch.object(Queue, "add_message", add_and_remember))
        for name, answer in self._operations().items():
            context.enter_context(mock.patch.object(SQSResponse, name, answer, create=True))
        return context

    def _operations(self) -> dict[str, Callable[[SQSResponse], ActionResult]]:
        def start(response: SQSResponse) -> ActionResult:
            given = response._get_param
            task = self.start(
                response.sqs_backend,
                given("SourceArn"),
                given("DestinationArn"),
                given("MaxNumberOfMessagesPerSecond"),
            )
            return ActionResult({"TaskHandle": task.handle})

        def list_(response: SQSResponse) -> ActionResult:
            most = response._get_param("MaxResults")
            tasks = self.listed(response.sqs_backend, response._get_param("SourceArn"), most)
            return ActionResult({"Results": [task.as_answer() for task in tasks]})

        def cancel(response: SQSResponse) -> ActionResult:
            task = self.cancel(response.sqs_backend, response._get_param("TaskHandle"))
            return ActionResult({"ApproximateNumberOfMessagesMoved": task.moved})

        return {
            "start_message_move_task": start,
            "list_message_move_tasks": list_,
            "cancel_message_move_task": cancel,
        }

    def start(
        self, backend: SQSBackend, source_arn: str, destination_arn: str | None, per_second: int | None
    ) -> Task:
        source = _queue(backend, source_arn, "SourceArn")
        if not backend.list_dead_letter_source_queues(source.name):
            raise SQSException(
                "InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue."
            )
        if destination_arn is not None:
            _queue(backend, destination_arn, "DestinationArn")
        if per_second is not None and not 1 <= per_second <= _MOST_A_SECOND:
            raise SQSException(
                "InvalidParameterValue",
                f"Value {per_second} for parameter MaxNumberOfMessagesPerSecond is invalid. "
                f"Reason: You must enter a number that is between 1 and {_MOST_A_SECOND}.",
            )
        tasks = self._tasks.setdefault(source_arn, [])
        if any(task.active for task in tasks):
            raise SQSException(
                "InvalidParameterValue",
                "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
            )
        if sum(task.active for all_ in self._tasks.values() for task in all_) >= _MOST_TASKS_OF_AN_ACCOUNT:
            raise SQSException("RequestThrottled", "Too many active message movement tasks.")
        waiting = len(source.messages)
        task = Task(str(uuid.uuid4()), source, destination_arn, per_second, waiting, time.time())
        tasks.insert(0, task)
        self._background.add(lambda: self._step(backend, task))
        return task

    def listed(self, backend: SQSBackend, source_arn: str, most: int | None) -> list[Task]:
        _queue(backend, source_arn, "SourceArn")
        if most is not None and not 1 <= most <= _MOST_LISTED:
            raise SQSException(
                "InvalidParameterValue",
                f"Value {most} for parameter MaxResults is invalid. "
                f"Reason: MaxResults must be an integer between 1 and {_MOST_LISTED}.",
            )
        return self._tasks.get(source_arn, [])[: most or 1]

    def cancel(self, backend: SQSBackend, handle: str) -> Task:
        try:
            said = json.loads(base64.b64decode(handle, validate=True))
            task_id, source_arn = said["taskId"], said["sourceArn"]
        except (binascii.Error, ValueError, KeyError, TypeError) as error:
            raise SQSException(
                "InvalidParameterValue", "Value for parameter TaskHandle is invalid."
            ) from error
        _queue(backend, source_arn, "SourceArn")
        task = next((one for one in self._tasks.get(source_arn, []) if one.id == task_id), None)
        if task is None:
            raise SQSException("ResourceNotFoundException", "Task does not exist.")
        if task.status != "RUNNING":
            # That it is refused is documented; the words are not.
            raise SQSException("AWS.SimpleQueueService.UnsupportedOperation", "The task is not running.")
        task.status = "CANCELLING"
        return task

    def _step(self, backend: SQSBackend, task: Task) -> bool:
        """Move what may be moved by now; whether the task goes on."""
        if task.status == "CANCELLING":
            task.status = "CANCELLED"
            return False
        due = min(task.to_move, self._due(task))
        while task.moved < due and (messages := task.source.messages):
            if failure := self._move(backend, task, messages[0]):
                task.status, task.failure = "FAILED", failure
                return False
            task.moved += 1
        if task.moved >= task.to_move or not task.source.messages:
            task.status = "COMPLETED"
        return task.status == "RUNNING"

    @staticmethod
    def _due(task: Task) -> int:
        if task.per_second is None:
            return task.moved + _AT_ONCE
        return int((time.time() - task.started_at) * task.per_second)

    def _move(self, backend: SQSBackend, task: Task, message: Message) -> str:
        """Move one message; why that cannot be done, "" when it was."""
        arn = task.destination_arn or self._origins.get(message)
        if arn is None or arn == task.source.queue_arn:
            return _NO_SOURCE
        destination = backend.queues.get(arn.rpartition(":")[2])
        if destination is None:
            return _NO_QUEUE
        task.source._messages.remove(message)
        task.source.pending_messages.discard(message)
        backend.send_message(
            destination.name,
            message.body,
            message_attributes=message.message_attributes,
            group_id=message.group_id,
            system_attributes=message.system_attributes,
        )
        return ""


def _queue(backend: SQSBackend, arn: str, parameter: str) -> Queue:
    queue = backend.queues.get(arn.rpartition(":")[2])
    if queue is None or queue.queue_arn != arn:
        raise SQSException(
            "ResourceNotFoundException",
            f"The resource that you specified for the {parameter} parameter doesn't exist.",
        )
    return queue
