"""artifact_sync over fakes of its ports: whatever comes, however often and in whatever order, callers end on the newest good version."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stationkeeper.artifacts.refusal import Refusal
from stationkeeper.artifacts.warm_up import WarmUp
from stationkeeper.errors import LookRefused, MemoryConflict, StepRefused
from stationkeeper.events.artifact_trigger import ENDPOINT_TAG

from tests.artifact_world import (
    BUCKET,
    ENDPOINT,
    PREFIX,
    START,
    ArtifactWorld,
    Crash,
    Object,
)

type Event = Mapping[str, Any]
MODEL = "houston"
TRUNCATED = Refusal("truncated", "It ends early.")
POINTER = f"/stationkeeper/{ENDPOINT}/{MODEL}"


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """Log lines are made as always, and thrown away."""
    from stationkeeper.telemetry import logger

    handler = logger.registered_handler
    with Path(os.devnull).open("w") as nowhere:
        before = handler.setStream(nowhere)
        yield
        if before is not None:
            handler.setStream(before)


@pytest.fixture
def w() -> ArtifactWorld:
    return ArtifactWorld()


def look_at(w: ArtifactWorld, model: str = MODEL) -> dict[str, Any]:
    return w.message("LookAtModel", endpoint=ENDPOINT, model=model)


def look_again(w: ArtifactWorld, group: str) -> dict[str, Any]:
    return w.message("LookAgain", group_arn=group)


def take_back(w: ArtifactWorld, label: str) -> dict[str, Any]:
    return w.message("TakeModelBack", endpoint=ENDPOINT, model=MODEL, version=label)


def labels(w: ArtifactWorld, model: str = MODEL) -> list[str]:
    """Labels of the versions that lie under the prefix."""
    return [
        key.removeprefix(f"{model}/{model}-v").removesuffix(".tar.gz")
        for key in w.published(f"{model}/")
        if key != f"{model}/{model}.tar.gz"
    ]


def at(w: ArtifactWorld, model: str = MODEL) -> str:
    """The label callers are sent to."""
    return w.pointer(model).removeprefix(f"{model}/{model}-v").removesuffix(".tar.gz")


def details(w: ArtifactWorld, kind: str) -> list[dict[str, Any]]:
    """Events of a kind, each id once, as it was said first."""
    found: dict[str, dict[str, Any]] = {}
    for one, detail in w.account.said:
        if one == kind:
            found.setdefault(detail["id"], detail)
    return list(found.values())


def sound(w: ArtifactWorld, *, rewritten: bool = False) -> None:
    """What must hold at every moment: pointers name what is there, and nothing is written over."""
    for name, target_model in w.account.parameters.items():
        assert f"s3://{BUCKET}/{PREFIX}{target_model}" in w.account.objects, name
    assert rewritten or set(w.account.written.values()) <= {1}, w.account.written


def forward(w: ArtifactWorld, model: str = MODEL) -> None:
    """The pointer never went back."""
    orders = {one.target_model: one.order for one in w.record(model).versions}
    moves = [orders[one] for one in w.account.moves.get(f"/stationkeeper/{ENDPOINT}/{model}", [])]
    assert moves == sorted(moves)


def settled(w: ArtifactWorld, model: str = MODEL) -> None:
    """The record is at rest, and the pointer is where it says."""
    record = w.record(model)
    assert record.settled
    assert w.pointer(model) == (record.serving.target_model if record.serving else "")


# ------------------------------------------------------------ a job, from end to end


def test_first_model_is_published_and_pointed_to(w: ArtifactWorld):
    w.react(w.trained(MODEL))

    assert w.published() == [w.pointer(MODEL)] == [f"{MODEL}/{MODEL}-v20261123010000000.tar.gz"]
    assert w.said() == [("ArtifactPublished", MODEL, "20261123010000000")]
    assert w.said(loud=True) == []
    settled(w)


def test_next_model_takes_over_and_the_previous_one_stays_for_its_grace(w: ArtifactWorld):
    w.react(w.trained(MODEL))
    w.wait(hours=1)
    w.react(w.trained(MODEL))
    w.wait(days=7, minutes=-1)
    w.react(look_at(w))
    assert labels(w) == ["20261123010000000", "20261123020000000"]

    w.wait(minutes=1)
    assert [one["detail"] for one in w.sweep()] == [{"endpoint": ENDPOINT, "model": MODEL}]
    w.react(*w.sweep())

    assert labels(w) == [at(w)] == ["20261123020000000"]
    assert w.sweep() == []
    settled(w)


@pytest.mark.parametrize("target_model", [MODEL, ""])
def test_model_is_named_by_tag_or_by_address(w: ArtifactWorld, target_model: str):
    w.react(w.trained(MODEL, target_model=target_model))

    assert w.pointer(MODEL)
    assert details(w, "ArtifactPublished")[0]["named_by"].startswith("tag" if target_model else "output path")


def test_in_place_follows_the_pointer(w: ArtifactWorld):
    for _ in range(2):
        w.react(w.trained(MODEL, in_place="on"))
        w.wait(hours=1)
    in_place = w.account.objects[f"s3://{BUCKET}/{PREFIX}{MODEL}/{MODEL}.tar.gz"]
    assert in_place.etag == w.account.objects[f"s3://{BUCKET}/{PREFIX}{w.pointer(MODEL)}"].etag

    w.react(take_back(w, at(w)))

    in_place = w.account.objects[f"s3://{BUCKET}/{PREFIX}{MODEL}/{MODEL}.tar.gz"]
    assert at(w) == "20261123010000000"
    assert in_place.etag == w.account.objects[f"s3://{BUCKET}/{PREFIX}{w.pointer(MODEL)}"].etag


@pytest.mark.parametrize(
    ("change", "tags"),
    [
        ({"TrainingJobStatus": "Failed"}, {}),
        ({"TrainingJobStatus": "InProgress"}, {}),
        ({"TrainingJobStatus": "Stopped"}, {}),
        ({"Tags": {}}, {}),
        ({"Tags": None}, {}),
        ({}, {"register_to": "group"}),
    ],
)
def test_jobs_that_are_not_meant_cost_nothing(w: ArtifactWorld, change: dict[str, Any], tags: dict[str, str]):
    event = w.trained(MODEL, **tags)
    event["detail"] |= change

    assert w.calls_of(event) == []


def test_child_of_a_tuning_job_is_not_published(w: ArtifactWorld):
    event = w.trained(MODEL, "child")
    w.account.jobs["child"]["TuningJobArn"] = "arn:tuning"

    assert w.calls_of(event) == ["GetItem", "DescribeTrainingJob"]
    assert w.said() == []


def test_jobs_of_other_kinds_are_ignored(w: ArtifactWorld):
    detail = {
        "HyperParameterTuningJobName": "t",
        "HyperParameterTuningJobArn": "arn:t",
        "HyperParameterTuningJobStatus": "Completed",
        "Tags": {ENDPOINT_TAG: ENDPOINT},
    }

    assert w.calls_of(w.event("SageMaker HyperParameter Tuning Job State Change", detail)) == []


# ------------------------------------------------------------ duplicates and order


def ended(w: ArtifactWorld, newest: str, number: int, model: str = MODEL) -> None:
    """Every version has one object of its own, callers are on the newest, each was said once."""
    sound(w)
    forward(w, model)
    settled(w, model)
    source = w.record(model).serving.source
    assert source.arn.endswith(newest)
    assert len(labels(w, model)) == number
    assert Counter(kind for kind, *_ in w.said()) == {"ArtifactPublished": number}


def jobs(w: ArtifactWorld, **offsets: int) -> dict[str, Event]:
    """Jobs by name, created so many milliseconds after the beginning."""
    return {
        name: w.trained(MODEL, name, at=START + timedelta(milliseconds=offset))
        for name, offset in offsets.items()
    }


@pytest.mark.parametrize("order", list(permutations("abcde")))
def test_five_jobs_in_every_order(order: tuple[str, ...]):
    w = ArtifactWorld()
    events = jobs(w, a=0, b=1_000, c=2_000, d=3_000, e=4_000)

    w.react(*(events[name] for name in order))

    ended(w, "/e", 5)


@pytest.mark.parametrize("order", sorted(set(permutations("aabbc"))))
def test_duplicates_in_every_order(order: tuple[str, ...]):
    w = ArtifactWorld()
    events = jobs(w, a=0, b=1_000, c=1_000)

    for name in order:
        w.react(events[name], container=w.container())

    ended(w, "/c", 3)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=12))
def test_events_in_any_number_and_order(chosen: list[tuple[int, bool]]):
    w = ArtifactWorld()
    events = list(jobs(w, a=0, b=0, c=1, d=60_000, e=60_000).values())

    for number, fresh in chosen:
        w.react(events[number], container=w.container() if fresh else None)
        w.wait(minutes=1)
        sound(w)

    came = {number for number, _ in chosen}
    ended(w, f"/{'abcde'[max(came)]}", len(came))


def test_two_jobs_of_one_millisecond_have_two_keys(w: ArtifactWorld):
    events = jobs(w, a=0, b=0)

    w.react(events["b"], events["a"])

    first, second = labels(w)
    assert first == "20261123010000000-" + first[-8:]
    assert second == "20261123010000000"
    ended(w, "/b", 2)


def test_late_older_job_is_published_and_not_pointed_to(w: ArtifactWorld):
    events = jobs(w, a=0, b=1_000)

    w.react(events["b"], events["a"])

    assert [one["pointed"] for one in details(w, "ArtifactPublished")] == [True, False]
    assert len(w.account.moves[POINTER]) == 1


def test_foreign_object_at_the_key_is_left_alone(w: ArtifactWorld):
    theirs = Object('"theirs"')
    key = f"s3://{BUCKET}/{PREFIX}{MODEL}/{MODEL}-v20261123010000000.tar.gz"
    w.account.objects[key] = theirs

    w.react(w.trained(MODEL))

    assert w.account.objects[key] is theirs
    assert w.pointer(MODEL) != f"{MODEL}/{MODEL}-v20261123010000000.tar.gz"
    settled(w)


def test_older_job_does_not_decide_about_the_key_in_place(w: ArtifactWorld):
    older = w.trained(MODEL, "a", at=START, in_place="off")
    newer = w.trained(MODEL, "b", at=START + timedelta(seconds=1), in_place="on")
    w.react(newer, older)
    assert w.record(MODEL).wants_in_place

    w.react(take_back(w, at(w)))

    in_place = w.account.objects[f"s3://{BUCKET}/{PREFIX}{MODEL}/{MODEL}.tar.gz"]
    assert in_place.etag == w.account.objects[f"s3://{BUCKET}/{PREFIX}{w.pointer(MODEL)}"].etag


def test_late_event_does_not_bring_a_deleted_version_back(w: ArtifactWorld):
    late = w.trained(MODEL, target_model="")
    w.react(late)
    w.wait(hours=1)
    w.react(w.trained(MODEL, target_model=""))
    w.wait(days=8)
    w.react(look_at(w))
    assert len(labels(w)) == 1

    w.react(late)

    assert len(labels(w)) == 1
    sound(w)


# ------------------------------------------------------------ a crash at every call


type Scenario = Callable[[ArtifactWorld], Event]
"""What was before; returns the event that is interrupted."""


def _first_job(w: ArtifactWorld) -> Event:
    return w.trained(MODEL)


def _second_job(w: ArtifactWorld) -> Event:
    w.react(w.trained(MODEL))
    w.wait(hours=1)
    return w.trained(MODEL)


def _job_named_by_address(w: ArtifactWorld) -> Event:
    return w.trained(MODEL, target_model="")


def _broken_job(w: ArtifactWorld) -> Event:
    w.react(w.trained(MODEL))
    w.wait(hours=1)
    return w.trained(MODEL, refusal=TRUNCATED)


def _mending_job(w: ArtifactWorld) -> Event:
    w.react(w.trained(MODEL, refusal=TRUNCATED))
    w.wait(hours=1)
    return w.trained(MODEL)


def _in_place(w: ArtifactWorld) -> Event:
    w.react(w.trained(MODEL, in_place="on"))
    w.wait(hours=1)
    return w.trained(MODEL, in_place="on")


def _warm_up(w: ArtifactWorld) -> Event:
    return w.trained(MODEL, warm_up="s3://b/request.csv")


def _failed_warm_up(w: ArtifactWorld) -> Event:
    w.react(w.trained(MODEL))
    w.wait(hours=1)
    w.warm_ups.answer = WarmUp(failed=True, said="it raised")
    return w.trained(MODEL, warm_up="s3://b/request.csv")


def _retire(w: ArtifactWorld) -> Event:
    for _ in range(4):
        w.react(w.trained(MODEL))
        w.wait(hours=1)
    w.wait(days=7)
    return look_at(w)


def _approval(w: ArtifactWorld) -> Event:
    group = w.group("g", MODEL)
    w.react(w.version(group, 1))
    w.wait(hours=1)
    return w.version(group, 2)


def _first_approval(w: ArtifactWorld) -> Event:
    return w.version(w.group("g", MODEL), 1)


def _rejection(w: ArtifactWorld) -> Event:
    group = w.group("g", MODEL)
    w.react(w.version(group, 1))
    w.wait(hours=1)
    w.react(w.version(group, 2))
    w.wait(hours=1)
    return w.version(group, 2, "Rejected")


def _rejection_to_one_never_published(w: ArtifactWorld) -> Event:
    group = w.group("g", MODEL)
    w.version(group, 1)
    w.react(w.version(group, 2))
    w.wait(hours=1)
    return w.version(group, 2, "Rejected")


def _broken_newest(w: ArtifactWorld) -> Event:
    group = w.group("g", MODEL)
    w.version(group, 1)
    return w.version(group, 2, refusal=TRUNCATED)


def _take_back(w: ArtifactWorld) -> Event:
    _second = _second_job(w)
    w.react(_second)
    w.wait(hours=1)
    return take_back(w, at(w))


_JOBS = {
    "first job": _first_job,
    "second job": _second_job,
    "named by its address": _job_named_by_address,
    "broken job": _broken_job,
    "in place": _in_place,
    "warm-up": _warm_up,
    "failed warm-up": _failed_warm_up,
    "mending job": _mending_job,
    "retire": _retire,
}
_FOLLOWED = {
    "broken newest version": _broken_newest,
    "first approval": _first_approval,
    "approval": _approval,
    "rejection": _rejection,
    "rejection to one never published": _rejection_to_one_never_published,
    "take-back": _take_back,
}


def state(w: ArtifactWorld) -> dict[str, Any]:
    """All that must be the same, however it came about: without times, tokens and counters."""
    record = w.record(MODEL) if (ENDPOINT, MODEL) in w.account.items else None
    told = (
        record.model_dump(exclude={"version": True, "lease": True, "versions": True, "refused": True})
        if record
        else {}
    )
    versions = record.versions if record else ()
    return {
        "objects": {uri: (one.etag, dict(one.marks)) for uri, one in w.account.objects.items()},
        "parameters": dict(w.account.parameters),
        "record": told,
        "versions": [
            (one.uri, one.order, one.good, one.retired, one.superseded_at is None) for one in versions
        ],
        "refused": [(one.identity, one.code, one.etag) for one in record.refused] if record else [],
        # An id each; of what was taken back it follows from the record, which an interrupted try may have written once more.
        "said": sorted(w.said()),
        "sources": record.settled_sources if record else (),
    }


def interrupted_at(w: ArtifactWorld, point: int, what: Callable[[], None]) -> Callable[[], int]:
    """Do something at one point of the calls that follow; returns how many points there were."""
    seen = 0

    def interrupt(_name: str, _when: str) -> None:
        nonlocal seen
        here, seen = seen, seen + 1
        if here == point:
            what()

    w.account.interrupt = interrupt
    return lambda: seen


def at_peace(w: ArtifactWorld) -> None:
    w.account.interrupt = lambda _name, _when: None


def points_of(scenario: Scenario) -> int:
    w = ArtifactWorld()
    event = scenario(w)
    points = interrupted_at(w, -1, lambda: None)
    w.react(event)
    return points()


def crash() -> None:
    raise Crash


def crashed(scenario: Scenario, point: int, redelivery: str) -> ArtifactWorld:
    """The world in which the event was killed at a point and came again."""
    w = ArtifactWorld()
    event = scenario(w)
    interrupted_at(w, point, crash)
    with pytest.raises(Crash):
        w.react(event)
    at_peace(w)
    if redelivery == "at once":
        w.wait(minutes=1)
        w.react(event, container=w.container())
        sound(w)
    w.wait(minutes=31)
    if redelivery == "sweep":
        w.react(event, container=w.container())
        w.wait(minutes=31)
        w.react(*w.sweep())
    else:
        w.react(event, container=None if redelivery == "later" else w.container())
    return w


def differences(scenario: Scenario, redelivery: str) -> list[str]:
    """Where a crash leaves something else than no crash."""
    faultless = ArtifactWorld()
    faultless.react(scenario(faultless))
    wanted = state(faultless)
    found = []
    for point in range(points_of(scenario)):
        w = crashed(scenario, point, redelivery)
        sound(w)
        came_to = state(w)
        if came_to != wanted:
            found.append(f"point {point}: {[name for name in wanted if wanted[name] != came_to[name]]}")
    return found


_AGAIN = ["later", "fresh", "at once", "sweep"]


@pytest.mark.parametrize("redelivery", _AGAIN)
@pytest.mark.parametrize("name", _JOBS)
def test_crash_at_every_call_and_the_same_event_again(name: str, redelivery: str):
    assert differences(_JOBS[name], redelivery) == []


@pytest.mark.parametrize("name", _FOLLOWED)
def test_crash_at_every_call_and_the_sweep_after_it(name: str):
    assert differences(_FOLLOWED[name], "sweep") == []


@pytest.mark.parametrize("redelivery", ["later", "fresh", "at once"])
@pytest.mark.parametrize("name", _FOLLOWED)
def test_crash_of_a_group_s_event_and_the_same_event_again(name: str, redelivery: str):
    assert differences(_FOLLOWED[name], redelivery) == []


_MOVED_UNSEEN = (
    "that the pointer was moved is known only once it is written down: a copy that dies (or meets a fault) between the two leaves a record "
    "whose `pointer` is the old one. When callers then have to go back to that one, record and pointer seem to agree, for ever: callers "
    "stay on what was taken back, and a week later it is deleted under them. The same holds for the key in place"
)


def _taken_back_after_a_crash(w: ArtifactWorld, call: str, **tags: str) -> None:
    """The function dies right after a call for the second version, which is then taken back."""
    w.react(w.trained(MODEL, **tags))
    w.wait(hours=1)
    second = w.trained(MODEL, **tags)

    def interrupt(name: str, when: str) -> None:
        if (name, when) == (call, "after") and at(w) == "20261123020000000":
            in_place = w.account.objects.get(f"s3://{BUCKET}/{PREFIX}{MODEL}/{MODEL}.tar.gz")
            if not tags or in_place.marks["stationkeeper-version"] == "20261123020000000":
                raise Crash

    w.account.interrupt = interrupt
    with pytest.raises(Crash):
        w.react(second)
    at_peace(w)
    w.wait(minutes=10)
    w.react(take_back(w, "20261123020000000"))
    w.wait(minutes=31)
    w.react(second)
    w.wait(hours=1)
    w.react(*w.sweep())
    assert w.record(MODEL).serving.label == "20261123010000000"
    assert w.record(MODEL).settled


def test_version_that_is_taken_back_after_a_crash_serves_no_more(w: ArtifactWorld):
    _taken_back_after_a_crash(w, "PutParameter")

    assert at(w) == "20261123010000000"


def test_version_that_is_taken_back_after_a_crash_is_not_deleted_under_callers(w: ArtifactWorld):
    _taken_back_after_a_crash(w, "PutParameter")

    w.wait(days=8)
    w.react(*w.sweep())

    sound(w)


def test_key_in_place_goes_back_after_a_crash(w: ArtifactWorld):
    _taken_back_after_a_crash(w, "CopyObject", in_place="on")

    in_place = w.account.objects[f"s3://{BUCKET}/{PREFIX}{MODEL}/{MODEL}.tar.gz"]
    assert in_place.marks["stationkeeper-version"] == "20261123010000000"


# ------------------------------------------------------------ two copies at once


def _newer_and_older(w: ArtifactWorld) -> tuple[Event, Event]:
    found = jobs(w, a=0, b=1_000)
    return found["b"], found["a"]


def _one_millisecond(w: ArtifactWorld) -> tuple[Event, Event]:
    found = jobs(w, a=0, b=0)
    return found["a"], found["b"]


def _same_job(w: ArtifactWorld) -> tuple[Event, Event]:
    event = w.trained(MODEL, "a")
    return event, event


def _two_packages(w: ArtifactWorld) -> tuple[Event, Event]:
    group = w.group("g", MODEL)
    return w.version(group, 1), w.version(group, 2)


def _publish_and_retire(w: ArtifactWorld) -> tuple[Event, Event]:
    return _retire_first(w), look_at(w)


def _retire_first(w: ArtifactWorld) -> Event:
    for _ in range(3):
        w.react(w.trained(MODEL))
        w.wait(hours=1)
    w.wait(days=7)
    return w.trained(MODEL)


def _publish_and_take_back(w: ArtifactWorld) -> tuple[Event, Event]:
    w.react(w.trained(MODEL))
    w.wait(hours=1)
    w.react(w.trained(MODEL))
    w.wait(hours=1)
    label = at(w)
    return w.trained(MODEL), take_back(w, label)


def _job_and_broken_job(w: ArtifactWorld) -> tuple[Event, Event]:
    broken = w.trained(MODEL, "b", at=START + timedelta(seconds=1), refusal=TRUNCATED)
    return w.trained(MODEL, "a"), broken


type Pair = Callable[[ArtifactWorld], tuple[Event, Event]]
_PAIRS: dict[str, Pair] = {
    "same job": _same_job,
    "newer and older job": _newer_and_older,
    "jobs of one millisecond": _one_millisecond,
    "two packages": _two_packages,
    "publish and retire": _publish_and_retire,
    "publish and take-back": _publish_and_take_back,
    "job and broken job": _job_and_broken_job,
}


def delivered(w: ArtifactWorld, event: Event) -> None:
    """An event, again after its visibility timeout where it was given back."""
    try:
        w.react(event, container=w.container())
    except MemoryConflict:
        w.wait(minutes=31)
        w.react(event, container=w.container())


def interleaved(pair: Pair, point: int, *, swapped: bool) -> ArtifactWorld:
    """The world in which one event was handled from beginning to end at a point of the other."""
    w = ArtifactWorld()
    first, second = pair(w)
    if swapped:
        first, second = second, first
    again: list[Event] = []

    def meanwhile() -> None:
        at_peace(w)
        try:
            w.react(second, container=w.container())
        except MemoryConflict:
            again.append(second)
        interrupted_at(w, -1, lambda: sound(w))

    interrupted_at(w, point, meanwhile)
    try:
        w.react(first)
    except MemoryConflict:
        again.append(first)
    at_peace(w)
    w.wait(minutes=31)
    for event in again:
        delivered(w, event)
    return w


def points_of_pair(pair: Pair, *, swapped: bool) -> int:
    w = ArtifactWorld()
    events = pair(w)
    points = interrupted_at(w, -1, lambda: None)
    w.react(events[1] if swapped else events[0])
    return points()


def outcome(w: ArtifactWorld) -> dict[str, Any]:
    """As `state`, without what the order of two events may change: labels that tell apart, what is told of the way."""
    record = w.record(MODEL)
    return {
        "serving": record.serving and record.serving.source.identity,
        "sources": sorted(
            (one.source.identity, one.good, one.retired, one.superseded_at is None) for one in record.versions
        ),
        "objects": sorted(
            (one.etag, one.marks.get("stationkeeper-source", "")) for one in w.account.objects.values()
        ),
        "refused": sorted((one.identity, one.code) for one in record.refused),
    }


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("name", _PAIRS)
def test_two_copies_end_where_one_after_the_other_does(name: str, swapped: bool):
    pair = _PAIRS[name]
    one_by_one = ArtifactWorld()
    for event in pair(one_by_one)[:: -1 if swapped else 1]:
        one_by_one.react(event)
    one_by_one.wait(minutes=31)
    one_by_one.react(look_at(one_by_one))
    found = []

    for point in range(points_of_pair(pair, swapped=swapped)):
        w = interleaved(pair, point, swapped=swapped)
        w.react(look_at(w))
        sound(w)
        settled(w)
        if name != "publish and take-back":
            forward(w)
        if outcome(w) != outcome(one_by_one):
            found.append((point, {k: v for k, v in outcome(w).items() if v != outcome(one_by_one)[k]}))
        if len(w.said()) != len(set(w.said())):
            found.append((point, w.said()))

    assert found == []


# ------------------------------------------------------------ a person decides while a copy is at work


def _decided_meanwhile(status_first: str, status_then: str, *, copied_before: bool) -> list[int]:
    """Points of an event at which the opposite decision, handled to its end, is lost until `sweep` looks at the group."""

    def prepared() -> tuple[ArtifactWorld, str, Event]:
        w = ArtifactWorld()
        group = w.group("g", MODEL)
        w.react(w.version(group, 1))
        w.wait(hours=1)
        if copied_before:
            w.react(w.version(group, 2))
        return w, group, w.version(group, 2, status_first)

    w, group, event = prepared()
    points = interrupted_at(w, -1, lambda: None)
    w.react(event)
    lost = []
    for point in range(points()):
        w, group, event = prepared()

        def decides(w: ArtifactWorld = w, group: str = group) -> None:
            at_peace(w)
            w.react(w.version(group, 2, status_then), container=w.container())

        interrupted_at(w, point, decides)
        w.react(event)
        at_peace(w)
        w.wait(minutes=31)
        w.react(look_at(w))
        sound(w)
        settled(w)
        if at(w) != ("2" if status_then == "Approved" else "1"):
            lost.append(point)
        w.react(look_again(w, group))
        assert at(w) == ("2" if status_then == "Approved" else "1")
    return lost


@pytest.mark.parametrize("copied_before", [False, True])
def test_rejection_while_the_approval_is_at_work(copied_before: bool):
    assert _decided_meanwhile("Approved", "Rejected", copied_before=copied_before) == []


def test_approval_while_the_rejection_is_at_work():
    assert _decided_meanwhile("Rejected", "Approved", copied_before=True) == []


@pytest.mark.parametrize(
    "sweeps",
    [
        1,
        2,
    ],
)
def test_version_approved_again_while_it_is_deleted_is_published_again(sweeps: int):
    """Its address is written again, with the same content: a later approval of it, not the same try."""

    def prepared() -> tuple[ArtifactWorld, str]:
        w = ArtifactWorld()
        group = w.group("g", MODEL)
        w.react(w.version(group, 1))
        w.wait(hours=1)
        w.react(w.version(group, 2))
        w.react(w.version(group, 1, "Rejected"))
        w.react(w.version(group, 3))
        w.wait(days=7)
        return w, group

    w, group = prepared()
    points = interrupted_at(w, -1, lambda: None)
    w.react(look_at(w))
    for point in range(points()):
        w, group = prepared()

        def decides(w: ArtifactWorld = w, group: str = group) -> None:
            at_peace(w)
            for number in (3, 2):
                w.version(group, number, "Rejected")
            w.react(w.version(group, 1), container=w.container())
            interrupted_at(w, -1, lambda: sound(w, rewritten=True))

        interrupted_at(w, point, decides)
        w.react(look_at(w))
        at_peace(w)
        for _ in range(sweeps):
            w.wait(minutes=31)
            w.react(*w.sweep())
        sound(w, rewritten=True)
        settled(w)
        assert at(w) == "1"


def _taken_over_meanwhile(swapped: bool) -> list[int]:
    def prepared() -> tuple[ArtifactWorld, Event, Event]:
        w = ArtifactWorld()
        w.react(w.trained(MODEL))
        w.wait(hours=1)
        group = w.group("g", MODEL)
        return w, w.trained(MODEL), w.version(group, 1)

    w, job, approval = prepared()
    points = interrupted_at(w, -1, lambda: None)
    w.react(approval if swapped else job)
    lost = []
    for point in range(points()):
        w, job, approval = prepared()
        first, second = (approval, job) if swapped else (job, approval)

        def meanwhile(w: ArtifactWorld = w, second: Event = second) -> None:
            at_peace(w)
            w.react(second, container=w.container())

        interrupted_at(w, point, meanwhile)
        with suppress(MemoryConflict):  # it is delivered again
            w.react(first)
        at_peace(w)
        w.wait(minutes=31)
        w.react(first, *w.sweep())
        if at(w) != "1" or not w.record(MODEL).owner:
            lost.append(point)
    return lost


def test_job_that_comes_while_a_group_takes_over():
    assert _taken_over_meanwhile(swapped=True) == []


def test_group_that_takes_over_while_a_job_is_at_work():
    assert _taken_over_meanwhile(swapped=False) == []


# ------------------------------------------------------------ groups


def decide(w: ArtifactWorld, group: str, *decisions: int) -> None:
    """Versions are approved (7) and rejected (-7), each before the next."""
    for decision in decisions:
        w.react(w.version(group, abs(decision), "Approved" if decision > 0 else "Rejected"))


def test_highest_approved_version_wins(w: ArtifactWorld):
    group = w.group("g", MODEL)
    for number in (1, 3, 2):
        w.react(w.version(group, number))

    assert at(w) == "3"
    assert labels(w) == ["1", "2", "3"]
    assert [one["pointed"] for one in details(w, "ArtifactPublished")] == [True, True, False]
    forward(w)
    settled(w)


@pytest.mark.parametrize("order", list(permutations([1, 2, 3, 4])))
def test_approvals_in_every_order(order: tuple[int, ...]):
    w = ArtifactWorld()
    group = w.group("g", MODEL)
    events = {number: w.version(group, number) for number in (1, 2, 3, 4)}

    for number in order:
        w.react(events[number], events[number])

    assert at(w) == "4"
    sound(w)
    forward(w)
    settled(w)
    assert set(labels(w)) <= {"1", "2", "3", "4"}


@settings(max_examples=80)
@example([(1, "Approved"), (2, "Approved"), (2, "Rejected"), (1, "Rejected"), (2, "Approved")])
@given(
    st.lists(
        st.tuples(
            st.integers(1, 4), st.sampled_from(["Approved", "Approved", "Rejected", "PendingManualApproval"])
        ),
        min_size=1,
        max_size=10,
    ),
)
def test_decisions_in_any_order(decisions: list[tuple[int, str]]):
    w = ArtifactWorld()
    group = w.group("g", MODEL)
    now: dict[int, str] = {}
    best: list[int] = []

    for number, status in decisions:
        now[number] = status
        w.react(w.version(group, number, status))
        w.wait(minutes=10)
        sound(w)
        best = [number for number, status in now.items() if status == "Approved"]
        if best:
            assert at(w) == str(max(best))

    assert not best or len(labels(w)) >= 1
    if w.pointer(MODEL):
        settled(w)


def test_rejecting_goes_back_to_the_next_highest(w: ArtifactWorld):
    group = w.group("g", MODEL)
    for number in (1, 2, 3):
        w.react(w.version(group, number))
    w.version(group, 2, "Rejected")

    w.react(w.version(group, 3, "Rejected"))

    assert at(w) == "1"
    [told] = details(w, "ArtifactWithdrawn")
    assert (told["version"], told["serving"]["version"], told["nothing_left"]) == ("3", "1", False)
    settled(w)


def test_rejecting_publishes_the_next_highest_first_when_it_never_was(w: ArtifactWorld):
    group = w.group("g", MODEL)
    w.version(group, 1)
    w.react(w.version(group, 2))
    assert labels(w) == ["2"]

    w.react(w.version(group, 2, "Rejected"))

    assert (at(w), labels(w)) == ("1", ["1", "2"])
    assert [one["serving"]["version"] for one in details(w, "ArtifactWithdrawn")] == ["1"]


def test_rejecting_the_only_one_keeps_the_pointer_and_says_so(w: ArtifactWorld):
    group = w.group("g", MODEL)
    w.react(w.version(group, 1))

    w.react(w.version(group, 1, "Rejected"), w.version(group, 1, "Rejected"))

    assert at(w) == "1"
    [told] = details(w, "ArtifactWithdrawn")
    assert (told["nothing_left"], told["severity"], told["quiet"]) == (True, "warning", False)
    w.wait(days=30)
    w.react(*w.sweep())
    assert labels(w) == ["1"]


def test_next_approval_after_nothing_was_left(w: ArtifactWorld):
    group = w.group("g", MODEL)
    decide(w, group, 1, -1, 2)

    assert at(w) == "2"
    settled(w)


def test_approved_again_it_takes_over_again_and_rejected_again_it_is_told_again(w: ArtifactWorld):
    group = w.group("g", MODEL)
    decide(w, group, 1, 2)

    for _ in range(2):
        w.react(w.version(group, 2, "Rejected"))
        assert at(w) == "1"
        w.react(w.version(group, 2))
        assert at(w) == "2"

    assert len(details(w, "ArtifactWithdrawn")) == 2
    sound(w)


def test_approved_again_is_told(w: ArtifactWorld):
    group = w.group("g", MODEL)
    decide(w, group, 1, 2, -2)

    w.react(w.version(group, 2))

    last = w.account.said[-1][1]
    assert last["serving"]["version"] == at(w) == "2"


def test_version_that_is_no_longer_approved_though_not_rejected_is_taken_back(w: ArtifactWorld):
    group = w.group("g", MODEL)
    decide(w, group, 1, 2)
    w.react(w.version(group, 2, "PendingManualApproval"))

    assert at(w) == "1"


def test_registered_version_waits_for_approval(w: ArtifactWorld):
    group = w.group("g", MODEL)

    w.react(w.version(group, 1, "PendingManualApproval"))

    assert (labels(w), w.said()) == ([], [])


def test_broken_newest_version_falls_to_the_next(w: ArtifactWorld):
    group = w.group("g", MODEL)
    w.version(group, 1)
    event = w.version(group, 2, refusal=TRUNCATED)

    w.react(event, event)

    assert (at(w), labels(w)) == ("1", ["1"])
    assert Counter(kind for kind, *_ in w.said()) == {"ArtifactPublished": 1, "ArtifactRejected": 1}


def test_falling_back_mends_nothing(w: ArtifactWorld):
    group = w.group("g", MODEL)
    w.version(group, 1)

    w.react(w.version(group, 2, refusal=TRUNCATED))

    assert [(one["mended"], one["quiet"]) for one in details(w, "ArtifactPublished")] == [("", True)]


def test_at_most_three_versions_are_tried(w: ArtifactWorld):
    group = w.group("g", MODEL)
    for number in range(1, 6):
        event = w.version(group, number, refusal=TRUNCATED if number > 1 else None)

    w.react(event)

    assert w.said() == [("ArtifactRejected", MODEL, "truncated")] * 3
    assert [one["version"] for one in details(w, "ArtifactRejected")] == ["5", "4", "3"]
    assert w.pointer(MODEL) == ""


def test_version_whose_warm_up_failed_is_passed_over_for_good(w: ArtifactWorld):
    group = w.group("g", MODEL, warm_up="s3://b/request.csv")
    w.react(w.version(group, 1))
    w.warm_ups.answer = WarmUp(failed=True, said="it raised")
    w.react(w.version(group, 2))
    w.react(look_again(w, group))
    decide(w, group, -1, 1)

    assert at(w) == "1"
    assert [one["code"] for one in details(w, "ArtifactRejected")] == ["warm-up"]


def test_group_without_a_name_holds_many_models(w: ArtifactWorld):
    group = w.group("g")
    for number, model in enumerate(["a", "b", "a", "b"], 1):
        w.react(w.version(group, number, uri=f"s3://t/model_artifacts/{model}/{number}/output/model.tar.gz"))

    assert (at(w, "a"), at(w, "b")) == ("3", "4")
    uri = "s3://t/model_artifacts/a/3/output/model.tar.gz"
    w.react(w.version(group, 3, "Rejected", uri=uri))
    assert (at(w, "a"), at(w, "b")) == ("1", "4")
    w.react(w.version(group, 3, uri=uri))
    assert (at(w, "a"), at(w, "b")) == ("3", "4")
    for model in "ab":
        settled(w, model)


def path_named(w: ArtifactWorld, group: str, number: int, status: str = "Approved") -> Event:
    uri = f"s3://t/model_artifacts/{MODEL}/{number}/output/model.tar.gz"
    return w.version(group, number, status, uri=uri)


def test_sweep_does_not_publish_deleted_versions_of_a_group_without_a_name_again(w: ArtifactWorld):
    group = w.group("g")
    for number in (1, 2):
        w.react(path_named(w, group, number))
        w.wait(hours=1)
    w.wait(days=8)
    w.react(look_at(w))
    assert labels(w) == ["2"]

    w.wait(hours=1)
    w.react(*w.sweep())

    assert labels(w) == ["2"]
    sound(w)


def _made_anew(w: ArtifactWorld, *, versions_before: int) -> str:
    """A group was deleted, with all its versions, and made again with a version 1."""
    group = w.group("g", MODEL)
    for number in range(1, versions_before + 1):
        w.react(w.version(group, number))
        w.wait(hours=1)
    w.account.packages.clear()
    w.react(w.version(group, 1, uri="s3://training/anew/model.tar.gz"))
    return w.account.objects["s3://training/anew/model.tar.gz"].etag


def content(w: ArtifactWorld) -> str:
    return w.account.objects[f"s3://{BUCKET}/{PREFIX}{w.pointer(MODEL)}"].etag


_ANEW = (
    "approvals are followed by number, and two versions of one number are ordered by nothing: the version 1 of the deleted group counts as "
    "approved and stays (or becomes) what callers are sent to"
)


@pytest.mark.parametrize("versions_before", [1, 2, 3])
def test_group_made_anew_with_a_version_1_again(w: ArtifactWorld, versions_before: int):
    etag = _made_anew(w, versions_before=versions_before)

    assert content(w) == etag


def test_group_made_anew_overwrites_nothing(w: ArtifactWorld):
    _made_anew(w, versions_before=2)

    sound(w)
    assert len(labels(w)) == 3


def test_address_of_a_deleted_version_is_never_given_to_other_content(w: ArtifactWorld):
    group = w.group("g", MODEL)
    for number in (1, 2):
        w.react(w.version(group, number))
        w.wait(hours=1)
    w.wait(days=8)
    w.react(look_at(w))
    assert labels(w) == ["2"]
    w.account.packages.clear()

    w.react(w.version(group, 1, uri="s3://training/anew/model.tar.gz"))

    sound(w)


def test_group_takes_a_model_over_from_jobs(w: ArtifactWorld):
    w.react(w.trained(MODEL))
    w.wait(hours=1)
    group = w.group("g", MODEL)
    w.react(w.version(group, 1))
    assert at(w) == "1"

    w.wait(hours=1)
    late = w.trained(MODEL)
    w.react(late, late)

    assert at(w) == "1"
    assert [one["code"] for one in details(w, "ArtifactRejected")] == ["another-source"]
    forward(w)


def test_second_group_is_refused_until_the_first_is_not_tagged(w: ArtifactWorld):
    first, second = w.group("first", MODEL), w.group("second", MODEL)
    w.react(w.version(first, 5))
    event = w.version(second, 1)
    w.react(event, event, look_again(w, second))
    assert at(w) == "5"
    [told] = details(w, "ArtifactRejected")
    assert (told["code"], told["passing"]) == ("another-source", True)
    assert "first" in told["reason"]

    del w.account.tags[first]
    w.wait(hours=1)
    w.react(*w.sweep())

    assert (at(w), w.record(MODEL).owner) == ("1", second)
    assert details(w, "ArtifactPublished")[-1]["mended"] == "another-source"
    w.react(w.version(first, 6))
    assert at(w) == "1"


def test_group_that_is_tagged_again_takes_the_model_over_again(w: ArtifactWorld):
    first, second = w.group("first", MODEL), w.group("second", MODEL)
    w.react(w.version(first, 5))
    tags = w.account.tags.pop(first)
    w.react(w.version(second, 1))
    assert at(w) == "1"
    del w.account.tags[second]
    w.account.tags[first] = tags

    w.wait(hours=1)
    w.react(*w.sweep())

    assert (at(w), w.record(MODEL).owner) == ("5", first)


def test_group_that_is_gone_is_left_alone(w: ArtifactWorld):
    group = w.group("g", MODEL)
    w.react(w.version(group, 1))
    del w.account.tags[group]

    w.react(look_again(w, group))

    assert at(w) == "1"


def test_group_of_another_account_is_ignored(w: ArtifactWorld):
    arn = "arn:aws:sagemaker:eu-west-1:999999999999:model-package/g/1"

    assert w.calls_of(w.event("SageMaker Model Package State Change", {"ModelPackageArn": arn})) == []


def test_sweep_heals_a_lost_approval(w: ArtifactWorld):
    group = w.group("g", MODEL)
    w.react(w.version(group, 1))
    w.version(group, 2)

    w.wait(hours=1)
    w.react(*w.sweep())

    assert at(w) == "2"
    settled(w)


def test_sweep_heals_a_lost_rejection(w: ArtifactWorld):
    group = w.group("g", MODEL)
    decide(w, group, 1, 2)
    w.version(group, 2, "Rejected")

    w.wait(hours=1)
    w.react(*w.sweep())

    assert at(w) == "1"
    assert len(details(w, "ArtifactWithdrawn")) == 1


def test_sweep_heals_a_lost_job_and_leaves_the_others(w: ArtifactWorld):
    w.react(w.trained(MODEL))
    w.wait(hours=1)
    w.trained(MODEL)

    messages = w.sweep()

    assert [one["detail-type"] for one in messages] == ["LookAtTrainingJob"]
    w.react(*messages)
    assert at(w) == "20261123020000000"
    assert w.sweep() == []


@pytest.mark.parametrize("deleted", [1, 2])
def test_deleted_version_is_as_good_as_rejected(w: ArtifactWorld, deleted: int):
    group = w.group("g", MODEL)
    events = {number: w.version(group, number) for number in (1, 2)}
    w.react(events[1], events[2])
    arn = events[deleted]["detail"]["ModelPackageArn"]
    del w.account.packages[arn]

    w.react(events[deleted])

    assert at(w) == str(3 - deleted)


@pytest.mark.parametrize("status", ["Pending", "InProgress", "Failed", "Deleting"])
def test_version_that_is_not_made_is_not_published(w: ArtifactWorld, status: str):
    group = w.group("g", MODEL)
    event = w.version(group, 1)
    w.account.packages[event["detail"]["ModelPackageArn"]]["ModelPackageStatus"] = status

    w.react(event)

    assert w.said() == []


# ------------------------------------------------------------ refusals


def test_broken_artifact_is_told_once_and_read_no_more(w: ArtifactWorld):
    event = w.trained(MODEL, refusal=TRUNCATED)
    w.react(event)

    again = w.calls_of(event)

    assert again == ["GetItem", "DescribeTrainingJob", "GetObject"]
    assert w.said() == w.said(loud=True) == [("ArtifactRejected", MODEL, "truncated")]
    assert len(w.account.said) == 1
    assert (w.pointer(MODEL), labels(w)) == ("", [])
    w.wait(hours=1)
    assert w.sweep() == []


def test_new_content_that_is_broken_the_same_way_is_told(w: ArtifactWorld):
    event = w.trained(MODEL, refusal=TRUNCATED)
    w.react(event)
    uri = next(iter(w.account.objects))
    w.account.objects[uri] = Object('"other"', refusal=TRUNCATED)

    w.react(event, event)

    assert len(w.account.said) == 2
    assert len(details(w, "ArtifactRejected")) == 2


def test_new_content_that_is_broken_otherwise_is_told(w: ArtifactWorld):
    event = w.trained(MODEL, refusal=TRUNCATED)
    w.react(event)
    uri = next(iter(w.account.objects))
    w.account.objects[uri] = Object('"other"', refusal=Refusal("too-large", "It is too large."))

    w.react(event, event)

    assert [one["code"] for one in details(w, "ArtifactRejected")] == ["truncated", "too-large"]


def test_new_content_that_is_good_is_published_and_told_as_mended(w: ArtifactWorld):
    event = w.trained(MODEL, refusal=TRUNCATED)
    w.react(event)
    [rejected] = details(w, "ArtifactRejected")
    w.account.objects[next(iter(w.account.objects))] = Object('"good"')

    w.react(event)

    [told] = details(w, "ArtifactPublished")
    assert (told["mended"], told["quiet"], told["incident"]) == ("truncated", False, rejected["incident"])
    w.wait(hours=1)
    w.react(w.trained(MODEL))
    assert details(w, "ArtifactPublished")[-1]["quiet"]


def test_good_job_after_a_quiet_refusal_is_quiet(w: ArtifactWorld):
    for number in range(4):
        w.react(w.trained(f"m{number}", refusal=TRUNCATED))
    w.wait(hours=1)

    for number in range(4):
        w.react(w.trained(f"m{number}"))

    assert [one["quiet"] for one in details(w, "ArtifactPublished")] == [False, False, False, True]


def test_a_night_of_broken_artifacts_is_heard_of_six_times(w: ArtifactWorld):
    for number in range(1_000):
        w.react(w.trained(f"m{number}", refusal=TRUNCATED))

    loud = [one["of_the_day"] for one in details(w, "ArtifactRejected") if not one["quiet"]]
    assert loud == [1, 2, 3, 10, 100, 1_000]
    assert len({one["incident"] for one in details(w, "ArtifactRejected")}) == 1
    w.wait(days=1)
    w.react(w.trained("next", refusal=TRUNCATED))
    assert details(w, "ArtifactRejected")[-1]["of_the_day"] == 1


@pytest.mark.parametrize("call", ["UpdateItem", "PutItem", "PutEvents"])
def test_third_refusal_of_a_day_is_heard_of_and_mended_though_its_first_try_died(w: ArtifactWorld, call: str):
    for number in range(2):
        w.react(w.trained(f"m{number}", refusal=TRUNCATED))
    third = w.trained(MODEL, refusal=TRUNCATED)

    def interrupt(name: str, when: str) -> None:
        if (name, when) == (call, "after"):
            raise Crash

    w.account.interrupt = interrupt
    with pytest.raises(Crash):
        w.react(third)
    at_peace(w)
    w.wait(minutes=31)
    w.react(third)
    w.wait(hours=1)
    w.react(w.trained(MODEL))

    assert len([one for one in details(w, "ArtifactRejected") if not one["quiet"]]) == 3
    assert details(w, "ArtifactPublished")[0]["mended"] == "truncated"


def test_failed_warm_up_leaves_callers_where_they_are(w: ArtifactWorld):
    w.react(w.trained(MODEL))
    before = w.pointer(MODEL)
    w.wait(hours=1)
    w.warm_ups.answer = WarmUp(failed=True, said="it raised")

    event = w.trained(MODEL, warm_up="s3://b/request.csv")
    w.react(event, event)

    assert w.pointer(MODEL) == before
    assert [one["code"] for one in details(w, "ArtifactRejected")] == ["warm-up"]
    assert len(details(w, "ArtifactPublished")) == 1
    settled(w)
    w.wait(days=8)
    w.react(*w.sweep())
    assert len(labels(w)) == 1


def test_nobody_is_sent_to_what_should_have_been_warmed_up_and_could_not_be(w: ArtifactWorld):
    w.warm_ups.answer = WarmUp(said="there is no request at s3://b/request.csv")
    event = w.trained(MODEL, warm_up="s3://b/request.csv")

    w.react(event, event)

    assert w.pointer(MODEL) == ""
    [told] = details(w, "ArtifactRejected")
    assert (told["code"], told["passing"]) == ("warm-up-not-tried", True)
    assert "there is no request at s3://b/request.csv" in told["reason"]

    w.warm_ups.answer = WarmUp(answered=True)
    w.react(*w.sweep())

    assert w.pointer(MODEL)
    assert details(w, "ArtifactPublished")[0]["mended"] == "warm-up-not-tried"
    assert set(w.account.written.values()) == {1}


def test_a_job_has_no_sample_payload_to_warm_up_with(w: ArtifactWorld):
    w.react(w.trained(MODEL, warm_up="on"))

    assert w.pointer(MODEL) == ""
    assert [one["code"] for one in details(w, "ArtifactRejected")] == ["warm-up-not-tried"]


def test_good_job_after_a_failed_warm_up_is_told_as_mended(w: ArtifactWorld):
    w.warm_ups.answer = WarmUp(failed=True, said="it raised")
    w.react(w.trained(MODEL, warm_up="s3://b/request.csv"))
    w.warm_ups.answer = WarmUp(answered=True)
    w.wait(hours=1)

    w.react(w.trained(MODEL, warm_up="s3://b/request.csv"))

    assert [(one["mended"], one["quiet"]) for one in details(w, "ArtifactPublished")] == [("warm-up", False)]


def test_late_older_job_mends_nothing(w: ArtifactWorld):
    older = w.trained(MODEL, "older")
    w.wait(hours=1)
    w.react(w.trained(MODEL, "newer", refusal=TRUNCATED))

    w.react(older)

    assert [(one["mended"], one["quiet"]) for one in details(w, "ArtifactPublished")] == [("", True)]


@pytest.mark.parametrize(
    ("container", "code"),
    [
        ({"Image": "one"}, "not-multi-model"),
        ({"Mode": "MultiModel", "ModelDataUrl": "/opt/ml"}, "not-s3"),
    ],
)
def test_endpoint_that_is_mended_heals(w: ArtifactWorld, container: dict[str, Any], code: str):
    healthy, w.account.containers = w.account.containers, [container]
    event = w.trained(MODEL)
    w.react(event, event)
    assert [(one["code"], one["passing"]) for one in details(w, "ArtifactRejected")] == [(code, True)]

    w.account.containers = healthy
    w.wait(hours=1)
    w.react(*w.sweep())

    assert w.pointer(MODEL)
    assert details(w, "ArtifactPublished")[0]["mended"] == code


def test_artifact_that_is_not_there_yet_heals(w: ArtifactWorld):
    event = w.trained(MODEL)
    [(uri, artifact)] = w.account.objects.items()
    del w.account.objects[uri]
    w.react(event, event)
    assert w.said() == [("ArtifactRejected", MODEL, "missing")]

    w.account.objects[uri] = artifact
    w.wait(hours=1)
    w.react(*w.sweep())

    assert w.pointer(MODEL)


@pytest.mark.parametrize("endpoint", ["house_prices", "-x", "a" * 64, "prices prices"])
def test_endpoint_that_is_no_name_of_one(w: ArtifactWorld, endpoint: str):
    event = w.trained(MODEL)
    event["detail"]["Tags"][ENDPOINT_TAG] = endpoint

    w.react(event, event)

    assert [(one["code"], one["passing"]) for one in details(w, "ArtifactRejected")] == [
        ("no-endpoint", False)
    ]
    assert "DescribeEndpoint" not in w.account.calls


def test_endpoint_that_is_not_there(w: ArtifactWorld):
    event = w.trained(MODEL)
    event["detail"]["Tags"][ENDPOINT_TAG] = "other"

    w.react(event, event)

    assert [(one["code"], one["passing"]) for one in details(w, "ArtifactRejected")] == [
        ("no-endpoint", True)
    ]


def test_job_that_is_gone(w: ArtifactWorld):
    event = w.trained(MODEL, "gone")
    del w.account.jobs["gone"]

    w.react(event, event)

    assert [one["code"] for one in details(w, "ArtifactRejected")] == ["no-job"]


def test_job_without_an_artifact(w: ArtifactWorld):
    event = w.trained(MODEL, "j")
    w.account.jobs["j"]["ModelArtifacts"] = None

    w.react(event)

    assert [one["code"] for one in details(w, "ArtifactRejected")] == ["no-artifact"]


def without_one_artifact(w: ArtifactWorld, group: str, number: int, artifacts: int = 0) -> Event:
    event = w.version(group, number)
    containers = [{"Image": "i", "ModelDataUrl": f"s3://t/{one}"} for one in range(artifacts)]
    package = w.account.packages[event["detail"]["ModelPackageArn"]]
    package["InferenceSpecification"] = {"Containers": containers}
    return event


@pytest.mark.parametrize(("artifacts", "code"), [(0, "no-artifact"), (2, "several-artifacts")])
def test_version_that_is_not_one_artifact(w: ArtifactWorld, artifacts: int, code: str):
    w.react(without_one_artifact(w, w.group("g", MODEL), 1, artifacts))

    assert [one["code"] for one in details(w, "ArtifactRejected")] == [code]


_NAMELESS = (
    "of a version without one artifact the refusal is stored in the record of a nameless model, but looked for, and made from, that of the "
    "model its group names: it is told again at every look, and once both items happen to have one version the whole record of "
    "the model is copied into the nameless item; there its versions become due, and what serves is deleted"
)


@pytest.mark.parametrize("artifacts", [0, 2])
def test_version_that_is_not_one_artifact_is_told_and_counted_once(w: ArtifactWorld, artifacts: int):
    group = w.group("g", MODEL)
    w.react(without_one_artifact(w, group, 1, artifacts))
    for _ in range(3):
        w.wait(hours=1)
        w.react(*w.sweep())

    assert len(w.account.said) == 1
    assert sum(w.account.refusals.values()) == 1


def test_what_serves_is_not_deleted_after_a_version_without_an_artifact(w: ArtifactWorld):
    group = w.group("g", MODEL)
    decide(w, group, 1, 2)
    w.react(without_one_artifact(w, group, 3))
    for _ in range(10):
        w.wait(hours=1)
        w.react(*w.sweep())
    decide(w, group, -2)
    assert at(w) == "1"

    w.wait(days=8)
    w.react(*w.sweep())

    sound(w)


def test_refusal_names_the_model_that_the_tag_gives(w: ArtifactWorld):
    event = w.trained(MODEL, "j")
    w.account.jobs["j"]["ModelArtifacts"] = {"S3ModelArtifacts": ""}
    w.react(event)
    assert [one["code"] for one in details(w, "ArtifactRejected")] == ["no-artifact"]

    assert details(w, "ArtifactRejected")[0]["model"] == MODEL


@pytest.mark.parametrize("target_model", ["a/b", "ünder"])
def test_bad_name_is_told_with_the_rule_that_gave_it(w: ArtifactWorld, target_model: str):
    w.react(w.trained(MODEL, target_model=target_model))

    [told] = details(w, "ArtifactRejected")
    assert (told["code"], told["model"], told["pointer"]) == ("bad-name", "", "")
    assert "tag stationkeeper:target-model" in told["reason"]


def nameless(w: ArtifactWorld) -> Event:
    event = w.trained(MODEL, "nameless", target_model="")
    uri = w.account.jobs["nameless"]["ModelArtifacts"]["S3ModelArtifacts"]
    w.account.jobs["nameless"]["ModelArtifacts"]["S3ModelArtifacts"] = "s3://t/nameless/output/model.tar.gz"
    w.account.objects["s3://t/nameless/output/model.tar.gz"] = w.account.objects.pop(uri)
    return event


def test_job_that_nothing_names_is_told(w: ArtifactWorld):
    w.react(nameless(w))

    assert [(one["code"], one["quiet"]) for one in details(w, "ArtifactRejected")] == [("no-name", False)]


def test_job_that_nothing_names_is_told_and_counted_once(w: ArtifactWorld):
    w.react(nameless(w))

    for _ in range(4):
        w.wait(hours=1)
        w.react(*w.sweep())

    assert len(w.account.said) == 1
    assert sum(w.account.refusals.values()) == 1


def test_version_that_nothing_names_does_not_make_others_quiet(w: ArtifactWorld):
    group = w.group("g")
    w.react(w.version(group, 1))
    for _ in range(4):
        w.wait(hours=1)
        w.react(*w.sweep())

    w.react(w.trained(MODEL, refusal=TRUNCATED))

    assert [(one["code"], one["quiet"]) for one in details(w, "ArtifactRejected")][1:] == [
        ("truncated", False)
    ]


def refused_pointer(w: ArtifactWorld) -> None:
    def interrupt(name: str, when: str) -> None:
        if (name, when) == ("PutParameter", "before"):
            raise StepRefused("PutParameter", POINTER, "AccessDeniedException", "no")

    w.account.interrupt = interrupt


def test_pointer_that_may_not_be_moved_is_told_and_moved_once_it_may(w: ArtifactWorld):
    refused_pointer(w)
    w.react(w.trained(MODEL))
    assert [(one["code"], one["passing"]) for one in details(w, "ArtifactRejected")] == [
        ("pointer-refused", True)
    ]
    assert details(w, "ArtifactPublished") == []

    at_peace(w)
    w.wait(hours=1)
    w.react(*w.sweep())

    assert w.pointer(MODEL)
    assert len(details(w, "ArtifactPublished")) == 1
    settled(w)


def test_pointer_that_may_not_be_moved_is_counted_once(w: ArtifactWorld):
    refused_pointer(w)
    w.react(w.trained(MODEL))
    for _ in range(5):
        w.wait(hours=1)
        w.react(*w.sweep())

    assert sum(w.account.refusals.values()) == 1


def test_grace_begins_when_the_pointer_is_moved(w: ArtifactWorld):
    w.react(w.trained(MODEL))
    w.wait(hours=1)
    refused_pointer(w)
    w.react(w.trained(MODEL))
    w.wait(days=8)
    w.react(*w.sweep())
    at_peace(w)
    w.react(look_at(w))
    assert at(w) == "20261123020000000"

    w.wait(hours=1)
    w.react(*w.sweep())

    assert len(labels(w)) == 2


def test_foreign_object_at_the_key_in_place_is_left_alone_and_the_pointer_moves(w: ArtifactWorld):
    theirs = Object('"theirs"')
    w.account.objects[f"s3://{BUCKET}/{PREFIX}{MODEL}/{MODEL}.tar.gz"] = theirs

    w.react(w.trained(MODEL, in_place="on"))

    assert w.account.objects[f"s3://{BUCKET}/{PREFIX}{MODEL}/{MODEL}.tar.gz"] is theirs
    assert w.pointer(MODEL)
    assert Counter(kind for kind, *_ in w.said()) == {"ArtifactPublished": 1, "ArtifactRejected": 1}


def test_endpoint_that_loads_from_another_prefix_gets_the_newest_version_there(w: ArtifactWorld):
    group = w.group("g", MODEL)
    decide(w, group, 1)
    w.account.containers = [{"Mode": "MultiModel", "ModelDataUrl": f"s3://{BUCKET}/other/"}]

    w.wait(hours=1)
    w.react(*w.sweep())

    assert f"s3://{BUCKET}/other/{w.pointer(MODEL)}" in w.account.objects


# ------------------------------------------------------------ taken back by a person


def test_version_of_a_job_is_taken_back(w: ArtifactWorld):
    w.react(w.trained(MODEL))
    w.wait(hours=1)
    job = w.trained(MODEL)
    w.react(job)

    w.react(take_back(w, at(w)), take_back(w, "20261123020000000"), job)

    assert at(w) == "20261123010000000"
    [told] = details(w, "ArtifactWithdrawn")
    assert (told["version"], told["nothing_left"], told["quiet"]) == ("20261123020000000", False, False)
    settled(w)


def test_next_job_after_a_take_back_serves(w: ArtifactWorld):
    for _ in range(2):
        w.react(w.trained(MODEL))
        w.wait(hours=1)
    w.react(take_back(w, at(w)))
    w.react(w.trained(MODEL))

    assert at(w) == "20261123030000000"


def test_only_version_stays_when_it_is_taken_back(w: ArtifactWorld):
    w.react(w.trained(MODEL))

    w.react(take_back(w, at(w)))

    assert at(w) == "20261123010000000"
    assert [one["nothing_left"] for one in details(w, "ArtifactWithdrawn")] == [True]


def test_what_cannot_be_taken_back_is_left(w: ArtifactWorld):
    decide(w, w.group("g", MODEL), 1, 2)
    before = state(w)

    w.react(take_back(w, "2"))  # of a group: the registry says
    for wish in (
        take_back(w, "9"),
        w.message("TakeModelBack", endpoint="other", model=MODEL, version="1"),
        w.message("TakeModelBack", endpoint=ENDPOINT, model="a/b", version="1"),
    ):
        with pytest.raises(LookRefused):  # a person waits for it: it is not dropped in silence
            w.react(wish)

    assert state(w) == before


def test_version_is_taken_back_once_its_endpoint_can_be_looked_at(w: ArtifactWorld):
    w.react(w.trained(MODEL))
    w.wait(hours=1)
    w.react(w.trained(MODEL))
    wish = take_back(w, at(w))
    w.wait(hours=1)
    healthy, w.account.containers = w.account.containers, []

    with pytest.raises(LookRefused):
        w.react(wish)
    w.account.containers = healthy
    w.react(wish)

    assert at(w) == "20261123010000000"


def test_nobody_is_sent_back_to_what_somebody_else_deleted(w: ArtifactWorld):
    group = w.group("g", MODEL)
    for number in (1, 2, 3):
        w.react(w.version(group, number))
    del w.account.objects[f"s3://{BUCKET}/{PREFIX}{MODEL}/{MODEL}-v2.tar.gz"]

    w.react(w.version(group, 3, "Rejected"))

    assert f"s3://{BUCKET}/{PREFIX}{w.pointer(MODEL)}" in w.account.objects
    w.react(*w.sweep())
    assert at(w) == "2"
    assert f"s3://{BUCKET}/{PREFIX}{w.pointer(MODEL)}" in w.account.objects


def test_a_refusal_under_another_spelling_does_not_rename_the_pointer(w: ArtifactWorld):
    group = w.group("g", MODEL)
    for number in (1, 2):
        w.react(w.version(group, number))
    event = w.trained(MODEL)
    event["detail"]["Tags"][ENDPOINT_TAG] = ENDPOINT.upper()

    w.react(event)
    w.react(w.version(group, 2, "Rejected"))

    assert [one["code"] for one in details(w, "ArtifactRejected")] == ["another-source"]
    assert w.account.parameters == {f"/stationkeeper/{ENDPOINT}/{MODEL}": f"{MODEL}/{MODEL}-v1.tar.gz"}


def test_a_night_of_rejections_is_a_few_messages(w: ArtifactWorld):
    groups = [w.group(f"g{number}", f"m{number}") for number in range(12)]
    for group in groups:
        w.react(w.version(group, 1))
        w.react(w.version(group, 2))
    for group in groups:
        w.react(w.version(group, 2, "Rejected"))

    assert len(details(w, "ArtifactWithdrawn")) == 12
    assert len([one for one in details(w, "ArtifactWithdrawn") if not one["quiet"]]) == 4


def test_endpoints_that_are_not_there_are_counted_together(w: ArtifactWorld):
    for number in range(12):
        event = w.trained(f"m{number}")
        event["detail"]["Tags"][ENDPOINT_TAG] = f"wrong-{number}"
        w.react(event)

    told = details(w, "ArtifactRejected")
    assert {one["code"] for one in told} == {"no-endpoint"}
    assert len([one for one in told if not one["quiet"]]) == 4


def test_what_may_not_be_deleted_is_tried_again(w: ArtifactWorld):
    w.react(w.trained(MODEL))
    w.wait(hours=1)
    w.react(w.trained(MODEL))
    w.wait(days=8)
    w.account.undeletable = True
    w.react(*w.sweep())
    assert len(labels(w)) == 2

    w.account.undeletable = False
    w.wait(hours=1)
    w.react(*w.sweep())

    assert len(labels(w)) == 1
    settled(w)


def test_whom_a_job_named_hears_that_its_version_was_taken_back(w: ArtifactWorld):
    w.react(w.trained(MODEL, on_call="team-a"))
    w.wait(hours=1)
    w.react(w.trained(MODEL, on_call="team-a"))

    w.react(take_back(w, at(w)))

    assert [one["on_call"] for one in details(w, "ArtifactWithdrawn")] == ["team-a"]


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_messages_about_what_nobody_knows_do_nothing(endpoint: str, model: str):
    w = ArtifactWorld()

    w.react(w.message("LookAtModel", endpoint=endpoint, model=model))
    with pytest.raises(LookRefused):
        w.react(w.message("TakeModelBack", endpoint=endpoint, model=model, version="1"))
    w.react(w.message("LookAgain", group_arn=model))

    assert (w.account.items, w.account.said) == ({}, [])


# ------------------------------------------------------------ calls, and ten thousand models

_COLD = [
    "GetItem",
    "DescribeTrainingJob",
    "DescribeEndpoint",
    "DescribeEndpointConfig",
    "DescribeModel",
    "PutItem of the index",
    "GetObject",
    "CopyObject",
    "PutItem",
    "PutParameter",
    "PutEvents",
    "PutItem",
]
_ENDPOINT_KNOWN = [*_COLD[:2], *_COLD[6:]]


def test_calls_of_a_job(w: ArtifactWorld):
    first = w.trained(MODEL)

    assert w.calls_of(first) == _COLD
    assert w.calls_of(first) == ["GetItem"]
    assert w.calls_of(w.trained("other")) == _ENDPOINT_KNOWN
    assert w.calls_of(w.trained("third", target_model="")) == [
        "DescribeTrainingJob",
        "GetItem",
        *_ENDPOINT_KNOWN[2:],
    ]
    w.wait(minutes=1)
    assert w.calls_of(w.trained(MODEL)) == _COLD


def test_calls_of_a_version(w: ArtifactWorld):
    group = w.group("g", MODEL)
    w.react(w.trained("other"))
    approved = w.version(group, 1)
    look = ["ListTags", "DescribeModelPackage", "GetItem", "ListModelPackages"]
    settling = ["PutItem", "PutParameter", "PutEvents", "PutItem"]

    assert w.calls_of(approved) == [*look, "GetObject", "CopyObject", *settling, *look[2:]]
    assert w.calls_of(approved) == look
    w.react(w.version(group, 2))
    rejection = [*look, "HeadObject", "UpdateItem", *settling, *look[2:]]
    assert w.calls_of(w.version(group, 2, "Rejected")) == rejection
    assert w.calls_of(look_again(w, group)) == ["ListTags", *look[2:]]


def test_calls_of_the_others(w: ArtifactWorld):
    w.react(w.trained(MODEL))
    w.wait(hours=1)
    w.react(w.trained(MODEL))
    assert w.calls_of(look_at(w)) == ["GetItem"]
    w.wait(days=7)
    assert w.calls_of(look_at(w)) == ["GetItem", "PutItem", "DeleteObject", "PutItem"]
    w.react(w.trained("warm"))
    w.wait(seconds=30)

    broken = w.trained(MODEL, refusal=TRUNCATED)
    assert w.calls_of(broken) == [
        *_COLD[:2],
        *["GetObject", "UpdateItem", "PutItem", "PutEvents", "PutItem"],
    ]
    assert w.calls_of(broken) == [*_COLD[:2], "GetObject"]


@pytest.mark.parametrize("number", [100, 10_000])
def test_many_models_cost_the_same_each(number: int):
    w = ArtifactWorld()
    w.react(w.trained("before"))

    for one in range(number):
        w.account.calls.clear()
        w.react(w.trained(f"model-{one}"))
        assert w.account.calls == _ENDPOINT_KNOWN

    assert len(w.account.parameters) == number + 1
    assert len(w.published()) == number + 1
    assert set(w.account.written.values()) == {1}
    assert len({detail["id"] for _, detail in w.account.said}) == number + 1
    assert w.sweep() == []
