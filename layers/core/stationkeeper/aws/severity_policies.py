"""The severity policy in SSM Parameter Store, cached by powertools.

The parameter is the user's: the stack does not make it, so that no update of the stack overwrites it. Without it the
defaults hold. The store keeps old versions of a parameter. When the newest is not a valid policy, the last valid one is used, and every message
and an alarm say so.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.parameters import SSMProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import ClientError

from stationkeeper.errors import InvalidPolicy
from stationkeeper.reports.policy import PolicyInForce, SeverityPolicy
from stationkeeper.telemetry import logger, metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_ssm import SSMClient

CACHED_SECONDS = 300


class SsmPolicies:
    """The policy in force; parsed anew only when its text changed."""

    def __init__(self, client: Callable[[], SSMClient], parameter: str) -> None:
        self._client = client
        self._parameter = parameter
        self._provider: SSMProvider | None = None
        self._parsed: tuple[str, PolicyInForce] | None = None
        self._absent_until = 0.0

    def current(self) -> PolicyInForce:
        text = self._text()
        if self._parsed is None or self._parsed[0] != text:
            self._parsed = (text, self._parse(text))
        in_force = self._parsed[1]
        metrics.count("InvalidSeverityPolicy", 1 if in_force.problem else 0)
        return in_force

    def _text(self) -> str:
        if monotonic() < self._absent_until:
            return ""
        if self._provider is None:
            self._provider = SSMProvider(boto3_client=self._client())
        try:
            text = self._provider.get(self._parameter, max_age=CACHED_SECONDS)
        except GetParameterError as error:
            cause = error.__cause__ or error.__context__
            if isinstance(cause, ClientError) and cause.response["Error"].get("Code") == "ParameterNotFound":
                self._absent_until = monotonic() + CACHED_SECONDS
                return ""
            raise
        return text if isinstance(text, str) else ""

    def _parse(self, text: str) -> PolicyInForce:
        if not text:
            return PolicyInForce(policy=SeverityPolicy())
        try:
            return PolicyInForce(policy=SeverityPolicy.parse(text))
        except InvalidPolicy as error:
            return self._last_valid(error)

    def _last_valid(self, wrong: InvalidPolicy) -> PolicyInForce:
        pages = self._client().get_paginator("get_parameter_history").paginate(Name=self._parameter)
        versions = [entry for page in pages for entry in page["Parameters"]]
        for entry in sorted(versions, key=lambda entry: entry["Version"], reverse=True):
            try:
                policy = SeverityPolicy.parse(entry["Value"])
            except InvalidPolicy:
                continue
            return self._problem(
                policy, f"{self._parameter} is not valid ({wrong}); its version {entry['Version']} is used"
            )
        return self._problem(
            SeverityPolicy(),
            f"{self._parameter} is not valid ({wrong}), and never was; the defaults are used",
        )

    def _problem(self, policy: SeverityPolicy, problem: str) -> PolicyInForce:
        logger.warning(
            "Severity policy is not valid", extra={"decision": "policy-fallback", "reason": problem}
        )
        return PolicyInForce(policy=policy, problem=problem)
