"""Artifacts in S3: read once as they stream by, and copied by S3 itself.

Every write has a condition: a key that somebody else has is never overwritten, and only what was looked at is copied.

Copies are made here and not by s3transfer (boto3's `copy`): it takes no `IfNoneMatch` for them (`ALLOWED_COPY_ARGS`), so it would
overwrite what lies at the key.
"""

from __future__ import annotations

from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError, FlexibleChecksumError, ParamValidationError

from stationkeeper.artifacts.archive import inspect
from stationkeeper.artifacts.archive_faults import UPLOAD
from stationkeeper.artifacts.refusal import ArtifactRefused, Refusal
from stationkeeper.artifacts.stored import Checked, CopyDiffers, KeyTaken, SourceChanged, Stored
from stationkeeper.aws.artifact_refusals import (
    MISSING,
    NO_BUCKET_NAME,
    file_at,
    missing,
    no_file,
    refuse,
    uri_of,
)
from stationkeeper.aws.errors import code_of, is_denied, said_by
from stationkeeper.errors import MemoryConflict, UnderWay
from stationkeeper.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, GetObjectOutputTypeDef, HeadObjectOutputTypeDef

    from stationkeeper.artifacts.archive import Limits

_MIB = 1024 * 1024
_PARTS = 10_000  # an upload has no more
_AT_A_TIME = 8
_OWNER = "stationkeeper-model"

_CHECKSUMS = ("CRC64NVME", "CRC32", "CRC32C", "SHA256", "SHA1")
_OF_WHOLE_UPLOADS = ("CRC64NVME", "CRC32", "CRC32C")  # the others S3 computes of an upload's parts only

# HeadObject's answers have no body: their codes are statuses.
_CONDITION_FAILED = ("PreconditionFailed", "412")
_NOT_MODIFIED = ("304", "NotModified")


@dataclass(frozen=True, slots=True)
class _Copy:
    """What is copied where, with which metadata, and on which condition (`IfNoneMatch` or `IfMatch`)."""

    source: tuple[str, str]
    etag: str
    size: int
    checksum: tuple[str, str] | None
    target: tuple[str, str]
    marks: Mapping[str, str]
    condition: Mapping[str, Any]

    @property
    def what(self) -> str:
        """
        >>> _Copy(("a", "x"), "", 0, None, ("b", "y"), {}, {}).what
        's3://a/x cannot be copied to s3://b/y'
        """
        return f"{uri_of(*self.source)} cannot be copied to {uri_of(*self.target)}"


class S3ArtifactStore:
    """
    Parameters
    ----------
    client : one that waits as long as S3 takes for a copy.
    key_arn : KMS key to encrypt copies with; "": as the bucket does by itself.
    single_copy_bytes : larger artifacts are copied in parts, several at a time; S3 takes no more than 5 GB at once.
    part_bytes : of each part; more where there would be too many.
    """

    def __init__(
        self,
        client: Callable[[], S3Client],
        limits: Limits,
        key_arn: str = "",
        *,
        single_copy_bytes: int = 256 * _MIB,
        part_bytes: int = 128 * _MIB,
    ) -> None:
        self._client = client
        self._limits = limits
        self._single_copy_bytes = single_copy_bytes
        self._part_bytes = part_bytes
        self._encryption: dict[str, Any] = {}
        if key_arn:
            self._encryption = {
                "ServerSideEncryption": "aws:kms",
                "SSEKMSKeyId": key_arn,
                "BucketKeyEnabled": True,
            }

    # ------------------------------------------------------------ looking

    def check(self, uri: str, unless_etag: str = "") -> Checked | None:
        """Read an artifact to its end, or to the first thing that is wrong with it. One GetObject.

        Parameters
        ----------
        uri : as it was registered: `s3://` or `https://`.
        unless_etag : of content that was refused before; None is returned while it is the same.

        Raises
        ------
        ArtifactRefused
            What `inspect` finds, with the content's etag; without it `not-s3`, `missing`, `denied`, `archived`, `customer-key`.
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
            Passing faults, also while the archive is read.
        """
        bucket, key = file_at(uri)
        answer = self._opened(uri, bucket, key, unless_etag)
        if answer is None:
            return None
        etag, size, body = answer["ETag"], answer["ContentLength"], answer["Body"]
        try:
            contents = inspect(body, size, self._limits)
        except FlexibleChecksumError as error:
            why = f"The artifact is not what was uploaded: S3's own checksum says so ({error})."
            raise ArtifactRefused(Refusal("damaged", why, UPLOAD), etag) from error
        except ArtifactRefused as refused:
            raise ArtifactRefused(refused.refusal, etag) from refused
        finally:
            body.close()  # what was not read of a refused one is never sent
        return Checked(
            bucket, key, etag, size, contents.files, contents.unpacked_bytes, _checksum_of_whole(answer)
        )

    def _opened(self, uri: str, bucket: str, key: str, unless_etag: str) -> GetObjectOutputTypeDef | None:
        condition: dict[str, Any] = {"IfNoneMatch": unless_etag} if unless_etag else {}
        try:
            return self._client().get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED", **condition)
        except ParamValidationError as error:
            raise ArtifactRefused(no_file(uri)) from error
        except ClientError as error:
            if code_of(error) in _NOT_MODIFIED:
                return None
            if code_of(error) in NO_BUCKET_NAME:
                raise ArtifactRefused(no_file(uri)) from error
            refuse(error, f"{uri_of(bucket, key)} cannot be read", (bucket, key))
            raise

    # ------------------------------------------------------------ publishing

    def publish(self, artifact: Checked, bucket: str, key: str, marks: Mapping[str, str]) -> Stored:
        """Copy what was checked to a new key; a copy that an earlier or parallel try made is as good.

        One CopyObject; above `single_copy_bytes` CreateMultipartUpload, an UploadPartCopy per part, CompleteMultipartUpload, and
        AbortMultipartUpload when one of them fails. One HeadObject when something lies at the key.

        Parameters
        ----------
        marks : ASCII metadata; by it the copy is known again, so it must tell the content, and it replaces the artifact's own.

        Raises
        ------
        KeyTaken
            Something else lies at the key.
        SourceChanged, CopyDiffers
            The artifact is not what was checked any more; the copy is not what was checked.
        ArtifactRefused
            `denied`, `missing`, `archived`, `customer-key`.
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
            Passing faults.
        """
        source = (artifact.bucket, artifact.key)
        copy = _Copy(
            source,
            artifact.etag,
            artifact.size,
            artifact.checksum,
            (bucket, key),
            marks,
            {"IfNoneMatch": "*"},
        )
        try:
            return self._copied(copy)
        except ClientError as error:
            if code_of(error) == "ConditionalRequestConflict":
                raise UnderWay(f"{uri_of(bucket, key)} is being written at this moment") from error
            if code_of(error) not in (*_CONDITION_FAILED, "NoSuchUpload"):
                refuse(error, copy.what, source, copy.target)
                raise
            # Which condition failed S3 does not say. An upload is gone when it is complete: by a try whose answer was lost.
            return self._made_before(copy, error)

    def _made_before(self, copy: _Copy, error: ClientError) -> Stored:
        there = self._there(*copy.target)
        if there is None:
            if code_of(error) == "NoSuchUpload":
                raise error
            raise SourceChanged(
                f"{uri_of(*copy.source)} was overwritten after it was checked; tried again later"
            ) from error
        if there["Metadata"] != dict(copy.marks):
            raise KeyTaken(*copy.target) from error
        _compare(copy, there)
        if there["ContentLength"] != copy.size:
            raise CopyDiffers(f"{uri_of(*copy.target)} has another size than {uri_of(*copy.source)}")
        return Stored(there["ETag"], there["ContentLength"])

    # ------------------------------------------------------------ the key without a version

    def put_in_place(self, bucket: str, version_key: str, key: str, marks: Mapping[str, str]) -> None:
        """Let a key that callers know for ever hold this version. Overwrites what we put there before, nothing else.

        HeadObject of the key, HeadObject of the version, and a copy as in `publish`; the first alone when nothing is left to do.

        Parameters
        ----------
        marks : ASCII metadata; with the same `stationkeeper-model` as what lies at the key it is ours, as a whole the same version.

        Raises
        ------
        KeyTaken
            Something that is not ours lies at the key.
        MemoryConflict
            The key or the version was changed at the same moment; look again.
        ArtifactRefused, botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
            As in `publish`.
        """
        condition = {"IfNoneMatch": "*"}
        there = self._there(bucket, key)
        if there is not None:
            if there["Metadata"].get(_OWNER) != marks[_OWNER]:
                raise KeyTaken(bucket, key)
            if there["Metadata"] == dict(marks):
                return
            condition = {"IfMatch": there["ETag"]}
        source = (bucket, version_key)
        version = self._there(*source)
        if version is None:
            raise ArtifactRefused(missing(source))
        copy = _Copy(
            source,
            version["ETag"],
            version["ContentLength"],
            _checksum_of_whole(version),
            (bucket, key),
            marks,
            condition,
        )
        try:
            self._copied(copy)
        except ClientError as error:
            gone = (*_CONDITION_FAILED, "ConditionalRequestConflict", "NoSuchKey", "404", "NoSuchUpload")
            if code_of(error) in gone:
                raise MemoryConflict(
                    f"{uri_of(bucket, key)} was changed at the same moment; look again"
                ) from error
            refuse(error, copy.what, source, copy.target)
            raise

    # ------------------------------------------------------------ looking again, and deleting

    def is_there(self, bucket: str, key: str, etag: str) -> bool:
        """Whether what we put there still lies there. One HeadObject."""
        there = self._there(bucket, key)
        return there is not None and there["ETag"] == etag

    def delete(self, bucket: str, key: str, etag: str) -> bool:
        """Delete what we put there; whether nothing of ours lies there any more. One DeleteObject.

        Something else that lies there by now is left alone. False when we may not. In a bucket with versions it becomes an older version.
        """
        try:
            self._client().delete_object(Bucket=bucket, Key=key, IfMatch=etag)
        except ClientError as error:
            if code_of(error) in MISSING:
                return True
            if code_of(error) in _CONDITION_FAILED:
                facts = {"decision": "not-ours", "thing": uri_of(bucket, key)}
                logger.warning("Something else lies there: left alone", extra=facts)
                return True
            if not is_denied(error):
                raise
            facts = {"decision": "kept", "thing": uri_of(bucket, key), "reason": said_by(error)}
            logger.warning("An artifact may not be deleted", extra=facts)
            return False
        return True

    # ------------------------------------------------------------ copying

    def _there(self, bucket: str, key: str) -> HeadObjectOutputTypeDef | None:
        """What lies at a key; None for nothing. One HeadObject."""
        try:
            return self._client().head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            if code_of(error) in MISSING:
                return None
            refuse(error, f"{uri_of(bucket, key)} cannot be looked at", (bucket, key), (bucket, key))
            raise

    def _copied(self, copy: _Copy) -> Stored:
        if copy.size > self._single_copy_bytes:
            return self._copied_in_parts(copy)
        bucket, key = copy.target
        settings: dict[str, Any] = {**copy.condition, **self._encryption}
        answer = self._client().copy_object(
            Bucket=bucket,
            Key=key,
            CopySource={"Bucket": copy.source[0], "Key": copy.source[1]},
            CopySourceIfMatch=copy.etag,
            MetadataDirective="REPLACE",
            Metadata=copy.marks,
            TaggingDirective="REPLACE",  # with none: reading and writing tags are rights of their own
            **settings,
        )["CopyObjectResult"]
        _compare(copy, answer)
        return Stored(answer["ETag"], copy.size)

    def _copied_in_parts(self, copy: _Copy) -> Stored:
        """S3 itself compares the size with the source's, and the checksum where the source has one that can be compared."""
        bucket, key = copy.target
        told: dict[str, Any] = {"MpuObjectSize": copy.size}
        settings = dict(self._encryption)
        algorithm = ""
        if copy.checksum and copy.checksum[0] in _OF_WHOLE_UPLOADS:
            algorithm = copy.checksum[0]
            settings |= {"ChecksumAlgorithm": algorithm, "ChecksumType": "FULL_OBJECT"}
            told |= {f"Checksum{algorithm}": copy.checksum[1], "ChecksumType": "FULL_OBJECT"}
        client = self._client()
        upload = client.create_multipart_upload(Bucket=bucket, Key=key, Metadata=copy.marks, **settings)[
            "UploadId"
        ]
        try:
            parts = self._parts(client, copy, upload, algorithm)
            answer = client.complete_multipart_upload(
                Bucket=bucket,
                Key=key,
                UploadId=upload,
                MultipartUpload={"Parts": parts},
                **copy.condition,
                **told,
            )
        except Exception:
            _abort(client, bucket, key, upload)
            raise
        return Stored(answer["ETag"], copy.size)

    def _parts(
        self, client: S3Client, copy: _Copy, upload: str, algorithm: str
    ) -> list[CompletedPartTypeDef]:
        """Copy all parts. After the first failure none is begun; those under way are waited for, so that none outlives the upload."""

        def copy_part(number: int, first: int, last: int) -> CompletedPartTypeDef:
            answer = client.upload_part_copy(
                Bucket=copy.target[0],
                Key=copy.target[1],
                UploadId=upload,
                PartNumber=number,
                CopySource={"Bucket": copy.source[0], "Key": copy.source[1]},
                CopySourceIfMatch=copy.etag,
                CopySourceRange=f"bytes={first}-{last}",
            )["CopyPartResult"]
            part: dict[str, Any] = {"PartNumber": number, "ETag": answer["ETag"]}
            name = f"Checksum{algorithm}"
            if name in answer:
                part[name] = cast("Mapping[str, Any]", answer)[name]
            return cast("CompletedPartTypeDef", part)

        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            copies = [
                pool.submit(copy_part, number, first, last)
                for number, (first, last) in enumerate(_ranges(copy.size, self._part_bytes), 1)
            ]
            done, _ = wait(copies, return_when=FIRST_EXCEPTION)
            if failed := [one for one in done if one.exception() is not None]:
                pool.shutdown(cancel_futures=True)
                failed[0].result()
            return [one.result() for one in copies]


def _ranges(size: int, part_bytes: int) -> list[tuple[int, int]]:
    """First and last byte of each part.

    >>> _ranges(10, 4)
    [(0, 3), (4, 7), (8, 9)]
    """
    step = max(part_bytes, -(-size // _PARTS))
    return [(first, min(first + step, size) - 1) for first in range(0, size, step)]


def _abort(client: S3Client, bucket: str, key: str, upload: str) -> None:
    """Give up an upload: its parts cost money until then, and nobody sees them."""
    try:
        client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
    except Exception as error:  # noqa: BLE001  # the first error is the one to tell
        if isinstance(error, ClientError) and code_of(error) == "NoSuchUpload":
            return
        facts = {
            "decision": "upload-left",
            "thing": uri_of(bucket, key),
            "upload": upload,
            "reason": str(error),
        }
        logger.error("An upload that failed could not be given up; its parts stay", extra=facts)


def _checksum_of_whole(answer: Mapping[str, Any]) -> tuple[str, str] | None:
    """The checksum of a whole object; one of its parts' checksums (`...-3`) depends on where it was cut."""
    if answer.get("ChecksumType") not in (None, "FULL_OBJECT"):
        return None
    for algorithm in _CHECKSUMS:
        value = str(answer.get(f"Checksum{algorithm}") or "")
        if value and "-" not in value:
            return algorithm, value
    return None


def _compare(copy: _Copy, answer: Mapping[str, Any]) -> None:
    """What S3 says of a copy, where it says the same kind of thing of the source."""
    ours = _checksum_of_whole(answer)
    if copy.checksum and ours and ours[0] == copy.checksum[0] and ours != copy.checksum:
        raise CopyDiffers(
            f"{uri_of(*copy.target)} is no true copy of {uri_of(*copy.source)}: {ours[0]} {ours[1]}, not {copy.checksum[1]}"
        )
