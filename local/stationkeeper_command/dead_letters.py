"""Dead-letter queues of a stack, and what waits in them: read without taking anything."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from stationkeeper.alerts.text import plain
from stationkeeper.aws import clients

from stationkeeper_command.account import needing
from stationkeeper_command.errors import CommandError

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_DEAD_LETTERS, _QUEUE = "DeadLettersUrl", "QueueUrl"
SHOWN = 20
"""So many messages are read at most."""
_LOOKS = 6
_A_LOOK = 10  # SQS gives no more at once
_NAMES = (
    "model",
    "alarmName",
    "ModelPackageArn",
    "ProcessingJobName",
    "TrainingJobName",
    "TransformJobName",
    "HyperParameterTuningJobName",
    "pipelineExecutionArn",
    "job",
    "name",
    "schedule",
    "pipeline",
    "group_arn",
)
"""Fields of an event that say what it is about, the most telling first; beside its endpoint."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """A reaction's name, its queue and its dead-letter queue, by their URLs."""

    name: str
    queue_url: str
    dead_letters_url: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """How a dead-letter queue stands. `hidden` are messages somebody has taken and not deleted yet."""

    arn: str
    number: int
    hidden: int
    kept: timedelta
    """How long SQS keeps a message, from when it was first sent."""


@dataclass(frozen=True, slots=True)
class Gist:
    """What an event is, what it is about and when it happened; cleaned."""

    what: str
    about: str
    at: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that waits. `undelivered` says why EventBridge put it there itself; "" of one that a function failed on."""

    gist: Gist
    sent_at: datetime
    received: int
    undelivered: str


@dataclass(frozen=True, slots=True)
class Sample:
    """Letters, oldest first, and how many calls of SQS they took."""

    letters: tuple[Letter, ...]
    calls: int


def reactions(outputs: Mapping[str, str]) -> tuple[Reaction, ...]:
    """The reactions of a stack, by name: each has an output for its queue and one for its dead-letter queue."""
    names = [
        key.removesuffix(_DEAD_LETTERS)
        for key in outputs
        if key.endswith(_DEAD_LETTERS) and key.removesuffix(_DEAD_LETTERS) + _QUEUE in outputs
    ]
    return tuple(
        Reaction(_snake_case(name), outputs[name + _QUEUE], outputs[name + _DEAD_LETTERS])
        for name in sorted(names)
    )


def chosen(found: tuple[Reaction, ...], name: str) -> Reaction:
    """The reaction of a name, written as its folder or as its resources."""
    for reaction in found:
        if _letters_of(reaction.name) == _letters_of(name):
            return reaction
    raise CommandError(
        f"there is no reaction {plain(name, 60)!r}. There are: {', '.join(one.name for one in found)}."
    )


def waiting(reaction: Reaction) -> Waiting:
    """How a dead-letter queue stands; one call. SQS's numbers are approximate."""
    with needing("sqs:GetQueueAttributes", "the dead-letter queues"):
        said = clients.sqs().get_queue_attributes(
            QueueUrl=reaction.dead_letters_url,
            AttributeNames=[
                "QueueArn",
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
                "MessageRetentionPeriod",
            ],
        )["Attributes"]
    return Waiting(
        arn=said["QueueArn"],
        number=int(said["ApproximateNumberOfMessages"]),
        hidden=int(said["ApproximateNumberOfMessagesNotVisible"]),
        kept=timedelta(seconds=int(said["MessageRetentionPeriod"])),
    )


def sample(reaction: Reaction, number: int) -> Sample:
    """At most 20 of the `number` messages that wait, at most six calls.

    Each is visible again at once, to everybody: a dead-letter queue has no redrive policy of its own, so nothing comes of its having been
    received once more. SQS shows whichever it likes, the same ones again too.
    """
    found: dict[str, Letter] = {}
    calls = 0
    while calls < _LOOKS and len(found) < min(number, SHOWN):
        calls += 1
        with needing("sqs:ReceiveMessage", "the dead-letter queue"):
            messages = (
                clients.sqs()
                .receive_message(
                    QueueUrl=reaction.dead_letters_url,
                    MaxNumberOfMessages=_A_LOOK,
                    VisibilityTimeout=0,
                    WaitTimeSeconds=1,
                    AttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
                    MessageAttributeNames=["ERROR_CODE", "ERROR_MESSAGE"],
                )
                .get("Messages", [])
            )
        before = len(found)
        found |= {message["MessageId"]: _letter(message) for message in messages}
        if len(found) == before:
            break
    letters = sorted(found.values(), key=lambda letter: letter.sent_at)
    return Sample(tuple(letters[:SHOWN]), calls)


def gist_of(body: str) -> Gist:
    """What a message says, whatever it is."""
    try:
        event = json.loads(body)
    except ValueError:
        event = None
    if not isinstance(event, dict) or not isinstance(event.get("detail-type"), str):
        return Gist("no event", plain(body, 60), "")
    detail = event.get("detail")
    names = _names_of(detail if isinstance(detail, dict) else {})
    return Gist(
        plain(event["detail-type"], 60), plain(" ".join(names), 120), plain(str(event.get("time", "")), 40)
    )


def _names_of(detail: dict[str, Any]) -> list[str]:
    environment = detail.get("Environment")
    monitored = environment.get("sagemaker_endpoint_name") if isinstance(environment, dict) else None
    endpoint = detail.get("endpoint") or detail.get("EndpointName") or monitored
    thing = next((detail[name] for name in _NAMES if detail.get(name)), None)
    return [_short(str(value)) for value in (endpoint, thing) if value]


def _short(name: str) -> str:
    """An ARN's resource; anything else as it is."""
    return name.partition("/")[2] or name if name.startswith("arn:") else name


def _letter(message: "MessageTypeDef") -> Letter:
    attributes, said = message["Attributes"], message.get("MessageAttributes", {})
    why = [said[name].get("StringValue", "") for name in ("ERROR_CODE", "ERROR_MESSAGE") if name in said]
    return Letter(
        gist=gist_of(message["Body"]),
        sent_at=datetime.fromtimestamp(int(attributes["SentTimestamp"]) / 1_000, UTC),
        received=int(attributes["ApproximateReceiveCount"]),
        undelivered=plain(": ".join(why), 200),
    )


def _snake_case(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).removeprefix("_")


def _letters_of(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()
