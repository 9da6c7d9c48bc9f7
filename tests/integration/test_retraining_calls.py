"""What each drift, each job and each execution costs: the calls of AWS, one by one."""

from collections.abc import Iterator

import pytest
from embedded_aws.moto_additions.sagemaker.outcomes import ExecutionOutcome

from tests.integration.test_retraining import HOUR, drift, released
from tests.whole_world import PIPELINE, WholeWorld, drifted, whole_world

PLACE = ["dynamodb:GetItem", "sagemaker:ListTags"]
"""The release's record, the group's tags."""
RECORD = ["dynamodb:GetItem"]
PIPELINES = ["sagemaker:DescribePipeline", "sagemaker:ListPipelineExecutions"]
WAITING = ["sagemaker:ListModelPackages"]
MONITORS = ["sagemaker:ListMonitoringSchedules", "dynamodb:BatchGetItem"]
LOOK = [*RECORD, *PIPELINES, *WAITING, *MONITORS]
TOLD = ["dynamodb:PutItem", "eventbridge:PutEvents", "dynamodb:PutItem"]
TRAINED = ["sagemaker:DescribeTrainingJob"]
REGISTRY = ["sagemaker:ListTags", "sagemaker:ListModelPackages"]
"""The group's tags and its versions."""


@pytest.fixture
def system() -> Iterator[WholeWorld]:
    with whole_world() as running:
        yield running


def calls_of(system: WholeWorld, name: str, body: str) -> list[str]:
    system.calls.clear()
    assert system.invoke(name, body) == []
    return list(system.calls)


def drift_waits(system: WholeWorld, share: float = 0.0) -> str:
    """A run found drift, and that waits for retraining."""
    system.monitor_runs(drifted(share=share))
    system.deliver_to("monitor_report")
    system.collect()
    (body,) = system.boxes["retraining"]
    system.boxes["retraining"].clear()
    return body


def job_waits(system: WholeWorld, detail_type: str) -> str:
    """The next end of a job or an execution of this kind, that waits for job_report."""
    while not (found := [body for body in system.boxes["job_report"] if detail_type in body]):
        system.boxes["job_report"].clear()
        due = system.simulator.next_due()
        assert due is not None
        system.clock.jump_to(due)
        system.simulator.run_due()
    system.boxes["job_report"].clear()
    return found[-1]


# ---------------------------------------------------------------- drift


def test_a_group_without_a_pipeline(system: WholeWorld) -> None:
    system.group()
    system.approved()
    system.settle()
    system.watched()
    system.settle()

    assert calls_of(system, "retraining", drift_waits(system)) == PLACE


def test_an_endpoint_nobody_manages(system: WholeWorld) -> None:
    system.monitor_runs(drifted())
    system.deliver_to("monitor_report")
    system.collect()
    (body,) = system.boxes["retraining"]

    assert calls_of(system, "retraining", body) == [
        "dynamodb:GetItem",
        "resource groups tagging api:GetResources",
    ]


def test_drift_below_the_threshold(system: WholeWorld) -> None:
    released(system)

    assert calls_of(system, "retraining", drift_waits(system, share=99.7)) == PLACE


def test_drift_that_starts(system: WholeWorld) -> None:
    released(system)
    system.pipeline()

    assert calls_of(system, "retraining", drift_waits(system)) == [
        *PLACE,
        *LOOK,
        "dynamodb:PutItem",
        "sagemaker:StartPipelineExecution",
        *TOLD,
    ]


def test_drift_that_starts_nothing(system: WholeWorld) -> None:
    released(system)
    system.pipeline()
    system.register()
    system.settle()

    assert calls_of(system, "retraining", drift_waits(system)) == [*PLACE, *LOOK, *TOLD]


def test_drift_without_its_pipeline(system: WholeWorld) -> None:
    released(system)

    assert calls_of(system, "retraining", drift_waits(system)) == [
        *PLACE,
        *RECORD,
        "sagemaker:DescribePipeline",
        *MONITORS,
        *TOLD,
    ]


def test_a_refusal_that_was_told_today(system: WholeWorld) -> None:
    """Another monitor of the endpoint drifts in the same incident no more: one look, and that it was answered."""
    released(system)
    drift(system)
    body = drift_again(system)

    assert calls_of(system, "retraining", body) == [
        *PLACE,
        *RECORD,
        "sagemaker:DescribePipeline",
        *MONITORS,
        "dynamodb:PutItem",
    ]


def drift_again(system: WholeWorld) -> str:
    """The same incident has something new to tell an hour later."""
    system.advance(HOUR)
    system.monitor_runs(drifted(), drifted("income"))
    system.deliver_to("monitor_report")
    system.collect()
    (body,) = system.boxes["retraining"]
    system.boxes["retraining"].clear()
    return body


def test_a_duplicate(system: WholeWorld) -> None:
    released(system)
    system.pipeline()
    body = drift_waits(system)
    assert system.invoke("retraining", body) == []

    assert calls_of(system, "retraining", body) == [*PLACE, *LOOK[:1]]


# ---------------------------------------------------------------- jobs and executions


def test_a_job_of_others(system: WholeWorld) -> None:
    system.simulator.plan_job_outcome("theirs", ok=False)
    system.training_job("theirs")

    assert calls_of(system, "job_report", job_waits(system, "Training Job")) == []


def test_a_job_that_ended_well(system: WholeWorld) -> None:
    system.training_job("nightly-fit")

    assert calls_of(system, "job_report", job_waits(system, "Training Job")) == []


def test_a_failure_that_is_told(system: WholeWorld) -> None:
    system.simulator.plan_job_outcome("nightly-fit", ok=False)
    system.training_job("nightly-fit")

    assert calls_of(system, "job_report", job_waits(system, "Training Job")) == [
        *TRAINED,  # one of a tuning job is left to that
        "eventbridge:PutEvents",
    ]


def test_a_model_that_is_registered(system: WholeWorld) -> None:
    system.group()
    system.training_job("fit", {"stationkeeper:register-to": "churn"})
    body = job_waits(system, "Training Job")

    assert calls_of(system, "job_report", body) == [
        *TRAINED,
        *REGISTRY,
        "sagemaker:CreateModelPackage",
    ]
    assert calls_of(system, "job_report", body) == [*TRAINED, *REGISTRY]


def test_a_model_of_a_group_that_is_released_nowhere(system: WholeWorld) -> None:
    system.group("loose", endpoint=None)
    system.training_job("fit", {"stationkeeper:register-to": "loose"})

    assert calls_of(system, "job_report", job_waits(system, "Training Job")) == [
        *TRAINED,
        *REGISTRY,
        "sagemaker:CreateModelPackage",
        "eventbridge:PutEvents",
    ]


def test_the_best_model_of_a_tuning(system: WholeWorld) -> None:
    system.group()
    system.tuning_job("fit", {"stationkeeper:register-to": "churn"})

    assert calls_of(system, "job_report", job_waits(system, "Tuning Job")) == [
        "sagemaker:DescribeHyperParameterTuningJob",
        *TRAINED,
        *REGISTRY,
        "sagemaker:CreateModelPackage",
    ]


def test_an_execution_of_others_that_ended_well(system: WholeWorld) -> None:
    system.pipeline(registers=False)
    system.sagemaker.start_pipeline_execution(PipelineName=PIPELINE, ClientRequestToken="9" * 32)

    assert calls_of(system, "job_report", job_waits(system, "Pipeline Execution Status")) == RECORD


def test_an_execution_of_others_that_failed(system: WholeWorld) -> None:
    system.pipeline(registers=False)
    system.simulator.plan_execution(PIPELINE, ExecutionOutcome.FAILS)
    system.sagemaker.start_pipeline_execution(PipelineName=PIPELINE, ClientRequestToken="9" * 32)

    assert calls_of(system, "job_report", job_waits(system, "Pipeline Execution Status")) == [
        *RECORD,
        "sagemaker:ListTags",
    ]


@pytest.mark.parametrize("outcome", [ExecutionOutcome.SUCCEEDS, ExecutionOutcome.FAILS])
def test_an_execution_of_ours(system: WholeWorld, outcome: ExecutionOutcome) -> None:
    released(system)
    system.pipeline()
    system.simulator.plan_execution(PIPELINE, outcome)
    assert system.invoke("retraining", drift_waits(system)) == []

    assert calls_of(system, "job_report", job_waits(system, "Pipeline Execution Status")) == [
        *RECORD,
        "sagemaker:ListPipelineExecutionSteps",
        "eventbridge:PutEvents",
    ]
