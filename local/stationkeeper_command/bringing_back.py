"""`stationkeeper redrive` and `replay`: what was buried, or missed, is brought back."""

from typing import Annotated

import typer

from stationkeeper_command.options import (
    EmbeddedOption,
    JsonOption,
    StackOption,
    again,
    asking,
    check_together,
    console_for,
    print_json,
)


def redrive(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A reaction, such as `release`; without one, all are listed."),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Send the messages back without asking.")] = False,
    per_second: Annotated[
        int | None,
        typer.Option(min=1, max=500, help="So many messages a second; SQS chooses by itself otherwise."),
    ] = None,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Stop the redrive that is under way; what was moved stays moved.")
    ] = False,
    stack: StackOption = "stationkeeper",
    port: EmbeddedOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what waits in a reaction's dead-letter queue, and send it back to the reaction's own queue.

    Changes nothing without --yes, or your word at a terminal. Looking hides no message and loses none; it counts as one more time each was
    received. A redrive runs in SQS: Ctrl-C stops only the watching.
    """
    from stationkeeper_command import redrive as command

    if cancel:
        check_together("--cancel", yes=yes, per_second=per_second)
    if not name and (yes or per_second or cancel):
        raise typer.BadParameter("--yes, --per-second and --cancel need the NAME of a reaction")
    told = command.run(
        console_for(as_json),
        command.Wanted(name, per_second, cancel),
        stack,
        port,
        asking(yes=yes) if yes or not as_json else None,
        again(stack, port),
    )
    if as_json:
        print_json(told)


def replay(
    begin: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="TIME",
            help="From this moment on (2026-11-23T12:00, in UTC unless it says otherwise).",
        ),
    ] = "",
    end: Annotated[
        str, typer.Option("--to", metavar="TIME", help="To this moment; to now where it is not given.")
    ] = "",
    last: Annotated[
        str, typer.Option(metavar="LENGTH", help="Instead of --from and --to: the last 30m, 6h or 2d.")
    ] = "",
    rule: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only to this rule of yours on the bus; may be given several times.",
            show_default=False,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Replay without asking.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Stop the replay that is under way.")] = False,
    stack: StackOption = "stationkeeper",
    port: EmbeddedOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say again to your own rules on Stationkeeper's bus what was said in a range of time, from the bus's archive.

    Changes nothing without --yes, or your word at a terminal. On-call is not told again, and nothing is retrained again: Stationkeeper's own
    rules take no replayed event. A replay runs in EventBridge: Ctrl-C stops only the watching.
    """
    from stationkeeper_command import replay as command

    if cancel:
        check_together("--cancel", **{"from": begin}, to=end, last=last, rule=rule, yes=yes)
    if last:
        check_together("--last", **{"from": begin}, to=end)
    told = command.run(
        console_for(as_json),
        command.Wanted(begin, end, last, tuple(rule or ()), cancel),
        stack,
        port,
        asking(yes=yes) if yes or not as_json else None,
        again(stack, port),
    )
    if as_json:
        print_json(told)
