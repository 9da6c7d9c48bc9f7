"""CloudWatch alarms: their tags, and what they look like now."""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from stationkeeper.aws.errors import is_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mypy_boto3_cloudwatch import CloudWatchClient

_ALARMS_A_CALL = 100


class AwsAlarmSight:
    def __init__(self, client: Callable[[], CloudWatchClient]) -> None:
        self._client = client

    def tags(self, alarm_arn: str) -> dict[str, str]:
        """Tags of an alarm; none when it is gone. One call."""
        try:
            answer = self._client().list_tags_for_resource(ResourceARN=alarm_arn)
        except ClientError as error:
            if is_missing(error):
                return {}
            raise
        return {tag["Key"]: tag["Value"] for tag in answer["Tags"]}

    def described(self, names: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """Those of these alarms that exist, as DescribeAlarms answers, by name. One call per hundred."""
        found: dict[str, Mapping[str, Any]] = {}
        for batch in batched(sorted(set(names)), _ALARMS_A_CALL, strict=False):
            answer = self._client().describe_alarms(
                AlarmNames=list(batch),
                MaxRecords=_ALARMS_A_CALL,
                AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            )
            for alarm in (*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])):
                found[str(alarm["AlarmName"])] = alarm
        return found
