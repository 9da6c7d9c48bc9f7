"""A rule for jobs with a certain tag: the pattern takes tags as a map and as a list; the event has what is needed."""

import json
from typing import Any

import boto3
import pytest
from embedded_aws.moto_additions.events import deliver, installed

from tests.embedded_aws.sagemaker_account import ACCOUNT, REGION, Account
from tests.embedded_aws.test_sagemaker_jobs import TRAINING_STATE, train, trained

TAG = "stationkeeper:multi-model-endpoint"
PATTERN = {
    "source": ["aws.sagemaker"],
    "detail": {"$or": [{"Tags": {TAG: [{"exists": True}]}}, {"Tags": {"Key": [TAG]}}]},
}


def received(*events: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of the events that a rule with the pattern sends to its queue."""
    sqs, bus = boto3.client("sqs"), boto3.client("events")
    rule = bus.put_rule(Name="r", EventPattern=json.dumps(PATTERN))["RuleArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    policy = json.dumps({"Statement": [statement]})
    url = sqs.create_queue(QueueName="q", Attributes={"Policy": policy})["QueueUrl"]
    bus.put_targets(Rule="r", Targets=[{"Id": "q", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"}])
    with installed(lambda *_: None, lambda *_: None):
        for event in events:
            deliver(event, ACCOUNT, REGION)
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in messages]


@pytest.mark.parametrize(
    ("detail", "matches"),
    [
        ({"Tags": {TAG: "houses"}}, True),
        ({"Tags": {TAG: ""}}, True),
        ({"Tags": {"team": "mlops", TAG: "houses"}}, True),
        ({"Tags": {"team": TAG}}, False),
        ({"Tags": {}}, False),
        ({"Tags": None}, False),
        ({"Tags": []}, False),
        ({}, False),
        ({"Tags": [{"Key": TAG, "Value": "houses"}]}, True),
        ({"Tags": [{"Key": "team", "Value": "mlops"}, {"Key": TAG, "Value": "houses"}]}, True),
        ({"Tags": [{"Key": "team", "Value": TAG}]}, False),
    ],
)
def test_pattern_takes_what_has_the_tag(account: Account, detail: dict[str, Any], matches: bool) -> None:
    event = {"source": "aws.sagemaker", "detail-type": TRAINING_STATE, "detail": detail}

    assert received(event) == ([event] if matches else [])


def test_event_of_a_tagged_job_arrives_with_what_the_api_says(account: Account) -> None:
    train(account, "tagged", Tags=[{"Key": TAG, "Value": "houses"}])
    train(account, "other", Tags=[])
    account.sim.settle()

    completed = [
        event["detail"]
        for event in received(*account.events)
        if event["detail"]["TrainingJobStatus"] == "Completed"
    ]

    [detail] = completed
    found = trained(account, "tagged")
    assert detail["Tags"] == {TAG: "houses"}
    assert detail["TrainingJobName"] == "tagged"
    assert detail["OutputDataConfig"] == found["OutputDataConfig"]
    assert detail["CreationTime"] == round(found["CreationTime"].timestamp() * 1000)
    # The documented event does not have the artifacts; the API does.
    assert "ModelArtifacts" not in detail
    assert found["ModelArtifacts"]["S3ModelArtifacts"] == "s3://bucket/models/tagged/output/model.tar.gz"
