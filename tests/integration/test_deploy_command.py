"""`stationkeeper deploy` at a terminal: SAM itself is a note of how it was called, AWS is moto."""

import fcntl
import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import click
import pytest
import typer
from embedded_aws.moto_additions import sns
from moto import mock_aws
from moto.cloudformation.models import cloudformation_backends
from samcli.cli.cli_config_file import ConfigProvider
from samcli.cli.types import CfnParameterOverridesType
from stationkeeper_command import project
from stationkeeper_command.deploy_place import Place
from stationkeeper_command.errors import CommandError
from stationkeeper_command.main import app

from tests.command_world import forget_clients

ROOT = Path(__file__).parents[2]
ACCOUNT = "123456789012"
REGION = "eu-west-1"
MAIL = "on-call@example.com"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/churn-execution"
FIRST = ("", "", MAIL, ROLE, "")
"""Stack, region, e-mail, roles, buckets."""
ENTER = ("",) * 5
TOPIC = {"Type": "AWS::SNS::Topic"}
TINY = {
    "Parameters": {
        "Architecture": {"Type": "String", "Default": "arm64"},
        **{
            name: {"Type": "String", "Default": ""}
            for name in ("AlertEmail", "ExecutionRoleArns", "KeepDays", "MonitoredBuckets")
        },
    },
    "Resources": {"Alerts": TOPIC, "Operations": TOPIC},
    "Outputs": {
        "AlertTopicArn": {"Value": {"Ref": "Alerts"}},
        "OperationsTopicArn": {"Value": {"Ref": "Operations"}},
        "EventBusName": {"Value": "stationkeeper"},
        "NextStep2Tag": {"Value": "Tag a group"},
        "NextStep1Confirm": {"Value": "Confirm both"},
    },
}


@dataclass
class Desk:
    """A person's desk: a folder with the project, a terminal, and SAM, of which only the calls are noted."""

    folder: Path
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch
    sam_calls: list[list[str]] = field(default_factory=list)
    exit_codes: dict[str, int] = field(default_factory=dict)
    agrees: bool = True
    """Whether the change set is executed."""
    leaves: str = ""
    """The status `sam deploy` leaves a stack in that it has touched; empty: as moto has it."""
    interrupted: bool = False
    """Whether somebody presses Ctrl-C while sam deploys."""
    build_was_held: bool = False

    def run(self, *arguments: str, types: tuple[str, ...] = ()) -> str:
        """Run the command at a terminal where this is typed, and nothing else; returns what it printed."""
        self.sam_calls.clear()
        forget_clients()
        master, slave = pty.openpty()
        os.write(master, "".join(f"{line}\n" for line in types).encode() + b"\x04")
        try:
            with self.patch.context() as patch, open(slave) as keyboard:  # noqa: PTH123  a descriptor
                patch.setattr(sys, "stdin", keyboard)
                app(["deploy", *arguments], standalone_mode=False)
        finally:
            os.close(master)
            self.printed = self.capture.readouterr().out
        return self.printed

    def refusal(self, *arguments: str, types: tuple[str, ...] = ()) -> str:
        with pytest.raises(CommandError) as caught:
            self.run(*arguments, types=types)
        return str(caught.value)

    def sam(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        """What a process called `sam` does."""
        assert Path(command[0]).name == "sam"
        assert options["cwd"] == self.folder
        self.sam_calls.append(command[1:])
        if command[1] == "deploy":
            self.build_was_held = self.holds_the_build()
            if self.agrees and (self.leaves or not self.exit_codes.get("deploy")):
                self.deploy(self.read_by_sam(command[command.index("--config-env") + 1]))
            if self.interrupted:
                raise KeyboardInterrupt
        return subprocess.CompletedProcess(command, self.exit_codes.get(command[1], 0))

    def holds_the_build(self) -> bool:
        with project._LOCK.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def has_stack(
        self, name: str = "stationkeeper", template: dict[str, Any] = TINY, **parameters: str
    ) -> None:
        """Somebody deployed it, from another checkout."""
        boto3.client("cloudformation", region_name=REGION).create_stack(
            StackName=name,
            TemplateBody=json.dumps(template),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )

    def stands(self, status: str) -> None:
        (stack,) = cloudformation_backends[ACCOUNT][REGION].stacks.values()
        stack.status = status

    def add(self, line: str, section: str = "[default.global.parameters]") -> None:
        """A line that somebody wrote into samconfig.toml."""
        (self.folder / "samconfig.toml").write_text(self.file.replace(section, f"{section}\n{line}"))

    def deploy(self, options: dict[str, Any]) -> None:
        client = boto3.client("cloudformation", region_name=options["region"])
        if options["stack_name"] in {stack["StackName"] for stack in client.describe_stacks()["Stacks"]}:
            # moto makes topics anew when a stack is updated, and knows no time of it.
            for stack in cloudformation_backends[ACCOUNT][options["region"]].stacks.values():
                stack.creation_time += timedelta(days=1)
        else:
            self._make(client, options)
        if self.leaves:
            self.stands(self.leaves)

    def _make(self, client: Any, options: dict[str, Any]) -> None:
        client.create_stack(StackName=options["stack_name"], TemplateBody=json.dumps(TINY))
        mail = options["parameter_overrides"]["AlertEmail"]
        if mail:
            for name in ("AlertTopicArn", "OperationsTopicArn"):
                topic = self.outputs(options["stack_name"])[name]
                boto3.client("sns", region_name=options["region"]).subscribe(
                    TopicArn=topic, Protocol="email", Endpoint=mail
                )

    def outputs(self, stack: str = "stationkeeper") -> dict[str, str]:
        (found,) = boto3.client("cloudformation", region_name=REGION).describe_stacks(StackName=stack)[
            "Stacks"
        ]
        return {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}

    def read_by_sam(self, environment: str = "default") -> dict[str, Any]:
        """Options of `sam deploy` as the SAM CLI itself reads them from the file."""
        options = self.options_of("deploy", environment)
        overrides = options.get("parameter_overrides")
        if overrides is not None:
            options["parameter_overrides"] = CfnParameterOverridesType().convert(overrides, None, None)
        return options

    def options_of(self, command: str, environment: str = "default") -> dict[str, Any]:
        with click.Context(click.Command(command)):
            options: dict[str, Any] = ConfigProvider(section="parameters")(
                self.folder / "samconfig.toml", environment, [command]
            )
        return options

    @property
    def file(self) -> str:
        return (self.folder / "samconfig.toml").read_text(encoding="utf-8")


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    for name in ("template.yaml", "samconfig.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.setenv(name, "")  # so that it is put back afterwards
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(project, "ROOT", tmp_path)
    monkeypatch.setattr(project, "_LOCK", tmp_path / ".aws-sam" / "lock")
    found = Desk(tmp_path, capsys, monkeypatch)
    monkeypatch.setattr(subprocess, "run", found.sam)
    with mock_aws(), sns.installed(lambda *_: None):
        yield found
    forget_clients()


# ---------------------------------------------------------------- what is asked, and kept


def test_the_first_deployment_asks_five_questions_and_leaves_the_rest_to_sam(desk: Desk) -> None:
    desk.run(types=FIRST)

    assert desk.sam_calls == [
        ["build", "--parameter-overrides", "Architecture=arm64"],
        ["deploy", "--config-env", "default"],
    ]
    assert desk.read_by_sam() == {
        "stack_name": "stationkeeper",
        "region": REGION,
        "capabilities": "CAPABILITY_IAM",
        "confirm_changeset": True,
        "resolve_s3": True,
        "fail_on_empty_changeset": False,
        "s3_prefix": "stationkeeper",
        "parameter_overrides": {
            "Architecture": "arm64",
            "AlertEmail": MAIL,
            "ExecutionRoleArns": ROLE,
            "MonitoredBuckets": "",
        },
    }


def test_it_says_what_will_be_made_where_and_what_is_left_alone(desk: Desk) -> None:
    printed = desk.run(types=FIRST)

    assert f"The stack stationkeeper is made new in {REGION} of account {ACCOUNT}" in printed
    assert "leaves alone  your endpoints, models, jobs, alarms and pipelines, until you tag" in printed
    assert f"reads         reports of monitoring jobs in sagemaker-{REGION}-{ACCOUNT}" in printed
    assert f"tells         {MAIL}" in printed
    assert f"releases with {ROLE}" in printed


def test_everything_may_be_left_empty(desk: Desk) -> None:
    printed = desk.run(types=ENTER)

    assert "Kept in samconfig.toml [default]" in printed
    assert "tells         nobody, until you subscribe somebody" in printed
    assert "releases with no role: nothing is released" in printed
    assert "Alerts go to nobody. Subscribe somebody:" in printed


def test_a_second_deployment_asks_nothing_and_changes_no_answer(desk: Desk) -> None:
    desk.run(types=FIRST)
    before = desk.file

    printed = desk.run()

    assert desk.sam_calls[-1] == ["deploy", "--config-env", "default"]
    assert desk.file == before
    assert "is updated in" in printed


def test_asked_again_enter_keeps_and_a_dash_clears(desk: Desk) -> None:
    desk.run("--set", "KeepDays=14", types=FIRST)

    desk.run("--ask", types=("", "", "-", "", "reports-1, reports-2"))

    assert desk.read_by_sam()["parameter_overrides"] == {
        "Architecture": "arm64",
        "KeepDays": "14",
        "AlertEmail": "",
        "ExecutionRoleArns": ROLE,
        "MonitoredBuckets": "reports-1,reports-2",
    }


def test_what_cloudformation_would_refuse_is_asked_for_again(desk: Desk) -> None:
    foreign = ROLE.replace(ACCOUNT, "999999999999")

    printed = desk.run(
        types=(
            *("1st", "aws-models", "keeper"),
            *("Ireland", "eu-west-1"),
            *("on-call", f"{MAIL},anna@example.com", MAIL),
            *("arn:aws:iam::123456789012:user/anna", f"{ROLE},{foreign}", f"{ROLE} , {ROLE}-2"),
            *("s3://reports", "reports,,more", "reports"),
        )
    )

    assert printed.count("must begin with a letter") == 2
    assert "Ireland: must be the name of a region" in printed
    assert printed.count("must be one e-mail address") == 2
    assert f"must be of account {ACCOUNT}, which your credentials are for; {foreign} is not" in printed
    assert "s3://reports: must be names of S3 buckets" in printed
    assert "must have something between two commas" in printed
    options = desk.read_by_sam()
    assert options["stack_name"] == "keeper"
    assert options["parameter_overrides"]["ExecutionRoleArns"] == f"{ROLE},{ROLE}-2"
    assert options["parameter_overrides"]["MonitoredBuckets"] == "reports"


def test_the_end_of_what_is_typed_ends_it_and_nothing_is_kept(desk: Desk) -> None:
    before = desk.file

    with pytest.raises(typer.Abort):
        desk.run(types=("", ""))

    assert desk.sam_calls == []
    assert desk.file == before


def test_comments_and_other_settings_of_the_file_stay(desk: Desk) -> None:
    (desk.folder / "samconfig.toml").write_text(
        desk.file.replace(
            "[default.deploy.parameters]", "# ours\n[default.deploy.parameters]\nrole_arn = 'arn:x'\n"
        ).replace("confirm_changeset = true", "confirm_changeset = false")
    )

    desk.run(types=FIRST)

    assert "# ours" in desk.file
    assert desk.read_by_sam()["role_arn"] == "arn:x"
    assert desk.read_by_sam()["confirm_changeset"] is False


def test_another_environment_has_everything_sam_needs_and_leaves_the_first_alone(desk: Desk) -> None:
    desk.run(types=FIRST)
    before = desk.read_by_sam()

    desk.run("--config-env", "prod", types=("keeper-prod", "us-east-1", "", "", ""))

    assert desk.sam_calls[-1] == ["deploy", "--config-env", "prod"]
    prod = desk.read_by_sam("prod")
    assert (prod["stack_name"], prod["region"], prod["s3_prefix"]) == (
        "keeper-prod",
        "us-east-1",
        "keeper-prod",
    )
    assert (prod["capabilities"], prod["resolve_s3"]) == ("CAPABILITY_IAM", True)
    assert desk.read_by_sam() == before


def test_stack_and_region_are_those_of_every_sam_command(desk: Desk) -> None:
    desk.run(types=("keeper", *FIRST[1:]))

    delete = desk.options_of("delete")
    assert (delete["stack_name"], delete["region"]) == ("keeper", REGION)


# ---------------------------------------------------------------- options


def test_a_parameter_is_set_and_kept_without_a_question(desk: Desk) -> None:
    desk.run(types=FIRST)
    pipeline = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/churn-*"

    desk.run("--set", f"RetrainingPipelineArns={pipeline}", "--set", "OnCall=ML team")
    desk.run()

    kept = desk.read_by_sam()["parameter_overrides"]
    assert (kept["RetrainingPipelineArns"], kept["OnCall"], kept["AlertEmail"]) == (pipeline, "ML team", MAIL)


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("KeepDays=0", "must be at least 1"),
        ("KeepDays=soon", "must be a number"),
        ("DefaultErrorPercent=nan", "must be a number"),
        ("DefaultMinInstances=1001", "must be at most 1,000"),
        ("LogLevel=LOUD", "must be one of DEBUG, INFO, WARNING, ERROR"),
        ("Nonsense=1", "must be NAME=VALUE"),
        ("OnCall", "must be NAME=VALUE"),
        ("SubnetIds=vpc-1", "must be ids of subnets"),
        (
            f"RetrainingPipelineArns=arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/x",
            "must be of region eu-west-1",
        ),
        (f"MonitoredBuckets={'b' * 60},{','.join(['a' * 60] * 80)}", "must be at most 4,096 bytes"),
    ],
)
def test_what_cloudformation_would_refuse_is_refused_before_anything_is_kept(
    desk: Desk, setting: str, why: str
) -> None:
    desk.run(types=FIRST)
    before = desk.file

    assert why in desk.refusal("--set", setting)
    assert desk.sam_calls == []
    assert desk.file == before


def test_the_processor_is_built_for_told_to_the_stack_and_kept(desk: Desk) -> None:
    desk.run("--architecture", "x86_64", types=FIRST)
    desk.run()

    assert desk.sam_calls[0] == ["build", "--parameter-overrides", "Architecture=x86_64"]
    assert desk.read_by_sam()["parameter_overrides"]["Architecture"] == "x86_64"
    assert "must be one of" in desk.refusal("--architecture", "mips")


def test_a_parameter_that_is_no_more_is_left_out_and_named(desk: Desk) -> None:
    desk.run(types=FIRST)
    file = desk.folder / "samconfig.toml"
    file.write_text(desk.file.replace("AlertEmail=", 'Forgotten=\\"1\\" AlertEmail='))

    assert "has Forgotten, which this version does not know" in desk.run()
    assert "Forgotten" not in desk.file


# ---------------------------------------------------------------- without a terminal


def test_without_a_terminal_it_points_at_sam(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull) as nothing:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdin", nothing)
        with pytest.raises(CommandError, match="--parameter-overrides"):
            app(["deploy"], standalone_mode=False)


def test_yes_deploys_by_kept_answers_without_any_question(desk: Desk) -> None:
    assert "nothing to say yes to" in desk.refusal("--yes")
    desk.run(types=FIRST)

    desk.run("--yes")

    assert desk.sam_calls[-1] == ["deploy", "--config-env", "default", "--no-confirm-changeset"]


# ---------------------------------------------------------------- what comes after


def test_next_steps_come_in_order_and_who_has_not_confirmed_is_named(desk: Desk) -> None:
    printed = desk.run(types=FIRST)

    assert printed.index("1. Confirm both") < printed.index("2. Tag a group")
    assert printed.count(f"not confirmed by {MAIL} (email)") == 2
    assert f"--notification-endpoint {MAIL} --topic-arn {desk.outputs()['AlertTopicArn']}" in printed


def test_who_has_confirmed_is_told(desk: Desk) -> None:
    desk.run(types=FIRST)
    boto3.client("sns").confirm_subscription(TopicArn=desk.outputs()["AlertTopicArn"], Token="token")

    printed = desk.run()

    assert f"Alerts go to {MAIL} (email)." in printed
    assert f"Messages about Stationkeeper itself go to nobody: not confirmed by {MAIL} (email)" in printed


def test_a_change_set_nobody_agrees_to_is_not_called_a_deployment(desk: Desk) -> None:
    desk.agrees = False

    assert "nothing was deployed" in desk.refusal(types=FIRST)


def test_a_stack_that_was_only_proposed_is_new(desk: Desk) -> None:
    boto3.client("cloudformation").create_change_set(
        StackName="stationkeeper", ChangeSetName="one", ChangeSetType="CREATE", TemplateBody=json.dumps(TINY)
    )
    desk.agrees = False

    assert "nothing was deployed" in desk.refusal(types=FIRST)
    assert "is made new" in desk.printed


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("ROLLBACK_COMPLETE", f"`.venv/bin/sam delete --stack-name stationkeeper --region {REGION}`"),
        (
            "UPDATE_ROLLBACK_FAILED",
            f"`aws cloudformation continue-update-rollback --stack-name stationkeeper --region {REGION}`",
        ),
        ("UPDATE_IN_PROGRESS", "when that has ended"),
    ],
)
def test_a_stack_that_cannot_be_updated_is_told_before_minutes_go_into_a_build(
    desk: Desk, status: str, words: str
) -> None:
    desk.run(types=FIRST)
    desk.stands(status)

    assert words in desk.refusal()
    assert desk.sam_calls == []


def test_the_command_that_deletes_names_the_environment(desk: Desk) -> None:
    desk.run("--config-env", "prod", types=("", "", "", "", ""))
    desk.stands("ROLLBACK_COMPLETE")

    assert f"--region {REGION} --config-env prod`" in desk.refusal("--config-env", "prod")


# ---------------------------------------------------------------- a stack that is there already


def test_what_the_stack_has_is_what_enter_takes(desk: Desk) -> None:
    desk.has_stack(AlertEmail=MAIL, ExecutionRoleArns=ROLE, Architecture="x86_64")

    printed = desk.run(types=ENTER)

    assert f"AlertEmail [{MAIL}, as the stack has; - = none]" in printed
    assert desk.sam_calls[0] == ["build", "--parameter-overrides", "Architecture=x86_64"]
    assert desk.read_by_sam()["parameter_overrides"] == {
        "Architecture": "x86_64",
        "AlertEmail": MAIL,
        "ExecutionRoleArns": ROLE,
        "MonitoredBuckets": "",
    }


def test_what_was_answered_goes_before_what_the_stack_has_and_the_change_is_shown(desk: Desk) -> None:
    desk.has_stack(AlertEmail="team@example.com", KeepDays="30")
    desk.add(f'region = "{REGION}"')

    printed = desk.run("--ask", "--set", "KeepDays=14", types=("", "", MAIL, "", ""))

    assert "changes       KeepDays from 30 to 14" in printed
    assert f"changes       AlertEmail from team@example.com to {MAIL}" in printed
    assert printed.count("  changes  ") == 2


def test_without_a_question_the_stack_keeps_what_the_file_does_not_say_and_that_is_shown(desk: Desk) -> None:
    desk.has_stack(AlertEmail=MAIL, ExecutionRoleArns=ROLE, Architecture="x86_64", MonitoredBuckets="reports")
    desk.add(f'region = "{REGION}"')

    printed = desk.run("--yes")

    assert f"tells         {MAIL}" in printed
    assert f"releases with {ROLE}" in printed
    assert "monitoring jobs in reports" in printed
    assert "  changes  " not in printed
    assert desk.sam_calls[0] == ["build", "--parameter-overrides", "Architecture=x86_64"]
    assert desk.read_by_sam()["parameter_overrides"] == {"Architecture": "x86_64"}


def test_a_stack_of_another_kind_is_refused(desk: Desk) -> None:
    desk.has_stack("webshop", {"Resources": {"Shop": TOPIC}, "Outputs": {"Url": {"Value": "x"}}})

    why = desk.refusal(types=("webshop", *FIRST[1:]))

    assert f"the stack webshop in {REGION} of account {ACCOUNT} is not Stationkeeper's" in why
    assert "Choose another name" in why
    assert desk.sam_calls == []
    assert "webshop" not in desk.file


@pytest.mark.parametrize("section", ["[default.global.parameters]", "[default.deploy.parameters]"])
def test_the_account_is_that_of_the_profile_sam_deploys_with(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, section: str
) -> None:
    role = boto3.client("sts").assume_role(
        RoleArn="arn:aws:iam::999999999999:role/deployer", RoleSessionName="anna"
    )
    keys = role["Credentials"]
    (desk.folder / "credentials").write_text(
        f"[live]\naws_access_key_id = {keys['AccessKeyId']}\naws_secret_access_key = {keys['SecretAccessKey']}\n"
        f"aws_session_token = {keys['SessionToken']}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(desk.folder / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "somebody-elses")
    desk.add('profile = "live"', section)
    desk.agrees = False

    desk.refusal(types=ENTER)

    assert f"is made new in {REGION} of account 999999999999" in desk.printed
    assert desk.read_by_sam()["profile"] == "live"


def test_a_command_to_copy_names_the_profile() -> None:
    place = Place(ACCOUNT, REGION, "arn:anna", profile="live")

    assert place.options("keeper") == f"--stack-name keeper --region {REGION} --profile live"


# ---------------------------------------------------------------- when it does not come to its end


def test_a_declined_update_is_not_called_a_deployment(desk: Desk) -> None:
    desk.run(types=FIRST)
    assert "Nothing was deployed" not in desk.run()

    desk.agrees = False

    assert "Nothing was deployed: there was nothing to change, or the change set was declined" in desk.run()


def test_what_sam_never_began_is_not_said_to_be_taken_back(desk: Desk) -> None:
    desk.exit_codes["deploy"] = 1

    assert desk.refusal(types=FIRST) == (
        "`sam deploy` failed, see above. Nothing was begun: there is no such stack. `make deploy` tries again."
    )


def test_a_first_deployment_that_failed_must_be_deleted(desk: Desk) -> None:
    desk.exit_codes["deploy"] = 1
    desk.leaves = "ROLLBACK_COMPLETE"

    why = desk.refusal(types=FIRST)

    assert f"must be deleted, `.venv/bin/sam delete --stack-name stationkeeper --region {REGION}`" in why


@pytest.mark.parametrize(
    ("leaves", "words"),
    [
        ("UPDATE_ROLLBACK_COMPLETE", "CloudFormation went back to what was there"),
        ("UPDATE_ROLLBACK_FAILED", "aws cloudformation continue-update-rollback --stack-name stationkeeper"),
        ("", "Nothing was begun: the stack is as it was, CREATE_COMPLETE"),
    ],
)
def test_an_update_that_failed_is_told_by_how_the_stack_stands(desk: Desk, leaves: str, words: str) -> None:
    desk.run(types=FIRST)
    desk.exit_codes["deploy"] = 1
    desk.leaves = leaves

    assert words in desk.refusal()


def test_after_ctrl_c_cloudformation_goes_on(desk: Desk) -> None:
    desk.interrupted = True
    desk.leaves = "CREATE_IN_PROGRESS"

    why = desk.refusal(types=FIRST)

    assert "was interrupted. The stack is CREATE_IN_PROGRESS: CloudFormation goes on" in why
    assert f"describe-stack-events --stack-name stationkeeper --region {REGION}" in why


def test_a_command_to_repeat_names_the_environment_and_what_was_given(desk: Desk) -> None:
    printed = desk.run("--config-env", "prod", types=FIRST)
    assert "`make deploy CONFIG_ENV=prod ASK=1` asks again" in printed

    desk.exit_codes["deploy"] = 1

    assert "`make deploy CONFIG_ENV=prod` tries again" in desk.refusal("--config-env", "prod")
    assert "`.venv/bin/stationkeeper deploy --yes --config-env prod` tries again" in desk.refusal(
        "--config-env", "prod", "--yes"
    )
    assert "--yes lets nothing be asked" in desk.refusal("--ask", "--yes")


def test_nothing_else_builds_here_until_the_build_is_deployed(desk: Desk) -> None:
    desk.run(types=FIRST)

    assert desk.build_was_held
    assert not desk.holds_the_build()


@pytest.mark.parametrize(("step", "calls"), [("build", ["build"]), ("deploy", ["build", "deploy"])])
def test_when_sam_fails_nothing_follows(desk: Desk, step: str, calls: list[str]) -> None:
    desk.exit_codes[step] = 1

    assert f"`sam {step}` failed" in desk.refusal(types=FIRST)
    assert [call[0] for call in desk.sam_calls] == calls


def test_no_credentials_is_one_clear_line(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    assert "no complete AWS credentials" in desk.refusal(types=FIRST)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version = 0.1\n[default", "cannot be read"),
        ("[default.deploy.parameters]\nregion = 'x'\n", "cannot be read"),
    ],
)
def test_a_file_that_sam_cannot_read_is_told(desk: Desk, text: str, words: str) -> None:
    (desk.folder / "samconfig.toml").write_text(text)

    assert words in desk.refusal(types=FIRST)
    assert "no name of an environment" in desk.refusal("--config-env", "a.b", types=FIRST)
