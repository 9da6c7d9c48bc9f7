"""How it is said what is wrong with an archive."""

from stationkeeper.artifacts.refusal import ArtifactRefused, Refusal

UPLOAD = "Find out what wrote it, then train again or register a new version: that is published by itself, and told in this thread"
PACK = "Pack the model again, from inside its folder: tar -czf model.tar.gz *"
_REVIEW = "Nothing was unpacked: find out who wrote it, and pack the model again from inside its folder"
_SMALLER = "Keep what serving does not need out of it"
_RAISE = f"{_SMALLER}, or raise the stack's parameter ArtifactLimitMegabytes or UnpackedLimitMegabytes"
_BY_LIMIT = ("too-large", "bomb")
_ADVICE = {
    **dict.fromkeys(("empty", "truncated", "damaged"), UPLOAD),
    **dict.fromkeys(("not-gzip", "not-tar", "special-member", "no-files", "too-large-header"), PACK),
    **dict.fromkeys(("unsafe-member", "unsafe-link"), _REVIEW),
    "too-large": _RAISE,
    "too-many-members": _SMALLER,
    "bomb": f"{_RAISE}; if it should be small, find out who wrote it",
}


def refused(code: str, why: str, advice: str = "") -> ArtifactRefused:
    """The refusal of a code; its advice unless another is given."""
    return ArtifactRefused(Refusal(code, why, advice or _ADVICE[code], passing=code in _BY_LIMIT))
