"""Event source mappings: batches, partial failures, redelivery on a virtual clock, dead letters."""

import json
import time
from typing import Any

import pytest

NOTE_AND_FAIL_ON_ODD = """
    import json
    def handler(event, context):
        failed = []
        for record in event["Records"]:
            number = json.loads(record["body"])["detail"]["number"]
            print("saw", number, "for the", record["attributes"]["ApproximateReceiveCount"])
            if number % 2:
                failed.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failed}
"""
ALWAYS_FAILS = "def handler(event, context):\n    raise RuntimeError('no')\n"


def test_only_failed_messages_of_a_batch_return_and_end_in_the_dead_letter_queue(
    run: Any, event: Any
) -> None:
    aws = run({"Worker": {"code": NOTE_AND_FAIL_ON_ODD, "visibility": 900, "max_receive_count": 3}})
    started = time.monotonic()

    aws.send([event(f"event-{number}", number=number) for number in range(4)])
    summary = aws.drain(20)

    assert time.monotonic() - started < 10
    assert summary.skipped_seconds >= 3 * 800
    log = aws.log("Worker")
    assert [log.count(f"saw {number} ") for number in range(4)] == [1, 3, 1, 3]
    assert sorted(letter["event_id"] for letter in summary.dead_letters) == ["event-1", "event-3"]
    assert {letter["logical_id"] for letter in summary.dead_letters} == {"WorkerDeadLetters"}
    queue = aws.deployment.physical_id("WorkerDeadLetters")
    letters = aws.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert sorted(json.loads(letter["Body"])["id"] for letter in letters) == ["event-1", "event-3"]


@pytest.mark.parametrize(
    ("answer", "deliveries"),
    [
        ("None", 1),
        ("{}", 1),
        ("{'batchItemFailures': []}", 1),
        ("{'batchItemFailures': None}", 1),
        ("{'batchItemFailures': [{'itemIdentifier': 'stranger'}]}", 2),
        ("{'batchItemFailures': [{'itemIdentifier': ''}]}", 2),
        ("{'batchItemFailures': [{'wrong': 'key'}]}", 2),
        ("{'batchItemFailures': 'all'}", 2),
        ("'text'", 2),
    ],
)
def test_answer_decides_about_the_batch(run: Any, event: Any, answer: str, deliveries: int) -> None:
    code = f"def handler(event, context):\n    return {answer}\n"
    aws = run({"Worker": {"code": code, "max_receive_count": 2}})

    aws.send(event())
    summary = aws.drain(20)

    assert summary.delivered == deliveries
    assert len(summary.dead_letters) == (1 if deliveries == 2 else 0)


def test_error_fails_the_whole_batch(run: Any, event: Any) -> None:
    aws = run({"Worker": {"code": ALWAYS_FAILS, "max_receive_count": 2}})

    aws.send(event())
    summary = aws.drain(20)

    assert [invocation["outcome"] for invocation in summary.invocations] == ["error", "error"]
    assert [invocation["receive_counts"] for invocation in summary.invocations] == [[1], [2]]
    assert summary.invocations[0]["event_ids"] == ["event-1"]
    assert len(summary.dead_letters) == 1


def test_answer_means_nothing_without_report_batch_item_failures(run: Any, event: Any) -> None:
    code = (
        "def handler(event, context):\n    return {'batchItemFailures': [{'itemIdentifier': 'stranger'}]}\n"
    )
    aws = run({"Worker": {"code": code, "report_failures": False}})

    aws.send(event())

    assert aws.drain(20).delivered == 1


def test_messages_of_a_killed_invocation_wait_for_its_deadline(run: Any, event: Any) -> None:
    code = """
        import os, pathlib
        def handler(event, context):
            seen = pathlib.Path(os.environ["HOME"], "seen")
            if not seen.exists():
                seen.touch()
                os._exit(1)
    """
    aws = run({"Worker": {"code": code, "timeout": 3, "visibility": 900}})
    started = time.monotonic()

    aws.send(event())
    summary = aws.drain(20)

    assert [invocation["outcome"] for invocation in summary.invocations] == ["crash", "success"]
    assert 3 <= time.monotonic() - started < 10
    assert summary.skipped_seconds > 800


def test_messages_of_a_killed_invocation_return_at_once_when_told_so(run: Any, event: Any) -> None:
    code = "import os\ndef handler(event, context):\n    os._exit(1)\n"
    aws = run(
        {"Worker": {"code": code, "timeout": 60, "visibility": 900, "max_receive_count": 2}},
        honour_deadlines=False,
    )

    aws.send(event())
    summary = aws.drain(20)

    assert [invocation["outcome"] for invocation in summary.invocations] == ["crash", "crash"]


def test_record_has_the_shape_of_the_service(run: Any) -> None:
    code = "import json\ndef handler(event, context):\n    print('RECORD', json.dumps(event['Records'][0]))\n"
    aws = run({"Worker": {"code": code}})
    queue = aws.deployment.physical_id("WorkerQueue")

    sent = aws.client("sqs").send_message(
        QueueUrl=queue,
        MessageBody="plain",
        MessageAttributes={
            "colour": {"DataType": "String", "StringValue": "green"},
            "raw": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
        },
    )
    aws.drain(20)

    line = next(line for line in aws.log("Worker").splitlines() if line.startswith("RECORD"))
    record = json.loads(line.removeprefix("RECORD "))
    assert record["messageId"] == sent["MessageId"]
    assert record["body"] == "plain"
    assert record["md5OfBody"] == sent["MD5OfMessageBody"]
    assert record["messageAttributes"]["colour"]["stringValue"] == "green"
    assert record["messageAttributes"]["raw"]["binaryValue"] == "AAE="
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert {"SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"} <= set(record["attributes"])
    assert (record["eventSource"], record["awsRegion"]) == ("aws:sqs", "eu-west-1")
    assert record["eventSourceARN"].endswith(queue.rpartition("/")[2])
    assert record["receiptHandle"]


def test_delayed_message_is_not_waited_for(run: Any) -> None:
    aws = run({"Worker": {"code": "def handler(event, context):\n    pass\n"}})

    aws.client("sqs").send_message(
        QueueUrl=aws.deployment.physical_id("WorkerQueue"), MessageBody="later", DelaySeconds=600
    )
    summary = aws.drain(10)

    assert summary.delivered == 1
    assert summary.skipped_seconds > 500


def test_hundred_events_take_seconds(run: Any, event: Any) -> None:
    aws = run({"Worker": {"code": "def handler(event, context):\n    pass\n", "batch_size": 1}})
    aws.invoke("Worker", {})
    started = time.monotonic()

    aws.send(event(), times=100)
    summary = aws.drain(30)

    assert summary.delivered == 100
    assert time.monotonic() - started < 10


def test_drain_says_what_is_left_when_it_never_gets_quiet(run: Any, event: Any) -> None:
    aws = run({"Worker": {"code": "import time\ndef handler(event, context):\n    time.sleep(4)\n"}})

    aws.send(event())

    with pytest.raises(TimeoutError, match=r"1 running, 1 in .*WorkerQueue"):
        aws.drain(0.5)
