"""What monitors compare with: constraints and statistics, wherever a baselining job or a check step left them."""

from dataclasses import dataclass

from stationkeeper.events.fields import Maybe, SageMakerModel, Text
from stationkeeper.reports.violation import Monitor


@dataclass(frozen=True, slots=True)
class Baseline:
    """S3 addresses of what a monitor compares with.

    Attributes
    ----------
    constraints_uri : the constraints file.
    statistics_uri : only the data-quality monitor reads them.
    config_uri : Clarify's analysis config; bias and explainability cannot run without.
    """

    constraints_uri: str
    statistics_uri: str | None = None
    config_uri: str | None = None


class BaselineFile(SageMakerModel):
    """A file in S3: `MetricsSource` and `FileSource` of the API."""

    s3_uri: Text = None
    content_type: Text = None


class DriftCheckBias(SageMakerModel):
    """`Bias`, as far as a monitor uses it and a reader asks for it."""

    config_file: Maybe[BaselineFile] = None
    pre_training_constraints: Maybe[BaselineFile] = None
    post_training_constraints: Maybe[BaselineFile] = None


class DriftCheckExplainability(SageMakerModel):
    """`Explainability`."""

    constraints: Maybe[BaselineFile] = None
    config_file: Maybe[BaselineFile] = None


class DriftCheckQuality(SageMakerModel):
    """`ModelQuality` and `ModelDataQuality`."""

    statistics: Maybe[BaselineFile] = None
    constraints: Maybe[BaselineFile] = None


class DriftCheckBaselines(SageMakerModel):
    """`DriftCheckBaselines` of a model package: what the checks of its version were measured with, kind by kind."""

    bias: Maybe[DriftCheckBias] = None
    explainability: Maybe[DriftCheckExplainability] = None
    model_quality: Maybe[DriftCheckQuality] = None
    model_data_quality: Maybe[DriftCheckQuality] = None


def drift_check_baselines(baselines: DriftCheckBaselines) -> dict[Monitor, Baseline]:
    """The baseline of each monitor that has constraints; the others are left out.

    Bias is judged by the post-training constraints: only they are about predictions.
    """
    bias = baselines.bias or DriftCheckBias()
    explainability = baselines.explainability or DriftCheckExplainability()
    model = baselines.model_quality or DriftCheckQuality()
    data = baselines.model_data_quality or DriftCheckQuality()
    files = {
        Monitor.DATA_QUALITY: (data.constraints, data.statistics, None),
        Monitor.MODEL_QUALITY: (model.constraints, model.statistics, None),
        Monitor.BIAS: (bias.post_training_constraints, None, bias.config_file),
        Monitor.EXPLAINABILITY: (explainability.constraints, None, explainability.config_file),
    }
    return {
        monitor: Baseline(
            constraints.s3_uri,
            statistics_uri=statistics.s3_uri if statistics else None,
            config_uri=config.s3_uri if config else None,
        )
        for monitor, (constraints, statistics, config) in files.items()
        if constraints and constraints.s3_uri
    }


def baseline_of(output_uri: str) -> Baseline:
    """What a data-quality baselining job writes to its output: `constraints.json` and `statistics.json`."""
    folder = output_uri.rstrip("/")
    return Baseline(f"{folder}/constraints.json", f"{folder}/statistics.json")
