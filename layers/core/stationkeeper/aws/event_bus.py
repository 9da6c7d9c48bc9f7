"""Stationkeeper's own EventBridge bus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stationkeeper.errors import PublishingFailed
from stationkeeper.events.domain import SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_events import EventBridgeClient

# PutEvents takes 10 entries and 256 KB a call.
_ENTRIES_PER_CALL = 10
_BYTES_PER_CALL = 256_000
_ENTRY_OVERHEAD_BYTES = 400


class EventBridgeBus:
    """Publishes domain events; a part that was not taken is an error."""

    def __init__(self, client: Callable[[], EventBridgeClient], bus_name: str) -> None:
        self._client = client
        self._bus_name = bus_name

    def publish(self, details: list[tuple[str, str]]) -> None:
        """Publish (detail-type, detail as JSON), in as few calls as the service's limits allow.

        Raises
        ------
        PublishingFailed
            Unless all were taken.
        """
        for batch in _batches(details):
            answer = self._client().put_events(
                Entries=[
                    {
                        "EventBusName": self._bus_name,
                        "Source": SOURCE,
                        "DetailType": detail_type,
                        "Detail": detail,
                    }
                    for detail_type, detail in batch
                ]
            )
            if answer["FailedEntryCount"]:
                codes = sorted({entry.get("ErrorCode", "") for entry in answer["Entries"]} - {""})
                raise PublishingFailed(
                    f"{answer['FailedEntryCount']} of {len(details)} events were not taken by the bus {self._bus_name} "
                    f"({', '.join(codes)}); all are published again under the same ids"
                )


def _batches(details: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    batch: list[tuple[str, str]] = []
    size = 0
    for detail_type, detail in details:
        weight = len(detail.encode()) + _ENTRY_OVERHEAD_BYTES
        if batch and (len(batch) == _ENTRIES_PER_CALL or size + weight > _BYTES_PER_CALL):
            yield batch
            batch, size = [], 0
        batch.append((detail_type, detail))
        size += weight
    if batch:
        yield batch
