"""The envelope every EventBridge event comes in.

Our own model, though powertools has one: importing `aws_lambda_powertools.utilities.parser.models` loads the models
of every event source and costs a cold start 0.1 s and more.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BeforeValidator, Field, ValidationError

from stationkeeper.errors import InvalidEvent, problems_of
from stationkeeper.events.fields import Lenient, timestamp


def one(value: Any) -> Any:
    """The only element of a list: a published sample has its source as one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


class Envelope(Lenient):
    """What all events share.

    `time` may be ISO or an epoch in milliseconds, as a string too. `id` is for logs only: SageMaker may send several
    events per change and does not promise that repeats share it.
    """

    id: str = Field(min_length=1)
    source: Annotated[str, BeforeValidator(one)]
    detail_type: str = Field(alias="detail-type")
    account: str
    region: str
    time: Annotated[AwareDatetime, BeforeValidator(timestamp)]

    @classmethod
    def parse(cls, body: str | bytes | dict[str, Any]) -> Self:
        """Read an event from JSON text or a decoded object.

        Raises
        ------
        InvalidEvent
            Naming each field that is missing or wrong. The text of the event itself is not repeated: it is kept
            in the dead-letter queue.
        """
        try:
            return cls.model_validate(body) if isinstance(body, dict) else cls.model_validate_json(body)
        except ValidationError as error:
            raise InvalidEvent(
                f"not a {cls.__name__} event: {problems_of(error)}. The event is kept in the dead-letter queue; mend it and "
                "send it again, or delete it."
            ) from error

    def message(
        self, detail_type: str, detail: Mapping[str, object], at: datetime, *, message_id: str = ""
    ) -> dict[str, object]:
        """A message to a reaction's queue because of this event, in the form of one.

        Its log lines have this event's id; `message_id` is another one, where one event leads to many messages.
        """
        return {
            "id": message_id or self.id,
            "source": "stationkeeper",
            "detail-type": detail_type,
            "account": self.account,
            "region": self.region,
            "time": at.isoformat(),
            "detail": dict(detail),
        }
