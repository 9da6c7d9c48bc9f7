"""What is remembered of a model: forward by order, back only from what is not good, and nothing deleted that is pointed to."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.artifacts.place import Place
from stationkeeper.artifacts.record import LEASE_LASTS, ModelRecord, Refused, Source, Version
from stationkeeper.aws.versioned_items import body_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEEP = timedelta(days=7)
PLACE = Place("house-prices", "serving", "models/", "all")
GROUP = "arn:aws:sagemaker:eu-west-1:111122223333:model-package-group/g"
HOUR = timedelta(hours=1)


def source(number: int = 1, *, owner: str = "", arn: str = "", created_at: datetime = NOW) -> Source:
    kind = "model-package" if owner else "training-job"
    return Source(kind=kind, arn=arn or f"arn:x/{number}", created_at=created_at, number=number, owner=owner)


def version(number: int = 1, generation: int = 1, *, of: Source | None = None, **more: Any) -> Version:
    key = f"a/a-v{number}.tar.gz"
    facts = {
        "source": of or source(number),
        "generation": generation,
        "label": str(number),
        "target_model": key,
        "uri": PLACE.uri(key),
        "etag": f'"{number}"',
        "size_bytes": 10,
        "published_at": NOW,
    }
    return Version(**{**facts, **more})


def uri(number: int) -> str:
    return PLACE.uri(f"a/a-v{number}.tar.gz")


def record(*versions: Version, **more: Any) -> ModelRecord:
    return ModelRecord(endpoint="house-prices", model="a", versions=versions, generation=1, **more)


def refused(identity: str = "i", code: str = "truncated", **more: Any) -> Refused:
    return Refused(
        **{"identity": identity, "source_arn": "ARN:X", "code": code, "passing": False, "at": NOW, **more}
    )


# ------------------------------------------------------------ pointed


@given(st.permutations([1, 2, 3]))
def test_newest_good_version_is_current_in_whatever_order_they_came(order: list[int]):
    assert record(*(version(one) for one in order)).pointed(PLACE, NOW).current == uri(3)


@pytest.mark.parametrize("why", [{"rejected": True}, {"failed": "x"}, {"retiring": True}, {"retired": True}])
def test_back_only_from_what_is_not_good(why: dict[str, Any]):
    before = record(version(1), version(2)).pointed(PLACE, NOW)

    after = record(version(1), version(2, **why), current=before.current).pointed(PLACE, NOW)

    assert (before.current, after.current) == (uri(2), uri(1))


def test_where_none_is_good_the_pointer_stays():
    after = record(version(1, rejected=True), version(2, failed="x"), current=uri(1)).pointed(PLACE, NOW)

    assert after.current == uri(1)
    assert after.serving is not None
    assert after.serving.superseded_at is None


def test_first_version_that_failed_is_never_current():
    assert record(version(1, failed="x")).pointed(PLACE, NOW).current == ""


def test_version_of_a_later_owner_is_newer_whatever_its_number():
    jobs = version(20261123130507250, 1)

    assert record(jobs, version(1, 2)).pointed(PLACE, NOW).current == uri(1)


def test_version_under_another_prefix_is_not_gone_to():
    elsewhere = version(3, uri="s3://serving/old/a/a-v3.tar.gz")

    after = record(version(1), version(2), elsewhere, current=elsewhere.uri).pointed(PLACE, NOW)

    assert after.current == uri(2)
    assert record(elsewhere, current=elsewhere.uri).pointed(PLACE, NOW).current == elsewhere.uri


def test_grace_begins_when_callers_leave_and_ends_when_they_come_back():
    first = record(version(1)).pointed(PLACE, NOW)
    second = first.with_version(version(2)).pointed(PLACE, NOW + HOUR)
    later = second.pointed(PLACE, NOW + 2 * HOUR)

    assert later.at(uri(1)).superseded_at == NOW + HOUR
    back = later.with_taken_back("2").pointed(PLACE, NOW + 3 * HOUR)
    assert back.current == uri(1)
    assert back.at(uri(1)).superseded_at is None
    assert back.at(uri(2)).superseded_at == NOW + 3 * HOUR


@given(
    st.lists(
        st.builds(
            version,
            st.integers(1, 5),
            st.integers(1, 2),
            rejected=st.booleans(),
            failed=st.sampled_from(["", "x"]),
            retiring=st.booleans(),
            superseded_at=st.sampled_from([None, NOW - timedelta(days=30)]),
        ),
        unique_by=lambda one: one.uri,
    ),
    st.sampled_from(["", *map(uri, range(1, 6))]),
    st.sampled_from(["", *map(uri, range(1, 6))]),
)
def test_what_is_current_or_pointed_to_is_never_due(versions: list[Version], current: str, pointer: str):
    after = record(*versions, current=current, pointer=pointer).pointed(PLACE, NOW)

    due = {one.uri for one in after.due(NOW, KEEP)}

    assert not due & {after.current, after.pointer}
    assert not any(one.good for one in after.versions if after.serving and one.order > after.serving.order)


# ------------------------------------------------------------ retiring


@pytest.mark.parametrize(("age", "over"), [(KEEP - HOUR, False), (KEEP, True), (KEEP + HOUR, True)])
def test_due_once_nobody_was_sent_to_it_for_long_enough(age: timedelta, over: bool):
    known = record(version(1, superseded_at=NOW - age), version(2), current=uri(2), pointer=uri(2))

    assert known.due(NOW, KEEP) == ((known.versions[0],) if over else ())
    assert known.next_due(KEEP, NOW) == NOW - age + KEEP


def test_what_somebody_began_to_delete_is_due_at_once():
    known = record(version(1, superseded_at=NOW, retiring=True), version(2), current=uri(2), pointer=uri(2))

    assert [one.label for one in known.due(NOW, KEEP)] == ["1"]
    assert known.next_due(KEEP, NOW) == NOW


def test_nothing_is_due_at_rest():
    assert record(version(1), current=uri(1), pointer=uri(1)).next_due(KEEP, NOW) is None
    assert ModelRecord().next_due(KEEP, NOW) is None
    gone = version(1, retired=True, superseded_at=NOW - 2 * KEEP)
    assert record(gone, version(2), current=uri(2), pointer=uri(2)).next_due(KEEP, NOW) is None


def test_what_is_deleted_is_remembered_up_to_a_hundred():
    known = record(*(version(number) for number in range(1, 151)))
    known = known.pointed(PLACE, NOW)

    gone = known.retiring(uri(number) for number in range(1, 121))
    gone = gone.retired(uri(number) for number in range(1, 121))

    labels = [int(one.label) for one in gone.versions]
    assert labels == [*range(21, 151)]
    assert [one.retired for one in gone.versions] == [True] * 100 + [False] * 30
    assert not any(one.retiring for one in gone.versions)
    assert gone.made_of("arn:x/21")
    assert not gone.made_of("arn:x/20")
    assert gone.published(source(21)) is None


def test_version_takes_the_place_of_what_was_deleted_at_its_key():
    known = record(version(1, retired=True), version(2)).with_version(version(1))

    assert [(one.label, one.retired) for one in known.versions] == [("2", False), ("1", False)]


# ------------------------------------------------------------ settled, lease


@pytest.mark.parametrize(
    ("more", "settled"),
    [
        ({}, True),
        ({"pointer": ""}, False),
        ({"outbox": ({"id": "1"},)}, False),
        ({"versions": (version(1, in_place=True),)}, False),
        ({"versions": (version(1, in_place=True),), "in_place": uri(1)}, True),
        ({"unsure": True}, False),
        ({"in_place": "s3://old"}, True),
    ],
)
def test_settled_when_nothing_is_left(more: dict[str, Any], settled: bool):
    facts = {"versions": (version(1),), "current": uri(1), "pointer": uri(1), **more}
    known = ModelRecord(endpoint="house-prices", model="a", **facts)

    assert known.settled is settled
    assert known.next_due(KEEP, NOW) == (None if settled else NOW)


def test_lease_lasts_longer_than_a_function_lives():
    leased = record().with_lease("me", NOW)

    assert timedelta(minutes=5) < LEASE_LASTS
    assert leased.leased(NOW)
    assert leased.leased(NOW + LEASE_LASTS - timedelta(seconds=1))
    assert not leased.leased(NOW + LEASE_LASTS)
    assert not record().leased(NOW)


def test_sources_that_need_no_look():
    known = record(
        version(1, of=source(1, arn="ARN:Job/1"), retired=True),
        version(3, of=source(3, arn="arn:job/3")),
        version(2, of=source(2, arn="arn:job/2"), failed="x"),
        refused=(
            refused("a", source_arn="ARN:Bad"),
            refused("b", source_arn="arn:passing", passing=True),
            refused("c", source_arn="arn:job/3"),
        ),
    )

    assert known.settled_sources == ("arn:job/3", "arn:job/2", "arn:job/1", "arn:bad")


# ------------------------------------------------------------ owners


def test_owners_count_generations():
    jobs = ModelRecord().with_owner("")
    again = jobs.with_version(version(1)).with_owner("")
    group = again.with_owner(GROUP)

    assert (jobs.generation, again.generation, group.generation) == (1, 1, 2)
    assert group.with_version(version(2)).with_owner(GROUP).generation == 2
    assert group.with_version(version(2)).with_owner("").generation == 3


def test_an_owner_spelled_otherwise_is_the_same():
    known = record(version(2), owner=GROUP)

    assert known.with_owner(GROUP.upper()).generation == known.generation


def test_approvals_of_a_group_touch_its_versions_only():
    known = record(
        version(1, of=source(1, owner=GROUP), rejected=True),
        version(2, of=source(2, owner=GROUP)),
        version(3, of=source(3)),
    )

    changed = known.with_approvals(GROUP, lambda one: one.number == 1, in_place=False)

    assert [one.rejected for one in changed.versions] == [False, True, False]
    assert changed.with_approvals(GROUP, lambda one: one.number == 1, in_place=False) == changed


def test_identity_is_of_what_was_made_then():
    first = source(1, arn="arn:X/1")

    assert first.identity == source(1, arn="ARN:x/1").identity
    assert first.identity != source(1, arn="arn:X/1", created_at=NOW + HOUR).identity


def test_of_two_with_one_number_the_later_made_is_newer():
    old = version(1, of=source(1, owner=GROUP, arn="arn:g/1"))
    new = version(1, of=source(1, owner=GROUP, arn="arn:g/1", created_at=NOW + HOUR), uri=PLACE.uri("a/new"))
    new = new.model_copy(update={"target_model": "a/new"})

    assert record(old, new).pointed(PLACE, NOW).current == PLACE.uri("a/new")


# ------------------------------------------------------------ refusals


def test_refusal_is_remembered_once_per_source_and_fifty_in_all():
    known = ModelRecord()
    for number in range(60):
        known = known.with_refusals(refused(f"i{number}"))
    known = known.with_refusals(refused("i30", "missing"))

    assert len(known.refused) == 50
    assert known.refused[0].identity == "i10"
    assert known.refusal("i30").code == "missing"
    assert known.refusal("i9") is None


def test_good_version_makes_up_for_refusals_and_a_failed_one_does_not():
    told = (
        ModelRecord()
        .with_refusals(refused("x", loud=True))
        .with_refusals(refused("y", loud=True, at=NOW + HOUR))
    )

    assert told.mended_by(version(1)).identity == "y"
    assert told.with_version(version(1, failed="x")).mended_by(version(1)).identity == "y"
    assert told.with_version(version(1)).mended_by(version(1)) is None


def test_own_refusal_is_forgotten_with_the_version():
    known = ModelRecord().with_refusals(refused(source(1).identity)).with_refusals(refused("other"))

    assert [one.identity for one in known.with_version(version(1)).refused] == ["other"]


def test_record_survives_its_json():
    known = record(version(1), current=uri(1), outbox=({"id": "1", "detail_type": "T", "detail": "{}"},))
    known = known.with_refusals(refused()).with_lease("me", NOW)

    assert ModelRecord.model_validate_json(known.model_dump_json()) == known


def test_as_many_versions_as_are_kept_fit_into_an_item():
    arn = "arn:aws:sagemaker:eu-west-1:111122223333:training-job/houston-tx-house-prices-20261123-130507250"
    path = f"s3://training-bucket-of-the-team/model_artifacts/Houston_TX/{arn.rpartition('/')[2]}/output/model.tar.gz"
    known = record(
        *(
            version(
                20261123130507250 + number,
                of=source(20261123130507250 + number, arn=f"{arn}-{number}").model_copy(
                    update={"artifact_uri": path}
                ),
                superseded_at=NOW,
                etag='"0123456789abcdef0123456789abcdef"',
            )
            for number in range(600)
        )
    )

    assert len(body_of(known)) < 200_000
    assert (
        len(
            known.model_copy(
                update={"current": known.versions[-1].uri, "pointer": known.versions[-1].uri}
            ).due(NOW, KEEP)
        )
        == 100
    )
