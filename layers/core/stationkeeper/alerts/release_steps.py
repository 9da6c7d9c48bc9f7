"""What on-call may do next about the versions of a group: list, approve, reject, tag."""

from collections.abc import Mapping
from typing import Literal, Protocol

from stationkeeper.alerts.commands import InRegion, aws
from stationkeeper.alerts.layout import Step
from stationkeeper.alerts.text import quoted

TAG_PREFIX = "stationkeeper:"  # of stationkeeper.tags, which messages do not need to load
YOUR_REASON = "your reason"
"""What a command says where a person should: it is kept with the version, and told with its release."""


class OfGroup(InRegion, Protocol):
    """An event that names a model package group."""

    @property
    def account(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def group_arn(self) -> str: ...


class OfVersion(OfGroup, Protocol):
    """An event that may name a version of a group."""

    @property
    def version(self) -> int | None: ...


class OfPackage(OfVersion, Protocol):
    """An event that may name a version by its ARN, too."""

    @property
    def package_arn(self) -> str | None: ...


def group_name(event: OfGroup) -> str:
    """How a command names the event's group: one of another account is only known by its ARN."""
    ours = not event.group_arn or f":{event.account}:" in event.group_arn
    return event.group if ours else event.group_arn


def listed_versions(event: OfGroup, what: str, status: str = "") -> Step:
    """The newest versions of the group, with their approval and ARN."""
    only = f"--model-approval-status {status}" if status else ""
    query = "'ModelPackageSummaryList[].[ModelPackageVersion,ModelApprovalStatus,ModelPackageArn]'"
    options = (
        f"--model-package-group-name {quoted(group_name(event))}",
        only,
        f"--max-items 20 --query {query} --output table",
    )
    return Step(what, (aws(event, "sagemaker list-model-packages", *filter(None, options)),))


def described_version(event: OfPackage, what: str) -> Step | None:
    if event.package_arn is None:
        return None
    named = f"--model-package-name {quoted(event.package_arn)}"
    return Step(what, (aws(event, "sagemaker describe-model-package", named),))


def approved(event: OfPackage, what: str, arn: str | None = None, reason: str = YOUR_REASON) -> Step | None:
    return judged(event, what, arn or event.package_arn, "Approved", reason)


def rejected(event: OfPackage, what: str, arn: str | None = None, reason: str = YOUR_REASON) -> Step | None:
    return judged(event, what, arn or event.package_arn, "Rejected", reason)


def arn_of(event: OfPackage, version: int | None) -> str | None:
    """The ARN of another version of the event's group; None when it cannot be told."""
    group, _, number = (event.package_arn or "").rpartition("/")
    return f"{group}/{version}" if version is not None and number == str(event.version) else None


def tagged(event: OfGroup, what: str, tags: Mapping[str, str], group_arn: str = "") -> Step:
    """Tags to put on the event's group, or another one; their names without the prefix."""
    pairs = (quoted(f"Key={TAG_PREFIX}{name},Value={value}") for name, value in tags.items())
    resource = f"--resource-arn {quoted(group_arn or event.group_arn)}"
    return Step(what, (aws(event, "sagemaker add-tags", resource, "--tags", *pairs),))


def judged(
    event: InRegion,
    what: str,
    arn: str | None,
    status: Literal["Approved", "Rejected"],
    reason: str = YOUR_REASON,
) -> Step | None:
    """Approve or reject a version by its ARN; None when it has none."""
    if arn is None:
        return None
    return Step(
        what,
        (
            aws(event, "sagemaker update-model-package", "\\"),
            f"  --model-package-arn {quoted(arn)} \\",
            f"  --model-approval-status {status} --approval-description {quoted(reason)}",
        ),
    )
