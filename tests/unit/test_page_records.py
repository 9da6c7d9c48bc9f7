"""What a page is drawn from besides the report: where it lies, what was done about the run, which version served."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.errors import InvalidEvent
from stationkeeper.events.page_trigger import PageTrigger
from stationkeeper.pages.address import PagePlace
from stationkeeper.pages.deeds import deed, recorded, run_of
from stationkeeper.pages.record import DrawnRun, Found, RunKey, RunRecord, found
from stationkeeper.pages.serving import serving
from stationkeeper.reports.outcome import Blindness, BlindReason
from stationkeeper.severity import Severity

from tests.runs import SCHEDULE_ARN, run_event
from tests.unit.builders import DEFAULTS, START, drift, execution, hostile_text, policy, verdict_of
from tests.world import ROOT

PLACE = PagePlace("reports-123", "eu-west-1")
MUTING = policy(
    {
        "rules": [{"endpoint": "taxi-*", "check": "baseline_drift_check", "critical_from": 0.6}],
        "mutes": [{"endpoint": "*", "feature": "f*", "check": "*", "until": "2027-01-31"}],
    }
)
JOB = "model-monitoring-202611230100-2380a120b4182cad1daa9eb5"
SAMPLE = json.loads((ROOT / "events" / "violations-detected.json").read_text(encoding="utf-8"))


def on_bus(kind: str, **said: Any) -> PageTrigger:
    event = {**SAMPLE, "detail-type": kind, "detail": {**SAMPLE["detail"], **said}}
    return PageTrigger.parse(json.dumps(event))


def done(kind: str, **said: Any) -> Any:
    return on_bus(kind, **said).done


RETRAINING = {
    "at": "2026-11-23T02:00:00Z",
    "group": "taxi",
    "group_arn": "arn:aws:sagemaker:eu-west-1:123456789012:model-package-group/taxi",
    "pipeline": "taxi-retraining",
    "pipeline_arn": "arn:aws:sagemaker:eu-west-1:123456789012:pipeline/taxi-retraining",
    "drift": "1 violation",
    "drift_severity": "critical",
    "drift_since": "2026-11-23T01:00:00Z",
}


# Where it lies


def test_a_page_lies_below_its_schedule_by_the_name_of_its_job():
    assert PLACE.key(SCHEDULE_ARN, JOB) == f"drift-pages/taxi-data-quality/{JOB}.html"
    assert PLACE.uri(SCHEDULE_ARN, JOB) == f"s3://reports-123/drift-pages/taxi-data-quality/{JOB}.html"
    assert PLACE.link(SCHEDULE_ARN, JOB) == (
        "https://eu-west-1.console.aws.amazon.com/s3/object/reports-123?region=eu-west-1"
        f"&prefix=drift-pages/taxi-data-quality/{JOB}.html"
    )


@given(hostile_text(), hostile_text())
def test_no_name_leaves_the_folder_or_makes_a_key_that_must_be_quoted(one: str, other: str):
    keys = [PLACE.key(SCHEDULE_ARN, name) for name in (one, other)]

    for key in keys:
        folder, _, file = key.rpartition("/")
        assert folder == "drift-pages/taxi-data-quality"
        assert file.isascii()
        assert not set(file) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
        assert len(key) < 250
    assert (keys[0] == keys[1]) is (one == other)


# What was done


@pytest.mark.parametrize(
    ("kind", "said", "words"),
    [
        ("ViolationsDetected", {"first": True, "total": 9}, "9 violations, for the first time; incident #"),
        ("ViolationsDetected", {"first": False, "total": 1, "new": 1, "worse": 2}, "1 violation, 1 new and 2 worse;"),
        ("ViolationsDetected", {"first": False, "new": 0, "worse": 0, "reminder": True}, "violations, still;"),
        ("ViolationsDetected", {"newer_run_at": "2026-11-24T00:00:00Z"}, "as late news;"),
        ("MonitorBlind", {"reason": "no-data"}, "the monitor is blind;"),
        ("MonitorBlind", {"reason": "no-data", "reminder": True}, "the monitor is still blind;"),
        ("MonitorRecovered", {"of": "violations"}, "it is over; incident #"),
        ("MonitorRecovered", {"of": "blindness"}, "the monitor sees again; incident #"),
        (
            "RetrainingStarted",
            {**RETRAINING, "execution_arn": "arn:x:pipeline/taxi-retraining/execution/abc"},
            "Started the retraining pipeline taxi-retraining (execution abc);",
        ),
        (
            "RetrainingSkipped",
            {**RETRAINING, "code": "cool-down", "why": "One ended an hour ago.", "until": "2026-11-24T02:00:00Z"},
            "Did not start retraining: One ended an hour ago. Nothing is started before 24 Nov 2026 02:00 UTC.",
        ),
    ],
)  # fmt: skip
def test_a_deed_is_one_sentence(kind: str, said: dict[str, Any], words: str):
    assert words in deed(done(kind, **said))


def test_a_deed_is_about_the_run_that_led_to_it():
    event = done("ViolationsDetected")
    key = RunKey(event.schedule_arn, event.run_at, event.cause.job)
    started = done("RetrainingStarted", **RETRAINING, execution_arn="arn", run_at=event.run_at.isoformat())

    assert run_of(event) == key
    assert run_of(started) == key


def test_a_retraining_that_names_no_run_is_about_none():
    assert run_of(done("RetrainingStarted", **RETRAINING, execution_arn="arn", run_at=None)) is None


def test_deeds_are_kept_once_and_what_follows_comes_after():
    at = datetime(2026, 11, 23, 1, 12, tzinfo=UTC)
    told = recorded(done("ViolationsDetected", id="told"), at)
    started = recorded(done("RetrainingStarted", **RETRAINING, execution_arn="arn", id="begun"), at)
    later = recorded(done("MonitorRecovered", of="blindness", id="a"), at + timedelta(hours=1))

    for order in itertools.permutations([told, started, later, told, started]):
        record = RunRecord()
        for one in order:
            record = record.with_deed(one)
        assert [one.id for one in record.deeds] == ["told", "a", "begun"]


# The record


def test_a_record_survives_being_stored():
    key = RunKey(SCHEDULE_ARN, START, JOB)
    run = DrawnRun(
        execution=execution(1, blind=Blindness(BlindReason.NO_DATA, "none")),
        account="123456789012",
        region="eu-west-1",
        baseline_uri="s3://b/statistics.json",
        policy=MUTING,
        judged_at=START,
        found=Found(total=3, severity=Severity.CRITICAL, values={"mae": 1.5, "mse": float("inf")}),
    )
    record = RunRecord().of(key).with_run(run).with_deed(recorded(done("ViolationsDetected"), START))

    assert RunRecord.model_validate_json(record.model_dump_json()) == record


def test_what_was_looked_at_first_stays():
    first = DrawnRun(
        execution=execution(1), account="1", region="r", serving="version 7", policy=DEFAULTS, judged_at=START
    )
    record = RunRecord().with_run(first)

    assert record.with_run(first.model_copy(update={"serving": "version 8"})) is record


def test_runs_sort_by_when_they_were_due():
    hours = [0.5, 9, 10, 1_000]
    keys = [RunKey(SCHEDULE_ARN, START + timedelta(hours=hour), "job").sort_key for hour in hours]

    assert keys == sorted(keys)


def test_a_run_is_remembered_by_what_it_came_to():
    assert found(verdict_of(drift("fare", 0.9)), {"mae": 1.0}) == Found(
        total=1, severity=Severity.CRITICAL, values={"mae": 1.0}
    )
    assert found(Blindness(BlindReason.NO_DATA, "x"), {}) == Found(blind="no-data")


# Which version served

WINDOW = (START, START + timedelta(hours=1))


@pytest.mark.parametrize(
    ("minutes", "replaced", "window", "words"),
    [
        (-30, 7, WINDOW, "version 8, in service since 22 Nov 2026 23:30 UTC"),
        (0, 7, WINDOW, "version 8, in service since 23 Nov 2026 00:00 UTC"),
        (20, 7, WINDOW, "version 8 from 23 Nov 2026 00:20 UTC on, version 7 right before: it changed within this window"),
        (60, 7, WINDOW, "version 7 or one before it; version 8 is in service since 23 Nov 2026 01:00 UTC, after this window"),
        (20, None, WINDOW, "version 8 from 23 Nov 2026 00:20 UTC on: it changed within this window"),
        (90, None, WINDOW, "not known; version 8 is in service since 23 Nov 2026 01:30 UTC, after this window"),
        (90, 7, None, "version 8, in service since 23 Nov 2026 01:30 UTC"),
    ],
)  # fmt: skip
def test_the_version_is_the_one_that_served_the_data(
    minutes: int, replaced: int | None, window: tuple[datetime, datetime] | None, words: str
):
    assert serving(8, START + timedelta(minutes=minutes), replaced, window) == words


# Its events


def test_a_monitors_job_and_what_was_done_lead_to_a_page():
    event = PageTrigger.parse(json.dumps(run_event(1)))

    assert event.job is not None
    assert event.done is None
    assert on_bus("ViolationsDetected").done is not None


@given(
    st.sampled_from(["ViolationsDetected", "RetrainingStarted", "Unheard"]),
    st.dictionaries(st.text(), st.text()),
)
def test_any_other_event_is_refused_with_what_is_wrong(kind: str, detail: dict[str, str]):
    with pytest.raises(InvalidEvent, match="field|Field|not one of|detail"):
        PageTrigger.parse(
            json.dumps(
                {
                    "id": "x",
                    "source": "stationkeeper",
                    "detail-type": kind,
                    "account": "1",
                    "region": "r",
                    "time": "2026-11-23T00:00:00Z",
                    "detail": detail,
                }
            )
        )


# The baseline a run was held against


@pytest.mark.parametrize(
    ("inputs", "environment", "statistics", "constraints"),
    [
        ([], {}, None, None),
        (
            [("baseline", "s3://b/x/statistics.json", "/opt/stats"), ("constraints", "s3://b/x/constraints.json", "/opt/con")],
            {"baseline_statistics": "/opt/stats/statistics.json", "baseline_constraints": "/opt/con/constraints.json"},
            "s3://b/x/statistics.json",
            "s3://b/x/constraints.json",
        ),
        (  # a folder, under a name of one's own
            [("mine", "s3://b/folder/", "/opt/stats")],
            {"baseline_statistics": "/opt/stats/stats-v2.json"},
            "s3://b/folder/stats-v2.json",
            None,
        ),
        (  # the environment says nothing: the usual names tell
            [("baseline", "s3://b/folder", "/opt/a"), ("constraints", "s3://b/other", "/opt/b")],
            {},
            "s3://b/folder/statistics.json",
            "s3://b/other/constraints.json",
        ),
        ([("baseline", "", "/opt/a")], {"baseline_statistics": "/opt/a/statistics.json"}, None, None),
    ],
)  # fmt: skip
def test_the_baseline_is_where_the_jobs_inputs_say(
    inputs: list[tuple[str, str, str]],
    environment: dict[str, str],
    statistics: str | None,
    constraints: str | None,
):
    event = run_event(1)
    event["detail"]["Environment"] |= environment
    event["detail"]["ProcessingInputs"] = [
        {"InputName": name, "S3Input": {"S3Uri": uri, "LocalPath": path}} for name, uri, path in inputs
    ]
    job = PageTrigger.parse(json.dumps(event)).job

    assert job is not None
    assert (job.baseline_uri("statistics"), job.baseline_uri("constraints")) == (statistics, constraints)
