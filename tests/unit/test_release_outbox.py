"""What was written down to be said is said, once it is written and until it is said, whoever else is at it."""

from dataclasses import dataclass, field

import pytest
from stationkeeper.errors import MemoryConflict, PublishingFailed
from stationkeeper.reactions.outbox import entry, say_what_is_pending
from stationkeeper.releases.decision import Block
from stationkeeper.releases.record import Record
from stationkeeper.releases.telling import Telling

from tests.unit.release_builders import ACCOUNT, ENDPOINT, GROUP_ARN, NOW, REGION, Bus, Records, record

TELLING = Telling(ENDPOINT, GROUP_ARN, ACCOUNT, REGION, "on-call", "event-1", NOW)


def event(code: str) -> dict[str, str]:
    return entry(TELLING.blocked(Block(code, "why")))


@dataclass
class Place:
    """A record with an outbox, and those who say what is in it."""

    records: Records = field(default_factory=Records)
    bus: Bus = field(default_factory=Bus)

    def write(self, *codes: str) -> Record:
        before = self.records.recall(ENDPOINT)
        outbox = (*before.outbox, *map(event, codes))
        after = (before if before.version else record(version=0)).model_copy(update={"outbox": outbox})
        return self.records.remember(ENDPOINT, after)

    def say(self, memory: Record) -> Record:
        return say_what_is_pending(
            memory,
            self.bus,
            remember=lambda one: self.records.remember(ENDPOINT, one),
            recall=lambda: self.records.recall(ENDPOINT),
            whose=ENDPOINT,
        )

    @property
    def said(self) -> list[str]:
        return [detail["code"] for _, detail in self.bus.said]

    @property
    def pending(self) -> list[dict[str, str]]:
        return [dict(one) for one in self.records.recall(ENDPOINT).outbox]


def test_nothing_pending_costs_nothing():
    place = Place()
    memory = place.write()
    writes = place.records.writes

    assert place.say(memory) is memory
    assert (place.said, place.records.writes) == ([], writes)


def test_entry_is_what_the_bus_takes():
    made = event("refused")
    place = Place()

    place.say(place.write("refused"))

    ((detail_type, detail),) = place.bus.said
    assert (
        (detail_type, detail["id"]) == (made["detail_type"], made["id"]) == ("ReleaseBlocked", detail["id"])
    )


def test_what_is_pending_is_said_in_order_and_taken_out():
    place = Place()

    after = place.say(place.write("no-role", "refused"))

    assert place.said == ["no-role", "refused"]
    assert (after.outbox, place.pending) == ((), [])
    assert after == place.records.recall(ENDPOINT)


def test_what_was_not_said_stays():
    place = Place(bus=Bus(fails=True))
    memory = place.write("refused")

    with pytest.raises(PublishingFailed):
        place.say(memory)

    assert place.records.recall(ENDPOINT) == memory
    assert place.say(memory).outbox == ()
    assert place.said == ["refused"]


def test_after_a_crash_it_is_said_again_under_the_same_id():
    place = Place()
    memory = place.write("refused")

    def crash(_: str) -> None:
        raise KeyboardInterrupt

    place.records.before_write = crash
    with pytest.raises(KeyboardInterrupt):
        place.say(memory)
    place.records.before_write = None
    place.say(place.records.recall(ENDPOINT))

    assert place.said == ["refused", "refused"]
    assert len({detail["id"] for _, detail in place.bus.said}) == 1
    assert place.pending == []


def test_what_another_copy_wrote_meanwhile_is_left_for_it_to_say():
    place = Place()
    memory = place.write("no-role")
    theirs = place.write("refused")

    after = place.say(memory)

    assert place.said == ["no-role"]
    assert place.pending == [event("refused")]
    assert (after.outbox, after.version) == ((event("refused"),), theirs.version + 1)


def test_what_another_copy_said_already_is_not_taken_out_twice():
    place = Place()
    memory = place.write("no-role")
    theirs = place.say(memory)
    writes = place.records.writes

    assert place.say(memory) == theirs
    assert place.records.writes == writes
    assert place.said == ["no-role", "no-role"]


def test_record_that_others_keep_changing_is_left_to_the_retry():
    place = Place()
    memory = place.write("no-role")
    place.records.before_write = lambda _: place.write("refused") and None  # another copy, always faster

    with pytest.raises(MemoryConflict, match=ENDPOINT):
        place.say(memory)

    assert event("no-role") in place.pending
    place.records.before_write = None
    assert place.say(place.records.recall(ENDPOINT)).outbox == ()
