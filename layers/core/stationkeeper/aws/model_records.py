"""Records of multi-model endpoints' models in the state table.

One item per model: `pk` is `models#<endpoint>`, `sk` the model. `due_at` (epoch seconds) says when something is to be done again, `settled`
holds the ARNs of what is published or finally refused: `sweep` asks for both without reading bodies. `multi-model-endpoints` lists the
endpoints; `refusals#<endpoint>` counts the rejections of each day.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from stationkeeper.artifacts.record import ModelRecord
from stationkeeper.aws.errors import code_of
from stationkeeper.aws.versioned_items import VersionedItems, memory_of
from stationkeeper.events.domain import stable_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef

_INDEX = "multi-model-endpoints"
_COUNTS_KEPT_FOR = timedelta(days=7)
_COUNTED_ONCE = 10
# Of models of which nothing was ever published.
_REFUSALS_KEPT_FOR = timedelta(days=30)
_ITEMS_A_CALL = 100
# Newest first: an item may have 400 KB.
_SETTLED_KEPT = 300


class DynamoDbModelRecords:
    def __init__(
        self, client: Callable[[], DynamoDBClient], table_name: str, keep: timedelta = timedelta(0)
    ) -> None:
        self._client = client
        self._table_name = table_name
        self._keep = keep

    def recall(self, endpoint: str, model: str) -> ModelRecord:
        """What is remembered of a model; an empty record when nothing is. One call."""
        record = self._items(model).recall(ModelRecord, _partition(endpoint))
        return record if record.model else record.named(endpoint, model)

    def remember(self, endpoint: str, model: str, record: ModelRecord) -> ModelRecord:
        """Store a record over the version it came from, and return it with its new version. One call.

        Raises
        ------
        MemoryConflict
            Somebody else stored another one since.
        """
        if record.model != model:
            raise ValueError(f"the record of {record.model!r} is not the one of {model!r}")
        attributes: dict[str, UniversalAttributeValueTypeDef] = {
            "endpoint": {"S": record.endpoint or endpoint},
            "target_model": {"S": record.serving.target_model if record.serving else "none"},
        }
        due_at = record.next_due(self._keep, datetime.now(UTC))
        if due_at is not None:
            attributes["due_at"] = {"N": str(int(due_at.timestamp()))}
        if settled := record.settled_sources[:_SETTLED_KEPT]:
            attributes["settled"] = {"SS": list(settled)}
        kept_for = None if record.versions else _REFUSALS_KEPT_FOR
        return self._items(model).remember(_partition(endpoint), record, attributes, kept_for)

    def note(self, endpoint: str) -> None:
        """Remember that models are published to an endpoint. One call."""
        self._client().put_item(
            TableName=self._table_name, Item={"pk": {"S": _INDEX}, "sk": {"S": endpoint.lower()}}
        )

    def next_of_the_day(self, endpoint: str, at: datetime, what: str) -> int:
        """Count a rejection; how many there were on that day, this one included. One call; two from the eleventh on.

        The first ten are remembered by `what` was rejected: a try after a crash has the number of one of the first.
        """
        what = stable_id(what)[:16]
        try:
            return self._counted(
                endpoint,
                at,
                "SET expires_at = :expires_at ADD refusals :one, #first :whats",
                {":whats": {"SS": [what]}, ":what": {"S": what}, ":most": {"N": str(_COUNTED_ONCE)}},
                ExpressionAttributeNames={"#first": "first"},
                ConditionExpression="attribute_not_exists(refusals) OR (refusals < :most AND NOT contains(#first, :what))",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            counted: Any = error.response.get("Item", {})  # as it is: DynamoDB's errors alone have one
            if what in counted.get("first", {}).get("SS", ()):
                return 1
        return self._counted(endpoint, at, "SET expires_at = :expires_at ADD refusals :one", {})

    def _counted(
        self, endpoint: str, at: datetime, update: str, values: dict[str, Any], **condition: Any
    ) -> int:
        answer = self._client().update_item(
            TableName=self._table_name,
            Key={
                "pk": {"S": f"refusals#{endpoint.lower()}"},
                "sk": {"S": at.astimezone(UTC).date().isoformat()},
            },
            UpdateExpression=update,
            ExpressionAttributeValues={
                ":one": {"N": "1"},
                ":expires_at": {"N": str(int((at + _COUNTS_KEPT_FOR).timestamp()))},
                **values,
            },
            ReturnValues="UPDATED_NEW",
            **condition,
        )
        return int(answer["Attributes"]["refusals"]["N"])

    def endpoints(self) -> tuple[str, ...]:
        """Endpoints that models are published to. One call per megabyte."""
        found = self._query(
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": _INDEX}},
            ProjectionExpression="sk",
        )
        return tuple(item["sk"]["S"] for item in found)

    def due(self, endpoint: str, now: datetime) -> tuple[str, ...]:
        """Models of an endpoint for which something is to be done. One call per megabyte of all its records."""
        found = self._query(
            KeyConditionExpression="pk = :pk",
            FilterExpression="due_at <= :now",
            ExpressionAttributeValues={
                ":pk": {"S": _partition(endpoint)},
                ":now": {"N": str(int(now.timestamp()))},
            },
            ProjectionExpression="sk",
        )
        return tuple(item["sk"]["S"] for item in found)

    def settled(self, models: Iterable[tuple[str, str]]) -> dict[tuple[str, str], frozenset[str]]:
        """Lower-case ARNs of what is published or finally refused, of some models by (endpoint, model). One call per hundred."""
        asked = {(_partition(endpoint), model): (endpoint, model) for endpoint, model in models}
        found: dict[tuple[str, str], frozenset[str]] = {}
        for batch in batched(sorted(asked), _ITEMS_A_CALL, strict=False):
            for item in self._several(batch):
                key = asked[item["pk"]["S"], item["sk"]["S"]]
                found[key] = frozenset(item.get("settled", {}).get("SS", ()))
        return found

    def all_of(self, endpoint: str) -> Iterator[ModelRecord]:
        """Every record of an endpoint, by model. One call per megabyte."""
        for item in self._query(
            KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": _partition(endpoint)}}
        ):
            yield memory_of(ModelRecord, item)

    def _items(self, model: str) -> VersionedItems:
        return VersionedItems(self._client, self._table_name, model)

    def _query(self, **request: Any) -> Iterator[dict[str, Any]]:
        pages = self._client().get_paginator("query").paginate(TableName=self._table_name, **request)
        for page in pages:
            yield from page["Items"]

    def _several(self, keys: Iterable[tuple[str, str]]) -> Iterator[dict[str, Any]]:
        asked: Any = {
            self._table_name: {
                "Keys": [{"pk": {"S": partition}, "sk": {"S": model}} for partition, model in keys],
                "ProjectionExpression": "pk, sk, settled",
            }
        }
        while asked:
            answer = self._client().batch_get_item(RequestItems=asked)
            yield from answer["Responses"].get(self._table_name, [])
            asked = answer.get("UnprocessedKeys")


def _partition(endpoint: str) -> str:
    return f"models#{endpoint.lower()}"
