"""`stationkeeper plan`: what the release function would do now for one group, and why. Looks, and changes nothing."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from botocore.exceptions import ClientError
from stationkeeper.alerts.text import count, plain
from stationkeeper.aws import clients
from stationkeeper.aws.errors import is_missing
from stationkeeper.events.release_trigger import GROUP_TAG
from stationkeeper.reactions.release_looking import NotTaken, Place
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
from stationkeeper.releases.names import is_resource_name
from stationkeeper.releases.registry import group_name, highest
from stationkeeper.releases.set_up import SetUpPlan
from stationkeeper.releases.starting import Release
from stationkeeper.releases.steps import Step

from stationkeeper_command.account import Account, deployed
from stationkeeper_command.errors import CommandError

NOTHING_LEFT, SOMETHING_LEFT, BLOCKED = 0, 3, 4
"""Exit codes of `--exit-code`; 1 is an error, 2 is wrong use."""
_GROUP_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):sagemaker:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):(?P<kind>[a-z-]+)/(?P<name>.+)"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A look, and what is left to do by it. `waiting` is the newest version that waits for approval above the desired one."""

    look: Look
    decision: Decision
    work: Release | SetUpPlan | None = None
    waiting: int | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.work.steps if self.work else ()

    @property
    def later(self) -> tuple[str, ...]:
        return self.work.later if isinstance(self.work, SetUpPlan) else ()

    @property
    def live(self) -> int | None:
        """The version of the group that serves now."""
        return live_version(self.look, self.decision)

    @property
    def in_place(self) -> bool:
        """Whether the wanted version is in service with all it needs."""
        return isinstance(self.decision, SetUp) and not self.steps and not self.later

    @property
    def adopts(self) -> bool:
        """Whether the version in service is one that somebody else released."""
        return isinstance(self.decision, SetUp) and self.look.known_live is None

    @property
    def exit_code(self) -> int:
        match self.decision:
            case Block():
                return BLOCKED
            case Leave():
                return NOTHING_LEFT
            case _:
                return NOTHING_LEFT if self.in_place else SOMETHING_LEFT

    @property
    def why(self) -> str:
        match self.decision:
            case SetUp(live) if self.adopts:
                return f"version {live.version} is in service; somebody else released it, and it is looked after from now on"
            case SetUp(live) if self.in_place:
                return f"version {live.version} is in service and set up"
            case SetUp(live):
                return f"version {live.version} is in service; autoscaling or monitors are not as configured"
            case Succeeded(target):
                return f"version {target.version} is in service; next it is set up and on-call is told"
            case RolledBack(target, said):
                reason = said or "SageMaker gave no reason"
                return f"version {target.version} was rolled back ({reason}); next it is rejected and on-call is told"
            case Leave(why) | Wait(why) | Start(why=why) | Block(why=why):
                return why


def live_version(look: Look, decision: Decision) -> int | None:
    """The version of the group that serves; None when nothing does, something else does, or nobody can tell."""
    match decision:
        case Succeeded(target):
            return target.version
        case RolledBack(target):
            return target.previous_version
        case _:
            return look.running


def run(group: str, endpoint: str, stack: str, port: int | None) -> Plan:
    """Look at a group and plan, as the release function of a stack would at this moment.

    Raises
    ------
    CommandError
        When there is nothing to plan for, or AWS cannot be read.
    """
    with deployed(stack, port) as account:
        place = _place(account, group.strip(), endpoint)
        # Thorough as the hourly sweep is, so that "nothing to do" means it.
        look = account.looking.look(place, datetime.now(UTC), thorough=True)
        if isinstance(look, NotTaken):
            raise CommandError(_not_taken(account, look))
        if endpoint and look.settings.endpoint.lower() != endpoint.lower():
            raise CommandError(
                f"the group {group_name(place.group_arn)} is released to {look.settings.endpoint}, not to {plain(endpoint)}"
            )
        decision, work = account.looking.plan(look)
        waiting = highest(version for version in account.sight.waiting(place.group_arn) if version.usable)
        newest = look.desired.number if look.desired else 0
        return Plan(look, decision, work, waiting.number if waiting and waiting.number > newest else None)


def _place(account: Account, group: str, endpoint: str) -> Place:
    """Where to look for a group's name or ARN."""
    if not group.startswith("arn:"):
        if not is_resource_name(group):
            raise CommandError(
                f"{plain(group)!r} is no name of a model package group (letters, digits and inner hyphens, at most 63) and no ARN"
            )
        return Place(_existing(account, group))
    parts = _GROUP_ARN.fullmatch(group)
    if parts is None or parts["kind"] != "model-package-group" or not is_resource_name(parts["name"]):
        hint = ""
        if parts is not None and parts["kind"] == "model-package":
            hint = f": it is of a version. Its group is {plain(parts['name'].partition('/')[0])}"
        raise CommandError(f"{plain(group, 300)} is no ARN of a model package group{hint}")
    if parts["region"] != account.region:
        raise CommandError(
            f"the group is in {parts['region']}, and this command looks at {account.region}. Set AWS_DEFAULT_REGION={parts['region']}."
        )
    if parts["account"] == account.number:
        return Place(_existing(account, parts["name"]))
    return Place(group, _follower(account, group, endpoint))


def _existing(account: Account, name: str) -> str:
    """The ARN of a group of this account, as SageMaker spells it."""
    try:
        return clients.sagemaker().describe_model_package_group(ModelPackageGroupName=name)[
            "ModelPackageGroupArn"
        ]
    except ClientError as error:
        if not is_missing(error):
            raise
        raise CommandError(
            f"there is no model package group {plain(name)} in {account.number}, {account.region}. "
            "`stationkeeper status` lists those that are managed."
        ) from error


def _follower(account: Account, group_arn: str, endpoint: str) -> str:
    """The endpoint that follows a group of another account."""
    names = account.sight.followers(group_arn)
    if endpoint:
        names = tuple(name for name in names if name.lower() == endpoint.lower())
    match names:
        case (name,):
            return name
        case ():
            which = f"the endpoint {plain(endpoint)} does not follow" if endpoint else "no endpoint follows"
            raise CommandError(
                f"{which} {plain(group_arn, 300)}, which is of another account. To opt an endpoint in, tag it with "
                f"{GROUP_TAG}={plain(group_arn, 300)}."
            )
        case _:
            raise CommandError(
                f"{count(len(names), 'endpoint')} follow this group: {', '.join(names)}. Name one with --endpoint."
            )


def _not_taken(account: Account, look: NotTaken) -> str:
    name = group_name(look.group_arn)
    if look.why:
        return f"the group {name} is not managed: {plain(look.why, 500)}"
    return (
        f"the group {name} is not managed: it has no tag stationkeeper:endpoint. To opt in, say which endpoint it is "
        f"released to:\n  {account.opting_in(look.group_arn)}"
    )
