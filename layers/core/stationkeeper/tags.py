"""Tags people opt in and configure with: which there are, and how one is read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

TAG_PREFIX = "stationkeeper:"
_KNOWN = """
endpoint model-package-group instance-type min-instances max-instances invocations-per-instance traffic bake-minutes error-percent
latency-milliseconds capture-percentage smoke-test on-call monitor baseline-dataset ground-truth ground-truth-start ground-truth-end
problem-type inference-attribute probability-attribute probability-threshold
multi-model-endpoint target-model in-place warm-up register-to retraining-pipeline retrain-at retraining-cool-down-hours severity inference-image
"""
KNOWN_TAGS = frozenset(_KNOWN.split())
"""Every tag there is."""
PARAMETER_TAG = "retraining-parameter/"
"""Begins the tags that set a parameter of the retraining pipeline: its name follows."""
_OURS = ("released-to", "group", "version")
"""Tags we put on what we make."""


@dataclass(frozen=True, slots=True)
class TagReader:
    """Reads single tags and keeps what is wrong with them: a tag that cannot be read stops nothing."""

    tags: Mapping[str, str]
    problems: list[str] = field(default_factory=list)

    def text(self, name: str) -> str:
        return self.tags.get(TAG_PREFIX + name, "").strip()

    def problem(self, name: str, value: str, why: str) -> None:
        self.problems.append(f"tag {TAG_PREFIX}{name}={value[:80]}: {why}")

    def look_for_typing_errors(self) -> None:
        """A tag of ours that means nothing was meant to mean something; tags we make ourselves are on other things."""
        for key, value in sorted(self.tags.items()):
            name = key.removeprefix(TAG_PREFIX)
            known = name in KNOWN_TAGS or name in _OURS or name.startswith(PARAMETER_TAG)
            if key.startswith(TAG_PREFIX) and not known:
                near = get_close_matches(name.partition("/")[0], [*KNOWN_TAGS, PARAMETER_TAG[:-1]], 1)
                near = [f"{PARAMETER_TAG}<Name>" if one == PARAMETER_TAG[:-1] else one for one in near]
                self.problem(name[:80], value, f"no such tag{f'; {near[0]} is one' if near else ''}")

    def number(self, name: str, least: int, most: int, default: int | None = None) -> int | None:
        text = self.text(name)
        if not text:
            return default
        if text.isascii() and text.isdigit() and len(text) <= 9 and least <= int(text) <= most:
            return int(text)
        self.problem(name, text, f"must be a whole number from {least:,} to {most:,}; the default is used")
        return default

    def choice[T: str](self, name: str, choices: tuple[T, ...]) -> T | None:
        text = self.text(name).lower()
        if not text:
            return None
        for choice in choices:
            if text == choice:
                return choice
        self.problem(name, text, f"must be one of {', '.join(choices)}; the default is used")
        return None

    def matching(self, name: str, pattern: re.Pattern[str], form: str) -> str | None:
        text = self.text(name)
        if not text:
            return None
        if pattern.fullmatch(text):
            return text
        self.problem(name, text, f"must look like {form}; the default is used")
        return None
