"""What the newest run of a monitor found, in a few values."""

from dataclasses import dataclass

from stationkeeper.severity import Severity


@dataclass(frozen=True, slots=True)
class NewestRun:
    """`violations` is None when the run could not be judged, or the monitor never ran.

    `kinds` is SageMaker's MonitoringType (DataQuality, ModelQuality, ModelBias, ModelExplainability); `blind` says why nothing could be judged.
    """

    schedule_arn: str
    kinds: frozenset[str]
    violations: int | None = None
    severity: Severity | None = None
    blind: str = ""

    @property
    def schedule(self) -> str:
        return self.schedule_arn.rpartition("/")[2]
