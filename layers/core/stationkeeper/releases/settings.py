"""What a group's tags, and the stack's parameters where a tag is silent, say about its releases.

A tag that cannot be read never stops a release: its default counts, and the problem is told with the next message.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from stationkeeper.releases.monitor_settings import GroundTruth, ProblemType
from stationkeeper.releases.names import is_resource_name
from stationkeeper.tags import TAG_PREFIX, TagReader

_INSTANCE_TYPE = re.compile(r"ml\.[a-z0-9-]+\.[a-z0-9]+")
_S3 = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/\S*)?")
_DURATION = re.compile(r"(?=.{1,15}$)-P(?=.)(\d{1,3}D)?(T(?=.)(\d{1,3}H)?(\d{1,4}M)?)?", re.ASCII)
_TRAFFIC = re.compile(r"(canary|linear)-(\d{1,3})")
_STEP_PERCENT = {"canary": (1, 50), "linear": (10, 50)}


@dataclass(frozen=True, slots=True)
class Traffic:
    """How traffic moves to a new version; `percent` is 0 for all at once."""

    kind: Literal["all-at-once", "canary", "linear"]
    percent: int = 0

    def __str__(self) -> str:
        return self.kind if self.kind == "all-at-once" else f"{self.kind}-{self.percent}"


@dataclass(frozen=True, slots=True)
class StackDefaults:
    """The stack's parameters: what counts where no tag says otherwise, and what a new endpoint is made of."""

    account: str
    region: str
    partition: str = "aws"
    on_call: str = "on-call"
    bucket: str = ""
    """For captured data, reports and suggested baselines of endpoints made here."""
    endpoint_role_arn: str = ""
    """Execution role of models where no live model has one; empty: endpoints are updated, not created."""
    instance_type: str = "ml.m5.large"
    min_instances: int = 2
    max_instances: int = 4
    invocations_per_instance: int = 1_000
    bake_minutes: int = 60
    capture_percentage: int = 100
    error_percent: float = 5
    latency_milliseconds: int = 1_000
    monitoring_instance_type: str = "ml.m5.xlarge"
    kms_key_arn: str = ""
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    keep_days: int = 7
    """How long what a release replaced is kept after the release was verified."""


@dataclass(frozen=True, slots=True)
class ReleaseSettings:
    """How one group is released. None: no tag says so, the live endpoint or the stack's default decides."""

    endpoint: str
    stack: StackDefaults
    instance_type: str
    bake_minutes: int
    capture_percentage: int
    invocations_per_instance: int
    error_percent: float
    latency_milliseconds: int | None
    """None: the stack's default, or three times what the live fleet needs, whichever is more."""
    on_call: str
    min_instances: int | None = None
    max_instances: int | None = None
    traffic: Traffic | None = None
    monitor: Literal["hourly", "daily", "off"] | None = None
    baseline_dataset: str | None = None
    ground_truth: GroundTruth | None = None
    scaling_tagged: bool = False
    """Whether a tag asks for autoscaling; without one an endpoint that was there before keeps what it has."""
    smoke_test: bool = False
    problems: tuple[str, ...] = ()

    @property
    def scaling(self) -> tuple[int, int]:
        """Least and most instances."""
        least = self.min_instances or min(
            self.stack.min_instances, self.max_instances or self.stack.min_instances
        )
        most = self.max_instances or max(self.stack.max_instances, least)
        return least, most


@dataclass(frozen=True, slots=True)
class NotManaged:
    """The group does not take part; `why` is empty when it never asked to."""

    why: str = ""


def settings_of(
    tags: Mapping[str, str], stack: StackDefaults, endpoint: str = ""
) -> ReleaseSettings | NotManaged:
    """Read a group's tags.

    Parameters
    ----------
    endpoint : its name, when the tags are the endpoint's own (a group of another account).
    """
    reader = _Reader(tags)
    name = endpoint or reader.text("endpoint")
    if not name:
        return NotManaged()
    if not is_resource_name(name):
        return NotManaged(
            f"the tag {TAG_PREFIX}endpoint is {name[:80]!r}, which is no endpoint name (letters, digits and inner hyphens, "
            "at most 63)"
        )
    reader.look_for_typing_errors()
    least = reader.number("min-instances", 1, 1_000)
    most = reader.number("max-instances", 1, 1_000)
    if least and most and most < least:
        reader.problem("max-instances", str(most), f"it is below min-instances; {least} is used")
        most = least
    return ReleaseSettings(
        endpoint=name,
        stack=stack,
        instance_type=reader.matching("instance-type", _INSTANCE_TYPE, "ml.<family>.<size>")
        or stack.instance_type,
        bake_minutes=reader.number("bake-minutes", 5, 24 * 60, stack.bake_minutes) or stack.bake_minutes,
        capture_percentage=_or(reader.number("capture-percentage", 0, 100), stack.capture_percentage),
        invocations_per_instance=_or(
            reader.number("invocations-per-instance", 1, 10_000_000), stack.invocations_per_instance
        ),
        error_percent=_or(reader.number("error-percent", 1, 100), stack.error_percent),
        latency_milliseconds=reader.number("latency-milliseconds", 1, 3_600_000),
        on_call=reader.text("on-call") or stack.on_call,
        min_instances=least,
        max_instances=most,
        traffic=reader.traffic(),
        monitor=reader.choice("monitor", ("hourly", "daily", "off")),
        baseline_dataset=reader.matching("baseline-dataset", _S3, "s3://bucket/prefix"),
        ground_truth=reader.ground_truth(),
        scaling_tagged=any(
            reader.text(name) for name in ("min-instances", "max-instances", "invocations-per-instance")
        ),
        smoke_test=reader.choice("smoke-test", ("on", "off")) == "on",
        problems=tuple(reader.problems),
    )


def _or[T](value: T | None, default: T) -> T:
    return default if value is None else value


class _Reader(TagReader):
    """Tags that mean more than a word or a number."""

    def traffic(self) -> Traffic | None:
        text = self.text("traffic").lower()
        if not text:
            return None
        if text == "all-at-once":
            return Traffic("all-at-once")
        found = _TRAFFIC.fullmatch(text)
        if found is None:
            self.problem(
                "traffic",
                text,
                "must be all-at-once, canary-<percent> or linear-<percent>; the default is used",
            )
            return None
        kind: Literal["canary", "linear"] = "canary" if found[1] == "canary" else "linear"
        least, most = _STEP_PERCENT[kind]
        allowed = min(max(int(found[2]), least), most)
        if allowed != int(found[2]):
            self.problem(
                "traffic", text, f"SageMaker takes {kind} steps of {least} to {most} %; {allowed} % is used"
            )
        return Traffic(kind, allowed)

    def ground_truth(self) -> GroundTruth | None:
        uri = self.matching("ground-truth", _S3, "s3://bucket/prefix")
        if uri is None:
            return None
        kinds: dict[str, ProblemType] = {
            "regression": "Regression",
            "binaryclassification": "BinaryClassification",
            "multiclassclassification": "MulticlassClassification",
        }
        text = self.text("problem-type")
        problem_type = kinds.get(text.lower().replace("-", "").replace("_", ""))
        if problem_type is None:
            self.problem(
                "problem-type",
                text,
                "must be Regression, BinaryClassification or MulticlassClassification beside ground-truth; no monitor that "
                "needs labels is made",
            )
            return None
        return GroundTruth(
            uri=uri.rstrip("/"),
            problem_type=problem_type,
            start_offset=self.matching("ground-truth-start", _DURATION, "-P2D"),
            end_offset=self.matching("ground-truth-end", _DURATION, "-PT6H"),
            inference_attribute=self.text("inference-attribute") or None,
            probability_attribute=self.text("probability-attribute") or None,
            probability_threshold=self._fraction("probability-threshold"),
        )

    def _fraction(self, name: str) -> float | None:
        text = self.text(name)
        if not text:
            return None
        if re.fullmatch(r"(0(\.\d{1,6})?|1(\.0{1,6})?)", text):
            return float(text)
        self.problem(name, text, "must be a number from 0 to 1; it is left out")
        return None
