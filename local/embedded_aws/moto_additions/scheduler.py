"""EventBridge Scheduler in moto: has schedules, but no template creates them and nothing runs them."""

import json
import uuid
from datetime import UTC, datetime
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


def target_input(schedule: Schedule, moment: float) -> tuple[str, str]:
    """What a run of the schedule delivers at `moment` (seconds since the epoch): the target's ARN and the text it gets.

    The text is `{}` by default; context attributes in it are filled in.
    """
    given = schedule.target.get("Input", "{}")
    text = given if isinstance(given, str) else json.dumps(given)
    attributes = {
        "schedule-arn": schedule.arn,
        "scheduled-time": f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "execution-id": str(uuid.uuid4()),
        "attempt-number": "1",
    }
    for name, value in attributes.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return schedule.target["Arn"], text
