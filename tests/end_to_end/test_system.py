"""Real template, real artifacts, real queues: what only the whole system can show."""

import json
import re
from typing import Any

import pytest

from tests.end_to_end.conftest import System
from tests.integration.test_monitor_report import drift, report
from tests.page_world import words
from tests.runs import run_event


def violated(hour: int, *violations: dict[str, str]) -> tuple[dict[str, Any], bytes]:
    return run_event(hour, violations=len(violations)), report(*violations).encode()


def decisions(system: System, function: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in system.aws.log(function).splitlines() if '"decision"' in line]


def test_one_query_by_event_id_tells_the_story(system: System) -> None:
    event, content = violated(1, drift("tip", 0.8))
    system.put_report(event, content)

    assert system.react(event) == ["[CRITICAL] taxi-prod: 1 feature drifted"]

    lines = [
        line for name in ("MonitorReportFunction", "NotificationFunction") for line in decisions(system, name)
    ]
    assert [line["decision"] for line in lines] == ["judged", "told"]
    for line in lines:
        assert line["event_id"] == event["id"]
        assert line["endpoint"] == "taxi-prod"
        assert line["monitoring_schedule"] == "taxi-data-quality"
        assert line["severity"] == "critical"


def test_metrics_count_what_was_judged_and_told(system: System) -> None:
    event, content = violated(1, drift("tip", 0.8), drift("fare", 0.2))
    system.put_report(event, content)

    system.react(event)

    metrics: dict[str, Any] = {}
    for name in ("MonitorReportFunction", "NotificationFunction"):
        for line in system.aws.log(name).splitlines():
            if '"_aws"' in line:
                entry = json.loads(line)
                for metric in entry["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
                    metrics[metric["Name"]] = entry
    assert metrics["ReportsJudged"]["ReportsJudged"] == [1.0]
    assert metrics["ViolationsOpen"]["ViolationsOpen"] == [2.0]
    assert metrics["ViolationsOpen"]["endpoint"] == "taxi-prod"
    assert metrics["Messages"]["kind"] == "ViolationsDetected"
    assert {"ReportParsing", "ReactionLatency", "Violations"} <= metrics.keys()


def test_repeated_events_are_one_message(system: System) -> None:
    event, content = violated(1, drift("tip", 0.8))
    system.put_report(event, content)

    assert system.react(event, times=5) == ["[CRITICAL] taxi-prod: 1 feature drifted"]
    assert system.react(event, times=5) == []


@pytest.mark.parametrize(
    ("service", "action", "kind"),
    [
        ("dynamodb", "GetItem", "crash-after"),
        ("s3", "GetObject", "crash-before"),
        ("dynamodb", "PutItem", "crash-after"),
        ("events", "PutEvents", "crash-after"),
        ("events", "PutEvents", "500"),
        ("dynamodb", "PutItem", "throttle"),
        ("sns", "Publish", "500"),
        ("sns", "Publish", "throttle"),
        ("ssm", "GetParameter", "access-denied"),
    ],
)
def test_a_fault_anywhere_delays_the_message_and_does_not_lose_it(
    system: System, service: str, action: str, kind: Any
) -> None:
    event, content = violated(1, drift("tip", 0.8))
    system.put_report(event, content)
    system.aws.add_fault(service, action, kind)

    assert system.react(event) == ["[CRITICAL] taxi-prod: 1 feature drifted"]
    assert system.aws.faults() == []


def test_what_cannot_be_handled_is_kept_in_the_dead_letter_queue(system: System) -> None:
    event = run_event(1)
    del event["detail"]["ProcessingJobName"]

    assert system.react(event) == []

    outputs = system.aws.deployment.outputs
    received = system.aws.client("sqs").receive_message(QueueUrl=outputs["MonitorReportDeadLettersUrl"])
    (message,) = received["Messages"]
    assert json.loads(message["Body"]) == event
    failures = [line for line in decisions(system, "MonitorReportFunction") if line["decision"] == "failed"]
    assert len(failures) == 6
    assert "ProcessingJobName" in failures[0]["exception"]


def test_noise_does_not_reach_the_function(system: System) -> None:
    noise = [
        run_event(1, status="InProgress"),
        run_event(2, MonitoringScheduleArn="", Environment={}),
        run_event(3, MonitoringScheduleArn=None, Environment=None),
        {**run_event(4), "detail-type": "SageMaker Training Job State Change"},
    ]

    assert system.react(*noise) == []
    assert system.aws.calls("MonitorReportFunction") == []


def test_a_hundred_megabytes_and_a_million_violations_fit_the_functions_memory(system: System) -> None:
    one = (
        '{"feature_name":"f%06d","constraint_check_type":"baseline_drift_check",'
        '"description":"distance: 0.3 exceeds threshold: 0.1"}'
    )
    content = ('{"violations": [' + ",".join(one % i for i in range(1_000_000)) + "]}").encode()
    assert 100_000_000 < len(content) < 128_000_000
    event = run_event(1, violations=1_000_000)
    system.put_report(event, content)

    (subject,) = system.react(event)

    assert subject == "[WARNING] taxi-prod: 1,000,000 features drifted"
    assert "... and 999,985 more" in system.outbox()[0].message
    function = system.aws.functions["MonitorReportFunction"].definition
    assert system.aws.journal.since(0, ["invocation"])[0].facts["memory_used_mb"] < function.memory_mb


def test_a_report_that_grows_in_memory_is_a_blind_monitor_and_not_a_crash(system: System) -> None:
    """One character outside ASCII makes the text four times as large, one wide value another 25 times."""
    event = run_event(1, violations=1)
    system.put_report(
        event, ('{"violations": [{"x": "\U0001f600", "y": [' + "{}," * 40_000_000 + "{}]}]}").encode()
    )

    assert system.react(event) == ["[WARNING] taxi-prod: monitor is blind, report is unreadable"]
    assert "longer than 1,000,000 characters" in system.outbox()[0].message


@pytest.mark.parametrize("missing", ["", None])
def test_a_monitor_without_its_schedules_arn_reaches_the_function_once(
    system: System, missing: str | None
) -> None:
    event = run_event(1, violations=1, MonitoringScheduleArn=missing)
    system.put_report(event, report(drift("tip", 0.8)).encode())

    assert system.react(event) == ["[CRITICAL] taxi-prod: 1 feature drifted"]
    assert len(decisions(system, "MonitorReportFunction")) == 1


def test_two_hundred_megabytes_are_a_blind_monitor(system: System) -> None:
    event = run_event(1, violations=1)
    system.put_report(event, b'{"violations": []}' + b" " * 200_000_000)

    assert system.react(event) == ["[WARNING] taxi-prod: monitor is blind, report is too large"]


def test_the_functions_may_see_only_what_lambda_gives_them(system: System) -> None:
    """Neither the developer's packages nor the caller's credentials: an import outside the layers would fail here."""
    environment = system.aws.functions["MonitorReportFunction"].definition.environment

    assert environment["STATE_TABLE_NAME"] == system.aws.deployment.outputs["StateTableName"]
    assert environment["ON_CALL"] == "ml-on-call"


def test_the_built_layer_draws_the_page_that_the_message_links_to(system: System) -> None:
    event, content = violated(1, drift("tip", 0.8))
    system.put_report(event, content)

    system.react(event)

    (message,) = system.outbox()
    address = re.search(r"s3://(\S+?)/(drift-pages/\S+\.html)", message.message)
    assert address is not None
    page = system.s3.get_object(Bucket=address[1], Key=address[2])["Body"].read().decode()
    assert "distance 0.8 from the baseline" in words(page)
    assert "Message to on-call (" in words(page)
    drawn = decisions(system, "DriftPageFunction")
    assert [line["decision"] for line in drawn] == ["drawn", "drawn"]
    assert {line["event_id"] for line in drawn} == {event["id"]}
