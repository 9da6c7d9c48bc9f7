"""From what happened to a release to the domain event that says it: a pure translation."""

from dataclasses import dataclass, replace
from datetime import datetime

from stationkeeper.alerts.cause import likely_cause
from stationkeeper.alerts.failure import cleaned
from stationkeeper.alerts.text import plain
from stationkeeper.events.domain import Cause, DomainEvent, stable_id
from stationkeeper.events.job import JobKind
from stationkeeper.events.job_events import JobFailed, Retrained
from stationkeeper.events.release_events import (
    ApprovalRequested,
    MetricCompared,
    ReleaseBlocked,
    ReleaseRolledBack,
    ReleaseStarted,
    ReleaseSucceeded,
)
from stationkeeper.releases.decision import Block
from stationkeeper.releases.record import Target
from stationkeeper.releases.registry import ModelPackage, group_name
from stationkeeper.releases.set_up import SetUpPlan
from stationkeeper.severity import Severity

_TEXT = 600
_NAMES = 20


@dataclass(frozen=True, slots=True)
class Telling:
    """What all events about one endpoint share; `at` is when it happened."""

    endpoint: str
    group_arn: str
    account: str
    region: str
    on_call: str
    event_id: str
    at: datetime
    serving: int | None = None

    def now_serving(self, version: int | None) -> "Telling":
        return replace(self, serving=version)

    def started(self, target: Target) -> DomainEvent:
        return ReleaseStarted.model_validate(
            {
                **self._of("ReleaseStarted", Severity.INFO, target),
                "package_arn": plain(target.package_arn, 300),
                "why": plain(target.why, _TEXT),
                "traffic": target.traffic,
                "creating": target.creating,
                "alarms": _texts(target.guarded_by),
                "notes": _texts(target.notes),
                "approved_by": plain(target.approved_by, 100),
                "approval_note": plain(target.approval_note, _TEXT),
                "replaces": target.previous_version,
            }
        )

    def succeeded(
        self,
        target: Target,
        set_up: SetUpPlan,
        problems: tuple[str, ...],
        kept_until: datetime | None,
        *,
        smoke_tested: bool = False,
    ) -> DomainEvent:
        return ReleaseSucceeded.model_validate(
            {
                **self._of("ReleaseSucceeded", Severity.INFO, target),
                "package_arn": plain(target.package_arn, 300),
                "started_at": target.started_at,
                "replaced": target.previous_version,
                "has": _texts(
                    (
                        *(["a smoke test: the model answered the sample payload"] if smoke_tested else []),
                        *set_up.has,
                    )
                ),
                "notes": _texts((*set_up.notes, *problems)),
                "later": _texts(set_up.later),
                "approved_by": plain(target.approved_by, 100),
                "kept_until": kept_until,
            }
        )

    def rolled_back(
        self,
        target: Target,
        reason: str,
        red_alarms: tuple[str, ...],
        refusal: str,
        next_version: int | None,
        *,
        silent: bool,
    ) -> DomainEvent:
        return ReleaseRolledBack.model_validate(
            {
                **self._of("ReleaseRolledBack", Severity.CRITICAL, target),
                "package_arn": plain(target.package_arn, 300),
                "started_at": target.started_at,
                "reason": plain(reason, 1_000),
                "silent": silent,
                "red_alarms": _texts(red_alarms),
                "rejected": not refusal,
                "refusal": plain(refusal, _TEXT),
                "approved_by": plain(target.approved_by, 100),
                "next_version": next_version,
            }
        )

    def blocked(
        self, block: Block, package_arn: str | None = None, since: datetime | None = None
    ) -> DomainEvent:
        """`since`: when it began, where it was told before."""
        began = (since or self.at).isoformat()
        return ReleaseBlocked.model_validate(
            {
                **self._shared("ReleaseBlocked", block.severity, block.version, self.at, block.code),
                "incident": self._incident("blocked", block.code, block.version, began),
                "package_arn": plain(package_arn, 300) if package_arn else None,
                "code": block.code,
                "why": plain(block.why, 1_000),
                "advice": plain(block.advice, _TEXT),
                "failure_reason": plain(block.failure_reason, 1_000),
            }
        )

    def approval_requested(
        self,
        package: ModelPackage,
        metrics: tuple[MetricCompared, ...],
        problem: str,
        live_problem: str,
        retrained: Retrained | None,
    ) -> DomainEvent:
        registered = package.creation_time or self.at
        shared = self._shared("ApprovalRequested", Severity.INFO, package.number, registered)
        return ApprovalRequested.model_validate(
            {
                **shared,
                "incident": self.thread_of(package.number, registered, retrained),
                "retrained": retrained,
                "package_arn": plain(package.model_package_arn, 300),
                "description": plain(package.model_package_description or "", _TEXT),
                "registered_at": package.creation_time,
                "registered_by": plain(package.created_by.name if package.created_by else "", 100),
                "metrics": metrics,
                "metrics_problem": plain(problem, _TEXT),
                "live_metrics_problem": plain(live_problem, _TEXT),
            }
        )

    def baselining_failed(self, version: int, job: str, reason: str) -> DomainEvent:
        failure = cleaned(reason)
        partition = self.group_arn.split(":")[1]
        return JobFailed.model_validate(
            {
                **self._shared("JobFailed", Severity.WARNING, version, self.at, job),
                "kind": JobKind.PROCESSING.value,
                "job": plain(job, 100),
                "job_arn": plain(
                    f"arn:{partition}:sagemaker:{self.region}:{self.account}:processing-job/{job}", 300
                ),
                "log_group": JobKind.PROCESSING.log_group or "",
                "purpose": "baselining",
                "code": failure.code,
                "reason": failure.said,
                "hint": likely_cause(failure),
                "exit_code": failure.exit_code,
                "passing": failure.passing,
            }
        )

    def thread_of(self, version: int, registered_at: datetime, retrained: Retrained | None) -> str:
        """The incident that all is told in about one version: its own, or that of the drift it was trained for."""
        if retrained is not None:
            return retrained.incident
        return self._incident("release", version, registered_at.isoformat())

    def _of(self, kind: str, severity: Severity, target: Target) -> dict[str, object]:
        shared = self._shared(kind, severity, target.version, target.started_at)
        return {**shared, "incident": target.incident or shared["incident"]}

    def _incident(self, *about: object) -> str:
        return stable_id(self.endpoint.lower(), *about)[:8]

    def _shared(
        self, kind: str, severity: Severity, version: int | None, since: datetime, about: str = ""
    ) -> dict[str, object]:
        return {
            "id": stable_id(self.endpoint.lower(), kind, version, about, since.isoformat()),
            "incident": self._incident("release", version, about, since.isoformat()),
            "severity": severity,
            "endpoint": plain(self.endpoint, 63),
            "account": self.account,
            "region": self.region,
            "on_call": plain(self.on_call, 64),
            "cause": Cause(event_id=plain(self.event_id, 100)),
            "group": plain(group_name(self.group_arn), 63),
            "group_arn": plain(self.group_arn, 300),
            "at": self.at,
            "version": version,
            "serving": self.serving,
        }


def _texts(texts: tuple[str, ...]) -> tuple[str, ...]:
    shown = tuple(plain(text, _TEXT) for text in texts[:_NAMES])
    return (*shown, f"... and {len(texts) - _NAMES} more") if len(texts) > _NAMES else shown
