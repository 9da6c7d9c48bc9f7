"""What a group's tags say about retraining."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from stationkeeper.severity import Severity
from stationkeeper.tags import PARAMETER_TAG, TAG_PREFIX, TagReader

_PIPELINE = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}", re.ASCII)
"""No ARN: an execution can be started in this account and region only."""
_MOST_HOURS = 24 * 365


@dataclass(frozen=True, slots=True)
class RetrainingSettings:
    """How a group is retrained. `pipeline` is None where its tag cannot be read; `problems` say why."""

    pipeline: str | None
    retrain_at: Severity
    cool_down: timedelta
    on_call: str
    parameters: Mapping[str, str]
    """Values the tags set, by the parameter's name."""
    problems: tuple[str, ...] = ()


def retraining_settings(
    tags: Mapping[str, str], default_on_call: str, default_cool_down_hours: int
) -> RetrainingSettings | None:
    """Read a group's tags; None when they name no pipeline: the group is not retrained."""
    reader = TagReader(tags)
    if not reader.text("retraining-pipeline"):
        return None
    reader.look_for_typing_errors()
    pipeline = reader.matching("retraining-pipeline", _PIPELINE, "the name of a pipeline")
    severities = tuple(severity.value for severity in Severity)
    hours = reader.number("retraining-cool-down-hours", 0, _MOST_HOURS)
    beginning = f"{TAG_PREFIX}{PARAMETER_TAG}"
    return RetrainingSettings(
        pipeline=pipeline,
        retrain_at=Severity(reader.choice("retrain-at", severities) or Severity.CRITICAL),
        cool_down=timedelta(hours=default_cool_down_hours if hours is None else hours),
        on_call=reader.text("on-call") or default_on_call,
        parameters={
            key.removeprefix(beginning): value for key, value in tags.items() if key.startswith(beginning)
        },
        problems=tuple(reader.problems),
    )
