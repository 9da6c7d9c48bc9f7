"""Pointers of models: one parameter of SSM for each, whose value is the `TargetModel` callers pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stationkeeper.aws.errors import unless_refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_ssm import SSMClient


class SsmPointers:
    def __init__(self, client: Callable[[], SSMClient]) -> None:
        self._client = client

    def move(self, name: str, target_model: str) -> None:
        """Set a pointer. One call.

        Raises
        ------
        StepRefused
            SSM will never take it as it is: denied, or there are more parameters than a Region may have.
        botocore.exceptions.ClientError
            Passing faults, after boto3's own retries.
        """
        unless_refused(
            "PutParameter",
            name,
            lambda: self._client().put_parameter(
                Name=name,
                Value=target_model,
                Type="String",
                Overwrite=True,
                # Beyond 10,000 parameters of a Region the next ones are advanced ones, which cost money; refused would be worse.
                Tier="Intelligent-Tiering",
            ),
        )
