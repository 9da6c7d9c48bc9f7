"""An event with every text safe to show, whoever put it on the bus."""

from typing import Any

from pydantic import BaseModel

from stationkeeper.alerts.text import plain

_TEXT_CHARACTERS = 2_000
_LINE_CHARACTERS = 500


def cleaned[Value: BaseModel](value: Value) -> Value:
    """The event, or a value in it, with every text cleaned; lines of a list that say nothing are left out."""
    return value.model_copy(update={name: _cleaned(part) for name, part in value})


def _cleaned(value: Any) -> Any:
    if type(value) is str:  # enumerations are strings too, and no text from outside
        return plain(value, _TEXT_CHARACTERS)
    if isinstance(value, tuple):
        return tuple(item for item in map(_item, value) if item != "")
    return cleaned(value) if isinstance(value, BaseModel) else value


def _item(value: Any) -> Any:
    if type(value) is str:
        return plain(value, _LINE_CHARACTERS)
    # A pair stays a pair, though its name be empty.
    return tuple(map(_item, value)) if isinstance(value, tuple) else _cleaned(value)
