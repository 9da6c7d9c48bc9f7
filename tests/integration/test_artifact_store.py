"""Artifacts in S3 (moto with what it lacks): looked at, published once and never over anything, put in place, deleted."""

import io
import os
import tarfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from logging import Handler, LogRecord
from threading import Barrier, Lock, Semaphore
from typing import Any
from zlib import crc32

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError
from embedded_aws.moto_additions import s3 as addition
from hypothesis import example, given
from hypothesis import strategies as st
from moto import mock_aws
from moto.core.botocore_stubber import MockRawResponse
from stationkeeper.artifacts.archive import Limits
from stationkeeper.artifacts.refusal import ArtifactRefused, Refusal
from stationkeeper.artifacts.stored import Checked, CopyDiffers, KeyTaken, SourceChanged, Stored
from stationkeeper.aws.artifact_store import S3ArtifactStore, _ranges
from stationkeeper.errors import MemoryConflict, UnderWay
from stationkeeper.telemetry import logger
from urllib3.exceptions import ProtocolError
from urllib3.exceptions import ReadTimeoutError as Urllib3ReadTimeoutError

REGION = "eu-west-1"
OUTPUT, MODELS = "training-output", "models"
KEY = "churn/job-7/output/model.tar.gz"
TARGET = "fleet/churn/churn-v7.tar.gz"
IN_PLACE = "fleet/churn/churn.tar.gz"
MARKS = {"stationkeeper-model": "fleet/churn", "stationkeeper-version": "7", "stationkeeper-etag": "abc"}
LIMITS = Limits(archive_bytes=50_000_000, unpacked_bytes=100_000_000)
MIB = 1024 * 1024
ODD = "Zürich 20%+ä/a b?versionId=x&y/🚢 model.tar.gz"

pytestmark = pytest.mark.usefixtures("socket_disabled")


class Crash(BaseException):
    """The function's process is killed; no `except Exception` sees it."""


class Line:
    """The answer to a GetObject as it comes over the network, and what goes wrong with it in the end."""

    def __init__(self, content: bytes, fault: Exception | None = None) -> None:
        self._content = io.BytesIO(content)
        self._fault = fault
        self.read_bytes = 0
        self.closed = False

    def read(self, amount: int | None = None) -> bytes:
        piece = self._content.read(amount)
        self.read_bytes += len(piece)
        if not piece and self._fault is not None:
            raise self._fault
        return piece

    def close(self) -> None:
        self.closed = True


class Wire:
    """Between a client and moto: keeps what was asked, and answers or does what a test wants."""

    def __init__(self, client: Any) -> None:
        self.asked: list[str] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self._answers: dict[str, Callable[[Any], AWSResponse | None]] = {}
        self._lock = Lock()
        client.meta.events.register_first("before-send.s3", self._send)

    def _send(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        operation = event_name.rpartition(".")[2]
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        }
        with self._lock:
            self.asked.append(operation)
            self.requests.append((operation, headers))
        answer = self._answers.get(operation)
        answered = answer(request) if answer else None
        if answered is not None:
            request.url = "https://answered.test/"  # moto is asked all the same, and knows nothing of this
        return answered

    def answer(self, operation: str, status: int, body: str = "", **headers: str) -> None:
        """Answer every such call so."""
        self._answers[operation] = lambda request: _response(request, status, body.encode(), headers)

    def fail(self, operation: str, status: int, code: str, message: str, more: str = "") -> None:
        """As S3 says errors."""
        self.answer(
            operation, status, f"<Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>"
        )

    def stream(self, line: Line, size: int, **headers: str) -> None:
        headers |= {"content-length": str(size), "etag": '"seen"'}
        self._answers["GetObject"] = lambda request: AWSResponse(request.url, 200, headers, line)

    def before(self, operation: str, happening: Callable[[], Any], calls: int = 0) -> None:
        """Let something happen just before such a call reaches S3, after so many others."""
        left = [calls]

        def happen(_: Any) -> None:
            with self._lock:
                left[0] -= 1
                now = left[0] == -1
            if now:
                happening()

        self._answers[operation] = happen

    def open(self) -> None:
        self._answers.clear()

    def headers(self, operation: str) -> list[dict[str, str]]:
        return [headers for name, headers in self.requests if name == operation]


def _response(request: Any, status: int, body: bytes, headers: dict[str, str]) -> AWSResponse:
    return AWSResponse(request.url, status, headers, MockRawResponse(body))


def archive(*files: tuple[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=1) as tar:
        for name, content in files or [("model.bin", b"weights"), ("code/inference.py", b"pass")]:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return raw.getvalue()


LARGE = archive(("model.bin", os.urandom(12 * MIB)))


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws(), addition.installed():
        client = boto3.client("s3")
        for bucket in (OUTPUT, MODELS):
            client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        client.put_bucket_versioning(Bucket=MODELS, VersioningConfiguration={"Status": "Enabled"})
        yield client


@pytest.fixture
def client(s3: Any) -> Any:
    """Of the function; it gives up at once."""
    return boto3.client("s3", config=Config(retries={"total_max_attempts": 1}, max_pool_connections=20))


@pytest.fixture
def wire(client: Any) -> Wire:
    return Wire(client)


@pytest.fixture
def store(client: Any, wire: Wire) -> S3ArtifactStore:
    return S3ArtifactStore(lambda: client, LIMITS, single_copy_bytes=6 * MIB, part_bytes=5 * MIB)


@pytest.fixture
def logs() -> Iterator[list[LogRecord]]:
    said: list[LogRecord] = []

    class Keeper(Handler):
        def emit(self, record: LogRecord) -> None:
            said.append(record)

    keeper = Keeper()
    logger.addHandler(keeper)
    yield said
    logger.removeHandler(keeper)


def put(s3: Any, content: bytes = b"", key: str = KEY, bucket: str = OUTPUT, **more: Any) -> str:
    content = content or archive()
    s3.put_object(Bucket=bucket, Key=key, Body=content, **more)
    return f"s3://{bucket}/{key}"


def checked(store: S3ArtifactStore, uri: str) -> Checked:
    found = store.check(uri)
    assert found is not None
    return found


def refusal(call: Callable[[], Any]) -> Refusal:
    with pytest.raises(ArtifactRefused) as refused:
        call()
    return refused.value.refusal


def versions(s3: Any, key: str = TARGET) -> list[str]:
    answer = s3.list_object_versions(Bucket=MODELS, Prefix=key)
    return [one["VersionId"] for one in answer.get("Versions", []) if one["Key"] == key]


def content_of(s3: Any, key: str = TARGET) -> bytes:
    return s3.get_object(Bucket=MODELS, Key=key)["Body"].read()


def uploads(s3: Any) -> list[Any]:
    return s3.list_multipart_uploads(Bucket=MODELS).get("Uploads", [])


# ---------------------------------------------------------------- looking


def test_artifact_is_looked_at_in_one_call(s3: Any, store: S3ArtifactStore, wire: Wire):
    content = archive()
    uri = put(s3, content, ChecksumAlgorithm="CRC64NVME")

    found = checked(store, uri)

    head = s3.head_object(Bucket=OUTPUT, Key=KEY, ChecksumMode="ENABLED")
    assert found == Checked(
        OUTPUT, KEY, head["ETag"], len(content), 2, 10_240, ("CRC64NVME", head["ChecksumCRC64NVME"])
    )
    assert found.uri == uri
    assert wire.asked == ["GetObject"]


def test_artifact_is_found_by_its_web_address(s3: Any, store: S3ArtifactStore):
    put(s3)

    assert checked(store, f"https://{OUTPUT}.s3.{REGION}.amazonaws.com/{KEY}").key == KEY


def test_names_may_hold_any_signs(s3: Any, store: S3ArtifactStore):
    uri = put(s3, archive((ODD, b"weights")), ODD)

    assert checked(store, uri).key == ODD


def test_checksum_of_parts_is_none_of_the_artifact(s3: Any, store: S3ArtifactStore):
    upload = s3.create_multipart_upload(
        Bucket=OUTPUT, Key=KEY, ChecksumAlgorithm="CRC32", ChecksumType="COMPOSITE"
    )["UploadId"]
    part = s3.upload_part(Bucket=OUTPUT, Key=KEY, UploadId=upload, PartNumber=1, Body=archive())
    s3.complete_multipart_upload(
        Bucket=OUTPUT,
        Key=KEY,
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )

    assert checked(store, f"s3://{OUTPUT}/{KEY}").checksum is None


def test_content_that_was_refused_before_is_not_read_again(s3: Any, store: S3ArtifactStore):
    uri = put(s3, b"no archive")
    with pytest.raises(ArtifactRefused) as refused:
        store.check(uri)
    assert refused.value.etag == s3.head_object(Bucket=OUTPUT, Key=KEY)["ETag"]

    assert store.check(uri, refused.value.etag) is None

    put(s3)
    assert store.check(uri, refused.value.etag) is not None


def test_body_of_a_refused_artifact_is_closed_before_its_end(store: S3ArtifactStore, wire: Wire):
    line = Line(b"PK" + bytes(40_000_000))
    wire.stream(line, 40_000_002)

    assert refusal(lambda: store.check("s3://b/k")).code == "not-gzip"

    assert line.closed
    assert line.read_bytes < 1_000_000


def test_body_that_is_too_large_is_not_read_at_all(store: S3ArtifactStore, wire: Wire):
    line = Line(archive())
    wire.stream(line, 50_000_001)

    assert refusal(lambda: store.check("s3://b/k")).code == "too-large"
    assert (line.closed, line.read_bytes) == (True, 0)


def test_content_that_is_not_what_its_checksum_says_is_damaged(store: S3ArtifactStore, wire: Wire):
    content = archive()
    wrong = b64encode((crc32(content) ^ 1).to_bytes(4, "big")).decode()
    wire.stream(Line(content), len(content), **{"x-amz-checksum-crc32": wrong})

    with pytest.raises(ArtifactRefused) as refused:
        store.check("s3://b/k")

    assert refused.value.refusal.code == "damaged"
    assert not refused.value.refusal.passing
    assert refused.value.etag == '"seen"'


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (Urllib3ReadTimeoutError(None, "https://s3", "timed out"), ReadTimeoutError),  # type: ignore[arg-type]
        (ProtocolError("Connection broken"), ResponseStreamingError),
        (None, IncompleteReadError),
    ],
    ids=["time-out", "connection lost", "shorter than announced"],
)
@pytest.mark.parametrize("share", [0, 0.5])
def test_line_that_breaks_off_is_no_fault_of_the_archive(
    store: S3ArtifactStore, wire: Wire, fault: Exception | None, raised: type[Exception], share: float
):
    content = archive(("model.bin", os.urandom(300_000)))
    line = Line(content[: int(len(content) * share)], fault)
    wire.stream(line, len(content))

    with pytest.raises(raised):
        store.check("s3://b/k")

    assert line.closed


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "s3://bucket",
        "s3://bucket/",
        "https://example.com/model.tar.gz",
        "file:///model.tar.gz",
        "s3://not a bucket/model.tar.gz",
        f"s3://{OUTPUT}/churn/job-7/output/",
    ],
)
def test_address_of_no_file_is_refused(store: S3ArtifactStore, uri: str):
    refused = refusal(lambda: store.check(uri))

    assert refused.code == "not-s3"
    assert not refused.passing
    assert ("compress" in refused.advice) == uri.endswith("output/")


def test_file_or_bucket_that_is_not_there_may_come(store: S3ArtifactStore):
    file = refusal(lambda: store.check(f"s3://{OUTPUT}/nothing"))
    bucket = refusal(lambda: store.check("s3://nowhere/x"))

    assert (file.code, file.passing) == (bucket.code, bucket.passing) == ("missing", True)
    assert file.why == f"There is no file s3://{OUTPUT}/nothing."
    assert bucket.why == "There is no bucket nowhere."


ROLE = "arn:aws:sts::123456789012:assumed-role/stationkeeper-artifact-sync/stationkeeper-artifact-sync"
KMS_KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.mark.parametrize(
    ("message", "why", "advice"),
    [
        (
            (
                f'User: {ROLE} is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::secret/a b/model.tar.gz" '
                "because no identity-based policy allows the s3:GetObject action"
            ),
            (
                f"{ROLE} may not s3:GetObject on arn:aws:s3:::secret/a b/model.tar.gz "
                "(because no identity-based policy allows the s3:GetObject action)."
            ),
            "ArtifactBuckets",
        ),
        (
            (
                f"User: {ROLE} is not authorized to perform: kms:Decrypt on resource: {KMS_KEY} "
                "because no identity-based policy allows the kms:Decrypt action"
            ),
            (
                f"{ROLE} may not kms:Decrypt on {KMS_KEY} "
                "(because no identity-based policy allows the kms:Decrypt action)."
            ),
            "ArtifactKeyArns",
        ),
        (
            (
                f"User: {ROLE} is not authorized to perform: kms:Decrypt on resource: {KMS_KEY} because the resource does not exist "
                "in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"
            ),
            f"may not kms:Decrypt on {KMS_KEY} (because the resource does not exist",
            "key's own policy",
        ),
        (
            (
                f'User: {ROLE} is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::secret/model.tar.gz" '
                "with an explicit deny in a resource-based policy"
            ),
            "(with an explicit deny in a resource-based policy).",
            "must not deny s3:GetObject",
        ),
        (
            (
                "The ciphertext refers to a customer master key that does not exist, does not exist in this region, "
                "or you are not allowed to access."
            ),
            "its KMS key may not be used",
            "allow kms:Decrypt in the key's own policy",
        ),
        (
            "Access Denied",
            "what is lacking is s3:GetObject on s3://secret/model.tar.gz, or, where it may not be there, s3:ListBucket on secret.",
            "ArtifactBuckets",
        ),
    ],
    ids=["S3", "KMS", "key of another account", "explicit deny", "KMS of old", "without words"],
)
def test_denied_look_says_what_is_lacking_and_who_allows_it(
    store: S3ArtifactStore, wire: Wire, message: str, why: str, advice: str
):
    wire.fail("GetObject", 403, "AccessDenied", message)

    refused = refusal(lambda: store.check("s3://secret/model.tar.gz"))

    assert (refused.code, refused.passing) == ("denied", True)
    assert refused.why.startswith("s3://secret/model.tar.gz cannot be read: ")
    assert why in refused.why
    assert advice in refused.advice


@pytest.mark.parametrize(
    ("status", "code", "message", "refused_as", "passing"),
    [
        (
            403,
            "InvalidObjectState",
            "The operation is not valid for the object's storage class",
            "archived",
            True,
        ),
        (
            400,
            "InvalidRequest",
            (
                "The object was stored using a form of Server Side Encryption. "
                "The correct parameters must be provided to retrieve the object."
            ),
            "customer-key",
            False,
        ),
        (
            400,
            "InvalidRequest",
            "The encryption parameters are not applicable to this object.",
            "customer-key",
            False,
        ),
        (400, "KMS.DisabledException", f"{KMS_KEY} is disabled.", "denied", True),
    ],
)
def test_what_cannot_be_read_says_why(
    store: S3ArtifactStore,
    wire: Wire,
    status: int,
    code: str,
    message: str,
    refused_as: str,
    passing: bool,
):
    wire.fail("GetObject", status, code, message)

    refused = refusal(lambda: store.check("s3://b/k"))

    assert (refused.code, refused.passing) == (refused_as, passing)
    assert refused.why.endswith(".")
    assert not refused.advice.endswith(".")


def test_archived_artifact_is_refused_until_it_is_restored(s3: Any, store: S3ArtifactStore):
    uri = put(s3, StorageClass="GLACIER")

    assert refusal(lambda: store.check(uri)).code == "archived"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (503, "SlowDown"),
        (500, "InternalError"),
        (400, "ExpiredToken"),
        (400, "RequestTimeout"),
        (418, "Unknown"),
    ],
)
def test_passing_faults_are_raised(s3: Any, store: S3ArtifactStore, wire: Wire, status: int, code: str):
    artifact = checked(store, put(s3))
    for operation in ("GetObject", "CopyObject", "HeadObject", "DeleteObject"):
        wire.fail(operation, status, code, "Please reduce your request rate.")

    for call in (
        lambda: store.check("s3://b/k"),
        lambda: store.publish(artifact, MODELS, TARGET, MARKS),
        lambda: store.put_in_place(MODELS, TARGET, IN_PLACE, MARKS),
        lambda: store.delete(MODELS, TARGET, '"etag"'),
    ):
        with pytest.raises(ClientError):
            call()


# ---------------------------------------------------------------- publishing


@pytest.mark.parametrize("content", [archive(), LARGE], ids=["at once", "in parts"])
def test_artifact_is_copied_to_a_new_key(s3: Any, store: S3ArtifactStore, wire: Wire, content: bytes):
    put(s3, content, ODD, Metadata={"theirs": "1"}, Tagging="cost=7", ChecksumAlgorithm="CRC64NVME")
    artifact = checked(store, f"s3://{OUTPUT}/{ODD}")

    stored = store.publish(artifact, MODELS, TARGET, MARKS)

    head = s3.head_object(Bucket=MODELS, Key=TARGET, ChecksumMode="ENABLED")
    assert stored == Stored(head["ETag"], len(content))
    assert content_of(s3) == content
    assert head["Metadata"] == MARKS
    assert head["ChecksumCRC64NVME"] == artifact.checksum[1]  # type: ignore[index]
    assert s3.get_object_tagging(Bucket=MODELS, Key=TARGET)["TagSet"] == []
    assert len(versions(s3)) == 1
    assert uploads(s3) == []
    several = ["CreateMultipartUpload", *["UploadPartCopy"] * 3, "CompleteMultipartUpload"]
    assert wire.asked[1:] == (several if content is LARGE else ["CopyObject"])


@pytest.mark.parametrize("content", [archive(), LARGE], ids=["at once", "in parts"])
@pytest.mark.parametrize("key_arn", ["", KMS_KEY])
def test_copy_is_encrypted_as_asked(s3: Any, client: Any, wire: Wire, content: bytes, key_arn: str):
    store = S3ArtifactStore(lambda: client, LIMITS, key_arn, single_copy_bytes=6 * MIB, part_bytes=5 * MIB)

    store.publish(checked(store, put(s3, content)), MODELS, TARGET, MARKS)

    [asked] = wire.headers("CreateMultipartUpload" if content is LARGE else "CopyObject")
    encryption = {
        name.removeprefix("x-amz-server-side-encryption"): value
        for name, value in asked.items()
        if name.startswith("x-amz-server-side-encryption")
    }
    wanted = {"": "aws:kms", "-aws-kms-key-id": KMS_KEY, "-bucket-key-enabled": "true"}
    assert encryption == (wanted if key_arn else {})


@pytest.mark.parametrize("content", [archive(), LARGE], ids=["at once", "in parts"])
def test_second_publish_finds_what_the_first_made(s3: Any, store: S3ArtifactStore, content: bytes):
    artifact = checked(store, put(s3, content))

    first = store.publish(artifact, MODELS, TARGET, MARKS)

    assert store.publish(artifact, MODELS, TARGET, MARKS) == first
    assert len(versions(s3)) == 1
    assert uploads(s3) == []


@pytest.mark.parametrize(("content", "last"), [(archive(), "CopyObject"), (LARGE, "CompleteMultipartUpload")])
def test_publish_that_is_killed_between_copy_and_answer_is_found_by_the_next(
    s3: Any, client: Any, store: S3ArtifactStore, content: bytes, last: str
):
    artifact = checked(store, put(s3, content))

    def crash(**_: Any) -> None:
        raise Crash

    client.meta.events.register(f"after-call.s3.{last}", crash)
    with pytest.raises(Crash):
        store.publish(artifact, MODELS, TARGET, MARKS)
    client.meta.events.unregister(f"after-call.s3.{last}", crash)

    stored = store.publish(artifact, MODELS, TARGET, MARKS)

    assert stored == Stored(s3.head_object(Bucket=MODELS, Key=TARGET)["ETag"], len(content))
    assert len(versions(s3)) == 1


def test_upload_whose_completion_was_not_heard_of_is_found(s3: Any, store: S3ArtifactStore, wire: Wire):
    """botocore tries again, and S3 does not know the upload any more."""
    artifact = checked(store, put(s3, LARGE))
    first = store.publish(artifact, MODELS, TARGET, MARKS)
    wire.fail("CompleteMultipartUpload", 404, "NoSuchUpload", "The specified upload does not exist.")

    assert store.publish(artifact, MODELS, TARGET, MARKS) == first


def test_upload_that_somebody_gave_up_is_tried_again(s3: Any, store: S3ArtifactStore, wire: Wire):
    artifact = checked(store, put(s3, LARGE))
    wire.fail("CompleteMultipartUpload", 404, "NoSuchUpload", "The specified upload does not exist.")

    with pytest.raises(ClientError, match="NoSuchUpload"):
        store.publish(artifact, MODELS, TARGET, MARKS)


@pytest.mark.parametrize(("content", "last"), [(archive(), "CopyObject"), (LARGE, "CompleteMultipartUpload")])
def test_another_copy_of_the_function_may_be_faster(
    s3: Any, store: S3ArtifactStore, wire: Wire, content: bytes, last: str
):
    other = S3ArtifactStore(lambda: s3, LIMITS, single_copy_bytes=6 * MIB, part_bytes=5 * MIB)
    artifact = checked(store, put(s3, content))
    faster: list[Stored] = []
    wire.before(last, lambda: faster.append(other.publish(artifact, MODELS, TARGET, MARKS)))

    assert [store.publish(artifact, MODELS, TARGET, MARKS)] == faster
    assert len(versions(s3)) == 1
    assert uploads(s3) == []


def test_two_publishes_at_once_make_one_copy(s3: Any, store: S3ArtifactStore):
    artifact = checked(store, put(s3))
    together = Barrier(4)

    def publish(_: int) -> Stored:
        together.wait(30)
        return store.publish(artifact, MODELS, TARGET, MARKS)

    with ThreadPoolExecutor(4) as pool:
        stored = set(pool.map(publish, range(4)))

    assert len(stored) == 1
    assert len(versions(s3)) == 1


@pytest.mark.parametrize("metadata", [{}, {**MARKS, "stationkeeper-version": "8"}])
@pytest.mark.parametrize("content", [archive(), LARGE], ids=["at once", "in parts"])
def test_what_somebody_else_put_there_is_not_overwritten(
    s3: Any, store: S3ArtifactStore, content: bytes, metadata: dict[str, str]
):
    artifact = checked(store, put(s3, content))
    put(s3, b"theirs", TARGET, MODELS, Metadata=metadata)

    with pytest.raises(KeyTaken, match=f"s3://{MODELS}/{TARGET}") as taken:
        store.publish(artifact, MODELS, TARGET, MARKS)

    assert (taken.value.bucket, taken.value.key) == (MODELS, TARGET)
    assert content_of(s3) == b"theirs"
    assert uploads(s3) == []


@pytest.mark.parametrize("content", [archive(), LARGE], ids=["at once", "in parts"])
def test_only_what_was_checked_is_copied(s3: Any, store: S3ArtifactStore, content: bytes):
    artifact = checked(store, put(s3, content))
    put(s3, archive(("other.bin", os.urandom(len(content)))))

    with pytest.raises(SourceChanged):
        store.publish(artifact, MODELS, TARGET, MARKS)

    assert versions(s3) == []
    assert uploads(s3) == []


def test_artifact_that_is_overwritten_between_two_parts_is_not_copied(
    s3: Any, client: Any, store: S3ArtifactStore, wire: Wire
):
    artifact = checked(store, put(s3, LARGE))
    copied = Semaphore(0)
    client.meta.events.register("after-call.s3.UploadPartCopy", lambda **_: copied.release())

    def overwrite() -> (
        None
    ):  # once the two others are copied: moto's objects bear no writer beside their readers
        assert copied.acquire(timeout=30)
        assert copied.acquire(timeout=30)
        put(s3)

    wire.before("UploadPartCopy", overwrite, calls=2)

    with pytest.raises(SourceChanged):
        store.publish(artifact, MODELS, TARGET, MARKS)

    assert versions(s3) == []
    assert uploads(s3) == []


def test_artifact_that_is_gone_by_now_is_missing(s3: Any, store: S3ArtifactStore):
    artifact = checked(store, put(s3))
    s3.delete_object(Bucket=OUTPUT, Key=KEY)

    refused = refusal(lambda: store.publish(artifact, MODELS, TARGET, MARKS))

    assert (refused.code, refused.passing) == ("missing", True)


def test_bucket_of_the_endpoint_that_is_not_there_is_named(s3: Any, store: S3ArtifactStore):
    artifact = checked(store, put(s3))

    refused = refusal(lambda: store.publish(artifact, "nowhere", TARGET, MARKS))

    assert refused.why == "There is no bucket nowhere."


@pytest.mark.parametrize("times", [1, 2])
def test_copy_that_is_no_true_copy_is_never_taken(s3: Any, store: S3ArtifactStore, wire: Wire, times: int):
    """However often it is tried: the next try finds it lying there, with our marks."""
    put(s3, ChecksumAlgorithm="CRC64NVME")
    artifact = checked(store, f"s3://{OUTPUT}/{KEY}")
    put(s3, archive(("other.bin", b"1")), TARGET, MODELS, Metadata=MARKS, ChecksumAlgorithm="CRC64NVME")
    if times == 1:
        wire.answer(
            "CopyObject",
            200,
            '<CopyObjectResult><ETag>"x"</ETag><ChecksumType>FULL_OBJECT</ChecksumType>'
            "<ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME></CopyObjectResult>",
        )

    with pytest.raises(CopyDiffers, match="CRC64NVME"):
        store.publish(artifact, MODELS, TARGET, MARKS)

    assert len(versions(s3)) == 1


def test_copy_of_another_size_is_never_taken(s3: Any, store: S3ArtifactStore):
    artifact = checked(store, put(s3))
    put(s3, b"short", TARGET, MODELS, Metadata=MARKS, ChecksumAlgorithm="SHA256")

    with pytest.raises(CopyDiffers, match="size"):
        store.publish(artifact, MODELS, TARGET, MARKS)


def test_s3_refuses_an_upload_that_is_not_what_was_checked(s3: Any, store: S3ArtifactStore):
    put(s3, LARGE, ChecksumAlgorithm="CRC32")
    artifact = checked(store, f"s3://{OUTPUT}/{KEY}")
    other = Checked(
        OUTPUT,
        KEY,
        artifact.etag,
        artifact.size,
        artifact.files,
        artifact.unpacked_bytes,
        ("CRC32", "AAAAAA=="),
    )

    with pytest.raises(ClientError, match="BadDigest"):
        store.publish(other, MODELS, TARGET, MARKS)

    assert versions(s3) == []
    assert uploads(s3) == []


@pytest.mark.parametrize(
    ("content", "operation"), [(archive(), "CopyObject"), (LARGE, "CompleteMultipartUpload")]
)
def test_conflict_is_tried_again_later(
    s3: Any, store: S3ArtifactStore, wire: Wire, content: bytes, operation: str
):
    artifact = checked(store, put(s3, content))
    wire.fail(operation, 409, "ConditionalRequestConflict", "The conditional request cannot succeed")

    with pytest.raises(UnderWay):  # another copy of the function writes the same
        store.publish(artifact, MODELS, TARGET, MARKS)
    assert uploads(s3) == []

    wire.open()
    assert store.publish(artifact, MODELS, TARGET, MARKS).size == len(content)


def test_error_inside_an_answer_that_begins_well_is_an_error(s3: Any, store: S3ArtifactStore, wire: Wire):
    """S3 begins to answer a copy with 200 before it knows how it ends."""
    artifact = checked(store, put(s3))
    wire.fail("CopyObject", 200, "InternalError", "We encountered an internal error. Please try again.")

    with pytest.raises(ClientError, match="InternalError"):
        store.publish(artifact, MODELS, TARGET, MARKS)


@pytest.mark.parametrize(
    ("operation", "message", "why", "advice"),
    [
        (
            "CopyObject",
            (
                f'User: {ROLE} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::{MODELS}/{TARGET}" '
                "because no identity-based policy allows the s3:PutObject action"
            ),
            f"may not s3:PutObject on arn:aws:s3:::{MODELS}/{TARGET} (because no identity-based policy",
            "MultiModelBuckets",
        ),
        (
            "CopyObject",
            (
                f"User: {ROLE} is not authorized to perform: kms:GenerateDataKey on resource: {KMS_KEY} "
                "because no identity-based policy allows the kms:GenerateDataKey action"
            ),
            f"may not kms:GenerateDataKey on {KMS_KEY}",
            "ArtifactKeyArns",
        ),
        (
            "CopyObject",
            (
                f'User: {ROLE} is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::{OUTPUT}/{KEY}" '
                "because no identity-based policy allows the s3:GetObject action"
            ),
            f"may not s3:GetObject on arn:aws:s3:::{OUTPUT}/{KEY}",
            "ArtifactBuckets",
        ),
        (
            "CopyObject",
            "Access Denied",
            f"what is lacking is s3:PutObject on s3://{MODELS}/{TARGET}.",
            "MultiModelBuckets",
        ),
        ("CreateMultipartUpload", "Access Denied", "s3:PutObject", "MultiModelBuckets"),
        ("UploadPartCopy", "Access Denied", "s3:PutObject", "MultiModelBuckets"),
        ("CompleteMultipartUpload", "Access Denied", "s3:PutObject", "MultiModelBuckets"),
    ],
)
def test_denied_copy_says_what_is_lacking_and_who_allows_it(
    s3: Any, store: S3ArtifactStore, wire: Wire, operation: str, message: str, why: str, advice: str
):
    artifact = checked(store, put(s3, archive() if operation == "CopyObject" else LARGE))
    wire.fail(operation, 403, "AccessDenied", message)

    refused = refusal(lambda: store.publish(artifact, MODELS, TARGET, MARKS))

    assert (refused.code, refused.passing) == ("denied", True)
    assert f"{artifact.uri} cannot be copied to s3://{MODELS}/{TARGET}: " in refused.why
    assert why in refused.why
    assert advice in refused.advice
    assert uploads(s3) == []


def test_key_that_may_not_be_looked_at_is_told(s3: Any, store: S3ArtifactStore, wire: Wire):
    artifact = checked(store, put(s3))
    store.publish(artifact, MODELS, TARGET, MARKS)
    wire.answer("HeadObject", 403)

    refused = refusal(lambda: store.publish(artifact, MODELS, TARGET, MARKS))

    assert refused.code == "denied"
    assert f"s3:GetObject on s3://{MODELS}/{TARGET}" in refused.why
    assert f"s3:ListBucket on {MODELS}" in refused.why
    assert "MultiModelBuckets" in refused.advice


# ---------------------------------------------------------------- in parts


def test_failing_part_leaves_no_upload_and_begins_no_more(s3: Any, client: Any, wire: Wire):
    store = S3ArtifactStore(lambda: client, LIMITS, single_copy_bytes=MIB, part_bytes=MIB // 8)
    artifact = checked(store, put(s3, LARGE))
    wire.fail("UploadPartCopy", 500, "InternalError", "We encountered an internal error. Please try again.")

    with pytest.raises(ClientError, match="InternalError"):
        store.publish(artifact, MODELS, TARGET, MARKS)

    assert uploads(s3) == []
    assert wire.asked.count("UploadPartCopy") < 96
    assert wire.asked[-1] == "AbortMultipartUpload"


def test_first_error_is_told_when_giving_up_fails_too(
    s3: Any, store: S3ArtifactStore, wire: Wire, logs: list[LogRecord]
):
    artifact = checked(store, put(s3, LARGE))
    wire.fail("UploadPartCopy", 503, "SlowDown", "Please reduce your request rate.")
    wire.fail("AbortMultipartUpload", 403, "AccessDenied", "Access Denied")

    with pytest.raises(ClientError, match="SlowDown"):
        store.publish(artifact, MODELS, TARGET, MARKS)

    assert len(uploads(s3)) == 1
    [said] = logs
    assert (said.levelname, said.__dict__["upload"]) == ("ERROR", uploads(s3)[0]["UploadId"])


GIB = 1024 * MIB


@given(st.integers(1, 60 * GIB), st.integers(5 * MIB, GIB))
@example(60 * GIB, 5 * MIB)
@example(50_000 * MIB + 1, 5 * MIB)
def test_parts_hold_every_byte_once_and_are_never_too_many(size: int, part_bytes: int):
    ranges = _ranges(size, part_bytes)

    assert ranges[0][0] == 0
    assert ranges[-1][1] == size - 1
    assert all(after[0] == before[1] + 1 for before, after in pairwise(ranges))
    lengths = [last - first + 1 for first, last in ranges]
    assert len(set(lengths[:-1])) <= 1
    assert len(ranges) <= 10_000
    assert all(length >= 5 * MIB for length in lengths[:-1])


@pytest.mark.parametrize(("size", "parts"), [(6 * GIB + 1, 49), (6 * GIB, 48)])
@pytest.mark.parametrize("algorithm", ["CRC64NVME", "CRC32", "CRC32C", "SHA256", None])
def test_every_byte_of_six_gigabytes_is_copied_once(
    client: Any, wire: Wire, size: int, parts: int, algorithm: str | None
):
    """S3 is told the checksum of the whole, and compares it itself; of SHA-256 it knows none for uploads."""
    wire.answer(
        "CreateMultipartUpload",
        200,
        "<InitiateMultipartUploadResult><UploadId>upload-1</UploadId></InitiateMultipartUploadResult>",
    )
    wire.answer(
        "UploadPartCopy",
        200,
        f'<CopyPartResult><ETag>"part"</ETag><Checksum{algorithm}>cGFydA==</Checksum{algorithm}></CopyPartResult>',
    )
    bodies: list[str] = []

    def complete(request: Any) -> AWSResponse:
        bodies.append(request.body.decode())
        return _response(
            request,
            200,
            b'<CompleteMultipartUploadResult><ETag>"whole-49"</ETag></CompleteMultipartUploadResult>',
            {},
        )

    wire._answers["CompleteMultipartUpload"] = complete
    artifact = Checked(OUTPUT, KEY, '"seen"', size, 1, 1, (algorithm, "d2hvbGU=") if algorithm else None)
    store = S3ArtifactStore(lambda: client, LIMITS)

    stored = store.publish(artifact, MODELS, TARGET, MARKS)

    assert stored == Stored('"whole-49"', size)
    asked = wire.headers("UploadPartCopy")
    ranges = sorted(
        tuple(map(int, one["x-amz-copy-source-range"].removeprefix("bytes=").split("-"))) for one in asked
    )
    assert len(ranges) == parts
    assert ranges[0][0] == 0
    assert ranges[-1][1] == size - 1
    assert all(after[0] == before[1] + 1 for before, after in pairwise(ranges))
    assert {one["x-amz-copy-source-if-match"] for one in asked} == {'"seen"'}
    [create], [done] = wire.headers("CreateMultipartUpload"), wire.headers("CompleteMultipartUpload")
    assert {f"x-amz-meta-{name}": value for name, value in MARKS.items()}.items() <= create.items()
    assert done["if-none-match"] == "*"
    assert done["x-amz-mp-object-size"] == str(size)
    assert bodies[0].count("<Part>") == parts
    if algorithm in ("CRC64NVME", "CRC32", "CRC32C"):
        assert create["x-amz-checksum-algorithm"] == algorithm
        assert create["x-amz-checksum-type"] == done["x-amz-checksum-type"] == "FULL_OBJECT"
        assert done[f"x-amz-checksum-{algorithm.lower()}"] == "d2hvbGU="
        assert bodies[0].count(f"<Checksum{algorithm}>cGFydA==") == parts
    else:
        assert not any(name.startswith("x-amz-checksum-") for name in create)
        assert not any(name.startswith("x-amz-checksum-sha") for name in done)


def test_single_copy_is_used_up_to_its_limit(s3: Any, client: Any, wire: Wire):
    size = len(put(s3) and archive())
    for limit, operation in ((size, "CopyObject"), (size - 1, "CreateMultipartUpload")):
        store = S3ArtifactStore(lambda: client, LIMITS, single_copy_bytes=limit)
        store.publish(checked(store, f"s3://{OUTPUT}/{KEY}"), MODELS, f"{TARGET}-{limit}", MARKS)
        assert wire.asked[1] == operation
        wire.asked.clear()


# ---------------------------------------------------------------- the key without a version


def published(s3: Any, label: str, content: bytes) -> tuple[str, dict[str, str]]:
    """Key and marks of a version that lies at its key."""
    key = f"fleet/churn/churn-v{label}.tar.gz"
    marks = {**MARKS, "stationkeeper-version": label}
    put(s3, content, key, MODELS, Metadata=marks, ChecksumAlgorithm="CRC64NVME")
    return key, marks


@pytest.mark.parametrize(
    ("first", "second"), [(b"seven", b"eight"), (LARGE, archive()), (archive(), LARGE), (LARGE, LARGE[:-1])]
)
def test_newest_version_takes_the_place_of_the_one_before(
    s3: Any, store: S3ArtifactStore, wire: Wire, first: bytes, second: bytes
):
    for label, content in (("7", first), ("8", second)):
        key, marks = published(s3, label, content)
        store.put_in_place(MODELS, key, IN_PLACE, marks)

        assert content_of(s3, IN_PLACE) == content
        assert s3.head_object(Bucket=MODELS, Key=IN_PLACE)["Metadata"] == marks
    assert len(versions(s3, IN_PLACE)) == 2
    assert uploads(s3) == []


def test_version_that_is_in_its_place_is_left_there(s3: Any, store: S3ArtifactStore, wire: Wire):
    key, marks = published(s3, "7", b"seven")
    store.put_in_place(MODELS, key, IN_PLACE, marks)
    wire.asked.clear()

    store.put_in_place(MODELS, key, IN_PLACE, marks)

    assert wire.asked == ["HeadObject"]
    assert len(versions(s3, IN_PLACE)) == 1


@pytest.mark.parametrize("metadata", [{}, {"stationkeeper-model": "fleet/credit"}])
def test_what_is_not_ours_stays_in_its_place(s3: Any, store: S3ArtifactStore, metadata: dict[str, str]):
    key, marks = published(s3, "7", b"seven")
    put(s3, b"theirs", IN_PLACE, MODELS, Metadata=metadata)

    with pytest.raises(KeyTaken):
        store.put_in_place(MODELS, key, IN_PLACE, marks)

    assert content_of(s3, IN_PLACE) == b"theirs"


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(("content", "last"), [(archive(), "CopyObject"), (LARGE, "CompleteMultipartUpload")])
def test_place_that_changes_at_the_same_moment_is_looked_at_again(
    s3: Any, store: S3ArtifactStore, wire: Wire, there: bool, content: bytes, last: str
):
    if there:
        store.put_in_place(MODELS, published(s3, "6", b"six")[0], IN_PLACE, published(s3, "6", b"six")[1])
    key, marks = published(s3, "7", content)
    newer = {**marks, "stationkeeper-version": "8"}
    wire.before(last, lambda: put(s3, b"eight", IN_PLACE, MODELS, Metadata=newer))

    with pytest.raises(MemoryConflict):
        store.put_in_place(MODELS, key, IN_PLACE, marks)

    assert content_of(s3, IN_PLACE) == b"eight"
    assert uploads(s3) == []


@pytest.mark.parametrize(("content", "last"), [(archive(), "CopyObject"), (LARGE, "CompleteMultipartUpload")])
def test_place_that_is_emptied_at_the_same_moment_is_looked_at_again(
    s3: Any, store: S3ArtifactStore, wire: Wire, content: bytes, last: str
):
    before, marks = published(s3, "6", b"six")
    store.put_in_place(MODELS, before, IN_PLACE, marks)
    key, marks = published(s3, "7", content)
    wire.before(last, lambda: s3.delete_object(Bucket=MODELS, Key=IN_PLACE))

    with pytest.raises(MemoryConflict):
        store.put_in_place(MODELS, key, IN_PLACE, marks)

    assert uploads(s3) == []
    store.put_in_place(MODELS, key, IN_PLACE, marks)
    assert content_of(s3, IN_PLACE) == content


def test_conflict_in_place_is_looked_at_again(s3: Any, store: S3ArtifactStore, wire: Wire):
    key, marks = published(s3, "7", b"seven")
    wire.fail("CopyObject", 409, "ConditionalRequestConflict", "The conditional request cannot succeed")

    with pytest.raises(MemoryConflict):
        store.put_in_place(MODELS, key, IN_PLACE, marks)


def test_version_that_is_gone_cannot_be_put_in_place(store: S3ArtifactStore):
    refused = refusal(lambda: store.put_in_place(MODELS, TARGET, IN_PLACE, MARKS))

    assert (refused.code, refused.passing) == ("missing", True)


@pytest.mark.parametrize("operation", ["HeadObject", "CopyObject"])
def test_denied_place_is_told(s3: Any, store: S3ArtifactStore, wire: Wire, operation: str):
    key, marks = published(s3, "7", b"seven")
    wire.fail(operation, 403, "AccessDenied", "Access Denied")

    refused = refusal(lambda: store.put_in_place(MODELS, key, IN_PLACE, marks))

    assert refused.code == "denied"
    assert "MultiModelBuckets" in refused.advice


# ---------------------------------------------------------------- deleting


def test_version_is_deleted_and_stays_deleted(s3: Any, store: S3ArtifactStore, wire: Wire):
    stored = store.publish(checked(store, put(s3)), MODELS, TARGET, MARKS)

    assert store.delete(MODELS, TARGET, stored.etag)
    assert store.delete(MODELS, TARGET, stored.etag)

    assert wire.asked[-2:] == ["DeleteObject", "DeleteObject"]
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket=MODELS, Key=TARGET)
    assert len(versions(s3)) == 1  # an older version by now


def test_what_somebody_put_there_since_is_not_deleted(s3: Any, store: S3ArtifactStore):
    stored = store.publish(checked(store, put(s3)), MODELS, TARGET, MARKS)
    put(s3, b"theirs", TARGET, MODELS)

    assert store.delete(MODELS, TARGET, stored.etag)  # nothing of ours is left
    assert content_of(s3) == b"theirs"


def test_what_may_not_be_deleted_stays_and_is_logged(
    s3: Any, store: S3ArtifactStore, wire: Wire, logs: list[LogRecord]
):
    wire.fail("DeleteObject", 403, "AccessDenied", "Access Denied")

    assert not store.delete(MODELS, TARGET, '"seen"')

    [said] = logs
    assert (said.levelname, said.__dict__["thing"]) == ("WARNING", f"s3://{MODELS}/{TARGET}")


def test_bucket_that_is_gone_holds_nothing_any_more(store: S3ArtifactStore):
    assert store.delete("nowhere", TARGET, '"seen"')
