"""`stationkeeper models` over the one-process world: records as the function writes them, a stack with its outputs."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import boto3
import pytest
from rich.console import Console
from stationkeeper.artifacts.naming import nameless
from stationkeeper.artifacts.record import ModelRecord, Refused, Version
from stationkeeper.aws.model_records import DynamoDbModelRecords
from stationkeeper.events.artifact_trigger import ArtifactTrigger
from stationkeeper_command import models_taking_back
from stationkeeper_command.errors import CommandError

from tests.command_world import STACK, Command, command_world
from tests.release_world import IMAGE, ROLE
from tests.unit.test_models_command import of_group, of_job
from tests.world import ACCOUNT, REGION, TABLE

ENDPOINT = "House-Prices"
MODEL = "Houston_TX"
PREFIX = "s3://serving/models/"
SHIFT = datetime.now(UTC).replace(microsecond=0) - datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass
class Models(Command):
    """Only a wish to take a version back may leave the command."""

    @property
    def mutations(self) -> list[str]:
        return [call for call in super().mutations if call not in ("dynamodb:Query", "sqs:SendMessageBatch")]

    @property
    def records(self) -> DynamoDbModelRecords:
        return DynamoDbModelRecords(lambda: self.world.dynamodb, TABLE)

    @property
    def queue_url(self) -> str:
        return self.world.release_queue_url

    def remember(self, *versions: Version, model: str = MODEL, endpoint: str = ENDPOINT, **more: Any) -> None:
        """A settled model whose callers are sent to its last version."""
        moved = tuple(_recent(one, model, one is not versions[-1]) for one in versions)
        uri = moved[-1].uri if moved else ""
        values = {"current": uri, "pointer": uri, **more}
        record = ModelRecord(endpoint=endpoint, model=model, versions=moved, **values)
        self.records.note(endpoint)
        self.records.remember(endpoint, model, record)

    def wishes(self) -> list[ArtifactTrigger]:
        """What artifact_sync would read."""
        found = self.world.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10)
        return [ArtifactTrigger.parse(message["Body"]) for message in found.get("Messages", [])]


def _recent(version: Version, model: str, superseded: bool) -> Version:
    """The builder's version as one of these hours."""
    target_model = version.target_model.replace("Houston_TX", model)
    at = version.published_at + SHIFT
    return version.model_copy(
        update={
            "target_model": target_model,
            "uri": PREFIX + target_model,
            "published_at": at,
            "superseded_at": at + timedelta(hours=1) if superseded else None,
        }
    )


def refused(code: str, hours: float = 1) -> Refused:
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/bad-{code}"
    at = datetime.now(UTC) - timedelta(hours=hours)
    return Refused(identity=arn, source_arn=arn, code=code, passing=False, at=at)


def stack_outputs(**outputs: str) -> None:
    """The deployed stack says where its table and its queue are."""
    cloudformation = boto3.client("cloudformation")
    template = cloudformation.get_template(StackName=STACK)["TemplateBody"]
    body = dict(template) if not isinstance(template, str) else json.loads(template)
    body["Outputs"] = {name: {"Value": value} for name, value in outputs.items()}
    cloudformation.update_stack(StackName=STACK, TemplateBody=json.dumps(body))


@pytest.fixture
def command() -> Iterator[Models]:
    with command_world() as running:
        models = Models(running.world)
        stack_outputs(StateTableName=TABLE, ArtifactSyncQueueUrl=models.queue_url)
        yield models


@pytest.fixture
def published(command: Models) -> Models:
    """A multi-model endpoint with three models."""
    multi_model_endpoint(command)
    command.remember(of_job(50), of_job(2))
    command.remember(of_group(6, 90), of_group(7, 80), model="Austin_TX", refused=(refused("truncated"),))
    command.remember(model="Waco_TX", refused=(refused("no-artifact", 3),))
    return command


def multi_model_endpoint(command: Models) -> None:
    sagemaker = command.world.sagemaker
    container = {"Image": IMAGE, "Mode": "MultiModel", "ModelDataUrl": PREFIX}
    sagemaker.create_model(ModelName="many", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {"VariantName": "all", "ModelName": "many", "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(
        EndpointConfigName="many", ProductionVariants=[{**variant, "InitialInstanceCount": 1}]
    )
    sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName="many")


# ------------------------------------------------------------------ listing


def test_models_in_the_order_of_their_names(published: Models) -> None:
    lines = [line.rstrip() for line in published.says("models", "house-prices").splitlines()]

    assert lines[0].split() == ["MODEL", "CURRENT", "SIZE", "PUBLISHED", "PREVIOUS", "NOTE"]
    assert [line.split()[0] for line in lines[1:4]] == ["Austin_TX", MODEL, "Waco_TX"]
    assert lines[1].endswith(
        "   7                  1.5 MB  3 days ago   6                  refused: truncated, 1 hour ago"
    )
    assert lines[2].split()[1:3] == ["2026-11-23", "10:00Z"]
    assert lines[4:] == [
        "",
        "3 models, 3.0 MB (6.0 MB with all versions kept); 1 published in the last 24 hours; 2 with a refusal",
    ]


def test_the_document(published: Models) -> None:
    found = published.document("models", ENDPOINT)

    assert found["endpoint"] == ENDPOINT
    assert [one["model"] for one in found["models"]] == ["Austin_TX", MODEL, "Waco_TX"]
    assert found["models"][0]["current"]["target_model"] == "Austin_TX/Austin_TX-v7.tar.gz"
    assert found["models"][1]["pointer"] == "/stationkeeper/House-Prices/Houston_TX"
    assert {one["versions"] for one in found["models"]} == {None}
    assert found["summary"]["models"] == 3


def test_one_model_costs_one_read_and_shows_all_its_versions(published: Models) -> None:
    said = published.says("models", ENDPOINT, "--model", MODEL)

    assert [line.split()[:2] for line in said.splitlines()[1:3]] == [
        [of_job(2).label, "current"],
        [of_job(50).label, "previous"],
    ]
    assert "Pointer /stationkeeper/House-Prices/Houston_TX: Houston_TX/Houston_TX-v" in said
    assert [call for call in published.calls if call.startswith("dynamodb:")] == ["dynamodb:GetItem"]


def test_a_pattern_with_one_match_shows_all_its_versions(published: Models) -> None:
    assert published.says("models", ENDPOINT, "--model", "Hou*").split()[0] == "VERSION"
    document = published.document("models", ENDPOINT, "--model", "Hou*")
    assert [len(one["versions"]) for one in document["models"]] == [2]


def test_patterns_add_up_and_show_labels(published: Models) -> None:
    lines = published.says("models", ENDPOINT, "--model", "Hou*", "--model", "Waco_TX").splitlines()

    assert [line.split()[0] for line in lines[1:3]] == [MODEL, "Waco_TX"]
    assert lines[1].split()[1] == of_job(2).label
    assert lines[-1].startswith("2 models")


def test_all_versions_of_all_models(published: Models) -> None:
    lines = published.says("models", ENDPOINT, "--all-versions").splitlines()

    assert [line.split()[0] for line in lines[:5]] == ["MODEL", "Austin_TX", "Austin_TX", MODEL, MODEL]


def test_only_what_was_refused(published: Models) -> None:
    lines = published.says("models", ENDPOINT, "--refused").splitlines()

    assert [line.split()[:2] for line in lines[1:3]] == [
        ["Austin_TX", "truncated"],
        ["Waco_TX", "no-artifact"],
    ]
    found = published.document("models", ENDPOINT, "--refused", "--model", "W*")
    assert [one["model"] for one in found["models"]] == ["Waco_TX"]
    assert published.says("models", ENDPOINT, "--refused", "--model", MODEL).startswith("No refusal is open")


def test_what_nobody_knows_the_model_of(published: Models) -> None:
    published.remember(model=nameless("arn:job"), refused=(refused("no-name"),))

    assert "(no name)  no-name" in published.says("models", ENDPOINT, "--refused")
    assert len(published.document("models", ENDPOINT)["models"]) == 3
    assert "lists all 3." in published.error("models", ENDPOINT, "--model", "none")
    assert "lists all 3." in published.error("models", ENDPOINT, "--model", "none*")
    assert published.error("models", ENDPOINT, "--model", "-*").startswith(
        "the endpoint House-Prices has no model"
    )


def test_an_endpoint_with_nothing_but_that(command: Models) -> None:
    command.remember(model=nameless("arn:job"), refused=(refused("no-name"),))

    assert command.says("models", ENDPOINT).endswith("; 1 refused of no known model\n")


def test_other_endpoints_have_their_own(published: Models) -> None:
    published.remember(of_job(2), endpoint="other", model="alone")

    assert [one["model"] for one in published.document("models", "other")["models"]] == ["alone"]


def test_hundreds_of_models_cost_a_few_calls(command: Models) -> None:
    for number in range(300):
        command.remember(of_job(50), of_job(2), model=f"model-{number:04}")

    found = command.document("models", ENDPOINT)

    assert [one["model"] for one in found["models"]] == [f"model-{number:04}" for number in range(300)]
    assert len(command.calls) <= 6


# ------------------------------------------------------------------ taking back


def test_without_a_person_it_only_says_what_would_happen(published: Models) -> None:
    said = published.says("models", ENDPOINT, "--take-back", MODEL)

    assert said.startswith(f"To take back: version {of_job(2).label} of Houston_TX (job houston-2, published")
    assert f"Callers go back to: version {of_job(50).label} (job houston-50" in said
    assert (
        f"\n\n  stationkeeper models House-Prices --take-back Houston_TX --version {of_job(2).label} --yes\n"
        in said
    )
    assert "sqs:SendMessageBatch" not in published.calls
    assert published.wishes() == []


def test_yes_sends_the_wish(published: Models) -> None:
    said = published.says("models", "house-prices", "--take-back", MODEL, "--yes")

    assert "Sent. It is done within seconds" in said
    (wish,) = published.wishes()
    assert (wish.endpoint, wish.model, wish.taken_back) == (ENDPOINT, MODEL, of_job(2).label)
    assert (wish.source, wish.detail_type, wish.account, wish.region) == (
        "stationkeeper",
        "TakeModelBack",
        ACCOUNT,
        REGION,
    )
    assert abs(datetime.now(UTC) - wish.time) < timedelta(minutes=1)


@pytest.mark.parametrize("answer", [True, False])
def test_a_person_is_asked(published: Models, answer: bool) -> None:
    asked = []

    def confirm(question: str) -> bool:
        asked.append(question)
        return answer

    said, agreed = taken_back(published, confirm)

    assert asked == ["Take it back?"]
    assert agreed is answer
    assert len(published.wishes()) == answer
    assert ("Nothing was sent." in said) is not answer


def taken_back(command: Models, confirm: Callable[[str], bool]) -> tuple[str, bool]:
    console = Console(file=StringIO(), soft_wrap=True, highlight=False)
    agreed = models_taking_back.run(console, ENDPOINT, MODEL, "", STACK, None, confirm, "")
    return console.file.getvalue(), agreed


def test_when_nothing_else_is_left_callers_stay(published: Models) -> None:
    published.remember(of_job(2), model="alone")

    said = published.says("models", ENDPOINT, "--take-back", "alone")

    assert "Callers stay at it: no other good version of alone is left." in said


def test_a_version_that_does_not_serve(published: Models) -> None:
    said = published.says("models", ENDPOINT, "--take-back", MODEL, "--version", of_job(50).label)

    assert f"Callers are not sent to it now: they stay at version {of_job(2).label}" in said


def test_what_is_taken_back_already_is_not_sent_again(published: Models) -> None:
    published.remember(of_job(9), of_job(3, rejected=True), of_job(2), model="one")
    published.remember(of_job(2, rejected=True), model="two")

    before = published.says("models", ENDPOINT, "--take-back", "one", "--version", of_job(3).label, "--yes")
    assert before.startswith("Nothing to do: callers are not sent to version")
    said = published.says("models", ENDPOINT, "--take-back", "two", "--yes")
    assert "is taken back already. Callers stay at it" in said
    assert published.wishes() == []


def test_a_version_of_a_group_is_rejected_in_the_registry(published: Models) -> None:
    said = published.error("models", ENDPOINT, "--take-back", "Austin_TX", "--yes")

    assert said.startswith("version 7 is of a model package group: reject it in the registry")
    assert said.endswith(
        "\n  aws sagemaker update-model-package --region eu-west-1 --model-package-arn "
        "arn:aws:sagemaker:eu-west-1:123456789012:model-package/houston/7 --model-approval-status Rejected"
    )
    assert published.wishes() == []


def test_without_its_endpoint_nothing_would_be_done(command: Models) -> None:
    command.remember(of_job(50), of_job(2))

    said = command.error("models", ENDPOINT, "--take-back", MODEL, "--yes")

    assert said.startswith("nothing can be taken back now: There is no endpoint House-Prices")


def test_who_may_not_send_is_told_what_it_takes(published: Models) -> None:
    published.refusals["sqs:SendMessageBatch"] = ("AccessDenied", "You may not.")

    result = published.run("models", ENDPOINT, "--take-back", MODEL, "--yes")

    assert isinstance(result.exception, CommandError)
    assert "You may not. Taking a version back needs sqs:SendMessage" in str(result.exception)


# ------------------------------------------------------------------ wrong use


def test_an_endpoint_without_models_names_those_that_have(published: Models) -> None:
    said = published.error("models", "house-price")

    assert said == "no model was published to the endpoint house-price. Endpoints that have: house-prices."


def test_no_endpoint_at_all_says_how_to_opt_in(command: Models) -> None:
    said = command.error("models", ENDPOINT)

    assert said.endswith("with stationkeeper:multi-model-endpoint=House-Prices.")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no_good"], "'no_good' is no name of an endpoint"),
        (["arn:aws:sagemaker:eu-west-1:123456789012:endpoint/x"], "it is an ARN. Name it x"),
        ([ENDPOINT, "--stack", "nope"], "there is no stack nope"),
        ([ENDPOINT, "--model", "houston_tx"], "has no model houston_tx. Did you mean Houston_TX?"),
        ([ENDPOINT, "--model", "\x1b[1m"], "has no model that matches '\\\\u001b[1m'. `stationkeeper models"),
        ([ENDPOINT, "--model", "Z*"], "has no model that matches 'Z*'. `stationkeeper models"),
        ([ENDPOINT, "--refused", "--model", "Hustn*"], "has no model that matches 'Hustn*'."),
        ([ENDPOINT, "--take-back", "Huston_TX"], "has no model Huston_TX. Did you mean Houston_TX"),
        ([ENDPOINT, "--take-back", ""], "has no model "),
        ([ENDPOINT, "--take-back", "Waco_TX"], "callers are sent to no version of Waco_TX"),
        ([ENDPOINT, "--take-back", MODEL, "--version", "7"], "has no version '7'. It has: 2026"),
    ],
)
def test_what_is_not_there(published: Models, arguments: list[str], words: str) -> None:
    assert words in published.error("models", *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [ENDPOINT, "other"],
        [ENDPOINT, "--version", "7"],
        [ENDPOINT, "--yes"],
        [ENDPOINT, "--refused", "--all-versions"],
        [ENDPOINT, "--take-back", MODEL, "--json"],
        [ENDPOINT, "--take-back", MODEL, "--refused"],
        [ENDPOINT, "--take-back", MODEL, "--model", "x"],
    ],
)
def test_wrong_use_is_exit_code_2(command: Models, arguments: list[str]) -> None:
    assert command.run("models", *arguments).exit_code == 2


def test_a_stack_of_an_older_version(command: Models) -> None:
    stack_outputs(StateTableName=TABLE)

    assert "has no output ArtifactSyncQueueUrl" in command.error("models", ENDPOINT)


@pytest.mark.parametrize("call", ["dynamodb:Query", "cloudformation:DescribeStacks"])
def test_what_is_denied_is_one_clear_line(published: Models, call: str) -> None:
    published.refusals[call] = ("AccessDeniedException", "You may not.")

    assert published.error("models", ENDPOINT).startswith("access denied: You may not.")
