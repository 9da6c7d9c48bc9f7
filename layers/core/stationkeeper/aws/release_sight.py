"""Everything the release reaction looks at: the registry, endpoints, alarms, autoscaling, monitors. Nothing here changes anything."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from stationkeeper.aws.errors import unless_missing
from stationkeeper.aws.resource_tags import ResourceTags
from stationkeeper.events.release_trigger import GROUP_TAG
from stationkeeper.releases.monitoring import schedule_name
from stationkeeper.releases.observed import (
    Alarm,
    Baselining,
    Endpoint,
    EndpointConfig,
    Fleet,
    Model,
    Scaling,
    Schedule,
)
from stationkeeper.releases.registry import ModelPackage, Version
from stationkeeper.releases.scaling import resource_id
from stationkeeper.reports.violation import Monitor
from stationkeeper.tags import TAG_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from mypy_boto3_sagemaker import SageMakerClient

_ALARMS_A_CALL = 100
_ENDPOINT_TAG = f"{TAG_PREFIX}endpoint"


class AwsReleaseSight:
    """Reads AWS for the release reaction; each method names what it costs in calls."""

    def __init__(
        self,
        sagemaker: Callable[[], SageMakerClient],
        cloudwatch: Callable[[], CloudWatchClient],
        autoscaling: Callable[[], ApplicationAutoScalingClient],
        tagging: Callable[[], ResourceGroupsTaggingAPIClient],
        account: str,
    ) -> None:
        self._sagemaker = sagemaker
        self._tags = ResourceTags(sagemaker)
        self._cloudwatch = cloudwatch
        self._autoscaling = autoscaling
        self._tagging = tagging
        self._account = account

    def is_own(self, arn: str) -> bool:
        """Whether an ARN is of this account."""
        return arn.split(":")[4:5] == [self._account]

    def tags(self, arn: str) -> dict[str, str] | None:
        """Tags of a SageMaker resource; None when it is not there. One call (50 tags are one page)."""
        return unless_missing(lambda: self._tags.of(arn))

    def followers(self, group_arn: str) -> tuple[str, ...]:
        """Endpoints of this account that are tagged to follow a group of another one. One call per hundred."""
        arns = self._tagged("sagemaker:endpoint", {GROUP_TAG: group_arn})
        return tuple(sorted(arn.rpartition("/")[2] for arn, _ in arns))

    def managed_groups(self) -> tuple[tuple[str, str], ...]:
        """Groups of this account that are tagged for an endpoint, as (group ARN, endpoint). One call per hundred."""
        found = self._tagged("sagemaker:model-package-group", {_ENDPOINT_TAG: None})
        return tuple(sorted((arn, tags[_ENDPOINT_TAG]) for arn, tags in found))

    def groups_of(self, endpoint: str) -> tuple[str, ...]:
        """ARNs of the groups of this account that are tagged for an endpoint. One call per hundred."""
        return tuple(
            sorted(arn for arn, _ in self._tagged("sagemaker:model-package-group", {_ENDPOINT_TAG: endpoint}))
        )

    def following_endpoints(self) -> tuple[tuple[str, str], ...]:
        """Endpoints tagged to follow a group of another account, as (group ARN, endpoint). One call per hundred."""
        found = self._tagged("sagemaker:endpoint", {GROUP_TAG: None})
        return tuple(sorted((tags[GROUP_TAG], arn.rpartition("/")[2]) for arn, tags in found))

    def all_schedules(self) -> tuple[tuple[str, str], ...]:
        """Monitoring schedules of the account, as (endpoint, schedule ARN). One call per hundred."""
        pages = (
            self._sagemaker()
            .get_paginator("list_monitoring_schedules")
            .paginate(PaginationConfig={"PageSize": 100})
        )
        return tuple(
            (str(summary["EndpointName"]), str(summary["MonitoringScheduleArn"]))
            for page in pages
            for summary in page["MonitoringScheduleSummaries"]
            if summary.get("EndpointName")  # schedules of batch transform jobs have none
        )

    def approved(self, group_arn: str) -> tuple[Version, ...] | None:
        """Approved versions of a group; None when the group is not there. One call per hundred versions."""
        return self._versions(group_arn, "Approved")

    def waiting(self, group_arn: str) -> tuple[Version, ...]:
        """Versions that wait for approval. One call per hundred."""
        return self._versions(group_arn, "PendingManualApproval") or ()

    def package(self, arn: str) -> ModelPackage | None:
        """A version with all its properties; None when it is not there. One call."""
        return unless_missing(
            lambda: ModelPackage.model_validate(
                self._sagemaker().describe_model_package(ModelPackageName=arn)
            )
        )

    def endpoint(self, name: str) -> Endpoint | None:
        """An endpoint as it is now; None when it is not there. One call."""
        return unless_missing(
            lambda: Endpoint.model_validate(self._sagemaker().describe_endpoint(EndpointName=name))
        )

    def fleet(self, config_name: str) -> Fleet | None:
        """A config with the models of its production variants; None when somebody deleted one of them.

        One call, and one for each model.
        """
        return unless_missing(lambda: self._fleet(config_name))

    def with_tags(self, fleet: Fleet, model_name: str) -> Fleet:
        """The fleet, with the tags of its config and of one model in their documents. Two calls."""
        config, model = fleet.config, fleet.models[model_name]
        tagged = replace(config, document={**config.document, "Tags": self._tag_list(config.arn)})
        labelled = replace(model, document={**model.document, "Tags": self._tag_list(model.arn)})
        return Fleet(tagged, {**fleet.models, model_name: labelled})

    def alarms(self, names: Iterable[str], endpoint: str = "") -> tuple[Alarm, ...]:
        """Those of these alarms that exist, and those tagged for the endpoint, with their state. One or two calls."""
        wanted = set(names)
        if endpoint:
            tagged = self._tagged("cloudwatch:alarm", {_ENDPOINT_TAG: endpoint})
            wanted |= {arn.partition(":alarm:")[2] for arn, _ in tagged} - {""}
        found: list[Alarm] = []
        ordered = sorted(wanted)
        for start in range(0, len(ordered), _ALARMS_A_CALL):
            answer = self._cloudwatch().describe_alarms(
                AlarmNames=ordered[start : start + _ALARMS_A_CALL],
                MaxRecords=_ALARMS_A_CALL,
                AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            )
            found += [
                Alarm(str(alarm["AlarmName"]), red=alarm.get("StateValue") == "ALARM")
                for alarm in (*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", []))
            ]
        return tuple(found)

    def latency_milliseconds(self, endpoint: str, variant: str, now: datetime) -> float | None:
        """The highest hourly average of a variant's model latency in the last day; None when nobody called it. One call."""
        answer = self._cloudwatch().get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="ModelLatency",
            Dimensions=[
                {"Name": "EndpointName", "Value": endpoint},
                {"Name": "VariantName", "Value": variant},
            ],
            StartTime=now - timedelta(days=1),
            EndTime=now,
            Period=3_600,
            Statistics=["Average"],
        )
        # The metric is in microseconds.
        return max((point["Average"] / 1_000 for point in answer["Datapoints"]), default=None)

    def scaling(self, endpoint: str, variant: str) -> Scaling:
        """What scales a variant. Two calls."""
        resource = resource_id(endpoint, variant)
        targets = self._autoscaling().describe_scalable_targets(
            ServiceNamespace="sagemaker", ResourceIds=[resource]
        )["ScalableTargets"]
        if not targets:
            return Scaling()
        policies = self._autoscaling().describe_scaling_policies(
            ServiceNamespace="sagemaker", ResourceId=resource
        )["ScalingPolicies"]
        return Scaling(
            bounds=(int(targets[0]["MinCapacity"]), int(targets[0]["MaxCapacity"])),
            policies={
                str(policy["PolicyName"]): dict(policy.get("TargetTrackingScalingPolicyConfiguration") or {})
                for policy in policies
            },
        )

    def schedules(self, endpoint: str) -> tuple[Schedule, ...]:
        """Monitoring schedules of an endpoint. One call, and one for each of ours: a listing does not say how often it runs."""
        ours = {schedule_name(endpoint, monitor) for monitor in Monitor}
        pages = self._sagemaker().get_paginator("list_monitoring_schedules").paginate(EndpointName=endpoint)
        found = []
        for page in pages:
            for summary in page["MonitoringScheduleSummaries"]:
                name = str(summary["MonitoringScheduleName"])
                found.append(
                    Schedule(
                        name=name,
                        status=str(summary["MonitoringScheduleStatus"]),
                        kind=str(summary.get("MonitoringType", "")),
                        job_definition=summary.get("MonitoringJobDefinitionName"),
                        cron=self._cron(name) if name in ours else None,
                    )
                )
        return tuple(found)

    def baselining(self, job_name: str) -> Baselining | None:
        """A baselining job; None when it was never started. One call."""
        job = unless_missing(lambda: self._sagemaker().describe_processing_job(ProcessingJobName=job_name))
        if job is None:
            return None
        return Baselining(
            status=str(job["ProcessingJobStatus"]),
            reason=str(job.get("FailureReason") or job.get("ExitMessage") or ""),
        )

    def _fleet(self, config_name: str) -> Fleet:
        answer = self._sagemaker().describe_endpoint_config(EndpointConfigName=config_name)
        config = EndpointConfig(
            config_name, self._creatable("CreateEndpointConfig", answer), str(answer["EndpointConfigArn"])
        )
        names = {str(variant["ModelName"]) for variant in config.variants if variant.get("ModelName")}
        return Fleet(config, {name: self._model(name) for name in sorted(names)})

    def _cron(self, schedule: str) -> str | None:
        answer = self._sagemaker().describe_monitoring_schedule(MonitoringScheduleName=schedule)
        how_often = answer["MonitoringScheduleConfig"].get("ScheduleConfig")
        return how_often["ScheduleExpression"] if how_often else None

    def _model(self, name: str) -> Model:
        answer = self._sagemaker().describe_model(ModelName=name)
        return Model(name, self._creatable("CreateModel", answer), str(answer["ModelArn"]))

    def _creatable(self, operation: str, answer: Mapping[str, Any]) -> dict[str, Any]:
        """What of a Describe answer the Create call takes, fields of later service versions included."""
        shape = self._sagemaker().meta.service_model.operation_model(operation).input_shape
        members = shape.members if shape else {}
        return {name: value for name, value in answer.items() if name in members and value is not None}

    def _tag_list(self, arn: str) -> list[dict[str, str]]:
        return [{"Key": key, "Value": value} for key, value in sorted(self._tags.of(arn).items())]

    def _versions(self, group_arn: str, status: Any) -> tuple[Version, ...] | None:
        # A group of another account is known by its ARN only.
        group = group_arn.rpartition("/")[2] if self.is_own(group_arn) else group_arn
        pages = (
            self._sagemaker()
            .get_paginator("list_model_packages")
            .paginate(
                ModelPackageGroupName=group,
                ModelApprovalStatus=status,
                ModelPackageType="Versioned",
                PaginationConfig={"PageSize": 100},
            )
        )
        return unless_missing(
            lambda: tuple(
                Version.model_validate(summary)
                for page in pages
                for summary in page["ModelPackageSummaryList"]
            )
        )

    def _tagged(self, kind: str, tags: Mapping[str, str | None]) -> Iterator[tuple[str, dict[str, str]]]:
        pages = (
            self._tagging()
            .get_paginator("get_resources")
            .paginate(
                ResourceTypeFilters=[kind],
                TagFilters=[
                    {"Key": key, "Values": [value]} if value is not None else {"Key": key}
                    for key, value in tags.items()
                ],
                PaginationConfig={"PageSize": 100},
            )
        )
        for page in pages:
            for resource in page["ResourceTagMappingList"]:
                yield resource["ResourceARN"], {tag["Key"]: tag["Value"] for tag in resource["Tags"]}
