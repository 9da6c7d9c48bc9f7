"""What an alarm calls for: within the bake time of a release its version is taken back; else it is only told."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.alarms.memory import Edge
from stationkeeper.alarms.response import Response, guards, response_to
from stationkeeper.releases.record import Record

from tests.unit.release_builders import NOW, barred, live, record, target
from tests.unit.test_alarm_memory import edge

BAKE = 60
RELEASED_AT = NOW


def minute(number: float) -> datetime:
    """Counted from the release."""
    return RELEASED_AT + timedelta(minutes=number)


def red(at: float = 10, *, counts: bool = True) -> Edge:
    return edge("churn-prod-5xx", "ALARM", at=minute(at), noted_at=minute(at), guards=counts)


def released(number: int = 8, *, bars: tuple[Any, ...] = (), under_way: Any = None, **more: Any) -> Record:
    """The record once this version was released."""
    facts = {"released_at": RELEASED_AT, "started_at": RELEASED_AT, "replaced": 7, **more}
    return record(live=live(number, **facts), barred=bars, target=under_way)


def response(
    alarm: Edge | None = None, to: Record | None = None, heard: float = 10, bake: int = BAKE
) -> Response:
    return response_to(alarm or red(), to or released(), bake, minute(heard))


def bar(**said: Any) -> Any:
    """Version 8 as it is barred: before the registry was asked, unless it is said what came of it."""
    return barred(8).model_copy(update={"rejected": False, "refusal": "", **said})


REJECTED = "it became red within 60 minutes after version 8 came into service"
OVER = "the 60 minutes after the release in which an alarm counts are over"
LATE = "it was heard of too late to take anything back"
BEFORE = "it was red before version 8 came into service"
UNDER_WAY = "a release is under way, and SageMaker itself rolls it back"
ANOTHERS = "what serves was not released here"
ALREADY = "version 8 is being taken back already"
FELL_BACK = "version 8 is what was gone back to; the version may not be to blame"
SECOND = 1 / 60

CASES: dict[str, tuple[Edge, Record, float, Response]] = {
    "in the bake time": (red(10), released(), 10, Response("reject", REJECTED)),
    "does not guard": (
        red(counts=False),
        released(),
        10,
        Response("tell", "this alarm does not guard releases"),
    ),
    # a release under way
    "SageMaker rolls back": (
        red(),
        released(7, under_way=target(8).model_copy(update={"guarded_by": (red().alarm,)})),
        10,
        Response("deploying", UNDER_WAY),
    ),
    "SageMaker does not roll back by it": (
        red(),
        released(7, under_way=target(8).model_copy(update={"guarded_by": ()})),
        10,
        Response("tell", "a release is under way, and this alarm does not roll it back"),
    ),
    "a first release has nothing to go back to": (
        red(),
        record(target=target(8, None).model_copy(update={"creating": True, "guarded_by": (red().alarm,)})),
        10,
        Response("tell", "a release is under way, and this alarm does not roll it back"),
    ),
    "not asked for yet": (
        red(),
        released(under_way=target(9, 8, asked=False)),
        10,
        Response("reject", REJECTED),
    ),
    "does not guard what is under way": (
        red(counts=False),
        released(7, under_way=target(8)),
        10,
        Response("tell", "this alarm does not guard releases"),
    ),
    # what serves
    "nothing released": (red(), record(), 10, Response("tell", ANOTHERS)),
    "nothing known": (red(), Record(), 10, Response("tell", ANOTHERS)),
    "somebody else's": (red(), released(ours=False), 10, Response("tell", ANOTHERS)),
    # the bake time
    "before the release": (red(-SECOND), released(), 0, Response("tell", BEFORE)),
    "long before the release": (red(-60 * 24), released(), 0, Response("tell", BEFORE)),
    "at its very beginning": (red(0), released(), 0, Response("reject", REJECTED)),
    "at its very end": (red(60), released(), 60, Response("reject", REJECTED)),
    "just after": (red(60 + SECOND), released(), 61, Response("tell", OVER)),
    "long after": (red(60 * 24), released(), 60 * 24, Response("tell", OVER)),
    # heard of late
    "heard of when it is over": (red(59), released(), 74, Response("reject", REJECTED)),
    "heard of at the last moment": (red(10), released(), 75, Response("reject", REJECTED)),
    "heard of too late": (red(10), released(), 75 + SECOND, Response("tell", LATE)),
    # being taken back
    "the registry rejected it": (red(), released(bars=(bar(rejected=True),)), 10, Response("tell", ALREADY)),
    "the registry refused": (red(), released(bars=(bar(refusal="denied"),)), 10, Response("tell", ALREADY)),
    "barred, and a crash came": (red(), released(bars=(bar(),)), 10, Response("reject", REJECTED)),
    "another version is barred": (red(), released(bars=(barred(9),)), 10, Response("reject", REJECTED)),
    # barred, and a crash came before it was finished
    "unfinished, heard of when it is over": (
        red(59),
        released(bars=(bar(),)),
        74,
        Response("reject", REJECTED),
    ),
    "unfinished, and too late for the alarm": (
        red(60.5),
        released(bars=(bar(),)),
        61,
        Response("tell", OVER),
    ),
    "unfinished, and red before": (red(-SECOND), released(bars=(bar(),)), 1, Response("tell", BEFORE)),
    "another is unfinished, and heard of too late": (
        red(10),
        released(bars=(barred(9).model_copy(update={"rejected": False}),)),
        90,
        Response("tell", LATE),
    ),
    # what was gone back to
    "fell back": (red(), released(fell_back=True), 10, Response("tell", FELL_BACK)),
    "fell back, and is barred": (
        red(),
        released(bars=(bar(),), fell_back=True),
        10,
        Response("tell", FELL_BACK),
    ),
}


@pytest.mark.parametrize(("alarm", "to", "heard", "expected"), CASES.values(), ids=CASES)
def test_alarm_calls_for(alarm, to, heard, expected):
    assert response(alarm, to, heard) == expected


@pytest.mark.parametrize("at", [0, 10, BAKE])
@pytest.mark.parametrize("heard", [BAKE + 15 + SECOND, 2 * BAKE, 24 * 60])
def test_what_was_begun_is_finished_however_late(at, heard):
    # Barred within the time, then a crash: the version must not stay barred here and approved in the registry.
    assert response(red(at), released(bars=(bar(),)), heard) == Response("reject", REJECTED)


@pytest.mark.parametrize("came_of_it", [{"rejected": True}, {"refusal": "denied"}])
@pytest.mark.parametrize("heard", [BAKE + 15 + SECOND, 24 * 60])
def test_what_was_finished_is_not_done_again_however_late(came_of_it, heard):
    assert response(red(10), released(bars=(bar(**came_of_it),)), heard).kind == "tell"


@pytest.mark.parametrize(
    ("bake", "at", "kind"), [(5, 5, "reject"), (5, 6, "tell"), (24 * 60, 24 * 60, "reject")]
)
def test_bake_time_is_a_setting(bake, at, kind):
    assert response(red(at), heard=at, bake=bake).kind == kind
    assert f"{bake} minutes" in response(red(at), heard=at, bake=bake).because


def test_no_bake_time_takes_nothing_back_once_the_release_is_over():
    assert response(red(SECOND), heard=1, bake=0).kind == "tell"


def flags(*names: str) -> st.SearchStrategy[dict[str, bool]]:
    return st.fixed_dictionaries({name: st.booleans() for name in names})


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Edge, Record, int, datetime]:
    at = draw(st.floats(-200, 2_000))
    bake = draw(st.sampled_from([0, 5, 60, 24 * 60]))
    under_way = draw(st.sampled_from([None, target(9, 8), target(9, 8, asked=False)]))
    bars = draw(
        st.sampled_from([(), (bar(),), (bar(rejected=True),), (bar(refusal="denied"),), (barred(9),)])
    )
    to = released(bars=bars, under_way=under_way, **draw(flags("ours", "fell_back")))
    if draw(st.integers(0, 9)) == 0:
        to = to.model_copy(update={"live": None})
    return red(at, counts=draw(st.booleans())), to, bake, minute(at + draw(st.floats(0, 200)))


@given(scenes())
def test_nothing_is_taken_back_outside_the_bake_time_or_that_is_not_ours(scene):
    alarm, to, bake, now = scene

    decided = response_to(alarm, to, bake, now)

    assert decided.because
    assert decided == response_to(alarm, to, bake, now)
    if decided.kind == "reject":
        assert to.live is not None
        assert alarm.guards
        assert to.live.ours
        assert not to.live.fell_back
        assert RELEASED_AT <= alarm.at <= RELEASED_AT + timedelta(minutes=bake)
        assert to.target is None or not to.target.asked
        known = to.bars(to.live.version)
        assert known is None or not (known.rejected or known.refusal)
        assert known is not None or now <= RELEASED_AT + timedelta(minutes=bake + 15)


@given(
    st.sampled_from([5, 60, 24 * 60]),
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from([(), (bar(),), (barred(9),)]),
)
def test_within_the_bake_time_a_guard_that_is_red_is_always_answered(bake, how_far, how_late, bars):
    alarm = red(bake * how_far)
    heard = bake * how_far + (bake + 15 - bake * how_far) * how_late

    assert response(alarm, released(bars=bars), heard - SECOND, bake).kind == "reject"


# Guards


def test_alarms_of_the_live_release_guard_it():
    to = record(live=live(7, alarms=("made",), guarded_by=("made", "people's own")))

    assert [name for name in ("made", "people's own", "Made", "") if guards(name, to)] == [
        "made",
        "people's own",
    ]


def test_alarms_of_the_release_under_way_guard_it():
    to = record(target=target(8, alarms=("made",), guarded_by=("people's own",)))

    assert guards("made", to)
    assert guards("people's own", to)
    assert not guards("another", to)


def test_nothing_guards_where_nothing_is_released():
    assert not guards("made", Record())
