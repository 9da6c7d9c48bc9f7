"""The numbers in a violation's description.

Every wording known is listed in `WORDINGS`; the first that fits wins. A wording nobody knew still gives its numbers
when it says two of them around a comparison.
"""

import re
from typing import NamedTuple

from stationkeeper.reports.violation import Measure

NUMBER = r"([-+]?(?:\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|Infinity|∞|NaN))"

# In free text: not the digits of a word, a version, or a part of 1,234.5
_WHOLE = rf"(?<![\w.,]){NUMBER}(?![\w]|[.,]\d)"

# Longer descriptions are kept, but only this much of them is searched for numbers.
_SEARCHED_CHARACTERS = 1_000
_LONGEST_NUMBER = 32


class Numbers(NamedTuple):
    """What a description says in numbers, in its own unit."""

    measure: Measure = Measure.UNKNOWN
    observed: float | None = None
    expected: float | None = None
    margin: float | None = None


class Wording(NamedTuple):
    """A pattern with groups `observed`, `expected`, `margin` in the order of `groups`."""

    mark: str
    """Text the description must hold; spares the pattern where it cannot fit."""
    pattern: re.Pattern[str]
    groups: tuple[str, ...]
    measure: Measure


def _wording(mark: str, pattern: str, groups: str, measure: Measure) -> Wording:
    return Wording(mark, re.compile(pattern.replace("<n>", NUMBER)), tuple(groups.split()), measure)


WORDINGS: tuple[Wording, ...] = (
    # Baseline drift distance: 0.14 exceeds threshold: 0.1 | Numerical distance: 0.5 exceeds numerical threshold: 0.1
    _wording(
        "distance",
        r"distance: <n> exceeds (?:\w+ )?threshold: <n>",
        "observed expected",
        Measure.DISTANCE,
    ),
    # Expected match: 100.0%. Observed: Only 0.0% of data is Integral. | Expected: 100.0%. Observed: Only 99.0%.
    _wording(
        "Observed: ",
        r"Expected(?: match)?: <n>%\.? Observed: (?:Only )?<n>%",
        "expected observed",
        Measure.SHARE,
    ),
    # Number of columns in current dataset: 1, Number of columns in baseline constraints: 8
    _wording(
        "columns in",
        r"columns in current dataset: <n>,? Number of columns in baseline constraints: <n>",
        "observed expected",
        Measure.COLUMNS,
    ),
    # Metric f1 with 0.1717 +/- 0.0313 was LessThanThreshold '0.7272'
    _wording(
        "LessThanThreshold",
        r"with <n>(?: \+/- <n>)? was LessThanThreshold '?<n>",
        "observed margin expected",
        Measure.BELOW,
    ),
    _wording(
        "GreaterThanThreshold",
        r"with <n>(?: \+/- <n>)? was GreaterThanThreshold '?<n>",
        "observed margin expected",
        Measure.ABOVE,
    ),
    # Metric value 0.37 doesn't meet the baseline constraint requirement 0.28
    _wording(
        "baseline constraint requirement",
        r"value <n> (?:doesn't|does not) meet the baseline constraint requirement <n>",
        "observed expected",
        Measure.DIFFERENCE,
    ),
    # Feature attribution drift 0.7639 exceeds threshold 0.9: a ranking score (NDCG), so less is worse
    _wording(
        "attribution drift",
        r"attribution drift <n> exceeds threshold <n>",
        "observed expected",
        Measure.BELOW,
    ),
    # Value: 0.4994 does not meet the constraint requirement! (data quality) | Value 0.07 does not meet ... (bias)
    _wording(
        "Value: ",
        r"Value: <n> does not meet the constraint requirement",
        "observed",
        Measure.FRACTION,
    ),
    _wording(
        "constraint requirement",
        r"[Vv]alue <n> does(?: not|n't) meet the constraint requirement",
        "observed",
        Measure.DIFFERENCE,
    ),
    # Anything else that compares two numbers, as custom containers may write it
    _wording(
        "",
        rf"{_WHOLE}%? (?:is |was )?(?:exceeds|exceeded|above|over|greater than|higher than|more than)"
        rf"(?: (?:the|a|its|threshold|limit|of))*:? {_WHOLE}",
        "observed expected",
        Measure.ABOVE,
    ),
    _wording(
        "",
        rf"{_WHOLE}%? (?:is |was )?(?:below|under|less than|lower than|falls below|fell below)"
        rf"(?: (?:the|a|its|threshold|limit|of))*:? {_WHOLE}",
        "observed expected",
        Measure.BELOW,
    ),
)


def numbers_in(description: str) -> Numbers:
    """Observed and expected numbers of a description; `Numbers()` when its wording holds none."""
    searched = description[:_SEARCHED_CHARACTERS]
    # A number that reaches the cut may have lost its end.
    trusted = (
        len(description) if len(description) <= _SEARCHED_CHARACTERS else len(searched) - _LONGEST_NUMBER
    )
    for wording in WORDINGS:
        if wording.mark not in searched:
            continue
        match = wording.pattern.search(searched)
        if match and match.end() <= trusted:
            found = {
                group: number(text)
                for group, text in zip(wording.groups, match.groups(), strict=True)
                if text is not None
            }
            return Numbers(wording.measure, found.get("observed"), found.get("expected"), found.get("margin"))
    return Numbers()


def number(text: str) -> float:
    """A number as the services write it: exponents, `Infinity`, `NaN`."""
    return float(text.replace("∞", "inf"))
