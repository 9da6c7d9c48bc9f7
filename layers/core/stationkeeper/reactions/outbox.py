"""Say what was written down to be said, then take it out: the second half of a transactional outbox.

A crash between the two publishes it again under the same id, which `notification` delivers once.
"""

from collections.abc import Callable, Mapping
from typing import Protocol, Self

from stationkeeper.errors import MemoryConflict
from stationkeeper.events.domain import DomainEvent

_ATTEMPTS = 5


class Remembered(Protocol):
    """A memory with an outbox, stored over the version it came from."""

    @property
    def outbox(self) -> tuple[Mapping[str, str], ...]: ...

    def model_copy(self, *, update: Mapping[str, object] | None = None) -> Self: ...


class EventBus(Protocol):
    def publish(self, details: list[tuple[str, str]]) -> None:
        """Publish (detail-type, detail as JSON); raises unless all were taken."""


def entry(event: DomainEvent) -> dict[str, str]:
    """An event as it waits in an outbox."""
    return {"id": event.id, "detail_type": event.detail_type, "detail": event.model_dump_json()}


def say_what_is_pending[M: Remembered](
    memory: M, bus: EventBus, remember: Callable[[M], M], recall: Callable[[], M], whose: str
) -> M:
    """Publish what is in the outbox and take it out; returns the memory as it is stored then.

    Raises
    ------
    MemoryConflict
        Others kept changing the memory; what is left is said by the retry.
    """
    if not memory.outbox:
        return memory
    bus.publish([(one["detail_type"], one["detail"]) for one in memory.outbox])
    said = {one["id"] for one in memory.outbox}
    for _ in range(_ATTEMPTS):
        left = tuple(one for one in memory.outbox if one["id"] not in said)
        try:
            return remember(memory.model_copy(update={"outbox": left}))
        except MemoryConflict:
            memory = recall()
            if not said & {one["id"] for one in memory.outbox}:
                return memory
    raise MemoryConflict(f"the outbox of {whose} could not be cleared; tried again later")
