"""How versions, what serves, and jobs of releases are called in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stationkeeper.alerts.text import plain
from stationkeeper.events.release_events import ReleaseEvent

_TEXT_CHARACTERS = 2_000
_LINE_CHARACTERS = 500


def cleaned[Event: ReleaseEvent](event: Event) -> Event:
    """The event with every text safe to show, whoever put it on the bus."""
    return event.model_copy(update={name: _cleaned(value) for name, value in event})


def _cleaned(value: Any) -> Any:
    if type(value) is str:  # enumerations are strings too, and no text from outside
        return plain(value, _TEXT_CHARACTERS)
    if isinstance(value, tuple):
        lines = (plain(one, _LINE_CHARACTERS) if type(one) is str else one for one in value)
        return tuple(line for line in lines if line != "")
    return value


def version_words(number: int | None) -> str:
    """`version 8`."""
    return f"version {number}" if number is not None else "the version"


def short_version(number: int | None) -> str:
    """`v8`, where a subject has no room for more."""
    return f"v{number}" if number is not None else "a version"


def version_of_group(event: ReleaseEvent) -> str:
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


@dataclass(frozen=True, slots=True)
class JobWords:
    """A job that was started for a release: how its failure is called, what it was for, what is lacking without it."""

    headlines: tuple[str, ...]
    was_to: str = ""
    lacking: str = ""
    again: str = "It does not start the job again by itself."
    mend: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags that mend it, without their prefix."""


JOBS: dict[str, JobWords] = {
    "baselining": JobWords(
        headlines=("no data-quality monitor, baselining failed", "baselining job failed"),
        was_to="suggest a data-quality baseline for",
        lacking="has no data-quality monitor: nobody notices when its data drifts",
        again="It does not start the same job again: it does for another dataset, and for another version.",
        mend="Mend the dataset, put it under a new address and tag that; or bring baselines with the next version",
        tags={"baseline-dataset": "s3://your-bucket/new-prefix"},
    ),
}
UNKNOWN_JOB = JobWords(("a job for the endpoint failed", "a job failed"))
"""Of a purpose without words of its own: the purpose is said as it is."""
