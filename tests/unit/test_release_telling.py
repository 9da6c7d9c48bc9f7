"""Domain events of releases: the same id for the same thing, another for another, and clean whatever people wrote."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from stationkeeper.events.domain import DomainEvent
from stationkeeper.events.on_bus import from_detail
from stationkeeper.releases.decision import Block
from stationkeeper.releases.record import Target
from stationkeeper.releases.set_up import SetUpPlan
from stationkeeper.releases.telling import Telling

from tests.unit.builders import hostile_text
from tests.unit.release_builders import ACCOUNT, ENDPOINT, GROUP_ARN, NOW, REGION, package, target

TELLING = Telling(ENDPOINT, GROUP_ARN, ACCOUNT, REGION, "team-risk", "event-1", NOW)

type Tell = Callable[[Telling, Target, str], DomainEvent]
TELLS: dict[str, Tell] = {
    "started": lambda telling, of, text: telling.started(of),
    "succeeded": lambda telling, of, text: telling.succeeded(
        of, SetUpPlan(has=(text,), notes=(text,)), (text,), NOW
    ),
    "rolled back": lambda telling, of, text: telling.rolled_back(of, text, (text,), text, 7, silent=not text),
    "blocked": lambda telling, of, text: telling.blocked(
        Block("no-role", text, advice=text, version=of.version, failure_reason=text), text
    ),
    "approval": lambda telling, of, text: telling.approval_requested(
        package(of.version, ModelPackageDescription=text), (), text, text
    ),
    "job": lambda telling, of, text: telling.job_failed(of.version, "job", text),
}
every_kind = pytest.mark.parametrize("tell", TELLS.values(), ids=TELLS)


@every_kind
@given(text=hostile_text())
def test_event_survives_the_bus_and_is_clean(tell: Tell, text: str):
    hostile = replace(TELLING, on_call=text, event_id=text)
    of = target(8, why=text, approved_by=text, approval_note=text, notes=(text,) * 30, guarded_by=(text,))

    event = tell(hostile, of, text)

    document = event.model_dump_json()
    document.encode()
    assert from_detail(event.detail_type, event.model_dump(mode="json")) == event
    assert type(event).model_validate_json(document) == event
    assert all(shown.isprintable() for shown in texts_of(event.model_dump(mode="json")))
    assert len(document) < 100_000


def texts_of(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in texts_of(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in texts_of(inner)]
    return [value] if isinstance(value, str) else []


@every_kind
def test_same_thing_has_the_same_id_whoever_sees_it(tell: Tell):
    one = tell(TELLING, target(8), "a reason")
    again = tell(
        replace(TELLING, event_id="event-2", endpoint=ENDPOINT.upper(), serving=3), target(8), "a reason"
    )

    assert one.id == again.id


@every_kind
def test_other_things_have_other_ids(tell: Tell):
    events = [
        tell(TELLING, target(8), ""),
        tell(TELLING, target(9), ""),
        tell(replace(TELLING, endpoint="churn-eu"), target(8), ""),
    ]

    assert len({event.id for event in events}) == 3


@pytest.mark.parametrize("kind", ["started", "succeeded", "rolled back"])
def test_version_released_again_later_is_told_again(kind: str):
    later = target(8, started_at=NOW + timedelta(hours=5))

    assert TELLS[kind](TELLING, target(8), "").id != TELLS[kind](TELLING, later, "").id
    assert TELLS[kind](TELLING, target(8), "").incident != TELLS[kind](TELLING, later, "").incident


@pytest.mark.parametrize("kind", ["started", "succeeded", "rolled back"])
def test_end_of_a_release_has_its_id_whenever_it_is_seen(kind: str):
    later = replace(TELLING, at=NOW + timedelta(hours=1))

    assert TELLS[kind](TELLING, target(8), "").id == TELLS[kind](later, target(8), "").id


@pytest.mark.parametrize("kind", ["blocked", "job"])
def test_blocked_again_later_is_told_again(kind: str):
    later = replace(TELLING, at=NOW + timedelta(days=1))

    assert TELLS[kind](TELLING, target(8), "").id != TELLS[kind](later, target(8), "").id


def test_kinds_of_events_have_their_own_ids_and_one_release_is_one_incident():
    events = {kind: tell(TELLING, target(8), "") for kind, tell in TELLS.items()}

    assert len({event.id for event in events.values()}) == len(events)
    assert len({events[kind].incident for kind in ("started", "succeeded", "rolled back")}) == 1


def test_blocks_of_other_codes_have_other_ids():
    one, other = (TELLING.blocked(Block(code, "why", version=8)) for code in ("no-role", "refused"))

    assert one.id != other.id
