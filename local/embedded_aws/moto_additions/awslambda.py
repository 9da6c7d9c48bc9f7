"""Lambda in moto: runs functions in Docker, inside SendMessage; and a layer version has no `Ref`."""

from contextlib import ExitStack
from typing import Any
from unittest import mock

from moto.awslambda.models import EventSourceMapping, LambdaBackend, LayerVersion
from moto.sqs.models import sqs_backends


def installed() -> ExitStack:
    create_mapping = LambdaBackend.create_event_source_mapping

    def create_mapping_without_docker(backend: LambdaBackend, spec: dict[str, Any]) -> EventSourceMapping:
        # Gap: moto invokes functions in Docker, inside SendMessage. Here event_source.py does it.
        mapping = create_mapping(backend, spec)
        for queue in sqs_backends[backend.account_id][backend.region_name].queues.values():
            queue.lambda_event_source_mappings.pop(mapping.function_arn, None)
        return mapping

    context = ExitStack()
    context.enter_context(
        mock.patch.object(LambdaBackend, "create_event_source_mapping", create_mapping_without_docker)
    )
    context.enter_context(
        mock.patch.object(
            LayerVersion, "physical_resource_id", property(lambda version: version.arn), create=True
        )
    )
    return context
