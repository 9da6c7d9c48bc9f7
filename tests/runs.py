"""Runs of a monitoring schedule, as EventBridge delivers their end."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.world import ACCOUNT, BUCKET, REGION

START = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
SCHEDULE = "taxi-data-quality"
SCHEDULE_ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:monitoring-schedule/{SCHEDULE}"
ANALYZER = "468650794304.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-model-monitor-analyzer"


def run_event(
    hour: int = 1,
    *,
    status: str = "Completed",
    violations: int | None = None,
    kind: str = "data",
    **detail: Any,
) -> dict[str, Any]:
    """The end of the run due `hour` hours after `START`; `detail` replaces what the job says."""
    end = START + timedelta(hours=hour)
    prefix = {"data": "model-monitoring", "model": "model-quality-monitoring", "merge": "groundtruth-merge"}[
        kind
    ]
    job = f"{prefix}-{end:%Y%m%d%H%M}-{hour:024x}"
    said = (
        f"CompletedWithViolations: Job completed successfully with {violations} violations."
        if violations
        else "Completed: Job completed successfully with no violations."
    )
    environment = {
        "start_time": f"{end - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
        "end_time": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        "output_path": "/opt/ml/processing/output",
        "sagemaker_endpoint_name": "taxi-prod",
        "sagemaker_monitoring_schedule_name": SCHEDULE,
    }
    if kind == "model":
        environment["analysis_type"] = "MODEL_QUALITY"
    folder = f"s3://{BUCKET}/reports/taxi-prod/{SCHEDULE}/{end:%Y/%m/%d/%H}"
    output = {"S3Uri": folder, "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "CONTINUOUS"}
    return {
        "version": "0",
        "id": f"event-{hour}-{status}",
        "detail-type": "SageMaker Processing Job State Change",
        "source": "aws.sagemaker",
        "account": ACCOUNT,
        "region": REGION,
        "time": f"{end + timedelta(minutes=12):%Y-%m-%dT%H:%M:%SZ}",
        "resources": [f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:processing-job/{job}"],
        "detail": {
            "ProcessingJobName": job,
            "ProcessingJobArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:processing-job/{job}",
            "ProcessingJobStatus": status,
            "MonitoringScheduleArn": SCHEDULE_ARN,
            "ExitMessage": said if status == "Completed" else "",
            "FailureReason": "",
            "AppSpecification": {
                "ImageUri": ANALYZER
                if kind != "merge"
                else ANALYZER.replace("analyzer", "groundtruth-merger")
            },
            "ProcessingOutputConfig": {
                "Outputs": [{"OutputName": "result", "S3Output": output, "FeatureStoreOutput": ""}],
                "KmsKeyId": "",
            },
            "Environment": environment,
            "ProcessingEndTime": int((end + timedelta(minutes=11)).timestamp() * 1000),
            "Tags": {},
            **detail,
        },
    }
