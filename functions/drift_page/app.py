"""A monitoring job ended, or something was done about it: draw the run's page."""

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext
from stationkeeper.assembly import drift_page
from stationkeeper.events.page_trigger import PageTrigger
from stationkeeper.react import react
from stationkeeper.telemetry import logger, metrics

reaction = drift_page()


@logger.inject_lambda_context
@metrics.of_invocation.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return react(event, PageTrigger, reaction.react, context, name="drift_page")
