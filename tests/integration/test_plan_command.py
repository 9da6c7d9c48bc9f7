"""`stationkeeper plan` over the one-process world: it says what the release function then does, and changes nothing."""

import json
import os
from collections.abc import Iterator

import pytest
from embedded_aws.moto_additions.sagemaker import Outcome

from tests.command_world import Command, command_world, deploy, forget_clients
from tests.release_world import ENDPOINT, GROUP, GROUP_ARN, IMAGE
from tests.world import ACCOUNT, REGION


@pytest.fixture
def command() -> Iterator[Command]:
    with command_world() as running:
        yield running


@pytest.fixture
def live(command: Command) -> Command:
    """Version 1 is in service, and nothing is left to do."""
    command.world.group()
    command.world.approved()
    command.bring()
    return command


def steps(document: dict) -> list[str]:
    return [step["action"] for step in document["steps"]]


# ------------------------------------------------------------------ what it plans


def test_a_new_endpoint_is_planned_step_by_step(command: Command) -> None:
    command.world.group()
    command.world.approved()

    plan = command.document("plan", GROUP)

    assert (plan["endpoint"], plan["group"]) == (ENDPOINT, GROUP_ARN)
    assert (plan["live"], plan["desired"], plan["decision"]) == (None, 1, "start")
    assert plan["why"].startswith("version 1 is the newest approved")
    assert steps(plan) == [
        "CreateModel",
        "CreateEndpointConfig",
        "PutMetricAlarm",
        "PutMetricAlarm",
        "CreateEndpoint",
    ]
    assert plan["steps"][-1]["name"] == ENDPOINT
    assert plan["steps"][-1]["request"]["EndpointName"] == ENDPOINT


def test_what_was_planned_is_what_is_done(live: Command) -> None:
    live.world.approved()
    plan = live.document("plan", GROUP)

    live.world.calls.clear()
    live.bring()

    done = [call.partition(":")[2] for call in live.world.calls]
    assert [call for call in done if call in steps(plan)] == steps(plan)
    assert live.world.endpoint()["EndpointConfigName"] == plan["steps"][-1]["request"]["EndpointConfigName"]
    assert live.document("plan", GROUP)["decision"] == "leave"


def test_an_update_says_how_traffic_moves_and_what_guards_it(live: Command) -> None:
    live.world.approved()

    said = live.says("plan", GROUP)

    assert said.splitlines()[0] == f"{ENDPOINT}: version 1 is live, version 2 of churn is wanted."
    assert said.splitlines()[1] == "Release version 2: version 2 is the newest approved."
    assert "  1. CreateModel churn-v2-" in said
    assert "  5. UpdateEndpoint churn-prod" in said
    assert "10 % for 10 minutes, then all" in said
    assert said.count("-5xx-errors") == 2  # the step, and what rolls it back
    assert "5 steps planned, nothing was changed" in said
    assert "RetainAllVariantProperties" not in said


def test_verbose_shows_the_requests(live: Command) -> None:
    live.world.approved()

    said = live.says("plan", GROUP, "--verbose")

    assert '"RetainAllVariantProperties": true' in said


def test_nothing_to_do_is_said(live: Command) -> None:
    said = live.says("plan", GROUP)

    assert said.splitlines()[:2] == [
        f"{ENDPOINT}: version 1 of churn is live, as wanted.",
        "Nothing to do: version 1 is in service and set up.",
    ]
    assert "  autoscaling: 2 to 4 instances" in said
    plan = live.document("plan", GROUP)
    assert (plan["decision"], plan["steps"], plan["live"], plan["desired"]) == ("leave", [], 1, 1)


def test_what_drifted_is_brought_back_though_the_release_is_settled(live: Command) -> None:
    live.world.autoscaling.deregister_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId=f"endpoint/{ENDPOINT}/variant/AllTraffic",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
    )

    plan = live.document("plan", GROUP)

    assert plan["decision"] == "setup"
    assert steps(plan) == ["RegisterScalableTarget", "PutScalingPolicy"]
    assert "Set up: version 1 is in service; autoscaling or monitors are not as configured." in live.says(
        "plan", GROUP
    )


def test_an_endpoint_that_somebody_else_made_is_taken_over(command: Command) -> None:
    world = command.world
    world.group()
    package = world.approved()
    world.sagemaker.create_model(
        ModelName="by-hand",
        PrimaryContainer={"ModelPackageName": package},
        ExecutionRoleArn="arn:aws:iam::123456789012:role/r",
    )
    variant = {
        "VariantName": "v",
        "ModelName": "by-hand",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    world.sagemaker.create_endpoint_config(EndpointConfigName="by-hand", ProductionVariants=[variant])
    world.sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName="by-hand")
    world.advance(1_200)

    plan = command.document("plan", GROUP)

    assert (plan["live"], plan["desired"], plan["decision"], plan["steps"]) == (1, 1, "setup", [])
    assert "somebody else released it, and it is looked after from now on" in plan["why"]
    assert command.run("plan", GROUP, "--exit-code").exit_code == 0


def test_another_model_on_the_endpoint_is_told_apart(command: Command) -> None:
    world = command.world
    world.sagemaker.create_model(
        ModelName="other",
        PrimaryContainer={"Image": IMAGE},
        ExecutionRoleArn="arn:aws:iam::123456789012:role/r",
    )
    variant = {
        "VariantName": "v",
        "ModelName": "other",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    world.sagemaker.create_endpoint_config(EndpointConfigName="other", ProductionVariants=[variant])
    world.sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName="other")
    world.advance(1_200)
    world.group()
    world.approved()

    said = command.says("plan", GROUP)

    assert "what is live is no version of the group, version 1 of churn is wanted." in said
    assert "Release version 1: " in said


def test_a_release_under_way_is_waited_for(live: Command) -> None:
    live.world.approved()
    live.world.sweep()

    said = live.says("plan", GROUP)

    assert "Wait: SageMaker is at work on the endpoint (Updating)." in said
    assert "Version 2 is being released since" in said
    plan = live.document("plan", GROUP)
    assert (plan["live"], plan["desired"], plan["decision"], plan["steps"]) == (1, 2, "wait", [])


def test_a_release_that_ended_is_about_to_be_concluded(live: Command) -> None:
    live.world.approved()
    live.world.sweep()
    live.world.inbox.clear()
    until_quiet(live)

    plan = live.document("plan", GROUP)

    assert (plan["live"], plan["decision"]) == (2, "succeeded")
    assert "Conclude the release: version 2 is in service; next it is set up" in live.says("plan", GROUP)


def test_a_silent_rollback_is_seen(live: Command) -> None:
    live.world.approved()
    live.world.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK_SILENTLY)
    live.world.sweep()
    until_quiet(live)

    plan = live.document("plan", GROUP)

    assert (plan["live"], plan["decision"]) == (1, "rolledback")
    assert "was rolled back (SageMaker gave no reason)" in plan["why"]


def test_a_version_that_was_rolled_back_is_passed_over_with_its_reason(live: Command) -> None:
    world = live.world
    package = world.approved()
    world.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK_SILENTLY)
    live.bring()
    record = world.record()
    assert record.bars(2) is not None
    # Nobody could reject it: approved still, but not tried again.
    from stationkeeper.aws.release_records import DynamoDbReleaseRecords

    bar = record.bars(2).model_copy(update={"rejected": False})
    DynamoDbReleaseRecords(lambda: world.dynamodb, "state").remember(ENDPOINT, record.with_bar(bar))
    world.approve(package)

    plan = live.document("plan", GROUP)

    assert (plan["live"], plan["desired"]) == (1, 1)
    assert any(note.startswith("version 2 is approved, but was rolled back on") for note in plan["notes"])


def test_a_block_says_why_and_what_to_do(live: Command) -> None:
    live.world.reject(f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/churn/1")

    said = live.says("plan", GROUP)

    assert f"{ENDPOINT}: version 1 is live, no version of churn can be released." in said
    assert "Blocked: No approved version of the group is left to release." in said
    assert "What to do: Approve the version that should run." in said
    plan = live.document("plan", GROUP)
    assert (plan["decision"], plan["code"]) == ("block", "nothing-approved")


def test_a_block_found_while_planning_is_one(command: Command) -> None:
    deploy("no-role", EXECUTION_ROLE_ARNS="")
    command.world.group()
    command.world.approved()

    plan = command.document("plan", GROUP, "--stack", "no-role")

    assert (plan["decision"], plan["code"], plan["steps"]) == ("block", "no-role", [])


def test_a_failed_endpoint_is_blocked_with_what_sagemaker_says(command: Command) -> None:
    command.world.group()
    command.world.approved()
    command.world.simulator.plan_outcome(ENDPOINT, Outcome.FAILS)
    command.world.sweep()
    until_quiet(command)

    said = command.says("plan", GROUP)

    assert "Blocked: The endpoint is Failed and serves nothing." in said
    assert "SageMaker says: " in said


def test_two_groups_for_one_endpoint_are_told(live: Command) -> None:
    live.world.group("rival")
    live.world.approved("rival")

    plan = live.document("plan", "rival")

    assert plan["code"] == "rival-group"
    assert plan["live"] is None


def test_problems_of_tags_are_notes_once(live: Command) -> None:
    live.world.tag(traffic="canary-900", min_instances="many")
    live.world.approved()

    notes = live.document("plan", GROUP)["notes"]

    assert sum("stationkeeper:traffic=canary-900" in note for note in notes) == 1
    assert sum("stationkeeper:min-instances=many" in note for note in notes) == 1


def test_a_version_that_waits_for_approval_is_a_note(live: Command) -> None:
    live.world.register()

    assert "version 2 waits for approval" in live.document("plan", GROUP)["notes"]


def test_nothing_approved_yet_is_nothing_to_do(command: Command) -> None:
    command.world.group()

    said = command.says("plan", GROUP)

    assert "there is no such endpoint yet, no version of churn can be released." in said
    assert "Nothing to do: no version of the group is approved." in said


def test_the_environment_of_a_live_model_is_not_printed(live: Command) -> None:
    world = live.world
    model = world.sagemaker.describe_model(ModelName=world.config()["ProductionVariants"][0]["ModelName"])
    container = {
        "ModelPackageName": model["PrimaryContainer"]["ModelPackageName"],
        "Environment": {"API_KEY": "hunter2"},
    }
    world.sagemaker.create_model(
        ModelName="with-secret", PrimaryContainer=container, ExecutionRoleArn=model["ExecutionRoleArn"]
    )
    variant = {**world.config()["ProductionVariants"][0], "ModelName": "with-secret"}
    world.sagemaker.create_endpoint_config(EndpointConfigName="with-secret", ProductionVariants=[variant])
    world.sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName="with-secret")
    world.settle()
    world.approved()

    verbose, document = live.says("plan", GROUP, "--verbose"), live.says("plan", GROUP, "--json")

    for said in (verbose, document):
        assert "API_KEY" in said
        assert "hunter2" not in said


# ------------------------------------------------------------------ exit codes


def test_exit_codes_tell_scripts_what_is_left(live: Command) -> None:
    assert live.run("plan", GROUP, "--exit-code").exit_code == 0

    package = live.world.approved()
    assert live.run("plan", GROUP).exit_code == 0
    assert live.run("plan", GROUP, "--exit-code").exit_code == 3
    assert live.run("plan", GROUP, "--exit-code", "--json").exit_code == 3

    live.world.sweep()
    assert live.run("plan", GROUP, "--exit-code").exit_code == 3  # under way

    live.bring()
    assert live.run("plan", GROUP, "--exit-code").exit_code == 0

    live.world.reject(package)
    live.world.reject(package.replace("/2", "/1"))
    assert live.run("plan", GROUP, "--exit-code").exit_code == 4


# ------------------------------------------------------------------ which group


@pytest.mark.parametrize("address", [GROUP_ARN, f"  {GROUP}  "])
def test_a_group_may_be_named_by_its_arn(live: Command, address: str) -> None:
    assert live.document("plan", address)["group"] == GROUP_ARN


FOREIGN = f"arn:aws:sagemaker:{REGION}:999999999999:model-package-group/shared"


def test_a_group_of_another_account_is_planned_for_the_endpoint_that_follows_it(live: Command) -> None:
    live.world.sagemaker.add_tags(
        ResourceArn=live.world.endpoint()["EndpointArn"],
        Tags=[{"Key": "stationkeeper:model-package-group", "Value": FOREIGN}],
    )

    plan = live.document("plan", FOREIGN)

    assert (plan["endpoint"], plan["group"], plan["code"]) == (ENDPOINT, FOREIGN, "rival-group")
    assert "the endpoint another does not follow" in live.error("plan", FOREIGN, "--endpoint", "another")


def test_of_several_endpoints_that_follow_one_must_be_named(live: Command) -> None:
    config = live.world.endpoint()["EndpointConfigName"]
    for name in ("east", "west"):
        live.world.sagemaker.create_endpoint(
            EndpointName=name,
            EndpointConfigName=config,
            Tags=[{"Key": "stationkeeper:model-package-group", "Value": FOREIGN}],
        )

    error = live.error("plan", FOREIGN)

    assert error == "2 endpoints follow this group: east, west. Name one with --endpoint."
    assert live.document("plan", FOREIGN, "--endpoint", "West")["endpoint"] == "west"


@pytest.mark.parametrize(
    ("group", "says"),
    [
        ("nonsense", "there is no model package group nonsense in 123456789012, eu-west-1"),
        ("two words", "is no name of a model package group"),
        ("", "is no name of a model package group"),
        ("evil\x1b[31m", "\\u001b[31m"),
        ("arn:aws:s3:::bucket", "is no ARN of a model package group"),
        (
            f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/churn/8",
            "it is of a version. Its group is churn",
        ),
        (
            GROUP_ARN.replace(REGION, "us-east-1"),
            "the group is in us-east-1, and this command looks at eu-west-1",
        ),
        (GROUP_ARN + "-gone", "there is no model package group churn-gone"),
        (FOREIGN, "no endpoint follows"),
    ],
)
def test_a_group_that_is_none_gets_a_clear_line(live: Command, group: str, says: str) -> None:
    assert says in live.error("plan", "--", group)


def test_a_group_that_is_not_tagged_is_told_how_to_opt_in(command: Command) -> None:
    command.world.group(endpoint=None)

    error = command.error("plan", GROUP)

    assert "it has no tag stationkeeper:endpoint" in error
    assert f"--resource-arn {GROUP_ARN} --tags Key=stationkeeper:endpoint,Value=<endpoint>" in error


def test_a_tag_that_is_no_endpoint_name_is_told(command: Command) -> None:
    command.world.group(endpoint="no_good")

    assert "which is no endpoint name" in command.error("plan", GROUP)


def test_an_endpoint_that_is_not_the_groups_is_told(live: Command) -> None:
    assert "released to churn-prod, not to other" in live.error("plan", GROUP, "--endpoint", "other")


# ------------------------------------------------------------------ which account


def test_no_stack_of_that_name(command: Command) -> None:
    assert "there is no stack nope in eu-west-1" in command.error("plan", GROUP, "--stack", "nope")


def test_a_stack_without_release_function(command: Command) -> None:
    deploy("old", logical_id="MonitorReportFunction")

    assert "the stack old in eu-west-1 has no release function" in command.error(
        "plan", GROUP, "--stack", "old"
    )


def test_settings_that_this_version_does_not_understand(command: Command) -> None:
    deploy("odd", DEFAULT_MIN_INSTANCES="many")

    assert "Deploy the stack again" in command.error("plan", GROUP, "--stack", "odd")


@pytest.mark.parametrize(
    ("call", "code", "said", "says"),
    [
        (
            "cloudformation:DescribeStackResource",
            "AccessDenied",
            "User: arn:aws:iam::1:user/x is not authorized to perform: cloudformation:DescribeStackResource.",
            "access denied: User: arn:aws:iam::1:user/x is not authorized",
        ),
        ("sagemaker:ListTags", "AccessDeniedException", "No\x1b[2J.", "access denied: No\\u001b[2J."),
        ("dynamodb:GetItem", "AccessDeniedException", "No.", "ReadOnlyAccess"),
        (
            "cloudformation:DescribeStackResource",
            "ExpiredToken",
            "Expired.",
            "AWS refuses the credentials: Expired.",
        ),
        (
            "sagemaker:DescribeEndpoint",
            "ThrottlingException",
            "Rate exceeded",
            "Rate exceeded Try again later.",
        ),
    ],
)
def test_what_aws_refuses_is_one_clear_line(
    live: Command, call: str, code: str, said: str, says: str
) -> None:
    live.refusals[call] = (code, said)

    assert says in live.error("plan", GROUP)


def test_no_region(command: Command, tmp_path) -> None:
    os.environ.pop("AWS_DEFAULT_REGION")
    os.environ["AWS_CONFIG_FILE"] = str(tmp_path / "none")
    forget_clients()

    assert "no AWS region is set. Set AWS_DEFAULT_REGION" in command.error("plan", GROUP)


def test_no_profile(command: Command) -> None:
    os.environ["AWS_PROFILE"] = "nobody"
    forget_clients()

    assert "nobody" in command.error("plan", GROUP)


# ------------------------------------------------------------------ wrong use


@pytest.mark.parametrize(
    "arguments",
    [["plan"], ["plan", "a", "b"], ["plan", "churn", "--port", "0"], ["plan", "churn", "--nonsense"]],
)
def test_wrong_use_is_exit_code_2(command: Command, arguments: list[str]) -> None:
    assert command.run(*arguments).exit_code == 2
    assert command.calls == []


def test_nothing_on_the_port(command: Command) -> None:
    assert "nothing answers on port 9. Start it with `stationkeeper local --port 9`." in command.error(
        "plan", GROUP, "--port", "9"
    )
    assert os.environ["AWS_DEFAULT_REGION"] == REGION


def test_what_is_planned_again_is_the_same(live: Command) -> None:
    live.world.approved()

    assert json.dumps(live.document("plan", GROUP)) == json.dumps(live.document("plan", GROUP))


def until_quiet(command: Command) -> None:
    """Time passes and nobody reacts: the function is behind."""
    world = command.world
    while (due := world.simulator.next_due()) is not None:
        world.clock.jump_to(due)
        world.simulator.run_due()
    world.inbox.clear()
