"""`stationkeeper status` over the one-process world."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from embedded_aws.moto_additions import sns
from embedded_aws.moto_additions.sagemaker import Outcome
from stationkeeper.alarms.memory import AlarmMemory, Edge, Incident
from stationkeeper.alerts.memory import Memory
from stationkeeper.alerts.standing import Run
from stationkeeper.aws.alarm_memories import DynamoDbAlarmMemories
from stationkeeper.aws.monitor_memories import DynamoDbMonitorMemories
from stationkeeper.aws.versioned_items import compressed
from stationkeeper_command.errors import CommandError

from tests.command_world import STACK, Command, command_world
from tests.release_world import ENDPOINT, GROUP, GROUP_ARN
from tests.unit.builders import blind_run, judged_run
from tests.world import ACCOUNT, BUCKET, REGION, TABLE

BASELINE = {
    "ModelDataQuality": {
        "Statistics": {"ContentType": "application/json", "S3Uri": f"s3://{BUCKET}/statistics.json"},
        "Constraints": {"ContentType": "application/json", "S3Uri": f"s3://{BUCKET}/constraints.json"},
    }
}
FOREIGN = f"arn:aws:sagemaker:{REGION}:999999999999:model-package-group/shared"


@pytest.fixture
def command() -> Iterator[Command]:
    with command_world() as running, sns.installed(lambda *_: None):
        yield running


@pytest.fixture
def live(command: Command) -> Command:
    """Version 1 is in service, with a data-quality monitor."""
    command.world.group()
    command.world.approved(DriftCheckBaselines=BASELINE)
    command.bring()
    return command


def table(command: Command) -> list[str]:
    """What stands under who is told."""
    _, _, below = command.says("status").partition("\n\n")
    return below.splitlines()


def row(command: Command, endpoint: str = ENDPOINT) -> Any:
    (found,) = [row for row in command.document("status")["endpoints"] if row["endpoint"] == endpoint]
    return found


def ran(command: Command, *runs: Run) -> None:
    """The endpoint's monitor ran, and was judged."""
    (schedule,) = command.world.sagemaker.list_monitoring_schedules()["MonitoringScheduleSummaries"]
    memories = DynamoDbMonitorMemories(lambda: command.world.dynamodb, TABLE)
    memories.remember(schedule["MonitoringScheduleArn"], ENDPOINT, Memory(runs=runs))


def red_alarms(command: Command, number: int, endpoint: str = ENDPOINT) -> None:
    """The alarm response remembers so many red alarms of an endpoint, after one that is clear again."""
    at = datetime.now(UTC)
    memory = AlarmMemory(incident=Incident(id="0a1b2c3d", since=at))
    for index in range(number + 1):
        for state in ("ALARM", "OK") if index == number else ("ALARM",):
            at += timedelta(seconds=1)
            name = f"alarm-{index}"
            memory = memory.with_edge(Edge(alarm=name, arn=name, state=state, at=at, noted_at=at))
    DynamoDbAlarmMemories(lambda: command.world.dynamodb, TABLE).remember(endpoint, memory)


def test_nothing_managed_says_how_to_opt_in(command: Command) -> None:
    said = command.says("status")

    assert "\n\nNo endpoint is managed yet." in said
    assert "aws sagemaker add-tags" in said
    assert command.document("status")["endpoints"] == []


# ---------------------------------------------------------------- who is told


def subscribed(command: Command, *addresses: str, protocol: str = "email") -> str:
    """The topic of alerts, with these subscribers."""
    client = boto3.client("sns")
    resource = boto3.client("cloudformation").describe_stack_resource(
        StackName=STACK, LogicalResourceId="AlertTopic"
    )
    topic: str = resource["StackResourceDetail"]["PhysicalResourceId"]
    for address in addresses:
        client.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=address)
    return topic


def test_nobody_is_told_before_somebody_is_subscribed(command: Command) -> None:
    topic = subscribed(command)

    first, second, *_ = command.says("status").splitlines()

    assert first == "Alerts go to nobody. Subscribe somebody:"
    assert second.endswith(f"--notification-endpoint you@example.com --topic-arn {topic}")
    assert command.document("status")["alerts"] == {
        "topic": topic,
        "confirmed": [],
        "waiting": [],
        "error": None,
    }


def test_who_has_not_confirmed_is_told_nothing(command: Command) -> None:
    topic = subscribed(command, "anna@example.com")

    first, second, *_ = command.says("status").splitlines()

    assert first.startswith("Alerts go to nobody: not confirmed by anna@example.com (email).")
    assert "48 hours" in first
    assert second.endswith(f"--notification-endpoint anna@example.com --topic-arn {topic}")
    assert command.document("status")["alerts"]["waiting"] == [
        {"protocol": "email", "address": "anna@example.com"}
    ]


def test_who_has_confirmed_is_named_and_so_is_who_has_not(command: Command) -> None:
    topic = subscribed(command, "anna@example.com")
    boto3.client("sns").confirm_subscription(TopicArn=topic, Token="token")

    assert command.says("status").splitlines()[:2] == ["Alerts go to anna@example.com (email).", ""]

    subscribed(command, "bob@example.com")
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:pager"
    subscribed(command, queue, protocol="sqs")
    first, second, *_ = command.says("status").splitlines()
    assert first == f"Alerts go to anna@example.com (email), {queue} (sqs)."
    assert second.startswith("Not confirmed by bob@example.com (email).")


def test_many_subscribers_are_counted(command: Command) -> None:
    subscribed(
        command, *(f"arn:aws:sqs:{REGION}:{ACCOUNT}:pager-{number}" for number in range(9)), protocol="sqs"
    )

    assert command.says("status").splitlines()[0].endswith("pager-2 (sqs) and 6 more.")


def test_endpoints_are_shown_though_who_is_told_may_not_be_read(live: Command) -> None:
    live.refusals["sns:ListSubscriptionsByTopic"] = ("AuthorizationError", "You may not.")

    assert (
        live.says("status")
        .splitlines()[0]
        .startswith("Who alerts go to cannot be read: access denied: You may not.")
    )
    assert live.document("status")["alerts"]["error"].startswith("access denied")
    assert row(live)["state"] == "in-service"


# ---------------------------------------------------------------- endpoints


def test_an_endpoint_in_service(live: Command) -> None:
    found = row(live)

    assert (found["group"], found["live"], found["newest_approved"]) == (GROUP_ARN, 1, 1)
    assert (found["state"], found["releasing"], found["since"]) == ("in-service", None, None)
    assert found["released_at"] is not None
    heading, line = table(live)
    assert heading.split() == ["ENDPOINT", "LIVE", "NEWEST", "STATE", "RELEASED", "OPEN"]
    assert line.split() == [ENDPOINT, "1", "1", "in", "service", "just", "now", "no", "run", "yet"]


def test_open_violations_are_those_of_the_newest_run(live: Command) -> None:
    ran(live, judged_run(0, fare=2), judged_run(1, fare=2, tips=1))

    found = row(live)

    assert (found["violations"], found["severity"]) == (2, "critical")
    assert found["monitors"][0]["last_run_at"].startswith("2026-")
    assert table(live)[1].rstrip().endswith("2 (critical)")


def test_no_violation_is_zero_and_no_monitor_is_not(live: Command) -> None:
    ran(live, judged_run(0))
    live.world.group("other", "other-prod")

    assert (row(live)["violations"], row(live)["severity"]) == (0, "none")
    assert row(live, "other-prod")["violations"] is None
    lines = [line.rstrip() for line in table(live)]
    assert lines[1].endswith(" 0")
    assert lines[2].endswith(" -")


def test_a_blind_monitor_is_not_healthy(live: Command) -> None:
    ran(live, judged_run(0, fare=2), blind_run(1))

    found = row(live)

    assert found["violations"] is None
    assert found["monitors"][0]["blind"] == "no-data"
    assert table(live)[1].rstrip().endswith("1 blind")


def test_red_alarms_are_told_with_their_incident(live: Command) -> None:
    calm = row(live)
    red_alarms(live, 2)

    found = row(live)

    assert (calm["red_alarms"], calm["alarm_incident"]) == (0, None)
    assert (found["red_alarms"], found["alarm_incident"]) == (2, "0a1b2c3d")
    assert table(live)[1].rstrip().endswith("no run yet, 2 alarms red #0a1b2c3d")
    ran(live, judged_run(0, fare=2))
    assert table(live)[1].rstrip().endswith("1 (critical), 2 alarms red #0a1b2c3d")
    assert live.calls.count("dynamodb:BatchGetItem") == 2


def test_red_alarms_of_an_endpoint_without_monitors(live: Command) -> None:
    live.world.group("other", "Other-Prod")
    red_alarms(live, 1, "Other-Prod")

    assert row(live, "Other-Prod")["red_alarms"] == 1
    assert table(live)[2].rstrip().endswith(" 1 alarm red #0a1b2c3d")
    assert row(live)["red_alarms"] == 0


def test_alarms_that_are_clear_again_are_not_told(live: Command) -> None:
    red_alarms(live, 0)

    assert (row(live)["red_alarms"], row(live)["alarm_incident"]) == (0, None)
    assert "red" not in live.says("status")


def test_a_release_under_way_and_since_when(live: Command) -> None:
    live.world.approved()
    assert row(live)["state"] == "release-due"

    live.world.sweep()

    found = row(live)
    assert (found["live"], found["newest_approved"], found["releasing"]) == (1, 2, 2)
    assert found["state"] == "releasing"
    assert found["since"] is not None
    assert "releasing version 2 for less than a minute" in live.says("status")


def test_a_rollback_is_told_while_and_after_it_happens(live: Command) -> None:
    live.world.approved()
    live.world.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK_SILENTLY)
    live.world.sweep()
    until_quiet(live)
    assert (row(live)["state"], row(live)["live"]) == ("rolled-back", 1)

    live.bring()

    found = row(live)
    assert (found["state"], found["live"], found["newest_approved"]) == ("in-service", 1, 1)


def test_a_block_says_why(live: Command) -> None:
    live.world.reject(f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/churn/1")

    found = row(live)

    assert (found["state"], found["live"], found["newest_approved"]) == ("blocked", 1, None)
    assert "blocked: No approved version of the group is left to release " in live.says("status")


def test_a_refused_release_is_blocked_not_due(live: Command) -> None:
    live.world.approved()
    with live.world.hooked("sagemaker", "before-call.sagemaker.CreateModel", deny):
        live.world.sweep()

    found = row(live)

    assert (found["state"], found["newest_approved"]) == ("blocked", 2)
    assert "version 2 cannot be released (refused)" in found["detail"]


def test_a_failed_endpoint(command: Command) -> None:
    command.world.group()
    command.world.approved()
    command.world.simulator.plan_outcome(ENDPOINT, Outcome.FAILS)
    command.world.sweep()
    until_quiet(command)

    assert row(command)["state"] == "failed"


def test_groups_without_endpoint(command: Command) -> None:
    command.world.group()
    assert (row(command)["state"], row(command)["live"]) == ("no-endpoint", None)

    command.world.approved()
    assert row(command)["state"] == "release-due"
    assert "no endpoint yet, version 1 is due" in command.says("status")


def test_a_tag_that_is_no_endpoint_name_is_a_row(command: Command) -> None:
    command.world.group(endpoint="no_good")

    found = row(command, "no_good")

    assert found["state"] == "blocked"
    assert "which is no endpoint name" in found["detail"]


def test_endpoints_are_sorted_and_those_of_other_accounts_are_there(live: Command) -> None:
    live.world.group("z-group", "Alpha")
    live.world.group("a-group", "zulu")
    live.world.sagemaker.create_endpoint(
        EndpointName="mike",
        EndpointConfigName=live.world.endpoint()["EndpointConfigName"],
        Tags=[{"Key": "stationkeeper:model-package-group", "Value": FOREIGN}],
    )

    found = live.document("status")["endpoints"]

    assert [row["endpoint"] for row in found] == ["Alpha", ENDPOINT, "mike", "zulu"]
    assert found[2]["group"] == FOREIGN


def test_one_endpoint_that_cannot_be_read_hides_no_other(live: Command) -> None:
    live.world.group("other", "other-prod")
    live.world.dynamodb.put_item(
        TableName=TABLE,
        Item={
            "pk": {"S": "release#other-prod"},
            "sk": {"S": "record"},
            "version": {"N": "1"},
            "body": {"B": compressed('{"live": "in a form of later versions"}')},
        },
    )

    result = live.run("status")

    assert isinstance(result.exception, CommandError)
    assert str(result.exception) == "1 of 2 endpoints could not be read"
    assert "in service" in result.stdout
    assert "not readable: what AWS or the state table holds cannot be read (Record)" in result.stdout


def test_what_is_denied_for_all_is_one_clear_line(live: Command) -> None:
    live.refusals["sagemaker:DescribeEndpoint"] = ("AccessDeniedException", "You may not.")

    assert live.error("status").startswith("access denied: You may not.")


@pytest.mark.parametrize(
    "call",
    ["tagging:GetResources", "sagemaker:ListMonitoringSchedules", "dynamodb:BatchGetItem"],
)
def test_what_is_denied_at_all_is_one_clear_line(live: Command, call: str) -> None:
    name = call.replace("tagging:", "resourcegroupstaggingapi:")
    live.refusals[name] = ("AccessDeniedException", "You may not.")

    assert live.error("status").startswith("access denied: You may not.")


def test_hundred_endpoints_cost_a_few_calls_each(command: Command) -> None:
    for number in range(100):
        command.world.group(f"group-{number:03}", f"endpoint-{number:03}")

    found = command.document("status")["endpoints"]

    assert [row["endpoint"] for row in found] == [f"endpoint-{number:03}" for number in range(100)]
    assert len(command.calls) <= 100 * 4 + 10


def test_no_stack_of_that_name(command: Command) -> None:
    assert "there is no stack nope" in command.error("status", "--stack", "nope")


@pytest.mark.parametrize("arguments", [["status", GROUP], ["status", "--port", "x"], ["status", "--verbose"]])
def test_wrong_use_is_exit_code_2(command: Command, arguments: list[str]) -> None:
    assert command.run(*arguments).exit_code == 2


def deny(**_: Any) -> Any:
    from botocore.exceptions import ClientError

    raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "CreateModel")


def until_quiet(command: Command) -> None:
    """Time passes and nobody reacts: the function is behind."""
    world = command.world
    while (due := world.simulator.next_due()) is not None:
        world.clock.jump_to(due)
        world.simulator.run_due()
    world.inbox.clear()
