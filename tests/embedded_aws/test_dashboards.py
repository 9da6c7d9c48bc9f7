"""Dashboards of a template are created, updated and deleted with it."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from embedded_aws.moto_additions import cloudformation

from tests.embedded_aws.sagemaker_account import Account, refused

EMPTY = '{"widgets": []}'


@pytest.fixture
def stacks(account: Account) -> Iterator[Any]:
    with cloudformation.installed():
        yield boto3.client("cloudformation")


def template(body: Any = EMPTY, **properties: Any) -> str:
    dashboard = {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": body, **properties}}
    outputs = {"Name": {"Value": {"Ref": "Board"}}}
    return json.dumps({"Resources": {"Board": dashboard}, "Outputs": outputs})


def dashboards() -> dict[str, Any]:
    """Bodies by name."""
    cloudwatch = boto3.client("cloudwatch")
    names = [entry["DashboardName"] for entry in cloudwatch.list_dashboards()["DashboardEntries"]]
    return {name: json.loads(cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"]) for name in names}


def test_dashboard_lives_with_its_stack(stacks: Any) -> None:
    text = {"Fn::Sub": '{"widgets": [{"region": "${AWS::Region}"}]}'}
    stacks.create_stack(StackName="s", TemplateBody=template(text, DashboardName="houses"))
    created = dashboards()
    [output] = stacks.describe_stacks(StackName="s")["Stacks"][0]["Outputs"]
    stacks.update_stack(StackName="s", TemplateBody=template(DashboardName="houses"))
    updated = dashboards()
    stacks.update_stack(StackName="s", TemplateBody=template(DashboardName="flats"))
    renamed = dashboards()
    stacks.delete_stack(StackName="s")

    assert output["OutputValue"] == "houses"
    assert created == {"houses": {"widgets": [{"region": "eu-west-1"}]}}
    assert updated == {"houses": {"widgets": []}}
    assert renamed == {"flats": {"widgets": []}}
    assert dashboards() == {}


def test_dashboard_without_a_name_keeps_the_one_it_gets(stacks: Any) -> None:
    stacks.create_stack(StackName="s", TemplateBody=template())
    [name] = dashboards()
    stacks.update_stack(StackName="s", TemplateBody=template('{"widgets": [1]}'))

    assert name.startswith("s-Board-")
    assert dashboards() == {name: {"widgets": [1]}}
    stacks.delete_stack(StackName="s")
    assert dashboards() == {}


@pytest.mark.parametrize("body", ["{widgets}", "[]", {"widgets": []}])
def test_body_has_to_be_the_text_of_an_object(stacks: Any, body: Any) -> None:
    with refused("DashboardBody", "ValidationError"):
        stacks.create_stack(StackName="s", TemplateBody=template(body))
    assert dashboards() == {}


def test_embedded_stack_has_its_dashboard(run: Any) -> None:
    aws = run(
        resources={"Board": {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": EMPTY}}}
    )

    assert aws.deployment.skipped == ()
    found = aws.client("cloudwatch").get_dashboard(DashboardName=aws.deployment.physical_id("Board"))
    assert found["DashboardBody"] == EMPTY
