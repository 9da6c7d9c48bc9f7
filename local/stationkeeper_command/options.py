"""Options that several commands take, and where commands speak."""

import json
import shlex
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document to stdout, and nothing else.")
]
PortOption = Annotated[int, typer.Option(min=1, max=65_535, help="Port of the embedded AWS.")]
StackOption = Annotated[str, typer.Option(help="Name of the deployed stack.")]
EmbeddedOption = Annotated[
    int | None,
    typer.Option(
        "--port",
        min=1,
        max=65_535,
        help="Look at the `stationkeeper local` on this port, not at your AWS account.",
        show_default=False,
    ),
]


def console_for(as_json: bool) -> Console:
    """Where the story goes: stdout, or nowhere when stdout is for JSON."""
    return Console(quiet=as_json, highlight=False, soft_wrap=True)


def print_json(document: Any) -> None:
    print(json.dumps(document, indent=2, allow_nan=False))


def check_together(option: str, **others: object) -> None:
    """Options that make no sense together are wrong use."""
    if given := [f"--{name.replace('_', '-')}" for name, value in others.items() if value]:
        raise typer.BadParameter(f"{option} does not go with {', '.join(given)}")


def asking(*, yes: bool) -> Callable[[str], bool] | None:
    """What asks a person; None where nobody can be asked, and the answer was not given before."""
    if yes:
        return lambda _: True
    return (lambda question: typer.confirm(question, err=True)) if sys.stdin.isatty() else None


def again(stack: str, port: int | None) -> str:
    """The options somebody has to repeat who pastes a command that we print."""
    options = "" if port is None else f" --port {port}"
    return options + ("" if stack == "stationkeeper" else f" --stack {shlex.quote(stack)}")
