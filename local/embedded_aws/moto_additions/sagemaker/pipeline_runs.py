"""How executions of pipelines go on: one step after the other, each change told to the bus."""

import uuid
from typing import Any

from moto.core.exceptions import ServiceException
from moto.sagemaker.models import SageMakerModelBackend

from embedded_aws.moto_additions.sagemaker.outcomes import ExecutionOutcome, ExecutionPlan
from embedded_aws.moto_additions.sagemaker.pipeline_definition import Definition
from embedded_aws.moto_additions.sagemaker.pipeline_execution import (
    Execution,
    StepRun,
    announce,
    announce_step,
)
from embedded_aws.moto_additions.sagemaker.pipeline_scope import Scope
from embedded_aws.moto_additions.sagemaker.pipeline_steps import PipelineSteps
from embedded_aws.moto_additions.sagemaker.resource import Resource
from embedded_aws.moto_additions.sagemaker.stage import Stage

_STEP_FAILURE = "Step failure: One or multiple steps failed."


class PipelineRuns:
    """Every execution there ever was, also of pipelines that are gone."""

    def __init__(self, stage: Stage, steps: PipelineSteps) -> None:
        self._stage = stage
        self._steps = steps
        self._all: list[Execution] = []

    def of(self, pipeline_name: str) -> list[Execution]:
        """Oldest first."""
        return [execution for execution in self._all if execution.pipeline_name == pipeline_name]

    def most_at_once(self, pipeline_name: str) -> int:
        """How many executions of the pipeline ran at one moment, at most."""
        executions = self.of(pipeline_name)
        return max(
            (
                sum(
                    other.created <= execution.created
                    and (other.ended is None or other.ended > execution.created)
                    for other in executions
                )
                for execution in executions
            ),
            default=0,
        )

    def start(self, backend: SageMakerModelBackend, pipeline: Resource, request: dict[str, Any]) -> Execution:
        """Raises `ValidationException` for the parameters, `LookupError` when what is planned cannot happen."""
        definition = Definition.parse(pipeline.fields["PipelineDefinition"])
        inputs = request.get("PipelineParameters", [])
        values = definition.values(inputs)
        plan = self._stage.plan.next_execution(pipeline.name)
        turning_point = _turning_point(definition, plan)
        now = self._stage.now()
        arn = f"{pipeline.arn}/execution/{uuid.uuid4().hex[:12]}"
        known = {
            "PipelineName": pipeline.name,
            "PipelineArn": pipeline.arn,
            "PipelineExecutionId": arn.rpartition("/")[2],
            "PipelineExecutionArn": arn,
            "StartDateTime": now.isoformat(),
            "CurrentDateTime": now.isoformat(),
        }
        execution = Execution(
            arn,
            pipeline.arn,
            pipeline.name,
            request.get("PipelineExecutionDisplayName", f"execution-{round(now.timestamp() * 1000)}"),
            request.get("PipelineExecutionDescription"),
            inputs,
            pipeline.fields["PipelineDefinition"],
            request.get("ParallelismConfiguration", pipeline.fields.get("ParallelismConfiguration")),
            now,
            Scope(values, known),
            plan,
            turning_point,
        )
        self._stage.plan.execution_started(pipeline.name)
        self._all.append(execution)
        execution.goes_on_with(list(definition.steps))
        announce(self._stage.events, execution, None)
        self._next(backend, execution)
        return execution

    def stop(self, execution: Execution) -> None:
        """Break the current step off, and the execution with it."""
        self._change(execution, "Stopping")
        run = execution.steps[-1]
        self._change_step(execution, run, "Stopping")
        self._steps.stop(run, lambda status, reason: self._ended(None, execution, run, status, reason))

    def _next(self, backend: SageMakerModelBackend, execution: Execution) -> None:
        if not execution.waiting:
            self._end(execution, "Succeeded")
            return
        run = StepRun(execution.waiting.pop(0), self._stage.now())
        execution.steps.append(run)
        announce_step(self._stage.events, execution, run, None)

        def finish(status: str, reason: str | None) -> None:
            self._ended(backend, execution, run, status, reason)

        try:
            self._steps.begin(backend, execution, run, finish)
        except ServiceException as refused:
            finish("Failed", f"ClientError: {refused}")
            return
        self._change_step(execution, run, "Executing")
        if execution.plan.outcome is ExecutionOutcome.STOPPED and execution.turning_point == run.name:
            # Somebody stops it while the step is under way, sooner than any step is done.
            seconds = self._stage.durations.pipeline_step / 2
            self._stage.agenda.after(seconds, lambda: self._stop_if_running(execution))

    def _stop_if_running(self, execution: Execution) -> None:
        if execution.status == "Executing":
            self.stop(execution)

    def _ended(
        self,
        backend: SageMakerModelBackend | None,
        execution: Execution,
        run: StepRun,
        status: str,
        reason: str | None,
    ) -> None:
        """A step's end; `backend` is that of what comes next, None when nothing does."""
        run.ended, run.failure_reason = self._stage.now(), reason
        self._change_step(execution, run, status)
        if execution.status == "Stopping":
            self._end(execution, "Stopped")
        elif status == "Succeeded" and backend is not None:
            self._next(backend, execution)
        else:
            # Also when somebody stopped the job behind the execution's back.
            execution.failure_reason = _STEP_FAILURE
            self._end(execution, "Failed")

    def _end(self, execution: Execution, status: str) -> None:
        execution.ended = self._stage.now()
        self._change(execution, status)

    def _change(self, execution: Execution, status: str) -> None:
        previous, execution.status = execution.status, status
        execution.modified = self._stage.now()
        announce(self._stage.events, execution, previous)

    def _change_step(self, execution: Execution, run: StepRun, status: str) -> None:
        previous, run.status = run.status, status
        announce_step(self._stage.events, execution, run, previous)


def _turning_point(definition: Definition, plan: ExecutionPlan) -> str | None:
    """Name of the step at which what is planned happens."""
    if plan.outcome is ExecutionOutcome.SUCCEEDS:
        return None
    able = [
        step.name
        for step in definition.all_steps()
        if (plan.outcome is not ExecutionOutcome.VIOLATIONS or step.checks)
        and (plan.outcome is not ExecutionOutcome.CONDITION_FALSE or step.type == "Condition")
    ]
    if not able or plan.step not in (None, *able):
        raise LookupError(f"{plan.outcome} was planned at step {plan.step}; it can happen at {able}.")
    return plan.step or able[0]
