"""A tiny `sam build` output per test: functions of a few lines, each behind its own rule, queue and DLQ."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from embedded_aws import EmbeddedAws

from tests.embedded_aws.sagemaker_account import REGION, Account
from tests.embedded_aws.sagemaker_account import account as open_account

PROJECT = Path(__file__).parents[2]
RUNTIME_PACKAGES = ("boto3", "awslambdaric")

type Run = Callable[..., EmbeddedAws]


@pytest.fixture(scope="session")
def runtime_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with what the Lambda runtime has: boto3 and awslambdaric, nothing else."""
    for given in (os.environ.get("STATIONKEEPER_RUNTIME_PYTHON"), PROJECT / ".venv-lambda/bin/python"):
        if given and Path(given).exists():
            return Path(given)
    folder = tmp_path_factory.mktemp("runtime") / "venv"
    python = folder / "bin/python"
    own = PROJECT / ".uv/bin/uv"
    uv = shutil.which("uv") or (str(own) if own.exists() else None)
    if uv is not None:
        commands = [
            [uv, "venv", "--quiet", "--python", sys.executable, folder],
            [uv, "pip", "install", "--quiet", "--python", python, *RUNTIME_PACKAGES],
        ]
    else:
        commands = [
            [sys.executable, "-m", "venv", folder],
            [python, "-m", "pip", "install", "--quiet", *RUNTIME_PACKAGES],
        ]
    for command in commands:
        subprocess.run(command, check=True)
    return python


@pytest.fixture
def build_folder(tmp_path: Path) -> Path:
    return tmp_path / "build"


@pytest.fixture
def run(tmp_path: Path, build_folder: Path, runtime_python: Path) -> Iterator[Run]:
    """Starts an embedded AWS with these functions, each reading events of the source `test`.

    `functions` maps a logical id to its code and settings (see `_function`); `resources` are added to the
    template. Everything started is stopped at the end of the test.
    """
    started: list[EmbeddedAws] = []

    def start(
        functions: dict[str, dict[str, Any]] | None = None,
        resources: dict[str, Any] | None = None,
        layers: dict[str, dict[str, str]] | None = None,
        template: dict[str, Any] | None = None,
        **options: Any,
    ) -> EmbeddedAws:
        write_build(build_folder, functions or {}, resources or {}, layers or {}, template or {})
        embedded = EmbeddedAws(build_folder, tmp_path / "state", runtime_python, **options)
        started.append(embedded)
        embedded.start()
        return embedded

    yield start
    for embedded in started:
        embedded.stop()


@pytest.fixture
def event() -> Callable[..., dict[str, Any]]:
    """Makes an event of the source `test`; keyword arguments are its detail."""

    def make(identifier: str = "event-1", source: str = "test", **detail: Any) -> dict[str, Any]:
        return {"id": identifier, "source": source, "detail-type": "Something Happened", "detail": detail}

    return make


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """SageMaker's release life cycle in this process."""
    for name, value in {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }.items():
        monkeypatch.setenv(name, value)
    with open_account() as opened:
        yield opened


def write_build(
    folder: Path,
    functions: dict[str, dict[str, Any]],
    resources: dict[str, Any],
    layers: dict[str, dict[str, str]],
    template: dict[str, Any],
) -> None:
    """`layers` maps a logical id to its modules: {module name: source}."""
    all_resources: dict[str, Any] = {}
    for logical_id, modules in layers.items():
        for name, source in modules.items():
            _write(folder / logical_id / "python" / f"{name}.py", source)
        all_resources[logical_id] = {
            "Type": "AWS::Serverless::LayerVersion",
            "Properties": {"ContentUri": logical_id, "CompatibleRuntimes": ["python3.13"]},
        }
    for logical_id, settings in functions.items():
        all_resources |= _function(folder, logical_id, **settings)
    document = {
        "Transform": "AWS::Serverless-2016-10-31",
        # CloudFormation wants at least one resource.
        "Resources": all_resources | resources or {"Nothing": {"Type": "AWS::SNS::Topic"}},
        **template,
    }
    _write(folder / "template.yaml", json.dumps(document, indent=1))


def _function(
    folder: Path,
    name: str,
    code: str,
    *,
    timeout: int = 5,
    memory: int = 256,
    batch_size: int = 10,
    visibility: int = 600,
    max_receive_count: int = 3,
    layers: tuple[str, ...] = (),
    environment: dict[str, Any] | None = None,
    pattern: dict[str, Any] | None = None,
    bus: Any = "default",
    report_failures: bool = True,
) -> dict[str, Any]:
    _write(folder / name / "app.py", code)
    mapping: dict[str, Any] = {"Queue": {"Fn::GetAtt": [f"{name}Queue", "Arn"]}, "BatchSize": batch_size}
    if report_failures:
        mapping["FunctionResponseTypes"] = ["ReportBatchItemFailures"]
    return {
        f"{name}DeadLetters": {"Type": "AWS::SQS::Queue"},
        f"{name}Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "VisibilityTimeout": visibility,
                "SqsManagedSseEnabled": True,
                "RedrivePolicy": {
                    "deadLetterTargetArn": {"Fn::GetAtt": [f"{name}DeadLetters", "Arn"]},
                    "maxReceiveCount": max_receive_count,
                },
            },
        },
        f"{name}Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventBusName": bus,
                "EventPattern": pattern or {"source": ["test"]},
                "Targets": [{"Id": "queue", "Arn": {"Fn::GetAtt": [f"{name}Queue", "Arn"]}}],
            },
        },
        f"{name}QueuePolicy": queue_policy(f"{name}Queue", f"{name}Rule"),
        name: {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": "app.handler",
                "CodeUri": name,
                "Timeout": timeout,
                "MemorySize": memory,
                "Layers": [{"Ref": layer} for layer in layers],
                "Environment": {"Variables": environment or {}},
                "Events": {"Source": {"Type": "SQS", "Properties": mapping}},
            },
        },
    }


def queue_policy(queue: str, rule: str) -> dict[str, Any]:
    return {
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {
            "Queues": [{"Ref": queue}],
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "events.amazonaws.com"},
                        "Action": "sqs:SendMessage",
                        "Resource": {"Fn::GetAtt": [queue, "Arn"]},
                        "Condition": {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule, "Arn"]}}},
                    }
                ],
            },
        },
    }


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text), encoding="utf-8")
