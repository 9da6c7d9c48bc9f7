"""Carrying out steps: what AWS's answers mean for a plan."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from stationkeeper.aws.release_steps import AwsReleaseSteps
from stationkeeper.errors import Busy, StepRefused
from stationkeeper.releases.steps import Action, Step

MODEL = Step(
    Action.CREATE_MODEL,
    {
        "ModelName": "churn-v8",
        "PrimaryContainer": {"ModelPackageName": "arn:churn/8"},
        "VpcConfig": {"Subnets": ["a", "b"], "SecurityGroupIds": ["s"]},
        "Tags": [{"Key": "k", "Value": "v"}],
    },
    "why",
)
ENDPOINT = Step(
    Action.CREATE_ENDPOINT, {"EndpointName": "churn-prod", "EndpointConfigName": "churn-v8"}, "why"
)
UPDATE = Step(Action.UPDATE_ENDPOINT, {"EndpointName": "churn-prod", "EndpointConfigName": "churn-v8"}, "why")


class Client:
    """A boto3 client that answers every call with these, in order; an error is raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[str] = []

    def __getattr__(self, method: str) -> Any:
        def call(**_: Any) -> Any:
            self.calls.append(method)
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def error(message: str, code: str = "ValidationException", status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Call"
    )


def carry_out(step: Step, *answers: Any) -> list[str]:
    client: Any = Client(*answers)
    AwsReleaseSteps(lambda: client, lambda: client, lambda: client).carry_out(step)
    return client.calls


TAKEN = error(
    'Cannot create already existing model "arn:aws:sagemaker:eu-west-1:123456789012:model/churn-v8".'
)


def test_what_is_there_already_is_success_when_it_is_the_same_thing():
    same = {
        **MODEL.request,
        "VpcConfig": {"Subnets": ["b", "a"], "SecurityGroupIds": ["s"]},
        "ModelArn": "arn",
    }

    assert carry_out(MODEL, TAKEN, same) == ["create_model", "describe_model"]


def test_something_else_of_that_name_is_refused_and_says_where_it_differs():
    other = {**MODEL.request, "PrimaryContainer": {"ModelPackageName": "arn:churn/7"}}

    with pytest.raises(StepRefused, match=r"PrimaryContainer\.ModelPackageName differs"):
        carry_out(MODEL, TAKEN, other)


def test_an_endpoint_that_somebody_else_makes_at_this_moment_is_waited_for():
    taken = error('Cannot create already existing endpoint "arn:aws:sagemaker:...:endpoint/churn-prod".')

    with pytest.raises(Busy):
        carry_out(ENDPOINT, taken, {"EndpointName": "churn-prod", "EndpointConfigName": "theirs"})


def test_an_update_under_way_is_waited_for():
    with pytest.raises(Busy):
        carry_out(
            UPDATE, error('Cannot update in-progress endpoint "arn:aws:sagemaker:...:endpoint/churn-prod".')
        )


@pytest.mark.parametrize(
    "fault",
    [
        error("Rate exceeded", "ThrottlingException"),
        error("try again", "InternalFailure", 500),
        error('Could not find endpoint configuration "arn:aws:sagemaker:...:endpoint-config/churn-v8".'),
    ],
    ids=["throttled", "5xx", "made a moment ago and not seen everywhere yet"],
)
def test_passing_faults_are_left_to_the_queue(fault: ClientError):
    with pytest.raises(ClientError):
        carry_out(UPDATE, fault)


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        (MODEL, error("not authorized to perform: iam:PassRole", "AccessDeniedException")),
        (MODEL, error('Could not find model package "arn:churn/8"')),
        (UPDATE, error("The account-level service limit ... is 0 Instances", "ResourceLimitExceeded")),
    ],
    ids=["denied", "what was never ours to make", "quota"],
)
def test_what_aws_never_takes_is_refused_in_its_own_words(step: Step, fault: ClientError):
    with pytest.raises(StepRefused) as refused:
        carry_out(step, fault)

    assert refused.value.said == fault.response["Error"]["Message"]
    assert refused.value.about in str(refused.value)


def test_a_rejection_that_is_denied_is_said_and_a_throttled_one_is_tried_again():
    denied: Any = Client(error("no", "AccessDeniedException"))
    throttled: Any = Client(error("Rate exceeded", "ThrottlingException"))

    assert (
        AwsReleaseSteps(lambda: denied, lambda: denied, lambda: denied).reject("arn", "why")
        == "access denied"
    )
    with pytest.raises(ClientError):
        AwsReleaseSteps(lambda: throttled, lambda: throttled, lambda: throttled).reject("arn", "why")
