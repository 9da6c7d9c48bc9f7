"""How the creations and updates of endpoints, and jobs, are to end."""

from collections import deque
from enum import StrEnum


class Outcome(StrEnum):
    """How the next creation or update of an endpoint ends.

    A creation has no earlier configuration to go back to: everything but `SUCCEEDS` makes it `Failed`.
    """

    SUCCEEDS = "succeeds"
    FAILS = "fails"
    ROLLS_BACK = "rolls_back"
    ROLLS_BACK_SILENTLY = "rolls_back_silently"
    UPDATE_ROLLBACK_FAILED = "update_rollback_failed"


class OutcomePlan:
    """Planned outcomes: of endpoints one after the other by name, of jobs by the beginning of their name."""

    def __init__(self) -> None:
        self._of_endpoints: dict[str, deque[Outcome]] = {}
        self._of_jobs: dict[str, bool] = {}

    def add(self, endpoint_name: str, outcome: Outcome, times: int) -> None:
        self._of_endpoints.setdefault(endpoint_name, deque()).extend([outcome] * times)

    def take(self, endpoint_name: str) -> Outcome:
        planned = self._of_endpoints.get(endpoint_name)
        return planned.popleft() if planned else Outcome.SUCCEEDS

    def plan_job(self, name_prefix: str, *, ok: bool) -> None:
        self._of_jobs[name_prefix] = ok

    def job_succeeds(self, name: str) -> bool:
        """What was planned for the longest prefix of this name; True when nothing was."""
        prefixes = [prefix for prefix in self._of_jobs if name.startswith(prefix)]
        return self._of_jobs[max(prefixes, key=len)] if prefixes else True
