"""`stationkeeper redrive` and `replay` over queues and a bus in this process: what is listed, refused and said."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Condition, RLock
from typing import Any

import boto3
import pytest
from click.testing import Result
from embedded_aws import moto_additions
from rich.console import Console
from stationkeeper_command import redrive, replay
from stationkeeper_command.errors import CommandError
from stationkeeper_command.redrive import newest_move

from tests.command_world import Command, command_world
from tests.integration.test_models_command import stack_outputs
from tests.world import ACCOUNT, REGION

ALLOWED = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}


class World(Command):
    """Two reactions with a queue and a dead-letter queue each, and a bus with an archive."""

    def set_up(self) -> None:
        self.sqs: Any = boto3.client("sqs")
        self.events: Any = boto3.client("events")
        self.urls = {}
        outputs = {}
        for name in ("DriftPage", "Release"):
            dead = self._queue(f"{name}-dead")
            arn = self._arn(dead)
            redrive_policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
            queue = self._queue(f"{name}-work", RedrivePolicy=redrive_policy)
            outputs |= {f"{name}DeadLettersUrl": dead, f"{name}QueueUrl": queue}
            self.urls[name] = (dead, queue)
        self.events.create_archive(ArchiveName="kept", EventSourceArn=self._bus(), RetentionDays=30)
        self.outputs = {**outputs, "EventBusName": "stationkeeper", "EventArchiveName": "kept"}
        stack_outputs(**self.outputs)

    def bury(self, *bodies: str, name: str = "DriftPage", **attributes: str) -> None:
        """Messages that somebody put into a dead-letter queue."""
        for body in bodies:
            self.sqs.send_message(
                QueueUrl=self.urls[name][0],
                MessageBody=body,
                MessageAttributes={
                    key: {"DataType": "String", "StringValue": value} for key, value in attributes.items()
                },
            )

    def waiting(self, name: str = "DriftPage") -> list[int]:
        """How many messages wait in the dead-letter queue, and in the queue."""
        return [
            int(
                self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])[
                    "Attributes"
                ]["ApproximateNumberOfMessages"]
            )
            for url in self.urls[name]
        ]

    def changing(self, *arguments: str) -> Result:
        """Run a command that may change something."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(self), "mutations", [])
            return self.run(*arguments)

    def rule(self, name: str, pattern: str = '{"source": ["stationkeeper"]}', state: str = "ENABLED") -> None:
        self.events.put_rule(Name=name, EventBusName="stationkeeper", EventPattern=pattern, State=state)

    def replaying(self, name: str) -> None:
        """A replay of a hundred minutes, under way."""
        archive = self.events.describe_archive(ArchiveName="kept")
        at = datetime(2026, 11, 23, tzinfo=UTC)
        backend = moto_additions.events.events_backends[ACCOUNT][REGION]
        backend.archives["kept"].events = [  # type: ignore[assignment]
            {"time": (at + timedelta(minutes=minute)).isoformat(), "source": "x"} for minute in range(100)
        ]
        self.events.start_replay(
            ReplayName=name,
            EventSourceArn=archive["ArchiveArn"],
            EventStartTime=at,
            EventEndTime=at + timedelta(days=1),
            Destination={"Arn": archive["EventSourceArn"]},
        )

    @property
    def mutations(self) -> list[str]:
        return [call for call in super().mutations if call != "sqs:ReceiveMessage"]

    def _queue(self, name: str, **attributes: str) -> str:
        return str(self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])

    def _arn(self, url: str) -> str:
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(answer["Attributes"]["QueueArn"])

    def _bus(self) -> str:
        return str(self.events.describe_event_bus(Name="stationkeeper")["Arn"])


@pytest.fixture
def command() -> Iterator[World]:
    with command_world() as running, moto_additions.working_on(Condition(RLock())):
        world = World(running.world)
        world.set_up()
        yield world


def event(number: int = 1, **detail: Any) -> str:
    return json.dumps(
        {
            "id": f"e-{number}",
            "source": "aws.sagemaker",
            "detail-type": "SageMaker Endpoint State Change",
            "time": "2026-11-23T16:00:00Z",
            "detail": detail or {"EndpointName": "churn-prod"},
        }
    )


# ---------------------------------------------------------------- redrive


def test_all_dead_letter_queues_of_the_stack_are_listed_by_their_outputs(command: World) -> None:
    command.bury(event(), event())

    lines = [line.split() for line in command.says("redrive").splitlines()]

    assert lines[0] == ["REACTION", "WAITING", "TAKEN", "BY", "A", "READER"]
    assert lines[1:3] == [["drift_page", "2", "0"], ["release", "0", "0"]]
    assert "What they are: stationkeeper redrive drift_page" in command.says("redrive")


@pytest.mark.parametrize("name", ["drift_page", "DriftPage", "drift-page"])
def test_a_look_says_what_waits_and_takes_nothing(command: World, name: str) -> None:
    command.bury(event(), "\x1b[31mnot JSON", '{"detail-type": 7}')
    command.bury(event(2, endpoint="a", model="b"), ERROR_CODE="NO_PERMISSIONS", ERROR_MESSAGE="denied")

    found = command.document("redrive", name)

    assert (found["name"], found["waiting"], found["taken_by_a_reader"]) == ("drift_page", 4, 0)
    said = [(one["what"], one["about"], one["undelivered"]) for one in found["messages"]]
    assert sorted(said, key=str) == [
        ("SageMaker Endpoint State Change", "a b", "NO_PERMISSIONS: denied"),
        ("SageMaker Endpoint State Change", "churn-prod", None),
        ("no event", "\\u001b[31mnot JSON", None),
        ("no event", '{"detail-type": 7}', None),
    ]
    assert command.waiting() == [4, 0]
    words = command.says("redrive", name)
    assert "4 messages in the dead-letter queue of drift_page." in words
    assert "Nothing was sent. When the cause is gone, send them back:" in words
    assert "stationkeeper redrive drift_page --yes" in words


def test_what_a_reader_has_taken_is_said_and_not_counted_as_gone(command: World) -> None:
    command.bury(event())
    command.sqs.receive_message(QueueUrl=command.urls["DriftPage"][0], VisibilityTimeout=600)

    assert command.document("redrive", "drift_page")["taken_by_a_reader"] == 1
    assert "1 message more: taken by a reader, not shown." in command.says("redrive", "drift_page")


def test_a_look_at_many_is_a_sample_of_few_calls(command: World) -> None:
    command.bury(*(event(number) for number in range(35)))

    words = command.says("redrive", "drift_page")

    assert "35 messages in the dead-letter queue" in words
    assert "of 35: SQS shows whichever it likes." in words
    assert command.calls.count("sqs:ReceiveMessage") <= 6


def test_all_are_sent_back_once_somebody_says_so(command: World) -> None:
    command.bury(event(1), event(2))

    done = command.changing("redrive", "drift_page", "--yes", "--json")

    document = json.loads(done.stdout)
    assert (document["waiting"], document["move"]["status"], document["move"]["moved"]) == (2, "COMPLETED", 2)
    assert command.waiting() == [0, 2]
    assert command.waiting("Release") == [0, 0]


def test_nothing_waits(command: World) -> None:
    for more in ([], ["--yes"]):
        result = command.run("redrive", "release", *more)
        assert result.exit_code == 0
        assert "Nothing to do: no message waits in the dead-letter queue of release." in result.stdout


def test_the_answer_no_sends_nothing(command: World) -> None:
    command.bury(event())
    questions: list[str] = []

    redrive.run(Console(quiet=True), redrive.Wanted("release"), "stationkeeper", None, questions.append, "")
    redrive.run(
        Console(quiet=True), redrive.Wanted("drift_page"), "stationkeeper", None, questions.append, ""
    )

    assert questions == ["Send 1 message back to drift_page? The cause should be gone."]
    assert command.waiting() == [1, 0]


def test_a_redrive_under_way_is_followed_and_no_second_one_is_started(command: World) -> None:
    command.bury(*(event(number) for number in range(6)))
    dead, queue = (command._arn(url) for url in command.urls["DriftPage"])
    command.sqs.start_message_move_task(SourceArn=dead, DestinationArn=queue, MaxNumberOfMessagesPerSecond=3)

    looked = command.document("redrive", "drift_page")
    followed = command.changing("redrive", "drift_page", "--yes")

    assert (looked["move"]["status"], looked["messages"]) == ("RUNNING", None)
    assert "A redrive of drift_page is under way since" in followed.stdout
    assert "Done: 6 sent back." in followed.stdout
    assert "sqs:StartMessageMoveTask" not in command.calls
    assert len(command.sqs.list_message_move_tasks(SourceArn=dead, MaxResults=10)["Results"]) == 1


def test_a_task_that_sqs_does_not_list_yet_is_waited_for_and_no_older_one_is_taken_for_it(
    command: World,
) -> None:
    command.bury(event(1))
    command.changing("redrive", "drift_page", "--yes")
    before = newest_move(command._arn(command.urls["DriftPage"][0]))
    command.bury(event(2))
    listings: list[dict[str, Any]] = []

    def late(parsed: dict[str, Any], **_: Any) -> None:
        """For three looks after the start SQS says what it said before."""
        said = dict(parsed)
        if 1 <= len(listings) <= 3:
            parsed["Results"] = listings[0]["Results"]
        listings.append(said)

    with command.world.hooked("sqs", "after-call.sqs.ListMessageMoveTasks", late):
        told = redrive.run(
            Console(quiet=True),
            redrive.Wanted("drift_page"),
            "stationkeeper",
            None,
            lambda _: True,
            "",
            pause=lambda _: time.sleep(0.1),
        )

    assert before is not None
    assert len(listings) >= 5
    assert told["move"]["status"] == "COMPLETED"
    assert told["move"]["started_at"] > before.started_at.isoformat()
    command.bury(event(3))
    with (
        command.world.hooked(
            "sqs", "after-call.sqs.ListMessageMoveTasks", lambda parsed, **_: parsed.clear()
        ),
        pytest.raises(
            CommandError, match="does not list it yet. Look again: stationkeeper redrive drift_page"
        ),
    ):
        redrive.run(
            Console(quiet=True),
            redrive.Wanted("drift_page"),
            "stationkeeper",
            None,
            lambda _: True,
            "",
            pause=lambda _: None,
        )


def test_a_redrive_is_cancelled_and_says_what_went(command: World) -> None:
    command.bury(*(event(number) for number in range(9)))
    dead, queue = (command._arn(url) for url in command.urls["DriftPage"])
    command.sqs.start_message_move_task(SourceArn=dead, DestinationArn=queue, MaxNumberOfMessagesPerSecond=1)

    cancelled = command.changing("redrive", "drift_page", "--cancel")

    assert "Cancelled: " in cancelled.stdout
    assert "of 9 messages moved; the rest waits where it was." in cancelled.stdout
    assert "Nothing to cancel" in command.says("redrive", "drift_page", "--cancel")


def test_a_redrive_that_fails_says_why(command: World) -> None:
    command.bury(*(event(number) for number in range(30)))

    def meanwhile(_: float) -> None:
        command.sqs.delete_queue(QueueUrl=command.urls["DriftPage"][1])
        time.sleep(0.6)

    with pytest.raises(
        CommandError, match=r"ended as FAILED \(one of the queues is gone\): \d of 30 messages"
    ):
        redrive.run(
            Console(quiet=True),
            redrive.Wanted("drift_page", per_second=2),
            "stationkeeper",
            None,
            lambda _: True,
            "",
            pause=meanwhile,
        )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nonsense"], "there is no reaction 'nonsense'. There are: drift_page, release."),
        (["release", "--stack", "nope"], "there is no stack nope in eu-west-1"),
    ],
)
def test_what_is_not_there_is_one_clear_line(command: World, arguments: list[str], says: str) -> None:
    assert says in command.error("redrive", *arguments)


@pytest.mark.parametrize(
    ("call", "permission"),
    [
        ("sqs:GetQueueAttributes", "sqs:GetQueueAttributes on the dead-letter queues"),
        ("sqs:ListMessageMoveTasks", "sqs:ListMessageMoveTasks on the dead-letter queue"),
        ("sqs:ReceiveMessage", "sqs:ReceiveMessage on the dead-letter queue"),
        ("sqs:StartMessageMoveTask", "sqs:SendMessage on the queue of drift_page. Nothing was sent"),
    ],
)
def test_what_is_denied_is_said_with_the_permission_it_takes(
    command: World, call: str, permission: str
) -> None:
    command.bury(event())
    command.refusals[call] = ("AccessDenied", "You may not.")

    result = command.changing("redrive", "drift_page", "--yes")

    assert str(result.exception).startswith("access denied: You may not. This takes ")
    assert permission in str(result.exception)
    assert command.waiting() == [1, 0]


@pytest.mark.parametrize("option", [["--yes"], ["--cancel"], ["--per-second", "5"]])
def test_a_change_needs_a_name(command: World, option: list[str]) -> None:
    assert command.run("redrive", *option).exit_code == 2


def test_cancel_goes_alone(command: World) -> None:
    assert command.run("redrive", "release", "--cancel", "--yes").exit_code == 2
    assert command.run("replay", "--cancel", "--last", "6h").exit_code == 2
    assert command.run("replay", "--last", "6h", "--from", "2026-11-23").exit_code == 2


# ---------------------------------------------------------------- replay


def test_a_dry_run_says_what_to_whom_and_changes_nothing(command: World) -> None:
    command.rule("mine")
    command.rule("mine-asleep", state="DISABLED")
    command.rule("mine-once", '{"source": ["stationkeeper"], "replay-name": [{"exists": false}]}')

    words = command.says("replay", "--from", "2026-11-23T12:00", "--to", "2026-11-23T15:30+01:00")

    assert words.startswith(
        "To replay: 23 Nov 2026 12:00 UTC to 23 Nov 2026 14:30 UTC, 2 hours 30 minutes.\n"
    )
    fates = dict(line.split(maxsplit=1) for line in words.splitlines() if line.startswith("mine"))
    assert {name: fate.strip() for name, fate in fates.items()} == {
        "mine": "yes",
        "mine-asleep": "no: disabled",
        "mine-once": "no: ignores replays",
    }
    assert "stationkeeper replay --from 2026-11-23T12:00:00Z --to 2026-11-23T14:30:00Z --yes" in words
    assert "Events-Archive-kept" not in words  # EventBridge's own


def test_rules_can_be_chosen(command: World) -> None:
    for name in ("one", "two"):
        command.rule(name)

    found = command.document("replay", "--last", "6h", "--rule", "two")

    assert [rule["name"] for rule in found["rules"] if rule["replayed_to"]] == ["two"]
    assert (
        "there is no rule 'three' on the bus. Yours that take a replay: notification, one, two."
        in command.error("replay", "--last", "6h", "--rule", "three")
    )


def test_what_is_older_than_the_archive_is_said_to_be_gone(command: World) -> None:
    assert "It keeps events for 30 days: what is older is gone." in command.says("replay", "--last", "40d")


def test_a_replay_under_way_is_followed_or_cancelled_and_no_second_one_is_started(command: World) -> None:
    command.rule("mine")
    command.replaying("first")
    looked = command.document("replay", "--last", "6h")
    cancelled = command.changing("replay", "--cancel")
    command.replaying("second")
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        time.sleep(0.05)

    followed = replay.run(
        Console(quiet=True),
        replay.Wanted("", "", "6h"),
        "stationkeeper",
        None,
        lambda _: True,
        "",
        pause=wait,
    )

    assert (looked["replay"]["name"], looked["replay"]["state"]) == ("first", "RUNNING")
    assert "Cancelled: said again up to" in cancelled.stdout
    assert (followed["replay"]["name"], followed["replay"]["state"]) == ("second", "COMPLETED")
    assert waits
    assert {one["ReplayName"] for one in command.events.list_replays()["Replays"]} == {"first", "second"}


def test_a_replay_under_way_is_found_on_any_page(command: World) -> None:
    command.replaying("first")
    pages: list[dict[str, Any]] = []

    def second_page(parsed: dict[str, Any], **_: Any) -> None:
        if not pages:
            parsed |= {"Replays": [], "NextToken": "more"}
        pages.append(parsed)

    with command.world.hooked("events", "after-call.eventbridge.ListReplays", second_page):
        found = command.document("replay", "--last", "6h")

    assert len(pages) == 2
    assert found["replay"]["name"] == "first"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "say from when on: --from 2026-11-23T12:00, or --last 6h"),
        (["--last", "soon"], "'soon' is no length of time"),
        (["--from", "yesterday"], "'yesterday' is no moment"),
        (["--from", "2026-11-23", "--to", "2026-11-22"], "the range is empty"),
        (["--last", "6h", "--stack", "nope"], "there is no stack nope"),
    ],
)
def test_a_range_that_is_none_is_one_clear_line(command: World, arguments: list[str], says: str) -> None:
    assert says in command.error("replay", *arguments)


def test_an_older_stack_is_told(command: World) -> None:
    del command.outputs["EventArchiveName"]
    stack_outputs(**command.outputs)

    assert "has no output EventArchiveName" in command.error("replay", "--last", "6h")


def test_what_is_denied_of_a_replay_is_said_too(command: World) -> None:
    command.rule("mine")
    command.refusals["events:StartReplay"] = ("AccessDeniedException", "You may not.")

    result = command.changing("replay", "--last", "6h", "--yes")

    assert "This takes events:StartReplay on the archive. Nothing was replayed" in str(result.exception)
