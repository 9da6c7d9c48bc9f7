"""Items of the state table that are read consistently and written only over the version they came from."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, Self

from botocore.exceptions import ClientError

from stationkeeper.aws.errors import code_of
from stationkeeper.errors import MemoryConflict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import timedelta

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef

type Attributes = Mapping[str, UniversalAttributeValueTypeDef]


class Versioned(Protocol):
    """A memory that knows which write it came from; empty when made of nothing."""

    @property
    def version(self) -> int:
        """Orders writes; 0 means nothing is stored."""

    @classmethod
    def model_validate_json(cls, json_data: bytes, /) -> Self: ...
    def model_dump_json(self, *, exclude: set[str]) -> str: ...
    def model_copy(self, *, update: Mapping[str, Any]) -> Self: ...


class VersionedItems:
    """Items of one sort key: `body` holds a value as compressed JSON, `version` orders writes, further attributes are for people."""

    def __init__(self, client: Callable[[], DynamoDBClient], table_name: str, sort_key: str) -> None:
        self._client = client
        self._table_name = table_name
        self._sort_key: UniversalAttributeValueTypeDef = {"S": sort_key}

    def recall[M: Versioned](self, kind: type[M], partition: str) -> M:
        """What is remembered there; an empty memory when nothing is."""
        answer = self._client().get_item(
            TableName=self._table_name,
            Key={"pk": {"S": partition}, "sk": self._sort_key},
            ConsistentRead=True,
            ProjectionExpression="body, version",
        )
        item = answer.get("Item")
        return kind() if item is None else memory_of(kind, item)

    def remember[M: Versioned](
        self, partition: str, memory: M, attributes: Attributes, kept_for: timedelta | None = None
    ) -> M:
        """Store a memory over the version it came from, and return it with its new version.

        Raises
        ------
        MemoryConflict
            Somebody else stored another one since.
        """
        version = self.put(partition, body_of(memory), memory.version, attributes, kept_for)
        return memory.model_copy(update={"version": version})

    def get_attributes(self, partitions: Iterable[str], names: Iterable[str]) -> Iterator[dict[str, Any]]:
        """`pk` and the named attributes of at most a hundred items, in any order; an item that is not there is left out."""
        aliases = {f"#{number}": name for number, name in enumerate(("pk", *names))}
        keys = [{"pk": {"S": partition}, "sk": self._sort_key} for partition in partitions]
        asked: Any = {
            self._table_name: {
                "Keys": keys,
                "ProjectionExpression": ", ".join(aliases),
                "ExpressionAttributeNames": aliases,
            }
        }
        while asked and keys:
            answer = self._client().batch_get_item(RequestItems=asked)
            yield from answer["Responses"].get(self._table_name, [])
            asked = answer.get("UnprocessedKeys")

    def put(
        self,
        partition: str,
        body: bytes,
        over_version: int,
        attributes: Attributes,
        kept_for: timedelta | None = None,
    ) -> int:
        """Write a body (see `body_of`) over a version, 0 for none; returns the new version.

        Raises
        ------
        MemoryConflict
            Somebody else wrote meanwhile.
        """
        now = datetime.now(UTC)
        version = over_version + 1
        item: dict[str, UniversalAttributeValueTypeDef] = {
            **attributes,
            "pk": {"S": partition},
            "sk": self._sort_key,
            "version": {"N": str(version)},
            "body": {"B": body},
            "updated_at": {"S": now.isoformat(timespec="seconds")},
        }
        if kept_for is not None:
            item["expires_at"] = {"N": str(int((now + kept_for).timestamp()))}
        try:
            if over_version == 0:
                self._client().put_item(
                    TableName=self._table_name, Item=item, ConditionExpression="attribute_not_exists(pk)"
                )
            else:
                self._client().put_item(
                    TableName=self._table_name,
                    Item=item,
                    ConditionExpression="version = :version",
                    ExpressionAttributeValues={":version": {"N": str(over_version)}},
                )
        except ClientError as error:
            if code_of(error) == "ConditionalCheckFailedException":
                raise MemoryConflict(f"{partition} was changed by somebody else") from error
            raise
        return version


def body_of(memory: Versioned) -> bytes:
    return compressed(memory.model_dump_json(exclude={"version"}))


def compressed(json: str) -> bytes:
    return zlib.compress(json.encode())


def memory_of[M: Versioned](kind: type[M], item: Mapping[str, Any]) -> M:
    """The memory in an item that has its `body` and `version`."""
    memory = kind.model_validate_json(zlib.decompress(bytes(item["body"]["B"])))
    return memory.model_copy(update={"version": int(item["version"]["N"])})
