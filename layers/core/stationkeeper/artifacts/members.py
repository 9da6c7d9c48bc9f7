"""The members of a model archive: whether unpacking them one after the other would harm anything."""

import re
import tarfile
from itertools import accumulate, takewhile

from stationkeeper.alerts.text import plain
from stationkeeper.artifacts.archive_faults import refused

_GLOBAL_CHARACTERS = 2_000
"""Of global headers, which `tarfile` copies to every member."""
_PATH_CHARACTERS = 4_096
_DRIVE = re.compile(r"[A-Za-z]:(/|$)")


class Members:
    """The members so far: what unpacking them one after the other would make, in the folder it is meant for.

    A link whose name comes after members beneath it is let pass: no unpacker puts it in the place of their folder.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._links: set[int] = set()
        """Places of links, as fingerprints: names have no bounds."""
        self.members = self.files = 0

    def add(self, member: tarfile.TarInfo, global_characters: int) -> None:
        """Take in the next member. `global_characters`: of the pax headers that hold for all.

        Raises
        ------
        ArtifactRefused
            `too-many-members`, `too-large-header`, `special-member`, `damaged`, `unsafe-member`, `unsafe-link`.
        """
        name = f'"{plain(member.name, 120)}"'
        self.members += 1
        if self.members > self._limit:
            raise refused("too-many-members", f"The archive has more than {self._limit:,} members.")
        if global_characters > _GLOBAL_CHARACTERS:
            why = f"The headers for all members (global pax) have over {_GLOBAL_CHARACTERS:,} characters."
            raise refused("too-large-header", why)
        if fault := _kind_fault(member):
            raise refused("special-member", f"The member {name} is {fault}.")
        # `tarfile` takes a size that it cannot read, in a pax header, for 0.
        if member.size < 0 or member.pax_headers.get("size", str(member.size)) != str(member.size):
            raise refused("damaged", f"The tar archive inside is damaged: the size of {name} makes no sense.")
        segments = _segments(member.name)
        if fault := _fault(member.name) or self._name_fault(member, segments):
            raise refused("unsafe-member", f"The name of the member {name} {fault}.")
        if member.issym() or member.islnk():
            if fault := _fault(member.linkname) or self._target_fault(member, depth=len(segments) - 1):
                target = f'"{plain(member.linkname, 120)}"'
                raise refused("unsafe-link", f"The link {name} points to {target}, which {fault}.")
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
