"""What the newest runs of an endpoint's monitors found: which monitors there are SageMaker says, the rest is in the state table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stationkeeper.aws.errors import said_by
from stationkeeper.aws.monitor_memories import DynamoDbMonitorMemories
from stationkeeper.errors import LookRefused
from stationkeeper.reports.newest import NewestRun
from stationkeeper.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sagemaker import SageMakerClient


class AwsNewestRuns:
    def __init__(
        self,
        client: Callable[[], SageMakerClient],
        dynamodb: Callable[[], DynamoDBClient],
        table_name: str,
    ) -> None:
        self._client = client
        self._memories = DynamoDbMonitorMemories(dynamodb, table_name)

    def of(self, endpoint: str) -> tuple[NewestRun, ...]:
        """What the newest runs of an endpoint's monitors found. One call per hundred monitors, and one for what is remembered of them.

        Raises
        ------
        LookRefused
            AWS did not answer.
        """
        try:
            return self._of(endpoint)
        except ClientError as error:
            raise LookRefused(f"the monitors of {endpoint}: {said_by(error)}") from error

    def _of(self, endpoint: str) -> tuple[NewestRun, ...]:
        pages = self._client().get_paginator("list_monitoring_schedules").paginate(EndpointName=endpoint)
        kinds = {
            str(summary["MonitoringScheduleArn"]): str(summary.get("MonitoringType") or "")
            for page in pages
            for summary in page["MonitoringScheduleSummaries"]
        }
        glances = self._memories.glances(kinds)
        found = []
        for arn, kind in sorted(kinds.items()):
            glance = glances.get(arn)
            bad = glance.severity if glance and glance.severity in tuple(Severity) else None
            found.append(
                NewestRun(
                    schedule_arn=arn,
                    kinds=frozenset({kind} - {""}),
                    violations=glance.violations if glance else None,
                    severity=Severity(bad) if bad else None,
                    blind=glance.blind if glance else "",
                )
            )
        return tuple(found)
