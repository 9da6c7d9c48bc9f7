"""Steps: what is to be done to AWS, as data that can be printed, compared and tested without AWS."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Action(StrEnum):
    """A call of AWS that a plan may hold; its value is the API's own name."""

    CREATE_MODEL = "CreateModel"
    CREATE_ENDPOINT_CONFIG = "CreateEndpointConfig"
    CREATE_ENDPOINT = "CreateEndpoint"
    UPDATE_ENDPOINT = "UpdateEndpoint"
    PUT_METRIC_ALARM = "PutMetricAlarm"
    SET_ALARM_STATE = "SetAlarmState"
    REGISTER_SCALABLE_TARGET = "RegisterScalableTarget"
    PUT_SCALING_POLICY = "PutScalingPolicy"
    CREATE_DATA_QUALITY_JOB_DEFINITION = "CreateDataQualityJobDefinition"
    CREATE_MODEL_QUALITY_JOB_DEFINITION = "CreateModelQualityJobDefinition"
    CREATE_MODEL_BIAS_JOB_DEFINITION = "CreateModelBiasJobDefinition"
    CREATE_MODEL_EXPLAINABILITY_JOB_DEFINITION = "CreateModelExplainabilityJobDefinition"
    CREATE_MONITORING_SCHEDULE = "CreateMonitoringSchedule"
    UPDATE_MONITORING_SCHEDULE = "UpdateMonitoringSchedule"
    DELETE_MONITORING_SCHEDULE = "DeleteMonitoringSchedule"
    CREATE_PROCESSING_JOB = "CreateProcessingJob"


_NAMED_BY = (
    "ModelName",
    "EndpointConfigName",
    "EndpointName",
    "AlarmName",
    "PolicyName",
    "JobDefinitionName",
    "MonitoringScheduleName",
    "ProcessingJobName",
)
_OF_ENDPOINT = (Action.CREATE_ENDPOINT, Action.UPDATE_ENDPOINT)


@dataclass(frozen=True, slots=True)
class Step:
    """One call: `request` is what boto3 takes, `why` is for people."""

    action: Action
    request: Mapping[str, Any]
    why: str

    @property
    def name(self) -> str:
        """What the call is about, by name."""
        if self.action in _OF_ENDPOINT:
            return str(self.request["EndpointName"])
        if self.action is Action.REGISTER_SCALABLE_TARGET:
            return str(self.request["ResourceId"])
        return next(str(self.request[key]) for key in _NAMED_BY if key in self.request)
