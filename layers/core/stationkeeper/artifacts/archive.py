"""A model archive (`model.tar.gz`), checked as it streams by: whole, harmless to unpack, and with something in it.

Nothing is written to disk, and only what the next few bytes need is kept. `zlib` and `tarfile` do the reading; around them
stands what they leave to their caller: limits, and telling an archive that ends from one that breaks off.
"""

import re
import sys
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, takewhile
from typing import IO, Protocol, cast

from stationkeeper.alerts.text import count, plain
from stationkeeper.artifacts.refusal import ArtifactRefused, Refusal

_GZIP, _GZIP_MAGIC = 16 + zlib.MAX_WBITS, b"\x1f\x8b"
_BLOCK = 512
_CHUNK_BYTES = 65_536
_RATIO, _RATIO_FROM_BYTES = 100, 1_000_000_000
_HEADER_BYTES, _HEADER_BLOCKS = 1_000_000, 100
"""For one member; `tarfile` recurses into each header that stands before it."""
_HEADER_BYTES_EACH = 4_096
"""On average: a megabyte of pax headers takes `tarfile` 0.2 seconds."""
_GLOBAL_CHARACTERS = 2_000
"""Of global headers, which `tarfile` copies to every member."""
_PATH_CHARACTERS = 4_096
_DRIVE = re.compile(r"[A-Za-z]:(/|$)")

_UPLOAD = "Upload it again, and compare its size and checksum with the original's"
_PACK = "Pack the model again, from inside its folder: tar -czf model.tar.gz *"
_REVIEW = "Nothing was unpacked: find out who wrote it, and pack the model again from inside its folder"
_SMALLER = "Keep what serving does not need out of it, or raise the limit"
_ADVICE = {
    **dict.fromkeys(("empty", "truncated", "damaged"), _UPLOAD),
    **dict.fromkeys(("not-gzip", "not-tar", "special-member", "no-files", "too-large-header"), _PACK),
    **dict.fromkeys(("unsafe-member", "unsafe-link"), _REVIEW),
    **dict.fromkeys(("too-large", "too-many-members"), _SMALLER),
    "bomb": f"{_SMALLER}; if it should be small, find out who wrote it",
}

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
        raise _refused("empty", "The artifact is empty: it has 0 bytes.")
    source = _Source(archive, size, limits.archive_bytes)
    stream = _TarStream(_unpacked(source, limits), limits)
    tree = _Tree(limits.members)
    try:
        # `stream`: no list of members is kept. Names read the same wherever this runs.
        tar = tarfile.TarFile(fileobj=cast("IO[bytes]", stream), stream=True, encoding="utf-8")
        while (member := tar.next()) is not None:
            tree.add(member, sum(len(key) + len(value) for key, value in tar.pax_headers.items()))
            stream.next_header()
        stream.end()
    except ArtifactRefused:
        raise
    except Exception as error:
        if source.failure is not None:  # `tarfile` may have made another error of it
            raise source.failure from None
        # `tarfile` raises ValueError, IndexError and others too when a header makes no sense.
        raise stream.unreadable(error, tree.members) from error
    if not tree.files:
        raise _refused("no-files", f"The archive has no file in it ({count(tree.members, 'member')}).")
    return Contents(tree.files, stream.tell())


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
            raise _refused(
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
        raise _refused("not-gzip", f"The artifact is not a gzip archive: {looks}.")

    def _check(self, size: int) -> None:
        if size > self._limit:
            why = f"The artifact is {_amount(size)} large ({size:,} bytes); the limit is {_amount(self._limit)}."
            raise _refused("too-large", why)


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
            why = f"The first {_amount(source.arrived)} of the archive unpack to over {_RATIO} times as much"
            raise _refused("bomb", f"{why}, {_amount(total)} so far.")
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
    why = f"The archive breaks off after {_amount(source.arrived)}: its gzip stream has no end."
    raise _refused("truncated", why)


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
            most = f"{_amount(_HEADER_BYTES)} or {_HEADER_BLOCKS} blocks"
            raise _refused("too-large-header", f"The headers of a member (long name, pax) take over {most}.")
        if self._all_header_bytes > (
            most_of_all := self._limits.members * _HEADER_BYTES_EACH + _HEADER_BYTES
        ):
            why = f"The headers of all members (long names, pax) take over {_amount(most_of_all)}."
            raise _refused("too-large-header", why)
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
        return _refused("not-tar", why)

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
        why = f"The tar archive inside is damaged about {_amount(self._position)} into it: {what}."
        return _refused("damaged", why)

    def _breaks_off(self, where: str) -> ArtifactRefused:
        why = f"The tar archive inside breaks off after {_amount(self._position)}, {where}"
        return _refused("truncated", f"{why}: it was cut before it was compressed.", _PACK)


class _Tree:
    """The members so far: what unpacking them one after the other would make, in the folder it is meant for.

    A link whose name comes after members beneath it is let pass: no unpacker puts it in the place of their folder.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._links: set[int] = set()
        """Places of links, as fingerprints: names have no bounds."""
        self.members = self.files = 0

    def add(self, member: tarfile.TarInfo, global_characters: int) -> None:
        name = f'"{plain(member.name, 120)}"'
        self.members += 1
        if self.members > self._limit:
            raise _refused("too-many-members", f"The archive has more than {self._limit:,} members.")
        if global_characters > _GLOBAL_CHARACTERS:
            why = f"The headers for all members (global pax) have over {_GLOBAL_CHARACTERS:,} characters."
            raise _refused("too-large-header", why)
        if fault := _kind_fault(member):
            raise _refused("special-member", f"The member {name} is {fault}.")
        # `tarfile` takes a size that it cannot read, in a pax header, for 0.
        if member.size < 0 or member.pax_headers.get("size", str(member.size)) != str(member.size):
            raise _refused(
                "damaged", f"The tar archive inside is damaged: the size of {name} makes no sense."
            )
        segments = _segments(member.name)
        if fault := _fault(member.name) or self._name_fault(member, segments):
            raise _refused("unsafe-member", f"The name of the member {name} {fault}.")
        if member.issym() or member.islnk():
            if fault := _fault(member.linkname) or self._target_fault(member, depth=len(segments) - 1):
                target = f'"{plain(member.linkname, 120)}"'
                raise _refused("unsafe-link", f"The link {name} points to {target}, which {fault}.")
            self._links.add(_places(segments)[-1])
        self.files += member.isfile()

    def _name_fault(self, member: tarfile.TarInfo, segments: list[str]) -> str:
        if not (segments or member.isdir()):
            return "is empty"
        if ".." in segments:
            return "leads upward (..)"
        beneath_link = self._links and not self._links.isdisjoint(_places(segments[:-1]))
        return "lies beneath a link" if beneath_link else ""

    def _target_fault(self, member: tarfile.TarInfo, depth: int) -> str:
        target = _segments(member.linkname)
        if member.issym():
            upward = len(list(takewhile("..".__eq__, target)))
            if upward > depth:
                return "leads out of the archive"
            # Past another link, `..` would not lead back to where the name says.
            return "leads upward (..) after it led down" if ".." in target[upward:] else ""
        if ".." in target or not target:
            return "is no place inside the archive"
        # A hard link to a symlink is that symlink in another folder, where its target is another one.
        return "" if self._links.isdisjoint(_places(target)) else "is a link itself, or lies beneath one"


def _kind_fault(member: tarfile.TarInfo) -> str:
    if member.issparse() or any(key.startswith("GNU.sparse.") for key in member.pax_headers):
        return "a sparse file, which not everything can unpack"
    plain_kind = member.isfile() or member.isdir() or member.issym() or member.islnk()
    return "" if plain_kind else "neither file, directory nor link"


def _fault(path: str) -> str:
    """What is wrong with a path wherever it stands; "" when nothing is."""
    if not path:
        return "is empty"
    if "\0" in path:
        return "holds a NUL character"
    if len(path) > _PATH_CHARACTERS:
        return f"has more than {_PATH_CHARACTERS:,} characters"
    path = path.replace("\\", "/")
    return "is absolute" if path.startswith("/") or _DRIVE.match(path) else ""


def _segments(path: str) -> list[str]:
    return [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]


def _places(segments: list[str]) -> list[int]:
    """A fingerprint of each place on the way down; the last one is the member's own."""
    return list(accumulate(segments, lambda above, name: hash((above, name)), initial=0))[1:]


def _unreadable_gzip(said: str, arrived: int, total: int) -> ArtifactRefused:
    if total:
        why = f"The archive is damaged, or something else follows it, within its first {_amount(arrived)}"
        return _refused("damaged", f"{why} ({said}).")
    why = f"The artifact begins as a gzip archive does, but is damaged from its first bytes on ({said})."
    return _refused("not-gzip", why, _UPLOAD)


def _unpacks_too_far(limits: Limits) -> ArtifactRefused:
    why = f"The archive unpacks to more than {_amount(limits.unpacked_bytes)}, which is the limit."
    return _refused("bomb", why)


def _refused(code: str, why: str, advice: str = "") -> ArtifactRefused:
    return ArtifactRefused(Refusal(code, why, advice or _ADVICE[code]))


def _amount(size: int) -> str:
    """A number of bytes as a person reads it: `1.5 GB`."""
    for unit, one in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if size >= one:
            return f"{size / one:,.1f} {unit}"
    return count(size, "byte")
