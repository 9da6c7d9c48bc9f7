"""Every hour: what the events of artifacts did not bring through, and what is due to be deleted."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from stationkeeper.artifacts.found_job import FoundJob
from stationkeeper.artifacts.naming import Named, model_name, nameless
from stationkeeper.artifacts.settings import settings_of
from stationkeeper.events.artifact_trigger import LOOK_AT_MODEL, LOOK_AT_TRAINING_JOB
from stationkeeper.events.domain import stable_id
from stationkeeper.events.job import Job
from stationkeeper.events.release_trigger import LOOK_AGAIN
from stationkeeper.events.scheduled import SweepDue
from stationkeeper.reactions.ports import Queue
from stationkeeper.telemetry import logger, metrics

_LOOKS_BACK = timedelta(hours=24)


class Trained(Protocol):
    def trained_since(self, since: datetime) -> Iterator[FoundJob]:
        """Training jobs tagged for a multi-model endpoint that ended well since then."""

    def artifact_groups(self) -> tuple[str, ...]:
        """ARNs of the groups that are tagged for a multi-model endpoint."""


class ModelIndex(Protocol):
    def endpoints(self) -> tuple[str, ...]:
        """Endpoints that models are published to."""

    def due(self, endpoint: str, now: datetime) -> tuple[str, ...]:
        """Models of an endpoint for which something is to be done."""

    def settled(self, models: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], frozenset[str]]:
        """Lower-case ARNs of what is published or finally refused, by (endpoint, model)."""


@dataclass(frozen=True, slots=True)
class ArtifactSweep:
    """A listing of groups, a search for jobs, one read of the records per hundred jobs, one per megabyte of an endpoint's records."""

    trained: Trained
    index: ModelIndex
    queue: Queue

    def sweep(self, due: SweepDue, now: datetime) -> None:
        """Ask `artifact_sync` to look at every group that opted in, at jobs whose models are not published, at what is due."""
        groups = self.trained.artifact_groups()
        jobs = self._missed(now)
        models = [
            (endpoint, model)
            for endpoint in self.index.endpoints()
            for model in self.index.due(endpoint, now)
        ]
        self.queue.send(
            [
                *(_message(due, LOOK_AGAIN, {"group_arn": arn}, arn) for arn in groups),
                *(_message(due, LOOK_AT_TRAINING_JOB, job.model_dump(mode="json"), job.arn) for job in jobs),
                *(
                    _message(
                        due, LOOK_AT_MODEL, {"endpoint": endpoint, "model": model}, f"{endpoint}/{model}"
                    )
                    for endpoint, model in models
                ),
            ]
        )
        facts = {"groups": len(groups), "jobs": len(jobs), "models": len(models)}
        metrics.count("ArtifactsSwept", sum(facts.values()))
        logger.info("Swept artifacts", extra={"decision": "swept", **facts})

    def _missed(self, now: datetime) -> list[Job]:
        """Jobs of the last day whose models are neither published nor refused for good."""
        found = [one for one in self.trained.trained_since(now - _LOOKS_BACK) if _meant(one)]
        models = {one.job.arn: _model_of(one) for one in found}
        settled = self.index.settled(models.values())
        return [one.job for one in found if one.job.arn.lower() not in settled.get(models[one.job.arn], ())]


def _meant(found: FoundJob) -> bool:
    settings = settings_of(found.job.tags or {})
    return bool(settings.endpoint) and not settings.waits_for_approval


def _model_of(found: FoundJob) -> tuple[str, str]:
    """Endpoint and model of a job, or where its refusal is remembered when nothing tells its model."""
    settings = settings_of(found.job.tags or {})
    named = model_name(settings.target_model, found.artifact_uri)
    return settings.endpoint, named.model if isinstance(named, Named) else nameless(found.job.arn)


def _message(due: SweepDue, detail_type: str, detail: Mapping[str, object], what: str) -> dict[str, object]:
    return due.message(
        detail_type, detail, due.time, message_id=stable_id("sweep", due.id, detail_type, what)
    )
