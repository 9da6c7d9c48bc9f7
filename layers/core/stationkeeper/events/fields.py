"""Field types that take what SageMaker varies between events, samples and API answers.

Absent values come as null, "" or not at all; times as epoch seconds, epoch milliseconds, their strings, or ISO
(captured live, and in the documentation's samples).
"""

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_pascal


def _absent(value: Any) -> Any:
    return None if value == "" else value


def timestamp(value: Any) -> Any:
    # pydantic tells epoch seconds from milliseconds by size and reads ISO; it does not assume a zone.
    if value in ("", None):
        return None
    if isinstance(value, str):
        text = value.strip()
        try:
            value = float(text)
        except ValueError:
            value = text if _has_zone(text) else f"{text}+00:00"
    return value


def _has_zone(text: str) -> bool:
    return text.endswith(("Z", "z")) or "+" in text[10:] or "-" in text[10:]


def _mapping(value: Any) -> Any:
    if value in ("", None):
        return {}
    if isinstance(value, dict):
        return {key: None if text is None else str(text) for key, text in value.items()}
    return value


def _sequence(value: Any) -> Any:
    return [] if value in ("", None) else value


type Text = Annotated[str | None, BeforeValidator(_absent)]
"""A string; "" is absent."""
type Timestamp = Annotated[AwareDatetime | None, BeforeValidator(timestamp)]
"""A moment in UTC, from epoch seconds or milliseconds, their strings, or ISO 8601."""
type TextMap = Annotated[dict[str, str | None], BeforeValidator(_mapping)]
"""A map of strings; "" and null are the empty map."""
type Maybe[T] = Annotated[T | None, BeforeValidator(_absent)]
"""A nested object; "" and null are absent."""
type Many[T] = Annotated[tuple[T, ...], BeforeValidator(_sequence)]
"""A list; "" and null are the empty list."""


class Lenient(BaseModel):
    """A frozen value read from AWS: unknown fields are ignored, so that new ones break nothing."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class SageMakerModel(Lenient):
    """A value in SageMaker's own spelling: `processing_job_name` is read from `ProcessingJobName`."""

    model_config = ConfigDict(alias_generator=to_pascal)
