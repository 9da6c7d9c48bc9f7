"""Registry or endpoint changed: see that the endpoint runs the newest approved version of its group, and do what is missing."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from stationkeeper.alerts.text import plain
from stationkeeper.errors import BeingTidied, Busy, MemoryConflict, StepRefused
from stationkeeper.events.release_trigger import ReleaseTrigger
from stationkeeper.reactions.approval import Approvals, Retrainings
from stationkeeper.reactions.release_endings import Endings
from stationkeeper.reactions.release_looking import Hint, Looking, NotTaken, Place
from stationkeeper.reactions.release_notebook import Notebook
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
    rivalry,
)
from stationkeeper.releases.observed import State
from stationkeeper.releases.record import Record, Target
from stationkeeper.releases.registry import group_name
from stationkeeper.releases.telling import Telling
from stationkeeper.telemetry import logger, metrics, note_ignored

_LOOKS = 8


@dataclass(frozen=True, slots=True)
class ReleaseReaction:
    """The reaction, over its ports.

    Calls of AWS: docs/architecture.md lists them, tests/integration/test_release_calls.py counts them.
    """

    looking: Looking
    endings: Endings
    approvals: Approvals
    retrainings: Retrainings
    notebook: Notebook
    now: Callable[[], datetime]

    def react(self, trigger: ReleaseTrigger) -> None:
        # No event is handled before it happened, whatever the clocks say.
        now = max(self.now(), trigger.time)
        places = self._places(trigger)
        if not places:
            note_ignored("release", "no managed group or endpoint")
        for place in places:
            self._bring(place, trigger, now)

    def _places(self, trigger: ReleaseTrigger) -> list[Place]:
        sight = self.looking.sight
        if trigger.group_arn and (trigger.endpoint or sight.is_own(trigger.group_arn)):
            return [Place(trigger.group_arn, trigger.endpoint or "")]
        if trigger.group_arn:
            return [Place(trigger.group_arn, endpoint) for endpoint in sight.followers(trigger.group_arn)]
        record = self.looking.records.recall(trigger.endpoint) if trigger.endpoint else Record()
        if not record.group_arn:
            return []
        if sight.is_own(record.group_arn):
            return [Place(record.group_arn, remembered=record.endpoint)]
        return [Place(record.group_arn, record.endpoint)]

    def _bring(self, place: Place, trigger: ReleaseTrigger, now: datetime) -> None:
        """Look, and do what the look calls for, until nothing more is to be done now."""
        for _ in range(_LOOKS):
            hint = Hint(trigger.version, trigger.approval) if trigger.version and trigger.approval else None
            look = self.looking.look(place, now, thorough=trigger.thorough, hint=hint)
            if isinstance(look, NotTaken):
                self._not_taken(look, trigger, now)
                return
            with logger.append_context_keys(
                endpoint=plain(look.settings.endpoint, 63), model_package_group=plain(place.group_arn, 200)
            ):
                try:
                    if look.rival_group:  # the endpoint's record is the other group's
                        self._tell_of_group(
                            place.group_arn, rivalry(look.rival_group), self._telling(look, trigger)
                        )
                        return
                    if self._advance(look, trigger):
                        continue
                except MemoryConflict:
                    logger.info("Another copy was faster; looking again", extra={"decision": "again"})
                    continue
            return
        raise MemoryConflict(f"{place.group_arn} did not come to rest in {_LOOKS} looks; tried again later")

    def _advance(self, look: Look, trigger: ReleaseTrigger) -> bool:
        """Do what one look calls for; whether to look once more."""
        look = replace(look, record=self._caught_up(look))
        telling = self._telling(look, trigger)
        decision = decide(look)
        self._log(look, decision)
        match decision:
            case Succeeded(target):
                self.endings.succeeded(look, target, telling)
                return True
            case RolledBack(target, said):
                self.endings.rolled_back(look, target, said, telling)
                return True
            case Start():
                record = self._start(look, decision, telling)
                if record is None:
                    return True
            case SetUp(live):
                record = self.endings.set_up(look, live, telling)
            case Block():
                record = self.notebook.block(look, decision, telling)
            case Wait():
                record = self._note_asked(look, telling)
            case Leave():
                record = look.record
                if "blocked" in record.told:
                    record = self.notebook.write(look, record.not_telling("blocked"))
        self.approvals.ask(replace(look, record=record), trigger, telling)
        return False

    def _caught_up(self, look: Look) -> Record:
        """The record, once all is said that was to be said, and with what the look tells of versions that were rolled back."""
        record = self.notebook.say_pending(look.settings.endpoint, look.record)
        approved = {version.number for version in look.approved or ()}
        caught_up = record
        for barred in record.barred:
            if not barred.rejected and look.approved is not None and barred.version not in approved:
                # Somebody did what we were not allowed to: from now on an approval is a new one.
                caught_up = caught_up.with_bar(barred.model_copy(update={"rejected": True}))
        return record if caught_up is record else self.notebook.write(look, caught_up)

    def _start(self, look: Look, start: Start, telling: Telling) -> Record | None:
        """Release a version; None when SageMaker is at work on the endpoint: the next look shows on what."""
        release = self.looking.plan_start(look, start)
        if isinstance(release, Wait):
            logger.info("Waits", extra={"decision": "wait", "reason": release.why})
            return look.record
        if isinstance(release, Block):
            return self.notebook.block(look, release, telling)
        target = release.target.model_copy(update={"incident": self._thread(look, release.target, telling)})
        if name := look.record.being_deleted({target.config, target.model, *target.alarms}, look.now):
            raise BeingTidied(f"{name} is being deleted and needed again; tried again when that is over")
        record = look.record.without_bar(target.version).with_target(target, look.now)
        record = record.model_copy(update={"created": record.created or target.creating})
        # Written first: whoever comes next knows what is under way, and after a crash what was meant.
        look = replace(look, record=self.notebook.write(look, record))
        try:
            for step in release.steps:
                self.endings.hands.carry_out(step)
        except Busy as busy:
            # Maybe with this very update: a call that was answered too late is made twice.
            logger.info("Waits", extra={"decision": "wait", "reason": str(busy)})
            return None
        except StepRefused as refused:
            about = f"{refused.action} {refused.code}"
            block = Block(
                "refused", str(refused), advice=_advice(refused), version=target.version, about=about
            )
            return self.notebook.block(look, block, telling, look.record.with_target(None, look.now))
        return self._asked(look, target, telling)

    def _thread(self, look: Look, target: Target, telling: Telling) -> str:
        """The incident a release is told in: of the alarm that took back the version before, of the drift, or its version's own."""
        before = look.record.bars(look.running) if target.falls_back and look.running is not None else None
        if before is not None and before.incident:
            return before.incident
        retrained = self.retrainings.that_made(target.generated_by)
        return telling.thread_of(target.version, target.registered_at or look.now, retrained)

    def _asked(self, look: Look, target: Target, telling: Telling) -> Record:
        asked = target.model_copy(update={"asked": True})
        record = look.record.model_copy(update={"target": asked}).not_telling("blocked")
        metrics.count("ReleasesStarted")
        return self.notebook.write(look, record, telling.started(asked))

    def _note_asked(self, look: Look, telling: Telling) -> Record:
        """After a crash between asking and noting it: the endpoint itself shows that it was asked."""
        target, endpoint = look.record.target, look.endpoint
        if target is None or target.asked or endpoint is None or endpoint.state is not State.BUSY:
            return look.record
        shown = endpoint.pending_config or (endpoint.endpoint_config_name if target.creating else None)
        return self._asked(look, target, telling) if shown == target.config else look.record

    def _not_taken(self, look: NotTaken, trigger: ReleaseTrigger, now: datetime) -> None:
        facts = {"decision": "unmanaged", "group": plain(look.group_arn, 200), "reason": plain(look.why)}
        metrics.count("UnreadableGroups" if look.why else "UnmanagedGroups")
        if not look.why:
            logger.info("Not managed", extra=facts)
            return
        logger.warning("Not managed", extra=facts)
        stack = self.looking.stack
        telling = Telling(
            endpoint=group_name(look.group_arn),
            group_arn=look.group_arn,
            account=stack.account,
            region=stack.region,
            on_call=stack.on_call,
            event_id=trigger.id,
            at=now,
        )
        self._tell_of_group(look.group_arn, Block("unreadable-tags", look.why), telling)

    def _tell_of_group(self, group_arn: str, block: Block, telling: Telling) -> None:
        """What is wrong with a group that has no endpoint of its own: its own record remembers that it was told."""
        key = f"group {group_arn}"
        record = self.notebook.say_pending(key, self.looking.records.recall(key))
        news = record.telling_once("blocked", f"{block.code}:{block.why}", telling.at)
        if news is not None:
            told, since = news
            self.notebook.write_at(key, told, telling.blocked(block, since=since))

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


def _advice(refused: StepRefused) -> str:
    if "iam:PassRole" in refused.said:
        return "Add the model's execution role to the stack's parameter ExecutionRoleArns, and deploy"
    if refused.code in ("AccessDenied", "AccessDeniedException"):
        return "Give the role of the stack's release function what it was denied"
    return ""
