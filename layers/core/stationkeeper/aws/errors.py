"""What AWS's errors mean. SageMaker says most things as a `ValidationException`, told apart by its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, ParamValidationError

from stationkeeper.errors import StepRefused

if TYPE_CHECKING:
    from collections.abc import Callable

_PASSING = (
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "TooManyUpdates",
    "RequestLimitExceeded",
    "ConflictException",
    "ConcurrentUpdateException",
    "ConcurrentModificationException",
    "ServiceUnavailable",
    "InternalFailure",
    "RequestTimeout",
    "RequestTimeTooSkewed",
    "ExpiredToken",
    "SlowDown",
)
_DENIED = (
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthorizationError",  # SNS
)


def code_of(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def said_by(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Message", "") or str(error)


def is_passing(error: ClientError) -> bool:
    """Whether the same call may succeed a little later."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or code_of(error) in _PASSING


def is_denied(error: ClientError) -> bool:
    return code_of(error) in _DENIED


def is_missing(error: ClientError) -> bool:
    """Whether what was asked for is not there."""
    if is_denied(error) or is_passing(error):  # whatever their words
        return False
    said = said_by(error).lower()
    return code_of(error) in (
        "ResourceNotFound",
        "ResourceNotFoundException",
        "ObjectNotFoundException",
    ) or any(words in said for words in ("could not find", "does not exist", "not found"))


def is_taken(error: ClientError) -> bool:
    """Whether something of that name is there already."""
    said = said_by(error).lower()
    return code_of(error) == "ResourceInUse" or "already exist" in said


def is_busy(error: ClientError) -> bool:
    """Whether something is being changed and takes no other change meanwhile."""
    said = said_by(error).lower()
    return "in-progress" in said or "in progress" in said or ("pending" in said and "schedule" in said)


def unless_missing[T](ask: Callable[[], T]) -> T | None:
    """What AWS answers; None when what was asked for is not there."""
    try:
        return ask()
    except ClientError as error:
        if is_missing(error):
            return None
        raise


def unless_refused[T](action: str, name: str, ask: Callable[[], T]) -> T:
    """What AWS answers to an action on what has that name.

    Raises
    ------
    StepRefused
        AWS will never take the request as it is.
    botocore.exceptions.ClientError
        Passing faults, after boto3's own retries.
    """
    try:
        return ask()
    except ParamValidationError as error:
        raise StepRefused(action, name, "ParamValidation", str(error)) from error
    except ClientError as error:
        if is_passing(error):
            raise
        raise StepRefused(action, name, code_of(error), said_by(error)) from error
