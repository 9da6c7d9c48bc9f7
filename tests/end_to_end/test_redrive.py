"""`stationkeeper redrive` and `replay` against a running system: what was buried comes through once its cause is gone."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import System
from tests.integration.test_monitor_report import drift, report
from tests.runs import run_event
from tests.world import ACCOUNT

STATIONKEEPER = Path(sys.executable).parent / "stationkeeper"


def port(system: System) -> str:
    return str(system.aws.endpoint_url.rpartition(":")[2])


def run(system: System, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [STATIONKEEPER, *arguments, "--port", port(system)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def document(system: System, *arguments: str) -> Any:
    done = run(system, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def until(true: Callable[[], Any]) -> None:
    stop_at = time.monotonic() + 30
    while not true():
        assert time.monotonic() < stop_at
        time.sleep(0.05)


@pytest.fixture
def buried(system: System) -> System:
    """Two runs that nobody could judge: the function may not read what it remembers."""
    for hour in (1, 2):
        event = run_event(hour, violations=1)
        system.put_report(event, report(drift("tip", 0.8)).encode())
        system.aws.add_fault("dynamodb", "GetItem", "access-denied", "always")
        assert system.react(event) == []
    return system


def test_what_was_buried_comes_through_and_on_call_is_told(buried: System) -> None:
    system = buried
    listed = document(system, "redrive")["dead_letter_queues"]
    before = len(system.aws.calls())
    shown = run(system, "redrive", "monitor_report")

    assert {queue["name"]: queue["waiting"] for queue in listed if queue["waiting"]} == {
        "monitor_report": 2,
        "drift_page": 2,  # it may not see which version served
    }
    assert len(listed) == sum(name.endswith("DeadLettersUrl") for name in system.aws.deployment.outputs)
    assert shown.returncode == 0, shown.stderr
    assert "2 messages in the dead-letter queue of monitor_report." in shown.stdout
    assert "SageMaker Processing Job State Change  taxi-prod model-monitoring-" in shown.stdout
    assert f"stationkeeper redrive monitor_report --port {port(system)} --yes" in shown.stdout
    calls = {call.action for call in system.aws.calls()[before:]}
    assert calls == {"DescribeStacks", "GetQueueAttributes", "ListMessageMoveTasks", "ReceiveMessage"}
    assert document(system, "redrive", "monitor_report")["waiting"] == 2  # nothing was taken or hidden

    system.aws.clear_faults()
    done = run(system, "redrive", "monitor_report", "--yes")
    system.aws.drain(60)

    assert done.returncode == 0, done.stderr
    assert "Done: 2 sent back." in done.stdout
    assert [subject for subject, _ in system.mail()] == ["[CRITICAL] taxi-prod: 1 feature drifted"]
    after = document(system, "redrive", "monitor_report")
    assert (after["waiting"], after["messages"]) == (0, [])
    again = run(system, "redrive", "monitor_report", "--yes")
    assert "Nothing to do: no message waits" in again.stdout
    assert again.returncode == 0


def test_what_eventbridge_could_not_deliver_goes_too(system: System) -> None:
    outputs = system.aws.deployment.outputs
    sqs = system.aws.client("sqs")
    event = run_event(1, violations=1)
    system.put_report(event, report(drift("tip", 0.8)).encode())
    (policy,) = sqs.get_queue_attributes(
        QueueUrl=outputs["MonitorReportQueueUrl"], AttributeNames=["Policy"]
    )["Attributes"].values()
    sqs.set_queue_attributes(
        QueueUrl=outputs["MonitorReportQueueUrl"],
        Attributes={"Policy": policy.replace("events.amazonaws.com", "other.amazonaws.com")},
    )
    assert system.react(event) == []

    (letter,) = document(system, "redrive", "monitor_report")["messages"]
    done = run(system, "redrive", "MonitorReport", "--yes", "--per-second", "50")
    system.aws.drain(60)

    assert letter["undelivered"].startswith("NO_PERMISSIONS: ")
    assert done.returncode == 0, done.stderr
    assert [subject for subject, _ in system.mail()] == ["[CRITICAL] taxi-prod: 1 feature drifted"]


def test_ctrl_c_leaves_a_redrive_running_until_it_is_cancelled(system: System) -> None:
    dead = system.aws.deployment.outputs["JobReportDeadLettersUrl"]
    sqs = system.aws.client("sqs")
    for number in range(60):
        sqs.send_message(QueueUrl=dead, MessageBody=json.dumps({"number": number}))
    watching = subprocess.Popen(
        # Whoever runs the tests in the background may have the signal ignored, and children take that over.
        [
            "env",
            "--default-signal=INT",
            STATIONKEEPER,
            "redrive",
            "job_report",
            "--yes",
            "--per-second",
            "1",
            "--port",
            port(system),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert watching.stdout is not None
    line = ""
    while "moved" not in line:
        line = watching.stdout.readline()
    watching.send_signal(signal.SIGINT)
    said, complained = watching.communicate(timeout=30)

    second = document(system, "redrive", "job_report")
    cancelled = run(system, "redrive", "job_report", "--cancel")

    assert watching.returncode == 130
    assert "Traceback" not in complained
    assert "The redrive goes on in SQS." in said
    assert f"stationkeeper redrive job_report --port {port(system)} --cancel" in said
    assert second["move"]["status"] == "RUNNING"
    assert cancelled.returncode == 0, cancelled.stderr
    assert "Cancelled: " in cancelled.stdout
    assert "the rest waits where it was." in cancelled.stdout
    assert "Nothing to cancel" in run(system, "redrive", "job_report", "--cancel").stdout


def test_a_replay_reaches_the_rules_of_users_and_wakes_nobody(system: System) -> None:
    events, sqs = system.aws.client("events"), system.aws.client("sqs")
    bus = system.aws.deployment.outputs["EventBusName"]
    allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    mine = sqs.create_queue(QueueName="mine", Attributes={"Policy": json.dumps({"Statement": allow})})[
        "QueueUrl"
    ]
    event = run_event(1, violations=1)
    system.put_report(event, report(drift("tip", 0.8)).encode())
    assert len(system.react(event)) == 1
    # The bus said it before this rule was there: that is what a replay is for.
    events.put_rule(Name="mine", EventBusName=bus, EventPattern='{"source": ["stationkeeper"]}')
    events.put_targets(
        Rule="mine",
        EventBusName=bus,
        Targets=[{"Id": "queue", "Arn": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:mine"}],
    )
    # The clock of the embedded AWS may be ahead of ours.
    span = ("--from", "2026-01-01", "--to", "2099-01-01T00:00Z")

    shown = run(system, "replay", *span)
    looked = document(system, "replay", *span)
    assert sqs.receive_message(QueueUrl=mine).get("Messages") is None
    done = run(system, "replay", *span, "--yes")
    system.aws.drain(60)

    rules = {rule["name"]: rule for rule in looked["rules"]}
    assert rules.pop("mine") == {"name": "mine", "stationkeepers_own": False, "replayed_to": True}
    assert len(rules) >= 2
    assert all(rule["stationkeepers_own"] and not rule["replayed_to"] for rule in rules.values())
    assert looked["archive"]["events"] == 2  # what was found, and that on-call was told
    assert "which ignores replays" in shown.stdout
    assert "Nothing was replayed. To do it:" in shown.stdout
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("Done.\n")
    messages = sqs.receive_message(QueueUrl=mine, MaxNumberOfMessages=10)["Messages"]
    replayed = [json.loads(message["Body"]) for message in messages]
    assert {event["detail-type"] for event in replayed} == {"ViolationsDetected", "OnCallTold"}
    assert all(event["replay-name"].startswith("stationkeeper-2") for event in replayed)
    assert system.mail() == []


def test_without_a_rule_of_ones_own_there_is_nothing_to_replay_to(system: System) -> None:
    done = run(system, "replay", "--last", "6h", "--yes")

    assert done.returncode == 0, done.stderr
    assert "no rule of yours on the bus takes a replay" in done.stdout
    assert "Nothing to cancel" in run(system, "replay", "--cancel").stdout
