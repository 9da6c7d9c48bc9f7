"""Jobs that ended: failures of those that take part are told, models of those that ask for it are registered, once."""

from collections.abc import Callable, Iterator

import pytest
from botocore.exceptions import ClientError
from embedded_aws.moto_additions.sagemaker.outcomes import ExecutionOutcome

from tests.release_world import ENDPOINT, GROUP_ARN, nothing_is_left
from tests.whole_world import (
    PIPELINE,
    TRAINING_IMAGE,
    WholeWorld,
    drifted,
    kinds_of,
    logged,
    rules_that_match,
    whole_world,
)

HOUR = 3_600
OURS = {"stationkeeper:on-call": "trainers"}
REGISTER = {"stationkeeper:register-to": "churn"}
AUC = {"validation:auc": 0.91}


@pytest.fixture
def system() -> Iterator[WholeWorld]:
    with whole_world() as running:
        yield running
        running.read_mail()
        nothing_is_left(running)
        assert not any(running.boxes.values())


def train(system: WholeWorld, name: str, tags: dict[str, str] | None) -> None:
    system.training_job(name, tags)


def tune(system: WholeWorld, name: str, tags: dict[str, str] | None) -> None:
    system.tuning_job(name, tags)


def transform(system: WholeWorld, name: str, tags: dict[str, str] | None) -> None:
    system.model("old")
    system.transform_job(name, tags)


def process(system: WholeWorld, name: str, tags: dict[str, str] | None) -> None:
    system.processing_job(name, tags)


STARTS: dict[str, Callable[[WholeWorld, str, dict[str, str] | None], None]] = {
    "training": train,
    "tuning": tune,
    "transform": transform,
    "processing": process,
}
STOPS = {
    "training": "stop_training_job",
    "tuning": "stop_hyper_parameter_tuning_job",
    "transform": "stop_transform_job",
    "processing": "stop_processing_job",
}
NAMED = {
    "training": "TrainingJobName",
    "tuning": "HyperParameterTuningJobName",
    "transform": "TransformJobName",
    "processing": "ProcessingJobName",
}


# ---------------------------------------------------------------- told and not told


@pytest.mark.parametrize("kind", STARTS)
@pytest.mark.parametrize(("name", "tags"), [("some-job", OURS), ("nightly-job", None)])
def test_a_failed_job_that_takes_part_is_told_once(
    system: WholeWorld, kind: str, name: str, tags: dict[str, str] | None
) -> None:
    system.simulator.plan_job_outcome(name, ok=False, reason="AlgorithmError: ValueError: NaN, exit code: 1")
    system.simulator.disturb(duplicate=2)
    STARTS[kind](system, name, tags)
    system.settle()

    mail = [one for one in system.read_mail() if f" {name} failed" in one["body"]]
    (failed,) = mail
    assert failed["attributes"]["kind"] == "JobFailed"
    assert "Reason: ValueError: NaN" in failed["body"]
    assert failed["attributes"]["team"] == ("trainers" if tags else "ml-on-call")
    assert ("Ran for" in failed["body"]) or kind == "processing"


@pytest.mark.parametrize("kind", STARTS)
def test_a_stopped_job_that_takes_part_is_told(system: WholeWorld, kind: str) -> None:
    STARTS[kind](system, "some-job", OURS)
    system.advance(200)
    getattr(system.sagemaker, STOPS[kind])(**{NAMED[kind]: "some-job"})
    system.settle()

    mail = [one for one in system.read_mail() if "some-job was stopped" in one["body"]]
    assert kinds_of(mail) == ["JobStopped"]
    assert mail[0]["attributes"]["severity"] == "info"


@pytest.mark.parametrize("kind", STARTS)
def test_a_job_of_others_is_ignored_with_a_reason(system: WholeWorld, kind: str) -> None:
    system.simulator.plan_job_outcome("their-job", ok=False)
    with logged() as lines:
        STARTS[kind](system, "their-job", {"team": "others"})
        system.settle()

    assert system.read_mail() == []
    reasons = {line["reason"] for line in lines() if line.get("decision") == "ignored"}
    assert reasons == {"it carries no tag of ours, and its name begins with none of the stack's prefixes"}


@pytest.mark.parametrize("kind", STARTS)
def test_success_is_not_told(system: WholeWorld, kind: str) -> None:
    STARTS[kind](system, "nightly-job", OURS)
    system.settle()

    assert system.read_mail() == []


def test_tags_that_are_not_in_the_event_are_asked_for(system: WholeWorld) -> None:
    system.simulator.plan_job_outcome("some-job", ok=False)
    system.training_job("some-job", OURS)
    while not system.boxes["job_report"]:
        due = system.simulator.next_due()
        assert due is not None
        system.clock.jump_to(due)
        system.simulator.run_due()
    event = system.events_seen[-1]
    system.boxes["job_report"].clear()
    del event["detail"]["Tags"]
    system.on_event(event)
    system.settle()

    assert kinds_of(system.read_mail()) == ["JobFailed"]


def test_a_failed_execution_of_a_pipeline_that_takes_part_is_told(system: WholeWorld) -> None:
    system.pipeline("theirs", tags=OURS, registers=False)
    system.simulator.plan_execution(
        "theirs", ExecutionOutcome.FAILS, step="Train", reason="ClientError: No S3 objects found"
    )
    system.sagemaker.start_pipeline_execution(PipelineName="theirs", ClientRequestToken="2" * 32)
    system.settle()

    mail = system.read_mail()
    (failed,) = (one for one in mail if "pipeline theirs" in one["body"])
    assert "failed at its step Train" in failed["body"]
    assert "No S3 objects found" in failed["body"]
    assert failed["attributes"]["team"] == "trainers"


def test_an_execution_of_others_and_one_that_ended_well_are_not_told(system: WholeWorld) -> None:
    system.pipeline("theirs", registers=False)
    system.pipeline("tagged", tags=OURS, registers=False)
    system.simulator.plan_execution("theirs", ExecutionOutcome.FAILS)
    for name, token in (("theirs", "3"), ("tagged", "4")):
        system.sagemaker.start_pipeline_execution(PipelineName=name, ClientRequestToken=token * 32)
    system.settle()

    assert system.read_mail() == []


def test_an_execution_that_failed_again_after_a_retry_is_told_again(system: WholeWorld) -> None:
    system.pipeline("theirs", tags=OURS, registers=False)
    system.simulator.plan_execution("theirs", ExecutionOutcome.FAILS, reason="first")
    system.sagemaker.start_pipeline_execution(PipelineName="theirs", ClientRequestToken="5" * 32)
    system.settle()
    failed = next(
        event
        for event in system.events_seen
        if event["detail"].get("currentPipelineExecutionStatus") == "Failed"
    )
    first = len(system.read_mail())
    system.on_event(failed)
    system.settle()
    assert system.read_mail() == []
    failed["detail"]["executionEndTime"] = "2026-11-24T10:00:00Z"
    system.on_event(failed)
    system.settle()

    assert first == 1
    assert kinds_of(system.read_mail()) == ["JobFailed"]


# ---------------------------------------------------------------- register-to


@pytest.fixture
def managed(system: WholeWorld) -> WholeWorld:
    """An endpoint that runs version 1, which has metrics; on-call has read all of it."""
    system.group()
    system.approved(CustomerMetadataProperties={"stationkeeper-metric/validation:auc": "0.88"})
    system.settle()
    system.read_mail()
    return system


def of_group(group: str) -> dict[str, str]:
    return {"stationkeeper:register-to": group}


@pytest.mark.parametrize("kind", ["training", "tuning"])
def test_a_model_is_registered_once_and_asks_for_approval(managed: WholeWorld, kind: str) -> None:
    managed.simulator.plan_job_outcome("fit", ok=True, metrics=AUC)
    managed.simulator.disturb(duplicate=3)
    STARTS[kind](managed, "fit", REGISTER)
    managed.settle()

    first, second = managed.versions()
    assert (first["ModelApprovalStatus"], second["ModelApprovalStatus"]) == (
        "Approved",
        "PendingManualApproval",
    )
    (container,) = second["InferenceSpecification"]["Containers"]
    assert container["Image"] == TRAINING_IMAGE
    assert container["ModelDataUrl"].startswith("s3://bucket/models/fit")
    assert second["MetadataProperties"]["GeneratedBy"].endswith("job/fit")
    assert "Trained by fit" in second["ModelPackageDescription"]
    (asked,) = managed.read_mail()
    assert asked["attributes"]["kind"] == "ApprovalRequested"
    assert asked["attributes"]["endpoint"] == ENDPOINT
    metrics = next(line for line in asked["body"].splitlines() if "validation:auc" in line)
    assert "0.91" in metrics
    assert "best of the tuning job fit" in second["ModelPackageDescription"] or kind == "training"


def test_the_live_versions_metrics_stand_beside_the_new_ones(managed: WholeWorld) -> None:
    for value in (0.91, 0.93):
        managed.simulator.plan_job_outcome("fit", ok=True, metrics={"validation:auc": value})
        managed.training_job(f"fit-{value}".replace(".", "-"), REGISTER)
        managed.settle()
        managed.approve(managed.versions()[-1]["ModelPackageArn"])
        managed.settle()

    asked = [one for one in managed.read_mail() if one["attributes"]["kind"] == "ApprovalRequested"][-1]
    line = next(line for line in asked["body"].splitlines() if "validation:auc" in line)
    assert "0.93" in line
    assert "0.91" in line


@pytest.mark.parametrize("kind", ["training", "tuning"])
def test_the_same_event_hours_later_makes_no_second_version(managed: WholeWorld, kind: str) -> None:
    managed.simulator.plan_job_outcome("fit", ok=True, metrics=AUC)
    STARTS[kind](managed, "fit", REGISTER)
    managed.settle()
    event = next(
        one
        for one in reversed(managed.events_seen)
        if one["resources"][0].endswith("job/fit") and "JobReport" in "".join(rules_that_match(one))
    )
    managed.advance(30 * HOUR)
    managed.on_event(event)
    managed.settle()

    assert len(managed.versions()) == 2
    assert kinds_of(managed.read_mail()) == ["ApprovalRequested"]


def test_the_event_that_comes_late_still_registers(managed: WholeWorld) -> None:
    managed.simulator.disturb(hold_back=True, only="SageMaker Training Job State Change")
    managed.training_job("fit", REGISTER)
    managed.advance(9 * HOUR)
    managed.simulator.disturb()
    managed.simulator.release_held(reverse=True)
    managed.settle()

    assert len(managed.versions()) == 2


@pytest.mark.filterwarnings("ignore:No application metrics to publish")
@pytest.mark.parametrize("call", range(4))
def test_two_copies_at_once_register_one_version(managed: WholeWorld, call: int) -> None:
    managed.training_job("fit", REGISTER)
    body = until_it_ended(managed)
    managed.boxes["job_report"].clear()
    left = [call]

    def another_copy(_: str) -> None:
        left[0] -= 1
        if left[0] == -1:
            assert managed.invoke("job_report", body) == []

    managed.after_each_call = another_copy
    assert managed.invoke("job_report", body) == []
    managed.after_each_call = None
    managed.settle()

    assert left[0] < 0
    assert len(managed.versions()) == 2
    assert kinds_of(managed.read_mail()) == ["ApprovalRequested"]


def until_it_ended(system: WholeWorld) -> str:
    """The event of a job's end, that waits for job_report."""
    while not system.boxes["job_report"]:
        due = system.simulator.next_due()
        assert due is not None
        system.clock.jump_to(due)
        system.simulator.run_due()
    return system.boxes["job_report"][-1]


@pytest.mark.parametrize("whose", ["job", "group"])
def test_it_may_be_served_by_another_image(managed: WholeWorld, whose: str) -> None:
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/server:1"
    tags = dict(REGISTER)
    if whose == "job":
        tags["stationkeeper:inference-image"] = image
    else:
        managed.tag(GROUP_ARN, inference_image=image)
    managed.training_job("fit", tags)
    managed.settle()

    assert managed.versions()[-1]["InferenceSpecification"]["Containers"][0]["Image"] == image


def test_approved_it_is_released(managed: WholeWorld) -> None:
    managed.training_job("fit", REGISTER)
    managed.settle()
    managed.approve(managed.versions()[-1]["ModelPackageArn"])
    managed.settle()

    assert managed.live_version() == 2


def test_of_a_group_that_is_released_nowhere_the_job_itself_tells(system: WholeWorld) -> None:
    system.group("loose", endpoint=None)
    system.simulator.plan_job_outcome("fit", ok=True, metrics=AUC)
    system.simulator.disturb(duplicate=2)
    system.training_job("fit", of_group("loose"))
    system.settle()

    (version,) = system.versions("loose")
    (done,) = system.read_mail()
    assert done["attributes"]["kind"] == "JobSucceeded"
    assert version["ModelPackageArn"] in done["body"]
    assert "0.91" in done["body"]


def test_a_failed_tuning_job_is_one_message(system: WholeWorld) -> None:
    system.simulator.plan_job_outcome("fit", ok=False, reason="AlgorithmError: ValueError: NaN")
    system.tuning_job("fit", OURS)
    system.settle()

    assert kinds_of(system.read_mail()) == ["JobFailed"]


def test_a_group_that_is_not_there_is_told(system: WholeWorld) -> None:
    system.training_job("fit", of_group("missing"))
    system.settle()

    (failed,) = system.read_mail()
    assert failed["attributes"]["kind"] == "JobFailed"
    assert "could NOT be registered as a version" in failed["body"]
    assert "There is no model package group missing" in failed["body"]


def test_a_group_that_is_not_there_comes_with_what_to_do(system: WholeWorld) -> None:
    system.training_job("fit", of_group("missing"))
    system.settle()

    (failed,) = system.read_mail()
    assert "Create the group, then send the job's event again" in failed["body"]


def test_a_group_whose_listing_fails_comes_with_what_to_do(system: WholeWorld) -> None:
    def missing(name: str) -> None:
        if name.endswith(":ListModelPackages"):
            error = {"Code": "ValidationException", "Message": "ModelPackageGroup missing does not exist."}
            raise ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}, name)  # type: ignore[typeddict-item]

    system.training_job("fit", of_group("missing"))
    system.before_each_call = missing
    system.settle()

    (failed,) = system.read_mail()
    assert "There is no model package group missing" in failed["body"]
    assert "Create the group, then send the job's event again" in failed["body"]


def test_a_group_that_is_made_then_takes_it_when_the_event_is_sent_again(system: WholeWorld) -> None:
    system.training_job("fit", of_group("late"))
    body = until_it_ended(system)
    system.settle()
    system.read_mail()
    system.group("late", endpoint=None)
    assert system.invoke("job_report", body) == []
    system.settle()

    assert len(system.versions("late")) == 1


def test_a_tuning_without_a_best_job_is_told(managed: WholeWorld) -> None:
    managed.simulator.plan_job_outcome("fit", ok=True, best_job=False)
    managed.tuning_job("fit", REGISTER)
    managed.settle()

    (failed,) = (one for one in managed.read_mail() if one["attributes"]["kind"] == "JobFailed")
    assert "None of the training jobs of fit came to a result that can be compared" in failed["body"]
    assert len(managed.versions()) == 1


def test_a_failed_job_registers_nothing(managed: WholeWorld) -> None:
    managed.simulator.plan_job_outcome("fit", ok=False, reason="AlgorithmError: no")
    managed.training_job("fit", REGISTER)
    managed.settle()

    assert len(managed.versions()) == 1
    assert kinds_of(managed.read_mail()) == ["JobFailed"]


def test_a_registration_that_aws_refuses_is_told(managed: WholeWorld) -> None:
    def deny(name: str) -> None:
        if name.endswith(":CreateModelPackage"):
            error = {"Code": "AccessDeniedException", "Message": "not authorized to perform it"}
            raise ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}, name)  # type: ignore[typeddict-item]

    managed.training_job("fit", REGISTER)
    managed.before_each_call = deny
    managed.settle()

    (failed,) = managed.read_mail()
    assert "could NOT be registered" in failed["body"]
    assert len(managed.versions()) == 1


def test_the_training_jobs_of_a_tuning_job_register_nothing_themselves(managed: WholeWorld) -> None:
    """SageMaker gives them the tags of the tuning job."""
    managed.tuning_job("fit", REGISTER)
    managed.settle()

    assert len(managed.versions()) == 2


# ---------------------------------------------------------------- other reactions' jobs


def test_a_monitors_own_job_is_left_to_monitor_report(managed: WholeWorld) -> None:
    managed.watched()
    managed.settle()
    managed.monitor_runs(status="Failed", FailureReason="Job inputs had no data", ExitMessage="")
    assert managed.boxes["job_report"] == []
    managed.settle()

    assert kinds_of(managed.read_mail()) == ["MonitorBlind"]


def test_a_retraining_of_ours_is_told_by_its_execution_not_by_its_training_job(system: WholeWorld) -> None:
    system.group(retraining_pipeline=PIPELINE)
    system.approved()
    system.settle()
    system.watched()
    system.pipeline()
    system.settle()
    system.read_mail()
    system.simulator.plan_execution(PIPELINE, ExecutionOutcome.FAILS, step="Train")
    system.monitor_runs(drifted())
    system.settle()

    assert kinds_of(system.read_mail()) == ["ViolationsDetected", "RetrainingStarted", "JobFailed"]
