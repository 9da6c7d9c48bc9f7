"""Reports in S3."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stationkeeper.reports.outcome import Blindness, BlindReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

_ADDRESS = re.compile(r"s3://([^/]+)/(.+)", re.DOTALL)
# 4xx that pass by themselves; any other says that the report cannot be had, however often it is asked for.
_PASSING = frozenset(
    (
        "RequestTimeout",
        "RequestTimeTooSkewed",
        "ExpiredToken",
        "Throttling",
        "ThrottlingException",
        "SlowDown",
    )
)


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
        address = _ADDRESS.fullmatch(uri)
        if address is None:
            return Blindness(BlindReason.REPORT_MISSING, f"{uri} is no S3 address of a file")
        bucket, key = address.groups()
        try:
            answer = self._client().get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            problem = error.response.get("Error", {})
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
            if status >= 500 or status < 400 or problem.get("Code") in _PASSING:
                raise
            said = f"{problem.get('Code')}: {problem.get('Message')}"
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
