"""`stationkeeper status`: every managed endpoint, what it runs and how its monitors stand. Looks, and changes nothing."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from stationkeeper.alerts.text import count, plain
from stationkeeper.aws import clients
from stationkeeper.aws.monitor_memories import Glance
from stationkeeper.reactions.release_looking import NotTaken, Place
from stationkeeper.releases.decision import Look, decide
from stationkeeper.releases.registry import highest
from stationkeeper.severity import Severity

from stationkeeper_command.account import (
    READING_ERRORS,
    Account,
    RedAlarms,
    alert_topic,
    deployed,
    words_of,
)
from stationkeeper_command.condition import Condition, State, condition_of
from stationkeeper_command.plan import live_version
from stationkeeper_command.subscriptions import Subscription, Subscriptions, subscriptions_of

# Botocore keeps ten connections a client; SageMaker throttles an account, functions of it included, that asks more at once.
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Monitor:
    """A monitoring schedule; `found` is None when it has not run yet."""

    name: str
    found: Glance | None


@dataclass(frozen=True, slots=True)
class Row:
    """One managed endpoint. `newest` is the newest approved version of its group."""

    endpoint: str
    group_arn: str
    condition: Condition
    live: int | None = None
    newest: int | None = None
    released_at: datetime | None = None
    monitors: tuple[Monitor, ...] = ()
    alarms: RedAlarms | None = None
    """Red ones; None when none is, as far as their events said."""

    @property
    def violations(self) -> int | None:
        """Open violations of all monitors that see; None when none of them has seen anything."""
        seen = [found.violations for found in self._found() if found.violations is not None]
        return sum(seen) if seen else None

    @property
    def severity(self) -> Severity | None:
        """Of the worst open violation."""
        levels = [level for found in self._found() for level in Severity if level.value == found.severity]
        return max(levels, default=None)

    @property
    def blind(self) -> int:
        """How many monitors could not see at their last run."""
        return sum(1 for found in self._found() if found.blind)

    def _found(self) -> Iterator[Glance]:
        return (monitor.found for monitor in self.monitors if monitor.found is not None)


@dataclass(frozen=True, slots=True)
class Status:
    """Every managed endpoint, in the order of their names."""

    rows: tuple[Row, ...]
    now: datetime
    opting_in: str
    """The command that opts a group in."""
    alerts: Subscriptions | str
    """Who is told; words, when that cannot be read."""

    @property
    def unreadable(self) -> int:
        return sum(1 for row in self.rows if row.condition.state is State.UNREADABLE)


def run(progress: Console, stack: str, port: int | None) -> Status:
    """Look at every managed endpoint: about five calls of AWS for each, eight endpoints at once.

    Raises
    ------
    CommandError
        When AWS cannot be read at all. An endpoint that alone cannot be read is a row that says so.
    """
    with deployed(stack, port) as account:
        now = datetime.now(UTC)
        places = _places(account)
        with progress.status(f"Looking at {count(len(places), 'endpoint')} ..."):
            rows = _rows(account, places, now)
        endpoints = [row.endpoint for row in rows]
        monitors = _monitors(account, endpoints) if rows else {}
        alarms = account.red_alarms(endpoints)
        alerts = _alerts(stack)
    return Status(
        rows=tuple(
            replace(
                row,
                monitors=monitors.get(row.endpoint.lower(), ()),
                alarms=alarms.get(row.endpoint.lower()),
            )
            for row in sorted(rows, key=lambda row: (row.endpoint.lower(), row.group_arn))
        ),
        now=now,
        opting_in=account.opting_in(account.group_arn("<group>")),
        alerts=alerts,
    )


def _alerts(stack: str) -> Subscriptions | str:
    """Who on-call's messages go to: no reason to hide the endpoints when that may not be read."""
    try:
        return subscriptions_of(alert_topic(stack))
    except READING_ERRORS as error:
        return words_of(error)


def as_json(status: Status) -> dict[str, Any]:
    """The document `--json` prints."""
    return {"alerts": _alerts_as_json(status.alerts), "endpoints": [_row_as_json(row) for row in status.rows]}


def _alerts_as_json(alerts: Subscriptions | str) -> dict[str, Any]:
    if isinstance(alerts, str):
        return {"topic": None, "confirmed": None, "waiting": None, "error": alerts}
    return {
        "topic": alerts.topic_arn,
        "confirmed": [_subscription_as_json(one) for one in alerts.confirmed],
        "waiting": [_subscription_as_json(one) for one in alerts.waiting],
        "error": None,
    }


def _subscription_as_json(subscription: Subscription) -> dict[str, str]:
    return {"protocol": subscription.protocol, "address": subscription.address}


def _row_as_json(row: Row) -> dict[str, Any]:
    condition = row.condition
    return {
        "endpoint": row.endpoint,
        "group": row.group_arn,
        "live": row.live,
        "newest_approved": row.newest,
        "state": condition.state.value,
        "detail": plain(condition.words, 2_000),
        "releasing": condition.releasing,
        "since": condition.since.isoformat() if condition.since else None,
        "released_at": row.released_at.isoformat() if row.released_at else None,
        "violations": row.violations,
        "severity": row.severity.value if row.severity else "none" if row.violations is not None else None,
        "red_alarms": row.alarms.number if row.alarms else 0,
        "alarm_incident": row.alarms.incident if row.alarms else None,
        "monitors": [
            {
                "schedule": monitor.name,
                "last_run_at": monitor.found.last_run_at if monitor.found else None,
                "violations": monitor.found.violations if monitor.found else None,
                "severity": (monitor.found.severity or None) if monitor.found else None,
                "blind": (monitor.found.blind or None) if monitor.found else None,
            }
            for monitor in row.monitors
        ],
    }


def _places(account: Account) -> list[tuple[Place, str]]:
    """Where to look, with the endpoint there."""
    return [
        *((Place(group), endpoint) for group, endpoint in account.sight.managed_groups()),
        *((Place(group, endpoint), endpoint) for group, endpoint in account.sight.following_endpoints()),
    ]


def _rows(account: Account, places: Sequence[tuple[Place, str]], now: datetime) -> list[Row]:
    # boto3 makes clients in one thread at a time only; once made, all threads may use them.
    clients.sagemaker()
    clients.dynamodb()
    failures: list[Exception] = []

    def look(at: tuple[Place, str]) -> Row | None:
        place, endpoint = at
        try:
            return _row(account.looking.look(place, now), endpoint)
        except READING_ERRORS as error:
            failures.append(error)
            unreadable = Condition(State.UNREADABLE, f"not readable: {words_of(error)}")
            return Row(endpoint, place.group_arn, unreadable)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        rows = [row for row in pool.map(look, places) if row is not None]
    if rows and len(failures) == len(places):  # it is not about one endpoint
        raise failures[0]
    return rows


def _row(look: Look | NotTaken, endpoint: str) -> Row | None:
    """A row; None when the tag was taken away meanwhile."""
    if isinstance(look, NotTaken):
        if not look.why:
            return None
        return Row(endpoint, look.group_arn, Condition(State.BLOCKED, f"not managed: {look.why}"))
    decision = decide(look)
    newest = highest(look.approved or ())
    live = look.known_live
    return Row(
        endpoint=look.settings.endpoint,
        group_arn=look.group_arn,
        condition=condition_of(look, decision),
        live=live_version(look, decision),
        newest=newest.number if newest else None,
        released_at=live.released_at if live and not look.rival_group else None,
    )


def _monitors(account: Account, endpoints: Iterable[str]) -> dict[str, tuple[Monitor, ...]]:
    """Monitors of endpoints, by their names in lower case; one listing and a few reads for all of them."""
    wanted = {endpoint.lower() for endpoint in endpoints}
    schedules: defaultdict[str, list[str]] = defaultdict(list)
    for endpoint, arn in account.sight.all_schedules():
        if endpoint.lower() in wanted:
            schedules[endpoint.lower()].append(arn)
    found = account.memories.glances(arn for arns in schedules.values() for arn in arns)
    return {
        endpoint: tuple(Monitor(arn.rpartition("/")[2], found.get(arn)) for arn in sorted(arns))
        for endpoint, arns in schedules.items()
    }
