"""Drift was found: start the pipeline that retrains the model."""

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext
from stationkeeper.assembly import retraining
from stationkeeper.events.on_bus import DomainEventOnBus
from stationkeeper.react import react
from stationkeeper.telemetry import logger, metrics

reaction = retraining()


@logger.inject_lambda_context
@metrics.of_invocation.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return react(event, DomainEventOnBus, reaction.react, context, name="retraining")
