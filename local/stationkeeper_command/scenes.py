"""The demo's first story, and the replay of a folder of reports: events with their reports, in order."""

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from embedded_aws.embedded import EmbeddedAws
from stationkeeper.reports.outcome import REPORT_NAME

from stationkeeper_command.errors import CommandError
from stationkeeper_command.project import SAMPLES

_NOT_A_RUN = frozenset(("baseline", "baselines"))
STATISTICS_NAME = "statistics.json"
_NAME = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True)
class Scene:
    """An event that comes, and what it shows.

    `report` is put where the event says before it is sent; None leaves that place empty. `beside` are further files there by name,
    `baseline` those the run was held against. `crash` names an AWS call after which the function is killed once. `tells` are the
    kinds of the messages on-call gets; None is any.
    """

    title: str
    event: dict[str, Any]
    report: bytes | None = None
    beside: Mapping[str, bytes] = field(default_factory=dict)
    baseline: Mapping[str, bytes] = field(default_factory=dict)
    times: int = 1
    crash: tuple[str, str] | None = None
    tells: tuple[str, ...] | None = None


@dataclass(frozen=True)
class AccountScene:
    """Something that people, or time, do to the account. `what` says it in the timeline.

    `tells` are the kinds of the messages on-call gets. Messages of all scenes of one `thread` carry the same incident.
    `seen` tells what callers of the endpoint find then, a line each; it raises CommandError when that is not as it should be.
    """

    title: str
    what: str
    act: Callable[[EmbeddedAws], None]
    tells: tuple[str, ...]
    thread: str = ""
    seen: Callable[[EmbeddedAws], list[str]] | None = None


def sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return event


def sample_report(name: str) -> bytes:
    return (SAMPLES / "reports" / f"{name}.json").read_bytes()


def measured(name: str) -> dict[str, bytes]:
    """Sample statistics, as the file a monitor writes."""
    return {STATISTICS_NAME: (SAMPLES / "measurements" / f"{name}.json").read_bytes()}


def demo_scenes(now: datetime) -> list[Scene]:
    """A day of one monitored endpoint, ending at the last full hour."""
    hours = [_last_hour(now) - timedelta(hours=back) for back in range(5, -1, -1)]
    found = due("monitor-violations", hours[1], violations=9)
    baseline = measured("baseline-statistics")
    worse = measured("monitor-violations-worse-statistics")
    return [
        Scene(
            "The hourly run finds nothing wrong",
            due("monitor-no-violations", hours[0]),
            sample_report("monitor-no-violations"),
            tells=(),
        ),
        Scene(
            "The next run finds 9 violated constraints",
            found,
            sample_report("monitor-violations"),
            measured("monitor-violations-statistics"),
            baseline,
            tells=("ViolationsDetected",),
        ),
        Scene("SageMaker sends the same event three times more", found, times=3, tells=()),
        Scene(
            "An hour later it is worse; the function is killed after it wrote down what it found, before it could say so",
            due("monitor-violations", hours[2], violations=12),
            sample_report("monitor-violations-worse"),
            worse,
            crash=("dynamodb", "PutItem"),
            tells=("ViolationsDetected",),
        ),
        Scene(
            "A run ends, but its report is not there",
            due("monitor-report-missing", hours[3]),
            tells=("MonitorBlind",),
        ),
        Scene(
            "The monitor sees again, and the problem is still there",
            due("monitor-violations", hours[4], violations=12),
            sample_report("monitor-violations-worse"),
            worse,
            tells=("MonitorRecovered",),
        ),
        Scene("A ground-truth merge ends: no run to judge", due("ground-truth-merge", hours[4]), tells=()),
        Scene(
            "The upstream table is mended: a clean run",
            due("monitor-no-violations", hours[5]),
            sample_report("monitor-no-violations"),
            tells=("MonitorRecovered",),
        ),
    ]


def replay_scenes(folder: Path, now: datetime) -> list[Scene]:
    """The subfolders of a folder, in order of their names, as hourly runs of one schedule up to now.

    A subfolder without a report is a run that left none; one called `baseline` is no run.

    Raises
    ------
    CommandError
        When there is no such folder, or no run in it.
    """
    if not folder.is_dir():
        raise CommandError(f"there is no folder {folder}")
    runs = [path for path in sorted(folder.iterdir()) if path.is_dir() and _is_run(path)]
    if not runs:
        raise CommandError(
            f"{folder} holds no run: expected folders such as {folder}/2026-11-23/{REPORT_NAME}"
        )
    reports = [_file(run / REPORT_NAME) for run in runs]
    baseline = next(
        (_measurements(folder / name) for name in sorted(_NOT_A_RUN) if (folder / name).is_dir()), {}
    )
    kind = "model-quality" if any(b"Threshold" in (report or b"") for report in reports) else "data-quality"
    endpoint = _name(folder.resolve().parent.name) or "replayed"
    last = _last_hour(now)
    scenes = []
    for index, (run, report) in enumerate(zip(runs, reports, strict=True)):
        at = last - timedelta(hours=len(runs) - 1 - index)
        event = due(
            f"monitor-{'model-quality-' if kind == 'model-quality' else ''}violations", at, _count(report)
        )
        rename(event, endpoint, _name(f"{endpoint}-{folder.name}") or f"{endpoint}-{kind}")
        scenes.append(
            Scene(
                f"Run of {run.name}" + ("" if report is not None else ", which left no report"),
                event,
                report,
                _measurements(run),
                baseline,
            )
        )
    return scenes


def due(name: str, at: datetime, violations: int | None = 0) -> dict[str, Any]:
    """A sample event as the run due at `at`, ended with so many violations (None: it does not say)."""
    event = copy.deepcopy(sample(name))
    detail = event["detail"]
    stamp = f"{at:%Y%m%d%H%M}"
    job = re.sub(r"-\d{12}-", f"-{stamp}-", detail["ProcessingJobName"])
    job = job[:-10] + stamp[2:]  # another run, another name
    event["id"] = f"{event['id'][:24]}{stamp}"
    event["time"] = f"{at + timedelta(minutes=12):%Y-%m-%dT%H:%M:%SZ}"
    arn = detail["ProcessingJobArn"].rpartition("/")[0] + f"/{job}"
    event["resources"] = [arn]
    output = detail["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]
    output["S3Uri"] = re.sub(r"\d{4}/\d\d/\d\d/\d\d$", f"{at:%Y/%m/%d/%H}", output["S3Uri"])
    detail["ProcessingJobName"], detail["ProcessingJobArn"] = job, arn
    detail["Environment"] |= {
        "start_time": f"{at - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
        "end_time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "metric_time": f"{at - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
    }
    for field_name, minutes in (
        ("CreationTime", 4),
        ("ProcessingStartTime", 9),
        ("ProcessingEndTime", 11),
        ("LastModifiedTime", 12),
    ):
        detail[field_name] = int((at + timedelta(minutes=minutes)).timestamp() * 1000)
    if violations is None:
        detail["ExitMessage"] = ""
    elif violations:
        detail["ExitMessage"] = (
            f"CompletedWithViolations: Job completed successfully with {violations} violations."
        )
    elif not detail["ProcessingJobName"].startswith("groundtruth-merge"):
        detail["ExitMessage"] = "Completed: Job completed successfully with no violations."
    return event


def rename(event: dict[str, Any], endpoint: str, schedule: str) -> None:
    """Make a sample event one of this endpoint and schedule."""
    detail = event["detail"]
    detail["Environment"] |= {
        "sagemaker_endpoint_name": endpoint,
        "sagemaker_monitoring_schedule_name": schedule,
    }
    prefix = detail["MonitoringScheduleArn"].rpartition("/")[0]
    detail["MonitoringScheduleArn"] = f"{prefix}/{schedule}"
    output = detail["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]
    bucket = output["S3Uri"].split("/")[2]
    hour = "/".join(output["S3Uri"].split("/")[-4:])
    output["S3Uri"] = f"s3://{bucket}/monitoring/{endpoint}/{schedule}/{hour}"


def _is_run(path: Path) -> bool:
    return path.name not in _NOT_A_RUN and not path.name.startswith(".")


def _file(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _measurements(folder: Path) -> dict[str, bytes]:
    """What a run, or a baseline, measured, by the names of its files."""
    files = {name: _file(folder / name) for name in (STATISTICS_NAME, "constraints.json", "analysis.json")}
    return {name: content for name, content in files.items() if content is not None}


def _count(report: bytes | None) -> int | None:
    """How many violations the job would say it found; None for a report that is missing or broken."""
    if report is None:
        return 0
    try:
        return len(json.loads(report)["violations"])
    except (ValueError, KeyError, TypeError):  # the system under demonstration will say what is wrong with it
        return None


def _name(text: str) -> str:
    return _NAME.sub("-", text).strip("-")[:63].strip("-")


def _last_hour(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def files_of(scene: Scene) -> Iterator[tuple[str, str, bytes]]:
    """Bucket, key and content of all that lies in S3 when a scene's event comes."""
    for bucket, key in places(scene.event):
        if scene.report is not None:
            yield bucket, key, scene.report
        for name, content in scene.beside.items():
            yield bucket, key.removesuffix(REPORT_NAME) + name, content
    for one in scene.event.get("detail", {}).get("ProcessingInputs") or []:
        bucket, _, key = (
            str(((one or {}).get("S3Input") or {}).get("S3Uri") or "").removeprefix("s3://").partition("/")
        )
        if (content_of_baseline := scene.baseline.get(key.rpartition("/")[2])) is not None:
            yield bucket, key, content_of_baseline


def places(event: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Bucket and key of each report an event says was written."""
    config = event.get("detail", {}).get("ProcessingOutputConfig") or {}
    for output in config.get("Outputs") or []:
        uri = ((output or {}).get("S3Output") or {}).get("S3Uri") or ""
        bucket, _, folder = uri.removeprefix("s3://").partition("/")
        if uri.startswith("s3://") and bucket:
            yield bucket, f"{folder.rstrip('/')}/{REPORT_NAME}".lstrip("/")
