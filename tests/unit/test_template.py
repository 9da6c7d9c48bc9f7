"""What AWS refuses, or the README promises, and neither linter nor moto checks."""

from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

TEMPLATE = yaml_parse((Path(__file__).parents[2] / "template.yaml").read_text(encoding="utf-8"))
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
FUNCTIONS_OF_RULES = {
    *(
        "Fn::And",
        "Fn::Contains",
        "Fn::EachMemberEquals",
        "Fn::EachMemberIn",
        "Fn::Equals",
        "Fn::Not",
        "Fn::Or",
    ),
    *("Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll", "Ref"),
}
REACTIONS = ["MonitorReport", "Notification"]


def of_type(kind: str) -> dict[str, Any]:
    return {name: resource["Properties"] for name, resource in RESOURCES.items() if resource["Type"] == kind}


def functions_in(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(functions_in, node))
    if not isinstance(node, dict):
        return set()
    return {key for key in node if key.startswith("Fn::") or key == "Ref"}.union(
        *map(functions_in, node.values())
    )


def test_rules_of_parameters_use_only_what_cloudformation_allows_there():
    assert functions_in(TEMPLATE["Rules"]) <= FUNCTIONS_OF_RULES


def test_a_topic_policy_is_about_one_topic():
    policies = of_type("AWS::SNS::TopicPolicy").values()

    assert policies
    for policy in policies:
        assert len(policy["Topics"]) == 1
        for statement in policy["PolicyDocument"]["Statement"]:
            assert [statement["Resource"]] == policy["Topics"]


def test_a_statement_of_a_queue_policy_names_no_two_queues():
    for policy in of_type("AWS::SQS::QueuePolicy").values():
        assert all(statement["Resource"] == "*" for statement in policy["PolicyDocument"]["Statement"])


@pytest.mark.parametrize("reaction", REACTIONS)
def test_a_message_stays_hidden_for_six_times_the_functions_timeout(reaction):
    timeout = RESOURCES[f"{reaction}Function"]["Properties"]["Timeout"]

    assert RESOURCES[f"{reaction}Queue"]["Properties"]["VisibilityTimeout"] >= 6 * timeout


@pytest.mark.parametrize("reaction", REACTIONS)
def test_what_cannot_be_handled_is_kept_for_fourteen_days_and_told(reaction):
    dead_letters = f"{reaction}DeadLetters"

    assert RESOURCES[dead_letters]["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert RESOURCES[f"{reaction}Queue"]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"] == {
        "Fn::GetAtt": [dead_letters, "Arn"]
    }
    assert RESOURCES[f"{reaction}DeadLetterAlarm"]["Properties"]["AlarmActions"] == [
        {"Ref": "OperationsTopic"}
    ]


def test_every_rule_has_dead_letters_for_its_target_and_may_send_to_its_queue():
    allowed = [
        statement["Condition"]["ArnEquals"]["aws:SourceArn"]
        for policy in of_type("AWS::SQS::QueuePolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    sources = [source for some in allowed for source in (some if isinstance(some, list) else [some])]

    for name, rule in of_type("AWS::Events::Rule").items():
        assert all("DeadLetterConfig" in target for target in rule["Targets"])
        assert {"Fn::GetAtt": [name, "Arn"]} in sources


def test_queues_are_encrypted():
    assert all(queue["SqsManagedSseEnabled"] is True for queue in of_type("AWS::SQS::Queue").values())
