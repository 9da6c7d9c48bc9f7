"""A model archive (`model.tar.gz`), checked as it streams by: whole, harmless to unpack, and with something in it.

Nothing is written to disk, and only what the next few bytes need is kept. `zlib` and `tarfile` do the reading; around them
stands what they leave to their caller: limits, and telling an archive that ends from one that breaks off.
"""

import sys
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Protocol, cast

from stationkeeper.alerts.text import count, size_in_words
from stationkeeper.artifacts.archive_faults import PACK, UPLOAD, refused
from stationkeeper.artifacts.members import Members
from stationkeeper.artifacts.refusal import ArtifactRefused

_GZIP, _GZIP_MAGIC = 16 + zlib.MAX_WBITS, b"\x1f\x8b"
_BLOCK = 512
_CHUNK_BYTES = 65_536
_RATIO, _RATIO_FROM_BYTES = 100, 1_000_000_000
_HEADER_BYTES, _HEADER_BLOCKS = 1_000_000, 100
"""For one member; `tarfile` recurses into each header that stands before it."""
_HEADER_BYTES_EACH = 4_096
"""On average: a megabyte of pax headers takes `tarfile` 0.2 seconds."""

_FORMATS = (
    (b"pk\x03\x04", "a zip file, as torch.save writes it"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"bzh", "compressed with bzip2"),
    (b"\xfd7zxz\x00", "compressed with xz"),
    *((bytes((0x80, protocol)), "a pickle") for protocol in range(2, 6)),
    *((tag, "an HTML page") for tag in (b"<!doctype html", b"<html")),
    (b"<", "XML, perhaps the message of an error"),
    *((bracket, "JSON") for bracket in (b"{", b"[")),
)
"""How they begin, in lower case."""


class Readable(Protocol):
    """The body of an S3 object, as botocore streams it."""

    def read(self, amount: int, /) -> bytes:
        """At most `amount` bytes, perhaps fewer; b"" at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """The most bytes of the archive and of what it unpacks to, and the most files, directories and links in it."""

    archive_bytes: int
    unpacked_bytes: int
    members: int = 100_000


@dataclass(frozen=True, slots=True)
class Contents:
    """How many regular files an archive holds, and the bytes of its tar stream, headers and padding included."""

    files: int
    unpacked_bytes: int


def inspect(archive: Readable, size: int, limits: Limits) -> Contents:
    """Read an archive to its end, or to the first thing that is wrong with it.

    Parameters
    ----------
    archive : read once, forward; what its `read` raises is passed on.
    size : bytes of the archive, as S3 tells them (Content-Length).

    Raises
    ------
    ArtifactRefused
        `empty`, `too-large`, `not-gzip`, `not-tar`, `truncated`, `damaged`, `bomb`, `too-many-members`,
        `too-large-header`, `unsafe-member`, `unsafe-link`, `special-member`, `no-files`.

    Source: GNU tar manual, "Basic Tar Format"; RFC 1952 (gzip); `tarfile` of Python 3.13 and 3.14.
    """
    if size == 0:
        raise refused("empty", "The artifact is empty: it has 0 bytes.")
    source = _Source(archive, size, limits.archive_bytes)
    stream = _TarStream(_unpacked(source, limits), limits)
    members = Members(limits.members)
    try:
        # `stream`: no list of members is kept. Names read the same wherever this runs.
        tar = tarfile.TarFile(fileobj=cast("IO[bytes]", stream), stream=True, encoding="utf-8")
        while (member := tar.next()) is not None:
            members.add(member, sum(len(key) + len(value) for key, value in tar.pax_headers.items()))
            stream.next_header()
        stream.end()
    except ArtifactRefused:
        raise
    except Exception as error:
        if source.failure is not None:  # `tarfile` may have made another error of it
            raise source.failure from None
        # `tarfile` raises ValueError, IndexError and others too when a header makes no sense.
        raise stream.unreadable(error, members.members) from error
    if not members.files:
        raise refused("no-files", f"The archive has no file in it ({count(members.members, 'member')}).")
    return Contents(members.files, stream.tell())


class _Source:
    """The bytes of the archive as they arrive, counted."""

    def __init__(self, archive: Readable, size: int, limit: int) -> None:
        self._archive = archive
        self._size = size
        self._limit = limit
        self._check(size)
        self.arrived = 0
        self.failure: Exception | None = None
        """What reading itself raised: no fault of the archive."""

    def read(self) -> bytes:
        try:
            packed = self._archive.read(_CHUNK_BYTES)
        except Exception as error:
            self.failure = error
            raise
        self.arrived += len(packed)
        self._check(self.arrived)
        if not packed and self.arrived < self._size:
            raise refused(
                "truncated", f"Only {self.arrived:,} of the artifact's {self._size:,} bytes arrived."
            )
        return packed

    def head(self) -> bytes:
        """The first block or more, when it looks like gzip."""
        head = b""
        while len(head) < _BLOCK and (packed := self.read()):
            head += packed
        if _GZIP_MAGIC.startswith(head[:2]):
            return head
        text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
        looks = next((f"it looks like {what}" for begins, what in _FORMATS if text.startswith(begins)), "")
        if head[257:262] == b"ustar":
            looks = "it is a tar archive that is not compressed"
        looks = looks or f"it begins with the bytes {head[:4].hex(' ')}"
        raise refused("not-gzip", f"The artifact is not a gzip archive: {looks}.")

    def _check(self, size: int) -> None:
        if size > self._limit:
            why = f"The artifact is {size_in_words(size)} large ({size:,} bytes); the limit is {size_in_words(self._limit)}."
            raise refused("too-large", why)


def _unpacked(source: _Source, limits: Limits) -> Iterator[bytes]:
    """What the gzip members of the archive hold, one after the other: in small pieces, checked to the last byte."""
    total = 0
    packed = source.head()
    inflater = zlib.decompressobj(_GZIP)
    while packed:
        try:
            # First a single block: so damage from the first bytes on is told from damage later on.
            piece = inflater.decompress(packed, _CHUNK_BYTES if total else _BLOCK)
        except zlib.error as error:
            raise _unreadable_gzip(str(error).rpartition(": ")[2], source.arrived, total) from error
        total += len(piece)
        if total > limits.unpacked_bytes:
            raise _unpacks_too_far(limits)
        if total > max(_RATIO_FROM_BYTES, _RATIO * source.arrived):
            why = f"The first {size_in_words(source.arrived)} of the archive unpack to over {_RATIO} times as much"
            raise refused("bomb", f"{why}, {size_in_words(total)} so far.")
        if piece:
            yield piece
        if not inflater.eof:
            packed = inflater.unconsumed_tail or source.read()
            continue
        packed = inflater.unused_data.lstrip(b"\0")
        while not packed and (arrived := source.read()):
            packed = arrived.lstrip(b"\0")
        if not packed:
            return
        if not _GZIP_MAGIC.startswith(packed[:2]):
            raise _unreadable_gzip("no gzip header", source.arrived, total)
        inflater = zlib.decompressobj(_GZIP)
    why = f"The archive breaks off after {size_in_words(source.arrived)}: its gzip stream has no end."
    raise refused("truncated", why)


class _TarStream:
    """The unpacked bytes as the file that `tarfile` reads: forward only, a little at a time."""

    def __init__(self, pieces: Iterator[bytes], limits: Limits) -> None:
        self._pieces = pieces
        self._limits = limits
        self._piece = memoryview(b"")
        self._position = 0
        self._ended = False
        self._last = b""
        self._all_header_bytes = 0
        self.next_header()

    def next_header(self) -> None:
        """What is read from here on belongs to the next member."""
        self._header_bytes = self._header_blocks = 0

    def tell(self) -> int:
        return self._position

    def read(self, amount: int, /) -> bytes:
        if amount < 0:
            raise self._damaged("the size of a header is negative")
        self._header_bytes += amount
        self._header_blocks += 1
        self._all_header_bytes += amount
        if self._header_bytes > _HEADER_BYTES or self._header_blocks > _HEADER_BLOCKS:
            most = f"{size_in_words(_HEADER_BYTES)} or {_HEADER_BLOCKS} blocks"
            raise refused("too-large-header", f"The headers of a member (long name, pax) take over {most}.")
        if self._all_header_bytes > (
            most_of_all := self._limits.members * _HEADER_BYTES_EACH + _HEADER_BYTES
        ):
            why = f"The headers of all members (long names, pax) take over {size_in_words(most_of_all)}."
            raise refused("too-large-header", why)
        self._last = b"".join(self._forward(amount))
        return self._last

    def seek(self, position: int, /) -> int:
        if position < self._position:
            raise self._damaged("the size of a member makes no sense")
        if position > self._limits.unpacked_bytes:
            raise _unpacks_too_far(self._limits)
        for _ in self._forward(position - self._position):
            pass
        if self._ended:
            raise self._breaks_off("in the middle of a member")
        return position

    def end(self) -> None:
        """Read what follows the last member: two blocks of zeros or more, and nothing else.

        `tarfile` ends without a word at the first of them, at a damaged header, and where the stream ends.
        """
        after = self._position
        if not self._ended and (
            self._last.strip(b"\0") or any(bytes(rest).strip(b"\0") for rest in self._forward(sys.maxsize))
        ):
            raise self._damaged("after the last good member comes neither a header nor the end")
        if self._position - after < _BLOCK:
            raise self._breaks_off("without the mark of its end")

    def unreadable(self, error: Exception, members: int) -> ArtifactRefused:
        """What an error of `tarfile` means."""
        if self._ended and self._position >= _BLOCK:
            return self._breaks_off("in the middle of a member")
        if members:
            return self._damaged(f"a header makes no sense, {type(error).__name__}")
        why = "What the archive unpacks to is not a tar archive, or is damaged from its first bytes."
        return refused("not-tar", why)

    def _forward(self, amount: int) -> Iterator[memoryview]:
        """The next bytes, piece by piece; fewer at the end."""
        while amount > 0:
            self._piece = self._piece or memoryview(next(self._pieces, b""))
            if not self._piece:
                self._ended = True
                return
            piece, self._piece = self._piece[:amount], self._piece[amount:]
            self._position += len(piece)
            amount -= len(piece)
            yield piece

    def _damaged(self, what: str) -> ArtifactRefused:
        why = f"The tar archive inside is damaged about {size_in_words(self._position)} into it: {what}."
        return refused("damaged", why)

    def _breaks_off(self, where: str) -> ArtifactRefused:
        why = f"The tar archive inside breaks off after {size_in_words(self._position)}, {where}"
        return refused("truncated", f"{why}: it was cut before it was compressed.", PACK)


def _unreadable_gzip(said: str, arrived: int, total: int) -> ArtifactRefused:
    if total:
        why = (
            f"The archive is damaged, or something else follows it, within its first {size_in_words(arrived)}"
        )
        return refused("damaged", f"{why} ({said}).")
    why = f"The artifact begins as a gzip archive does, but is damaged from its first bytes on ({said})."
    return refused("not-gzip", why, UPLOAD)


def _unpacks_too_far(limits: Limits) -> ArtifactRefused:
    why = f"The archive unpacks to more than {size_in_words(limits.unpacked_bytes)}, which is the limit."
    return refused("bomb", why)
