"""What a version in service needs besides serving: monitors as configured, people's own left alone, nothing claimed that is not there."""

from typing import Any

import pytest
from stationkeeper.releases.observed import Schedule
from stationkeeper.releases.registry import ModelPackage
from stationkeeper.releases.set_up import SetUpPlan, Surroundings, plan_set_up
from stationkeeper.releases.steps import Action

from tests.unit.release_builders import (
    ENDPOINT,
    GROUP_ARN,
    VARIANT,
    assert_taken,
    capture,
    config,
    fleet,
    package,
    settings,
)

OURS = f"{ENDPOINT}-data-quality"
HOURLY = "cron(0 * ? * * *)"
WITH_BASELINE = package(
    8, DriftCheckBaselines={"ModelDataQuality": {"Constraints": {"S3Uri": "s3://baselines/constraints.json"}}}
)


def planned(
    *schedules: Schedule, of: ModelPackage = WITH_BASELINE, captures: bool = True, **tags: str
) -> SetUpPlan:
    live = fleet(config(DataCaptureConfig=capture()) if captures else config())
    plan = plan_set_up(
        of, settings(**tags), live, VARIANT, GROUP_ARN, Surroundings(schedules=schedules), created=False
    )
    for step in plan.steps:
        assert_taken(step)
    return plan


def actions(plan: SetUpPlan) -> list[Action]:
    return [step.action for step in plan.steps]


def schedule(name: str = OURS, status: str = "Scheduled", **more: Any) -> Schedule:
    """Ours, as it was set up, unless said otherwise."""
    facts: dict[str, Any] = {
        "kind": "DataQuality",
        "job_definition": planned().steps[0].name,
        "cron": HOURLY,
    }
    return Schedule(name=name, status=status, **{**facts, **more})


def test_monitor_is_made_for_the_baseline_of_the_package():
    plan = planned()

    assert actions(plan) == [Action.CREATE_DATA_QUALITY_JOB_DEFINITION, Action.CREATE_MONITORING_SCHEDULE]
    assert plan.has == (f"data quality monitor: {OURS}, hourly",)


@pytest.mark.parametrize("status", ["Scheduled", "Pending"])
def test_what_was_set_up_is_not_set_up_again(status: str):
    plan = planned(schedule(status=status))

    assert (actions(plan), plan.has, plan.later) == ([], (f"data quality monitor: {OURS}, hourly",), ())


def test_stopped_monitor_stays_stopped_and_that_is_said():
    plan = planned(schedule(status="Stopped"))

    assert (actions(plan), plan.has) == ([], ())
    assert plan.notes == (f"the data quality monitor {OURS} is stopped",)


@pytest.mark.parametrize("tags", [{"monitor": "daily"}, {}])
def test_monitor_that_differs_is_changed_unless_it_is_being_changed(tags: dict[str, str]):
    other = {} if tags else {"job_definition": f"{OURS}-12345678"}

    assert actions(planned(schedule(**other), **tags)) == [
        Action.CREATE_DATA_QUALITY_JOB_DEFINITION,
        Action.UPDATE_MONITORING_SCHEDULE,
    ]
    waiting = planned(schedule(status="Pending", **other), **tags)
    assert actions(waiting) == []
    assert len(waiting.later) == 1


def test_monitor_of_the_same_kind_that_was_there_before_is_kept():
    plan = planned(schedule("their-monitor", job_definition="their-definition"))

    assert actions(plan) == []
    assert plan.has == ("data quality monitor: their-monitor, which was there before",)


def test_monitors_are_switched_off():
    theirs = schedule("their-monitor", job_definition="their-definition")

    plan = planned(schedule(), theirs, monitor="off")

    assert [(step.action, step.name) for step in plan.steps] == [(Action.DELETE_MONITORING_SCHEDULE, OURS)]


def test_monitor_without_captured_data_is_not_made_and_that_is_said():
    plan = planned(captures=False)

    assert actions(plan) == []
    assert "data capture" in plan.notes[0]


BY_NAME = (
    "whose a schedule is, is told by its name `<endpoint>-data-quality` alone, which is what people call theirs too: it is then updated to our "
    "definition, and deleted by monitor=off. Fix: ours is one whose job_definition is ours as well, i.e. matches "
    "`<schedule name>-<8 hex digits>` (put is_ours(schedule) beside schedule_name(); shortened names end in a digest too); another "
    "one of our name is kept as 'which was there before'"
)


@pytest.mark.xfail(strict=True, reason=BY_NAME)
@pytest.mark.parametrize("tags", [{}, {"monitor": "daily"}, {"monitor": "off"}])
def test_monitor_of_our_name_that_people_made_is_left_alone(tags: dict[str, str]):
    theirs = schedule(job_definition="data-quality-job-definition-2024-05-17-08-11-22-545")

    assert actions(planned(theirs, **tags)) == []


@pytest.mark.xfail(
    strict=True,
    reason="a schedule whose status is Failed counts as what the endpoint has (missing is not healthy). Fix in _plan_monitor: with status "
    "Failed fall through to UpdateMonitoringSchedule, or at least a note and no `has`; for another one's Stopped or Failed schedule "
    "say its status too",
)
@pytest.mark.parametrize(
    ("name", "status"), [(OURS, "Failed"), ("their-monitor", "Failed"), ("their-monitor", "Stopped")]
)
def test_monitor_that_does_not_run_is_not_claimed(name: str, status: str):
    definition = {} if name == OURS else {"job_definition": "their-definition"}

    plan = planned(schedule(name, status, **definition))

    assert f"data quality monitor: {name}" not in " ".join(plan.has) or status.lower() in " ".join(plan.has)


@pytest.mark.xfail(
    strict=True,
    reason="the new version brings no data-quality baseline: our schedule of the version before it runs on and judges the new model by the old "
    "one's baseline, and nobody hears of it. Fix: for ours whose kind is not among the baselines a note, e.g. 'the data quality monitor X "
    "compares with the baseline of an earlier version: this one brings none'",
)
def test_monitor_with_the_baseline_of_an_earlier_version_is_said():
    assert any(OURS in note for note in planned(schedule(), of=package(9)).notes)


@pytest.mark.xfail(
    strict=True,
    reason="_switched_off() passes over a Pending schedule without saying that it is left for later, so the version counts as settled. Fix: "
    "SetUpPlan(later=...) for it, as _plan_monitor does",
)
def test_monitor_that_cannot_be_switched_off_yet_is_left_for_later():
    assert planned(schedule(status="Pending"), monitor="off").later
