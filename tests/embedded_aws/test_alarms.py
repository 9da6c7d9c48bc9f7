"""Alarms: put, changed, listed, tagged and deleted; here, over HTTP and from templates."""

from typing import Any

import pytest

from tests.embedded_aws.alarm_account import (
    ARN,
    CONFIGURATION,
    STATE_CHANGE,
    changes,
    composite,
    described,
    math_alarm,
    statistic,
)
from tests.embedded_aws.sagemaker_account import Account, blue_green, refused


def test_a_new_alarm_has_no_data_and_changes_nothing(account: Account) -> None:
    account.alarm("errors")

    alarm = described(account, "errors")
    assert alarm["StateValue"] == "INSUFFICIENT_DATA"
    assert alarm["StateReason"] == "Unchecked: Initial alarm creation"
    assert "StateReasonData" not in alarm
    assert account.of_type(STATE_CHANGE) == []
    [event] = account.of_type(CONFIGURATION)
    assert event["detail"]["operation"] == "create"


def test_put_again_it_keeps_its_state_arn_and_tags(account: Account) -> None:
    account.alarm("errors")
    account.cloudwatch.tag_resource(ResourceARN=f"{ARN}:errors", Tags=[{"Key": "team", "Value": "mlops"}])
    account.trip("errors")
    before = described(account, "errors")

    math_alarm(account, "errors", statistic("m1", "Errors", returned=True), Tags=[{"Key": "a", "Value": "1"}])

    after = described(account, "errors")
    for kept in (
        "AlarmArn",
        "StateValue",
        "StateReason",
        "StateUpdatedTimestamp",
        "StateTransitionedTimestamp",
    ):
        assert after[kept] == before[kept]
    assert after["Metrics"][0]["Id"] == "m1"
    assert account.cloudwatch.list_tags_for_resource(ResourceARN=f"{ARN}:errors")["Tags"] == [
        {"Key": "team", "Value": "mlops"}
    ]
    assert changes(account) == [("errors", "ALARM")]


def test_only_another_state_is_told(account: Account) -> None:
    account.alarm("errors")

    for state in ("OK", "OK", "ALARM", "ALARM", "INSUFFICIENT_DATA"):
        account.trip("errors", state)

    assert changes(account) == [("errors", "OK"), ("errors", "ALARM"), ("errors", "INSUFFICIENT_DATA")]


def test_impossible_states_are_refused(account: Account) -> None:
    account.alarm("errors")

    with refused("Member must satisfy enum value set", "ValidationError"):
        account.trip("errors", "RED")
    with refused("", "ResourceNotFound"):
        account.trip("nothing")
    with refused("", "InvalidFormat"):
        account.cloudwatch.set_alarm_state(
            AlarmName="errors", StateValue="ALARM", StateReason="r", StateReasonData="no JSON"
        )
    assert changes(account) == []


@pytest.mark.parametrize("state", ["INSUFFICIENT_DATA", "OK"])
def test_a_deployment_bakes_on_under_an_alarm_without_data(account: Account, state: str) -> None:
    account.endpoint()
    account.alarm("errors")
    account.trip("errors", state)
    account.config("churn-2")

    account.update("churn-2", DeploymentConfig=blue_green("ALL_AT_ONCE", "errors"))
    account.sim.settle()

    assert account.state() == ("InService", "churn-2")


def test_a_deployment_is_called_off_by_a_composite_alarm(account: Account) -> None:
    account.endpoint()
    account.alarm("errors")
    composite(account, "ALARM(errors)")
    account.config("churn-2")
    account.update("churn-2", DeploymentConfig=blue_green("ALL_AT_ONCE", "service"))
    account.sim.advance(500)

    account.trip("errors")
    account.sim.settle()

    assert account.state() == ("InService", "churn-1")


def test_alarms_are_listed_by_kind_state_and_kinship(account: Account) -> None:
    for name in ("errors", "latency", "orders"):
        account.alarm(name)
    account.trip("errors")
    composite(account, "ALARM(errors) OR ALARM(latency)")
    composite(account, "ALARM(service)", "company")

    def listed(**filters: Any) -> list[list[str]]:
        answer = account.cloudwatch.describe_alarms(**filters)
        return [
            [alarm["AlarmName"] for alarm in answer[kind]] for kind in ("MetricAlarms", "CompositeAlarms")
        ]

    both = ["MetricAlarm", "CompositeAlarm"]
    assert listed() == [["errors", "latency", "orders"], []]
    assert listed(AlarmTypes=["CompositeAlarm"]) == [[], ["service", "company"]]
    assert listed(AlarmTypes=both, StateValue="ALARM") == [["errors"], ["service", "company"]]
    assert listed(AlarmTypes=both, AlarmNamePrefix="o") == [["orders"], []]
    assert listed(ChildrenOfAlarmName="service") == [["errors", "latency"], []]
    assert listed(ChildrenOfAlarmName="company") == [[], ["service"]]
    assert listed(ParentsOfAlarmName="errors") == [[], ["service"]]
    with refused("", "ValidationError"):
        listed(ChildrenOfAlarmName="service", StateValue="OK")
    pages = account.cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmTypes=both, PaginationConfig={"PageSize": 2}
    )
    assert [len(page["MetricAlarms"]) + len(page["CompositeAlarms"]) for page in pages] == [2, 2, 1]


def test_both_kinds_are_deleted_parents_first(account: Account) -> None:
    tags = [{"Key": "team", "Value": "mlops"}]
    account.alarm("errors")
    account.alarm("latency")
    account.cloudwatch.tag_resource(ResourceARN=f"{ARN}:errors", Tags=tags)
    composite(account, "ALARM(errors) OR ALARM(latency)")

    with refused("Cannot delete errors as there are composite alarm(s) depending on it.", "ValidationError"):
        account.cloudwatch.delete_alarms(AlarmNames=["errors"])
    account.cloudwatch.delete_alarms(AlarmNames=["service", "unheard-of"])
    account.cloudwatch.delete_alarms(AlarmNames=["errors", "latency"])

    assert (
        account.cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])["MetricAlarms"] == []
    )
    operations = [event["detail"]["operation"] for event in account.of_type(CONFIGURATION)]
    assert operations == ["create"] * 3 + ["delete"] * 3
    account.alarm("errors")
    assert account.cloudwatch.list_tags_for_resource(ResourceARN=f"{ARN}:errors")["Tags"] == []


@pytest.mark.parametrize("name", ["errors", "service"])
def test_both_kinds_are_tagged(account: Account, name: str) -> None:
    account.alarm("errors")
    composite(account, "ALARM(errors)", Tags=[{"Key": "managed-by", "Value": "test"}])
    cloudwatch, arn = account.cloudwatch, f"{ARN}:{name}"

    cloudwatch.untag_resource(ResourceARN=arn, TagKeys=["managed-by"])
    assert cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == []
    cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "team", "Value": "mlops"}])

    found = account.tagging.get_resources(
        ResourceTypeFilters=["cloudwatch:alarm"], TagFilters=[{"Key": "team", "Values": ["mlops"]}]
    )["ResourceTagMappingList"]
    assert [item["ResourceARN"] for item in found] == [arn]
    for call in (
        cloudwatch.list_tags_for_resource,
        lambda **of: cloudwatch.untag_resource(TagKeys=["a"], **of),
    ):
        with refused("", "ResourceNotFoundException"):
            call(ResourceARN=f"{ARN}:gone")


def test_templates_and_other_processes_have_them_too(run: Any) -> None:
    errors = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": "errors",
            "Namespace": "AWS/SageMaker",
            "MetricName": "Errors",
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 0,
            "ComparisonOperator": "GreaterThanThreshold",
        },
    }
    service = {
        "Type": "AWS::CloudWatch::CompositeAlarm",
        "Properties": {
            "AlarmName": "service",
            "AlarmRule": {"Fn::Sub": "ALARM(${Errors})"},
            "ActionsSuppressor": {"Ref": "Errors"},
            "ActionsSuppressorWaitPeriod": 60,
            "ActionsSuppressorExtensionPeriod": "60",
        },
    }
    aws = run(resources={"Service": service, "Errors": errors})
    cloudwatch = aws.client("cloudwatch")
    cloudwatch.put_composite_alarm(AlarmName="company", AlarmRule='ALARM("service")')

    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="r")

    found = cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"], StateValue="ALARM")
    assert [alarm["AlarmName"] for alarm in found["MetricAlarms"]] == ["errors"]
    assert [alarm["AlarmName"] for alarm in found["CompositeAlarms"]] == ["service", "company"]
    assert found["CompositeAlarms"][0]["ActionsSuppressorExtensionPeriod"] == 60
    told = [entry.facts["detail_type"] for entry in aws.journal.since(0, ["event"])]
    # Each composite alarm left INSUFFICIENT_DATA when it was put, and then all three went red.
    assert told.count(STATE_CHANGE) == 5
    with refused("", "ResourceNotFound"):
        cloudwatch.set_alarm_state(AlarmName="gone", StateValue="ALARM", StateReason="r")
