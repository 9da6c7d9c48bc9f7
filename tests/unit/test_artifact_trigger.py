"""Every event that leads to a model of a multi-model endpoint, as one type; everything else is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.errors import InvalidEvent
from stationkeeper.events.artifact_trigger import ENDPOINT_TAG, ArtifactTrigger
from stationkeeper.events.job import JobKind, JobStateChange

from tests.real import read, real_files
from tests.unit.builders import hostile_text

ENVELOPE = {
    "id": "1",
    "account": "111122223333",
    "region": "eu-west-1",
    "time": "2026-11-23T12:00:00Z",
    "source": "aws.sagemaker",
}
GROUP = "arn:aws:sagemaker:eu-west-1:111122223333:model-package-group/g"
PACKAGE = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/g/7"
SAMPLES = Path(__file__).resolve().parents[2] / "events"


def event(detail_type: str, detail: Any, **more: Any) -> dict[str, Any]:
    return {**ENVELOPE, "detail-type": detail_type, "detail": detail, **more}


def message(detail_type: str, **detail: Any) -> dict[str, Any]:
    return event(detail_type, detail, source="stationkeeper")


def looks_at(trigger: ArtifactTrigger) -> list[str]:
    places = {
        "job": trigger.training_job,
        "group": trigger.group_arn,
        "package": trigger.package_arn and not trigger.group_arn,
        "model": trigger.model,
    }
    return [name for name, place in places.items() if place]


@pytest.mark.parametrize("path", real_files("events/sagemaker-training-job-state-change--*.json"))
def test_real_training_event_leads_to_its_job(path: Path):
    trigger = ArtifactTrigger.parse(read(path))

    assert looks_at(trigger) == ["job"]
    assert trigger.training_job is not None
    assert trigger.training_job.kind is JobKind.TRAINING


@pytest.mark.parametrize("path", real_files("events/sagemaker-model-package-state-change--*.json"))
def test_real_package_event_leads_to_its_group(path: Path):
    trigger = ArtifactTrigger.parse(read(path))

    assert looks_at(trigger) == ["group"]
    assert trigger.package_arn


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("training-job-completed", "job"),
        ("training-job-failed", "job"),
        ("training-job-multi-model", "job"),
        ("look-at-training-job", "job"),
        ("model-package-approved", "group"),
        ("model-package-registered", "group"),
        ("model-package-rejected", "group"),
    ],
)
def test_samples(name: str, place: str):
    body = (SAMPLES / f"{name}.json").read_bytes()

    assert looks_at(ArtifactTrigger.parse(body)) == [place]
    assert ArtifactTrigger.parse(json.loads(body)) == ArtifactTrigger.parse(body)


def test_version_leads_to_its_group():
    trigger = ArtifactTrigger.parse(
        event("SageMaker Model Package State Change", {"ModelPackageArn": PACKAGE})
    )

    assert (trigger.package_arn, trigger.group_arn) == (PACKAGE, GROUP)


def test_package_without_a_group_leads_nowhere():
    arn = PACKAGE.removesuffix("/7")

    trigger = ArtifactTrigger.parse(event("SageMaker Model Package State Change", {"ModelPackageArn": arn}))

    assert (trigger.package_arn, trigger.group_arn) == (arn, "")


def test_messages():
    again = ArtifactTrigger.parse(message("LookAgain", group_arn=GROUP))
    model = ArtifactTrigger.parse(message("LookAtModel", endpoint="house-prices", model="a"))
    taken = ArtifactTrigger.parse(message("TakeModelBack", endpoint="house-prices", model="a", version="7"))

    assert (again.group_arn, again.package_arn) == (GROUP, "")
    assert (model.endpoint, model.model, model.taken_back) == ("house-prices", "a", "")
    assert (taken.endpoint, taken.model, taken.taken_back) == ("house-prices", "a", "7")


def test_job_that_sweep_found_is_the_job_of_its_event():
    detail = {
        "TrainingJobName": "j",
        "TrainingJobArn": "arn:aws:sagemaker:eu-west-1:111122223333:training-job/j",
        "TrainingJobStatus": "Completed",
        "CreationTime": 1_795_471_133_769,
        "Tags": {ENDPOINT_TAG: "house-prices"},
    }
    told = event("SageMaker Training Job State Change", detail)
    job = JobStateChange.parse(told).detail

    trigger = ArtifactTrigger.parse(message("LookAtTrainingJob", **job.model_dump(mode="json")))

    assert trigger.training_job == job == ArtifactTrigger.parse(told).training_job


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"x"',
        {},
        event("SageMaker Model Package State Change", {}),
        event("SageMaker Model Package State Change", {"ModelPackageArn": ""}),
        event("SageMaker Model Package State Change", {"ModelPackageArn": "nonsense"}),
        event("SageMaker Model Package State Change", {"ModelPackageArn": PACKAGE}, source="mine"),
        event("SageMaker Training Job State Change", {"TrainingJobName": "j"}),
        event("SageMaker Training Job State Change", None),
        event("SageMaker Endpoint State Change", {"EndpointName": "e"}),
        # Only we send these: nobody else's event is one.
        event("LookAgain", {"group_arn": GROUP}),
        event("LookAtModel", {"endpoint": "e", "model": "a"}),
        event("TakeModelBack", {"endpoint": "e", "model": "a", "version": "7"}),
        event("LookAtTrainingJob", {"kind": "training", "name": "j", "arn": "a", "status": "Completed"}),
        message("LookAgain"),
        message("LookAgain", group_arn=""),
        message("LookAtModel", endpoint="e"),
        message("LookAtModel", endpoint="e", model=""),
        message("LookAtModel", endpoint="", model="a"),
        message("LookAtModel", endpoint=["e"], model="a"),
        message("TakeModelBack", endpoint="e", model="a"),
        message("TakeModelBack", endpoint="e", model="a", version=""),
        message("TakeModelBack", endpoint="e", model="a", version=7),
        message("LookAtTrainingJob", name="j", arn="a", status="Completed"),
        message("LookAtTrainingJob", kind="cooking", name="j", arn="a", status="Completed"),
        message("SomethingElse"),
    ],
)
def test_what_is_none_of_them_is_refused(body: Any):
    with pytest.raises(InvalidEvent):
        ArtifactTrigger.parse(body)


_KINDS = [
    "SageMaker Model Package State Change",
    "SageMaker Training Job State Change",
    "LookAgain",
    "LookAtModel",
    "TakeModelBack",
    "LookAtTrainingJob",
]
_FIELDS = [
    "ModelPackageArn",
    "TrainingJobName",
    "TrainingJobArn",
    "TrainingJobStatus",
    "Tags",
    "group_arn",
    "endpoint",
    "model",
    "version",
    "kind",
    "name",
    "arn",
    "status",
]


@given(
    st.sampled_from(_KINDS),
    st.sampled_from(["aws.sagemaker", "stationkeeper"]),
    st.dictionaries(
        st.sampled_from(_FIELDS),
        st.one_of(
            hostile_text(), st.none(), st.integers(), st.lists(st.none(), max_size=2), st.just(PACKAGE)
        ),
    ),
)
def test_whatever_comes_is_one_place_or_an_invalid_event(kind: str, source: str, detail: dict[str, Any]):
    try:
        trigger = ArtifactTrigger.parse(event(kind, detail, source=source))
    except InvalidEvent as error:
        str(error).encode("utf-8", "backslashreplace")
    else:
        assert len(looks_at(trigger)) == 1
