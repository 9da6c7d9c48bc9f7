"""The `stationkeeper` command in this process, over the one-process world with a deployed stack; every call of AWS is noted."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import botocore.client
import pytest
from botocore.exceptions import ClientError
from click.testing import Result
from stationkeeper.aws import clients
from stationkeeper_command.errors import CommandError
from stationkeeper_command.main import app
from typer.testing import CliRunner

from tests.release_world import ReleaseWorld, release_world

STACK = "stationkeeper"
_SETTINGS = (
    "ACCOUNT_ID",
    "PARTITION",
    "KEEP_DAYS",
    "DATA_BUCKET",
    "EXECUTION_ROLE_ARNS",
    "DEFAULT_INSTANCE_TYPE",
    "DEFAULT_MIN_INSTANCES",
    "DEFAULT_MAX_INSTANCES",
    "DEFAULT_INVOCATIONS_PER_INSTANCE",
    "DEFAULT_BAKE_MINUTES",
    "DEFAULT_CAPTURE_PERCENTAGE",
    "DEFAULT_ERROR_PERCENT",
    "DEFAULT_LATENCY_MILLISECONDS",
    "MONITORING_INSTANCE_TYPE",
    "STATE_TABLE_NAME",
    "EVENT_BUS_NAME",
    "ON_CALL",
)
_READS = ("Describe", "List", "Get", "BatchGet")


@dataclass
class Command:
    """Runs commands; `calls` are those of AWS that the last one made, as `sagemaker:ListTags`."""

    world: ReleaseWorld
    calls: list[str] = field(default_factory=list)
    refusals: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Calls that AWS refuses, with code and words."""

    def run(self, *arguments: str) -> Result:
        """Run a command; it must not have changed anything."""
        self.calls.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                botocore.client.BaseClient,
                "_make_api_call",
                self._noted(botocore.client.BaseClient._make_api_call),
            )
            result = CliRunner().invoke(app, list(arguments))
        assert self.mutations == []
        return result

    def says(self, *arguments: str) -> str:
        """What a command prints that ends well."""
        result = self.run(*arguments)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.stdout

    def document(self, *arguments: str) -> Any:
        return json.loads(self.says(*arguments, "--json"))

    def error(self, *arguments: str) -> str:
        """The one line of a command that cannot do what was asked; stdout stays empty."""
        result = self.run(*arguments)
        assert isinstance(result.exception, CommandError), (result.output, result.exception)
        assert result.stdout == ""
        return str(result.exception)

    @property
    def mutations(self) -> list[str]:
        """Calls of the last command that are not known to only read."""
        return [call for call in self.calls if not call.partition(":")[2].startswith(_READS)]

    def bring(self) -> None:
        """Everything the release function would do comes to rest."""
        for _ in range(3):
            self.world.sweep()
            self.world.settle()
        self.world.read_mail()

    def _noted(self, original: Any) -> Any:
        def call(client: Any, operation: str, request: Any) -> Any:
            name = f"{client.meta.service_model.service_name}:{operation}"
            self.calls.append(name)
            if name in self.refusals:
                code, said = self.refusals[name]
                raise ClientError({"Error": {"Code": code, "Message": said}}, operation)
            return original(client, operation, request)

        return call


def deploy(stack: str = STACK, logical_id: str = "ReleaseFunction", **changed: str) -> None:
    """A stack with the release function, which has the settings of the world, the topic of alerts, and nothing else."""
    variables = {name: os.environ[name] for name in _SETTINGS} | changed
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    resources = {
        "AlertTopic": {"Type": "AWS::SNS::Topic"},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}},
        logical_id: {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": "app.handler",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": {"ZipFile": "pass"},
                "Environment": {"Variables": {name: value for name, value in variables.items() if value}},
            },
        },
    }
    boto3.client("cloudformation").create_stack(
        StackName=stack, TemplateBody=json.dumps({"Resources": resources})
    )


def forget_clients() -> None:
    """The next command starts with no client, as a new process does."""
    clients._session.cache_clear()
    clients._client.cache_clear()


@contextmanager
def command_world() -> Iterator[Command]:
    with release_world() as world:
        deploy()
        yield Command(world)
