"""A job or a pipeline execution ended: tell what failed, register the model of a job that asks for it."""

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext
from stationkeeper.assembly import job_report
from stationkeeper.events.job import JobStateChange
from stationkeeper.react import react
from stationkeeper.telemetry import logger, metrics

reaction = job_report()


@logger.inject_lambda_context
@metrics.of_invocation.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return react(event, JobStateChange, reaction.react, context, name="job_report")
