"""Functions run as in Lambda: one cold start, killed at their limits, with nothing of the developer's."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ECHO = "def handler(event, context):\n    return event\n"


def test_function_starts_cold_once_and_is_warm_after(run: Any) -> None:
    aws = run({"Worker": {"code": "import os\ndef handler(event, context):\n    return os.getpid()\n"}})

    results = [aws.invoke("Worker", {}) for _ in range(3)]

    assert [result.init_ms is not None for result in results] == [True, False, False]
    assert len({result.answer for result in results}) == 1
    assert aws.log("Worker").count("Init Duration") == 1


def test_function_is_killed_at_its_timeout_with_lambdas_words(run: Any) -> None:
    aws = run(
        {"Worker": {"code": "import time\ndef handler(event, context):\n    time.sleep(9)\n", "timeout": 1}}
    )

    result = aws.invoke("Worker", {})

    assert result.outcome == "timeout"
    assert result.error_message == "Task timed out after 1.00 seconds"
    assert result.duration_ms == pytest.approx(1000, abs=400)
    assert f"{result.request_id} Task timed out after 1.00 seconds" in aws.log("Worker")
    assert not aws.functions["Worker"].alive


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is watched through /proc")
def test_function_is_killed_above_its_memory(run: Any) -> None:
    code = """
        def handler(event, context):
            held = []
            while True:
                held.append(bytearray(b"x") * 1_000_000 * 10)
    """
    aws = run({"Worker": {"code": code, "memory": 128, "timeout": 20}})

    result = aws.invoke("Worker", {})

    assert result.outcome == "memory"
    assert result.error_message.endswith("Error: Runtime exited with error: signal: killed")
    assert "Max Memory Used: 128 MB\tInit Duration" in aws.log("Worker")
    assert "Error Type: Runtime.OutOfMemory" in aws.log("Worker")


def test_crashed_function_is_started_again(run: Any) -> None:
    code = """
        import os
        def handler(event, context):
            if event.get("crash"):
                os._exit(7)
            return "fine"
    """
    aws = run({"Worker": {"code": code}})

    crashed = aws.invoke("Worker", {"crash": True})
    after = aws.invoke("Worker", {})

    assert crashed.outcome == "crash"
    assert crashed.error_message.endswith("Runtime exited with error: exit status 7")
    assert (after.outcome, after.answer) == ("success", "fine")
    assert after.init_ms is not None


def test_error_of_the_handler_is_told_with_its_type(run: Any) -> None:
    aws = run({"Worker": {"code": "def handler(event, context):\n    raise KeyError('missing')\n"}})

    result = aws.invoke("Worker", {})

    assert (result.outcome, result.error_type, result.error_message) == ("error", "KeyError", "'missing'")
    assert "[ERROR] KeyError: 'missing'" in aws.log("Worker")


def test_function_that_cannot_be_imported_fails_to_start(run: Any) -> None:
    aws = run({"Worker": {"code": "import no_such_package\n"}})

    result = aws.invoke("Worker", {})

    assert result.outcome == "init-error"
    assert result.error_type == "Runtime.ImportModuleError"
    assert "No module named 'no_such_package'" in result.error_message


def test_log_holds_what_the_function_prints_between_start_and_report(run: Any) -> None:
    heard: list[tuple[str, str]] = []
    code = "import sys\ndef handler(event, context):\n    print('first')\n    print('last', end='', file=sys.stderr)\n"
    aws = run({"Worker": {"code": code}}, on_log=lambda name, line: heard.append((name, line)))

    result = aws.invoke("Worker", {})

    lines = aws.log("Worker").splitlines()
    assert lines[0] == f"START RequestId: {result.request_id} Version: $LATEST"
    assert lines[1:3] == ["first", "last"]
    assert lines[3] == f"END RequestId: {result.request_id}"
    assert re.fullmatch(
        rf"REPORT RequestId: {result.request_id}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\t"
        r"Memory Size: 256 MB\tMax Memory Used: \d+ MB\tInit Duration: [\d.]+ ms",
        lines[4],
    )
    assert [line for _, line in heard] == lines
    assert {name for name, _ in heard} == {aws.functions["Worker"].definition.name}


def test_context_tells_name_memory_arn_and_time_left(run: Any) -> None:
    code = """
        def handler(event, context):
            return [context.function_name, context.memory_limit_in_mb, context.invoked_function_arn,
                    context.get_remaining_time_in_millis()]
    """
    aws = run({"Worker": {"code": code, "timeout": 8}})
    definition = aws.functions["Worker"].definition

    name, memory, arn, left = aws.invoke("Worker", {}).answer

    assert (name, memory, arn) == (definition.name, "256", definition.arn)
    assert 7000 < left <= 8000


def test_environment_is_lambdas_and_nothing_of_the_callers(
    run: Any, monkeypatch: pytest.MonkeyPatch, build_folder: Path
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_DEVELOPER", "1")
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid")
    code = "import os\ndef handler(event, context):\n    return dict(os.environ)\n"
    aws = run({"Worker": {"code": code, "environment": {"MINE": "yes"}}})

    found = aws.invoke("Worker", {}).answer

    assert found["MINE"] == "yes"
    assert found["AWS_LAMBDA_FUNCTION_NAME"] == aws.functions["Worker"].definition.name
    assert found["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert found["AWS_REGION"] == found["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert found["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert found["AWS_ENDPOINT_URL"] == aws.endpoint_url
    assert found["LAMBDA_TASK_ROOT"] == str(build_folder / "Worker")
    assert found["TZ"] == ":UTC"
    assert not {"SECRET_OF_THE_DEVELOPER", "AWS_PROFILE", "HTTP_PROXY", "VIRTUAL_ENV"} & set(found)
    assert found["HOME"] != str(Path.home())


def test_developers_packages_cannot_be_imported(run: Any) -> None:
    code = """
        import importlib.util, sys
        def handler(event, context):
            return {name: bool(importlib.util.find_spec(name)) for name in ("moto", "pytest", "boto3")}
    """
    aws = run({"Worker": {"code": code}})

    assert aws.invoke("Worker", {}).answer == {"moto": False, "pytest": False, "boto3": True}


def test_task_root_comes_before_layers_and_the_last_layer_wins(run: Any, build_folder: Path) -> None:
    code = "import shared, own\ndef handler(event, context):\n    return [shared.WHO, own.WHO]\n"
    aws = run(
        {"Worker": {"code": code, "layers": ("First", "Second")}},
        layers={
            "First": {"shared": "WHO = 'first layer'", "own": "WHO = 'layer'"},
            "Second": {"shared": "WHO = 'second layer'"},
        },
    )
    (build_folder / "Worker/own.py").write_text("WHO = 'task root'\n")

    assert aws.invoke("Worker", {}).answer == ["second layer", "task root"]


def test_answer_can_be_any_json(run: Any) -> None:
    aws = run({"Worker": {"code": ECHO}})

    payload = json.loads('{"text": "Grüße \\u2603", "numbers": [1, 2.5, null, true]}')
    assert aws.invoke("Worker", payload).answer == payload
