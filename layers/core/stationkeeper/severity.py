"""How bad something is, in three words that sort."""

from enum import StrEnum


class Severity(StrEnum):
    """`critical` wakes somebody, `warning` is for the working day, `info` is for the record.

    They compare by how bad they are, not as the strings they are.
    """

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """1 for info, 2 for warning, 3 for critical."""
        return _RANKS[self.value]

    @classmethod
    def of_rank(cls, rank: int) -> "Severity":
        return next(severity for severity in cls if severity.rank == rank)

    def __lt__(self, other: str) -> bool:
        return self.rank < Severity(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Severity(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Severity(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Severity(other).rank


_RANKS = {"info": 1, "warning": 2, "critical": 3}
