"""CloudFormation in moto: stumbles over resource types it does not know once others refer to them, and over left out resources."""

from contextlib import ExitStack
from typing import Any
from unittest import mock

from moto.cloudformation import parsing
from moto.cloudformation.models import Stack
from moto.core.common_models import CloudFormationModel


def installed() -> ExitStack:
    """Let an unknown resource stand in for itself, so that the rest of the stack can refer to it."""
    # moto remembers its list of resource types; ours may have been imported after it did.
    parsing.get_model_list.cache_clear()
    parsing.get_model_map.cache_clear()
    parsing.get_name_type_map.cache_clear()
    find_class = parsing.resource_class_from_type

    def find_class_or_stand_in(resource_type: str) -> type[CloudFormationModel] | type[StandIn]:
        # Gap: moto warns, creates nothing, and fails where the template uses the resource.
        return find_class(resource_type) if supported(resource_type) else StandIn

    context = ExitStack()
    context.enter_context(mock.patch.object(parsing, "resource_class_from_type", find_class_or_stand_in))
    context.enter_context(mock.patch.object(Stack, "stack_resources", property(_created)))
    return context


def _created(stack: Stack) -> list[Any]:
    # Gap: what a condition leaves out is listed as None, which DescribeStackResource cannot answer.
    return [resource for resource in stack.resource_map.values() if resource is not None]


def supported(resource_type: str) -> bool:
    """Whether moto, with these additions, really creates resources of this type."""
    return (
        resource_type in parsing.get_model_map()
        or resource_type in parsing.NULL_MODELS
        or resource_type.startswith("Custom::")
    )


class StandIn:
    """A resource that is not there. Not a `CloudFormationModel`: those register themselves by type."""

    def __init__(self, name: str) -> None:
        self.physical_resource_id = name

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return True

    def get_cfn_attribute(self, attribute_name: str) -> str:
        return f"{self.physical_resource_id}.{attribute_name}"

    def is_created(self) -> bool:
        return True

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **kwargs: Any,
    ) -> "StandIn":
        return cls(resource_name)
