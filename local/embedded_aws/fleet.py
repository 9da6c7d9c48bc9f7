"""All functions of a deployment: started on demand, found by their access key, ended together."""

from collections.abc import Mapping
from types import MappingProxyType

from embedded_aws.function import LambdaFunction
from embedded_aws.function_environment import FunctionDefinition
from embedded_aws.function_log import OnLog
from embedded_aws.process import Place


class Fleet:
    """The functions by logical id. Also the server's `Callers`."""

    def __init__(self) -> None:
        self._functions: dict[str, LambdaFunction] = {}
        self._names: dict[str, str] = {}

    @property
    def functions(self) -> Mapping[str, LambdaFunction]:
        return MappingProxyType(self._functions)

    def add(self, definition: FunctionDefinition, place: Place, on_log: OnLog | None) -> None:
        self._functions[definition.logical_id] = LambdaFunction(definition, place, on_log)
        self._names[definition.access_key_id] = definition.logical_id

    def by_arn(self, arn: str) -> LambdaFunction | None:
        """The function an ARN means, with or without a version behind it."""
        for function in self._functions.values():
            if arn == function.definition.arn or arn.startswith(f"{function.definition.arn}:"):
                return function
        return None

    def by_access_key(self) -> Mapping[str, str]:
        """Access key id -> logical id."""
        return self._names

    def kill(self, caller: str) -> bool:
        """End the process of a function in the middle of its work; False for anybody else."""
        function = self._functions.get(caller)
        if function is not None:
            function.kill()
        return function is not None

    def alive(self, caller: str) -> bool:
        """Whether the caller can still take an answer; of others than functions we cannot know."""
        function = self._functions.get(caller)
        return function is None or function.alive

    def stop(self) -> None:
        # All at once first, so that nobody waits for the other's last invocation.
        for function in self._functions.values():
            function.kill()
        for function in self._functions.values():
            function.stop()
