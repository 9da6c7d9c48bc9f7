"""Monitors, baselines, smoke tests and approval requests: what a version brings besides its model."""

import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.release_world import ENDPOINT, GROUP_ARN, ReleaseWorld, headline, nothing_is_left, release_world
from tests.world import BUCKET

KINDS = {"DataQuality", "ModelQuality", "ModelBias", "ModelExplainability"}
TRUTH = {
    "ground_truth": f"s3://{BUCKET}/labels",
    "problem_type": "BinaryClassification",
    "inference_attribute": "0",
}


@pytest.fixture
def system() -> Iterator[ReleaseWorld]:
    with release_world() as running:
        yield running
        nothing_is_left(running)


def baselines(version: int = 1) -> dict[str, Any]:
    def file(name: str) -> dict[str, str]:
        return {"S3Uri": f"s3://{BUCKET}/checks/{version}/{name}.json", "ContentType": "application/json"}

    return {
        "DriftCheckBaselines": {
            "Bias": {"ConfigFile": file("bias-config"), "PostTrainingConstraints": file("bias")},
            "Explainability": {"Constraints": file("shap"), "ConfigFile": file("shap-config")},
            "ModelQuality": {"Statistics": file("quality-statistics"), "Constraints": file("quality")},
            "ModelDataQuality": {"Statistics": file("data-statistics"), "Constraints": file("data")},
        }
    }


def schedules(system: ReleaseWorld) -> dict[str, str]:
    """Monitoring type -> name of the job definition."""
    found = system.sagemaker.list_monitoring_schedules(EndpointName=ENDPOINT)["MonitoringScheduleSummaries"]
    return {one["MonitoringType"]: one["MonitoringJobDefinitionName"] for one in found}


# ---------------------------------------------------------------- monitors


def test_a_version_with_all_baselines_gets_all_four_monitors(system: ReleaseWorld) -> None:
    system.group(**TRUTH)
    system.approved(**baselines())
    system.settle()

    assert set(schedules(system)) == KINDS
    *_, mail = system.read_mail()
    for words in ("data quality monitor", "model quality monitor", "bias monitor", "explainability monitor"):
        assert words in mail["body"]


def test_without_ground_truth_those_that_need_it_are_said_to_be_missing(system: ReleaseWorld) -> None:
    system.group()
    system.approved(**baselines())
    system.settle()

    assert set(schedules(system)) == {"DataQuality", "ModelExplainability"}
    *_, mail = system.read_mail()
    assert "no model quality monitor" in mail["body"]
    assert "no bias monitor" in mail["body"]


def test_the_next_version_brings_its_own_baselines(system: ReleaseWorld) -> None:
    system.group(**TRUTH)
    system.approved(**baselines(1))
    system.settle()
    before = schedules(system)
    system.approved(**baselines(2))
    system.settle()
    system.sweep()
    system.settle()

    after = schedules(system)
    assert set(after) == KINDS
    assert not set(before.values()) & set(after.values())
    name = after["DataQuality"]
    definition = system.sagemaker.describe_data_quality_job_definition(JobDefinitionName=name)
    assert "/checks/2/" in definition["DataQualityBaselineConfig"]["ConstraintsResource"]["S3Uri"]


def test_monitors_that_are_switched_off_go(system: ReleaseWorld) -> None:
    system.group(**TRUTH)
    system.approved(**baselines())
    system.settle()
    system.tag(monitor="off")
    system.sweep()
    system.settle()
    assert schedules(system) == {}

    system.tag(monitor="daily")
    system.sweep()
    system.settle()
    assert set(schedules(system)) == KINDS


def test_a_schedule_somebody_made_is_left_alone(system: ReleaseWorld) -> None:
    system.group()
    system.approved(**baselines(1))
    system.settle()
    mine = schedules(system)["DataQuality"]
    system.sagemaker.delete_monitoring_schedule(MonitoringScheduleName=f"{ENDPOINT}-data-quality")
    system.sagemaker.create_monitoring_schedule(
        MonitoringScheduleName="mine",
        MonitoringScheduleConfig={"MonitoringJobDefinitionName": mine, "MonitoringType": "DataQuality"},
    )
    system.settle()
    system.approved(**baselines(2))
    system.settle()

    assert schedules(system)["DataQuality"] == mine


def test_a_baseline_is_suggested_and_then_monitored(system: ReleaseWorld) -> None:
    system.group(baseline_dataset=f"s3://{BUCKET}/train.csv")
    system.approved()
    system.advance(700)
    assert schedules(system) == {}
    (job,) = system.sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
    assert job["ProcessingJobName"].startswith("stationkeeper-baseline-churn-v1")
    system.settle()

    assert set(schedules(system)) == {"DataQuality"}
    assert len(system.sagemaker.list_processing_jobs()["ProcessingJobSummaries"]) == 1
    *_, mail = system.read_mail()
    assert "STILL TO COME" in mail["body"]


def test_a_baselining_job_that_fails_is_told_once(system: ReleaseWorld) -> None:
    system.group(baseline_dataset=f"s3://{BUCKET}/train.csv")
    system.simulator.plan_job_outcome("stationkeeper-baseline-", ok=False)
    system.approved()
    system.settle()
    for _ in range(3):
        system.advance(3600)
        system.sweep()
        system.settle()

    assert system.told()[2:] == ["[WARNING] no data-quality monitor, baselining failed"]
    assert schedules(system) == {}
    assert system.live_version() == 1


# ---------------------------------------------------------------- smoke tests


def with_payload(system: ReleaseWorld) -> dict[str, Any]:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        member = tarfile.TarInfo("sample.csv")
        body = b"1,2,3\n"
        member.size = len(body)
        tar.addfile(member, io.BytesIO(body))
    system.s3.put_object(Bucket=BUCKET, Key="payload.tar.gz", Body=content.getvalue())
    return {
        "SamplePayloadUrl": f"s3://{BUCKET}/payload.tar.gz",
        "Domain": "MACHINE_LEARNING",
        "Task": "CLASSIFICATION",
    }


def test_a_version_that_passes_its_smoke_test_stays(system: ReleaseWorld) -> None:
    system.group(smoke_test="on")
    system.approved(**with_payload(system))
    system.settle()

    *_, mail = system.read_mail()
    assert headline(mail) == "[OK] churn-prod: version 1 in service after 10 minutes"
    assert "a smoke test: the model answered the sample payload" in mail["body"]


def test_a_version_that_fails_its_smoke_test_hands_back(system: ReleaseWorld) -> None:
    system.group(smoke_test="on")
    payload = with_payload(system)
    system.approved(**payload)
    system.settle()
    system.told()
    second = system.approved(**payload)
    system.simulator.plan_invocation(ENDPOINT, 500, "no such column")
    system.settle()

    assert system.live_version() == 1
    assert system.status(second) == "Rejected"
    assert system.told() == [
        "[INFO] releasing version 2, replacing 1",
        "[CRITICAL] version 2 failed, version 1 takes over",
        "[INFO] releasing version 1, replacing 2",
        "[OK] version 1 in service after 28 minutes",
    ]


def test_the_first_version_that_fails_its_smoke_test_still_serves(system: ReleaseWorld) -> None:
    system.group(smoke_test="on")
    system.simulator.plan_invocation(ENDPOINT, 500, "no such column")
    system.approved(**with_payload(system))
    system.settle()

    assert system.told()[1] == "[CRITICAL] version 1 failed and still serves"
    assert system.live_version() == 1


def test_without_a_payload_there_is_no_smoke_test(system: ReleaseWorld) -> None:
    system.group(smoke_test="on")
    system.approved()
    system.settle()

    *_, mail = system.read_mail()
    assert "no smoke test: the version was registered without a sample payload" in mail["body"]


# ---------------------------------------------------------------- approval requests


def measured(system: ReleaseWorld, version: int, accuracy: float) -> dict[str, Any]:
    key = f"quality/{version}.json"
    document = {"binary_classification_metrics": {"accuracy": {"value": accuracy}, "auc": {"value": 0.5}}}
    system.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(document).encode())
    uri = f"s3://{BUCKET}/{key}"
    return {
        "ModelMetrics": {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": uri}}}
    }


def test_an_approval_request_shows_metrics_side_by_side(system: ReleaseWorld) -> None:
    system.group()
    system.approved(**measured(system, 1, 0.81))
    system.settle()
    system.told()
    system.register(**measured(system, 2, 0.93))
    system.settle()

    (mail,) = system.read_mail()
    assert headline(mail) == "[INFO] churn-prod: version 2 of churn waits for approval"
    (row,) = [line for line in mail["body"].splitlines() if "accuracy" in line]
    assert "0.93" in row
    assert "0.81" in row
    assert "auc" in mail["body"]


def test_metrics_that_cannot_be_read_are_said(system: ReleaseWorld) -> None:
    system.group()
    more = measured(system, 1, 0.81)
    system.s3.delete_object(Bucket=BUCKET, Key="quality/1.json")
    system.register(**more)
    system.settle()

    (mail,) = system.read_mail()
    assert "No metrics of version 1" in mail["body"]
    assert GROUP_ARN.rpartition("/")[2] in mail["subject"]
