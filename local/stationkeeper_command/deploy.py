"""`stationkeeper deploy`: asks the little that must be asked, checks it, and leaves the rest to `sam build` and `sam deploy`."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

from rich.console import Console
from rich.text import Text
from stationkeeper.alerts.text import plain

from stationkeeper_command import deploy_wording as wording
from stationkeeper_command import project
from stationkeeper_command.account import READING_ERRORS, words_of
from stationkeeper_command.deploy_answers import Answers, save, saved
from stationkeeper_command.deploy_parameters import Parameter, read_template
from stationkeeper_command.deploy_place import (
    Place,
    Stack,
    check_ready,
    place_in,
    stack_called,
    usual_region,
)
from stationkeeper_command.deploy_questions import asked, problem_of, problem_of_region
from stationkeeper_command.errors import CommandError
from stationkeeper_command.subscriptions import Subscriptions, subscriptions_of

TOPICS = {"Alerts": "AlertTopicArn", "Messages about Stationkeeper itself": "OperationsTopicArn"}
"""What goes to a topic, and the output of the stack that names it."""

_PROCESSOR = "Architecture"


def run(
    console: Console,
    environment: str,
    *,
    ask: bool = False,
    architecture: str = "",
    settings: Sequence[str] = (),
    yes: bool = False,
) -> None:
    """Deploy this checkout.

    Parameters
    ----------
    environment : of samconfig.toml, where answers are kept.
    ask : ask again, though there are answers.
    architecture : of the functions; empty: as before, or the template's default.
    settings : `Name=value` of parameters.
    yes : do not let sam ask before it changes anything.

    Raises
    ------
    CommandError
        When a value would be refused, AWS cannot be read, or sam fails. Before `sam deploy` nothing is sent to AWS.
    """
    if not (yes or sys.stdin.isatty()):
        raise CommandError(
            "there is no terminal to ask on. Give --yes with answers that were kept, or deploy with plain `sam deploy "
            "--parameter-overrides ...`: docs/deployment.md, CI/CD."
        )
    template = read_template(project.ROOT / "template.yaml")
    before = saved(project.ROOT, environment)
    if yes and (ask or not before.region):
        raise CommandError(
            f"there is nothing to say yes to: samconfig.toml has no region in [{plain(environment)}]."
        )
    given = _given(settings, template.parameters)
    if architecture:
        given[_PROCESSOR] = architecture
    try:
        answers = _answers(console, before, given, template.parameters, ask=ask)
        place = place_in(answers.region)
        _check(answers.parameters, template.parameters, place)
        stack = stack_called(answers.stack)
        check_ready(answers.stack, stack)
    except READING_ERRORS as error:
        raise CommandError(words_of(error)) from error
    wording.show_before(console, answers, place, template, stack)
    save(project.ROOT, environment, answers)
    console.print(Text(f"\nKept in samconfig.toml [{environment}]; `make deploy ASK=1` asks again.\n"))
    project.build_for(answers.parameters[_PROCESSOR])
    _deploy(environment, yes=yes)
    _show_after(console, answers.stack)


def _answers(
    console: Console,
    before: Answers,
    given: dict[str, str],
    parameters: Mapping[str, Parameter],
    *,
    ask: bool,
) -> Answers:
    """What is to be deployed with: what was kept, what the options say, and what is asked for."""
    for gone in sorted(set(before.parameters) - set(parameters)):
        console.print(f"samconfig.toml has {plain(gone)}, which this version does not know: left out.")
    known = {name: value for name, value in before.parameters.items() if name in parameters}
    # Always said: what is built and what the stack is told must be the same.
    kept = replace(before, parameters={_PROCESSOR: parameters[_PROCESSOR].default, **known, **given})
    if not ask and before.region:
        if why := problem_of_region(before.region):
            raise CommandError(f"region {plain(before.region)} in samconfig.toml: {why}")
        return kept
    return asked(console, parameters, kept, usual_region(), place_in)


def _given(settings: Sequence[str], parameters: Mapping[str, Parameter]) -> dict[str, str]:
    """`Name=value` each."""
    given = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or name not in parameters:
            raise CommandError(
                f"--set {plain(setting)}: must be NAME=VALUE, with one of {', '.join(sorted(parameters))}"
            )
        given[name] = parameters[name].cleaned(value)
    return given


def _check(values: Mapping[str, str], parameters: Mapping[str, Parameter], place: Place) -> None:
    for name, value in values.items():
        if why := problem_of(parameters[name], value, place):
            raise CommandError(f"{name}={plain(value)}: {plain(why, 400)}")


def _deploy(environment: str, *, yes: bool) -> None:
    options = ["--config-env", environment, *(["--no-confirm-changeset"] if yes else [])]
    if project.run_sam("deploy", *options).returncode != 0:
        raise CommandError(
            "`sam deploy` failed, see above. CloudFormation takes back what it had begun; `make deploy` tries again."
        )


def _show_after(console: Console, name: str) -> None:
    try:
        stack = stack_called(name)
        if stack is None:
            raise CommandError(
                "nothing was deployed: the change set was not executed. `make deploy` proposes it again."
            )
        wording.show_after(console, stack, _told(stack))
    except READING_ERRORS as error:
        raise CommandError(f"deployed, but it cannot be looked at: {words_of(error)}") from error


def _told(stack: Stack) -> dict[str, Subscriptions]:
    return {what: subscriptions_of(stack.outputs[output]) for what, output in TOPICS.items()}
