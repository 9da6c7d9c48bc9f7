"""Starts clean, stops clean, and can be led from another process."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from embedded_aws import EmbeddedAws
from moto.events.models import EventsBackend
from moto.sns.models import Topic

SLEEPS = "import time\ndef handler(event, context):\n    time.sleep(30)\n"
DO_NOTHING = "def handler(event, context):\n    pass\n"


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_stop_leaves_no_process_no_thread_and_a_free_port(run: Any, event: Any) -> None:
    threads = set(threading.enumerate())
    aws = run({"Worker": {"code": SLEEPS, "timeout": 30}})
    port = int(aws.endpoint_url.rpartition(":")[2])
    aws.send(event())
    until = time.monotonic() + 10
    while not aws.functions["Worker"].alive and time.monotonic() < until:
        time.sleep(0.02)
    pid = aws.functions["Worker"].pid
    assert pid is not None
    started = time.monotonic()

    aws.stop()

    assert time.monotonic() - started < 3
    assert gone(pid)
    until = time.monotonic() + 2
    while set(threading.enumerate()) - threads and time.monotonic() < until:
        time.sleep(0.02)
    assert set(threading.enumerate()) - threads == set()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


def test_second_instance_starts_from_nothing(run: Any, event: Any, tmp_path: Path) -> None:
    resources = {"Topic": {"Type": "AWS::SNS::Topic"}}
    first = run({"Worker": {"code": DO_NOTHING}}, resources=resources)
    first.client("sns").publish(TopicArn=first.deployment.physical_id("Topic"), Message="old")
    first.client("s3").put_object(Bucket="embedded-aws-code", Key="old", Body=b"old")
    first.stop()

    second = run({"Worker": {"code": DO_NOTHING}}, resources=resources)

    assert second.outbox() == []
    assert list((tmp_path / "state/outbox").iterdir()) == []
    keys = second.client("s3").list_objects_v2(Bucket="embedded-aws-code")["Contents"]
    assert [item["Key"] for item in keys] == ["Worker.zip"]
    second.send(event())
    assert second.drain(20).delivered == 1


def test_moto_is_left_as_it_was(run: Any) -> None:
    before = (Topic.publish, EventsBackend.put_events)
    aws = run()
    assert (Topic.publish, EventsBackend.put_events) != before

    aws.stop()

    assert (Topic.publish, EventsBackend.put_events) == before


def test_failed_start_leaves_nothing_running(run: Any) -> None:
    threads = set(threading.enumerate())

    with pytest.raises(Exception, match="no parameter"):
        run(resources={"Topic": {"Type": "AWS::SNS::Topic"}}, parameters={"Nonsense": "1"})

    assert set(threading.enumerate()) - threads == set()


def test_other_files_in_the_state_folder_are_left_alone(run: Any, tmp_path: Path) -> None:
    (tmp_path / "state/outbox").mkdir(parents=True)
    (tmp_path / "state/outbox/0001-Old.json").touch()
    (tmp_path / "state/mine.txt").touch()

    run()

    assert (tmp_path / "state/mine.txt").exists()
    assert not (tmp_path / "state/outbox/0001-Old.json").exists()


def test_interrupt_ends_the_functions(
    build_folder: Path, tmp_path: Path, run: Any, runtime_python: Path
) -> None:
    run({"Worker": {"code": SLEEPS, "timeout": 30}}).stop()
    script = dedent(f"""
        import sys, time
        from embedded_aws import EmbeddedAws
        with EmbeddedAws({str(build_folder)!r}, {str(tmp_path / "other")!r}, {str(runtime_python)!r}) as aws:
            aws.send({{"source": "test", "detail-type": "x", "detail": {{}}}})
            while not aws.functions["Worker"].alive:
                time.sleep(0.02)
            print(aws.functions["Worker"].pid, flush=True)
            aws.drain(60)
    """)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        for _ in range(
            6
        ):  # Python may lose one that comes while it cannot raise, in a callback of the collector, say
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
                break

    assert gone(pid)


def test_it_can_be_led_over_http(run: Any, event: Any) -> None:
    aws = run({"Worker": {"code": DO_NOTHING}})

    def ask(method: str, route: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{aws.endpoint_url}/_embedded/{route}",
            method=method,
            data=json.dumps(body).encode() if body else None,
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    ready = ask("GET", "ready")
    assert (ready["ready"], ready["functions"]) == (True, ["Worker"])
    assert ask("POST", "events", {"events": [event("one")], "times": 2}) == {"ids": ["one"]}
    assert ask("POST", "drain", {"timeout_seconds": 20})["delivered"] == 2
    state = ask("GET", "state?since=0")
    assert {entry["kind"] for entry in state["entries"]} == {"event", "matched", "invocation"}
    assert ask("GET", f"state?since={state['last']}")["entries"] == []
    ask("POST", "faults", {"service": "sns", "action": "Publish", "kind": "throttle"})
    assert ask("GET", "faults")["faults"][0]["service"] == "sns"
    ask("DELETE", "faults")
    assert aws.faults() == []
    with pytest.raises(urllib.error.HTTPError, match="400"):
        ask("POST", "events", {"events": [{"detail": {}}]})
    with pytest.raises(urllib.error.HTTPError, match="404"):
        ask("GET", "nonsense")


def test_instance_cannot_be_started_twice(run: Any) -> None:
    aws: EmbeddedAws = run()

    with pytest.raises(RuntimeError, match="starts once"):
        aws.start()
