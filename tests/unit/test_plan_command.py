"""A plan in words: what people read, and what a hostile text cannot do to it."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from rich.console import Console
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
)
from stationkeeper.releases.record import Barred, Record
from stationkeeper.releases.registry import Version
from stationkeeper.releases.set_up import SetUpPlan
from stationkeeper.releases.starting import Release
from stationkeeper.releases.steps import Action, Step
from stationkeeper_command.plan import BLOCKED, NOTHING_LEFT, SOMETHING_LEFT, Plan
from stationkeeper_command.plan_wording import as_json, show

from tests.unit import release_builders as build
from tests.unit.builders import hostile_text
from tests.unit.release_builders import NOW, endpoint, live, record, target, version


def look(*approved: Version, **more: Any) -> Look:
    """Version 7 is live, and wanted unless said otherwise."""
    return build.look(approved=approved or (version(7),), **more)


def said(plan: Plan, width: int = 80, *, verbose: bool = False, colours: bool = False) -> str:
    console = Console(
        file=StringIO(),
        width=width,
        highlight=False,
        soft_wrap=True,
        force_terminal=colours,
        color_system="truecolor" if colours else None,
    )
    show(console, plan, verbose=verbose)
    return console.file.getvalue()


STEP = Step(Action.CREATE_MODEL, {"ModelName": "churn-v8", "PrimaryContainer": {}}, "the model")


@pytest.mark.parametrize(
    ("decision", "work", "code", "word", "line"),
    [
        (
            Leave("no version of the group is approved"),
            None,
            NOTHING_LEFT,
            "leave",
            "Nothing to do: no version",
        ),
        (Wait("it is being made"), None, SOMETHING_LEFT, "wait", "Wait: it is being made."),
        (
            Block("code", "Cannot be.", advice="Do that", failure_reason="disk full"),
            None,
            BLOCKED,
            "block",
            "Blocked: Cannot be.\nSageMaker says: disk full.\nWhat to do: Do that.",
        ),
        (
            Succeeded(target()),
            None,
            SOMETHING_LEFT,
            "succeeded",
            "Conclude the release: version 8 is in service;",
        ),
        (
            RolledBack(target(), "alarm red"),
            None,
            SOMETHING_LEFT,
            "rolledback",
            "Conclude the release: version 8 was rolled back (alarm red);",
        ),
        (
            Start(version(8), update=True, running=7, why="it is newer"),
            Release(target(), (STEP,)),
            SOMETHING_LEFT,
            "start",
            "Release version 8: it is newer.",
        ),
        (
            Start(version(8), update=False, running=None, why="it is newer"),
            Release(target(creating=True), (STEP,)),
            SOMETHING_LEFT,
            "start",
            "Create the endpoint with version 8: it is newer.",
        ),
        (
            SetUp(live()),
            SetUpPlan(),
            NOTHING_LEFT,
            "leave",
            "Nothing to do: version 7 is in service and set up.",
        ),
        (
            SetUp(live()),
            SetUpPlan(steps=(STEP,)),
            SOMETHING_LEFT,
            "setup",
            "Set up: version 7 is in service;",
        ),
        (
            SetUp(live()),
            SetUpPlan(later=("a baseline is being made",)),
            SOMETHING_LEFT,
            "setup",
            "Nothing to do now: a baseline is being made.",
        ),
    ],
)
def test_each_decision_has_a_word_an_exit_code_and_a_line(
    decision: Decision, work: Any, code: int, word: str, line: str
) -> None:
    plan = Plan(look(), decision, work)

    assert plan.exit_code == code
    assert as_json(plan)["decision"] == word
    assert f"\n{line}" in said(plan)


def test_keys_of_the_document_are_always_the_same() -> None:
    plans = [
        Plan(look(), Leave("why")),
        Plan(look(), Block("code", "why")),
        Plan(look(), Start(version(8), update=True, running=7, why="why"), Release(target(), (STEP,))),
        Plan(look(), SetUp(live()), SetUpPlan(steps=(STEP,))),
    ]

    assert len({tuple(as_json(plan)) for plan in plans}) == 1


@pytest.mark.parametrize(
    ("at", "line"),
    [
        (look(), "churn-prod: version 7 of churn is live, as wanted."),
        (look(version(7), version(8)), "churn-prod: version 7 is live, version 8 of churn is wanted."),
        (
            look(endpoint=None, record=Record()),
            "churn-prod: there is no such endpoint yet, version 7 of churn is wanted.",
        ),
        (
            look(endpoint=endpoint("by-hand", "Updating")),
            "churn-prod: the endpoint is Updating, version 7 of churn is wanted.",
        ),
        (look(version(7, "Failed")), "churn-prod: version 7 is live, no version of churn can be released."),
    ],
)
def test_the_first_line_says_what_is_live_and_what_is_wanted(at: Look, line: str) -> None:
    assert said(Plan(at, Leave("why"))).splitlines()[0] == line


def test_a_release_under_way_says_since_when() -> None:
    under_way = record(live=live(), target=target(asked=True))
    plan = Plan(look(version(8), record=under_way), Wait("SageMaker is at work on the endpoint (Updating)"))

    assert "Version 8 is being released since 23 Nov 2026 11:00 UTC, 1 hour now." in said(plan)
    assert (as_json(plan)["releasing"], as_json(plan)["since"]) == (8, (NOW - timedelta(hours=1)).isoformat())


def test_versions_that_are_passed_over_are_explained() -> None:
    barred = Barred(version=8, package_arn="arn", at=NOW, reason="alarm red", rejected=False)
    approved = (version(7), version(8), version(9, "Failed"), version(10, "InProgress"))
    remembered = record(live=live(), barred=(barred,))

    notes = as_json(Plan(look(*approved, record=remembered), Leave("why"), waiting=11))["notes"]

    assert notes == [
        "version 10 is approved and still being made",
        "version 11 waits for approval",
        "version 8 is approved, but was rolled back on 23 Nov 2026 12:00 UTC: alarm red. To try it again, reject it and approve it anew",
        "version 9 is approved, but the package itself is Failed",
    ]


def test_nothing_is_said_of_versions_by_another_groups_record() -> None:
    barred = Barred(version=8, package_arn="arn", at=NOW, reason="alarm red")
    remembered = record(live=live(), barred=(barred,), target=target())
    at = look(version(8), record=remembered, rival_group="other")

    document = as_json(Plan(at, Block("rival-group", "why")))

    assert (document["notes"], document["releasing"], document["since"]) == ([], None, None)


def test_what_is_being_tidied_away_is_told() -> None:
    remembered = record(live=live()).retiring(("model", "m8"), at=NOW)
    (retired,) = remembered.retired
    remembered = remembered.model_copy(update={"retired": (retired.model_copy(update={"claimed_at": NOW}),)})
    start = Start(version(8), update=True, running=7, why="why")

    plan = Plan(look(version(8), record=remembered), start, Release(target(), (STEP,)))

    assert any("m8 is being tidied away" in note for note in as_json(plan)["notes"])


def test_environments_of_models_are_hidden_and_others_are_not() -> None:
    container = {"ModelPackageName": "arn", "Environment": {"KEY": "secret"}}
    steps = (
        Step(Action.CREATE_MODEL, {"ModelName": "m", "PrimaryContainer": container}, "why"),
        Step(
            Action.CREATE_PROCESSING_JOB, {"ProcessingJobName": "j", "Environment": {"dataset": "csv"}}, "why"
        ),
    )
    plan = Plan(look(), SetUp(live()), SetUpPlan(steps=steps))

    first, second = (step["request"] for step in as_json(plan)["steps"])

    assert first["PrimaryContainer"]["Environment"] == {"KEY": "(hidden)"}
    assert second["Environment"] == {"dataset": "csv"}
    assert container["Environment"] == {"KEY": "secret"}


BY: list[Callable[[str], Plan]] = [
    lambda text: Plan(look(), Block("code", text, advice=text, failure_reason=text)),
    lambda text: Plan(look(), RolledBack(target(), text)),
    lambda text: Plan(
        look(),
        Start(version(8), update=True, running=7, why=text),
        Release(
            target(traffic=text, guarded_by=(text,), notes=(text,)),
            (Step(Action.CREATE_MODEL, {"ModelName": text, "Text": text}, text),),
        ),
    ),
    lambda text: Plan(look(), SetUp(live()), SetUpPlan(has=(text,), notes=(text,), later=(text,))),
]


@pytest.mark.parametrize("plan_with", BY)
@given(text=hostile_text())
def test_no_text_forges_lines_or_escapes_or_markup(plan_with: Callable[[str], Plan], text: str) -> None:
    clean = said(plan_with("x"), verbose=True)
    hostile = said(plan_with(text), verbose=True)

    assert "\x1b" not in hostile
    assert hostile.count("\n") <= clean.count("\n")
    hostile.encode()


def test_markup_is_text() -> None:
    plan = Plan(look(), Block("code", "[red]no[/red] [link=http://x]y[/link]"))

    assert "[red]no[/red] [link=http://x]y[/link]" in said(plan)
    assert "\x1b]8" not in said(plan, colours=True)
