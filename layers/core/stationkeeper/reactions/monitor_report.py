"""A monitoring job ended: judge its report, compare it with what is known, say what on-call must hear."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Protocol

from stationkeeper.alerts.memory import Memory, Placement
from stationkeeper.alerts.standing import Blind, Judged, Run
from stationkeeper.alerts.telling import Context, domain_event
from stationkeeper.alerts.text import plain
from stationkeeper.errors import MemoryConflict
from stationkeeper.events.domain import DomainEvent
from stationkeeper.events.processing_job import ProcessingJobStateChange
from stationkeeper.pages.address import PagePlace
from stationkeeper.reactions.outbox import EventBus, entry, say_what_is_pending
from stationkeeper.reactions.ports import Policies
from stationkeeper.reactions.report_reading import ProcessingJobs, Reports, completed, report_of
from stationkeeper.reports.judgement import verdict_of
from stationkeeper.reports.outcome import Blindness, Execution, Ignored, classify
from stationkeeper.reports.policy import EndpointPolicy, PolicyInForce
from stationkeeper.reports.verdict import Verdict
from stationkeeper.reports.violation import Violation
from stationkeeper.severity import Severity
from stationkeeper.telemetry import logger, metrics, note_ignored

_ATTEMPTS = 5
_NAME_BYTES = 96


class MonitorMemories(Protocol):
    def recall(self, schedule_arn: str) -> Memory:
        """What is remembered of a schedule; an empty memory when nothing is."""

    def remember(self, schedule_arn: str, endpoint: str, memory: Memory) -> Memory:
        """Store a memory over the version it came from, and return it with its new version.

        Raises
        ------
        MemoryConflict
            When somebody stored another version since.
        """


@dataclass(frozen=True, slots=True)
class MonitorReport:
    """The reaction, over its ports.

    Calls of AWS per event: a run that changes nothing on-call must know costs 3 (recall, read, remember), one that is told
    5 (publish, clear the outbox), a repeated event 1. The policy is read once in five minutes.
    """

    reports: Reports
    memories: MonitorMemories
    bus: EventBus
    policies: Policies
    jobs: ProcessingJobs
    pages: PagePlace
    on_call: str
    now: Callable[[], datetime]

    def react(self, event: ProcessingJobStateChange) -> None:
        execution = classify(event.detail, event.time)
        if isinstance(execution, Ignored):
            note_ignored("monitor_report", execution.why)
            return
        with logger.append_context_keys(
            endpoint=plain(execution.endpoint, 63),
            monitoring_schedule=plain(execution.schedule, 63),
            processing_job=plain(execution.job, 100),
        ):
            self._react(event, execution)

    def _react(self, event: ProcessingJobStateChange, execution: Execution) -> None:
        memory = self.memories.recall(execution.schedule_arn)
        if self._is_behind(memory, execution):
            return
        in_force = self.policies.current()
        policy = in_force.policy.for_endpoint(execution.endpoint)
        if policy.alerting.ignore:
            note_ignored("monitor_report", "the severity policy ignores this endpoint")
            return
        execution = completed(execution, self.jobs)
        outcome = self._judge(execution, policy)
        for _ in range(_ATTEMPTS):
            try:
                self._remember_and_tell(event, execution, outcome, in_force, policy, memory)
                return
            except MemoryConflict:
                memory = self.memories.recall(execution.schedule_arn)
                if self._is_behind(memory, execution):
                    return
        raise MemoryConflict(
            f"the memory of {execution.schedule} changed {_ATTEMPTS} times while this run was judged; tried again later"
        )

    def _is_behind(self, memory: Memory, execution: Execution) -> bool:
        """Whether this run was judged before, or is too old to be placed; then says what an earlier attempt left."""
        placement = memory.placement(Run(at=execution.at, job=execution.job, outcome=Blind(reason="")))
        if placement in (Placement.NEWEST, Placement.LATE):
            return False
        facts = {
            "run_at": execution.at.isoformat(),
            "told": [entry["detail_type"] for entry in memory.outbox],
        }
        if memory.outbox:  # an earlier attempt was cut off between writing down and saying
            self._say_what_is_pending(execution, memory)
            logger.info("Said what was left to say", extra={"decision": "resumed", **facts})
        else:
            logger.info("Nothing to do", extra={"decision": placement.value, **facts})
        metrics.count("RepeatedEvents" if placement is Placement.KNOWN else "ForgottenRuns")
        return True

    def _judge(self, execution: Execution, policy: EndpointPolicy) -> Verdict | Blindness:
        report = report_of(execution, self.reports)
        if isinstance(report, Blindness):
            return report
        started = perf_counter()
        outcome = verdict_of(report, execution, policy, self.now())
        metrics.milliseconds("ReportParsing", (perf_counter() - started) * 1_000)
        return outcome

    def _remember_and_tell(
        self,
        event: ProcessingJobStateChange,
        execution: Execution,
        outcome: Verdict | Blindness,
        in_force: PolicyInForce,
        policy: EndpointPolicy,
        memory: Memory,
    ) -> None:
        run, names = _run(execution, outcome)
        placement = memory.placement(run)
        after, findings = memory.with_run(run, names, policy.alerting)
        violated = memory.standing_before(run).violated
        context = Context(
            execution=execution,
            account=event.account,
            region=event.region,
            event_id=event.id,
            on_call=self.on_call,
            page_uri=self.pages.uri(execution.schedule_arn, execution.job),
            policy_problem=in_force.problem,
            newer_run_at=memory.newest.at if placement is Placement.LATE and memory.newest else None,
            open_violations=violated.outcome.total if violated else None,
        )
        events = [domain_event(finding, outcome, {**memory.names, **names}, context) for finding in findings]
        outbox = (*after.outbox, *map(entry, events))
        stored = self.memories.remember(
            execution.schedule_arn,
            execution.endpoint,
            after.model_copy(update={"outbox": outbox}),
        )
        self._log(execution, outcome, placement, events)
        self._count(outcome, execution)
        self._say_what_is_pending(execution, stored)

    def _say_what_is_pending(self, execution: Execution, memory: Memory) -> None:
        say_what_is_pending(
            memory,
            self.bus,
            remember=lambda m: self.memories.remember(execution.schedule_arn, execution.endpoint, m),
            recall=lambda: self.memories.recall(execution.schedule_arn),
            whose=execution.schedule,
        )

    def _log(
        self,
        execution: Execution,
        outcome: Verdict | Blindness,
        placement: Placement,
        events: Sequence[DomainEvent],
    ) -> None:
        facts: dict[str, object] = {
            "run_at": execution.at.isoformat(),
            "placement": placement.value,
            "told": [event.detail_type for event in events],
            "incidents": [event.incident for event in events],
        }
        if isinstance(outcome, Blindness):
            severity = max((event.severity for event in events), default=Severity.WARNING)
            facts |= {
                "decision": "blind",
                "severity": severity.value,
                "reason": outcome.reason.value,
                "said": plain(outcome.detail),
            }
            logger.warning("Monitor is blind", extra=facts)
            return
        facts |= {
            "decision": "judged",
            "severity": outcome.severity.value if outcome.severity else "none",
            "counts": {severity.value: outcome.counts.get(severity, 0) for severity in reversed(Severity)},
            "muted": outcome.muted,
        }
        logger.info("Report judged", extra=facts)

    def _count(self, outcome: Verdict | Blindness, execution: Execution) -> None:
        if isinstance(outcome, Blindness):
            metrics.count("BlindRuns", reason=outcome.reason.value)
        else:
            metrics.count("ReportsJudged")
            for (check, severity), number in outcome.by_check.items():
                metrics.count("Violations", number, check=check, severity=severity.value)
            # By schedule too: several monitors watch one endpoint, and none may hide another's value.
            watched = {"endpoint": plain(execution.endpoint, 63), "schedule": plain(execution.schedule, 63)}
            metrics.value("ViolationsOpen", outcome.total, **watched)


def _run(execution: Execution, outcome: Verdict | Blindness) -> tuple[Run, dict[str, str]]:
    if isinstance(outcome, Blindness):
        return Run(at=execution.at, job=execution.job, outcome=Blind(reason=outcome.reason.value)), {}
    levels: dict[str, int] = {}
    names: dict[str, str] = {}
    for judged in outcome.worst:  # one constraint may be listed twice: its worst counts, and comes first
        violation = judged.violation
        identity = violation.identity
        if identity not in levels:
            levels[identity] = judged.level
            names[identity] = _name(violation)
    judged_run = Judged(
        levels=levels,
        counts=outcome.counts,
        untracked=max(0, outcome.total - len(outcome.worst)),
        muted=outcome.muted_identities,
    )
    return Run(at=execution.at, job=execution.job, outcome=judged_run), names


def _name(violation: Violation) -> str:
    """How a violation is called when it is over: `subject qualifier (check)`, within `_NAME_BYTES`."""
    about = " ".join(filter(None, (violation.subject, violation.qualifier)))
    name = f"{plain(about, 60)} ({plain(violation.check, 30)})".encode()
    return (
        name.decode() if len(name) <= _NAME_BYTES else f"{name[: _NAME_BYTES - 3].decode(errors='ignore')}..."
    )
