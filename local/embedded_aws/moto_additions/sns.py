"""SNS in moto: accepts what SNS refuses, confirms e-mail addresses by itself, and knows no subscriptions or policies in templates."""

import copy
import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest import mock

from moto.core.common_models import CloudFormationModel
from moto.core.responses import ActionResult
from moto.sns.exceptions import SNSInvalidParameter
from moto.sns.models import SNSBackend, Subscription, Topic, sns_backends
from moto.sns.responses import SNSResponse

from embedded_aws.moto_additions.attached_policy import AttachedPolicy

# topic, message, subject, {attribute name: value}
type OnPublished = Callable[[Topic, str, str | None, dict[str, Any]], None]

_SUBJECT = re.compile(r"[!-~][ -~]{0,99}")
_MESSAGE_LIMIT_BYTES = 256 * 1024
_PEOPLE = ("email", "email-json")


def installed(on_published: OnPublished) -> ExitStack:
    """Enforce the limits of the service and tell `on_published` of every message a topic took."""
    publish_to_topic = Topic.publish
    publish = SNSBackend.publish
    deliver = Subscription.publish
    list_by_topic = SNSBackend.list_subscriptions_by_topic

    def deliver_inside(subscription: Subscription, *args: Any, **options: Any) -> None:
        # Gap: moto would really call http(s) endpoints, and Docker for functions. Nothing leaves this
        # machine: people read the outbox, queues get their message.
        if subscription.protocol == "sqs":
            deliver(subscription, *args, **options)

    def checked_publish(backend: SNSBackend, message: str, *args: Any, **options: Any) -> str:
        # Gap: moto counts characters, not bytes, and accepts line breaks and any script in a subject.
        check_limits(message, options.get("subject"), options.get("message_attributes"))
        return publish(backend, message, *args, **options)

    def publish_and_tell(topic: Topic, message: str, subject: str | None = None, **options: Any) -> str:
        message_id = publish_to_topic(topic, message, subject=subject, **options)
        attributes = options.get("message_attributes") or {}
        on_published(topic, message, subject, {name: item["Value"] for name, item in attributes.items()})
        return message_id

    def list_as_sns_does(
        backend: SNSBackend, topic_arn: str, next_token: str | None = None
    ) -> tuple[list[Subscription], int | None]:
        subscriptions, token = list_by_topic(backend, topic_arn, next_token)
        return [_as_listed(subscription) for subscription in subscriptions], token

    def confirm(response: SNSResponse) -> ActionResult:
        # Gap: moto keeps no tokens. Any one confirms the address that was asked last.
        waiting = [
            one
            for one in response.backend.subscriptions.values()
            if one.topic_arn == response._get_param("TopicArn") and _is_pending(one)
        ]
        if not waiting:
            raise SNSInvalidParameter("Invalid parameter: Token")
        waiting[-1].confirmed = True
        return ActionResult({"SubscriptionArn": waiting[-1].arn})

    context = ExitStack()
    context.enter_context(mock.patch.object(SNSBackend, "list_subscriptions_by_topic", list_as_sns_does))
    context.enter_context(mock.patch.object(SNSResponse, "confirm_subscription", confirm))
    context.enter_context(mock.patch.object(SNSBackend, "publish", checked_publish))
    context.enter_context(mock.patch.object(Topic, "publish", publish_and_tell))
    context.enter_context(mock.patch.object(Subscription, "publish", deliver_inside))
    return context


def _is_pending(subscription: Subscription) -> bool:
    return subscription.protocol in _PEOPLE and not subscription.confirmed


def _as_listed(subscription: Subscription) -> Subscription:
    """Gap: with moto nobody needs to confirm. SNS lists an address that did not under no ARN.

    Source: https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
    """
    if not _is_pending(subscription):
        return subscription
    listed = copy.copy(subscription)
    listed.arn = "PendingConfirmation"
    return listed


def check_limits(message: str | None, subject: str | None, attributes: dict[str, Any] | None = None) -> None:
    """Raises `SNSInvalidParameter` in the service's words.

    Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
    """
    if subject is not None and not _SUBJECT.fullmatch(subject):
        raise SNSInvalidParameter("Invalid parameter: Subject")
    if not message:
        raise SNSInvalidParameter("Invalid parameter: Empty message")
    size = len(message.encode())
    for name, item in (attributes or {}).items():
        value = item.get("Value", "")
        size += (
            len(name)
            + len(str(item.get("Type", "")))
            + len(value if isinstance(value, bytes) else str(value).encode())
        )
    if size > _MESSAGE_LIMIT_BYTES:
        raise SNSInvalidParameter("Invalid parameter: Message too long")


class TopicPolicy(AttachedPolicy, CloudFormationModel):
    """Gap: `AWS::SNS::TopicPolicy` is unknown to moto's CloudFormation."""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SNS::TopicPolicy"

    @staticmethod
    def attach(properties: dict[str, Any], account_id: str, region_name: str) -> None:
        policy = json.dumps(properties["PolicyDocument"])
        for arn in properties["Topics"]:
            sns_backends[account_id][region_name].get_topic(arn).policy = policy


class TopicSubscription(CloudFormationModel):
    """Gap: `AWS::SNS::Subscription` is unknown to moto's CloudFormation."""

    def __init__(self, subscription: Subscription) -> None:
        self.physical_resource_id = subscription.arn

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SNS::Subscription"

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **kwargs: Any,
    ) -> "TopicSubscription":
        properties = cloudformation_json["Properties"]
        backend = sns_backends[account_id][region_name]
        subscription = backend.subscribe(
            properties["TopicArn"], properties["Endpoint"], properties["Protocol"]
        )
        # The scope decides how the policy is read, so it comes first.
        for name in ("FilterPolicyScope", "FilterPolicy", "RawMessageDelivery", "RedrivePolicy"):
            # moto takes any text for true, "false" too.
            if value := properties.get(name):
                text = value if isinstance(value, str) else json.dumps(value)
                backend.set_subscription_attributes(subscription.arn, name, text)
        return cls(subscription)
