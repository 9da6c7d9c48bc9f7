"""What a whole report amounts to: counts, and the worst violations with their severity.

However many violations a report holds, a verdict keeps the `KEPT` worst of them and counts the rest.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from stationkeeper.reports.policy import DEFAULT_LIMITS, EndpointPolicy, excess
from stationkeeper.reports.violation import Violation
from stationkeeper.severity import Severity

KEPT = 1_000
_STEPS = 60


@dataclass(frozen=True, slots=True)
class Judged:
    """A violation with its severity.

    `level` orders violations across runs: 100, 200, 300 for info, warning, critical, and one more for each doubling of a
    critical one's excess over its limit (at most 60). `excess` is how far past its constraint it is, None when not known.
    """

    violation: Violation
    severity: Severity
    level: int
    excess: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a report amounts to.

    Attributes
    ----------
    counts : violations by severity, muted ones apart.
    by_check : violations by check and severity; checks that no monitor of SageMaker writes count as "other".
    worst : the `KEPT` worst, worst first, without the muted ones and without their `extra`.
    muted : violations that a mute hides; `muted_identities` holds those of at most `KEPT` of them.
    """

    counts: dict[Severity, int]
    by_check: dict[tuple[str, Severity], int]
    worst: tuple[Judged, ...]
    muted: int = 0
    muted_identities: frozenset[str] = frozenset()

    @property
    def total(self) -> int:
        """Violations that count, without the muted ones."""
        return sum(self.counts.values())

    @property
    def severity(self) -> Severity | None:
        """The worst severity; None when nothing is violated."""
        return max((severity for severity, count in self.counts.items() if count), default=None)


def judge(violation: Violation, policy: EndpointPolicy) -> Judged:
    """Severity of one violation."""
    limits = policy.limits(violation)
    past = excess(violation)
    severity = limits.judge(past)
    level = 100 * severity.rank
    if severity is Severity.CRITICAL and past is not None and limits.severity is None:
        level += _doublings(past / limits.critical_from)
    return Judged(violation, severity, level, past)


def judge_all(violations: Iterable[Violation], policy: EndpointPolicy, now: datetime) -> Verdict:
    """Judge a report's violations as they are read.

    `now` decides which mutes still hold.
    """
    counts: Counter[Severity] = Counter()
    by_check: Counter[tuple[str, Severity]] = Counter()
    worst: list[Judged] = []
    muted = 0
    muted_identities: set[str] = set()
    for read in violations:
        # Extra fields are not judged by, and a thousand large ones might not fit.
        violation = read if read.extra is None else replace(read, extra=None)
        if policy.mutes and policy.muted(violation, now):
            muted += 1
            if len(muted_identities) < KEPT:
                muted_identities.add(violation.identity)
            continue
        judged = judge(violation, policy)
        counts[judged.severity] += 1
        check = violation.check if violation.check in DEFAULT_LIMITS else "other"
        by_check[check, judged.severity] += 1
        worst.append(judged)
        if len(worst) >= 2 * KEPT:  # sorted once in a thousand: as cheap as a heap, and ties fall by name
            worst.sort(key=worst_first)
            del worst[KEPT:]
    worst.sort(key=worst_first)
    return Verdict(dict(counts), dict(by_check), tuple(worst[:KEPT]), muted, frozenset(muted_identities))


def worst_first(judged: Judged) -> tuple[float, float, str, str, str]:
    """Sorting key: the worst first; what is equally bad by its name, so that a report's order does not matter."""
    violation = judged.violation
    past = -1.0 if judged.excess is None else judged.excess
    return -judged.level, -past, violation.subject, violation.qualifier, violation.check


def _doublings(ratio: float) -> int:
    if math.isinf(ratio):
        return _STEPS
    return min(_STEPS, max(0, int(math.log2(ratio)))) if ratio > 0 else 0
