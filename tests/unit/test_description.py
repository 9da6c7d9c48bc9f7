"""The numbers in a violation's description, as the services word them."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stationkeeper.reports.description import Numbers, number, numbers_in
from stationkeeper.reports.violation import Measure

INF = math.inf

WORD_FOR_WORD = {
    # data quality
    "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
    "Observed: Only 0.0% of data is Integral.": (Measure.SHARE, 0.0, 100.0, None),
    "Data type match requirement is not met. Expected data type: Fractional, Expected match: 100.0%. "
    "Observed: Only 99.71126082772858% of data is Fractional.": (
        Measure.SHARE,
        99.71126082772858,
        100.0,
        None,
    ),
    "Data completeness requirement is not met. Expected: 100.0%. Observed: Only 99.00990099009901%.": (
        Measure.SHARE,
        99.00990099009901,
        100.0,
        None,
    ),
    "Categorical value match requirement is not met. Expected match: 100.0%. "
    "Observed: 50.0% of the values match the known values.": (Measure.SHARE, 50.0, 100.0, None),
    "Baseline drift distance: 0.14529914529914534 exceeds threshold: 0.1": (
        Measure.DISTANCE,
        0.14529914529914534,
        0.1,
        None,
    ),
    "Numerical distance: 0.5 exceeds numerical threshold: 0.1": (Measure.DISTANCE, 0.5, 0.1, None),
    "Categorical distance: 0.5 exceeds categorical threshold: 0.1": (Measure.DISTANCE, 0.5, 0.1, None),
    "There are missing columns in current dataset. Number of columns in current dataset: 1, "
    "Number of columns in baseline constraints: 8": (Measure.COLUMNS, 1.0, 8.0, None),
    "There are extra columns in current dataset. Number of columns in current dataset: 4178, "
    "Number of columns in baseline constraints: 60": (Measure.COLUMNS, 4178.0, 60.0, None),
    "There are missing columns in current dataset. Number of columns in current dataset: 1 "
    "Number of columns in baseline constraints: 8": (Measure.COLUMNS, 1.0, 8.0, None),
    "Value: 0.4994994994994995 does not meet the constraint requirement! ": (
        Measure.FRACTION,
        0.4994994994994995,
        None,
        None,
    ),
    # model quality
    "Metric f1 with 0.1717 +/- 0.0313 was LessThanThreshold '0.7272'": (
        Measure.BELOW,
        0.1717,
        0.7272,
        0.0313,
    ),
    "Metric precision with 0.3333333333333333 was LessThanThreshold '0.6541353383458647'": (
        Measure.BELOW,
        0.3333333333333333,
        0.6541353383458647,
        None,
    ),
    "Metric r2 with -1.25 was LessThanThreshold '0.94'": (Measure.BELOW, -1.25, 0.94, None),
    "Metric r2 with -1.25 was LessThanThreshold '-0.5'": (Measure.BELOW, -1.25, -0.5, None),
    "Metric r2 with -Infinity was LessThanThreshold '0.94'": (Measure.BELOW, -INF, 0.94, None),
    "Metric mae with 48.73608152071635 was GreaterThanThreshold '38.29501488095238'": (
        Measure.ABOVE,
        48.73608152071635,
        38.29501488095238,
        None,
    ),
    "Metric falsePositiveRate with 0.13026052104208416 +/- 0.007414796163354082 was GreaterThanThreshold '0.0'": (
        Measure.ABOVE,
        0.13026052104208416,
        0.0,
        0.007414796163354082,
    ),
    "Metric falsePositiveRate with 9.8E-4 +/- 1.2E-5 was GreaterThanThreshold '5.09E-4'": (
        Measure.ABOVE,
        9.8e-4,
        5.09e-4,
        1.2e-5,
    ),
    "Metric mse with 1.2E7 was GreaterThanThreshold '2809.991443452381'": (
        Measure.ABOVE,
        1.2e7,
        2809.991443452381,
        None,
    ),
    "Metric rmse with Infinity was GreaterThanThreshold '53.0'": (Measure.ABOVE, INF, 53.0, None),
    # bias
    "Metric value 0.374894782529513 doesn't meet the baseline constraint requirement 0.28176563733194276": (
        Measure.DIFFERENCE,
        0.374894782529513,
        0.28176563733194276,
        None,
    ),
    "Metric value -0.37 doesn't meet the baseline constraint requirement -5.09E-4": (
        Measure.DIFFERENCE,
        -0.37,
        -5.09e-4,
        None,
    ),
    "Metric value 0.37 does not meet the baseline constraint requirement 0.28": (
        Measure.DIFFERENCE,
        0.37,
        0.28,
        None,
    ),
    "Metric value Infinity doesn't meet the baseline constraint requirement 2.916666666666667": (
        Measure.DIFFERENCE,
        INF,
        2.916666666666667,
        None,
    ),
    "Metric value -Infinity doesn't meet the baseline constraint requirement 0.5": (
        Measure.DIFFERENCE,
        -INF,
        0.5,
        None,
    ),
    "Value 0.0751544567666083 does not meet the constraint requirement": (
        Measure.DIFFERENCE,
        0.0751544567666083,
        None,
        None,
    ),
    "Value -0.0791244970125596 does not meet the constraint requirement": (
        Measure.DIFFERENCE,
        -0.0791244970125596,
        None,
        None,
    ),
    # attribution: a ranking score, so less is worse
    "Feature attribution drift 0.7639720923277322 exceeds threshold 0.9": (
        Measure.BELOW,
        0.7639720923277322,
        0.9,
        None,
    ),
}

FREE_TEXT = {
    "MMD score 0.31 exceeds 0.2": (Measure.ABOVE, 0.31, 0.2),
    "MMD score 0.31 is above the threshold of 0.2": (Measure.ABOVE, 0.31, 0.2),
    "latency of 120.5 was greater than 100": (Measure.ABOVE, 120.5, 100.0),
    "coverage 71% is below the limit: 90%": (Measure.BELOW, 71.0, 90.0),
    "only 12 rows": (Measure.UNKNOWN, None, None),
    "string": (Measure.UNKNOWN, None, None),
    "": (Measure.UNKNOWN, None, None),
    "0.31 is not above 0.2": (Measure.UNKNOWN, None, None),
}


@pytest.mark.parametrize(("description", "numbers"), WORD_FOR_WORD.items(), ids=range(len(WORD_FOR_WORD)))
def test_every_known_wording_gives_its_numbers(description, numbers):
    assert numbers_in(description) == Numbers(*numbers)


@pytest.mark.parametrize(("description", "numbers"), FREE_TEXT.items())
def test_a_comparison_in_free_text_gives_its_numbers(description, numbers):
    assert numbers_in(description) == Numbers(*numbers)


def test_not_a_number_is_kept_as_such():
    found = numbers_in("Metric r2 with NaN was LessThanThreshold '0.94'")

    assert found.observed is not None
    assert math.isnan(found.observed)
    assert found.expected == 0.94


@pytest.mark.parametrize(
    "name", ["with 5 was", "f1 with 0.5", "distance: 9 exceeds", "1e5", "a.b.c", "é_ñ", "x" * 300]
)
def test_a_metrics_name_does_not_disturb(name):
    found = numbers_in(f"Metric {name} with 0.25 +/- 0.01 was LessThanThreshold '0.5'")

    assert found == Numbers(Measure.BELOW, 0.25, 0.5, 0.01)


@pytest.mark.parametrize(
    "description",
    ["1,234.5 exceeds 1,000", "latency 1,234.5 is above the limit of 1,000.0", "rows 12,000 is below 15,000"],
)
def test_thousands_separators_do_not_turn_a_number_into_its_last_digits(description):
    """Custom containers word as they like: the whole number or none, but not another one."""
    found = numbers_in(description)

    assert found.observed in (None, 1234.5, 12000.0)
    assert found.expected in (None, 1000.0, 15000.0)


@pytest.mark.parametrize("description", ["sensor_7 exceeds 3", "v1.2.3 exceeds 3", "p95 above 3"])
def test_digits_within_a_word_are_no_number(description):
    assert numbers_in(description) == Numbers()


# How the services (Java, Scala, Python) write a float.
def java(value: float) -> str:
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value).replace("e", "E")


TEMPLATES = {
    "share": "Data completeness requirement is not met. Expected: {expected}%. Observed: Only {observed}%.",
    "type": "Data type match requirement is not met. Expected data type: Integral, Expected match: {expected}%. "
    "Observed: Only {observed}% of data is Integral.",
    "categories": "Categorical value match requirement is not met. Expected match: {expected}%. "
    "Observed: {observed}% of the values match the known values.",
    "drift": "Baseline drift distance: {observed} exceeds threshold: {expected}",
    "numerical drift": "Numerical distance: {observed} exceeds numerical threshold: {expected}",
    "columns": "There are missing columns in current dataset. Number of columns in current dataset: {observed}, "
    "Number of columns in baseline constraints: {expected}",
    "less": "Metric f1 with {observed} was LessThanThreshold '{expected}'",
    "greater": "Metric f1 with {observed} was GreaterThanThreshold '{expected}'",
    "bias": "Metric value {observed} doesn't meet the baseline constraint requirement {expected}",
    "attribution": "Feature attribution drift {observed} exceeds threshold {expected}",
    "free": "score {observed} exceeds the limit of {expected}",
}
FLOATS = st.floats(allow_nan=False)


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES.keys())
@given(
    observed=FLOATS,
    expected=FLOATS,
    write=st.sampled_from([java, lambda value: java(value).replace("E", "e")]),
)
def test_any_number_in_a_wording_comes_back(template, observed, expected, write):
    found = numbers_in(template.format(observed=write(observed), expected=write(expected)))

    assert (found.observed, found.expected) == (observed, expected)


@given(observed=FLOATS, margin=FLOATS, expected=FLOATS, side=st.sampled_from(["LessThan", "GreaterThan"]))
def test_any_margin_comes_back(observed, margin, expected, side):
    description = f"Metric f1 with {java(observed)} +/- {java(margin)} was {side}Threshold '{java(expected)}'"

    found = numbers_in(description)

    assert (found.observed, found.margin, found.expected) == (observed, margin, expected)


@given(observed=FLOATS)
def test_any_single_number_comes_back(observed):
    assert (
        numbers_in(f"Value: {java(observed)} does not meet the constraint requirement! ").observed == observed
    )
    assert numbers_in(f"Value {java(observed)} does not meet the constraint requirement").observed == observed


@given(st.floats(allow_nan=False))
def test_a_number_is_read_as_it_was_written(value):
    assert number(java(value)) == value


def test_the_sign_for_infinity_is_read():
    assert number("∞") == INF
    assert number("-∞") == -INF


WORDS = (
    "Expected: ",
    "Observed: ",
    "Only ",
    "distance: ",
    " exceeds ",
    "threshold: ",
    "value ",
    "Value: ",
    "with ",
)
SIGNS = ("%", ". ", " +/- ", " was LessThanThreshold '", "'", ".", "e", "-", "+", " ", "\n", "\ud800")
FIGURES = ("1", "Infinity", "NaN", "٣", "²")
PIECES = st.sampled_from((*WORDS, *SIGNS, *FIGURES))


@given(
    st.one_of(
        st.text(st.characters(codec=None, exclude_categories=())), st.lists(PIECES, max_size=40).map("".join)
    )
)
@example("Value: . does not meet the constraint requirement")
@example("Value: 1e does not meet the constraint requirement")
@example("Value: ² does not meet the constraint requirement")
@example("Value: ٣ does not meet the constraint requirement")
def test_arbitrary_text_never_raises(text):
    found = numbers_in(text)

    assert all(isinstance(value, float) for value in found[1:] if value is not None)


BOMBS = {
    "digits": "1" * 100_000,
    "dots": "." * 100_000,
    "digits and dots": "1." * 50_000,
    "spaces": " " * 100_000,
    "pluses": "+" * 100_000,
    "signs and digits": "+1-" * 33_333,
    "exponents": "1e1" * 33_333,
    "half a wording": "Expected: 1%. Observed: Only " * 3_500,
    "margins": "with 1 +/- " * 9_000,
    "comparisons": "1 exceeds the a its threshold limit of " * 2_500,
    "the the the": "1 exceeds" + " the" * 25_000,
    "marks": "distance: Observed: columns in LessThanThreshold GreaterThanThreshold constraint requirement "
    * 1_000,
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
@pytest.mark.parametrize("before", ["", "distance: ", "Expected: ", "Metric f1 with ", "Value: ", "value "])
def test_text_made_to_hang_a_pattern_gives_an_answer(before, bomb):
    description = f"{before}{bomb} exceeds LessThanThreshold does not meet the constraint requirement"

    assert isinstance(numbers_in(description), Numbers)


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_the_work_is_bounded_by_length(bomb):
    """Only the beginning of a description is searched, so that no text costs more than another."""
    wording = " Baseline drift distance: 0.5 exceeds threshold: 0.1"

    assert numbers_in(bomb + wording).measure is not Measure.DISTANCE
    assert numbers_in(f"{wording} {bomb}")[:2] == (Measure.DISTANCE, 0.5)


def test_a_number_is_read_whole_or_not_at_all():
    """Where a long description is cut, a number may not lose its last digits or its exponent."""
    descriptions = [
        f"Metric {'x' * length} with 0.123456 was GreaterThanThreshold '5.09E-4'"
        for length in range(900, 1_000)
    ]

    found = {numbers_in(description) for description in descriptions}

    assert found <= {Numbers(Measure.ABOVE, 0.123456, 5.09e-4), Numbers()}
