"""The templates users deploy beside Stationkeeper: what holds for all, access to single models, alarms of a multi-model endpoint.

Those that bring messages to pagers and chats have a file of their own: `test_api_destinations.py`.
"""

import json
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from cfnlint.api import lint_file
from moto import mock_aws
from samtranslator.yaml_helper import yaml_parse
from stationkeeper.alarms.subject import endpoints_in_description

FOLDER = Path(__file__).parents[2] / "templates"
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.yaml"))}
TEMPLATES: dict[str, dict[str, Any]] = {name: yaml_parse(text) for name, text in TEXTS.items()}
ACCESS, ALARMS = "target-model-access", "multi-model-endpoint-alarms"
PAGERDUTY, OPSGENIE, SLACK, TEAMS = "pagerduty", "opsgenie", "slack-webhook", "teams-webhook"
CHAT_SLACK, CHAT_TEAMS = "chat-amazon-q-slack", "chat-amazon-q-teams"
PATTERNS = [
    (name, parameter)
    for name, template in TEMPLATES.items()
    for parameter, about in template["Parameters"].items()
    if "AllowedPattern" in about
]
REGION = "eu-west-1"
ENDPOINT_ARN = f"arn:aws:sagemaker:{REGION}:123456789012:endpoint/house-prices"
ROLE = "arn:aws:iam::111122223333:role/tenants/Houston"
NEEDED = {
    "EndpointName": "House-Prices",
    "EndpointArn": ENDPOINT_ARN,
    "TargetModels": "Houston_TX",
}
TOPIC = f"arn:aws:sns:{REGION}:123456789012:stationkeeper-ChatTopic-1a2B"
TEAM = "0a1b2c3d-1111-2222-3333-0a1b2c3d4e5f"
CHAT_NEEDED = {
    "ChatTopicArn": TOPIC,
    "SlackWorkspaceId": "T0123456789",
    "SlackChannelId": "C0123456789",
    "TeamId": TEAM,
    "TeamsTenantId": TEAM,
    "TeamsChannelId": "19%3ab6ef35dc342d56ba5654e6fc6d25a071%40thread.tacv2",
}
CALLING = ("AWS/SageMaker", {"ModelLoadingWaitTime", "ModelCacheHit", "Invocations"})
INSTANCE = ("/aws/sagemaker/Endpoints", {"MemoryUtilization", "DiskUtilization"})


@pytest.fixture
def _aws() -> Iterator[None]:
    with mock_aws(), patch.dict(os.environ, {"AWS_DEFAULT_REGION": REGION}):
        yield


def deployed(**parameters: str) -> dict[str, str]:
    """Outputs of a stack of the access template."""
    formation = boto3.client("cloudformation")
    formation.create_stack(
        StackName="houston",
        TemplateBody=TEXTS[ACCESS],
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in (NEEDED | parameters).items()
        ],
        Capabilities=["CAPABILITY_IAM"],
    )
    [stack] = formation.describe_stacks(StackName="houston")["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def statements(**parameters: str) -> dict[str, Any]:
    """Statements of the policy by their sid, as IAM has them."""
    iam = boto3.client("iam")
    arn = deployed(**parameters)["PolicyArn"]
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    return {statement["Sid"]: statement for statement in document["Statement"]}


def may_call(statement: dict[str, Any], target_model: str | None) -> bool:
    """What IAM makes of the conditions: both must hold, and a key that is absent matches nothing."""
    like = statement["Condition"]["StringLike"]["sagemaker:TargetModel"]
    unlike = statement["Condition"]["StringNotLike"]["sagemaker:TargetModel"]
    return (
        target_model is not None
        and any(fnmatchcase(target_model, pattern) for pattern in like)
        and not fnmatchcase(target_model, unlike)
    )


def trust_of(role_arn: str) -> dict[str, Any]:
    role = boto3.client("iam").get_role(RoleName=role_arn.rpartition("/")[2])["Role"]
    [statement] = role["AssumeRolePolicyDocument"]["Statement"]
    return statement


def resolved(node: Any) -> Any:
    """Parameters by their name in brackets, `Fn::Sub` likewise: `{"Ref": "EndpointName"}` becomes `<EndpointName>`."""
    match node:
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::Sub": text}:
            return re.sub(r"\$\{([\w:.]+)\}", r"<\1>", text)
        case dict():
            return {key: resolved(value) for key, value in node.items()}
        case list():
            return [resolved(value) for value in node]
        case _:
            return node


def alarms() -> dict[str, dict[str, Any]]:
    return {
        name: resolved(resource["Properties"])
        for name, resource in TEMPLATES[ALARMS]["Resources"].items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }


def metrics_of(alarm: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Each metric an alarm reads, with its statistic."""
    if "MetricName" in alarm:
        yield alarm, alarm["Statistic"]
    for query in alarm.get("Metrics", []):
        if "MetricStat" in query:
            yield query["MetricStat"]["Metric"], query["MetricStat"]["Stat"]


def drawn() -> Iterator[list[str]]:
    """Namespace, name and dimensions of every metric on the dashboard, the dots of its shorthand filled in."""
    body = resolved(TEMPLATES[ALARMS]["Resources"]["Dashboard"]["Properties"]["DashboardBody"])
    for widget in json.loads(body)["widgets"]:
        above: list[str] = []
        for line in widget["properties"].get("metrics", []):
            texts = [part for part in line if isinstance(part, str)]
            above = [above[place] if part == "." else part for place, part in enumerate(texts)]
            yield above


# ---- all


def test_there_are_these_templates():
    assert set(TEMPLATES) == {ACCESS, ALARMS, CHAT_SLACK, CHAT_TEAMS, PAGERDUTY, OPSGENIE, SLACK, TEAMS}


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_linter_finds_nothing(name):
    assert [str(match) for match in lint_file(FOLDER / f"{name}.yaml")] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_it_is_plain_cloudformation_that_asks_for_each_parameter_and_describes_it(name):
    template = TEMPLATES[name]
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]

    assert "Transform" not in template
    assert sorted(asked for group in groups for asked in group["Parameters"]) == sorted(
        template["Parameters"]
    )
    assert all(parameter["Description"] for parameter in template["Parameters"].values())


@pytest.mark.parametrize(
    ("name", "parameter"),
    [case for case in PATTERNS if "Default" in TEMPLATES[case[0]]["Parameters"][case[1]]],
)
def test_a_default_is_what_its_own_pattern_allows(name, parameter):
    about = TEMPLATES[name]["Parameters"][parameter]

    # Of a list, CloudFormation compares each item.
    for value in about["Default"].split(",") if about["Type"] == "CommaDelimitedList" else [about["Default"]]:
        assert re.search(about["AllowedPattern"], value)


@pytest.mark.parametrize(
    ("name", "parameter", "good", "bad"),
    [
        (ACCESS, "EndpointName", ["House-Prices", "a"], ["", "*", "house_prices", "-a", "a" * 64]),
        (
            ACCESS,
            "EndpointArn",
            [ENDPOINT_ARN, ENDPOINT_ARN.replace("aws:", "aws-cn:", 1)],
            [
                *("", "*", "house-prices"),
                ENDPOINT_ARN.replace("house-prices", "House-Prices"),
                ENDPOINT_ARN.replace("house-prices", "house-*"),
                ENDPOINT_ARN.replace("endpoint/", "endpoint-config/"),
                ENDPOINT_ARN.replace(REGION, "*"),
            ],
        ),
        (
            ACCESS,
            "TargetModels",
            ["Houston_TX", "Houston_*", "churn.v2-eu", "H*_TX"],
            [
                *(
                    "",
                    "*",
                    "*_TX",
                    "_TX",
                    "../Houston",
                    "Houston_TX/",
                    "a b",
                    "Houston_?X",
                    "${aws:PrincipalTag/m}",
                ),
                "a" * 101,
            ],
        ),
        (
            ACCESS,
            "PrincipalArns",
            ["", ROLE, "arn:aws:iam::111122223333:root", "arn:aws-us-gov:iam::111122223333:user/anna"],
            [
                *("*", "111122223333", "arn:aws:iam::111122223333:role/*", "arn:aws:iam::*:root"),
                "arn:aws:sts::111122223333:assumed-role/Houston/session",
            ],
        ),
        (ACCESS, "ExternalId", ["", "tenant-17"], ["x", "tenant 17", "*"]),
        (ALARMS, "EndpointName", ["House-Prices"], ["", "House_Prices", 'a"']),
        (ALARMS, "VariantName", ["AllTraffic", "variant-1"], ["", "a b", "*"]),
        (
            ALARMS,
            "NotificationTopicArn",
            ["", f"arn:aws:sns:{REGION}:123456789012:on-call_1"],
            [
                "on-call",
                f"arn:aws:sns:{REGION}:123456789012:on-call.fifo",
                f"arn:aws:sqs:{REGION}:123456789012:q",
            ],
        ),
        *(
            (name, parameter, ["pagerduty-key", "team/opsgenie_key"], ["", "a b", "a}}", "arn:aws:x", "a:b"])
            for name, parameter in ((PAGERDUTY, "RoutingKeySecret"), (OPSGENIE, "ApiKeySecret"))
        ),
        (
            SLACK,
            "WebhookUrl",
            ["https://hooks.slack.com/services/T0/B0/x", "https://hooks.slack-gov.com/services/T0/B0/x"],
            [
                *("", "hooks.slack.com/services/T0/B0/x", "https://hooks.slack.com/services/T0/B0"),
                *(
                    "http://hooks.slack.com/services/T0/B0/x",
                    "https://hooks.slack.com.example/services/T0/B0/x",
                ),
                *("https://hooks.slack.com/workflows/T0/B0/x", "https://hooks.slack.com/services/T0/B0/x\nx"),
            ],
        ),
        (
            TEAMS,
            "WebhookUrl",
            [
                "https://prod-1.westeurope.logic.azure.com:443/workflows/0a/triggers/manual/paths/invoke?sp=%2F&sig=a-b_c",
                "https://default0a.1b.environment.api.powerplatform.com/powerautomate/x/invoke?api-version=1&sig=a",
            ],
            [
                *("", "https://logic.azure.com/workflows/0a?sig=a", "https://a.logic.azure.com/workflows/0a"),
                *(
                    "http://a.logic.azure.com/workflows/0a?sig=a",
                    "https://a.webhook.office.com/webhookb2/0a?sig=a",
                ),
                *(
                    "https://a.logic.azure.com.example/0a?sig=a",
                    "https://a.example/b.logic.azure.com/0a?sig=a",
                ),
            ],
        ),
        *(
            (
                name,
                "EventBusName",
                ["stationkeeper", "team/models.bus_1"],
                ["", "a b", "*", "arn:aws:events:a"],
            )
            for name in (PAGERDUTY, OPSGENIE, SLACK, TEAMS)
        ),
        *(
            (
                name,
                "Severities",
                ["critical", "warning", "info"],
                ["", "Critical", "error", "critical warning"],
            )
            for name in (PAGERDUTY, SLACK, TEAMS)
        ),
        *(
            (
                name,
                "EndpointPattern",
                ["*", "House-*", "*-prod", "a*b*", "a" * 63],
                ["**", "a**b", "a_b", "a\\*"],
            )
            for name in (PAGERDUTY, OPSGENIE, SLACK, TEAMS)
        ),
        *(
            (chat, "ChatTopicArn", [TOPIC], ["", "chat", f"{TOPIC}.fifo", TOPIC.replace("sns", "sqs")])
            for chat in (CHAT_SLACK, CHAT_TEAMS)
        ),
        (CHAT_SLACK, "SlackWorkspaceId", ["T0123456789"], ["", "t0123", "T01 23", "T*"]),
        (CHAT_SLACK, "SlackChannelId", ["C0123456789"], ["", "#alerts", "C01/2"]),
        (CHAT_TEAMS, "TeamId", [TEAM], ["", "alerts", TEAM[:-1], f"{TEAM}0"]),
        (CHAT_TEAMS, "TeamsTenantId", [TEAM], ["", "example.com", TEAM[:-1]]),
        (
            CHAT_TEAMS,
            "TeamsChannelId",
            [CHAT_NEEDED["TeamsChannelId"]],
            ["", "19:b6ef@thread.tacv2", "General", "19%3ab6ef"],
        ),
    ],
)
def test_patterns_tell_what_is_meant_from_what_is_not(name, parameter, good, bad):
    pattern = TEMPLATES[name]["Parameters"][parameter]["AllowedPattern"]

    assert [text for text in good if not re.search(pattern, text)] == []
    assert [text for text in bad if re.search(pattern, text)] == []


def test_every_pattern_has_its_examples_above():
    marks = test_patterns_tell_what_is_meant_from_what_is_not.pytestmark
    examples = {(case[0], case[1]) for mark in marks for case in mark.args[1]}

    assert examples == set(PATTERNS)


def test_every_wildcard_of_the_policy_has_its_reason_above_it():
    lines = TEXTS[ACCESS].splitlines()
    lines = lines[lines.index("Resources:") : lines.index("Outputs:")]
    wild = [
        place
        for place, line in enumerate(lines)
        if "*" in line.partition("#")[0]  # no code of ours holds a #
    ]

    assert len(wild) == 3
    for place in wild:
        assert any("*" in line.partition("#")[2] for line in lines[max(0, place - 7) : place]), lines[place]


# ---- target-model-access


@pytest.mark.usefixtures("_aws")
@pytest.mark.parametrize(
    ("models", "values"),
    [
        ("Houston_TX", ["Houston_TX/*"]),
        ("Houston_TX,Austin_TX,NewYork_NY", ["Houston_TX/*", "Austin_TX/*", "NewYork_NY/*"]),
        ("Houston_*,Austin_TX", ["Houston_*/*", "Austin_TX/*"]),
    ],
)
def test_the_condition_names_the_folder_of_each_model(models, values):
    call = statements(TargetModels=models)["CallTheseModels"]

    assert call["Condition"]["StringLike"] == {"sagemaker:TargetModel": values}


@pytest.mark.usefixtures("_aws")
def test_only_these_models_of_this_endpoint_may_be_called():
    call = statements(TargetModels="Houston_TX,Dallas_*")["CallTheseModels"]

    assert (call["Effect"], call["Action"]) == ("Allow", "sagemaker:InvokeEndpoint")
    assert call["Resource"] == ENDPOINT_ARN
    for model in (
        "Houston_TX/Houston_TX-v7.tar.gz",
        "Houston_TX/Houston_TX.tar.gz",
        "Dallas_TX/Dallas_TX-v1.tar.gz",
    ):
        assert may_call(call, model), model
    for model in (
        "Austin_TX/Austin_TX-v7.tar.gz",
        "Houston_TX2/Houston_TX2-v7.tar.gz",
        "houston_tx/houston_tx-v7.tar.gz",
        "Houston_TX.tar.gz",
        "Houston_TX/../Austin_TX/Austin_TX-v7.tar.gz",
        None,
    ):
        assert not may_call(call, model), model


@pytest.mark.usefixtures("_aws")
def test_pointers_of_this_endpoint_may_be_read_one_by_one():
    read = statements()["ReadWhichVersion"]

    assert (read["Effect"], sorted(read["Action"])) == ("Allow", ["ssm:GetParameter", "ssm:GetParameters"])
    assert read["Resource"] == f"arn:aws:ssm:{REGION}:123456789012:parameter/stationkeeper/House-Prices/*"


@pytest.mark.usefixtures("_aws")
def test_nothing_else_is_allowed():
    assert set(statements()) == {"CallTheseModels", "ReadWhichVersion"}


@pytest.mark.usefixtures("_aws")
def test_many_models_fit_into_a_managed_policy():
    """IAM counts 6,144 characters, without white space."""
    found = statements(TargetModels=",".join(f"Customer_{number:03}_TX" for number in range(200)))

    assert len(json.dumps(list(found.values()), separators=(",", ":"))) < 6_000


@pytest.mark.usefixtures("_aws")
def test_without_principals_there_is_only_the_policy():
    outputs = deployed()

    assert set(outputs) == {"PolicyArn", "HowToCall"}
    assert boto3.client("iam").list_roles()["Roles"] == []


@pytest.mark.usefixtures("_aws")
def test_principals_may_assume_a_role_that_has_the_policy():
    others = [ROLE, "arn:aws:iam::444455556666:root"]

    outputs = deployed(PrincipalArns=",".join(others))

    trust = trust_of(outputs["RoleArn"])
    assert (trust["Action"], trust["Principal"]) == ("sts:AssumeRole", {"AWS": others})
    assert "Condition" not in trust
    # Of the document: moto does not attach the policies that CloudFormation names for a role.
    assert TEMPLATES[ACCESS]["Resources"]["CallerRole"]["Properties"]["ManagedPolicyArns"] == [
        {"Ref": "CallPolicy"}
    ]


@pytest.mark.usefixtures("_aws")
def test_an_external_id_is_asked_for_where_one_is_given():
    outputs = deployed(PrincipalArns=ROLE, ExternalId="tenant-17")

    assert trust_of(outputs["RoleArn"])["Condition"] == {"StringEquals": {"sts:ExternalId": "tenant-17"}}


@pytest.mark.usefixtures("_aws")
def test_the_example_reads_the_pointer_and_calls_by_the_name_with_its_capitals():
    example = deployed()["HowToCall"]

    assert "--endpoint-name House-Prices" in example
    assert "--name /stationkeeper/House-Prices/MODEL" in example
    assert "${" not in example


# ---- multi-model-endpoint-alarms


def test_alarms_read_what_sagemaker_measures():
    """Source: SageMaker guide, "Metrics for monitoring Amazon SageMaker AI with Amazon CloudWatch"."""
    dimensions = [
        {"Name": "EndpointName", "Value": "<EndpointName>"},
        {"Name": "VariantName", "Value": "<VariantName>"},
    ]
    read = [metric for alarm in alarms().values() for metric, _ in metrics_of(alarm)]

    assert all(metric["Dimensions"] == dimensions for metric in read)
    for namespace, names in (CALLING, INSTANCE):
        assert {metric["MetricName"] for metric in read if metric["Namespace"] == namespace} == names
    assert {metric["Namespace"] for metric in read} == {CALLING[0], INSTANCE[0]}


def test_alarms_use_only_statistics_that_are_documented():
    """Of the times models take to load no percentile is; an alarm on what does not exist is never red."""
    used = {
        (metric["MetricName"], statistic)
        for alarm in alarms().values()
        for metric, statistic in metrics_of(alarm)
    }

    assert used == {
        ("ModelLoadingWaitTime", "Sum"),
        ("Invocations", "Sum"),
        ("ModelCacheHit", "Average"),
        ("ModelCacheHit", "SampleCount"),
        ("MemoryUtilization", "Maximum"),
        ("DiskUtilization", "Maximum"),
    }


@pytest.mark.parametrize(
    ("alarm", "expression", "worse"),
    [
        (
            "LoadingWaitAlarm",
            "IF(calls >= <MinimumCalls>, waited / calls / 1000000, 0)",
            "GreaterThanThreshold",
        ),
        ("CacheHitAlarm", "IF(calls >= <MinimumCalls>, hits * 100, 100)", "LessThanThreshold"),
    ],
)
def test_waiting_and_hits_are_judged_only_with_enough_calls(alarm, expression, worse):
    properties = alarms()[alarm]
    [returned] = [query for query in properties["Metrics"] if query["ReturnData"]]
    read = {query["Id"] for query in properties["Metrics"] if "MetricStat" in query}

    assert returned["Expression"] == expression
    assert read == set(re.findall(r"\b[a-z]+\b", expression))
    assert properties["ComparisonOperator"] == worse


@pytest.mark.parametrize(
    ("alarm", "parameter", "default"),
    [
        ("LoadingWaitAlarm", "LoadingWaitSeconds", 2),
        ("CacheHitAlarm", "CacheHitPercent", 50),
        ("MemoryAlarm", "MemoryPercent", 90),
        ("DiskAlarm", "DiskPercent", 85),
    ],
)
def test_a_threshold_is_a_parameter_with_a_default(alarm, parameter, default):
    about = TEMPLATES[ALARMS]["Parameters"][parameter]

    assert alarms()[alarm]["Threshold"] == f"<{parameter}>"
    assert about["Default"] == default
    assert about["MinValue"] <= default <= about["MaxValue"]


@pytest.mark.parametrize("name", alarms())
def test_an_alarm_says_what_it_means_and_where_to_look_and_is_quiet_without_data(name):
    alarm = alarms()[name]

    assert "<EndpointName>" in alarm["AlarmDescription"]
    assert "Look at" in alarm["AlarmDescription"]
    assert len(alarm["AlarmDescription"]) < 1024
    assert alarm["TreatMissingData"] == "notBreaching"
    told = {"Fn::If": ["HasTopic", ["<NotificationTopicArn>"], "<AWS::NoValue>"]}
    assert (alarm["AlarmActions"], alarm["OKActions"]) == (told, told)


@pytest.mark.parametrize("name", alarms())
def test_stationkeeper_knows_the_endpoint_by_the_dimension_and_takes_nothing_back(name):
    """The tag `stationkeeper:endpoint` would make the alarm one that guards releases."""
    alarm = json.loads(json.dumps(alarms()[name]).replace("<EndpointName>", "House-Prices"))

    assert endpoints_in_description(alarm) == ("House-Prices",)
    assert "Tags" not in alarm


def test_the_dashboard_shows_what_the_alarms_read_and_how_calls_fare():
    shown = {(namespace, name) for namespace, name, *_ in drawn()}
    read = {
        (metric["Namespace"], metric["MetricName"])
        for alarm in alarms().values()
        for metric, _ in metrics_of(alarm)
    }

    assert read < shown
    assert shown - read == {
        *(("AWS/SageMaker", name) for name in ("Invocation4XXErrors", "Invocation5XXErrors")),
        *(("AWS/SageMaker", name) for name in ("ModelLatency", "OverheadLatency")),
        *(("AWS/SageMaker", f"Model{step}Time") for step in ("Downloading", "Loading", "Unloading")),
        *(("/aws/sagemaker/Endpoints", name) for name in ("LoadedModelCount", "CPUUtilization")),
    }
    assert {tuple(dimensions) for _, _, *dimensions in drawn()} == {
        ("EndpointName", "<EndpointName>", "VariantName", "<VariantName>")
    }


def test_the_dashboard_shows_every_alarm():
    body = resolved(TEMPLATES[ALARMS]["Resources"]["Dashboard"]["Properties"]["DashboardBody"])
    [widget] = [widget for widget in json.loads(body)["widgets"] if widget["type"] == "alarm"]

    assert widget["properties"]["alarms"] == [f"<{name}.Arn>" for name in alarms()]


# ---- chats


@pytest.mark.parametrize("name", [CHAT_SLACK, CHAT_TEAMS])
def test_a_chat_shows_messages_of_its_topic_and_may_do_nothing(name):
    resources = resolved(TEMPLATES[name]["Resources"])
    channel = resources["Channel"]["Properties"]
    [statement] = resources["NothingPolicy"]["Properties"]["PolicyDocument"]["Statement"]

    assert channel["SnsTopicArns"] == ["<ChatTopicArn>"]
    assert channel["GuardrailPolicies"] == ["<NothingPolicy>"]
    assert (statement["Effect"], statement["Action"], statement["Resource"]) == ("Deny", "*", "*")
    assert resources["ChannelRole"]["Properties"]["ManagedPolicyArns"] == ["<NothingPolicy>"]
    assert "Policies" not in resources["ChannelRole"]["Properties"]


@pytest.mark.parametrize("name", [CHAT_SLACK, CHAT_TEAMS])
def test_only_amazon_q_for_this_account_has_the_role(name):
    properties = resolved(TEMPLATES[name]["Resources"])["ChannelRole"]["Properties"]
    [trust] = properties["AssumeRolePolicyDocument"]["Statement"]

    assert (trust["Action"], trust["Principal"]) == ("sts:AssumeRole", {"Service": "chatbot.amazonaws.com"})
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "<AWS::AccountId>"}}
