"""Words of the demo's timeline for what the functions log."""

import re
from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from stationkeeper_command import timeline

from tests.world import ROOT

PUBLISHED = "s3://serving/models/Houston_TX/Houston_TX-v7.tar.gz"


def shown(*lines: dict[str, Any]) -> list[str]:
    written = StringIO()
    happened = timeline.Happened(
        decisions=[{"function": "x-ArtifactSyncFunction-1", "level": "INFO", **line} for line in lines]
    )
    timeline.show(Console(file=written, width=200), happened)
    return [line.strip().removeprefix("-> ") for line in written.getvalue().splitlines()]


def test_every_decision_about_artifacts_has_words() -> None:
    core = ROOT / "layers" / "core" / "stationkeeper"
    logged = {
        decision
        for path in (*core.glob("reactions/artifact_*.py"), *core.glob("aws/artifact_*.py"))
        for decision in re.findall(r'"decision": "([\w-]+)"', path.read_text(encoding="utf-8"))
    }

    assert {"published", "pointed", "rejected", "retired"} <= logged
    assert logged <= timeline._WORDS.keys()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            {
                "decision": "published",
                "thing": PUBLISHED,
                "pointed": True,
                "endpoint": "e",
                "job": "houston-7",
            },
            "houston-7: Houston_TX-v7.tar.gz is published",
        ),
        (
            {"decision": "published", "thing": PUBLISHED, "pointed": False, "endpoint": "house-prices"},
            "house-prices: Houston_TX-v7.tar.gz is published; callers stay where they are",
        ),
        (
            {"decision": "pointed", "pointer": "/p", "target_model": "Houston_TX/Houston_TX-v7.tar.gz"},
            "sends callers to Houston_TX/Houston_TX-v7.tar.gz",
        ),
        ({"decision": "pointed", "thing": PUBLISHED}, "sends callers to Houston_TX-v7.tar.gz"),
        (
            {"decision": "rejected", "reason": "truncated", "why": "It breaks off.", "quiet": True},
            "refused, truncated: It breaks off. (on-call is not told)",
        ),
        (
            {"decision": "retired", "thing": PUBLISHED},
            "deletes Houston_TX-v7.tar.gz, which nobody was sent to for long enough",
        ),
        (
            {"decision": "swept", "groups": 1, "jobs": 0, "models": 2},
            "of multi-model endpoints, asks to look at 1 group, 0 jobs, 2 models",
        ),
    ],
)
def test_decisions_about_artifacts_are_told(line: dict[str, Any], words: str) -> None:
    assert shown(line) == [f"artifact_sync  {words}"]


def test_idle_decisions_are_counted_where_they_were_first_told() -> None:
    idle = {"decision": "ignored", "reason": "not tagged"}
    at_work = {"decision": "pointed", "target_model": "a"}, {"decision": "pointed", "target_model": "b"}

    assert shown(idle, at_work[0], idle, at_work[1], at_work[0]) == [
        "artifact_sync  ignored: not tagged (x2)",
        "artifact_sync  sends callers to a",
        "artifact_sync  sends callers to b",
        "artifact_sync  sends callers to a",
    ]
