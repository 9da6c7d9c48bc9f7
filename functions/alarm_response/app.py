"""A CloudWatch alarm changed: connect it with the release that caused it, take that back, tell on-call."""

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext
from stationkeeper.assembly import alarm_response
from stationkeeper.events.alarm_trigger import AlarmTrigger
from stationkeeper.react import react
from stationkeeper.telemetry import logger, metrics

reaction = alarm_response()


@logger.inject_lambda_context
@metrics.of_invocation.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return react(event, AlarmTrigger, reaction.react, context, name="alarm_response")
