"""Models of a multi-model endpoint, from the end of a training job or an approval to the pointer: through rules, queue, handler, AWS."""

import gzip
import json
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.release_world import IMAGE, nothing_is_left
from tests.whole_world import (
    HOUSES,
    HOUSES_CONTAINER,
    HOUSES_PREFIX,
    WholeWorld,
    kinds_of,
    packed,
    rules_that_match,
    whole_world,
)
from tests.world import ACCOUNT, BUCKET, REGION, headline

DAY = 86_400
MODEL = "Houston_TX"
GROUP = "houston"
GROUP_ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/{GROUP}"
TAG = "stationkeeper:multi-model-endpoint"
ONE, TWO, THREE = (packed(("model.bin", weights)) for weights in (b"one", b"two", b"three"))


@pytest.fixture
def empty() -> Iterator[WholeWorld]:
    """A world without the endpoint."""
    with whole_world() as running:
        running.begin_in_the_morning()
        yield running
        running.pump()
        running.read_mail()
        nothing_is_left(running)
        assert not any(running.boxes.values())


@pytest.fixture
def system(empty: WholeWorld) -> WholeWorld:
    empty.multi_model_endpoint()
    return empty


def grouped(system: WholeWorld, **tags: str) -> None:
    """A group whose versions are published as `Houston_TX`."""
    told = {"multi_model_endpoint": HOUSES, "target_model": MODEL, **tags}
    system.group(GROUP, endpoint=None, **{key: value for key, value in told.items() if value})


def approved(system: WholeWorld, archive: bytes | None, **more: Any) -> str:
    """A version that is approved, and all that follows; its ARN."""
    arn = system.registered(GROUP, archive, **more)
    system.approve(arn)
    system.settle()
    return arn


def published(system: WholeWorld, archive: bytes = ONE, model: str = MODEL, **tags: str) -> str:
    """A job ends, and its model is published; what callers pass for it."""
    system.train(model, archive, **tags)
    system.settle()
    target = system.pointer(model)
    assert content(system, target) == archive
    return target


def content(system: WholeWorld, target_model: str) -> bytes:
    answer = system.s3.get_object(Bucket=BUCKET, Key=HOUSES_PREFIX + target_model)
    return bytes(answer["Body"].read())


def mail(system: WholeWorld) -> Any:
    """The one message on-call got, its lines unfolded."""
    (one,) = system.read_mail()
    return {**one, "text": " ".join(one["body"].split())}


def v(number: int) -> str:
    return f"{MODEL}/{MODEL}-v{number}.tar.gz"


def call(system: WholeWorld, target_model: str) -> None:
    """A caller asks a model."""
    boto3.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=HOUSES, TargetModel=target_model, Body=b"1,2,3"
    )


# ---------------------------------------------------------------- published


def test_a_model_is_published_and_callers_are_sent_to_it(system: WholeWorld) -> None:
    job = system.train(MODEL, ONE)
    artifact = system.sagemaker.describe_training_job(TrainingJobName=job)["ModelArtifacts"]
    system.settle()

    (target,) = system.shelf()
    assert target.startswith(f"{MODEL}/{MODEL}-v20")
    assert system.pointer(MODEL) == target
    assert content(system, target) == ONE
    marks = system.on_shelf(target)["Metadata"]
    assert marks["stationkeeper-model"] == f"{HOUSES}/{MODEL}"
    assert marks["stationkeeper-source"].startswith("arn:aws:sagemaker:")
    (said,) = system.said_of(MODEL)
    assert said["target_model"] == target
    assert said["pointed"] is True
    assert said["quiet"] is True
    assert said["artifact_uri"] == artifact["S3ModelArtifacts"]
    assert (said["size_bytes"], said["files"]) == (len(ONE), 1)
    assert system.read_mail() == []
    assert system.model_record(MODEL).settled


def test_the_next_one_takes_over_and_the_one_before_stays(system: WholeWorld) -> None:
    first = published(system, ONE)
    second = published(system, TWO)

    assert system.shelf() == sorted((first, second))
    assert content(system, first) == ONE
    one, two = system.said_of(MODEL, "ArtifactPublished")
    assert one["previous"] is None
    assert two["previous"]["target_model"] == first
    assert system.read_mail() == []


def test_events_that_come_five_times_publish_once(system: WholeWorld) -> None:
    system.simulator.disturb(duplicate=5)
    published(system)

    assert len(system.shelf()) == 1
    assert len(set(system.published)) == len(system.published) == 1


def test_the_output_path_names_the_model_where_no_tag_does(system: WholeWorld) -> None:
    published(system, target_model="")

    (said,) = system.said_of(MODEL)
    assert said["named_by"].startswith("output path")


def test_a_late_event_of_an_older_job_changes_nothing_for_callers(system: WholeWorld) -> None:
    system.simulator.disturb(hold_back=True)
    system.train(MODEL, ONE)
    system.simulator.disturb()
    newer = published(system, TWO)
    system.simulator.release_held()
    system.settle()

    assert system.pointer(MODEL) == newer
    assert len(system.shelf()) == 2
    assert [one["pointed"] for one in system.said_of(MODEL)] == [True, False]


def test_names_with_spaces_and_other_letters(system: WholeWorld) -> None:
    odd = packed(("my model/größe 1.bin", b"a"), ("模型/🚢.bin", b"b"), ("100% + more?.txt", b"c"))
    published(system, odd, folder=f"s3://{BUCKET}/Zürich 20%+ä/model_artifacts/x")

    (said,) = system.said_of(MODEL)
    assert said["files"] == 3
    assert "Zürich 20%+ä" in said["artifact_uri"]


def test_a_model_in_an_inference_pipeline(empty: WholeWorld) -> None:
    other = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/models/scaler.tar.gz"}
    empty.multi_model_endpoint(HOUSES, other, HOUSES_CONTAINER)

    published(empty)


# ---------------------------------------------------------------- refused


def bomb() -> bytes:
    """5 MB of zeros in 25 KB."""
    return packed(("model.bin", bytes(5_000_000)))


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


BROKEN: dict[str, tuple[Callable[[], bytes | None], str, str, str]] = {
    "truncated": (lambda: ONE[:-20], "truncated", "it is cut off", "bytes"),
    "not gzip": (lambda: b'{"message": "denied"}', "not-gzip", "it is no gzip archive", "looks like JSON"),
    "plain tar": (
        lambda: gzip.decompress(ONE),
        "not-gzip",
        "it is no gzip archive",
        "tar archive that is not compressed",
    ),
    "bomb": (bomb, "bomb", "it unpacks to far too much", "unpacks to more than 4.0 MB"),
    "upward": (
        lambda: packed(("model.bin", b"x"), ("../../etc/cron.d/job", b"x")),
        "unsafe-member",
        "a name in it is unsafe",
        "leads upward",
    ),
    "absolute": (
        lambda: packed(("/etc/passwd", b"x")),
        "unsafe-member",
        "a name in it is unsafe",
        "is absolute",
    ),
    "link that leads out": (
        lambda: packed(("model.bin", b"x"), link("code/data", "../../etc")),
        "unsafe-link",
        "a link in it is unsafe",
        "leads out of the archive",
    ),
    "hard link that leads out": (
        lambda: packed(link("data", "/etc/shadow", tarfile.LNKTYPE)),
        "unsafe-link",
        "a link in it is unsafe",
        "is absolute",
    ),
    "nothing in it": (
        lambda: packed(link("folder", "", tarfile.DIRTYPE)),
        "no-files",
        "no file is in it",
        "no file in it",
    ),
    "no bytes": (lambda: b"", "empty", "it is empty", "0 bytes"),
    "missing": (lambda: None, "missing", "it is not there", "There is no file"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_bad_artifact_is_told_and_what_serves_keeps_serving(system: WholeWorld, name: str) -> None:
    make, code, words, why = BROKEN[name]
    before = published(system)
    system.train(MODEL, make())
    system.settle()

    (rejected,) = system.said_of(MODEL, "ArtifactRejected")
    assert rejected["code"] == code
    told = mail(system)
    assert told["attributes"]["kind"] == "ArtifactRejected"
    assert headline(told).endswith(f"{HOUSES}: {MODEL}: new artifact refused, {words}")
    assert f"The new artifact of {MODEL} was NOT published to endpoint {HOUSES}." in told["text"]
    assert why in told["text"]
    assert f"Callers are still sent to version {rejected['serving']['version']} ({before})" in told["text"]
    assert system.pointer(MODEL) == before
    assert system.shelf() == [before]
    assert content(system, before) == ONE
    # What will not change by itself is not looked at again; nothing is told twice.
    system.sweep()
    assert system.read_mail() == []


KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"


def denied(operation: str) -> None:
    """As S3 says that the artifact's key may not be used."""
    if operation != "s3:GetObject":
        return
    role = f"arn:aws:sts::{ACCOUNT}:assumed-role/ArtifactSyncRole/artifact-sync"
    raise ClientError(
        {
            "Error": {
                "Code": "AccessDenied",
                "Message": f"User: {role} is not authorized to perform: kms:Decrypt on resource: {KEY} because no "
                "identity-based policy allows the kms:Decrypt action",
            },
            "ResponseMetadata": {"HTTPStatusCode": 403},  # type: ignore[typeddict-item]
        },
        "GetObject",
    )


def test_a_key_that_may_not_be_used_is_named_and_the_model_published_once_it_may(system: WholeWorld) -> None:
    before = published(system)
    system.before_each_call = denied
    system.train(MODEL, TWO)
    system.settle()
    system.before_each_call = None

    (rejected,) = system.said_of(MODEL, "ArtifactRejected")
    assert rejected["code"] == "denied"
    told = mail(system)
    assert headline(told).endswith("new artifact refused, access is denied")
    for words in ("kms:Decrypt", KEY, "ArtifactKeyArns", "It looks again every hour"):
        assert words in told["text"]
    assert system.pointer(MODEL) == before
    # An hour later the right is there: nothing had to be sent again.
    system.advance(3_600)
    system.sweep()
    assert content(system, system.pointer(MODEL)) == TWO
    mended = mail(system)
    assert mended["attributes"]["kind"] == "ArtifactPublished"
    assert "That makes good what was refused before" in mended["text"]
    assert mended["attributes"]["incident"] == told["attributes"]["incident"]


def test_only_the_first_refusals_of_a_night_are_told(system: WholeWorld) -> None:
    for number in range(25):
        system.start_training(f"model-{number}", ONE[:-20])
    system.settle()

    told = system.read_mail()
    assert [one["attributes"]["kind"] for one in told] == ["ArtifactRejected"] * 4
    rejected = [one["detail"] for one in system.domain_events if one["detail-type"] == "ArtifactRejected"]
    assert len(rejected) == 25
    assert [one["of_the_day"] for one in rejected if not one["quiet"]] == [1, 2, 3, 10]
    assert len({one["attributes"]["incident"] for one in told}) == 1


def test_what_stays_as_it_is_does_not_hide_other_refusals(system: WholeWorld) -> None:
    system.put(f"s3://{BUCKET}/{HOUSES_PREFIX}{MODEL}/{MODEL}.tar.gz", b"theirs")
    published(system, ONE, in_place="on")
    for _ in range(4):
        system.advance(60)
        system.sweep()
    assert len(system.read_mail()) == 1
    system.train("Dallas_TX", ONE[:-20])
    system.settle()

    (second,) = system.said_of("Dallas_TX", "ArtifactRejected")
    assert second["of_the_day"] == 2
    assert kinds_of(system.read_mail()) == ["ArtifactRejected"]


def test_the_first_refusals_are_told_though_the_bus_is_throttled_once(system: WholeWorld) -> None:
    left = 3

    def throttle(operation: str) -> None:
        nonlocal left
        if operation == "eventbridge:PutEvents" and left:
            left -= 1
            error: Any = {
                "Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"},
                "ResponseMetadata": {"HTTPStatusCode": 400},
            }
            raise ClientError(error, "PutEvents")

    system.before_each_call = throttle
    for number in range(3):
        system.start_training(f"model-{number}", ONE[:-20])
    system.simulator.settle()
    for _ in range(3):
        system.deliver_to("artifact_sync")
    assert left == 0
    assert len(system.boxes["artifact_sync"]) == 3
    system.clock.jump_to(system.clock.now() + 1_800)  # the visibility timeout
    system.settle()

    assert len([one for one in system.domain_events if one["detail-type"] == "ArtifactRejected"]) == 3
    assert kinds_of(system.read_mail()) == ["ArtifactRejected"] * 3


def test_the_commands_name_the_job_as_it_is_called(system: WholeWorld) -> None:
    job = system.train(MODEL, ONE[:-20])
    system.settle()

    assert job == "Houston-TX-1"
    (rejected,) = system.said_of(MODEL)
    told = mail(system)["text"]
    assert rejected["cause"]["job"] == job
    assert f"--training-job-name {job} " in told
    assert f"--log-stream-name-prefix {job}/ " in told


# ---------------------------------------------------------------- endpoints that are not what the tag says


def refused_endpoint(system: WholeWorld, code: str) -> str:
    system.train(MODEL, ONE)
    system.settle()
    (rejected,) = system.said_of(MODEL, "ArtifactRejected")
    assert rejected["code"] == code
    assert system.pointer(MODEL) == ""
    assert system.shelf() == []
    return str(mail(system)["text"])


def test_an_endpoint_with_one_model(empty: WholeWorld) -> None:
    empty.multi_model_endpoint(HOUSES, {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/models/one.tar.gz"})

    assert "is no multi-model endpoint" in refused_endpoint(empty, "not-multi-model")


def test_an_endpoint_that_is_made_later(empty: WholeWorld) -> None:
    text = refused_endpoint(empty, "no-endpoint")

    assert f"There is no endpoint {HOUSES}" in text
    empty.multi_model_endpoint()
    empty.advance(3_600)
    empty.sweep()
    assert content(empty, empty.pointer(MODEL)) == ONE
    assert kinds_of(empty.read_mail()) == ["ArtifactPublished"]


def test_an_endpoint_that_was_deleted(system: WholeWorld) -> None:
    published(system)
    system.sagemaker.delete_endpoint(EndpointName=HOUSES)
    system.settle()
    system.train(MODEL, TWO)
    system.settle()

    (rejected,) = system.said_of(MODEL, "ArtifactRejected")
    assert rejected["code"] == "no-endpoint"
    assert "their calls may fail all the same" in mail(system)["text"]


# ---------------------------------------------------------------- approved, and taken back


def test_an_approved_version_is_published(system: WholeWorld) -> None:
    grouped(system)
    arn = system.registered(GROUP, ONE)
    system.settle()
    assert system.shelf() == []
    system.approve(arn)
    system.settle()

    assert system.pointer(MODEL) == v(1)
    assert content(system, v(1)) == ONE
    (said,) = system.said_of(MODEL)
    assert (said["source"], said["source_arn"], said["group"]) == ("model-package", arn, GROUP)
    assert system.read_mail() == []


def test_a_rejected_version_hands_over_to_the_one_before(system: WholeWorld) -> None:
    grouped(system)
    approved(system, ONE)
    second = approved(system, TWO)
    assert system.pointer(MODEL) == v(2)
    system.reject(second)
    system.settle()

    assert system.pointer(MODEL) == v(1)
    told = mail(system)
    assert told["attributes"]["kind"] == "ArtifactWithdrawn"
    assert (
        "is not approved any more: callers on endpoint house-prices are now sent to version 1" in told["text"]
    )
    # Approved again: forward again, from what lies there.
    system.approve(second)
    system.settle()
    assert system.pointer(MODEL) == v(2)
    assert system.shelf() == [v(1), v(2)]
    assert kinds_of(system.read_mail()) == ["ArtifactPublished"]


def test_the_last_good_version_stays_though_it_is_rejected(system: WholeWorld) -> None:
    grouped(system)
    system.reject(approved(system, ONE))
    system.settle()

    assert system.pointer(MODEL) == v(1)
    assert "STILL SENT TO IT" in mail(system)["text"]


def test_a_version_that_was_never_published_takes_over(system: WholeWorld) -> None:
    grouped(system)
    system.simulator.disturb(drop=True)
    approved(system, ONE)
    system.simulator.disturb()
    system.reject(approved(system, TWO))
    system.settle()

    assert system.pointer(MODEL) == v(1)
    assert content(system, v(1)) == ONE


def test_a_group_that_is_deleted_while_its_version_is_copied_is_left_alone(system: WholeWorld) -> None:
    grouped(system)
    arn = system.registered(GROUP, ONE)
    system.settle()
    system.approve(arn)

    def delete(operation: str) -> None:
        if operation == "s3:CopyObject":
            system.sagemaker.delete_model_package(ModelPackageName=arn)
            system.sagemaker.delete_model_package_group(ModelPackageGroupName=GROUP)

    system.after_each_call = delete
    system.settle()
    system.after_each_call = None

    assert system.pointer(MODEL) == v(1)
    assert system.said_of(MODEL, "ArtifactWithdrawn") == []
    assert system.read_mail() == []


def test_a_job_that_is_registered_first_is_published_once_its_version_is_approved(system: WholeWorld) -> None:
    grouped(system)
    system.train(MODEL, ONE, register_to=GROUP)
    system.settle()
    assert system.shelf() == []
    (version,) = system.versions(GROUP)
    system.approve(version["ModelPackageArn"])
    system.settle()

    assert content(system, system.pointer(MODEL)) == ONE


def test_a_person_takes_a_job_s_version_back(system: WholeWorld) -> None:
    first, second = published(system, ONE), published(system, TWO)
    label = system.said_of(MODEL)[-1]["version"]
    body = {
        "id": "wish",
        "source": "stationkeeper",
        "detail-type": "TakeModelBack",
        "account": ACCOUNT,
        "region": REGION,
        "time": system.now.isoformat(),
        "detail": {"endpoint": HOUSES, "model": MODEL, "version": label},
    }
    system.sqs.send_message(QueueUrl=system.artifact_queue_url, MessageBody=json.dumps(body))
    system.settle()

    assert system.pointer(MODEL) == first
    assert system.shelf() == sorted((first, second))
    assert kinds_of(system.read_mail()) == ["ArtifactWithdrawn"]


# ---------------------------------------------------------------- in place, and what is loaded


def test_what_is_loaded_in_place_is_stale_and_the_new_key_is_not(system: WholeWorld) -> None:
    in_place = f"{MODEL}/{MODEL}.tar.gz"
    published(system, ONE, in_place="on")
    assert content(system, in_place) == ONE
    call(system, in_place)
    target = published(system, TWO, in_place="on")
    call(system, in_place)
    call(system, target)

    assert content(system, in_place) == TWO
    loaded = system.simulator.loaded_models(HOUSES)
    assert loaded[target] == system.on_shelf(target)["ETag"]
    assert loaded[in_place] != system.on_shelf(in_place)["ETag"]
    assert system.said_of(MODEL)[-1]["in_place"] == in_place


def test_the_key_without_a_version_goes_back_with_the_pointer(system: WholeWorld) -> None:
    grouped(system, in_place="on")
    approved(system, ONE)
    system.reject(approved(system, TWO))
    system.settle()

    assert content(system, f"{MODEL}/{MODEL}.tar.gz") == ONE
    assert system.pointer(MODEL) == v(1)


def test_what_others_put_at_the_key_without_a_version_is_left_alone(system: WholeWorld) -> None:
    theirs = f"{MODEL}/{MODEL}.tar.gz"
    system.put(f"s3://{BUCKET}/{HOUSES_PREFIX}{theirs}", b"theirs")
    published(system, ONE, in_place="on")

    assert content(system, theirs) == b"theirs"
    assert "It is left alone" in mail(system)["text"]


# ---------------------------------------------------------------- warm-up


REQUEST = f"s3://{BUCKET}/requests/houston.csv"


def test_a_model_is_called_before_callers_are_sent_to_it(system: WholeWorld) -> None:
    system.put(REQUEST, b"1,2,3")
    system.simulator.plan_model_load(HOUSES, f"{MODEL}/*", not_ready=2)
    target = published(system, warm_up=REQUEST)

    assert system.slept == [5, 5]
    assert target in system.simulator.loaded_models(HOUSES)
    assert system.said_of(MODEL)[0]["warmed"] is True


def test_the_sample_payload_of_a_version_warms_it_up(system: WholeWorld) -> None:
    grouped(system, warm_up="on")
    payload = system.put(f"s3://{BUCKET}/registry/payload.tar.gz", packed(("request.csv", b"1,2,3")))
    approved(
        system,
        ONE,
        SamplePayloadUrl=payload,
        Domain="MACHINE_LEARNING",
        Task="REGRESSION",
    )

    assert v(1) in system.simulator.loaded_models(HOUSES)
    assert system.said_of(MODEL)[0]["warmed"] is True


def test_nobody_is_sent_to_a_model_that_fails_its_first_call(system: WholeWorld) -> None:
    system.put(REQUEST, b"1,2,3")
    before = published(system, warm_up=REQUEST)
    system.simulator.plan_model_load(HOUSES, error="ModuleNotFoundError: No module named 'sklearn'")
    system.train(MODEL, TWO, warm_up=REQUEST)
    system.settle()

    told = mail(system)
    assert headline(told).endswith(f"{MODEL}: new version failed its warm-up")
    assert "No module named 'sklearn'" in told["text"]
    assert "nobody is sent to it" in told["text"]
    assert system.pointer(MODEL) == before
    (failed,) = set(system.shelf()) - {before}
    # It stays to be looked at, then it is deleted.
    system.advance(8 * DAY)
    system.sweep()
    assert failed not in system.shelf()
    assert system.read_mail() == []


def test_a_model_that_is_never_loaded_is_given_up_within_hours(system: WholeWorld) -> None:
    system.put(REQUEST, b"1,2,3")
    system.simulator.plan_model_load(HOUSES, not_ready=100_000)
    begun = system.clock.now()
    system.train(MODEL, ONE, warm_up=REQUEST)
    system.settle()

    (rejected,) = system.said_of(MODEL)
    assert rejected["code"] == "warm-up"
    assert system.pointer(MODEL) == ""
    assert system.clock.now() - begun < 3 * 3_600


# ---------------------------------------------------------------- what got lost


def test_a_job_whose_event_was_lost_is_found_by_the_sweep(system: WholeWorld) -> None:
    system.simulator.disturb(drop=True)
    system.train(MODEL, ONE)
    system.settle()
    assert system.pointer(MODEL) == ""
    system.sweep()

    assert content(system, system.pointer(MODEL)) == ONE
    system.calls.clear()
    system.sweep()
    assert "sqs:SendMessageBatch" not in system.calls


def test_an_approval_that_was_lost_is_made_up_by_the_sweep(system: WholeWorld) -> None:
    grouped(system)
    first = approved(system, ONE)
    system.simulator.disturb(drop=True)
    second = approved(system, TWO)
    assert system.pointer(MODEL) == v(1)
    system.sweep()
    assert system.pointer(MODEL) == v(2)
    # A rejection, too.
    system.reject(second)
    system.settle()
    assert system.pointer(MODEL) == v(2)
    system.sweep()

    assert system.pointer(MODEL) == v(1)
    assert system.status(first) == "Approved"
    assert kinds_of(system.read_mail()) == ["ArtifactWithdrawn"]


def test_old_versions_are_deleted_when_nobody_was_sent_to_them_for_long_enough(system: WholeWorld) -> None:
    targets = [published(system, archive) for archive in (ONE, TWO, THREE)]
    theirs = f"{MODEL}/by-hand.tar.gz"
    system.put(f"s3://{BUCKET}/{HOUSES_PREFIX}{theirs}", ONE)
    system.advance(6.5 * DAY)
    system.sweep()
    assert sorted(system.shelf()) == sorted([*targets, theirs])
    system.advance(DAY)
    system.sweep()

    assert sorted(system.shelf()) == sorted([targets[-1], theirs])
    assert system.pointer(MODEL) == targets[-1]
    assert system.read_mail() == []


def test_an_unfinished_record_is_due_at_once_by_the_world_s_clock(system: WholeWorld) -> None:
    """`remember` asks the machine's clock; it never runs ahead of the one the sweep compares with."""
    published(system)
    system.advance(30 * DAY)
    system.train(MODEL, TWO)
    with system.crashing_after(9) as crash:  # the pointer was moved; nothing is said, the lease is held
        system.pump()
    assert crash.happened
    system.boxes["artifact_sync"].clear()  # and the message is lost as well
    assert not system.model_record(MODEL).settled
    system.advance(3_600)
    system.sweep()

    assert system.model_record(MODEL).settled
    assert [one["pointed"] for one in system.said_of(MODEL, "ArtifactPublished")] == [True, True]


# ---------------------------------------------------------------- rules


def job_event(system: WholeWorld, tags: Any, status: str = "Completed") -> dict[str, Any]:
    """The event of a job that ended, with these tags in the place of its own."""
    system.simulator.disturb(hold_back=True)
    system.train(MODEL, ONE)
    system.simulator.disturb()
    system.events_seen.clear()
    system.simulator.release_held()
    system.boxes["artifact_sync"].clear()
    system.boxes["job_report"].clear()
    event = system.events_seen[-1]
    event["detail"]["TrainingJobStatus"] = status
    event["detail"]["Tags"] = tags
    if tags is None:
        del event["detail"]["Tags"]
    return event


@pytest.mark.parametrize(
    "tags",
    [{TAG: HOUSES}, [{"Key": "team", "Value": "x"}, {"Key": TAG, "Value": HOUSES}]],
    ids=["map", "list"],
)
def test_a_job_with_our_tag_always_comes_through(system: WholeWorld, tags: Any) -> None:
    event = job_event(system, tags)
    system.on_event(event)
    system.settle()

    assert content(system, system.pointer(MODEL)) == ONE


def test_jobs_of_others_never_come_through(system: WholeWorld) -> None:
    event = job_event(system, {TAG: HOUSES})
    assert "ArtifactSyncTrainingRule" in rules_that_match(event)
    for tags in (
        None,
        {},
        [],
        "",
        {"team": "x"},
        {"stationkeeper:target-model": MODEL},
        {"team": TAG},
        [{"Key": "team", "Value": TAG}],
        [{"Key": "stationkeeper:target-model", "Value": MODEL}],
    ):
        detail = {**event["detail"], "Tags": tags}
        if tags is None:
            del detail["Tags"]
        assert "ArtifactSyncTrainingRule" not in rules_that_match({**event, "detail": detail}), tags
    for status in ("InProgress", "Failed", "Stopped", "Stopping"):
        detail = {**event["detail"], "TrainingJobStatus": status}
        assert "ArtifactSyncTrainingRule" not in rules_that_match({**event, "detail": detail}), status


def test_versions_of_no_group_never_come_through(system: WholeWorld) -> None:
    grouped(system)
    system.registered(GROUP, ONE)
    event = next(one for one in reversed(system.events_seen) if "Model Package" in one["detail-type"])
    assert "ArtifactSyncVersionRule" in rules_that_match(event)
    detail = {key: value for key, value in event["detail"].items() if key != "ModelPackageGroupName"}

    assert "ArtifactSyncVersionRule" not in rules_that_match({**event, "detail": detail})
