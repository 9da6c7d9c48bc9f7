"""Configs, models and alarms of the account: what refers to them, and how they are deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stationkeeper.aws.errors import is_denied, is_missing
from stationkeeper.releases.references import References

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sagemaker import SageMakerClient


class AwsStoreroom:
    def __init__(
        self, sagemaker: Callable[[], SageMakerClient], cloudwatch: Callable[[], CloudWatchClient]
    ) -> None:
        self._sagemaker = sagemaker
        self._cloudwatch = cloudwatch

    def references(self) -> References:
        """Everything that refers to a config or a model. One call per endpoint and per config of the account, and their listings."""
        client = self._sagemaker()
        in_use: set[str] = set()
        for page in client.get_paginator("list_endpoints").paginate(PaginationConfig={"PageSize": 100}):
            for summary in page["Endpoints"]:
                try:
                    endpoint = client.describe_endpoint(EndpointName=summary["EndpointName"])
                except ClientError as error:
                    if is_missing(error):
                        continue
                    raise
                pending = endpoint.get("PendingDeploymentSummary")
                in_use |= {
                    endpoint.get("EndpointConfigName", ""),
                    pending["EndpointConfigName"] if pending else "",
                }
        models: dict[str, frozenset[str]] = {}
        for config_page in client.get_paginator("list_endpoint_configs").paginate(
            PaginationConfig={"PageSize": 100}
        ):
            for config in config_page["EndpointConfigs"]:
                models[config["EndpointConfigName"]] = self._models(config["EndpointConfigName"])
        return References(frozenset(in_use - {""}), models)

    def delete(self, kind: str, name: str) -> None:
        try:
            match kind:
                case "endpoint-config":
                    self._sagemaker().delete_endpoint_config(EndpointConfigName=name)
                case "model":
                    self._sagemaker().delete_model(ModelName=name)
                case "alarm":
                    self._cloudwatch().delete_alarms(AlarmNames=[name])
        except ClientError as error:
            # What is gone has no tag either, and only what is tagged as ours may be deleted.
            if is_missing(error) or (is_denied(error) and not self._exists(kind, name)):
                return
            raise

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

    def _models(self, config: str) -> frozenset[str]:
        try:
            answer = self._sagemaker().describe_endpoint_config(EndpointConfigName=config)
        except ClientError as error:
            if is_missing(error):
                return frozenset()
            raise
        variants = [*answer["ProductionVariants"], *answer.get("ShadowProductionVariants", [])]
        return frozenset(variant["ModelName"] for variant in variants if variant.get("ModelName"))
