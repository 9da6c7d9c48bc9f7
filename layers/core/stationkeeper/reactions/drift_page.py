"""A monitoring job ended, or something was done about it: draw the run's page, with all that is known by then.

The page lies at an address that follows from the run. Its metadata name the version of the run's record it was drawn from: a page that
is up to date is left alone, and one that is not is replaced only as it was seen before the record was read. So whatever the order of events,
and however many copies draw at once, the page that stays is the one that knows most.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from stationkeeper.alerts.phrases import BLIND, UNKNOWN_BLINDNESS
from stationkeeper.alerts.text import plain
from stationkeeper.errors import MemoryConflict, PageChanged
from stationkeeper.events.page_trigger import PageTrigger
from stationkeeper.events.processing_job import ProcessingJob
from stationkeeper.pages.address import PagePlace
from stationkeeper.pages.content import RUNS_SHOWN, Deed, PageContent, PastRun
from stationkeeper.pages.deeds import recorded, run_of
from stationkeeper.pages.record import DrawnRun, RunKey, RunRecord, found
from stationkeeper.pages.seen import SeenPage
from stationkeeper.pages.serving import serving
from stationkeeper.reactions.page_measures import MeasuredFiles, Measures, measures_of, values_of
from stationkeeper.reactions.ports import Policies, RememberedReleases
from stationkeeper.reactions.report_reading import ProcessingJobs, Reports, completed, report_of
from stationkeeper.reports.judgement import verdict_of
from stationkeeper.reports.outcome import Blindness, Execution, Ignored, classify
from stationkeeper.reports.verdict import Verdict
from stationkeeper.telemetry import logger, metrics, note_ignored

_ATTEMPTS = 5


class Pages(Protocol):
    def seen(self, key: str) -> SeenPage | None:
        """The page at a key; None when there is none."""

    def put(self, key: str, html: str, record_version: int, over: SeenPage | None) -> None:
        """Put a page where this one was seen.

        Raises
        ------
        PageChanged
            Somebody else put another one there since.
        """


class RunRecords(Protocol):
    def until(self, key: RunKey, most: int) -> Sequence[RunRecord]:
        """The records of the last runs of a schedule until this one, oldest first; this one's own too, if there is one."""

    def remember(self, key: RunKey, record: RunRecord) -> RunRecord:
        """Store a record over the version it came from, and return it with its new version.

        Raises
        ------
        MemoryConflict
            Somebody else stored another one since.
        """


@dataclass(frozen=True, slots=True)
class DriftPage:
    """The reaction, over its ports.

    Calls of AWS: a run 7 to 9 (page, records, report, up to two files of measurements and one of the baseline, release, record, page);
    what was done about it later 5 to 7; a repeated event 2.
    """

    reports: Reports
    measured: MeasuredFiles
    records: RunRecords
    releases: RememberedReleases
    pages: Pages
    place: PagePlace
    policies: Policies
    jobs: ProcessingJobs
    draw: Callable[[PageContent], str]
    now: Callable[[], datetime]

    def react(self, event: PageTrigger) -> None:
        if event.job is not None:
            self._of_job(event, event.job)
            return
        done = event.done
        key = run_of(done) if done is not None else None
        if done is None or key is None:
            note_ignored("drift_page", "not about a run of a monitor")
            return
        told = recorded(done, event.time)
        # The id of the event that made us look, so that one query tells the whole story.
        with logger.append_context_keys(
            event_id=done.cause.event_id,
            endpoint=plain(done.endpoint, 63),
            incident=plain(done.incident, 32),
        ):
            self._bring_up_to_date(key, lambda record: self._described(record.with_deed(told), key, event))

    def _of_job(self, event: PageTrigger, job: ProcessingJob) -> None:
        execution = classify(job, event.time)
        if isinstance(execution, Ignored):
            note_ignored("drift_page", execution.why)
            return
        with logger.append_context_keys(
            endpoint=plain(execution.endpoint, 63),
            monitoring_schedule=plain(execution.schedule, 63),
            processing_job=plain(execution.job, 100),
        ):
            if self.policies.current().policy.for_endpoint(execution.endpoint).alerting.ignore:
                note_ignored("drift_page", "the severity policy ignores this endpoint")
                return
            key = RunKey(execution.schedule_arn, execution.at, execution.job)
            self._bring_up_to_date(key, lambda record: self._with_run(record, event, execution, job))

    def _described(self, record: RunRecord, key: RunKey, event: PageTrigger) -> RunRecord:
        """The record with its run as SageMaker describes it, where the run's own event did not come yet, or was ignored."""
        if record.run is not None:
            return record
        job = self.jobs.describe(key.job)
        execution = classify(job, key.at) if job is not None else None
        if job is None or execution is None or isinstance(execution, Ignored):
            return record
        return self._with_run(record, event, execution, job)

    def _with_run(
        self, record: RunRecord, event: PageTrigger, execution: Execution, job: ProcessingJob
    ) -> RunRecord:
        if record.run is not None:
            return record
        execution = completed(execution, self.jobs)
        live = self.releases.recall(execution.endpoint).live
        run = DrawnRun(
            execution=execution,
            account=event.account,
            region=event.region,
            baseline_uri=job.baseline_uri("statistics"),
            constraints_uri=job.baseline_uri("constraints"),
            serving=serving(live.version, live.released_at, live.replaced, execution.window) if live else "",
            policy=self.policies.current().policy.for_endpoint(execution.endpoint),
            judged_at=self.now(),
        )
        return record.with_run(run)

    def _bring_up_to_date(self, key: RunKey, with_news: Callable[[RunRecord], RunRecord]) -> None:
        for _ in range(_ATTEMPTS):
            try:
                self._brought_up_to_date(key, with_news)
                return
            except (MemoryConflict, PageChanged) as error:
                logger.info("Looks again", extra={"decision": "again", "reason": str(error)})
        raise PageChanged(
            f"the page of {key.job} changed {_ATTEMPTS} times while it was drawn; tried again later"
        )

    def _brought_up_to_date(self, key: RunKey, with_news: Callable[[RunRecord], RunRecord]) -> None:
        """The page is looked at before the record: never is a newer one replaced by an older."""
        page = self.place.key(key.schedule_arn, key.job)
        seen = self.pages.seen(page)
        *before, known = self._runs(key)
        record = with_news(known)
        if record.run is None:
            if record != known:
                self.records.remember(key, record)
            logger.info("Noted for its page", extra={"decision": "noted", "deeds": len(record.deeds)})
            return
        if record == known and seen is not None and seen.record_version == known.version:
            logger.info("Nothing to do", extra={"decision": "known", "page": page})
            return
        outcome = self._judge(record.run)
        if isinstance(outcome, Blindness) and known.run is not None and known.run.found.total is not None:
            # Its report is gone since: the page that is there knows more than one drawn now would.
            if record != known:
                self.records.remember(key, record)
            logger.warning(
                "Page kept", extra={"decision": "kept-as-it-was", "page": page, "reason": outcome.detail}
            )
            return
        measures = measures_of(record.run, outcome, self.measured)
        if known.run is None:
            record = record.with_found(found(outcome, values_of(outcome, measures)))
        if record != known:
            record = self.records.remember(key, record)
        content = self._content(record, before, outcome, measures, self.policies.current().problem)
        html = self.draw(content)
        self.pages.put(page, html, record.version, seen)
        metrics.count("PagesDrawn")
        logger.info(
            "Page drawn",
            extra={"decision": "drawn", "page": page, "characters": len(html), "deeds": len(record.deeds)},
        )

    def _runs(self, key: RunKey) -> list[RunRecord]:
        """The runs before this one that were drawn, and this one, as far as it is known."""
        runs = list(self.records.until(key, RUNS_SHOWN))
        own = runs.pop() if runs and (runs[-1].at, runs[-1].job) == (key.at, key.job) else RunRecord().of(key)
        before = [one for one in runs if one.run is not None]
        return [*before[-(RUNS_SHOWN - 1) :], own]

    def _judge(self, run: DrawnRun) -> Verdict | Blindness:
        report = report_of(run.execution, self.reports)
        if isinstance(report, Blindness):
            return report
        return verdict_of(report, run.execution, run.policy, run.judged_at)

    def _content(
        self,
        record: RunRecord,
        before: Sequence[RunRecord],
        outcome: Verdict | Blindness,
        measures: Measures,
        policy_problem: str | None,
    ) -> PageContent:
        run = record.run
        assert run is not None
        execution = run.execution
        return PageContent(
            endpoint=execution.endpoint,
            schedule=execution.schedule,
            job=execution.job,
            monitor=execution.monitor or measures.monitor,
            at=execution.at,
            window=execution.window,
            version=run.serving,
            account=run.account,
            region=run.region,
            outcome=outcome,
            current=measures.current,
            baseline=measures.baseline,
            constraints=measures.constraints,
            report_uri=execution.report_uri or "",
            policy_problem=policy_problem or "",
            done=tuple(Deed(one.what, one.at) for one in record.deeds),
            runs=tuple(self._past(one, this=one is record) for one in (*before, record)),
            drawn_at=self.now(),
        )

    def _past(self, record: RunRecord, *, this: bool) -> PastRun:
        run = record.run
        assert run is not None
        known = run.found
        return PastRun(
            at=run.execution.at,
            total=known.total,
            severity=known.severity,
            blind=BLIND.get(known.blind, UNKNOWN_BLINDNESS).short if known.blind else "",
            values=known.values,
            page="" if this else self.place.link(run.execution.schedule_arn, run.execution.job),
        )
