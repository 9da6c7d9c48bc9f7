"""The first file of a sample payload's archive, whatever the archive is."""

import gzip
import io
import tarfile
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.aws.sample_payloads import NoPayload, _first_file
from stationkeeper.aws.smoke_tests import AwsSmokeTests

FILE, FOLDER, SYMLINK, HARDLINK, FIFO = (
    tarfile.REGTYPE,
    tarfile.DIRTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.FIFOTYPE,
)


def archive(
    *members: tuple[str, bytes] | tuple[str, bytes, bytes], tar_format: int = tarfile.PAX_FORMAT
) -> bytes:
    """A gzip tar archive of (name, content[, type])."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz", format=tar_format) as tar:
        for name, content, *kind in members:
            info = tarfile.TarInfo(name)
            info.type = kind[0] if kind else FILE
            info.size = len(content) if info.type == FILE else 0
            info.linkname = "/etc/passwd" if info.type in (SYMLINK, HARDLINK) else ""
            tar.addfile(info, io.BytesIO(content))
    return raw.getvalue()


PAYLOAD = ("payload.csv", b"1,2,3\n")


@pytest.mark.parametrize(
    "members",
    [
        [PAYLOAD],
        [PAYLOAD, ("second.csv", b"no")],
        [("samples", b"", FOLDER), ("samples/payload.csv", b"1,2,3\n")],
        [("._payload.csv", b"mac"), (".DS_Store", b"mac"), ("samples/._x", b"mac"), PAYLOAD],
        [("link", b"", SYMLINK), ("hard", b"", HARDLINK), ("pipe", b"", FIFO), PAYLOAD],
        [("../../escape.csv", b"1,2,3\n")],
        [("n" * 300, b"1,2,3\n")],
        [("\u200f\u00e9\n.csv", b"1,2,3\n")],
    ],
    ids=[
        "only",
        "first of two",
        "in a folder",
        "hidden ones",
        "links and pipes",
        "above",
        "long name",
        "odd name",
    ],
)
@pytest.mark.parametrize("tar_format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_first_real_file_is_sent(members: list[Any], tar_format: int):
    assert _first_file(archive(*members, tar_format=tar_format)) == b"1,2,3\n"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (archive(), "holds no file"),
        (archive(("samples", b"", FOLDER), (".hidden", b"x")), "holds no file"),
        (archive(("big.csv", bytes(6_000_001))), "over 6 MB"),
        (archive(*((f".{number}", bytes(6_000_001)) for number in range(9)), PAYLOAD), "over 50 MB unpacked"),
        (b"", "cut off"),
        (b"1,2,3\n", "no gzip tar archive"),
        (gzip.compress(b"1,2,3\n"), "no gzip tar archive"),
        (gzip.decompress(archive(PAYLOAD)), "no gzip tar archive"),
        (archive(PAYLOAD)[:40], "cut off"),
        (archive(PAYLOAD)[:-1], "cut off"),
        (archive(PAYLOAD)[:-8] + bytes(8), "no gzip tar archive"),
        (b"PK\x03\x04" + bytes(100), "no gzip tar archive"),
    ],
    ids=[
        "empty",
        "nothing but hidden ones",
        "too large",
        "too large with what is hidden",
        "no bytes",
        "CSV",
        "gzip of CSV",
        "plain tar",
        "cut off",
        "cut off by a byte",
        "checksum",
        "zip",
    ],
)
def test_what_cannot_be_sent_is_said(content: bytes, why: str):
    with pytest.raises(NoPayload, match=why):
        _first_file(content)


def test_largest_payload_is_sent():
    assert len(_first_file(archive(("big.csv", bytes(6_000_000))))) == 6_000_000


@pytest.mark.parametrize("hidden", [1, 100, 2_000])
def test_hidden_files_are_passed_over_however_many(hidden: int):
    """A Mac puts one beside each file."""
    content = archive(*((f"._{number}", b"mac") for number in range(hidden)), PAYLOAD)

    assert _first_file(content) == PAYLOAD[1]


def test_large_hidden_file_is_passed_over():
    assert _first_file(archive((".big", bytes(6_000_001)), PAYLOAD)) == PAYLOAD[1]


@pytest.mark.parametrize("flags", [4, 12, 6])
def test_gzip_header_that_is_cut_off_is_no_payload(flags: int):
    with pytest.raises(NoPayload):
        _first_file(b"\x1f\x8b\x08" + bytes([flags]) + bytes(6))


def bomb(kind: bytes, megabytes: int) -> bytes:
    """An archive whose first header announces a long name, or pax records, of so many MB."""
    header = tarfile.TarInfo("bomb")
    header.type = kind
    header.size = megabytes * 1_000_000
    return gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(header.size) + bytes(1024))


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_bomb_of_headers_does_not_fill_the_memory(kind: bytes):
    content = bomb(kind, 200)

    tracemalloc.start()
    try:
        with pytest.raises(NoPayload):
            _first_file(content)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < 120_000_000  # 50 MB, twice for a moment


def or_nothing(content: bytes) -> None:
    with suppress(NoPayload):
        assert isinstance(_first_file(content), bytes)


@given(st.binary(max_size=2_000))
def test_arbitrary_bytes_are_no_payload(content: bytes):
    with pytest.raises(NoPayload):
        _first_file(content)


@given(st.binary(max_size=2_000))
def test_arbitrary_bytes_in_gzip_are_read_or_refused(content: bytes):
    or_nothing(gzip.compress(content))


@pytest.mark.parametrize("kind", [FILE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_size_beyond_all_measure_is_no_payload(kind: bytes):
    header = bytearray(tarfile.TarInfo(".hidden").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\x80" + (1 << 63).to_bytes(11, "big")
    header[156:157] = kind
    _mend_checksum(header)

    with pytest.raises(NoPayload):
        _first_file(gzip.compress(bytes(header) + bytes(1024)))


@given(st.data())
def test_damaged_archive_is_read_or_refused(data: st.DataObject):
    whole = bytearray(gzip.decompress(archive((".hidden", b"x" * 600), ("folder/é" * 30, b"1"), PAYLOAD)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, 2_600) | st.sampled_from([124, 135, 148, 156, 157, 257, 263]))
        whole[min(at, len(whole) - 1)] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        _mend_checksum(whole)

    or_nothing(gzip.compress(bytes(whole[: data.draw(st.integers(0, len(whole)))])))


def _mend_checksum(block: bytearray) -> None:
    """As the first header would have it, so that its damage is read on."""
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])


# ---------------------------------------------------------------- calling the model


class Answer:
    """A client that gives one answer to its one call, and keeps what it was asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: dict[str, Any] = {}

    def _call(self, **request: Any) -> Any:
        self.asked = request
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    get_object = invoke_endpoint = _call


def failure(code: str, message: str = "said", status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Call"
    )


def run(
    of_model: Any, of_s3: Any = None, uri: str = "s3://models/payload.tar.gz"
) -> tuple[tuple[bool, str], Answer]:
    content = archive(PAYLOAD)
    s3: Any = Answer(of_s3 or {"ContentLength": len(content), "Body": io.BytesIO(content)})
    runtime: Any = Answer(of_model)
    return AwsSmokeTests(lambda: s3, lambda: runtime).run("churn-prod", "blue", uri, "text/csv"), runtime


def test_a_model_that_answers_has_passed():
    result, runtime = run({"Body": io.BytesIO(b"0.7")})

    assert result == (True, "")
    assert runtime.asked == {
        "EndpointName": "churn-prod",
        "TargetVariant": "blue",
        "Body": b"1,2,3\n",
        "ContentType": "text/csv",
    }


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            failure("ModelError", "Received server error (500) from primary"),
            "with an error: Received server error",
        ),
        ({"Body": io.BytesIO(b"")}, "with nothing"),
        (ReadTimeoutError(endpoint_url="https://runtime"), "did not answer"),
    ],
    ids=["an error of the model", "nothing", "too late"],
)
def test_only_the_model_itself_fails_a_version(answer: Any, said: str):
    (passed, words), _ = run(answer)

    assert not passed
    assert said in words


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationError"])
def test_what_is_not_the_models_fault_says_nothing_against_it(code: str):
    (passed, words), _ = run(failure(code))

    assert passed
    assert words.startswith("no smoke test: ")


@pytest.mark.parametrize("code", ["ThrottlingException", "ModelNotReadyException", "ServiceUnavailable"])
def test_passing_faults_are_tried_again(code: str):
    with pytest.raises(ClientError):
        run(failure(code))


@pytest.mark.parametrize(
    ("uri", "of_s3"),
    [
        ("https://example.com/payload.tar.gz", None),
        ("s3://models", None),
        ("s3://models/payload.tar.gz", failure("NoSuchKey", status=404)),
        ("s3://models/payload.tar.gz", failure("AccessDenied", status=403)),
        ("s3://models/payload.tar.gz", ParamValidationError(report="Invalid bucket name")),
        ("s3://models/payload.tar.gz", {"ContentLength": 30_000_000, "Body": io.BytesIO()}),
    ],
    ids=["not S3", "no key", "missing", "denied", "no bucket name", "too large"],
)
def test_without_a_payload_there_is_no_test_and_that_is_said(uri: str, of_s3: Any):
    (passed, words), runtime = run(None, of_s3, uri)

    assert passed
    assert words.startswith("no smoke test: ")
    assert runtime.asked == {}
