"""What a deployment will make, what it leaves alone, and what to do after it."""

from collections.abc import Mapping

from rich.console import Console
from rich.text import Text
from stationkeeper.alerts.text import count, plain

from stationkeeper_command.deploy_answers import Answers
from stationkeeper_command.deploy_parameters import Template
from stationkeeper_command.deploy_place import (
    BROKEN,
    HALF_WAY_BACK,
    Place,
    Stack,
    delete,
    go_on_back,
)
from stationkeeper_command.subscriptions import Subscriptions, told

_MADE = {
    "AWS::Serverless::Function": "function",
    "AWS::SQS::Queue": "queue",
    "AWS::Events::Rule": "event rule",
    "AWS::IAM::Role": "role",
    "AWS::SNS::Topic": "topic",
    "AWS::KMS::Key": "KMS key",
    "AWS::DynamoDB::Table": "table",
    "AWS::S3::Bucket": "bucket",
    "AWS::CloudWatch::Alarm": "alarm",
    "AWS::CloudWatch::Dashboard": "dashboard",
}
_STEP = "NextStep"


def show_before(
    console: Console, answers: Answers, place: Place, template: Template, stack: Stack | None
) -> None:
    """What is about to happen, and what is not."""
    defaults = {name: parameter.default for name, parameter in template.parameters.items()}
    there = {} if stack is None else stack.parameters
    values = {**defaults, **there, **answers.parameters}
    bucket = f"sagemaker-{place.region}-{place.account}"
    doing = "is made new" if stack is None else "is updated"
    made = [
        count(template.resources[kind], word) for kind, word in _MADE.items() if kind in template.resources
    ]
    console.print(
        Text(
            f"\nThe stack {answers.stack} {doing} in {place.region} of account {place.account}", style="bold"
        )
    )
    _line(console, "has", ", ".join(made))
    _line(console, "reads", f"reports of monitoring jobs in {values['MonitoredBuckets'] or bucket}")
    _line(console, "tells", values["AlertEmail"] or "nobody, until you subscribe somebody to its topics")
    _line(console, "releases with", values["ExecutionRoleArns"] or "no role: nothing is released")
    _line(
        console,
        "leaves alone",
        "your endpoints, models, jobs, alarms and pipelines, until you tag with stationkeeper:... what it shall look after (docs/tags.md)",
    )
    _line(console, "costs", "docs/cost.md")
    for name, value in answers.parameters.items():
        if name in there and there[name] != value:
            _line(console, "changes", f"{name} from {there[name] or '(empty)'} to {value or '(empty)'}")
    others = len(template.parameters) - len(answers.parameters)
    _line(
        console,
        "besides",
        f"{others} parameters stay as they are (docs/deployment.md); --set NAME=VALUE changes one",
    )


def _line(console: Console, word: str, text: str) -> None:
    console.print(Text.assemble((f"  {word:<14}", "bold"), plain(text, 4_000)))


def show_after(console: Console, stack: Stack, subscriptions: Mapping[str, Subscriptions]) -> None:
    """Whether anybody is told, and the stack's own next steps."""
    console.print(Text("\nWho is told", style="bold"))
    for what, found in subscriptions.items():
        for line in told(what, found):
            console.print(Text.assemble("  ", line))
    console.print(Text("\nWhat to do next", style="bold"))
    for name in sorted(name for name in stack.outputs if name.startswith(_STEP)):
        console.print(Text(f"  {name[len(_STEP)]}. {plain(stack.outputs[name], 1_100)}"))


def came_of(
    answers: Answers, place: Place, environment: str, before: Stack | None, after: Stack | None
) -> str:
    """What a deployment that did not come to its end has left, and what to do about it."""
    if after is None:
        return "Nothing was begun: there is no such stack."
    if after == before:
        return f"Nothing was begun: the stack is as it was, {after.status}."
    stands = f"The stack is {after.status}"
    if after.status.endswith("_IN_PROGRESS"):
        return (
            f"{stands}: CloudFormation goes on without this command. What it does: "
            f"`aws cloudformation describe-stack-events {place.options(answers.stack)}`."
        )
    if after.status in BROKEN:
        return f"{stands}: before anything else it must be deleted, `{delete(answers.stack, place, environment)}`."
    if after.status == HALF_WAY_BACK:
        return f"{stands}: have it go on when its events say why, `{go_on_back(answers.stack, place)}`."
    if "ROLLBACK" in after.status:
        return f"{stands}: CloudFormation went back to what was there."
    return f"{stands}."


def again(environment: str, *, yes: bool = False, ask: bool = False) -> str:
    """The command that does this once more, with the answers that were kept."""
    if yes:
        of_environment = "" if environment == "default" else f" --config-env {environment}"
        return f".venv/bin/stationkeeper deploy --yes{of_environment}"
    of_environment = "" if environment == "default" else f" CONFIG_ENV={environment}"
    return f"make deploy{of_environment}{' ASK=1' if ask else ''}"
