"""What happened, in order: every event, invocation, dead letter, clock jump and endpoint's status, from 1."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal

type Kind = Literal[
    "event",
    "matched",
    "undelivered",
    "invocation",
    "dead-letter",
    "clock-jump",
    "published",
    "fault",
    "endpoint",
]


@dataclass(frozen=True)
class Entry:
    """One thing that happened.

    `facts` holds JSON values only, so that an entry can be answered by the control routes as it is.
    """

    sequence: int
    time: float
    kind: Kind
    facts: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {"sequence": self.sequence, "time": self.time, "kind": self.kind, **self.facts}


class Journal:
    """Append-only and safe to use from any thread."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._lock = Lock()

    @property
    def last(self) -> int:
        """The number of the newest entry; 0 while there is none."""
        return len(self._entries)

    def add(self, kind: Kind, **facts: Any) -> Entry:
        with self._lock:
            entry = Entry(len(self._entries) + 1, time.time(), kind, facts)
            self._entries.append(entry)
        return entry

    def since(self, sequence: int = 0, kinds: Iterable[Kind] | None = None) -> list[Entry]:
        """Entries after `sequence`, oldest first, of these kinds (default: all)."""
        entries = self._entries[max(0, sequence) :]
        if kinds is None:
            return list(entries)
        wanted = set(kinds)
        return [entry for entry in entries if entry.kind in wanted]
