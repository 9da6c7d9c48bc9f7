"""What each event of artifact_sync costs: the calls of AWS, one by one, however many models an endpoint has."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.test_artifact_sync import (
    GROUP,
    MODEL,
    ONE,
    REQUEST,
    THREE,
    TWO,
    approved,
    grouped,
    published,
    v,
)
from tests.whole_world import HOUSES, HOUSES_PREFIX, WholeWorld, rules_that_match, whole_world
from tests.world import ACCOUNT, BUCKET, REGION, TABLE

RECORD = ["dynamodb:GetItem"]
JOB = ["sagemaker:DescribeTrainingJob"]
PLACE = [
    "sagemaker:DescribeEndpoint",
    "sagemaker:DescribeEndpointConfig",
    "sagemaker:DescribeModel",
    "dynamodb:PutItem",
]
"""Where the endpoint loads from, and that the sweep looks at it: once in five minutes of a container."""
COPIED = ["s3:GetObject", "s3:CopyObject"]
POINTED = ["dynamodb:PutItem", "ssm:PutParameter", "eventbridge:PutEvents", "dynamodb:PutItem"]
BESIDE = ["dynamodb:PutItem", "eventbridge:PutEvents", "dynamodb:PutItem"]
REFUSED = ["dynamodb:UpdateItem", "dynamodb:PutItem", "eventbridge:PutEvents", "dynamodb:PutItem"]
"""Counted, written down, told, and that it was told."""
LISTED = ["sagemaker:ListModelPackages"]
VERSION_SEEN = ["sagemaker:ListTags", "sagemaker:DescribeModelPackage", *RECORD, *LISTED]
LOOKED_AGAIN = [*RECORD, *LISTED]
"""What others wrote or decided meanwhile is followed, too."""
IN_PLACE = ["s3:HeadObject", "s3:HeadObject", "s3:CopyObject"]

NEXT_JOB = [*RECORD, *JOB, *COPIED, *POINTED]
"""What matters: a night's 10,000 jobs cost so many calls each, once a container knows the endpoint."""


@pytest.fixture
def system() -> Iterator[WholeWorld]:
    with whole_world() as running:
        running.multi_model_endpoint()
        made: set[str] = set()
        running.after_each_call = made.add
        yield running
        # The prefix is never listed, nor the table scanned.
        assert not [one for one in made if "ListObjects" in one or one == "dynamodb:Scan"]


def calls_of_next(system: WholeWorld) -> list[str]:
    """Calls of the one event that waits for artifact_sync; what follows it is not counted."""
    system.collect()
    (body,) = system.boxes["artifact_sync"]
    system.boxes["artifact_sync"].clear()
    return calls_of(system, body)


def calls_of(system: WholeWorld, body: str) -> list[str]:
    system.calls.clear()
    assert system.invoke("artifact_sync", body) == []
    return list(system.calls)


def last_event(system: WholeWorld, kind: str) -> str:
    return json.dumps(next(one for one in reversed(system.events_seen) if kind in one["detail-type"]))


def fresh(system: WholeWorld) -> None:
    """The next event comes to a container that knows nothing."""
    system.start_container("artifact_sync")


def waiting(system: WholeWorld, *archives: bytes, **tags: str) -> list[str]:
    """Jobs of different models that end together: what waits for artifact_sync then."""
    for number, archive in enumerate(archives):
        system.start_training(f"{MODEL}-{number}", archive, **tags)
    system.simulator.settle()
    box = system.boxes["artifact_sync"]
    bodies = list(box)
    box.clear()
    assert len(bodies) == len(archives)
    return bodies


# ---------------------------------------------------------------- nobody's


def test_a_job_of_others_is_no_event_at_all(system: WholeWorld) -> None:
    system.training_job("theirs", {"team": "others"})
    system.simulator.settle()

    assert system.boxes["artifact_sync"] == []
    assert not [one for event in system.events_seen for one in rules_that_match(event) if "Artifact" in one]


def test_a_job_that_is_registered_first(system: WholeWorld) -> None:
    system.train(MODEL, ONE, register_to="some-group")

    assert calls_of_next(system) == []


def test_a_version_of_a_group_that_did_not_opt_in(system: WholeWorld) -> None:
    system.group(GROUP, endpoint=None)
    system.register(GROUP)

    assert calls_of_next(system) == ["sagemaker:ListTags"]


# ---------------------------------------------------------------- training jobs


def test_the_first_job_of_a_fresh_container(system: WholeWorld) -> None:
    system.train(MODEL, ONE)
    fresh(system)

    assert calls_of_next(system) == [*RECORD, *JOB, *PLACE, *COPIED, *POINTED]


def test_the_next_job_in_a_warm_container(system: WholeWorld) -> None:
    first, second, third = waiting(system, ONE, TWO, THREE)
    calls_of(system, first)

    assert calls_of(system, second) == NEXT_JOB
    assert calls_of(system, third) == NEXT_JOB
    assert len(NEXT_JOB) == 8


def test_a_job_whose_model_is_named_by_its_output_path(system: WholeWorld) -> None:
    first, second = waiting(system, ONE, TWO, target_model="")
    calls_of(system, first)

    assert calls_of(system, second) == [*JOB, *RECORD, *COPIED, *POINTED]
    assert calls_of(system, second) == [*JOB, *RECORD]


def test_a_duplicate_of_a_job(system: WholeWorld) -> None:
    published(system)
    fresh(system)

    assert calls_of(system, last_event(system, "Training Job")) == RECORD


def test_an_older_job_is_published_beside(system: WholeWorld) -> None:
    system.simulator.disturb(hold_back=True)
    system.train(MODEL, ONE)
    system.train(MODEL, TWO)
    system.simulator.disturb()
    system.simulator.release_held()
    older, newer = system.boxes["artifact_sync"]
    calls_of(system, newer)

    assert calls_of(system, older) == [*RECORD, *JOB, *COPIED, *BESIDE]
    system.boxes["artifact_sync"].clear()


def test_a_job_that_is_refused(system: WholeWorld) -> None:
    first, second = waiting(system, ONE, TWO[:-20])
    calls_of(system, first)

    assert calls_of(system, second) == [*RECORD, *JOB, "s3:GetObject", *REFUSED]
    # Again: S3 is asked whether it still is the same, and sends nothing then.
    assert calls_of(system, second) == [*RECORD, *JOB, "s3:GetObject"]


def test_from_the_eleventh_refusal_of_a_day_on_counting_takes_two_calls(system: WholeWorld) -> None:
    *ten, eleventh = waiting(system, *[ONE[:-20]] * 11)
    for body in ten:
        calls_of(system, body)

    assert calls_of(system, eleventh) == [*RECORD, *JOB, "s3:GetObject", REFUSED[0], *REFUSED]


def test_a_job_in_place(system: WholeWorld) -> None:
    first, second = waiting(system, ONE, TWO, in_place="on")
    put, move, say, write = POINTED
    # The second time what lies at the key is overwritten: it costs the same.
    calls_of(system, first)

    assert calls_of(system, second) == [
        *RECORD,
        *JOB,
        *COPIED,
        put,
        move,
        *IN_PLACE,
        say,
        write,
    ]


def test_a_job_that_is_warmed_up(system: WholeWorld) -> None:
    system.put(REQUEST, b"1,2,3")
    system.simulator.plan_model_load(HOUSES, f"{MODEL}-1/*", not_ready=2)
    first, second = waiting(system, ONE, TWO, warm_up=REQUEST)
    calls_of(system, first)

    asked = ["s3:GetObject", *["sagemaker runtime:InvokeEndpoint"] * 3]
    assert calls_of(system, second) == [*RECORD, *JOB, *COPIED, *asked, *POINTED]


# ---------------------------------------------------------------- versions of groups


def test_an_approval(system: WholeWorld) -> None:
    grouped(system)
    arn = system.registered(GROUP, ONE)
    system.settle()
    fresh(system)
    system.approve(arn)

    assert calls_of_next(system) == [*VERSION_SEEN, *PLACE, *COPIED, *POINTED, *LOOKED_AGAIN]
    approval = last_event(system, "Model Package")
    assert calls_of(system, approval) == VERSION_SEEN
    fresh(system)
    assert calls_of(system, approval) == [*VERSION_SEEN, *PLACE]


def test_a_version_that_waits_for_approval(system: WholeWorld) -> None:
    grouped(system)
    system.registered(GROUP, ONE)
    system.boxes["artifact_sync"].clear()
    body = last_event(system, "Model Package")

    assert calls_of(system, body) == [*VERSION_SEEN, "sagemaker:ListTags", *PLACE]
    assert calls_of(system, body) == [*VERSION_SEEN, "sagemaker:ListTags"]


def test_a_rejection_and_the_approval_after_it(system: WholeWorld) -> None:
    grouped(system)
    approved(system, ONE)
    second = approved(system, TWO)
    system.reject(second)

    # What callers are sent to is looked at, and what is told is counted.
    followed = [*VERSION_SEEN, "s3:HeadObject", "dynamodb:UpdateItem", *POINTED, *LOOKED_AGAIN]
    assert calls_of_next(system) == followed
    assert system.pointer(MODEL) == v(1)
    system.approve(second)
    assert calls_of_next(system) == followed
    assert system.pointer(MODEL) == v(2)


# ---------------------------------------------------------------- what the sweep asks for


def message(system: WholeWorld, detail_type: str, **detail: Any) -> str:
    return json.dumps(
        {
            "id": "look",
            "source": "stationkeeper",
            "detail-type": detail_type,
            "account": ACCOUNT,
            "region": REGION,
            "time": system.now.isoformat(),
            "detail": detail,
        }
    )


def test_a_look_at_a_model_with_nothing_to_do(system: WholeWorld) -> None:
    published(system)
    fresh(system)

    look = message(system, "LookAtModel", endpoint=HOUSES, model=MODEL)
    assert calls_of(system, look) == RECORD


def test_two_versions_that_are_deleted(system: WholeWorld) -> None:
    for archive in (ONE, TWO, THREE):
        published(system, archive)
    system.clock.jump_to(system.clock.now() + timedelta(days=8).total_seconds())

    look = message(system, "LookAtModel", endpoint=HOUSES, model=MODEL)
    assert calls_of(system, look) == [
        *RECORD,
        "dynamodb:PutItem",
        "s3:DeleteObject",
        "s3:DeleteObject",
        "dynamodb:PutItem",
    ]
    assert len(system.shelf()) == 1


def test_a_sweep_with_many_jobs(system: WholeWorld) -> None:
    grouped(system)
    published(system, model="Austin")
    system.simulator.disturb(drop=True)
    jobs = 250
    for number in range(jobs - 1):  # with the one of Austin
        system.start_training(f"model-{number}", None)
    system.simulator.settle()
    system.simulator.disturb()
    system.pump()
    system.calls.clear()
    assert system.invoke_sweep() == []

    beginning = system.calls.index("sagemaker:Search") - 1
    messages = 1 + jobs - 1  # the group, and all jobs but the one that is published
    assert system.calls[beginning:] == [
        "resource groups tagging api:GetResources",
        *["sagemaker:Search"] * 3,
        *["dynamodb:BatchGetItem"] * 3,
        "dynamodb:Query",  # endpoints
        "dynamodb:Query",  # what is due of the one
        *["sqs:SendMessageBatch"] * (messages // 10),
    ]
    system.collect()
    sent = Counter(json.loads(body)["detail-type"] for body in system.boxes["artifact_sync"])
    assert sent == {"LookAgain": 1, "LookAtTrainingJob": jobs - 1}


# ---------------------------------------------------------------- however many there are


def others(system: WholeWorld, first: int, last: int) -> None:
    """Other models are published: copies of one that really was."""
    key = {"pk": {"S": f"models#{HOUSES}"}, "sk": {"S": "Austin"}}
    if first == 0:
        published(system, model="Austin")
    item = system.dynamodb.get_item(TableName=TABLE, Key=key)["Item"]
    for number in range(first, last):
        name = f"other-{number:04}"
        system.dynamodb.put_item(TableName=TABLE, Item={**item, "sk": {"S": name}})
        system.put(f"s3://{BUCKET}/{HOUSES_PREFIX}{name}/{name}-v1.tar.gz", ONE)


def test_it_is_the_same_with_few_models_and_with_many(system: WholeWorld) -> None:
    costs = []
    for first, last in ((0, 5), (5, 200)):
        others(system, first, last)
        system.train(MODEL, ONE)
        fresh(system)
        body = system.boxes["artifact_sync"][-1]
        costs.append(calls_of_next(system))
        costs.append(calls_of(system, body))
        system.pump()
    assert len(system.shelf()) > 200

    assert costs == [[*RECORD, *JOB, *PLACE, *COPIED, *POINTED], RECORD] * 2
