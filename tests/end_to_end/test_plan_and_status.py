"""`stationkeeper plan` and `status` as a person runs them, against a running system."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.end_to_end.conftest import System
from tests.end_to_end.test_releases import ENDPOINT, opt_in, register, settled, system

__all__ = ["system"]  # the fixture: a stack that may release

STATIONKEEPER = Path(sys.executable).parent / "stationkeeper"
# What a developer's shell may have, and what must not matter with --port.
ELSEWHERE = {
    "AWS_PROFILE": "nobody",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ENDPOINT_URL_SAGEMAKER": "http://127.0.0.1:1",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "HTTP_PROXY": "http://127.0.0.1:1",
    "http_proxy": "http://127.0.0.1:1",
}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [STATIONKEEPER, *arguments],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env={**os.environ, **environment},
    )


def document(*arguments: str, **environment: str) -> Any:
    done = run(*arguments, "--json", **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_plan_and_status_of_a_running_system(system: System) -> None:
    port = str(system.aws.endpoint_url.rpartition(":")[2])
    opt_in(system)
    register(system)
    settled(system)
    system.aws.sagemaker.disturb(drop=True)
    register(system)
    before = len(system.aws.calls())

    plan = document("plan", "churn", "--port", port, **ELSEWHERE)
    status = document("status", "--port", port, **ELSEWHERE)
    left = run("plan", "churn", "--port", port, "--exit-code")
    direct = run(
        "plan",
        "nonsense",
        AWS_ENDPOINT_URL=system.aws.endpoint_url,
        AWS_DEFAULT_REGION="eu-west-1",
        AWS_ACCESS_KEY_ID="AKIAEMBEDDEDUSER0000",
        AWS_SECRET_ACCESS_KEY="anything",
    )

    assert (plan["endpoint"], plan["live"], plan["desired"], plan["decision"]) == (ENDPOINT, 1, 2, "start")
    assert plan["steps"][-1]["action"] == "UpdateEndpoint"
    assert [
        (row["endpoint"], row["live"], row["newest_approved"], row["state"]) for row in status["endpoints"]
    ] == [(ENDPOINT, 1, 2, "release-due")]
    assert left.returncode == 3
    assert "5 steps planned, nothing was changed" in left.stdout
    assert (direct.returncode, direct.stdout) == (1, "")
    assert direct.stderr.startswith("stationkeeper: there is no model package group nonsense")
    calls = [call.action for call in system.aws.calls()[before:]]
    assert len(calls) > 30
    assert [call for call in calls if not call.startswith(("Describe", "List", "Get", "BatchGet"))] == []


def test_nothing_answers() -> None:
    for command in (["plan", "churn"], ["status"]):
        done = run(*command, "--port", "9")

        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            "stationkeeper: nothing answers on port 9. Start it with `stationkeeper local --port 9`.\n"
        )


def test_no_credentials(tmp_path: Path) -> None:
    environment = {
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }

    done = run("plan", "churn", **environment)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("stationkeeper: no complete AWS credentials were found.")
    assert "Traceback" not in done.stderr
