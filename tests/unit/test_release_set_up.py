"""What a version in service needs besides serving: monitors as configured, people's own left alone, nothing claimed that is not there."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.releases.observed import Baselining, Fleet, Scaling, Schedule
from stationkeeper.releases.registry import ModelPackage
from stationkeeper.releases.set_up import SetUpPlan, Surroundings, baselining_needed, plan_set_up
from stationkeeper.releases.settings import StackDefaults
from stationkeeper.releases.steps import Action

from tests.unit.release_builders import (
    ENDPOINT,
    GROUP_ARN,
    IMAGE,
    STACK,
    VARIANT,
    assert_taken,
    capture,
    config,
    fleet,
    model,
    package,
    settings,
    variant,
)

OURS = f"{ENDPOINT}-data-quality"
HOURLY = "cron(0 * ? * * *)"
ANALYSIS = {"ConfigFile": {"S3Uri": "s3://baselines/analysis_config.json"}}
BASELINES: dict[str, dict[str, Any]] = {
    "data quality": {
        "ModelDataQuality": {
            "Constraints": {"S3Uri": "s3://baselines/data.json"},
            "Statistics": {"S3Uri": "s3://baselines/statistics.json"},
        }
    },
    "model quality": {"ModelQuality": {"Constraints": {"S3Uri": "s3://baselines/model.json"}}},
    "bias": {"Bias": {"PostTrainingConstraints": {"S3Uri": "s3://baselines/bias.json"}, **ANALYSIS}},
    "explainability": {"Explainability": {"Constraints": {"S3Uri": "s3://baselines/shap.json"}, **ANALYSIS}},
}
TYPES = {
    "data quality": "DataQuality",
    "model quality": "ModelQuality",
    "bias": "ModelBias",
    "explainability": "ModelExplainability",
}
LABELS = {
    "ground_truth": "s3://labels/churn/",
    "problem_type": "BinaryClassification",
    "inference_attribute": "0",
    "probability_attribute": "1",
    "probability_threshold": "0.5",
    "ground_truth_start": "-P2D",
    "ground_truth_end": "-PT6H",
}
DATASET = {"baseline_dataset": "s3://training/churn/train.csv"}
MULTI_MODEL = model(container={"Mode": "MultiModel", "ModelPackageName": None, "Image": IMAGE})
NO_ROLE = replace(STACK, endpoint_role_arn="")


def with_baselines(*kinds: str, number: int = 8) -> ModelPackage:
    return package(number, DriftCheckBaselines={k: v for kind in kinds for k, v in BASELINES[kind].items()})


WITH_BASELINE = with_baselines("data quality")
CAPTURING = fleet(config(DataCaptureConfig=capture()))


def planned(
    *schedules: Schedule,
    of: ModelPackage = WITH_BASELINE,
    live: Fleet = CAPTURING,
    around: Surroundings | None = None,
    stack: StackDefaults = STACK,
    endpoint: str = ENDPOINT,
    created: bool = False,
    **tags: str,
) -> SetUpPlan:
    plan = plan_set_up(
        of,
        settings(stack, endpoint, **tags),
        live,
        VARIANT,
        GROUP_ARN,
        around or Surroundings(schedules=schedules),
        created=created,
    )
    for step in plan.steps:
        assert_taken(step)
    return plan


def actions(plan: SetUpPlan) -> list[Action]:
    return [step.action for step in plan.steps]


def applied(plan: SetUpPlan, before: Surroundings, status: str = "Scheduled") -> Surroundings:
    """What the endpoint has after the plan was carried out, its schedules being `status`."""
    bounds, policies = before.scaling.bounds, dict(before.scaling.policies)
    schedules = {one.name: one for one in before.schedules}
    baselining = before.baselining
    for step in plan.steps:
        match step.action:
            case Action.REGISTER_SCALABLE_TARGET:
                bounds = (step.request["MinCapacity"], step.request["MaxCapacity"])
            case Action.PUT_SCALING_POLICY:
                policies[step.name] = step.request["TargetTrackingScalingPolicyConfiguration"]
            case Action.CREATE_PROCESSING_JOB:
                assert baselining is None
                baselining = Baselining("InProgress")
            case Action.DELETE_MONITORING_SCHEDULE:
                del schedules[step.name]
            case Action.CREATE_MONITORING_SCHEDULE | Action.UPDATE_MONITORING_SCHEDULE:
                assert (step.name in schedules) is (step.action is Action.UPDATE_MONITORING_SCHEDULE)
                how = step.request["MonitoringScheduleConfig"]
                schedules[step.name] = Schedule(
                    step.name,
                    status,
                    how["MonitoringType"],
                    how["MonitoringJobDefinitionName"],
                    how["ScheduleConfig"]["ScheduleExpression"],
                )
    return Surroundings(Scaling(bounds, policies), tuple(schedules.values()), baselining)


def schedule(name: str = OURS, status: str = "Scheduled", **more: Any) -> Schedule:
    """Ours, as it was set up, unless said otherwise."""
    facts: dict[str, Any] = {
        "kind": "DataQuality",
        "job_definition": planned().steps[0].name,
        "cron": HOURLY,
    }
    return Schedule(name=name, status=status, **{**facts, **more})


# ---------------------------------------------------------------- one monitor


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
    assert plan.notes == (f"the data quality monitor {OURS} is stopped: nobody watches that",)


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
    plan = planned(live=fleet())

    assert actions(plan) == []
    assert "data capture" in plan.notes[0]


@pytest.mark.parametrize("tags", [{}, {"monitor": "daily"}, {"monitor": "off"}])
def test_monitor_of_our_name_that_people_made_is_left_alone(tags: dict[str, str]):
    theirs = schedule(job_definition="data-quality-job-definition-2024-05-17-08-11-22-545")

    assert actions(planned(theirs, **tags)) == []


@pytest.mark.parametrize(
    ("name", "status"), [(OURS, "Failed"), ("their-monitor", "Failed"), ("their-monitor", "Stopped")]
)
def test_monitor_that_does_not_run_is_not_claimed(name: str, status: str):
    definition = {} if name == OURS else {"job_definition": "their-definition"}

    plan = planned(schedule(name, status, **definition))

    assert (actions(plan), plan.has) == ([], ())
    assert plan.notes == (f"the data quality monitor {name} is {status.lower()}: nobody watches that",)


def test_monitor_of_ours_that_failed_is_made_right_with_another_baseline():
    plan = planned(schedule(status="Failed", job_definition=f"{OURS}-12345678"))

    assert Action.UPDATE_MONITORING_SCHEDULE in actions(plan)


def test_monitor_with_the_baseline_of_an_earlier_version_is_said():
    plan = planned(schedule(), of=package(9))

    assert actions(plan) == []
    assert plan.notes == (
        f"the data quality monitor {OURS} judges by the baseline of an earlier version: this one brings none",
    )


def test_monitor_of_people_is_not_said_to_judge_by_an_earlier_version():
    theirs = schedule("their-monitor", job_definition="their-definition")

    assert planned(theirs, of=package(9)) == SetUpPlan()


def test_monitor_that_cannot_be_switched_off_yet_is_left_for_later():
    plan = planned(schedule(status="Pending"), monitor="off")

    assert actions(plan) == []
    assert plan.later == (f"the monitor {OURS} is being changed, and taken away after that",)
    assert not planned(monitor="off").later


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("e"),
        pytest.param("prod"),
        "churn",
        *("e" * 40, "e" * 55, "e" * 63, "a-" * 31 + "a"),
    ],
)
def test_monitor_is_known_again_however_long_its_name(name: str):
    everything = with_baselines(*BASELINES)
    first = planned(of=everything, endpoint=name, **LABELS)
    around = applied(first, Surroundings())

    again = planned(of=everything, endpoint=name, around=around, **LABELS)

    assert (actions(again), again.has) == ([], first.has)
    assert len(first.has) == 4
    off = planned(of=everything, endpoint=name, around=around, monitor="off")
    assert actions(off) == [Action.DELETE_MONITORING_SCHEDULE] * 4


# ---------------------------------------------------------------- each kind


@pytest.mark.parametrize("kind", BASELINES)
def test_monitor_is_made_for_each_kind_of_baseline(kind: str):
    plan = planned(of=with_baselines(kind), **LABELS)

    definition, made = plan.steps
    assert definition.action.value == f"Create{TYPES[kind].removesuffix('JobDefinition')}JobDefinition"
    assert made.action is Action.CREATE_MONITORING_SCHEDULE
    how = made.request["MonitoringScheduleConfig"]
    assert (how["MonitoringType"], how["MonitoringJobDefinitionName"]) == (TYPES[kind], definition.name)
    assert plan.has == (f"{kind} monitor: {ENDPOINT}-{kind.replace(' ', '-')}, hourly",)
    assert (plan.notes, plan.later, plan.failed_job) == ((), (), None)


@pytest.mark.parametrize("kind", ["model quality", "bias"])
def test_monitor_that_compares_with_labels_is_told_where_they_are(kind: str):
    definition = planned(of=with_baselines(kind), **LABELS).steps[0]

    read = definition.request[f"{TYPES[kind]}JobInput"]
    assert read["GroundTruthS3Input"] == {"S3Uri": "s3://labels/churn"}
    assert (read["EndpointInput"]["StartTimeOffset"], read["EndpointInput"]["EndTimeOffset"]) == (
        "-P2D",
        "-PT6H",
    )
    assert read["EndpointInput"]["ProbabilityThresholdAttribute"] == 0.5


@pytest.mark.parametrize(
    ("kind", "tags", "why"),
    [
        ("model quality", {}, "no S3 prefix of ground-truth labels is configured"),
        ("bias", {}, "no S3 prefix of ground-truth labels is configured"),
        ("model quality", {"ground_truth": LABELS["ground_truth"]}, "no S3 prefix of ground-truth labels"),
        (
            "model quality",
            {k: v for k, v in LABELS.items() if not k.endswith("_attribute")},
            "nothing says where in the captured data the prediction is",
        ),
    ],
)
def test_monitor_without_labels_is_not_made_and_that_is_said(kind: str, tags: dict[str, str], why: str):
    plan = planned(of=with_baselines(kind), **tags)

    assert (plan.steps, plan.has) == ((), ())
    assert len(plan.notes) == 1
    assert plan.notes[0].startswith(f"no {kind} monitor: ")
    assert why in plan.notes[0]


@pytest.mark.parametrize("kind", ["data quality", "explainability"])
def test_monitor_that_needs_no_labels_is_made_without(kind: str):
    plan = planned(of=with_baselines(kind))

    assert len(plan.steps) == 2
    assert "GroundTruthS3Input" not in plan.steps[0].request[f"{TYPES[kind]}JobInput"]


@pytest.mark.parametrize("kind", ["bias", "explainability"])
def test_monitor_without_an_analysis_config_is_not_made_and_that_is_said(kind: str):
    ((name, files),) = BASELINES[kind].items()
    bare = {name: {key: value for key, value in files.items() if key != "ConfigFile"}}

    plan = planned(of=package(8, DriftCheckBaselines=bare), **LABELS)

    assert plan.steps == ()
    assert "names no Clarify analysis config" in plan.notes[0]


def test_constraints_from_before_training_judge_no_predictions():
    before = {"Bias": {"PreTrainingConstraints": {"S3Uri": "s3://baselines/pre.json"}, **ANALYSIS}}

    assert planned(of=package(8, DriftCheckBaselines=before), **LABELS) == SetUpPlan()


def test_one_kind_that_is_missing_something_keeps_no_other_from_being_made():
    plan = planned(of=with_baselines(*BASELINES))

    assert [words.partition(" monitor")[0] for words in plan.has] == ["data quality", "explainability"]
    assert [note.partition(" monitor")[0] for note in plan.notes] == ["no model quality", "no bias"]


def test_monitor_that_cannot_be_made_anew_is_not_said_to_be_missing():
    around = applied(planned(of=with_baselines("model quality"), **LABELS), Surroundings())

    plan = planned(of=with_baselines("model quality", number=9), around=around)

    assert f"{ENDPOINT}-model-quality" in plan.notes[0]


# ---------------------------------------------------------------- the baseline is suggested


def job_name(**tags: str) -> str:
    job = baselining_needed(package(8), settings(**{**DATASET, **tags}), CAPTURING, GROUP_ARN)
    assert job is not None
    return job.name


def test_baseline_that_is_lacking_is_suggested_first():
    plan = planned(of=package(8), **DATASET)

    assert [(step.action, step.name) for step in plan.steps] == [(Action.CREATE_PROCESSING_JOB, job_name())]
    assert plan.later == (f"baselines are being suggested by the job {job_name()}",)
    assert (plan.has, plan.notes, plan.failed_job) == ((), (), None)


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
def test_baseline_that_is_being_suggested_is_waited_for(status: str):
    plan = planned(of=package(8), around=Surroundings(baselining=Baselining(status)), **DATASET)

    assert plan == SetUpPlan(later=(f"baselines are being suggested by the job {job_name()}",))


def test_monitor_is_made_for_a_baseline_that_was_suggested():
    plan = planned(of=package(8), around=Surroundings(baselining=Baselining("Completed")), **DATASET)

    assert actions(plan) == [Action.CREATE_DATA_QUALITY_JOB_DEFINITION, Action.CREATE_MONITORING_SCHEDULE]
    compares = plan.steps[0].request["DataQualityBaselineConfig"]
    for resource, name in (("ConstraintsResource", "constraints"), ("StatisticsResource", "statistics")):
        assert compares[resource]["S3Uri"].endswith(f"/{ENDPOINT}/baseline/{job_name()}/{name}.json")
    assert (len(plan.has), plan.later) == (1, ())


@pytest.mark.parametrize(
    ("ended", "why"),
    [
        (Baselining("Failed", "AlgorithmError: no column"), "AlgorithmError: no column"),
        (Baselining("Failed"), "Failed"),
        (Baselining("Stopped"), "Stopped"),
        (Baselining("SomethingNewOf2031"), "SomethingNewOf2031"),
    ],
)
def test_baselining_that_failed_is_said_and_not_tried_again(ended: Baselining, why: str):
    plan = planned(of=package(8), around=Surroundings(baselining=ended), **DATASET)

    assert (plan.steps, plan.has, plan.later) == ((), (), ())
    assert plan.failed_job == (job_name(), why)
    assert plan.notes == (f"no data quality monitor: the baselining job {job_name()} ended {ended.status}",)


def test_other_monitors_do_not_wait_for_baselining():
    plan = planned(of=with_baselines("explainability"), **DATASET)

    assert actions(plan) == [
        Action.CREATE_PROCESSING_JOB,
        Action.CREATE_MODEL_EXPLAINABILITY_JOB_DEFINITION,
        Action.CREATE_MONITORING_SCHEDULE,
    ]
    assert (len(plan.has), len(plan.later)) == (1, 1)


def test_monitor_of_the_version_before_is_kept_until_baselines_are_suggested():
    around = Surroundings(schedules=(schedule(),), baselining=Baselining("InProgress"))

    assert planned(of=package(9), around=around, **DATASET).notes == ()
    done = replace(around, baselining=Baselining("Completed"))
    assert actions(planned(of=package(9), around=done, **DATASET))[-1] is Action.UPDATE_MONITORING_SCHEDULE


NOT_NEEDED: dict[str, tuple[ModelPackage, dict[str, str], Fleet, StackDefaults]] = {
    "no dataset": (package(8), {}, CAPTURING, STACK),
    "the package has one": (WITH_BASELINE, DATASET, CAPTURING, STACK),
    "switched off": (package(8), {**DATASET, "monitor": "off"}, CAPTURING, STACK),
    "no capture": (package(8), DATASET, fleet(), STACK),
    "many models": (package(8), DATASET, fleet(CAPTURING.config, MULTI_MODEL), STACK),
    "no role": (package(8), DATASET, fleet(CAPTURING.config, model(ExecutionRoleArn=None)), NO_ROLE),
    "no image": (package(8), DATASET, CAPTURING, replace(STACK, region="mx-central-1")),
}


@pytest.mark.parametrize(("of", "tags", "live", "stack"), NOT_NEEDED.values(), ids=NOT_NEEDED)
def test_no_baseline_is_suggested_where_none_is_wanted_or_used(
    of: ModelPackage, tags: dict[str, str], live: Fleet, stack: StackDefaults
):
    assert baselining_needed(of, settings(stack, **tags), live, GROUP_ARN) is None
    assert Action.CREATE_PROCESSING_JOB not in actions(planned(of=of, live=live, stack=stack, **tags))


def test_other_dataset_is_another_job():
    names = {job_name(), job_name(baseline_dataset="s3://training/churn/new.csv")}

    assert len(names) == 2
    assert all(name.startswith("stationkeeper-baseline-churn-v8-") for name in names)


# ---------------------------------------------------------------- where there can be none

ASKED = [{}, DATASET, {"monitor": "hourly"}]
SERVERLESS = fleet(
    config(
        variants=[{"VariantName": VARIANT, "ModelName": "m7", "ServerlessConfig": {"MemorySizeInMB": 2048}}],
        DataCaptureConfig=capture(),
    )
)
NOWHERE = {
    "multi-model": (fleet(CAPTURING.config, MULTI_MODEL), STACK, "does not support multi-model endpoints"),
    "serverless": (SERVERLESS, STACK, "serverless endpoints capture no data"),
    "capture off": (fleet(config(DataCaptureConfig=capture(on=False))), STACK, "no data capture"),
    "no role": (
        fleet(CAPTURING.config, model(ExecutionRoleArn=None)),
        NO_ROLE,
        "no model of the endpoint has an execution role",
    ),
}


@pytest.mark.parametrize(("live", "stack", "why"), NOWHERE.values(), ids=NOWHERE)
@pytest.mark.parametrize("tags", ASKED)
def test_endpoint_that_cannot_be_monitored_is_said_where_it_was_wanted(
    live: Fleet, stack: StackDefaults, why: str, tags: dict[str, str]
):
    with_it = planned(of=with_baselines(*BASELINES), live=live, stack=stack, **tags)
    without = planned(of=package(8), live=live, stack=stack, **tags)

    for plan, wanted in ((with_it, True), (without, bool(tags))):
        assert (plan.steps, plan.has, plan.later, plan.failed_job) == ((), (), (), None)
        assert len(plan.notes) == wanted
        assert all(note.startswith("no monitor: ") and why in note for note in plan.notes)


def test_stack_has_the_role_where_the_model_has_none():
    plan = planned(live=fleet(CAPTURING.config, model(ExecutionRoleArn=None)))

    assert plan.steps[0].request["RoleArn"] == STACK.endpoint_role_arn


@pytest.mark.parametrize(
    ("region", "made"),
    [
        ("eu-south-2", ["data quality", "model quality"]),  # no Clarify
        ("us-gov-west-1", ["bias", "explainability"]),  # no analyzer
        ("mx-central-1", []),
    ],
)
def test_monitors_whose_image_the_region_lacks_are_said(region: str, made: list[str]):
    plan = planned(of=with_baselines(*BASELINES), stack=replace(STACK, region=region), **LABELS)

    assert [words.partition(" monitor")[0] for words in plan.has] == made
    lacking = [note.removeprefix("no ").partition(" monitor: ")[0] for note in plan.notes]
    assert lacking == [kind for kind in BASELINES if kind not in made]
    assert all("SageMaker publishes no image sagemaker-" in note and region in note for note in plan.notes)


def test_baseline_that_cannot_be_suggested_in_the_region_is_said():
    plan = planned(of=package(8), stack=replace(STACK, region="us-gov-west-1"), **DATASET)

    assert plan == SetUpPlan(
        notes=("no baseline can be suggested: SageMaker has no analyzer image in us-gov-west-1",)
    )


def test_nothing_to_compare_with_is_said_where_a_monitor_was_asked_for():
    assert planned(of=package(8)) == SetUpPlan()
    assert planned(of=package(8), monitor="daily").notes == (
        "no monitor: the package has no baselines, and the group no tag stationkeeper:baseline-dataset to suggest them from",
    )
    assert planned(of=package(8), monitor="off") == SetUpPlan()


# ---------------------------------------------------------------- twice is as once

FINAL = ["Scheduled", "Pending", "Stopped", "Failed"]


def subsets(of: Any) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(sorted(of)), unique=True)


TAGS: dict[str, dict[str, str]] = {
    "scaled": {"min_instances": "2", "max_instances": "5"},
    "fixed": {"min_instances": "3", "max_instances": "3"},
    "daily": {"monitor": "daily"},
    "labels": LABELS,
    "dataset": DATASET,
}


def tags_of(names: list[str]) -> dict[str, str]:
    return {name: text for chosen in names for name, text in TAGS[chosen].items()}


@given(
    subsets(BASELINES),
    subsets(BASELINES),
    subsets(TAGS),
    subsets(TAGS),
    st.sampled_from(FINAL),
    st.booleans(),
    st.sampled_from(["Completed", "InProgress", "Failed"]),
)
def test_what_was_set_up_is_set_up(
    before: list[str],
    now: list[str],
    tags_before: list[str],
    tags_now: list[str],
    status: str,
    created: bool,
    baselining: str,
):
    """From whatever an earlier version left: carried out once, nothing is left but what is said to be."""
    earlier = planned(of=with_baselines(*before, number=7), created=created, **tags_of(tags_before))
    around = replace(applied(earlier, Surroundings()), baselining=None)
    of, tags = with_baselines(*now), tags_of(tags_now)

    for _ in range(4):
        plan = planned(of=of, around=around, created=created, **tags)
        around = applied(plan, around, status)
        if around.baselining:
            around = replace(around, baselining=Baselining(baselining))

    again = planned(of=of, around=around, created=created, **tags)
    assert again.steps == ()
    running = [one for one in around.schedules if one.status in ("Scheduled", "Pending")]
    claimed = {words.partition(": ")[2].rpartition(",")[0] for words in again.has if " monitor: " in words}
    assert claimed <= {one.name for one in running}
    said = " ".join((*again.has, *again.notes, *again.later))
    assert all(f"{kind} monitor" in said for kind in now)


@given(subsets(BASELINES), subsets(TAGS))
def test_monitors_that_were_switched_off_are_gone(kinds: list[str], names: list[str]):
    around = applied(planned(of=with_baselines(*kinds), **tags_of(names)), Surroundings())
    theirs = schedule("their-monitor", job_definition="their-definition")
    around = replace(around, schedules=(*around.schedules, theirs))
    off = {**tags_of(names), "monitor": "off"}

    after = applied(planned(of=with_baselines(*kinds), around=around, **off), around)

    assert after.schedules == (theirs,)
    assert planned(of=with_baselines(*kinds), around=after, **off).steps == ()


def test_next_version_changes_only_what_it_judges_by():
    everything = with_baselines(*BASELINES)
    around = applied(planned(of=everything, created=True, **LABELS), Surroundings())
    other = {
        **BASELINES["data quality"]["ModelDataQuality"],
        "Constraints": {"S3Uri": "s3://baselines/9.json"},
    }
    baselines = {k: v for kind in BASELINES for k, v in BASELINES[kind].items()}
    nine = package(9, DriftCheckBaselines={**baselines, "ModelDataQuality": other})

    plan = planned(of=nine, around=around, created=True, **LABELS)

    assert [(step.action, step.name) for step in plan.steps[1:]] == [
        (Action.UPDATE_MONITORING_SCHEDULE, OURS)
    ]
    assert len([words for words in plan.has if " monitor: " in words]) == 4


def test_scaling_and_monitors_are_told_together():
    plan = planned(created=True)

    assert plan.has == (
        "autoscaling: 2 to 4 instances, 1,000 calls a minute each",
        f"data quality monitor: {OURS}, hourly",
    )
    unscalable = fleet(config(variants=[variant(InstanceType="ml.t2.medium")], DataCaptureConfig=capture()))
    assert planned(live=unscalable, max_instances="6").notes == ("no autoscaling: T2 instances do not scale",)
