"""Something worth telling: put it into words and deliver it over every channel, once."""

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext
from stationkeeper.assembly import notification
from stationkeeper.events.on_bus import DomainEventOnBus
from stationkeeper.react import react
from stationkeeper.telemetry import logger, metrics

reaction, deliveries = notification()


@logger.inject_lambda_context
@metrics.of_invocation.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    for channel in deliveries:
        channel.register_lambda_context(context)
    return react(event, DomainEventOnBus, reaction.react, context, name="notification")
