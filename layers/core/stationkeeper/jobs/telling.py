"""From how a job ended to the domain event that says it: a pure translation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from stationkeeper.alerts.cause import likely_cause
from stationkeeper.alerts.failure import cleaned
from stationkeeper.alerts.text import plain
from stationkeeper.events.domain import Cause, DomainEvent, stable_id
from stationkeeper.events.job import Job, JobKind
from stationkeeper.events.job_events import FailedStep, JobFailed, JobStopped, JobSucceeded, Retrained
from stationkeeper.jobs.registration import Impossible
from stationkeeper.releases.registry import group_name, version_of
from stationkeeper.severity import Severity

_NAME = 256
_METRICS_TOLD = 40
_LIMITS = {
    "MaxRuntimeExceeded": "it ran longer than its stopping condition allows (MaxRuntimeInSeconds)",
    "MaxWaitTimeExceeded": "it waited for spot capacity longer than allowed (MaxWaitTimeInSeconds)",
    "Interrupted": "its spot instances were taken away",
}


@dataclass(frozen=True, slots=True)
class Telling:
    """What all events about one job share."""

    job: Job
    account: str
    region: str
    on_call: str
    event_id: str
    at: datetime
    endpoint: str = ""
    group_arn: str = ""
    retrained: Retrained | None = None

    def failed(self, reason: str, step: FailedStep | None = None) -> DomainEvent:
        """`reason` as SageMaker gives it; of an execution, its failed step's own reason counts more."""
        failure = cleaned((step.reason if step else "") or reason)
        told = None
        if step is not None:
            texts = {
                "name": plain(step.name, 80),
                "kind": plain(step.kind, 80),
                "job_arn": plain(step.job_arn, 300),
            }
            told = step.model_copy(update={**texts, "reason": failure.said})
        return JobFailed.model_validate(
            {
                **self._shared("JobFailed", Severity.WARNING),
                "code": plain(failure.code, 80),
                "reason": failure.said,
                "hint": likely_cause(failure),
                "exit_code": failure.exit_code,
                "passing": failure.passing,
                "step": told,
            }
        )

    def not_registered(self, impossible: Impossible) -> DomainEvent:
        return JobFailed.model_validate(
            {
                **self._shared("JobFailed", Severity.WARNING, "register"),
                "code": "register",
                "reason": plain(impossible.why, 600),
                "hint": plain(impossible.advice, 300),
            }
        )

    def stopped(self, reason: str, secondary_status: str = "") -> DomainEvent:
        """`secondary_status` says which limit stopped a training job, where one did; nobody meant that."""
        limit = _LIMITS.get(secondary_status, "")
        severity = Severity.WARNING if limit else Severity.INFO
        return JobStopped.model_validate(
            {**self._shared("JobStopped", severity), "reason": cleaned(reason).said or limit}
        )

    def succeeded(self, registered: tuple[str, ...], metrics: Mapping[str, float]) -> DomainEvent:
        return JobSucceeded.model_validate(
            {
                **self._shared("JobSucceeded", Severity.INFO),
                "registered": [plain(arn, 300) for arn in registered],
                "version": max(filter(None, map(version_of, registered)), default=None),
                "metrics": [
                    (plain(name, 100), value) for name, value in list(metrics.items())[:_METRICS_TOLD]
                ],
            }
        )

    def _shared(self, kind: str, severity: Severity, about: str = "") -> dict[str, object]:
        job, arn = self.job, self.job.arn.lower()
        incident = self.retrained.incident if self.retrained else stable_id("job", arn)[:8]
        # A pipeline execution may be retried under its ARN: when it ended tells them apart.
        ended = job.ended_at.isoformat() if job.kind is JobKind.PIPELINE and job.ended_at else ""
        return {
            "id": stable_id(arn, kind, about, ended),
            "incident": incident,
            "severity": severity,
            "endpoint": plain(self.endpoint, 63),
            "account": self.account,
            "region": self.region,
            "on_call": plain(self.on_call, 64),
            "cause": Cause(
                event_id=plain(self.event_id, 100), job=plain(job.name, 100), job_arn=plain(job.arn, 300)
            ),
            "at": self.at,
            "kind": job.kind.value,
            "job": plain(job.pipeline or job.name, _NAME),
            "job_arn": plain(job.arn, 300),
            "started_at": job.started_at or job.created_at,
            "ended_at": job.ended_at,
            "log_group": job.kind.log_group or "",
            "purpose": "retraining" if self.retrained else "",
            "group": plain(group_name(self.group_arn), 63),
            "group_arn": plain(self.group_arn, 300),
            "retrained": self.retrained,
        }
