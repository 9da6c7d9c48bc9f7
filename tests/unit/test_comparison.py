"""Two distributions of a feature are brought onto common bins without moving, losing or inventing anything."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.pages.comparison import (
    MOST_BINS,
    MOST_VALUES,
    Bar,
    Others,
    Overlay,
    PairedBars,
    TypeChanged,
    compared,
)
from stationkeeper.reports.statistics import Bucket, Categorical, Numeric
from stationkeeper.reports.statistics_reader import read_statistics

from tests.real import PLACE, read

TAXI = PLACE / "taxi" / "data_quality"


def numeric(*buckets, unplaced=0.0):
    """A feature of (lower, upper, count)."""
    held = tuple(Bucket(float(lower), float(upper), float(count)) for lower, upper, count in buckets)
    present = sum(bucket.count for bucket in held) + unplaced
    return Numeric("fare", present, 0.0, None, None, None, None, held, unplaced)


def spread(lower, upper, *counts):
    """Buckets of one width, as the monitors of SageMaker write them."""
    width = (upper - lower) / len(counts)
    bounds = [lower + width * i for i in range(len(counts))] + [upper]
    return numeric(*((*pair, count) for pair, count in zip(pairwise(bounds), counts, strict=True)))


def categorical(present=None, distinct=None, /, **counts):
    listed = tuple(sorted(counts.items(), key=lambda entry: -entry[1]))
    return Categorical("payment", sum(counts.values()) if present is None else present, 0.0, distinct, listed)


def bars(comparison):
    return {bar.value: (bar.current, bar.baseline) for bar in comparison.bars}


# Numbers


def test_buckets_both_sides_share_are_the_bins():
    comparison = compared(spread(0, 10, 1, 3, 0, 4, 2), spread(0, 10, 5, 0, 0, 0, 5))

    assert comparison == Overlay(
        edges=(0.0, 2.0, 4.0, 6.0, 8.0, 10.0),
        current=(0.1, 0.3, 0.0, 0.4, 0.2),
        baseline=(0.5, 0.0, 0.0, 0.0, 0.5),
    )


def test_shared_buckets_are_kept_however_uneven():
    buckets = [(0, 1), (1, 10), (10, 100)]
    comparison = compared(
        numeric(*((*bounds, count) for bounds, count in zip(buckets, (1, 2, 1), strict=True))),
        numeric(*((*bounds, count) for bounds, count in zip(buckets, (0, 0, 3), strict=True))),
    )

    assert comparison.edges == (0.0, 1.0, 10.0, 100.0)
    assert (comparison.current, comparison.baseline) == ((0.25, 0.5, 0.25), (0.0, 0.0, 1.0))
    assert not comparison.even


def test_many_shared_buckets_are_joined_and_none_is_divided():
    comparison = compared(spread(0, 60, *[1] * 60), spread(0, 60, *[0] * 59, 1))

    assert comparison.edges == tuple(float(edge) for edge in range(0, 61, 3))
    assert comparison.current == pytest.approx([0.05] * 20)
    assert comparison.baseline == (*[0.0] * 19, 1.0)


def test_shared_buckets_that_neither_side_fills_at_the_ends_are_not_shown():
    comparison = compared(spread(0, 10, 0, 1, 1, 0, 0), spread(0, 10, 0, 0, 1, 1, 0))

    assert comparison.edges == (2.0, 4.0, 6.0, 8.0)


def test_no_bin_is_narrower_than_the_widest_bucket():
    comparison = compared(spread(0, 100, *[1] * 10), spread(0, 1000, *[1] * 10))

    assert comparison.edges == tuple(float(edge) for edge in range(0, 1001, 100))
    assert comparison.current == (1.0, *[0.0] * 9)
    assert comparison.baseline == pytest.approx([0.1] * 10)
    assert comparison.even


def test_a_bucket_in_two_bins_is_divided_by_length():
    comparison = compared(numeric((0, 2, 1), (2, 4, 1), (4, 6, 2)), numeric((1, 3, 8)))

    assert comparison.edges == (0.0, 2.0, 4.0, 6.0)
    assert comparison.baseline == (0.5, 0.5, 0.0)


def test_a_shift_shows_both_distributions_whole():
    comparison = compared(spread(5, 15, *range(1, 11)), spread(0, 10, *range(1, 11)))

    assert comparison.edges == pytest.approx(range(16))
    assert comparison.current[:5] == (0.0,) * 5
    assert comparison.baseline[10:] == (0.0,) * 5
    assert comparison.baseline[:10] == pytest.approx([count / 55 for count in range(1, 11)])
    assert not comparison.disjoint


def test_a_million_times_the_scale_is_one_bar_beside_ten():
    comparison = compared(spread(0, 1_000_000, *[1] * 10), spread(0, 1, *[1] * 10))

    assert comparison.baseline == (1.0, *[0.0] * 9)
    assert comparison.current == pytest.approx([0.1] * 10)
    assert comparison.gap is None


def test_distributions_far_from_each_other_keep_their_own_bins_and_the_axis_is_broken():
    comparison = compared(spread(1_000_000, 1_000_010, 1, 1, 2, 0, 1), spread(0, 5, *[2] * 5))

    assert comparison.edges == (
        0,
        1,
        2,
        3,
        4,
        5,
        1_000_000,
        1_000_002,
        1_000_004,
        1_000_006,
        1_000_008,
        1_000_010,
    )
    assert comparison.gap == 5
    assert comparison.baseline == pytest.approx([0.2] * 5 + [0.0] * 6)
    assert comparison.current == pytest.approx([0.0] * 6 + [0.2, 0.2, 0.4, 0.0, 0.2])
    assert (comparison.disjoint, comparison.even) == (True, False)


def test_distributions_near_each_other_share_one_even_scale():
    comparison = compared(numeric((11, 12, 1)), numeric((0, 1, 1)))

    assert comparison.edges == tuple(float(edge) for edge in range(13))
    assert (comparison.gap, comparison.even, comparison.disjoint) == (None, True, True)


def test_both_sides_of_a_broken_axis_have_room():
    comparison = compared(spread(0, 1, *[1] * 50), spread(100, 101, *[1] * 50))

    assert len(comparison.current) == MOST_BINS - 1


def test_values_without_a_place_stay_with_their_side_of_a_broken_axis():
    near, far = numeric((0, 1, 3), unplaced=1), numeric((100, 101, 1))

    assert (compared(far, near).current_unplaced, compared(far, near).baseline_unplaced) == (0.0, 0.25)
    assert (compared(near, far).current_unplaced, compared(near, far).baseline_unplaced) == (0.25, 0.0)


def test_a_hole_between_shared_buckets_stays_a_hole():
    comparison = compared(numeric((0, 1, 1), (2, 3, 1)), numeric((0, 1, 1), (2, 3, 3)))

    assert comparison.edges == (0.0, 1.0, 2.0, 3.0)
    assert comparison.baseline == (0.25, 0.0, 0.75)


def test_a_constant_stays_a_spike():
    comparison = compared(numeric((7, 7, 12)), spread(0, 10, *[1] * 10))

    assert comparison.current == (*[0.0] * 7, 1.0, 0.0, 0.0)


def test_the_same_constant_on_both_sides_is_one_bin():
    comparison = compared(numeric((7, 7, 12)), numeric((7, 7, 1)))

    assert comparison == Overlay(edges=(7.0, 7.0), current=(1.0,), baseline=(1.0,))


def test_two_constants_are_two_bars():
    comparison = compared(numeric((7, 7, 12)), numeric((5, 5, 1)))

    assert comparison.edges == (5.0, 5.0, 7.0, 7.0)
    assert (comparison.current, comparison.baseline) == ((0.0, 0.0, 1.0), (1.0, 0.0, 0.0))
    assert comparison.gap == 1


def test_values_without_a_place_are_told_and_not_drawn():
    comparison = compared(numeric((0, 1, 3), unplaced=1), numeric((0, 1, 2)))

    assert (comparison.current, comparison.current_unplaced) == ((0.75,), 0.25)
    assert (comparison.baseline, comparison.baseline_unplaced) == ((1.0,), 0.0)


def test_when_no_value_has_a_place_there_are_no_bins():
    assert compared(numeric(unplaced=4), None) == Overlay((), (), None, current_unplaced=1.0)


@pytest.mark.parametrize(
    "empty", [None, numeric(), numeric((0, 1, 0), (1, 2, 0))], ids=["missing", "bare", "zeros"]
)
def test_one_side_alone_is_shown_in_its_own_buckets(empty):
    side = spread(0, 4, 1, 1, 1, 1)

    assert compared(side, empty) == Overlay((0.0, 1.0, 2.0, 3.0, 4.0), (0.25,) * 4, None)
    assert compared(empty, side) == Overlay((0.0, 1.0, 2.0, 3.0, 4.0), None, (0.25,) * 4)


def test_without_a_value_there_is_nothing_to_draw():
    assert compared(None, None) is None
    assert compared(numeric(), numeric((0, 1, 0))) is None
    assert compared(categorical(), None) is None
    assert compared(categorical(), numeric()) is None


@pytest.mark.parametrize("error", [1e-12, -1e-12])
def test_edges_computed_in_two_ways_leave_no_slivers(error):
    comparison = compared(numeric((1 + error, 2 + error, 1)), spread(0, 4, 1, 1, 1, 1))

    assert comparison.edges == (0.0, 1.0, 2.0, 3.0, 4.0)
    assert comparison.current == (0.0, 1.0, 0.0, 0.0)


def test_neighbouring_floating_point_numbers_cannot_be_parted():
    value = 1e16
    comparison = compared(numeric((value, value, 1), (value + 2, value + 2, 3)), None)

    assert comparison.edges == (value, value + 2)
    assert comparison.current == (1.0,)


# Texts


def test_values_are_ordered_by_the_larger_share_of_either_side():
    comparison = compared(categorical(card=1, cash=9), categorical(card=7, cash=3))

    assert comparison == PairedBars((Bar("cash", 0.9, 0.3), Bar("card", 0.1, 0.7)))


def test_a_value_that_the_other_side_does_not_have_is_zero_there():
    comparison = compared(categorical(card=3, coupon=1), categorical(card=3, cheque=1))

    assert bars(comparison) == {"card": (0.75, 0.75), "coupon": (0.25, 0.0), "cheque": (0.0, 0.25)}


def test_a_value_that_a_cut_list_does_not_show_may_be_there():
    comparison = compared(categorical(card=3, coupon=1), categorical(10, 40.0, card=5))

    assert bars(comparison) == {"card": (0.75, 0.5), "coupon": (0.25, None)}
    assert comparison.others == Others(current=0.0, baseline=0.5, current_values=0, baseline_values=39)


def test_a_list_that_accounts_for_every_value_is_whole_whatever_the_estimate_of_distinct_values():
    comparison = compared(categorical(4, 3.0, card=3, cash=1), categorical(cheque=1))

    assert bars(comparison)["cheque"] == (0.0, 1.0)


def test_rare_values_are_summed():
    many = categorical(**{f"v{i:02}": 100 - i for i in range(MOST_VALUES + 3)})
    total = sum(100 - i for i in range(MOST_VALUES + 3))

    comparison = compared(many, categorical(v00=1))

    assert [bar.value for bar in comparison.bars] == [f"v{i:02}" for i in range(MOST_VALUES)]
    assert comparison.others == Others(pytest.approx((88 + 87 + 86) / total), 0.0, 3, 0)


def test_when_every_value_is_shown_nothing_is_left_for_others():
    # These eight shares, each rounded, sum to less than 1.
    assert compared(categorical(a=42, **dict.fromkeys("bcdefgh", 1)), None).others is None


def test_an_estimate_of_fewer_distinct_values_than_are_listed_leaves_none():
    assert compared(categorical(10, 1.0, card=3, cash=2), None).others == Others(0.5, None, 0, None)


def test_one_list_alone_is_shown():
    assert compared(None, categorical(card=1)) == PairedBars((Bar("card", None, 1.0),))
    assert compared(categorical(card=1), categorical()) == PairedBars((Bar("card", 1.0, None),))


def test_more_values_counted_than_present_still_sum_to_one():
    comparison = compared(categorical(2, None, card=3, cash=1), None)

    assert bars(comparison) == {"card": (0.75, None), "cash": (0.25, None)}


# Changed types


def test_numbers_that_became_texts_are_shown_as_they_are():
    comparison = compared(categorical(card=1), spread(0, 2, 1, 1))

    assert comparison == TypeChanged(
        current=PairedBars((Bar("card", 1.0, None),)),
        baseline=Overlay((0.0, 1.0, 2.0), None, (0.5, 0.5)),
    )


def test_texts_that_became_numbers_are_shown_as_they_are():
    comparison = compared(spread(0, 2, 1, 1), categorical())

    assert comparison == TypeChanged(current=Overlay((0.0, 1.0, 2.0), (0.5, 0.5), None), baseline=None)


# Whatever is measured

BOUNDS = st.one_of(
    st.floats(-1e300, 1e300),
    st.integers(-5, 5).map(float),
    st.sampled_from([1e300, -1e300, 5e-324, 1e16, 1e16 + 2, 0.1, 0.30000000000000004]),
)
COUNTS = st.one_of(st.just(0.0), st.integers(1, 1_000_000).map(float), st.floats(0, 1e300))


@st.composite
def histograms(draw):
    """Buckets as they come: of one width, of many, with holes, over each other, constants."""
    if draw(st.booleans()):
        lower, width = draw(st.floats(-1e6, 1e6)), draw(st.floats(1e-6, 1e6))
        counts = draw(st.lists(COUNTS, min_size=1, max_size=40))
        return spread(lower, lower + width, *counts)
    pairs = draw(st.lists(st.tuples(BOUNDS, BOUNDS, COUNTS), max_size=12))
    return numeric(*((min(a, b), max(a, b), count) for a, b, count in pairs), unplaced=draw(COUNTS))


LISTS = st.builds(
    lambda counts, present, distinct: categorical(present, distinct, **counts),
    st.dictionaries(st.text(max_size=3), COUNTS, max_size=30),
    st.one_of(st.none(), COUNTS),
    st.one_of(st.none(), COUNTS),
)
FEATURES = st.one_of(st.none(), histograms(), LISTS)


@given(histograms(), histograms())
def test_the_mass_of_each_side_is_conserved(current, baseline):
    comparison = compared(current, baseline)

    for feature, shares, unplaced in (
        (current, comparison and comparison.current, comparison and comparison.current_unplaced),
        (baseline, comparison and comparison.baseline, comparison and comparison.baseline_unplaced),
    ):
        if feature.present:
            assert math.isclose(math.fsum((*shares, unplaced)), 1.0, rel_tol=1e-12)
            assert all(0 <= share <= 1 for share in shares)
        else:
            assert not shares


@given(histograms(), histograms())
def test_bins_rise_within_the_joint_range_and_are_not_too_many(current, baseline):
    comparison = compared(current, baseline)
    occupied = [bucket for side in (current, baseline) for bucket in side.buckets if bucket.count]

    if comparison and occupied:
        assert len(comparison.edges) - 1 <= MOST_BINS
        assert comparison.edges[0] == min(bucket.lower for bucket in occupied)
        assert comparison.edges[-1] == max(bucket.upper for bucket in occupied)
        assert all(a <= b for a, b in pairwise(comparison.edges))


@given(histograms(), histograms())
def test_no_share_lies_where_its_side_has_no_bucket(current, baseline):
    comparison = compared(current, baseline)

    if comparison:
        for feature, shares in ((current, comparison.current), (baseline, comparison.baseline)):
            occupied = [bucket for bucket in feature.buckets if bucket.count]
            for (start, end), share in zip(pairwise(comparison.edges), shares or (), strict=False):
                if share:
                    assert any(bucket.lower <= end and bucket.upper >= start for bucket in occupied)


@given(histograms(), histograms())
def test_the_share_below_an_edge_is_what_is_known_to_lie_below_it(current, baseline):
    """Whole buckets below an edge are below it; the rest of the share is part of buckets that reach over it."""
    comparison = compared(current, baseline)

    if comparison:
        for feature, shares in ((current, comparison.current), (baseline, comparison.baseline)):
            total = math.fsum(bucket.count for bucket in feature.buckets) + feature.unplaced
            for i, edge in enumerate(comparison.edges[:-1] if shares else ()):
                below = [bucket.count for bucket in feature.buckets if bucket.upper < edge]
                # Before a broken axis, the last bin takes in its end.
                upto = [bucket.count for bucket in feature.buckets if bucket.lower <= edge]
                least, most = math.fsum(below) / total, math.fsum(upto) / total
                assert least - 2e-6 <= math.fsum(shares[:i]) <= most + 2e-6


@given(FEATURES, FEATURES)
def test_exchanging_the_sides_exchanges_the_result(current, baseline):
    assert mirrored(compared(current, baseline)) == compared(baseline, current)


@given(FEATURES, FEATURES)
def test_every_number_of_a_result_is_finite(current, baseline):
    assert all(math.isfinite(number) for number in numbers_of(compared(current, baseline)))


@given(LISTS, LISTS)
def test_bars_and_others_sum_to_one(current, baseline):
    comparison = compared(current, baseline)

    if comparison:
        assert len(comparison.bars) <= MOST_VALUES
        for side in ("current", "baseline"):
            shares = [getattr(bar, side) or 0.0 for bar in comparison.bars]
            rest = (getattr(comparison.others, side) or 0.0) if comparison.others else 0.0
            total = math.fsum((*shares, rest))
            assert math.isclose(total, 1.0, abs_tol=1e-8) or total == 0


def mirrored(comparison):
    match comparison:
        case Overlay():
            return replace(
                comparison,
                current=comparison.baseline,
                baseline=comparison.current,
                current_unplaced=comparison.baseline_unplaced,
                baseline_unplaced=comparison.current_unplaced,
            )
        case PairedBars(bars=pairs, others=others):
            return PairedBars(
                tuple(Bar(bar.value, bar.baseline, bar.current) for bar in pairs),
                others
                and Others(others.baseline, others.current, others.baseline_values, others.current_values),
            )
        case TypeChanged():
            return TypeChanged(mirrored(comparison.baseline), mirrored(comparison.current))
    return None


def numbers_of(comparison):
    match comparison:
        case Overlay():
            yield from comparison.edges
            yield from (comparison.current_unplaced, comparison.baseline_unplaced)
            yield from (*(comparison.current or ()), *(comparison.baseline or ()))
        case PairedBars():
            for pair in (*comparison.bars, *filter(None, [comparison.others])):
                yield from (share for share in (pair.current, pair.baseline) if share is not None)
        case TypeChanged():
            yield from numbers_of(comparison.current)
            yield from numbers_of(comparison.baseline)


# Real distributions


def test_the_taxi_rides_of_a_locked_down_city_are_at_the_low_end_of_those_before():
    march, april = (
        read_statistics(read(TAXI / day / "statistics.json")).features["pickup_count"]
        for day in ("2020-03-09", "2020-04-06")
    )

    comparison = compared(april, march)

    assert comparison.edges[0] == 34.730953216552734
    assert comparison.edges[-1] == 630.9991455078125
    assert comparison.baseline == pytest.approx(
        [n / 96 for n in (19, 8, 3, 2, 1, 3, 9, 18, 18, 15)], abs=1e-6
    )
    assert math.fsum(comparison.current[:3]) == pytest.approx(1.0)
    assert comparison.current[3:] == (0.0,) * 7
