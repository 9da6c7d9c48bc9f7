"""What check steps of a pipeline tell besides their job: baselines, the report, whether they were skipped.

Which baseline a check step hands on:
https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-quality-clarify-baseline-lifecycle.html
"""

from typing import Any

from moto.sagemaker.models import SageMakerModelBackend

from embedded_aws.moto_additions.sagemaker.model_packages import packages_of
from embedded_aws.moto_additions.sagemaker.pipeline_definition import Step
from embedded_aws.moto_additions.sagemaker.pipeline_scope import Scope
from embedded_aws.moto_additions.sagemaker.wire import given

# Type of check -> where a version's `DriftCheckBaselines` have its constraints (and statistics).
_BASELINES = {
    "DATA_QUALITY": ("ModelDataQuality", "Constraints"),
    "MODEL_QUALITY": ("ModelQuality", "Constraints"),
    "DATA_BIAS": ("Bias", "PreTrainingConstraints"),
    "MODEL_BIAS": ("Bias", "PostTrainingConstraints"),
    "MODEL_EXPLAINABILITY": ("Explainability", "Constraints"),
}


def skipped(step: Step, scope: Scope) -> bool:
    return _flag(step, scope, "SkipCheck")


def metadata(
    backend: SageMakerModelBackend, step: Step, scope: Scope, job_arn: str, *, violated: bool
) -> dict[str, Any]:
    """The step's own part of its metadata, in the API's names."""
    fields = {name: scope.resolve(value) for name, value in step.fields.items() if name != "Arguments"}
    folder = _folder(scope.resolve(step.arguments))
    fresh = {"Statistics": f"{folder}/statistics.json", "Constraints": f"{folder}/constraints.json"}
    if step.type == "ClarifyCheck":
        fresh = {"Constraints": f"{folder}/analysis.json"}
    check_type = str(fields.get("CheckType", ""))
    group = fields.get("ModelPackageGroupName")
    renewed = _flag(step, scope, "RegisterNewBaseline")
    earlier = _supplied(fields) or _registered(backend, group, check_type)
    used = fresh if renewed else fresh | earlier
    return given(
        CheckType=check_type,
        ModelPackageGroupName=group,
        ViolationReport=f"{folder}/constraint_violations.json" if violated else None,
        CheckJobArn=job_arn,
        SkipCheck=skipped(step, scope),
        RegisterNewBaseline=renewed,
        **{f"CalculatedBaseline{name}": uri for name, uri in fresh.items()},
        **{f"BaselineUsedForDriftCheck{name}": uri for name, uri in used.items() if name in fresh},
    )


def _flag(step: Step, scope: Scope, name: str) -> bool:
    value = scope.resolve(step.fields.get(name, step.arguments.get(name, False)))
    return value is True or str(value).lower() == "true"


def _folder(arguments: dict[str, Any]) -> str:
    """Where the job leaves its files."""
    for output in arguments.get("ProcessingOutputConfig", {}).get("Outputs", []):
        if uri := output.get("S3Output", {}).get("S3Uri"):
            return str(uri).rstrip("/")
    return "s3:/"


def _supplied(fields: dict[str, Any]) -> dict[str, str]:
    names = {name: fields.get(f"SuppliedBaseline{name}") for name in ("Statistics", "Constraints")}
    return {name: str(uri) for name, uri in names.items() if uri}


def _registered(backend: SageMakerModelBackend, group: str | None, check_type: str) -> dict[str, str]:
    """The baselines of the newest approved version that has some."""
    kind, constraints = _BASELINES.get(check_type, ("", ""))
    versions = sorted(
        (it for it in packages_of(backend).values() if it.group is not None and it.group == group),
        key=lambda it: it.version or 0,
        reverse=True,
    )
    for version in versions:
        found = version.fields.get("DriftCheckBaselines", {}).get(kind, {})
        if version.fields.get("ModelApprovalStatus") == "Approved" and found:
            members = {"Statistics": found.get("Statistics"), "Constraints": found.get(constraints)}
            return {name: item["S3Uri"] for name, item in members.items() if item}
    return {}
