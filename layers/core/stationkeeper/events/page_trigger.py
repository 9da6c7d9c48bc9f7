"""Everything that makes the reaction draw a drift page, as one type."""

from pydantic import ValidationError

from stationkeeper.errors import InvalidEvent, problems_of
from stationkeeper.events.domain import DomainEvent
from stationkeeper.events.envelope import Envelope
from stationkeeper.events.on_bus import DomainEventOnBus, from_detail
from stationkeeper.events.processing_job import ProcessingJob, ProcessingJobStateChange


class PageTrigger(Envelope):
    """A monitoring job that ended, or something that was found or done because of one: exactly one of the two."""

    job: ProcessingJob | None = None
    done: DomainEvent | None = None

    @classmethod
    def parse(cls, body: str | bytes | dict[str, object]) -> "PageTrigger":
        """Read any of the reaction's events.

        Raises
        ------
        InvalidEvent
            It is none of them, or lacks what the reaction needs.
        """
        envelope = Envelope.parse(body)
        shared = envelope.model_dump(by_alias=True)
        if envelope.source != "stationkeeper":
            return cls.model_validate({**shared, "job": ProcessingJobStateChange.parse(body).detail})
        event = DomainEventOnBus.parse(body)
        try:
            detail = from_detail(event.detail_type, event.detail)
        except ValidationError as error:
            raise InvalidEvent(f"detail of {event.detail_type}: {problems_of(error)}") from error
        return cls.model_validate({**shared, "done": detail})
