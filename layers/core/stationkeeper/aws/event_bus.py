"""Stationkeeper's own EventBridge bus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stationkeeper.errors import PublishingFailed
from stationkeeper.events.domain import SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_events import EventBridgeClient

_ENTRIES_PER_CALL = 10


class EventBridgeBus:
    """Publishes domain events; a part that was not taken is an error."""

    def __init__(self, client: Callable[[], EventBridgeClient], bus_name: str) -> None:
        self._client = client
        self._bus_name = bus_name

    def publish(self, details: list[tuple[str, str]]) -> None:
        for start in range(0, len(details), _ENTRIES_PER_CALL):
            answer = self._client().put_events(
                Entries=[
                    {
                        "EventBusName": self._bus_name,
                        "Source": SOURCE,
                        "DetailType": detail_type,
                        "Detail": detail,
                    }
                    for detail_type, detail in details[start : start + _ENTRIES_PER_CALL]
                ]
            )
            if answer["FailedEntryCount"]:
                codes = sorted({entry.get("ErrorCode", "") for entry in answer["Entries"]} - {""})
                raise PublishingFailed(
                    f"{answer['FailedEntryCount']} of {len(details)} events were not taken by the bus {self._bus_name} "
                    f"({', '.join(codes)}); all are published again under the same ids"
                )
