"""Endpoints that host many models: each is loaded from its artifact at its first call, and stays loaded."""

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from embedded_aws.moto_additions.sagemaker import Outcome

from tests.embedded_aws.sagemaker_account import IMAGE, REGION, ROLE, Account, refused, variant
from tests.embedded_aws.test_sagemaker_jobs import train, trained

BUCKET = "models"
HOUSTON = "Houston_TX/2026-01-01.tar.gz"
MANY = {"Image": IMAGE, "Mode": "MultiModel", "ModelDataUrl": f"s3://{BUCKET}/houses/"}
ONE = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/one.tar.gz"}


def host(account: Account, **model: Any) -> None:
    """`churn`, in service with this model."""
    # What asks once sees every answer: boto3 tries again by itself when a model is not ready.
    account.runtime = boto3.client("sagemaker-runtime", config=Config(retries={"total_max_attempts": 1}))
    account.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    account.sagemaker.create_model(
        ModelName="model-1", ExecutionRoleArn=ROLE, **model or {"PrimaryContainer": MANY}
    )
    account.endpoint()


def put(account: Account, target: str = HOUSTON, body: bytes = b"first") -> str:
    return account.s3.put_object(Bucket=BUCKET, Key=f"houses/{target}", Body=body)["ETag"]


def ask(account: Account, target: str | None = HOUSTON, **more: Any) -> bytes:
    request = {"TargetModel": target, **more} if target else more
    answer = account.runtime.invoke_endpoint(EndpointName="churn", Body=b"1", **request)
    return answer["Body"].read()


def test_model_answers_once_its_artifact_is_there(account: Account) -> None:
    host(account)

    with refused(
        f"Failed to download model data(bucket: {BUCKET}, key: houses/{HOUSTON}). Please ensure that there is an "
        "object located at the URL",
        "ValidationError",
    ):
        ask(account)
    put(account)

    assert ask(account) == b'{"predictions": [0.5]}'


@pytest.mark.parametrize(
    ("prefix", "key"),
    [
        ("s3://models/houses/", "houses/a.tar.gz"),
        ("s3://models/houses", "houses/a.tar.gz"),
        ("s3://models/", "a.tar.gz"),
        ("s3://models", "a.tar.gz"),
    ],
)
def test_artifacts_lie_under_the_prefix(account: Account, prefix: str, key: str) -> None:
    host(account, PrimaryContainer=MANY | {"ModelDataUrl": prefix})
    account.s3.put_object(Bucket=BUCKET, Key=key, Body=b"")

    assert ask(account, "a.tar.gz")


def test_artifact_may_be_meant_by_a_data_source(account: Account) -> None:
    source = {"S3Uri": "s3://models/houses/", "S3DataType": "S3Prefix", "CompressionType": "Gzip"}
    container = {"Image": IMAGE, "Mode": "MultiModel", "ModelDataSource": {"S3DataSource": source}}
    host(account, PrimaryContainer=container)
    put(account)

    assert ask(account)


@pytest.mark.parametrize("containers", [[MANY, ONE], [ONE, MANY]])
def test_pipeline_hosts_many_models_in_one_of_its_containers(
    account: Account, containers: list[dict[str, Any]]
) -> None:
    host(account, Containers=containers)
    put(account)

    assert ask(account)
    with refused("Failed to download model data", "ValidationError"):
        ask(account, "Austin_TX/2026-01-01.tar.gz")


def test_deleted_artifact_and_missing_bucket_are_no_artifacts(account: Account) -> None:
    host(account)
    account.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    put(account)
    account.s3.delete_object(Bucket=BUCKET, Key=f"houses/{HOUSTON}")
    account.model("elsewhere", PrimaryContainer=MANY | {"ModelDataUrl": "s3://nobodys/houses/"})
    account.config("churn-2", variant(model="elsewhere"))

    with refused(f"bucket: {BUCKET}", "ValidationError"):
        ask(account)
    account.update("churn-2")
    account.sim.settle()
    with refused("bucket: nobodys", "ValidationError"):
        ask(account)


def test_target_model_is_for_multi_model_endpoints_and_needed_there(account: Account) -> None:
    host(account, PrimaryContainer=ONE)
    account.model("many", PrimaryContainer=MANY)
    account.config("churn-2", variant(model="many"))

    with refused(
        "Endpoint churn is not a multi-model endpoint and does not support target model header.",
        "ValidationError",
    ):
        ask(account)
    account.update("churn-2")
    account.sim.settle()
    with refused("is missing a target model header.", "ValidationError"):
        ask(account, None)


def test_model_is_not_ready_as_often_as_planned(account: Account) -> None:
    host(account)
    put(account)
    put(account, "Austin_TX/1.tar.gz")
    account.sim.plan_model_load("churn", "Houston_TX/*", not_ready=2)

    for _ in range(2):
        with pytest.raises(ClientError) as raised:
            ask(account)
        assert raised.value.response["Error"]["Code"] == "ModelNotReadyException"
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
        assert account.sim.loaded_models("churn") == {}

    assert ask(account)
    assert ask(account)
    assert ask(account, "Austin_TX/1.tar.gz")


def test_model_without_artifact_is_not_on_its_way(account: Account) -> None:
    host(account)
    account.sim.plan_model_load("churn", not_ready=1)

    with refused("Failed to download", "ValidationError"):
        ask(account)
    put(account)

    with refused("not ready", "ModelNotReadyException"):
        ask(account)


def test_model_that_cannot_be_loaded_is_a_model_error_until_it_can(account: Account) -> None:
    host(account)
    put(account)
    account.sim.plan_model_load("churn", HOUSTON, error="cannot unpickle")

    for _ in range(2):
        with pytest.raises(ClientError) as raised:
            ask(account)
        response = raised.value.response
        assert response["Error"]["Code"] == "ModelError"
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
        assert (response["OriginalStatusCode"], response["OriginalMessage"]) == (500, "cannot unpickle")
    account.sim.plan_model_load("churn", HOUSTON)

    assert ask(account)


def test_loaded_model_answers_a_planned_error(account: Account) -> None:
    host(account)
    put(account)
    account.sim.plan_model_load("churn", not_ready=1)
    account.sim.plan_invocation("churn", 400, "no such column")

    with refused("not ready", "ModelNotReadyException"):
        ask(account)
    with refused('Received client error (400) from primary with message "no such column"', "ModelError"):
        ask(account)
    assert ask(account)


def test_overwritten_artifact_leaves_the_old_model_in_memory(account: Account) -> None:
    host(account)
    first = put(account)
    ask(account)

    second = put(account, body=b"second")
    ask(account)

    assert account.sim.loaded_models("churn") == {HOUSTON: first}
    assert first != second
    account.s3.delete_object(Bucket=BUCKET, Key=f"houses/{HOUSTON}")
    assert ask(account)


def test_plans_do_not_touch_what_is_loaded(account: Account) -> None:
    host(account)
    put(account)
    ask(account)

    account.sim.plan_model_load("churn", error="too late")

    assert ask(account)


def test_new_fleet_loads_afresh_and_one_that_never_came_does_not(account: Account) -> None:
    host(account)
    first = put(account)
    ask(account)
    second = put(account, body=b"second")
    for number in (2, 3):
        account.config(f"churn-{number}")

    account.sim.plan_outcome("churn", Outcome.ROLLS_BACK)
    account.update("churn-2")
    account.sim.settle()
    rolled_back = account.sim.loaded_models("churn")
    account.update("churn-3")
    account.sim.settle()
    updated = account.sim.loaded_models("churn")
    ask(account)

    assert (rolled_back, updated) == ({HOUSTON: first}, {})
    assert account.sim.loaded_models("churn") == {HOUSTON: second}


def test_variants_load_for_themselves(account: Account) -> None:
    account.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    account.model("many", PrimaryContainer=MANY)
    account.endpoint(variant("A", model="many"), variant("B", model="many"))
    put(account)
    ask(account, TargetVariant="A")
    account.s3.delete_object(Bucket=BUCKET, Key=f"houses/{HOUSTON}")

    assert ask(account, TargetVariant="A")
    with refused("Failed to download", "ValidationError"):
        ask(account, TargetVariant="B")


def test_endpoint_goes_on_without_its_model_resource(account: Account) -> None:
    host(account)
    put(account)

    account.sagemaker.delete_model(ModelName="model-1")

    assert ask(account)


def test_deleted_endpoint_has_no_models(account: Account) -> None:
    host(account)
    put(account)
    ask(account)

    account.sagemaker.delete_endpoint(EndpointName="churn")
    account.sim.settle()

    assert account.sim.loaded_models("churn") == {}


def test_artifact_of_a_training_job_becomes_a_model(account: Account) -> None:
    host(account)
    train(account, OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/jobs/"})
    account.sim.settle()
    artifact = trained(account)["ModelArtifacts"]["S3ModelArtifacts"]
    assert artifact == f"s3://{BUCKET}/jobs/Train-1/output/model.tar.gz"
    # The simulated job leaves nothing there: a test puts what it needs.
    account.s3.put_object(Bucket=BUCKET, Key="jobs/Train-1/output/model.tar.gz", Body=b"weights")

    account.s3.copy_object(Bucket=BUCKET, Key=f"houses/{HOUSTON}", CopySource=artifact.removeprefix("s3://"))

    assert ask(account)
