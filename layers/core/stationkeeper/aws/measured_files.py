"""Files of measurements in S3: metrics that were registered with a version, statistics that a monitor wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, ParamValidationError

from stationkeeper.aws.errors import is_denied, is_missing, is_passing, said_by
from stationkeeper.aws.s3_addresses import s3_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client


class S3MeasuredFiles:
    """`limit_bytes`: a larger file is not read."""

    def __init__(self, client: Callable[[], S3Client], limit_bytes: int) -> None:
        self._client = client
        self._limit_bytes = limit_bytes

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
        with answer["Body"] as body:
            if answer["ContentLength"] > self._limit_bytes:
                return f"{uri} is over {self._limit_bytes // 1_000_000} MB"
            return body.read()
