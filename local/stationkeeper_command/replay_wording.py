"""A replay of the archive in words, and as JSON."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from stationkeeper.alerts.text import count, lasting, moment, plain, quoted, size_in_words

from stationkeeper_command.bus import Archive, Rule
from stationkeeper_command.time_range import TimeRange

if TYPE_CHECKING:
    from stationkeeper_command.replay import Replay


_WIDEST = 2_000


def say(console: Console, words: str) -> None:
    console.print(Text(words))


def show(
    console: Console,
    kept: Archive,
    span: TimeRange,
    there: tuple[Rule, ...],
    to: tuple[Rule, ...],
    now: datetime,
) -> None:
    """What would be said again, and who would hear it."""
    say(console, f"To replay: {moment(span.begin)} to {moment(span.end)}, {lasting(span.end - span.begin)}.")
    say(
        console,
        f"The archive of the bus {plain(kept.bus, 256)} holds {count(kept.events, 'event')} in all, {size_in_words(kept.size_bytes)} "
        "(EventBridge counts once a day; what is younger than ten minutes may be missing).",
    )
    if kept.kept and span.begin < now - kept.kept:
        say(console, f"It keeps events for {lasting(kept.kept)}: what is older is gone.")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("RULE", overflow="fold")
    table.add_column("REPLAYED TO IT", overflow="fold")
    for rule in there:
        table.add_row(Text(plain(rule.name, 64)), Text(_fate(rule, to)))
    if there:
        say(console, "")
        if not console.is_terminal:
            console.width = _WIDEST
        console.print(table)
    if not to:
        say(
            console,
            "\nNothing to do: no rule of yours on the bus takes a replay. Put one there (docs/events.md), and replay then. "
            "On-call is not told again, and nothing is retrained again: they know.",
        )


def show_how(console: Console, span: TimeRange, rules: tuple[str, ...], again: str) -> None:
    """The command that does it, with the range as it is now."""
    named = "".join(f" --rule {quoted(name)}" for name in rules)
    times = f"--from {_typed(span.begin)} --to {_typed(span.end)}"
    say(console, f"\nNothing was replayed. To do it:\n\n  stationkeeper replay {times}{named}{again} --yes")


def show_progress(console: Console, replay: "Replay") -> None:
    say(console, f"  {so_far(replay)}")


def show_commands(console: Console, name: str, again: str) -> None:
    say(
        console,
        f"  look again:  aws events describe-replay --replay-name {quoted(name)}\n  cancel:      stationkeeper replay --cancel{again}",
    )


def so_far(replay: "Replay") -> str:
    if replay.reached is None:
        return "no event was said again yet"
    return f"said again up to {moment(replay.reached)}, of {moment(replay.begin)} to {moment(replay.end)}"


def reason(replay: "Replay") -> str:
    return plain(replay.reason, 300)


def rules_in_words(rules: tuple[Rule, ...]) -> str:
    return f"{count(len(rules), 'rule')} ({', '.join(plain(rule.name, 64) for rule in rules[:5])}{', ...' if len(rules) > 5 else ''})"


def as_json(kept: Archive, span: TimeRange, there: tuple[Rule, ...], to: tuple[Rule, ...]) -> dict[str, Any]:
    return {
        "from": span.begin.isoformat(),
        "to": span.end.isoformat(),
        "archive": {"arn": kept.arn, "events": kept.events, "size_bytes": kept.size_bytes},
        "rules": [
            {"name": rule.name, "stationkeepers_own": rule.ours, "replayed_to": rule in to} for rule in there
        ],
        "replay": None,
    }


def replay_as_json(replay: "Replay") -> dict[str, Any]:
    return {
        "name": replay.name,
        "state": replay.state,
        "reached": replay.reached.isoformat() if replay.reached else None,
        "reason": replay.reason or None,
    }


def _fate(rule: Rule, to: tuple[Rule, ...]) -> str:
    if rule in to:
        return "yes"
    if rule.ours:
        return "no: Stationkeeper's own" + (", which ignores replays" if not rule.takes_replays else "")
    if not rule.enabled:
        return "no: disabled"
    return "no: ignores replays" if not rule.takes_replays else "no: not asked for"


def _typed(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
