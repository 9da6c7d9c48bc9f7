"""InvokeEndpoint in moto: answers for endpoints that do not exist, and never fails."""

import uuid
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from unittest import mock

from moto.sagemaker.models import sagemaker_backends
from moto.sagemakerruntime.responses import SageMakerRuntimeResponse

from embedded_aws.moto_additions.sagemaker.endpoint import endpoints_of
from embedded_aws.moto_additions.sagemaker.multi_model import ModelLoads
from embedded_aws.moto_additions.sagemaker.runtime_answers import (
    RuntimeAnswer,
    model_error,
    validation_error,
)


class Invocations:
    """Answers by plan; without one, a small prediction."""

    def __init__(self, before_each: Callable[[], object], model_loads: ModelLoads) -> None:
        self._before_each = before_each
        self._model_loads = model_loads
        self._planned: dict[str, deque[tuple[int, str]]] = {}

    def plan(self, endpoint_name: str, status: int, body: str, times: int) -> None:
        self._planned.setdefault(endpoint_name, deque()).extend([(status, body)] * times)

    def installed(self) -> ExitStack:
        def invoke(response: SageMakerRuntimeResponse) -> RuntimeAnswer:
            self._before_each()
            return self._answer(response)

        context = ExitStack()
        context.enter_context(mock.patch.object(SageMakerRuntimeResponse, "invoke_endpoint", invoke))
        return context

    def _answer(self, response: SageMakerRuntimeResponse) -> RuntimeAnswer:
        name = response.path.split("/")[2]
        account, region = response.current_account, response.region
        endpoint = endpoints_of(sagemaker_backends[account][region]).get(name)
        if endpoint is None or not endpoint.runs:
            return validation_error(f"Endpoint {name} of account {account} not found.")
        variants = [variant["VariantName"] for variant in endpoint.variants]
        variant = response.headers.get("X-Amzn-SageMaker-Target-Variant", variants[0])
        if variant not in variants:
            return validation_error(f"Variant {variant} of endpoint {name} not found.")  # ?
        target_model = response.headers.get("X-Amzn-SageMaker-Target-Model")
        refusal = self._model_loads.refusal(endpoint, variant, target_model, str(uuid.uuid4()))
        if refusal is not None:
            return refusal
        planned = self._planned.get(name)
        status, body = planned.popleft() if planned else (200, '{"predictions": [0.5]}')
        if status != 200:
            return model_error(status, body, name, account, region)
        headers = {"Content-Type": "application/json", "x-Amzn-Invoked-Production-Variant": variant}
        return 200, headers, body
