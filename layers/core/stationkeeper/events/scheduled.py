"""What EventBridge Scheduler sends to `sweep`: an envelope with nothing in it but its time."""

from typing import Literal

from pydantic import Field

from stationkeeper.events.envelope import Envelope


class SweepDue(Envelope):
    source: Literal["stationkeeper.schedule"]
    detail_type: Literal["SweepDue"] = Field(alias="detail-type")
