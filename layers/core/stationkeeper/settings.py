"""What the template tells each function, checked once when the function starts."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from stationkeeper.errors import InvalidSettings, problems_of


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=str.upper)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings from environment variables of the same names in upper case.

        Raises
        ------
        InvalidSettings
            Naming each variable that is missing or wrong.
        """
        try:
            return cls.model_validate(dict(environment))
        except ValidationError as error:
            raise InvalidSettings(
                f"environment of the function: {problems_of(error, most=100)}. Deploy the stack again."
            ) from error


def _names(value: Any) -> Any:
    """A comma-separated list, as CloudFormation joins one; blanks are nothing."""
    return (
        tuple(filter(None, (part.strip() for part in value.split(",")))) if isinstance(value, str) else value
    )


class _OfReports(_Settings):
    """What judging a report, and linking its page, takes."""

    state_table_name: str = Field(min_length=1)
    severity_policy_parameter: str = Field(min_length=1)
    report_size_limit_megabytes: int = Field(ge=1, le=128)
    report_bucket: str = Field(min_length=1)
    aws_region: str = Field(min_length=1)


class MonitorReportSettings(_OfReports):
    event_bus_name: str = Field(min_length=1)
    on_call: str = Field(min_length=1)


class DriftPageSettings(_OfReports):
    pass


type Names = Annotated[tuple[str, ...], BeforeValidator(_names)]


class _InTheAccount(_Settings):
    """Where the stack is, and what it remembers."""

    state_table_name: str = Field(min_length=1)
    account_id: str = Field(pattern=r"^\d{12}$")
    aws_region: str = Field(min_length=1)
    partition: str = Field(min_length=1)


class ReleaseSettings(_InTheAccount):
    event_bus_name: str = Field(min_length=1)
    on_call: str = Field(min_length=1)
    data_bucket: str = Field(min_length=1)
    keep_days: int = Field(ge=1, le=365)
    execution_role_arns: Names = ()
    default_instance_type: str = Field(min_length=1)
    default_min_instances: int = Field(ge=1)
    default_max_instances: int = Field(ge=1)
    default_invocations_per_instance: int = Field(ge=1)
    default_bake_minutes: int = Field(ge=1)
    default_capture_percentage: int = Field(ge=0, le=100)
    default_error_percent: float = Field(gt=0, le=100)
    default_latency_milliseconds: int = Field(ge=1)
    monitoring_instance_type: str = Field(min_length=1)
    endpoint_key_arn: str = ""
    endpoint_subnet_ids: Names = ()
    endpoint_security_group_ids: Names = ()


class ArtifactSyncSettings(_InTheAccount):
    event_bus_name: str = Field(min_length=1)
    on_call: str = Field(min_length=1)
    keep_days: int = Field(ge=1, le=365)
    artifact_limit_megabytes: int = Field(ge=1, le=12_000)
    unpacked_limit_megabytes: int = Field(ge=1, le=100_000)
    artifact_key_arn: str = ""


class AlarmResponseSettings(_InTheAccount):
    event_bus_name: str = Field(min_length=1)
    on_call: str = Field(min_length=1)
    default_bake_minutes: int = Field(ge=1)
    alarm_response_queue_url: str = Field(min_length=1)
    release_queue_url: str = Field(min_length=1)


class RetrainingSettings(_InTheAccount):
    event_bus_name: str = Field(min_length=1)
    on_call: str = Field(min_length=1)
    retraining_cool_down_hours: int = Field(ge=0, le=8_760)


class JobReportSettings(_InTheAccount):
    event_bus_name: str = Field(min_length=1)
    on_call: str = Field(min_length=1)
    job_name_prefixes: Names = ()


class SweepSettings(_InTheAccount):
    keep_days: int = Field(ge=1, le=365)
    alarm_response_queue_url: str = Field(min_length=1)
    artifact_sync_queue_url: str = Field(min_length=1)
    release_queue_url: str = Field(min_length=1)


class NotificationSettings(_Settings):
    state_table_name: str = Field(min_length=1)
    alert_topic_arn: str = Field(min_length=1)
    chat_topic_arn: str = Field(min_length=1)
    event_bus_name: str = Field(min_length=1)
    severity_policy_parameter: str = Field(min_length=1)
    runbook_url: str = ""
