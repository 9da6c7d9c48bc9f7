"""A page that is there already."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SeenPage:
    """What S3 calls its content, and the version of the run's record it was drawn from."""

    etag: str
    record_version: int
