"""How it is said what is wrong with an archive."""

from stationkeeper.alerts.text import count
from stationkeeper.artifacts.refusal import ArtifactRefused, Refusal

UPLOAD = "Upload it again, and compare its size and checksum with the original's"
PACK = "Pack the model again, from inside its folder: tar -czf model.tar.gz *"
_REVIEW = "Nothing was unpacked: find out who wrote it, and pack the model again from inside its folder"
_SMALLER = "Keep what serving does not need out of it, or raise the limit"
_ADVICE = {
    **dict.fromkeys(("empty", "truncated", "damaged"), UPLOAD),
    **dict.fromkeys(("not-gzip", "not-tar", "special-member", "no-files", "too-large-header"), PACK),
    **dict.fromkeys(("unsafe-member", "unsafe-link"), _REVIEW),
    **dict.fromkeys(("too-large", "too-many-members"), _SMALLER),
    "bomb": f"{_SMALLER}; if it should be small, find out who wrote it",
}


def refused(code: str, why: str, advice: str = "") -> ArtifactRefused:
    """The refusal of a code; its advice unless another is given."""
    return ArtifactRefused(Refusal(code, why, advice or _ADVICE[code]))


def size_in_words(size: int) -> str:
    """A number of bytes as a person reads it: `1.5 GB`."""
    for unit, one in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if size >= one:
            return f"{size / one:,.1f} {unit}"
    return count(size, "byte")
