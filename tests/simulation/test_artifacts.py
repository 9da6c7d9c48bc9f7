"""Whatever happens to jobs, versions and the function: callers end on the newest good version, and what they are sent to lies there.

Over fakes of the reaction's ports, with its real decisions, records and sweep. HYPOTHESIS_PROFILE=thorough tries a thousand more seeds.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from stationkeeper.artifacts.refusal import Refusal
from stationkeeper.errors import MemoryConflict

from tests.artifact_world import BUCKET, ENDPOINT, PREFIX, ArtifactWorld, Crash, Object

_THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
STEPS = 40
BROKEN = Refusal("truncated", "It ends early.")
HEADS = f"s3://{BUCKET}/{PREFIX}"
VISIBILITY = timedelta(minutes=31)

type Event = Mapping[str, Any]


class PassingFault(Exception):
    """AWS did not answer."""


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


@dataclass
class Story:
    """One seed: what people and the platform do, and what must be true."""

    random: Random
    w: ArtifactWorld = field(default_factory=ArtifactWorld)
    queue: list[tuple[Any, Event]] = field(default_factory=list)
    """Events under way, by when they are visible."""
    good: dict[str, list[tuple[Any, str]]] = field(default_factory=dict)
    """Of models that jobs train: (when it was created, its job's ARN) of good ones that nobody took back."""
    taken_back: set[str] = field(default_factory=set)
    decided: dict[int, str] = field(default_factory=dict)
    """Versions of the group, as they are decided."""
    broken: set[int] = field(default_factory=set)
    tried: set[int] = field(default_factory=set)
    faults: bool = True

    def __post_init__(self) -> None:
        self.group = self.w.group("g", "of-group")
        self.w.account.objects[f"{HEADS}theirs.tar.gz"] = self.theirs = Object('"theirs"')
        # Somebody's own file where a version might go.
        self.w.account.objects[f"{HEADS}of-group/of-group-v2.tar.gz"] = self.in_the_way = Object(
            '"theirs too"'
        )

    # ---------------------------------------------------------------- what may happen

    def trains(self) -> None:
        model = self.random.choice(["a", "b"])
        bad = self.random.random() < 0.2
        late = timedelta(milliseconds=self.random.choice([0, 0, 0, 1, 60_000]))
        created = self.w.account.now - late
        name = f"{model}-{created:%d%H%M%S%f}-{self.random.randrange(10**6)}"
        tags = {"in_place": "on"} if model == "b" else {}
        if self.random.random() < 0.5:
            tags["warm_up"] = "s3://b/request.csv"
        event = self.w.trained(model, name, at=created, refusal=BROKEN if bad else None, **tags)
        if not bad:
            self.good.setdefault(model, []).append((created, event["detail"]["TrainingJobArn"]))
        self.arrives(event)

    def registers(self) -> None:
        number = len(self.decided) + 1
        if self.random.random() < 0.2:
            self.broken.add(number)
        self.decides(number, self.random.choice(["Approved", "Approved", "PendingManualApproval"]))

    def changes_their_mind(self) -> None:
        if self.decided:
            self.decides(
                self.random.choice(sorted(self.decided)), self.random.choice(["Approved", "Rejected"])
            )

    def decides(self, number: int, status: str) -> None:
        self.decided[number] = status
        refusal = BROKEN if number in self.broken else None
        self.arrives(self.w.version(self.group, number, status, refusal=refusal))

    def takes_back(self) -> None:
        model = self.random.choice(["a", "b"])
        if (ENDPOINT, model) not in self.w.account.items:
            return
        record = self.w.record(model)
        if record.serving is None:
            return
        self.taken_back.add(record.serving.source.arn)
        self.send(
            self.w.message("TakeModelBack", endpoint=ENDPOINT, model=model, version=record.serving.label)
        )

    def passes(self) -> None:
        self.w.wait(minutes=self.random.choice([1, 10, 60, 60 * 24, 60 * 24 * 4]))

    def sweeps(self) -> None:
        for message in self.w.sweep():
            self.send(message)

    # ---------------------------------------------------------------- how events come

    def arrives(self, event: Event) -> None:
        """An event of SageMaker: lost, once or more often, early or late."""
        for _ in range(self.random.choice([0, 1, 1, 1, 2, 3])):
            self.send(event)

    def send(self, event: Event) -> None:
        delay = timedelta(minutes=self.random.choice([0, 0, 0, 5, 40, 300]))
        self.queue.append((self.w.account.now + delay, event))

    def delivers(self) -> None:
        ready = [one for one in self.queue if one[0] <= self.w.account.now]
        self.random.shuffle(ready)
        for one in ready[:6]:
            if one in self.queue:  # no other copy took it
                self.queue.remove(one)
                self.handles(one[1])
                self.holds()

    def handles(self, event: Event, *, nested: bool = False) -> None:
        """One try; what fails is visible again in half an hour."""
        if self.faults:
            self.w.account.interrupt = self.trouble(self.random.randrange(40), nested=nested)
        try:
            self.w.react(event, container=self.random.choice([None, self.w.container()]))
        except (Crash, PassingFault, MemoryConflict):
            self.queue.append((self.w.account.now + VISIBILITY, event))
        finally:
            self.w.account.interrupt = lambda _name, _when: None

    def trouble(self, point: int, *, nested: bool):
        """At one of the next calls: a crash, a fault of AWS, or another copy of the function that handles an event meanwhile."""
        left = point
        kind = self.random.choice(["crash", "fault", "copy", "copy", "none"])

        def interrupt(_name: str, _when: str) -> None:
            nonlocal left
            left -= 1
            if left != 0:
                return
            if kind == "crash":
                raise Crash
            if kind == "fault":
                raise PassingFault
            if kind == "copy" and not nested and self.queue:
                _, event = self.queue.pop(self.random.randrange(len(self.queue)))
                outer = self.w.account.interrupt
                self.handles(event, nested=True)
                self.w.account.interrupt = outer

        return interrupt

    # ---------------------------------------------------------------- what must be true

    def holds(self) -> None:
        """At every moment: what callers are sent to lies there, and what is not ours does too."""
        account = self.w.account
        for name, target_model in account.parameters.items():
            assert HEADS + target_model in account.objects, name
        assert account.objects[f"{HEADS}theirs.tar.gz"] is self.theirs
        assert account.objects[f"{HEADS}of-group/of-group-v2.tar.gz"] is self.in_the_way
        training = [uri for uri in account.deleted if not uri.startswith(HEADS)]
        assert not training
        # An approval may bring back what was deleted: to the same address, with the same content.
        for uri, times in account.written.items():
            assert times == 1 or "/of-group-" in uri, uri

    def comes_to_rest(self) -> None:
        self.faults = False
        for _ in range(4):
            self.w.wait(hours=6)
            while self.queue:
                self.handles(self.queue.pop(0)[1])
                self.holds()
            self.sweeps()

    def ended_well(self) -> None:
        for model, made in self.good.items():
            self.points_to_the_newest(model, made)
        approved = [number for number, status in self.decided.items() if status == "Approved"]
        # Three are tried; what is broken beyond them hides what lies below.
        newest = sorted(approved, reverse=True)[:3]
        whole = [number for number in newest if number not in self.broken]
        if whole:
            assert self.serves("of-group").endswith(f"/g/{whole[0]}")
        for endpoint, model in self.w.account.items:
            record = self.w.record(model)
            assert record.settled, (endpoint, model)
            if record.serving is not None:
                assert self.w.pointer(model) == record.serving.target_model
                self.in_place_holds(model)
        ids = [detail["id"] for kind, detail in self.w.account.said if kind == "ArtifactPublished"]
        published = {one.source.arn for model in ("a", "b") for one in self.versions(model)}
        told = {
            detail["source_arn"]
            for kind, detail in self.w.account.said
            if kind == "ArtifactPublished" and ids
        }
        assert published <= told

    def points_to_the_newest(self, model: str, made: list[tuple[Any, str]]) -> None:
        # Lost events of jobs that are older than a day nobody finds again: only what is known counts.
        known = {one.source.arn for one in self.versions(model)}
        if not known:
            return
        serving = self.w.record(model).serving
        good = [one for one in made if one[1] in known and one[1] not in self.taken_back]
        gone = {one.source.arn for one in self.versions(model) if one.retired}
        there = [arn for _, arn in sorted(good) if arn not in gone]
        if there and serving:
            assert serving.source.arn == there[-1]

        if not any(one.rejected for one in self.versions(model)):
            orders = {one.target_model: one.order for one in self.versions(model)}
            moves = [
                orders[one] for one in self.w.account.moves.get(f"/stationkeeper/{ENDPOINT}/{model}", [])
            ]
            assert moves == sorted(moves)

    def in_place_holds(self, model: str) -> None:
        if model != "b":
            return
        in_place = self.w.account.objects[f"{HEADS}b/b.tar.gz"]
        assert in_place.etag == self.w.account.objects[HEADS + self.w.pointer("b")].etag

    def serves(self, model: str) -> str:
        serving = self.w.record(model).serving
        assert serving is not None
        return serving.source.arn

    def versions(self, model: str) -> tuple[Any, ...]:
        return self.w.record(model).versions if (ENDPOINT, model) in self.w.account.items else ()


@pytest.mark.parametrize("seed", range(1_000 if _THOROUGH else 40))
def test_callers_end_on_the_newest_good_version(seed: int):
    story = Story(Random(seed))
    happenings = [story.trains, story.registers, story.changes_their_mind, story.takes_back, story.passes]
    weights = [4, 2, 3, 1, 4]

    for _ in range(STEPS):
        story.random.choices([*happenings, story.sweeps], [*weights, 2])[0]()
        story.delivers()
        story.holds()
    story.comes_to_rest()

    story.ended_well()
