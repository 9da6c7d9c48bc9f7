"""What a baselining job of Model Monitor leaves in S3: small valid documents.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-constraints.html
and model-monitor-byoc-statistics.html
"""

import json
from typing import Any

_ANALYZER = "sagemaker-model-monitor-analyzer"


def makes_baseline(job: dict[str, Any]) -> bool:
    """Whether a processing job runs Model Monitor's container on its own, not for a schedule."""
    image = job.get("AppSpecification", {}).get("ImageUri", "")
    return _ANALYZER in image and "sagemaker_monitoring_schedule_name" not in job.get("Environment", {})


def files(environment: dict[str, str]) -> dict[str, bytes]:
    """File name -> content."""
    if environment.get("analysis_type") == "MODEL_QUALITY":
        constraints, statistics = _model_quality(environment.get("problem_type", "BinaryClassification"))
    else:
        constraints, statistics = _data_quality()
    return {
        "constraints.json": json.dumps(constraints, indent=2).encode(),
        "statistics.json": json.dumps(statistics, indent=2).encode(),
    }


def _data_quality() -> tuple[dict[str, Any], dict[str, Any]]:
    constraints = {
        "version": 0.0,
        "features": [
            {
                "name": "_c0",
                "inferred_type": "Fractional",
                "completeness": 1.0,
                "num_constraints": {"is_non_negative": True},
            }
        ],
        "monitoring_config": {
            "evaluate_constraints": "Enabled",
            "emit_metrics": "Enabled",
            "datatype_check_threshold": 1.0,
            "domain_content_threshold": 1.0,
            "distribution_constraints": {
                "perform_comparison": "Enabled",
                "comparison_threshold": 0.1,
                "comparison_method": "Robust",
            },
        },
    }
    bucket = {"lower_bound": 0.0, "upper_bound": 1.0, "count": 100.0}
    numbers = {
        "common": {"num_present": 100, "num_missing": 0},
        "mean": 0.5,
        "sum": 50.0,
        "std_dev": 0.29,
        "min": 0.0,
        "max": 1.0,
        "distribution": {"kll": {"buckets": [bucket]}},
    }
    feature = {"name": "_c0", "inferred_type": "Fractional", "numerical_statistics": numbers}
    return constraints, {"version": 0.0, "dataset": {"item_count": 100}, "features": [feature]}


def _model_quality(problem_type: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """`problem_type` as the job's environment has it: `Regression`, `BinaryClassification`, ..."""
    if problem_type == "Regression":
        name, metrics, worse = "regression", {"mae": 0.5, "rmse": 0.6}, "GreaterThanThreshold"
    elif problem_type == "MulticlassClassification":
        name, metrics, worse = "multiclass_classification", {"accuracy": 0.9}, "LessThanThreshold"
    else:
        name, metrics, worse = "binary_classification", {"f1": 0.8, "recall": 0.7}, "LessThanThreshold"
    limits = {metric: {"threshold": value, "comparison_operator": worse} for metric, value in metrics.items()}
    values = {metric: {"value": value, "standard_deviation": 0.01} for metric, value in metrics.items()}
    dataset = {"item_count": 100, "evaluation_time": "2026-01-01T00:00:00.000Z"}
    return (
        {"version": 0.0, f"{name}_constraints": limits},
        {"version": 0.0, "dataset": dataset, f"{name}_metrics": values},
    )
