"""Registry or endpoint changed: bring the endpoint to the newest approved version of its group."""

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext
from stationkeeper.assembly import release
from stationkeeper.events.release_trigger import ReleaseTrigger
from stationkeeper.react import react
from stationkeeper.telemetry import logger, metrics

reaction = release()


@logger.inject_lambda_context
@metrics.of_invocation.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return react(event, ReleaseTrigger, reaction.react, context, name="release")
