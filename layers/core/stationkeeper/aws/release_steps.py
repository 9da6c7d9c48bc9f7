"""Carries out the steps of a release plan. Each is safe to repeat: "already exists" is success when it is the same thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ParamValidationError

from stationkeeper.aws.errors import code_of, is_busy, is_denied, is_missing, is_passing, is_taken, said_by
from stationkeeper.errors import Busy, StepRefused
from stationkeeper.releases.steps import Action, Step

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sagemaker import SageMakerClient

_NOT_DESCRIBED = ("Tags",)
_AFTER_ANOTHER = (
    Action.CREATE_ENDPOINT_CONFIG,
    Action.CREATE_ENDPOINT,
    Action.UPDATE_ENDPOINT,
    Action.SET_ALARM_STATE,
)


@dataclass(frozen=True, slots=True)
class _Call:
    """How an action is called, and how what it makes is described again."""

    service: str
    method: str
    describe: str = ""
    key: str = ""


_CALLS = {
    Action.CREATE_MODEL: _Call("sagemaker", "create_model", "describe_model", "ModelName"),
    Action.CREATE_ENDPOINT_CONFIG: _Call(
        "sagemaker", "create_endpoint_config", "describe_endpoint_config", "EndpointConfigName"
    ),
    Action.CREATE_ENDPOINT: _Call("sagemaker", "create_endpoint", "describe_endpoint", "EndpointName"),
    Action.UPDATE_ENDPOINT: _Call("sagemaker", "update_endpoint"),
    Action.PUT_METRIC_ALARM: _Call("cloudwatch", "put_metric_alarm"),
    Action.SET_ALARM_STATE: _Call("cloudwatch", "set_alarm_state"),
    Action.REGISTER_SCALABLE_TARGET: _Call("autoscaling", "register_scalable_target"),
    Action.PUT_SCALING_POLICY: _Call("autoscaling", "put_scaling_policy"),
    Action.CREATE_DATA_QUALITY_JOB_DEFINITION: _Call(
        "sagemaker",
        "create_data_quality_job_definition",
        "describe_data_quality_job_definition",
        "JobDefinitionName",
    ),
    Action.CREATE_MODEL_QUALITY_JOB_DEFINITION: _Call(
        "sagemaker",
        "create_model_quality_job_definition",
        "describe_model_quality_job_definition",
        "JobDefinitionName",
    ),
    Action.CREATE_MODEL_BIAS_JOB_DEFINITION: _Call(
        "sagemaker",
        "create_model_bias_job_definition",
        "describe_model_bias_job_definition",
        "JobDefinitionName",
    ),
    Action.CREATE_MODEL_EXPLAINABILITY_JOB_DEFINITION: _Call(
        "sagemaker",
        "create_model_explainability_job_definition",
        "describe_model_explainability_job_definition",
        "JobDefinitionName",
    ),
    Action.CREATE_MONITORING_SCHEDULE: _Call(
        "sagemaker", "create_monitoring_schedule", "describe_monitoring_schedule", "MonitoringScheduleName"
    ),
    Action.UPDATE_MONITORING_SCHEDULE: _Call("sagemaker", "update_monitoring_schedule"),
    Action.DELETE_MONITORING_SCHEDULE: _Call("sagemaker", "delete_monitoring_schedule"),
    Action.CREATE_PROCESSING_JOB: _Call(
        "sagemaker", "create_processing_job", "describe_processing_job", "ProcessingJobName"
    ),
}


class AwsReleaseSteps:
    """Carries out steps with boto3."""

    def __init__(
        self,
        sagemaker: Callable[[], SageMakerClient],
        cloudwatch: Callable[[], CloudWatchClient],
        autoscaling: Callable[[], ApplicationAutoScalingClient],
    ) -> None:
        self._clients: dict[str, Callable[[], Any]] = {
            "sagemaker": sagemaker,
            "cloudwatch": cloudwatch,
            "autoscaling": autoscaling,
        }

    def carry_out(self, step: Step) -> None:
        """Make the step's call; that it was made before is fine.

        Raises
        ------
        Busy
            SageMaker is changing what the step is about.
        StepRefused
            AWS will never take the call as it is, or something else has the name.
        botocore.exceptions.ClientError
            Passing faults, after boto3's own retries.
        """
        call = _CALLS[step.action]
        client = self._clients[call.service]()
        try:
            getattr(client, call.method)(**step.request)
        except ParamValidationError as error:
            raise StepRefused(step.action, step.name, "ParamValidation", str(error)) from error
        except ClientError as error:
            if call.describe and is_taken(error):
                self._accept(client, call, step)
                return
            if step.action is Action.DELETE_MONITORING_SCHEDULE and is_missing(error):
                return
            if is_passing(error) or (is_missing(error) and step.action in _AFTER_ANOTHER):
                raise  # what an earlier step made may not be seen everywhere yet
            if is_busy(error):
                raise Busy(f"{step.action} of {step.name}: {said_by(error)}") from error
            raise StepRefused(step.action, step.name, code_of(error), said_by(error)) from error

    def reject(self, package_arn: str, reason: str) -> str:
        """Reject a version in the registry; returns why that was refused, or "".

        Raises passing faults.
        """
        try:
            self._clients["sagemaker"]().update_model_package(
                ModelPackageArn=package_arn,
                ModelApprovalStatus="Rejected",
                ApprovalDescription=reason[:1_024],
            )
        except ClientError as error:
            if is_passing(error):
                raise
            return "access denied" if is_denied(error) else said_by(error)
        return ""

    def _accept(self, client: Any, call: _Call, step: Step) -> None:
        """What has the name already must be what was to be made."""
        described = getattr(client, call.describe)(**{call.key: step.request[call.key]})
        wanted = {name: value for name, value in step.request.items() if name not in _NOT_DESCRIBED}
        difference = _difference(wanted, described)
        if difference and step.action is Action.CREATE_ENDPOINT:
            raise Busy(f"somebody else made the endpoint {step.name} at this moment")
        if difference:
            raise StepRefused(
                step.action,
                step.name,
                "NameTaken",
                f"something else has this name ({difference} differs)",
            )


def _difference(wanted: object, found: object, where: str = "") -> str:
    """Where `found` lacks what is wanted, or says otherwise; "" when it has all of it."""
    if isinstance(wanted, Mapping):
        if not isinstance(found, Mapping):
            return where or "it"
        for name, value in wanted.items():
            inner = _difference(value, found.get(name), f"{where}.{name}".lstrip("."))
            if inner:
                return inner
        return ""
    if isinstance(wanted, list | tuple):
        if not isinstance(found, list | tuple) or len(wanted) != len(found):
            return where
        if all(isinstance(one, str) for one in (*wanted, *found)):  # subnets, groups: sets, to the service
            return "" if sorted(wanted) == sorted(found) else where
        return next(
            (
                inner
                for index, (one, other) in enumerate(zip(wanted, found, strict=True))
                if (inner := _difference(one, other, f"{where}[{index}]"))
            ),
            "",
        )
    return "" if wanted == found else where
