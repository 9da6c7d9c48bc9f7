"""How jobs and pipeline executions are called in plain words, by kind and by what they were for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stationkeeper.alerts.text import lasting
from stationkeeper.events.job_events import JobEvent


@dataclass(frozen=True, slots=True)
class KindWords:
    """A kind of job: what it is called, how a command describes it, what stops it, where the console shows it."""

    name: str
    stop: str = ""
    describe: str = ""
    option: str = ""
    query: str = ""
    page: str = ""


KINDS: dict[str, KindWords] = {
    "training": KindWords(
        "training job",
        "StopTrainingJob",
        "describe-training-job",
        "--training-job-name",
        "[TrainingJobStatus,SecondaryStatus,FailureReason,HyperParameters,InputDataConfig]",
        "jobs",
    ),
    "tuning": KindWords(
        "tuning job",
        "StopHyperParameterTuningJob",
        "describe-hyper-parameter-tuning-job",
        "--hyper-parameter-tuning-job-name",
        "[HyperParameterTuningJobStatus,FailureReason,TrainingJobStatusCounters,BestTrainingJob]",
        "hyper-tuning-jobs",
    ),
    "transform": KindWords(
        "transform job",
        "StopTransformJob",
        "describe-transform-job",
        "--transform-job-name",
        "[TransformJobStatus,FailureReason,ModelName,TransformInput]",
        "transform-jobs",
    ),
    "processing": KindWords(
        "processing job",
        "StopProcessingJob",
        "describe-processing-job",
        "--processing-job-name",
        "[ProcessingJobStatus,FailureReason,ExitMessage,ProcessingInputs]",
        "processing-jobs",
    ),
    "pipeline": KindWords("pipeline", "StopPipelineExecution"),
}
UNKNOWN_KIND = KindWords("job")


@dataclass(frozen=True, slots=True)
class PurposeWords:
    """What a job was started here for: how its failure is called, what is lacking without it, what mends it."""

    headlines: tuple[str, ...]
    was_to: str
    lacking: str
    again: str
    mend: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags that mend it, without their prefix."""


PURPOSES: dict[str, PurposeWords] = {
    "baselining": PurposeWords(
        headlines=("no data-quality monitor, baselining failed", "baselining job failed", "no baseline"),
        was_to="suggest a data-quality baseline for",
        lacking="has no data-quality monitor: nobody notices when its data drifts",
        again="It does not start the same job again: it does for another dataset, and for another version.",
        mend="Mend the dataset, put it under a new address and tag that; or bring baselines with the next version",
        tags={"baseline-dataset": "s3://your-bucket/new-prefix"},
    ),
}
"""Purposes that have words of their own. Retraining is worded as what it is: an execution, and the drift it answers."""


def kind_of(event: JobEvent) -> KindWords:
    return KINDS.get(event.kind, UNKNOWN_KIND)


def job_words(event: JobEvent) -> str:
    """`training job churn-train-7`, `execution of pipeline churn-retrain`."""
    execution = "execution of " if event.kind == "pipeline" else ""
    return f"{execution}{kind_of(event).name} {event.job}".rstrip()


def ran_for(event: JobEvent) -> str:
    """`42 minutes`; "" when nobody tells."""
    ended = event.ended_at or event.at
    if event.started_at is None or ended < event.started_at:
        return ""
    return lasting(ended - event.started_at)


def after(event: JobEvent) -> str:
    """` after 42 minutes`."""
    length = ran_for(event)
    return f" after {length}" if length else ""


def whose(event: JobEvent) -> str:
    """What the job belongs to: `group churn, endpoint churn-prod`; "" when to neither."""
    group = f"group {event.group}" if event.group else ""
    endpoint = f"endpoint {event.endpoint}" if event.endpoint else ""
    return ", ".join(filter(None, (group, endpoint)))


def version_number(package_arn: str) -> int | None:
    """The version that an ARN ends with."""
    number = package_arn.rpartition("/")[2]
    return int(number) if number.isascii() and number.isdigit() and len(number) <= 9 else None
