"""What moto's S3 lacks: conditions of copies and multipart uploads, and which kind of checksum an object has."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from embedded_aws.moto_additions import s3 as addition
from moto import mock_aws
from moto.s3.models import S3Backend
from moto.s3.responses import S3Response

REGION = "eu-west-1"
BUCKET = "models"
PART = 5 * 1024 * 1024  # S3 takes no smaller one, but the last


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
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        client.put_object(Bucket=BUCKET, Key="source", Body=b"source")
        client.put_object(Bucket=BUCKET, Key="there", Body=b"there")
        yield client


def refused(call: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(ClientError) as refusal:
        call()
    answer = refusal.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def content(s3: Any, key: str) -> bytes:
    return s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()


def etag(s3: Any, key: str) -> str:
    return s3.head_object(Bucket=BUCKET, Key=key)["ETag"]


def copy(s3: Any, key: str, source: str = "source", **more: Any) -> Any:
    return s3.copy_object(Bucket=BUCKET, Key=key, CopySource={"Bucket": BUCKET, "Key": source}, **more)


def upload(s3: Any, key: str, *parts: bytes, **more: Any) -> tuple[str, dict[str, Any]]:
    """An upload that is not complete yet: its id, and what completes it."""
    identifier = s3.create_multipart_upload(Bucket=BUCKET, Key=key, **more)["UploadId"]
    sent = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(Bucket=BUCKET, Key=key, UploadId=identifier, PartNumber=number, Body=part)[
                "ETag"
            ],
        }
        for number, part in enumerate(parts, 1)
    ]
    return identifier, {
        "Bucket": BUCKET,
        "Key": key,
        "UploadId": identifier,
        "MultipartUpload": {"Parts": sent},
    }


# ---------------------------------------------------------------- conditions of the target


def test_copy_makes_only_what_is_not_there(s3: Any):
    copy(s3, "new", IfNoneMatch="*")

    assert refused(lambda: copy(s3, "there", IfNoneMatch="*")) == (412, "PreconditionFailed")
    assert content(s3, "new") == b"source"
    assert content(s3, "there") == b"there"


def test_copy_replaces_only_what_it_names(s3: Any):
    assert refused(lambda: copy(s3, "there", IfMatch=etag(s3, "source"))) == (412, "PreconditionFailed")
    assert refused(lambda: copy(s3, "new", IfMatch=etag(s3, "there"))) == (404, "NoSuchKey")
    assert content(s3, "there") == b"there"

    copy(s3, "there", IfMatch=etag(s3, "there"))

    assert content(s3, "there") == b"source"


def test_etags_are_compared_without_their_quotes(s3: Any):
    copy(s3, "there", IfMatch=etag(s3, "there").strip('"'), CopySourceIfMatch=etag(s3, "source").strip('"'))

    assert content(s3, "there") == b"source"


@pytest.mark.parametrize(
    ("key", "condition", "answer"),
    [
        ("there", {"IfNoneMatch": "*"}, (412, "PreconditionFailed")),
        ("there", {"IfMatch": '"other"'}, (412, "PreconditionFailed")),
        ("new", {"IfMatch": '"other"'}, (404, "NoSuchKey")),
    ],
)
def test_upload_is_completed_only_on_its_condition(
    s3: Any, key: str, condition: dict[str, str], answer: tuple[int, str]
):
    identifier, complete = upload(s3, key, b"uploaded")

    assert refused(lambda: s3.complete_multipart_upload(**complete, **condition)) == answer

    assert [one["UploadId"] for one in s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]] == [identifier]
    s3.complete_multipart_upload(**complete)
    assert content(s3, key) == b"uploaded"


def test_upload_whose_condition_holds_is_completed_and_answers_the_same_again(s3: Any):
    _, complete = upload(s3, "there", b"uploaded")
    condition = {"IfMatch": etag(s3, "there")}

    first = s3.complete_multipart_upload(**complete, **condition)

    assert s3.complete_multipart_upload(**complete, **condition)["ETag"] == first["ETag"]
    assert content(s3, "there") == b"uploaded"


def test_object_is_deleted_only_when_it_is_the_named_one(s3: Any):
    """moto has this; what is built on it should notice when that changes."""
    assert refused(lambda: s3.delete_object(Bucket=BUCKET, Key="there", IfMatch='"other"')) == (
        412,
        "PreconditionFailed",
    )
    assert refused(lambda: s3.delete_object(Bucket=BUCKET, Key="new", IfMatch='"other"')) == (
        404,
        "NoSuchKey",
    )

    s3.delete_object(Bucket=BUCKET, Key="there", IfMatch=etag(s3, "there"))

    assert refused(lambda: etag(s3, "there"))[0] == 404


# ---------------------------------------------------------------- conditions of the source


def test_copy_takes_only_the_source_it_names(s3: Any):
    seen = etag(s3, "source")
    s3.put_object(Bucket=BUCKET, Key="source", Body=b"overwritten")

    assert refused(lambda: copy(s3, "new", CopySourceIfMatch=seen)) == (412, "PreconditionFailed")
    assert refused(lambda: etag(s3, "new"))[0] == 404

    copy(s3, "new", CopySourceIfMatch=etag(s3, "source"))
    assert content(s3, "new") == b"overwritten"


def test_part_is_copied_only_from_the_source_it_names(s3: Any):
    identifier, _ = upload(s3, "new")
    part = {
        "Bucket": BUCKET,
        "Key": "new",
        "UploadId": identifier,
        "PartNumber": 1,
        "CopySource": {"Bucket": BUCKET, "Key": "source"},
    }

    assert refused(lambda: s3.upload_part_copy(**part, CopySourceIfMatch='"other"')) == (
        412,
        "PreconditionFailed",
    )
    copied = s3.upload_part_copy(**part, CopySourceIfMatch=etag(s3, "source"), CopySourceRange="bytes=1-3")

    assert copied["CopyPartResult"]["ETag"]
    assert [
        part["Size"] for part in s3.list_parts(Bucket=BUCKET, Key="new", UploadId=identifier)["Parts"]
    ] == [3]


def test_source_that_is_not_there_is_still_told(s3: Any):
    assert refused(lambda: copy(s3, "new", source="nothing", CopySourceIfMatch='"other"')) == (
        404,
        "NoSuchKey",
    )


def test_key_of_any_signs_is_copied(s3: Any):
    odd = "a b/ü+%2F?versionId=x\N{SHIP}.tar.gz"
    s3.put_object(Bucket=BUCKET, Key=odd, Body=b"odd")

    copy(s3, "new", source=odd, CopySourceIfMatch=etag(s3, odd))

    assert content(s3, "new") == b"odd"


def test_source_over_five_gigabytes_is_not_copied_at_once(s3: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(addition, "LARGEST_COPY_SOURCE", 5)

    with pytest.raises(
        ClientError, match="larger than the maximum allowable size for a copy source: 5$"
    ) as said:
        copy(s3, "new")

    assert said.value.response["Error"]["Code"] == "InvalidRequest"
    assert said.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


# ---------------------------------------------------------------- checksums


def checksum(answer: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in answer.items() if name.startswith("Checksum")}


def told_of(s3: Any, key: str) -> dict[str, str]:
    """The checksum of an object; GetObject and HeadObject tell the same."""
    told = checksum(s3.head_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED"))
    assert checksum(s3.get_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED")) == told
    return told


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC64NVME", "SHA256"])
def test_copy_keeps_the_checksum_of_its_source(s3: Any, algorithm: str):
    s3.put_object(Bucket=BUCKET, Key="source", Body=b"source", ChecksumAlgorithm=algorithm)

    copied = copy(s3, "new")["CopyObjectResult"]

    told = told_of(s3, "source")
    assert set(told) == {"ChecksumType", f"Checksum{algorithm}"}
    assert told["ChecksumType"] == "FULL_OBJECT"
    assert checksum(copied) == told == told_of(s3, "new")


def test_checksum_is_told_to_who_asks_for_it(s3: Any):
    assert not checksum(s3.head_object(Bucket=BUCKET, Key="source"))


def test_checksum_of_parts_is_told_as_such_and_a_copy_has_one_of_its_whole(s3: Any):
    _, complete = upload(s3, "parts", b"a" * PART, b"b", ChecksumAlgorithm="CRC32", ChecksumType="COMPOSITE")
    s3.complete_multipart_upload(**complete)

    copied = checksum(copy(s3, "new", source="parts")["CopyObjectResult"])

    told = told_of(s3, "parts")
    assert told["ChecksumType"] == "COMPOSITE"
    assert told["ChecksumCRC32"].endswith("-2")
    s3.put_object(Bucket=BUCKET, Key="whole", Body=b"a" * PART + b"b", ChecksumAlgorithm="CRC32")
    assert copied == told_of(s3, "new") == told_of(s3, "whole")


def test_upload_that_names_no_checksum_gets_one(s3: Any):
    _, complete = upload(s3, "new", b"uploaded")
    s3.complete_multipart_upload(**complete)

    s3.put_object(Bucket=BUCKET, Key="whole", Body=b"uploaded", ChecksumAlgorithm="CRC64NVME")
    assert told_of(s3, "new") == told_of(s3, "whole")


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC64NVME"])
def test_upload_that_is_not_what_it_says_is_refused(s3: Any, algorithm: str):
    s3.put_object(Bucket=BUCKET, Key="whole", Body=b"uploaded", ChecksumAlgorithm=algorithm)
    right = told_of(s3, "whole")[f"Checksum{algorithm}"]
    _, complete = upload(s3, "new", b"uploaded", ChecksumAlgorithm=algorithm, ChecksumType="FULL_OBJECT")
    wrong = ("B" if right[0] == "A" else "A") + right[1:]

    assert refused(lambda: s3.complete_multipart_upload(**complete, **{f"Checksum{algorithm}": wrong})) == (
        400,
        "BadDigest",
    )
    s3.complete_multipart_upload(**complete, **{f"Checksum{algorithm}": right})

    assert told_of(s3, "new") == told_of(s3, "whole")


def test_everything_is_undone():
    names = [
        (S3Response, "copy_object"),
        (S3Response, "upload_part_copy"),
        (S3Response, "_key_response_post"),
        (S3Response, "head_object"),
        (S3Backend, "put_object"),
        (S3Backend, "copy_object"),
        (S3Backend, "complete_multipart_upload"),
    ]
    before = [getattr(owner, name) for owner, name in names]

    with addition.installed():
        during = [getattr(owner, name) for owner, name in names]

    assert all(one is not other for one, other in zip(before, during, strict=True))
    assert [getattr(owner, name) for owner, name in names] == before
