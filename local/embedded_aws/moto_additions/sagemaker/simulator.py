"""SageMaker's life over moto: endpoints, registry, monitors, jobs and pipelines on a virtual clock."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from threading import RLock
from typing import Any

from embedded_aws.clock import VirtualClock
from embedded_aws.moto_additions.sagemaker import alarms, scalable_variants, tags
from embedded_aws.moto_additions.sagemaker.agenda import Agenda
from embedded_aws.moto_additions.sagemaker.deployments import Deployments, OnStatus
from embedded_aws.moto_additions.sagemaker.endpoint_configs import EndpointConfigs
from embedded_aws.moto_additions.sagemaker.endpoints import Endpoints
from embedded_aws.moto_additions.sagemaker.event_stream import Disturbance, Event, EventStream
from embedded_aws.moto_additions.sagemaker.invocations import Invocations
from embedded_aws.moto_additions.sagemaker.job_definitions import JobDefinitions
from embedded_aws.moto_additions.sagemaker.model_packages import Registry
from embedded_aws.moto_additions.sagemaker.models import Models
from embedded_aws.moto_additions.sagemaker.monitoring_schedules import MonitoringSchedules
from embedded_aws.moto_additions.sagemaker.multi_model import LoadPlan, ModelLoads
from embedded_aws.moto_additions.sagemaker.outcomes import (
    ExecutionOutcome,
    ExecutionPlan,
    JobOutcome,
    Outcome,
)
from embedded_aws.moto_additions.sagemaker.pipeline_execution import Execution
from embedded_aws.moto_additions.sagemaker.pipeline_runs import PipelineRuns
from embedded_aws.moto_additions.sagemaker.pipeline_steps import AllJobs, PipelineSteps
from embedded_aws.moto_additions.sagemaker.pipelines import Pipelines
from embedded_aws.moto_additions.sagemaker.processing_jobs import ProcessingJobs
from embedded_aws.moto_additions.sagemaker.search import Search
from embedded_aws.moto_additions.sagemaker.stage import Durations, Stage
from embedded_aws.moto_additions.sagemaker.training_jobs import TrainingJobs
from embedded_aws.moto_additions.sagemaker.transform_jobs import TransformJobs
from embedded_aws.moto_additions.sagemaker.tuning_jobs import TuningJobs
from embedded_aws.moto_additions.sagemaker.wire import mounted


def _say_nothing(*_: str) -> None:
    pass


class SageMakerSimulator:
    """Works wherever moto does: behind the embedded server, and in one process under `mock_aws`.

    Parameters
    ----------
    clock : transitions happen at its moments; it only jumps when it is told to.
    on_event : gets whole EventBridge events, for `moto_additions.events.deliver`.
    lock : held whenever something is changed; moto's own where threads share it.
    on_status : called with (endpoint, status, configuration) at every change of an endpoint; the status as
        the API spells it, `Deleted` at its end.

    >>> sagemaker = SageMakerSimulator(VirtualClock(), events.append)   # doctest: +SKIP
    >>> with mock_aws(), sagemaker.installed():   # doctest: +SKIP
    ...     sagemaker.plan_outcome("churn", Outcome.ROLLS_BACK)
    ...     client.update_endpoint(EndpointName="churn", EndpointConfigName="churn-2")
    ...     sagemaker.settle()
    """

    def __init__(
        self,
        clock: VirtualClock,
        on_event: Callable[[Event], None],
        *,
        lock: AbstractContextManager[Any] | None = None,
        on_status: OnStatus = _say_nothing,
    ) -> None:
        self._clock = clock
        self._lock: AbstractContextManager[Any] = lock if lock is not None else RLock()
        self._agenda = Agenda(clock)
        self._stage = Stage(self._agenda, EventStream(self._agenda, on_event))
        self._deployments = Deployments(self._stage, on_status)
        self._model_loads = ModelLoads()
        self._invocations = Invocations(self.run_due, self._model_loads)
        self._registry = Registry(self._stage)
        training = TrainingJobs(self._stage)
        self._jobs = AllJobs(
            ProcessingJobs(self._stage),
            training,
            TuningJobs(self._stage, training),
            TransformJobs(self._stage),
        )
        steps = PipelineSteps(self._stage, self._registry, self._jobs)
        self._runs = PipelineRuns(self._stage, steps)

    def installed(self) -> ExitStack:
        """Make moto's SageMaker (and what belongs to it) behave so until the returned context is closed."""
        parts = (
            Models(self._stage),
            EndpointConfigs(self._stage),
            Endpoints(self._stage, self._deployments),
            self._registry,
            JobDefinitions(self._stage),
            MonitoringSchedules(self._stage),
            self._jobs.processing,
            self._jobs.training,
            self._jobs.tuning,
            self._jobs.transform,
            Pipelines(self._stage, self._runs),
            Search(self._jobs.training),
        )
        context = ExitStack()
        for part in parts:
            context.enter_context(mounted(part.operations(), self.run_due))
        context.enter_context(self._invocations.installed())
        context.enter_context(alarms.installed(self._stage, self._deployments.alarm_changed))
        context.enter_context(scalable_variants.installed())
        context.enter_context(tags.installed())
        return context

    @property
    def durations(self) -> Durations:
        """How long things take, in seconds; may be set."""
        return self._stage.durations

    @property
    def deleted_while_referenced(self) -> list[str]:
        """ARNs of configurations and models that were deleted while an endpoint ran on them or went there."""
        return self._stage.deleted_while_referenced

    def next_due(self) -> float | None:
        """The moment of the next transition, in seconds since the epoch; None when nothing is left."""
        with self._lock:
            return self._agenda.next_due()

    def run_due(self) -> int:
        """Perform every transition whose moment has come, in order; how many."""
        with self._lock:
            return self._agenda.run_due()

    def advance(self, seconds: float) -> int:
        """Jump forward through every transition on the way; how many there were."""
        until = self._clock.now() + seconds
        performed = 0
        while (due := self.next_due()) is not None and due <= until:
            performed += self._jump(due)
        self._clock.jump_to(until)
        return performed

    def settle(self) -> int:
        """Jump from transition to transition until none is left; how many there were."""
        performed = 0
        while (due := self.next_due()) is not None:
            performed += self._jump(due)
        return performed

    def _jump(self, moment: float) -> int:
        with self._lock:
            self._clock.jump_to(moment)
            return self._agenda.run_due()

    def plan_outcome(self, endpoint_name: str, outcome: Outcome, *, times: int = 1) -> None:
        """How the next creations or updates of this endpoint end; they succeed when nothing is planned."""
        with self._lock:
            self._stage.plan.add(endpoint_name, Outcome(outcome), times)

    def plan_job_outcome(
        self,
        name_prefix: str,
        *,
        ok: bool,
        reason: str | None = None,
        metrics: Mapping[str, float] | None = None,
        best_job: bool = True,
    ) -> None:
        """How jobs of any kind whose names begin so end, from now on; see `JobOutcome`."""
        with self._lock:
            self._stage.plan.plan_job(name_prefix, JobOutcome(ok, reason, dict(metrics or {}), best_job))

    def plan_execution(
        self,
        pipeline_name: str,
        outcome: ExecutionOutcome,
        *,
        step: str | None = None,
        reason: str | None = None,
        times: int = 1,
    ) -> None:
        """How the next executions of this pipeline end, and at which step; see `ExecutionPlan`."""
        with self._lock:
            plan = ExecutionPlan(ExecutionOutcome(outcome), step, reason)
            self._stage.plan.plan_execution(pipeline_name, plan, times)

    def executions(self, pipeline_name: str) -> list[Execution]:
        """Every execution of this pipeline so far, oldest first; they change as time passes."""
        with self._lock:
            return self._runs.of(pipeline_name)

    def most_executions_at_once(self, pipeline_name: str) -> int:
        """How many executions of this pipeline ever ran at the same moment."""
        with self._lock:
            return self._runs.most_at_once(pipeline_name)

    def plan_invocation(
        self, endpoint_name: str, status: int = 500, body: str = "Internal Server Error", *, times: int = 1
    ) -> None:
        """What the model answers to the next invocations; all but 200 reach the caller as `ModelError`."""
        with self._lock:
            self._invocations.plan(endpoint_name, status, body, times)

    def plan_model_load(
        self,
        endpoint_name: str,
        target_model: str = "*",
        *,
        not_ready: int = 0,
        error: str | None = None,
    ) -> None:
        """How models of a multi-model endpoint come up at their first call, from now on.

        Parameters
        ----------
        target_model : as callers name it, or a pattern such as `Houston_TX/*`; the latest plan that fits counts.
        not_ready : so many calls of each model are answered `ModelNotReadyException`; its artifact must be there.
        error : what the container says instead of loading it: callers get it as `ModelError`, every time.
            None (the default) lets a model that could not be loaded come up after all.
        """
        with self._lock:
            self._model_loads.plan(endpoint_name, target_model, LoadPlan(not_ready, error))

    def loaded_models(self, endpoint_name: str) -> dict[str, str]:
        """The S3 ETag each model in memory had when it was loaded, by `TargetModel`; empty after an update.

        An artifact that was overwritten since has another ETag in S3: its model is stale.
        """
        with self._lock:
            return self._model_loads.loaded(endpoint_name)

    def package_takes(self, seconds: float) -> None:
        """How long a model package is `InProgress` after its creation, from now on; 0 for not at all."""
        self._stage.durations.model_package = seconds

    def disturb(
        self,
        duplicate: int = 1,
        *,
        drop: bool = False,
        hold_back: bool = False,
        same_id: bool = False,
        only: str | None = None,
    ) -> None:
        """From now on deliver each event several times, not at all, or not before `release_held`.

        `same_id` gives copies the same id; `only` is the one detail-type it concerns. Without arguments,
        events flow again as they should.
        """
        with self._lock:
            self._stage.events.disturbance = Disturbance(duplicate, drop, hold_back, same_id, only)

    def release_held(self, *, reverse: bool = False) -> int:
        """Deliver what was held back, the newest first if `reverse`; how many events."""
        with self._lock:
            return self._stage.events.release_held(reverse=reverse)
