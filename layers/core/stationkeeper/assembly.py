"""The composition root: each reaction with its adapters, from the function's environment.

One module per reaction would load no other's adapters at a cold start; so do the imports inside these functions. Clients are made
when they are first used, so that a container pays only for those its events need.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stationkeeper.aws import clients
from stationkeeper.settings import MonitorReportSettings, NotificationSettings

if TYPE_CHECKING:
    from stationkeeper.aws.deliveries import PowertoolsDeliveries
    from stationkeeper.reactions.monitor_report import MonitorReport
    from stationkeeper.reactions.notification import Notification


def _now() -> datetime:
    return datetime.now(UTC)


def monitor_report() -> MonitorReport:
    from stationkeeper.aws.event_bus import EventBridgeBus
    from stationkeeper.aws.monitor_memories import DynamoDbMonitorMemories
    from stationkeeper.aws.processing_jobs import SageMakerProcessingJobs
    from stationkeeper.aws.report_files import S3Reports
    from stationkeeper.aws.severity_policies import SsmPolicies
    from stationkeeper.reactions.monitor_report import MonitorReport

    settings = MonitorReportSettings.from_environment(os.environ)
    return MonitorReport(
        reports=S3Reports(clients.s3, settings.report_size_limit_megabytes * 1_000_000),
        memories=DynamoDbMonitorMemories(clients.dynamodb, settings.state_table_name),
        bus=EventBridgeBus(clients.events, settings.event_bus_name),
        policies=SsmPolicies(clients.ssm, settings.severity_policy_parameter),
        jobs=SageMakerProcessingJobs(clients.sagemaker),
        on_call=settings.on_call,
        now=_now,
    )


def notification() -> tuple[Notification, PowertoolsDeliveries]:
    """The reaction, and its deliveries: they must hear of each invocation's context."""
    from stationkeeper.aws.alert_topic import SnsTopic
    from stationkeeper.aws.deliveries import PowertoolsDeliveries
    from stationkeeper.reactions.notification import Notification

    settings = NotificationSettings.from_environment(os.environ)
    deliveries = PowertoolsDeliveries(clients.dynamodb, settings.state_table_name, channel="e-mail")
    reaction = Notification(
        topic=SnsTopic(clients.sns, settings.alert_topic_arn),
        deliveries=deliveries,
        severity_policy_parameter=settings.severity_policy_parameter,
        now=_now,
    )
    return reaction, deliveries
