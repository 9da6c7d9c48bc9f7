"""A thing SageMaker keeps: what its creation asked for, when, and its tags. And the lists of such things."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.sagemaker.models import SageMakerModelBackend
from moto.utilities.utils import get_partition

from embedded_aws.moto_additions.sagemaker.errors import ValidationException

_DEFAULT_PAGE = 10


@dataclass(eq=False)
class Resource:
    """`fields` are members of the API as they were given, without name and tags."""

    name: str
    arn: str
    created: datetime
    fields: dict[str, Any] = field(default_factory=dict)
    tags: list[dict[str, str]] = field(default_factory=list)


def arn_of(backend: SageMakerModelBackend, kind: str, name: str) -> str:
    """`kind` as in the ARN: `endpoint`, `endpoint-config`, ...; names are in lower case there."""
    return f"{prefix_of(backend)}{kind}/{name.lower()}"


def prefix_of(backend: SageMakerModelBackend) -> str:
    """What the ARNs of an account and region begin with."""
    region = backend.region_name
    return f"arn:{get_partition(region)}:sagemaker:{region}:{backend.account_id}:"


def tag_map(tags: list[dict[str, str]]) -> dict[str, str]:
    """Tags as events spell them."""
    return {tag["Key"]: tag["Value"] for tag in tags}


def page[T](
    items: Iterable[T],
    request: dict[str, Any],
    *,
    name: Callable[[T], str],
    created: Callable[[T], datetime],
    modified: Callable[[T], datetime] | None = None,
    status: Callable[[T], str] | None = None,
    default_order: str = "Descending",
) -> tuple[list[T], str | None]:
    """What a List operation answers: filtered by name, status and times, sorted, one page of it.

    Returns
    -------
    tuple
        The items, and the token of the next page (None at the end).

    Raises
    ------
    ValidationException
        The token is not one of ours.
    """
    found = [item for item in items if _wanted(item, request, name, created, modified, status)]
    by_status = request.get("SortBy") == "Status" and status is not None
    found.sort(key=created)
    if request.get("SortBy") == "Name":
        found.sort(key=name)
    elif by_status and status is not None:
        found.sort(key=status)
    if request.get("SortOrder", default_order) == "Descending":
        found.reverse()
    token = request.get("NextToken")
    if token is not None and not str(token).isdecimal():
        raise ValidationException("Invalid NextToken.")
    start = int(token or 0)
    end = start + int(request.get("MaxResults") or _DEFAULT_PAGE)
    return found[start:end], str(end) if end < len(found) else None


def _wanted[T](
    item: T,
    request: dict[str, Any],
    name: Callable[[T], str],
    created: Callable[[T], datetime],
    modified: Callable[[T], datetime] | None,
    status: Callable[[T], str] | None,
) -> bool:
    within = request.get("NameContains", "").lower() in name(item).lower()
    times = {"CreationTime": created, "LastModifiedTime": modified}
    for member, time_of in times.items():
        if time_of is not None:
            after, before = request.get(f"{member}After"), request.get(f"{member}Before")
            within &= after is None or time_of(item) > _aware(after)
            within &= before is None or time_of(item) < _aware(before)
    if status is not None and "StatusEquals" in request:
        within &= status(item) == request["StatusEquals"]
    return within


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
