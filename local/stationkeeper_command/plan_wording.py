"""A plan in words, and as a document."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.text import Text
from stationkeeper.alerts.release_phrases import sentence
from stationkeeper.alerts.text import count, lasting, moment, plain
from stationkeeper.releases.decision import (
    Block,
    Leave,
    Look,
    RolledBack,
    SetUp,
    Start,
    Succeeded,
    Wait,
)
from stationkeeper.releases.registry import group_name
from stationkeeper.releases.set_up import SetUpPlan
from stationkeeper.releases.starting import Release
from stationkeeper.releases.steps import Action, Step

from stationkeeper_command.plan import Plan

_LONG = 2_000
_HIDDEN = "(hidden)"


def as_json(plan: Plan) -> dict[str, Any]:
    """The document `--json` prints; its keys are always the same."""
    look, work = plan.look, plan.work
    block = plan.decision if isinstance(plan.decision, Block) else None
    target = None if look.rival_group else look.record.target  # the record is the other group's
    return {
        "endpoint": look.settings.endpoint,
        "group": look.group_arn,
        "live": plan.live,
        "desired": look.desired.number if look.desired else None,
        "decision": _decision_word(plan),
        "why": plain(plan.why, _LONG),
        "releasing": target.version if target else None,
        "since": target.started_at.isoformat() if target else None,
        "code": block.code if block else None,
        "failure_reason": plain(block.failure_reason, _LONG) if block and block.failure_reason else None,
        "advice": plain(block.advice, _LONG) if block and block.advice else None,
        "steps": [
            {
                "action": step.action.value,
                "name": step.name,
                "why": plain(step.why, _LONG),
                "request": _request(step),
            }
            for step in plan.steps
        ],
        "traffic": plain(work.target.traffic, _LONG) if isinstance(work, Release) else None,
        "alarms": list(work.target.guarded_by) if isinstance(work, Release) else [],
        "later": [plain(one, _LONG) for one in plan.later],
        "notes": [plain(note, _LONG) for note in _notes(plan)],
    }


def _decision_word(plan: Plan) -> str:
    """As the release function logs it; where the function need not look as thoroughly as a plan does, it leaves."""
    return "leave" if plan.in_place and not plan.adopts else type(plan.decision).__name__.lower()


def show(console: Console, plan: Plan, *, verbose: bool) -> None:
    """The plan for a person: what is and what should be, the decision, the steps in order, and what else is to be known."""
    console.print(Text.assemble((f"{plan.look.settings.endpoint}: ", "bold"), _standing(plan)))
    console.print(_decision(plan))
    if plan.steps:
        console.print()
    for number, step in enumerate(plan.steps, 1):
        console.print(
            Text.assemble(f"{number:>3}. ", (step.action.value, "bold"), f" {plain(step.name, 300)}")
        )
        console.print(Text(f"     {plain(step.why, _LONG)}", style="dim"))
        if verbose:
            written = json.dumps(_request(step), indent=2, default=str)
            console.print(Text("\n".join(f"     {line}" for line in written.splitlines())))
    for heading, lines in _sections(plan):
        console.print(Text(f"\n{heading}", style="bold"))
        for line in lines:
            console.print(Text(f"  {plain(line, _LONG)}"))
    if plan.steps:
        where = "" if verbose else "; --verbose shows the requests"
        console.print(
            Text(f"\n{count(len(plan.steps), 'step')} planned, nothing was changed{where}.", style="dim")
        )


def _sections(plan: Plan) -> Iterator[tuple[str, list[str]]]:
    work = plan.work
    if isinstance(work, Release) and not work.target.creating:
        yield "How traffic moves", [work.target.traffic]
        yield "Alarms that roll it back", list(work.target.guarded_by) or ["none"]
    if isinstance(work, SetUpPlan) and work.has:
        yield "The endpoint has, or will have", list(work.has)
    if plan.later and plan.steps:
        yield "Later", list(plan.later)
    if notes := _notes(plan):
        yield "Notes", notes


def _standing(plan: Plan) -> str:
    """What is live and what is wanted, in one line."""
    look, live = plan.look, plan.live
    desired = look.desired.number if look.desired else None
    wanted = (
        f"version {desired} of {group_name(look.group_arn)} is wanted"
        if desired
        else f"no version of {group_name(look.group_arn)} can be released"
    )
    if live is not None and live == desired:
        return plain(f"version {live} of {group_name(look.group_arn)} is live, as wanted.")
    if live is not None:
        return plain(f"version {live} is live, {wanted}.", 300)
    if look.endpoint is None:
        return plain(f"there is no such endpoint yet, {wanted}.", 300)
    if look.fleet is not None:
        return plain(f"what is live is no version of the group, {wanted}.", 300)
    return plain(f"the endpoint is {look.endpoint.endpoint_status}, {wanted}.", 300)


def _decision(plan: Plan) -> Text:
    why = plain(sentence(plan.why), _LONG)
    match plan.decision:
        case Start(version, update=True):
            return Text.assemble((f"Release version {version.number}: ", "bold cyan"), why)
        case Start(version):
            return Text.assemble((f"Create the endpoint with version {version.number}: ", "bold cyan"), why)
        case SetUp() if plan.steps:
            return Text.assemble(("Set up: ", "bold cyan"), why)
        case SetUp() if plan.later:
            return Text.assemble(
                ("Nothing to do now: ", "bold green"), plain(sentence("; ".join(plan.later)), _LONG)
            )
        case Leave() | SetUp():
            return Text.assemble(("Nothing to do: ", "bold green"), why)
        case Wait():
            return Text.assemble(("Wait: ", "bold yellow"), f"{why}{_under_way(plan.look)}")
        case Block() as block:
            return Text.assemble(("Blocked: ", "bold red"), "\n".join((why, *_further(block))))
        case Succeeded() | RolledBack():
            return Text.assemble(("Conclude the release: ", "bold cyan"), why)


def _further(block: Block) -> Iterator[str]:
    if block.failure_reason:
        yield f"SageMaker says: {plain(sentence(block.failure_reason), _LONG)}"
    if block.advice:
        yield f"What to do: {plain(sentence(block.advice), _LONG)}"


def _under_way(look: Look) -> str:
    target = look.record.target
    if target is None or not target.asked:
        return ""
    return (
        f" Version {target.version} is being released since {moment(target.started_at)}, "
        f"{lasting(look.now - target.started_at)} now."
    )


def _notes(plan: Plan) -> list[str]:
    """What people should know: what the plan says of itself, problems of the settings, and versions that are passed over."""
    work, look = plan.work, plan.look
    if isinstance(work, Release):  # it says the problems of its settings among its notes
        notes = list(work.target.notes)
    else:
        notes = [*look.settings.problems, *(work.notes if work else ())]
    if isinstance(work, Release):
        names = {work.target.config, work.target.model, *work.target.alarms}
        if name := look.record.being_deleted(names, look.now):
            notes.append(f"{name} is being tidied away at this moment: the release waits until that is over")
    if look.coming and look.coming is not look.desired:
        notes.append(f"version {look.coming.number} is approved and still being made")
    if plan.waiting is not None:
        notes.append(f"version {plan.waiting} waits for approval")
    return notes if look.rival_group else [*notes, *_passed_over(look)]  # the record is the other group's


def _passed_over(look: Look) -> Iterator[str]:
    """Approved versions above the desired one that are not released, and why."""
    newest = look.desired.number if look.desired else 0
    for version in look.approved or ():
        if version.number <= newest or version.being_made:
            continue
        barred = look.record.bars(version.number)
        if not version.usable:
            yield f"version {version.number} is approved, but the package itself is {version.model_package_status}"
        elif barred is not None:
            yield (
                f"version {version.number} is approved, but was rolled back on {moment(barred.at)}: {barred.reason}. "
                "To try it again, reject it and approve it anew"
            )


def _request(step: Step) -> dict[str, Any]:
    """What would be sent. Values of containers' environments are hidden: plans end up in logs, and they may be secrets."""
    request = dict(step.request)
    if step.action is Action.CREATE_MODEL and "PrimaryContainer" in request:
        request["PrimaryContainer"] = _without_values(request["PrimaryContainer"])
    return request


def _without_values(container: Mapping[str, Any]) -> dict[str, Any]:
    names = container.get("Environment") or {}
    return {**container, "Environment": dict.fromkeys(names, _HIDDEN)} if names else dict(container)
