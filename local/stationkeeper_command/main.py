"""The `stationkeeper` command line."""

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stationkeeper_command.bringing_back import redrive, replay
from stationkeeper_command.errors import CommandError
from stationkeeper_command.options import (
    EmbeddedOption,
    JsonOption,
    PortOption,
    StackOption,
    again,
    asking,
    check_together,
    console_for,
    print_json,
)

app = typer.Typer(
    name="stationkeeper",
    help="Keeps machine-learning models on Amazon SageMaker on station.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _progress() -> Console:
    return Console(stderr=True)


@app.command()
def demo(
    reports: Annotated[
        Path | None,
        typer.Option(
            help="A folder of <week>/constraint_violations.json, replayed in order as runs of one schedule."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the real functions on this machine: a timeline of event, decision and message."""
    from stationkeeper_command import demo as command

    told = command.run(console_for(as_json), _progress(), reports)
    if as_json:
        print_json({"scenes": told})


@app.command()
def local(port: PortOption = 4577) -> None:
    """Keep the embedded AWS up with the stack deployed, until Ctrl-C."""
    from stationkeeper_command.system import running

    console = console_for(as_json=False)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with running(_progress(), port) as system:
        console.print(f"Ready: {system.endpoint_url}")
        console.print(f"  any AWS SDK:  AWS_ENDPOINT_URL={system.endpoint_url}")
        console.print(f"  send events:  stationkeeper send events/monitor-violations.json --port {port}")
        console.print("  Ctrl-C ends it.")
        sys.stdout.flush()
        stop.wait()
    console.print("Ended.")


@app.command()
def deploy(
    ask: Annotated[bool, typer.Option("--ask", help="Ask again, though there are answers.")] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Set a parameter of template.yaml, and keep it.",
            show_default=False,
        ),
    ] = None,
    architecture: Annotated[
        str,
        typer.Option(
            metavar="arm64|x86_64",
            help="Processor of the functions, instead of the one before.",
            show_default=False,
        ),
    ] = "",
    environment: Annotated[
        str, typer.Option("--config-env", help="Where in samconfig.toml answers are kept.")
    ] = "default",
    yes: Annotated[
        bool, typer.Option("--yes", help="Deploy by the answers there are, without asking.")
    ] = False,
) -> None:
    """Deploy this checkout to your AWS account: asks little, checks it, runs `sam build` and `sam deploy`.

    What was answered is kept in samconfig.toml, and the next time nothing is asked but whether to make the changes.
    """
    from stationkeeper_command import deploy as command

    command.run(
        console_for(as_json=False),
        environment,
        ask=ask,
        architecture=architecture,
        settings=settings or (),
        yes=yes,
    )


@app.command()
def send(
    events: Annotated[list[Path], typer.Argument(metavar="EVENT.json...", help="Files with one event each.")],
    port: PortOption = 4577,
    times: Annotated[
        int, typer.Option(min=1, max=10_000, help="Send each event so often, as SageMaker may.")
    ] = 1,
    as_json: JsonOption = False,
) -> None:
    """Send events to a running `stationkeeper local`, as the services would, and say what came of them."""
    from stationkeeper_command import send as command

    happened = command.run(console_for(as_json), events, port, times)
    if as_json:
        print_json(happened)
    if happened["dead_letters"] or happened["undelivered"]:
        raise CommandError("not every event could be handled; its dead-letter queue has it")


@app.command()
def report(
    address: Annotated[str, typer.Argument(metavar="FILE|s3://...", help="A constraint_violations.json.")],
    policy: Annotated[
        Path | None, typer.Option(help="A severity policy to judge by, instead of the defaults.")
    ] = None,
    endpoint: Annotated[
        str, typer.Option(help="The endpoint, for rules and mutes of the policy.")
    ] = "unnamed",
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT", help="Write the drift page of the report to this file.", show_default=False
        ),
    ] = None,
    statistics: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|s3://...",
            help="For the page: what the run measured, a statistics.json (of bias and attribution: analysis.json). "
            "Without it, the file beside the report.",
            show_default=False,
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|s3://...",
            help="For the page: the baseline's statistics.json (of model quality, bias and attribution: constraints.json).",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a violation report on the spot; draw its page with --html."""
    from stationkeeper_command import report as command

    if html is None and (statistics or baseline):
        raise typer.BadParameter("--statistics and --baseline go with --html only")
    by = command.read_policy(policy, endpoint)
    if html is not None:
        from stationkeeper_command import report_page

        monitor, verdict = command.verdict_of(address, by)
        report_page.write(html, address, endpoint, monitor, verdict, statistics, baseline)
    if as_json:
        print_json(command.as_json(*command.judged_report(address, by)))
    else:
        command.show(console_for(as_json=False), address, *command.verdict_of(address, by))
        if html is not None:
            print(f"The page is in {html}")


@app.command()
def plan(
    group: Annotated[
        str, typer.Argument(metavar="GROUP", help="A model package group: its name, or its ARN.")
    ],
    endpoint: Annotated[
        str,
        typer.Option(
            help="Which endpoint, where several follow a group of another account.", show_default=False
        ),
    ] = "",
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the request of each step as well.")
    ] = False,
    exit_code: Annotated[
        bool,
        typer.Option(
            "--exit-code",
            help="Exit with 0 when nothing is left, with 3 when something is to be done or under way, with 4 when a "
            "person must act first. (1 is an error, 2 is wrong use.)",
        ),
    ] = False,
    stack: StackOption = "stationkeeper",
    port: EmbeddedOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what would be done now to a group's endpoint, step by step, and why. Changes nothing.

    Looks with your AWS credentials and region, and the settings of the deployed release function. Values of
    containers' environments are hidden.
    """
    from stationkeeper_command import plan as command
    from stationkeeper_command import plan_wording as wording

    planned = command.run(group, endpoint, stack, port)
    if as_json:
        print_json(wording.as_json(planned))
    else:
        wording.show(console_for(as_json=False), planned, verbose=verbose)
    if exit_code and planned.exit_code:
        raise typer.Exit(planned.exit_code)


@app.command()
def status(
    stack: StackOption = "stationkeeper", port: EmbeddedOption = None, as_json: JsonOption = False
) -> None:
    """Show every managed endpoint: version live, newest approved, state, open violations.

    Looks with your AWS credentials and region. Takes about five calls of AWS per endpoint, eight endpoints at a time:
    a few seconds for a hundred.
    """
    from stationkeeper_command import status as command
    from stationkeeper_command import status_wording as wording

    found = command.run(_progress(), stack, port)
    if as_json:
        print_json(command.as_json(found))
    else:
        wording.show(console_for(as_json=False), found)
    if found.unreadable:
        raise CommandError(f"{found.unreadable} of {len(found.rows)} endpoints could not be read")


@app.command()
def models(
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="A multi-model endpoint: its name.")],
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Only models that match, as in a shell ('Houston*'); may be given several times. Of a single one all "
            "versions are listed.",
            show_default=False,
        ),
    ] = None,
    all_versions: Annotated[
        bool, typer.Option("--all-versions", help="List all versions of each model.")
    ] = False,
    refused: Annotated[
        bool,
        typer.Option(
            "--refused", help="Only models whose newest artifact was refused, with codes and times."
        ),
    ] = False,
    take_back: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Say what would come of taking back this model's version of a training job, and ask whether to.",
            show_default=False,
        ),
    ] = None,
    version: Annotated[
        str,
        typer.Option(
            metavar="LABEL", help="The version to take back, instead of the current one.", show_default=False
        ),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Take it back without asking.")] = False,
    stack: StackOption = "stationkeeper",
    port: EmbeddedOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the models of a multi-model endpoint: version callers are sent to, size, version before, what was refused.

    Looks with your AWS credentials and region, and changes nothing but by --take-back. Takes one call of AWS per megabyte
    of records, of which 10,000 models have a few; models that are named without a pattern one call each.
    """
    from stationkeeper_command import models as command

    if take_back is not None:
        check_together("--take-back", model=model, all_versions=all_versions, refused=refused, json=as_json)
        _take_back(endpoint, take_back, version, stack, port, yes=yes)
        return
    if version or yes:
        raise typer.BadParameter("--version and --yes go with --take-back only")
    if refused:
        check_together("--refused", all_versions=all_versions)
    from stationkeeper_command import models_wording as wording

    wanted = command.Wanted(tuple(model or ()), all_versions, refused)
    with command.listed(wanted, endpoint, stack, port) as listing:
        if as_json:
            sys.stdout.writelines(wording.json_pieces(listing))
        else:
            wording.show(console_for(as_json=False), listing)


def _take_back(endpoint: str, model: str, version: str, stack: str, port: int | None, *, yes: bool) -> None:
    from stationkeeper_command import models_taking_back as command

    if not command.run(
        console_for(as_json=False), endpoint, model, version, stack, port, asking(yes=yes), again(stack, port)
    ):
        raise typer.Exit(1)


app.command()(redrive)
app.command()(replay)


def main() -> None:
    """Entry point: what goes wrong is one clear line and exit code 1; wrong use is exit code 2."""
    try:
        app()
    except CommandError as error:
        print(f"stationkeeper: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("stationkeeper: ended by Ctrl-C", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output (head, less) has seen enough
        sys.stderr.close()
        sys.exit(141)
    except OSError as error:  # a full disk, say
        print(f"stationkeeper: {error}", file=sys.stderr)
        sys.exit(1)
