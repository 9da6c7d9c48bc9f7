"""A monitoring job ended: judge its report and tell on-call what changed."""

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext
from stationkeeper.assembly import monitor_report
from stationkeeper.events.processing_job import ProcessingJobStateChange
from stationkeeper.react import react
from stationkeeper.telemetry import logger, metrics

reaction = monitor_report()


@logger.inject_lambda_context
@metrics.of_invocation.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return react(event, ProcessingJobStateChange, reaction.react, context, name="monitor_report")
