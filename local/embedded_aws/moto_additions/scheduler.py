"""EventBridge Scheduler in moto: has schedules, but no template creates them and nothing runs them."""

import json
from typing import Any

from moto.core.common_models import CloudFormationModel
from moto.scheduler.models import Schedule, scheduler_backends


class TemplateSchedule(CloudFormationModel):
    """Gap: `AWS::Scheduler::Schedule`. It is created and listed; `EmbeddedAws.run_schedule` runs it once."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    @property
    def physical_resource_id(self) -> str:
        return self.schedule.name

    @staticmethod
    def cloudformation_name_type() -> str:
        return "Name"

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::Scheduler::Schedule"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr == "Arn"

    def get_cfn_attribute(self, attribute_name: str) -> str:
        from moto.cloudformation.exceptions import UnformattedGetAttTemplateException

        if attribute_name == "Arn":
            return self.schedule.arn
        raise UnformattedGetAttTemplateException

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **kwargs: Any,
    ) -> "TemplateSchedule":
        properties = cloudformation_json["Properties"]
        schedule = scheduler_backends[account_id][region_name].create_schedule(
            name=resource_name[:64],
            group_name=properties.get("GroupName", "default"),
            description=properties.get("Description", ""),
            schedule_expression=properties["ScheduleExpression"],
            schedule_expression_timezone=properties.get("ScheduleExpressionTimezone", "UTC"),
            flexible_time_window=properties["FlexibleTimeWindow"],
            target=properties["Target"],
            state=properties.get("State", "ENABLED"),
            kms_key_arn=properties.get("KmsKeyArn", ""),
            start_date="",
            end_date="",
            action_after_completion=None,
        )
        return cls(schedule)


def find(account_id: str, region_name: str, name: str) -> Schedule:
    """The schedule of this name in any group.

    Raises
    ------
    LookupError
        There is none.
    """
    for group in scheduler_backends[account_id][region_name].schedule_groups.values():
        if name in group.schedules:
            return group.schedules[name]
    raise LookupError(f"There is no schedule {name}.")


def target_input(schedule: Schedule) -> tuple[str, str]:
    """What a run of the schedule delivers: the target's ARN and the text it gets (default: `{}`)."""
    text = schedule.target.get("Input", "{}")
    return schedule.target["Arn"], text if isinstance(text, str) else json.dumps(text)
