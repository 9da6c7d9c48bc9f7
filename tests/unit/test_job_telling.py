"""Domain events of jobs that ended: each kind, each ending, the same id on every retry, and whose incident it is."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.events.domain import DomainEvent
from stationkeeper.events.job import Job, JobKind
from stationkeeper.events.job_events import FailedStep, JobFailed, JobStopped, JobSucceeded
from stationkeeper.events.on_bus import from_detail
from stationkeeper.jobs.registration import Impossible
from stationkeeper.jobs.telling import Telling
from stationkeeper.retraining.record import retrained
from stationkeeper.severity import Severity

from tests.unit.builders import hostile_text
from tests.unit.release_builders import ACCOUNT, ENDPOINT, GROUP_ARN, NOW, REGION, package_arn
from tests.unit.test_release_telling import texts_of
from tests.unit.test_retraining_record import PIPELINE, PIPELINE_ARN, execution, execution_arn

SAGEMAKER = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
RETRAINED = retrained(execution(1), PIPELINE)
REASON = 'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "ValueError: no rows"'
STEP = FailedStep(
    name="Train",
    kind="TrainingJob",
    reason="ClientError: Data download failed: AccessDenied",
    job_arn=f"{SAGEMAKER}:training-job/pipelines-p1-train",
    log_group="/aws/sagemaker/TrainingJobs",
)


def job(kind: JobKind = JobKind.TRAINING, name: str = "churn-1", **facts: Any) -> Job:
    """A job that ended at NOW after an hour; an execution of churn-retrain where `kind` says so."""
    execution_of = {
        "name": "p00000000001",
        "arn": execution_arn(1),
        "pipeline": PIPELINE,
        "pipeline_arn": PIPELINE_ARN,
    }
    defaults: dict[str, Any] = {
        "kind": kind,
        "name": name,
        "arn": f"{SAGEMAKER}:{kind.value}-job/{name}",
        "status": "Failed",
        "created_at": NOW - timedelta(minutes=65),
        "started_at": NOW - timedelta(hours=1),
        "ended_at": NOW,
        **(execution_of if kind is JobKind.PIPELINE else {}),
    }
    return Job(**{**defaults, **facts})


def telling(of: Job | None = None, **facts: Any) -> Telling:
    return Telling(
        **{
            "job": of or job(),
            "account": ACCOUNT,
            "region": REGION,
            "on_call": "team-risk",
            "event_id": "event-1",
            "at": NOW + timedelta(seconds=5),
            "endpoint": ENDPOINT,
            "group_arn": GROUP_ARN,
            **facts,
        }
    )


type Tell = Callable[[Telling, str], DomainEvent]
TELLS: dict[str, Tell] = {
    "failed": lambda telling, text: telling.failed(text, STEP.model_copy(update={"reason": text})),
    "stopped": lambda telling, text: telling.stopped(text),
    "succeeded": lambda telling, text: telling.succeeded((package_arn(8) + text,), {text: 0.5, "auc": 0.9}),
    "not registered": lambda telling, text: telling.not_registered(Impossible(text, text)),
}
every_outcome = pytest.mark.parametrize("tell", TELLS.values(), ids=TELLS)
every_kind = pytest.mark.parametrize("kind", JobKind)


# ---------------------------------------------------------------- each kind, each ending


@every_kind
@every_outcome
def test_event_says_which_job_it_was(kind: JobKind, tell: Tell):
    event = tell(telling(job(kind)), "x")

    told = event.model_dump()
    assert (told["kind"], told["job_arn"]) == (kind.value, job(kind).arn)
    assert told["job"] == (PIPELINE if kind is JobKind.PIPELINE else "churn-1")
    assert told["log_group"] == (kind.log_group or "")
    assert (told["started_at"], told["ended_at"]) == (NOW - timedelta(hours=1), NOW)
    assert (told["endpoint"], told["group"], told["group_arn"]) == (ENDPOINT, "churn", GROUP_ARN)
    assert (told["account"], told["region"], told["on_call"]) == (ACCOUNT, REGION, "team-risk")
    assert (told["at"], told["purpose"], told["retrained"]) == (NOW + timedelta(seconds=5), "", None)
    assert event.cause.event_id == "event-1"
    assert (event.cause.job, event.cause.job_arn) == (job(kind).name, job(kind).arn)


@every_kind
def test_failed_job_tells_why_and_what_to_look_at(kind: JobKind):
    event = telling(job(kind)).failed(REASON)

    assert isinstance(event, JobFailed)
    assert (event.severity, event.code) == (Severity.WARNING, "ExecuteUserScriptError")
    assert (event.reason, event.exit_code, event.passing) == ("ValueError: no rows", 1, False)
    assert event.step is None


@every_kind
def test_stopped_job_is_for_the_record(kind: JobKind):
    event = telling(job(kind)).stopped("MaxRuntimeExceeded: it ran too long")

    assert isinstance(event, JobStopped)
    assert event.severity is Severity.INFO
    assert "ran too long" in event.reason
    nothing_said = telling(job(kind)).stopped("")
    assert isinstance(nothing_said, JobStopped)
    assert nothing_said.reason == ""


@every_kind
def test_succeeded_job_tells_what_came_out_of_it(kind: JobKind):
    event = telling(job(kind)).succeeded((package_arn(8),), {"auc": 0.9, "loss": 0.1})

    assert isinstance(event, JobSucceeded)
    assert (event.severity, event.version, event.registered) == (Severity.INFO, 8, (package_arn(8),))
    assert event.metrics == (("auc", 0.9), ("loss", 0.1))


def test_job_that_nothing_came_out_of_tells_no_version():
    event = telling().succeeded((), {})

    assert isinstance(event, JobSucceeded)
    assert (event.version, event.registered, event.metrics) == (None, (), ())


def test_newest_of_several_versions_is_told():
    event = telling().succeeded(tuple(sorted([package_arn(9), package_arn(10)])), {})

    assert isinstance(event, JobSucceeded)
    assert event.version == 10


@every_kind
def test_job_that_could_not_be_registered_tells_why_and_what_to_do(kind: JobKind):
    event = telling(job(kind)).not_registered(Impossible("It left no artifact.", "Look at its log"))

    assert isinstance(event, JobFailed)
    assert (event.severity, event.code) == (Severity.WARNING, "register")
    assert (event.reason, event.hint) == ("It left no artifact.", "Look at its log")
    assert (event.step, event.exit_code, event.passing) == (None, None, False)


def test_metrics_and_texts_are_bounded():
    event = telling().succeeded(
        tuple(package_arn(number) for number in range(3)), {f"m{number}": number for number in range(100)}
    )
    failed = telling().failed("x " * 5_000)

    assert isinstance(event, JobSucceeded)
    assert isinstance(failed, JobFailed)
    assert len(event.metrics) == 40
    assert 0 < len(failed.reason) <= 600


# ---------------------------------------------------------------- the step


def test_failed_steps_own_reason_counts():
    event = telling(job(JobKind.PIPELINE)).failed("Step failure: One or multiple steps failed.", STEP)

    assert isinstance(event, JobFailed)
    assert event.code == "ClientError"
    assert event.reason == "Data download failed: AccessDenied"
    assert "S3 location" in event.hint
    assert event.step == STEP.model_copy(update={"reason": event.reason})


def test_execution_says_why_where_its_step_does_not():
    silent = STEP.model_copy(update={"reason": ""})

    event = telling(job(JobKind.PIPELINE)).failed(REASON, silent)

    assert isinstance(event, JobFailed)
    assert (event.code, event.reason) == ("ExecuteUserScriptError", "ValueError: no rows")
    assert event.step is not None
    assert (event.step.name, event.step.job_arn, event.step.reason) == ("Train", STEP.job_arn, event.reason)


def test_failure_without_any_reason_is_told():
    event = telling(job(JobKind.PIPELINE)).failed("", STEP.model_copy(update={"reason": ""}))

    assert isinstance(event, JobFailed)
    assert (event.code, event.reason, event.hint, event.passing) == ("", "", "", False)


# ---------------------------------------------------------------- ids and incidents


@every_kind
@every_outcome
def test_same_ending_has_the_same_id_however_often_it_is_seen(kind: JobKind, tell: Tell):
    of = job(kind)
    again = telling(
        of.model_copy(update={"arn": of.arn.upper(), "tags": {}}),
        event_id="event-2",
        at=NOW + timedelta(minutes=3),
        endpoint="",
        group_arn="",
        retrained=RETRAINED,
    )

    assert tell(telling(of), "x").id == tell(again, "y").id


@every_kind
def test_every_ending_of_every_job_has_an_id_of_its_own(kind: JobKind):
    other = job(kind, "churn-2", arn=f"{job(kind).arn}2")

    ids = [tell(telling(of), "x").id for tell in TELLS.values() for of in (job(kind), other)]

    assert len(set(ids)) == len(ids)


@every_outcome
def test_execution_that_is_retried_under_its_arn_is_told_again(tell: Tell):
    first, second = (
        telling(job(JobKind.PIPELINE, ended_at=ended_at)) for ended_at in (NOW, NOW + timedelta(hours=1))
    )

    assert tell(first, "x").id != tell(second, "x").id
    assert tell(first, "x").incident == tell(second, "x").incident


@every_outcome
def test_job_that_tells_its_end_later_is_told_once(tell: Tell):
    assert tell(telling(job(ended_at=None)), "x").id == tell(telling(job()), "x").id


@every_kind
def test_all_that_is_told_of_a_job_is_one_incident(kind: JobKind):
    later = telling(job(kind, status="Stopped"), at=NOW + timedelta(days=1), event_id="event-9")

    incidents = {tell(one, "x").incident for tell in TELLS.values() for one in (telling(job(kind)), later)}

    assert len(incidents) == 1
    assert len(incidents.pop()) == 8


def test_other_jobs_are_other_incidents():
    incidents = {telling(of).stopped("").incident for of in (job(), job(name="churn-2"), job(JobKind.TUNING))}

    assert len(incidents) == 3


def test_job_that_tells_no_times_is_one_incident():
    timeless = job(created_at=None, started_at=None)

    assert (
        telling(timeless).failed("x").incident
        == telling(timeless, at=NOW + timedelta(minutes=3)).failed("x").incident
    )


@every_outcome
def test_retraining_belongs_to_the_incident_of_its_drift(tell: Tell):
    event = tell(telling(job(JobKind.PIPELINE), retrained=RETRAINED), "x")

    told = event.model_dump()
    assert event.incident == RETRAINED.incident == "incident-1"
    assert (told["purpose"], told["retrained"]) == ("retraining", RETRAINED.model_dump())


# ---------------------------------------------------------------- whatever people write


@pytest.mark.parametrize("kind", [JobKind.TRAINING, JobKind.PIPELINE])
@pytest.mark.parametrize("tell", TELLS.values(), ids=TELLS)
@given(text=hostile_text())
def test_event_survives_the_bus_and_is_clean(kind: JobKind, tell: Tell, text: str):
    pipeline = {"pipeline": text} if kind is JobKind.PIPELINE else {}
    of = job(kind).model_copy(update={"name": text, "arn": SAGEMAKER + text, **pipeline})
    hostile = telling(of, on_call=text, event_id=text, endpoint=text, group_arn=GROUP_ARN + text)

    event = tell(hostile, text)

    document = event.model_dump_json()
    document.encode()
    assert from_detail(event.detail_type, event.model_dump(mode="json")) == event
    assert type(event).model_validate_json(document) == event
    assert all(shown.isprintable() for shown in texts_of(event.model_dump(mode="json")))
    assert len(document) < 100_000


@pytest.mark.parametrize("text", ["Train\n[CRITICAL] forged: line", "\u202egnp.exe", "x" * 10_000])
def test_name_of_the_failed_step_is_clean(text: str):
    event = telling(job(JobKind.PIPELINE)).failed("x", STEP.model_copy(update={"name": text}))

    assert isinstance(event, JobFailed)
    assert event.step is not None
    assert event.step.name.isprintable()
    assert len(event.step.name) <= 300


@given(st.dictionaries(st.text(max_size=10), st.floats(), max_size=60))
def test_metrics_of_any_size_survive_the_bus(metrics: dict[str, float]):
    event = telling().succeeded((), metrics)

    assert isinstance(event, JobSucceeded)
    back = JobSucceeded.model_validate_json(event.model_dump_json())
    assert repr(back.metrics) == repr(event.metrics)  # NaN is not equal to itself
    assert len(event.metrics) == min(len(metrics), 40)
