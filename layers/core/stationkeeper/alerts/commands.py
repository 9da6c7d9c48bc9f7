"""How a command to paste is written: every argument that holds text from outside is quoted for the shell."""

from datetime import UTC, datetime
from typing import Protocol

from stationkeeper.alerts.text import quoted


class InRegion(Protocol):
    """An event that says where it happened."""

    @property
    def region(self) -> str: ...


def aws(event: InRegion, call: str, *options: str) -> str:
    """One command; its options are quoted by whoever makes them."""
    return " ".join((f"aws {call} --region {quoted(event.region)}", *options))


def utc(at: datetime) -> str:
    """A moment in full, so that a command means the same whenever it is pasted."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
