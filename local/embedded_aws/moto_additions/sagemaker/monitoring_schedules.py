"""Monitoring schedules: moto has none."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.sagemaker.models import SageMakerModelBackend

from embedded_aws.moto_additions.sagemaker.agenda import Transition
from embedded_aws.moto_additions.sagemaker.endpoint import find_endpoint
from embedded_aws.moto_additions.sagemaker.errors import (
    ResourceInUseException,
    ResourceNotFound,
    ValidationException,
)
from embedded_aws.moto_additions.sagemaker.job_definitions import endpoint_name_of, find_definition
from embedded_aws.moto_additions.sagemaker.resource import Resource, arn_of, page
from embedded_aws.moto_additions.sagemaker.stage import Stage
from embedded_aws.moto_additions.sagemaker.wire import Answer, Operation, Request, given


@dataclass(eq=False)
class MonitoringSchedule(Resource):
    """`fields` is its `MonitoringScheduleConfig`."""

    endpoint_name: str | None = None
    status: str = "Pending"
    modified: datetime | None = None
    # What it becomes when it is no longer pending.
    settles_as: str = "Scheduled"
    next_step: Transition | None = None

    @property
    def last_modified(self) -> datetime:
        return self.modified or self.created

    def description(self) -> Answer:
        return given(
            MonitoringScheduleArn=self.arn,
            MonitoringScheduleName=self.name,
            MonitoringScheduleStatus=self.status,
            MonitoringType=self.fields.get("MonitoringType"),
            CreationTime=self.created,
            LastModifiedTime=self.last_modified,
            MonitoringScheduleConfig=self.fields,
            EndpointName=self.endpoint_name,
        )

    def summary(self) -> Answer:
        return given(
            MonitoringScheduleName=self.name,
            MonitoringScheduleArn=self.arn,
            CreationTime=self.created,
            LastModifiedTime=self.last_modified,
            MonitoringScheduleStatus=self.status,
            EndpointName=self.endpoint_name,
            MonitoringJobDefinitionName=self.fields.get("MonitoringJobDefinitionName"),
            MonitoringType=self.fields.get("MonitoringType"),
        )


class MonitoringSchedules:
    """A schedule is `Pending` for a while after each change, and cannot be changed or deleted then."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateMonitoringSchedule": self.create,
            "DescribeMonitoringSchedule": self.describe,
            "ListMonitoringSchedules": self.list,
            "UpdateMonitoringSchedule": self.update,
            "StartMonitoringSchedule": self._change_to("Scheduled"),
            "StopMonitoringSchedule": self._change_to("Stopped"),
            "DeleteMonitoringSchedule": self.delete,
        }

    def create(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        name, config = request["MonitoringScheduleName"], request["MonitoringScheduleConfig"]
        arn = arn_of(backend, "monitoring-schedule", name)
        if name in schedules_of(backend):
            raise ResourceInUseException(f"Monitoring schedule {arn} already exists.")  # ?
        endpoint_name = _check(backend, config)
        schedule = MonitoringSchedule(
            name, arn, self._stage.now(), config, request.get("Tags", []), endpoint_name=endpoint_name
        )
        schedules_of(backend)[name] = schedule
        self._pend(schedule, "Scheduled")
        return {"MonitoringScheduleArn": arn}

    def update(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        schedule = _changeable(backend, request)
        config = request["MonitoringScheduleConfig"]
        schedule.endpoint_name = _check(backend, config)
        schedule.fields = config
        self._pend(schedule, schedule.settles_as)
        return {"MonitoringScheduleArn": schedule.arn}

    def delete(self, backend: SageMakerModelBackend, request: Request) -> None:
        del schedules_of(backend)[_changeable(backend, request).name]

    def describe(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        return find_schedule(backend, request["MonitoringScheduleName"]).description()

    def list(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        def wanted(schedule: MonitoringSchedule) -> bool:
            has = {
                "EndpointName": schedule.endpoint_name,
                "MonitoringTypeEquals": schedule.fields.get("MonitoringType"),
                "MonitoringJobDefinitionName": schedule.fields.get("MonitoringJobDefinitionName"),
            }
            return all(request.get(member) in (None, value) for member, value in has.items())

        schedules, token = page(
            filter(wanted, schedules_of(backend).values()),
            request,
            name=lambda it: it.name,
            created=lambda it: it.created,
            modified=lambda it: it.last_modified,
            status=lambda it: it.status,
        )
        summaries = [schedule.summary() for schedule in schedules]
        return given(MonitoringScheduleSummaries=summaries, NextToken=token)

    def _change_to(self, status: str) -> Callable[[SageMakerModelBackend, Request], None]:
        def change(backend: SageMakerModelBackend, request: Request) -> None:
            self._pend(_changeable(backend, request), status)

        return change

    def _pend(self, schedule: MonitoringSchedule, then: str) -> None:
        schedule.status, schedule.settles_as = "Pending", then
        schedule.modified = self._stage.now()

        def end() -> None:
            schedule.status = then
            schedule.modified = self._stage.now()

        schedule.next_step = self._stage.agenda.after(self._stage.durations.schedule_pending, end)


def schedules_of(backend: SageMakerModelBackend) -> dict[str, MonitoringSchedule]:
    """Kept in moto's backend, so that a reset of moto forgets them."""
    kept: dict[str, MonitoringSchedule] = vars(backend).setdefault("monitoring_schedules", {})
    return kept


def find_schedule(backend: SageMakerModelBackend, name: str) -> MonitoringSchedule:
    try:
        return schedules_of(backend)[name]
    except KeyError:
        arn = arn_of(backend, "monitoring-schedule", name)
        raise ResourceNotFound(f"Could not find monitoring schedule {arn}.") from None  # ?


def _changeable(backend: SageMakerModelBackend, request: Request) -> MonitoringSchedule:
    schedule = find_schedule(backend, request["MonitoringScheduleName"])
    if schedule.status == "Pending":
        raise ValidationException("Monitoring schedule in status Pending")
    return schedule


def _check(backend: SageMakerModelBackend, config: dict[str, Any]) -> str | None:
    """Name of the endpoint a schedule watches; what it names must exist. Adds an implied type."""
    if name := config.get("MonitoringJobDefinitionName"):
        definition = find_definition(backend, config.get("MonitoringType", "DataQuality"), name)
        endpoint_name = endpoint_name_of(definition.fields)
    else:
        config.setdefault("MonitoringType", "DataQuality")
        inputs = config.get("MonitoringJobDefinition", {}).get("MonitoringInputs", [])
        names = [
            item["EndpointInput"]["EndpointName"]
            for item in inputs
            if "EndpointName" in item.get("EndpointInput", {})
        ]
        endpoint_name = names[0] if names else None
    if endpoint_name is not None:
        find_endpoint(backend, endpoint_name)
    return endpoint_name
