"""What the template tells each function, checked once when the function starts."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

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
                f"environment of the function: {problems_of(error)}. Deploy the stack again."
            ) from error


class MonitorReportSettings(_Settings):
    state_table_name: str = Field(min_length=1)
    event_bus_name: str = Field(min_length=1)
    severity_policy_parameter: str = Field(min_length=1)
    report_size_limit_megabytes: int = Field(ge=1, le=128)
    on_call: str = Field(min_length=1)


class NotificationSettings(_Settings):
    state_table_name: str = Field(min_length=1)
    alert_topic_arn: str = Field(min_length=1)
    severity_policy_parameter: str = Field(min_length=1)
