"""artifact_sync killed, throttled or left without an answer at any call: after the next delivery all is as if nothing had happened.

That it is killed before a call, and after the one before it, is the same.

One world for all: every test has a model, and where it needs one a group, of its own. The bucket keeps versions of its objects, so that
what was overwritten would be seen.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.test_artifact_sync import DAY, ONE, TWO
from tests.whole_world import HOUSES, HOUSES_PREFIX, WholeWorld, whole_world
from tests.world import BUCKET, Crash

VISIBILITY_SECONDS = 1_800
NUMBERS = count(1)


@pytest.fixture(scope="module")
def system() -> Iterator[WholeWorld]:
    with whole_world() as running:
        running.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        running.multi_model_endpoint()
        yield running


# ---------------------------------------------------------------- stories: everything up to the event that is handled


def job(system: WholeWorld, model: str) -> None:
    system.train(model, ONE)


def refused(system: WholeWorld, model: str) -> None:
    """The first one of its day: from the eleventh on it takes two calls to count one."""
    system.clock.jump_to(system.clock.now() + DAY)
    system.train(model, ONE[:-20])


def approval(system: WholeWorld, model: str) -> None:
    system.group(model, endpoint=None, multi_model_endpoint=HOUSES, target_model=model)
    arn = system.registered(model, ONE)
    system.pump()
    system.approve(arn)


def rejection(system: WholeWorld, model: str) -> None:
    approval(system, model)
    system.pump()
    second = system.registered(model, TWO)
    system.approve(second)
    system.pump()
    system.reject(second)


type Story = Callable[[WholeWorld, str], None]

STORIES: dict[Story, int] = {job: 12, refused: 11, approval: 16, rejection: 16}
"""And the calls each event costs in a fresh container."""


def ready(system: WholeWorld, story: Story) -> str:
    """The story is told up to its event, and a fresh container waits for that; the story's model."""
    system.pump()
    model = f"{story.__name__}-{next(NUMBERS)}"
    story(system, model)
    system.collect()
    assert len(system.boxes["artifact_sync"]) == 1
    system.start_container("artifact_sync")
    return model


# ---------------------------------------------------------------- ends


@dataclass(frozen=True)
class End:
    """What must be the same: all but times, and how often something was written to the record."""

    pointed_at: int | None
    """Which of the versions on the shelf, from the oldest on."""
    writes: tuple[int, ...]
    """How often something was written to each key."""
    said: tuple[str, ...]
    """Domain events by their ids, each one once."""
    versions: tuple[tuple[bool, bool, bool], ...]
    refused: tuple[str, ...]


def end_of(system: WholeWorld, model: str) -> End:
    system.pump()
    record = system.model_record(model)
    assert record.settled
    assert record.lease is None
    assert record.outbox == ()
    shelf, pointer = system.shelf(model), system.pointer(model)
    versions = sorted(record.versions, key=lambda one: one.order)
    assert [one.target_model for one in versions] == shelf
    answer = system.s3.list_object_versions(Bucket=BUCKET, Prefix=f"{HOUSES_PREFIX}{model}/")
    assert "DeleteMarkers" not in answer
    keys = [one["Key"].removeprefix(HOUSES_PREFIX) for one in answer.get("Versions", [])]
    return End(
        shelf.index(pointer) if pointer else None,
        tuple(keys.count(key) for key in shelf),
        tuple(one["detail-type"] for one in system.domain_events if one["detail"].get("model") == model),
        tuple((one.rejected, bool(one.failed), one.superseded_at is None) for one in versions),
        tuple(one.code for one in record.refused),
    )


UNDISTURBED: dict[Story, End] = {
    job: End(0, (1,), ("ArtifactPublished",), ((False, False, True),), ()),
    refused: End(None, (), ("ArtifactRejected",), (), ("truncated",)),
    approval: End(0, (1,), ("ArtifactPublished",), ((False, False, True),), ()),
    rejection: End(
        0,
        (1, 1),
        ("ArtifactPublished", "ArtifactPublished", "ArtifactWithdrawn"),
        ((False, False, True), (True, False, False)),
        (),
    ),
}


@pytest.mark.parametrize(("story", "calls"), STORIES.items())
def test_the_tests_below_cover_every_call(system: WholeWorld, story: Story, calls: int) -> None:
    model = ready(system, story)
    system.calls.clear()
    system.deliver_to("artifact_sync")

    assert len(system.calls) == calls
    assert end_of(system, model) == UNDISTURBED[story]


# ---------------------------------------------------------------- disturbances


def at_call(number: int, happening: Callable[[str], None]) -> Callable[[str], None]:
    """A hook that does something at its `number`-th call, from 0 on."""
    left = [number]

    def hook(operation: str) -> None:
        left[0] -= 1
        if left[0] == -1:
            happening(operation)

    return hook


def die(_: str) -> None:
    raise Crash


def answer(code: str, status: int) -> Callable[[str], None]:
    def fail(operation: str) -> None:
        error: Any = {
            "Error": {"Code": code, "Message": "injected"},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }
        raise ClientError(error, operation)

    return fail


THROTTLED, UNWELL = answer("ThrottlingException", 400), answer("InternalFailure", 500)


def each_call(first: int = 0) -> list[Any]:
    """Every call of every story."""
    return [
        pytest.param(story, call, id=f"{story.__name__}-{call}")
        for story, calls in STORIES.items()
        for call in range(first, calls)
    ]


def delivered_again(system: WholeWorld) -> None:
    """The message was given back, and comes once more when its visibility timeout is over."""
    system.before_each_call = system.after_each_call = None
    assert len(system.boxes["artifact_sync"]) == 1
    system.clock.jump_to(system.clock.now() + VISIBILITY_SECONDS)
    system.pump()


def killed(system: WholeWorld, story: Story, call: int) -> str:
    """The function is killed after a call, -1: before the first; the story's model."""
    model = ready(system, story)
    if call < 0:
        system.before_each_call = at_call(0, die)
    else:
        system.after_each_call = at_call(call, die)
    with pytest.raises(Crash):
        system.deliver_to("artifact_sync")
    system.start_container("artifact_sync")
    return model


@pytest.mark.parametrize(("story", "call"), each_call(-1))
def test_killed_before_the_first_call_or_after_any(system: WholeWorld, story: Story, call: int) -> None:
    model = killed(system, story, call)
    delivered_again(system)

    assert end_of(system, model) == UNDISTURBED[story]


@pytest.mark.parametrize(("story", "call"), each_call())
def test_any_call_is_refused_and_heals(system: WholeWorld, story: Story, call: int) -> None:
    model = ready(system, story)
    system.before_each_call = at_call(call, THROTTLED if call % 2 else UNWELL)
    system.deliver_to("artifact_sync")
    delivered_again(system)

    assert end_of(system, model) == UNDISTURBED[story]


@pytest.mark.parametrize(("story", "call"), each_call())
def test_any_call_is_done_though_its_answer_is_an_error(system: WholeWorld, story: Story, call: int) -> None:
    model = ready(system, story)
    system.after_each_call = at_call(call, UNWELL)
    system.deliver_to("artifact_sync")
    delivered_again(system)

    assert end_of(system, model) == UNDISTURBED[story]


@pytest.mark.parametrize(("story", "call"), [(job, 8), (refused, 8), (approval, 10), (rejection, 10)])
def test_the_sweep_finishes_what_is_never_delivered_again(
    system: WholeWorld, story: Story, call: int
) -> None:
    """The record says where callers are to be sent, and the function is killed: the message is in the dead-letter queue."""
    model = killed(system, story, call)
    assert system.calls[-1] == "dynamodb:PutItem"
    assert not system.model_record(model).settled
    system.after_each_call = None
    system.boxes["artifact_sync"].clear()
    system.clock.jump_to(system.clock.now() + VISIBILITY_SECONDS)
    system.sweep()

    assert end_of(system, model) == UNDISTURBED[story]
