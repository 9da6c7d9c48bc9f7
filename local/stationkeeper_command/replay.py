"""`stationkeeper replay`: what was said on the bus in a range of time is said again, to the user's own rules."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from stationkeeper.aws import clients

from stationkeeper_command import replay_wording as wording
from stationkeeper_command.account import connected, needing, outputs_of
from stationkeeper_command.bus import Archive, Rule, archive, chosen, rules
from stationkeeper_command.errors import CommandError
from stationkeeper_command.time_range import TimeRange, time_range

_LOOK_AGAIN_SECONDS = 3.0
_ACTIVE = ("STARTING", "RUNNING", "CANCELLING")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A range as it was typed, and names of rules; none: all of the user's."""

    begin: str
    end: str
    last: str
    rules: tuple[str, ...] = ()
    cancel: bool = False


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay as it stands. `reached` is the time of the last event that was said again."""

    name: str
    state: str
    begin: datetime
    end: datetime
    reached: datetime | None
    reason: str

    @property
    def active(self) -> bool:
        return self.state in _ACTIVE


def run(
    console: Console,
    wanted: Wanted,
    stack: str,
    port: int | None,
    confirm: Callable[[str], bool] | None,
    again: str,
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Show, replay or cancel, as wanted; what happened, as a JSON document.

    Parameters
    ----------
    confirm : asks a person; None where nobody can be asked: then nothing is replayed.
    again : further options that a person has to repeat.

    Raises
    ------
    CommandError
        There is no such stack, rule or range, AWS cannot be asked, or the replay failed.
    """
    now = datetime.now(UTC)
    span = None if wanted.cancel else time_range(wanted.begin, wanted.end, wanted.last, now)
    with connected(port):
        kept = archive(outputs_of(stack))
        running = _running(kept)
        if running is not None:
            return _under_way(console, running, confirm, again, pause, cancel=wanted.cancel)
        if span is None:
            wording.say(console, "Nothing to cancel: no replay of the archive is under way.")
            return {"replay": None}
        there = rules(stack, kept.bus)
        to = chosen(there, wanted.rules)
        wording.show(console, kept, span, there, to, now)
        document = wording.as_json(kept, span, there, to)
        if not to:
            return document
        if confirm is None:
            wording.show_how(console, span, wanted.rules, again)
            return document
        if not confirm(f"Replay it to {wording.rules_in_words(to)}?"):
            wording.say(console, "Nothing was replayed.")
            return document
        name = _start(kept, span, to, now)
        ended = _followed(console, name, again, pause)
        _check(ended)
        wording.say(console, "Done.")
        return {**document, "replay": wording.replay_as_json(ended)}


def _running(kept: Archive) -> Replay | None:
    more: dict[str, Any] = {}
    while True:  # boto3 has no paginator for this; EventBridge remembers replays for 90 days
        with needing("events:ListReplays", "the archive"):
            page = clients.events().list_replays(EventSourceArn=kept.arn, **more)
        for one in page["Replays"]:
            if one["State"] in _ACTIVE:
                return _described(one["ReplayName"])
        if not page.get("NextToken"):
            return None
        more = {"NextToken": page["NextToken"]}


def _described(name: str) -> Replay:
    with needing("events:DescribeReplay", "the replay"):
        said = clients.events().describe_replay(ReplayName=name)
    return Replay(
        name=name,
        state=said["State"],
        begin=said["EventStartTime"],
        end=said["EventEndTime"],
        reached=said.get("EventLastReplayedTime"),
        reason=said.get("StateReason", ""),
    )


def _start(kept: Archive, span: TimeRange, to: tuple[Rule, ...], now: datetime) -> str:
    name = f"stationkeeper-{now:%Y%m%dT%H%M%SZ}"  # EventBridge keeps names for 90 days
    with needing("events:StartReplay", "the archive. Nothing was replayed"):
        clients.events().start_replay(
            ReplayName=name,
            Description="stationkeeper replay",
            EventSourceArn=kept.arn,
            EventStartTime=span.begin,
            EventEndTime=span.end,
            Destination={"Arn": kept.bus_arn, "FilterArns": [rule.arn for rule in to]},
        )
    return name


def _under_way(
    console: Console,
    running: Replay,
    confirm: Callable[[str], bool] | None,
    again: str,
    pause: Callable[[float], None],
    *,
    cancel: bool,
) -> dict[str, Any]:
    """No second one is started: the one that runs is cancelled, shown, or followed where somebody watches."""
    if cancel and running.state != "CANCELLING":
        with needing("events:CancelReplay", "the replay"):
            clients.events().cancel_replay(ReplayName=running.name)
    if not cancel:
        wording.say(console, f"The replay {running.name} is under way; no second one is started.")
    if cancel or confirm is not None:
        running = _followed(console, running.name, again, pause)
        if cancel:
            wording.say(console, f"{running.state.capitalize()}: {wording.so_far(running)}.")
        else:
            _check(running)
            wording.say(console, "Done.")
    else:
        wording.show_progress(console, running)
        wording.show_commands(console, running.name, again)
    return {"replay": wording.replay_as_json(running)}


def _followed(console: Console, name: str, again: str, pause: Callable[[float], None]) -> Replay:
    """The replay when it has ended."""
    shown = ""
    try:
        while (replay := _described(name)).active:
            if (words := wording.so_far(replay)) != shown:
                wording.show_progress(console, replay)
                shown = words
            pause(_LOOK_AGAIN_SECONDS)
    except KeyboardInterrupt:
        wording.say(console, "\nThe replay goes on in EventBridge.")
        wording.show_commands(console, name, again)
        raise
    return replay


def _check(replay: Replay) -> None:
    if replay.state != "COMPLETED":
        why = f" ({wording.reason(replay)})" if replay.reason else ""
        raise CommandError(f"the replay ended as {replay.state}{why}: {wording.so_far(replay)}")
