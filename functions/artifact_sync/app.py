"""A model for a multi-model endpoint is ready: publish its artifact, and send callers to it."""

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext
from stationkeeper.assembly import artifact_sync
from stationkeeper.events.artifact_trigger import ArtifactTrigger
from stationkeeper.react import react
from stationkeeper.telemetry import logger, metrics

reaction = artifact_sync()


@logger.inject_lambda_context
@metrics.of_invocation.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return react(event, ArtifactTrigger, reaction.react, context, name="artifact_sync")
