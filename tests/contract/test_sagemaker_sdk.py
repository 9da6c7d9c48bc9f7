"""Names we rely on, as the SageMaker SDK's own monitors use them. Run by `make contract`: the SDK is 700 MB."""

import pytest
from sagemaker.core import image_uris
from sagemaker.core.model_monitor import model_monitoring
from stationkeeper.events.processing_job import ProcessingJob
from stationkeeper.reports.outcome import REPORT_NAME, Execution, classify
from stationkeeper.reports.violation import Monitor

from tests.runs import START, run_event


def job(**detail: object) -> ProcessingJob:
    return ProcessingJob.model_validate(run_event(1, **detail)["detail"])


def test_the_report_is_called_what_the_sdk_calls_it() -> None:
    assert model_monitoring.CONSTRAINT_VIOLATIONS_JSON_DEFAULT_FILE_NAME == REPORT_NAME


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "ap-southeast-2", "cn-north-1"])
def test_the_analyzer_of_every_region_is_known_as_sagemakers_own(region: str) -> None:
    image = image_uris.retrieve("model-monitor", region=region)

    execution = classify(
        job(ProcessingJobName="scheduled-by-hand", AppSpecification={"ImageUri": image}), START
    )

    assert isinstance(execution, Execution)
    assert execution.monitor is Monitor.DATA_QUALITY


def test_clarifys_image_leaves_bias_or_attribution_to_the_report() -> None:
    image = image_uris.retrieve("clarify", region="eu-west-1")

    execution = classify(
        job(ProcessingJobName="scheduled-by-hand", AppSpecification={"ImageUri": image}), START
    )

    assert isinstance(execution, Execution)
    assert execution.monitor is None


def test_settings_are_read_under_the_sdks_names() -> None:
    elsewhere = {"S3Uri": "s3://bucket/elsewhere", "LocalPath": "/elsewhere"}
    ours = {"S3Uri": "s3://bucket/ours", "LocalPath": "/opt/ml/processing/output"}
    outputs = [{"OutputName": "logs", "S3Output": elsewhere}, {"OutputName": "mine", "S3Output": ours}]
    environment = {
        model_monitoring._OUTPUT_PATH_ENV_NAME: "/opt/ml/processing/output",
        model_monitoring._ANALYSIS_TYPE_ENV_NAME: "MODEL_QUALITY",
    }

    execution = classify(job(Environment=environment, ProcessingOutputConfig={"Outputs": outputs}), START)

    assert isinstance(execution, Execution)
    assert execution.report_uri == "s3://bucket/ours/constraint_violations.json"
    assert execution.monitor is Monitor.MODEL_QUALITY


def test_the_sdks_default_output_is_preferred_to_others() -> None:
    outputs = [
        {"OutputName": "logs", "S3Output": {"S3Uri": "s3://bucket/logs"}},
        {"OutputName": model_monitoring._DEFAULT_OUTPUT_NAME, "S3Output": {"S3Uri": "s3://bucket/report"}},
    ]

    execution = classify(job(ProcessingOutputConfig={"Outputs": outputs}), START)

    assert isinstance(execution, Execution)
    assert execution.report_uri == "s3://bucket/report/constraint_violations.json"
