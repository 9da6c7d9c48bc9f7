"""Every real event about alarms, jobs and pipelines: the template's rules that let it through, and what is decided then.

`NO_RULE` begins the reason why no rule is to match. An event that is ignored as it is, because it belongs to nobody here, is acted on
as soon as its resource takes part.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real import PLACE, read_json
from tests.whole_world import WholeWorld, kinds_of, logged, rules_that_match, whole_world

NO_RULE = "no rule: "
ABOUT_NOTHING = "it is about no endpoint that anybody named"
CONFIGURATION = NO_RULE + "somebody changed what an alarm watches; what it finds then is an event of its own"
PLACEHOLDER = NO_RULE + "the documentation's placeholder is no status; jobs that have not ended are no news"
NO_SUCCESS = NO_RULE + "a transform job that ended well is no news, and leaves nothing to register"
ALARM = "CloudWatch Alarm State Change"
TUNING = "sagemaker-hyperparameter-tuning-job-state-change--awsdocs-"
TRAINING = "sagemaker-training-job-state-change--awsdocs-"
TRANSFORM = "sagemaker-transform-job-state-change--awsdocs-"

TABLE: dict[str, tuple[list[str], str]] = {
    **{
        f"cloudwatch-alarm-configuration-change--awsdocs-{which}": ([], CONFIGURATION)
        for which in ("15c451", "1ecd15", "60166f", "9d2c8d", "c94424", "dd7f1f")
    },
    **{
        f"cloudwatch-alarm-state-change--awsdocs-{which}": (["AlarmResponseRule"], ABOUT_NOTHING)
        for which in ("1db40d", "63dc80", "a45272", "c41850", "fc9e8c")
    },
    **{f"{TUNING}{which}": ([], PLACEHOLDER) for which in ("06063c", "0ab096", "dd9a5b")},
    "sagemaker-model-building-pipeline-execution-status-change--awsdocs-657c29": (
        ["JobReportPipelineRule"],
        "it ended well, and was not started here",
    ),
    "sagemaker-model-building-pipeline-execution-step-status-change--awsdocs-dedbd1": (
        [],
        NO_RULE + "an execution tells at its end at which step it failed",
    ),
    "sagemaker-processing-job-state-change--aws-samples-d66dc7": (
        [],
        NO_RULE + "a processing job of no monitor that ended well is no news",
    ),
    "sagemaker-processing-job-state-change--docs.aws-x": (
        ["JobReportProcessingRule"],
        "it carries no tag of ours, and its name begins with none of the stack's prefixes",
    ),
    **{
        f"{TRAINING}{which}": (["JobReportTrainingRule"], "it ended well, and is not to be registered")
        for which in ("0669e6", "51cb5b", "cffdd7")
    },
    **{f"{TRANSFORM}{which}": ([], NO_SUCCESS) for which in ("4f0be1", "7afcbc")},
    f"{TRANSFORM}e4444e": ([], PLACEHOLDER),
}
KINDS = re.compile(r"alarm|pipeline|training|tuning|transform|processing")
STATUS = {
    "TrainingJobStatus": "JobReportTrainingRule",
    "HyperParameterTuningJobStatus": "JobReportTuningRule",
    "TransformJobStatus": "JobReportTransformRule",
    "ProcessingJobStatus": "JobReportProcessingRule",
    "currentPipelineExecutionStatus": "JobReportPipelineRule",
}
OURS = {"stationkeeper:endpoint": "churn-prod"}


@pytest.fixture
def system() -> Iterator[WholeWorld]:
    with whole_world() as running:
        yield running


def event_of(name: str) -> dict[str, Any]:
    event: dict[str, Any] = read_json(PLACE / "events" / f"{name}.json")
    return event


def test_the_table_names_every_file() -> None:
    found = {path.stem for path in Path(PLACE / "events").glob("*.json") if KINDS.search(path.name)}
    if not found:
        event_of(next(iter(TABLE)))  # skips, or complains

    assert found == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_it_takes_the_way_it_should_and_is_ignored_for_a_reason(system: WholeWorld, name: str) -> None:
    rules, reason = TABLE[name]
    event = event_of(name)
    assert rules_that_match(event) == rules
    with logged() as lines:
        system.on_event(event)
        system.settle()

    decisions = [(line["decision"], line["reason"]) for line in lines() if "decision" in line]
    assert decisions == ([] if reason.startswith(NO_RULE) else [("ignored", reason)])
    assert system.read_mail() == []
    assert not any(system.boxes.values())


@pytest.mark.parametrize("name", [name for name in TABLE if "alarm-state-change" in name])
def test_an_alarm_that_is_tagged_is_told(system: WholeWorld, name: str) -> None:
    event = event_of(name)
    event["detail"]["alarmTags"] = OURS
    system.on_event(event)
    system.settle()

    (raised,) = system.read_mail()
    assert raised["attributes"]["kind"] == "AlarmRaised"
    assert raised["attributes"]["endpoint"] == "churn-prod"
    assert event["detail"]["alarmName"] in raised["subject"] + raised["body"]


JOBS = [name for name in TABLE if name.startswith("sagemaker") and "-step-" not in name]


@pytest.mark.parametrize(
    ("name", "status"),
    [(name, status) for name in JOBS for status in ("Failed", "Stopped")],
)
def test_a_job_that_takes_part_and_did_not_end_well_is_told(
    system: WholeWorld, name: str, status: str
) -> None:
    event = event_of(name)
    (key,) = (key for key in STATUS if key in event["detail"])
    event["detail"] |= {key: status, ("tags" if key[0] == "c" else "Tags"): OURS}
    assert rules_that_match(event) == [STATUS[key]]
    system.on_event(event)
    system.settle()

    (told,) = system.read_mail()
    assert kinds_of([told]) == [f"Job{status}"]
    assert told["attributes"]["endpoint"] == "churn-prod"
