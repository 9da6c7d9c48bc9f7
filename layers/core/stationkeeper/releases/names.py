"""Names of SageMaker resources: the same for the same thing, readable, and never refused.

Source: the service model; endpoints, endpoint configs, models, monitoring schedules, job definitions and processing jobs
all take at most 63 characters of `[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}`.
"""

import dataclasses
import json
import re
from datetime import date
from hashlib import blake2b
from typing import Any

from pydantic import BaseModel

NAME_LIMIT = 63
_DIGEST_LENGTH = 8
_REFUSED = re.compile(r"[^a-zA-Z0-9-]+")
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*")


def is_resource_name(text: str) -> bool:
    """Whether SageMaker takes `text` as a name: letters, digits and inner hyphens, at most 63."""
    return len(text) <= NAME_LIMIT and _NAME.fullmatch(text) is not None


def resource_name(*parts: str, digest_of: object | None = None, limit: int = NAME_LIMIT) -> str:
    """A name SageMaker takes, made of `parts` joined with "-".

    Runs of characters the service refuses become one "-". A name over the limit is shortened where it is longest, so
    that a kind or version at its end stays readable, and ends in a digest of the whole name: two long names that
    differ anywhere get different names. Short names that differ only in refused characters or in where their
    parts end get the same one; resources of SageMaker have no such names.

    Parameters
    ----------
    parts : what the name says; empty ones are left out.
    digest_of : content the name stands for; the name then always ends in a digest of the name and this content. Dataclasses,
        pydantic models, times, and what JSON knows; equal content in another order of keys has the same digest.
    limit : most characters, at least 10.

    Returns
    -------
    str
        1 to `limit` characters; `<parts>` or `<parts>-<8 hexadecimal digits>`.

    Raises
    ------
    ValueError
        The limit leaves no room for a digest.
    TypeError
        `digest_of` holds what has no stable order or text: sets, functions, arbitrary objects.

    Example
    -------
    >>> resource_name("taxi", "v12")
    'taxi-v12'
    """
    if limit < _DIGEST_LENGTH + 2:
        raise ValueError(
            f"a name of at most {limit} characters has no room for a digest: allow at least {_DIGEST_LENGTH + 2}"
        )
    clean = [word for part in parts if (word := _REFUSED.sub("-", part).strip("-"))]
    name = "-".join(clean)
    if digest_of is None and name and len(name) <= limit:
        return name
    digest = _digest("-".join(parts), digest_of)
    stem = _shortened(clean, limit - _DIGEST_LENGTH - 1)
    return f"{stem}-{digest}" if stem else digest


def _shortened(words: list[str], limit: int) -> str:
    """The words joined in at most `limit` characters: the longest gives way, where that is enough."""
    stem = "-".join(words)
    excess = len(stem) - limit
    if excess <= 0:
        return stem
    longest = max(range(len(words)), key=lambda index: len(words[index]))
    kept = words[longest][: max(len(words[longest]) - excess, 0)].rstrip("-")
    if kept:
        return "-".join([*words[:longest], kept, *words[longest + 1 :]])
    return stem[:limit].rstrip("-")


def _digest(name: str, content: object | None) -> str:
    text = name if content is None else f"{name}\0{json.dumps(content, sort_keys=True, default=_plain)}"
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_LENGTH // 2).hexdigest()


def _plain(value: object) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(
        f"{type(value).__name__} has no stable text to make a name from: pass lists, maps and values"
    )
