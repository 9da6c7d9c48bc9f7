"""Which metrics the functions write, with which dimensions, and how many time series that makes: read from the source."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import stationkeeper
from stationkeeper.alerts.artifact_phrases import REFUSALS
from stationkeeper.alerts.block_wording import BLOCKS
from stationkeeper.alerts.skip_wording import SKIPS
from stationkeeper.events.job_events import JobFailed, JobStopped, JobSucceeded
from stationkeeper.events.on_bus import DETAIL_TYPES
from stationkeeper.reports.outcome import BlindReason
from stationkeeper.reports.policy import DEFAULT_LIMITS
from stationkeeper.severity import Severity

CORE = Path(stationkeeper.__file__).parent
REACTIONS = tuple(sorted(path.parent.name for path in (CORE.parents[2] / "functions").glob("*/app.py")))
_WRITERS = {"count", "value", "milliseconds"}


@cache
def metrics_in_code() -> dict[str, frozenset[str]]:
    """Dimensions of each metric beside `service`, by name. One name has the same dimensions wherever it is written."""
    found: dict[str, set[frozenset[str]]] = {}
    for path in CORE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for name, dimensions in _written_in(tree):
            found.setdefault(name, set()).add(dimensions)
    assert [name for name, several in found.items() if len(several) > 1] == []
    return {name: dimensions for name, (dimensions,) in sorted(found.items())}


def _written_in(tree: ast.Module) -> Iterator[tuple[str, frozenset[str]]]:
    dicts = {
        node.targets[0].id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Dict)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="metrics"), attr=writer),
                args=[(ast.Constant() | ast.IfExp()) as name, *_],
                keywords=keywords,
            ) if writer in _WRITERS:
                dimensions: set[str] = set()
                for keyword in keywords:
                    if keyword.arg is not None:
                        dimensions.add(keyword.arg)
                    else:
                        assert isinstance(keyword.value, ast.Name)
                        keys = dicts[keyword.value.id].keys
                        dimensions |= {str(key.value) for key in keys if isinstance(key, ast.Constant)}
                for one in _names(name):
                    yield one, frozenset(dimensions)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="metrics"), attr=writer)) if (
                writer in _WRITERS
            ):
                raise AssertionError(f"line {node.lineno}: the name of a metric is to be read off the source")


def _names(name: ast.Constant | ast.IfExp) -> list[str]:
    choices = [name.body, name.orelse] if isinstance(name, ast.IfExp) else [name]
    assert all(isinstance(one, ast.Constant) for one in choices)
    return [str(one.value) for one in choices if isinstance(one, ast.Constant)]


def most_series(name: str) -> int:
    """How many time series a metric can be at most; `ViolationsOpen` has one for each monitoring schedule, and is not asked for."""
    jobs = (JobFailed, JobStopped, JobSucceeded)
    return {
        "AlarmsAnswered": len(("tell", "deploying", "reject")),
        "ArtifactsRejected": len(REFUSALS),
        "BlindRuns": len(BlindReason),
        "JobsTold": len(jobs),
        "Messages": len(DETAIL_TYPES) * len(Severity),
        "ReleasesBlocked": len(BLOCKS),
        "RetrainingsSkipped": len(SKIPS),
        "Violations": (len(DEFAULT_LIMITS) + 1) * len(Severity),
    }.get(name, len(REACTIONS) if metrics_in_code()[name] == {"reaction"} else 1)
