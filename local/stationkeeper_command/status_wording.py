"""The state of all endpoints as a table."""

from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text
from stationkeeper.alerts.text import count, lasting, plain
from stationkeeper.severity import Severity

from stationkeeper_command.condition import Condition, State
from stationkeeper_command.status import Row, Status
from stationkeeper_command.subscriptions import told

_STYLES = {
    State.IN_SERVICE: "green",
    State.RELEASING: "cyan",
    State.DUE: "cyan",
    State.WAITING: "cyan",
    State.ABSENT: "dim",
    State.ROLLED_BACK: "yellow",
    State.BLOCKED: "yellow",
    State.FAILED: "bold red",
    State.UNREADABLE: "bold red",
}
_SEVERITIES = {Severity.CRITICAL: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_WIDEST = 2_000
_STATE_CHARACTERS = 120
_NOTHING = "-"


def show(console: Console, status: Status) -> None:
    """Who is told, then one line per endpoint; on a terminal as wide as it is, piped as wide as it takes.

    `stationkeeper plan` has the details.
    """
    for line in _alerts(status):
        console.print(line)
    console.print()
    if not status.rows:
        console.print(
            Text("No endpoint is managed yet. To opt in, tag a model package group with the endpoint:")
        )
        console.print(Text(f"\n  {status.opting_in}\n"))
        console.print(Text("then see what would be done: stationkeeper plan <group>"))
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("ENDPOINT", overflow="fold")
    table.add_column("LIVE", justify="right", no_wrap=True)
    table.add_column("NEWEST", justify="right", no_wrap=True)
    table.add_column("STATE", overflow="fold")
    table.add_column("RELEASED", no_wrap=True)
    table.add_column("OPEN", overflow="fold")
    for row in status.rows:
        table.add_row(
            Text(plain(row.endpoint, 80)),
            _number(row.live),
            _number(row.newest),
            _state(row.condition, status.now),
            Text(_ago(row.released_at, status.now)),
            _open(row),
        )
    if not console.is_terminal:
        console.width = _WIDEST
    console.print(table)


def _alerts(status: Status) -> list[Text]:
    if isinstance(status.alerts, str):
        return [Text(f"Who alerts go to cannot be read: {plain(status.alerts, 600)}", style="yellow")]
    return told("Alerts", status.alerts)


def _number(version: int | None) -> Text:
    return Text(str(version) if version is not None else _NOTHING)


def _state(condition: Condition, now: datetime) -> Text:
    since = f" for {lasting(now - condition.since)}" if condition.since else ""
    beginning = condition.words.partition(". ")[0].removesuffix(".")
    return Text(plain(f"{beginning}{since}", _STATE_CHARACTERS), style=_STYLES[condition.state])


def _ago(at: datetime | None, now: datetime) -> str:
    """`3 days ago`: how long is enough for a table, `--json` has the moment itself."""
    if at is None:
        return _NOTHING
    number, _, rest = lasting(now - at).partition(" ")
    return f"{number} {rest.split()[0]} ago" if number.isdigit() else "just now"


def _open(row: Row) -> Text:
    """Open violations, how bad the worst one is, and red alarms. No monitor, or none that has run, is not the same as none open."""
    shown = []
    if row.violations is not None:
        worst = row.severity
        words = f"{row.violations:,} ({worst.value})" if worst else f"{row.violations:,}"
        shown.append(Text(words, style=_SEVERITIES[worst] if worst else "green"))
    if row.blind:
        shown.append(Text(f"{row.blind} blind", style="yellow"))
    if not shown:
        shown.append(Text("no run yet" if row.monitors else _NOTHING, style="dim"))
    if row.alarms:
        red = f"{count(row.alarms.number, 'alarm')} red #{plain(row.alarms.incident, 32)}"
        shown = [*(shown if row.monitors else []), Text(red, style="bold red")]
    return Text(", ").join(shown)
