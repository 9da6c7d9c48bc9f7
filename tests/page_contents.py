"""Drift pages to draw in tests: what a run found, as `monitor_report` would hand it over."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from stationkeeper.pages.content import Absent, Deed, PageContent, PastRun
from stationkeeper.reports.outcome import Blindness, BlindReason
from stationkeeper.reports.policy import SeverityPolicy
from stationkeeper.reports.reader import read_violations, violation_from
from stationkeeper.reports.statistics import Bucket, Categorical, Numeric, Statistics, Threshold
from stationkeeper.reports.statistics_reader import read_statistics
from stationkeeper.reports.verdict import Verdict, judge_all
from stationkeeper.reports.violation import Monitor
from stationkeeper.severity import Severity

from tests.real import PLACE, read

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
POLICY = SeverityPolicy().for_endpoint("taxi-prod")
HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "עברית \u202egnp.exe",
    "مرحبا بالعالم",
    "🚕" * 40,
    "a_very_long_feature_name_" * 12,
    "\ud800 half a pair",
    "&amp; <b>bold</b>",
    "",
)


def numeric(
    name: str, counts: Sequence[float], start: float = 0, width: float = 1, **replaced: Any
) -> Numeric:
    """A feature in neighbouring buckets of one width."""
    buckets = tuple(
        Bucket(start + width * i, start + width * (i + 1), count) for i, count in enumerate(counts)
    )
    facts: dict[str, Any] = {
        "present": sum(counts),
        "missing": 0.0,
        "mean": start + width,
        "std_dev": None,
        "minimum": start,
        "maximum": start + width * len(counts),
        "buckets": buckets,
    }
    return Numeric(name, **{**facts, **replaced})


def categorical(name: str, **counts: float) -> Categorical:
    return Categorical(
        name, sum(counts.values()), 0.0, len(counts), tuple(sorted(counts.items(), key=lambda e: -e[1]))
    )


def drifted(name: str, distance: float) -> dict[str, str]:
    return {
        "feature_name": name,
        "constraint_check_type": "baseline_drift_check",
        "description": f"Baseline drift distance: {distance} exceeds threshold: 0.1",
    }


def verdict(*violations: dict[str, Any], monitor: Monitor | None = None) -> Verdict:
    return judge_all((violation_from(one, monitor) for one in violations), POLICY, NOW)


def content(*violations: dict[str, Any], **replaced: Any) -> PageContent:
    """A run of the data-quality monitor that found these violations."""
    facts: dict[str, Any] = {
        "endpoint": "taxi-prod",
        "monitor": Monitor.DATA_QUALITY,
        "outcome": verdict(*violations, monitor=replaced.get("monitor")),
        "drawn_at": NOW,
        "current": Statistics(),
        "baseline": Statistics(),
        "constraints": Statistics(),
        "schedule": "taxi-data-quality",
        "job": "model-monitoring-202611231200-2380a120b4182cad1daa9eb5",
        "at": NOW,
        "window": (NOW - timedelta(hours=1), NOW),
        "version": "version 8, in service since 3 Nov 2026 10:12 UTC",
        "account": "123456789012",
        "region": "eu-west-1",
        "report_uri": "s3://reports/taxi-prod/2026/11/23/12/constraint_violations.json",
    }
    return PageContent(**{**facts, **replaced})


def runs(*totals: int | None) -> tuple[PastRun, ...]:
    """One run an hour up to now; None was blind. The worst of 1 or 2 violations is info, of fewer than 10 a warning."""

    def run(index: int, total: int | None) -> PastRun:
        severity = None
        if total:
            severity = Severity.INFO if total < 3 else Severity.WARNING if total < 10 else Severity.CRITICAL
        at = NOW - timedelta(hours=len(totals) - 1 - index)
        page = "" if index == len(totals) - 1 else f"{at:%Y-%m-%dT%H}.html"
        blind = "no data to look at" if total is None else ""
        return PastRun(at, total, severity, blind, {}, page)

    return tuple(run(index, total) for index, total in enumerate(totals))


# One page of each kind


def data_quality() -> PageContent:
    """Every picture of a feature, and names as hostile as they come."""
    pairs = {
        "fare": (numeric("fare", [1, 5, 9, 5, 1]), numeric("fare", [0, 1, 2, 9, 12], start=1)),
        "constant": (numeric("constant", [50], 5, 0), numeric("constant", [50], 5, 0)),
        "far away": (numeric("far away", [20, 80]), numeric("far away", [100], start=1e6)),
        "one bucket": (numeric("one bucket", [1_000_000]), numeric("one bucket", [1_000_000])),
        "no counts": (numeric("no counts", [0]), numeric("no counts", [0])),
        "new": (None, numeric("new", [1, 2, 3])),
        "payment": (
            categorical("payment", card=700, cash=280, voucher=20),
            categorical("payment", card=120, cash=70, **dict.fromkeys(HOSTILE, 60)),
        ),
        "retyped": (numeric("retyped", [20, 80]), categorical("retyped", yes=5, no=7)),
        **{name: (numeric(name, [1, 5, 9, 5, 1]), numeric(name, [9, 5, 1, 1, 1])) for name in HOSTILE},
    }
    entries: list[dict[str, Any]] = [drifted(name, 0.99 - index / 40) for index, name in enumerate(pairs)]
    entries += [
        {
            "feature_name": "fare",
            "constraint_check_type": "completeness_check",
            "description": "Data completeness requirement is not met. Expected: 100.0%. Observed: Only 99.0%.",
        },
        {
            "feature_name": "Missing columns",
            "constraint_check_type": "missing_column_check",
            "description": "There are missing columns in current dataset. Number of columns in current dataset: 1, "
            "Number of columns in baseline constraints: 8",
        },
        *(
            {
                "feature_name": name,
                "constraint_check_type": f"{name}_check",
                "description": f"{name} " * 2_000,
            }
            for name in HOSTILE
        ),
    ]
    return content(
        *entries,
        current=Statistics(
            items=12_345, columns=("fare",), features={name: now for name, (_, now) in pairs.items()}
        ),
        baseline=Statistics(
            columns=("fare", *HOSTILE[:7]), features={name: was for name, (was, _) in pairs.items() if was}
        ),
        policy_problem=HOSTILE[0],
        version=HOSTILE[0],
        done=(Deed(f"On-call was told {HOSTILE[0]}."), Deed("Retraining was started.", NOW)),
        runs=runs(0, 1, 5, None, 140, 2_000_000, *[0, 3, None, 20] * 6),
    )


def model_quality(*, clean: bool = False) -> PageContent:
    """Metrics over runs, one of them past its threshold unless `clean`; a blind run leaves a gap."""
    values = [0.95, 0.97, None, 0.93, 0.94 if clean else 0.61]
    past = tuple(
        PastRun(
            run.at,
            run.total,
            run.severity,
            run.blind,
            {} if value is None else {"f1": value, "recall": 0.8},
            run.page,
        )
        for run, value in zip(runs(0, 0, None, 0, 0 if clean else 1), values, strict=True)
    )
    violated = {
        "metric_name": "f1",
        "constraint_check_type": "LessThanThreshold",
        "description": "Metric f1 with 0.61 +/- 0.02 was LessThanThreshold '0.9'",
    }
    return content(
        *([] if clean else [violated]),
        monitor=Monitor.MODEL_QUALITY,
        current=Statistics(items=500, metrics={"f1": (values[-1] or 0, 0.02), "recall": (0.8, None)}),
        constraints=Statistics(thresholds={"f1": Threshold(0.9, "below"), "recall": Threshold(0.7, "below")}),
        runs=past,
    )


def muted() -> PageContent:
    """A metric whose violation is muted, one within its limit, one without a limit."""
    policy = SeverityPolicy.parse('{"mutes": [{"feature": "f1", "until": "2099-01-01"}]}').for_endpoint(
        "taxi-prod"
    )
    entry = {
        "metric_name": "f1",
        "constraint_check_type": "LessThanThreshold",
        "description": "Metric f1 with 0.17 +/- 0.02 was LessThanThreshold '0.72'",
    }
    past = tuple(
        replace(run, values={"f1": value, "recall": 0.8})
        for run, value in zip(runs(0, 1, 0), [0.75, 0.4, 0.17], strict=True)
    )
    return content(
        monitor=Monitor.MODEL_QUALITY,
        outcome=judge_all([violation_from(entry, Monitor.MODEL_QUALITY)], policy, NOW),
        current=Statistics(
            items=500, metrics={"f1": (0.17, 0.02), "recall": (0.8, None), "auc": (0.9, None)}
        ),
        constraints=Statistics(
            thresholds={"f1": Threshold(0.72, "below"), "recall": Threshold(0.7, "below")}
        ),
        runs=past,
    )


def bias() -> PageContent:
    """One bias metric away from its baseline, over runs; one infinite; one within its limits."""
    key, other = ("Sex", "0 DCA"), ("Sex", "0 AD")
    past = tuple(
        PastRun(run.at, run.total, run.severity, run.blind, {" ".join(key): value}, run.page)
        for run, value in zip(runs(1, 1, 2), [-0.6, -0.9, -1.4], strict=True)
    )
    entries = [
        {
            "facet": "Sex",
            "facet_value": "0",
            "metric_name": metric,
            "constraint_check_type": "bias_drift_check",
            "description": f"Metric value {value} doesn't meet the baseline constraint requirement {limit}",
        }
        for metric, value, limit in (("DCA", -1.4, 0.5), ("TE", "Infinity", 2.9))
    ]
    return content(
        *entries,
        monitor=Monitor.BIAS,
        current=Statistics(bias={key: -1.4, other: 0.02}),
        constraints=Statistics(bias={key: 0.5, other: 0.01}),
        runs=past,
    )


def attribution() -> PageContent:
    """Two features that changed places, one label within its limits."""
    was = {"age": 0.4, "income": 0.3, "country": 0.2, "<b>sex</b>": 0.1}
    now = {"age": 0.1, "income": 0.35, "country": 0.2, "<b>sex</b>": 0.4}
    return content(
        {
            "label": "label0",
            "metric_name": "shap",
            "constraint_check_type": "feature_attribution_drift_check",
            "description": "Feature attribution drift 0.76 exceeds threshold 0.9",
        },
        monitor=Monitor.EXPLAINABILITY,
        current=Statistics(attributions={"label0": now, "label1": was}),
        constraints=Statistics(attributions={"label0": was, "label1": was}),
        runs=runs(0, 1),
    )


def blind() -> PageContent:
    absent = Absent("The run measured nothing.")
    return content(
        outcome=Blindness(BlindReason.NO_DATA, f"No S3 objects found {HOSTILE[0]}"),
        current=absent,
        baseline=absent,
        constraints=absent,
        runs=runs(0, 5, None),
    )


def clean() -> PageContent:
    return content(current=Statistics(items=96, columns=("fare", "tip", *HOSTILE)), runs=runs(*[0] * 30))


def many(number: int, *, name: str = "feature") -> PageContent:
    """A report of `number` drifted features, a third of them categorical, with statistics of both sides."""

    def side(shift: float) -> Statistics:
        return Statistics(
            features={
                f"{name} {index}": (
                    categorical(
                        f"{name} {index}", **{f"value {v} of {index}": 100 - v * shift for v in range(30)}
                    )
                    if index % 3 == 0
                    else numeric(f"{name} {index}", [1 + i * index % 97 for i in range(10)], shift, 1 + shift)
                )
                for index in range(number)
            }
        )

    return content(
        *(drifted(f"{name} {index}", 0.11 + index / number) for index in range(number)),
        current=side(1.0),
        baseline=side(0.5),
    )


ALL = {
    "data-quality": data_quality,
    "model-quality": model_quality,
    "model-quality-clean": lambda: model_quality(clean=True),
    "muted": muted,
    "bias": bias,
    "attribution": attribution,
    "blind": blind,
    "clean": clean,
}


# The services' own files


def real_taxi_quality(week: str, baseline_week: str = "") -> PageContent:
    """A week of the taxi endpoint's data quality; another week's statistics stand in for the baseline's, which are not published."""
    folder = PLACE / "taxi" / "data_quality"
    report = read(folder / week / "constraint_violations.json")
    return content(
        outcome=judge_all(read_violations(report), POLICY, NOW),
        current=_statistics(folder / week / "statistics.json"),
        baseline=_statistics(folder / baseline_week / "statistics.json")
        if baseline_week
        else Absent("The schedule names no baseline statistics"),
    )


def real_taxi_model() -> PageContent:
    """The newest week of the taxi endpoint's model quality, with all weeks before it."""
    folder = PLACE / "taxi" / "model_quality"
    weeks = sorted(path.name for path in folder.glob("2020-*"))
    verdicts = [
        judge_all(
            read_violations(read(folder / week / "constraint_violations.json"), Monitor.MODEL_QUALITY),
            POLICY,
            NOW,
        )
        for week in weeks or ["2020-01-06"]
    ]
    measured = [_statistics(folder / week / "statistics.json") for week in weeks]
    past = tuple(
        PastRun(
            datetime.fromisoformat(week).replace(tzinfo=UTC),
            one.total,
            one.severity,
            values={name: value for name, (value, _) in numbers.metrics.items()},
        )
        for week, one, numbers in zip(weeks, verdicts, measured, strict=True)
    )
    return content(
        monitor=Monitor.MODEL_QUALITY,
        outcome=verdicts[-1],
        current=measured[-1],
        constraints=_statistics(folder / "baseline" / "constraints.json"),
        runs=past,
    )


def _statistics(path: Path) -> Statistics:
    return read_statistics(read(path))
