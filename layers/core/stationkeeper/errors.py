"""Errors of the domain: each says what is wrong, where, and what to do about it."""

from pydantic import ValidationError


def problems_of(error: ValidationError, most: int = 5) -> str:
    """What a value lacks, field by field, without repeating the value itself."""
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'the document'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)[:most]
    )


class StationkeeperError(Exception):
    """Base of everything Stationkeeper raises on purpose.

    Raised inside a reaction it lets the queue deliver the event again; after the last try the dead-letter
    queue keeps it and an alarm tells on-call.
    """


class InvalidEvent(StationkeeperError):
    """An event lacks what its reaction needs, or is not the event the reaction reads."""


class InvalidSettings(StationkeeperError):
    """An environment variable of the function is missing or wrong."""


class InvalidPolicy(StationkeeperError):
    """The severity policy is not JSON, or not of the documented form."""


class MemoryConflict(StationkeeperError):
    """Somebody else changed what is remembered at the same moment; look again."""


class PageChanged(StationkeeperError):
    """Somebody else drew the same page at the same moment; look again."""


class UnderWay(StationkeeperError):
    """Another copy of the function is at the same thing; looked at again when it should be done."""


class DeliveryUnderWay(UnderWay):
    """Another copy is delivering the same message; when it is done, there is nothing left to do."""


class PublishingFailed(StationkeeperError):
    """EventBridge did not take every event."""


class UnsupportedRegion(StationkeeperError):
    """SageMaker offers something in other regions, not in this one."""


class StepRefused(StationkeeperError):
    """AWS refused a call for good: denied, invalid, over a quota. Trying it again as it is changes nothing."""

    def __init__(self, action: str, about: str, code: str, said: str) -> None:
        super().__init__(f"{action} of {about}: {code}: {said}")
        self.action = action
        self.about = about
        self.code = code
        self.said = said


class LookRefused(StationkeeperError):
    """AWS did not answer a look that something can be told without."""


class StillLoading(UnderWay):
    """A new version of a model was called and is still being loaded; it is called again later."""


class Busy(StationkeeperError):
    """SageMaker is at work on what was to be changed; when it is done, its event calls again."""


class BeingTidied(StationkeeperError):
    """Something that is needed again is being deleted at this moment; tried again when that is over."""
