"""Memories of monitoring schedules in the state table.

One item per schedule: `pk` is `monitor#<schedule ARN>`, `sk` is `memory`. `body` holds the memory as compressed JSON, `version` orders
writes. The other attributes repeat what people and other reactions ask for.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stationkeeper.alerts.memory import Memory
from stationkeeper.alerts.standing import Judged
from stationkeeper.errors import MemoryConflict

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef


_SORT_KEY = {"S": "memory"}
# An item may be 400 KB; the rest is for the other attributes.
_BODY_LIMIT_BYTES = 300_000
# Forgotten when the schedule has not run for so long.
_KEPT_FOR = timedelta(days=400)


class DynamoDbMonitorMemories:
    """Reads consistently, writes on condition that nobody else did."""

    def __init__(self, client: Callable[[], DynamoDBClient], table_name: str) -> None:
        self._client = client
        self._table_name = table_name

    def recall(self, schedule_arn: str) -> Memory:
        answer = self._client().get_item(
            TableName=self._table_name,
            Key={"pk": {"S": _partition(schedule_arn)}, "sk": _SORT_KEY},
            ConsistentRead=True,
            ProjectionExpression="body, version",
        )
        item = answer.get("Item")
        if item is None:
            return Memory()
        stored = Memory.model_validate_json(zlib.decompress(bytes(item["body"]["B"])))
        return stored.model_copy(update={"version": int(item["version"]["N"])})

    def remember(self, schedule_arn: str, endpoint: str, memory: Memory) -> Memory:
        """Store a memory over the version it came from; see `MonitorMemories.remember`."""
        version = memory.version + 1
        body = _encode(memory)
        while len(body) > _BODY_LIMIT_BYTES and len(memory.runs) > 1:
            memory = memory.without_oldest().within_bounds()
            body = _encode(memory)
        now = datetime.now(UTC)
        newest = memory.newest
        item: dict[str, UniversalAttributeValueTypeDef] = {
            "pk": {"S": _partition(schedule_arn)},
            "sk": _SORT_KEY,
            "version": {"N": str(version)},
            "body": {"B": body},
            "endpoint": {"S": endpoint},
            "updated_at": {"S": now.isoformat(timespec="seconds")},
            "expires_at": {"N": str(int((now + _KEPT_FOR).timestamp()))},
        }
        if newest is not None:
            item["last_run_at"] = {"S": newest.at.isoformat()}
            if isinstance(newest.outcome, Judged):
                item["violations"] = {"N": str(newest.outcome.total)}
                item["severity"] = {"S": newest.outcome.severity or "none"}
            else:
                item["blind"] = {"S": newest.outcome.reason}
        condition = "attribute_not_exists(pk)" if memory.version == 0 else "version = :version"
        try:
            if memory.version == 0:
                self._client().put_item(TableName=self._table_name, Item=item, ConditionExpression=condition)
            else:
                self._client().put_item(
                    TableName=self._table_name,
                    Item=item,
                    ConditionExpression=condition,
                    ExpressionAttributeValues={":version": {"N": str(memory.version)}},
                )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ConditionalCheckFailedException":
                raise MemoryConflict(f"the memory of {schedule_arn} was changed by another run") from error
            raise
        return memory.model_copy(update={"version": version})


def _encode(memory: Memory) -> bytes:
    return zlib.compress(memory.model_dump_json(exclude={"version"}).encode())


def _partition(schedule_arn: str) -> str:
    return f"monitor#{schedule_arn}"
