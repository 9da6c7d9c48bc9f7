"""Resource types of templates that only attach a policy to resources that are there already."""

from typing import Any, Self


class AttachedPolicy:
    """What bucket, queue and topic policies share; they also name `CloudFormationModel` as a base of their own,
    because moto looks at its direct children only.
    """

    def __init__(self, name: str) -> None:
        self.physical_resource_id = name

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def attach(properties: dict[str, Any], account_id: str, region_name: str) -> None:
        """Put the policy on what `properties` name."""
        raise NotImplementedError

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **kwargs: Any,
    ) -> Self:
        cls.attach(cloudformation_json["Properties"], account_id, region_name)
        return cls(resource_name)
