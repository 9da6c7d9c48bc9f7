"""What is remembered of an endpoint: nothing in use is ever due to be deleted, everything replaced is, and it stays small."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.alerts.told import TOLD_AGAIN_AFTER
from stationkeeper.events.release_trigger import ReleaseTrigger
from stationkeeper.reactions.release import ReleaseReaction
from stationkeeper.reactions.release_looking import Looking, Place
from stationkeeper.reactions.release_notebook import Notebook
from stationkeeper.releases.decision import Look, Start, decide
from stationkeeper.releases.record import CLAIM_LASTS, Record, Retired

from tests.unit.release_builders import (
    ACCOUNT,
    ENDPOINT,
    GROUP_ARN,
    NOW,
    OTHER_GROUP_ARN,
    REGION,
    STACK,
    Bus,
    Records,
    barred,
    endpoint,
    fleet_of,
    live,
    record,
    target,
    version,
)

KEPT = timedelta(days=7)


def retired(of: Record) -> set[tuple[str, str]]:
    return {(one.kind, one.name) for one in of.retired}


def made_of(number: int) -> set[tuple[str, str]]:
    return {
        ("endpoint-config", f"c{number}"),
        ("model", f"m{number}"),
        ("alarm", f"c{number}-5xx-errors"),
        ("alarm", f"c{number}-latency"),
    }


def concluded(before: Record, number: int, at: Any = NOW) -> Record:
    """As `Endings.succeeded` writes it."""
    return before.with_target(None, at).with_live(live(number), at)


# ---------------------------------------------------------------- what is replaced


def test_what_a_release_replaced_is_retired():
    under_way = record(live=live(7)).with_target(target(8, 7), NOW)

    after = concluded(under_way, 8)

    assert retired(after) == made_of(7)
    assert all(one.since == NOW for one in after.retired)


def test_what_serves_is_not_retired_while_its_successor_comes():
    under_way = record(live=live(7)).with_target(target(8, 7), NOW)

    assert retired(under_way) == set()
    assert under_way.names_in_use >= {"c7", "m7", "c8", "m8"}


def test_what_was_rolled_back_is_retired():
    under_way = record(live=live(7)).with_target(target(8, 7), NOW)

    assert retired(under_way.with_target(None, NOW)) == made_of(8)


def test_release_that_is_overtaken_is_retired():
    under_way = record(live=live(7)).with_target(target(8, 7, asked=False), NOW)

    assert retired(under_way.with_target(target(9, 7), NOW)) == made_of(8)


def test_same_release_started_again_is_not_retired():
    under_way = record(live=live(7)).with_target(target(8, 7, asked=False), NOW)

    assert retired(under_way.with_target(target(8, 7), NOW)) == set()


def test_what_comes_back_is_not_due_any_more_and_its_time_begins_anew():
    gone = record(live=live(7)).with_target(target(8, 7), NOW).with_target(None, NOW)
    back = gone.with_target(target(8, 7), NOW + timedelta(days=3))
    gone_again = back.with_target(None, NOW + timedelta(days=4))

    assert retired(back) == set()
    assert {one.since for one in gone_again.retired} == {NOW + timedelta(days=4)}


def test_what_somebody_else_made_is_never_retired():
    adopted = record(live=live(7, ours=False, alarms=()))

    assert retired(adopted.with_live(live(8), NOW)) == set()


def test_same_release_set_up_again_retires_nothing():
    assert retired(record(live=live(7)).with_live(live(7, settled="w-new"), NOW)) == set()


# Steps as the reaction takes them: a release starts, ends one way or the other, somebody puts something else there, time passes.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["start", "succeed", "roll back", "failed smoke test", "adopt", "taken over"]),
        st.integers(1, 5),
    ),
    max_size=25,
)


def story(steps: list[tuple[str, int]], check: Callable[[Record], None]) -> Record:
    at = NOW
    remembered = record()
    for what, number in steps:
        at += timedelta(days=1)
        under_way = remembered.target
        match what:
            case "start":
                serves = remembered.live.version if remembered.live else None
                remembered = remembered.with_target(target(number, serves), at)
            case "succeed" if under_way:
                remembered = concluded(remembered, under_way.version, at)
            case "roll back" if under_way:
                remembered = remembered.with_bar(barred(under_way.version)).with_target(None, at)
            case "failed smoke test" if under_way:
                remembered = concluded(remembered.with_bar(barred(under_way.version)), under_way.version, at)
            case "adopt":
                remembered = remembered.with_target(None, at).with_live(
                    live(number, ours=False, alarms=()), at
                )
            case "taken over":
                remembered = remembered.taken_over_by(f"{GROUP_ARN}-{number}", at).model_copy(
                    update={"group_arn": f"{GROUP_ARN}-{number}"}
                )
        check(remembered)
    return remembered


@given(STEPS)
def test_nothing_in_use_is_ever_due(steps: list[tuple[str, int]]):
    def check(remembered: Record) -> None:
        made = [one for one in (remembered.live, remembered.target) if one]
        names = {name for one in made for name in (one.config, one.model, *one.alarms)}
        assert names <= remembered.names_in_use
        assert names.isdisjoint(one.name for one in remembered.retired)
        listed = [(one.kind, one.name) for one in remembered.retired]
        assert len(set(listed)) == len(listed)

    story(steps, check)


@given(STEPS)
def test_record_is_the_same_after_it_was_stored(steps: list[tuple[str, int]]):
    remembered = story(steps, lambda _: None)

    assert Record.model_validate_json(remembered.model_dump_json()) == remembered


def test_everything_we_made_is_in_use_or_retired():
    started = [(what, number) for number in range(1, 6) for what in ("start", "succeed")]

    remembered = story(started, lambda _: None)

    assert {name for number in range(1, 5) for _, name in made_of(number)} == {
        one.name for one in remembered.retired
    }


# ---------------------------------------------------------------- bounds


def test_record_stays_small_however_long_it_serves():
    remembered = record()
    for number in range(1, 400):
        remembered = concluded(remembered.with_target(target(number, number - 1 or None), NOW), number)
        remembered = remembered.with_bar(barred(number)).telling(f"subject {number}", "said")

    assert len(remembered.model_dump_json()) < 100_000
    assert len(remembered.barred) == 50
    assert remembered.bars(399)
    assert remembered.bars(1) is None
    assert len(remembered.told) <= 40
    assert "subject 399" in remembered.told


def test_bar_is_replaced_not_repeated():
    twice = record().with_bar(barred(8, rejected=False)).with_bar(barred(8))

    assert twice.barred == (barred(8),)
    assert twice.without_bar(8).barred == ()
    assert twice.without_bar(9) == twice


def test_later_versions_of_the_record_are_read():
    stored = record(live=live()).model_dump(mode="json") | {"invented_in_2031": 1}

    assert Record.model_validate(stored) == record(live=live())


# ---------------------------------------------------------------- being deleted


def test_what_is_being_deleted_may_not_be_used_for_as_long_as_a_function_lives():
    claimed = Retired(kind="model", name="m6", since=NOW - KEPT, claimed_at=NOW)
    waiting = Retired(kind="model", name="m5", since=NOW - KEPT)
    remembered = record(retired=(waiting, claimed))

    assert remembered.being_deleted({"m5", "m6"}, NOW) == "m6"
    assert remembered.being_deleted({"m5"}, NOW) is None
    assert remembered.being_deleted({"m6"}, NOW + CLAIM_LASTS) is None
    assert remembered.being_deleted({"m6"}, NOW + CLAIM_LASTS - timedelta(seconds=1)) == "m6"
    assert remembered.being_deleted(set(), NOW) is None


def test_claim_of_a_clock_that_is_ahead_holds_too():
    claimed = Retired(kind="alarm", name="a", since=NOW - KEPT, claimed_at=NOW + timedelta(minutes=1))

    assert record(retired=(claimed,)).being_deleted({"a"}, NOW) == "a"


# ---------------------------------------------------------------- taken over by another group


def test_record_of_the_same_group_is_not_taken_over():
    remembered = record(live=live(7), target=target(8), barred=(barred(6),), told={"asked": "8"})

    assert remembered.taken_over_by(GROUP_ARN, NOW) is remembered
    assert remembered.taken_over_by(GROUP_ARN.upper(), NOW) is remembered
    assert Record().taken_over_by(GROUP_ARN, NOW) == Record()


def test_record_that_is_taken_over_keeps_what_the_endpoint_is_made_of():
    waiting = {"id": "1", "detail_type": "ReleaseStarted", "detail": "{}"}
    before = record(live=live(7), created=True, outbox=(waiting,), told={"asked": "8", "blocked": "x@y"})
    before = before.with_bar(barred(6)).retiring(("model", "m5"), at=NOW - KEPT).with_target(target(8), NOW)

    after = before.taken_over_by(OTHER_GROUP_ARN, NOW)

    assert (after.live, after.created, after.endpoint, after.version) == (live(7), True, ENDPOINT, 1)
    assert after.outbox == (waiting,)  # what was to be said of the other group is said
    assert (after.target, after.barred, after.told) == (None, (), {})
    assert retired(after) == {("model", "m5"), *made_of(8)}


def test_release_under_way_of_the_other_group_leaves_what_serves():
    after = record(live=live(7)).with_target(target(7, 7), NOW).taken_over_by(OTHER_GROUP_ARN, NOW)

    assert retired(after) == set()


# ---------------------------------------------------------------- what was told


def test_what_lasts_is_told_when_it_begins_and_once_a_day():
    told, since = telling_once(record(), "no-role:8", NOW)

    assert since == NOW
    assert told.telling_once("blocked", "no-role:8", NOW + timedelta(hours=23)) is None
    again, since_then = telling_once(told, "no-role:8", NOW + TOLD_AGAIN_AFTER)
    assert since_then == NOW
    assert again.telling_once("blocked", "no-role:8", NOW + timedelta(hours=25)) is None
    assert told.telling_once("other", "no-role:8", NOW) is not None


def test_what_begins_anew_lasts_since_then():
    told, _ = telling_once(record(), "no-role:8", NOW)
    later = NOW + timedelta(hours=1)

    assert telling_once(told, "no-role:9", later)[1] == later
    assert telling_once(told.not_telling("blocked"), "no-role:8", later)[1] == later


def telling_once(of: Record, about: str, at: datetime) -> tuple[Record, datetime]:
    news = of.telling_once("blocked", about, at)
    assert news is not None
    return news


def test_since_when_something_lasts_survives_being_stored():
    told, _ = telling_once(record(), "no-role:8", NOW)

    read = Record.model_validate_json(told.model_dump_json())

    assert telling_once(read, "no-role:8", NOW + TOLD_AGAIN_AFTER)[1] == NOW


# ---------------------------------------------------------------- two groups, one endpoint


@dataclass
class Sight:
    """Groups of the account, each with its tags and version 7 approved; the endpoint runs version 7 of the first."""

    groups: dict[str, dict[str, str]]

    def is_own(self, arn: str) -> bool:
        return arn.split(":")[4] == ACCOUNT

    def tags(self, arn: str) -> dict[str, str] | None:
        return self.groups.get(arn)

    def approved(self, group_arn: str) -> tuple[Any, ...]:
        return (version(7, group_arn=group_arn),)

    def endpoint(self, name: str) -> Any:
        return endpoint("c7")

    def fleet(self, config_name: str) -> Any:
        return fleet_of(config_name)


TAGGED = {"stationkeeper:endpoint": ENDPOINT}
BOTH = {GROUP_ARN: TAGGED, OTHER_GROUP_ARN: TAGGED}


def system(records: Records, bus: Bus, groups: dict[str, dict[str, str]] = BOTH) -> ReleaseReaction:
    """The reaction, over what a rival comes to touch."""
    looking = Looking(Sight(groups), records, STACK)  # type: ignore[arg-type]
    nothing: Any = None
    return ReleaseReaction(looking, nothing, nothing, nothing, Notebook(records, bus), lambda: NOW)


def look_again(group_arn: str, at: datetime = NOW) -> ReleaseTrigger:
    return ReleaseTrigger.parse(
        {
            "id": at.isoformat(),
            "source": "stationkeeper",
            "detail-type": "LookAgain",
            "account": ACCOUNT,
            "region": REGION,
            "time": at.isoformat(),
            "detail": {"group_arn": group_arn},
        }
    )


def test_group_that_was_there_first_keeps_the_endpoint():
    before = record(live=live(7), told={"asked": "7"}, barred=(barred(6),))
    records, bus = Records({ENDPOINT: before}), Bus()
    reaction = system(records, bus)

    for hour in range(3):
        reaction.react(look_again(OTHER_GROUP_ARN, NOW + timedelta(hours=hour)))

    assert records.recall(ENDPOINT) == before
    assert [(detail_type, detail["code"]) for detail_type, detail in bus.said] == [
        ("ReleaseBlocked", "rival-group")
    ]
    assert bus.said[0][1]["group_arn"] == OTHER_GROUP_ARN
    assert GROUP_ARN in bus.said[0][1]["why"]


def test_rival_is_told_again_after_a_day_in_the_same_thread():
    records, bus = Records({ENDPOINT: record(live=live(7))}), Bus()

    for days in (0, 1):
        system(records, bus).react(look_again(OTHER_GROUP_ARN, NOW + timedelta(days=days)))

    first, second = (detail for _, detail in bus.said)
    assert first["id"] != second["id"]
    assert first["incident"] == second["incident"]


@pytest.mark.parametrize(
    "groups",
    [
        {OTHER_GROUP_ARN: TAGGED},
        {OTHER_GROUP_ARN: TAGGED, GROUP_ARN: {}},
        {OTHER_GROUP_ARN: TAGGED, GROUP_ARN: {"stationkeeper:endpoint": "another"}},
    ],
    ids=["gone", "not tagged any more", "tagged for another"],
)
def test_group_takes_over_what_no_other_claims(groups: dict[str, dict[str, str]]):
    records = Records({ENDPOINT: record(live=live(7), told={"asked": "7"}, barred=(barred(7),))})
    looking = system(records, Bus(), groups).looking

    seen = looking.look(Place(OTHER_GROUP_ARN), NOW)

    assert isinstance(seen, Look)
    assert (seen.rival_group, seen.record.barred, seen.record.told) == ("", (), {})
    assert seen.running is None
    assert isinstance(decide(seen), Start)


@pytest.mark.parametrize("spelled", [ENDPOINT, ENDPOINT.upper()])
def test_rival_is_one_however_it_spells_the_endpoint(spelled: str):
    records = Records({ENDPOINT: record(live=live(7))})
    groups = {GROUP_ARN: {"stationkeeper:endpoint": spelled}, OTHER_GROUP_ARN: TAGGED}

    seen = system(records, Bus(), groups).looking.look(Place(OTHER_GROUP_ARN), NOW)

    assert isinstance(seen, Look)
    assert seen.rival_group == GROUP_ARN
