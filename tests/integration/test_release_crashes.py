"""A release that is killed, throttled or run twice at any call: the same endpoint at the end, and the same told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from embedded_aws.moto_additions.sagemaker import Outcome

from tests.release_world import ENDPOINT, ReleaseWorld, headline, nothing_is_left, release_world

# ---------------------------------------------------------------- stories: everything up to the event that is handled


def creation(system: ReleaseWorld) -> None:
    system.group()
    first = system.register()
    system.pump()
    system.approve(first)


def update(system: ReleaseWorld) -> None:
    creation(system)
    system.settle()
    second = system.register()
    system.pump()
    system.approve(second)


def success(system: ReleaseWorld) -> None:
    update(system)
    system.pump()
    until_in_service(system)


def rollback(system: ReleaseWorld) -> None:
    update(system)
    system.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK)
    system.pump()
    until_in_service(system)


def until_in_service(system: ReleaseWorld) -> None:
    while not system.inbox or system.endpoint()["EndpointStatus"] != "InService":
        system.inbox.clear()
        due = system.simulator.next_due()
        assert due is not None
        system.clock.jump_to(due)
        system.simulator.run_due()
    del system.inbox[1:]


STORIES: dict[Callable[[ReleaseWorld], None], int] = {creation: 14, update: 22, success: 18, rollback: 14}
"""And the calls each event costs."""
EACH_CALL = [
    pytest.param(story, call, id=f"{story.__name__}-{call}")
    for story, calls in STORIES.items()
    for call in range(calls)
]

# ---------------------------------------------------------------- ends


@dataclass
class End:
    """What must be the same: all but times and counts of writes."""

    endpoint: tuple[str, str]
    statuses: list[str]
    configs: set[str]
    models: set[str]
    alarms: set[str]
    live: tuple[Any, ...]
    under_way: bool
    barred: list[tuple[int, bool]]
    retired: set[tuple[str, str]]
    threads: list[list[str]]
    """Subjects by incident."""


def end_of(system: ReleaseWorld) -> End:
    system.settle()
    system.sweep()
    system.settle()
    nothing_is_left(system)
    endpoint, record = system.endpoint(), system.record()
    packages = system.sagemaker.list_model_packages(ModelPackageGroupName="churn")["ModelPackageSummaryList"]
    told = [(mail["attributes"]["incident"], headline(mail)) for mail in system.read_mail()]
    assert len(told) == len(set(told))
    threads = {incident: sorted(said for other, said in told if other == incident) for incident, _ in told}
    return End(
        (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]),
        [package["ModelApprovalStatus"] for package in packages],
        system.config_names(),
        system.model_names(),
        system.alarm_names(),
        (record.live.version, record.live.config, record.live.alarms, record.live.settled, record.created),
        record.target is not None,
        [(barred.version, barred.rejected) for barred in record.barred],
        {(item.kind, item.name) for item in record.retired},
        sorted(threads.values()),
    )


@pytest.fixture(scope="module")
def undisturbed() -> dict[Any, End]:
    ends = {}
    for story in STORIES:
        with release_world() as system:
            story(system)
            assert system.invoke_release(system.inbox.pop()) == []
            ends[story] = end_of(system)
    return ends


@pytest.mark.parametrize(("story", "calls"), STORIES.items())
def test_the_tests_below_cover_every_call(story: Any, calls: int) -> None:
    with release_world() as system:
        story(system)
        system.calls.clear()
        assert system.invoke_release(system.inbox.pop()) == []

    assert len(system.calls) == calls


@pytest.mark.parametrize(("story", "call"), EACH_CALL)
def test_killed_after_any_call(undisturbed: dict[Any, End], story: Any, call: int) -> None:
    with release_world() as system:
        story(system)
        with system.crashing_after(call) as crash:
            system.deliver_next()
        assert crash.happened

        assert end_of(system) == undisturbed[story]


@pytest.mark.parametrize(("story", "call"), EACH_CALL)
def test_any_call_fails_and_heals(undisturbed: dict[Any, End], story: Any, call: int) -> None:
    with release_world() as system:
        story(system)
        left = [call]

        def fail(name: str) -> None:
            left[0] -= 1
            if left[0] == -1:
                code, status = ("ThrottlingException", 400) if call % 2 else ("InternalFailure", 500)
                raise ClientError(
                    {
                        "Error": {"Code": code, "Message": "injected"},
                        "ResponseMetadata": {"HTTPStatusCode": status},
                    },
                    name,
                )

        system.before_each_call = fail
        system.deliver_next()
        assert len(system.inbox) >= 1  # it was given back
        system.before_each_call = None

        assert end_of(system) == undisturbed[story]


# Powertools keeps one set of metrics per process, where AWS has a process per copy.
@pytest.mark.filterwarnings("ignore:No application metrics to publish")
@pytest.mark.parametrize(("story", "call"), EACH_CALL)
def test_another_copy_gets_in_between_any_two_calls(
    undisturbed: dict[Any, End], story: Any, call: int
) -> None:
    with release_world() as system:
        story(system)
        (body,) = system.inbox
        left = [call]

        def another_copy(_: str) -> None:
            left[0] -= 1
            if left[0] == -1 and system.invoke_release(body):
                system.inbox.append(body)

        system.after_each_call = another_copy
        system.deliver_next()
        system.after_each_call = None

        assert end_of(system) == undisturbed[story]
