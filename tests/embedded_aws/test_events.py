"""Events flow as in EventBridge: rules, patterns, custom buses, target dead letters."""

import json
from typing import Any

import pytest
from embedded_aws import ACCOUNT_ID

from tests.embedded_aws.conftest import queue_policy

NOTE_BODY = """
    import json
    def handler(event, context):
        for record in event["Records"]:
            print("BODY", record["body"])
"""
DO_NOTHING = "def handler(event, context):\n    pass\n"


def bodies(aws: Any, function: str = "Worker") -> list[dict[str, Any]]:
    lines = aws.log(function).splitlines()
    return [json.loads(line.removeprefix("BODY ")) for line in lines if line.startswith("BODY ")]


def test_event_of_a_service_arrives_as_it_was_given(run: Any) -> None:
    given = {
        "version": "0",
        "id": "6c5e4f4e-0000-4000-8000-000000000000",
        "detail-type": "SageMaker Processing Job State Change",
        "source": "aws.sagemaker",
        "account": "111122223333",
        "time": "2026-01-02T03:04:05Z",
        "region": "us-west-2",
        "resources": ["arn:aws:sagemaker:us-west-2:111122223333:processing-job/x"],
        # what a text template would garble
        "detail": {"ExitMessage": 'quotes " and <time> <id> <detail>', "Missing": None, "Count": 1.50},
    }
    aws = run({"Worker": {"code": NOTE_BODY, "pattern": {"source": ["aws.sagemaker"]}}})

    aws.send(given)
    aws.drain(20)

    assert bodies(aws) == [given]


def test_missing_envelope_fields_get_defaults(run: Any) -> None:
    aws = run({"Worker": {"code": NOTE_BODY}})

    [identifier] = aws.send({"source": "test", "detail-type": "Something", "detail": {}})
    aws.drain(20)

    [body] = bodies(aws)
    assert (body["id"], body["account"], body["region"]) == (identifier, ACCOUNT_ID, "eu-west-1")
    assert body["time"].endswith("Z")


def test_event_without_source_is_refused(run: Any) -> None:
    aws = run()

    with pytest.raises(ValueError, match="detail-type, source"):
        aws.send({"detail": {}})


def test_custom_bus_carries_a_functions_event_to_the_next_function(run: Any, event: Any) -> None:
    first = """
        import boto3, json, os
        events = boto3.client("events")
        def handler(event, context):
            answer = events.put_events(Entries=[{
                "EventBusName": os.environ["BUS"], "Source": "first", "DetailType": "Found",
                "Detail": json.dumps({"level": "high"}), "Resources": ["arn:of:something"]}])
            assert answer["FailedEntryCount"] == 0
    """
    aws = run(
        {
            "First": {"code": first, "environment": {"BUS": {"Ref": "Bus"}}},
            "Second": {"code": NOTE_BODY, "pattern": {"source": ["first"]}, "bus": {"Ref": "Bus"}},
        },
        resources={"Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "mine"}}},
    )

    aws.send(event())
    summary = aws.drain(20)

    assert [invocation["function"] for invocation in summary.invocations] == ["First", "Second"]
    [body] = bodies(aws, "Second")
    assert {"version", "id", "time", "account", "region"} <= set(body)
    assert body["account"] == ACCOUNT_ID
    assert body["resources"] == ["arn:of:something"]
    assert (body["source"], body["detail-type"], body["detail"]) == ("first", "Found", {"level": "high"})
    [put] = aws.calls(caller="First", service="events")
    assert (put.action, put.status) == ("PutEvents", 200)


def test_put_events_refuses_sources_of_aws_and_malformed_details(run: Any) -> None:
    aws = run()

    answer = aws.client("events").put_events(
        Entries=[
            {"Source": "aws.sagemaker", "DetailType": "x", "Detail": "{}"},
            {"Source": "mine", "DetailType": "x", "Detail": "[]"},
            {"Source": "mine", "DetailType": "x", "Detail": "{}"},
        ]
    )

    codes = [entry.get("ErrorCode") for entry in answer["Entries"]]
    assert codes == ["NotAuthorizedForSourceException", "MalformedDetail", None]
    assert answer["FailedEntryCount"] == 2


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ({"detail": {"status": ["Failed", "Stopped"]}}, True),
        ({"detail": {"status": ["Completed"]}}, False),
        ({"detail": {"arn": [{"exists": True}]}}, True),
        ({"detail": {"arn": [{"exists": False}]}}, False),
        ({"detail": {"nothing": [{"exists": False}]}}, True),
        ({"detail": {"status": [{"anything-but": ["Completed"]}]}}, True),
        ({"detail": {"status": [{"anything-but": "Failed"}]}}, False),
        ({"detail": {"status": [{"anything-but": {"prefix": "Fail"}}]}}, False),
        ({"detail": {"nothing": [{"anything-but": "x"}]}}, False),
        ({"detail": {"arn": [{"prefix": "arn:aws:"}]}}, True),
        ({"detail": {"arn": [{"suffix": "/two"}]}}, False),
        ({"detail": {"count": [{"numeric": [">", 2, "<=", 3]}]}}, True),
        ({"detail": {"count": [{"numeric": ["<", 3]}]}}, False),
        ({"detail": {"tags": {"team": ["mlops"]}}}, True),
        ({"detail": {"tags": {"team": ["other"]}}}, False),
        ({"detail": {"empty": [None]}}, True),
        ({"detail": {"outputs": {"uri": [{"prefix": "s3://b"}]}}}, True),
        ({"detail": {"outputs": {"uri": [{"prefix": "s3://z"}]}}}, False),
        ({"detail": {"list": ["two"]}}, True),
        ({"detail": {"$or": [{"status": ["Completed"]}, {"count": [3]}]}}, True),
        ({"detail": {"arn": [{"wildcard": "arn:*:one/*"}]}}, True),
        ({"detail": {"status": [{"equals-ignore-case": "FAILED"}]}}, True),
        ({"detail-type": ["Other"]}, False),
    ],
)
def test_pattern_decides_which_events_a_rule_takes(
    run: Any, event: Any, pattern: dict[str, Any], matches: bool
) -> None:
    aws = run({"Worker": {"code": DO_NOTHING, "pattern": {"source": ["test"], **pattern}}})
    detail = {
        "status": "Failed",
        "arn": "arn:aws:thing:one/1",
        "count": 3,
        "empty": None,
        "tags": {"team": "mlops"},
        "list": ["one", "two"],
        "outputs": [{"uri": "s3://a"}, {"uri": "s3://b"}],
    }

    aws.send(event(**detail))

    assert len(aws.journal.since(0, ["matched"])) == (1 if matches else 0)


def test_disabled_rule_takes_nothing(run: Any, event: Any) -> None:
    aws = run({"Worker": {"code": DO_NOTHING}})
    aws.client("events").disable_rule(Name=aws.deployment.physical_id("WorkerRule"))

    aws.send(event())

    assert aws.drain(5).delivered == 0


def test_queue_without_a_policy_for_the_rule_gets_nothing_and_the_target_dlq_has_it(
    run: Any, event: Any
) -> None:
    resources = {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "RuleDeadLetters": {"Type": "AWS::SQS::Queue"},
        "OtherRule": {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"source": ["other"]}}},
        "QueuePolicy": queue_policy("Queue", "OtherRule"),
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": ["test"]},
                "Targets": [
                    {
                        "Id": "queue",
                        "Arn": {"Fn::GetAtt": ["Queue", "Arn"]},
                        "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["RuleDeadLetters", "Arn"]}},
                        "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 60},
                    }
                ],
            },
        },
    }
    aws = run(resources=resources)

    aws.send(event())

    [undelivered] = aws.drain(5).undelivered
    assert "does not let rule" in undelivered["reason"]
    letters = aws.client("sqs").receive_message(
        QueueUrl=aws.deployment.physical_id("RuleDeadLetters"), MessageAttributeNames=["All"]
    )["Messages"]
    assert [json.loads(letter["Body"])["id"] for letter in letters] == ["event-1"]
    assert letters[0]["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"


def test_archive_keeps_what_the_bus_carried_and_can_replay_it(run: Any) -> None:
    resources = {
        "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "mine"}},
        "Archive": {
            "Type": "AWS::Events::Archive",
            "Properties": {
                "SourceArn": {"Fn::GetAtt": ["Bus", "Arn"]},
                "EventPattern": {"source": ["kept"]},
                "RetentionDays": 30,
            },
        },
    }
    aws = run(
        {"Worker": {"code": NOTE_BODY, "pattern": {"source": ["kept"]}, "bus": {"Ref": "Bus"}}},
        resources=resources,
    )
    events = aws.client("events")
    for source in ("kept", "other"):
        events.put_events(
            Entries=[{"EventBusName": "mine", "Source": source, "DetailType": "x", "Detail": "{}"}]
        )
    aws.drain(20)
    archive = events.describe_archive(ArchiveName=aws.deployment.physical_id("Archive"))

    events.start_replay(
        ReplayName="again",
        EventSourceArn=archive["ArchiveArn"],
        EventStartTime=0,
        EventEndTime=4102444800,
        Destination={"Arn": archive["EventSourceArn"]},
    )
    aws.drain(20)

    assert archive["EventCount"] == 1
    assert [body.get("replay-name") for body in bodies(aws)] == [None, "again"]


def test_same_event_sent_several_times_keeps_its_id(run: Any, event: Any) -> None:
    aws = run({"Worker": {"code": NOTE_BODY}})

    aws.send(event("same"), times=3)
    aws.drain(20)

    assert [body["id"] for body in bodies(aws)] == ["same"] * 3
