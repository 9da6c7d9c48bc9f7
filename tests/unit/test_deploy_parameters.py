"""What CloudFormation would take for a parameter, checked before anything is sent."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samcli.cli.types import CfnParameterOverridesType
from stationkeeper_command.deploy_answers import Answers, save, saved
from stationkeeper_command.deploy_parameters import Parameter, read_template, stranger

from tests.unit.builders import hostile_text

TEMPLATE = read_template(Path(__file__).parents[2] / "template.yaml")
ACCOUNT = "123456789012"
REGION = "eu-west-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/churn"


def parameter(name: str) -> Parameter:
    return TEMPLATE.parameters[name]


@pytest.mark.parametrize("name", TEMPLATE.parameters)
def test_every_default_is_taken(name: str):
    about = parameter(name)

    assert about.problem(about.cleaned(about.default)) == ""


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [("", ""), ("  ", ""), (" a ", "a"), ("a, b ,c", "a,b,c"), ("a,", "a,")],
)
def test_members_of_a_list_are_trimmed_as_cloudformation_does(text: str, cleaned: str):
    assert parameter("MonitoredBuckets").cleaned(text) == cleaned


@pytest.mark.parametrize("value", ["bucket-a,", ",bucket-a", "bucket-a,,bucket-b", ","])
def test_a_list_has_no_gaps(value: str):
    assert parameter("MonitoredBuckets").problem(value) == "must have something between two commas"


@pytest.mark.parametrize("value", ["1", "365"])
def test_a_number_within_its_limits_is_taken(value: str):
    assert parameter("KeepDays").problem(value) == ""


@pytest.mark.parametrize(
    "value", ["", "0", "366", "-1", "1_0", "1e2", "\u0663", "nan", "Infinity", " 7", "7 days"]
)
def test_any_other_number_is_not(value: str):
    assert parameter("KeepDays").problem(value)


def test_letters_are_ascii_as_for_cloudformation():
    assert parameter("OnCall").problem("\u00fcml-team")
    assert parameter("OnCall").problem("ml-team") == ""


def test_a_problem_is_told_in_the_words_of_the_template():
    assert (
        parameter("AlertEmail").problem("anna") == "must be one e-mail address (name@example.com), or empty"
    )


@given(st.sampled_from(sorted(TEMPLATE.parameters)), hostile_text())
def test_whatever_is_typed_is_taken_or_told(name: str, text: str):
    about = parameter(name)
    value = about.cleaned(text)

    assert about.cleaned(value) == value
    assert len(about.problem(value)) < 200


@pytest.mark.parametrize(
    ("arns", "told"),
    [
        ("", False),
        (ROLE, False),
        (f"{ROLE},{ROLE.replace(ACCOUNT, '999999999999')}", True),
        (f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/churn-*", False),
        (f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/churn", True),
    ],
)
def test_arns_of_elsewhere_are_told(arns: str, told: bool):
    assert bool(stranger(arns, ACCOUNT, REGION)) is told


@given(
    st.dictionaries(
        st.sampled_from(["OnCall", "AlertEmail"]),
        st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='\\"'), max_size=40),
        min_size=1,
    )
)
def test_sam_reads_the_answers_that_were_kept(
    tmp_path_factory: pytest.TempPathFactory, parameters: dict[str, str]
):
    folder = tmp_path_factory.mktemp("answers")
    answers = Answers("keeper", REGION, parameters)

    save(folder, "prod", answers)

    assert saved(folder, "prod") == answers
    assert saved(folder, "default") == Answers()


def test_sams_own_form_of_parameters_is_read(tmp_path: Path):
    """As `sam deploy --guided` writes them, and as a list that people write."""
    for text in ('"KeepDays=\\"14\\" OnCall=\\"ML team\\""', '["KeepDays=14", "OnCall=\\"ML team\\""]'):
        (tmp_path / "samconfig.toml").write_text(
            f"version = 0.1\n[default.deploy.parameters]\nregion = 'eu-west-1'\nparameter_overrides = {text}\n"
        )

        assert saved(tmp_path, "default").parameters == {"KeepDays": "14", "OnCall": "ML team"}


def test_plain_sam_takes_what_the_guide_says_about_quotes():
    """docs/deployment.md, CI/CD: a value with blanks, and an empty one."""
    given_to_sam = ("Architecture=arm64", 'OnCall="ML team"', 'AlertEmail=""', "MonitoredBuckets=a,b")

    assert CfnParameterOverridesType().convert(given_to_sam, None, None) == {
        "Architecture": "arm64",
        "OnCall": "ML team",
        "AlertEmail": "",
        "MonitoredBuckets": "a,b",
    }
