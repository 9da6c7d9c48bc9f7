"""Stationkeeper's bus as a stack has it: its archive, and the rules that stand on it."""

import json
from dataclasses import dataclass
from datetime import timedelta

from stationkeeper.alerts.text import plain
from stationkeeper.aws import clients

from stationkeeper_command.account import needing
from stationkeeper_command.errors import CommandError

_ARCHIVE, _BUS = "EventArchiveName", "EventBusName"


@dataclass(frozen=True, slots=True)
class Archive:
    """What the bus said and when it forgets; EventBridge brings its sums up to date once a day."""

    arn: str
    bus_arn: str
    bus: str
    events: int
    size_bytes: int
    kept: timedelta | None
    """How long an event is kept; None for ever."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule on the bus. `ours` came with the stack."""

    name: str
    arn: str
    ours: bool
    enabled: bool
    takes_replays: bool

    @property
    def gets_it(self) -> bool:
        """Whether a replay is for it: a rule of the user's that takes one."""
        return not self.ours and self.enabled and self.takes_replays


def archive(outputs: dict[str, str]) -> Archive:
    """The archive of a stack's bus; one call."""
    missing = [name for name in (_ARCHIVE, _BUS) if name not in outputs]
    if missing:
        raise CommandError(
            f"the stack has no output {missing[0]}: it is older than this command. Deploy this version (`make deploy`), or "
            "name the stack with --stack."
        )
    with needing("events:DescribeArchive", "the bus's archive"):
        said = clients.events().describe_archive(ArchiveName=outputs[_ARCHIVE])
    return Archive(
        arn=said["ArchiveArn"],
        bus_arn=said["EventSourceArn"],
        bus=outputs[_BUS],
        events=said.get("EventCount", 0),
        size_bytes=said.get("SizeBytes", 0),
        kept=timedelta(days=said["RetentionDays"]) if said.get("RetentionDays") else None,
    )


def rules(stack: str, bus: str) -> tuple[Rule, ...]:
    """The rules on the bus by name, but for the one EventBridge itself fills the archive with."""
    ours = _rules_of_the_stack(stack)
    with needing("events:ListRules", "the bus"):
        pages = clients.events().get_paginator("list_rules").paginate(EventBusName=bus)
        found = [rule for page in pages for rule in page["Rules"]]
    return tuple(
        Rule(
            name=rule["Name"],
            arn=rule["Arn"],
            ours=rule["Name"] in ours,
            enabled=rule.get("State") != "DISABLED",
            takes_replays=not ignores_replays(rule.get("EventPattern", "")),
        )
        for rule in sorted(found, key=lambda rule: rule["Name"])
        if not rule.get("ManagedBy") and rule.get("EventPattern")
    )


def ignores_replays(pattern: str) -> bool:
    """Whether an event pattern lets no replayed event through: it wants `replay-name` not to be there, and nothing else of it."""
    try:
        wanted = json.loads(pattern).get("replay-name", [])
    except (ValueError, AttributeError):
        return False
    return bool(wanted) and all(one == {"exists": False} for one in wanted)


def chosen(found: tuple[Rule, ...], names: tuple[str, ...]) -> tuple[Rule, ...]:
    """The rules a replay goes to: those that are named, or all that are for it.

    Raises
    ------
    CommandError
        A rule that is named is not there, or no replayed event would get through it.
    """
    mine = tuple(rule for rule in found if rule.gets_it)
    for name in names:
        rule = next((one for one in found if one.name == name), None)
        if rule is None:
            there = ", ".join(plain(one.name, 64) for one in mine) or "none"
            raise CommandError(
                f"there is no rule {plain(name, 64)!r} on the bus. Yours that take a replay: {there}."
            )
        if not rule.gets_it:
            why = (
                "Stationkeeper's own"
                if rule.ours
                else "disabled"
                if not rule.enabled
                else "one that ignores replays"
            )
            raise CommandError(f"the rule {plain(name, 64)} is {why}: no replay goes to it")
    return tuple(rule for rule in mine if not names or rule.name in names)


def _rules_of_the_stack(stack: str) -> set[str]:
    # DescribeStackResources stops at 100, and a stack of ours has more.
    pages = clients.cloudformation().get_paginator("list_stack_resources").paginate(StackName=stack)
    with needing("cloudformation:ListStackResources", "the stack"):
        return {
            # a rule on a bus of its own is called <bus>|<rule>
            resource.get("PhysicalResourceId", "").rpartition("|")[2]
            for page in pages
            for resource in page["StackResourceSummaries"]
            if resource["ResourceType"] == "AWS::Events::Rule"
        }
