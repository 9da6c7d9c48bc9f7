"""Composite alarms follow their children, and their suppressors keep actions back."""

import json

import pytest
from embedded_aws.moto_additions.cloudwatch import put_alarm
from embedded_aws.moto_additions.cloudwatch.alarm_rule import parse
from moto.cloudwatch.exceptions import ValidationError

from tests.embedded_aws.alarm_account import ARN, CONFIGURATION, STATE_CHANGE, changes, composite, described
from tests.embedded_aws.sagemaker_account import ACCOUNT, REGION, Account, refused


@pytest.mark.parametrize(
    ("rule", "names", "holds"),
    [
        ('ALARM("red one")', ["red one"], True),
        ("ALARM(red one)", ["red one"], True),
        (f"ALARM({ARN}:red one)", ["red one"], True),
        ("OK(green) AND NOT ALARM(green)", ["green"], True),
        ("INSUFFICIENT_DATA(green)", ["green"], False),
        ("TRUE", [], True),
        ("NOT TRUE OR FALSE", [], False),
        ("TRUE OR TRUE AND FALSE", [], True),
        ("(TRUE OR TRUE) AND FALSE", [], False),
        ("NOT NOT (ALARM(green) OR (OK(red one)))", ["green", "red one"], False),
        ('ALARM("green")AND(ALARM(red one))', ["green", "red one"], False),
        ("OK(ORDERS) OR ALARM(NOTHING)", ["ORDERS", "NOTHING"], False),
    ],
)
def test_rules_are_read(rule: str, names: list[str], holds: bool) -> None:
    states = {"red one": "ALARM", "green": "OK"}

    read = parse(rule)

    assert list(read.names) == names
    assert read.holds(lambda name: states.get(name, "INSUFFICIENT_DATA")) is holds


@pytest.mark.parametrize(
    ("rule", "token", "at"),
    [("()", ")", 1), ("ALARM(a) ALARM(b)", "ALARM", 9), ("ALARM(a) AND", "", 12), ("errors", "errors", 0)],
)
def test_what_is_no_rule_is_refused(account: Account, rule: str, token: str, at: int) -> None:
    for name in "ab":
        account.alarm(name)

    with refused(f"Error in AlarmRule [Unsupported token '{token}' at char {at}]", "ValidationError"):
        composite(account, rule)
    with pytest.raises(ValidationError):
        put_alarm("service", {"AlarmRule": rule}, ACCOUNT, REGION)


def test_a_composite_alarm_needs_its_children(account: Account) -> None:
    account.alarm("errors")

    with refused(
        "Could not save the composite alarm as alarms [late, gone] in the alarm rule", "ValidationError"
    ):
        composite(account, "ALARM(errors) OR ALARM(late) OR ALARM(gone)")


def test_a_composite_alarm_follows_its_children(account: Account) -> None:
    for name in ("errors", "latency"):
        account.alarm(name)
    composite(account, "ALARM(errors) AND ALARM(latency)", AlarmDescription="both")
    assert described(account, "service")["StateValue"] == "OK"
    account.events.clear()

    for name, state in (("errors", "ALARM"), ("latency", "ALARM"), ("errors", "OK")):
        account.trip(name, state)

    assert changes(account) == [
        ("errors", "ALARM"),
        ("latency", "ALARM"),
        ("service", "ALARM"),
        ("errors", "OK"),
        ("service", "OK"),
    ]
    detail = account.of_type(STATE_CHANGE)[2]["detail"]
    assert detail["configuration"] == {
        "description": "both",
        "alarmRule": "ALARM(errors) AND ALARM(latency)",
    }
    assert detail["state"]["reason"].startswith(f"{ARN}:latency transitioned to ALARM at ")
    [trigger] = json.loads(detail["state"]["reasonData"])["triggeringAlarms"]
    assert (trigger["arn"], trigger["state"]["value"]) == (f"{ARN}:latency", "ALARM")
    assert "was created and its alarm rule evaluates to OK" in detail["previousState"]["reason"]


def test_composite_alarms_follow_composite_alarms_but_not_in_circles(account: Account) -> None:
    account.alarm("errors")
    composite(account, "ALARM(errors)", "team")
    composite(account, "ALARM(team)", "company")
    account.events.clear()

    # team looks at company, which looks at team: each moves once.
    composite(account, "ALARM(errors) OR NOT ALARM(company)", "team")

    assert changes(account) == [("team", "ALARM"), ("company", "ALARM")]


def test_an_update_of_the_rule_is_evaluated(account: Account) -> None:
    account.alarm("errors")
    composite(account, "ALARM(errors)")

    composite(account, "NOT ALARM(errors)")

    assert changes(account) == [("service", "OK"), ("service", "ALARM")]
    update = account.of_type(CONFIGURATION)[-1]["detail"]
    assert update["operation"] == "update"
    assert update["previousConfiguration"]["alarmRule"] == "ALARM(errors)"
    assert update["configuration"]["alarmRule"] == "NOT ALARM(errors)"


def test_a_suppressor_keeps_actions_back(account: Account) -> None:
    for name in ("errors", "maintenance"):
        account.alarm(name)
    account.trip("maintenance")
    composite(
        account,
        "ALARM(errors)",
        ActionsSuppressor="maintenance",
        ActionsSuppressorWaitPeriod=120,
        ActionsSuppressorExtensionPeriod=180,
    )

    account.trip("errors")

    detail = account.of_type(STATE_CHANGE)[-1]["detail"]
    assert detail["state"]["actionsSuppressedBy"] == "AlarmSuppressor"
    assert detail["configuration"] == {
        "alarmRule": "ALARM(errors)",
        "actionsSuppressor": "maintenance",
        "actionsSuppressorWaitPeriod": 120,
        "actionsSuppressorExtensionPeriod": 180,
    }
    alarm = described(account, "service")
    assert alarm["ActionsSuppressedBy"] == "Alarm"
    assert (alarm["ActionsSuppressor"], alarm["ActionsSuppressorWaitPeriod"]) == ("maintenance", 120)


def test_actions_wait_for_the_suppressor(account: Account) -> None:
    for name in ("errors", "maintenance"):
        account.alarm(name)
    composite(
        account,
        "ALARM(errors)",
        ActionsSuppressor=f"{ARN}:maintenance",
        ActionsSuppressorWaitPeriod=120,
        ActionsSuppressorExtensionPeriod=180,
    )

    account.trip("errors")

    assert account.of_type(STATE_CHANGE)[-1]["detail"]["state"]["actionsSuppressedBy"] == "WaitPeriod"
    assert described(account, "service")["ActionsSuppressedBy"] == "WaitPeriod"
    account.sim.advance(130)
    assert "ActionsSuppressedBy" not in described(account, "service")
