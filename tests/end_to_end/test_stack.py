"""The whole template with the built artifacts: everything it declares is there, starts, and leads somewhere."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from embedded_aws import EmbeddedAws
from stationkeeper_command import project

from tests.world import ACCOUNT, REGION

ROLE = f"arn:aws:iam::{ACCOUNT}:role/churn-execution"
FUNCTIONS = {
    "MonitorReportFunction",
    "DriftPageFunction",
    "ReleaseFunction",
    "ArtifactSyncFunction",
    "AlarmResponseFunction",
    "RetrainingFunction",
    "JobReportFunction",
    "NotificationFunction",
    "SweepFunction",
}
_PARAMETERS = {
    "AlertEmail": "on-call@example.com",
    "ExecutionRoleArns": ROLE,
    "RetrainingPipelineArns": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/a,arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/b",
    "RetrainingCoolDownHours": "6",
    "JobNamePrefixes": "nightly-,churn-",
    "SubnetIds": "subnet-0000000000000001,subnet-0000000000000002",
    "SecurityGroupIds": "sg-0000000000000001",
}


@pytest.fixture(scope="module")
def aws(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    folder: Path = tmp_path_factory.mktemp("stack")
    with EmbeddedAws(
        project.BUILD,
        folder,
        project.RUNTIME_PYTHON,
        parameters={**_PARAMETERS, "Architecture": project.architecture()},
        stack_name="stationkeeper",
    ) as running:
        yield running


def test_every_function_is_deployed_and_starts(aws: EmbeddedAws) -> None:
    assert set(aws.functions) == FUNCTIONS
    for name in FUNCTIONS:
        result = aws.invoke(name, {"Records": []})

        # Powertools refuses an empty batch: the module was imported, its settings were read, the handler ran.
        assert result.error_type in (None, "UnexpectedBatchTypeError"), (name, aws.log(name))
        assert result.init_ms is not None


def test_everything_the_template_declares_is_there(aws: EmbeddedAws) -> None:
    assert {skipped.type for skipped in aws.deployment.skipped} == set()


def test_next_steps_name_what_was_deployed(aws: EmbeddedAws) -> None:
    outputs = aws.deployment.outputs
    steps = [outputs[name] for name in sorted(outputs) if name.startswith("NextStep")]

    assert len(steps) == 4
    assert all("${" not in step and "\n" not in step and len(step) <= 1024 for step in steps)
    assert "Confirm both e-mails that AWS sent to on-call@example.com" in steps[0]
    assert outputs["AlertTopicArn"] in steps[0]
    assert outputs["OperationsTopicArn"] in steps[0]
    assert f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/GROUP" in steps[1]
    assert "stationkeeper plan GROUP --stack stationkeeper" in steps[2]
    assert outputs["SeverityPolicyParameter"] in steps[3]


def _rules(aws: EmbeddedAws) -> list[tuple[str, dict[str, Any]]]:
    events = aws.client("events")
    buses = ["default", aws.deployment.outputs["EventBusName"]]
    return [
        (bus, rule)
        for bus in buses
        for rule in events.list_rules(EventBusName=bus)["Rules"]
        if "ManagedBy" not in rule
    ]


def test_every_rule_has_a_queue_that_takes_its_events_and_one_for_what_it_cannot_deliver(
    aws: EmbeddedAws,
) -> None:
    sqs = aws.client("sqs")
    arns = {
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        for url in sqs.list_queues()["QueueUrls"]
    }
    rules = _rules(aws)

    assert len(rules) == 16
    for bus, rule in rules:
        targets = aws.client("events").list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]
        # A monitoring job that ended is judged, and drawn.
        assert len(targets) == (2 if "MonitorReport" in rule["Name"] else 1), rule["Name"]
        for target in targets:
            assert {target["Arn"], target["DeadLetterConfig"]["Arn"]} <= arns


def test_every_queue_of_a_reaction_is_read_by_its_function(aws: EmbeddedAws) -> None:
    mappings = aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]

    read = {
        aws.deployment.logical_id(mapping["FunctionArn"].removesuffix(":$LATEST")): aws.deployment.logical_id(
            mapping["EventSourceArn"]
        )
        for mapping in mappings
    }
    assert read == {name: f"{name.removesuffix('Function')}Queue" for name in FUNCTIONS}
    assert all(mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for mapping in mappings)


def test_functions_are_told_the_parameters_they_go_by(aws: EmbeddedAws) -> None:
    definitions = aws.deployment.functions

    assert definitions["RetrainingFunction"].environment["RETRAINING_COOL_DOWN_HOURS"] == "6"
    assert definitions["JobReportFunction"].environment["JOB_NAME_PREFIXES"] == "nightly-,churn-"
    response = definitions["AlarmResponseFunction"].environment
    assert response["RELEASE_QUEUE_URL"] == aws.deployment.outputs["ReleaseQueueUrl"]
    assert response["ALARM_RESPONSE_QUEUE_URL"] == aws.deployment.outputs["AlarmResponseQueueUrl"]


def _statements(aws: EmbeddedAws, role: str) -> list[dict[str, Any]]:
    """What the role of a function allows."""
    document = aws.client("iam").get_role_policy(RoleName=role, PolicyName="react")["PolicyDocument"]
    # moto hands out a policy that CloudFormation made as Python would print it, with what is AWS::NoValue as None.
    statements: list[dict[str, Any] | None] = ast.literal_eval(str(document))["Statement"]
    return [one for one in statements if one is not None]


def test_only_the_named_pipelines_may_be_started(aws: EmbeddedAws) -> None:
    statements = _statements(aws, aws.deployment.physical_id("RetrainingRole"))
    starts = [one for one in statements if "StartPipelineExecution" in json.dumps(one["Action"])]

    assert [one["Resource"] for one in starts] == [_PARAMETERS["RetrainingPipelineArns"].split(",")]


def test_every_function_runs_in_the_vpc_and_may_make_its_interfaces(aws: EmbeddedAws) -> None:
    functions = aws.client("lambda").list_functions()["Functions"]

    assert len(functions) == len(FUNCTIONS)
    for function in functions:
        assert function["VpcConfig"]["SubnetIds"] == ["subnet-0000000000000001", "subnet-0000000000000002"]
        assert function["VpcConfig"]["SecurityGroupIds"] == ["sg-0000000000000001"]
        role = function["Role"].rpartition("/")[2]
        assert "NetworkInterfaces" in {one.get("Sid") for one in _statements(aws, role)}, role
