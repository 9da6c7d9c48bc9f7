"""One violated constraint, whichever monitor found it.

Source of the shapes: reports written by Model Monitor (data quality, model quality), Clarify (bias, attribution) and
custom containers; see docs/reports.md.
"""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Any


class Monitor(StrEnum):
    """What kind of monitor wrote a report."""

    DATA_QUALITY = "data_quality"
    MODEL_QUALITY = "model_quality"
    BIAS = "bias"
    EXPLAINABILITY = "explainability"
    CUSTOM = "custom"


class Measure(StrEnum):
    """What a violation's numbers measure, which tells how far past its constraint it is."""

    SHARE = "share"  # percent of values that match; less is worse
    FRACTION = "fraction"  # the same as 0..1, the expected share not told
    DISTANCE = "distance"  # between distributions; more is worse
    COLUMNS = "columns"  # number of columns
    BELOW = "below"  # a metric that fell under its threshold
    ABOVE = "above"  # a metric that rose over its threshold
    DIFFERENCE = "difference"  # a bias metric away from its baseline, either way
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Violation:
    """One violated constraint.

    Attributes
    ----------
    subject : what it is about: the feature, metric or facet, as the report spells it.
    qualifier : what tells two violations of one subject and check apart: facet value and metric of a bias check,
        label of an attribution check; else "".
    check : the report's `constraint_check_type`.
    observed, expected : the numbers of its description, in the description's unit (percent stay percent); infinite where
        the report says so, None where it holds no number.
    margin : standard error of `observed` (`+/-`), None where not told.
    description : word for word.
    extra : fields that no monitor of SageMaker writes (custom containers), as they came.
    """

    monitor: Monitor
    subject: str
    qualifier: str
    check: str
    measure: Measure
    observed: float | None
    expected: float | None
    margin: float | None
    description: str
    extra: dict[str, Any] | None = None

    @property
    def identity(self) -> str:
        """16 hexadecimal digits that are the same for the same constraint in every run."""
        return identity_of(self.subject, self.qualifier, self.check)


def identity_of(subject: str, qualifier: str, check: str) -> str:
    """Identity of a constraint: the same in every run, whatever its numbers."""
    text = f"{subject}\0{qualifier}\0{check}"
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
