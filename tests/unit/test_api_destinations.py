"""The templates for pagers and chats: which messages they take, what they post, and what they may do.

Nothing here calls AWS: moto does not post the body of an API destination, and knows neither its path nor what a connection adds.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.events.models import EventPattern
from samtranslator.yaml_helper import yaml_parse

from tests.unit.posted_shapes import (
    OpsgenieAlert,
    OpsgenieClose,
    PagerDutyResolve,
    PagerDutyTrigger,
    Shape,
    SlackMessage,
    TeamsMessage,
)

FOLDER = Path(__file__).parents[2] / "templates"
PAGERDUTY, OPSGENIE, SLACK, TEAMS = "pagerduty", "opsgenie", "slack-webhook", "teams-webhook"
NAMES = (PAGERDUTY, OPSGENIE, SLACK, TEAMS)
TEXTS = {name: (FOLDER / f"{name}.yaml").read_text(encoding="utf-8") for name in NAMES}
TEMPLATES: dict[str, dict[str, Any]] = {name: yaml_parse(text) for name, text in TEXTS.items()}
NEEDED = {
    "RoutingKeySecret": "pagerduty-key",
    "ApiKeySecret": "opsgenie-key",
    "WebhookUrl": "https://hooks.slack.com/services/T0/B0/x",
    "AWS::AccountId": "123456789012",
    "AWS::StackName": "stationkeeper-pager",
}
SEVERITIES = ("critical", "warning", "info")
HOLDS_NO_QUOTE = {"account", "endpoint", "incident", "kind", "region", "severity", "time"}
"""Digits, names of endpoints (`[a-zA-Z0-9-]`), names of events, names of regions, one of three words, ISO 8601."""
SUBJECTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=99)
TEXT_OF_ANY_KIND = st.one_of(
    st.text(min_size=1), st.sampled_from(['"', "\\", "\n", '\\"', "a\r\n\tb", "<subject>", "\u2028"])
)


def told(**detail: Any) -> dict[str, Any]:
    """An `OnCallTold` as EventBridge has it."""
    return {
        "version": "0",
        "id": "7bf73129-1428-4cd3-a780-95db273d1602",
        "source": "stationkeeper",
        "detail-type": "OnCallTold",
        "account": "123456789012",
        "region": "eu-west-1",
        "time": "2026-03-02T03:04:05Z",
        "resources": [],
        "detail": {
            "id": "0f2d",
            "incident": "0a1b2c3d",
            "severity": "critical",
            "endpoint": "House-Prices",
            "account": "123456789012",
            "region": "eu-west-1",
            "on_call": "ml-platform",
            "cause": {"job": "model-monitoring-1"},
            "kind": "ViolationsDetected",
            "subject": "CRITICAL House-Prices: 2 violations",
            "text": 'Feature "age" left its baseline.\n\tC:\\reports\\1\n',
            "runbook": "https://example.com/runbook#violations",
            "over": False,
        }
        | detail,
    }


class Stack:
    """Resources of a template as a deployment leaves them; `GetAtt` and references to resources are `<Name.Arn>` and `<Name>`."""

    def __init__(self, name: str, **parameters: str) -> None:
        template = TEMPLATES[name]
        self._values: dict[str, Any] = NEEDED | {"AWS::NoValue": None}
        for key, about in template["Parameters"].items():
            value = parameters.pop(key, about.get("Default", NEEDED.get(key)))
            self._values[key] = value.split(",") if about["Type"] == "CommaDelimitedList" else value
        assert not parameters
        self._conditions = template.get("Conditions", {})
        self.resources: dict[str, dict[str, Any]] = {
            key: {"Type": resource["Type"]} | self._of(resource["Properties"])
            for key, resource in template["Resources"].items()
            if "Condition" not in resource or self._holds(resource["Condition"])
        }
        self.rules = {
            key: rule for key, rule in self.resources.items() if rule["Type"] == "AWS::Events::Rule"
        }

    def _holds(self, condition: str) -> bool:
        """All conditions here are that a parameter is not some word."""
        [equals] = self._conditions[condition]["Fn::Not"]
        one, other = self._of(equals["Fn::Equals"])
        return bool(one != other)

    def _of(self, node: Any) -> Any:
        match node:
            case {"Ref": key}:
                return self._values.get(key, f"<{key}>")
            case {"Fn::GetAtt": [key, attribute]}:
                return f"<{key}.{attribute}>"
            case {"Fn::Sub": text}:
                return re.sub(r"\$\{([\w:]+)\}", lambda found: str(self._values[found[1]]), text)
            case {"Fn::If": [condition, then, otherwise]}:
                return self._of(then if self._holds(condition) else otherwise)
            case dict():
                return {key: self._of(value) for key, value in node.items()}
            case list():
                return [found for value in node if (found := self._of(value)) is not None]
            case _:
                return node

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        return {key: resource for key, resource in self.resources.items() if resource["Type"] == kind}

    def takes(self, event: dict[str, Any]) -> set[str]:
        """Names of the rules that match."""
        return {
            key
            for key, rule in self.rules.items()
            if EventPattern.load(json.dumps(rule["EventPattern"])).matches_event(event)  # type: ignore[arg-type]
        }

    def posts(self, rule: str, event: dict[str, Any]) -> Any:
        """The body that the rule's target is sent, before its connection adds to it."""
        [target] = self.rules[rule]["Targets"]
        return json.loads(transformed(target["InputTransformer"], event))


def placeholders(template: str) -> Iterator[tuple[re.Match[str], bool]]:
    """Each `<name>` of an input template, and whether it stands inside of a JSON string."""
    quoted = False
    for found in re.finditer(r'\\.|"|<[\w-]+>', template):
        if found[0] == '"':
            quoted = not quoted
        elif found[0].startswith("<"):
            yield found, quoted


def at(event: dict[str, Any], path: str) -> Any:
    """What `$.detail.subject` leads to; a path that leads nowhere is a KeyError, as EventBridge would leave a hole in the body."""
    value: Any = event
    for step in path.removeprefix("$.").split("."):
        value = value[step]
    return value


def transformed(transformer: dict[str, Any], event: dict[str, Any]) -> str:
    """What EventBridge makes of an event.

    A placeholder outside of quotes becomes the value as JSON; inside of quotes, the value's text as it is ("EventBridge doesn't escape
    values extracted by Input Path, when populating the Input Template").

    Source: EventBridge user guide, "Amazon EventBridge input transformation", examples and "Common issues".
    """
    template, done, end = transformer["InputTemplate"], "", 0
    for found, quoted in placeholders(template):
        value = at(event, transformer["InputPathsMap"][found[0][1:-1]])
        done += template[end : found.start()] + (str(value) if quoted else json.dumps(value))
        end = found.end()
    return done + template[end:]


def transformers() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name in NAMES:
        everything = {"InfoPriority": "P5"} if name == OPSGENIE else {}
        for rule, properties in Stack(name, **everything).rules.items():
            [target] = properties["Targets"]
            yield name, rule, target["InputTransformer"]


# ---- which messages


CLOSED_BY = {PAGERDUTY: "ResolveRule", OPSGENIE: "CloseRule", SLACK: "TellRule", TEAMS: "TellRule"}
TOLD_BY_DEFAULT = {
    PAGERDUTY: {"critical": "TriggerRule", "warning": "TriggerRule"},
    OPSGENIE: {"critical": "CriticalRule", "warning": "WarningRule"},
    SLACK: dict.fromkeys(SEVERITIES, "TellRule"),
    TEAMS: dict.fromkeys(SEVERITIES, "TellRule"),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("severity", SEVERITIES)
def test_by_default_what_is_bad_is_told_and_what_closes_an_incident_always(name, severity):
    stack = Stack(name)
    rule = TOLD_BY_DEFAULT[name].get(severity)

    assert stack.takes(told(severity=severity)) == ({rule} if rule else set())
    assert stack.takes(told(severity=severity, over=True)) == {CLOSED_BY[name]}


@pytest.mark.parametrize(
    ("name", "parameters", "taken"),
    [
        (PAGERDUTY, {"Severities": "critical"}, {"critical": "TriggerRule"}),
        (PAGERDUTY, {"Severities": "critical,info"}, {"critical": "TriggerRule", "info": "TriggerRule"}),
        (
            OPSGENIE,
            {"WarningPriority": "none", "InfoPriority": "P5"},
            {"critical": "CriticalRule", "info": "InfoRule"},
        ),
        (OPSGENIE, {"CriticalPriority": "none", "WarningPriority": "none"}, {}),
        (SLACK, {"Severities": "warning"}, {"warning": "TellRule"}),
        (TEAMS, {"Severities": "critical,warning"}, {"critical": "TellRule", "warning": "TellRule"}),
    ],
)
def test_severities_are_chosen_by_parameters(name, parameters, taken):
    stack = Stack(name, **parameters)

    for severity in SEVERITIES:
        assert stack.takes(told(severity=severity)) == ({taken[severity]} if severity in taken else set())
        assert stack.takes(told(severity=severity, over=True)) == {CLOSED_BY[name]}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("pattern", "taken", "left"),
    [
        ("*", ["House-Prices", "churn", ""], []),
        ("House-*", ["House-Prices", "House-"], ["house-prices", "churn", "My-House-Prices", ""]),
        ("*-prod", ["churn-prod"], ["churn-prod-2", "churn", ""]),
        ("churn", ["churn"], ["churn-prod", "Churn", ""]),
        ("House-*-prod", ["House-Prices-prod"], ["House-Prices", "House-prod"]),
    ],
)
@pytest.mark.parametrize("over", [False, True])
def test_endpoints_are_chosen_by_a_pattern(name, pattern, taken, left, over):
    stack = Stack(name, EndpointPattern=pattern)

    assert [endpoint for endpoint in taken if not stack.takes(told(endpoint=endpoint, over=over))] == []
    assert [endpoint for endpoint in left if stack.takes(told(endpoint=endpoint, over=over))] == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "other",
    [
        {"source": "aws.sagemaker"},
        {"detail-type": "ViolationsDetected"},
        {"replay-name": "again"},
    ],
)
@pytest.mark.parametrize("over", [False, True])
def test_nothing_else_on_the_bus_is_told(name, other, over):
    assert Stack(name).takes(told(over=over) | other) == set()


@pytest.mark.parametrize("name", NAMES)
def test_rules_listen_on_the_bus_that_is_named(name):
    assert {rule["EventBusName"] for rule in Stack(name).rules.values()} == {"stationkeeper"}
    assert {rule["EventBusName"] for rule in Stack(name, EventBusName="two").rules.values()} == {"two"}


# ---- what is posted


SHAPES: dict[tuple[str, str], type[Shape]] = {
    (PAGERDUTY, "TriggerRule"): PagerDutyTrigger,
    (PAGERDUTY, "ResolveRule"): PagerDutyResolve,
    (OPSGENIE, "CriticalRule"): OpsgenieAlert,
    (OPSGENIE, "WarningRule"): OpsgenieAlert,
    (OPSGENIE, "InfoRule"): OpsgenieAlert,
    (OPSGENIE, "CloseRule"): OpsgenieClose,
    (SLACK, "TellRule"): SlackMessage,
    (TEAMS, "TellRule"): TeamsMessage,
}
TRANSFORMERS = {(name, rule): transformer for name, rule, transformer in transformers()}


def strings(node: Any) -> Iterator[str]:
    match node:
        case str():
            yield node
        case dict():
            for value in node.values():
                yield from strings(value)
        case list():
            for value in node:
                yield from strings(value)


def test_every_rule_posts_something_of_a_known_shape():
    assert set(TRANSFORMERS) == set(SHAPES)


@pytest.mark.parametrize("key", SHAPES, ids="/".join)
@given(
    subject=SUBJECTS,
    text=TEXT_OF_ANY_KIND,
    runbook=TEXT_OF_ANY_KIND,
    on_call=TEXT_OF_ANY_KIND,
    cause=st.dictionaries(st.text(), st.one_of(TEXT_OF_ANY_KIND, st.integers(), st.none())),
    endpoint=st.sampled_from(["", "House-Prices", "a" * 63]),
    severity=st.sampled_from(SEVERITIES),
)
def test_whatever_a_message_says_what_is_posted_is_json_of_the_apis_shape(key, **detail):
    posted = json.loads(transformed(TRANSFORMERS[key], told(**detail)))

    SHAPES[key].model_validate(posted)
    if "subject" in TRANSFORMERS[key]["InputPathsMap"]:
        assert detail["subject"] in strings(posted)
    if key == (PAGERDUTY, "TriggerRule"):
        details = posted["payload"]["custom_details"]
        assert details == {name: detail[name] for name in ("runbook", "on_call", "cause", "text")}


@pytest.mark.parametrize("key", SHAPES, ids="/".join)
def test_inside_of_quotes_stands_only_what_can_hold_no_quote(key):
    quoted = {found[0][1:-1] for found, inside in placeholders(TRANSFORMERS[key]["InputTemplate"]) if inside}

    assert quoted <= HOLDS_NO_QUOTE


@pytest.mark.parametrize("key", SHAPES, ids="/".join)
def test_variables_are_paths_of_the_message_and_all_are_used(key):
    """Limits: EventBridge API reference, InputTransformer."""
    paths, template = TRANSFORMERS[key]["InputPathsMap"], TRANSFORMERS[key]["InputTemplate"]

    assert {found[0][1:-1] for found, _ in placeholders(template)} == set(paths)
    assert len(paths) <= 100
    assert len(template) <= 8_192
    assert all(path in ("$.time", f"$.detail.{variable}") for variable, path in paths.items())
    assert all(at(told(), path) for path in paths.values())


def test_an_incident_of_pagerduty_is_opened_and_resolved_by_the_same_key():
    stack = Stack(PAGERDUTY)

    opened = stack.posts("TriggerRule", told(severity="warning"))
    resolved = stack.posts("ResolveRule", told(severity="info", over=True))

    assert opened == {
        "event_action": "trigger",
        "dedup_key": "0a1b2c3d",
        "client": "Stationkeeper",
        "payload": {
            "summary": "CRITICAL House-Prices: 2 violations",
            "source": "123456789012/eu-west-1/House-Prices",
            "severity": "warning",
            "timestamp": "2026-03-02T03:04:05Z",
            "component": "House-Prices",
            "class": "ViolationsDetected",
            "custom_details": {
                "runbook": "https://example.com/runbook#violations",
                "on_call": "ml-platform",
                "cause": {"job": "model-monitoring-1"},
                "text": 'Feature "age" left its baseline.\n\tC:\\reports\\1\n',
            },
        },
    }
    assert resolved == {"event_action": "resolve", "dedup_key": "0a1b2c3d"}


@pytest.mark.parametrize(
    "text", ['"' * 100_000, "\n" * 100_000, "\U0001f600" * 25_000], ids=["quotes", "lines", "emoji"]
)
def test_the_longest_message_is_an_event_that_pagerduty_takes(text):
    """512 KB. Source: PagerDuty, "Events API v2 overview"."""
    posted = Stack(PAGERDUTY).posts("TriggerRule", told(text=text))

    assert len(json.dumps(posted).encode()) < 512 * 1024


@pytest.mark.parametrize("name", [OPSGENIE, SLACK, TEAMS])
def test_where_a_message_must_be_short_its_text_is_left_out(name):
    """Opsgenie takes 15,000 characters, Slack 40,000, Teams 28 KB, and a template cannot cut."""
    stack = Stack(name)
    event = told(text="x" * 100_000, runbook="/" * 2_000, subject="s" * 99, endpoint="e" * 63)
    [rule] = stack.takes(event)

    assert len(json.dumps(stack.posts(rule, event))) < 15_000


@pytest.mark.parametrize(
    ("severity", "priority", "chosen"),
    [("critical", "P1", "P2"), ("warning", "P3", "P4"), ("info", "P5", "P5")],
)
def test_the_priority_of_an_alert_follows_its_severity(severity, priority, chosen):
    parameters = {"InfoPriority": "P5"}
    for given_priorities, wanted in (({}, priority), ({f"{severity.capitalize()}Priority": chosen}, chosen)):
        stack = Stack(OPSGENIE, **parameters | given_priorities)
        [rule] = stack.takes(told(severity=severity))
        assert stack.posts(rule, told(severity=severity))["priority"] == wanted


@pytest.mark.parametrize("api", TEMPLATES[OPSGENIE]["Parameters"]["ApiUrl"]["AllowedValues"])
def test_an_alert_is_closed_by_its_alias(api):
    stack = Stack(OPSGENIE, ApiUrl=api)
    [target] = stack.rules["CloseRule"]["Targets"]
    url = stack.resources[target["Arn"].strip("<>").removesuffix(".Arn")]["InvocationEndpoint"]
    [path] = target["HttpParameters"]["PathParameterValues"]

    assert url.replace("*", at(told(), path)) == f"{api}/v2/alerts/0a1b2c3d/close"
    assert target["HttpParameters"]["QueryStringParameters"] == {"identifierType": "alias"}


def test_names_from_outside_are_no_markup_in_a_chat():
    subject = "CRITICAL <!channel> [a](https://evil.example) *b*"
    slack = Stack(SLACK).posts("TellRule", told(subject=subject))
    teams = Stack(TEAMS).posts("TellRule", told(subject=subject))

    [shown] = [block["text"] for block in slack["blocks"] if "text" in block]
    assert shown == {"type": "plain_text", "emoji": False, "text": subject}
    [element] = [e for block in slack["blocks"] for e in block.get("elements", [])]
    assert element == {"type": "mrkdwn", "text": told()["detail"]["runbook"]}
    rich, *others = teams["attachments"][0]["content"]["body"]
    assert [run["text"] for run in rich["inlines"]] == [subject]
    assert subject not in strings(others)


# ---- keys, rights, dead letters


def test_keys_are_read_from_secrets_manager_and_are_in_no_rule():
    pagerduty = Stack(PAGERDUTY).resources
    opsgenie = Stack(OPSGENIE).resources

    assert pagerduty["Connection"]["AuthParameters"]["InvocationHttpParameters"] == {
        "BodyParameters": [
            {
                "Key": "routing_key",
                "Value": "{{resolve:secretsmanager:pagerduty-key:SecretString}}",
                "IsValueSecret": True,
            }
        ]
    }
    assert opsgenie["Connection"]["AuthParameters"]["ApiKeyAuthParameters"] == {
        "ApiKeyName": "Authorization",
        "ApiKeyValue": "GenieKey {{resolve:secretsmanager:opsgenie-key:SecretString}}",
    }
    for resources in (pagerduty, opsgenie):
        others = {name: resource for name, resource in resources.items() if name != "Connection"}
        assert "resolve:" not in json.dumps(others)


@pytest.mark.parametrize("name", [SLACK, TEAMS])
def test_the_url_of_a_webhook_is_a_secret_and_is_only_where_it_is_called(name):
    about = TEMPLATES[name]["Parameters"]["WebhookUrl"]
    stack = Stack(name)

    assert about["NoEcho"] is True
    assert "Default" not in about
    holders = [key for key, resource in stack.resources.items() if NEEDED["WebhookUrl"] in strings(resource)]
    assert holders == ["Destination"]


@pytest.mark.parametrize("name", NAMES)
def test_the_role_may_call_these_destinations_and_nothing_else(name):
    stack = Stack(name)
    [role] = stack.of_type("AWS::IAM::Role").values()
    [policy] = role["Policies"]
    [statement] = policy["PolicyDocument"]["Statement"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    destinations = {f"<{key}.Arn>" for key in stack.of_type("AWS::Events::ApiDestination")}
    resources = statement["Resource"]

    assert (statement["Effect"], statement["Action"]) == ("Allow", "events:InvokeApiDestination")
    assert ({resources} if isinstance(resources, str) else set(resources)) == destinations
    assert len(destinations) == (2 if name == OPSGENIE else 1)
    assert "ManagedPolicyArns" not in role
    assert trust == {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
    }
    called = {target["Arn"] for rule in stack.rules.values() for target in rule["Targets"]}
    assert called == destinations
    assert {target["RoleArn"] for rule in stack.rules.values() for target in rule["Targets"]} == {
        "<InvokeRole.Arn>"
    }


@pytest.mark.parametrize("name", NAMES)
def test_calls_are_limited_and_go_over_tls(name):
    for destination in Stack(name).of_type("AWS::Events::ApiDestination").values():
        assert destination["HttpMethod"] == "POST"
        assert destination["InvocationEndpoint"].startswith("https://")
        assert destination["InvocationRateLimitPerSecond"] in (1, 2)
        assert destination["ConnectionArn"] == "<Connection.Arn>"


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        (PAGERDUTY, {}),
        (OPSGENIE, {}),
        (OPSGENIE, {"InfoPriority": "P5"}),
        (OPSGENIE, {"CriticalPriority": "none", "WarningPriority": "none"}),
        (SLACK, {}),
        (TEAMS, {}),
    ],
)
def test_what_is_not_taken_is_kept_and_only_these_rules_may_put_it_there(name, parameters):
    stack = Stack(name, **parameters)
    [policy] = stack.of_type("AWS::SQS::QueuePolicy").values()
    tls, sends = policy["PolicyDocument"]["Statement"]
    senders = sends.pop("Condition")["ArnEquals"]["aws:SourceArn"]

    for rule in stack.rules.values():
        [target] = rule["Targets"]
        assert target["DeadLetterConfig"] == {"Arn": "<DeadLetters.Arn>"}
        assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    queue = stack.resources["DeadLetters"]
    assert (queue["SqsManagedSseEnabled"], queue["MessageRetentionPeriod"]) == (True, 14 * 24 * 3600)
    assert policy["Queues"] == ["<DeadLetters>"]
    assert tls == {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": "<DeadLetters.Arn>",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    assert sends == {
        "Sid": "RuleSends",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "<DeadLetters.Arn>",
    }
    assert sorted([senders] if isinstance(senders, str) else senders) == sorted(
        f"<{rule}.Arn>" for rule in stack.rules
    )


# ---- what the head of each file says


def commands(name: str) -> str:
    head = TEXTS[name].partition("AWSTemplateFormatVersion")[0]
    return "\n".join(line.removeprefix("#").removeprefix("   ") for line in head.splitlines())


@pytest.mark.parametrize("name", NAMES)
def test_the_head_says_how_to_deploy_it(name):
    needed = {key for key, about in TEMPLATES[name]["Parameters"].items() if "Default" not in about}

    assert f"--template-file templates/{name}.yaml" in commands(name)
    assert set(re.findall(r"(\w+)=", commands(name).partition("--parameter-overrides")[2])) >= needed
    assert "--capabilities CAPABILITY_IAM" in commands(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_message_to_test_with_is_one_that_is_told(name):
    [detail] = re.findall(r"^detail='([^']+)'", commands(name), re.MULTILINE)
    sent = json.loads(detail)

    assert {key: type(value) for key, value in sent.items()} == {
        key: type(value) for key, value in told()["detail"].items()
    }
    stack = Stack(name)
    [rule] = stack.takes(told(**sent))
    SHAPES[name, rule].model_validate(stack.posts(rule, told(**sent)))
