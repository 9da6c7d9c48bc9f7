"""Calling a new version on a multi-model endpoint: loading, answering, failing, or nothing to try."""

import io
import tarfile
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.response import StreamingBody
from botocore.stub import Stubber
from stationkeeper.artifacts.warm_up import WarmUp
from stationkeeper.aws import clients
from stationkeeper.aws.warm_ups import _CALL_SECONDS, _PATIENCE_SECONDS, AwsWarmUps

ENDPOINT, MODEL = "houses", "Houston_TX/12/Houston_TX-12.tar.gz"
URI, CSV = "s3://requests/request.csv", b"1,2,3\n"
INVOKE = "before-parameter-build.sagemaker-runtime.InvokeEndpoint"


def streamed(content: bytes) -> StreamingBody:
    return StreamingBody(io.BytesIO(content), len(content))


def archive(content: bytes = CSV, name: str = "payload.csv") -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return raw.getvalue()


class World:
    """S3 with one file, an endpoint whose answers are told in advance, and a clock that only they and pauses move."""

    def __init__(self) -> None:
        self.s3 = self._client("s3")
        self.runtime = self._client("sagemaker-runtime")
        self.s3_stub, self.runtime_stub = Stubber(self.s3), Stubber(self.runtime)
        self.runtime.meta.events.register(INVOKE, self._called)
        self.now = 1_000.0
        self.asked: list[dict[str, Any]] = []
        self.begun: list[float] = []
        self.pauses: list[float] = []
        self._calls: list[tuple[float, bool]] = []

    def _client(self, service: str) -> Any:
        return boto3.client(
            service, region_name="eu-west-1", aws_access_key_id="key", aws_secret_access_key="secret"
        )

    def _called(self, params: dict[str, Any], **_: Any) -> None:
        self.asked.append(dict(params))
        self.begun.append(self.now)
        seconds, in_time = self._calls.pop(0)
        self.now += seconds
        if not in_time:
            raise ReadTimeoutError(endpoint_url="https://runtime")

    # ---- what is told in advance

    def has(self, content: bytes, uri: str = URI) -> None:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        self.s3_stub.add_response(
            "get_object",
            {"Body": streamed(content), "ContentLength": len(content)},
            {"Bucket": bucket, "Key": key},
        )

    def answers(self, body: bytes = b"0.7", seconds: float = 0.1) -> None:
        self._calls.append((seconds, True))
        self.runtime_stub.add_response("invoke_endpoint", {"Body": streamed(body)})

    def fails(
        self, code: str, message: str = "said", status: int = 400, seconds: float = 0.1, **more: Any
    ) -> None:
        self._calls.append((seconds, True))
        self.runtime_stub.add_client_error(
            "invoke_endpoint", code, message, http_status_code=status, modeled_fields=more or None
        )

    def is_not_ready(self, times: int = 1, seconds: float = 60) -> None:
        for _ in range(times):
            self.fails("ModelNotReadyException", "Model is not ready", 429, seconds)

    def hangs(self, times: int = 1, seconds: float = _CALL_SECONDS) -> None:
        self._calls += [(seconds, False)] * times

    # ---- what is done

    def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def call(self, uri: str = URI, content_type: str = "", target_model: str = MODEL) -> WarmUp:
        warm_ups = AwsWarmUps(
            lambda: self.s3, lambda: self.runtime, sleep=self._sleep, clock=lambda: self.now
        )
        with self.s3_stub, self.runtime_stub:
            return warm_ups.call(ENDPOINT, target_model, uri, content_type)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.s3_stub.assert_no_pending_responses()


# ---- answers


def test_a_model_that_answers_is_called_once(world: World):
    world.has(CSV)
    world.answers()
    world.answers()  # which nobody asks for

    assert world.call() == WarmUp(answered=True)
    assert world.pauses == []
    assert world.asked == [
        {"EndpointName": ENDPOINT, "TargetModel": MODEL, "Body": CSV, "ContentType": "text/csv"}
    ]


def test_an_empty_answer_speaks_against_the_model(world: World):
    world.has(CSV)
    world.answers(b"")

    assert world.call() == WarmUp(failed=True, said="it answered with nothing")
    assert len(world.asked) == 1


def test_an_answer_that_breaks_off_is_no_reason_to_ask_again_at_once(world: World):
    class Broken(io.BytesIO):
        def read(self, amount: int | None = -1, /) -> bytes:
            raise ReadTimeoutError(endpoint_url="https://runtime")

    world.has(CSV)
    world._calls.append((0.1, True))
    world.runtime_stub.add_response("invoke_endpoint", {"Body": StreamingBody(Broken(), 3)})

    with pytest.raises(ReadTimeoutError):
        world.call()

    assert len(world.asked) == 1


# ---- loading


def test_a_model_that_loads_is_waited_for(world: World):
    world.has(CSV)
    world.is_not_ready()
    world.answers()

    assert world.call() == WarmUp(answered=True)
    assert world.begun == [1_000, 1_065]
    assert world.pauses == [5]
    assert world.asked == [world.asked[0]] * 2


def test_no_answer_in_time_is_like_not_ready(world: World):
    world.has(CSV)
    world.hangs()
    world.answers()

    assert world.call() == WarmUp(answered=True)
    assert len(world.asked) == 2


@pytest.mark.parametrize(
    ("seconds", "calls", "words"),
    [
        (60, 2, "it was not loaded after 2 minutes, or did not answer"),
        (0, 17, "it was not loaded after 1 minute, or did not answer"),
        (54, 2, "it was not loaded after 2 minutes, or did not answer"),
        (_CALL_SECONDS, 2, "it was not loaded after 2 minutes, or did not answer"),
    ],
    ids=["as documented", "at once", "a little less", "as long as can be"],
)
def test_a_model_that_never_loads_has_failed(world: World, seconds: float, calls: int, words: str):
    world.has(CSV)
    world.is_not_ready(calls, seconds)

    assert world.call() == WarmUp(failed=True, loading=True, said=words)
    assert len(world.asked) == calls
    assert world.pauses == [5] * (calls - 1)


def test_a_model_that_never_answers_has_failed(world: World):
    world.has(CSV)
    world.hangs(2)
    world.answers()  # which nobody waits for

    assert world.call().failed
    assert len(world.asked) == 2


@pytest.mark.parametrize("seconds", [0, 1, 20, 30, 54, 60, 65, _CALL_SECONDS])
def test_no_call_begins_that_could_end_after_the_time_there_is(world: World, seconds: float):
    world.has(CSV)
    world.is_not_ready(60, seconds)

    assert world.call().failed
    assert world.begun[-1] + _CALL_SECONDS <= 1_000 + _PATIENCE_SECONDS
    assert world.now + 5 + _CALL_SECONDS > 1_000 + _PATIENCE_SECONDS


def test_reading_the_payload_counts_too(world: World):
    def slow(**_: Any) -> None:
        world.now += 100

    world.s3.meta.events.register_first("before-parameter-build.s3.GetObject", slow)
    world.has(CSV)
    world.is_not_ready()

    assert world.call().failed
    assert len(world.asked) == 1


def test_a_call_cannot_take_longer_than_is_reckoned_with():
    config: Any = clients._OTHER_CONFIGS["sagemaker-runtime"]

    assert config.connect_timeout + config.read_timeout == _CALL_SECONDS
    assert config.retries["total_max_attempts"] == 1


# ---- errors


def test_an_error_of_the_model_is_told_in_its_own_words(world: World):
    world.has(CSV)
    world.fails(
        "ModelError",
        'Received server error (500) from primary with message "..."',
        424,
        OriginalStatusCode=500,
        OriginalMessage="no\nsuch \x1b[31mfeature: age",
        LogStreamArn="arn:aws:logs:eu-west-1:123456789012:log-group:x",
    )

    said = "it answered with an error (500): no such \\u001b[31mfeature: age"
    assert world.call() == WarmUp(failed=True, said=said)
    assert len(world.asked) == 1


def test_an_error_without_its_own_words_is_told_in_those_of_the_service(world: World):
    world.has(CSV)
    world.fails("ModelError", "Received server error (0) from primary", 424)

    said = "it answered with an error: Received server error (0) from primary"
    assert world.call() == WarmUp(failed=True, said=said)


def test_long_words_of_the_model_are_cut(world: World):
    world.has(CSV)
    world.fails("ModelError", "said", 424, OriginalStatusCode=500, OriginalMessage="x" * 5_000)

    said = world.call().said

    assert said.endswith("x...")
    assert len(said) == len("it answered with an error (500): ") + 300


@pytest.mark.parametrize(
    ("code", "status", "more"),
    [
        ("ModelError", 424, {"OriginalStatusCode": 507, "OriginalMessage": "no room"}),
        ("InsufficientStorage", 507, {}),
        ("InsufficientStorageException", 400, {}),
        ("InternalFailure", 507, {}),
    ],
)
def test_a_model_there_is_no_memory_for_has_failed(
    world: World, code: str, status: int, more: dict[str, Any]
):
    world.has(CSV)
    world.fails(code, "no room", status, **more)

    assert world.call() == WarmUp(
        failed=True, loading=True, said="there is not enough memory to load it: no room"
    )


@pytest.mark.parametrize(
    "message",
    [
        "Failed to download model data(bucket: models, key: houses/Houston_TX.tar.gz). Please ensure that there is an object",
        "Failed to download model data (bucket: models)",
        "Unable to load model",
    ],
)
def test_a_model_that_cannot_be_loaded_has_failed(world: World, message: str):
    world.has(CSV)
    world.fails("ValidationError", message)

    assert world.call() == WarmUp(failed=True, said=f"it cannot be loaded: {message}")
    assert len(world.asked) == 1


@pytest.mark.parametrize(
    ("code", "message", "status"),
    [
        ("AccessDeniedException", "not authorized to perform: sagemaker:InvokeEndpoint", 403),
        ("AccessDeniedException", "may not: unable to load model", 403),
        ("ValidationError", "Endpoint houses of account 123456789012 not found.", 400),
        ("ValidationError", "Endpoint houses is not in service", 400),
        ("ValidationError", "Endpoint houses is not a multi-model endpoint", 400),
        ("UnrecognizedClientException", "The security token is invalid", 403),
    ],
)
def test_an_endpoint_that_cannot_be_called_says_nothing_against_the_model(
    world: World, code: str, message: str, status: int
):
    world.has(CSV)
    world.fails(code, message, status)

    assert world.call() == WarmUp(said=f"the endpoint could not be called: {message}")
    assert len(world.asked) == 1


def test_a_request_that_boto3_refuses_says_nothing_against_the_model(world: World):
    world.has(CSV)
    world.answers()

    warm_up = world.call(target_model="")

    assert (warm_up.answered, warm_up.failed) == (False, False)
    assert warm_up.said.startswith("the endpoint could not be called: ")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ThrottlingException", 400),
        ("TooManyRequestsException", 429),
        ("ServiceUnavailable", 503),
        ("InternalFailure", 500),
        ("InternalDependencyException", 530),
        ("ExpiredToken", 403),
    ],
)
def test_passing_faults_are_raised_at_once(world: World, code: str, status: int):
    world.has(CSV)
    world.is_not_ready()
    world.fails(code, status=status)

    with pytest.raises(ClientError, match=code):
        world.call()

    assert len(world.asked) == 2


# ---- payloads


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("request.csv", "text/csv"),
        ("request.json", "application/json"),
        ("request.jsonl", "application/jsonlines"),
        ("request.jsonlines", "application/jsonlines"),
        ("request.npy", "application/x-npy"),
        ("request.parquet", "application/x-parquet"),
        ("request.txt", "text/plain"),
        ("Request.CSV", "text/csv"),
        ("a.json/request.csv", "text/csv"),
        ("request.csv.gz", "application/octet-stream"),
        ("request.libsvm", "application/octet-stream"),
        ("request", "application/octet-stream"),
        ("v1.2/request", "application/octet-stream"),
        (".csv", "application/octet-stream"),
    ],
)
def test_a_files_ending_says_its_content_type(world: World, name: str, content_type: str):
    world.has(CSV, f"s3://requests/{name}")
    world.answers()

    assert world.call(f"s3://requests/{name}").answered
    assert world.asked[0]["ContentType"] == content_type
    assert world.asked[0]["Body"] == CSV


@pytest.mark.parametrize(
    ("name", "sent"),
    [("request.json", "application/json"), ("request.libsvm", "text/libsvm"), ("request", "text/libsvm")],
)
def test_the_packages_content_type_is_of_another_file_only_where_its_ending_says_nothing(
    world: World, name: str, sent: str
):
    world.has(CSV, f"s3://requests/{name}")
    world.answers()

    assert world.call(f"s3://requests/{name}", "text/libsvm").answered
    assert world.asked[0]["ContentType"] == sent


@pytest.mark.parametrize("name", ["payload.tar.gz", "payload.tgz", "payload.TAR.GZ"])
@pytest.mark.parametrize(("registered", "sent"), [("application/json", "application/json"), ("", "text/csv")])
def test_of_an_archive_the_first_file_is_sent_as_what_its_package_takes(
    world: World, name: str, registered: str, sent: str
):
    world.has(archive(), f"s3://models/{name}")
    world.answers()

    assert world.call(f"s3://models/{name}", registered).answered
    assert (world.asked[0]["Body"], world.asked[0]["ContentType"]) == (CSV, sent)


@pytest.mark.parametrize("name", ["sample request (1).csv", "a folder/request é.csv", "50%20off+?#.csv"])
def test_an_address_is_taken_literally(world: World, name: str):
    world.has(CSV, f"s3://requests/{name}")
    world.answers()

    assert world.call(f"s3://requests/{name}").answered


@pytest.mark.parametrize(("size", "sent"), [(6_000_000, True), (6_000_001, False)])
def test_a_file_may_have_six_megabytes(world: World, size: int, sent: bool):
    world.has(bytes(size))
    if sent:
        world.answers()

    warm_up = world.call()

    assert warm_up == (
        WarmUp(answered=True) if sent else WarmUp(said=f"the sample payload {URI} is over 6 MB")
    )


@pytest.mark.parametrize(
    ("content", "uri", "said"),
    [
        (b"", URI, f"the sample payload {URI} is empty"),
        (archive(b""), "s3://models/p.tgz", "the sample payload s3://models/p.tgz is empty"),
        (b"1,2,3\n", "s3://models/p.tgz", "no gzip tar archive"),
        (archive(name=".hidden"), "s3://models/p.tgz", "holds no file"),
        (archive(bytes(6_000_001)), "s3://models/p.tgz", "over 6 MB"),
        (None, "https://example.com/request.csv", "is no file in S3"),
        (None, "s3://requests", "is no file in S3"),
    ],
    ids=[
        "empty",
        "empty in an archive",
        "no archive",
        "hidden",
        "too large",
        "not S3",
        "no key",
    ],
)
def test_without_a_payload_nothing_is_tried(world: World, content: bytes | None, uri: str, said: str):
    if content is not None:
        world.has(content, uri)

    warm_up = world.call(uri)

    assert (warm_up.answered, warm_up.failed) == (False, False)
    assert said in warm_up.said
    assert world.asked == []


def test_a_bucket_that_cannot_be_is_no_payload(world: World):
    """boto3 says so before it asks anybody."""
    warm_ups = AwsWarmUps(lambda: world.s3, lambda: world.runtime)

    said = "s3://No Bucket/request.csv is no file in S3"
    assert warm_ups.call(ENDPOINT, MODEL, "s3://No Bucket/request.csv", "") == WarmUp(said=said)


@pytest.mark.parametrize(("code", "status"), [("NoSuchKey", 404), ("AccessDenied", 403)])
def test_a_payload_that_cannot_be_read_says_nothing_against_the_model(world: World, code: str, status: int):
    world.s3_stub.add_client_error("get_object", code, "said", http_status_code=status)

    assert world.call() == WarmUp(said=f"the sample payload {URI} cannot be read: said")
    assert world.asked == []


@pytest.mark.parametrize(("code", "status"), [("SlowDown", 503), ("InternalError", 500)])
def test_passing_faults_of_s3_are_raised(world: World, code: str, status: int):
    world.s3_stub.add_client_error("get_object", code, "said", http_status_code=status)

    with pytest.raises(ClientError, match=code):
        world.call()
