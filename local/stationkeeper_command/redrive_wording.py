"""Dead-letter queues as tables and as JSON."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from stationkeeper.alerts.text import count, lasting, moment, plain

from stationkeeper_command.dead_letters import Letter, Reaction, Sample, Waiting

if TYPE_CHECKING:
    from stationkeeper_command.redrive import Move

_WIDEST = 2_000
_FAILURES = {
    "AWS.SimpleQueueService.NonExistentQueue": "one of the queues is gone",
    "AWS.SimpleQueueService.AccessDenied": "AWS denied access to a queue: was a right taken away meanwhile?",
}


def say(console: Console, words: str) -> None:
    console.print(Text(words))


def messages(number: int) -> str:
    return count(number, "message")


def show_all(console: Console, standing: Sequence[tuple[Reaction, Waiting]], again: str) -> None:
    """A line per dead-letter queue."""
    table = _table("REACTION", "WAITING", "TAKEN BY A READER")
    for reaction, queue in standing:
        style = "bold red" if queue.number else "green"
        table.add_row(Text(reaction.name), Text(f"{queue.number:,}", style=style), Text(f"{queue.hidden:,}"))
    _print(console, table)
    first = next((reaction.name for reaction, queue in standing if queue.number), None)
    if first:
        say(console, f"\nWhat they are: stationkeeper redrive {first}{again}")


def show(console: Console, reaction: Reaction, queue: Waiting, looked: Sample, now: datetime) -> None:
    """What waits, and what a look cost."""
    hidden = f" {messages(queue.hidden)} more: taken by a reader, not shown." if queue.hidden else ""
    if not queue.number:
        say(console, f"Nothing to do: no message waits in the dead-letter queue of {reaction.name}.{hidden}")
        return
    say(console, f"{messages(queue.number)} in the dead-letter queue of {reaction.name}.{hidden}")
    if not looked.letters:
        say(console, "SQS shows none of them at the moment. Look again.")
        return
    some = len(looked.letters) < queue.number
    oldest = looked.letters[0].sent_at
    which = "The oldest shown" if some else "The oldest"
    say(
        console,
        f"{which} waits for {lasting(now - oldest)}; SQS drops it on {moment(oldest + queue.kept)}.\n",
    )
    table = _table("WHAT", "ABOUT", "HAPPENED", "RECEIVED", "WHY")
    for letter in looked.letters:
        table.add_row(*(Text(cell) for cell in _row(letter)))
    _print(console, table)
    if some:
        say(console, f"... {len(looked.letters)} of {queue.number:,}: SQS shows whichever it likes.")
    requests = count(looked.calls, "request")
    say(console, f"\nLooking took {requests} of SQS; each adds one to RECEIVED. Nothing was taken or hidden.")


def show_progress(console: Console, move: "Move") -> None:
    say(console, f"  {so_far(move)}")


def show_commands(console: Console, commands: tuple[str, str]) -> None:
    command, again = commands
    say(console, f"  look again:  {command}{again}\n  cancel:      {command}{again} --cancel")


def so_far(move: "Move") -> str:
    return f"{move.moved:,} of {messages(move.to_move)} moved"


def failure_words(reason: str) -> str:
    return _FAILURES.get(reason, plain(reason, 200))


def all_as_json(standing: Sequence[tuple[Reaction, Waiting]]) -> dict[str, Any]:
    return {"dead_letter_queues": [_standing(reaction, queue) for reaction, queue in standing]}


def as_json(reaction: Reaction, queue: Waiting, looked: Sample | None) -> dict[str, Any]:
    """`messages` is null where nobody looked, as a redrive is under way."""
    letters = None if looked is None else [_letter(letter) for letter in looked.letters]
    return {**_standing(reaction, queue), "messages": letters, "move": None}


def move_as_json(move: "Move") -> dict[str, Any]:
    return {
        "status": move.status,
        "moved": move.moved,
        "to_move": move.to_move,
        "started_at": move.started_at.isoformat(),
        "failure": move.failure or None,
    }


def _standing(reaction: Reaction, queue: Waiting) -> dict[str, Any]:
    return {
        "name": reaction.name,
        "dead_letters_url": reaction.dead_letters_url,
        "queue_url": reaction.queue_url,
        "waiting": queue.number,
        "taken_by_a_reader": queue.hidden,
    }


def _letter(letter: Letter) -> dict[str, Any]:
    return {
        "what": letter.gist.what,
        "about": letter.gist.about,
        "happened_at": letter.gist.at or None,
        "sent_at": letter.sent_at.isoformat(),
        "received": letter.received,
        "undelivered": letter.undelivered or None,
    }


def _row(letter: Letter) -> tuple[str, str, str, str, str]:
    why = f"not delivered: {letter.undelivered}" if letter.undelivered else "the function failed on it"
    return letter.gist.what, letter.gist.about, letter.gist.at, count(letter.received, "time"), why


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _print(console: Console, table: Table) -> None:
    if not console.is_terminal:
        console.width = _WIDEST
    console.print(table)
