"""The demo's second story: a model package group opts in, a version is released, and a bad one rolls back."""

import json
from typing import Any

from embedded_aws.embedded import ACCOUNT_ID, EmbeddedAws

from stationkeeper_command.scenes import AccountScene
from stationkeeper_command.system import REGION, ROLE

GROUP = "churn"
ENDPOINT = "churn-live"
BUCKET = f"sagemaker-{REGION}-{ACCOUNT_ID}"
IMAGE = f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com/churn:1"
MINUTE = 60


def release_scenes() -> list[AccountScene]:
    """From an endpoint that a team made by hand to a version 8 that does not stay."""
    return [
        AccountScene(
            "An endpoint that a team made by hand runs version 6; now they tag the group, and a pipeline registers version 7",
            f"stationkeeper:endpoint={ENDPOINT} on the model package group {GROUP}",
            _opt_in,
            ("ApprovalRequested",),
        ),
        AccountScene(
            "Somebody approves version 7",
            "aws sagemaker update-model-package ... --model-approval-status Approved",
            lambda system: approve(system, 7, "better AUC, same latency"),
            ("ReleaseStarted",),
        ),
        AccountScene(
            "SageMaker shifts 10 % of traffic, waits, shifts the rest, keeps the old fleet a while: no alarm goes red",
            "40 minutes pass",
            lambda system: pass_time(system, 40 * MINUTE),
            ("ReleaseSucceeded",),
        ),
        AccountScene(
            "Version 8 is registered and approved at once by its pipeline",
            "aws sagemaker create-model-package ... --model-approval-status Approved",
            lambda system: _register(system, 8, "Approved", auc=0.942),
            ("ReleaseStarted",),
        ),
        AccountScene(
            "The canary of version 8 answers with errors: the alarm on its fleet goes red, SageMaker rolls back",
            "the alarm goes red while 10 % of traffic goes to version 8, and is OK again once that fleet is gone",
            _alarm_goes_red,
            ("AlarmRaised", "ReleaseRolledBack", "AlarmCleared"),
        ),
        AccountScene(
            "The hourly sweep looks at everything again",
            "rate(1 hour)",
            lambda system: system.run_schedule("SweepSchedule"),
            (),
        ),
    ]


def _opt_in(system: EmbeddedAws) -> None:
    sagemaker = system.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)
    for version in range(1, 7):
        _register(system, version, "Approved" if version == 6 else "Rejected", auc=0.88 + version / 200)
    arn = package_arn(6)
    sagemaker.create_model(
        ModelName="churn-by-hand",
        PrimaryContainer={"ModelPackageName": arn},
        ExecutionRoleArn=ROLE,
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName="churn-by-hand",
        ProductionVariants=[
            {
                "VariantName": "AllTraffic",
                "ModelName": "churn-by-hand",
                "InstanceType": "ml.c5.xlarge",
                "InitialInstanceCount": 4,
                "InitialVariantWeight": 1.0,
            }
        ],
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 20,
            "DestinationS3Uri": f"s3://{BUCKET}/churn-captures",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        },
    )
    sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName="churn-by-hand")
    system.settle()
    sagemaker.add_tags(
        ResourceArn=f"arn:aws:sagemaker:{REGION}:{ACCOUNT_ID}:model-package-group/{GROUP}",
        Tags=[
            {"Key": "stationkeeper:endpoint", "Value": ENDPOINT},
            {"Key": "stationkeeper:min-instances", "Value": "2"},
            {"Key": "stationkeeper:max-instances", "Value": "8"},
        ],
    )
    _register(system, 7, "PendingManualApproval", auc=0.931)


def _register(system: EmbeddedAws, version: int, status: str, auc: float) -> None:
    folder = f"churn/{version}"
    put_metrics(system, version, auc)

    def file(name: str) -> dict[str, str]:
        return {"ContentType": "application/json", "S3Uri": f"s3://{BUCKET}/{folder}/{name}"}

    answer = system.client("sagemaker").create_model_package(
        ModelPackageGroupName=GROUP,
        ModelPackageDescription=f"gradient-boosted trees, trained on month {version}",
        ModelApprovalStatus=status,
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/{folder}/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        ModelMetrics={"ModelQuality": {"Statistics": file("evaluation.json")}},
        DriftCheckBaselines={
            "ModelDataQuality": {
                "Statistics": file("statistics.json"),
                "Constraints": file("constraints.json"),
            }
        },
    )
    assert answer["ModelPackageArn"] == package_arn(version), "the demo's account is not empty"
    system.drain()


def put_metrics(system: EmbeddedAws, version: int, auc: float) -> None:
    """What an evaluation of this version left in S3."""
    metrics = {
        "binary_classification_metrics": {
            "auc": {"value": auc, "standard_deviation": 0.004},
            "accuracy": {"value": round(auc - 0.07, 3), "standard_deviation": "NaN"},
            "f1": {"value": round(auc - 0.19, 3), "standard_deviation": "NaN"},
        }
    }
    system.client("s3").put_object(
        Bucket=BUCKET, Key=f"{GROUP}/{version}/evaluation.json", Body=json.dumps(metrics).encode()
    )


def approve(system: EmbeddedAws, version: int, note: str) -> None:
    system.client("sagemaker").update_model_package(
        ModelPackageArn=package_arn(version), ModelApprovalStatus="Approved", ApprovalDescription=note
    )
    system.drain()


def pass_time(system: EmbeddedAws, seconds: float) -> None:
    system.advance(seconds)


def _alarm_goes_red(system: EmbeddedAws) -> None:
    system.advance(12 * MINUTE)  # the new fleet is there, and gets its 10 %
    set_alarm(system, 8, "Invocation5XXErrors", "ALARM", "2 out of 3 datapoints were over 0.05: 0.41, 0.38")
    system.settle()
    set_alarm(system, 8, "Invocation5XXErrors", "OK", "no datapoints were received")


def set_alarm(system: EmbeddedAws, version: int, metric: str, state: str, reason: str) -> None:
    """The alarm that guards the release of a version takes a state."""
    cloudwatch = system.client("cloudwatch")
    guards = cloudwatch.describe_alarms(AlarmNamePrefix=f"{ENDPOINT}-{GROUP}-v{version}-")["MetricAlarms"]
    name = next(one["AlarmName"] for one in guards if one["MetricName"] == metric)
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason)


def package_arn(version: int) -> str:
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT_ID}:model-package/{GROUP}/{version}"


def inventory(system: EmbeddedAws) -> dict[str, Any]:
    """What the endpoint has in the end, as the account itself says."""
    endpoint = system.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
    schedules = system.client("sagemaker").list_monitoring_schedules(EndpointName=ENDPOINT)
    targets = system.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker")
    return {
        "endpoint": endpoint["EndpointName"],
        "status": endpoint["EndpointStatus"],
        "config": endpoint["EndpointConfigName"],
        "instances": endpoint["ProductionVariants"][0]["CurrentInstanceCount"],
        "autoscaling": [[one["MinCapacity"], one["MaxCapacity"]] for one in targets["ScalableTargets"]],
        "monitors": [one["MonitoringScheduleName"] for one in schedules["MonitoringScheduleSummaries"]],
    }
