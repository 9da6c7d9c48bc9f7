"""How a training job's model becomes a version: what the registry is asked for, once, and when it cannot be."""

import math
import re
import unicodedata
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from stationkeeper.jobs.registration import (
    Impossible,
    Registered,
    Registration,
    TrainingJob,
    plan_registration,
)
from stationkeeper.releases.registry import METRIC_PROPERTY, ModelPackage

from tests.unit.builders import hostile_text
from tests.unit.release_builders import ACCOUNT, GROUP, IMAGE, NOW, REGION, package_arn
from tests.unit.test_monitoring import assert_taken

SAGEMAKER = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
JOB = "churn-2026-11-23-12-00-00-000"
JOB_ARN = f"{SAGEMAKER}:training-job/{JOB.lower()}"
TUNING_ARN = f"{SAGEMAKER}:hyper-parameter-tuning-job/churn-tuning"
ARTIFACT = f"s3://models/{JOB}/output/model.tar.gz"
SERVING_IMAGE = IMAGE.replace("xgboost", "serving")


def job(metrics: dict[str, float] | None = None, **more: Any) -> TrainingJob:
    """A completed training job, as DescribeTrainingJob answers."""
    facts: dict[str, Any] = {
        "TrainingJobName": JOB,
        "TrainingJobArn": JOB_ARN,
        "TrainingJobStatus": "Completed",
        "ModelArtifacts": {"S3ModelArtifacts": ARTIFACT},
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": {"max_depth": "5", "empty": None},
        "FinalMetricDataList": [
            {"MetricName": name, "Value": value, "Timestamp": NOW}
            for name, value in ({"validation:auc": 0.91} if metrics is None else metrics).items()
        ],
        "TrainingEndTime": NOW,
    }
    return TrainingJob.model_validate({**facts, **more})


def registration(of: TrainingJob | None = None, source_arn: str = JOB_ARN, image: str = "") -> Registration:
    plan = plan_registration(of or job(), source_arn, GROUP, image, ())
    assert isinstance(plan, Registration)
    return plan


def properties(of: TrainingJob) -> dict[str, str]:
    return dict(registration(of).request.get("CustomerMetadataProperties", {}))


def in_registry(text: str) -> bool:
    """Whether a text is of [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]: Python's patterns have no such classes."""
    return all(character in "_.:/=+-@" or unicodedata.category(character)[0] in "LZN" for character in text)


def assert_registrable(plan: Registration) -> None:
    """The registry takes the request, in the letters its own model leaves to Java."""
    request = dict(plan.request)
    assert_taken("CreateModelPackage", request)
    assert re.fullmatch("[a-zA-Z0-9-]{1,36}", request["ClientToken"])
    description = request["ModelPackageDescription"]
    assert 1 <= len(description) <= 1_024
    assert all(unicodedata.category(character)[0] in "LMZSNP" for character in description)
    known = request.get("CustomerMetadataProperties", {})
    assert len(known) <= 50
    for key, value in known.items():
        assert 1 <= len(key) <= 128
        assert 1 <= len(value) <= 256
        assert in_registry(value), value
        assert in_registry(key), key


# ---------------------------------------------------------------- the request


def test_version_is_made_of_the_jobs_artifact_image_and_metrics():
    plan = registration(job({"validation:auc": 0.91, "train:loss": 1e-12}))

    request = dict(plan.request)
    assert re.fullmatch(rf"Trained by {JOB} \[[0-9a-f]{{12}}\]", request.pop("ModelPackageDescription"))
    assert re.fullmatch("[0-9a-f]{32}", request.pop("ClientToken"))
    assert request == {
        "ModelPackageGroupName": GROUP,
        "InferenceSpecification": {"Containers": [{"Image": IMAGE, "ModelDataUrl": ARTIFACT}]},
        "ModelApprovalStatus": "PendingManualApproval",
        "MetadataProperties": {"GeneratedBy": JOB_ARN},
        "CustomerMetadataProperties": {"metric:validation:auc": "0.91", "metric:train:loss": "1e-12"},
    }
    assert plan.metrics == {"validation:auc": 0.91, "train:loss": 1e-12}
    assert_registrable(plan)


def test_image_that_serves_goes_before_the_one_that_trained():
    plan = registration(image=SERVING_IMAGE)

    assert plan.request["InferenceSpecification"]["Containers"][0]["Image"] == SERVING_IMAGE


def test_best_of_a_tuning_job_says_whose_best_it_is():
    plan = registration(source_arn=TUNING_ARN)

    assert plan.request["MetadataProperties"] == {"GeneratedBy": TUNING_ARN}
    assert (
        f"Trained by {JOB}, the best of the tuning job churn-tuning ["
        in plan.request["ModelPackageDescription"]
    )
    assert_registrable(plan)


def test_job_is_its_own_source_however_its_arn_is_spelled():
    plan = registration(source_arn=JOB_ARN.replace(JOB.lower(), JOB.upper()))

    assert "the best of" not in plan.request["ModelPackageDescription"]
    assert plan.request["ClientToken"] == registration().request["ClientToken"]


def test_token_is_the_same_for_the_same_job_and_group_only():
    def token(source_arn: str, group: str) -> str:
        plan = plan_registration(job(), source_arn, group, "", ())
        assert isinstance(plan, Registration)
        return str(plan.request["ClientToken"])

    assert token(JOB_ARN, GROUP) == token(JOB_ARN.upper(), GROUP)
    assert len({token(JOB_ARN, GROUP), token(TUNING_ARN, GROUP), token(JOB_ARN, "fraud")}) == 3


# ---------------------------------------------------------------- once


def registered(number: int, description: str) -> Registered:
    return Registered(package_arn(number), description, NOW - timedelta(hours=number))


def test_job_that_was_registered_is_found_by_the_marker():
    made = registered(8, str(registration().request["ModelPackageDescription"]))
    others = [
        registered(9, ""),
        registered(7, str(registration(source_arn=TUNING_ARN).request["ModelPackageDescription"])),
        registered(6, f"Trained by {JOB} [000000000000]"),
    ]

    assert plan_registration(job(), JOB_ARN, GROUP, "", [*others, made]) == made
    assert plan_registration(job(), JOB_ARN.upper(), GROUP, SERVING_IMAGE, iter([made])) == made
    assert isinstance(plan_registration(job(), JOB_ARN, GROUP, "", others), Registration)


def test_description_people_wrote_around_the_marker_is_found():
    made = registered(8, f"Note: {registration().request['ModelPackageDescription']} (checked)")

    assert plan_registration(job(), JOB_ARN, GROUP, "", (made,)) == made


def test_registered_version_is_found_though_the_job_is_not_what_it_was():
    made = registered(8, str(registration().request["ModelPackageDescription"]))

    assert plan_registration(job(ModelArtifacts=None), JOB_ARN, GROUP, "", (made,)) == made


@given(st.text("abcXYZ019-", min_size=1, max_size=63), st.text("abcXYZ019-", min_size=1, max_size=63))
def test_marker_is_never_cut_off(name: str, other: str):
    source = f"{SAGEMAKER}:hyper-parameter-tuning-job/{other}"
    of = job(TrainingJobName=name)
    made = registered(8, str(registration(of, source).request["ModelPackageDescription"]))

    assert plan_registration(of, source, GROUP, "", (made,)) == made


# ---------------------------------------------------------------- what cannot be


@pytest.mark.parametrize("artifacts", [None, "", {}, {"S3ModelArtifacts": ""}, {"S3ModelArtifacts": None}])
def test_job_without_an_artifact_becomes_no_version(artifacts: Any):
    assert plan_registration(job(ModelArtifacts=artifacts), JOB_ARN, GROUP, IMAGE, ()) == Impossible(
        f"The training job {JOB} left no model artifact."
    )


@pytest.mark.parametrize(
    "algorithm", [None, {}, {"AlgorithmName": "arn:of-the-marketplace"}, {"TrainingImage": ""}]
)
def test_job_without_an_image_becomes_a_version_only_with_one_of_a_tag(algorithm: Any):
    of = job(AlgorithmSpecification=algorithm)

    plan = plan_registration(of, JOB_ARN, GROUP, "", ())

    assert isinstance(plan, Impossible)
    assert JOB in plan.why
    assert "stationkeeper:inference-image" in plan.advice
    assert_registrable(registration(of, image=SERVING_IMAGE))


@pytest.mark.parametrize("lacking", ["TrainingJobName", "TrainingJobArn"])
def test_answer_that_names_no_job_is_refused(lacking: str):
    with pytest.raises(ValidationError, match=lacking):
        job(None, **{lacking: ""})


# ---------------------------------------------------------------- metrics


def test_metrics_that_are_no_numbers_are_left_out():
    of = job({"auc": 0.9, "nan": math.nan, "up": math.inf, "down": -math.inf, "zero": 0.0})

    assert of.metrics == {"auc": 0.9, "zero": 0.0}
    assert properties(of) == {"metric:auc": "0.9", "metric:zero": "0"}


def test_at_most_forty_metrics_are_kept():
    of = job({f"m{number}": math.nan if number < 10 else number for number in range(100)})

    assert list(of.metrics) == [f"m{number}" for number in range(10, 50)]
    assert_registrable(registration(of))


@pytest.mark.parametrize("final", [None, "", []])
def test_job_without_metrics_sends_no_empty_map(final: Any):
    plan = registration(job(FinalMetricDataList=final))

    assert plan.metrics == {}
    assert_taken("CreateModelPackage", dict(plan.request))
    assert plan.request.get("CustomerMetadataProperties") != {}


@pytest.mark.parametrize("value", [0.1 + 0.2, -0.0, 1e300, -1e-300, 123_456_789.123, 5e-324])
def test_numbers_are_written_as_the_registry_takes_and_gives_them_back(value: float):
    plan = registration(job({"auc": value}))

    assert_registrable(plan)
    assert float(plan.request["CustomerMetadataProperties"]["metric:auc"]) == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("validation:auc", "validation:auc"),
        ("recall@10", "recall@10"),
        ("f1 score", "f1 score"),
        ("f1-(macro)", "f1--macro-"),
        ("loss %", "loss -"),
        ("a\tb\nc", "a b c"),
        ("Genauigkeit für Köln", "Genauigkeit für Köln"),
        ("精度", "精度"),
        ("m²", "m²"),
        ("\x00", "-u0000"),
        ("$(reboot)'\"\\`;|&<>", "--reboot----------"),
    ],
)
def test_names_are_written_as_the_registry_takes_them(name: str, key: str):
    of = job({name: 1.0})

    assert properties(of) == {f"metric:{key}": "1"}
    assert_registrable(registration(of))


@pytest.mark.parametrize("name", ["x" * 255, "x y " * 60, "特" * 255, " ", "😀" * 3])
def test_names_fit(name: str):
    [key] = properties(job({name: 1.0}))

    assert key.startswith(METRIC_PROPERTY)
    assert len(key) <= 128


@pytest.mark.parametrize(
    "name", ["F1\u2013score", "temperature °C", "cost €", "cafe\u0301", "§5", "“quoted”", "a·b", "😀", "a…"]
)
def test_names_beyond_ascii_are_written_as_the_registry_takes_them(name: str):
    assert_registrable(registration(job({name: 1.0})))


@given(
    st.dictionaries(st.text(st.characters(codec="ascii"), min_size=1, max_size=60), st.floats(), max_size=60)
)
def test_registry_takes_whatever_ascii_metrics_are_called(metrics: dict[str, float]):
    plan = registration(job(metrics))

    if plan.metrics:
        assert_registrable(plan)
    assert len(plan.metrics) <= 40
    assert all(math.isfinite(value) for value in plan.metrics.values())


encodable = hostile_text(visible=True).map(lambda text: text.encode("utf-8", "replace").decode())


@given(st.dictionaries(encodable, st.floats(), max_size=5))
def test_request_can_always_be_sent_whatever_metrics_are_called(metrics: dict[str, float]):
    plan = registration(job(metrics))

    for key in plan.request.get("CustomerMetadataProperties", {}):
        key.encode()
        assert key.isprintable()
        assert len(key) <= 128


def test_metrics_whose_names_become_the_same_make_one_valid_request():
    of = job({"f1 (macro)": 0.5, "f1 [macro]": 0.7})

    assert of.metrics == {"f1 (macro)": 0.5, "f1 [macro]": 0.7}
    assert_registrable(registration(of))


@pytest.mark.parametrize(
    "names", [("f1 (macro)", "f1 [macro]"), ("a" * 120 + "1", "a" * 120 + "2"), ("a b", "a  b")]
)
def test_metrics_whose_names_become_the_same_are_both_kept(names: tuple[str, str]):
    of = job(dict(zip(names, (0.5, 0.7), strict=True)))

    assert sorted(properties(of).values()) == ["0.5", "0.7"]


def test_registered_metrics_are_read_back_for_the_approval_message():
    plan = registration(job({"validation:auc": 0.91, "train:loss": 0.25}))

    version = ModelPackage.model_validate(
        {
            "ModelPackageArn": package_arn(8),
            "ModelPackageVersion": 8,
            "CustomerMetadataProperties": plan.request["CustomerMetadataProperties"],
            "MetadataProperties": plan.request["MetadataProperties"],
        }
    )

    assert version.noted_metrics == plan.metrics
    assert version.generated_by == JOB_ARN
