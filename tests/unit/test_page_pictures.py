"""Shapes and words of the page's pictures."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.pages import captions, pictures
from stationkeeper.pages.pictures import BAR_HEIGHT, BAR_WIDTH, HEIGHT, WIDTH
from stationkeeper.reports.statistics import Threshold
from stationkeeper.reports.violation import Measure, Monitor, Violation

NUMBERS = st.floats(allow_nan=False, allow_infinity=True) | st.none()


def numbers(path: str) -> list[int]:
    return [int(number) for number in re.findall(r"-?\d+", path)]


def violation(measure: Measure, observed: float | None, expected: float | None) -> Violation:
    return Violation(Monitor.CUSTOM, "x", "", "check", measure, observed, expected, None, "")


# Shapes


def test_histogram_is_as_high_as_its_share():
    assert pictures.steps([0.5, 0.25], 0.5, closed=True) == f"M0 {HEIGHT}V0H120V{HEIGHT // 2}H240V{HEIGHT}Z"


def test_single_value_is_a_spike_in_the_middle():
    assert pictures.steps([1.0], 1.0, closed=False, spike=True) == f"M100 {HEIGHT}V0H140V{HEIGHT}"


def test_smallest_share_is_seen_and_none_is_not():
    assert f"V{HEIGHT - 1}H80" in pictures.steps([1e-9, 0, 1], 1, closed=True)
    assert f"V{HEIGHT}H160" in pictures.steps([1e-9, 0, 1], 1, closed=True)


@given(st.lists(NUMBERS, min_size=1, max_size=30), NUMBERS)
def test_line_stays_within_its_picture(values, level):
    line = pictures.line(values, level)
    finite = [value for value in values if value is not None and math.isfinite(value)]

    assert (line is None) == (not finite)
    if line is not None:
        points = numbers(line.path)
        assert all(0 <= x <= WIDTH for x in points[::2])
        assert all(0 <= y <= HEIGHT for y in points[1::2])
        assert len(points) == 2 * len(finite)
        assert line.level is None or 0 <= line.level <= HEIGHT
        assert (line.level is None) == (level is None or math.isinf(level))


def test_line_breaks_where_a_run_has_no_value():
    line = pictures.line([1, 2, None, 2, None, 1], None)

    assert line is not None
    assert line.path.count("M") == 3
    assert line.dots.count("M") == 1
    assert line.last.startswith(f"M{WIDTH - 6} ")


def test_higher_values_are_drawn_higher():
    line = pictures.line([1, 5], 3)

    assert line is not None
    (_, first), (_, last) = zip(*[iter(numbers(line.path))] * 2, strict=True)
    assert first > (line.level or 0) > last


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_bars_reach_from_zero_to_their_value(one, other):
    values = [one, other]
    zero = pictures.zero_of(values)

    for value in values:
        left, top, right, bottom, back = numbers(pictures.signed_bar(value, values))
        assert 0 <= left <= zero <= right <= BAR_WIDTH + 1
        assert left == back
        assert 0 <= top < bottom <= BAR_HEIGHT
        assert left < right


def test_paired_bars_do_not_cover_each_other():
    above, below = (numbers(pictures.share_bar(0.5, 1.0, below=side)) for side in (False, True))

    assert above[2] == below[2] == BAR_WIDTH // 2
    assert above[3] <= below[1]


# Words


@pytest.mark.parametrize(
    ("part", "said"),
    [(0, "0"), (0.004, "<1"), (0.5, "50"), (0.994, ">99"), (1, "100"), (1e-12, "<1"), (1 - 1e-9, ">99")],
)
def test_share_never_rounds_to_none_or_all(part, said):
    assert captions.share(part) == f"{said}\N{NO-BREAK SPACE}%"


@pytest.mark.parametrize(
    ("edges", "shares", "said"),
    [
        ((0, 10, 20, 30), (0.1, 0.85, 0.05), "about 85 % between 10 and 20"),
        ((0, 10, 20, 30), (0.0, 1.0, 0.0), "all between 10 and 20"),
        ((0, 10, 20, 30, 40), (0.25, 0.25, 0.25, 0.25), "all between 0 and 40"),
        ((0, 10, 20, 30, 40, 50), (0.24, 0.24, 0.24, 0.24, 0.04), "spread from 0 to 40"),
        ((0, 10, 20, 30), (0.5, 0.0, 0.5), "all between 0 and 30"),
        ((5, 5), (1.0,), "always 5"),
        ((1_000.1, 1_000.2), (1.0,), "all between 1000.1 and 1000.2"),
        ((0, 10), None, ""),
        ((0, 10), (0.0,), "no values that can be placed, 100 % at infinite values"),
    ],
)
def test_spread_names_where_most_values_are(edges, shares, said):
    unplaced = 1.0 if shares == (0.0,) else 0.0

    assert captions.spread(edges, shares, unplaced).replace("\N{NO-BREAK SPACE}", " ") == said


@given(st.lists(st.floats(0, 1), min_size=1, max_size=24))
def test_spread_always_says_something_true(shares):
    total = math.fsum(shares)
    parts = tuple(share / total for share in shares) if total else tuple(shares)
    said = captions.spread(tuple(range(len(parts) + 1)), parts)

    found = re.search(r"(\d+) (?:and|to) (\d+)", said)
    assert (found is None) == (not total)
    if found:
        assert math.fsum(parts[int(found[1]) : int(found[2])]) >= 0.8 - 1e-9


@pytest.mark.parametrize(
    ("measure", "observed", "expected", "said"),
    [
        (Measure.DISTANCE, 0.52, 0.1, "5.2 times the limit"),
        (Measure.DISTANCE, 0.12, 0.1, "20 % over the limit"),
        (Measure.DISTANCE, 0.1999, 0.1, "2 times the limit"),
        (Measure.ABOVE, 57_068, 2_810, "20 times the limit"),
        (Measure.ABOVE, 3, 0, "3 over the limit"),
        (Measure.ABOVE, 1e308, 1e-300, "1.00e+308 over the limit"),
        (Measure.BELOW, 0.61, 0.9, "32 % short"),
        (Measure.BELOW, -176.5, 0.95, "177.4 short"),
        (Measure.BELOW, -2, -1, "1 short"),
        (Measure.SHARE, 0, 100, "100 points short"),
        (Measure.SHARE, 99.5, 100, "0.5 points short"),
        (Measure.FRACTION, 0.4994, None, "50 % do not fit"),
        (Measure.COLUMNS, 1, 8, "7 too few"),
        (Measure.COLUMNS, 9, 8, "1 too many"),
        (Measure.DIFFERENCE, -1.4, 0.5, "1.9 away"),
        (Measure.DIFFERENCE, math.inf, 0.5, "infinitely far past"),
        (Measure.DIFFERENCE, 0.07, None, ""),
        (Measure.UNKNOWN, None, None, ""),
        (Measure.BELOW, math.nan, 0.9, ""),
        (Measure.ABOVE, 2, math.inf, ""),
    ],
)
def test_how_far_past_is_said_in_the_measure_s_own_terms(measure, observed, expected, said):
    assert captions.past(violation(measure, observed, expected)).replace("\N{NO-BREAK SPACE}", " ") == said


@given(st.sampled_from(Measure), NUMBERS, NUMBERS)
def test_how_far_past_can_always_be_asked(measure, observed, expected):
    assert "nan" not in captions.past(violation(measure, observed, expected))


@pytest.mark.parametrize(
    ("values", "threshold", "said"),
    [
        ([1, 2, 3], Threshold(2.5, "above"), "Now 3; 1 to 3 over 3 runs, past the limit in 1 of them."),
        ([1, 2, 3], Threshold(5, "below"), "Now 3; 1 to 3 over 3 runs, past the limit in all of them."),
        ([1, None, 3], None, "Now 3; 1 to 3 over 2 runs."),
        ([0.8, 0.8], None, "Now 0.8; unchanged over 2 runs."),
        ([0.8, 0.8, None], None, "Not measured now; always 0.8 over 2 runs."),
        ([1, 3, None], None, "Not measured now; 1 to 3 over 2 runs."),
        ([math.inf, 3, 1], None, "Now 1; 1 to infinite over 3 runs."),
    ],
)
def test_history_is_told_in_words(values, threshold, said):
    assert captions.history(values, threshold) == said
