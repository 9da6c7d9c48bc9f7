"""Search for training jobs: by any property, combined any way, in order and in pages."""

from datetime import datetime
from typing import Any

import pytest

from tests.embedded_aws.sagemaker_account import Account, refused
from tests.embedded_aws.test_sagemaker_jobs import DEFINITION, train, trained, tune

TAG = "stationkeeper:multi-model-endpoint"


def tagged(**tags: str) -> list[dict[str, str]]:
    return [{"Key": TAG if key == "endpoint" else key, "Value": value} for key, value in tags.items()]


@pytest.fixture
def jobs(account: Account) -> Account:
    """`houston` and `austin` completed, one after the other, `failed` did not; `plain` runs and has no tags."""
    account.sim.plan_job_outcome("failed", ok=False)
    account.sim.plan_job_outcome("houston", ok=True, metrics={"validation:rmse": 0.2})
    account.sim.plan_job_outcome("austin", ok=True, metrics={"validation:rmse": 0.9})
    train(account, "houston", Tags=tagged(endpoint="houses", team="a"), HyperParameters={"eta": "0.1"})
    account.sim.settle()
    train(account, "austin", Tags=tagged(endpoint="flats"), HyperParameters={"eta": "1.5", "kind": "dart"})
    account.sim.settle()
    train(account, "failed", Tags=tagged(endpoint="houses"), HyperParameters={})
    account.sim.settle()
    train(account, "plain", Tags=[], HyperParameters={})
    return account


def query(name: str, operator: str | None = None, value: str | None = None) -> dict[str, Any]:
    given = {"Name": name, "Operator": operator, "Value": value}
    return {key: item for key, item in given.items() if item is not None}


def search(account: Account, *filters: dict[str, Any], **expression: Any) -> list[str]:
    """Names of the jobs found, in order of their names."""
    if filters:
        expression["Filters"] = list(filters)
    answer = account.sagemaker.search(Resource="TrainingJob", SearchExpression=expression)
    return sorted(found["TrainingJob"]["TrainingJobName"] for found in answer["Results"])


def documented(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


def test_result_is_the_whole_job_with_its_tags(jobs: Account) -> None:
    answer = jobs.sagemaker.search(
        Resource="TrainingJob", SearchExpression={"Filters": [query("TrainingJobName", "Equals", "houston")]}
    )

    [found] = [result["TrainingJob"] for result in answer["Results"]]
    described = trained(jobs, "houston")
    del described["ResponseMetadata"]
    assert {name: found[name] for name in described} == described
    assert found["Tags"] == [{"Key": TAG, "Value": "houses"}, {"Key": "team", "Value": "a"}]
    assert found["ModelArtifacts"]["S3ModelArtifacts"] == "s3://bucket/models/houston/output/model.tar.gz"
    assert found["OutputDataConfig"] == DEFINITION["OutputDataConfig"]
    assert found["TrainingEndTime"] == found["LastModifiedTime"] > found["CreationTime"]
    assert answer["TotalHits"] == {"Value": 1, "Relation": "EqualTo"}
    assert "NextToken" not in answer


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        (query("TrainingJobStatus", None, "Completed"), ["austin", "houston"]),
        (query("TrainingJobStatus", "NotEquals", "Completed"), ["failed", "plain"]),
        (query("TrainingJobStatus", "In", "Failed,InProgress"), ["failed", "plain"]),
        (query("TrainingJobName", "Contains", "ust"), ["austin", "houston"]),
        (query(f"Tags.{TAG}", "Exists"), ["austin", "failed", "houston"]),
        (query(f"Tags.{TAG}", "NotExists"), ["plain"]),
        (query(f"Tags.{TAG}", "Equals", "houses"), ["failed", "houston"]),
        (query(f"Tags.{TAG}", "In", "flats,sheds"), ["austin"]),
        (query("Tags.team", "Exists"), ["houston"]),
        (query("TrainingEndTime", "Exists"), ["austin", "failed", "houston"]),
        (query("ModelArtifacts", "Exists"), ["austin", "houston"]),
        (query("ModelArtifacts.S3ModelArtifacts", "Contains", "/austin/"), ["austin"]),
        (query("OutputDataConfig.S3OutputPath", "Equals", "s3://bucket/nowhere"), []),
        (query("InputDataConfig.ChannelName", "Equals", "train"), ["austin", "failed", "houston", "plain"]),
        (query("HyperParameters.eta", "LessThan", "0.5"), ["houston"]),
        (query("HyperParameters.eta", "Equals", "1"), ["austin"]),  # as an integer, 1.5 is 1
        (query("HyperParameters.kind", "Equals", "dart"), ["austin"]),
        (query("HyperParameters.kind", "GreaterThan", "1.0"), []),
        (query("Metrics.validation:rmse", "GreaterThan", "0.5"), ["austin"]),
        (query("TrainingTimeInSeconds", "GreaterThanOrEqualTo", "600"), ["austin", "failed", "houston"]),
        (query("ResourceConfig.InstanceCount", "LessThanOrEqualTo", "0"), []),
        (query("EnableManagedSpotTraining", "Exists"), []),
    ],
)
def test_condition_finds(jobs: Account, condition: dict[str, Any], names: list[str]) -> None:
    assert search(jobs, condition) == names


@pytest.mark.parametrize("property_name", ["LastModifiedTime", "TrainingEndTime", "CreationTime"])
def test_times_are_compared(jobs: Account, property_name: str) -> None:
    # Whole seconds are all a value can say; the jobs are minutes apart.
    moment = documented(trained(jobs, "austin")[property_name])

    assert "houston" in search(jobs, query(property_name, "LessThan", moment))
    assert "austin" not in search(jobs, query(property_name, "LessThan", moment))
    assert {"austin", "failed"} <= set(search(jobs, query(property_name, "GreaterThanOrEqualTo", moment)))
    assert "houston" not in search(jobs, query(property_name, "GreaterThan", moment))


def test_conditions_are_joined_by_and_unless_it_is_or(jobs: Account) -> None:
    completed = query("TrainingJobStatus", "Equals", "Completed")
    houses = query(f"Tags.{TAG}", "Equals", "houses")

    assert search(jobs, completed, houses) == ["houston"]
    assert search(jobs, completed, houses, Operator="And") == ["houston"]
    assert search(jobs, completed, houses, Operator="Or") == ["austin", "failed", "houston"]


def test_expressions_lie_within_expressions(jobs: Account) -> None:
    either = {
        "Operator": "Or",
        "Filters": [query("Tags.team", "Exists"), query("TrainingJobStatus", "Equals", "Failed")],
    }
    ended = {"Filters": [query("TrainingEndTime", "Exists")]}

    assert search(jobs, SubExpressions=[either, ended]) == ["failed", "houston"]
    assert search(jobs, query("TrainingJobName", "NotEquals", "failed"), SubExpressions=[either]) == [
        "houston"
    ]


def test_nested_filters_match_within_one_channel(account: Account) -> None:
    def channel(name: str, uri: str) -> dict[str, Any]:
        source = {"S3DataType": "S3Prefix", "S3Uri": uri}
        return {"ChannelName": name, "DataSource": {"S3DataSource": source}}

    train(account, "one", InputDataConfig=[channel("train", "s3://b/cats"), channel("test", "s3://b/dogs")])

    def found(name: str, uri: str) -> list[str]:
        filters = [
            query("InputDataConfig.ChannelName", "Equals", name),
            query("InputDataConfig.DataSource.S3DataSource.S3Uri", "Contains", uri),
        ]
        nested = {"NestedPropertyName": "InputDataConfig", "Filters": filters}
        return search(account, NestedFilters=[nested])

    assert (found("train", "cats"), found("train", "dogs")) == (["one"], [])


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ([query("TrialName", "Equals", "x")], "Unknown property name: TrialName"),
        ([query("ModelArtifacts.Nothing", "Exists")], "Unknown property name: ModelArtifacts.Nothing"),
        ([query("TrainingJobName", "GreaterThan", "x")], "not supported for text property"),
        ([query("CreationTime", "Contains", "2026")], "only supported for text properties"),
        ([query("CreationTime", "LessThan", "yesterday")], "Invalid value yesterday"),
        ([query("CreationTime", "LessThan", "1767225600")], "Invalid value"),
        ([query("CreationTime", "LessThan", "2026-01-01T00:00:00.123456+00:00")], "Invalid value"),
        ([query("CreationTime", "LessThan")], "needs a value"),
        (
            [query("TrainingJobName", "Contains", "a"), query("FailureReason", "Contains", "b")],
            "'CONTAINS' operator usage limit of 1 exceeded.",
        ),
    ],
)
def test_expression_that_cannot_be_is_refused(
    account: Account, conditions: list[dict[str, Any]], message: str
) -> None:
    with refused(message):
        search(account, *conditions)


def test_expression_has_one_to_fifty_conditions(account: Account) -> None:
    with refused("at least one"):
        search(account)
    many = [{"Filters": [query("TrainingJobName", "Equals", "x")] * 17}] * 3
    with refused("50"):
        search(account, SubExpressions=many)


def test_order_is_the_latest_change_first_unless_said_otherwise(jobs: Account) -> None:
    def names(**how: str) -> list[str]:
        results = jobs.sagemaker.search(Resource="TrainingJob", **how)["Results"]
        return [result["TrainingJob"]["TrainingJobName"] for result in results]

    assert names() == ["plain", "failed", "austin", "houston"]
    assert names(SortOrder="Ascending") == ["houston", "austin", "failed", "plain"]
    assert names(SortBy="TrainingJobName", SortOrder="Ascending") == ["austin", "failed", "houston", "plain"]
    # What has none comes last either way.
    assert names(SortBy="TrainingEndTime", SortOrder="Ascending")[-1] == "plain"
    assert names(SortBy="TrainingEndTime")[-1] == "plain"
    assert names(SortBy="Metrics.validation:rmse")[:2] == ["austin", "houston"]
    with refused("Unknown property name: Nonsense"):
        names(SortBy="Nonsense")


def test_results_come_in_pages(account: Account) -> None:
    for number in range(12):
        train(account, f"job-{number}")
    account.sim.settle()

    first = account.sagemaker.search(Resource="TrainingJob")
    assert len(first["Results"]) == 10
    paginator = account.sagemaker.get_paginator("search")
    pages = list(
        paginator.paginate(
            Resource="TrainingJob",
            SearchExpression={"Filters": [query("TrainingJobStatus", "Equals", "Completed")]},
            PaginationConfig={"PageSize": 5},
        )
    )
    names = [result["TrainingJob"]["TrainingJobName"] for page in pages for result in page["Results"]]
    assert [len(page["Results"]) for page in pages] == [5, 5, 2]
    assert sorted(names) == sorted(f"job-{number}" for number in range(12))
    with refused("less than or equal to 100"):
        account.sagemaker.search(Resource="TrainingJob", MaxResults=101)
    with refused("Invalid NextToken"):
        account.sagemaker.search(Resource="TrainingJob", NextToken="mine")


def test_tags_are_those_of_now(account: Account) -> None:
    arn = train(account, "late")
    account.sagemaker.add_tags(ResourceArn=arn, Tags=tagged(endpoint="houses"))

    assert search(account, query(f"Tags.{TAG}", "Exists")) == ["late"]
    account.sagemaker.delete_tags(ResourceArn=arn, TagKeys=[TAG])
    assert search(account, query(f"Tags.{TAG}", "Exists")) == []


def test_jobs_of_a_tuning_job_are_found(account: Account) -> None:
    arn = tune(account, most=2)
    account.sim.settle()

    assert len(search(account, query("TuningJobArn", "Equals", arn))) == 2


def test_other_resources_are_still_moto_s(account: Account) -> None:
    account.sagemaker.create_experiment(ExperimentName="e")

    found = account.sagemaker.search(Resource="Experiment")["Results"]

    assert [result["Experiment"]["ExperimentName"] for result in found] == ["e"]
