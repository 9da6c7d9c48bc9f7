"""Alarms of a released endpoint: told once, connected with the release, and taken back while it bakes."""

from collections.abc import Iterator

import pytest

from tests.release_world import ENDPOINT
from tests.whole_world import WholeWorld, whole_world

MINUTE = 60


@pytest.fixture
def system() -> Iterator[WholeWorld]:
    with whole_world() as running:
        yield running


def released(system: WholeWorld, versions: int = 2) -> None:
    """An endpoint whose newest version came into service this moment."""
    system.group()
    for _ in range(versions):
        system.approved()
        system.settle()
    system.read_mail()


def test_an_alarm_that_guards_takes_the_version_back_within_the_bake_time(system: WholeWorld) -> None:
    released(system)
    alarm = system.alarm("churn-p95", tags={"stationkeeper:endpoint": ENDPOINT})
    system.turns(alarm, "OK")
    system.advance(12 * MINUTE)

    system.turns(alarm, "ALARM")
    system.settle()

    assert system.live_version() == 1
    assert system.told() == []
