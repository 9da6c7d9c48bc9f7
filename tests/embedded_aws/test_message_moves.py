"""Message move tasks: dead letters go back to their queue over time, as SQS does it."""

import time
from collections.abc import Callable, Iterator
from threading import Condition, RLock
from typing import Any

import boto3
import pytest
from embedded_aws import moto_additions

from tests.embedded_aws.sagemaker_account import Account, refused


class Queues:
    """A queue, its dead-letter queue, and one that is neither."""

    def __init__(self) -> None:
        self.sqs: Any = boto3.client("sqs")
        self.dead = self._make("dead")
        self.queue = self._make(
            "work",
            RedrivePolicy=f'{{"deadLetterTargetArn": "{self.arn(self.dead)}", "maxReceiveCount": "1"}}',
        )
        self.other = self._make("other")

    def _make(self, name: str, **attributes: str) -> str:
        return str(self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])

    def arn(self, url: str) -> str:
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(answer["Attributes"]["QueueArn"])

    def poison(self, *bodies: str) -> None:
        """Messages that were received once too often, and so are in the dead-letter queue."""
        for body in bodies:
            self.sqs.send_message(
                QueueUrl=self.queue,
                MessageBody=body,
                MessageAttributes={"why": {"DataType": "String", "StringValue": "x"}},
            )
        for _ in range(2):
            self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, VisibilityTimeout=0)

    def waiting(self, url: str) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))

    def start(self, destination: str | None = "", **options: Any) -> str:
        """`destination` is a queue's URL; "" for the queue the letters came from, None to let SQS find it."""
        if destination is not None:
            options["DestinationArn"] = self.arn(destination or self.queue)
        answer = self.sqs.start_message_move_task(SourceArn=self.arn(self.dead), **options)
        return str(answer["TaskHandle"])

    def tasks(self, most: int = 10) -> list[dict[str, Any]]:
        answer = self.sqs.list_message_move_tasks(SourceArn=self.arn(self.dead), MaxResults=most)
        return list(answer["Results"])

    def ended(self) -> dict[str, Any]:
        return until(self, lambda task: task["Status"] not in ("RUNNING", "CANCELLING"))


def until(queues: Queues, true: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    stop_at = time.monotonic() + 10
    while time.monotonic() < stop_at:
        (task,) = queues.tasks(1)
        if true(task):
            return task
        time.sleep(0.02)
    raise AssertionError(task)


@pytest.fixture
def queues(account: Account) -> Iterator[Queues]:
    with moto_additions.working_on(Condition(RLock())):
        yield Queues()


def test_messages_go_back_as_new_ones(queues: Queues) -> None:
    queues.poison("one", "two")
    before = queues.waiting(queues.dead)

    queues.start()
    task = queues.ended()

    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 2)
    assert task["ApproximateNumberOfMessagesToMove"] == 2
    assert "TaskHandle" not in task  # of a running one only
    assert queues.waiting(queues.dead) == []
    after = queues.waiting(queues.queue)
    assert sorted(message["Body"] for message in after) == ["one", "two"]
    assert {message["MessageId"] for message in after}.isdisjoint(one["MessageId"] for one in before)
    assert [message["Attributes"]["ApproximateReceiveCount"] for message in after] == ["1", "1"]
    assert after[0]["MessageAttributes"]["why"]["StringValue"] == "x"


def test_without_a_destination_sqs_knows_only_where_its_own_redrive_took_a_message_from(
    queues: Queues,
) -> None:
    queues.poison("moved by the redrive policy")
    queues.start(None)
    assert queues.ended()["Status"] == "COMPLETED"
    assert len(queues.waiting(queues.queue)) == 1

    queues.sqs.send_message(QueueUrl=queues.dead, MessageBody="put here by EventBridge")
    queues.start(None)

    task = queues.ended()
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert len(queues.waiting(queues.dead)) == 1
    queues.start()
    assert queues.ended()["Status"] == "COMPLETED"


def test_a_rate_is_kept_to_and_the_rest_can_be_left_where_it_is(queues: Queues) -> None:
    queues.poison(*(f"message {number}" for number in range(10)))

    handle = queues.start(MaxNumberOfMessagesPerSecond=4)
    running = queues.tasks(1)[0]
    moving = until(queues, lambda task: task["ApproximateNumberOfMessagesMoved"] >= 1)
    queues.sqs.cancel_message_move_task(TaskHandle=handle)
    task = queues.ended()

    assert (running["Status"], running["TaskHandle"]) == ("RUNNING", handle)
    assert running["MaxNumberOfMessagesPerSecond"] == 4
    assert moving["ApproximateNumberOfMessagesMoved"] < 10
    assert task["Status"] == "CANCELLED"
    left = 10 - task["ApproximateNumberOfMessagesMoved"]
    assert 0 < left == len(queues.waiting(queues.dead))
    with refused("not running", "AWS.SimpleQueueService.UnsupportedOperation"):
        queues.sqs.cancel_message_move_task(TaskHandle=handle)


def test_one_task_at_a_time_and_the_newest_is_listed_first(queues: Queues) -> None:
    queues.poison("one", "two", "three")
    queues.start(MaxNumberOfMessagesPerSecond=1)
    with refused("There is already a task running", "InvalidParameterValue"):
        queues.start()
    queues.sqs.cancel_message_move_task(TaskHandle=queues.tasks(1)[0]["TaskHandle"])
    queues.ended()

    queues.start()
    queues.ended()

    assert [task["Status"] for task in queues.tasks()] == ["COMPLETED", "CANCELLED"]
    assert len(queues.tasks(1)) == 1


def test_a_queue_that_goes_away_fails_the_task_and_keeps_what_is_left(queues: Queues) -> None:
    queues.poison("one", "two")
    queues.start(queues.other, MaxNumberOfMessagesPerSecond=2)
    queues.sqs.delete_queue(QueueUrl=queues.other)

    task = queues.ended()

    assert (task["Status"], task["FailureReason"]) == ("FAILED", "AWS.SimpleQueueService.NonExistentQueue")
    assert queues.waiting(queues.dead)


def test_what_cannot_be_asked_for(queues: Queues) -> None:
    sqs, dead = queues.sqs, queues.arn(queues.dead)
    nowhere = dead.replace("dead", "nowhere")
    with refused("must be configured as a Dead Letter Queue", "InvalidParameterValue"):
        sqs.start_message_move_task(SourceArn=queues.arn(queues.queue))
    with refused("for the SourceArn parameter", "ResourceNotFoundException"):
        sqs.start_message_move_task(SourceArn=nowhere)
    with refused("for the DestinationArn parameter", "ResourceNotFoundException"):
        sqs.start_message_move_task(SourceArn=dead, DestinationArn=nowhere)
    with refused("MaxNumberOfMessagesPerSecond", "InvalidParameterValue"):
        queues.start(MaxNumberOfMessagesPerSecond=501)
    with refused("MaxResults", "InvalidParameterValue"):
        queues.tasks(11)
    with refused("TaskHandle is invalid", "InvalidParameterValue"):
        sqs.cancel_message_move_task(TaskHandle="no handle")
    handle = queues.start()
    queues.ended()
    queues.sqs.delete_queue(QueueUrl=queues.dead)
    with refused("for the SourceArn parameter", "ResourceNotFoundException"):
        sqs.cancel_message_move_task(TaskHandle=handle)


def test_an_empty_queue_is_emptied_at_once(queues: Queues) -> None:
    queues.start()

    task = queues.ended()

    assert (task["Status"], task["ApproximateNumberOfMessagesToMove"]) == ("COMPLETED", 0)


def test_a_task_goes_on_while_nobody_looks(run: Any) -> None:
    aws = run(
        {"Worker": {"code": "def handler(event, context):\n    print('saw', event['Records'][0]['body'])\n"}}
    )
    sqs = aws.client("sqs")
    dead, queue = (aws.deployment.physical_id(f"Worker{name}") for name in ("DeadLetters", "Queue"))
    arns = [
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        for url in (dead, queue)
    ]
    sqs.send_message(QueueUrl=dead, MessageBody="letter")

    sqs.start_message_move_task(SourceArn=arns[0], DestinationArn=arns[1])
    stop_at = time.monotonic() + 10
    while "saw letter" not in aws.log("Worker") and time.monotonic() < stop_at:
        time.sleep(0.05)

    assert "saw letter" in aws.log("Worker")
