"""Events on their way to the bus: several times, not at all, or later, when a test wants it so."""

import copy
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from embedded_aws.moto_additions.sagemaker.agenda import Agenda

type Event = dict[str, Any]


@dataclass(frozen=True)
class Disturbance:
    """What happens to each event from now on; `only` limits it to one detail-type.

    `duplicate` is how often an event is delivered; `same_id` decides whether the copies share their id:
    AWS does not say whether they do.
    """

    duplicate: int = 1
    drop: bool = False
    hold_back: bool = False
    same_id: bool = False
    only: str | None = None


class EventStream:
    """Wraps details into events and hands them over."""

    def __init__(self, agenda: Agenda, on_event: Callable[[Event], None]) -> None:
        self._agenda = agenda
        self._on_event = on_event
        self._held: list[Event] = []
        self.disturbance = Disturbance()

    def emit(self, source: str, detail_type: str, arn: str, detail: dict[str, Any], *parts: str) -> None:
        """Announce a change of the resource `arn`; account and region are the resource's.

        `parts` are ARNs of what belongs to it and is concerned, too.
        """
        _, _, _, region, account, _ = arn.split(":", 5)
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": detail_type,
            "source": source,
            "account": account,
            "time": iso(datetime.fromtimestamp(self._agenda.now(), UTC)),
            "region": region,
            "resources": [arn, *parts],
            "detail": copy.deepcopy(detail),
        }
        how = self.disturbance
        if how.only not in (None, detail_type):
            how = Disturbance()
        if how.drop:
            return
        for copy_number in range(how.duplicate):
            renamed = {} if how.same_id or not copy_number else {"id": str(uuid.uuid4())}
            (self._held.append if how.hold_back else self._on_event)({**copy.deepcopy(event), **renamed})

    def release_held(self, *, reverse: bool) -> int:
        """Deliver what was held back, the newest first if `reverse`; how many events."""
        held, self._held = self._held, []
        for event in reversed(held) if reverse else held:
            self._on_event(event)
        return len(held)


def iso(moment: datetime) -> str:
    """As events spell it: `2021-02-24T17:00:14Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def epoch_milliseconds(moment: datetime) -> int:
    """As details of endpoints and jobs spell it."""
    return round(moment.timestamp() * 1000)
