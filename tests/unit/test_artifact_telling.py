"""Events of artifacts: the same id on every try, another one for another thing, loud when on-call should hear."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.artifacts.record import ModelRecord, Refused
from stationkeeper.artifacts.refusal import Refusal
from stationkeeper.artifacts.telling import Telling, is_loud
from stationkeeper.events.artifact_events import ArtifactPublished
from stationkeeper.severity import Severity

from tests.unit.builders import hostile_text
from tests.unit.test_artifact_record import GROUP, HOUR, NOW, PLACE, record, refused, source, uri, version


def telling(**more: object) -> Telling:
    told = Telling(
        "house-prices", "a", source(2), "tag", "111122223333", "eu-west-1", "ml-on-call", "event-1", NOW
    )
    return replace(told, **more)


def published(
    told: Telling, *, before: ModelRecord | None = None, number: int = 2, mended: Refused | None = None
) -> ArtifactPublished:
    known = before or record(version(1)).pointed(PLACE, NOW)
    new = version(number, files=2, unpacked_bytes=40)
    return told.published(new, known.with_version(new).pointed(PLACE, NOW), known, warmed=True, mended=mended)


def test_published():
    event = published(telling())

    assert (event.model, event.version, event.target_model) == ("a", "2", "a/a-v2.tar.gz")
    assert event.pointed
    assert event.quiet
    assert event.warmed
    assert event.severity == Severity.INFO
    assert event.previous == version(1).told
    assert event.serving == version(2).told
    assert event.pointer == "/stationkeeper/house-prices/a"
    assert (event.files, event.unpacked_bytes, event.size_bytes) == (2, 40, 10)
    assert (event.cause.event_id, event.cause.job) == ("event-1", "2")


def test_older_version_is_published_and_not_pointed_to():
    event = published(telling(source=source(1)), before=record(version(2)).pointed(PLACE, NOW), number=1)

    assert not event.pointed
    assert event.serving == version(2).told


def test_first_version_has_none_before_it():
    assert published(telling(), before=ModelRecord(endpoint="house-prices", model="a")).previous is None


def test_what_makes_a_refusal_good_is_told_in_its_incident():
    event = published(telling(), mended=refused(code="missing", incident="0badf00d"))

    assert not event.quiet
    assert (event.mended, event.incident) == ("missing", "0badf00d")


def test_id_is_the_same_on_every_try():
    tries = [telling(), telling(event_id="event-2", at=NOW + HOUR, on_call="others", named_by="path")]

    assert len({published(one).id for one in tries}) == 1
    assert len({one.rejected(Refusal("x", "y"), ModelRecord(), n).id for n, one in enumerate(tries, 1)}) == 1
    taken = record(version(1), version(2, rejected=True), current=uri(1), version=7)
    assert len({one.withdrawn(taken.versions[1], taken).id for one in tries}) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"endpoint": "other"},
        {"model": "b"},
        {"source": source(3)},
        {"source": source(2, created_at=NOW + HOUR)},
    ],
)
def test_id_is_another_for_another_thing(other: dict[str, object]):
    refusal = Refusal("x", "y")

    assert published(telling()).id != published(telling(**other)).id
    assert (
        telling().rejected(refusal, ModelRecord(), 1).id
        != telling(**other).rejected(refusal, ModelRecord(), 1).id
    )


def test_id_of_another_code_is_another():
    ids = {telling().rejected(Refusal(code, "y"), ModelRecord(), 1).id for code in ("x", "y")}

    assert len(ids) == 2
    assert published(telling()).id not in ids


def test_taken_back_again_after_an_approval_is_news():
    first = record(version(1), version(2, rejected=True), current=uri(1), version=7)

    assert (
        telling().withdrawn(first.versions[1], first).id
        != telling().withdrawn(first.versions[1], first.model_copy(update={"version": 9})).id
    )


def test_withdrawn_with_something_left_and_without():
    left = record(version(1), version(2, rejected=True), current=uri(1))
    nothing = record(version(2, rejected=True), current=uri(2))

    to_the_previous = telling().withdrawn(left.versions[1], left)
    alone = telling().withdrawn(nothing.versions[0], nothing)

    assert (to_the_previous.nothing_left, to_the_previous.severity) == (False, Severity.INFO)
    assert to_the_previous.serving == version(1).told
    assert (alone.nothing_left, alone.severity) == (True, Severity.WARNING)
    assert alone.serving.version == "2"


@pytest.mark.parametrize(
    ("number", "loud"),
    [
        *((number, True) for number in (1, 2, 3, 10, 100, 1_000, 10_000)),
        *((number, False) for number in (4, 9, 11, 20, 99, 101, 110, 200, 999, 1_001, 12_000)),
    ],
)
def test_loud(number: int, loud: bool):
    assert is_loud(number) is loud
    assert telling().rejected(Refusal("x", "y"), ModelRecord(), number).quiet is not loud


def test_ten_thousand_rejections_are_heard_seven_times():
    assert sum(map(is_loud, range(1, 10_001))) == 7


def test_rejections_of_an_endpoint_and_day_are_one_incident():
    def incident(**more: object) -> str:
        return telling(**more).rejected(Refusal("x", "y"), ModelRecord(), 1).incident

    assert incident() == incident(model="b") == incident(endpoint="HOUSE-prices") == incident(at=NOW + HOUR)
    assert incident() != incident(at=NOW + timedelta(days=1))
    assert incident() != incident(endpoint="other")


def test_group_is_named():
    event = telling(source=source(2, owner=GROUP)).rejected(Refusal("x", "y"), ModelRecord(), 1)

    assert (event.group, event.source, event.cause.job) == ("g", "model-package", "")


def test_without_a_model_there_is_no_pointer():
    assert telling(model="").rejected(Refusal("no-name", "y"), ModelRecord(), 1).pointer == ""


@given(hostile_text(), st.integers(1, 10_000))
def test_whatever_was_written_is_clean(text: str, number: int):
    of = source(2, arn=f"arn:{text}").model_copy(update={"artifact_uri": text})
    told = telling(source=of, on_call=text, event_id=text, named_by=text)

    event = told.rejected(Refusal("x", text, text), ModelRecord(), number)

    body = event.model_dump_json()
    assert len(body.encode()) < 50_000
    for told_text in (event.reason, event.hint, event.source_arn, event.artifact_uri, event.on_call):
        assert told_text.isprintable()


@pytest.mark.parametrize("endpoint", ["house\nprices", "\u202eprices", "x" * 300])
def test_pointer_of_an_endpoint_with_a_bad_name_is_clean(endpoint: str):
    event = telling(endpoint=endpoint).rejected(Refusal("no-endpoint", "y"), ModelRecord(), 1)

    assert event.pointer.isprintable()
    assert len(event.pointer) < 250


def test_same_fault_in_new_content_is_news():
    first, second = (
        telling().rejected(Refusal("truncated", "it ends early"), ModelRecord(), 1, etag=etag)
        for etag in "ab"
    )

    assert first.id != second.id
