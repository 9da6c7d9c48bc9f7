"""Where a stack is, or will be: the account, and how the stack stands there. Only looks."""

import os
from dataclasses import dataclass

from botocore.exceptions import ClientError
from botocore.session import get_session
from stationkeeper.alerts.text import plain
from stationkeeper.aws import clients
from stationkeeper.aws.errors import is_missing, said_by

from stationkeeper_command.errors import CommandError

_NEVER_MADE = "REVIEW_IN_PROGRESS"
"""A stack of which only a change set exists: it was proposed, and nobody agreed to it."""
_BROKEN = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED")
"""CloudFormation updates no stack that stands so."""


@dataclass(frozen=True, slots=True)
class Place:
    """An account and region; `who` is the ARN that AWS knows the caller by."""

    account: str
    region: str
    who: str


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stack."""

    status: str
    outputs: dict[str, str]


def usual_region() -> str:
    """The region of the environment or of the profile; empty when there is none."""
    return str(get_session().get_config_variable("region") or "")


def place_in(region: str) -> Place:
    """Whose credentials these are. From here on all calls go to this region. One call."""
    os.environ["AWS_DEFAULT_REGION"] = region
    identity = clients.sts().get_caller_identity()
    return Place(identity["Account"], region, identity["Arn"])


def stack_called(name: str) -> Stack | None:
    """A stack, or None when it was never made. One call."""
    try:
        (found,) = clients.cloudformation().describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        # CloudFormation answers with a general ValidationError.
        if is_missing(error) or "does not exist" in said_by(error):
            return None
        raise
    if found["StackStatus"] == _NEVER_MADE:
        return None
    outputs = {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}
    return Stack(found["StackStatus"], outputs)


def check_ready(name: str, stack: Stack | None) -> None:
    """Raises `CommandError` where CloudFormation would refuse to deploy, before minutes go into a build."""
    if stack is None:
        return
    if stack.status in _BROKEN:
        raise CommandError(
            f"the stack {plain(name)} is {stack.status}: CloudFormation cannot update it. Read why in its events, delete it "
            f"(`sam delete --stack-name {plain(name)}`), and deploy again."
        )
    if stack.status.endswith("_IN_PROGRESS"):
        raise CommandError(f"the stack {plain(name)} is {stack.status}: deploy again when that has ended.")
