"""What the bus hears of a message: the same facts under an id of its own, and whether its incident is over."""

import json
from dataclasses import replace
from typing import Any

import pytest
from stationkeeper.alerts.on_call_told import TEXT_BYTES, closes_incident, on_call_told
from stationkeeper.alerts.wording import message_for
from stationkeeper.events.job_events import Retrained
from stationkeeper.events.notification_events import OnCallTold
from stationkeeper.events.on_bus import DETAIL_TYPES, DomainEventOnBus, from_detail

from tests.unit.builders import START
from tests.unit.test_wording import EVERYTHING, PARAMETER

RETRAINED = Retrained(
    incident="2",
    execution_arn="arn",
    pipeline="churn",
    started_at=START,
    drift="1 feature drifted",
    drift_severity="warning",
    drift_since=START,
)

OVER: list[tuple[str, dict[str, Any], bool]] = [
    ("ViolationsDetected", {}, False),
    ("ViolationsDetected", {"newer_run_at": START}, False),
    ("MonitorBlind", {"severity": "warning"}, False),
    ("MonitorBlind", {"severity": "warning", "newer_run_at": START}, False),
    ("MonitorBlind", {"severity": "info", "newer_run_at": START}, True),
    ("MonitorBlind", {"severity": "info"}, False),
    ("MonitorRecovered", {"of": "violations"}, True),
    ("MonitorRecovered", {"of": "blindness"}, True),
    ("MonitorRecovered", {"of": "blindness", "open_violations": 3}, True),
    ("ApprovalRequested", {}, False),
    ("ReleaseStarted", {}, False),
    ("ReleaseSucceeded", {"severity": "info"}, False),
    ("ReleaseSucceeded", {"severity": "warning", "notes": ("No autoscaling",)}, False),
    ("ReleaseRolledBack", {}, False),
    ("ReleaseBlocked", {}, False),
    ("ArtifactPublished", {"mended": "warm-up"}, True),
    ("ArtifactPublished", {}, False),
    ("ArtifactRejected", {}, False),
    ("ArtifactWithdrawn", {}, False),
    ("AlarmRaised", {}, False),
    ("AlarmCleared", {}, True),
    ("AlarmCleared", {"red": ("latency",), "red_count": 1}, False),
    ("AlarmCleared", {"red_count": 1}, False),
    ("RetrainingStarted", {}, False),
    ("RetrainingSkipped", {}, False),
    ("JobFailed", {}, False),
    ("JobStopped", {}, False),
    ("JobSucceeded", {}, True),
    ("JobSucceeded", {"purpose": "retraining"}, False),
    ("JobSucceeded", {"retrained": RETRAINED.model_dump()}, False),
]


@pytest.mark.parametrize(("kind", "said", "over"), OVER)
def test_an_incident_is_over_with_the_message_that_ends_it(kind, said, over):
    assert closes_incident(from_detail(kind, {**EVERYTHING, **said})) is over


def test_every_kind_has_its_row_above():
    assert {kind for kind, _, _ in OVER} == set(DETAIL_TYPES)


@pytest.mark.parametrize(
    ("opens", "ends"),
    [
        ("ViolationsDetected", "MonitorRecovered"),
        ("MonitorBlind", "MonitorRecovered"),
        ("ArtifactRejected", "ArtifactPublished"),
        ("AlarmRaised", "AlarmCleared"),
        ("JobFailed", "JobSucceeded"),
    ],
)
def test_what_opens_an_incident_has_a_kind_that_ends_it(opens, ends):
    over = {kind: {row[2] for row in OVER if row[0] == kind} for kind in (opens, ends)}

    assert False in over[opens]
    assert True in over[ends]


def told(kind: str = "ViolationsDetected", runbook_url: str = "", **said: Any) -> OnCallTold:
    event = from_detail(kind, {**EVERYTHING, **said})
    return on_call_told(event, message_for(event, PARAMETER, runbook_url), runbook_url)


@pytest.mark.parametrize("kind", DETAIL_TYPES)
def test_it_says_what_the_e_mail_says_and_what_all_events_say(kind):
    event = from_detail(kind, EVERYTHING)
    message = message_for(event, PARAMETER)

    said = on_call_told(event, message, "")

    shared = ("incident", "severity", "endpoint", "account", "region", "on_call", "cause")
    assert all(getattr(said, name) == getattr(event, name) for name in shared)
    assert (said.kind, said.subject, said.text) == (kind, message.subject, message.body)


def test_its_id_is_the_same_on_every_retry_and_not_that_of_what_was_told():
    assert told().id == told().id
    assert told().id != EVERYTHING["id"]
    assert told().id != told(id="2").id


def test_the_runbook_is_a_link_where_the_team_keeps_one():
    assert told("AlarmCleared").runbook == "docs/operations.md#alarm-cleared"
    assert told("AlarmCleared", "https://wiki/ops").runbook == "https://wiki/ops#alarm-cleared"


@pytest.mark.parametrize("text", ["a", "\u00e9", "\u4e16", '"', "\\", "\n"])
def test_a_text_is_cut_at_its_limit_and_fits_into_an_event(text):
    event = from_detail("JobFailed", EVERYTHING)
    message = message_for(event, PARAMETER)

    said = on_call_told(event, replace(message, body=text * 200_000), "")

    assert len(said.text.encode()) <= TEXT_BYTES
    assert "cut, the message was too long" in said.text
    assert len(said.model_dump_json().encode()) < 256_000


def test_it_is_never_told_again():
    """Neither the rule lets it through (see `test_template`), nor does the code take it."""
    assert OnCallTold.detail_type not in DETAIL_TYPES
    with pytest.raises(Exception, match="detail-type: .*not one of"):
        DomainEventOnBus.parse(
            {
                "id": "1",
                "source": "stationkeeper",
                "detail-type": OnCallTold.detail_type,
                "account": "1",
                "region": "r",
                "time": "2026-11-23T00:00:00Z",
                "detail": json.loads(told().model_dump_json()),
            }
        )
