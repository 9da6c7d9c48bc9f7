"""From what on-call must hear to the domain event that says it: a pure translation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from stationkeeper.alerts.lifecycle import Finding, TellBlindness, TellRecovery, TellViolations
from stationkeeper.alerts.text import plain
from stationkeeper.events.domain import (
    Cause,
    MonitorBlind,
    MonitorEvent,
    MonitorRecovered,
    ReportedViolation,
    ViolationsDetected,
    Window,
    stable_id,
)
from stationkeeper.reports.outcome import Blindness, Execution
from stationkeeper.reports.policy import glob_for
from stationkeeper.reports.verdict import Judged, Verdict
from stationkeeper.reports.violation import Monitor
from stationkeeper.severity import Severity

WORST_TOLD = 50
OVER_TOLD = 20
WORST_SEEN_AGAIN = 5


@dataclass(frozen=True, slots=True)
class Context:
    """What an event says besides the finding itself."""

    execution: Execution
    account: str
    region: str
    event_id: str
    on_call: str
    policy_problem: str | None
    newer_run_at: datetime | None = None
    open_violations: int | None = None
    page_uri: str = ""


def domain_event(
    finding: Finding,
    outcome: Verdict | Blindness,
    names: Mapping[str, str],
    context: Context,
) -> MonitorEvent:
    """The domain event for one finding; its id follows from schedule, run and kind."""
    execution = context.execution
    about = finding.of if isinstance(finding, TellRecovery) else finding.kind
    shared: dict[str, object] = {
        "id": stable_id(execution.schedule_arn, execution.job, finding.kind, about),
        "incident": stable_id(execution.schedule_arn, about, finding.incident.isoformat())[:8],
        "endpoint": plain(execution.endpoint, 63),
        "schedule": plain(execution.schedule, 63),
        "schedule_arn": plain(execution.schedule_arn, 300),
        "monitor": execution.monitor,
        "account": context.account,
        "region": context.region,
        "on_call": context.on_call,
        "run_at": execution.at,
        "window": Window(start=execution.window[0], end=execution.window[1]) if execution.window else None,
        "since": finding.since,
        "runs": finding.runs,
        "cause": Cause(
            event_id=context.event_id, job=plain(execution.job), job_arn=plain(execution.job_arn, 300)
        ),
        "report_uri": plain(execution.report_uri, 1_200) if execution.report_uri else None,
        "page_uri": context.page_uri,
        "newer_run_at": context.newer_run_at,
        "policy_problem": context.policy_problem,
    }
    if isinstance(finding, TellViolations):
        assert isinstance(outcome, Verdict)
        return _violations_detected(finding, outcome, names, shared)
    if isinstance(finding, TellBlindness):
        assert isinstance(outcome, Blindness)
        return MonitorBlind.model_validate(
            {
                **shared,
                "severity": finding.severity,
                "reason": finding.reason,
                "said": plain(outcome.detail, 1_000),
                "reminder": finding.reminder,
                "repeat_after_hours": finding.repeat_after_hours,
                "open_violations": context.open_violations,
            }
        )
    assert isinstance(outcome, Verdict)
    over = _names(finding.over, names)
    return MonitorRecovered.model_validate(
        {
            **shared,
            # A monitor that sees again is as bad as what it sees.
            "severity": outcome.severity or Severity.INFO,
            "counts": outcome.counts,
            "worst": [_reported(judged, None) for judged in outcome.worst[:WORST_SEEN_AGAIN]],
            "of": finding.of,
            "over": over[:OVER_TOLD],
            "over_count": len(finding.over),
            "open_violations": outcome.total,
            "muted": outcome.muted,
        }
    )


def _violations_detected(
    finding: TellViolations, verdict: Verdict, names: Mapping[str, str], shared: dict[str, object]
) -> ViolationsDetected:
    over = _names(finding.over, names)
    by_check: dict[str, int] = {}
    for (check, _), number in verdict.by_check.items():
        by_check[check] = by_check.get(check, 0) + number
    if shared["monitor"] is None and verdict.worst:
        shared = {**shared, "monitor": verdict.worst[0].violation.monitor}
    return ViolationsDetected.model_validate(
        {
            **shared,
            "severity": finding.severity,
            "counts": verdict.counts,
            "by_check": by_check,
            "total": verdict.total,
            "muted": verdict.muted,
            "new": len(finding.new),
            "worse": len(finding.worse),
            "over": over[:OVER_TOLD],
            "over_count": len(finding.over),
            "first": finding.first,
            "reminder": finding.reminder,
            "repeat_after_hours": finding.repeat_after_hours,
            "worst": _worst(verdict.worst, finding),
        }
    )


def _worst(judged: tuple[Judged, ...], finding: TellViolations) -> tuple[ReportedViolation, ...]:
    """The worst of all, at least half of the room for what is new or worse; worst first."""
    fresh = finding.new | finding.worse
    news = [index for index, one in enumerate(judged) if one.violation.identity in fresh]
    lasting = [index for index, one in enumerate(judged) if one.violation.identity not in fresh]
    half = WORST_TOLD // 2
    news = news[: max(half, WORST_TOLD - len(lasting))]
    chosen = sorted([*news, *lasting[: WORST_TOLD - len(news)]])
    return tuple(_reported(judged[index], finding) for index in chosen)


def _reported(judged: Judged, finding: TellViolations | None) -> ReportedViolation:
    violation = judged.violation
    identity = violation.identity
    status: Literal["new", "worse", "ongoing"] = "ongoing"
    if finding is not None and not finding.first:
        status = "new" if identity in finding.new else "worse" if identity in finding.worse else "ongoing"
    return ReportedViolation(
        subject=plain(violation.subject, 120) or "unnamed",
        qualifier=plain(violation.qualifier, 80),
        metric=plain(violation.qualifier.rpartition(" ")[2], 40) if violation.monitor is Monitor.BIAS else "",
        check=plain(violation.check, 80),
        measure=violation.measure.value,
        severity=judged.severity,
        observed=violation.observed,
        expected=violation.expected,
        margin=violation.margin,
        description=plain(violation.description, 200),
        feature_glob=glob_for(violation.subject),
        check_glob=glob_for(violation.check),
        status=status,
    )


def _names(identities: frozenset[str], names: Mapping[str, str]) -> list[str]:
    return sorted(names[identity] for identity in identities if identity in names)
