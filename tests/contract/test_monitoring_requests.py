"""Our monitoring requests beside those the SageMaker SDK's own monitors send for the same inputs.

Requests are compared whole. Where ours differ on purpose, `DELIBERATE` says how and why.
"""

import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.model_monitor import model_monitoring
from sagemaker.core.model_monitor.clarify_model_monitoring import (
    BiasAnalysisConfig,
    ModelBiasMonitor,
    ModelExplainabilityMonitor,
)
from sagemaker.core.model_monitor.cron_expression_generator import CronExpressionGenerator
from sagemaker.core.model_monitor.dataset_format import DatasetFormat
from sagemaker.core.model_monitor.model_monitoring import (
    DefaultModelMonitor,
    EndpointInput,
    ModelQualityMonitor,
)
from sagemaker.core.model_monitor.monitoring_files import Constraints, Statistics
from sagemaker.core.network import NetworkConfig
from stationkeeper.errors import UnsupportedRegion
from stationkeeper.releases.analyzer_images import ANALYZER_ACCOUNTS, CLARIFY_ACCOUNTS, analyzer_image
from stationkeeper.releases.monitoring import (
    Baseline,
    BaseliningJob,
    GroundTruth,
    JobDefinition,
    MonitorSettings,
    Vpc,
    baseline_of,
    baselining_job,
    job_definition,
    monitoring_schedule,
)
from stationkeeper.reports.violation import Monitor

DELIBERATE = {
    "JobDefinitionName": "the SDK's holds the time, ours a digest of the content: asked for twice, it is one definition",
    "MonitoringJobDefinitionName": "follows from it",
    "Tags": "the SDK sends a schedule an empty list when there are none; ours leaves the parameter out",
    "MaxRuntimeInSeconds": "the SDK sends what it is given; ours keeps to what the service allows the cadence",
}

REGION = "eu-west-1"
ROLE = "arn:aws:iam::123456789012:role/monitoring"
LONG = "taxi-prod-with-a-name-so-long-that-names-made-of-it-need-cutting"[:63]

PLAIN = MonitorSettings(
    endpoint="taxi-prod",
    role_arn=ROLE,
    region=REGION,
    output_uri="s3://reports/monitoring",
    max_runtime_seconds=1800,
)
HARDENED = replace(
    PLAIN,
    endpoint=LONG,
    cadence="daily",
    instance_type="ml.m5.4xlarge",
    volume_gb=100,
    max_runtime_seconds=7200,
    output_kms_key="arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555",
    volume_kms_key="alias/volumes",
    network_isolation=True,
    encrypt_traffic_between_instances=True,
    vpc=Vpc(subnets=("subnet-1", "subnet-2"), security_group_ids=("sg-1",)),
    publish_metrics=False,
    tags={"stationkeeper:endpoint": LONG, "team": "rides"},
)
SETTINGS = [pytest.param(PLAIN, id="plain"), pytest.param(HARDENED, id="hardened")]

DATA = Baseline("s3://baselines/data/constraints.json", "s3://baselines/data/statistics.json")
MODEL = Baseline("s3://baselines/model/constraints.json", "s3://baselines/model/statistics.json")
BIAS = Baseline("s3://baselines/bias/analysis.json", config_uri="s3://baselines/bias/analysis_config.json")
SHAP = Baseline("s3://baselines/shap/analysis.json", config_uri="s3://baselines/shap/analysis_config.json")
LABELS = GroundTruth(
    "s3://labels/taxi",
    "BinaryClassification",
    start_offset="-P1D",
    end_offset="-PT1H",
    inference_attribute="0",
    probability_attribute="1",
    probability_threshold=0.8,
    features_attribute="features",
)


class Recorder:
    """A SageMaker that takes every request its service model allows, keeps it, and answers without a network."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.boto_session = boto3.Session(
            aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION
        )
        self.client = self.boto_session.client("sagemaker")
        events = self.client.meta.events
        events.register("before-parameter-build.sagemaker", self._keep)
        events.register("before-call.sagemaker", self._answer)
        self.session = Session(
            boto_session=self.boto_session,
            sagemaker_client=self.client,
            default_bucket="defaults",
            sagemaker_config={},
        )

    def _keep(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.requests.append((model.name, params))

    def _answer(self, model: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        return SimpleNamespace(status_code=200), {"MonitoringScheduleStatus": "Scheduled"}

    def sent(self, operation: str) -> dict[str, Any]:
        """The one request of an operation."""
        (request,) = [params for name, params in self.requests if name == operation]
        return request


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: Any) -> None:
        pytest.fail("a contract test wants the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))


@pytest.fixture
def sdk() -> Recorder:
    return Recorder()


def arguments(sdk: Recorder, settings: MonitorSettings) -> dict[str, Any]:
    """What every monitor of the SDK is made with."""
    network = None
    if settings.vpc:
        network = NetworkConfig(
            enable_network_isolation=settings.network_isolation,
            security_group_ids=list(settings.vpc.security_group_ids),
            subnets=list(settings.vpc.subnets),
            encrypt_inter_container_traffic=settings.encrypt_traffic_between_instances,
        )
    return {
        "role": settings.role_arn,
        "instance_type": settings.instance_type,
        "volume_size_in_gb": settings.volume_gb,
        "volume_kms_key": settings.volume_kms_key,
        "output_kms_key": settings.output_kms_key,
        "max_runtime_in_seconds": settings.max_runtime_seconds,
        "sagemaker_session": sdk.session,
        "tags": [{"Key": key, "Value": value} for key, value in settings.tags.items()] or None,
        "network_config": network,
    }


def schedule_arguments(settings: MonitorSettings, baseline: Baseline, kind: str) -> dict[str, Any]:
    """What every monitor of the SDK is scheduled with."""
    daily = settings.cadence == "daily"
    return {
        "output_s3_uri": f"{settings.output_uri}/{settings.endpoint}/{kind}",
        "constraints": Constraints(body_dict={}, constraints_file_s3_uri=baseline.constraints_uri),
        "schedule_cron_expression": CronExpressionGenerator.daily()
        if daily
        else CronExpressionGenerator.hourly(),
        "enable_cloudwatch_metrics": settings.publish_metrics,
    }


def endpoint_input(settings: MonitorSettings, **attributes: Any) -> EndpointInput:
    return EndpointInput(
        endpoint_name=settings.endpoint, destination="/opt/ml/processing/input/endpoint", **attributes
    )


ATTRIBUTES = {
    "inference_attribute": LABELS.inference_attribute,
    "probability_attribute": LABELS.probability_attribute,
    "probability_threshold_attribute": LABELS.probability_threshold,
}
OFFSETS = {"start_time_offset": LABELS.start_offset, "end_time_offset": LABELS.end_offset}
FEATURES = {"features_attribute": LABELS.features_attribute}


def schedule_data_quality(sdk: Recorder, settings: MonitorSettings) -> None:
    DefaultModelMonitor(**arguments(sdk, settings)).create_monitoring_schedule(
        endpoint_input=settings.endpoint,
        statistics=Statistics(body_dict={}, statistics_file_s3_uri=DATA.statistics_uri),
        **schedule_arguments(settings, DATA, "data-quality"),
    )


def schedule_model_quality(sdk: Recorder, settings: MonitorSettings) -> None:
    image = image_uris.retrieve("model-monitor", region=REGION)
    ModelQualityMonitor(**arguments(sdk, settings)).create_monitoring_schedule(
        endpoint_input=endpoint_input(settings, **ATTRIBUTES, **OFFSETS),
        ground_truth_input=LABELS.uri,
        problem_type=LABELS.problem_type,
        **schedule_arguments(settings, MODEL, "model-quality"),
    )
    assert sdk.sent("CreateModelQualityJobDefinition")["ModelQualityAppSpecification"]["ImageUri"] == image


def schedule_bias(sdk: Recorder, settings: MonitorSettings) -> None:
    ModelBiasMonitor(**arguments(sdk, settings)).create_monitoring_schedule(
        endpoint_input=endpoint_input(settings, **ATTRIBUTES, **OFFSETS, **FEATURES),
        ground_truth_input=LABELS.uri,
        analysis_config=BIAS.config_uri,
        **schedule_arguments(settings, BIAS, "bias"),
    )


def schedule_explainability(sdk: Recorder, settings: MonitorSettings) -> None:
    ModelExplainabilityMonitor(**arguments(sdk, settings)).create_monitoring_schedule(
        endpoint_input=endpoint_input(settings, **ATTRIBUTES, **FEATURES),
        analysis_config=SHAP.config_uri,
        **schedule_arguments(settings, SHAP, "explainability"),
    )


MONITORS = [
    pytest.param(
        Monitor.DATA_QUALITY,
        DATA,
        schedule_data_quality,
        "CreateDataQualityJobDefinition",
        id="data-quality",
    ),
    pytest.param(
        Monitor.MODEL_QUALITY,
        MODEL,
        schedule_model_quality,
        "CreateModelQualityJobDefinition",
        id="model-quality",
    ),
    pytest.param(Monitor.BIAS, BIAS, schedule_bias, "CreateModelBiasJobDefinition", id="bias"),
    pytest.param(
        Monitor.EXPLAINABILITY,
        SHAP,
        schedule_explainability,
        "CreateModelExplainabilityJobDefinition",
        id="explainability",
    ),
]


def definition_of(monitor: Monitor, baseline: Baseline, settings: MonitorSettings) -> JobDefinition:
    definition = job_definition(monitor, baseline, settings, LABELS)
    assert isinstance(definition, JobDefinition)
    return definition


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize(("monitor", "baseline", "schedule", "operation"), MONITORS)
def test_job_definitions_are_the_sdks(sdk, settings, monitor, baseline, schedule, operation):
    schedule(sdk, settings)
    theirs = sdk.sent(operation)
    ours = definition_of(monitor, baseline, settings)

    assert theirs["JobDefinitionName"] != ours.name, DELIBERATE["JobDefinitionName"]
    assert ours.request == {**theirs, "JobDefinitionName": ours.name}
    assert len(ours.name) <= 63


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize(("monitor", "baseline", "schedule", "operation"), MONITORS)
def test_schedules_are_the_sdks(sdk, settings, monitor, baseline, schedule, operation):
    schedule(sdk, settings)
    theirs = sdk.sent("CreateMonitoringSchedule")
    definition = definition_of(monitor, baseline, settings)
    ours = monitoring_schedule(definition, settings).create

    theirs["MonitoringScheduleName"] = ours["MonitoringScheduleName"]
    assert theirs["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"] != definition.name
    theirs["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"] = definition.name
    if not settings.tags:
        assert theirs.pop("Tags") == [], DELIBERATE["Tags"]
    assert ours == theirs


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_schedules_update_is_the_sdks(sdk, settings):
    ours = monitoring_schedule(definition_of(Monitor.DATA_QUALITY, DATA, settings), settings)
    monitor = DefaultModelMonitor(**arguments(sdk, settings))
    monitor.monitoring_schedule_name = ours.name
    monitor.job_definition_name = "the-one-before"

    monitor._update_monitoring_schedule(
        ours.update["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"],
        schedule_arguments(settings, DATA, "")["schedule_cron_expression"],
    )

    assert ours.update == sdk.sent("UpdateMonitoringSchedule")


@pytest.mark.parametrize(
    ("monitor", "baseline", "schedule", "operation", "most"),
    [
        pytest.param(*parameters.values, most, id=parameters.id)
        for parameters, most in zip(MONITORS, (3600, 1800, 1800, 3600), strict=True)
    ],
)
def test_only_ours_keeps_an_hourly_job_within_its_hour(sdk, monitor, baseline, schedule, operation, most):
    settings = replace(PLAIN, max_runtime_seconds=7200)
    schedule(sdk, settings)

    assert sdk.sent(operation)["StoppingCondition"] == {"MaxRuntimeInSeconds": 7200}
    ours = definition_of(monitor, baseline, settings).request["StoppingCondition"]
    assert ours == {"MaxRuntimeInSeconds": most}, DELIBERATE["MaxRuntimeInSeconds"]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("header", [True, False])
def test_the_baselining_job_is_the_sdks(sdk, settings, header):
    ours = baselining_job("taxi-v12", "s3://datasets/taxi/train.csv", settings, header=header)
    assert isinstance(ours, BaseliningJob)
    (output,) = ours.request["ProcessingOutputConfig"]["Outputs"]

    DefaultModelMonitor(**arguments(sdk, settings)).suggest_baseline(
        baseline_dataset="s3://datasets/taxi/train.csv",
        dataset_format=DatasetFormat.csv(header=header),
        output_s3_uri=output["S3Output"]["S3Uri"],
        job_name=ours.name,
        wait=False,
        logs=False,
    )

    assert ours.request == sdk.sent("CreateProcessingJob")
    assert output["S3Output"]["S3Uri"] == f"s3://reports/monitoring/{settings.endpoint}/baseline/{ours.name}"


def test_a_baseline_lies_where_the_sdk_looks_for_it():
    baseline = baseline_of("s3://reports/baseline/")

    assert (
        baseline.constraints_uri
        == f"s3://reports/baseline/{model_monitoring.CONSTRAINTS_JSON_DEFAULT_FILE_NAME}"
    )
    assert (
        baseline.statistics_uri
        == f"s3://reports/baseline/{model_monitoring.STATISTICS_JSON_DEFAULT_FILE_NAME}"
    )


def test_an_analysis_config_the_sdk_uploads_is_where_the_request_says(sdk, monkeypatch):
    """The SDK takes a config as an object too, and uploads it; ours is always an address. The rest is the same."""
    uploaded: list[str] = []

    def upload(body: str, desired_s3_uri: str, **_: Any) -> str:
        uploaded.append(desired_s3_uri)
        return desired_s3_uri

    uploader = (
        "sagemaker.core.model_monitor.clarify_model_monitoring.s3.S3Uploader.upload_string_as_file_body"
    )
    monkeypatch.setattr(uploader, upload)
    config = SimpleNamespace(get_config=lambda: {"facet": [{"name_or_index": "zone"}]})
    ModelBiasMonitor(**arguments(sdk, PLAIN)).create_monitoring_schedule(
        endpoint_input=endpoint_input(PLAIN, **ATTRIBUTES, **OFFSETS, **FEATURES),
        ground_truth_input=LABELS.uri,
        analysis_config=BiasAnalysisConfig(config),
        **schedule_arguments(PLAIN, BIAS, "bias"),
    )
    theirs = sdk.sent("CreateModelBiasJobDefinition")
    (address,) = uploaded

    ours = definition_of(Monitor.BIAS, replace(BIAS, config_uri=address), PLAIN)

    assert ours.request == {**theirs, "JobDefinitionName": ours.name}


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_service_model_takes_every_request(sdk, settings):
    for monitor, baseline, *_ in (parameters.values for parameters in MONITORS):
        definition = definition_of(monitor, baseline, settings)
        schedule = monitoring_schedule(definition, settings)
        getattr(sdk.client, definition.operation)(**definition.request)
        sdk.client.create_monitoring_schedule(**schedule.create)
        sdk.client.update_monitoring_schedule(**schedule.update)
    job = baselining_job("taxi-v12", "s3://datasets/taxi", settings)
    assert isinstance(job, BaseliningJob)
    sdk.client.create_processing_job(**job.request)

    assert len(sdk.requests) == 13


SDK_REGIONS = {
    framework: sorted(config["versions"][version]["registries"])
    for framework, config, version in (
        ("model-monitor", image_uris.config_for_framework("model-monitor"), ""),
        ("clarify", image_uris.config_for_framework("clarify")["processing"], "1.0"),
    )
}


@pytest.mark.parametrize("region", SDK_REGIONS["model-monitor"])
def test_every_analyzer_image_is_the_sdks(region):
    image = image_uris.retrieve("model-monitor", region=region)

    assert analyzer_image(Monitor.DATA_QUALITY, region) == image
    assert analyzer_image(Monitor.MODEL_QUALITY, region) == image


@pytest.mark.parametrize("region", SDK_REGIONS["clarify"])
def test_every_clarify_image_is_the_sdks(region):
    image = image_uris.retrieve("clarify", region=region)

    assert analyzer_image(Monitor.BIAS, region) == image
    assert analyzer_image(Monitor.EXPLAINABILITY, region) == image


def test_no_other_region_is_claimed():
    assert sorted(ANALYZER_ACCOUNTS) == SDK_REGIONS["model-monitor"]
    assert sorted(CLARIFY_ACCOUNTS) == SDK_REGIONS["clarify"]
    with pytest.raises(UnsupportedRegion):
        analyzer_image(Monitor.DATA_QUALITY, "us-gov-west-1")


def test_the_generated_tables_are_up_to_date():
    script = Path(__file__).resolve().parents[2] / "scripts" / "generate_analyzer_images.py"

    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
