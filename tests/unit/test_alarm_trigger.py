"""Everything that makes the alarm reaction look: alarms' own events, and its messages to itself."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.errors import InvalidEvent
from stationkeeper.events.alarm import AlarmStateChange
from stationkeeper.events.alarm_trigger import LOOK_AT_ALARMS, AlarmTrigger

from tests.real import read, real_files
from tests.unit.test_alarm_event import event

SAMPLES = Path(__file__).resolve().parents[2] / "events"
ALARMS = sorted(SAMPLES.glob("alarm-*.json"))
LOOK = SAMPLES / "look-at-alarms.json"
OTHERS = sorted(set(SAMPLES.glob("*.json")) - {*ALARMS, LOOK})


def look(**replaced: Any) -> dict[str, Any]:
    facts = {
        "id": "0a15f67d",
        "source": "stationkeeper",
        "detail-type": LOOK_AT_ALARMS,
        "account": "123456789012",
        "region": "eu-west-1",
        "time": "2026-11-23T17:24:12Z",
        "detail": {"endpoint": "churn-prod"},
    }
    return {**facts, **replaced}


def without(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != name}


@pytest.mark.parametrize("path", ALARMS, ids=lambda path: path.stem)
def test_sample_of_an_alarm_is_read(path):
    trigger = AlarmTrigger.parse(path.read_text())

    assert trigger.change == AlarmStateChange.parse(path.read_text())
    assert trigger.change is not None
    assert trigger.endpoint == ""
    assert (trigger.id, trigger.time) == (trigger.change.id, trigger.change.time)


def test_there_is_a_sample_of_each_kind():
    assert {path.stem for path in ALARMS} >= {
        "alarm-raised",
        "alarm-cleared",
        "alarm-composite",
        "alarm-contributor",
    }


@pytest.mark.parametrize("path", real_files("events/cloudwatch-alarm-state-change--*.json"))
def test_real_alarm_is_read(path):
    body = read(path)

    assert AlarmTrigger.parse(body).change == AlarmStateChange.parse(body)


def test_sample_of_a_look_is_read():
    trigger = AlarmTrigger.parse(LOOK.read_text())

    assert (trigger.change, trigger.endpoint) == (None, json.loads(LOOK.read_text())["detail"]["endpoint"])


def test_look_names_the_endpoint_whose_changes_are_due():
    trigger = AlarmTrigger.parse(look())

    assert (trigger.change, trigger.endpoint) == (None, "churn-prod")
    assert trigger.time == datetime(2026, 11, 23, 17, 24, 12, tzinfo=UTC)
    assert (trigger.id, trigger.account, trigger.region) == ("0a15f67d", "123456789012", "eu-west-1")


@pytest.mark.parametrize("document", [look(), event()], ids=["look", "alarm"])
def test_text_bytes_and_object_are_read_alike(document):
    text = json.dumps(document)

    assert AlarmTrigger.parse(document) == AlarmTrigger.parse(text) == AlarmTrigger.parse(text.encode())


def test_look_of_a_later_version_is_read():
    document = look(version="0", resources=[], detail={"endpoint": "churn-prod", "of_2031": 1})

    assert AlarmTrigger.parse(document) == AlarmTrigger.parse(look())


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_sample_of_another_event_is_refused(path):
    with pytest.raises(InvalidEvent):
        AlarmTrigger.parse(path.read_text())


@pytest.mark.parametrize("path", real_files("events/cloudwatch-alarm-configuration-change--*.json"))
def test_change_of_an_alarms_configuration_is_refused(path):
    with pytest.raises(InvalidEvent, match="detail-type"):
        AlarmTrigger.parse(read(path))


@pytest.mark.parametrize(
    "document",
    [
        look(source="aws.cloudwatch"),
        look(source="somebody.else"),
        look(detail={}),
        look(detail={"endpoint": ""}),
        look(detail={"endpoint": None}),
        look(detail=None),
        look(time="yesterday"),
        *(without(look(), name) for name in look()),
        event(envelope={"source": "stationkeeper"}),
        event(envelope={"detail-type": "LookAgain"}),
        event(alarmName=""),
        event(state={"value": "UNKNOWN"}),
        *(without(event(), name) for name in event()),
        {},
    ],
)
def test_what_lacks_what_the_reaction_needs_is_refused(document):
    with pytest.raises(InvalidEvent, match="dead-letter queue"):
        AlarmTrigger.parse(document)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from([*look(), "nothing"]),
    st.sampled_from([look(), event()]),
)
def test_anything_is_read_or_refused(value, name, document):
    try:
        trigger = AlarmTrigger.parse(json.dumps({**document, name: value}))
    except InvalidEvent:
        return

    assert (trigger.change is None) is bool(trigger.endpoint)


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_what_is_no_json_is_refused(body):
    with pytest.raises(InvalidEvent):
        AlarmTrigger.parse(body)
