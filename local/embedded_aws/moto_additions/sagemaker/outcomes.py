"""How the creations and updates of endpoints, jobs, and executions of pipelines are to end."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """How the next creation or update of an endpoint ends.

    A creation has no earlier configuration to go back to: everything but `SUCCEEDS` makes it `Failed`.
    """

    SUCCEEDS = "succeeds"
    FAILS = "fails"
    ROLLS_BACK = "rolls_back"
    ROLLS_BACK_SILENTLY = "rolls_back_silently"
    UPDATE_ROLLBACK_FAILED = "update_rollback_failed"


class ExecutionOutcome(StrEnum):
    """How the next execution of a pipeline ends, or what happens at one of its steps."""

    SUCCEEDS = "succeeds"
    FAILS = "fails"
    STOPPED = "stopped"
    # A check step finds violations: the end of the execution unless the check is to be skipped.
    VIOLATIONS = "violations"
    # A condition does not hold: the execution goes on with its `ElseSteps`, and may succeed without a model.
    CONDITION_FALSE = "condition_false"


@dataclass(frozen=True)
class JobOutcome:
    """How a job ends.

    `reason` is its `FailureReason`, `metrics` a training job's final metrics, `exit_message` a processing job's;
    without `best_job` a tuning job completes although none of its training jobs told the objective metric.
    """

    ok: bool = True
    reason: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    best_job: bool = True
    exit_message: str | None = None


@dataclass(frozen=True)
class ExecutionPlan:
    """`step` is where it happens (default: the first step it can happen at), `reason` a `FailureReason`."""

    outcome: ExecutionOutcome = ExecutionOutcome.SUCCEEDS
    step: str | None = None
    reason: str | None = None


class OutcomePlan:
    """Of endpoints and pipelines one after the other by name, of jobs by the beginning of their name."""

    def __init__(self) -> None:
        self._of_endpoints: dict[str, deque[Outcome]] = {}
        self._of_pipelines: dict[str, deque[ExecutionPlan]] = {}
        self._of_jobs: dict[str, JobOutcome] = {}

    def add(self, endpoint_name: str, outcome: Outcome, times: int) -> None:
        self._of_endpoints.setdefault(endpoint_name, deque()).extend([outcome] * times)

    def take(self, endpoint_name: str) -> Outcome:
        planned = self._of_endpoints.get(endpoint_name)
        return planned.popleft() if planned else Outcome.SUCCEEDS

    def plan_execution(self, pipeline_name: str, plan: ExecutionPlan, times: int) -> None:
        self._of_pipelines.setdefault(pipeline_name, deque()).extend([plan] * times)

    def next_execution(self, pipeline_name: str) -> ExecutionPlan:
        """What was planned for the next execution; it still is until `execution_started`."""
        planned = self._of_pipelines.get(pipeline_name)
        return planned[0] if planned else ExecutionPlan()

    def execution_started(self, pipeline_name: str) -> None:
        if planned := self._of_pipelines.get(pipeline_name):
            planned.popleft()

    def plan_job(self, name_prefix: str, outcome: JobOutcome) -> None:
        self._of_jobs[name_prefix] = outcome

    def of_job(self, name: str) -> JobOutcome:
        """What was planned for the longest prefix of this name; success when nothing was."""
        prefixes = [prefix for prefix in self._of_jobs if name.startswith(prefix)]
        return self._of_jobs[max(prefixes, key=len)] if prefixes else JobOutcome()
