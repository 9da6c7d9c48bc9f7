"""Events of CloudWatch alarms: read when they tell name, state and time, whatever else they hold."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.errors import InvalidEvent
from stationkeeper.events.alarm import AlarmConfiguration, AlarmStateChange, alarm_name_of

from tests.real import read, read_json, real_files

ARN = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:"
SAMPLES = Path(__file__).resolve().parents[2] / "events"


def event(
    state: dict[str, Any] | None = None, envelope: dict[str, Any] | None = None, **detail: Any
) -> dict[str, Any]:
    """An alarm's event with nothing but what is required."""
    return {
        "id": "1",
        "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change",
        "account": "123456789012",
        "region": "eu-west-1",
        "time": "2026-11-23T17:21:12Z",
        "detail": {"alarmName": "slow", "state": {"value": "ALARM", **(state or {})}, **detail},
        **(envelope or {}),
    }


def sample(name: str) -> AlarmStateChange:
    return AlarmStateChange.parse((SAMPLES / f"{name}.json").read_text())


# The service's own


@pytest.mark.parametrize("path", real_files("events/cloudwatch-alarm-state-change--*.json"))
def test_real_event_is_read(path):
    document = read_json(path)

    change = AlarmStateChange.parse(read(path))

    assert change == AlarmStateChange.parse(document)
    assert change.detail.alarm_name == document["detail"]["alarmName"]
    assert change.alarm_arn == document["resources"][0] == ARN_OF_REAL + change.detail.alarm_name
    assert change.identity == change.detail.alarm_name
    assert change.at.isoformat(timespec="milliseconds") == document["detail"]["state"]["timestamp"].replace(
        "+0000", "+00:00"
    )
    assert change.detail.state.value == "ALARM"
    assert change.detail.previous_state is not None
    assert change.detail.previous_state.value == document["detail"]["previousState"]["value"]


ARN_OF_REAL = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:"


@pytest.mark.parametrize(
    ("pattern", "points", "threshold", "band"),
    [
        ("1db40d", (0.0,), None, ((0.020599444741798756,), (0.3006915352732461,))),
        ("63dc80", (20000.0, 20000.0, 20000.0), 0.0, ((), ())),
        ("a45272", (), None, ((), ())),
        ("c41850", (45628.0,), 10000.0, ((), ())),
        ("fc9e8c", (99.50160229693434,), 50.0, ((), ())),
    ],
)
def test_real_reasons_are_decoded(pattern, points, threshold, band):
    [path] = real_files(f"events/cloudwatch-alarm-state-change--*{pattern}.json")

    data = AlarmStateChange.parse(read(path.values[0])).detail.state.reason_data

    assert (data.recent_datapoints, data.threshold) == (points, threshold)
    assert (data.recent_lower_thresholds, data.recent_upper_thresholds) == band


@pytest.mark.parametrize("path", real_files("events/*.json"))
def test_every_other_real_event_is_refused(path):
    if path.name.startswith("cloudwatch-alarm-state-change"):
        return

    with pytest.raises(InvalidEvent):
        AlarmStateChange.parse(read(path))


def test_real_wait_for_a_suppressor_is_told():
    [path] = real_files("events/cloudwatch-alarm-state-change--*a45272.json")

    assert AlarmStateChange.parse(read(path.values[0])).muted == (
        "waiting for its suppressor alarm ServiceMaintenanceAlarm before it acts"
    )


# Our samples


@pytest.mark.parametrize(
    ("name", "identity", "value", "muted"),
    [
        ("alarm-raised", "churn-prod-latency", "ALARM", ""),
        ("alarm-cleared", "churn-prod-latency", "OK", ""),
        (
            "alarm-composite",
            "churn-prod is ill",
            "ALARM",
            "waiting for its suppressor alarm maintenance before it acts",
        ),
        (
            "alarm-contributor",
            "any-endpoint-slow#3b1f0e9a7c5d2846",
            "ALARM",
            "muted by the mute rule monday-load-test until 23 Nov 2026 19:00 UTC",
        ),
    ],
)
def test_sample_is_read(name, identity, value, muted):
    change = sample(name)

    assert (change.identity, change.detail.state.value, change.muted) == (identity, value, muted)
    assert change.alarm_arn == ARN + change.detail.alarm_name


def test_contributor_has_no_previous_state_and_its_tags():
    change = sample("alarm-contributor").detail

    assert (change.previous_state, change.alarm_tags, change.alarm_tags_status) == (
        None,
        {"team": "retention"},
        "SUCCESS",
    )
    assert change.alarm_contributor is not None
    assert change.alarm_contributor.attributes == {"EndpointName": "churn-prod", "VariantName": "AllTraffic"}


# What is required


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (event(alarmName=""), "detail.alarmName"),
        (event(alarmName=None), "detail.alarmName"),
        (event({"value": "PANIC"}), "detail.state.value"),
        (event({"value": None}), "detail.state.value"),
        ({**event(), "detail": {"alarmName": "slow"}}, "detail.state"),
        ({**event(), "detail": {"state": {"value": "OK"}}}, "detail.alarmName"),
        ({**event(), "detail": None}, "detail"),
        (event(envelope={"time": "yesterday"}), "time"),
        (event(envelope={"source": "mallory"}), "source"),
        (event(envelope={"detail-type": "CloudWatch Alarm Configuration Change"}), "detail-type"),
    ],
)
def test_event_without_what_is_required_is_refused_by_field(document, field):
    with pytest.raises(InvalidEvent, match=rf"{field}:"):
        AlarmStateChange.parse(document)


def test_event_with_nothing_else_is_read():
    change = AlarmStateChange.parse(event())

    assert change.at == datetime(2026, 11, 23, 17, 21, 12, tzinfo=UTC)
    assert (change.alarm_arn, change.identity, change.muted) == (f"{ARN}slow", "slow", "")


@pytest.mark.parametrize("absent", [None, "", "soon", {}, [], "0001-01-01T00:00:00+14:00", "1e400"])
def test_time_of_the_event_stands_in_for_an_unreadable_one(absent):
    change = AlarmStateChange.parse(event({"timestamp": absent}))

    assert change.at == datetime(2026, 11, 23, 17, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "timestamp",
    ["2019-10-02T17:20:48.554+0000", "2019-10-02T19:20:48.554+02:00", "1570036848554", 1570036848.554],
)
def test_time_is_read_in_every_spelling(timestamp):
    change = AlarmStateChange.parse(json.dumps(event({"timestamp": timestamp})))

    assert change.at == datetime(2019, 10, 2, 17, 20, 48, 554000, tzinfo=UTC)


# What is not of its form is absent

WRONG: list[Any] = [None, "", 7, True, "text", [], {}, [[]], [None], {"a": {"b": 1}}, float("nan")]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(
    "field",
    [
        "previousState",
        "configuration",
        "alarmContributor",
        "alarmTags",
        "alarmTagsStatus",
        "muteDetail",
        "new",
    ],
)
def test_wrong_detail_does_not_lose_the_alarm(field, wrong):
    change = AlarmStateChange.parse(event(**{field: wrong}))

    assert change.identity == "slow"


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(
    "field", ["description", "metrics", "alarmRule", "actionsSuppressor", "evaluationCriteria"]
)
def test_wrong_configuration_does_not_lose_the_alarm(field, wrong):
    configuration = AlarmStateChange.parse(event(configuration={field: wrong})).detail.configuration

    assert configuration is not None


def test_wrong_metric_does_not_lose_the_others():
    metrics = [{"id": "a"}, None, "x", {"id": "b", "metricStat": {"period": "?"}, "returnData": "maybe"}]

    configuration = AlarmStateChange.parse(event(configuration={"metrics": metrics})).detail.configuration

    assert configuration is not None
    assert [query.id for query in configuration.metrics] == ["a", "b"]


@pytest.mark.parametrize(
    "data",
    [
        "",
        "{",
        "null",
        "[1]",
        '"text"',
        "[" * 100_000,
        "1" * 10_000,
        '{"threshold": "high", "recentDatapoints": 3, "triggeringAlarms": {}}',
        '{"threshold": {}, "recentDatapoints": [null, "x", {}], "triggeringAlarms": [null, {}, {"arn": ""}]}',
        f'{{"threshold": {"9" * 4_000}}}',
        '{"filler": "' + "x" * 300_000 + '"}',
        7,
        [],
        None,
    ],
)
def test_broken_reason_data_is_empty(data):
    read_data = AlarmStateChange.parse(event({"reasonData": data})).detail.state.reason_data

    assert (read_data.recent_datapoints, read_data.threshold, read_data.triggering_alarms) == ((), None, ())


@pytest.mark.parametrize("encode", [dict, json.dumps])
def test_reason_data_may_be_an_object(encode):
    data = encode({"threshold": 5, "recentDatapoints": [1, "NaN", None, 7.5]})

    read_data = AlarmStateChange.parse(event({"reasonData": data})).detail.state.reason_data

    assert read_data.threshold == 5
    assert read_data.recent_datapoints[-1] == 7.5


def test_fifty_metrics_are_read():
    metrics = [{"id": f"m{number}", "returnData": False} for number in range(50)]

    configuration = AlarmStateChange.parse(event(configuration={"metrics": metrics})).detail.configuration

    assert configuration is not None
    assert len(configuration.metrics) == 50


# Who it is, and whether it acts


@pytest.mark.parametrize(
    ("resources", "arn"),
    [
        ([], f"{ARN}slow"),
        (None, f"{ARN}slow"),
        (["arn:aws:sns:eu-west-1:1:topic", f"{ARN}slow"], f"{ARN}slow"),
        (
            ["arn:aws-cn:cloudwatch:cn-north-1:1:alarm:with:colons and spaces"],
            "arn:aws-cn:cloudwatch:cn-north-1:1:alarm:with:colons and spaces",
        ),
        ([None, 3], f"{ARN}slow"),
    ],
)
def test_arn_is_the_event_s_or_made_of_the_name(resources, arn):
    assert AlarmStateChange.parse(event(envelope={"resources": resources})).alarm_arn == arn


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("slow", "slow"),
        (f"{ARN}slow", "slow"),
        (f"{ARN}a:b:c", "a:b:c"),
        ("a:b:c:d:e:alarm:g", "a:b:c:d:e:alarm:g"),
        (
            "arn:aws:cloudwatch:eu-west-1:1:alarm-mute-rule:x",
            "arn:aws:cloudwatch:eu-west-1:1:alarm-mute-rule:x",
        ),
        ("", ""),
    ],
)
def test_alarm_is_named_by_name_or_arn(reference, name):
    assert alarm_name_of(reference) == name


RULE = "arn:aws:cloudwatch:eu-west-1:1:alarm-mute-rule:night"


@pytest.mark.parametrize(
    ("state", "detail", "muted"),
    [
        ({}, {"muteDetail": {"mutedByArn": RULE}}, "muted by the mute rule night"),
        ({}, {"muteDetail": {}}, "muted by a mute rule"),
        (
            {},
            {"muteDetail": {"mutedByArn": RULE, "muteWindowEnd": "2026-01-02T04:00:00.000Z"}},
            "muted by the mute rule night until 2 Jan 2026 04:00 UTC",
        ),
        ({}, {"muteDetail": {"mutedByArn": "a:b\nSubject: c\u202e"}}, "muted by the mute rule c?"),
        ({"actionsSuppressedBy": "AlarmSuppressor"}, {}, "kept from acting by its suppressor alarm"),
        (
            {"actionsSuppressedBy": "ExtensionPeriod"},
            {"configuration": {"actionsSuppressor": f"{ARN}quiet"}},
            "still kept from acting after its suppressor alarm quiet cleared",
        ),
        ({"actionsSuppressedBy": ""}, {}, ""),
    ],
)
def test_muting_is_said_in_words(state, detail, muted):
    assert AlarmStateChange.parse(event(state, **detail)).muted == muted


# An answer of the API


def test_description_reads_as_the_event_does():
    described = AlarmConfiguration.of_description(
        {
            "AlarmName": "slow",
            "AlarmDescription": "too slow",
            "Namespace": "AWS/SageMaker",
            "MetricName": "ModelLatency",
            "Dimensions": [{"Name": "EndpointName", "Value": "churn-prod"}, {"Name": 3}, None],
            "Period": 60,
            "ExtendedStatistic": "p95",
            "StateUpdatedTimestamp": datetime(2026, 1, 1, tzinfo=UTC),
        }
    )

    [query] = described.metrics
    assert described.description == "too slow"
    assert query.metric_stat is not None
    assert query.metric_stat.metric is not None
    assert (query.metric_stat.period, query.metric_stat.stat) == (60, "p95")
    assert query.metric_stat.metric.name == "ModelLatency"
    assert query.metric_stat.metric.dimensions == {"EndpointName": "churn-prod"}


# Whatever comes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
DETAIL = st.dictionaries(
    st.sampled_from(
        ["alarmName", "previousState", "configuration", "alarmContributor", "muteDetail", "alarmTags"]
    ),
    JSON,
    max_size=4,
)
STATE = st.dictionaries(
    st.sampled_from(["value", "reason", "reasonData", "timestamp", "actionsSuppressedBy"]), JSON, max_size=4
)
ENVELOPE = st.dictionaries(st.sampled_from(["time", "resources", "account", "detail"]), JSON, max_size=1)


@given(STATE, DETAIL, ENVELOPE)
def test_whatever_comes_is_read_or_refused(state, detail, envelope):
    try:
        change = AlarmStateChange.parse(event(state, envelope, **detail))
    except InvalidEvent:
        return

    assert change.identity.startswith(change.detail.alarm_name)
    assert change.alarm_arn
    assert change.at.tzinfo is not None
    assert not change.muted or (change.muted.isprintable() and len(change.muted) <= 300)


@given(STATE, DETAIL)
def test_name_state_and_time_are_enough(state, detail):
    required = {"value": "OK"}

    change = AlarmStateChange.parse(event({**state, **required}, **{**detail, "alarmName": "slow"}))

    assert change.detail.state.value == "OK"


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_arbitrary_text_is_refused(body):
    with pytest.raises(InvalidEvent):
        AlarmStateChange.parse(body)
