"""`stationkeeper report --html`: the drift page of a report, anywhere."""

from datetime import UTC, datetime
from pathlib import Path

from stationkeeper.pages.content import Absent, PageContent
from stationkeeper.pages.drawing import draw
from stationkeeper.reports.outcome import REPORT_NAME
from stationkeeper.reports.statistics import Statistics
from stationkeeper.reports.statistics_reader import MalformedStatistics, read_statistics
from stationkeeper.reports.verdict import Verdict
from stationkeeper.reports.violation import Monitor

from stationkeeper_command.errors import CommandError
from stationkeeper_command.report import read_file

_BESIDE = {Monitor.BIAS: "analysis.json", Monitor.EXPLAINABILITY: "analysis.json"}


def write(
    out: Path,
    address: str,
    endpoint: str,
    monitor: Monitor,
    verdict: Verdict,
    statistics: str | None,
    baseline: str | None,
) -> None:
    """Write the page of a report to a file.

    Parameters
    ----------
    statistics : what the run measured (`statistics.json`, of Clarify `analysis.json`); without it, the file beside the report.
    baseline : what it was held against: the baseline's `statistics.json` or `constraints.json`.

    Raises
    ------
    CommandError
        A file cannot be read, is none of these, or the page cannot be written.
    """
    wanted = frozenset(judged.violation.subject for judged in verdict.worst)
    before = _read(baseline, wanted) if baseline else Absent("no file was given with --baseline")
    page = draw(
        PageContent(
            endpoint=endpoint,
            monitor=monitor,
            outcome=verdict,
            drawn_at=datetime.now(UTC),
            current=_measured(address, statistics, monitor, wanted),
            baseline=before,
            constraints=before if isinstance(before, Statistics) else Statistics(),
            report_uri=address,
        )
    )
    try:
        out.write_text(page, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise CommandError(f"cannot write {out}: {error.strerror or error}") from error


def _measured(
    address: str, statistics: str | None, monitor: Monitor, wanted: frozenset[str]
) -> Statistics | Absent:
    if statistics:
        return _read(statistics, wanted)
    name = _BESIDE.get(monitor, "statistics.json")
    if not address.startswith("s3://"):
        report = Path(address)
        beside = (report if report.is_dir() else report.parent) / name
        if beside.is_file():
            return _read(str(beside), wanted)
    return Absent(f"no file was given with --statistics, and no {name} lies beside {REPORT_NAME}")


def _read(address: str, wanted: frozenset[str]) -> Statistics:
    try:
        return read_statistics(read_file(address), wanted)
    except MalformedStatistics as error:
        raise CommandError(f"{address} holds no statistics of a monitor: {error}") from error
