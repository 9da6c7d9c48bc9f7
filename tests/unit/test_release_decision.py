"""What an endpoint needs next: the specification of releases as a table, and what holds whatever is seen.

A row lists the approved versions (`8~` is still being made, `8!` failed to be made), the config the endpoint runs and its status (`c7
Updating`; `c7` is the config of version 7, in service), and what is remembered: `live`, the release under way (`8`; `8?` was not asked for
yet, a crash came between) and what is `barred`.
"""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.releases.decision import (
    Block,
    Decision,
    Leave,
    Look,
    RolledBack,
    SetUp,
    Start,
    Succeeded,
    Wait,
    decide,
    lacked_capacity,
    needs_fleet,
)
from stationkeeper.releases.observed import State
from stationkeeper.releases.record import Target
from stationkeeper.severity import Severity

from tests.unit.release_builders import (
    GROUP_ARN,
    NOW,
    OTHER_GROUP_ARN,
    WISH,
    barred,
    config,
    endpoint,
    fleet,
    fleet_of,
    live,
    look,
    model,
    package_arn,
    record,
    target,
    variant,
    version,
)

MADE = {"": "Completed", "~": "InProgress", "!": "Failed", "-": "Pending"}
BUSY = ["Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting", "SomethingNewOf2031"]


def versions(words: str) -> tuple[Any, ...]:
    return tuple(version(int(word.rstrip("~!-")), MADE[word.lstrip("0123456789")]) for word in words.split())


def numbers(words: str) -> list[int]:
    return [int(word) for word in words.split()]


def scene(
    approved: str | None = "7 8",
    runs: str = "c7",
    live_version: int | None = 7,
    releasing: str = "",
    replacing: int | None = 7,
    barred_versions: str = "",
    reapproved: str = "",
    settled: str = WISH,
    said: str = "",
    changed_minutes_after_asking: int | None = 20,
    **more: Any,
) -> Look:
    """A look from the words of a row."""
    seen = None
    under_way: Target | None = None
    if releasing:
        number = int(releasing.rstrip("?"))
        under_way = target(number, replacing, asked=not releasing.endswith("?"), creating=replacing is None)
    if runs:
        name, _, status = runs.partition(" ")
        asked_at = under_way.started_at if under_way else NOW - timedelta(hours=1)
        changed = (
            None
            if changed_minutes_after_asking is None
            else asked_at + timedelta(minutes=changed_minutes_after_asking)
        )
        seen = endpoint(name, status or "InService", FailureReason=said, LastModifiedTime=changed)
    group_arn = more.pop("remembered_group", GROUP_ARN)
    released = (
        live(live_version, settled=settled, package_arn=package_arn(live_version, group_arn))
        if live_version
        else None
    )
    remembered = record(
        group_arn=group_arn,
        live=released,
        target=under_way,
        barred=tuple(map(barred, numbers(barred_versions))),
    )
    return look(
        approved=None if approved is None else versions(approved),
        endpoint=seen,
        record=remembered,
        reapproved=frozenset(numbers(reapproved)),
        **more,
    )


def words_of(decision: Decision) -> str:
    match decision:
        case Leave() | Wait():
            return type(decision).__name__.lower()
        case Block():
            about = f" {decision.version}" if decision.version else ""
            return f"block {decision.code}{about}"
        case Succeeded():
            return f"{decision.target.version} succeeded"
        case RolledBack():
            why = f": {decision.failure_reason}" if decision.failure_reason else ", silently"
            return f"{decision.target.version} rolled back{why}"
        case Start(update=False):
            return f"create with {decision.version.number}"
        case Start():
            return f"update to {decision.version.number} from {decision.running or 'something else'}"
        case SetUp():
            return f"{'set up' if decision.live.ours else 'adopt'} {decision.live.version}"


OTHER = OTHER_GROUP_ARN
TABLE: dict[str, tuple[dict[str, Any], str]] = {
    # which version
    "the highest approved version is released": ({"approved": "7 8"}, "update to 8 from 7"),
    "numbers count, not their spelling": ({"approved": "9 10 8"}, "update to 10 from 7"),
    "gaps do not matter": ({"approved": "7 41"}, "update to 41 from 7"),
    "an older approved version changes nothing": ({"approved": "3 7"}, "leave"),
    "the live version rejected hands over to the next highest": (
        {"approved": "5 6", "runs": "c7"},
        "update to 6 from 7",
    ),
    "the live version and the next one rejected": ({"approved": "5"}, "update to 5 from 7"),
    "none left: what serves is left, and that is said": ({"approved": ""}, "block nothing-approved 7"),
    "never any approved": ({"approved": "", "live_version": None, "runs": ""}, "leave"),
    "never any approved, and somebody's endpoint": (
        {"approved": "", "live_version": None, "runs": "cX"},
        "leave",
    ),
    "none left, and no endpoint": ({"approved": "", "runs": ""}, "leave"),
    # packages that are not made
    "a version that failed to be made is passed over": ({"approved": "7 8!"}, "leave"),
    "only a version that failed to be made": (  # whoever approved it is told by `Approvals`
        {"approved": "8!", "live_version": None, "runs": ""},
        "leave",
    ),
    "the live one rejected, and only a failed one left": ({"approved": "8!"}, "block nothing-approved 7"),
    "a failed one that was barred is no news": (
        {"approved": "8!", "barred_versions": "8"},
        "block nothing-approved 7",
    ),
    "a version still being made leaves the live one": ({"approved": "7 8~"}, "leave"),
    "a version still being made is waited for: one release instead of two": (
        {"approved": "6 7 9~", "runs": "c6", "live_version": 6},
        "wait",
    ),
    "the same, by somebody's hand in service": (
        {"approved": "6 7 9~", "runs": "c6", "live_version": None},
        "wait",
    ),
    "a version still being made is not waited for where what runs is rejected": (
        {"approved": "6 9~"},
        "update to 6 from 7",
    ),
    "nor where what runs was rolled back": (
        {"approved": "6 7 9~", "barred_versions": "7"},
        "update to 6 from 7",
    ),
    "nor where what runs is something else": (
        {"approved": "6 9~", "runs": "cX", "live_version": None},
        "update to 6 from something else",
    ),
    "nor where nothing serves": ({"approved": "6 7 9~", "runs": ""}, "create with 7"),
    "nor where it is below the one that should run": ({"approved": "6~ 7 8"}, "update to 8 from 7"),
    "nor where it was rolled back before": (
        {"approved": "7 8 9~", "barred_versions": "9"},
        "update to 8 from 7",
    ),
    "a version that failed, above one that may run": ({"approved": "7 8 9!"}, "update to 8 from 7"),
    "only a version that is still being made, no endpoint": (
        {"approved": "8~", "live_version": None, "runs": ""},
        "wait",
    ),
    "only a version that is still pending, no endpoint": (
        {"approved": "8-", "live_version": None, "runs": ""},
        "wait",
    ),
    "the live one rejected, the next still being made": ({"approved": "8~"}, "wait"),
    "one failed, one still being made": ({"approved": "8! 9~", "live_version": None, "runs": ""}, "wait"),
    # the group
    "the group is gone, nothing was released": (
        {"approved": None, "live_version": None, "runs": ""},
        "leave",
    ),
    "the group is gone, its release serves on": ({"approved": None}, "block group-gone"),
    "the group is gone while a release is under way": (
        {"approved": None, "live_version": None, "releasing": "8", "runs": "c7 Updating"},
        "wait",
    ),
    "the group is gone when a release ends": (
        {"approved": None, "releasing": "8", "runs": "c8"},
        "8 succeeded",
    ),
    # the endpoint is not there
    "an absent endpoint is created": ({"approved": "7 8", "runs": "", "live_version": None}, "create with 8"),
    "a deleted endpoint is created again": ({"approved": "6 7", "runs": ""}, "create with 7"),
    "asked for, and not there yet": (
        {"runs": "", "live_version": None, "releasing": "8", "replacing": None},
        "create with 8",
    ),
    "deleted, and its version rejected": ({"approved": "6", "runs": ""}, "create with 6"),
    # how the release under way ended
    "in service on what was asked for": ({"releasing": "8", "runs": "c8"}, "8 succeeded"),
    "a new endpoint in service": (
        {"releasing": "8", "replacing": None, "runs": "c8", "live_version": None},
        "8 succeeded",
    ),
    "in service, though a crash kept us from noting that we asked": (
        {"releasing": "8?", "runs": "c8"},
        "8 succeeded",
    ),
    "in service, and rejected meanwhile: first it is a success": (
        {"approved": "7", "releasing": "8", "runs": "c8"},
        "8 succeeded",
    ),
    "in service, and a newer one approved meanwhile": (
        {"approved": "7 8 9", "releasing": "8", "runs": "c8"},
        "8 succeeded",
    ),
    "rolled back with a reason": (
        {"releasing": "8", "runs": "c7", "said": "alarm went off"},
        "8 rolled back: alarm went off",
    ),
    "rolled back silently": ({"releasing": "8", "runs": "c7"}, "8 rolled back, silently"),
    "rolled back, nobody says when": (
        {"releasing": "8", "runs": "c7", "changed_minutes_after_asking": None},
        "8 rolled back, silently",
    ),
    "rolled back, and rejected by a person meanwhile": (
        {"approved": "7", "releasing": "8", "runs": "c7"},
        "8 rolled back, silently",
    ),
    "right after asking, the endpoint does not show it yet": (
        {"releasing": "8", "runs": "c7", "changed_minutes_after_asking": -60},
        "wait",
    ),
    "the same, at the very moment": (
        {"releasing": "8", "runs": "c7", "changed_minutes_after_asking": 0},
        "wait",
    ),
    "a crash before asking: asked again": ({"releasing": "8?", "runs": "c7"}, "update to 8 from 7"),
    "a crash before asking, and a newer one approved": (
        {"approved": "7 8 9", "releasing": "8?", "runs": "c7"},
        "update to 9 from 7",
    ),
    "a crash before asking, and rejected meanwhile": (
        {"approved": "7", "releasing": "8?", "runs": "c7"},
        "leave",
    ),
    "somebody changed it to a third config, of an older version": (
        {"releasing": "8", "runs": "c5"},
        "update to 8 from 5",
    ),
    "somebody changed it to a third config, of something else": (
        {"releasing": "8", "runs": "cX"},
        "update to 8 from something else",
    ),
    "somebody released the version himself": (
        {"releasing": "7", "replacing": 6, "approved": "8", "runs": "c8"},
        "adopt 8",
    ),
    # what runs
    "in service and set up": ({"approved": "7"}, "leave"),
    "in service, its set-up not finished": ({"approved": "7", "settled": ""}, "set up 7"),
    "in service, settings changed": ({"approved": "7", "settled": "w-other"}, "set up 7"),
    "in service and set up, looked at thoroughly": ({"approved": "7", "thorough": True}, "set up 7"),
    "somebody released the newest version before": ({"approved": "7", "live_version": None}, "adopt 7"),
    "somebody released it since, in place of ours": ({"approved": "7 8", "runs": "c8"}, "adopt 8"),
    "a model of another origin is replaced": (
        {"live_version": None, "runs": "cX"},
        "update to 8 from something else",
    ),
    "somebody put an old version back": ({"approved": "5 7", "runs": "c5"}, "update to 7 from 5"),
    "a higher version that nobody approved is replaced": (
        {"approved": "7", "runs": "c9"},
        "update to 7 from 9",
    ),
    # versions that were rolled back
    "a rolled-back version is not tried again": ({"barred_versions": "8"}, "leave"),
    "approved anew, it is tried again": ({"barred_versions": "8", "reapproved": "8"}, "update to 8 from 7"),
    "a rolled-back version hands over to the next highest": (
        {"approved": "6 7 8", "barred_versions": "8", "live_version": 8, "runs": "c8"},
        "update to 7 from 8",
    ),
    "nothing but a rolled-back version, on a new endpoint": (
        {"approved": "8", "barred_versions": "8", "live_version": None, "runs": ""},
        "leave",
    ),
    "nothing but a rolled-back version, which serves": (
        {"approved": "8", "barred_versions": "8", "live_version": 8, "runs": "c8"},
        "block nothing-approved 8",
    ),
    "the newest of several rolled-back ones approved anew": (
        {"approved": "7 8 9", "barred_versions": "8 9", "reapproved": "9"},
        "update to 9 from 7",
    ),
    "one of several rolled-back ones approved anew": (
        {"approved": "7 8 9", "barred_versions": "8 9", "reapproved": "8"},
        "update to 8 from 7",
    ),
    # SageMaker at work, or worse
    "an endpoint that failed": ({"runs": "c7 Failed"}, "block endpoint-failed"),
    "a new endpoint that failed": (
        {"runs": "c8 Failed", "releasing": "8", "replacing": None, "live_version": None},
        "block endpoint-failed 8",
    ),
    "a fleet neither old nor new": (
        {"runs": "c7 UpdateRollbackFailed", "releasing": "8"},
        "block mixed-fleet 8",
    ),
    "out of service": ({"runs": "c7 OutOfService"}, "block endpoint-failed"),
    "failed, and nothing approved": ({"approved": "", "runs": "c7 Failed"}, "block endpoint-failed"),
    # the rival, and other groups
    "another group was there first": ({"rival_group": OTHER}, "block rival-group"),
    "another group was there first, while its release is under way": (
        {"rival_group": OTHER, "runs": "c7 Updating"},
        "block rival-group",
    ),
    "another group was there first, and is not tagged any more": (
        {"approved": "8", "remembered_group": OTHER, "runs": "cX"},
        "update to 8 from something else",
    ),
    "taken over from another group, its own version runs": (
        {"approved": "7", "remembered_group": OTHER},
        "adopt 7",
    ),
    "taken over from another group that spelled itself differently": (
        {"approved": "7", "remembered_group": GROUP_ARN.replace("churn", "Churn")},
        "leave",
    ),
} | {
    f"{doing}: wait": ({"runs": f"c7 {status}", **more}, "wait")
    for status in BUSY
    for doing, more in {
        f"{status}, a newer version approved": {},
        f"{status}, our release": {"releasing": "8"},
        f"{status}, our release, said to be on its config already": {
            "releasing": "8",
            "runs": f"c8 {status}",
        },
        f"{status}, nothing approved": {"approved": ""},
        f"{status}, the group gone": {"approved": None},
        f"{status}, what serves rejected": {"approved": "6"},
    }.items()
}


@pytest.mark.parametrize(("row", "expected"), TABLE.values(), ids=TABLE)
def test_endpoint_needs(row: dict[str, Any], expected: str):
    assert words_of(decide(scene(**row))) == expected


def test_highest_counts_in_whatever_order_they_are_listed():
    decisions = {
        words_of(decide(look(approved=listed))) for listed in permutations(versions("2 7 8 10! 6~ 9"))
    }

    assert decisions == {"update to 9 from 7"}


def test_version_that_comes_is_known_while_an_older_one_is_released():
    seen = look(approved=versions("7 9~ 8 5~"))

    assert (seen.desired, seen.coming) == (version(8), version(9, "InProgress"))
    assert look(approved=versions("7 5~ 6!")).coming is None
    assert look(approved=versions("5~ 6-")).coming == version(6, "Pending")
    assert look(approved=None).coming is None


@pytest.mark.parametrize("status", ["Failed", "OutOfService", "UpdateRollbackFailed"])
def test_what_sagemaker_says_of_a_broken_endpoint_is_passed_on(status: str):
    decision = decide(scene(runs=f"c7 {status}", said="CapacityError: no ml.m5.large"))

    assert isinstance(decision, Block)
    assert decision.severity is Severity.CRITICAL
    assert decision.failure_reason == "CapacityError: no ml.m5.large"
    assert status in decision.why
    assert decision.advice


@pytest.mark.parametrize(
    "name", [name for name, (_, expected) in TABLE.items() if expected.startswith("block")]
)
def test_block_says_what_to_do(name: str):
    decision = decide(scene(**TABLE[name][0]))

    assert isinstance(decision, Block)
    assert decision.why.endswith(".")
    assert decision.advice


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({}, "version 8 is the newest approved"),
        (
            {"runs": "", "live_version": None},
            "version 8 is the newest approved, and the endpoint does not exist",
        ),
        ({"approved": "6", "runs": ""}, "version 6 is the newest approved, and the endpoint does not exist"),
        ({"runs": "cX"}, "version 8 is the newest approved; the endpoint runs a model of another origin"),
        ({"approved": "6"}, "version 7 is not approved any more; version 6 is the next highest approved"),
        (
            {"approved": "7 8", "barred_versions": "8", "live_version": 8, "runs": "c8"},
            "version 8 was taken back (an alarm); version 7 is the next highest approved",
        ),
    ],
)
def test_start_says_why(row: dict[str, Any], why: str):
    decision = decide(scene(**row))

    assert isinstance(decision, Start)
    assert decision.why == why


@pytest.mark.parametrize(
    ("approved", "expected"),
    [("7", "update to 7 from something else"), ("6", "update to 6 from something else")],
)
def test_live_version_of_the_group_before_is_none_of_ours(approved: str, expected: str):
    theirs = live(7, package_arn=package_arn(7, OTHER_GROUP_ARN))
    runs = fleet(config("c7"), model("m7", 7, OTHER_GROUP_ARN))

    seen = look(approved=versions(approved), record=record(live=theirs), fleet=runs)

    assert words_of(decide(seen)) == expected
    assert needs_fleet(seen)


def test_adopted_release_is_nobodys_to_tidy():
    ended = NOW - timedelta(days=30)
    seen = endpoint("theirs", LastModifiedTime=ended)
    theirs = fleet(config("theirs", [variant("AllTraffic", "their-model")]), model("their-model", 8))

    decision = decide(look(endpoint=seen, record=record(), fleet=theirs))

    assert isinstance(decision, SetUp)
    adopted = decision.live
    assert not adopted.ours
    assert (adopted.version, adopted.config, adopted.model, adopted.variant) == (
        8,
        "theirs",
        "their-model",
        "AllTraffic",
    )
    assert (adopted.released_at, adopted.alarms, adopted.settled) == (ended, (), "")


@pytest.mark.parametrize(
    ("row", "needed"),
    [
        ({}, False),  # the record knows the config
        ({"live_version": None}, True),
        ({"runs": "cX"}, True),
        ({"remembered_group": OTHER_GROUP_ARN}, True),
        ({"runs": ""}, False),
        ({"runs": "cX Updating"}, False),
        ({"runs": "cX Failed"}, False),
        ({"approved": "", "runs": "cX"}, False),
        ({"approved": None, "runs": "cX"}, False),
        ({"releasing": "8", "runs": "c8"}, False),
        ({"releasing": "8", "live_version": None}, False),
        ({"releasing": "8", "runs": "cX"}, True),
        ({"releasing": "8?", "live_version": None}, True),
    ],
)
def test_config_and_models_are_read_only_where_they_decide(row: dict[str, Any], needed: bool):
    assert needs_fleet(scene(**row)) is needed


# ---------------------------------------------------------------- whatever is seen

SMALL = st.integers(1, 6)
CONFIGS = st.sampled_from(["c1", "c2", "c3", "c4", "c5", "c6", "cX", ""])
STATUSES = st.sampled_from(["InService"] * 8 + ["Failed", "UpdateRollbackFailed", "OutOfService", *BUSY])


@st.composite
def looks(draw: st.DrawFn) -> Look:
    """Anything that could be seen and remembered, likely or not."""
    approved = draw(
        st.none()
        | st.lists(
            st.builds(version, SMALL, st.sampled_from(["Completed"] * 3 + ["InProgress", "Failed", None])),
            max_size=5,
            unique_by=lambda one: one.number,
        ).map(tuple)
    )
    seen = draw(
        st.none()
        | st.builds(
            endpoint,
            CONFIGS,
            STATUSES,
            LastModifiedTime=st.none() | st.integers(-90, 0).map(lambda m: NOW + timedelta(minutes=m)),
            FailureReason=st.sampled_from(["", "an alarm"]),
        )
    )
    under_way = draw(
        st.none() | st.builds(target, SMALL, st.none() | SMALL, asked=st.booleans(), creating=st.booleans())
    )
    released = draw(st.none() | st.builds(live, SMALL, settled=st.sampled_from([WISH, ""])))
    bars = tuple(map(barred, draw(st.sets(SMALL, max_size=3))))
    return look(
        approved=approved,
        endpoint=seen,
        record=record(
            group_arn=draw(st.sampled_from([GROUP_ARN, GROUP_ARN.upper(), OTHER_GROUP_ARN, ""])),
            target=under_way,
            live=released,
            barred=bars,
        ),
        reapproved=frozenset(draw(st.sets(SMALL, max_size=2))),
        rival_group=draw(st.sampled_from(["", "", "", OTHER_GROUP_ARN])),
        thorough=draw(st.booleans()),
    )


@given(looks())
def test_every_look_leads_to_one_decision(seen: Look):
    assert decide(seen) == decide(seen)


@given(looks(), st.randoms())
def test_order_of_the_listing_decides_nothing(seen: Look, chance: Any):
    if seen.approved is None:
        return
    shuffled = list(seen.approved)
    chance.shuffle(shuffled)
    other = Look(
        **{name: getattr(seen, name) for name in seen.__dataclass_fields__ if name != "approved"},
        approved=tuple(shuffled),
    )

    assert decide(other) == decide(seen)


@given(looks())
def test_start_is_of_the_highest_version_that_may_run(seen: Look):
    decision = decide(seen)
    if not isinstance(decision, Start):
        return

    number = decision.version.number
    bars = {one.version for one in seen.record.barred} - seen.reapproved
    assert number not in bars
    assert decision.version.usable
    assert decision.version in (seen.approved or ())
    assert not [
        one.number
        for one in seen.approved or ()
        if one.usable and one.number > number and one.number not in bars
    ]
    assert decision.running != number
    if decision.running is not None and decision.running > number:
        assert decision.running not in {one.number for one in seen.candidates if one.usable}


@given(looks())
def test_start_only_where_the_endpoint_is_absent_or_in_service(seen: Look):
    decision = decide(seen)
    if not isinstance(decision, Start):
        return

    assert decision.update is (seen.endpoint is not None)
    assert seen.endpoint is None or seen.endpoint.state is State.IN_SERVICE
    assert not seen.rival_group


@given(looks())
def test_nothing_is_done_to_a_busy_endpoint(seen: Look):
    if seen.endpoint is None or seen.endpoint.state is not State.BUSY or seen.rival_group:
        return

    assert isinstance(decide(seen), Wait)


@given(looks())
def test_release_ends_only_where_the_endpoint_shows_it(seen: Look):
    decision = decide(seen)
    if not isinstance(decision, Succeeded | RolledBack):
        return

    assert decision.target == seen.record.target
    assert seen.endpoint is not None
    assert seen.endpoint.state is State.IN_SERVICE
    wanted = decision.target.config if isinstance(decision, Succeeded) else decision.target.previous_config
    assert seen.endpoint.endpoint_config_name == wanted


@given(looks())
def test_fleet_that_was_not_needed_decides_nothing(seen: Look):
    if seen.endpoint is None or needs_fleet(seen) or seen.fleet is not None:
        return
    if seen.desired is None:  # a block names what runs, where it is known
        return
    other = Look(
        **{name: getattr(seen, name) for name in seen.__dataclass_fields__ if name != "fleet"},
        fleet=fleet_of(seen.endpoint.endpoint_config_name),
    )

    assert decide(other) == decide(seen)


@pytest.mark.parametrize(
    ("said", "lacked"),
    [
        (
            "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.",
            True,
        ),
        ("ResourceLimitExceeded: the account-level limit is 2 Instances", True),
        (
            "The primary container for production variant AllTraffic did not pass the ping health check.",
            False,
        ),
        ("", False),
    ],
)
def test_lack_of_capacity_is_told_from_a_bad_version(said: str, lacked: bool):
    assert lacked_capacity(said) is lacked


def test_version_without_capacity_is_tried_again_when_its_time_has_come():
    waiting = record(live=live(), barred=(barred(8, until=NOW, rejected=False),))

    before = decide(look(record=waiting, now=NOW - timedelta(seconds=1)))
    then = decide(look(record=waiting))

    assert not isinstance(before, Start)
    assert isinstance(then, Start)
    assert then.version.number == 8


def test_config_that_people_made_anew_under_its_old_name_is_looked_at_by_the_sweep():
    by_hand = record(live=live(7, ours=False))

    assert not needs_fleet(look(record=by_hand, fleet=None))
    assert needs_fleet(look(record=by_hand, fleet=None, thorough=True))
    assert isinstance(decide(look(record=by_hand, fleet=fleet_of("c6"), thorough=True)), Start)
