"""Every AWS call is logged with its caller, and can be made to fail as the service would."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError
from embedded_aws import Fault

CALLS = {
    "dynamodb": ("GetItem", lambda client: client.get_item(TableName="t", Key={"k": {"S": "1"}})),
    "sqs": ("ListQueues", lambda client: client.list_queues()),
    "sns": ("ListTopics", lambda client: client.list_topics()),
    "s3": ("ListBuckets", lambda client: client.list_buckets()),
    "events": ("ListRules", lambda client: client.list_rules()),
    "ssm": ("GetParameter", lambda client: client.get_parameter(Name="p")),
    "lambda": ("ListFunctions", lambda client: client.list_functions()),
    "cloudwatch": ("DescribeAlarms", lambda client: client.describe_alarms()),
    "sagemaker": ("ListEndpoints", lambda client: client.list_endpoints()),
    "sts": ("GetCallerIdentity", lambda client: client.get_caller_identity()),
    "cloudformation": ("ListStacks", lambda client: client.list_stacks()),
}
ERRORS = {
    "throttle": {
        "lambda": "TooManyRequestsException",
        "s3": "SlowDown",
        "sns": "Throttled",
        "sqs": "RequestThrottled",
        "sts": "Throttling",
        "cloudformation": "Throttling",
    },
    "500": {
        "dynamodb": "InternalServerError",
        "events": "InternalException",
        "lambda": "ServiceException",
        "s3": "InternalError",
        "sns": "InternalError",
        "ssm": "InternalServerError",
    },
    "access-denied": {
        "s3": "AccessDenied",
        "sns": "AuthorizationError",
        "sqs": "AccessDenied",
        "cloudwatch": "AccessDenied",
        "sts": "AccessDenied",
        "cloudformation": "AccessDenied",
    },
}
DEFAULTS = {
    "throttle": "ThrottlingException",
    "500": "InternalFailure",
    "access-denied": "AccessDeniedException",
}
PUT_ITEM = """
    import boto3, json
    table = boto3.client("dynamodb")
    def handler(event, context):
        for record in event["Records"]:
            count = record["attributes"]["ApproximateReceiveCount"]
            table.put_item(TableName="things", Item={"id": {"S": count}})
"""
TABLE = {
    "Table": {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "TableName": "things",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        },
    }
}


def test_faults_are_the_services_own_errors(run: Any) -> None:
    aws = run()
    found: dict[str, dict[str, str]] = {kind: {} for kind in DEFAULTS}

    for kind in DEFAULTS:
        for service, (action, call) in CALLS.items():
            aws.add_fault(Fault(service, action, kind))
            with pytest.raises(ClientError) as raised:
                call(aws.client(service, retries={"total_max_attempts": 1}))
            found[kind][service] = raised.value.response["Error"]["Code"]

    assert found == {
        kind: {service: ERRORS[kind].get(service, DEFAULTS[kind]) for service in CALLS} for kind in DEFAULTS
    }
    assert aws.faults() == []


def test_throttling_is_retried_by_the_sdk(run: Any) -> None:
    aws = run()
    aws.add_fault("sqs", "ListQueues", "throttle", nth=1)

    aws.client("sqs", retries={"mode": "standard"}).list_queues()

    assert [(call.status, call.fault) for call in aws.calls(service="sqs")] == [(400, "throttle"), (200, "")]


def test_fault_strikes_the_nth_call_of_its_caller_only(run: Any, event: Any) -> None:
    aws = run({"Worker": {"code": PUT_ITEM}}, resources=TABLE)
    aws.add_fault("dynamodb", "PutItem", "access-denied", nth=2, caller="Worker")
    item = {"id": {"S": "user"}}

    for _ in range(3):
        aws.client("dynamodb").put_item(TableName="things", Item=item)
    aws.send(event(), times=2)
    summary = aws.drain(20)

    failed = [invocation for invocation in summary.invocations if invocation["outcome"] == "error"]
    assert len(failed) == 1
    assert "AccessDeniedException" in failed[0]["error_message"]
    assert "dynamodb:PutItem" in failed[0]["error_message"]


def test_fault_can_strike_always_until_cleared(run: Any) -> None:
    aws = run()
    aws.add_fault("ssm", "*", "500", nth="always")
    client = aws.client("ssm", retries={"total_max_attempts": 1})

    for _ in range(2):
        with pytest.raises(ClientError):
            client.describe_parameters()
    aws.clear_faults()

    assert client.describe_parameters()["Parameters"] == []


def test_crash_after_a_call_leaves_its_effect_and_the_event_comes_again(run: Any, event: Any) -> None:
    aws = run({"Worker": {"code": PUT_ITEM, "timeout": 2}}, resources=TABLE)
    aws.add_fault("dynamodb", "PutItem", "crash-after", caller="Worker")

    aws.send(event())
    summary = aws.drain(20)

    assert [invocation["outcome"] for invocation in summary.invocations] == ["crash", "success"]
    assert [invocation["cold_start"] for invocation in summary.invocations] == [True, True]
    items = aws.client("dynamodb").scan(TableName="things")["Items"]
    assert sorted(item["id"]["S"] for item in items) == ["1", "2"]


def test_crash_before_a_call_leaves_no_effect(run: Any, event: Any) -> None:
    aws = run({"Worker": {"code": PUT_ITEM, "timeout": 2}}, resources=TABLE)
    aws.add_fault("dynamodb", "PutItem", "crash-before", caller="Worker")

    aws.send(event())
    aws.drain(20)

    items = aws.client("dynamodb").scan(TableName="things")["Items"]
    assert [item["id"]["S"] for item in items] == ["2"]


def test_call_that_never_answers_runs_into_the_clients_timeout(run: Any) -> None:
    aws = run()
    aws.add_fault("sns", "CreateTopic", "timeout")
    client = aws.client("sns", read_timeout=0.3, retries={"total_max_attempts": 1})

    with pytest.raises(ReadTimeoutError):
        client.create_topic(Name="never")

    assert "never" not in str(aws.client("sns").list_topics()["Topics"])


def test_crash_of_a_user_drops_the_connection(run: Any) -> None:
    aws = run()
    aws.add_fault("sns", "CreateTopic", "crash-after")

    with pytest.raises(BotoCoreError):
        aws.client("sns", retries={"total_max_attempts": 1}).create_topic(Name="made")

    assert ":made" in str(aws.client("sns").list_topics()["Topics"])


def test_unknown_faults_are_refused() -> None:
    with pytest.raises(ValueError, match="Unknown kind"):
        Fault("s3", "*", "explode")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="from 1"):
        Fault("s3", "*", "500", nth=0)


def test_calls_are_attributed_to_their_function_and_kept_in_a_file(
    run: Any, event: Any, tmp_path: Path
) -> None:
    code = "import boto3\ndef handler(event, context):\n    boto3.client('s3').list_buckets()\n"
    aws = run(
        {
            "First": {"code": PUT_ITEM},
            "Second": {"code": code, "pattern": {"source": ["second"]}},
        },
        resources=TABLE,
    )

    aws.send([event("1"), event("2", source="second")])
    aws.drain(20)

    first, second = aws.calls(caller="First"), aws.calls(caller="Second")
    assert [(call.service, call.action, call.status) for call in first] == [("dynamodb", "PutItem", 200)]
    assert first[0].resources == {"TableName": "things"}
    assert [(call.service, call.action) for call in second] == [("s3", "ListBuckets")]
    lines = (tmp_path / "state/calls.jsonl").read_text().splitlines()
    assert [json.loads(line)["caller"] for line in lines][-2:] in (["First", "Second"], ["Second", "First"])
    assert {call.caller for call in aws.calls()} == {"user", "First", "Second"}


def test_long_poll_lets_others_through(run: Any) -> None:
    aws = run(resources={"Queue": {"Type": "AWS::SQS::Queue"}})
    queue = aws.deployment.physical_id("Queue")
    polled: list[Any] = []
    poll = threading.Thread(
        target=lambda: polled.append(aws.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5))
    )
    poll.start()
    time.sleep(0.2)
    started = time.monotonic()
    aws.client("sqs").send_message(QueueUrl=queue, MessageBody="hello")
    poll.join()

    assert time.monotonic() - started < 2
    assert polled[0]["Messages"][0]["Body"] == "hello"


def test_what_moto_cannot_do_is_the_services_failure(run: Any) -> None:
    aws = run()
    client = aws.client("sagemaker", retries={"total_max_attempts": 1})

    with pytest.raises(ClientError, match="moto: NotImplementedError") as raised:
        client.create_hub(HubName="x", HubDescription="x")

    assert raised.value.response["Error"]["Code"] == "InternalFailure"
    assert aws.calls(service="sagemaker")[0].status == 500
