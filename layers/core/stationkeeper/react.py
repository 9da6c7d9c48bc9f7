"""From an SQS batch to a reaction: one typed event per message, failures given back one by one."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from stationkeeper.errors import UnderWay
from stationkeeper.events.envelope import Envelope
from stationkeeper.telemetry import logger, metrics, note_latency


def react[E: Envelope](
    event: dict[str, Any], model: type[E], reaction: Callable[[E], None], context: LambdaContext, name: str
) -> PartialItemFailureResponse:
    """Handle every message of an SQS batch.

    A message whose event is invalid, or whose reaction raises, is given back to the queue: it is delivered again and
    ends in the dead-letter queue. The others of its batch are done.

    The latency of a reaction is noted once, when it ended well: from the time in the event, however often it was tried and
    however long it lay in a dead-letter queue before it was sent back. A message to a queue of ours counts from when it was due.

    Parameters
    ----------
    event : what Lambda hands over, `{"Records": [...]}`.
    model : the event each message must be.
    reaction : called once per event.
    name : the reaction's name in metrics.
    """

    def handle(record: SQSRecord) -> None:
        with logger.append_context_keys(message_id=record.message_id):
            try:
                parsed = model.parse(record.body)
                with logger.append_context_keys(event_id=parsed.id):
                    reaction(parsed)
                note_latency(parsed.time, datetime.now(UTC), name)
            except UnderWay as error:
                logger.info("Not yet", extra={"decision": "under-way", "reason": str(error)})
                raise
            except Exception:
                # Raised again: the queue decides what becomes of the message.
                metrics.count("ReactionFailures", reaction=name)
                attempt = record.attributes.approximate_receive_count
                logger.exception(
                    "Failed, will be tried again", extra={"decision": "failed", "attempt": attempt}
                )
                raise

    metrics.count("EventsReceived", len(event["Records"]), reaction=name)
    # Not raised when all of a batch fail: the same answer as for some, and the alarm on ReactionFailures tells.
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event=event, record_handler=handle, processor=processor, context=context)
