"""`stationkeeper redrive`: what waits in a dead-letter queue goes back to its own queue, once somebody says so."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from stationkeeper.alerts.text import moment
from stationkeeper.aws import clients

from stationkeeper_command import redrive_wording as wording
from stationkeeper_command.account import connected, needing, outputs_of
from stationkeeper_command.dead_letters import Reaction, Waiting, chosen, reactions, sample, waiting
from stationkeeper_command.errors import CommandError

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import ListMessageMoveTasksResultEntryTypeDef

_LOOK_AGAIN_SECONDS = 2.0
_STARTING_LOOKS = 15
"""So often SQS is asked for a task it has taken and does not list yet."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """`name` is the reaction; "" lists all. `per_second` is None where SQS may choose."""

    name: str
    per_second: int | None = None
    cancel: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """A message move task of SQS, as it stands. `handle` is "" unless it runs."""

    handle: str
    status: str
    moved: int
    to_move: int
    started_at: datetime
    failure: str

    @property
    def active(self) -> bool:
        return self.status in ("RUNNING", "CANCELLING")


def run(
    console: Console,
    wanted: Wanted,
    stack: str,
    port: int | None,
    confirm: Callable[[str], bool] | None,
    again: str,
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """List, show, send back or cancel, as wanted; what happened, as a JSON document.

    Parameters
    ----------
    confirm : asks a person; None where nobody can be asked: then nothing is sent.
    again : further options that a person has to repeat.

    Raises
    ------
    CommandError
        There is no such stack or reaction, AWS cannot be asked, or the redrive failed.
    """
    with connected(port):
        found = reactions(outputs_of(stack))
        if not found:
            raise CommandError(
                "the stack has no output that names a dead-letter queue: is it of another version?"
            )
        if not wanted.name:
            standing = [(one, waiting(one)) for one in found]
            wording.show_all(console, standing, again)
            return wording.all_as_json(standing)
        reaction = chosen(found, wanted.name)
        command = f"stationkeeper redrive {reaction.name}"
        queue = waiting(reaction)
        move = newest_move(queue.arn)
        if wanted.cancel:
            return _cancelled(console, reaction, queue, move, pause)
        if move is not None and move.active:
            return _under_way(console, reaction, queue, move, confirm, (command, again), pause)
        return _looked_at(console, wanted, reaction, queue, move, confirm, (command, again), pause)


def newest_move(arn: str) -> Move | None:
    """The newest task that moves, or moved, messages out of a queue; one call."""
    with needing("sqs:ListMessageMoveTasks", "the dead-letter queue"):
        results = clients.sqs().list_message_move_tasks(SourceArn=arn, MaxResults=1).get("Results", [])
    return _move(results[0]) if results else None


def _move(said: "ListMessageMoveTasksResultEntryTypeDef") -> Move:
    return Move(
        handle=said.get("TaskHandle", ""),
        status=said["Status"],
        moved=said.get("ApproximateNumberOfMessagesMoved", 0),
        to_move=said.get("ApproximateNumberOfMessagesToMove", 0),
        started_at=datetime.fromtimestamp(said["StartedTimestamp"] / 1_000, UTC),
        failure=said.get("FailureReason", ""),
    )


def _looked_at(
    console: Console,
    wanted: Wanted,
    reaction: Reaction,
    queue: Waiting,
    before: Move | None,
    confirm: Callable[[str], bool] | None,
    commands: tuple[str, str],
    pause: Callable[[float], None],
) -> dict[str, Any]:
    command, again = commands
    looked = sample(reaction, queue.number)
    wording.show(console, reaction, queue, looked, datetime.now(UTC))
    document = wording.as_json(reaction, queue, looked)
    if not queue.number:
        return document
    if confirm is None:
        rate = f" --per-second {wanted.per_second}" if wanted.per_second else ""
        wording.say(
            console,
            f"\nNothing was sent. When the cause is gone, send them back:\n\n  {command}{again}{rate} --yes",
        )
        return document
    if not confirm(
        f"Send {wording.messages(queue.number)} back to {reaction.name}? The cause should be gone."
    ):
        wording.say(console, "Nothing was sent.")
        return document
    _start(reaction, queue, wanted.per_second)
    ended = _followed(console, queue.arn, before, commands, pause)
    _check(ended)
    wording.say(
        console,
        f"Done: {ended.moved:,} sent back. What fails again is back here later; look with: {command}{again}",
    )
    return {**document, "move": wording.move_as_json(ended)}


def _under_way(
    console: Console,
    reaction: Reaction,
    queue: Waiting,
    move: Move,
    confirm: Callable[[str], bool] | None,
    commands: tuple[str, str],
    pause: Callable[[float], None],
) -> dict[str, Any]:
    """No second one is started: the one that runs is shown, and followed where somebody watches or wanted one."""
    wording.say(console, f"A redrive of {reaction.name} is under way since {moment(move.started_at)}.")
    if confirm is None:
        wording.show_progress(console, move)
        wording.show_commands(console, commands)
    else:
        move = _followed(console, queue.arn, None, commands, pause)
        _check(move)
        wording.say(console, f"Done: {move.moved:,} sent back.")
    return {**wording.as_json(reaction, queue, None), "move": wording.move_as_json(move)}


def _cancelled(
    console: Console, reaction: Reaction, queue: Waiting, move: Move | None, pause: Callable[[float], None]
) -> dict[str, Any]:
    if move is None or not move.active:
        wording.say(console, f"Nothing to cancel: no redrive of {reaction.name} is under way.")
        return wording.as_json(reaction, queue, None)
    if move.status == "RUNNING":
        with needing("sqs:CancelMessageMoveTask", "the dead-letter queue"):
            clients.sqs().cancel_message_move_task(TaskHandle=move.handle)
    while move.active:
        pause(_LOOK_AGAIN_SECONDS)
        move = newest_move(queue.arn) or move
    wording.say(console, f"{move.status.capitalize()}: {wording.so_far(move)}; the rest waits where it was.")
    return {**wording.as_json(reaction, queue, None), "move": wording.move_as_json(move)}


def _start(reaction: Reaction, queue: Waiting, per_second: int | None) -> None:
    rights = (
        "sqs:StartMessageMoveTask, sqs:ReceiveMessage, sqs:DeleteMessage and sqs:GetQueueAttributes on the dead-letter queue, "
        "and sqs:SendMessage"
    )
    sqs = clients.sqs()
    arns = sqs.get_queue_attributes(QueueUrl=reaction.queue_url, AttributeNames=["QueueArn"])
    rate = {"MaxNumberOfMessagesPerSecond": per_second} if per_second else {}
    with needing(rights, f"the queue of {reaction.name}. Nothing was sent"):
        # The destination is named, so that what EventBridge put there itself goes too: SQS knows no source of it.
        sqs.start_message_move_task(
            SourceArn=queue.arn, DestinationArn=arns["Attributes"]["QueueArn"], **rate
        )


def _followed(
    console: Console,
    arn: str,
    before: Move | None,
    commands: tuple[str, str],
    pause: Callable[[float], None],
) -> Move:
    """The task when it has ended; `before` is the one that had ended when it was started."""
    shown, unlisted = -1, 0
    try:
        while True:
            move = newest_move(arn)
            if move is None or (before is not None and move.started_at == before.started_at):
                unlisted += 1
                if unlisted == _STARTING_LOOKS:
                    raise CommandError(
                        f"SQS took the redrive, and does not list it yet. Look again: {commands[0]}{commands[1]}"
                    )
            elif not move.active:
                return move
            elif move.moved != shown:
                wording.show_progress(console, move)
                shown = move.moved
            pause(_LOOK_AGAIN_SECONDS)
    except KeyboardInterrupt:
        wording.say(console, "\nThe redrive goes on in SQS.")
        wording.show_commands(console, commands)
        raise


def _check(move: Move) -> None:
    if move.status != "COMPLETED":
        why = f" ({wording.failure_words(move.failure)})" if move.failure else ""
        raise CommandError(
            f"the redrive ended as {move.status}{why}: {wording.so_far(move)}; the rest waits where it was"
        )
