"""Drift pages in the report bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stationkeeper.aws.errors import code_of
from stationkeeper.errors import PageChanged
from stationkeeper.pages.seen import SeenPage

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

_RECORD_VERSION = "record-version"
# 409: another conditional write of the same key is under way.
_CHANGED = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")


class S3DriftPages:
    def __init__(self, client: Callable[[], S3Client], bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def seen(self, key: str) -> SeenPage | None:
        """The page at a key; None when there is none. One call."""
        try:
            answer = self._client().head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
                return None
            raise
        return SeenPage(answer["ETag"], int(answer["Metadata"].get(_RECORD_VERSION, 0)))

    def put(self, key: str, html: str, record_version: int, over: SeenPage | None) -> None:
        """Put a page where this one, or none, was seen; see `Pages.put`. One call."""
        page = html.encode("utf-8", "backslashreplace")
        metadata = {_RECORD_VERSION: str(record_version)}
        try:
            if over is None:
                self._client().put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=page,
                    ContentType="text/html; charset=utf-8",
                    Metadata=metadata,
                    IfNoneMatch="*",
                )
            else:
                self._client().put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=page,
                    ContentType="text/html; charset=utf-8",
                    Metadata=metadata,
                    IfMatch=over.etag,
                )
        except ClientError as error:
            if code_of(error) in _CHANGED:
                raise PageChanged(f"{key} was drawn by somebody else") from error
            raise
