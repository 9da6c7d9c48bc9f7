"""The few questions of a first deployment. An answer that CloudFormation would refuse is asked for again, with the reason."""

import re
from collections.abc import Callable, Mapping

import typer
from rich.console import Console
from rich.text import Text
from stationkeeper.alerts.text import plain

from stationkeeper_command.deploy_answers import Answers
from stationkeeper_command.deploy_parameters import Parameter, stranger
from stationkeeper_command.deploy_place import Place

_ASKED = {
    "AlertEmail": "nobody; subscribe somebody later",
    "ExecutionRoleArns": "none: nothing is released; add them later",
    "MonitoredBuckets": "sagemaker-<region>-<account>",
}
"""Parameters that are asked for, and what it means when one stays empty."""
# SSM keeps names that begin with aws or ssm for itself; the severity policy's begins with the stack's.
_STACK = re.compile(r"(?!(?i:aws|ssm))[A-Za-z][A-Za-z0-9-]{0,63}")
_STACK_FORM = "must begin with a letter, not with aws or ssm; letters, digits and hyphens, at most 64"
_REGION = re.compile(r"[a-z]{2}(-[a-z]{2,12}){1,3}-\d{1,2}")
_NONE = "-"
_OWN = ("ExecutionRoleArns", "RetrainingPipelineArns")
"""What a stack can only use of its own account."""


def ask_where(console: Console, before: Answers, default_region: str) -> tuple[str, str]:
    """Ask a person at a terminal for the name of the stack and its region; Enter takes those of last time, or the default."""
    console.print(Text("Enter takes what stands in brackets. You see every change before it is made.\n"))
    stack = _answer(
        "Name of the stack", before.stack, lambda text: "" if _STACK.fullmatch(text) else _STACK_FORM
    )
    region = _answer("Region", before.region or default_region, problem_of_region)
    return stack, region


def ask_what(
    console: Console,
    parameters: Mapping[str, Parameter],
    before: Mapping[str, str],
    there: Mapping[str, str],
    place: Place,
) -> dict[str, str]:
    """Ask for the values of the few parameters; Enter takes what was answered before, else what the stack has, else the default.

    Parameters
    ----------
    before : values that were answered before, or given with an option.
    there : values of the stack; empty when it is new.
    """
    console.print(Text(f"  account {place.account}, as {plain(place.who)}\n", style="dim"))
    return {
        name: _parameter(console, parameters[name], before.get(name), there.get(name, ""), empty, place)
        for name, empty in _ASKED.items()
    }


def problem_of_region(text: str) -> str:
    """Why a text is no name of a region; empty when it is one."""
    return "" if _REGION.fullmatch(text) else "must be the name of a region, like eu-west-1"


def problem_of(parameter: Parameter, value: str, place: Place) -> str:
    """Why a value cannot be deployed here; empty when it can."""
    return parameter.problem(value) or (
        stranger(value, place.account, place.region) if parameter.name in _OWN else ""
    )


def _parameter(
    console: Console, parameter: Parameter, before: str | None, there: str, empty: str, place: Place
) -> str:
    console.print(Text(parameter.description, style="dim"))
    default = there if before is None else before
    of_stack = ", as the stack has" if before is None else ""
    words = f"{parameter.name} " + (
        f"[{plain(default, 4_000)}{of_stack}; {_NONE} = none]" if default else f"[Enter = {empty}]"
    )

    def cleaned(text: str) -> str:
        return "" if text.strip() == _NONE else parameter.cleaned(text)

    answer = _answer(words, default, lambda text: problem_of(parameter, cleaned(text), place), shown=False)
    console.print()
    return cleaned(answer)


def _answer(question: str, default: str, problem: Callable[[str], str], *, shown: bool = True) -> str:
    while True:
        text: str = typer.prompt(question, default=default, show_default=shown and bool(default)).strip()
        why = problem(text)
        if not why:
            return text
        typer.echo(f"  {plain(text, 120)}: {plain(why, 400)}")
