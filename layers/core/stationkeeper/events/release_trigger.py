"""Everything that makes the release reaction look at an endpoint, as one type."""

from typing import Literal

from pydantic import Field

from stationkeeper.errors import InvalidEvent
from stationkeeper.events.endpoint import EndpointStateChange
from stationkeeper.events.envelope import Envelope
from stationkeeper.events.fields import Lenient, Text
from stationkeeper.events.model_package import ModelPackageStateChange
from stationkeeper.events.processing_job import ProcessingJobStateChange

LOOK_AGAIN = "LookAgain"
GROUP_TAG = "stationkeeper:model-package-group"
"""On what belongs to a group: baselining jobs, and endpoints that follow a group of another account."""


class Look(Lenient):
    """Where `sweep` asks to look: a group by its ARN; the endpoint too when its tags, not the group's, opted in."""

    group_arn: str = Field(min_length=1)
    endpoint: Text = None


class LookAgain(Envelope):
    """A message of `sweep`, in the form of an event."""

    source: Literal["stationkeeper"]
    detail_type: Literal["LookAgain"] = Field(alias="detail-type")
    detail: Look


class ReleaseTrigger(Envelope):
    """An event that leads to the one question: does this endpoint run the newest approved version of its group?

    Exactly one of `group_arn` and `endpoint` says where to look, or both do. `version` is the one the event is about.
    """

    group_arn: str | None = None
    endpoint: str | None = None
    version: int | None = None
    approval: str | None = None
    """What the event says of its version's approval; only a reason to look."""
    approval_changed: bool = True
    thorough: bool = False
    """Look at everything, even where nothing seems to have changed."""

    @classmethod
    def parse(cls, body: str | bytes | dict[str, object]) -> "ReleaseTrigger":
        """Read any of the reaction's events.

        Raises
        ------
        InvalidEvent
            It is none of them, or lacks what the reaction needs.
        """
        envelope = Envelope.parse(body)
        match envelope.detail_type:
            case "SageMaker Model Package State Change":
                package = ModelPackageStateChange.parse(body)
                return cls._of(
                    package,
                    group_arn=group_arn_of(package.detail.model_package_arn),
                    version=package.detail.model_package_version,
                    approval=package.detail.model_approval_status,
                    approval_changed=package.detail.approval_changed,
                )
            case "SageMaker Processing Job State Change":
                job = ProcessingJobStateChange.parse(body)
                return cls._of(job, group_arn=job.detail.tags.get(GROUP_TAG) or None)
            case "LookAgain":
                look = LookAgain.parse(body)
                return cls._of(
                    look, group_arn=look.detail.group_arn, endpoint=look.detail.endpoint, thorough=True
                )
            case _:
                endpoint = EndpointStateChange.parse(body)
                return cls._of(endpoint, endpoint=endpoint.detail.endpoint_name)

    @classmethod
    def _of(cls, event: Envelope, **facts: object) -> "ReleaseTrigger":
        envelope = event.model_dump(by_alias=True, include=set(Envelope.model_fields))
        return cls.model_validate({**envelope, **facts})


def group_arn_of(package_arn: str) -> str | None:
    """The ARN of the group a version belongs to; None for a package without one.

    >>> group_arn_of("arn:aws:sagemaker:eu-west-1:123456789012:model-package/churn/7")
    'arn:aws:sagemaker:eu-west-1:123456789012:model-package-group/churn'
    """
    prefix, _, rest = package_arn.partition(":model-package/")
    group, _, version = rest.rpartition("/")
    if not prefix.startswith("arn:"):
        raise InvalidEvent(f"{package_arn[:200]!r} is not the ARN of a model package")
    return f"{prefix}:model-package-group/{group}" if group and version.isdigit() else None
