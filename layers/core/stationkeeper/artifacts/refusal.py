"""Why an artifact is not published."""

from dataclasses import dataclass

from stationkeeper.errors import StationkeeperError


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an artifact is not published, and what to do.

    Attributes
    ----------
    code : tells the reasons apart, e.g. `truncated`.
    why, advice : sentences; `advice` without a full stop, "" when there is none.
    passing : it may be mended without a new artifact (a permission, an endpoint that is missing): it is looked at again.
    """

    code: str
    why: str
    advice: str = ""
    passing: bool = False


class ArtifactRefused(StationkeeperError):
    """An artifact cannot be published; what serves stays. `etag` is of what was read, "" where nothing was."""

    def __init__(self, refusal: Refusal, etag: str = "") -> None:
        super().__init__(refusal.why)
        self.refusal = refusal
        self.etag = etag
