"""Every hour: look at everything again, for what an event lost."""

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext
from stationkeeper.assembly import sweep
from stationkeeper.events.scheduled import SweepDue
from stationkeeper.react import react
from stationkeeper.telemetry import logger, metrics

reaction = sweep()


@logger.inject_lambda_context
@metrics.of_invocation.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return react(event, SweepDue, reaction.react, context, name="sweep")
