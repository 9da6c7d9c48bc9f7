"""What lasts is told when it begins and once a day while it lasts, and everybody knows since when."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.alerts.told import TOLD_AGAIN_AFTER, once_a_day, with_said

from tests.unit.release_builders import NOW

HOUR = timedelta(hours=1)
KEPT = 40
texts = st.text(max_size=30).map(lambda text: f"{text}@{text}")


def told_at(*moments: datetime, about: str = "no-role:8") -> list[tuple[datetime, datetime]]:
    """When it was told, and since when it lasted then, of moments at which it was found."""
    told: dict[str, str] = {}
    found = []
    for moment in moments:
        news = once_a_day(told, "blocked", about, moment)
        if news is not None:
            told, since = news
            found.append((moment, since))
    return found


def test_what_lasts_is_told_once_a_day_and_began_when_it_began():
    hours = [NOW + hour * HOUR for hour in range(50)]

    assert told_at(*hours) == [(NOW, NOW), (NOW + 24 * HOUR, NOW), (NOW + 48 * HOUR, NOW)]


def test_day_counts_from_when_it_was_told_last():
    late = NOW + 30 * HOUR

    assert told_at(NOW, late, NOW + 48 * HOUR, late + TOLD_AGAIN_AFTER) == [
        (NOW, NOW),
        (late, NOW),
        (late + TOLD_AGAIN_AFTER, NOW),
    ]


def test_clock_that_was_set_back_tells_nothing_twice():
    assert told_at(NOW, NOW - 100 * HOUR) == [(NOW, NOW)]


def test_something_else_begins_anew():
    told, _ = once_a_day({}, "blocked", "no-role:8", NOW) or ({}, None)

    other = once_a_day(told, "blocked", "no-role:9", NOW + HOUR)

    assert other is not None
    assert other[1] == NOW + HOUR
    back = once_a_day(other[0], "blocked", "no-role:8", NOW + 2 * HOUR)
    assert back is not None
    assert back[1] == NOW + 2 * HOUR


def test_subjects_do_not_mix():
    told, _ = once_a_day({}, "one", "about", NOW) or ({}, None)

    news = once_a_day(told, "other", "about", NOW)

    assert news is not None
    assert set(news[0]) == {"one", "other"}


def test_what_an_earlier_version_wrote_without_its_beginning_is_told_anew():
    news = once_a_day({"blocked": f"no-role:8@{NOW.isoformat()}"}, "blocked", "no-role:8", NOW + HOUR)

    assert news is not None
    assert news[1] == NOW + HOUR


def test_what_was_told_before_is_left_as_it_was():
    before = {"blocked": "x"}

    after = with_said(before, "asked", "8")

    assert before == {"blocked": "x"}
    assert after == {"blocked": "x", "asked": "8"}


def test_oldest_subjects_are_forgotten():
    told: dict[str, str] = {}
    for number in range(2 * KEPT):
        told = with_said(told, str(number), "said")

    assert list(told) == [str(number) for number in range(KEPT, 2 * KEPT)]


@given(texts)
def test_what_is_told_may_hold_any_character(about: str):
    assert told_at(NOW, NOW + HOUR, NOW + 24 * HOUR, about=about) == [(NOW, NOW), (NOW + 24 * HOUR, NOW)]


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "a@b", "@", ""]), st.integers(0, 40)), max_size=20))
def test_told_as_a_list_of_all_that_was_found_would_have_it(found: list[tuple[str, int]]):
    told: dict[str, str] = {}
    now, before, began, last = NOW, None, NOW, NOW
    for about, hours in found:
        now += hours * HOUR
        if about != before:
            before, began, expected = about, now, True
        else:
            expected = now - last >= TOLD_AGAIN_AFTER

        news = once_a_day(told, "blocked", about, now)

        assert (news is not None) is expected
        if news is not None:
            told, since = news
            assert since == began
            last = now
