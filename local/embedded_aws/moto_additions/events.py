"""EventBridge in moto: garbles events on their way, delivers for disabled rules, forgets dead letters.

Gaps mended here, each where it is:
- the default target input drops `account` and fills a text template, so that `<time>` inside a detail is
  replaced too; here an event arrives as it was sent;
- disabled rules deliver; `Input` and `InputPath` of a target are ignored;
- a target's `DeadLetterConfig` is ignored, and a missing queue fails the caller's PutEvents;
- a queue without a policy for the rule takes its events, where AWS drops them;
- PutEvents accepts sources that begin with `aws.`;
- patterns do not look into lists of objects;
- templates: an event bus has no `Ref`, an archive takes no pattern.
"""

import copy
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any
from unittest import mock

from moto.core.utils import unix_time
from moto.events.exceptions import ValidationException
from moto.events.models import Archive, EventBus, EventPattern, EventsBackend, Rule, events_backends
from moto.events.utils import EventTemplateParser
from moto.sqs.models import Queue, sqs_backends
from moto.utilities.arns import parse_arn

type Event = dict[str, Any]
# rule, event, ARNs of the targets that took it
type OnMatched = Callable[[Rule, Event, list[str]], None]
# rule, event, target ARN, why, ARN of the dead-letter queue that has it now (or None)
type OnUndelivered = Callable[[Rule, Event, str, str, str | None], None]

_ENTRY_REQUIRED = ("Source", "DetailType", "Detail")


class UndeliverableError(Exception):
    """A target cannot take an event; `code` is what EventBridge puts into the dead letter's ERROR_CODE."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def deliver(event: Event, account_id: str, region_name: str, bus_name: str = "default") -> None:
    """Put a complete event on a bus, as a service does: every enabled rule that matches gets it.

    Raises moto's `ResourceNotFoundException` when there is no such bus.
    """
    bus = events_backends[account_id][region_name].describe_event_bus(bus_name)
    for rule in list(bus.rules.values()):
        rule.send_to_targets(copy.deepcopy(event))  # type: ignore[arg-type]


def installed(on_matched: OnMatched, on_undelivered: OnUndelivered) -> ExitStack:
    def send_to_targets(rule: Rule, event: Event, **_: Any) -> None:
        if rule.state != "ENABLED" or not rule.event_pattern.matches_event(event):  # type: ignore[arg-type]
            return
        took = []
        for target in rule.targets:
            try:
                _deliver_to(rule, target, event)
                took.append(target["Arn"])
            except UndeliverableError as failure:
                dead_letter_arn = _bury(rule, target, event, failure)
                on_undelivered(rule, event, target["Arn"], str(failure), dead_letter_arn)
        if rule.managed_by is None:  # an archive's own rule is nobody's business
            on_matched(rule, event, took)

    context = ExitStack()
    context.enter_context(mock.patch.object(Rule, "send_to_targets", send_to_targets))
    context.enter_context(mock.patch.object(EventsBackend, "put_events", put_events))
    context.enter_context(mock.patch.object(EventPattern, "_flatten_dict", staticmethod(flatten)))
    context.enter_context(
        mock.patch.object(EventBus, "physical_resource_id", property(lambda bus: bus.name), create=True)
    )
    context.enter_context(
        mock.patch.object(
            Archive, "physical_resource_id", property(lambda archive: archive.name), create=True
        )
    )
    context.enter_context(
        mock.patch.object(Archive, "create_from_cloudformation_json", classmethod(_create_archive))
    )
    return context


def put_events(backend: EventsBackend, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """PutEvents for custom sources: one result per entry, `EventId` or `ErrorCode` and `ErrorMessage`."""
    if not 1 <= len(events) <= 10:
        raise ValidationException(
            f"1 validation error detected: Value '{'[]' if not events else '[PutEventsRequestEntry]'}' at "
            "'entries' failed to satisfy constraint: Member must have length "
            + ("greater than or equal to 1" if not events else "less than or equal to 10")
        )
    return [_put(backend, entry) for entry in events]


def _put(backend: EventsBackend, entry: dict[str, Any]) -> dict[str, Any]:
    for name in _ENTRY_REQUIRED:
        if not entry.get(name):
            reason = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": reason}
    try:
        detail = json.loads(entry["Detail"])
    except ValueError:
        detail = None
    if not isinstance(detail, dict):
        return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    if entry["Source"].startswith("aws."):
        reason = "Not authorized for the source."
        return {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": reason}
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": backend.account_id,
        "time": _iso(float(entry.get("Time") or unix_time())),
        "region": backend.region_name,
        "resources": entry.get("Resources", []),
        "detail": detail,
    }
    bus = backend._normalize_event_bus_arn(entry.get("EventBusName"))
    deliver(event, backend.account_id, backend.region_name, bus)
    return {"EventId": event["id"]}


def flatten(node: Any, prefix: str = "", result: dict[str, Any] | None = None) -> dict[str, Any]:
    """Paths of an event to their values; for objects in a list, a path holds all of their values.

    EventBridge moreover wants the fields of one pattern to match within the same object of a list; this
    does not look that far.
    """
    result = {} if result is None else result
    if not isinstance(node, dict):
        return result
    for name, value in node.items():
        path = f"{prefix}.{name}" if prefix else name
        if isinstance(value, dict) and value:
            flatten(value, path, result)
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            for item in value:
                for inner, found in flatten(item, path).items():
                    known = result.setdefault(inner, [])
                    known.extend(found if isinstance(found, list) else [found])
        else:
            result[path] = value
    return result


def _deliver_to(rule: Rule, target: dict[str, Any], event: Event) -> None:
    arn = parse_arn(target["Arn"])
    match arn.service, arn.resource_type:
        case "sqs", _:
            queue = sqs_backends[arn.account][arn.region].queues.get(arn.resource_id)
            _check_queue(rule, target, queue)
            sqs_backends[arn.account][arn.region].send_message(
                queue_name=arn.resource_id,
                message_body=_input(target, event),
                group_id=target.get("SqsParameters", {}).get("MessageGroupId"),
            )
        case "sns", _:
            from moto.sns.models import sns_backends

            sns_backends[arn.account][arn.region].publish(_input(target, event), arn=target["Arn"])
        case "events", None | "":
            archive = rule.name.removeprefix("Events-Archive-")
            events_backends[rule.account_id][rule.region_name].archives[archive].events.append(event)  # type: ignore[arg-type]
        case "events", "event-bus":
            deliver(event, arn.account, arn.region, arn.resource_id)
        case "logs", "log-group":
            rule._send_to_cw_log_group(arn.resource_id, json.loads(_input(target, event)))
        case _:
            raise UndeliverableError("UNSUPPORTED", f"the embedded AWS has no {arn.service} targets")


def _input(target: dict[str, Any], event: Event) -> str:
    """What a target receives, as text: the event itself unless the target wants it otherwise."""
    if "Input" in target:
        return str(target["Input"])
    if path := target.get("InputPath"):
        value: Any = event
        for name in path.removeprefix("$").strip(".").split("."):
            value = value[name] if name else value
        return json.dumps(value)
    if transformer := target.get("InputTransformer"):
        parsed = EventTemplateParser.parse(
            transformer["InputTemplate"],
            transformer.get("InputPathsMap", {}),
            {**event, "ingestion-time": unix_time()},  # type: ignore[typeddict-item]
        )
        return json.dumps(parsed)
    return json.dumps(event)


def _check_queue(rule: Rule, target: dict[str, Any], queue: Queue | None) -> None:
    if queue is None:
        raise UndeliverableError("RESOURCE_NOT_FOUND", f"queue {target['Arn']} does not exist")
    if "RoleArn" not in target and not any(
        _allows(statement, rule.arn) for statement in _statements(queue._policy_json)
    ):
        raise UndeliverableError(
            "NO_PERMISSIONS", f"the policy of {target['Arn']} does not let rule {rule.arn} send messages"
        )


def _statements(policy: dict[str, Any]) -> Iterator[dict[str, Any]]:
    statements = policy.get("Statement", [])
    yield from [statements] if isinstance(statements, dict) else statements


def _allows(statement: dict[str, Any], rule_arn: str) -> bool:
    """Whether a statement lets EventBridge send for this rule. Conditions on anything but the ARN count as met."""
    principal = statement.get("Principal", {})
    services = (
        ["*"] if principal == "*" else _listed(principal.get("Service")) + _listed(principal.get("AWS"))
    )
    actions = [action.lower() for action in _listed(statement.get("Action"))]
    sources = [
        pattern
        for condition in statement.get("Condition", {}).values()
        for key, value in condition.items()
        if key.lower() == "aws:sourcearn"
        for pattern in _listed(value)
    ]
    return (
        statement.get("Effect") == "Allow"
        and any(service in ("*", "events.amazonaws.com") for service in services)
        and any(fnmatchcase("sqs:sendmessage", action) for action in actions)
        and (not sources or any(fnmatchcase(rule_arn, pattern) for pattern in sources))
    )


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _bury(rule: Rule, target: dict[str, Any], event: Event, failure: UndeliverableError) -> str | None:
    """Send what could not be delivered to the target's dead-letter queue, if it has one that exists."""
    dead_letter_arn = target.get("DeadLetterConfig", {}).get("Arn")
    if not dead_letter_arn:
        return None
    arn = parse_arn(dead_letter_arn)
    backend = sqs_backends[arn.account][arn.region]
    if arn.resource_id not in backend.queues:
        return None
    attributes = {
        "ERROR_CODE": failure.code,
        "ERROR_MESSAGE": str(failure),
        "RULE_ARN": rule.arn,
        "TARGET_ARN": target["Arn"],
    }
    backend.send_message(
        queue_name=arn.resource_id,
        message_body=json.dumps(event),
        message_attributes={
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    )
    return str(dead_letter_arn)


def _create_archive(
    cls: type[Archive],
    /,
    resource_name: str,
    cloudformation_json: dict[str, Any],
    account_id: str,
    region_name: str,
    **kwargs: Any,
) -> Archive:
    properties = cloudformation_json["Properties"]
    pattern = properties.get("EventPattern")
    return events_backends[account_id][region_name].create_archive(
        resource_name,
        properties["SourceArn"],
        properties.get("Description", ""),
        json.dumps(pattern) if isinstance(pattern, dict) else pattern,
        properties.get("RetentionDays"),
    )


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
