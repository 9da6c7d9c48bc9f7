"""Tags of what there is in SageMaker."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_sagemaker import SageMakerClient


class ResourceTags:
    def __init__(self, client: Callable[[], SageMakerClient]) -> None:
        self._client = client

    def of(self, arn: str) -> dict[str, str]:
        """Tags of a resource. One call: 50 tags are one page."""
        pages = self._client().get_paginator("list_tags").paginate(ResourceArn=arn)
        return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
