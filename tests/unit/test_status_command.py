"""How endpoints stand, and the table that shows it."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from rich.console import Console
from stationkeeper.aws.monitor_memories import Glance
from stationkeeper.releases.decision import Look, decide
from stationkeeper.releases.record import Barred, Record
from stationkeeper_command.condition import Condition, State, condition_of
from stationkeeper_command.status import Monitor, Row, Status
from stationkeeper_command.status_wording import show
from stationkeeper_command.subscriptions import Subscription, Subscriptions

from tests.unit import release_builders as build
from tests.unit.builders import START, hostile_text
from tests.unit.release_builders import GROUP_ARN, endpoint, live, record, target, version
from tests.unit.test_plan_command import look

NOW = START + timedelta(days=3, hours=2)
ROLLED_BACK = Barred(version=8, package_arn="arn", at=START, reason="alarm red", rejected=False)


def asked(status: str) -> Look:
    under_way = target(asked=True, previous_config="c7")
    return look(version(8), endpoint=endpoint(status=status), record=record(live=live(), target=under_way))


@pytest.mark.parametrize(
    ("at", "state", "words"),
    [
        (look(), State.IN_SERVICE, "in service"),
        (look(version(7), version(8)), State.DUE, "version 8 is due"),
        (look(endpoint=None, record=Record()), State.DUE, "no endpoint yet, version 7 is due"),
        (asked("Updating"), State.RELEASING, "releasing version 8"),
        (asked("RollingBack"), State.RELEASING, "rolling back version 8"),
        (asked("Deleting"), State.WAITING, "SageMaker is at work on it (Deleting)"),
        (asked("InService"), State.ROLLED_BACK, "version 8 was rolled back"),
        (
            look(version(8), endpoint=endpoint("c8"), record=record(live=live(), target=target(asked=True))),
            State.RELEASING,
            "version 8 is in service, being verified",
        ),
        (
            look(endpoint=endpoint(status="SystemUpdating")),
            State.WAITING,
            "SageMaker is at work on it (SystemUpdating)",
        ),
        (
            look(version(7, "InProgress"), endpoint=None, record=Record()),
            State.WAITING,
            "waiting: version 7 is approved and still being made",
        ),
        (
            build.look(approved=(), endpoint=None, record=Record()),
            State.ABSENT,
            "no endpoint: no version of the group is approved",
        ),
        (look(endpoint=endpoint(status="UpdateRollbackFailed")), State.FAILED, "failed: An update failed"),
        (look(rival_group="other"), State.BLOCKED, "blocked: The endpoint is released from the group other"),
        (
            look(
                version(7),
                version(8),
                record=record(live=live(), told={"blocked": "multi-model:8@2026-11-23T00:00:00+00:00"}),
            ),
            State.BLOCKED,
            "blocked: version 8 cannot be released (multi-model)",
        ),
        (
            look(
                version(7),
                version(9),
                record=record(live=live(), told={"blocked": "multi-model:8@2026-11-23T00:00:00+00:00"}),
            ),
            State.DUE,
            "version 9 is due",
        ),
        (
            look(record=record(live=live(), told={"blocked": "set-up-refused:7@2026-11-23T00:00:00+00:00"})),
            State.BLOCKED,
            "in service, but autoscaling or monitors were refused",
        ),
        (
            look(version(7), version(8), record=record(live=live(), barred=(ROLLED_BACK,))),
            State.IN_SERVICE,
            "in service; version 8 was rolled back",
        ),
        (look(version(7), version(8, "InProgress")), State.IN_SERVICE, "in service; version 8 is being made"),
        (look(version(7), version(8, "Failed")), State.IN_SERVICE, "in service; version 8 failed to be made"),
    ],
)
def test_how_an_endpoint_stands(at: Look, state: State, words: str) -> None:
    found = condition_of(at, decide(at))

    assert found.state is state
    assert found.words.startswith(words)


def test_a_release_under_way_names_its_version_and_when_it_began() -> None:
    found = condition_of(asked("Updating"), decide(asked("Updating")))

    assert (found.releasing, found.since) == (8, target().started_at)


# ------------------------------------------------------------------ the table


def monitor(violations: int | None = None, severity: str = "", blind: str = "") -> Monitor:
    return Monitor("churn", Glance("arn", "2026-11-23T00:00:00+00:00", violations, severity, blind))


def row(words: str = "in service", *monitors: Monitor, **more: Any) -> Row:
    values = {"endpoint": "churn-prod", "live": 7, "newest": 8, "released_at": START, **more}
    return Row(group_arn=GROUP_ARN, condition=Condition(State.IN_SERVICE, words), monitors=monitors, **values)


TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:stationkeeper-AlertTopic"
TOLD = Subscriptions(TOPIC_ARN, (Subscription("email", "on-call@example.com", confirmed=True),))


def table(*rows: Row, width: int | None = None) -> list[str]:
    """What is printed under the line that says who is told: on a terminal of a width, or piped."""
    console = Console(
        file=StringIO(),
        width=width or 80,
        highlight=False,
        soft_wrap=True,
        force_terminal=width is not None,
        color_system=None,
    )
    show(console, Status(rows, NOW, "aws ...", TOLD))
    first, empty, *lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert (first, empty) == ("Alerts go to on-call@example.com (email).", "")
    return lines


@pytest.mark.parametrize(
    ("monitors", "shown"),
    [
        ([], "-"),
        ([Monitor("churn", None)], "no run yet"),
        ([monitor(0, "none")], "0"),
        ([monitor(3, "warning")], "3 (warning)"),
        ([monitor(3, "warning"), monitor(1_200, "critical"), monitor(0, "none")], "1,203 (critical)"),
        ([monitor(blind="no-data")], "1 blind"),
        ([monitor(3, "info"), monitor(blind="no-data"), Monitor("churn", None)], "3 (info), 1 blind"),
    ],
)
def test_open_violations_of_all_monitors(monitors: list[Monitor], shown: str) -> None:
    assert table(row("in service", *monitors))[1].endswith(f"  {shown}")


@pytest.mark.parametrize(
    ("before", "shown"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(seconds=-500), "just now"),
        (timedelta(minutes=12, seconds=4), "12 minutes ago"),
        (timedelta(hours=1, minutes=2), "1 hour ago"),
        (timedelta(days=3, hours=2), "3 days ago"),
    ],
)
def test_released_when(before: timedelta, shown: str) -> None:
    assert f"  {shown}  " in table(row(released_at=NOW - before))[1]


def test_an_endpoint_without_anything_is_a_line_of_dashes() -> None:
    assert table(row("no endpoint", live=None, newest=None, released_at=None))[1].split()[1:3] == ["-", "-"]


LONG = row(
    "blocked: The live variant AllTraffic names no model (it may use inference components), so there is nothing to change. More",
    monitor(12, "critical"),
    monitor(blind="no-data"),
    endpoint="q" * 63,
)


def test_a_terminal_of_80_columns_is_enough() -> None:
    lines = table(LONG, row(), width=80)

    assert max(map(len, lines)) <= 80
    text = "".join(lines)
    assert text.count("q") == 63  # folded, not cut
    assert "\u2026" not in text
    for word in ("ENDPOINT", "LIVE", "NEWEST", "STATE", "RELEASED", "OPEN"):
        assert word in lines[0]
    assert "More" not in text  # the first sentence is enough for a table


def test_piped_it_is_one_line_per_endpoint() -> None:
    lines = table(LONG, row())

    assert len(lines) == 3
    assert "q" * 63 in lines[1]
    assert lines[1].endswith("3 days ago  12 (critical), 1 blind")


@given(text=hostile_text())
def test_no_text_forges_lines_or_escapes_or_markup(text: str) -> None:
    lines = table(row(text, endpoint=text))

    assert len(lines) == 2
    assert "\x1b" not in "".join(lines)
    assert "[bold]x[/bold]" in "".join(table(row("[bold]x[/bold]")))
