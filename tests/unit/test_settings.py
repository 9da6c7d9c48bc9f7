"""A function with a wrong environment says so when it starts, and names what is wrong."""

import pytest
from stationkeeper.errors import InvalidSettings
from stationkeeper.settings import MonitorReportSettings, NotificationSettings

MONITOR_REPORT = {
    "STATE_TABLE_NAME": "state",
    "EVENT_BUS_NAME": "stationkeeper",
    "SEVERITY_POLICY_PARAMETER": "/stationkeeper/severity-policy",
    "REPORT_SIZE_LIMIT_MEGABYTES": "128",
    "REPORT_BUCKET": "stationkeeper-reports",
    "AWS_REGION": "eu-west-1",
    "ON_CALL": "ml-on-call",
}
NOTIFICATION = {
    "STATE_TABLE_NAME": "state",
    "ALERT_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:alerts",
    "CHAT_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:chat",
    "EVENT_BUS_NAME": "stationkeeper",
    "SEVERITY_POLICY_PARAMETER": "/stationkeeper/severity-policy",
}
EACH_VARIABLE = [
    pytest.param(settings, environment, name, id=f"{settings.__name__}-{name}")
    for settings, environment in (
        (MonitorReportSettings, MONITOR_REPORT),
        (NotificationSettings, NOTIFICATION),
    )
    for name in environment
]


def test_settings_are_read_from_variables_in_upper_case():
    settings = MonitorReportSettings.from_environment(MONITOR_REPORT)

    assert settings.state_table_name == "state"
    assert settings.event_bus_name == "stationkeeper"
    assert settings.severity_policy_parameter == "/stationkeeper/severity-policy"
    assert settings.report_size_limit_megabytes == 128
    assert settings.on_call == "ml-on-call"


def test_variables_of_the_runtime_do_not_disturb():
    environment = {
        **NOTIFICATION,
        "AWS_REGION": "eu-west-1",
        "PATH": "/usr/bin",
        "LAMBDA_TASK_ROOT": "/var/task",
    }

    settings = NotificationSettings.from_environment(environment)

    assert settings.runbook_url == ""
    assert settings.alert_topic_arn == "arn:aws:sns:eu-west-1:123456789012:alerts"


@pytest.mark.parametrize(("settings", "environment", "name"), EACH_VARIABLE)
def test_a_missing_variable_is_named(settings, environment, name):
    without = {key: value for key, value in environment.items() if key != name}

    with pytest.raises(InvalidSettings, match=name):
        settings.from_environment(without)


@pytest.mark.parametrize(("settings", "environment", "name"), EACH_VARIABLE)
def test_an_empty_variable_is_named(settings, environment, name):
    with pytest.raises(InvalidSettings, match=name):
        settings.from_environment({**environment, name: ""})


def test_all_missing_variables_are_named_at_once():
    with pytest.raises(InvalidSettings) as refusal:
        MonitorReportSettings.from_environment({})

    assert all(name in str(refusal.value) for name in MONITOR_REPORT)


@pytest.mark.parametrize("limit", ["0", "161", "-1", "a lot", "1.5", "NaN"])
def test_a_size_limit_that_cannot_work_is_refused(limit):
    with pytest.raises(InvalidSettings, match="REPORT_SIZE_LIMIT_MEGABYTES"):
        MonitorReportSettings.from_environment({**MONITOR_REPORT, "REPORT_SIZE_LIMIT_MEGABYTES": limit})


@pytest.mark.parametrize("limit", ["1", "128"])
def test_a_size_limit_at_its_bounds_is_taken(limit):
    settings = MonitorReportSettings.from_environment(
        {**MONITOR_REPORT, "REPORT_SIZE_LIMIT_MEGABYTES": limit}
    )

    assert settings.report_size_limit_megabytes == int(limit)


def test_settings_cannot_be_changed_afterwards():
    settings = NotificationSettings.from_environment(NOTIFICATION)

    with pytest.raises(ValueError, match="frozen"):
        settings.state_table_name = "another"
