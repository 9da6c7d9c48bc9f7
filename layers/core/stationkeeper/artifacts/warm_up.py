"""What came of calling a new version before anybody is sent to it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WarmUp:
    """
    Attributes
    ----------
    answered : whether the model answered a call well.
    failed : whether the model itself spoke against it: an error, or no answer for as long as it may take to load.
    loading : it failed because it was not loaded yet: loading goes on, and it may answer later.
    said : why it failed, or why nothing could be tried; "" when it answered.
    """

    answered: bool = False
    failed: bool = False
    loading: bool = False
    said: str = ""
