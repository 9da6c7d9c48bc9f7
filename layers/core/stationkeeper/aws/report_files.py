"""Reports in S3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stationkeeper.aws.errors import code_of, is_passing, said_by
from stationkeeper.aws.s3_addresses import s3_address
from stationkeeper.reports.outcome import Blindness, BlindReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client


class S3Reports:
    """Reads a report whole, up to a size limit.

    Parameters
    ----------
    client : makes or returns the S3 client.
    limit_bytes : a larger report is not read.
    """

    def __init__(self, client: Callable[[], S3Client], limit_bytes: int) -> None:
        self._client = client
        self._limit_bytes = limit_bytes

    def read(self, uri: str) -> bytes | Blindness:
        """The report's bytes, or why on-call cannot have it judged.

        What may pass by itself (throttling, a broken connection, 5xx) is raised.
        """
        address = s3_address(uri)
        if address is None:
            return Blindness(BlindReason.REPORT_MISSING, f"{uri} is no S3 address of a file")
        bucket, key = address
        try:
            answer = self._client().get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if status < 400 or is_passing(
                error
            ):  # any other says that it cannot be had, however often it is asked for
                raise
            said = f"{code_of(error)}: {said_by(error)}"
            reason = BlindReason.REPORT_MISSING if status == 404 else BlindReason.REPORT_DENIED
            return Blindness(reason, said)
        size = answer["ContentLength"]
        with answer["Body"] as body:
            if size > self._limit_bytes:
                return Blindness(
                    BlindReason.REPORT_TOO_LARGE,
                    f"{size / 1e6:,.0f} MB; the limit is {self._limit_bytes / 1e6:,.0f} MB (ReportSizeLimitMegabytes)",
                )
            return body.read()
