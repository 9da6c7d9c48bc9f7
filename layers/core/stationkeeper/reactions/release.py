"""Registry or endpoint changed: see that the endpoint runs the newest approved version of its group, and do what is missing."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from stationkeeper.alerts.text import plain
from stationkeeper.errors import BeingTidied, Busy, MemoryConflict, StepRefused
from stationkeeper.events.domain import DomainEvent
from stationkeeper.events.release_trigger import ReleaseTrigger
from stationkeeper.reactions.approval import Approvals
from stationkeeper.reactions.outbox import EventBus, entry, say_what_is_pending
from stationkeeper.reactions.release_looking import Looking, NotTaken, Place, ReleaseRecords
from stationkeeper.releases.decision import (
    Block,
    Leave,
    Look,
    RolledBack,
    SetUp,
    Start,
    Succeeded,
    Wait,
    decide,
)
from stationkeeper.releases.observed import State
from stationkeeper.releases.record import Barred, Live, Record, Target
from stationkeeper.releases.set_up import SetUpPlan
from stationkeeper.releases.starting import group_name
from stationkeeper.releases.steps import Step
from stationkeeper.releases.telling import Telling
from stationkeeper.telemetry import logger, metrics, note_latency

_ROUNDS = 8
_TOLD_AGAIN_AFTER = timedelta(hours=24)
_CLAIM_LASTS = timedelta(minutes=15)


class Hands(Protocol):
    """What can be done."""

    def carry_out(self, step: Step) -> None:
        """Make a step's call, safe to repeat; raises `Busy`, `StepRefused`, or passing faults."""

    def reject(self, package_arn: str, reason: str) -> str:
        """Reject a version in the registry; why that was refused, or ""."""


class SmokeTests(Protocol):
    def run(self, endpoint: str, payload_uri: str, content_type: str) -> tuple[bool, str]:
        """Call the endpoint with a sample payload: whether it answered well, and what it said."""


@dataclass(frozen=True, slots=True)
class ReleaseReaction:
    """The reaction, over its ports.

    Calls of AWS: docs/architecture.md lists them, tests/integration/test_release_calls.py counts them.
    """

    looking: Looking
    hands: Hands
    records: ReleaseRecords
    bus: EventBus
    smoke_tests: SmokeTests
    approvals: Approvals
    now: Callable[[], datetime]

    def react(self, trigger: ReleaseTrigger) -> None:
        # No event is handled before it happened, whatever the clocks say.
        now = max(self.now(), trigger.time)
        places = self._places(trigger)
        if not places:
            logger.info("Ignored", extra={"decision": "ignored", "reason": "no managed group or endpoint"})
        for place in places:
            self._bring(place, trigger, now)
        note_latency(trigger.time, self.now(), "release")

    def _places(self, trigger: ReleaseTrigger) -> list[Place]:
        sight = self.looking.sight
        if trigger.group_arn and (trigger.endpoint or sight.is_own(trigger.group_arn)):
            return [Place(trigger.group_arn, trigger.endpoint or "")]
        if trigger.group_arn:
            return [Place(trigger.group_arn, endpoint) for endpoint in sight.followers(trigger.group_arn)]
        if trigger.endpoint:
            record = self.records.recall(trigger.endpoint)
            if record.group_arn:
                own = "" if not sight.is_own(record.group_arn) else record.endpoint
                return [Place(record.group_arn, record.endpoint if not own else "", remembered=own)]
        return []

    def _bring(self, place: Place, trigger: ReleaseTrigger, now: datetime) -> None:
        for _ in range(_ROUNDS):
            look = self.looking.look(place, now, thorough=trigger.thorough)
            if isinstance(look, NotTaken):
                self._not_taken(look, trigger, now)
                return
            with logger.append_context_keys(
                endpoint=plain(look.settings.endpoint, 63), model_package_group=plain(place.group_arn, 200)
            ):
                try:
                    if self._advance(look, trigger):
                        continue
                    self.approvals.ask(look, trigger, self._telling(look, trigger), self._remember_and_tell)
                except MemoryConflict:
                    logger.info("Another copy was faster; looking again", extra={"decision": "again"})
                    continue
            return
        raise MemoryConflict(
            f"the endpoint of {place.group_arn} did not come to rest in {_ROUNDS} looks; tried again later"
        )

    def _not_taken(self, look: NotTaken, trigger: ReleaseTrigger, now: datetime) -> None:
        facts = {"decision": "unmanaged", "group": plain(look.group_arn, 200), "reason": plain(look.why)}
        metrics.count("UnreadableGroups" if look.why else "UnmanagedGroups")
        if not look.why:
            logger.info("Not managed", extra=facts)
            return
        logger.warning("Not managed", extra=facts)
        # No endpoint has a record that could remember it was told, so the group has.
        stack, key = self.looking.stack, f"group {look.group_arn}"
        telling = Telling(
            endpoint=group_name(look.group_arn),
            group_arn=look.group_arn,
            account=stack.account,
            region=stack.region,
            on_call=stack.on_call,
            event_id=trigger.id,
            at=now,
        )
        record, told = _once(
            self.records.recall(key), "blocked", Block("unreadable-tags", look.why), telling, now
        )
        if told:
            outbox = (*record.outbox, *map(entry, told))
            record = self.records.remember(key, record.model_copy(update={"outbox": outbox}))
        say_what_is_pending(
            record,
            self.bus,
            remember=lambda one: self.records.remember(key, one),
            recall=lambda: self.records.recall(key),
            whose=key,
        )

    def _advance(self, look: Look, trigger: ReleaseTrigger) -> bool:
        """Do what one look calls for; whether to look once more."""
        look = replace(look, record=self._said(look, self._noticed(look)))
        telling = self._telling(look, trigger)
        decision = decide(look)
        self._log(look, decision)
        match decision:
            case Succeeded(target):
                return self._succeeded(look, target, telling)
            case RolledBack(target, said):
                reason = said or "SageMaker gave no reason"
                self._roll_back(look, target, reason, telling, silent=not said)
                return True
            case Start():
                return self._start(look, decision, telling)
            case SetUp(live):
                self._set_up(look, live, telling)
            case Block():
                self._block(look, decision, telling)
            case Wait():
                self._mark_asked(look, telling)
            case Leave():
                self._unblock(look)
        return False

    def _noticed(self, look: Look) -> Record:
        """The record, with what the look tells of versions that were rolled back: a rejection by hand counts as ours."""
        approved = {version.number for version in look.approved or ()}
        record = look.record
        for barred in record.barred:
            if not barred.rejected and look.approved is not None and barred.version not in approved:
                record = record.with_bar(barred.model_copy(update={"rejected": True}))
        return record if record is look.record else self._remember(look, record)

    def _start(self, look: Look, start: Start, telling: Telling) -> bool:
        release = self.looking.plan_start(look, start)
        if isinstance(release, Block):
            self._block(look, release, telling)
            return False
        target = release.target
        self._refuse_what_is_being_tidied(look.record, target, look.now)
        record = look.record.without_bar(target.version).using(target.config, target.model, *target.alarms)
        record = self._retired_target(record, target, look.now)
        # Written first: whoever comes next knows what is under way, and after a crash what was meant.
        record = self._remember(
            look, record.model_copy(update={"target": target, "created": record.created or target.creating})
        )
        look = replace(look, record=record)
        try:
            for step in release.steps:
                self.hands.carry_out(step)
        except Busy as busy:
            logger.info("Waits", extra={"decision": "wait", "reason": str(busy)})
            return False
        except StepRefused as refused:
            self._refused(look, refused, target.version, telling)
            return False
        self._asked(look, target, release.notes, telling)
        metrics.count("ReleasesStarted")
        return False

    def _asked(self, look: Look, target: Target, notes: tuple[str, ...], telling: Telling) -> None:
        asked = target.model_copy(update={"asked": True})
        record = look.record.model_copy(update={"target": asked}).not_telling("blocked", "refused")
        self._remember_and_tell(look, record, telling.started(asked, notes))

    def _mark_asked(self, look: Look, telling: Telling) -> None:
        """After a crash between asking and noting it: the endpoint itself shows that it was asked."""
        target, endpoint = look.record.target, look.endpoint
        if target is None or target.asked or endpoint is None or endpoint.state is not State.BUSY:
            return
        shown = endpoint.pending_config or (endpoint.endpoint_config_name if target.creating else None)
        if shown == target.config:
            self._asked(look, target, (), telling)

    def _succeeded(self, look: Look, target: Target, telling: Telling) -> bool:
        live = Live(
            version=target.version,
            package_arn=target.package_arn,
            config=target.config,
            model=target.model,
            variant=target.variant,
            started_at=target.started_at,
            released_at=look.endpoint.last_modified_time or look.now if look.endpoint else look.now,
            approved_by=target.approved_by,
            alarms=target.alarms,
        )
        failure, note = self._smoke_test(look, target)
        if failure:
            self._roll_back(look, target, failure, telling, silent=False)
            return True
        newest = look.desired is not None and look.desired.number == target.version
        plan = self.looking.plan_set_up(look, live) if newest else SetUpPlan()
        problems = self._carry_out_all(plan)
        settled = look.wish if newest and not problems and not plan.later else ""
        record = _with_live(look.record, live.model_copy(update={"settled": settled}), look.now)
        record = record.model_copy(update={"target": None}).not_telling("blocked", "refused")
        notes = (*([note] if note else []), *problems)
        told = [
            telling.now_serving(target.version).succeeded(target, plan, notes, look.settings.stack.keep_days)
        ]
        record, told = self._failed_job(record, plan, live, telling.now_serving(target.version), told)
        self._remember_and_tell(look, record, *told)
        metrics.count("ReleasesSucceeded")
        return True

    def _smoke_test(self, look: Look, target: Target) -> tuple[str, str]:
        """Why the version failed its smoke test, and what is to be said of the test."""
        if not look.settings.smoke_test:
            return "", ""
        package = self.looking.sight.package(target.package_arn)
        if package is None or not package.sample_payload_url:
            return "", "no smoke test: the version was registered without a sample payload"
        kinds = (
            package.inference_specification.supported_content_types if package.inference_specification else ()
        )
        passed, said = self.smoke_tests.run(
            look.settings.endpoint, package.sample_payload_url, kinds[0] if kinds else "text/csv"
        )
        return ("", said or "the smoke test passed") if passed else (said, "")

    def _roll_back(self, look: Look, target: Target, reason: str, telling: Telling, *, silent: bool) -> None:
        """Bar the version, reject it where we may, and say so."""
        red = tuple(alarm.name for alarm in self.looking.sight.alarms(target.alarms) if alarm.red)
        refusal = self.hands.reject(target.package_arn, f"Rolled back by Stationkeeper: {reason}")
        barred = Barred(
            version=target.version,
            package_arn=target.package_arn,
            at=look.now,
            reason=plain(reason, 300),
            rejected=not refusal,
            refusal=plain(refusal, 300),
        )
        record = look.record.with_bar(barred)
        served = look.endpoint.endpoint_config_name if look.endpoint else ""
        if served != target.config:
            record = self._retired_target(record, None, look.now)
        else:  # a smoke test failed: it serves until its successor does
            record = _with_live(record, _as_live(target, look), look.now)
        record = record.model_copy(update={"target": None}).not_telling("blocked", "refused")
        after = replace(look, record=record, reapproved=look.reapproved - {target.version})
        follows = after.desired.number if after.desired else None
        serving = target.version if served == target.config else target.previous_version
        event = telling.now_serving(serving).rolled_back(
            target, reason, red, refusal, follows if follows != serving else None, silent=silent
        )
        self._remember_and_tell(look, record, event)
        metrics.count("ReleasesRolledBack")

    def _set_up(self, look: Look, live: Live, telling: Telling) -> None:
        plan = self.looking.plan_set_up(look, live)
        problems = self._carry_out_all(plan)
        settled = "" if problems or plan.later else look.wish
        record = look.record.not_telling("blocked")
        if not problems:
            record = record.not_telling("refused")
        record = record.model_copy(
            update={"target": None, "live": live.model_copy(update={"settled": settled})}
        )
        told: list[DomainEvent] = []
        if problems:
            block = Block("set-up-refused", "; ".join(problems), version=live.version)
            record, told = _once(record, "refused", block, telling, look.now)
        record, told = self._failed_job(record, plan, live, telling, told)
        if _changed(record, look):
            self._remember_and_tell(look, record, *told)

    def _failed_job(
        self, record: Record, plan: SetUpPlan, live: Live, telling: Telling, told: list[DomainEvent]
    ) -> tuple[Record, list[DomainEvent]]:
        """A baselining job that failed is told once."""
        if plan.failed_job is None:
            return record, told
        job, reason = plan.failed_job
        if record.told.get("job") == job:
            return record, told
        return record.telling("job", job), [*told, telling.job_failed(live.version, job, reason)]

    def _carry_out_all(self, plan: SetUpPlan) -> tuple[str, ...]:
        """Carry out what can be; what was refused, in words. A version in service stays there whatever it lacks."""
        problems = []
        for step in plan.steps:
            try:
                self.hands.carry_out(step)
            except Busy as busy:
                problems.append(f"later: {busy}")
            except StepRefused as refused:
                logger.warning(
                    "Refused", extra={"decision": "refused", "step": step.action, "said": str(refused)}
                )
                problems.append(str(refused))
        return tuple(problems)

    def _block(self, look: Look, block: Block, telling: Telling) -> None:
        record, told = _once(
            look.record, "blocked", block, telling, look.now, _package_arn(look, block.version)
        )
        if told:
            self._remember_and_tell(look, record, *told)
        metrics.count("ReleasesBlocked", code=block.code)

    def _refused(self, look: Look, refused: StepRefused, version: int, telling: Telling) -> None:
        advice = ""
        if "iam:PassRole" in refused.said:
            advice = "Add the model's execution role to the stack's parameter ExecutionRoleArns, and deploy"
        elif refused.code in ("AccessDenied", "AccessDeniedException"):
            advice = "Give the stack's release function what it was denied"
        block = Block("refused", str(refused), advice=advice, version=version)
        logger.warning(
            "Refused", extra={"decision": "refused", "step": refused.action, "said": plain(str(refused), 500)}
        )
        record = look.record.model_copy(update={"target": None})
        record = self._retired_target(look.record, None, look.now).model_copy(
            update={"target": record.target}
        )
        record, told = _once(record, "refused", block, telling, look.now, _package_arn(look, version))
        self._remember_and_tell(look, record, *told)
        metrics.count("ReleasesBlocked", code="refused")

    def _unblock(self, look: Look) -> None:
        if "blocked" in look.record.told:
            self._remember(look, look.record.not_telling("blocked"))

    def _retired_target(self, record: Record, successor: Target | None, now: datetime) -> Record:
        """What an unfinished release made, put on the list of what is tidied, unless it is used."""
        gone = record.target
        if gone is None or gone == successor:
            return record
        used = record.model_copy(update={"target": successor}).names_in_use
        things = [
            ("endpoint-config", gone.config),
            ("model", gone.model),
            *(("alarm", name) for name in gone.alarms),
        ]
        return record.retiring(*(thing for thing in things if thing[1] not in used), at=now)

    def _refuse_what_is_being_tidied(self, record: Record, target: Target, now: datetime) -> None:
        for retired in record.retired:
            if (
                retired.name in (target.config, target.model)
                and retired.claimed_at
                and now - retired.claimed_at < _CLAIM_LASTS
            ):
                raise BeingTidied(f"{retired.name} is being deleted; tried again when that is over")

    def _remember(self, look: Look, record: Record) -> Record:
        named = record.model_copy(update={"group_arn": look.group_arn, "endpoint": look.settings.endpoint})
        return self.records.remember(look.settings.endpoint, named)

    def _remember_and_tell(self, look: Look, record: Record, *events: DomainEvent) -> Record:
        """One write holds the change and what is to be said of it; then it is said."""
        outbox = (*record.outbox, *map(entry, events))
        stored = self._remember(look, record.model_copy(update={"outbox": outbox}))
        return self._said(look, stored)

    def _said(self, look: Look, record: Record) -> Record:
        endpoint = look.settings.endpoint
        return say_what_is_pending(
            record,
            self.bus,
            remember=lambda one: self.records.remember(endpoint, one),
            recall=lambda: self.records.recall(endpoint),
            whose=endpoint,
        )

    def _telling(self, look: Look, trigger: ReleaseTrigger) -> Telling:
        stack = look.settings.stack
        return Telling(
            endpoint=look.settings.endpoint,
            group_arn=look.group_arn,
            account=stack.account,
            region=stack.region,
            on_call=look.settings.on_call,
            event_id=trigger.id,
            at=look.now,
            serving=look.running,
        )

    def _log(self, look: Look, decision: object) -> None:
        facts = {
            "decision": type(decision).__name__.lower(),
            "reason": plain(str(getattr(decision, "why", "")), 300),
            "running": look.running,
            "desired": look.desired.number if look.desired else None,
            "endpoint_status": look.endpoint.endpoint_status if look.endpoint else "absent",
        }
        target = look.record.target
        if target is not None:
            facts |= {"releasing": target.version, "model_package_arn": plain(target.package_arn, 200)}
        logger.info("Looked", extra=facts)


def _once(
    record: Record,
    subject: str,
    block: Block,
    telling: Telling,
    now: datetime,
    package_arn: str | None = None,
) -> tuple[Record, list[DomainEvent]]:
    """What blocks is told when it begins, and once a day while it lasts."""
    about = f"{block.code}:{block.version}"
    before, _, when = record.told.get(subject, "").partition("@")
    if before == about and when and now - datetime.fromisoformat(when) < _TOLD_AGAIN_AFTER:
        return record, []
    return record.telling(subject, f"{about}@{now.isoformat()}"), [telling.blocked(block, package_arn)]


def _with_live(record: Record, live: Live, now: datetime) -> Record:
    """With another live release; what only the one before it is made of, and is ours, is put on the list of what is tidied."""
    before = record.live
    after = record.model_copy(update={"live": live}).using(live.config, live.model, *live.alarms)
    if before is None or not before.ours:
        return after
    things = [
        ("endpoint-config", before.config),
        ("model", before.model),
        *(("alarm", name) for name in before.alarms),
    ]
    used = {live.config, live.model, *live.alarms}
    return after.retiring(*(thing for thing in things if thing[1] not in used), at=now)


def _as_live(target: Target, look: Look) -> Live:
    return Live(
        version=target.version,
        package_arn=target.package_arn,
        config=target.config,
        model=target.model,
        variant=target.variant,
        started_at=target.started_at,
        released_at=look.now,
        alarms=target.alarms,
    )


def _changed(record: Record, look: Look) -> bool:
    bare = {"version", "group_arn", "endpoint"}
    return record.model_dump(exclude=bare) != look.record.model_dump(exclude=bare)


def _package_arn(look: Look, version: int | None) -> str | None:
    return next((one.model_package_arn for one in look.approved or () if one.number == version), None)
