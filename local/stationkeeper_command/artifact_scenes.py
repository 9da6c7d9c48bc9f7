"""The demo's fourth story: one endpoint, the house-price models of four cities; three are published, one is refused until it is whole."""

import tarfile
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import shake_256
from io import BytesIO
from urllib.parse import urlsplit

from botocore.exceptions import ClientError
from embedded_aws.embedded import EmbeddedAws

from stationkeeper_command.errors import CommandError
from stationkeeper_command.models import Listing, Summary, Wanted, listed
from stationkeeper_command.release_scenes import BUCKET, IMAGE, MINUTE, pass_time
from stationkeeper_command.scenes import AccountScene
from stationkeeper_command.system import ROLE, STACK

ENDPOINT = "house-prices"
_DAY = 24 * 60 * MINUTE
_EL_PASO = "el-paso"


def artifact_scenes() -> list[AccountScene]:
    """From a night's training jobs for an endpoint that is there to the last of its models."""
    return [
        AccountScene(
            "A multi-model endpoint serves house prices; a night trains the models of four cities, and El Paso's upload is cut off",
            f"four training jobs tagged stationkeeper:multi-model-endpoint={ENDPOINT}, Austin's stationkeeper:target-model=Austin_TX too",
            _train_four_cities,
            ("ArtifactRejected",),
            _EL_PASO,
            _first_night_seen,
        ),
        AccountScene(
            "The next day Houston is trained again: its callers are sent to the new version, the old one stays",
            "aws sagemaker create-training-job --training-job-name houston-tx-2 ...",
            _retrain_houston,
            (),
            seen=_both_houstons_seen,
        ),
        AccountScene(
            "El Paso's job is run again, and this time its archive is whole",
            "aws sagemaker create-training-job --training-job-name elpaso-tx-2 ...",
            lambda system: _train(system, "elpaso-tx-2", "ElPaso_TX", archive("ElPaso_TX 2")),
            ("ArtifactPublished",),
            _EL_PASO,
            lambda system: [_called(system, "ElPaso_TX")],
        ),
    ]


def models_seen(system: EmbeddedAws) -> Listing:
    """What `stationkeeper models` lists; its ages are of the virtual clock. Boto3 knows the embedded AWS alone afterwards."""
    with listed(Wanted(), ENDPOINT, STACK, urlsplit(system.endpoint_url).port) as listing:
        models = list(listing.models)
    now, summary = datetime.fromtimestamp(system.clock.now(), UTC), Summary()
    for model in models:
        summary.add(model, now)
    return replace(listing, models=iter(models), summary=summary, now=now)


def make_endpoint(system: EmbeddedAws) -> None:
    """A multi-model endpoint; nothing lies under its prefix."""
    sagemaker = system.client("sagemaker")
    sagemaker.create_model(
        ModelName=ENDPOINT,
        PrimaryContainer={
            "Image": IMAGE,
            "Mode": "MultiModel",
            "ModelDataUrl": f"s3://{BUCKET}/{ENDPOINT}/",
        },
        ExecutionRoleArn=ROLE,
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName=ENDPOINT,
        ProductionVariants=[
            {
                "VariantName": "AllTraffic",
                "ModelName": ENDPOINT,
                "InstanceType": "ml.m5.xlarge",
                "InitialInstanceCount": 2,
                "InitialVariantWeight": 1.0,
            }
        ],
    )
    sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=ENDPOINT)
    system.settle()


def start_training(
    system: EmbeddedAws, job: str, city: str, artifact: bytes, *, named_by_tag: bool = False
) -> None:
    """Start a training job that will leave this artifact; its output path names the model, or a tag does."""
    path = f"s3://{BUCKET}/experiments" if named_by_tag else f"s3://{BUCKET}/model_artifacts/{city}"
    tags = {"stationkeeper:multi-model-endpoint": ENDPOINT}
    if named_by_tag:
        tags["stationkeeper:target-model"] = city
    system.client("sagemaker").create_training_job(
        TrainingJobName=job,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        RoleArn=ROLE,
        OutputDataConfig={"S3OutputPath": path},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 20},
        StoppingCondition={"MaxRuntimeInSeconds": 3_600},
        Tags=[{"Key": name, "Value": value} for name, value in tags.items()],
    )
    bucket, _, folder = path.removeprefix("s3://").partition("/")
    system.client("s3").put_object(Bucket=bucket, Key=f"{folder}/{job}/output/model.tar.gz", Body=artifact)


def archive(seed: str) -> bytes:
    """A model's artifact as SageMaker leaves it: a gzip tar, some 40 KB; other seeds give other models."""
    files = {
        "xgboost-model": shake_256(seed.encode()).digest(40_000),
        "code/inference.py": b"def predict_fn(data, model):\n    return model.predict(data)\n",
    }
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, BytesIO(content))
    return packed.getvalue()


def cut_off(whole: bytes) -> bytes:
    """What arrives of an archive whose upload ends early."""
    return whole[: len(whole) * 2 // 3]


def pointer(system: EmbeddedAws, model: str) -> str:
    """The `TargetModel` that callers of a model are sent to; "" when there is none."""
    try:
        found = system.client("ssm").get_parameter(Name=f"/stationkeeper/{ENDPOINT}/{model}")
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise
        return ""
    return str(found["Parameter"]["Value"])


def call(system: EmbeddedAws, target_model: str) -> str:
    """What the endpoint answers to a caller of this model.

    Raises
    ------
    CommandError
        The endpoint cannot load it, or it fails.
    """
    try:
        answer = system.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=ENDPOINT, TargetModel=target_model, ContentType="text/csv", Body=b"3,2,1850"
        )
    except ClientError as error:
        raise CommandError(f"{target_model} does not answer: {error}") from error
    return str(answer["Body"].read().decode())


def published(system: EmbeddedAws, model: str) -> list[str]:
    """The versions of a model that lie under the endpoint's prefix, oldest first, as callers name them."""
    prefix = f"{ENDPOINT}/"
    found = system.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}{model}/")
    return sorted(item["Key"].removeprefix(prefix) for item in found.get("Contents", []))


def _train_four_cities(system: EmbeddedAws) -> None:
    make_endpoint(system)
    start_training(system, "houston-tx-1", "Houston_TX", archive("Houston_TX 1"))
    start_training(system, "dallas-tx-1", "Dallas_TX", archive("Dallas_TX 1"))
    start_training(system, "austin-tx-1", "Austin_TX", archive("Austin_TX 1"), named_by_tag=True)
    start_training(system, "elpaso-tx-1", "ElPaso_TX", cut_off(archive("ElPaso_TX 1")))
    system.settle()


def _retrain_houston(system: EmbeddedAws) -> None:
    pass_time(system, _DAY)
    _train(system, "houston-tx-2", "Houston_TX", archive("Houston_TX 2"))


def _train(system: EmbeddedAws, job: str, city: str, artifact: bytes) -> None:
    start_training(system, job, city, artifact)
    system.settle()


def _first_night_seen(system: EmbeddedAws) -> list[str]:
    if pointer(system, "ElPaso_TX") or published(system, "ElPaso_TX"):
        raise CommandError("an archive that is cut off was published")
    answers = [_called(system, city) for city in ("Houston_TX", "Dallas_TX", "Austin_TX")]
    return [*answers, "ElPaso_TX: nothing is published, nobody is sent anywhere"]


def _both_houstons_seen(system: EmbeddedAws) -> list[str]:
    versions = published(system, "Houston_TX")
    if len(versions) != 2:
        raise CommandError(f"of Houston_TX there are not two versions, but {versions}")
    old, new = versions
    if pointer(system, "Houston_TX") != new:
        raise CommandError(f"callers of Houston_TX are not sent to {new}")
    return [_called(system, "Houston_TX"), f"who kept yesterday's pointer: {old} answers {call(system, old)}"]


def _called(system: EmbeddedAws, model: str) -> str:
    """What a caller of a model gets who follows the pointer."""
    target_model = pointer(system, model)
    if target_model not in published(system, model):
        raise CommandError(f"the pointer of {model} names {target_model or 'nothing'}, which is not there")
    return f"{model}: the pointer says {target_model}, which answers {call(system, target_model)}"
