"""Reading the report of a run, and what SageMaker knows of its job."""

from dataclasses import replace
from typing import Protocol

from stationkeeper.events.processing_job import ProcessingJob
from stationkeeper.reports.outcome import Blindness, BlindReason, Execution, report_uri


class Reports(Protocol):
    def read(self, uri: str) -> bytes | Blindness:
        """The report's bytes, or why it cannot be read. Passing faults are raised, to be tried again."""


class ProcessingJobs(Protocol):
    def describe(self, job_name: str) -> ProcessingJob | None:
        """The job as SageMaker describes it; None when it is not known."""


def completed(execution: Execution, jobs: ProcessingJobs) -> Execution:
    """The execution with what its event left out, asked of SageMaker; most events leave out nothing."""
    if execution.blind is not None or execution.report_uri is not None:
        return execution
    job = jobs.describe(execution.job)
    if job is None:
        return execution
    return replace(execution, report_uri=report_uri(job), window=job.window() or execution.window)


def report_of(execution: Execution, reports: Reports) -> bytes | Blindness:
    """The run's report, or why there is none to judge."""
    if execution.blind is not None:
        return execution.blind
    if execution.report_uri is None:
        return Blindness(BlindReason.REPORT_MISSING, "the job names no output in S3")
    return reports.read(execution.report_uri)
