# ruff: noqa: INP001 - a script imports it, from beside itself
"""What the dashboard shows, apart from what every function has: the graphs of what reactions did, and of the endpoints.

CloudWatch draws at most 500 metrics a graph and 2,500 a dashboard, those that an expression only looks through included [guide: CloudWatch
service quotas]. So what grows with the number of endpoints is asked of Metrics Insights, which returns ten, or is one SEARCH a graph (at most
500 metrics) where a percentile or two dimensions are wanted. A graph takes one query of Metrics Insights, no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

type Json = dict[str, Any]
type Metric = list[Any]
"""A line of a graph: namespace, name, dimensions, and how it is drawn; or an expression alone."""

FIVE_MINUTES, HOUR = 300, 3600

HOW_TO_READ = f"""\
# Stationkeeper
**Top to bottom:** what is wrong with the stack itself, what is wrong with your endpoints, one row per function, what it costs. \
**A row, left to right:** events that came in and those that wait; what was done; what failed; how long it took from the event's time to the end \
of its reaction. An event that was redriven counts from the day it happened, so a redrive shows as one high maximum. \
A red alarm: docs/operations.md says what it means and what to do. Empty graphs are reactions that had nothing to do. \
Endpoints are the ten worst in the time shown; all values are per {FIVE_MINUTES // 60} minutes unless the title says otherwise."""


@dataclass(frozen=True)
class Graph:
    """A graph of metrics. `options` are properties of CloudWatch's metric widget."""

    title: str
    metrics: Sequence[Metric]
    options: Json = field(default_factory=dict)

    def properties(self) -> Json:
        return {
            "region": "${AWS::Region}",
            "title": self.title,
            "view": "timeSeries",
            "stat": "Sum",
            "period": FIVE_MINUTES,
            **self.options,
        }


def ours(name: str, label: str = "", **dimensions: str) -> Metric:
    """A metric that the functions write."""
    pairs = [part for pair in {"service": "stationkeeper", **dimensions}.items() for part in pair]
    return ["Stationkeeper", name, *pairs, *([{"label": label}] if label else [])]


def expression(text: str, name: str, label: str = "", **options: Any) -> Metric:
    return [{"expression": text, "id": name, **({"label": label} if label else {}), **options}]


def by(name: str, *dimensions: str, words: str = "") -> Metric:
    """One line for every value that a metric of ours has in some dimensions; `words` stand before the value."""
    label = " ".join([*([words] if words else []), *(f"${{!PROP('Dim.{one}')}}" for one in dimensions)])
    schema = ",".join(["Stationkeeper", *sorted([*dimensions, "service"])])
    search = f"SEARCH('{{{schema}}} MetricName=\"{name}\"', 'Sum', {FIVE_MINUTES})"
    return expression(search, name[0].lower() + name[1:], label)


def worst_ten(function: str, name: str, schema: str, order: str = "DESC") -> Metric:
    """The ten endpoints with the highest values, or the lowest; Metrics Insights, which looks through 10,000 and returns these alone."""
    query = (
        f'SELECT {function}({name}) FROM SCHEMA("{schema}", EndpointName, VariantName) '  # noqa: S608 - no database
        f"GROUP BY EndpointName ORDER BY {function}() {order} LIMIT 10"
    )
    return expression(query, name[0].lower() + name[1:])


# Several monitors watch one endpoint: the sum over checks is drawn, by severity.
VIOLATIONS = [
    expression(
        f'SUM(SEARCH(\'{{Stationkeeper,check,service,severity}} MetricName="Violations" severity="{severity}"\', '
        f"'Sum', {FIVE_MINUTES}))",
        severity,
        f"{severity} violations",
        color=color,
    )
    for severity, color in (("critical", "#d62728"), ("warning", "#ff7f0e"), ("info", "#7f7f7f"))
]

DONE: dict[str, tuple[Graph, ...]] = {
    "monitor_report": (
        Graph("Judged", [ours("ReportsJudged"), *VIOLATIONS]),
        Graph(
            "Not judged: blind, by reason; repeated; too late to be placed",
            [by("BlindRuns", "reason", words="blind:"), ours("RepeatedEvents"), ours("ForgottenRuns")],
        ),
        Graph(
            "Reading and judging a report, milliseconds",
            [[*ours("ReportParsing"), {"stat": stat, "label": stat}] for stat in ("p50", "p95", "Maximum")],
        ),
    ),
    "drift_page": (Graph("Pages drawn", [ours("PagesDrawn")]),),
    "release": (
        Graph(
            "Releases",
            [
                ours("ReleasesStarted"),
                ours("ReleasesSucceeded"),
                ours("ReleasesRolledBack"),
                by("ReleasesBlocked", "code", words="blocked:"),
                ours("UnreadableGroups"),
                ours("UnmanagedGroups"),
            ],
        ),
    ),
    "artifact_sync": (
        Graph(
            "Artifacts",
            [
                ours("ArtifactsPublished"),
                ours("PointersMoved"),
                ours("ArtifactsWithdrawn"),
                ours("ArtifactsRetired"),
                ours("ArtifactsNotDeleted"),
                by("ArtifactsRejected", "reason", words="refused:"),
            ],
        ),
    ),
    "alarm_response": (
        Graph(
            "Red alarms answered, changes told, versions taken back",
            [
                by("AlarmsAnswered", "response", words="answered:"),
                ours("AlarmEdges"),
                ours("VersionsTakenBack"),
            ],
        ),
    ),
    "retraining": (
        Graph(
            "Retrainings",
            [
                ours("RetrainingsStarted"),
                ours("RetrainingsLeft"),
                by("RetrainingsSkipped", "code", words="skipped:"),
            ],
        ),
    ),
    "job_report": (
        Graph("Jobs told, versions registered", [by("JobsTold", "kind"), ours("VersionsRegistered")]),
    ),
    "notification": (
        Graph(
            "Messages, by kind and severity",
            [by("Messages", "kind", "severity"), ours("MessagesRepeated")],
            {"stacked": True},
        ),
    ),
    "sweep": (
        Graph(
            "Looked at again, and tidied",
            [ours("GroupsSwept"), ours("ArtifactsSwept"), ours("ThingsTidied"), ours("ThingsNotOurs")],
        ),
    ),
}

SERVING = "/aws/sagemaker/Endpoints"
FROM_ZERO = {"yAxis": {"left": {"min": 0}}}
ENDPOINTS: tuple[tuple[Graph, ...], ...] = (
    (
        Graph(
            "Violations open, by endpoint and monitoring schedule",
            [
                expression(
                    "SLICE(SORT(SEARCH('{Stationkeeper,endpoint,schedule,service} MetricName=\"ViolationsOpen\"', "
                    f"'Maximum', {HOUR}), MAX, DESC), 0, 10)",
                    "violationsOpen",
                    "${!PROP('Dim.endpoint')} ${!PROP('Dim.schedule')}",
                )
            ],
            {"period": HOUR, "stat": "Maximum"},
        ),
        Graph("Calls", [worst_ten("SUM", "Invocations", "AWS/SageMaker")]),
        Graph("Calls answered with 5xx", [worst_ten("SUM", "Invocation5XXErrors", "AWS/SageMaker")]),
        Graph(
            "Model latency, 95th percentile, microseconds",
            [
                expression(
                    "SLICE(SORT(SEARCH('{AWS/SageMaker,EndpointName,VariantName} MetricName=\"ModelLatency\"', "
                    f"'p95', {FIVE_MINUTES}), MAX, DESC), 0, 10)",
                    "modelLatency",
                    "${!PROP('Dim.EndpointName')}",
                )
            ],
        ),
    ),
    (
        Graph(
            "Multi-model: least share of calls whose model was loaded",
            [worst_ten("AVG", "ModelCacheHit", "AWS/SageMaker", "ASC")],
            {"yAxis": {"left": {"min": 0, "max": 1}}},
        ),
        Graph(
            "Multi-model: waiting for a model, microseconds",
            [worst_ten("AVG", "ModelLoadingWaitTime", "AWS/SageMaker")],
        ),
        Graph(
            "Multi-model: models loaded, per minute",
            [worst_ten("SUM", "LoadedModelCount", SERVING)],
            {"period": 60},
        ),
    ),
    (
        Graph(
            "Memory of the fullest instance, percent",
            [worst_ten("MAX", "MemoryUtilization", SERVING)],
            FROM_ZERO,
        ),
        Graph(
            "Disk of the fullest instance, percent: above 75 data capture stops silently",
            [worst_ten("MAX", "DiskUtilization", SERVING)],
            FROM_ZERO,
        ),
    ),
)
