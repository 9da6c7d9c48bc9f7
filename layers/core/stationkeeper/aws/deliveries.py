"""Which domain events were delivered, for seven days: powertools idempotency on the state table.

`pk` is `delivery#<channel>`, `sk` the hashed id. A delivery that was begun and not finished (the function was killed in between) may
be tried again once the function's own time-out has passed; then on-call may read that message twice, never not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError

from stationkeeper.errors import DeliveryUnderWay

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient

REMEMBERED_SECONDS = 7 * 24 * 3600


class PowertoolsDeliveries:
    """Deliveries of one channel."""

    def __init__(self, client: Callable[[], DynamoDBClient], table_name: str, channel: str) -> None:
        self._client = client
        self._table_name = table_name
        self._channel = channel
        self._store: DynamoDBPersistenceLayer | None = None
        self._config = IdempotencyConfig(
            event_key_jmespath="id",
            raise_on_no_idempotency_key=True,
            expires_after_seconds=REMEMBERED_SECONDS,
        )

    def register_lambda_context(self, context: LambdaContext) -> None:
        """Tell how long this invocation may take; without it a time-out would leave a delivery in progress for days."""
        self._config.register_lambda_context(context)

    def once(self, event_id: str, deliver: Callable[[], str]) -> bool:
        """Call `deliver` unless it was called for this id before; whether it was called now.

        Raises
        ------
        DeliveryUnderWay
            While another copy delivers it, or until one that was killed has run out of time.
        """
        called = False

        def delivery(*, event: dict[str, str]) -> str:  # noqa: ARG001  # powertools reads the id from it
            nonlocal called
            called = True
            return deliver()

        once = idempotent_function(
            delivery,
            data_keyword_argument="event",
            persistence_store=self._persistence(),
            config=self._config,
            key_prefix=self._channel,
        )
        try:
            once(event={"id": event_id})
        except IdempotencyAlreadyInProgressError as error:
            raise DeliveryUnderWay(f"{event_id} is being delivered by another copy") from error
        return called

    def _persistence(self) -> DynamoDBPersistenceLayer:
        if self._store is None:
            self._store = DynamoDBPersistenceLayer(
                table_name=self._table_name,
                key_attr="pk",
                sort_key_attr="sk",
                static_pk_value=f"delivery#{self._channel}",
                expiry_attr="expires_at",
                boto3_client=self._client(),
            )
        return self._store
