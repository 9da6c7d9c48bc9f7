"""How violations and reasons are called in plain words."""

import re
from typing import NamedTuple, Protocol

from stationkeeper.alerts.text import count, figure, figures, percent
from stationkeeper.reports.violation import Measure, Monitor

MONITORS = {
    Monitor.DATA_QUALITY: "data-quality monitor",
    Monitor.MODEL_QUALITY: "model-quality monitor",
    Monitor.BIAS: "bias monitor",
    Monitor.EXPLAINABILITY: "explainability monitor",
    Monitor.CUSTOM: "custom monitor",
    None: "monitor",
}

_CHECKS: dict[str, tuple[str, str]] = {
    "baseline_drift_check": ("feature drifted", "features drifted"),
    "data_type_check": ("feature changed type", "features changed type"),
    "completeness_check": ("feature incomplete", "features incomplete"),
    "categorical_values_check": ("feature with unknown values", "features with unknown values"),
    "missing_column_check": ("report of missing columns", "reports of missing columns"),
    "extra_column_check": ("report of extra columns", "reports of extra columns"),
    "LessThanThreshold": ("metric too low", "metrics too low"),
    "GreaterThanThreshold": ("metric too high", "metrics too high"),
    "bias_drift_check": ("bias metric drifted", "bias metrics drifted"),
    "feature_attribution_drift_check": ("attribution ranking drifted", "attribution rankings drifted"),
    "other": ("other violation", "other violations"),
}

_EXPECTED_TYPE = re.compile(r"Expected data type: (\w+)")


class Violated(Protocol):
    """What is told of a violation, whether it comes from a report or from an event; its texts are cleaned."""

    @property
    def subject(self) -> str: ...
    @property
    def qualifier(self) -> str: ...
    @property
    def check(self) -> str: ...
    @property
    def measure(self) -> str: ...
    @property
    def observed(self) -> float | None: ...
    @property
    def expected(self) -> float | None: ...
    @property
    def margin(self) -> float | None: ...
    @property
    def description(self) -> str: ...


def headlines(by_check: dict[str, int]) -> list[str]:
    """Ways to say what was found, the most telling first, the shortest last."""
    ranked = sorted(by_check.items(), key=lambda item: (-item[1], item[0]))
    total = sum(by_check.values())
    choices = []
    for shown in range(len(ranked), 0, -1):
        parts = [count(number, *_CHECKS.get(check, _CHECKS["other"])) for check, number in ranked[:shown]]
        rest = total - sum(number for _, number in ranked[:shown])
        choices.append(", ".join([*parts, f"{rest:,} more"] if rest else parts))
    return [*choices, count(total, "violation"), "violations"]


def subject_of(violation: Violated) -> str:
    """The name a line of the list begins with."""
    if violation.qualifier:
        return f"{violation.subject} ({violation.qualifier})"
    return violation.subject


def numbers_of(violation: Violated) -> str:
    """What is wrong with it, in numbers where there are some, else in the monitor's own words."""
    observed, expected = violation.observed, violation.expected
    found, limit = figures(observed, expected)
    margin = f" +/- {figure(violation.margin)}" if violation.margin is not None else ""
    match Measure(violation.measure):
        case Measure.SHARE:
            return f"{percent(observed)} {_of_what(violation)}, {percent(expected)} expected"
        case Measure.FRACTION:
            return f"only {percent(observed * 100 if observed is not None else None)} fit the constraint"
        case Measure.DISTANCE:
            return f"distance {found} from the baseline, {limit} allowed"
        case Measure.COLUMNS:
            return (
                f"{figure(observed)} column{'' if observed == 1 else 's'}, {figure(expected)} in the baseline"
            )
        case Measure.BELOW:
            return f"{found}{margin}, at least {limit} wanted"
        case Measure.ABOVE:
            return f"{found}{margin}, at most {limit} allowed"
        case Measure.DIFFERENCE if expected is not None:
            return f"{found}, {limit} in the baseline"
        case Measure.DIFFERENCE:
            return f"{figure(observed)} is not within its constraint"
        case _:
            return violation.description or f"violates {violation.check}, with no description"


def _of_what(violation: Violated) -> str:
    if violation.check == "data_type_check":
        kind = _EXPECTED_TYPE.search(violation.description)
        return f"of values are {kind[1]}" if kind else "of values have the right type"
    if violation.check == "completeness_check":
        return "of values present"
    if violation.check == "categorical_values_check":
        return "of values are known ones"
    return "match"


class BlindWords(NamedTuple):
    """A reason for blindness: in the subject, as a sentence, and what to do first."""

    short: str
    sentence: str
    advice: str


BLIND: dict[str, BlindWords] = {
    "no-data": BlindWords(
        "no data to look at",
        "The job found no captured data to look at: either nobody called the endpoint in this window, or data capture "
        "has stopped. Capture stops silently when the disk of an instance fills up.",
        "Check whether the endpoint is called and still captures",
    ),
    "job-failed": BlindWords("job failed", "The job itself failed.", "Read the job's log"),
    "job-stopped": BlindWords(
        "job was stopped",
        "The job was stopped before it wrote a report: by somebody, or by its time limit.",
        "Read the job's log; raise MaxRuntimeInSeconds of the schedule if it ran out of time",
    ),
    "merge-failed": BlindWords(
        "ground truth could not be merged",
        "The job that joins predictions with ground truth failed, so that model quality cannot be computed.",
        "Check that ground truth was uploaded for this window, with the inference ids of the captured records",
    ),
    "report-missing": BlindWords(
        "report is missing",
        "The job ended, but its report is not where it belongs.",
        "Look at what the job wrote",
    ),
    "report-denied": BlindWords(
        "report may not be read",
        "The job ended, but Stationkeeper is not allowed to read its report.",
        "Add the bucket to the stack's MonitoredBuckets, and the KMS key it is encrypted with to MonitoredKeyArns, then deploy",
    ),
    "report-malformed": BlindWords(
        "report is unreadable",
        "The job ended, but its report is not the JSON document that monitors write.",
        "Look at the report; a custom container, or another job writing to the same place, may have damaged it",
    ),
    "report-too-large": BlindWords(
        "report is too large",
        "The job ended, but its report is larger than Stationkeeper may read.",
        "Nearly everything is violated. Fetch the report and read it with `stationkeeper report report.json`",
    ),
    "report-contradictory": BlindWords(
        "report is empty, violations were announced",
        "The job says that it found violations, but its report lists none.",
        "Look at the report and the job's log",
    ),
}
UNKNOWN_BLINDNESS = BlindWords(
    "run could not be judged", "The run could not be judged.", "Read the job's log"
)
