"""CloudFormation in moto: stumbles over resource types it does not know once others refer to them, and over left out resources.

A dashboard's body may be anything there, and a dashboard without a name gets another one at each update.
"""

import json
from contextlib import ExitStack
from typing import Any
from unittest import mock

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import Stack
from moto.cloudwatch.models import Dashboard, cloudwatch_backends
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

    parse_yaml = Stack.parse_template

    def parse_template(template: str) -> dict[str, Any]:
        # Ours comes as JSON, which takes half a second to read as YAML.
        try:
            parsed: dict[str, Any] = json.loads(template)
        except ValueError:
            parsed = parse_yaml(template)
        return parsed

    context = ExitStack()
    context.enter_context(mock.patch.object(Stack, "parse_template", staticmethod(parse_template)))
    context.enter_context(mock.patch.object(parsing, "resource_class_from_type", find_class_or_stand_in))
    context.enter_context(mock.patch.object(Stack, "stack_resources", property(_created)))
    for name, method in (
        ("create_from_cloudformation_json", _create_dashboard),
        ("update_from_cloudformation_json", _update_dashboard),
    ):
        context.enter_context(mock.patch.object(Dashboard, name, classmethod(method)))
    return context


def _created(stack: Stack) -> list[Any]:
    # Gap: what a condition leaves out is listed as None, which DescribeStackResource cannot answer.
    return [resource for resource in stack.resource_map.values() if resource is not None]


def _create_dashboard(
    cls: type[Dashboard],
    /,
    resource_name: str,
    cloudformation_json: dict[str, Any],
    account_id: str,
    region_name: str,
    **kwargs: Any,
) -> Dashboard:
    properties = cloudformation_json["Properties"]
    body = properties["DashboardBody"]
    if not _is_json_object(body):
        raise ValidationError(message="The field DashboardBody must be a valid JSON object")  # ?
    name = properties.get("DashboardName") or resource_name
    return cloudwatch_backends[account_id][region_name].put_dashboard(name=name, body=body)


def _update_dashboard(
    cls: type[Dashboard],
    /,
    original_resource: Dashboard,
    new_resource_name: str,
    cloudformation_json: dict[str, Any],
    account_id: str,
    region_name: str,
) -> Dashboard:
    updated = _create_dashboard(cls, original_resource.name, cloudformation_json, account_id, region_name)
    if updated.name != original_resource.name:
        cloudwatch_backends[account_id][region_name].delete_dashboards([original_resource.name])
    return updated


def _is_json_object(body: Any) -> bool:
    try:
        return isinstance(body, str) and isinstance(json.loads(body), dict)
    except ValueError:
        return False


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
