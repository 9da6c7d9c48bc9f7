"""What all kinds of jobs have in common: a name of their own, a life on the virtual clock, an end that is told.

Moto's jobs end at once, without a word, or never; most cannot be stopped.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.sagemaker.models import SageMakerModelBackend

from embedded_aws.moto_additions.sagemaker.agenda import Transition
from embedded_aws.moto_additions.sagemaker.errors import ResourceInUseException
from embedded_aws.moto_additions.sagemaker.event_stream import epoch_milliseconds
from embedded_aws.moto_additions.sagemaker.outcomes import JobOutcome
from embedded_aws.moto_additions.sagemaker.resource import Resource, arn_of, page, tag_map
from embedded_aws.moto_additions.sagemaker.stage import Stage
from embedded_aws.moto_additions.sagemaker.wire import Answer, Operation, Request

_ALGORITHM_ERROR = "AlgorithmError: See job logs for more information"


@dataclass(eq=False)
class Job(Resource, ABC):
    """`started` is when its instances began to work, `modified` the moment of the last change."""

    status: str = "InProgress"
    modified: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    failure_reason: str | None = None
    outcome: JobOutcome = field(default_factory=JobOutcome)
    next_step: Transition | None = None
    # For what waits for it: a step of a pipeline, a tuning job.
    on_end: Callable[[], None] | None = None

    @property
    def last_modified(self) -> datetime:
        return self.modified or self.created

    @property
    def running(self) -> bool:
        return self.ended is None

    @abstractmethod
    def description(self) -> Answer:
        """What Describe answers."""

    @abstractmethod
    def summary(self) -> Answer:
        """What List answers."""

    @abstractmethod
    def event_detail(self) -> dict[str, Any]:
        """What its event tells: times as `datetime`, without tags."""


class Jobs[J: Job](ABC):
    """The operations of one kind of jobs; a subclass says how such a job goes on."""

    # How the API and the ARN call this kind, and how its event is called.
    noun: str
    arn_kind: str
    state_change: str

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    @abstractmethod
    def kept(self, backend: SageMakerModelBackend) -> dict[str, J]:
        """The jobs of an account and region by name."""

    @abstractmethod
    def find(self, backend: SageMakerModelBackend, name: str) -> J:
        """The job of this name, or the service's refusal."""

    @abstractmethod
    def _begin(self, backend: SageMakerModelBackend, job: J) -> None:
        """Enter what will happen to a new job."""

    @abstractmethod
    def _new(self, name: str, arn: str, fields: dict[str, Any], tags: list[dict[str, str]]) -> J:
        """A job that was created now."""

    def _already_there(self, arn: str) -> str:
        return (
            "Job name must be unique within an AWS account and region, and a job with this name already "
            f"exists ({arn})"
        )

    def operations(self) -> dict[str, Operation]:
        return {
            f"Create{self.noun}": self.create,
            f"Describe{self.noun}": self.describe,
            f"Stop{self.noun}": self.stop,
            f"List{self.noun}s": self.list,
        }

    def create(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        name = request.pop(f"{self.noun}Name")
        return {f"{self.noun}Arn": self.start(backend, name, request).arn}

    def describe(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        return self.find(backend, request[f"{self.noun}Name"]).description()

    def stop(self, backend: SageMakerModelBackend, request: Request) -> None:
        self.halt(self.find(backend, request[f"{self.noun}Name"]))

    def list(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        jobs, token = page(
            self.kept(backend).values(),
            request,
            name=lambda it: it.name,
            created=lambda it: it.created,
            modified=lambda it: it.last_modified,
            status=lambda it: it.status,
        )
        answer: Answer = {f"{self.noun}Summaries": [job.summary() for job in jobs]}
        return answer if token is None else answer | {"NextToken": token}

    def start(
        self,
        backend: SageMakerModelBackend,
        name: str,
        request: Request,
        *,
        outcome: JobOutcome | None = None,
        on_end: Callable[[], None] | None = None,
        prepare: Callable[[J], None] | None = None,
    ) -> J:
        """Create a job that ends as `outcome` says, by default as was planned for its name.

        `prepare` may complete it before the world hears of it.
        """
        arn = arn_of(backend, self.arn_kind, name)
        if name in self.kept(backend):
            raise ResourceInUseException(self._already_there(arn))
        fields = {member: value for member, value in request.items() if member != "Tags"}
        job = self._new(name, arn, fields, list(request.get("Tags", [])))
        job.outcome = self._stage.plan.of_job(name) if outcome is None else outcome
        job.on_end = on_end
        if prepare is not None:
            prepare(job)
        self.kept(backend)[name] = job
        self._begin(backend, job)
        return job

    def halt(self, job: J) -> None:
        """Begin to stop a job; one that stops or has ended stays as it is."""
        if job.status != "InProgress":
            return
        if job.next_step is not None:
            job.next_step.cancelled = True
        job.status, job.modified = "Stopping", self._stage.now()
        self._stopping(job)

    def _stopping(self, job: J) -> None:
        job.next_step = self._stage.agenda.after(
            self._stage.durations.stopping, lambda: self._end(job, "Stopped")
        )

    def _end(self, job: J, status: str) -> None:
        job.status = status
        job.ended = job.modified = self._stage.now()
        if status == "Failed" and job.failure_reason is None:
            job.failure_reason = job.outcome.reason or _ALGORITHM_ERROR
        self._announce(job)
        if job.on_end is not None:
            job.on_end()

    def _announce(self, job: J) -> None:
        detail = {name: _for_event(value) for name, value in job.event_detail().items()}
        self._stage.events.emit(
            "aws.sagemaker", self.state_change, job.arn, detail | {"Tags": tag_map(job.tags)}
        )


def _for_event(value: Any) -> Any:
    if isinstance(value, datetime):
        return epoch_milliseconds(value)
    if isinstance(value, list):
        return [_for_event(item) for item in value]
    if isinstance(value, dict):
        return {name: _for_event(item) for name, item in value.items()}
    return value
