"""What on-call hears of a monitor, told as stories.

A story lists hourly runs: `-` found nothing; `A` found A, a warning; `A.` for the record; `A!` critical; `A!!` twice as bad, `A!!!` four
times; `AB!` both; `+5` five more beyond what is kept; `~` saw nothing (`~job-failed` says why); `A! x24` the same 24 times. Messages are
listed with the run they follow, from 0: `+B` is new, `^B` is worse, `/B` is over.
"""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stationkeeper.alerts.lifecycle import (
    Finding,
    Heard,
    TellBlindness,
    TellRecovery,
    TellViolations,
    news_of,
)
from stationkeeper.alerts.standing import Blind, Judged, Run, Standing
from stationkeeper.reports.policy import Alerting
from stationkeeper.severity import Severity

from tests.unit.builders import START, blind_run, judged_run

VIOLATION = re.compile(r"([A-Z])(\.|!*)")
LEVELS = {".": 100, "": 200, "!": 300, "!!": 301, "!!!": 302}


def runs_of(story: str, every_hours: float = 1) -> Iterator[Run]:
    words = []
    for part in story.split(","):
        word, _, times = part.strip().partition(" x")
        words += [word] * int(times or 1)
    for index, word in enumerate(words):
        hour = index * every_hours
        if word.startswith("~"):
            yield blind_run(hour, word[1:] or "no-data")
        else:
            found, _, untracked = word.strip("-").partition("+")
            levels = {name: LEVELS[how] for name, how in VIOLATION.findall(found)}
            yield judged_run(hour, untracked=int(untracked or 0), **levels)


def words_of(finding: Finding) -> str:
    match finding:
        case TellViolations():
            what = "first" if finding.first else "reminder" if finding.reminder else "news"
            named = [("+", finding.new), ("^", finding.worse), ("/", finding.over)]
            return " ".join([what, *(sign + name for sign, names in named for name in sorted(names))])
        case TellBlindness():
            return f"blind {finding.reason} {finding.severity.value}{' again' if finding.reminder else ''}"
        case TellRecovery(of="blindness"):
            return "sees again"
        case TellRecovery():
            return " ".join(["recovered", *(f"/{name}" for name in sorted(finding.over))])


def followed(
    story: str, alerting: Alerting, every_hours: float = 1
) -> Iterator[tuple[Run, tuple[Finding, ...], Standing, Heard]]:
    """Each run of a story, what on-call must hear after it, where the monitor stands and what on-call knows then."""
    standing, heard = Standing(), Heard()
    for run in runs_of(story, every_hours):
        heard, findings = news_of(run, standing, heard, alerting)
        standing = standing.after(run)
        yield run, findings, standing, heard


def told(story: str, every_hours: float = 1, **alerting: float) -> dict[int, str]:
    """The messages after each run of a story."""
    return {
        index: ", ".join(map(words_of, findings))
        for index, (_, findings, _, _) in enumerate(
            followed(story, Alerting.model_validate(alerting), every_hours)
        )
        if findings
    }


def test_stories_are_read_as_they_are_meant():
    levels = [
        run.outcome.levels for run in runs_of("-, A.BC!D!!E!!!, A x2, A+5") if isinstance(run.outcome, Judged)
    ]

    assert levels == [
        {},
        {"A": 100, "B": 200, "C": 300, "D": 301, "E": 302},
        {"A": 200},
        {"A": 200},
        {"A": 200},
    ]
    last = list(runs_of("A!, ~, ~job-failed, A+5"))
    assert last[1].outcome == Blind(reason="no-data")
    assert last[2].outcome == Blind(reason="job-failed")
    assert isinstance(last[3].outcome, Judged)
    assert (last[3].outcome.untracked, last[3].outcome.total) == (5, 6)


STORIES = {
    "nothing found is nothing told": ("-, -, -", {}),
    "the first violation is told": ("-, A!", {1: "first +A"}),
    "all of the first report are new": ("A!BC.", {0: "first +A +B +C"}),
    "what lasts is quiet": ("A!, A!, A!", {0: "first +A"}),
    "a whole incident": (
        "-, A!, A!, A!B!, -, A!",
        {1: "first +A", 3: "news +B", 4: "recovered /A /B", 5: "first +A"},
    ),
    # what is news
    "no news that comes and goes is told as over": (
        "A!, A!B, A! x23",
        {0: "first +A", 24: "reminder /B"},
    ),
    "as severe as what was told is news": ("A, AB", {0: "first +A", 1: "news +B"}),
    "more severe than what was told is news": ("A, AB!", {0: "first +A", 1: "news +B"}),
    "less severe than what was told is no news": ("A!, A!B, A!BC.", {0: "first +A"}),
    "what is for the record is news where nothing was worse": ("A., A.B.", {0: "first +A", 1: "news +B"}),
    "no news is told with the next news": ("A!, A!B, A!BC!", {0: "first +A", 2: "news +B +C"}),
    "no news that becomes severe enough is news": ("A!, A!B, A!B!", {0: "first +A", 2: "news +B"}),
    "the floor sinks with what was last told": (
        "A!B, B x24, BC",
        {0: "first +A +B", 24: "reminder /A", 25: "news +C"},
    ),
    # what is worse
    "a higher severity is news": ("A, A!", {0: "first +A", 1: "news ^A"}),
    "a higher severity below the worst is no news": ("A!B., A!B", {0: "first +A +B"}),
    "twice as bad is news": ("A!, A!!, A!!!", {0: "first +A", 1: "news ^A", 2: "news ^A"}),
    "four times as bad is news once": ("A!, A!!!, A!!!", {0: "first +A", 1: "news ^A"}),
    "better is no news": ("A!!!, A!!, A!, A, A.", {0: "first +A"}),
    "as bad as it was told before is no news": ("A!!, A!, A!!", {0: "first +A"}),
    # what is over
    "what is over is told with the next message": ("A!B!, A!, A!C!", {0: "first +A +B", 2: "news +C /B"}),
    "one replaced by another": ("A!, B!", {0: "first +A", 1: "news +B /A"}),
    "the end is told once": ("A!, -, -, -", {0: "first +A", 1: "recovered /A"}),
    # what comes back
    "what returns before the next message is no news": ("A!B!, A!, A!B!", {0: "first +A +B"}),
    "what returns worse is news": ("A!B!, A!, A!B!!", {0: "first +A +B", 2: "news ^B"}),
    "what returns after it was told to be over is new": (
        "A!B!, A!C!, A!B!C!",
        {0: "first +A +B", 1: "news +C /B", 2: "news +B"},
    ),
    "a warning that comes and goes is news once a day": (
        "AB, AC, AB, AC, AB",
        {0: "first +A +B", 1: "news +C /B"},
    ),
    "what came and went is named by the next message": (
        "AB, AC, AB, AB!",
        {0: "first +A +B", 1: "news +C /B", 3: "news +B /C"},
    ),
    "what returns after the end is a new incident": (
        "A!, -, A!",
        {0: "first +A", 1: "recovered /A", 2: "first +A"},
    ),
    # what lasts
    "once a day while it lasts": ("A! x50", {0: "first +A", 24: "reminder", 48: "reminder"}),
    "a day since the last message, whatever it was": (
        "A! x20, A!B! x25",
        {0: "first +A", 20: "news +B", 44: "reminder"},
    ),
    "a reminder says what is over": ("A!B!, A! x24", {0: "first +A +B", 24: "reminder /B"}),
    "a reminder says what was no news": ("A!, A!B x24", {0: "first +A", 24: "reminder +B"}),
    "news at the time of a reminder is news": ("A! x24, A!B!", {0: "first +A", 24: "news +B"}),
    "no reminder after the end": ("A!, - x30", {0: "first +A", 1: "recovered /A"}),
    # nothing seen
    "blind is told": ("~", {0: "blind no-data warning"}),
    "blind is quiet while it lasts": ("~ x24", {0: "blind no-data warning"}),
    "another reason is told": (
        "~, ~job-failed, ~job-failed",
        {0: "blind no-data warning", 1: "blind job-failed warning"},
    ),
    "blind for a day is critical": ("~ x25", {0: "blind no-data warning", 24: "blind no-data critical"}),
    "and is repeated every day": (
        "~ x73",
        {
            0: "blind no-data warning",
            24: "blind no-data critical",
            48: "blind no-data critical again",
            72: "blind no-data critical again",
        },
    ),
    "another reason does not begin the day anew": (
        "~ x23, ~job-failed x2",
        {0: "blind no-data warning", 23: "blind job-failed warning", 24: "blind job-failed critical"},
    ),
    "seeing again is told once": ("~, -, -", {0: "blind no-data warning", 1: "sees again"}),
    "seeing again and finding something": ("~, A!", {0: "blind no-data warning", 1: "sees again, first +A"}),
    "blind, seeing, blind": (
        "~, -, ~",
        {0: "blind no-data warning", 1: "sees again", 2: "blind no-data warning"},
    ),
    # blind in the middle of an incident
    "blindness neither ends an incident nor begins it anew": (
        "A!, ~, A!",
        {0: "first +A", 1: "blind no-data warning", 2: "sees again"},
    ),
    "an incident that ended unseen": (
        "A!, ~, -",
        {0: "first +A", 1: "blind no-data warning", 2: "sees again, recovered /A"},
    ),
    "an incident that grew unseen": (
        "A!, ~, A!B!",
        {0: "first +A", 1: "blind no-data warning", 2: "sees again, news +B"},
    ),
    "an incident unseen for a day is reminded of when it is seen": (
        "A!, ~ x24, A!",
        {0: "first +A", 1: "blind no-data warning", 25: "sees again, reminder"},
    ),
    # beyond what is kept
    "more than is kept is told": ("A!+500", {0: "first +A"}),
    "more than is kept is quiet while it lasts": ("A!+500 x24", {0: "first +A"}),
    "twice as many is news": ("A+10, A+20, A+21, A+42, A+43", {0: "first +A", 2: "news", 4: "news"}),
    "one as bad as those told may have been among those only counted": ("A!+500, B!+500", {0: "first +A"}),
    "one worse than all those told was not among those only counted": (
        "AB+500, AC!+499",
        {0: "first +A +B", 1: "news +C"},
    ),
    "one as bad as the worst told, and worse than those only counted, is news": (
        "A!B+500, A!BC!+499",
        {0: "first +A +B", 1: "news +C"},
    ),
    "one worse than all those told is news though they are fewer now": (
        "AB+500, AC!",
        {0: "first +A +B", 1: "news +C /B"},
    ),
    "nothing is called over while not all are known": ("AB+5, A+5 x24", {0: "first +A +B", 24: "reminder"}),
}


@pytest.mark.parametrize(("story", "messages"), STORIES.values(), ids=STORIES.keys())
def test_story(story, messages):
    assert told(story) == messages


SETTINGS = {
    "three runs before the first message": ("A! x4", {"runs_before_alert": 3}, {2: "first +A"}),
    "three runs in a row": ("A!, A!, -, A!, A!, A!", {"runs_before_alert": 3}, {5: "first +A"}),
    "each violation needs its own three runs": (
        "A!, A!B!, A!B!, A!B!",
        {"runs_before_alert": 3},
        {2: "first +A", 3: "news +B"},
    ),
    "violations that take turns": ("A!, B!, A!, B!, A!, B!", {"runs_before_alert": 2}, {}),
    "a row that was broken does not make new what on-call knows": (
        "A!, A!, B!, A!B!, A!B!",
        {"runs_before_alert": 2},
        {1: "first +A", 3: "news +B"},
    ),
    "worse needs no further runs": ("A!, A!, A!!", {"runs_before_alert": 2}, {1: "first +A", 2: "news ^A"}),
    "never told, never over": ("A!, A!, -", {"runs_before_alert": 3}, {}),
    "told and over": ("A! x3, -", {"runs_before_alert": 3}, {2: "first +A", 3: "recovered /A"}),
    "a blind run does not break a row": ("A!, ~, A!", {"runs_before_alert": 2}, {2: "first +A"}),
    "blind runs need their number too": ("~, ~, ~", {"runs_before_alert": 3}, {2: "blind no-data warning"}),
    "blind runs in a row": ("~, -, ~, -, ~", {"runs_before_alert": 2}, {}),
    "blindness never told is never over": ("~, -", {"runs_before_alert": 2}, {}),
    "blindness is told with the newest reason": (
        "~, ~job-failed",
        {"runs_before_alert": 2},
        {1: "blind job-failed warning"},
    ),
    "more than is kept waits for three runs as well": ("+500 x3", {"runs_before_alert": 3}, {2: "first"}),
    "reminders every 12 hours": (
        "A! x25",
        {"repeat_after_hours": 12},
        {0: "first +A", 12: "reminder", 24: "reminder"},
    ),
    "reminders after every run": (
        "A! x3",
        {"repeat_after_hours": 1},
        {0: "first +A", 1: "reminder", 2: "reminder"},
    ),
    "blind is critical after 2 hours": (
        "~ x4",
        {"blind_critical_after_hours": 2},
        {0: "blind no-data warning", 2: "blind no-data critical"},
    ),
    "blind is critical at once": ("~, ~", {"blind_critical_after_hours": 0}, {0: "blind no-data critical"}),
}


@pytest.mark.parametrize(("story", "alerting", "messages"), SETTINGS.values(), ids=SETTINGS.keys())
def test_story_with_settings(story, alerting, messages):
    assert told(story, **alerting) == messages


def test_a_daily_monitor_reminds_with_every_run():
    assert told("A!, A!, A!", every_hours=24) == {0: "first +A", 1: "reminder", 2: "reminder"}


def test_a_daily_monitor_that_is_blind_twice_is_critical():
    assert told("~, ~", every_hours=24) == {0: "blind no-data warning", 1: "blind no-data critical"}


def test_an_incident_knows_since_when_and_how_many_runs():
    *_, (_, _, standing, heard) = followed("-, A!, A!B, ~, A!", Alerting())

    assert standing.violated is not None
    assert standing.violated.since == START.replace(hour=1)
    assert standing.violated.runs == 3
    assert standing.violated.rows == {"A": 3}
    assert standing.blinded is None
    assert standing.last == (START.replace(hour=4), "job-0004.000")
    assert heard.violations is not None
    assert heard.violations.since == START.replace(hour=1)
    assert heard.blindness is None


def test_a_message_carries_since_when_and_how_many_runs():
    messages = [
        (words_of(finding), finding.since.hour, finding.runs)
        for _, findings, _, _ in followed("A!, A!, A!B!, ~, ~job-failed, -", Alerting())
        for finding in findings
    ]

    assert messages == [
        ("first +A", 0, 1),
        ("news +B", 0, 3),
        ("blind no-data warning", 3, 1),
        ("blind job-failed warning", 3, 2),
        ("sees again", 3, 2),
        ("recovered /A /B", 0, 3),
    ]


def test_a_message_is_as_severe_as_what_lasts():
    """With two runs before an alert, one seen once does not make it critical."""
    severities = [
        finding.severity
        for _, findings, _, _ in followed("A, AB!, AB!", Alerting(runs_before_alert=2))
        for finding in findings
        if isinstance(finding, TellViolations)
    ]

    assert severities == [Severity.WARNING, Severity.CRITICAL]


def test_thousands_of_critical_violations_are_not_for_the_record():
    """Beyond what is kept none has a row of its own, and those kept change with every run: they are critical all the same."""
    standing, heard, severities = Standing(), Heard(), []
    for hour in range(2):
        found = Judged(levels={f"only in {hour}": 300}, counts={Severity.CRITICAL: 4_001}, untracked=4_000)
        run = judged_run(hour).model_copy(update={"outcome": found})
        heard, findings = news_of(run, standing, heard, Alerting(runs_before_alert=2))
        standing = standing.after(run)
        severities += [finding.severity for finding in findings if isinstance(finding, TellViolations)]

    assert severities == [Severity.CRITICAL]


# Whatever the story

LETTERS = st.sampled_from("ABCD")
HOW_BAD = st.sampled_from(["", ".", "!", "!!"])
FOUND = st.dictionaries(LETTERS, HOW_BAD, min_size=1, max_size=4).map(
    lambda d: "".join(f"{k}{v}" for k, v in sorted(d.items()))
)
WORDS = st.one_of(FOUND, FOUND, st.just("-"), st.sampled_from(["~", "~job-failed"]))
ANY_STORY = st.lists(WORDS, min_size=1, max_size=14).map(", ".join)


ANY_ALERTING = st.builds(
    Alerting, runs_before_alert=st.sampled_from([1, 2, 3]), repeat_after_hours=st.sampled_from([2, 24])
)


@settings(max_examples=200)
@given(ANY_STORY, ANY_ALERTING)
def test_the_end_of_an_incident_is_told_exactly_when_its_beginning_was(story, alerting):
    open_kinds = set()
    for _, findings, _, heard in followed(story, alerting):
        for finding in findings:
            if isinstance(finding, TellRecovery):
                assert finding.of in open_kinds
                open_kinds.remove(finding.of)
            else:
                if isinstance(finding, TellViolations):
                    assert finding.first is ("violations" not in open_kinds)
                open_kinds.add(finding.kind)
        assert ("violations" in open_kinds) is (heard.violations is not None)
        assert ("blindness" in open_kinds) is (heard.blindness is not None)


@settings(max_examples=200)
@given(ANY_STORY, ANY_ALERTING)
def test_what_on_call_waits_for_lasts(story, alerting):
    for _, _, standing, heard in followed(story, alerting):
        assert heard.violations is None or standing.violated is not None
        assert heard.blindness is None or standing.blinded is not None


@settings(max_examples=200)
@given(ANY_STORY, ANY_ALERTING)
def test_a_critical_violation_that_lasts_is_always_told(story, alerting):
    known, rows = set(), {}
    for run, findings, _, _ in followed(story, alerting):
        if isinstance(run.outcome, Blind):
            continue
        rows = {name: rows.get(name, 0) + 1 for name in run.outcome.levels}
        for finding in findings:
            if isinstance(finding, TellRecovery) and finding.of == "violations":
                known.clear()
            if isinstance(finding, TellViolations):
                known -= finding.over
                known |= finding.new | finding.worse
        critical = {name for name, level in run.outcome.levels.items() if level >= LEVELS["!"]}
        assert {name for name in critical if rows[name] >= alerting.runs_before_alert} <= known


@settings(max_examples=400)
@given(ANY_STORY, ANY_ALERTING)
def test_what_on_call_knows_is_not_called_new_again(story, alerting):
    """Between two messages that call it new, one says that it is over.

    What came and went between two messages, and was no news, is told as over without having been called new.
    """
    known: set[str] = set()
    unmentioned: set[str] = set()
    for run, findings, _, _ in followed(story, alerting):
        if isinstance(run.outcome, Judged):
            unmentioned |= run.outcome.levels.keys()
        for finding in findings:
            if isinstance(finding, TellViolations):
                assert not finding.new & known
                assert finding.worse <= known
                assert finding.over <= known | unmentioned
                known = (known - finding.over) | finding.new
                unmentioned = set()
            elif isinstance(finding, TellRecovery) and finding.of == "violations":
                assert known <= finding.over <= known | unmentioned
                known, unmentioned = set(), set()


@settings(max_examples=200)
@given(ANY_STORY, ANY_ALERTING)
def test_what_is_over_is_not_there(story, alerting):
    for run, findings, _, _ in followed(story, alerting):
        for finding in findings:
            if isinstance(finding, TellViolations | TellRecovery) and isinstance(run.outcome, Judged):
                over = (
                    frozenset()
                    if isinstance(finding, TellRecovery) and finding.of == "blindness"
                    else finding.over
                )
                assert not over & run.outcome.levels.keys()


UNTRACKED_STORY = st.lists(
    st.tuples(FOUND, st.sampled_from(["", "+5", "+5"])).map("".join), min_size=2, max_size=8
).map(", ".join)


@settings(max_examples=300)
@given(UNTRACKED_STORY)
def test_what_is_worse_than_all_that_is_only_counted_is_told(story):
    """Beyond what is kept are only violations no worse than the least that is kept: a worse one cannot hide there."""
    known: dict[str, int] = {}
    least_kept = 0
    for run, findings, _, _ in followed(story, Alerting()):
        assert isinstance(run.outcome, Judged)
        levels = run.outcome.levels
        for finding in findings:
            assert isinstance(finding, TellViolations)
            known = {**known, **levels}
            least_kept = min(levels.values()) if run.outcome.untracked else 0
        critical = {name for name, level in levels.items() if level >= LEVELS["!"] and level > least_kept}
        assert {name for name in critical if known.get(name, 0) < LEVELS["!"]} == set()


@given(ANY_STORY, ANY_ALERTING)
def test_the_same_report_again_is_quiet(story, alerting):
    *_, (last, _, standing, heard) = followed(story, alerting)
    again = last.model_copy(update={"at": last.at.replace(minute=30), "job": "again"})

    _, findings = news_of(again, standing, heard, Alerting(runs_before_alert=24))

    assert findings == ()


@given(ANY_STORY)
def test_a_standing_is_as_new_as_its_last_run(story):
    standings = [(run, standing) for run, _, standing, _ in followed(story, Alerting())]

    assert [standing.last for _, standing in standings] == [run.order for run, _ in standings]


@given(ANY_STORY, ANY_ALERTING)
def test_what_was_stored_is_as_good_as_what_was_not(story, alerting):
    standing, heard = Standing(), Heard()
    stored_standing, stored_heard = Standing(), Heard()
    for run in runs_of(story):
        heard, findings = news_of(run, standing, heard, alerting)
        stored_heard, stored_findings = news_of(run, stored_standing, stored_heard, alerting)
        assert findings == stored_findings
        standing = standing.after(run)
        stored_standing = Standing.model_validate_json(stored_standing.after(run).model_dump_json())
        stored_heard = Heard.model_validate_json(stored_heard.model_dump_json())
        assert (standing, heard) == (stored_standing, stored_heard)


def test_severities_of_messages_about_blindness_only_rise():
    severities = [
        finding.severity
        for _, findings, _, _ in followed("~ x30, ~job-failed x30", Alerting())
        for finding in findings
        if isinstance(finding, TellBlindness)
    ]

    assert severities == sorted(severities)
    assert severities[0] is Severity.WARNING
    assert severities[-1] is Severity.CRITICAL
