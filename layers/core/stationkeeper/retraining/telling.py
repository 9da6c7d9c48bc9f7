"""From what a retraining came to, to the domain event that says it: a pure translation."""

from dataclasses import dataclass
from datetime import datetime

from stationkeeper.alerts.phrases import MONITORS
from stationkeeper.alerts.text import count, plain
from stationkeeper.events.domain import Cause, DomainEvent, ViolationsDetected, stable_id
from stationkeeper.events.retraining_events import RetrainingSkipped, RetrainingStarted
from stationkeeper.releases.registry import group_name
from stationkeeper.retraining.decision import Skip
from stationkeeper.retraining.parameters import violated_kinds
from stationkeeper.retraining.record import Drift, Execution
from stationkeeper.severity import Severity

_TEXT = 600
_MOST = 30


def drift_of(event: ViolationsDetected) -> Drift:
    """The drift an event tells of."""
    bad = ", ".join(
        f"{event.counts[severity]:,} {severity.value}"
        for severity in sorted(Severity, reverse=True)
        if event.counts.get(severity)
    )
    metrics = {
        one.metric or one.qualifier.rpartition(" ")[2] for one in event.worst
    }  # of bias; other checks name none
    return Drift(
        event_id=plain(event.id, 100),
        incident=plain(event.incident, 32),
        # Of all that is violated: what is news may be less than what lasts.
        severity=max((event.severity, *(severity for severity, number in event.counts.items() if number))),
        since=event.since,
        schedule=plain(event.schedule, 63),
        schedule_arn=plain(event.schedule_arn, 300),
        words=f"{count(event.total, 'violation')}{f' ({bad})' if bad else ''} found by the {MONITORS[event.monitor]}",
        kinds=violated_kinds(event.monitor, metrics),
        run_at=event.run_at,
        job=plain(event.cause.job),
    )


@dataclass(frozen=True, slots=True)
class Telling:
    """What all events of one look share."""

    drift: Drift
    group_arn: str
    endpoint: str
    pipeline: str
    pipeline_arn: str
    account: str
    region: str
    on_call: str
    event_id: str
    at: datetime
    serving: int | None = None

    def started(self, execution: Execution, not_again_before: datetime | None) -> DomainEvent:
        return RetrainingStarted.model_validate(
            {
                **self._shared("RetrainingStarted", Severity.INFO, execution.drift, execution.token),
                # What an earlier attempt began may be another endpoint's.
                **self._where(execution.endpoint, execution.group_arn),
                "at": execution.began_at,
                "execution_arn": plain(execution.arn, 300),
                "parameters": [
                    {"name": plain(one.name, 100), "value": plain(one.value, 200), "why": plain(one.why)}
                    for one in execution.parameters[:_MOST]
                ],
                "notes": [plain(note, _TEXT) for note in execution.notes[:_MOST]],
                "not_again_before": not_again_before,
            }
        )

    def skipped(self, skip: Skip) -> DomainEvent:
        version = skip.version
        return RetrainingSkipped.model_validate(
            {
                **self._shared(
                    "RetrainingSkipped", skip.severity, self.drift, self.drift.event_id, skip.about
                ),
                "code": skip.code,
                "why": plain(skip.why, 1_000),
                "advice": plain(skip.advice, _TEXT),
                "execution_arn": plain(skip.execution_arn, 300),
                "version": version.number if version else None,
                "package_arn": plain(version.model_package_arn, 300) if version else None,
                "until": skip.until,
            }
        )

    @staticmethod
    def _where(endpoint: str, group_arn: str) -> dict[str, object]:
        return {
            "endpoint": plain(endpoint, 63),
            "group": plain(group_name(group_arn), 63),
            "group_arn": plain(group_arn, 300),
        }

    def _shared(self, kind: str, severity: Severity, drift: Drift, *about: object) -> dict[str, object]:
        return {
            "id": stable_id(self.pipeline_arn.lower(), kind, *about),
            "incident": drift.incident,
            "severity": severity,
            **self._where(self.endpoint, self.group_arn),
            "account": self.account,
            "region": self.region,
            "on_call": plain(self.on_call, 64),
            "cause": Cause(event_id=plain(self.event_id, 100), job=drift.job),
            "at": self.at,
            "pipeline": plain(self.pipeline, 256),
            "pipeline_arn": plain(self.pipeline_arn, 300),
            "schedule": drift.schedule,
            "schedule_arn": drift.schedule_arn,
            "run_at": drift.run_at,
            "drift": drift.words,
            "drift_severity": drift.severity,
            "drift_since": drift.since,
            "serving": self.serving,
        }
