"""What SageMaker is asked for so that a released endpoint is monitored: baselines, job definitions, schedules.

Pure: values in, the parameters of boto3 calls out. The requests are those of the SageMaker SDK's own monitors
(tests/contract/test_monitoring_requests.py), less what the SDK makes up: its names hold the time, ours the content.
"""

import json
from dataclasses import dataclass

from stationkeeper.errors import UnsupportedRegion
from stationkeeper.releases.analyzer_images import RUN_CLARIFY
from stationkeeper.releases.baselines import (
    Baseline,
    DriftCheckBaselines,
    baseline_of,
    drift_check_baselines,
)
from stationkeeper.releases.monitor_settings import (
    Cadence,
    GroundTruth,
    MonitorSettings,
    ProblemType,
    Request,
    Vpc,
)
from stationkeeper.releases.names import resource_name
from stationkeeper.reports.violation import Monitor

__all__ = [
    "BASELINE_JOB_PREFIX",
    "MONITORING_TYPES",
    "Baseline",
    "BaseliningJob",
    "Cadence",
    "DriftCheckBaselines",
    "GroundTruth",
    "JobDefinition",
    "Missing",
    "MonitorSettings",
    "ProblemType",
    "ScheduleRequest",
    "Vpc",
    "baseline_of",
    "baselining_job",
    "drift_check_baselines",
    "job_definition",
    "monitoring_schedule",
    "schedule_name",
]

BASELINE_JOB_PREFIX = "stationkeeper-baseline"

_CAPTURED_DATA = "/opt/ml/processing/input/endpoint"
_DATASET_INPUT = "baseline_dataset_input"
_DATASET = f"/opt/ml/processing/input/{_DATASET_INPUT}"
_OUTPUT = "/opt/ml/processing/output"
MONITORING_TYPES = {
    Monitor.DATA_QUALITY: "DataQuality",
    Monitor.MODEL_QUALITY: "ModelQuality",
    Monitor.BIAS: "ModelBias",
    Monitor.EXPLAINABILITY: "ModelExplainability",
}
"""`MonitoringType`, as the service calls each monitor."""
_OPERATIONS = {
    Monitor.DATA_QUALITY: "create_data_quality_job_definition",
    Monitor.MODEL_QUALITY: "create_model_quality_job_definition",
    Monitor.BIAS: "create_model_bias_job_definition",
    Monitor.EXPLAINABILITY: "create_model_explainability_job_definition",
}
_CRON: dict[Cadence, str] = {"hourly": "cron(0 * ? * * *)", "daily": "cron(0 0 ? * * *)"}
_COMPARE_GROUND_TRUTH = (Monitor.MODEL_QUALITY, Monitor.BIAS)
# An hourly job must leave time for the next; those that wait for a ground-truth merge get half [MonitoringStoppingCondition].
_MOST_SECONDS_HOURLY = 3600
_MOST_SECONDS_HOURLY_AFTER_MERGE = 1800
_MOST_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """What every run of a monitor does. SageMaker changes none: other content is another definition, of another name.

    Attributes
    ----------
    operation : the boto3 method that takes `request`.
    """

    monitor: Monitor
    name: str
    operation: str
    request: Request


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a monitor cannot be set up, as a clause to say to on-call."""

    monitor: Monitor
    reason: str


@dataclass(frozen=True, slots=True)
class ScheduleRequest:
    """Parameters of CreateMonitoringSchedule, and of UpdateMonitoringSchedule, which takes no tags."""

    name: str
    create: Request
    update: Request


@dataclass(frozen=True, slots=True)
class BaseliningJob:
    """Parameters of CreateProcessingJob, and the baseline the job will have written."""

    name: str
    request: Request
    baseline: Baseline


def job_definition(
    monitor: Monitor, baseline: Baseline, settings: MonitorSettings, ground_truth: GroundTruth | None = None
) -> JobDefinition | Missing:
    """The job definition of one monitor of an endpoint, or why there can be none.

    Its name ends in a digest of the content: asked for again, it is the same one ("already exists" is success); with other
    content it is another one. Tags are not content.

    Source: Create*JobDefinition; sagemaker.core.model_monitor.
    """
    reason = _what_is_missing(monitor, baseline, ground_truth)
    if reason:
        return Missing(monitor, reason)
    try:
        image = settings.image(monitor)
    except UnsupportedRegion as unsupported:
        return Missing(monitor, str(unsupported))
    kind = MONITORING_TYPES[monitor]
    content: Request = {
        f"{kind}BaselineConfig": _baseline_config(monitor, baseline),
        f"{kind}AppSpecification": _app_specification(monitor, image, baseline, settings, ground_truth),
        f"{kind}JobInput": _job_input(monitor, settings, ground_truth),
        f"{kind}JobOutputConfig": _output_config(monitor, settings),
        "JobResources": settings.resources(),
        "RoleArn": settings.role_arn,
        "StoppingCondition": {"MaxRuntimeInSeconds": _runtime_seconds(monitor, settings)},
        **settings.network(),
    }
    name = resource_name(settings.endpoint, _kind(monitor), digest_of=content)
    return JobDefinition(
        monitor, name, _OPERATIONS[monitor], {"JobDefinitionName": name, **content, **settings.tag_list()}
    )


def monitoring_schedule(definition: JobDefinition, settings: MonitorSettings) -> ScheduleRequest:
    """The schedule that runs a job definition. Its name stays the same when the definition changes: `<endpoint>-<kind>`.

    Source: CreateMonitoringSchedule, UpdateMonitoringSchedule (refused while the schedule is `Pending`).
    """
    name = schedule_name(settings.endpoint, definition.monitor)
    update: Request = {
        "MonitoringScheduleName": name,
        "MonitoringScheduleConfig": {
            "MonitoringJobDefinitionName": definition.name,
            "MonitoringType": MONITORING_TYPES[definition.monitor],
            "ScheduleConfig": {"ScheduleExpression": _CRON[settings.cadence]},
        },
    }
    return ScheduleRequest(name, {**update, **settings.tag_list()}, update)


def schedule_name(endpoint: str, monitor: Monitor) -> str:
    """The name of an endpoint's schedule of one kind: `<endpoint>-<kind>`."""
    return resource_name(endpoint, _kind(monitor))


def baselining_job(
    version: str, dataset_uri: str, settings: MonitorSettings, *, header: bool = True, attempt: int = 1
) -> BaseliningJob:
    """The job that suggests data-quality constraints from a CSV dataset, as `DefaultModelMonitor.suggest_baseline` starts it.

    Its name ends in a digest of the content, as a job definition's does.

    Parameters
    ----------
    version : the model version it is for, such as `taxi-v12`: a dataset may change behind its address.
    dataset_uri : S3 address of a file, or of a prefix of files; the columns as captured, those of the answer first.
    header : whether the first line holds the columns' names.
    attempt : names of processing jobs are spent once used: count it up to try again after a failure.

    Raises
    ------
    UnsupportedRegion
        The region has no analyzer image, and the settings name none.

    Source: CreateProcessingJob; sagemaker.core.model_monitor.
    """
    folder = f"{settings.folder}/baseline"
    dataset_format = {"csv": {"header": header, "output_columns_position": "START"}}
    dataset = {"S3Uri": dataset_uri, "LocalPath": _DATASET, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    content: Request = {
        "ProcessingInputs": [
            {
                "InputName": _DATASET_INPUT,
                "S3Input": {
                    **dataset,
                    "S3DataDistributionType": "FullyReplicated",
                    "S3CompressionType": "None",
                },
            }
        ],
        "AppSpecification": {"ImageUri": settings.image(Monitor.DATA_QUALITY)},
        "Environment": {
            "dataset_format": json.dumps(dataset_format),
            "dataset_source": _DATASET,
            "output_path": _OUTPUT,
            "publish_cloudwatch_metrics": "Disabled",  # the image publishes them for schedules only
        },
        "ProcessingResources": settings.resources(),
        "RoleArn": settings.role_arn,
        "StoppingCondition": {"MaxRuntimeInSeconds": settings.max_runtime_seconds},
        **settings.network(),
    }
    name = resource_name(
        BASELINE_JOB_PREFIX, version, digest_of=[attempt, folder, settings.output_key(), content]
    )
    output_uri = f"{folder}/{name}"
    output = {"S3Uri": output_uri, "LocalPath": _OUTPUT, "S3UploadMode": "EndOfJob"}
    request: Request = {
        "ProcessingJobName": name,
        **content,
        "ProcessingOutputConfig": {
            "Outputs": [{"OutputName": "monitoring_output", "S3Output": output}],
            **settings.output_key(),
        },
        **settings.tag_list(),
    }
    return BaseliningJob(name, request, baseline_of(output_uri))


def _what_is_missing(monitor: Monitor, baseline: Baseline, ground_truth: GroundTruth | None) -> str:
    if monitor is Monitor.CUSTOM:
        return "a custom monitor is set up by whoever wrote its container"
    if monitor in _COMPARE_GROUND_TRUTH and ground_truth is None:
        return (
            "it compares predictions with ground truth, and no S3 prefix of ground-truth labels is configured"
        )
    if monitor in RUN_CLARIFY and not baseline.config_uri:
        return (
            "its baseline names no Clarify analysis config (ConfigFile in the package's DriftCheckBaselines)"
        )
    if (
        monitor is Monitor.MODEL_QUALITY
        and ground_truth
        and not (ground_truth.inference_attribute or ground_truth.probability_attribute)
    ):
        return "nothing says where in the captured data the prediction is: configure an inference or probability attribute"
    return ""


def _baseline_config(monitor: Monitor, baseline: Baseline) -> Request:
    config: Request = {"ConstraintsResource": {"S3Uri": baseline.constraints_uri}}
    if monitor is Monitor.DATA_QUALITY and baseline.statistics_uri:
        config["StatisticsResource"] = {"S3Uri": baseline.statistics_uri}
    return config


def _app_specification(
    monitor: Monitor,
    image: str,
    baseline: Baseline,
    settings: MonitorSettings,
    ground_truth: GroundTruth | None,
) -> Request:
    publish = "Enabled" if settings.publish_metrics else "Disabled"
    specification: Request = {"ImageUri": image, "Environment": {"publish_cloudwatch_metrics": publish}}
    if monitor in RUN_CLARIFY:
        specification["ConfigUri"] = baseline.config_uri
    if monitor is Monitor.MODEL_QUALITY and ground_truth:
        specification["ProblemType"] = ground_truth.problem_type
    return specification


def _job_input(monitor: Monitor, settings: MonitorSettings, ground_truth: GroundTruth | None) -> Request:
    endpoint: Request = {
        "EndpointName": settings.endpoint,
        "LocalPath": _CAPTURED_DATA,
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
    }
    job_input: Request = {"EndpointInput": endpoint}
    if ground_truth is None or monitor is Monitor.DATA_QUALITY:
        return job_input
    threshold = ground_truth.probability_threshold
    attributes = {
        "InferenceAttribute": ground_truth.inference_attribute,
        "ProbabilityAttribute": ground_truth.probability_attribute,
        "ProbabilityThresholdAttribute": None if threshold is None else float(threshold),
    }
    if monitor in RUN_CLARIFY:
        attributes["FeaturesAttribute"] = ground_truth.features_attribute
    if monitor in _COMPARE_GROUND_TRUTH:
        attributes |= {
            "StartTimeOffset": ground_truth.start_offset,
            "EndTimeOffset": ground_truth.end_offset,
        }
        job_input["GroundTruthS3Input"] = {"S3Uri": ground_truth.uri}
    endpoint |= {name: value for name, value in attributes.items() if value not in (None, "")}
    return job_input


def _output_config(monitor: Monitor, settings: MonitorSettings) -> Request:
    output = {
        "S3Uri": f"{settings.folder}/{_kind(monitor)}",
        "LocalPath": _OUTPUT,
        "S3UploadMode": "Continuous",
    }
    return {"MonitoringOutputs": [{"S3Output": output}], **settings.output_key()}


def _runtime_seconds(monitor: Monitor, settings: MonitorSettings) -> int:
    most = _MOST_SECONDS
    if settings.cadence == "hourly":
        most = _MOST_SECONDS_HOURLY
        if monitor in _COMPARE_GROUND_TRUTH:
            most = _MOST_SECONDS_HOURLY_AFTER_MERGE
    return min(settings.max_runtime_seconds, most)


def _kind(monitor: Monitor) -> str:
    return monitor.value.replace("_", "-")
