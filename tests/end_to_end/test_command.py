"""The `stationkeeper` command as a person, or a script, uses it."""

import fcntl
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from embedded_aws import sdk
from stationkeeper_command import project
from stationkeeper_command.demo import surprises
from stationkeeper_command.scenes import AccountScene
from stationkeeper_command.timeline import Happened

from tests.end_to_end.conftest import subject_and_incident
from tests.real import PLACE, read

STATIONKEEPER = Path(sys.executable).parent / "stationkeeper"


@pytest.fixture(scope="module", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state folder of our own: a system that a person runs in the checkout is left alone."""
    folder = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STATIONKEEPER_STATE", str(folder))
        yield folder


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [STATIONKEEPER, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "AWS_EC2_METADATA_DISABLED": "true", "COLUMNS": "120", **environment},
    )


def document(*arguments: str | Path) -> Any:
    done = run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def real(name: str) -> Path:
    """A folder of the real data; skips or fails the test where there is none."""
    read(PLACE / "README.md")
    return PLACE / name


def sdk_client(service: str, port: int) -> Any:
    return sdk.client(sdk.session("eu-west-1"), service, f"http://127.0.0.1:{port}")


def subjects(scenes: list[dict[str, Any]]) -> list[list[str]]:
    """Of each scene, without the incidents they end with, and without names and lengths of alarms."""
    return [
        [
            re.sub(r"alarm \S+ clear after .*", "alarm clear", _parts(message)[0])
            for message in scene["messages"]
        ]
        for scene in scenes
    ]


def incidents(scene: dict[str, Any]) -> list[str]:
    return [incident for _, incident in map(_parts, scene["messages"])]


def _parts(message: dict[str, Any]) -> tuple[str, str]:
    return subject_and_incident(message["subject"], message["attributes"])


def test_the_demo_tells_its_stories(built: None, state: Path) -> None:
    scenes = document("demo")["scenes"]

    # Two functions at work at once may tell in either order.
    assert [sorted(told) for told in subjects(scenes)] == [
        [],
        ["[CRITICAL] churn-prod: 5 features drifted, 2 features changed type, 2 more"],
        [],
        ["[CRITICAL] churn-prod: 7 features drifted, 5 more (3 new, 5 worse)"],
        ["[WARNING] churn-prod: monitor is blind, report is missing"],
        ["[CRITICAL] churn-prod: monitor sees again, 12 violations open"],
        [],
        ["[OK] churn-prod: recovered after 4 hours"],
        ["[INFO] churn-live: version 7 of churn waits for approval"],
        ["[INFO] churn-live: releasing version 7, replacing 6"],
        ["[OK] churn-live: version 7 in service after 28 minutes"],
        ["[INFO] churn-live: releasing version 8, replacing 7"],
        [
            "[CRITICAL] churn-live: alarm red while version 8 is being released",
            "[CRITICAL] churn-live: version 8 rolled back, version 7 serves",
            "[OK] churn-live: alarm clear",
        ],
        [],
        [
            "[CRITICAL] churn-live: 5 features drifted, 2 features changed type, 2 more",
            "[INFO] churn-live: retraining started, 9 violations",
        ],
        [
            "[INFO] churn-live: version 9 of churn, retrained, waits for approval",
            "[OK] churn-live: retraining done after 18 minutes, version 9 registered",
        ],
        [
            "[INFO] churn-live: releasing version 9, replacing 7",
            "[OK] churn-live: version 9 in service after 28 minutes",
        ],
        [
            "[CRITICAL] churn-live: version 9 taken back after 12 minutes",
            "[INFO] churn-live: releasing version 7, replacing 9",
            "[OK] churn-live: version 7 in service after 28 minutes",
        ],
        ["[OK] churn-live: alarm clear"],
        ["[WARNING] house-prices: ElPaso_TX: new artifact refused, it is cut off"],
        [],
        ["[OK] house-prices: ElPaso_TX new version published, callers are sent to it"],
    ]
    of_drift = {incident for scene in scenes[14:17] for incident in incidents(scene)}
    of_alarm = {incident for scene in scenes[17:19] for incident in incidents(scene)}
    of_el_paso = {incident for scene in scenes[19:22] for incident in incidents(scene)}
    assert (len(of_drift), len(of_alarm), len(of_el_paso)) == (1, 1, 1)
    assert len(of_drift | of_alarm | of_el_paso) == 3
    assert [crash["outcome"] for crash in scenes[3]["crashes"]] == ["crash"]
    assert len(list((state / "outbox").glob("*-AlertTopic.json"))) == 24
    assert len(list((state / "outbox").glob("*-ChatTopic.json"))) == 24
    endpoint = scenes[18]["endpoint"]
    assert endpoint["status"] == "InService"
    assert endpoint["config"].startswith("churn-v7-")
    assert endpoint["instances"] == 4
    assert endpoint["autoscaling"] == [[2, 8]]
    assert endpoint["monitors"] == ["churn-live-data-quality"]
    models = {one["model"]: one for one in scenes[-1]["models"]["models"]}
    assert sorted(models) == ["Austin_TX", "Dallas_TX", "ElPaso_TX", "Houston_TX"]
    assert all(one["current"] and one["pointer_moved"] for one in models.values())
    assert [name for name, one in models.items() if one["previous"]] == ["Houston_TX"]
    assert [len(scene["callers"]) for scene in scenes[19:22]] == [4, 2, 1]
    assert not any(scene["dead_letters"] or scene["undelivered"] for scene in scenes)


def test_a_scene_that_does_not_do_what_it_says_is_named() -> None:
    def happened(*kinds_and_incidents: tuple[str, str]) -> Happened:
        return Happened(
            messages=[{"attributes": {"kind": kind, "incident": one}} for kind, one in kinds_and_incidents]
        )

    scene = AccountScene("title", "what", lambda _: None, ("A", "B"), "drift")
    threads: dict[str, str] = {}

    assert surprises(1, scene, happened(("B", "1"), ("A", "1")), threads) == []
    assert surprises(2, scene, happened(("A", "1")), threads) == ["scene 2 told A, not A, B"]
    assert surprises(3, scene, happened(("A", "1"), ("B", "2")), threads) == [
        "scene 3 told #2, and its thread is #1"
    ]
    lost = Happened(dead_letters=[{}])
    assert surprises(4, AccountScene("title", "what", lambda _: None, ()), lost, threads) == [
        "scene 4 left 1 event unhandled"
    ]


def test_the_demo_reads_as_a_timeline(built: None) -> None:
    done = run("demo")

    assert done.returncode == 0
    assert "1. The hourly run finds nothing wrong" in done.stdout
    assert "-> monitor_report churn-prod: judged critical" in done.stdout
    assert "-> retraining     churn-live: starts the pipeline churn-retraining" in done.stdout
    assert "-> alarm_response churn-live: red; takes the live version back: it became red" in done.stdout
    assert (
        "-> release        churn-live: version 8 is not in service: SageMaker rolled it back" in done.stdout
    )
    assert "Subject: [INFO] churn-live: version 9 of churn, retrained, waits for approval #" in done.stdout
    assert "Subject: [CRITICAL] churn-live: version 9 taken back after 12 minutes #" in done.stdout
    assert "-> artifact_sync  houston-tx-2: sends callers to Houston_TX/Houston_TX-v2" in done.stdout
    assert "-> artifact_sync  elpaso-tx-1: refused, truncated: " in done.stdout
    assert "$ stationkeeper models house-prices" in done.stdout
    assert "Subject: [WARNING] house-prices: ElPaso_TX: new artifact refused, it is cut off #" in done.stdout


def test_the_taxi_weeks_are_told_when_they_start_and_when_they_get_worse(built: None) -> None:
    scenes = document("demo", "--reports", real("taxi/data_quality"))["scenes"]

    told = {
        scene["scene"].removeprefix("Run of "): s for scene, s in zip(scenes, subjects(scenes), strict=True)
    }
    assert told == {
        "2020-02-03": ["[CRITICAL] taxi: 21 features drifted, 10 features changed type"],
        "2020-02-10": [],
        "2020-02-17": [],
        "2020-02-24": [],
        "2020-03-02": [],
        "2020-03-09": [],
        "2020-03-16": ["[CRITICAL] taxi: 92 features drifted, 10 features changed type (82 new, 1 worse)"],
        "2020-03-23": ["[CRITICAL] taxi: 103 features drifted, 10 features changed type (16 new, 27 worse)"],
        "2020-03-30": [
            "[CRITICAL] taxi: 114 features drifted, 10 features changed type, 3 more (15 new, 2 worse)"
        ],
        "2020-04-06": told["2020-04-06"],
    }


def test_model_quality_recovers_and_breaks_again_as_the_files_say(built: None) -> None:
    scenes = document("demo", "--reports", real("taxi/model_quality"))["scenes"]

    told = {
        scene["scene"].removeprefix("Run of "): s for scene, s in zip(scenes, subjects(scenes), strict=True)
    }
    assert [week for week, messages in told.items() if any("recovered" in m for m in messages)] == [
        "2020-01-13",
        "2020-01-27",
    ]
    for week in ("2020-01-06", "2020-01-20", "2020-02-03", "2020-03-09", "2020-03-16"):
        assert told[week], f"nothing was told in the week of {week}"
    assert told["2020-03-16"] == ["[CRITICAL] taxi: 3 metrics too high, 1 metric too low (4 worse)"]
    assert told["2020-05-18"] == []


def test_a_week_without_its_report_is_a_blind_monitor(built: None, tmp_path: Path) -> None:
    weeks = tmp_path / "taxi" / "data_quality"
    for week in ("2020-02-03", "2020-02-10", "2020-02-17"):
        (weeks / week).mkdir(parents=True)
        if week != "2020-02-10":
            report = real("taxi/data_quality") / week / "constraint_violations.json"
            (weeks / week / "constraint_violations.json").write_bytes(report.read_bytes())

    scenes = document("demo", "--reports", weeks)["scenes"]

    assert subjects(scenes)[1:] == [
        ["[WARNING] taxi: monitor is blind, report is missing"],
        ["[CRITICAL] taxi: monitor sees again, 59 violations open"],
    ]


@pytest.fixture(scope="module")
def local(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = str(tmp_path_factory.mktemp("local"))
    with subprocess.Popen(
        [STATIONKEEPER, "local", "--port", str(port)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "STATIONKEEPER_STATE": folder},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Ready: http://127.0.0.1:")
        yield port
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert "Ended." in process.stdout.read()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


def test_samples_sent_to_a_running_system_say_what_each_did(local: int) -> None:
    sample = project.SAMPLES / "monitor-violations.json"

    first = document("send", sample, "--port", str(local))
    again = document("send", sample, "--port", str(local), "--times", "5")

    assert subjects([first]) == [
        ["[CRITICAL] churn-prod: 5 features drifted, 2 features changed type, 2 more"]
    ]
    decisions = sorted(decision["decision"] for decision in first["decisions"])
    assert decisions == ["drawn", "drawn", "ignored", "judged", "told"]
    assert again["messages"] == []
    assert [decision["decision"] for decision in again["decisions"]] == ["known"] * 10


@pytest.mark.parametrize(
    ("name", "decision", "subject"),
    [
        ("monitor-bias-violations", "judged", "[CRITICAL] churn-prod: 3 bias metrics drifted"),
        ("monitor-custom-violations", "judged", "[WARNING] churn-prod: 2 other violations"),
        (
            "monitor-explainability-violations",
            "judged",
            "[CRITICAL] churn-prod: 1 attribution ranking drifted",
        ),
        (
            "monitor-model-quality-violations",
            "judged",
            "[WARNING] churn-prod: 2 metrics too low, 1 metric too high",
        ),
        ("ground-truth-merge", "ignored", None),
    ],
)
def test_every_kind_of_monitor_has_a_sample(
    local: int, name: str, decision: str, subject: str | None
) -> None:
    sent = document("send", project.SAMPLES / f"{name}.json", "--port", str(local))

    assert sent["decisions"][0]["decision"] == decision
    assert subjects([sent]) == [[subject] if subject else []]


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        (
            "training-job-failed",
            "churn-training-2026-11-24-02-05-11-482: training job failed after 2 minutes",
        ),
        (
            "training-job-completed",
            "churn-training-2026-11-24-03-00-07-915: model trained, but not registered",
        ),
        ("transform-job-failed", "churn-scoring-2026-11-23: transform job failed after 4 minutes"),
        ("processing-job-failed", "preprocess-churn-2026-11-23-21-15-40-006: processing job failed"),
    ],
)
def test_jobs_that_take_part_have_samples(local: int, name: str, subject: str) -> None:
    sent = document("send", project.SAMPLES / f"{name}.json", "--port", str(local))

    assert [decision["decision"] for decision in sent["decisions"]] == ["told", "told"]
    assert subjects([sent]) == [[f"[WARNING] {subject}"]]


@pytest.mark.parametrize(
    ("name", "function", "reason"),
    [
        ("alarm-composite", "AlarmResponse", "it is about no endpoint that anybody named"),
        ("alarm-contributor", "AlarmResponse", "it is muted by the mute rule monday-load-test"),
        ("pipeline-execution-failed", "JobReport", "it carries no tag of ours"),
        ("pipeline-execution-succeeded", "JobReport", "it ended well, and was not started here"),
    ],
)
def test_samples_of_what_is_nobodys_business_say_why(
    local: int, name: str, function: str, reason: str
) -> None:
    sent = document("send", project.SAMPLES / f"{name}.json", "--port", str(local))

    assert [decision["decision"] for decision in sent["decisions"]] == ["ignored"]
    assert function in sent["decisions"][0]["function"]
    assert sent["decisions"][0]["reason"].startswith(reason)
    assert sent["messages"] == []


def test_the_samples_of_an_alarm_are_one_thread_once_its_endpoint_takes_part(local: int) -> None:
    raised, cleared = (project.SAMPLES / f"alarm-{name}.json" for name in ("raised", "cleared"))
    port = ("--port", str(local))
    before = document("send", raised, *port)
    sdk_client("cloudwatch", local).put_metric_alarm(
        AlarmName="churn-prod-latency",
        Namespace="AWS/SageMaker",
        MetricName="ModelLatency",
        ExtendedStatistic="p95",
        Period=60,
        EvaluationPeriods=3,
        Threshold=1_000_000,
        ComparisonOperator="GreaterThanThreshold",
        Tags=[{"Key": "stationkeeper:endpoint", "Value": "churn-prod"}],
    )

    red, again, clear = (document("send", sample, *port) for sample in (raised, raised, cleared))

    assert before["messages"] == again["messages"] == []
    assert subjects([red, clear]) == [
        ["[CRITICAL] churn-prod: alarm churn-prod-latency is red"],
        ["[OK] churn-prod: alarm clear"],
    ]
    assert incidents(red) == incidents(clear)


def test_samples_that_are_no_runs_reach_no_rule(local: int) -> None:
    samples = [project.SAMPLES / f"{name}.json" for name in ("baseline-job", "not-a-monitor")]

    sent = document("send", *samples, "--port", str(local))
    said = run("send", *samples, "--port", str(local))

    assert sent["events_no_rule_takes"] == 2
    assert sent["decisions"] == []
    assert (
        "-> no rule        no rule of the template takes 2 of these events: no function sees them"
        in said.stdout
    )


def test_any_aws_sdk_can_use_the_embedded_aws(local: int) -> None:
    urls = sdk_client("sqs", local).list_queues()["QueueUrls"]

    assert any("MonitorReportDeadLetters" in url for url in urls)


def test_a_report_is_judged_on_the_spot() -> None:
    judged = document("report", project.SAMPLES / "reports" / "monitor-violations.json")

    assert judged["monitor"] == "data_quality"
    assert judged["severity"] == "critical"
    assert judged["counts"] == {"critical": 1, "warning": 5, "info": 3}
    assert judged["violations"][0] == {
        "subject": "area_code",
        "check": "data_type_check",
        "severity": "critical",
        "observed": 0.0,
        "expected": 100.0,
        "description": "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
        "Observed: Only 0.0% of data is Integral.",
    }


def test_every_real_report_is_judged_with_no_violation_lost() -> None:
    for path in sorted(real("violations").glob("*.json"))[::6]:
        judged = document("report", path)

        assert len(judged["violations"]) == len(json.loads(path.read_bytes())["violations"])


def test_a_clean_report_has_no_severity() -> None:
    judged = document("report", project.SAMPLES / "reports" / "monitor-no-violations.json")

    assert judged["severity"] == "none"
    assert judged["violations"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["report", "/no/such/file"], 1, "there is no file /no/such/file"),
        (["report", "LICENSE"], 1, "LICENSE is not a violation report"),
        (["report", "s3://bucket-without-key"], 1, "is no S3 address"),
        (["report", "events"], 1, "cannot read events"),
        (["report"], 2, "Missing argument"),
        (
            ["report", "events/reports/monitor-violations.json", "--policy", "LICENSE"],
            1,
            "not a valid severity policy",
        ),
        (["send", "/no/such/file"], 1, "there is no file"),
        (["send", "LICENSE"], 1, "LICENSE is not JSON"),
        (["send", "events/reports/monitor-violations.json"], 1, "it has no source, detail-type, detail"),
        (["send", "events/monitor-violations.json", "--port", "9"], 1, "nothing answers on port 9"),
        (["send", "events/monitor-violations.json", "--times", "0"], 2, "--times"),
        (["demo", "--reports", "/no/such/folder"], 1, "there is no folder"),
        (["demo", "--reports", "functions/notification"], 1, "holds no run"),
        (["local", "--port", "99999"], 2, "--port"),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_wrong_use_gets_a_clear_line_and_no_traceback(arguments: list[str], code: int, says: str) -> None:
    done = subprocess.run(
        [STATIONKEEPER, *arguments],
        cwd=project.ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )

    assert done.returncode == code
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_port_in_use_is_told(local: int) -> None:
    done = run("local", "--port", str(local))

    assert done.returncode == 1
    assert f"port {local}" in done.stderr


def test_a_second_system_in_the_same_folder_is_refused(local: int, state: Path) -> None:
    with (state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        done = run("demo")

    assert done.returncode == 1
    assert f"uses {state}" in done.stderr


def test_ctrl_c_during_the_demo_leaves_nothing_running(built: None) -> None:
    process = subprocess.Popen(
        [STATIONKEEPER, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(2.5)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=90)

    assert process.returncode in (130, 0)
    assert "Traceback" not in stderr
