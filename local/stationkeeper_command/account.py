"""The AWS account a command looks at, with the settings its deployed release function has. Nothing here changes anything."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from itertools import batched

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  botocore's own
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)
from pydantic import ValidationError
from stationkeeper import assembly
from stationkeeper.alerts.text import plain, quoted
from stationkeeper.aws import clients
from stationkeeper.aws.errors import code_of, is_denied, is_missing, is_passing, said_by
from stationkeeper.aws.monitor_memories import DynamoDbMonitorMemories
from stationkeeper.aws.release_sight import AwsReleaseSight
from stationkeeper.aws.versioned_items import VersionedItems
from stationkeeper.errors import InvalidSettings
from stationkeeper.reactions.release_looking import Looking
from stationkeeper.settings import ReleaseSettings

from stationkeeper_command.errors import CommandError

READING_ERRORS = (BotoCoreError, ClientError, ValidationError)
"""What looking at one endpoint may raise; `words_of` says what it means."""
_RELEASE_FUNCTION = "ReleaseFunction"
_ALERT_TOPIC = "AlertTopic"
_ITEMS_A_CALL = 100
_EMBEDDED_REGION = "eu-west-1"
_REFUSED_CREDENTIALS = (
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
)


@dataclass(frozen=True, slots=True)
class RedAlarms:
    """How many alarms of an endpoint are red, and the incident on-call hears of them in."""

    number: int
    incident: str


@dataclass(frozen=True, slots=True)
class Account:
    """What there is to look with. `looking` observes and plans as the release function does."""

    number: str
    region: str
    partition: str
    looking: Looking
    sight: AwsReleaseSight
    memories: DynamoDbMonitorMemories
    alarms: VersionedItems

    def group_arn(self, name: str) -> str:
        return f"arn:{self.partition}:sagemaker:{self.region}:{self.number}:model-package-group/{name}"

    def red_alarms(self, endpoints: Iterable[str]) -> dict[str, RedAlarms]:
        """Endpoints with red alarms, by their names in lower case, as the alarm response remembers them. One call per hundred."""
        keys = [f"alarms#{name}" for name in sorted({endpoint.lower() for endpoint in endpoints})]
        found = {}
        for some in batched(keys, _ITEMS_A_CALL, strict=False):
            for item in self.alarms.get_attributes(some, ("red_alarms", "incident")):
                if number := int(item.get("red_alarms", {}).get("N", "0")):
                    name = item["pk"]["S"].removeprefix("alarms#")
                    found[name] = RedAlarms(number, item.get("incident", {}).get("S", ""))
        return found

    def opting_in(self, group_arn: str) -> str:
        """The command that opts a group in."""
        return (
            f"aws sagemaker add-tags --region {self.region} --resource-arn {quoted(plain(group_arn, 500))} "
            "--tags Key=stationkeeper:endpoint,Value=<endpoint>"
        )


@contextmanager
def deployed(stack: str, port: int | None) -> Iterator[Account]:
    """The account that boto3's usual configuration leads to, or the embedded AWS on a port.

    Raises
    ------
    CommandError
        For whatever goes wrong with AWS, inside the block too.
    """
    with connected(port):
        yield _account(stack)


@contextmanager
def connected(port: int | None) -> Iterator[None]:
    """boto3's usual configuration, or the embedded AWS on a port; raises CommandError as `deployed` does."""
    try:
        if port is not None:
            _use_embedded(port)
        yield
    except (*READING_ERRORS, InvalidSettings) as error:
        raise CommandError(words_of(error)) from error


def alert_topic(stack: str) -> str:
    """The topic messages to on-call go to. One call."""
    return clients.cloudformation().describe_stack_resource(StackName=stack, LogicalResourceId=_ALERT_TOPIC)[
        "StackResourceDetail"
    ]["PhysicalResourceId"]


@contextmanager
def needing(permission: str, where: str) -> Iterator[None]:
    """What AWS denies is said with the permission it takes."""
    try:
        yield
    except ClientError as error:
        if not is_denied(error):
            raise
        raise CommandError(
            f"access denied: {plain(said_by(error), 500)} This takes {permission} on {where}."
        ) from error


def outputs_of(stack: str) -> dict[str, str]:
    """The outputs of a deployed stack, by name; one call. Raises CommandError where there is no such stack."""
    client = clients.cloudformation()
    try:
        (found,) = client.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if not is_missing(error):
            raise
        raise _no_stack(stack, client.meta.region_name) from error
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def _no_stack(stack: str, region: str) -> CommandError:
    return CommandError(
        f"there is no stack {plain(stack)} in {region}. Deploy it (`make deploy`), name it with --stack, or choose the "
        "account and region with AWS_PROFILE and AWS_DEFAULT_REGION."
    )


def words_of(error: Exception) -> str:
    """What an error of AWS means, and what to do about it."""
    match error:
        case NoRegionError():
            return "no AWS region is set. Set AWS_DEFAULT_REGION (boto3 reads no AWS_REGION), or AWS_PROFILE to a profile with a region."
        case NoCredentialsError() | PartialCredentialsError():
            return "no complete AWS credentials were found. Set AWS_PROFILE, or log in (`aws sso login`, `aws configure`)."
        case ProfileNotFound():
            return f"{plain(str(error))}. `aws configure list-profiles` names those there are."
        case ConnectionError() | HTTPClientError():
            return f"AWS cannot be reached: {plain(str(error), 300)}"
        case BotoCoreError():
            return f"AWS cannot be asked: {plain(str(error), 300)}"
        case ClientError():
            return _words_of_answer(error)
        case ValidationError():
            return (
                f"what AWS or the state table holds cannot be read ({plain(error.title)}): "
                "is the stack of another version than this command?"
            )
        case _:
            return plain(str(error), 1_000)


def _words_of_answer(error: ClientError) -> str:
    said = plain(said_by(error), 500)
    if is_denied(error):
        return (
            f"access denied: {said} All that was asked for is a look; AWS's policy ReadOnlyAccess allows it."
        )
    if code_of(error) in _REFUSED_CREDENTIALS:
        return f"AWS refuses the credentials: {said} Log in again, or set AWS_PROFILE."
    again = " Try again later." if is_passing(error) else ""
    return f"{error.operation_name} failed: {plain(code_of(error))}: {said}{again}"


def _use_embedded(port: int) -> None:
    """From here on boto3 knows the embedded AWS alone, and nothing of the developer's configuration."""
    url = f"http://127.0.0.1:{port}"
    _check_embedded(url, port)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(
        AWS_ENDPOINT_URL=url,
        AWS_DEFAULT_REGION=_EMBEDDED_REGION,
        AWS_ACCESS_KEY_ID="AKIAEMBEDDEDUSER0000",
        AWS_SECRET_ACCESS_KEY="embedded-secret",  # noqa: S106  opens nothing
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        NO_PROXY="127.0.0.1",
        no_proxy="127.0.0.1",
    )


def _check_embedded(url: str, port: int) -> None:
    # Not through `system.Control`: its module imports all of the embedded AWS, which takes seconds.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    stranger = f"what answers on port {port} is not `stationkeeper local`."
    try:
        with direct.open(f"{url}/_embedded/ready", timeout=10) as answer:
            if json.load(answer)["ready"] is not True:
                raise CommandError(stranger)
    except urllib.error.HTTPError as error:
        starting = f"the embedded AWS on port {port} is still starting. Try again in a moment."
        raise CommandError(starting if error.code == HTTPStatus.SERVICE_UNAVAILABLE else stranger) from error
    except (HTTPException, ValueError, KeyError, TypeError) as error:
        raise CommandError(stranger) from error
    except OSError as error:
        raise CommandError(
            f"nothing answers on port {port}. Start it with `stationkeeper local --port {port}`."
        ) from error


def _account(stack: str) -> Account:
    settings = _settings(stack)
    return Account(
        number=settings.account_id,
        region=settings.aws_region,
        partition=settings.partition,
        looking=assembly.release_looking(settings),
        sight=AwsReleaseSight(
            clients.sagemaker, clients.cloudwatch, clients.autoscaling, clients.tagging, settings.account_id
        ),
        memories=DynamoDbMonitorMemories(clients.dynamodb, settings.state_table_name),
        alarms=VersionedItems(clients.dynamodb, settings.state_table_name, "memory"),
    )


def _settings(stack: str) -> ReleaseSettings:
    """What the deployed release function was told, so that a command plans what the function would. Two calls."""
    region = clients.cloudformation().meta.region_name
    function = _release_function(stack, region)
    environment = clients.functions().get_function_configuration(FunctionName=function).get("Environment", {})
    if "Error" in environment:
        said = plain(environment["Error"].get("Message", ""), 300)
        raise CommandError(f"the settings of the function {plain(function)} cannot be read: {said}")
    return ReleaseSettings.from_environment({**environment.get("Variables", {}), "AWS_REGION": region})


def _release_function(stack: str, region: str) -> str:
    try:
        resource = clients.cloudformation().describe_stack_resource(
            StackName=stack, LogicalResourceId=_RELEASE_FUNCTION
        )["StackResourceDetail"]
    except ClientError as error:
        if not is_missing(error):
            raise
        if _RELEASE_FUNCTION in said_by(error):
            raise CommandError(
                f"the stack {plain(stack)} in {region} has no release function. Deploy this version (`make deploy`), or "
                "name the stack with --stack."
            ) from error
        raise _no_stack(stack, region) from error
    if not resource.get("PhysicalResourceId"):
        raise CommandError(
            f"the stack {plain(stack)} in {region} is {resource['ResourceStatus']}: its release function is not there yet."
        )
    return resource["PhysicalResourceId"]
