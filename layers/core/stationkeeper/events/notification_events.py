"""What on-call was told, as an event of its own: for pagers, ticket systems and chats that want no e-mail."""

from typing import ClassVar

from stationkeeper.events.domain import DomainEvent


class OnCallTold(DomainEvent):
    """A message for on-call. `id` follows from the id of the event that was told, the rest of what is shared is that event's own.

    It stands apart from the events of `on_bus`: those are told, this one says that something was, and is never told again.
    """

    detail_type: ClassVar[str] = "OnCallTold"

    kind: str
    """The detail-type that was told."""
    subject: str
    text: str
    """The e-mail's body; cut at 100,000 bytes, and marked where it was."""
    runbook: str
    """Where the runbook's paragraph is: a link where `RunbookUrl` is set, a path in the project otherwise."""
    over: bool
    """Whether this message closes its incident."""
