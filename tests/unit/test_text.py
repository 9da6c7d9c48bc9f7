"""Text from outside is safe to show wherever it is shown, and numbers never say what is not so."""

import math
import re
import shlex
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.alerts.text import (
    ascii_line,
    clip_bytes,
    count,
    figure,
    lasting,
    moment,
    percent,
    period,
    plain,
    quoted,
)

from tests.unit.builders import hostile_text

ANY_TEXT = st.one_of(hostile_text(), st.text(st.characters(codec=None, exclude_categories=()), max_size=400))
NEVER_SHOWN = ("Cc", "Cf", "Cs", "Zl", "Zp")


# One line


@given(ANY_TEXT, st.integers(4, 300))
def test_plain_text_is_one_line_that_can_be_sent(text, limit):
    shown = plain(text, limit)

    assert len(shown) <= limit
    assert shown.splitlines() in ([shown], [])
    assert {unicodedata.category(character) for character in shown}.isdisjoint(NEVER_SHOWN)
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert shown == shown.strip()


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=100))
def test_what_can_be_shown_stays_as_it_is(text):
    assert plain(text, 100) == text


@given(ANY_TEXT, st.integers(10, 300))
def test_cleaning_twice_changes_nothing_more(text, limit):
    assert plain(plain(text, limit), limit) == plain(text, limit)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("fare", "fare"),
        ("", ""),
        (" \n\t ", ""),
        ("a\nb", "a b"),
        ("a\r\n\tb", "a b"),
        ("two  spaces", "two spaces"),
        ("no-break\u00a0space", "no-break space"),
        ("wide\u3000space", "wide space"),
        ("\x1b[31mred", "\\u001b[31mred"),
        ("\x00", "\\u0000"),
        ("bell\x07", "bell\\u0007"),
        ("\x85next", "\\u0085next"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\u2028line", "\\u2028line"),
        ("\u2029paragraph", "\\u2029paragraph"),
        ("\ud800half", "\\ud800half"),
        ("\ufeffmark", "\\ufeffmark"),
        ("private \ue000", "private \\ue000"),
        ("prix élevé 価格 \U0001f600", "prix élevé 価格 \U0001f600"),
        ("C:\\new", "C:\\new"),
    ],
)
def test_what_cannot_be_shown_is_spelled_out(text, shown):
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("length", "shown"), [(9, "x" * 9), (10, "x" * 10), (11, "x" * 7 + "..."), (10_000, "x" * 7 + "...")]
)
def test_long_text_is_cut_and_marked(length, shown):
    assert plain("x" * length, 10) == shown


@given(
    st.lists(st.text("abc", min_size=1, max_size=8), min_size=1, max_size=30),
    st.text(" \n\t", min_size=1, max_size=30),
)
def test_text_that_is_cut_says_so(words, between):
    shown = plain(between.join(words), 40)

    assert shown == " ".join(words) or shown.endswith("...")


def test_an_escape_is_not_mistaken_for_another_character():
    """Beyond four digits an escape needs another form."""
    beyond_four_digits, followed_by_a_digit = "\U000e0001", "\ue000" + "1"

    assert plain(beyond_four_digits) != plain(followed_by_a_digit)


# A subject


@given(ANY_TEXT, st.integers(4, 120))
def test_a_subject_is_printable_ascii(text, limit):
    line = ascii_line(text, limit)

    assert len(line) <= limit
    assert all(" " <= character <= "~" for character in line)
    assert line == line.strip()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("fare", "fare"),
        ("prix élevé", "prix eleve"),
        ("Größe", "Gro?e"),
        ("価格 up", "?? up"),
        ("\ufb01ne", "fine"),
        ("…", "..."),
        ("\U0001f600", "?"),
        ("a\nb", "a b"),
        ("\x1b[0m", "\\u001b[0m"),
        ("x" * 30, "x" * 17 + "..."),
        ("\ufdfa" * 30, None),
    ],
)
def test_a_subject_keeps_what_ascii_can_say(text, line):
    written = ascii_line(text, 20)

    assert written == line or (line is None and len(written) == 20)


# Bytes


@given(st.text(max_size=400), st.integers(0, 300))
def test_clipped_text_fits_into_its_bytes(text, limit):
    clipped = clip_bytes(text, limit)

    assert len(clipped.encode()) <= limit
    if len(text.encode()) <= limit:
        assert clipped == text
    else:
        beginning, _, _ = clipped.partition("\n[... cut")
        assert text.startswith(beginning)


def test_a_message_that_was_clipped_says_so():
    clipped = clip_bytes("x" * 300_000, 200_000)

    assert len(clipped) == 200_000
    assert clipped.endswith("\n[... cut, the message was too long]\n")


# A shell


@given(ANY_TEXT)
def test_a_quoted_argument_is_one_argument(text):
    assert shlex.split(f"command {quoted(text)} next") == ["command", text, "next"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "$(reboot)",
        "`reboot`",
        "a'b",
        '"',
        "\\",
        "a;b",
        "a|b",
        "a&b",
        ">f",
        "*",
        "~",
        "!x",
        "#x",
        "{a,b}",
    ],
)
def test_nothing_in_an_argument_is_run(text):
    written = quoted(text)

    assert written.startswith("'")
    assert written.endswith("'")
    assert shlex.split(written) == [text]


# Numbers


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "?"),
        (math.nan, "not a number"),
        (math.inf, "infinite"),
        (-math.inf, "minus infinite"),
        (0.0, "0"),
        (-0.0, "0"),
        (7.0, "7"),
        (-7.0, "-7"),
        (4178.0, "4,178"),
        (0.5, "0.5"),
        (0.14529914529914534, "0.145"),
        (48.73608152071635, "48.7"),
        (99.96, "100"),
        (100.04, "100"),
        (123.456, "123.5"),
        (999.96, "1000"),
        (2809.991443452381, "2,810"),
        (999_999.9, "1,000,000"),
        (1_234_567.0, "1,234,567"),
        (1.5e9, "1.50e+09"),
        (5.09e-4, "0.000509"),
        (1e-4, "0.0001"),
        (9.9e-5, "9.90e-05"),
        (-2.5e-10, "-2.50e-10"),
        (1.7976931348623157e308, "1.80e+308"),
        (5e-324, "4.94e-324"),
    ],
)
def test_a_figure_is_what_a_person_reads(value, shown):
    assert figure(value) == shown


@given(st.floats())
def test_every_number_has_a_short_figure(value):
    shown = figure(value)

    assert 1 <= len(shown) <= 16
    assert shown.isascii()


@given(st.floats(1e-4, 1e6, exclude_max=True), st.sampled_from([1, -1]))
def test_a_figure_of_common_size_has_no_exponent_and_is_close(value, sign):
    shown = figure(sign * value)

    assert "e" not in shown
    assert float(shown.replace(",", "")) == pytest.approx(sign * value, rel=6e-3)


PERCENT = re.compile(r"(-?[\d.e+-]+) %")


@given(st.one_of(st.floats(0, 100), st.floats(99.9, 100), st.floats(0, 0.1)))
def test_a_share_is_never_rounded_to_a_whole_it_is_not(value):
    shown = PERCENT.fullmatch(percent(value))

    assert shown is not None
    assert (float(shown[1]) == 100) is (value == 100)
    assert (float(shown[1]) == 0) is (value == 0)
    assert float(shown[1]) == pytest.approx(value, abs=0.051)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0 %"),
        (100.0, "100 %"),
        (50.0, "50 %"),
        (99.7, "99.7 %"),
        (99.71126082772858, "99.7 %"),
        (99.96, "99.96 %"),
        (99.996, "99.996 %"),
        (99.9996, "99.9996 %"),
        (0.04, "0.04 %"),
        (0.0004, "0.0004 %"),
        (97.84946236559139, "97.8 %"),
        (33.333333, "33.3 %"),
        (None, "?"),
        (math.nan, "not a number"),
        (math.inf, "infinite"),
    ],
)
def test_a_percentage_is_what_a_person_reads(value, shown):
    assert percent(value) == shown


def test_one_missing_value_in_many_is_not_a_hundred_percent():
    """One of 10^n values is missing: of 10 million values 99.99999 % are present."""
    shares = [100 * (1 - 10.0**-n) for n in range(2, 13)]

    assert [percent(share) for share in shares if float(percent(share).split()[0]) >= 100] == []


# Times

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(0), "less than a minute"),
        (timedelta(seconds=29), "less than a minute"),
        (timedelta(seconds=-5), "less than a minute"),
        (timedelta(seconds=31), "1 minute"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=59, seconds=29), "59 minutes"),
        (timedelta(minutes=59, seconds=40), "1 hour"),
        (timedelta(hours=1, minutes=1), "1 hour 1 minute"),
        (timedelta(hours=10), "10 hours"),
        (timedelta(hours=23, minutes=59, seconds=59), "1 day"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=2, hours=3, minutes=4), "2 days 3 hours"),
        (timedelta(days=10), "10 days"),
        (timedelta(days=20, hours=10, minutes=30), "20 days 10 hours"),
        (timedelta(days=1_234), "1,234 days"),
    ],
)
def test_a_length_of_time_is_said_in_its_two_largest_units(length, words):
    assert lasting(length) == words


@given(st.timedeltas(timedelta(0), timedelta(days=3_000)))
def test_every_length_of_time_is_said_shortly(length):
    assert re.fullmatch(
        r"less than a minute|[\d,]+ (day|hour|minute)s?( \d+ (hour|minute)s?)?", lasting(length)
    )


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (NOON, NOON + timedelta(hours=1), "12:00 to 13:00 UTC on 23 Nov 2026"),
        (NOON, NOON + timedelta(hours=12), "23 Nov 2026 12:00 UTC to 24 Nov 2026 00:00 UTC"),
        (NOON - timedelta(days=20), NOON, "3 Nov 2026 12:00 UTC to 23 Nov 2026 12:00 UTC"),
        (
            datetime(2026, 11, 23, 1, 0, tzinfo=timezone(timedelta(hours=2))),
            datetime(2026, 11, 23, 3, 0, tzinfo=timezone(timedelta(hours=2))),
            "22 Nov 2026 23:00 UTC to 23 Nov 2026 01:00 UTC",
        ),
        (
            datetime(2026, 11, 23, 23, 0, tzinfo=timezone(timedelta(hours=-5))),
            datetime(2026, 11, 23, 23, 30, tzinfo=timezone(timedelta(hours=-5))),
            "04:00 to 04:30 UTC on 24 Nov 2026",
        ),
    ],
)
def test_a_window_names_its_date_once_when_it_can(start, end, words):
    assert period(start, end) == words


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (NOON, "23 Nov 2026 12:00 UTC"),
        (datetime(2026, 1, 2, 3, 4, 59, tzinfo=UTC), "2 Jan 2026 03:04 UTC"),
        (datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))), "31 Dec 2025 23:30 UTC"),
    ],
)
def test_a_moment_is_said_in_utc(at, words):
    assert moment(at) == words


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 runs"), (1, "1 run"), (2, "2 runs"), (1_000, "1,000 runs"), (21, "21 runs")]
)
def test_things_are_counted_in_words(number, words):
    assert count(number, "run") == words


def test_an_irregular_plural_is_given():
    assert count(1, "feature drifted", "features drifted") == "1 feature drifted"
    assert count(2, "feature drifted", "features drifted") == "2 features drifted"
