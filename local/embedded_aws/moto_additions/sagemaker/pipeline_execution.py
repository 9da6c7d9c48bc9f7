"""One execution of a pipeline and its steps, as the API and events tell of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from embedded_aws.moto_additions.sagemaker.agenda import Transition
from embedded_aws.moto_additions.sagemaker.event_stream import EventStream, iso
from embedded_aws.moto_additions.sagemaker.outcomes import ExecutionPlan
from embedded_aws.moto_additions.sagemaker.pipeline_definition import Step, in_order
from embedded_aws.moto_additions.sagemaker.pipeline_scope import Scope
from embedded_aws.moto_additions.sagemaker.wire import Answer, given

STATUS_CHANGE = "SageMaker Model Building Pipeline Execution Status Change"
STEP_STATUS_CHANGE = "SageMaker Model Building Pipeline Execution Step Status Change"


@dataclass(eq=False)
class StepRun:
    """`metadata` in the API's names, e.g. `{"TrainingJob": {"Arn": ...}}`."""

    step: Step
    started: datetime
    status: str = "Starting"
    ended: datetime | None = None
    failure_reason: str | None = None
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)
    # Ends what it has begun; None where nothing is left behind but `next_step`.
    halt: Callable[[], None] | None = None
    next_step: Transition | None = None

    @property
    def name(self) -> str:
        return self.step.name

    def summary(self) -> Answer:
        return given(
            StepName=self.name,
            StepDisplayName=self.step.fields.get("DisplayName"),
            StepDescription=self.step.fields.get("Description"),
            StartTime=self.started,
            EndTime=self.ended,
            StepStatus=self.status,
            FailureReason=self.failure_reason,
            Metadata=self.metadata,
            AttemptCount=1,
        )


@dataclass(eq=False)
class Execution:
    """`inputs` are the parameters it was started with, `plan` is what is to happen to it, at `turning_point`.

    `definition` is the pipeline's as it was at the start.
    """

    arn: str
    pipeline_arn: str
    pipeline_name: str
    display_name: str
    description: str | None
    inputs: list[dict[str, str]]
    definition: str
    parallelism: dict[str, int] | None
    created: datetime
    scope: Scope
    plan: ExecutionPlan
    turning_point: str | None
    waiting: list[Step] = field(default_factory=list)
    status: str = "Executing"
    modified: datetime | None = None
    ended: datetime | None = None
    failure_reason: str | None = None
    steps: list[StepRun] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.arn.rpartition("/")[2]

    @property
    def parameters(self) -> dict[str, str]:
        """What it was started with, by name."""
        return {item["Name"]: item["Value"] for item in self.inputs}

    @property
    def running(self) -> bool:
        return self.ended is None

    def goes_on_with(self, steps: list[Step]) -> None:
        """These come before everything that is still waiting, unless they need something of it."""
        self.waiting = in_order([*steps, *self.waiting])

    def answer(self, user: dict[str, Any]) -> Answer:
        return given(
            PipelineArn=self.pipeline_arn,
            PipelineExecutionArn=self.arn,
            PipelineExecutionDisplayName=self.display_name,
            PipelineExecutionStatus=self.status,
            PipelineExecutionDescription=self.description,
            FailureReason=self.failure_reason,
            CreationTime=self.created,
            LastModifiedTime=self.modified or self.created,
            CreatedBy=user,
            LastModifiedBy=user,
            ParallelismConfiguration=self.parallelism,
        )

    def summary(self) -> Answer:
        return given(
            PipelineExecutionArn=self.arn,
            StartTime=self.created,
            PipelineExecutionStatus=self.status,
            PipelineExecutionDescription=self.description,
            PipelineExecutionDisplayName=self.display_name,
            PipelineExecutionFailureReason=self.failure_reason,
        )


def announce(events: EventStream, execution: Execution, previous: str | None) -> None:
    """Tell the bus of the execution's status."""
    detail = given(
        pipelineExecutionDisplayName=execution.display_name,
        currentPipelineExecutionStatus=execution.status,
        previousPipelineExecutionStatus=previous,
        executionStartTime=iso(execution.created),
        executionEndTime=_iso(execution.ended),
        pipelineExecutionDescription=execution.description,
        pipelineArn=execution.pipeline_arn,
        pipelineExecutionArn=execution.arn,
    )
    events.emit("aws.sagemaker", STATUS_CHANGE, execution.pipeline_arn, detail, execution.arn)


def announce_step(events: EventStream, execution: Execution, run: StepRun, previous: str | None) -> None:
    """Tell the bus of a step's status."""
    detail = given(
        metadata=_camel(run.metadata),
        stepStartTime=iso(run.started),
        stepEndTime=_iso(run.ended),
        stepName=run.name,
        stepType=run.step.type,
        previousStepStatus=previous,
        currentStepStatus=run.status,
        pipelineArn=execution.pipeline_arn,
        pipelineExecutionArn=execution.arn,
    )
    events.emit("aws.sagemaker", STEP_STATUS_CHANGE, execution.pipeline_arn, detail, execution.arn)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)


def _camel(value: Any) -> Any:
    """Members of the API as these events spell them: `TrainingJob` is `trainingJob`."""
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: _camel(item) for name, item in value.items()}
    return value
