"""What came of a while: the journal's entries since the last quiet moment, sorted by kind."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from embedded_aws.journal import Entry, Kind


@dataclass(frozen=True)
class DrainSummary:
    """What happened until everything was quiet, since the last time it was.

    `invocations`, `dead_letters` and `undelivered` are the facts of their journal entries (JSON values);
    `delivered` counts messages handed to functions, redeliveries included; `skipped_seconds` is the waiting
    that the virtual clock saved.
    """

    invocations: list[dict[str, Any]]
    dead_letters: list[dict[str, Any]]
    undelivered: list[dict[str, Any]]
    delivered: int
    published: int
    skipped_seconds: float


def summarise(entries: Iterable[Entry]) -> DrainSummary:
    entries = list(entries)

    def facts(kind: Kind) -> list[dict[str, Any]]:
        return [entry.facts for entry in entries if entry.kind == kind]

    invocations = facts("invocation")
    return DrainSummary(
        invocations=invocations,
        dead_letters=facts("dead-letter"),
        undelivered=facts("undelivered"),
        delivered=sum(len(invocation["message_ids"]) for invocation in invocations),
        published=len(facts("published")),
        skipped_seconds=round(sum(jump["seconds"] for jump in facts("clock-jump")), 3),
    )
