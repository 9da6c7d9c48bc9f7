"""The composition root: each reaction with its adapters, from the function's environment.

One module per reaction would load no other's adapters at a cold start; so do the imports inside these functions. Clients are made
when they are first used, so that a container pays only for those its events need.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from stationkeeper.aws import clients
from stationkeeper.settings import (
    AlarmResponseSettings,
    ArtifactSyncSettings,
    DriftPageSettings,
    JobReportSettings,
    MonitorReportSettings,
    NotificationSettings,
    ReleaseSettings,
    RetrainingSettings,
    SweepSettings,
)

if TYPE_CHECKING:
    from stationkeeper.aws.deliveries import PowertoolsDeliveries
    from stationkeeper.aws.newest_runs import AwsNewestRuns
    from stationkeeper.aws.release_sight import AwsReleaseSight
    from stationkeeper.pages.content import PageContent
    from stationkeeper.reactions.alarm_response import AlarmResponse
    from stationkeeper.reactions.artifact_sync import ArtifactSync
    from stationkeeper.reactions.drift_page import DriftPage
    from stationkeeper.reactions.job_report import JobReport
    from stationkeeper.reactions.known_retrainings import KnownRetrainings
    from stationkeeper.reactions.monitor_report import MonitorReport
    from stationkeeper.reactions.notification import Notification
    from stationkeeper.reactions.release import ReleaseReaction
    from stationkeeper.reactions.release_looking import Looking
    from stationkeeper.reactions.retraining import Retraining
    from stationkeeper.reactions.sweep import Sweep


_METRICS_BYTES = 5_000_000
# Parsed, a file takes some ten times as much memory.
_STATISTICS_BYTES = 32_000_000


def _now() -> datetime:
    return datetime.now(UTC)


def monitor_report() -> MonitorReport:
    from stationkeeper.aws.event_bus import EventBridgeBus
    from stationkeeper.aws.monitor_memories import DynamoDbMonitorMemories
    from stationkeeper.aws.processing_jobs import SageMakerProcessingJobs
    from stationkeeper.aws.report_files import S3Reports
    from stationkeeper.aws.severity_policies import SsmPolicies
    from stationkeeper.pages.address import PagePlace
    from stationkeeper.reactions.monitor_report import MonitorReport

    settings = MonitorReportSettings.from_environment(os.environ)
    return MonitorReport(
        reports=S3Reports(clients.s3, settings.report_size_limit_megabytes * 1_000_000),
        memories=DynamoDbMonitorMemories(clients.dynamodb, settings.state_table_name),
        bus=EventBridgeBus(clients.events, settings.event_bus_name),
        policies=SsmPolicies(clients.ssm, settings.severity_policy_parameter),
        jobs=SageMakerProcessingJobs(clients.sagemaker),
        pages=PagePlace(settings.report_bucket, settings.aws_region),
        on_call=settings.on_call,
        now=_now,
    )


def drift_page() -> DriftPage:
    from stationkeeper.aws.drift_pages import S3DriftPages
    from stationkeeper.aws.measured_files import S3MeasuredFiles
    from stationkeeper.aws.processing_jobs import SageMakerProcessingJobs
    from stationkeeper.aws.release_records import DynamoDbReleaseRecords
    from stationkeeper.aws.report_files import S3Reports
    from stationkeeper.aws.run_records import DynamoDbRunRecords
    from stationkeeper.aws.severity_policies import SsmPolicies
    from stationkeeper.pages.address import PagePlace
    from stationkeeper.reactions.drift_page import DriftPage

    settings = DriftPageSettings.from_environment(os.environ)
    return DriftPage(
        reports=S3Reports(clients.s3, settings.report_size_limit_megabytes * 1_000_000),
        measured=S3MeasuredFiles(clients.s3, _STATISTICS_BYTES),
        records=DynamoDbRunRecords(clients.dynamodb, settings.state_table_name),
        releases=DynamoDbReleaseRecords(clients.dynamodb, settings.state_table_name),
        pages=S3DriftPages(clients.s3, settings.report_bucket),
        place=PagePlace(settings.report_bucket, settings.aws_region),
        policies=SsmPolicies(clients.ssm, settings.severity_policy_parameter),
        jobs=SageMakerProcessingJobs(clients.sagemaker),
        draw=_drawn,
        now=_now,
    )


def _drawn(content: PageContent) -> str:
    from stationkeeper.pages.drawing import draw

    return draw(content)


def release() -> ReleaseReaction:
    from stationkeeper.aws.event_bus import EventBridgeBus
    from stationkeeper.aws.measured_files import S3MeasuredFiles
    from stationkeeper.aws.release_steps import AwsReleaseSteps
    from stationkeeper.aws.smoke_tests import AwsSmokeTests
    from stationkeeper.reactions.approval import Approvals
    from stationkeeper.reactions.release import ReleaseReaction
    from stationkeeper.reactions.release_endings import Endings
    from stationkeeper.reactions.release_notebook import Notebook

    settings = ReleaseSettings.from_environment(os.environ)
    looking = release_looking(settings)
    notebook = Notebook(looking.records, EventBridgeBus(clients.events, settings.event_bus_name))
    retrainings = _known_retrainings(settings.state_table_name)
    return ReleaseReaction(
        looking=looking,
        endings=Endings(
            looking=looking,
            hands=AwsReleaseSteps(clients.sagemaker, clients.cloudwatch, clients.autoscaling),
            notebook=notebook,
            smoke_tests=AwsSmokeTests(clients.s3, clients.sagemaker_runtime),
        ),
        approvals=Approvals(
            looking.sight, S3MeasuredFiles(clients.s3, _METRICS_BYTES), retrainings, notebook
        ),
        retrainings=retrainings,
        notebook=notebook,
        now=_now,
    )


def release_looking(settings: ReleaseSettings) -> Looking:
    """Observing and planning alone, as the command line does it too."""
    from stationkeeper.aws.release_records import DynamoDbReleaseRecords
    from stationkeeper.reactions.release_looking import Looking
    from stationkeeper.releases.settings import StackDefaults

    roles = settings.execution_role_arns
    stack = StackDefaults(
        account=settings.account_id,
        region=settings.aws_region,
        partition=settings.partition,
        on_call=settings.on_call,
        bucket=settings.data_bucket,
        endpoint_role_arn=roles[0] if roles else "",
        instance_type=settings.default_instance_type,
        min_instances=settings.default_min_instances,
        max_instances=settings.default_max_instances,
        invocations_per_instance=settings.default_invocations_per_instance,
        bake_minutes=settings.default_bake_minutes,
        capture_percentage=settings.default_capture_percentage,
        error_percent=settings.default_error_percent,
        latency_milliseconds=settings.default_latency_milliseconds,
        monitoring_instance_type=settings.monitoring_instance_type,
        kms_key_arn=settings.endpoint_key_arn,
        subnets=settings.endpoint_subnet_ids,
        security_groups=settings.endpoint_security_group_ids,
        keep_days=settings.keep_days,
    )
    return Looking(
        sight=_release_sight(settings.account_id),
        records=DynamoDbReleaseRecords(clients.dynamodb, settings.state_table_name),
        stack=stack,
    )


def artifact_sync() -> ArtifactSync:
    from stationkeeper.artifacts.archive import Limits
    from stationkeeper.aws.artifact_store import S3ArtifactStore
    from stationkeeper.aws.event_bus import EventBridgeBus
    from stationkeeper.aws.jobs import AwsJobSight
    from stationkeeper.aws.model_records import DynamoDbModelRecords
    from stationkeeper.aws.pointers import SsmPointers
    from stationkeeper.aws.warm_ups import AwsWarmUps
    from stationkeeper.reactions.artifact_candidates import Candidates
    from stationkeeper.reactions.artifact_groups import Groups
    from stationkeeper.reactions.artifact_places import Places
    from stationkeeper.reactions.artifact_publishing import Publishing
    from stationkeeper.reactions.artifact_settling import Settling
    from stationkeeper.reactions.artifact_sync import ArtifactSync

    settings = ArtifactSyncSettings.from_environment(os.environ)
    megabyte = 1_000_000
    limits = Limits(
        settings.artifact_limit_megabytes * megabyte, settings.unpacked_limit_megabytes * megabyte
    )
    store = S3ArtifactStore(clients.s3_artifacts, limits, settings.artifact_key_arn)
    records = DynamoDbModelRecords(
        clients.dynamodb, settings.state_table_name, timedelta(days=settings.keep_days)
    )
    sight = _release_sight(settings.account_id)
    settling = Settling(
        records=records,
        pointers=SsmPointers(clients.ssm_pointers),
        shelf=store,
        refusals=records,
        bus=EventBridgeBus(clients.events, settings.event_bus_name),
        keep_days=settings.keep_days,
        now=_now,
        token=lambda: uuid4().hex,
    )
    publishing = Publishing(
        places=Places(sight, records, _now),
        store=store,
        warm_ups=AwsWarmUps(clients.s3, clients.sagemaker_runtime),
        settling=settling,
    )
    candidates = Candidates(tags=sight, publishing=publishing, on_call=settings.on_call, now=_now)
    return ArtifactSync(
        jobs=AwsJobSight(clients.sagemaker),
        groups=Groups(sight, candidates, _now),
        candidates=candidates,
    )


def alarm_response() -> AlarmResponse:
    from stationkeeper.aws.alarm_memories import DynamoDbAlarmMemories
    from stationkeeper.aws.alarm_sight import AwsAlarmSight
    from stationkeeper.aws.event_bus import EventBridgeBus
    from stationkeeper.aws.queues import SqsQueue
    from stationkeeper.aws.release_records import DynamoDbReleaseRecords
    from stationkeeper.aws.release_steps import AwsReleaseSteps
    from stationkeeper.reactions.alarm_response import AlarmResponse
    from stationkeeper.reactions.alarm_taking_back import TakingBack
    from stationkeeper.reactions.opt_in import OptIn
    from stationkeeper.releases.settings import StackDefaults

    settings = AlarmResponseSettings.from_environment(os.environ)
    sight = _release_sight(settings.account_id)
    releases = DynamoDbReleaseRecords(clients.dynamodb, settings.state_table_name)
    return AlarmResponse(
        sight=AwsAlarmSight(clients.cloudwatch),
        memories=DynamoDbAlarmMemories(clients.dynamodb, settings.state_table_name),
        releases=releases,
        opt_in=OptIn(sight, settings.partition, settings.aws_region, settings.account_id),
        stack=StackDefaults(
            account=settings.account_id,
            region=settings.aws_region,
            partition=settings.partition,
            on_call=settings.on_call,
            bake_minutes=settings.default_bake_minutes,
        ),
        taking_back=TakingBack(
            releases=releases,
            registry=AwsReleaseSteps(clients.sagemaker, clients.cloudwatch, clients.autoscaling),
            release_queue=SqsQueue(clients.sqs, settings.release_queue_url),
        ),
        newest_runs=_newest_runs(settings.state_table_name),
        bus=EventBridgeBus(clients.events, settings.event_bus_name),
        own_queue=SqsQueue(clients.sqs, settings.alarm_response_queue_url),
        now=_now,
    )


def retraining() -> Retraining:
    from stationkeeper.aws.event_bus import EventBridgeBus
    from stationkeeper.aws.pipelines import AwsPipelines
    from stationkeeper.aws.release_records import DynamoDbReleaseRecords
    from stationkeeper.aws.retraining_records import DynamoDbRetrainingRecords
    from stationkeeper.reactions.opt_in import OptIn
    from stationkeeper.reactions.retraining import Retraining

    settings = RetrainingSettings.from_environment(os.environ)
    sight = _release_sight(settings.account_id)
    return Retraining(
        groups=sight,
        opt_in=OptIn(sight, settings.partition, settings.aws_region, settings.account_id),
        pipelines=AwsPipelines(
            clients.sagemaker, settings.partition, settings.aws_region, settings.account_id
        ),
        records=DynamoDbRetrainingRecords(clients.dynamodb, settings.state_table_name),
        releases=DynamoDbReleaseRecords(clients.dynamodb, settings.state_table_name),
        newest_runs=_newest_runs(settings.state_table_name),
        bus=EventBridgeBus(clients.events, settings.event_bus_name),
        on_call=settings.on_call,
        cool_down_hours=settings.retraining_cool_down_hours,
        now=_now,
    )


def job_report() -> JobReport:
    from stationkeeper.aws.event_bus import EventBridgeBus
    from stationkeeper.aws.jobs import AwsJobSight, AwsRegistry
    from stationkeeper.aws.retraining_records import DynamoDbRetrainingRecords
    from stationkeeper.reactions.job_report import JobReport

    settings = JobReportSettings.from_environment(os.environ)
    where = f"arn:{settings.partition}:sagemaker:{settings.aws_region}:{settings.account_id}"
    return JobReport(
        sight=AwsJobSight(clients.sagemaker),
        registry=AwsRegistry(clients.sagemaker),
        retrainings=DynamoDbRetrainingRecords(clients.dynamodb, settings.state_table_name),
        bus=EventBridgeBus(clients.events, settings.event_bus_name),
        name_prefixes=settings.job_name_prefixes,
        on_call=settings.on_call,
        group_arn=lambda group: f"{where}:model-package-group/{group}",
    )


def _known_retrainings(table_name: str) -> KnownRetrainings:
    from stationkeeper.aws.retraining_records import DynamoDbRetrainingRecords
    from stationkeeper.reactions.known_retrainings import KnownRetrainings

    return KnownRetrainings(DynamoDbRetrainingRecords(clients.dynamodb, table_name))


def _newest_runs(table_name: str) -> AwsNewestRuns:
    from stationkeeper.aws.newest_runs import AwsNewestRuns

    return AwsNewestRuns(clients.sagemaker, clients.dynamodb, table_name)


def sweep() -> Sweep:
    from stationkeeper.aws.model_records import DynamoDbModelRecords
    from stationkeeper.aws.queues import SqsQueue
    from stationkeeper.aws.release_records import DynamoDbReleaseRecords
    from stationkeeper.aws.storeroom import AwsStoreroom
    from stationkeeper.aws.trained_jobs import AwsTrainedJobs
    from stationkeeper.reactions.artifact_sweep import ArtifactSweep
    from stationkeeper.reactions.sweep import Sweep
    from stationkeeper.reactions.tidying import Tidying

    settings = SweepSettings.from_environment(os.environ)
    return Sweep(
        managed=_release_sight(settings.account_id),
        release_queue=SqsQueue(clients.sqs, settings.release_queue_url),
        alarm_queue=SqsQueue(clients.sqs, settings.alarm_response_queue_url),
        tidying=Tidying(
            records=DynamoDbReleaseRecords(clients.dynamodb, settings.state_table_name),
            storeroom=AwsStoreroom(clients.sagemaker, clients.cloudwatch),
            keep_days=settings.keep_days,
        ),
        artifacts=ArtifactSweep(
            trained=AwsTrainedJobs(clients.sagemaker, clients.tagging),
            index=DynamoDbModelRecords(clients.dynamodb, settings.state_table_name),
            queue=SqsQueue(clients.sqs, settings.artifact_sync_queue_url),
        ),
        now=_now,
    )


def _release_sight(account: str) -> AwsReleaseSight:
    from stationkeeper.aws.release_sight import AwsReleaseSight

    return AwsReleaseSight(
        clients.sagemaker, clients.cloudwatch, clients.autoscaling, clients.tagging, account
    )


def notification() -> tuple[Notification, tuple[PowertoolsDeliveries, ...]]:
    """The reaction, and the deliveries of its channels: they must hear of each invocation's context."""
    from stationkeeper.aws.alert_topic import SnsTopic
    from stationkeeper.aws.deliveries import PowertoolsDeliveries
    from stationkeeper.aws.event_bus import EventBridgeBus
    from stationkeeper.reactions.notification import CHANNELS, Notification

    settings = NotificationSettings.from_environment(os.environ)
    deliveries = {
        channel: PowertoolsDeliveries(clients.dynamodb, settings.state_table_name, channel)
        for channel in CHANNELS
    }
    reaction = Notification(
        mail=SnsTopic(clients.sns, settings.alert_topic_arn),
        chat=SnsTopic(clients.sns, settings.chat_topic_arn),
        bus=EventBridgeBus(clients.events, settings.event_bus_name),
        deliveries=deliveries,
        severity_policy_parameter=settings.severity_policy_parameter,
        runbook_url=settings.runbook_url,
    )
    return reaction, tuple(deliveries.values())
