"""What a run measured, and what it was held against: the files beside its report, and those of its baseline."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from stationkeeper.pages.content import Absent
from stationkeeper.pages.record import DrawnRun
from stationkeeper.reports.outcome import Blindness
from stationkeeper.reports.statistics import Statistics
from stationkeeper.reports.statistics_reader import MalformedStatistics, read_statistics
from stationkeeper.reports.verdict import Verdict
from stationkeeper.reports.violation import Monitor

_BY_CLARIFY = (Monitor.BIAS, Monitor.EXPLAINABILITY)
_VALUES_KEPT = 100
_NAME_CHARACTERS = 200  # what is called longer than that has no line
_NOT_NEEDED = Statistics()


class MeasuredFiles(Protocol):
    def read(self, uri: str) -> bytes | str:
        """The file's bytes, or why it cannot be read. Passing faults are raised."""


@dataclass(frozen=True, slots=True)
class Measures:
    """`monitor` is which one it was, as far as the violations tell; files that a page of it does not draw are empty."""

    monitor: Monitor | None
    current: Statistics | Absent = _NOT_NEEDED
    baseline: Statistics | Absent = _NOT_NEEDED
    constraints: Statistics | Absent = _NOT_NEEDED


def measures_of(run: DrawnRun, outcome: Verdict | Blindness, files: MeasuredFiles) -> Measures:
    """What a page of this run draws: only files that it needs are read, and of them only features that are
    violated; of the others their names."""
    execution = run.execution
    if isinstance(outcome, Blindness) or execution.report_uri is None:
        return Measures(execution.monitor)
    worst = outcome.worst
    monitor = execution.monitor or (worst[0].violation.monitor if worst else None)
    folder = execution.report_uri.rpartition("/")[0]
    name = "analysis.json" if monitor in _BY_CLARIFY else "statistics.json"
    wanted = frozenset(judged.violation.subject for judged in worst)
    current = _read(f"{folder}/{name}", files, wanted)
    if monitor in (Monitor.MODEL_QUALITY, *_BY_CLARIFY):
        return Measures(monitor, current, constraints=_read(run.constraints_uri, files, wanted))
    if not worst:  # nothing to be compared
        return Measures(monitor, current)
    return Measures(monitor, current, baseline=_read(run.baseline_uri, files, wanted))


def values_of(outcome: Verdict | Blindness, measures: Measures) -> Mapping[str, float]:
    """What later pages draw a line of: metrics of model quality, and biases that are violated."""
    if isinstance(outcome, Blindness):
        return {}
    values = {}
    if isinstance(measures.current, Statistics):
        values = {name: value for name, (value, _) in measures.current.metrics.items()}
    for judged in outcome.worst:
        violation = judged.violation
        if violation.observed is not None and violation.monitor in (Monitor.MODEL_QUALITY, Monitor.BIAS):
            name = " ".join(filter(None, (violation.subject, violation.qualifier)))
            values.setdefault(name, violation.observed)
    named = ((name, value) for name, value in values.items() if len(name) <= _NAME_CHARACTERS)
    return dict(islice(named, _VALUES_KEPT))


def _read(uri: str | None, files: MeasuredFiles, wanted: frozenset[str]) -> Statistics | Absent:
    if uri is None:
        return Absent("the job does not say where it is")
    data = files.read(uri)
    if isinstance(data, str):
        return Absent(data)
    try:
        return read_statistics(data, wanted)
    except MalformedStatistics as error:
        return Absent(f"{uri} cannot be read: {error}")
