"""What was answered, kept in samconfig.toml where `sam deploy` reads it: in the form that the SAM CLI itself writes."""

import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from samcli.cli.types import CfnParameterOverridesType  # type: ignore[import-untyped]
from samcli.lib.config.exceptions import FileParseException  # type: ignore[import-untyped]
from samcli.lib.config.file_manager import TomlFileManager  # type: ignore[import-untyped]
from stationkeeper.alerts.text import plain

from stationkeeper_command.errors import CommandError

FILE = "samconfig.toml"
_VERSION = 0.1
"""Of the file's form. Source: SAM developer guide, "AWS SAM CLI configuration file"."""
_ENVIRONMENT = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HOW_SAM_DEPLOYS = {
    "capabilities": "CAPABILITY_IAM",
    "confirm_changeset": True,
    "resolve_s3": True,
    "fail_on_empty_changeset": False,
}
"""Written where the file says nothing: an environment that is new has none of it."""


@dataclass(frozen=True, slots=True)
class Answers:
    """`region` is empty when nobody was asked yet. A parameter that is missing keeps the value the stack has, or its default."""

    stack: str = "stationkeeper"
    region: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    profile: str = ""
    """Of the AWS CLI's configuration; empty: what the environment says."""


def saved(folder: Path, environment: str) -> Answers:
    """What samconfig.toml holds for an environment of the SAM CLI.

    Raises
    ------
    CommandError
        When the file, or the name of the environment, is not what the SAM CLI takes.
    """
    document = _read(folder, environment)
    # What a command's own section says goes before what is said for all commands, as for sam.
    values = {**_options(document, environment, "global"), **_options(document, environment, "deploy")}
    overrides = values.get("parameter_overrides") or {}
    try:
        parameters = CfnParameterOverridesType().convert(overrides, None, None) if overrides else {}
    except click.UsageError as error:
        said = plain(error.format_message(), 300)
        raise CommandError(f"parameter_overrides in {FILE} cannot be read: {said}") from error
    return Answers(
        stack=str(values.get("stack_name") or Answers().stack),
        region=str(values.get("region") or ""),
        profile=str(values.get("profile") or ""),
        parameters={str(name): str(value) for name, value in parameters.items()},
    )


def save(folder: Path, environment: str, answers: Answers) -> None:
    """Keep the answers. Stack and region become those of every `sam` command in this folder, `sam delete` and `sam logs` too."""
    document = _read(folder, environment)
    document.setdefault("version", _VERSION)
    shared, own = (_options(document, environment, command) for command in ("global", "deploy"))
    for key, answer in (("stack_name", answers.stack), ("region", answers.region)):
        shared[key] = answer
        own.pop(key, None)  # it would count instead
    for key, default in _HOW_SAM_DEPLOYS.items():
        own.setdefault(key, default)
    own["s3_prefix"] = answers.stack
    own["parameter_overrides"] = " ".join(
        f"{name}={_in_quotes(value)}" for name, value in answers.parameters.items()
    )
    TomlFileManager.write(document, folder / FILE)


def _in_quotes(value: str) -> str:
    escaped = value.replace('"', '\\"')
    return f'"{escaped}"'


def _options(document: MutableMapping[str, Any], environment: str, command: str) -> MutableMapping[str, Any]:
    """The options of a command; made when there are none."""
    of_environment = document.setdefault(environment, {})
    options: MutableMapping[str, Any] = of_environment.setdefault(command, {}).setdefault("parameters", {})
    return options


def _read(folder: Path, environment: str) -> MutableMapping[str, Any]:
    if not _ENVIRONMENT.fullmatch(environment):
        raise CommandError(f"{plain(environment, 80)} is no name of an environment: letters, digits, - and _")
    try:
        document: MutableMapping[str, Any] = TomlFileManager.read(folder / FILE)
    except FileParseException as error:
        raise CommandError(f"{folder / FILE} cannot be read: {plain(str(error), 300)}") from error
    if document and not isinstance(document.get("version"), float):
        raise CommandError(
            f"{folder / FILE} cannot be read: it has no version. The SAM CLI wants `version = 0.1`."
        )
    return document
