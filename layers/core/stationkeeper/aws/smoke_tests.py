"""One call of a new version with the sample payload it was registered with."""

from __future__ import annotations

import io
import tarfile
import zlib
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError

from stationkeeper.aws.errors import code_of, is_passing, said_by
from stationkeeper.aws.s3_addresses import s3_address
from stationkeeper.errors import StationkeeperError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

_ARCHIVE_BYTES = 25_000_000
_PAYLOAD_BYTES = 6_000_000  # InvokeEndpoint takes no more
_UNPACKED_BYTES = 50_000_000
_GZIP = 31  # zlib's name for it


class NoPayload(StationkeeperError):
    """There is nothing to test with; the text says why."""


class AwsSmokeTests:
    """Reads `SamplePayloadUrl`, a gzip tar archive, and sends its first file."""

    def __init__(self, s3: Callable[[], S3Client], runtime: Callable[[], SageMakerRuntimeClient]) -> None:
        self._s3 = s3
        self._runtime = runtime

    def run(self, endpoint: str, variant: str, payload_uri: str, content_type: str) -> tuple[bool, str]:
        """Call a variant once; whether its model answered well, and what is to be said of it.

        True with words means that nothing was tested: only an answer of the model itself, or none, speaks against it. Passing
        faults of S3 and of the service are raised.
        """
        try:
            payload = _first_file(self._archive(payload_uri))
        except NoPayload as nothing:
            return True, f"no smoke test: {nothing}"
        try:
            answer = self._runtime().invoke_endpoint(
                EndpointName=endpoint, TargetVariant=variant, Body=payload, ContentType=content_type
            )
        except ReadTimeoutError:
            return False, "the model did not answer the sample payload in time"
        except (ClientError, ParamValidationError) as error:
            return _said_of(error)
        size = len(answer["Body"].read())
        return (True, "") if size else (False, "the model answered the sample payload with nothing")

    def _archive(self, uri: str) -> bytes:
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
        if answer["ContentLength"] > _ARCHIVE_BYTES:
            raise NoPayload(f"the sample payload {uri} is over {_ARCHIVE_BYTES // 1_000_000} MB")
        return answer["Body"].read()


def _said_of(error: ClientError | ParamValidationError) -> tuple[bool, str]:
    if isinstance(error, ClientError):
        if code_of(error) == "ModelError":
            return False, f"the model answered the sample payload with an error: {said_by(error)}"
        if code_of(error) == "ModelNotReadyException" or is_passing(error):
            raise error
        return True, f"no smoke test: the endpoint could not be called: {said_by(error)}"
    return True, f"no smoke test: the endpoint could not be called: {error}"


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
