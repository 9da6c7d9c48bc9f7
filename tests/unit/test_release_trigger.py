"""Everything that makes the release reaction look, read from the services' own events."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.errors import InvalidEvent
from stationkeeper.events.release_trigger import GROUP_TAG, ReleaseTrigger, group_arn_of

from tests.real import read, read_json, real_files
from tests.unit.release_builders import ACCOUNT, GROUP_ARN, REGION, package_arn

ENVELOPE = {
    "id": "1",
    "account": ACCOUNT,
    "region": REGION,
    "time": "2026-11-23T12:00:00Z",
    "source": "aws.sagemaker",
}


def event(detail_type: str, detail: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**ENVELOPE, "detail-type": detail_type, "detail": detail, **more}


def approved(arn: str = package_arn(8), **more: Any) -> dict[str, Any]:
    facts = {"ModelPackageArn": arn, "ModelPackageVersion": 8, "ModelApprovalStatus": "Approved"}
    return event("SageMaker Model Package State Change", {**facts, **more})


@pytest.mark.parametrize("path", real_files("events/sagemaker-model-package-state-change--*.json"))
def test_real_package_event_leads_to_its_group(path):
    trigger = ReleaseTrigger.parse(read(path))

    assert trigger.group_arn == trigger_group(read_json(path))
    assert (trigger.endpoint, trigger.version, trigger.approval) == (None, 2, "Rejected")
    assert not trigger.thorough


def trigger_group(document: Any) -> str:
    arn: str = document["detail"]["ModelPackageArn"]
    return arn.replace(":model-package/", ":model-package-group/").rpartition("/")[0]


@pytest.mark.parametrize(
    "path",
    real_files(
        "events/sagemaker-endpoint-state-change--*.json",
        "events/sagemakerendpointstatechange--*.json",
        "events/sagemaker-endpoint-deployment-state-change--*.json",
    ),
)
def test_real_endpoint_event_leads_to_the_endpoint(path):
    document = read_json(path)

    trigger = ReleaseTrigger.parse(read(path))

    assert trigger == ReleaseTrigger.parse(document)
    assert (trigger.endpoint, trigger.group_arn) == (document["detail"]["EndpointName"], None)
    assert trigger.time.tzinfo is not None


@pytest.mark.parametrize("path", real_files("events/sagemaker-processing-job-state-change--*.json"))
def test_real_job_of_somebody_else_leads_nowhere(path):
    trigger = ReleaseTrigger.parse(read(path))

    assert (trigger.group_arn, trigger.endpoint) == (None, None)


OURS = ("model-package", "endpoint", "processing-job")


@pytest.mark.parametrize("path", real_files("events/*.json"))
def test_every_other_real_event_is_refused(path):
    if any(kind in path.name for kind in OURS):
        return

    with pytest.raises(InvalidEvent):
        ReleaseTrigger.parse(read(path))


@pytest.mark.parametrize("tags", [{GROUP_TAG: GROUP_ARN}, {GROUP_TAG: GROUP_ARN, "team": None}])
def test_end_of_a_baselining_job_leads_to_its_group(tags: dict[str, Any]):
    path = real_files("events/sagemaker-processing-job-state-change--*.json")[0].values[0]
    document = read_json(path)
    document["detail"]["Tags"] = tags

    assert ReleaseTrigger.parse(document).group_arn == GROUP_ARN


@pytest.mark.parametrize(
    "detail", [{"group_arn": GROUP_ARN}, {"group_arn": GROUP_ARN, "endpoint": "churn-eu"}]
)
def test_sweep_asks_to_look_thoroughly(detail: dict[str, str]):
    trigger = ReleaseTrigger.parse(json.dumps(event("LookAgain", detail, source="stationkeeper")))

    assert trigger.thorough
    assert (trigger.group_arn, trigger.endpoint) == (GROUP_ARN, detail.get("endpoint"))


def test_only_sweep_may_ask_to_look_again():
    with pytest.raises(InvalidEvent):
        ReleaseTrigger.parse(event("LookAgain", {"group_arn": GROUP_ARN}))


def test_package_without_a_group_leads_nowhere():
    trigger = ReleaseTrigger.parse(
        approved(f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/one-off", ModelPackageVersion=None)
    )

    assert (trigger.group_arn, trigger.version) == (None, None)


def test_source_may_be_the_only_one_of_a_list():
    """A published sample has it so."""
    assert ReleaseTrigger.parse(approved() | {"source": ["aws.sagemaker"]}) == ReleaseTrigger.parse(
        approved()
    )


@pytest.mark.parametrize("absent", [None, ""])
def test_absent_approval_is_none(absent: Any):
    assert ReleaseTrigger.parse(approved(ModelApprovalStatus=absent)).approval is None


@pytest.mark.parametrize(
    ("arn", "group"),
    [
        (package_arn(7), GROUP_ARN),
        (
            "arn:aws-cn:sagemaker:cn-north-1:1:model-package/a/1",
            "arn:aws-cn:sagemaker:cn-north-1:1:model-package-group/a",
        ),
        ("arn:aws:sagemaker:eu-west-1:1:model-package/alone", None),
        ("arn:aws:sagemaker:eu-west-1:1:model-package/a/latest", None),
        ("arn:aws:sagemaker:eu-west-1:1:endpoint/a", None),
    ],
)
def test_group_of_a_version(arn: str, group: str | None):
    assert group_arn_of(arn) == group


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "null",
        "[]",
        "{}",
        b"\xff\xfe",
        approved("not an arn"),
        approved(""),
        event("SageMaker Model Package State Change", {}),
        event("SageMaker Endpoint State Change", {"EndpointName": ""}),
        event("SageMaker Endpoint State Change", {"EndpointName": None}),
        event("LookAgain", {}, source="stationkeeper"),
        {**approved(), "source": "mallory"},
        {**approved(), "source": ["mallory"]},
        {**approved(), "source": ["aws.sagemaker", "aws.sagemaker"]},
        {**approved(), "source": []},
        {**approved(), "source": [["aws.sagemaker"]]},
        {**approved(), "time": "yesterday"},
        event("SageMaker Endpoint State Change", {"EndpointName": "e"}, source="mallory"),
    ],
)
def test_garbage_is_refused(body: Any):
    with pytest.raises(InvalidEvent):
        ReleaseTrigger.parse(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
FIELDS = ["ModelPackageArn", "ModelPackageVersion", "EndpointName", "group_arn", "Tags", "ProcessingJobArn"]
TYPES = [
    "SageMaker Model Package State Change",
    "SageMaker Processing Job State Change",
    "SageMaker Endpoint State Change",
    "LookAgain",
]


@given(
    st.sampled_from(TYPES),
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5),
    st.dictionaries(st.sampled_from(["source", "time", "account", "detail", "id"]), JSON, max_size=2),
)
def test_whatever_comes_is_read_or_refused(detail_type: str, detail: Any, more: dict[str, Any]):
    try:
        trigger = ReleaseTrigger.parse({**event(detail_type, detail), **more})
    except InvalidEvent:
        return

    assert trigger.detail_type == detail_type


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_arbitrary_text_is_refused(body: Any):
    with pytest.raises(InvalidEvent):
        ReleaseTrigger.parse(body)
