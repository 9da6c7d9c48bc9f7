"""What on-call may do next about a job or a pipeline execution: read its log, see how it ended, go on."""

from datetime import datetime, timedelta
from urllib.parse import quote

from stationkeeper.alerts.commands import InRegion, aws, utc
from stationkeeper.alerts.job_phrases import kind_of
from stationkeeper.alerts.layout import Step, cloudwatch_console, sagemaker_console
from stationkeeper.alerts.text import quoted
from stationkeeper.events.job_events import FailedStep, JobEvent

_BEFORE = timedelta(minutes=5)
"""Clocks differ, and an execution may be told late."""
_LONGEST = timedelta(days=1)
"""How far back a log is read of a job that does not say when it began."""


def step_log(event: JobEvent, step: FailedStep) -> Step | None:
    """The log of the job that a pipeline's step ran."""
    job = step.job_arn.rpartition("/")[2]
    return _log(event, f"Read the log of step {step.name}", step.log_group, job, _began(event))


def job_log(event: JobEvent, what: str = "Read the job's log") -> Step | None:
    """What its containers wrote; None for what runs none itself."""
    return _log(event, what, event.log_group, event.job, _began(event))


def _log(event: InRegion, what: str, group: str, job: str, since: datetime) -> Step | None:
    if not group or not job:
        return None
    # A stream begins with the job's name and a slash: one whose name goes on differently is another job's.
    options = f"--log-stream-name-prefix {quoted(f'{job}/')} --since {utc(since)}"
    log_group, stream = (
        quote(quote(text, safe=""), safe="").replace("%", "$") for text in (group, f"{job}/")
    )
    page = f"{cloudwatch_console(event.region)}logsV2:log-groups/log-group/{log_group}$3FlogStreamNameFilter$3D{stream}"
    return Step(what, (aws(event, f"logs tail {quoted(group)}", options), page))


def _began(event: JobEvent) -> datetime:
    return event.started_at - _BEFORE if event.started_at is not None else event.at - _LONGEST


def described(event: JobEvent) -> Step | None:
    """What it was given and how it ended, by its kind."""
    if event.kind == "pipeline":
        return steps_listed(event, event.job_arn)
    words = kind_of(event)
    if not words.describe:
        return None
    named = f"{words.option} {quoted(event.job)}"
    return Step(
        "See what it was given and how it ended",
        (aws(event, f"sagemaker {words.describe}", named, f"--query '{words.query}'"),),
    )


def failed_trainings(event: JobEvent) -> Step | None:
    """A tuning job fails with its training jobs."""
    if event.kind != "tuning":
        return None
    query = "'TrainingJobSummaries[].[TrainingJobName,TrainingJobStatus,CreationTime]'"
    options = f"--hyper-parameter-tuning-job-name {quoted(event.job)} --status-equals Failed --max-items 20 --query {query}"
    return Step(
        "List its training jobs that failed",
        (aws(event, "sagemaker list-training-jobs-for-hyper-parameter-tuning-job", options),),
    )


def stoppers(event: JobEvent) -> Step | None:
    """Who called for a stop; nobody, when a limit did it. CloudTrail tells within 15 minutes."""
    call = kind_of(event).stop
    if not call:
        return None
    query = "--max-items 5 --query 'Events[].[EventTime,Username,CloudTrailEvent]' --output text"
    named = (
        f"--lookup-attributes AttributeKey=EventName,AttributeValue={call} --start-time {utc(_began(event))}"
    )
    return Step(
        "See who stopped it; nobody is named where a limit did",
        (aws(event, "cloudtrail lookup-events", named, query),),
    )


def job_page(event: JobEvent) -> Step:
    """Where the console shows it; pipelines, and kinds nobody knows, are shown in Studio."""
    page = kind_of(event).page
    if not page:
        return studio(event)
    return Step(
        "Look at it in the console",
        (f"{sagemaker_console(event.region)}/{page}/{quote(event.job, safe='')}",),
    )


def studio(event: InRegion) -> Step:
    """Pipelines have no page of their own outside Studio, whose address depends on who looks."""
    return Step(
        "Look at it in SageMaker Studio, under Pipelines",
        (f"{sagemaker_console(event.region)}/studio-landing",),
    )


def steps_listed(
    event: InRegion, execution_arn: str, what: str = "See its steps, and why each ended"
) -> Step | None:
    if not execution_arn:
        return None
    query = "'PipelineExecutionSteps[].[StepName,StepStatus,FailureReason]'"
    options = f"--pipeline-execution-arn {quoted(execution_arn)} --query {query} --output table"
    return Step(what, (aws(event, "sagemaker list-pipeline-execution-steps", options),))


def execution_described(event: InRegion, execution_arn: str, what: str) -> Step | None:
    if not execution_arn:
        return None
    options = f"--pipeline-execution-arn {quoted(execution_arn)}"
    query = "--query '[PipelineExecutionStatus,FailureReason,CreationTime,LastModifiedTime]'"
    return Step(what, (aws(event, "sagemaker describe-pipeline-execution", options, query),))


def execution_stopped(event: InRegion, execution_arn: str, what: str) -> Step | None:
    return _execution(event, "stop-pipeline-execution", execution_arn, what)


def execution_retried(event: InRegion, execution_arn: str, what: str) -> Step | None:
    """Goes on from the step that failed; the steps that ended well are not run again."""
    return _execution(event, "retry-pipeline-execution", execution_arn, what)


def _execution(event: InRegion, call: str, execution_arn: str, what: str) -> Step | None:
    if not execution_arn:
        return None
    return Step(what, (aws(event, f"sagemaker {call}", f"--pipeline-execution-arn {quoted(execution_arn)}"),))
