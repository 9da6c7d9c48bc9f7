"""Threads: everything about one version is told in one incident, and what follows from it where it followed from."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from embedded_aws.moto_additions.sagemaker import Outcome
from stationkeeper.aws.release_records import DynamoDbReleaseRecords
from stationkeeper.aws.retraining_records import DynamoDbRetrainingRecords
from stationkeeper.releases.record import Barred
from stationkeeper.retraining.record import Drift, Execution, RetrainingRecord
from stationkeeper.severity import Severity

from tests.release_world import ENDPOINT, GROUP_ARN, ReleaseWorld, headline, nothing_is_left, release_world
from tests.world import ACCOUNT, BUCKET, REGION, TABLE

DAY = 24 * 3600
PIPELINE_ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/churn-retraining"
EXECUTION_ARN = f"{PIPELINE_ARN}/execution/a1b2c3d4e5f6"
DRIFT = "0d71f700"
ALARM = "a1a20000"
RELEASE = ("ApprovalRequested", "ReleaseStarted", "ReleaseSucceeded", "ReleaseRolledBack")


@pytest.fixture
def system() -> Iterator[ReleaseWorld]:
    with release_world() as running:
        yield running
        nothing_is_left(running)


def threads(system: ReleaseWorld) -> dict[str, list[str]]:
    """What on-call got since the last time, by incident; without severity and endpoint."""
    found: dict[str, list[str]] = {}
    for mail in system.read_mail():
        said = headline(mail).partition(": ")[2]
        found.setdefault(mail["attributes"]["incident"], []).append(said)
    return found


def registered_and_approved(system: ReleaseWorld, **more: Any) -> str:
    """A version; approval was asked for before it was given."""
    arn = system.register(**more)
    system.pump()
    system.approve(arn)
    system.settle()
    return arn


def released(system: ReleaseWorld, versions: int) -> list[str]:
    """So many versions, one after the other; on-call has read all of it."""
    system.group()
    arns = [registered_and_approved(system) for _ in range(versions)]
    threads(system)
    return arns


# ---------------------------------------------------------------- one version


def test_approval_start_and_success_of_a_version_are_one_thread(system: ReleaseWorld) -> None:
    system.group()
    registered_and_approved(system)
    registered_and_approved(system)

    assert list(threads(system).values()) == [
        [
            "version 1 of churn waits for approval",
            "creating the endpoint with version 1",
            "version 1 in service after 10 minutes",
        ],
        [
            "version 2 of churn waits for approval",
            "releasing version 2, replacing 1",
            "version 2 in service after 28 minutes",
        ],
    ]
    assert len({detail["incident"] for detail in system.details(*RELEASE)}) == 2


def test_rollback_and_the_next_attempt_stay_in_the_thread_of_the_version(system: ReleaseWorld) -> None:
    released(system, 1)
    system.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK)
    second = registered_and_approved(system)
    system.advance(DAY)
    system.approve(second)
    system.settle()

    assert list(threads(system).values()) == [
        [
            "version 2 of churn waits for approval",
            "releasing version 2, replacing 1",
            "version 2 rolled back, version 1 serves",
            "releasing version 2, replacing 1",
            "version 2 in service after 28 minutes",
        ]
    ]


def test_version_nobody_was_asked_about_is_one_thread_too(system: ReleaseWorld) -> None:
    system.group()
    system.approved(status="Approved")
    system.settle()

    (said,) = threads(system).values()
    assert len(said) == 2


def test_record_knows_the_thread_of_what_serves(system: ReleaseWorld) -> None:
    released(system, 2)
    ended = system.details("ReleaseSucceeded")[-1]

    live = system.record().live

    assert (live.version, live.incident, live.replaced, live.fell_back) == (2, ended["incident"], 1, False)
    assert set(live.alarms) <= set(live.guarded_by)
    assert live.approved_at is not None
    assert live.approved_at <= live.started_at


# ---------------------------------------------------------------- what lasts


def test_daily_reminder_of_a_block_stays_in_its_thread(system: ReleaseWorld) -> None:
    (first,) = released(system, 1)
    system.reject(first)
    system.settle()
    for _ in range(2):
        system.advance(DAY + 60)
        system.sweep()

    (said,) = threads(system).values()
    assert said == ["no version is approved any more"] * 3


def test_block_that_was_over_and_comes_again_is_another_thread(system: ReleaseWorld) -> None:
    (first,) = released(system, 1)
    for _ in range(2):
        system.reject(first)
        system.settle()
        system.approve(first)
        system.settle()

    assert list(threads(system).values()) == [["no version is approved any more"]] * 2


def test_daily_reminder_of_unusable_tags_stays_in_its_thread(system: ReleaseWorld) -> None:
    system.group(endpoint="churn prod!")
    system.approved()
    system.settle()
    for _ in range(2):
        system.advance(DAY + 60)
        system.sweep()

    (said,) = threads(system).values()
    assert len(said) == 3


# ---------------------------------------------------------------- back to the version before


def taken_back(system: ReleaseWorld, package_arn: str, incident: str) -> None:
    """As `alarm_response` does it: barred with the thread of the alarm, then rejected."""
    records = DynamoDbReleaseRecords(lambda: system.dynamodb, TABLE)
    record = system.record()
    barred = Barred(
        version=record.live.version,
        package_arn=package_arn,
        at=datetime.fromtimestamp(system.clock.now(), UTC),
        reason="the alarm churn-latency became red after its release",
        rejected=True,
        incident=incident,
    )
    records.remember(ENDPOINT, record.with_bar(barred))
    system.reject(package_arn)
    system.settle()


def test_fallback_after_an_alarm_is_told_in_the_thread_of_the_alarm(system: ReleaseWorld) -> None:
    _, second = released(system, 2)

    taken_back(system, second, ALARM)

    assert system.live_version() == 1
    assert threads(system) == {
        ALARM: ["releasing version 1, replacing 2", "version 1 in service after 28 minutes"]
    }
    started = system.details("ReleaseStarted")[-1]
    assert started["why"] == (
        "version 2 was taken back (the alarm churn-latency became red after its release); "
        "version 1 is the next highest approved"
    )
    live = system.record().live
    assert (live.incident, live.replaced, live.fell_back) == (ALARM, 2, True)


def test_fallback_that_goes_wrong_too_stays_in_the_thread_of_the_alarm(system: ReleaseWorld) -> None:
    _, second, third = released(system, 3)
    system.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK)

    taken_back(system, third, ALARM)

    assert (system.live_version(), system.status(second)) == (1, "Rejected")
    assert set(threads(system)) == {ALARM}


def test_version_that_was_taken_back_and_approved_again_goes_on_in_its_own_thread(
    system: ReleaseWorld,
) -> None:
    _, second = released(system, 2)
    own = system.record().live.incident
    taken_back(system, second, ALARM)
    threads(system)

    system.approve(second)
    system.settle()

    assert system.live_version() == 2
    assert set(threads(system)) == {own}


def test_next_version_after_a_fallback_has_its_own_thread(system: ReleaseWorld) -> None:
    _, second = released(system, 2)
    taken_back(system, second, ALARM)
    threads(system)

    registered_and_approved(system)

    (said,) = threads(system).values()
    assert len(said) == 3
    assert system.record().live.incident != ALARM
    assert not system.record().live.fell_back


def test_fallback_because_somebody_rejected_what_serves_is_told_with_its_version(
    system: ReleaseWorld,
) -> None:
    _, second = released(system, 2)
    first_thread = system.details("ReleaseSucceeded")[0]["incident"]

    system.reject(second)
    system.settle()

    assert set(threads(system)) == {first_thread}
    assert system.record().live.fell_back


# ---------------------------------------------------------------- what a drift led to


def retraining(system: ReleaseWorld) -> None:
    """A pipeline execution that was started here because of drift."""
    now = datetime.fromtimestamp(system.clock.now(), UTC)
    drift = Drift(
        event_id="event-1",
        incident=DRIFT,
        severity=Severity.CRITICAL,
        since=now - timedelta(hours=3),
        schedule="churn-watch",
        schedule_arn=f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:monitoring-schedule/churn-watch",
        words="2 features drifted",
    )
    execution = Execution(
        name="stationkeeper-1",
        token="t" * 32,
        drift=drift,
        endpoint=ENDPOINT,
        group_arn=GROUP_ARN,
        asked_at=now - timedelta(hours=2),
        arn=EXECUTION_ARN,
    )
    DynamoDbRetrainingRecords(lambda: system.dynamodb, TABLE).remember(
        PIPELINE_ARN, RetrainingRecord(pipeline="churn-retraining", executions=(execution,))
    )


def by(generated_by: str) -> dict[str, Any]:
    return {"MetadataProperties": {"GeneratedBy": generated_by}}


@pytest.mark.parametrize("spelled", [EXECUTION_ARN, EXECUTION_ARN.lower()])
def test_version_a_retraining_made_is_told_in_the_thread_of_the_drift(
    system: ReleaseWorld, spelled: str
) -> None:
    released(system, 1)
    retraining(system)
    second = system.register(**by(spelled))
    system.pump()

    (mail,) = system.read_mail()
    assert mail["attributes"]["incident"] == DRIFT
    assert headline(mail) == "[INFO] churn-prod: version 2 of churn, retrained, waits for approval"
    assert "2 features drifted" in mail["body"]
    assert EXECUTION_ARN in mail["body"]
    (requested,) = system.details("ApprovalRequested")[1:]
    assert requested["retrained"]["incident"] == DRIFT

    system.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK)
    for _ in range(2):
        system.approve(second)
        system.settle()

    assert threads(system) == {
        DRIFT: [
            "releasing version 2, replacing 1",
            "version 2 rolled back, version 1 serves",
            "releasing version 2, replacing 1",
            "version 2 in service after 28 minutes",
        ]
    }
    assert system.record().live.incident == DRIFT


@pytest.mark.parametrize(
    "generated_by",
    [
        EXECUTION_ARN.replace("a1b2c3", "ffffff"),
        EXECUTION_ARN.replace("churn-retraining", "nightly"),
        PIPELINE_ARN,
        f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/churn-2026",
        "somebody",
    ],
    ids=["another execution", "another pipeline", "no execution", "a job", "words"],
)
def test_version_that_came_from_elsewhere_has_its_own_thread(system: ReleaseWorld, generated_by: str) -> None:
    released(system, 1)
    retraining(system)
    registered_and_approved(system, **by(generated_by))

    ((incident, said),) = threads(system).items()
    assert incident != DRIFT
    assert len(said) == 3
    assert system.details("ApprovalRequested")[-1]["retrained"] is None


def test_fallback_to_a_retrained_version_after_an_alarm_is_told_with_the_alarm(system: ReleaseWorld) -> None:
    system.group()
    retraining(system)
    registered_and_approved(system, **by(EXECUTION_ARN))
    second = registered_and_approved(system)
    threads(system)

    taken_back(system, second, ALARM)

    assert set(threads(system)) == {ALARM}


# ---------------------------------------------------------------- metrics that were noted


def noted(**metrics: float) -> dict[str, Any]:
    """As `job_report` registers the metrics of a training job."""
    return {
        "CustomerMetadataProperties": {f"metric:{name}": f"{value:.10g}" for name, value in metrics.items()}
    }


def rows(mail: dict[str, Any], name: str) -> list[list[str]]:
    return [line.split() for line in mail["body"].splitlines() if line.split()[:1] == [name]]


def test_noted_metrics_appear_in_the_approval_request(system: ReleaseWorld) -> None:
    system.group()
    system.register(**noted(auc=0.91, rmse=12))
    system.pump()

    (mail,) = system.read_mail()
    assert rows(mail, "auc") == [["auc", "0.91"]]
    assert rows(mail, "rmse") == [["rmse", "12"]]


def test_noted_metrics_stand_beside_those_of_the_live_version(system: ReleaseWorld) -> None:
    system.group()
    registered_and_approved(system, **noted(auc=0.81))
    threads(system)
    system.register(**noted(auc=0.93))
    system.pump()

    (mail,) = system.read_mail()
    assert rows(mail, "auc") == [["auc", "0.93", "0.81", "+0.12"]]


def test_file_of_metrics_counts_before_noted_ones(system: ReleaseWorld) -> None:
    system.s3.put_object(Bucket=BUCKET, Key="q.json", Body=json.dumps({"auc": {"value": 0.77}}).encode())
    source = {"ContentType": "application/json", "S3Uri": f"s3://{BUCKET}/q.json"}
    system.group()
    system.register(**noted(auc=0.93, f1=0.5), ModelMetrics={"ModelQuality": {"Statistics": source}})
    system.pump()

    (mail,) = system.read_mail()
    assert rows(mail, "auc") == [["auc", "0.77"]]
    assert rows(mail, "f1") == []


def test_without_any_metrics_that_is_said(system: ReleaseWorld) -> None:
    system.group()
    system.register(CustomerMetadataProperties={"lineage": "a", "metric:auc": "very good"})
    system.pump()

    (mail,) = system.read_mail()
    assert "registered without model-quality metrics" in mail["body"]
