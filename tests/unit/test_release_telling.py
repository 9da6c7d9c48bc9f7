"""Domain events of releases: the same id for the same thing, another for another, and clean whatever people wrote."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from stationkeeper.events.domain import DomainEvent
from stationkeeper.events.job_events import JobFailed, Retrained
from stationkeeper.events.on_bus import from_detail
from stationkeeper.events.release_events import ApprovalRequested
from stationkeeper.releases.decision import Block
from stationkeeper.releases.record import Target
from stationkeeper.releases.set_up import SetUpPlan
from stationkeeper.releases.telling import Telling
from stationkeeper.severity import Severity

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
        package(of.version, ModelPackageDescription=text), (), text, text, None
    ),
    "job": lambda telling, of, text: telling.baselining_failed(of.version, "job", text),
}
RETRAINED = Retrained(
    incident="0d71f700",
    execution_arn=f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/churn-retraining/execution/a1b2c3d4e5f6",
    pipeline="churn-retraining",
    started_at=NOW - timedelta(hours=5),
    drift="2 features drifted",
    drift_severity=Severity.CRITICAL,
    drift_since=NOW - timedelta(hours=6),
)
of_a_release = pytest.mark.parametrize("kind", ["started", "succeeded", "rolled back"])
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


@of_a_release
def test_version_released_again_later_is_told_again_in_its_thread(kind: str):
    first = TELLS[kind](TELLING, target(8, incident="abcd1234"), "")
    later = TELLS[kind](TELLING, target(8, incident="abcd1234", started_at=NOW + timedelta(hours=5)), "")

    assert first.id != later.id
    assert (first.incident, later.incident) == ("abcd1234", "abcd1234")


@of_a_release
def test_release_begun_by_an_earlier_version_of_ours_is_a_thread_of_its_own(kind: str):
    later = target(8, started_at=NOW + timedelta(hours=5))

    assert TELLS[kind](TELLING, target(8), "").incident != TELLS[kind](TELLING, later, "").incident


@of_a_release
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


# ---------------------------------------------------------------- threads


def requested(
    retrained: Retrained | None = None, number: int = 8, telling: Telling = TELLING
) -> ApprovalRequested:
    event = telling.approval_requested(package(number), (), "", "", retrained)
    assert isinstance(event, ApprovalRequested)
    return event


def test_approval_is_asked_for_in_the_thread_of_the_version():
    registered_at = package(8).creation_time
    assert registered_at is not None

    assert requested().incident == TELLING.thread_of(8, registered_at, None)


def test_thread_of_a_version_is_the_same_whoever_sees_it_whenever():
    other = replace(
        TELLING, endpoint=ENDPOINT.upper(), event_id="event-2", at=NOW + timedelta(days=3), serving=3
    )

    assert TELLING.thread_of(8, NOW, None) == other.thread_of(8, NOW, None)


def test_other_versions_have_other_threads():
    threads = [
        TELLING.thread_of(8, NOW, None),
        TELLING.thread_of(9, NOW, None),
        TELLING.thread_of(8, NOW + timedelta(seconds=1), None),  # its group was deleted and made anew
        replace(TELLING, endpoint="churn-eu").thread_of(8, NOW, None),
    ]

    assert len(set(threads)) == 4
    assert all(len(thread) == 8 for thread in threads)


def test_version_a_drift_was_answered_with_is_told_in_the_thread_of_the_drift():
    assert TELLING.thread_of(8, NOW, RETRAINED) == RETRAINED.incident
    event = requested(RETRAINED)
    assert (event.incident, event.retrained) == (RETRAINED.incident, RETRAINED)
    assert event.id == requested().id  # the request is one, whatever it came out of


def blocked(code: str = "no-role", version: int | None = 8, since: Any = None, at: Any = NOW) -> DomainEvent:
    return replace(TELLING, at=at).blocked(Block(code, "why", version=version), since=since)


def test_reminder_of_a_block_stays_in_the_thread_of_its_beginning():
    first = blocked(since=NOW)
    reminder = blocked(since=NOW, at=NOW + timedelta(days=1))

    assert first.incident == blocked().incident == reminder.incident
    assert first.id != reminder.id


def test_other_blocks_have_other_threads():
    events = [
        blocked(),
        blocked("refused"),
        blocked(version=9),
        blocked(version=None),
        blocked(at=NOW + timedelta(days=1)),  # it was over in between
        replace(TELLING, endpoint="churn-eu").blocked(Block("no-role", "why", version=8)),
    ]

    assert len({event.incident for event in events}) == len(events)


# ---------------------------------------------------------------- a baselining job


def test_baselining_that_failed_says_which_job_where_its_logs_are_and_why():
    event = TELLING.baselining_failed(
        8, "baseline-8", "AlgorithmError: Error: no such column, exit code: 255"
    )

    assert isinstance(event, JobFailed)
    assert (event.kind, event.purpose, event.version) == ("processing", "baselining", 8)
    assert event.job_arn == f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:processing-job/baseline-8"
    assert event.log_group == "/aws/sagemaker/ProcessingJobs"
    assert (event.code, event.exit_code, event.passing) == ("AlgorithmError", 255, False)
    assert "no such column" in event.reason


def test_baselining_in_other_partitions_is_named_in_theirs():
    arn = GROUP_ARN.replace("arn:aws:", "arn:aws-cn:")

    event = replace(TELLING, group_arn=arn).baselining_failed(8, "baseline-8", "")

    assert isinstance(event, JobFailed)
    assert event.job_arn.startswith("arn:aws-cn:sagemaker:")


def test_passing_fault_of_baselining_is_said_to_pass():
    event = TELLING.baselining_failed(8, "b", "InternalServerError: We encountered an internal error.")

    assert isinstance(event, JobFailed)
    assert event.passing
