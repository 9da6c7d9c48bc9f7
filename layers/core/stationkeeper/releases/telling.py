"""From what happened to a release to the domain event that says it: a pure translation."""

from dataclasses import dataclass, replace
from datetime import datetime

from stationkeeper.alerts.text import plain
from stationkeeper.events.domain import Cause, DomainEvent, stable_id
from stationkeeper.events.release_events import (
    ApprovalRequested,
    JobFailed,
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
                **self._shared("ReleaseStarted", Severity.INFO, target.version, target.started_at),
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
                **self._shared("ReleaseSucceeded", Severity.INFO, target.version, target.started_at),
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
                **self._shared("ReleaseRolledBack", Severity.CRITICAL, target.version, target.started_at),
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

    def blocked(self, block: Block, package_arn: str | None = None) -> DomainEvent:
        return ReleaseBlocked.model_validate(
            {
                **self._shared("ReleaseBlocked", block.severity, block.version, self.at, block.code),
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
    ) -> DomainEvent:
        return ApprovalRequested.model_validate(
            {
                **self._shared(
                    "ApprovalRequested", Severity.INFO, package.number, package.creation_time or self.at
                ),
                "package_arn": plain(package.model_package_arn, 300),
                "description": plain(package.model_package_description or "", _TEXT),
                "registered_at": package.creation_time,
                "registered_by": plain(package.created_by.name if package.created_by else "", 100),
                "metrics": metrics,
                "metrics_problem": plain(problem, _TEXT),
                "live_metrics_problem": plain(live_problem, _TEXT),
            }
        )

    def job_failed(self, version: int, job: str, reason: str) -> DomainEvent:
        return JobFailed.model_validate(
            {
                **self._shared("JobFailed", Severity.WARNING, version, self.at, job),
                "job": plain(job, 100),
                "purpose": "baselining",
                "reason": plain(reason, 1_000),
            }
        )

    def _shared(
        self, kind: str, severity: Severity, version: int | None, since: datetime, about: str = ""
    ) -> dict[str, object]:
        return {
            "id": stable_id(self.endpoint.lower(), kind, version, about, since.isoformat()),
            "incident": stable_id(self.endpoint.lower(), "release", version, about, since.isoformat())[:8],
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
