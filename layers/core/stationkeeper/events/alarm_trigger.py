"""Everything that makes the alarm reaction look at an endpoint's alarms, as one type."""

from typing import Literal

from pydantic import Field

from stationkeeper.events.alarm import AlarmStateChange
from stationkeeper.events.envelope import Envelope
from stationkeeper.events.fields import Lenient

LOOK_AT_ALARMS = "LookAtAlarms"


class _Where(Lenient):
    endpoint: str = Field(min_length=1)


class LookAtAlarms(Envelope):
    """A message of the reaction to itself: what was gathered until `time` is to be told now."""

    source: Literal["stationkeeper"]
    detail_type: Literal["LookAtAlarms"] = Field(alias="detail-type")
    detail: _Where


class AlarmTrigger(Envelope):
    """An alarm's change, or the endpoint whose gathered changes are due. Exactly one of the two is given."""

    change: AlarmStateChange | None = None
    endpoint: str = ""

    @classmethod
    def parse(cls, body: str | bytes | dict[str, object]) -> "AlarmTrigger":
        """Read either event of the reaction.

        Raises
        ------
        InvalidEvent
            It is none of them, or lacks what the reaction needs.
        """
        envelope = Envelope.parse(body)
        facts = envelope.model_dump(by_alias=True, include=set(Envelope.model_fields))
        if envelope.detail_type == LOOK_AT_ALARMS:
            return cls.model_validate({**facts, "endpoint": LookAtAlarms.parse(body).detail.endpoint})
        return cls.model_validate({**facts, "change": AlarmStateChange.parse(body)})
