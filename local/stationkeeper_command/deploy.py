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
    TOPICS,
    Place,
    Stack,
    check_ready,
    place_in,
    stack_called,
    use_profile,
    usual_region,
)
from stationkeeper_command.deploy_questions import ask_what, ask_where, problem_of, problem_of_region
from stationkeeper_command.errors import CommandError
from stationkeeper_command.subscriptions import Subscriptions, subscriptions_of

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
    if yes and ask:
        raise CommandError("--ask asks, and --yes lets nothing be asked: give one of them.")
    if yes and not before.region:
        raise CommandError(
            f"there is nothing to say yes to: samconfig.toml has no region in [{plain(environment)}]."
        )
    given = _given(settings, template.parameters)
    if architecture:
        given[_PROCESSOR] = architecture
    try:
        if before.profile:
            use_profile(before.profile)
        asking = ask or not before.region
        name, region = ask_where(console, before, usual_region()) if asking else _where(before)
        place = place_in(region)
        stack = stack_called(name)
        check_ready(name, stack, place, environment)
        there = {} if stack is None else stack.parameters
        kept = {**_known(console, before, template.parameters), **given}
        # Always said: what is built and what the stack is told must be the same.
        processor = there.get(_PROCESSOR, template.parameters[_PROCESSOR].default)
        told = ask_what(console, template.parameters, kept, there, place) if asking else {}
        answers = replace(
            before, stack=name, region=region, parameters={_PROCESSOR: processor, **kept, **told}
        )
        _check(answers.parameters, template.parameters, place)
    except READING_ERRORS as error:
        raise CommandError(words_of(error)) from error
    wording.show_before(console, answers, place, template, stack)
    save(project.ROOT, environment, answers)
    console.print(
        Text(
            f"\nKept in samconfig.toml [{environment}]; `{wording.again(environment, ask=True)}` asks again.\n"
        )
    )
    with project.built_for(answers.parameters[_PROCESSOR]):
        unfinished = _deploy(environment, yes=yes)
    _show_after(console, answers, place, stack, environment, unfinished, yes=yes)


def _where(before: Answers) -> tuple[str, str]:
    if why := problem_of_region(before.region):
        raise CommandError(f"region {plain(before.region)} in samconfig.toml: {why}")
    return before.stack, before.region


def _known(console: Console, before: Answers, parameters: Mapping[str, Parameter]) -> dict[str, str]:
    """What was kept, without what the template has no more."""
    for gone in sorted(set(before.parameters) - set(parameters)):
        console.print(f"samconfig.toml has {plain(gone)}, which this version does not know: left out.")
    return {name: value for name, value in before.parameters.items() if name in parameters}


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


def _deploy(environment: str, *, yes: bool) -> str:
    """Why `sam deploy` did not come to its end; empty when it did."""
    options = ["--config-env", environment, *(["--no-confirm-changeset"] if yes else [])]
    try:
        failed = project.run_sam("deploy", *options).returncode != 0
    except KeyboardInterrupt:
        return "`sam deploy` was interrupted."
    return "`sam deploy` failed, see above." if failed else ""


def _show_after(
    console: Console,
    answers: Answers,
    place: Place,
    before: Stack | None,
    environment: str,
    unfinished: str,
    *,
    yes: bool,
) -> None:
    """What came of it, by the stack itself: sam ends the same way when a change set is made and when it is declined."""
    again = f"`{wording.again(environment, yes=yes)}`"
    try:
        after = stack_called(answers.stack)
        if unfinished:
            left = wording.came_of(answers, place, environment, before, after)
            raise CommandError(f"{unfinished} {left} {again} tries again.")
        if after is None:
            raise CommandError(
                f"nothing was deployed: the change set was not executed. {again} proposes it again."
            )
        if after == before:
            console.print(
                Text(
                    "\nNothing was deployed: there was nothing to change, or the change set was declined. "
                    f"{again} proposes it again.",
                    style="bold",
                )
            )
        wording.show_after(console, after, _told(after))
    except READING_ERRORS as error:
        done = unfinished or "`sam deploy` ended well."
        raise CommandError(f"{done} The stack cannot be looked at: {words_of(error)}") from error


def _told(stack: Stack) -> dict[str, Subscriptions]:
    return {
        what: subscriptions_of(stack.outputs[output])
        for what, output in TOPICS.items()
        if output in stack.outputs
    }
