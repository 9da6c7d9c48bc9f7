"""A training job that `sweep` found."""

from dataclasses import dataclass

from stationkeeper.events.job import Job


@dataclass(frozen=True, slots=True)
class FoundJob:
    """A training job that ended well lately, with its tags, and where its artifact lies."""

    job: Job
    artifact_uri: str = ""
