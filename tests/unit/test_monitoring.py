"""What SageMaker is asked for so that an endpoint is monitored. `make contract` compares it with the SageMaker SDK's requests."""

import json
import re
from dataclasses import replace
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.errors import UnsupportedRegion
from stationkeeper.releases.monitoring import (
    Baseline,
    DriftCheckBaselines,
    GroundTruth,
    JobDefinition,
    Missing,
    MonitorSettings,
    Vpc,
    baseline_of,
    baselining_job,
    drift_check_baselines,
    job_definition,
    monitoring_schedule,
    schedule_name,
)
from stationkeeper.releases.names import is_resource_name
from stationkeeper.reports.violation import Monitor

from tests.real import read_json, real_files

SETTINGS = MonitorSettings(
    endpoint="taxi-prod",
    role_arn="arn:aws:iam::123456789012:role/monitoring",
    region="eu-west-1",
    output_uri="s3://reports/monitoring/",
)
BASELINE = Baseline(
    "s3://baselines/constraints.json", "s3://baselines/statistics.json", "s3://baselines/config.json"
)
LABELS = GroundTruth(
    "s3://labels/taxi",
    "Regression",
    start_offset="-P1D",
    end_offset="-PT1H",
    inference_attribute="0",
    features_attribute="features",
)
MONITORS = [Monitor.DATA_QUALITY, Monitor.MODEL_QUALITY, Monitor.BIAS, Monitor.EXPLAINABILITY]
LONG = "taxi-fares-of-the-whole-city-by-zone-and-hour-for-pricing-teams"
assert len(LONG) == 63


@cache
def service_model() -> Any:
    return botocore.session.get_session().get_service_model("sagemaker")


def problems(value: Any, shape: Any, path: str = "") -> list[str]:
    """What of a value the service refuses and botocore lets through: patterns, enums, and most lengths and numbers."""
    match shape.type_name:
        case "structure":
            return [
                found
                for name, inner in value.items()
                for found in problems(inner, shape.members[name], f"{path}.{name}")
            ]
        case "list":
            found = [] if len(value) <= shape.metadata.get("max", 1e9) else [f"{path}: too many"]
            return found + [
                one
                for index, inner in enumerate(value)
                for one in problems(inner, shape.member, f"{path}[{index}]")
            ]
        case "map":
            return [
                found
                for name, inner in value.items()
                for found in problems(inner, shape.value, f"{path}[{name}]")
            ]
        case "integer":
            return [f"{path}: {value}"] if value > shape.metadata.get("max", 1e9) else []
        case "string":
            pattern = shape.metadata.get("pattern", ".*")
            taken = r"\p" in pattern or re.fullmatch(pattern, value, re.DOTALL)
            known = not shape.enum or value in shape.enum
            return (
                []
                if taken and known and len(value) <= shape.metadata.get("max", 1e9)
                else [f"{path}: {value!r}"]
            )
        case _:
            return []


def assert_taken(operation: str, request: dict[str, Any]) -> None:
    """The service's model allows a request."""
    shape = service_model().operation_model(operation).input_shape
    assert ParamValidator().validate(request, shape).generate_report() == ""
    assert problems(request, shape) == []


def operation_of(definition: JobDefinition) -> str:
    return "".join(word.capitalize() for word in definition.operation.split("_"))


def defined(
    monitor: Monitor,
    settings: MonitorSettings = SETTINGS,
    *,
    baseline: Baseline = BASELINE,
    ground_truth: GroundTruth | None = LABELS,
) -> JobDefinition:
    definition = job_definition(monitor, baseline, settings, ground_truth)
    assert isinstance(definition, JobDefinition)
    assert_taken(operation_of(definition), definition.request)
    return definition


def part(definition: JobDefinition, name: str) -> Any:
    """`DataQualityJobInput` of a data-quality definition, and so on."""
    (found,) = [value for key, value in definition.request.items() if key.endswith(name)]
    return found


# Job definitions


def test_the_checks_of_these_tests_know_what_the_service_refuses():
    shape = service_model().operation_model("CreateDataQualityJobDefinition").input_shape
    request = defined(Monitor.DATA_QUALITY, replace(SETTINGS, tags={"team": "rides"})).request

    wrong: list[tuple[str, Any]] = [
        ("JobDefinitionName", "taxi_prod"),
        ("JobDefinitionName", "a" * 64),
        ("RoleArn", "arn:aws:iam::123:role/monitoring"),
        ("StoppingCondition", {"MaxRuntimeInSeconds": 86_401}),
        ("JobResources", {"ClusterConfig": {"InstanceType": "ml.m5.huge"}}),
        ("Tags", [{"Key": "k", "Value": "v" * 257}]),
    ]

    assert all(len(problems({**request, name: value}, shape)) == 1 for name, value in wrong)


@pytest.mark.parametrize(
    ("monitor", "operation"),
    [
        (Monitor.DATA_QUALITY, "create_data_quality_job_definition"),
        (Monitor.MODEL_QUALITY, "create_model_quality_job_definition"),
        (Monitor.BIAS, "create_model_bias_job_definition"),
        (Monitor.EXPLAINABILITY, "create_model_explainability_job_definition"),
    ],
)
def test_each_monitor_has_its_own_operation(monitor, operation):
    assert defined(monitor).operation == operation


def test_data_quality_compares_captures_with_constraints_and_statistics():
    definition = defined(Monitor.DATA_QUALITY, ground_truth=None)

    assert definition.request == {
        "JobDefinitionName": definition.name,
        "DataQualityBaselineConfig": {
            "ConstraintsResource": {"S3Uri": "s3://baselines/constraints.json"},
            "StatisticsResource": {"S3Uri": "s3://baselines/statistics.json"},
        },
        "DataQualityAppSpecification": {
            "ImageUri": "468650794304.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-model-monitor-analyzer",
            "Environment": {"publish_cloudwatch_metrics": "Enabled"},
        },
        "DataQualityJobInput": {
            "EndpointInput": {
                "EndpointName": "taxi-prod",
                "LocalPath": "/opt/ml/processing/input/endpoint",
                "S3InputMode": "File",
                "S3DataDistributionType": "FullyReplicated",
            }
        },
        "DataQualityJobOutputConfig": {
            "MonitoringOutputs": [
                {
                    "S3Output": {
                        "S3Uri": "s3://reports/monitoring/taxi-prod/data-quality",
                        "LocalPath": "/opt/ml/processing/output",
                        "S3UploadMode": "Continuous",
                    }
                }
            ]
        },
        "JobResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 30}
        },
        "RoleArn": "arn:aws:iam::123456789012:role/monitoring",
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    }


def test_data_quality_knows_nothing_of_labels():
    assert defined(Monitor.DATA_QUALITY) == defined(Monitor.DATA_QUALITY, ground_truth=None)


def test_a_baseline_without_statistics_is_enough():
    definition = defined(Monitor.DATA_QUALITY, baseline=Baseline("s3://baselines/constraints.json"))

    assert part(definition, "BaselineConfig") == {
        "ConstraintsResource": {"S3Uri": "s3://baselines/constraints.json"}
    }


@pytest.mark.parametrize("monitor", [Monitor.MODEL_QUALITY, Monitor.BIAS])
def test_predictions_are_compared_with_the_labels_of_the_same_hours(monitor):
    job_input = part(defined(monitor), "JobInput")

    assert job_input["GroundTruthS3Input"] == {"S3Uri": "s3://labels/taxi"}
    assert job_input["EndpointInput"]["StartTimeOffset"] == "-P1D"
    assert job_input["EndpointInput"]["EndTimeOffset"] == "-PT1H"
    assert job_input["EndpointInput"]["InferenceAttribute"] == "0"
    assert "ProbabilityAttribute" not in job_input["EndpointInput"]


def test_only_model_quality_names_the_kind_of_problem():
    named = {monitor for monitor in MONITORS if "ProblemType" in part(defined(monitor), "AppSpecification")}

    assert named == {Monitor.MODEL_QUALITY}
    assert part(defined(Monitor.MODEL_QUALITY), "AppSpecification")["ProblemType"] == "Regression"


def test_only_clarify_reads_features_and_an_analysis_config():
    featured = {
        monitor
        for monitor in MONITORS
        if "FeaturesAttribute" in part(defined(monitor), "JobInput")["EndpointInput"]
    }
    configured = {
        monitor for monitor in MONITORS if "ConfigUri" in part(defined(monitor), "AppSpecification")
    }

    assert featured == configured == {Monitor.BIAS, Monitor.EXPLAINABILITY}


def test_explainability_waits_for_no_labels():
    job_input = part(defined(Monitor.EXPLAINABILITY), "JobInput")

    assert set(job_input) == {"EndpointInput"}
    assert "StartTimeOffset" not in job_input["EndpointInput"]
    assert part(defined(Monitor.EXPLAINABILITY, ground_truth=None), "JobInput")


def test_a_threshold_of_zero_is_one():
    labels = replace(LABELS, probability_attribute="1", probability_threshold=0)

    endpoint = part(defined(Monitor.MODEL_QUALITY, ground_truth=labels), "JobInput")["EndpointInput"]

    assert endpoint["ProbabilityThresholdAttribute"] == 0.0


def test_labels_whose_settings_are_left_empty_say_nothing():
    """Tags that are not there are read as ""."""
    labels = replace(LABELS, probability_attribute="", features_attribute="", start_offset="", end_offset="")

    assert defined(Monitor.BIAS, ground_truth=labels) == defined(
        Monitor.BIAS,
        ground_truth=replace(
            LABELS, probability_attribute=None, features_attribute=None, start_offset=None, end_offset=None
        ),
    )


# What is missing


@pytest.mark.parametrize("monitor", [Monitor.MODEL_QUALITY, Monitor.BIAS])
def test_without_ground_truth_there_is_no_comparison(monitor):
    missing = job_definition(monitor, BASELINE, SETTINGS)

    assert isinstance(missing, Missing)
    assert missing.monitor is monitor
    assert "no S3 prefix of ground-truth labels is configured" in missing.reason


@pytest.mark.parametrize("monitor", [Monitor.BIAS, Monitor.EXPLAINABILITY])
def test_clarify_needs_its_analysis_config(monitor):
    missing = job_definition(monitor, Baseline("s3://baselines/analysis.json"), SETTINGS, LABELS)

    assert isinstance(missing, Missing)
    assert "analysis config" in missing.reason


def test_model_quality_needs_to_know_where_the_prediction_is():
    labels = GroundTruth("s3://labels/taxi", "Regression")

    missing = job_definition(Monitor.MODEL_QUALITY, BASELINE, SETTINGS, labels)

    assert isinstance(missing, Missing)
    assert "inference or probability attribute" in missing.reason
    assert isinstance(job_definition(Monitor.BIAS, BASELINE, SETTINGS, labels), JobDefinition)


def test_a_region_without_an_image_is_told_and_an_image_of_ones_own_helps():
    israel = replace(SETTINGS, region="il-central-1")

    missing = job_definition(Monitor.EXPLAINABILITY, BASELINE, israel)
    helped = defined(
        Monitor.EXPLAINABILITY, replace(israel, clarify_image="1.dkr.ecr.il-central-1.amazonaws.com/mine:1")
    )

    assert isinstance(missing, Missing)
    assert "sagemaker-clarify-processing:1.0 in il-central-1" in missing.reason
    assert part(helped, "AppSpecification")["ImageUri"] == "1.dkr.ecr.il-central-1.amazonaws.com/mine:1"
    assert isinstance(job_definition(Monitor.DATA_QUALITY, BASELINE, israel), JobDefinition)


def test_nobody_else_sets_up_a_custom_monitor():
    assert isinstance(job_definition(Monitor.CUSTOM, BASELINE, SETTINGS, LABELS), Missing)


# Settings


@pytest.mark.parametrize("monitor", MONITORS)
def test_encryption_and_network_are_as_set(monitor):
    settings = replace(
        SETTINGS,
        output_kms_key="alias/reports",
        volume_kms_key="alias/volumes",
        network_isolation=True,
        encrypt_traffic_between_instances=True,
        vpc=Vpc(("subnet-1", "subnet-2"), ("sg-1",)),
    )

    request = defined(monitor, settings).request

    assert part(defined(monitor, settings), "JobOutputConfig")["KmsKeyId"] == "alias/reports"
    assert request["JobResources"]["ClusterConfig"]["VolumeKmsKeyId"] == "alias/volumes"
    assert request["NetworkConfig"] == {
        "EnableNetworkIsolation": True,
        "EnableInterContainerTrafficEncryption": True,
        "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1", "subnet-2"]},
    }


def test_a_vpc_does_not_isolate_by_itself():
    request = defined(Monitor.DATA_QUALITY, replace(SETTINGS, vpc=Vpc(("subnet-1",), ("sg-1",)))).request

    assert request["NetworkConfig"]["EnableNetworkIsolation"] is False


@pytest.mark.parametrize(
    ("monitor", "cadence", "asked", "seconds"),
    [
        (Monitor.DATA_QUALITY, "hourly", 7200, 3600),
        (Monitor.EXPLAINABILITY, "hourly", 7200, 3600),
        (Monitor.MODEL_QUALITY, "hourly", 3600, 1800),
        (Monitor.BIAS, "hourly", 3600, 1800),
        (Monitor.BIAS, "hourly", 600, 600),
        (Monitor.BIAS, "daily", 7200, 7200),
        (Monitor.DATA_QUALITY, "daily", 100_000, 86_400),
    ],
)
def test_a_run_ends_before_the_next_begins(monitor, cadence, asked, seconds):
    definition = defined(monitor, replace(SETTINGS, cadence=cadence, max_runtime_seconds=asked))

    assert definition.request["StoppingCondition"] == {"MaxRuntimeInSeconds": seconds}


def test_tags_are_in_the_order_of_their_keys():
    settings = replace(SETTINGS, tags={"team": "rides", "stationkeeper:endpoint": "taxi-prod"})

    assert defined(Monitor.DATA_QUALITY, settings).request["Tags"] == [
        {"Key": "stationkeeper:endpoint", "Value": "taxi-prod"},
        {"Key": "team", "Value": "rides"},
    ]


# Names


@pytest.mark.parametrize("monitor", MONITORS)
def test_a_definition_is_named_after_endpoint_kind_and_content(monitor):
    kind = monitor.value.replace("_", "-")

    assert re.fullmatch(rf"taxi-prod-{kind}-[0-9a-f]{{8}}", defined(monitor).name)
    assert re.fullmatch(
        rf"taxi-fares-[a-z-]+-{kind}-[0-9a-f]{{8}}", defined(monitor, replace(SETTINGS, endpoint=LONG)).name
    )


CHANGES: list[dict[str, Any]] = [
    {"endpoint": "taxi-test"},
    {"role_arn": "arn:aws:iam::123456789012:role/other"},
    {"region": "us-east-1"},
    {"output_uri": "s3://elsewhere"},
    {"instance_type": "ml.m5.large"},
    {"volume_gb": 50},
    {"max_runtime_seconds": 900},
    {"output_kms_key": "alias/one"},
    {"volume_kms_key": "alias/one"},
    {"network_isolation": True},
    {"encrypt_traffic_between_instances": True},
    {"vpc": Vpc(("subnet-1",), ("sg-1",))},
    {"publish_metrics": False},
]


@pytest.mark.parametrize("monitor", MONITORS)
def test_other_content_is_another_definition(monitor):
    names = [defined(monitor, replace(SETTINGS, **change)).name for change in [{}, *CHANGES]]
    names.append(
        defined(monitor, baseline=replace(BASELINE, constraints_uri="s3://baselines/other.json")).name
    )

    assert len(set(names)) == len(names)


def test_tags_and_cadence_are_no_content():
    same = replace(SETTINGS, tags={"team": "rides"}, cadence="daily")

    assert defined(Monitor.DATA_QUALITY, same).name == defined(Monitor.DATA_QUALITY).name


# Schedules


@pytest.mark.parametrize(
    ("monitor", "kind"),
    [
        (Monitor.DATA_QUALITY, "DataQuality"),
        (Monitor.MODEL_QUALITY, "ModelQuality"),
        (Monitor.BIAS, "ModelBias"),
        (Monitor.EXPLAINABILITY, "ModelExplainability"),
    ],
)
@pytest.mark.parametrize(
    ("cadence", "cron"), [("hourly", "cron(0 * ? * * *)"), ("daily", "cron(0 0 ? * * *)")]
)
def test_a_schedule_runs_its_definition(monitor, kind, cadence, cron):
    settings = replace(SETTINGS, cadence=cadence, tags={"team": "rides"})
    definition = defined(monitor, settings)

    schedule = monitoring_schedule(definition, settings)

    assert schedule.update == {
        "MonitoringScheduleName": schedule.name,
        "MonitoringScheduleConfig": {
            "MonitoringJobDefinitionName": definition.name,
            "MonitoringType": kind,
            "ScheduleConfig": {"ScheduleExpression": cron},
        },
    }
    assert schedule.create == {**schedule.update, "Tags": [{"Key": "team", "Value": "rides"}]}
    assert schedule.name == f"taxi-prod-{monitor.value.replace('_', '-')}"
    assert schedule.name == schedule_name("taxi-prod", monitor)
    assert_taken("CreateMonitoringSchedule", schedule.create)
    assert_taken("UpdateMonitoringSchedule", schedule.update)


def test_a_new_baseline_keeps_the_schedule_and_changes_what_it_runs():
    before = monitoring_schedule(defined(Monitor.DATA_QUALITY), SETTINGS)
    after = monitoring_schedule(
        defined(Monitor.DATA_QUALITY, baseline=Baseline("s3://baselines/new.json")), SETTINGS
    )

    assert after.name == before.name
    assert after.update != before.update


def test_schedules_of_one_endpoint_have_names_of_their_own():
    assert len({schedule_name(LONG, monitor) for monitor in MONITORS}) == 4
    assert all(is_resource_name(schedule_name(LONG, monitor)) for monitor in MONITORS)
    assert schedule_name(LONG, Monitor.BIAS) != schedule_name(LONG[:-1] + "z", Monitor.BIAS)


# Baselines


def test_a_baselining_job_reads_a_csv_file_with_a_header():
    job = baselining_job("taxi-v12", "s3://datasets/taxi.csv", SETTINGS)
    output = f"s3://reports/monitoring/taxi-prod/baseline/{job.name}"

    assert re.fullmatch(r"stationkeeper-baseline-taxi-v12-[0-9a-f]{8}", job.name)
    assert job.baseline == Baseline(f"{output}/constraints.json", f"{output}/statistics.json")
    assert json.loads(job.request["Environment"]["dataset_format"]) == {
        "csv": {"header": True, "output_columns_position": "START"}
    }
    assert job.request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] == output
    assert_taken("CreateProcessingJob", job.request)


def test_a_baselining_job_is_named_after_its_content():
    jobs = [
        baselining_job("taxi-v12", "s3://datasets/taxi.csv", SETTINGS),
        baselining_job("taxi-v13", "s3://datasets/taxi.csv", SETTINGS),
        baselining_job("taxi-v12", "s3://datasets/other.csv", SETTINGS),
        baselining_job("taxi-v12", "s3://datasets/taxi.csv", SETTINGS, header=False),
        baselining_job("taxi-v12", "s3://datasets/taxi.csv", SETTINGS, attempt=2),
        *(
            baselining_job("taxi-v12", "s3://datasets/taxi.csv", replace(SETTINGS, **change))
            for change in CHANGES
            if "publish_metrics" not in change
        ),
    ]

    assert len({job.name for job in jobs}) == len(jobs)
    assert baselining_job("taxi-v12", "s3://datasets/taxi.csv", SETTINGS) == jobs[0]
    for job in jobs:
        assert_taken("CreateProcessingJob", job.request)


def test_a_long_name_of_a_group_leaves_the_baselining_job_its_prefix_and_version():
    name = baselining_job(f"{LONG}-v12", "s3://datasets/taxi.csv", SETTINGS).name

    assert name.startswith("stationkeeper-baseline-taxi-")
    assert len(name) <= 63


def test_a_region_without_an_analyzer_suggests_no_baselines():
    with pytest.raises(UnsupportedRegion):
        baselining_job("taxi-v12", "s3://datasets/taxi.csv", replace(SETTINGS, region="us-gov-west-1"))


def test_a_jobs_output_is_a_baseline():
    assert baseline_of("s3://reports/one/") == Baseline(
        "s3://reports/one/constraints.json", "s3://reports/one/statistics.json"
    )


def file(name: str) -> dict[str, Any]:
    return {"ContentType": "application/json", "S3Uri": f"s3://package/{name}.json", "ContentDigest": None}


def test_a_package_brings_its_baselines():
    baselines = DriftCheckBaselines.model_validate(
        {
            "Bias": {
                "ConfigFile": {"S3Uri": "s3://package/bias-config.json"},
                "PreTrainingConstraints": file("before"),
                "PostTrainingConstraints": file("after"),
            },
            "Explainability": {"Constraints": file("shap"), "ConfigFile": file("shap-config")},
            "ModelQuality": {"Statistics": file("mq-statistics"), "Constraints": file("mq-constraints")},
            "ModelDataQuality": {"Statistics": file("dq-statistics"), "Constraints": file("dq-constraints")},
        }
    )

    assert drift_check_baselines(baselines) == {
        Monitor.DATA_QUALITY: Baseline("s3://package/dq-constraints.json", "s3://package/dq-statistics.json"),
        Monitor.MODEL_QUALITY: Baseline(
            "s3://package/mq-constraints.json", "s3://package/mq-statistics.json"
        ),
        Monitor.BIAS: Baseline("s3://package/after.json", config_uri="s3://package/bias-config.json"),
        Monitor.EXPLAINABILITY: Baseline(
            "s3://package/shap.json", config_uri="s3://package/shap-config.json"
        ),
    }
    for monitor, baseline in drift_check_baselines(baselines).items():
        defined(monitor, baseline=baseline)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"Bias": {}, "Explainability": {}, "ModelQuality": None, "ModelDataQuality": ""},
        {"ModelQuality": {"Statistics": file("statistics")}},
        {"ModelDataQuality": {"Constraints": {"ContentType": "application/json", "S3Uri": ""}}},
        {"ModelDataQuality": {"Constraints": None}},
        {"Bias": {"PreTrainingConstraints": file("before"), "ConfigFile": file("config")}},
    ],
)
def test_kinds_without_constraints_are_left_out(document):
    assert drift_check_baselines(DriftCheckBaselines.model_validate(document)) == {}


def test_the_model_spells_what_the_service_spells():
    """Every file the service can name is read, but for its digest."""
    shape = service_model().shape_for("DriftCheckBaselines")
    document = {
        kind: {name: file(f"{kind}-{name}") for name in inner.members}
        for kind, inner in shape.members.items()
    }

    read = DriftCheckBaselines.model_validate(document).model_dump(by_alias=True)

    assert {kind: set(files) for kind, files in read.items()} == {
        kind: set(files) for kind, files in document.items()
    }
    assert all(found["S3Uri"] for files in read.values() for found in files.values())


# Real records


@pytest.mark.parametrize("path", real_files("describe_model_package/*.json"))
def test_real_packages_bring_what_they_have(path):
    """None of those collected has drift-check baselines; their `ModelMetrics` spell the quality kinds the same way."""
    package = read_json(path)
    assert (
        drift_check_baselines(DriftCheckBaselines.model_validate(package.get("DriftCheckBaselines") or {}))
        == {}
    )

    metrics = package.get("ModelMetrics") or {}
    baselines = drift_check_baselines(DriftCheckBaselines.model_validate(metrics))

    expected = {
        monitor
        for monitor, kind in (
            (Monitor.DATA_QUALITY, "ModelDataQuality"),
            (Monitor.MODEL_QUALITY, "ModelQuality"),
        )
        if ((metrics.get(kind) or {}).get("Constraints") or {}).get("S3Uri")
    }
    assert set(baselines) == expected
    for monitor, baseline in baselines.items():
        assert_taken(
            "CreateMonitoringSchedule",
            monitoring_schedule(defined(monitor, baseline=baseline), SETTINGS).create,
        )


@pytest.mark.parametrize("path", real_files("describe_processing_job/*.json"))
def test_real_baselining_jobs_ran_what_ours_would(path):
    real = read_json(path)
    datasets = [
        one for one in real.get("ProcessingInputs") or [] if one["InputName"] == "baseline_dataset_input"
    ]
    if not datasets:
        pytest.skip("no baselining job")
    (dataset,) = datasets
    cluster = real["ProcessingResources"]["ClusterConfig"]
    settings = replace(
        SETTINGS,
        region="us-east-1",
        role_arn=real["RoleArn"],
        instance_type=cluster["InstanceType"],
        volume_gb=cluster["VolumeSizeInGB"],
        max_runtime_seconds=real["StoppingCondition"]["MaxRuntimeInSeconds"],
    )

    ours = baselining_job("taxi-v1", dataset["S3Input"]["S3Uri"], settings, header=False).request

    assert ours["Environment"] == real["Environment"]
    assert ours["AppSpecification"] == real["AppSpecification"]
    assert ours["StoppingCondition"] == real["StoppingCondition"]
    assert ours["ProcessingResources"] == real["ProcessingResources"]
    # Described, inputs and outputs say AppManaged, too, which is false unless asked for.
    assert ours["ProcessingInputs"] == [{key: dataset[key] for key in ("InputName", "S3Input")}]
    (output,) = real["ProcessingOutputConfig"]["Outputs"]
    (our_output,) = ours["ProcessingOutputConfig"]["Outputs"]
    assert our_output["OutputName"] == output["OutputName"]
    assert {**our_output["S3Output"], "S3Uri": output["S3Output"]["S3Uri"]} == output["S3Output"]


@pytest.mark.parametrize("path", real_files("describe_monitoring_schedule/*.json"))
def test_real_schedules_have_the_parts_ours_have(path):
    real = read_json(path)["MonitoringScheduleConfig"]
    if not real.get("MonitoringJobDefinitionName"):
        pytest.skip("a schedule with its job definition inside")
    by_type = {"DataQuality": Monitor.DATA_QUALITY, "ModelQuality": Monitor.MODEL_QUALITY}

    ours = monitoring_schedule(defined(by_type[real["MonitoringType"]]), SETTINGS)

    assert set(ours.update["MonitoringScheduleConfig"]) <= set(real)
    assert real["ScheduleConfig"]["ScheduleExpression"].startswith("cron(0 ")


# Properties

names = st.from_regex(r"\A[a-zA-Z0-9](-?[a-zA-Z0-9]){0,40}\Z").map(lambda name: name[:63].rstrip("-"))
attributes = st.none() | st.sampled_from(["", "0", "predictions[0].score"])
settings_of_any_kind = st.builds(
    MonitorSettings,
    endpoint=names,
    role_arn=st.just(SETTINGS.role_arn),
    region=st.sampled_from(["us-east-1", "cn-north-1", "us-gov-west-1", "il-central-1", "mars-north-1"]),
    output_uri=st.sampled_from(["s3://reports", "s3://reports/", "s3://reports/deep/er/"]),
    cadence=st.sampled_from(["hourly", "daily"]),
    volume_gb=st.integers(1, 16_384),
    max_runtime_seconds=st.integers(1, 86_400),
    output_kms_key=st.none() | st.just("alias/one"),
    volume_kms_key=st.none() | st.just("alias/one"),
    network_isolation=st.booleans(),
    encrypt_traffic_between_instances=st.booleans(),
    vpc=st.none() | st.just(Vpc(("subnet-1",), ("sg-1",))),
    publish_metrics=st.booleans(),
    tags=st.dictionaries(st.text("abc:", min_size=1, max_size=5), st.text("abc", max_size=5), max_size=3),
)
labels_of_any_kind = st.none() | st.builds(
    GroundTruth,
    uri=st.just("s3://labels"),
    problem_type=st.sampled_from(["Regression", "BinaryClassification", "MulticlassClassification"]),
    start_offset=st.none() | st.sampled_from(["-P1D", "-PT1H"]),
    end_offset=st.none() | st.just("-PT0H"),
    inference_attribute=attributes,
    probability_attribute=attributes,
    probability_threshold=st.none() | st.floats(0, 1),
    features_attribute=attributes,
)
baselines_of_any_kind = st.builds(
    Baseline,
    constraints_uri=st.just("s3://baselines/constraints.json"),
    statistics_uri=st.none() | st.just("s3://baselines/statistics.json"),
    config_uri=st.none() | st.just("s3://baselines/config.json"),
)


@given(st.sampled_from(Monitor), baselines_of_any_kind, settings_of_any_kind, labels_of_any_kind)
def test_every_request_is_one_the_service_takes(monitor, baseline, settings, labels):
    definition = job_definition(monitor, baseline, settings, labels)

    assert definition == job_definition(monitor, baseline, settings, labels)
    if isinstance(definition, Missing):
        assert definition.reason
        return
    schedule = monitoring_schedule(definition, settings)
    assert_taken(operation_of(definition), definition.request)
    assert_taken("CreateMonitoringSchedule", schedule.create)
    assert_taken("UpdateMonitoringSchedule", schedule.update)
    assert definition.request["JobDefinitionName"] == definition.name
    assert is_resource_name(schedule.name)


@given(settings_of_any_kind, names, st.booleans())
def test_every_baselining_job_is_one_the_service_takes(settings, version, header):
    settings = replace(settings, analyzer_image="1.dkr.ecr.us-east-1.amazonaws.com/mine:1")

    job = baselining_job(version, "s3://datasets/taxi", settings, header=header)

    assert_taken("CreateProcessingJob", job.request)
    assert job.baseline.constraints_uri.startswith(settings.output_uri.rstrip("/"))
    assert job.name.startswith("stationkeeper-baseline-")
