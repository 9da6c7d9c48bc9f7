"""Metrics files in S3: small JSON documents that were registered with a version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, ParamValidationError

from stationkeeper.aws.errors import is_denied, is_missing, is_passing, said_by
from stationkeeper.aws.s3_addresses import s3_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

_LIMIT_BYTES = 5_000_000


class S3MetricsFiles:
    def __init__(self, client: Callable[[], S3Client]) -> None:
        self._client = client

    def read(self, uri: str) -> bytes | str:
        """The file's bytes, or why it cannot be read. Passing faults are raised."""
        address = s3_address(uri)
        if address is None:
            return f"{uri} is no file in S3"
        bucket, key = address
        try:
            answer = self._client().get_object(Bucket=bucket, Key=key)
        except ParamValidationError:
            return f"{uri} is no file in S3"
        except ClientError as error:
            if is_passing(error):
                raise
            if is_denied(error):
                return f"{uri} may not be read"
            return f"{uri} is not there" if is_missing(error) or "NoSuch" in str(error) else said_by(error)
        if answer["ContentLength"] > _LIMIT_BYTES:
            return f"{uri} is over {_LIMIT_BYTES // 1_000_000} MB"
        return answer["Body"].read()
