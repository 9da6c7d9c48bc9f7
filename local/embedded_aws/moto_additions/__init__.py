"""What moto lacks or gets wrong, added the way moto would do it. One module per service, each names its gaps.

Everything is undone when the embedded AWS stops, so that moto in the same process (a test's `mock_aws`) is
as its authors made it. Only the additional CloudFormation resource types stay registered.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from threading import Condition

from embedded_aws.moto_additions import (
    awslambda,
    cloudformation,
    cloudwatch,
    dynamodb,
    event_replays,
    events,
    s3,
    scheduler,
    sns,
    sqs,
)
from embedded_aws.moto_additions.background import Background
from embedded_aws.moto_additions.events import OnMatched, OnUndelivered
from embedded_aws.moto_additions.sns import OnPublished
from embedded_aws.moto_additions.sqs import OnDeadLetter
from embedded_aws.moto_additions.sqs_moves import MessageMoves

__all__ = [
    "Hooks",
    "awslambda",
    "cloudformation",
    "cloudwatch",
    "dynamodb",
    "events",
    "installed",
    "s3",
    "scheduler",
    "sns",
    "sqs",
]


@dataclass(frozen=True)
class Hooks:
    """What the embedded AWS wants to be told. All are called under `activity`, moto's one lock."""

    activity: Condition
    on_dead_letter: OnDeadLetter
    on_matched: OnMatched
    on_undelivered: OnUndelivered
    on_published: OnPublished


def installed(hooks: Hooks) -> ExitStack:
    """Put every addition in place until the returned context is closed."""
    context = ExitStack()
    context.enter_context(cloudformation.installed())
    context.enter_context(awslambda.installed())
    context.enter_context(dynamodb.installed())
    context.enter_context(s3.installed())
    context.enter_context(sqs.installed(hooks.activity, hooks.on_dead_letter))
    context.enter_context(events.installed(hooks.on_matched, hooks.on_undelivered))
    context.enter_context(sns.installed(hooks.on_published))
    context.enter_context(working_on(hooks.activity))
    return context


def working_on(activity: Condition) -> ExitStack:
    """What goes on after its call was answered: message moves and replays, until the returned context is closed."""
    background = Background(activity)
    context = ExitStack()
    context.enter_context(MessageMoves(background).installed())
    context.enter_context(event_replays.installed(background))
    context.callback(background.close)  # first: nothing is worked on with half of the additions gone
    return context
