"""Models of a multi-model endpoint through the built artifacts: the real rules, the real function process, killed where it hurts."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from embedded_aws.embedded import EmbeddedAws
from embedded_aws.faults import Fault
from stationkeeper_command import project
from stationkeeper_command.artifact_scenes import (
    ENDPOINT,
    archive,
    call,
    cut_off,
    make_endpoint,
    pointer,
    published,
    start_training,
)

from tests.end_to_end.conftest import System
from tests.world import BUCKET

FUNCTION = "ArtifactSyncFunction"


@pytest.fixture(scope="module")
def system(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One stack for all tests, each of which has models of its own."""
    with EmbeddedAws(
        project.BUILD,
        tmp_path_factory.mktemp("artifacts"),
        project.RUNTIME_PYTHON,
        parameters={"OnCall": "ml-on-call", "Architecture": project.architecture()},
        stack_name="stationkeeper",
        honour_deadlines=False,
    ) as aws:
        system = System(aws)
        make_endpoint(aws)
        yield system


def trained(system: System, job: str, model: str, artifact: bytes, **options: Any) -> list[tuple[str, str]]:
    """Train a model; subject and incident of each message on-call gets."""
    start_training(system.aws, job, model, artifact, **options)
    system.aws.settle(180)
    return system.mail()


def decisions(system: System, job: str) -> list[str]:
    lines = (json.loads(line) for line in system.aws.log(FUNCTION).splitlines() if '"decision"' in line)
    return [line["decision"] for line in lines if line.get("job") == job]


def content(system: System, target_model: str) -> bytes:
    found = system.s3.get_object(Bucket=BUCKET, Key=f"{ENDPOINT}/{target_model}")
    return bytes(found["Body"].read())


def changes(system: System, model: str) -> list[str]:
    """Calls with which the function changed what callers of a model see."""
    return [
        record.action
        for record in system.aws.calls(FUNCTION)
        if record.action in ("CopyObject", "PutParameter") and f"/{model}" in str(record.resources)
    ]


@pytest.mark.parametrize("named_by_tag", [False, True])
def test_what_a_training_job_leaves_is_published_and_callers_are_sent_to_it(
    system: System, named_by_tag: bool
) -> None:
    model = f"Waco_TX-{named_by_tag}"
    whole = archive(model)

    told = trained(system, f"waco-{named_by_tag}", model, whole, named_by_tag=named_by_tag)

    assert told == []  # for the bus only
    [target_model] = published(system.aws, model)
    assert content(system, target_model) == whole
    assert pointer(system.aws, model) == target_model
    assert call(system.aws, target_model)
    assert changes(system, model) == ["CopyObject", "PutParameter"]


def test_a_broken_artifact_is_refused_what_serves_stays_and_a_whole_one_ends_the_thread(
    system: System,
) -> None:
    model, first = "Laredo_TX", archive("first")
    trained(system, "laredo-1", model, first)
    [serving] = published(system.aws, model)

    [(refused, incident)] = trained(system, "laredo-2", model, cut_off(archive("second")))

    assert refused.startswith(f"[WARNING] {ENDPOINT}: {model}: new artifact refused, it is cut off")
    assert decisions(system, "laredo-2") == ["rejected"]
    assert published(system.aws, model) == [serving]
    assert pointer(system.aws, model) == serving
    assert content(system, serving) == first

    [(over, same)] = trained(system, "laredo-3", model, archive("third"))

    assert over.startswith(f"[OK] {ENDPOINT}: {model}")
    assert same == incident
    assert published(system.aws, model) == [serving, pointer(system.aws, model)]
    assert content(system, serving) == first


@pytest.mark.parametrize(
    ("service", "action", "kind"),
    [
        ("s3", "GetObject", "crash-after"),
        ("s3", "CopyObject", "crash-before"),
        ("s3", "CopyObject", "crash-after"),
        ("dynamodb", "PutItem", "crash-before"),
        ("s3", "CopyObject", "throttle"),
        ("ssm", "PutParameter", "500"),
        ("events", "PutEvents", "500"),
    ],
)
def test_a_fault_anywhere_delays_a_version_and_publishes_it_once(
    system: System, service: str, action: str, kind: Any
) -> None:
    model = f"Pecos_TX-{action}-{kind}"
    job = f"pecos-{action}-{kind}"
    whole = archive(model)
    system.aws.add_fault(Fault(service, action, kind, caller=FUNCTION))

    told = trained(system, job, model, whole)

    assert system.aws.faults() == []
    assert told == []
    [target_model] = published(system.aws, model)
    assert content(system, target_model) == whole
    assert pointer(system.aws, model) == target_model
    assert decisions(system, job).count("published") == 1


def test_a_function_killed_after_it_told_of_a_refusal_tells_on_call_once(system: System) -> None:
    system.aws.add_fault(Fault("events", "PutEvents", "crash-after", caller=FUNCTION))

    told = trained(system, "alpine-1", "Alpine_TX", cut_off(archive("alpine")))

    assert system.aws.faults() == []
    assert len(told) == 1
    assert published(system.aws, "Alpine_TX") == []


def test_the_sweep_finds_a_job_whose_event_was_lost(system: System) -> None:
    system.aws.sagemaker.disturb(drop=True)
    trained(system, "marfa-1", "Marfa_TX", archive("marfa"))
    system.aws.sagemaker.disturb()
    assert published(system.aws, "Marfa_TX") == []

    system.aws.run_schedule("SweepSchedule")
    system.aws.drain(180)

    assert published(system.aws, "Marfa_TX") == [pointer(system.aws, "Marfa_TX")]


def test_repeated_events_of_a_job_publish_once(system: System) -> None:
    system.aws.sagemaker.disturb(duplicate=5)
    trained(system, "odessa-1", "Odessa_TX", archive("odessa"))
    system.aws.sagemaker.disturb()

    assert published(system.aws, "Odessa_TX") == [pointer(system.aws, "Odessa_TX")]
    assert changes(system, "Odessa_TX").count("PutParameter") == 1
