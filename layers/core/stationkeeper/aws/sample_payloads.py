"""Sample payloads in S3: what a model is sent to see whether it answers."""

from __future__ import annotations

import io
import tarfile
import zlib
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, ParamValidationError

from stationkeeper.aws.errors import is_passing, said_by
from stationkeeper.aws.s3_addresses import s3_address
from stationkeeper.errors import StationkeeperError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

_ARCHIVE_BYTES = 25_000_000
_PAYLOAD_BYTES = 6_000_000  # InvokeEndpoint takes no more
_UNPACKED_BYTES = 50_000_000
_GZIP = 31  # zlib's name for it


class NoPayload(StationkeeperError):
    """There is nothing to test with; the text says why."""


class SamplePayloads:
    """Both ways to read one raise `NoPayload` where there is none, and passing faults of S3."""

    def __init__(self, s3: Callable[[], S3Client]) -> None:
        self._s3 = s3

    def first_file(self, uri: str) -> bytes:
        """The first file of a gzip tar archive, as model packages name one in `SamplePayloadUrl`."""
        return _first_file(self._content(uri, _ARCHIVE_BYTES))

    def whole_file(self, uri: str) -> bytes:
        """A file as it is."""
        return self._content(uri, _PAYLOAD_BYTES)

    def _content(self, uri: str, limit: int) -> bytes:
        address = s3_address(uri)
        if address is None:
            raise NoPayload(f"{uri} is no file in S3")
        bucket, key = address
        try:
            answer = self._s3().get_object(Bucket=bucket, Key=key)
        except ParamValidationError as error:
            raise NoPayload(f"{uri} is no file in S3") from error
        except ClientError as error:
            if is_passing(error):
                raise
            raise NoPayload(f"the sample payload {uri} cannot be read: {said_by(error)}") from error
        if answer["ContentLength"] > limit:
            raise NoPayload(f"the sample payload {uri} is over {limit // 1_000_000} MB")
        return answer["Body"].read()


def _first_file(archive: bytes) -> bytes:
    """The first file of a gzip tar archive that is not hidden; unpacked as a whole, so that its size is known before it is read."""
    try:
        unpacker = zlib.decompressobj(_GZIP)
        unpacked = unpacker.decompress(archive, _UNPACKED_BYTES + 1)
        if len(unpacked) > _UNPACKED_BYTES:
            raise NoPayload(f"the sample payload is over {_UNPACKED_BYTES // 1_000_000} MB unpacked")
        if not unpacker.eof:
            raise NoPayload("the sample payload is cut off")
        with tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:") as tar:
            for member in tar:
                if not member.isfile() or member.name.rpartition("/")[2].startswith("."):
                    continue
                if member.size > _PAYLOAD_BYTES:
                    raise NoPayload(
                        f"{member.name} in the sample payload is over {_PAYLOAD_BYTES // 1_000_000} MB"
                    )
                content = tar.extractfile(member)
                if content is not None:
                    return content.read()
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, OverflowError) as error:
        raise NoPayload(f"the sample payload is no gzip tar archive: {error}") from error
    raise NoPayload("the sample payload holds no file")
