"""What the services' own words mean."""

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.aws.errors import (
    is_busy,
    is_denied,
    is_missing,
    is_passing,
    is_taken,
    said_by,
    unless_refused,
)
from stationkeeper.errors import StepRefused

ARN = "arn:aws:sagemaker:eu-west-1:123456789012"
MEANINGS = {
    "busy": is_busy,
    "denied": is_denied,
    "missing": is_missing,
    "passing": is_passing,
    "taken": is_taken,
}


def refusal(code: str, said: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": said}, "ResponseMetadata": {"HTTPStatusCode": status}},
        "Operation",
    )


def meanings(error: ClientError) -> set[str]:
    return {name for name, means in MEANINGS.items() if means(error)}


WORDS = [
    ("ValidationException", f'Cannot update in-progress endpoint "{ARN}:endpoint/e".', "busy"),
    ("ValidationException", f'Cannot delete in-progress endpoint "{ARN}:endpoint/e".', "busy"),
    ("ValidationException", f'Cannot create already existing model "{ARN}:model/m".', "taken"),
    ("ValidationException", f'Cannot create already existing endpoint configuration "{ARN}:x".', "taken"),
    ("ValidationException", f'Cannot create already existing endpoint "{ARN}:endpoint/e".', "taken"),
    ("ValidationException", f'Could not find endpoint "{ARN}:endpoint/e".', "missing"),
    ("ValidationException", f'Could not find endpoint configuration "{ARN}:x".', "missing"),
    ("ValidationException", f'Could not find model "{ARN}:model/m".', "missing"),
    ("ValidationException", "Could not find requested job with name: job", "missing"),
    ("ValidationException", "Model Package Group churn does not exist.", "missing"),
    ("ResourceNotFound", f"Monitoring Schedule {ARN}:monitoring-schedule/s not found", "missing"),
    ("ResourceInUse", "Job Definition with given name", "taken"),
    ("ObjectNotFoundException", "No scalable target registered", "missing"),
    ("ThrottlingException", "Rate exceeded", "passing"),
    ("Throttling", "Rate exceeded", "passing"),
    ("ConflictException", "Another update of this model package", "passing"),
    ("ConcurrentUpdateException", "Concurrent update", "passing"),
    (
        "ResourceLimitExceeded",
        "The account-level service limit 'ml.m5.large for endpoint usage' is 0 Instances",
        "",
    ),
    ("ValidationException", "1 validation error detected", ""),
    ("AccessDeniedException", "User: x is not authorized to perform: sagemaker:UpdateModelPackage", "denied"),
    ("AccessDenied", "User: x is not authorized to perform: cloudwatch:PutMetricAlarm", "denied"),
]


@pytest.mark.parametrize(("code", "said", "meaning"), WORDS)
def test_services_words_mean(code: str, said: str, meaning: str):
    assert meanings(refusal(code, said)) == ({meaning} if meaning else set())


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_fault_of_the_service_passes(status: int):
    assert is_passing(refusal("Whatever", "", status))


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDenied", 403),
        ("AccessDeniedException", 400),
        ("UnauthorizedOperation", 403),
        ("ThrottlingException", 400),
        ("InternalFailure", 500),
        ("ResourceNotFound", 503),
    ],
)
def test_denied_or_failed_is_not_missing(code: str, status: int):
    error = refusal(code, "You are not authorized, or the resource does not exist", status)

    assert not is_missing(error)


@given(
    st.text(max_size=60), st.sampled_from(["AccessDenied", "ThrottlingException", "X"]), st.integers(200, 599)
)
def test_nothing_is_missing_that_was_denied_or_may_pass(said: str, code: str, status: int):
    found = meanings(refusal(code, f"{said} does not exist", status))

    assert "missing" not in found or not found & {"denied", "passing"}


def test_error_without_words_says_something():
    assert said_by(ClientError({}, "DescribeEndpoint"))
    assert meanings(ClientError({}, "DescribeEndpoint")) == set()


@given(st.text(max_size=60), st.text(max_size=60), st.integers(200, 599))
def test_arbitrary_words_are_read(code: str, said: str, status: int):
    assert meanings(refusal(code, said, status)) <= set(MEANINGS)


def raising(error: Exception):
    def ask():
        raise error

    return ask


def test_answer_is_handed_on():
    assert unless_refused("CreateModelPackage", "churn", lambda: "an answer") == "an answer"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (refusal("ValidationException", "1 validation error detected"), "ValidationException"),
        (ParamValidationError(report="Unknown parameter"), "ParamValidation"),
    ],
)
def test_what_is_never_taken_is_refused(error: Exception, code: str):
    with pytest.raises(StepRefused, match=f"CreateModelPackage.*churn.*{code}") as refused:
        unless_refused("CreateModelPackage", "churn", raising(error))

    assert refused.value.__cause__ is error


def test_what_passes_is_tried_again():
    with pytest.raises(ClientError, match="Rate exceeded"):
        unless_refused(
            "CreateModelPackage", "churn", raising(refusal("ThrottlingException", "Rate exceeded"))
        )
