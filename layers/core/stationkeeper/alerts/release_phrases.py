"""How versions and what serves are called in plain words."""

from stationkeeper.alerts.release_steps import OfVersion


def version_words(number: int | None) -> str:
    """`version 8`."""
    return f"version {number}" if number is not None else "the version"


def short_version(number: int | None) -> str:
    """`v8`, where a subject has no room for more."""
    return f"v{number}" if number is not None else "a version"


def version_of_group(event: OfVersion) -> str:
    """`version 8 of churn`."""
    return f"{version_words(event.version)} of {event.group}"


def by_whom(approver: str) -> str:
    return f"by {approver}" if approver else ""


def serving_words(number: int | None) -> str:
    """What serves now: of this group where its number is known."""
    return f"version {number}" if number is not None else "what was there before"


def beginning(text: str) -> str:
    """A text that begins a sentence; the rest of it stays as it is."""
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """A clause or a sentence of another's making, with one full stop at its end."""
    return text if text.endswith((".", "!", "?")) or not text else f"{text}."
