"""From a run's report to its verdict, the same for all who ask."""

from datetime import datetime

from stationkeeper.reports.outcome import Blindness, BlindReason, Execution, violations_announced
from stationkeeper.reports.policy import EndpointPolicy
from stationkeeper.reports.reader import MalformedReport, read_violations
from stationkeeper.reports.verdict import Verdict, judge_all


def verdict_of(
    report: bytes, execution: Execution, policy: EndpointPolicy, now: datetime
) -> Verdict | Blindness:
    """What a report amounts to, or why it is none. `now` decides which mutes still hold."""
    try:
        verdict = judge_all(read_violations(report, execution.monitor), policy, now)
    except MalformedReport as error:
        return Blindness(BlindReason.REPORT_MALFORMED, str(error))
    announced = violations_announced(execution.exit_message)
    if announced and verdict.total + verdict.muted == 0:
        return Blindness(
            BlindReason.REPORT_CONTRADICTORY,
            f"the job ended with {announced} violations, the report lists none",
        )
    return verdict
