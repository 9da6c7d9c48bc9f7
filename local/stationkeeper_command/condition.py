"""How an endpoint stands, in a few words: a pure function of one look and what was decided by it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from stationkeeper.releases.decision import (
    Block,
    Decision,
    Leave,
    Look,
    RolledBack,
    SetUp,
    Start,
    Succeeded,
    Wait,
)
from stationkeeper.releases.observed import State as EndpointState
from stationkeeper.releases.registry import highest

_FAILED = ("endpoint-failed", "mixed-fleet")


class State(StrEnum):
    """How an endpoint stands; its value is what `status --json` says."""

    IN_SERVICE = "in-service"
    RELEASING = "releasing"
    ROLLED_BACK = "rolled-back"
    DUE = "release-due"
    WAITING = "waiting"
    BLOCKED = "blocked"
    FAILED = "failed"
    ABSENT = "no-endpoint"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Condition:
    """`releasing` is the version under way, `since` when its release began."""

    state: State
    words: str
    releasing: int | None = None
    since: datetime | None = None


def condition_of(look: Look, decision: Decision) -> Condition:
    """How an endpoint stands."""
    target = look.record.target
    match decision:
        case Block(code=code) as block if code in _FAILED:
            said = block.failure_reason
            return Condition(State.FAILED, f"failed: {said or block.why}")
        case Block(why=why):
            return Condition(State.BLOCKED, f"blocked: {why}")
        case Wait():
            return _waiting(look, decision)
        case Succeeded(target):
            words = f"version {target.version} is in service, being verified"
            return Condition(State.RELEASING, words, target.version, target.started_at)
        case RolledBack(target):
            return Condition(State.ROLLED_BACK, f"version {target.version} was rolled back", target.version)
        case Start():
            return _due(look, decision)
        case SetUp() | Leave():
            return _at_rest(look, decision)


def _waiting(look: Look, decision: Wait) -> Condition:
    endpoint, target = look.endpoint, look.record.target
    if endpoint is None or (endpoint.state is EndpointState.IN_SERVICE and target is None):
        return Condition(State.WAITING, f"waiting: {decision.why}")
    if target is None or not target.asked or endpoint.endpoint_status == "Deleting":
        return Condition(State.WAITING, f"SageMaker is at work on it ({endpoint.endpoint_status})")
    doing = "rolling back" if endpoint.endpoint_status == "RollingBack" else "releasing"
    return Condition(State.RELEASING, f"{doing} version {target.version}", target.version, target.started_at)


def _due(look: Look, start: Start) -> Condition:
    """A version is to be released; on-call was told if something was in its way at the last try."""
    code, version, *_ = [*look.record.told.get("blocked", "").rpartition("@")[0].split(":"), "", ""]
    if version in (str(start.version.number), "None"):
        return Condition(
            State.BLOCKED, f"blocked: version {start.version.number} cannot be released ({code})"
        )
    if not start.update:
        return Condition(State.DUE, f"no endpoint yet, version {start.version.number} is due")
    return Condition(State.DUE, f"version {start.version.number} is due")


def _at_rest(look: Look, decision: SetUp | Leave) -> Condition:
    if look.endpoint is None:
        return Condition(State.ABSENT, f"no endpoint: {decision.why if isinstance(decision, Leave) else ''}")
    if look.record.told.get("blocked", "").startswith("set-up-refused:"):
        return Condition(
            State.BLOCKED, "in service, but autoscaling or monitors were refused (set-up-refused)"
        )
    return Condition(State.IN_SERVICE, "; ".join(("in service", *_besides(look))))


def _besides(look: Look) -> list[str]:
    """What is said of an endpoint in service besides: nothing that concerns it is left out."""
    newest = highest(version for version in look.approved or () if not version.being_made)
    if look.coming is not None:
        return [f"version {look.coming.number} is being made"]
    if newest is None:
        return ["no version of the group is approved"]
    if look.desired is not None and newest.number > look.desired.number:
        how = "failed to be made" if not newest.usable else "was rolled back"
        return [f"version {newest.number} {how}"]
    return []
