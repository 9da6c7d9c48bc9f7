"""Values of the domain for tests: sound defaults, so that a test names only what it is about."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from stationkeeper.alerts.lifecycle import Finding
from stationkeeper.alerts.memory import Memory
from stationkeeper.alerts.standing import Blind, Judged, Run
from stationkeeper.alerts.telling import Context
from stationkeeper.reactions import monitor_report
from stationkeeper.reports.outcome import Blindness, Execution
from stationkeeper.reports.policy import Alerting, EndpointPolicy, SeverityPolicy
from stationkeeper.reports.reader import read_violations
from stationkeeper.reports.verdict import Verdict, judge_all
from stationkeeper.reports.violation import Measure, Monitor, Violation
from stationkeeper.severity import Severity

START = datetime(2026, 11, 23, tzinfo=UTC)
SCHEDULE_ARN = "arn:aws:sagemaker:eu-west-1:123456789012:monitoring-schedule/taxi-data-quality"
JOB = "model-monitoring-202611230100-2380a120b4182cad1daa9eb5"

DEFAULTS = SeverityPolicy().for_endpoint("taxi-prod")


def policy(document: dict[str, Any], endpoint: str = "taxi-prod") -> EndpointPolicy:
    """A policy as a user writes it, for one endpoint."""
    return SeverityPolicy.parse(json.dumps(document)).for_endpoint(endpoint)


def violation(
    subject: str = "fare",
    check: str = "data_type_check",
    *,
    measure: Measure = Measure.SHARE,
    observed: float | None = 0.0,
    expected: float | None = 100.0,
    monitor: Monitor = Monitor.DATA_QUALITY,
    qualifier: str = "",
) -> Violation:
    return Violation(
        monitor=monitor,
        subject=subject,
        qualifier=qualifier,
        check=check,
        measure=measure,
        observed=observed,
        expected=expected,
        margin=None,
        description="",
    )


def drift(subject: str, distance: float, threshold: float = 0.1) -> dict[str, Any]:
    """An entry of a report: a feature that drifted."""
    return {
        "feature_name": subject,
        "constraint_check_type": "baseline_drift_check",
        "description": f"Baseline drift distance: {distance} exceeds threshold: {threshold}",
    }


def report(*violations: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"violations": list(violations), **more}).encode()


def verdict_of(*violations: dict[str, Any], by: EndpointPolicy = DEFAULTS, now: datetime = START) -> Verdict:
    """What a report with these entries amounts to."""
    return judge_all(read_violations(report(*violations)), by, now)


def execution(hour: float = 0, **replaced: Any) -> Execution:
    """The run due `hour` hours after START."""
    at = START + timedelta(hours=hour)
    folder = "s3://sagemaker-eu-west-1-123456789012/reports/taxi-prod"
    facts: dict[str, Any] = {
        "schedule_arn": SCHEDULE_ARN,
        "schedule": "taxi-data-quality",
        "endpoint": "taxi-prod",
        "monitor": Monitor.DATA_QUALITY,
        "job": f"model-monitoring-{at:%Y%m%d%H%M}-2380a120b4182cad1daa9eb5",
        "job_arn": "arn:aws:sagemaker:eu-west-1:123456789012:processing-job/model-monitoring",
        "at": at,
        "window": (at - timedelta(hours=1), at),
        "report_uri": f"{folder}/{at:%Y/%m/%d/%H}/constraint_violations.json",
        "exit_message": "",
        "blind": None,
    }
    return Execution(**{**facts, **replaced})


def context(execution: Execution, **replaced: Any) -> Context:
    facts: dict[str, Any] = {
        "account": "123456789012",
        "region": "eu-west-1",
        "event_id": "0a15f67d-aa23-0123-0123-01a23w89r01t",
        "on_call": "ml-on-call",
        "policy_problem": None,
    }
    return Context(execution=execution, **{**facts, **replaced})


def remembered(
    memory: Memory, execution: Execution, outcome: Verdict | Blindness, alerting: Alerting | None = None
) -> tuple[Memory, tuple[Finding, ...]]:
    """The memory after a run, the way the reaction adds it."""
    run, names = monitor_report._run(execution, outcome)
    return memory.with_run(run, names, alerting or Alerting())


def judged_run(hour: float, *, untracked: int = 0, **levels: int) -> Run:
    """A run that found these violations at these levels."""
    counts: dict[Severity, int] = {}
    for level in levels.values():
        severity = list(Severity)[level // 100 - 1]
        counts[severity] = counts.get(severity, 0) + 1
    if untracked:
        counts[Severity.INFO] = counts.get(Severity.INFO, 0) + untracked
    outcome = Judged(levels=levels, counts=counts, untracked=untracked)
    return Run(at=START + timedelta(hours=hour), job=f"job-{hour:08.3f}", outcome=outcome)


def blind_run(hour: float, reason: str = "no-data") -> Run:
    return Run(at=START + timedelta(hours=hour), job=f"job-{hour:08.3f}", outcome=Blind(reason=reason))


def names_of(run: Run) -> dict[str, str]:
    levels = run.outcome.levels if isinstance(run.outcome, Judged) else {}
    return {identity: f"{identity} (check)" for identity in levels}


def forms_of_control() -> list[str]:
    """What should never reach a terminal, a mail client or a shell as it is."""
    return [
        "\n[CRITICAL] forged: line",
        "\x1b[31mred\x1b[0m",
        "\u202egnp.exe",
        "\ud800",
        "\u2028next line",
        "$(reboot)",
        "`reboot`",
        "'; reboot; '",
        '"quoted"',
        "a\\b",
        "\x00",
        "\U0001f600",
        "x" * 10_000,
        "\u7279" * 400,
        "* glob ?[0]",
        " leading and trailing ",
        "two  spaces",
    ]


def hostile_text(*, visible: bool = False) -> st.SearchStrategy[str]:
    """Text from outside at its worst; `visible` leaves out what is nothing but space."""
    anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)
    text = st.one_of(
        st.sampled_from(forms_of_control()),
        anything,
        st.builds("".join, st.lists(st.one_of(st.sampled_from(forms_of_control()), anything), max_size=3)),
    )
    return text.filter(str.strip) if visible else text
