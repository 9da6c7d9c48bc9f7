"""`stationkeeper report`: judge a violation report on the spot."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from stationkeeper.alerts.phrases import MONITORS, numbers_of, subject_of
from stationkeeper.alerts.text import count, plain
from stationkeeper.errors import InvalidPolicy
from stationkeeper.events.domain import ReportedViolation
from stationkeeper.reports.outcome import REPORT_NAME, Blindness
from stationkeeper.reports.policy import EndpointPolicy, SeverityPolicy
from stationkeeper.reports.reader import MalformedReport, read_violations
from stationkeeper.reports.verdict import Judged, Verdict, judge, judge_all, worst_first
from stationkeeper.reports.violation import Monitor, Violation
from stationkeeper.severity import Severity

from stationkeeper_command.errors import CommandError

STYLES = {Severity.CRITICAL: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_SHOWN = 200
_LIMIT_BYTES = 1_000_000_000
_CONSTRAINTS = {
    "features": Monitor.DATA_QUALITY,
    "regression_constraints": Monitor.MODEL_QUALITY,
    "binary_classification_constraints": Monitor.MODEL_QUALITY,
    "multiclass_classification_constraints": Monitor.MODEL_QUALITY,
}


def verdict_of(address: str, policy: EndpointPolicy) -> tuple[Monitor, Verdict]:
    """Which monitor wrote a report, and what it amounts to; as lean as in the function, however long the report.

    Raises
    ------
    CommandError
        When the report cannot be read, or is none.
    """
    address = _report_in(address)
    with _refusing(address):
        verdict = judge_all(read_violations(read_file(address)), policy, datetime.now(UTC))
    return _monitor(address, [judged.violation for judged in verdict.worst]), verdict


def judged_report(address: str, policy: EndpointPolicy) -> tuple[Monitor, list[Judged]]:
    """Which monitor wrote a report, and every violation that no mute hides, worst first; raises as `verdict_of`."""
    address = _report_in(address)
    with _refusing(address):
        violations = list(read_violations(read_file(address)))
    now = datetime.now(UTC)
    kept = (judge(violation, policy) for violation in violations if not policy.muted(violation, now))
    return _monitor(address, violations), sorted(kept, key=worst_first)


def _report_in(address: str) -> str:
    """The address itself, or the report in the folder that a job wrote into."""
    if not address.startswith("s3://") and (Path(address) / REPORT_NAME).is_file():
        return str(Path(address) / REPORT_NAME)
    return address


@contextmanager
def _refusing(address: str) -> Iterator[None]:
    try:
        yield
    except MalformedReport as error:
        raise CommandError(f"{address} is not a violation report: {error}") from error


def as_json(monitor: Monitor, judged: list[Judged]) -> dict[str, Any]:
    """The document `--json` prints; numbers that JSON cannot hold (infinite, not a number) are null."""
    counts = {severity.value: 0 for severity in reversed(Severity)}
    for one in judged:
        counts[one.severity.value] += 1
    worst = max((one.severity for one in judged), default=None)
    return {
        "monitor": monitor.value,
        "severity": worst.value if worst else "none",
        "counts": counts,
        "violations": [
            {
                "subject": one.violation.subject,
                "check": one.violation.check,
                "severity": one.severity.value,
                "observed": _finite(one.violation.observed),
                "expected": _finite(one.violation.expected),
                "description": one.violation.description,
            }
            for one in judged
        ],
    }


def show(console: Console, address: str, monitor: Monitor, verdict: Verdict) -> None:
    """The report as a table for a person: the worst, and how many more there are."""
    title = f"{MONITORS[monitor]}: {count(verdict.total, 'violation')}"
    if verdict.muted:
        title += f", {verdict.muted:,} more muted"
    if not verdict.total:
        console.print(Text(f"{plain(address, 500)}\n{title}", style="green"))
        return
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in ("severity", "about", "check", "what is wrong"):
        table.add_column(heading, overflow="fold")
    for one in verdict.worst[:_SHOWN]:
        shown = _shown(one)
        table.add_row(
            Text(one.severity.value, style=STYLES[one.severity]),
            Text(subject_of(shown)),
            Text(shown.check),
            Text(numbers_of(shown)),
        )
    console.print(table)
    if verdict.total > _SHOWN:
        console.print(f"... and {verdict.total - _SHOWN:,} more; --json lists all of them")


def read_policy(path: Path | None, endpoint: str) -> EndpointPolicy:
    """The default policy, or the one in a file, as it applies to an endpoint."""
    if path is None:
        return SeverityPolicy().for_endpoint(endpoint)
    try:
        return SeverityPolicy.parse(path.read_text(encoding="utf-8")).for_endpoint(endpoint)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"cannot read the policy {path}: {error}") from error
    except InvalidPolicy as error:
        raise CommandError(f"{path} is not a valid severity policy: {error}") from error


def read_file(address: str) -> bytes:
    """A file on this machine or in S3; `CommandError` says why it cannot be read."""
    return _read_s3(address) if address.startswith("s3://") else _read_file(Path(address))


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise CommandError(f"there is no file {path}") from error
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror or error}") from error


def _read_s3(address: str) -> bytes:
    # Only this needs boto3, which takes a third of a second to import.
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError
    from stationkeeper.aws.report_files import S3Reports

    try:
        report = S3Reports(lambda: boto3.client("s3"), _LIMIT_BYTES).read(address)
    except (BotoCoreError, ClientError) as error:
        raise CommandError(f"cannot read {address}: {error}") from error
    if isinstance(report, Blindness):
        raise CommandError(f"cannot read {address}: {report.detail}")
    return report


def _monitor(address: str, violations: list[Violation]) -> Monitor:
    """What most violations say; for an empty report what the constraints beside it are about."""
    kinds = [violation.monitor for violation in violations]
    if kinds:
        return max(set(kinds), key=kinds.count)
    beside = Path(address).parent / "constraints.json" if not address.startswith("s3://") else None
    if beside is not None and beside.is_file():
        try:
            constraints = json.loads(beside.read_bytes())
        except ValueError:  # not a file of ours to complain about: the report itself was readable
            constraints = {}
        for key, monitor in _CONSTRAINTS.items():
            if isinstance(constraints, dict) and key in constraints:
                return monitor
    return Monitor.CUSTOM


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _shown(judged: Judged) -> ReportedViolation:
    violation = judged.violation
    return ReportedViolation(
        subject=plain(violation.subject, 80),
        qualifier=plain(violation.qualifier, 60),
        check=plain(violation.check, 60),
        measure=violation.measure.value,
        severity=judged.severity,
        observed=violation.observed,
        expected=violation.expected,
        margin=violation.margin,
        description=plain(violation.description, 300),
    )
