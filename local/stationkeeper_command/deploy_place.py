"""Where a stack is, or will be: the account, and how the stack stands there. Only looks."""

import os
import shlex
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import ClientError
from botocore.session import get_session
from stationkeeper.alerts.text import plain
from stationkeeper.aws import clients
from stationkeeper.aws.errors import is_missing, said_by

from stationkeeper_command.errors import CommandError

TOPICS = {"Alerts": "AlertTopicArn", "Messages about Stationkeeper itself": "OperationsTopicArn"}
"""What goes to a topic, and the output of the stack that names it."""

_OURS = frozenset({*TOPICS.values(), "EventBusName"})
"""Outputs that every stack of Stationkeeper has."""
_NEVER_MADE = "REVIEW_IN_PROGRESS"
"""A stack of which only a change set exists: it was proposed, and nobody agreed to it."""
BROKEN = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED")
"""CloudFormation updates no stack that stands so: it can only be deleted."""
HALF_WAY_BACK = "UPDATE_ROLLBACK_FAILED"
"""CloudFormation updates no stack that stands so before it is back where it was."""
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_PROFILE = ("AWS_DEFAULT_PROFILE", "AWS_PROFILE")


@dataclass(frozen=True, slots=True)
class Place:
    """An account and region; `who` is the ARN that AWS knows the caller by. `profile` is empty when keys are given instead."""

    account: str
    region: str
    who: str
    profile: str = ""

    def options(self, stack: str) -> str:
        """What a command for this stack, of the AWS CLI or of SAM, has to be told."""
        profile = f" --profile {shlex.quote(plain(self.profile))}" if self.profile else ""
        return f"--stack-name {plain(stack)} --region {self.region}{profile}"


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stack. `changed` is when it was last updated, or made; two that are equal are the same stack, untouched between."""

    status: str
    changed: datetime
    outputs: dict[str, str]
    parameters: dict[str, str]


def use_profile(name: str) -> None:
    """From here on all calls are of this profile, as sam's are that is told `--profile`: keys in the environment do not count then."""
    for variable in (*_KEYS, *_PROFILE):
        os.environ.pop(variable, None)
    os.environ["AWS_PROFILE"] = name


def usual_region() -> str:
    """The region of the environment or of the profile; empty when there is none."""
    return str(get_session().get_config_variable("region") or "")


def place_in(region: str) -> Place:
    """Whose credentials these are. From here on all calls go to this region. One call."""
    os.environ["AWS_DEFAULT_REGION"] = region
    identity = clients.sts().get_caller_identity()
    profile = "" if os.environ.get(_KEYS[0]) else str(get_session().profile or "")
    return Place(identity["Account"], region, identity["Arn"], profile)


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
    return Stack(
        found["StackStatus"],
        found.get("LastUpdatedTime", found["CreationTime"]),
        {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])},
        {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", [])},
    )


def check_ready(name: str, stack: Stack | None, place: Place, environment: str) -> None:
    """Raises `CommandError` where a deployment would be refused, or would overwrite another's stack, before minutes go into a build."""
    if stack is None:
        return
    stands = f"the stack {plain(name)} is {stack.status}"
    if stack.status in BROKEN:
        raise CommandError(
            f"{stands}: CloudFormation cannot update it. Read why in its events, delete it (`{delete(name, place, environment)}`), "
            "and deploy again."
        )
    if stack.status == HALF_WAY_BACK:
        raise CommandError(
            f"{stands}: CloudFormation updates it only when it is back where it was. Read in its events what stood in "
            f"the way, and have it go on: `{go_on_back(name, place)}`. Then deploy again."
        )
    if stack.status.endswith("_IN_PROGRESS"):
        raise CommandError(f"{stands}: deploy again when that has ended.")
    if stack.status.endswith("_COMPLETE") and (missing := sorted(_OURS - set(stack.outputs))):
        raise CommandError(
            f"the stack {plain(name)} in {place.region} of account {place.account} is not Stationkeeper's: it has no "
            f"output {' or '.join(missing)}. Choose another name for yours (stack_name in samconfig.toml, or --ask)."
        )


def delete(name: str, place: Place, environment: str) -> str:
    """The command that deletes a stack."""
    own = "" if environment == "default" else f" --config-env {environment}"
    return f".venv/bin/sam delete {place.options(name)}{own}"


def go_on_back(name: str, place: Place) -> str:
    """The command that has CloudFormation try again to take back a failed update."""
    return f"aws cloudformation continue-update-rollback {place.options(name)}"
