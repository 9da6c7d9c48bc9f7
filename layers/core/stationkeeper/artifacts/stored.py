"""What an artifact in S3 was found to be, and what became of its copy."""

from dataclasses import dataclass

from stationkeeper.errors import StationkeeperError


@dataclass(frozen=True, slots=True)
class Checked:
    """An artifact that was looked at, byte by byte.

    Attributes
    ----------
    etag : of the content that was looked at, as S3 quotes it; only that content is copied.
    size, unpacked_bytes : bytes of the archive, and of what it unpacks to.
    checksum : algorithm and Base64 value of the whole object, `("CRC64NVME", "...")`; None where S3 has none.
    """

    bucket: str
    key: str
    etag: str
    size: int
    files: int
    unpacked_bytes: int
    checksum: tuple[str, str] | None

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Stored:
    """A copy as it lies in S3; `size` in bytes."""

    etag: str
    size: int


class KeyTaken(StationkeeperError):
    """Something else lies where an artifact was to be put; it is left as it is."""

    def __init__(self, bucket: str, key: str) -> None:
        super().__init__(f"something else lies at s3://{bucket}/{key}; nothing was overwritten")
        self.bucket = bucket
        self.key = key


class SourceChanged(StationkeeperError):
    """An artifact was overwritten between the look at it and its copy; tried again, it is looked at again."""


class CopyDiffers(StationkeeperError):
    """A copy is not what was looked at, by S3's own checksum or size; it stays for a person to look at, and is used by nobody."""
