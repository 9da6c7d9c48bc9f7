"""Where an endpoint's tags stand: on its model package group, or on the endpoint itself when the group is another account's."""

from dataclasses import dataclass
from typing import Protocol

from stationkeeper.events.release_trigger import GROUP_TAG
from stationkeeper.tags import TagReader


class Tags(Protocol):
    def is_own(self, arn: str) -> bool:
        """Whether an ARN is of this account."""

    def tags(self, arn: str) -> dict[str, str] | None:
        """Tags of a SageMaker resource; None when it is not there."""


@dataclass(frozen=True, slots=True)
class OptIn:
    """Reads the tags an endpoint is looked after by: one call."""

    sight: Tags
    partition: str
    region: str
    account: str

    def endpoint_arn(self, endpoint: str) -> str:
        return f"arn:{self.partition}:sagemaker:{self.region}:{self.account}:endpoint/{endpoint.lower()}"

    def tags_of(self, group_arn: str, endpoint: str) -> dict[str, str] | None:
        """The tags of a group for an endpoint; None when they are gone, none when the two do not belong together any more."""
        if self.sight.is_own(group_arn):
            tags = self.sight.tags(group_arn)
            named = TagReader(tags or {}).text("endpoint")
            return tags if tags is None or named.lower() == endpoint.lower() else {}
        # Tags of another account's group cannot be read from here.
        tags = self.sight.tags(self.endpoint_arn(endpoint))
        follows = tags is not None and tags.get(GROUP_TAG, "").lower() == group_arn.lower()
        return tags if follows or tags is None else {}
