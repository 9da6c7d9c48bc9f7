"""Ports that several reactions share. One that a single module asks stands in that module.

What they speak of is imported for type checkers only: a reaction loads nothing at its cold start for a port it does not use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stationkeeper.releases.record import Record
    from stationkeeper.reports.newest import NewestRun
    from stationkeeper.reports.policy import PolicyInForce
    from stationkeeper.retraining.record import RetrainingRecord


class RememberedReleases(Protocol):
    """Records of releases, for who only reads them."""

    def recall(self, endpoint: str) -> Record:
        """What is remembered of an endpoint's releases; an empty record when nothing is."""


class ReleaseRecords(RememberedReleases, Protocol):
    def remember(self, endpoint: str, record: Record) -> Record:
        """Store a record over the version it came from; `MemoryConflict` when somebody stored another one since."""


class RememberedRetrainings(Protocol):
    """Records of retrainings, for who only reads them."""

    def recall(self, pipeline_arn: str) -> RetrainingRecord:
        """What is remembered of a pipeline; an empty record when nothing is."""


class RetrainingRecords(RememberedRetrainings, Protocol):
    def remember(self, pipeline_arn: str, record: RetrainingRecord) -> RetrainingRecord:
        """Store a record over the version it came from; `MemoryConflict` when somebody stored another one since."""


class Policies(Protocol):
    def current(self) -> PolicyInForce:
        """The severity policy in force."""


class NewestRuns(Protocol):
    def of(self, endpoint: str) -> tuple[NewestRun, ...]:
        """How the newest runs of an endpoint's monitors ended."""


class Queue(Protocol):
    def send(self, messages: Iterable[dict[str, object]], delay_seconds: int = 0) -> None:
        """Put messages into the queue of a reaction; raises unless all were taken."""
