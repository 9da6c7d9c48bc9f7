"""What became of a monitoring run: which runs count, and why one could not be judged."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from stationkeeper.events.processing_job import ProcessingJob
from stationkeeper.reports.violation import Monitor


class BlindReason(StrEnum):
    """Why a run could not be judged."""

    NO_DATA = "no-data"
    JOB_FAILED = "job-failed"
    JOB_STOPPED = "job-stopped"
    MERGE_FAILED = "merge-failed"
    REPORT_MISSING = "report-missing"
    REPORT_DENIED = "report-denied"
    REPORT_MALFORMED = "report-malformed"
    REPORT_TOO_LARGE = "report-too-large"
    REPORT_CONTRADICTORY = "report-contradictory"


@dataclass(frozen=True, slots=True)
class Blindness:
    """Why a run could not be judged; `detail` is what the service or the parser said."""

    reason: BlindReason
    detail: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A processing job that is no run to judge, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Execution:
    """A run of a monitoring schedule.

    Attributes
    ----------
    endpoint : the endpoint it watches; the schedule's name where it watches none (batch transform).
    at : when it was due.
    window : start and end of the data it looked at, when told.
    report_uri : S3 address of its `constraint_violations.json`; None when the job names no output.
    blind : set when the job itself says that there is nothing to judge.
    """

    schedule_arn: str
    schedule: str
    endpoint: str
    monitor: Monitor | None
    job: str
    job_arn: str
    at: datetime
    window: tuple[datetime, datetime] | None
    report_uri: str | None
    exit_message: str
    blind: Blindness | None


REPORT_NAME = "constraint_violations.json"

_NO_DATA = re.compile(r"job inputs had no data|no s3 objects found|no data (?:was )?found", re.IGNORECASE)
_GROUND_TRUTH = re.compile(r"ground[-_ ]?truth", re.IGNORECASE)
_VIOLATION_COUNT = re.compile(r"^CompletedWithViolations: Job completed successfully with (\d+) violations?")


def classify(job: ProcessingJob, event_time: datetime) -> Execution | Ignored:
    """Whether a processing job is a run to judge.

    Ground-truth merge jobs carry the schedule's ARN too and write no report: they count only when they failed, since then
    the run they prepare will not come.
    """
    status = job.processing_job_status
    if status not in ("Completed", "Failed", "Stopped"):
        return Ignored(f"not ended yet ({status})")
    schedule_arn = job.monitoring_schedule_arn or _schedule_arn(job)
    if not schedule_arn:
        return Ignored("not a run of a monitoring schedule (a baseline job, or no monitor at all)")
    merge = _is_merge(job)
    if merge and status == "Completed":
        return Ignored("a ground-truth merge; the run that follows it is judged")
    schedule = job.environment.get("sagemaker_monitoring_schedule_name") or schedule_arn.rsplit("/")[-1]
    return Execution(
        schedule_arn=schedule_arn,
        schedule=schedule,
        endpoint=job.environment.get("sagemaker_endpoint_name") or schedule,
        monitor=_monitor(job),
        job=job.processing_job_name,
        job_arn=job.processing_job_arn,
        at=job.scheduled_for() or event_time,
        window=job.window(),
        report_uri=report_uri(job),
        exit_message=job.exit_message or "",
        blind=_blindness(job, merge=merge),
    )


def _schedule_arn(job: ProcessingJob) -> str | None:
    """The schedule's ARN from its name in the job's environment, for an event that lacks it; None for other jobs."""
    name = job.environment.get("sagemaker_monitoring_schedule_name")
    prefix, found, _ = job.processing_job_arn.partition(":processing-job/")
    return f"{prefix}:monitoring-schedule/{name.lower()}" if name and found else None


def report_uri(job: ProcessingJob) -> str | None:
    """S3 address of the report a job writes; None when it names no output."""
    folder = job.output_uri()
    return f"{folder}/{REPORT_NAME}" if folder else None


def violations_announced(exit_message: str) -> int | None:
    """How many violations the job itself says it found; None when it does not say (custom containers)."""
    if exit_message.startswith("Completed: Job completed successfully with no violations"):
        return 0
    match = _VIOLATION_COUNT.match(exit_message)
    return int(match[1]) if match else None


def _is_merge(job: ProcessingJob) -> bool:
    return "sagemaker-model-monitor-groundtruth-merger" in job.image or job.processing_job_name.startswith(
        "groundtruth-merge-"
    )


def _blindness(job: ProcessingJob, *, merge: bool) -> Blindness | None:
    if job.processing_job_status == "Completed":
        return None
    said = " ".join(filter(None, (job.failure_reason, job.exit_message)))
    # A merge may miss either of its two inputs; the address in what it says tells which.
    if _NO_DATA.search(said) and not (merge and _GROUND_TRUTH.search(said)):
        return Blindness(BlindReason.NO_DATA, said)
    if job.processing_job_status == "Stopped":
        return Blindness(BlindReason.JOB_STOPPED, said)
    return Blindness(BlindReason.MERGE_FAILED if merge else BlindReason.JOB_FAILED, said)


def _monitor(job: ProcessingJob) -> Monitor | None:
    """Which monitor a job is, where its image, settings or names tell; bias and attribution share theirs."""
    if job.environment.get("analysis_type") == "MODEL_QUALITY" or job.processing_job_name.startswith(
        "model-quality-monitoring-"
    ):
        return Monitor.MODEL_QUALITY
    if job.processing_job_name.startswith(("model-bias-monitoring-", "bias-monitoring-")):
        return Monitor.BIAS
    if job.processing_job_name.startswith(("model-explainability-monitoring-", "explainability-monitoring-")):
        return Monitor.EXPLAINABILITY
    if "sagemaker-model-monitor-analyzer" in job.image:
        return Monitor.DATA_QUALITY
    return None
