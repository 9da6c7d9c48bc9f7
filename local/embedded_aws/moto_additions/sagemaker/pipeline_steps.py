"""What the steps of a pipeline do: run jobs, check, decide, register a version, fail."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.core.exceptions import ServiceException
from moto.sagemaker.models import SageMakerModelBackend

from embedded_aws.moto_additions.sagemaker import check_steps
from embedded_aws.moto_additions.sagemaker.jobs import Job, Jobs
from embedded_aws.moto_additions.sagemaker.model_packages import Registry, groups_of
from embedded_aws.moto_additions.sagemaker.outcomes import ExecutionOutcome, JobOutcome
from embedded_aws.moto_additions.sagemaker.pipeline_execution import Execution, StepRun
from embedded_aws.moto_additions.sagemaker.processing_jobs import ProcessingJobs
from embedded_aws.moto_additions.sagemaker.stage import Stage
from embedded_aws.moto_additions.sagemaker.training_jobs import TrainingJobs
from embedded_aws.moto_additions.sagemaker.transform_jobs import TransformJobs
from embedded_aws.moto_additions.sagemaker.tuning_jobs import TuningJobs

# Called with the step's last status, and why when it failed.
type Finish = Callable[[str, str | None], None]

_STEP_STATUS = {"Completed": "Succeeded", "Failed": "Failed", "Stopped": "Stopped"}
_FAILED = "ClientError: Step failed."  # ?
_VIOLATIONS = "ClientError: The check found violations; they are listed in {report}"  # ?
_EXIT_MESSAGE = "CompletedWithViolations: Job completed successfully with 1 violations."
# Of the 63 characters of a job's name: what is left beside `pipelines-`, both ids and their dashes.
_STEP_NAME_CHARACTERS = 29


@dataclass(frozen=True)
class AllJobs:
    processing: ProcessingJobs
    training: TrainingJobs
    tuning: TuningJobs
    transform: TransformJobs


class PipelineSteps:
    def __init__(self, stage: Stage, registry: Registry, jobs: AllJobs) -> None:
        self._stage = stage
        self._registry = registry
        self._of_type: dict[str, tuple[Jobs[Any], str]] = {
            "Processing": (jobs.processing, "ProcessingJob"),
            "QualityCheck": (jobs.processing, "QualityCheck"),
            "ClarifyCheck": (jobs.processing, "ClarifyCheck"),
            "Training": (jobs.training, "TrainingJob"),
            "Tuning": (jobs.tuning, "TuningJob"),
            "Transform": (jobs.transform, "TransformJob"),
        }

    def begin(
        self, backend: SageMakerModelBackend, execution: Execution, run: StepRun, finish: Finish
    ) -> None:
        """Do what the step is for; `finish` is called once, when its time has come."""
        if run.step.type in self._of_type:
            self._run_job(backend, execution, run, finish)
            return

        def act() -> None:
            if _is_to(ExecutionOutcome.FAILS, execution, run):
                finish("Failed", execution.plan.reason or _FAILED)
            else:
                finish(*self._act(backend, execution, run))

        run.next_step = self._stage.agenda.after(self._stage.durations.pipeline_step, act)

    def stop(self, run: StepRun, finish: Finish) -> None:
        """Break the step off; `finish` as for `begin`, which calls its own when a job has to stop first."""
        if run.halt is not None:
            run.halt()
            return
        if run.next_step is not None:
            run.next_step.cancelled = True
        run.next_step = self._stage.agenda.after(
            self._stage.durations.stopping, lambda: finish("Stopped", None)
        )

    def _run_job(
        self, backend: SageMakerModelBackend, execution: Execution, run: StepRun, finish: Finish
    ) -> None:
        jobs, kind = self._of_type[run.step.type]
        scope = execution.scope
        name = f"pipelines-{execution.id}-{run.name[:_STEP_NAME_CHARACTERS]}-{uuid.uuid4().hex[:10]}"
        violated = _is_to(ExecutionOutcome.VIOLATIONS, execution, run) and not check_steps.skipped(
            run.step, scope
        )

        def prepare(job: Job) -> None:
            run.metadata = {kind: {"Arn": job.arn}}
            if run.step.checks:
                found = check_steps.metadata(backend, run.step, scope, job.arn, violated=violated)
                run.metadata = {kind: found}
            run.halt = lambda: jobs.halt(job)
            job.on_end = lambda: ended(job)

        def ended(job: Job) -> None:
            own = run.metadata[kind]
            scope.steps[run.name] = job.description() | own
            if job.status == "Completed" and violated:
                report = own.get("ViolationReport")
                finish("Failed", execution.plan.reason or _VIOLATIONS.format(report=report))
            else:
                finish(_STEP_STATUS[job.status], job.failure_reason)

        request = {
            member: value
            for member, value in scope.resolve(run.step.arguments).items()
            if member != f"{jobs.noun}Name"
        }
        outcome = None
        if _is_to(ExecutionOutcome.FAILS, execution, run):
            outcome = JobOutcome(ok=False, reason=execution.plan.reason)
        elif violated:
            outcome = JobOutcome(exit_message=_EXIT_MESSAGE)
        jobs.start(backend, name, request, outcome=outcome, prepare=prepare)

    def _act(
        self, backend: SageMakerModelBackend, execution: Execution, run: StepRun
    ) -> tuple[str, str | None]:
        """Status and failure reason of a step that runs no job."""
        match run.step.type:
            case "Condition":
                self._decide(execution, run)
            case "RegisterModel":
                try:
                    self._register(backend, execution, run)
                except ServiceException as refused:
                    return "Failed", f"ClientError: {refused}"
            case "Fail":
                message = str(execution.scope.resolve(run.step.arguments.get("ErrorMessage", "")))
                run.metadata = {"Fail": {"ErrorMessage": message}}
                return "Failed", message
        return "Succeeded", None

    @staticmethod
    def _decide(execution: Execution, run: StepRun) -> None:
        holds = execution.scope.holds(run.step.arguments.get("Conditions", []))
        holds &= not _is_to(ExecutionOutcome.CONDITION_FALSE, execution, run)
        run.metadata = {"Condition": {"Outcome": str(holds)}}
        execution.scope.steps[run.name] = {"Outcome": holds}
        execution.goes_on_with(run.step.branch(holds=holds))

    def _register(self, backend: SageMakerModelBackend, execution: Execution, run: StepRun) -> None:
        request = execution.scope.resolve(run.step.arguments)
        group = request.get("ModelPackageGroupName")
        # The step makes the group it names; the API's CreateModelPackage does not.
        if group is not None and ":" not in group and group not in groups_of(backend):
            self._registry.create_group(backend, {"ModelPackageGroupName": group})
        properties = request.get("MetadataProperties", {}) | {"GeneratedBy": execution.arn}
        arn = self._registry.create(backend, request | {"MetadataProperties": properties})["ModelPackageArn"]
        run.metadata = {"RegisterModel": {"Arn": arn}}
        execution.scope.steps[run.name] = {"ModelPackageArn": arn}


def _is_to(outcome: ExecutionOutcome, execution: Execution, run: StepRun) -> bool:
    return execution.plan.outcome is outcome and execution.turning_point == run.name
