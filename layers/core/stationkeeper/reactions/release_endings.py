"""How releases end: in service and set up, or rolled back."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from stationkeeper.alerts.text import plain
from stationkeeper.errors import Busy, StepRefused
from stationkeeper.events.domain import DomainEvent
from stationkeeper.reactions.release_looking import Looking
from stationkeeper.reactions.release_notebook import Notebook
from stationkeeper.releases.decision import TRIED_AGAIN_AFTER, Block, Look, lacked_capacity
from stationkeeper.releases.record import Barred, Live, Record, Target
from stationkeeper.releases.set_up import SetUpPlan
from stationkeeper.releases.steps import Step
from stationkeeper.releases.telling import Telling
from stationkeeper.telemetry import logger, metrics


class Hands(Protocol):
    """What can be done."""

    def carry_out(self, step: Step) -> None:
        """Make a step's call, safe to repeat; raises `Busy`, `StepRefused`, or passing faults."""

    def reject(self, package_arn: str, reason: str) -> str:
        """Reject a version in the registry; why that was refused, or ""."""


class SmokeTests(Protocol):
    def run(self, endpoint: str, variant: str, payload_uri: str, content_type: str) -> tuple[bool, str]:
        """Call a variant with a sample payload: whether its model answered well, and what is to be said of it."""


@dataclass(frozen=True, slots=True)
class _Smoke:
    """What came of a smoke test: why the version failed it, or that it was made, or why it was not."""

    failure: str = ""
    tested: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Endings:
    """Concludes releases, over its ports."""

    looking: Looking
    hands: Hands
    notebook: Notebook
    smoke_tests: SmokeTests

    def succeeded(self, look: Look, target: Target, telling: Telling) -> None:
        """The config that was asked for is in service: set it up, remember it, say it."""
        smoke = self._smoke_test(look, target)
        if smoke.failure:
            self.rolled_back(look, target, smoke.failure, telling)
            return
        live = _live(target, look)
        newest = look.desired is not None and look.desired.number == target.version
        plan = self.looking.plan_set_up(look, live) if newest else SetUpPlan()
        problems, finished = self._carry_out(plan)
        settled = look.wish if newest and finished else ""
        record = look.record.with_target(None, look.now)
        record = record.with_live(live.model_copy(update={"settled": settled}), look.now).not_telling(
            "blocked"
        )
        serving = telling.now_serving(target.version)
        told = serving.succeeded(
            target, plan, (*smoke.notes, *problems), _kept_until(look, target), smoke_tested=smoke.tested
        )
        record, failed = _failed_job(record, plan, live, serving)
        self.notebook.write(look, record, told, *failed)
        metrics.count("ReleasesSucceeded")

    def rolled_back(self, look: Look, target: Target, said: str, telling: Telling) -> None:
        """Reject the version, bar it, and say so. `said` is why; "" when SageMaker gave no reason.

        Rejected before it is written down: after a crash in between, the endpoint shows the same again.
        """
        if lacked_capacity(said):
            self._wait_for_capacity(look, target, said, telling)
            return
        watched = {*target.alarms, *target.guarded_by}
        red = tuple(alarm.name for alarm in self.looking.sight.alarms(watched) if alarm.red)
        reason = said or "SageMaker gave no reason"
        refusal = self.hands.reject(target.package_arn, plain(f"Rolled back by Stationkeeper: {reason}", 900))
        barred = Barred(
            version=target.version,
            package_arn=target.package_arn,
            at=look.now,
            reason=plain(reason, 300),
            rejected=not refusal,
            refusal=plain(refusal, 300),
            incident=target.incident,
        )
        record = look.record.with_bar(barred)
        still_there = look.endpoint is not None and look.endpoint.endpoint_config_name == target.config
        record = record.with_target(None, look.now).not_telling("blocked")
        if still_there:  # a smoke test failed: it serves until its successor does
            record = record.with_live(_live(target, look), look.now)
        after = replace(look, record=record, reapproved=look.reapproved - {target.version})
        serving = target.version if still_there else target.previous_version
        follows = after.desired.number if after.desired and after.desired.number != serving else None
        event = telling.now_serving(serving).rolled_back(
            target, reason, red, refusal, follows, silent=not said
        )
        self.notebook.write(look, record, event)
        metrics.count("ReleasesRolledBack")

    def _wait_for_capacity(self, look: Look, target: Target, said: str, telling: Telling) -> None:
        """There were no instances for it: the version keeps its approval, and is tried again later."""
        barred = Barred(
            version=target.version,
            package_arn=target.package_arn,
            at=look.now,
            reason=plain(said, 300),
            until=look.now + TRIED_AGAIN_AFTER,
            rejected=False,
        )
        record = look.record.with_bar(barred).with_target(None, look.now)
        block = Block(
            "no-capacity",
            f"SageMaker had no instances for version {target.version} and went back to what served before.",
            advice="Ask for a higher quota, or release to another instance type",
            version=target.version,
            failure_reason=said,
            about=look.now.isoformat(),
        )
        self.notebook.block(look, block, telling, record)

    def set_up(self, look: Look, live: Live, telling: Telling) -> Record:
        """Bring autoscaling and monitoring of a version in service to what is configured."""
        plan = self.looking.plan_set_up(look, live)
        if plan.lost is not None:
            return self.notebook.block(look, plan.lost, telling)
        problems, finished = self._carry_out(plan)
        settled = look.wish if finished else ""
        target = look.record.target
        ended: tuple[DomainEvent, ...] = ()
        if target is not None and target.asked and target.version == live.version:
            # In service, though somebody gave the endpoint another config meanwhile: what was begun is told to its end.
            serving = telling.now_serving(live.version)
            ended = (serving.succeeded(target, plan, problems, _kept_until(look, target)),)
        record = look.record.with_target(None, look.now)
        record = record.with_live(live.model_copy(update={"settled": settled}), look.now)
        record, failed = _failed_job(record, plan, live, telling)
        told = (*ended, *failed)
        if problems:
            block = Block("set-up-refused", "; ".join(problems), version=live.version)
            record = self.notebook.write(look, record, *told) if told else record
            return self.notebook.block(look, block, telling, record)
        record = record.not_telling("blocked")
        if not told and _content(record) == _content(look.record):
            return look.record
        return self.notebook.write(look, record, *told)

    def _smoke_test(self, look: Look, target: Target) -> _Smoke:
        if not look.settings.smoke_test:
            return _Smoke()
        package = self.looking.sight.package(target.package_arn)
        if package is None or not package.sample_payload_url:
            return _Smoke(notes=("no smoke test: the version was registered without a sample payload",))
        fleet = look.fleet or self.looking.sight.fleet(target.config)
        if fleet is not None and fleet.config.asynchronous:
            return _Smoke(notes=("no smoke test: the endpoint is asynchronous",))
        passed, said = self.smoke_tests.run(
            look.settings.endpoint,
            target.variant,
            package.sample_payload_url,
            package.content_type or "text/csv",
        )
        if not passed:
            return _Smoke(failure=said)
        return _Smoke(notes=(said,)) if said else _Smoke(tested=True)

    def _carry_out(self, plan: SetUpPlan) -> tuple[tuple[str, ...], bool]:
        """Do what can be done. What was refused, in words, and whether nothing is left for later.

        A version in service stays there whatever it lacks.
        """
        problems = []
        finished = not plan.later
        for step in plan.steps:
            try:
                self.hands.carry_out(step)
            except Busy as busy:
                logger.info("Waits", extra={"decision": "wait", "reason": str(busy)})
                finished = False
            except StepRefused as refused:
                said = plain(str(refused), 500)
                logger.warning("Refused", extra={"decision": "refused", "step": step.action, "said": said})
                problems.append(said)
        return tuple(problems), finished and not problems


def _kept_until(look: Look, target: Target) -> datetime | None:
    """Until when what the release replaced is kept; None where that is not ours to take away."""
    before = look.record.live
    if before is None or not before.ours or before.config != target.previous_config:
        return None
    return look.now + timedelta(days=look.settings.stack.keep_days)


def _live(target: Target, look: Look) -> Live:
    ended = look.endpoint.last_modified_time if look.endpoint else None
    return Live(
        version=target.version,
        package_arn=target.package_arn,
        config=target.config,
        model=target.model,
        variant=target.variant,
        started_at=target.started_at,
        released_at=ended or look.now,
        approved_by=target.approved_by,
        approved_at=target.approved_at,
        alarms=target.alarms,
        guarded_by=target.guarded_by,
        incident=target.incident,
        replaced=target.previous_version,
        fell_back=target.falls_back,
    )


def _failed_job(
    record: Record, plan: SetUpPlan, live: Live, telling: Telling
) -> tuple[Record, tuple[DomainEvent, ...]]:
    """A baselining job that failed is told once."""
    if plan.failed_job is None:
        return record, ()
    job, reason = plan.failed_job
    if record.told.get("job") == job:
        return record, ()
    return record.telling("job", job), (telling.baselining_failed(live.version, job, reason),)


def _content(record: Record) -> dict[str, object]:
    return record.model_dump(exclude={"version", "group_arn", "endpoint"})
