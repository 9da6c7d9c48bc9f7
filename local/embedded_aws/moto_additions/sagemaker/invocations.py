"""InvokeEndpoint in moto: answers for endpoints that do not exist, and never fails."""

import json
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest import mock

from moto.sagemaker.models import sagemaker_backends
from moto.sagemakerruntime.responses import SageMakerRuntimeResponse

from embedded_aws.moto_additions.sagemaker.endpoint import endpoints_of

type _Answer = tuple[int, dict[str, str], str]

_MODEL_ERROR_STATUS = 424


class Invocations:
    """Answers by plan; without one, a small prediction."""

    def __init__(self, before_each: Callable[[], object]) -> None:
        self._before_each = before_each
        self._planned: dict[str, deque[tuple[int, str]]] = {}

    def plan(self, endpoint_name: str, status: int, body: str, times: int) -> None:
        self._planned.setdefault(endpoint_name, deque()).extend([(status, body)] * times)

    def installed(self) -> ExitStack:
        def invoke(response: SageMakerRuntimeResponse) -> _Answer:
            self._before_each()
            return self._answer(response)

        context = ExitStack()
        context.enter_context(mock.patch.object(SageMakerRuntimeResponse, "invoke_endpoint", invoke))
        return context

    def _answer(self, response: SageMakerRuntimeResponse) -> _Answer:
        name = response.path.split("/")[2]
        account, region = response.current_account, response.region
        endpoint = endpoints_of(sagemaker_backends[account][region]).get(name)
        if endpoint is None or not endpoint.runs:
            return _error(400, "ValidationError", f"Endpoint {name} of account {account} not found.")
        variants = [variant["VariantName"] for variant in endpoint.variants]
        variant = response.headers.get("X-Amzn-SageMaker-Target-Variant", variants[0])
        if variant not in variants:
            return _error(400, "ValidationError", f"Variant {variant} of endpoint {name} not found.")  # ?
        planned = self._planned.get(name)
        status, body = planned.popleft() if planned else (200, '{"predictions": [0.5]}')
        if status != 200:
            return _model_error(status, body, name, account, region)
        headers = {"Content-Type": "application/json", "x-Amzn-Invoked-Production-Variant": variant}
        return 200, headers, body


def _model_error(status: int, body: str, name: str, account: str, region: str) -> _Answer:
    """What the container answered, wrapped as the service does.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
    """
    kind = "server" if status >= 500 else "client"
    log_url = (
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
        f"#logEventViewer:group=/aws/sagemaker/Endpoints/{name}"
    )
    message = (
        f'Received {kind} error ({status}) from primary with message "{body}". '
        f"See {log_url} in account {account} for more information."
    )
    return _error(
        _MODEL_ERROR_STATUS,
        "ModelError",
        message,
        OriginalStatusCode=status,
        OriginalMessage=body,
        LogStreamArn=f"arn:aws:logs:{region}:{account}:log-group:/aws/sagemaker/Endpoints/{name}",
    )


def _error(status: int, code: str, message: str, **more: Any) -> _Answer:
    # moto reads the status there, and nowhere else.
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code, "status": str(status)}
    return status, headers, json.dumps({"Message": message, "message": message, **more})
