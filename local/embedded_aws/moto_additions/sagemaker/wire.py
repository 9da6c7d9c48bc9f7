"""How an operation becomes part of moto's SageMaker: parsed and answered by moto, by the service's model."""

import inspect
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any
from unittest import mock

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import camelcase_to_underscores
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

type Request = dict[str, Any]
type Answer = dict[str, Any]
# backend of the caller's account and region, request -> answer, both in the API's names and shapes
type Operation = Callable[[SageMakerModelBackend, Request], Answer | None]


def mounted(operations: Mapping[str, Operation], before_each: Callable[[], object]) -> ExitStack:
    """Let moto answer these operations (`CreateEndpoint`, ...) until the returned context is closed.

    `before_each` is called first: what is overdue has happened by the time somebody looks.
    """
    context = ExitStack()
    for name, operation in operations.items():
        method = _method(operation, before_each)
        context.enter_context(
            mock.patch.object(SageMakerResponse, camelcase_to_underscores(name), method, create=True)
        )
    return context


def _method(
    operation: Operation, before_each: Callable[[], object]
) -> Callable[[SageMakerResponse], ActionResult]:
    def answer(response: SageMakerResponse) -> ActionResult:
        before_each()
        result = operation(response.sagemaker_backend, plain(response.params))
        return EmptyResult() if result is None else ActionResult(result)

    assert inspect.isfunction(answer)  # moto calls nothing else
    return answer


def plain(value: Any) -> Any:
    """Moto's parsed parameters as ordinary dictionaries and lists, and nobody else's."""
    if hasattr(value, "original_dict"):
        value = value.original_dict()
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def given(**members: Any) -> Answer:
    """An answer of the members that have a value: the service leaves the others out."""
    return {name: value for name, value in members.items() if value is not None}
