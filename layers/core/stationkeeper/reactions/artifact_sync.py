"""A model for a multi-model endpoint is ready, or was taken back: publish it, and send callers to the newest good version."""

from dataclasses import dataclass
from typing import Protocol

from stationkeeper.alerts.text import plain
from stationkeeper.artifacts.naming import is_model_name, job_number
from stationkeeper.artifacts.place import Place
from stationkeeper.artifacts.record import Source
from stationkeeper.artifacts.refusal import Refusal
from stationkeeper.artifacts.settings import ArtifactSettings, settings_of
from stationkeeper.errors import LookRefused, MemoryConflict
from stationkeeper.events.artifact_trigger import ArtifactTrigger
from stationkeeper.events.job import Job, JobKind
from stationkeeper.jobs.registration import TrainingJob
from stationkeeper.reactions.artifact_candidates import Candidates
from stationkeeper.reactions.artifact_groups import Groups
from stationkeeper.telemetry import logger, note_ignored

_LOOKS = 20


class Jobs(Protocol):
    def training_job(self, name: str) -> TrainingJob | None:
        """A training job; None when it is not there."""


@dataclass(frozen=True, slots=True)
class ArtifactSync:
    """The reaction, over its ports.

    Calls of AWS: docs/architecture.md lists them, tests/integration/test_artifact_calls.py counts them.
    """

    jobs: Jobs
    groups: Groups
    candidates: Candidates

    def react(self, trigger: ArtifactTrigger) -> None:
        if trigger.training_job is not None:
            why = self._job(trigger, trigger.training_job)
        elif trigger.group_arn:
            why = self.groups.look(trigger)
        elif trigger.package_arn:
            why = "it is no version of a group"
        elif trigger.taken_back:
            why = self._take_back(trigger)
        else:
            why = self._tidy(trigger)
        if why:
            note_ignored("artifact_sync", why)

    def _job(self, trigger: ArtifactTrigger, job: Job) -> str:
        """Publish the model of a training job; why it was not looked at, "" when it was."""
        settings = settings_of(job.tags or {})
        if why := _not_meant(job, settings):
            return why
        with logger.append_context_keys(endpoint=plain(settings.endpoint, 63), job=plain(job.name, 100)):
            for problem in settings.problems:
                logger.warning("Tag ignored", extra={"decision": "tag-ignored", "reason": problem})
            record = None
            if is_model_name(settings.target_model):
                record = self.candidates.recall(settings.endpoint, settings.target_model)
                if record.made_of(job.arn) and record.settled:
                    return "it is published"
            trained = self.jobs.training_job(job.name)
            if trained is not None and trained.tuning_job_arn:
                return (
                    "it is part of a tuning job, whose best model alone is meant to serve: register that one"
                )
            created_at = (trained.creation_time if trained else None) or job.created_at or trigger.time
            source = Source(
                kind="training-job",
                arn=job.arn,
                created_at=created_at,
                number=job_number(created_at),
                name=job.name,
                artifact_uri=trained.artifact if trained else "",
            )
            self.candidates.bring(trigger, settings, source, problem=_problem(job, trained), record=record)
        return ""

    def _take_back(self, trigger: ArtifactTrigger) -> str:
        """Take back a version of a training job, as a person wants; why not, "" when it was done. Raises where it may be done later."""
        endpoint, model = trigger.endpoint, trigger.model
        for _ in range(_LOOKS):
            record = self.candidates.recall(endpoint, model)
            version = next((one for one in record.versions if one.label == trigger.taken_back), None)
            if version is None:
                raise LookRefused(f"{endpoint}/{model} has no version {plain(trigger.taken_back, 100)}")
            if version.source.kind == "model-package":
                return "it is taken back by rejecting it in the registry"
            place = self.candidates.publishing.places.of(record.endpoint)
            if not isinstance(place, Place):
                raise LookRefused(place.why)
            changed = self.candidates.gone_back_to(record, record.with_taken_back(version.label), place)
            if self.candidates.follow(trigger, ArtifactSettings(endpoint), record, changed):
                return ""
        raise MemoryConflict(f"the record of {endpoint}/{model} kept changing; tried again later")

    def _tidy(self, trigger: ArtifactTrigger) -> str:
        endpoint, model = trigger.endpoint, trigger.model
        nobody = Source(kind="training-job", arn="", created_at=trigger.time, number=0)
        telling = self.candidates.telling(trigger, ArtifactSettings(endpoint), model, nobody)
        with logger.append_context_keys(endpoint=plain(endpoint, 63), model=plain(model, 100)):
            self.candidates.publishing.settling.tidy(endpoint, model, telling)
        return ""


def _not_meant(job: Job, settings: ArtifactSettings) -> str:
    """Why the model of a job is not to be published; "" when it is."""
    if job.kind is not JobKind.TRAINING or job.status != "Completed":
        return f"it is no training job that ended well ({plain(job.status, 40)})"
    if not settings.endpoint:
        return "it is not tagged for a multi-model endpoint"
    if settings.waits_for_approval:
        return "it is registered first: its version is published once it is approved, if its group is tagged for that"
    return ""


def _problem(job: Job, trained: TrainingJob | None) -> Refusal | None:
    if trained is None:
        return Refusal("no-job", f"The training job {job.name} cannot be found any more.")
    if not trained.artifact:
        return Refusal("no-artifact", f"The training job {job.name} left no model artifact.")
    return None
