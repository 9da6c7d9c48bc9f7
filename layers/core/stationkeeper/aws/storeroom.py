"""Configs, models and alarms of the account: what refers to them, and how they are deleted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stationkeeper.aws.errors import is_denied, is_missing
from stationkeeper.releases.references import References

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sagemaker import SageMakerClient

_AT_A_TIME = 8


class AwsStoreroom:
    def __init__(
        self, sagemaker: Callable[[], SageMakerClient], cloudwatch: Callable[[], CloudWatchClient]
    ) -> None:
        self._sagemaker = sagemaker
        self._cloudwatch = cloudwatch

    def references(self) -> References:
        """Everything that refers to a config or a model.

        One call per endpoint and per config of the account, eight at a time, and their listings.
        """
        client = self._sagemaker()
        endpoints = [
            summary["EndpointName"]
            for page in client.get_paginator("list_endpoints").paginate(PaginationConfig={"PageSize": 100})
            for summary in page["Endpoints"]
        ]
        configs = [
            summary["EndpointConfigName"]
            for page in client.get_paginator("list_endpoint_configs").paginate(
                PaginationConfig={"PageSize": 100}
            )
            for summary in page["EndpointConfigs"]
        ]
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            in_use = frozenset[str]().union(*pool.map(self._configs, endpoints))
            models = dict(zip(configs, pool.map(self._models, configs), strict=True))
        return References(in_use, models)

    def delete(self, kind: str, name: str) -> bool:
        """Delete an `endpoint-config`, a `model` or an `alarm`; False when we may not.

        That it is gone already is fine. Only what is tagged as ours may be deleted: who takes the tag off keeps the thing.
        """
        try:
            match kind:
                case "endpoint-config":
                    self._sagemaker().delete_endpoint_config(EndpointConfigName=name)
                case "model":
                    self._sagemaker().delete_model(ModelName=name)
                case "alarm":
                    self._cloudwatch().delete_alarms(AlarmNames=[name])
        except ClientError as error:
            if is_missing(error):
                return True
            if is_denied(error):  # what is gone has no tag either
                return not self._exists(kind, name)
            raise
        return True

    def _exists(self, kind: str, name: str) -> bool:
        try:
            match kind:
                case "endpoint-config":
                    self._sagemaker().describe_endpoint_config(EndpointConfigName=name)
                case "model":
                    self._sagemaker().describe_model(ModelName=name)
                case _:
                    return bool(self._cloudwatch().describe_alarms(AlarmNames=[name])["MetricAlarms"])
        except ClientError as error:
            if is_missing(error):
                return False
            raise
        return True

    def _configs(self, endpoint: str) -> frozenset[str]:
        """The config an endpoint runs, and the one it goes to."""
        try:
            answer = self._sagemaker().describe_endpoint(EndpointName=endpoint)
        except ClientError as error:
            if is_missing(error):
                return frozenset()
            raise
        pending = answer.get("PendingDeploymentSummary")
        return frozenset(
            {answer.get("EndpointConfigName", ""), pending["EndpointConfigName"] if pending else ""} - {""}
        )

    def _models(self, config: str) -> frozenset[str]:
        try:
            answer = self._sagemaker().describe_endpoint_config(EndpointConfigName=config)
        except ClientError as error:
            if is_missing(error):
                return frozenset()
            raise
        variants = [*answer["ProductionVariants"], *answer.get("ShadowProductionVariants", [])]
        return frozenset(variant["ModelName"] for variant in variants if variant.get("ModelName"))
