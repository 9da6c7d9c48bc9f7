"""Each role allows what its function's code calls, on no more than it needs, and nothing else.

What the code calls is read from its source: names of boto3 methods in all that can be reached through the ports of a
reaction, in the adapters that `assembly` gives it.
"""

import ast
import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_protocol_members, is_protocol

import pytest
import stationkeeper
from botocore import xform_name
from botocore.session import get_session
from samtranslator.yaml_helper import yaml_parse
from stationkeeper.releases.set_up import monitor_settings
from stationkeeper.releases.settings import StackDefaults
from stationkeeper.releases.starting import _tags

type Statement = dict[str, Any]

TEXT = (Path(__file__).parents[2] / "template.yaml").read_text(encoding="utf-8")
TEMPLATE = yaml_parse(TEXT)
CORE = Path(stationkeeper.__file__).parent
REACTIONS = {
    "MonitorReport": "monitor_report",
    "DriftPage": "drift_page",
    "Release": "release",
    "ArtifactSync": "artifact_sync",
    "AlarmResponse": "alarm_response",
    "Retraining": "retraining",
    "JobReport": "job_report",
    "Notification": "notification",
    "Sweep": "sweep",
}
OURS = "stationkeeper:released-to"

PREFIXES = {"sagemaker-runtime": "sagemaker", "resourcegroupstaggingapi": "tag"}
SAME_ACTION = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "s3:HeadObject": "s3:GetObject",
    **dict.fromkeys(
        ("s3:CopyObject", "s3:CreateMultipartUpload", "s3:UploadPartCopy", "s3:CompleteMultipartUpload"),
        "s3:PutObject",
    ),
}

# Calls that others make for the code: no name of a boto3 method stands in our source.
MADE_BY_POWERTOOLS = {
    "deliveries": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"},
    "severity_policies": {"ssm:GetParameter"},
}

# Allowed though nobody calls it, and why.
BY_LAMBDA_ITSELF = {
    "sqs:ReceiveMessage": "the event source mapping reads the queue with the function's role",
    "sqs:DeleteMessage": "the same",
    "sqs:GetQueueAttributes": "the same",
    "logs:CreateLogStream": "the runtime writes the log",
    "logs:PutLogEvents": "the same",
    "ec2:CreateNetworkInterface": "Lambda puts the function into the VPC; a denial keeps the code from it",
    "ec2:DescribeNetworkInterfaces": "the same",
    "ec2:DescribeSubnets": "the same",
    "ec2:DeleteNetworkInterface": "the same",
    "ec2:AssignPrivateIpAddresses": "the same",
    "ec2:UnassignPrivateIpAddresses": "the same",
}
WITHOUT_A_CALL = {
    "MonitorReport": {
        "s3:ListBucket": "S3 tells a missing object from a denied one only to who may list",
        "kms:Decrypt": "S3 decrypts with the caller's rights",
    },
    "DriftPage": {
        "s3:ListBucket": "S3 tells a missing object from a denied one only to who may list",
        "kms:Decrypt": "S3 decrypts with the caller's rights",
    },
    "Release": {
        "s3:ListBucket": "S3 tells a missing object from a denied one only to who may list",
        "kms:Decrypt": "S3 decrypts with the caller's rights",
        "kms:CreateGrant": "SageMaker is given the key with the rights of who creates or updates an endpoint",
        "iam:PassRole": "CreateModel and the monitors' calls hand on an execution role",
        "iam:CreateServiceLinkedRole": "RegisterScalableTarget makes Application Auto Scaling's role, once per account",
        "sagemaker:AddTags": "needed to create anything with tags",
        "cloudwatch:TagResource": "the same for alarms",
        "sagemaker:UpdateEndpointWeightsAndCapacities": "Application Auto Scaling tries whether its caller might",
        "cloudwatch:DeleteAlarms": "the same",
    },
    "Notification": {
        "kms:Decrypt": "SNS encrypts with the caller's rights",
        "kms:GenerateDataKey": "the same",
    },
    "ArtifactSync": {
        "s3:ListBucket": "S3 tells a missing object from a denied one only to who may list",
        "kms:Decrypt": "S3 decrypts with the caller's rights",
        "kms:GenerateDataKey": "S3 encrypts with the caller's rights",
    },
    "AlarmResponse": {},
    "Retraining": {},
    "JobReport": {},
    "Sweep": {},
}

# Allowed on "*" though the action takes narrower resources, and why.
WIDE = {
    "cloudwatch:DescribeAlarms": "leaves composite alarms out when narrower",
    "cloudwatch:PutMetricAlarm": "only through Application Auto Scaling, which tries it without naming an alarm",
    "cloudwatch:DeleteAlarms": "the same",
    "ec2": "Lambda checks them before the interface exists",
}


# ---- what the code calls


@cache
def operations(service: str) -> dict[str, str]:
    """boto3 methods of a service, and the names of their operations."""
    names = get_session().get_service_model(service).operation_names
    return {xform_name(name): name for name in names}


def assembled(reaction: str) -> tuple[set[tuple[str, str]], set[str]]:
    """What `assembly` imports for a reaction: (module, class) of its adapters, and modules of `reactions`."""
    tree = ast.parse((CORE / "assembly.py").read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    reached, waiting = {reaction}, [reaction]
    adapters, modules = set(), set()
    while waiting:
        for node in ast.walk(functions[waiting.pop()]):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("stationkeeper.aws."):
                adapters |= {(str(node.module), alias.name) for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("stationkeeper.reactions."):
                modules.add(str(node.module))
            elif isinstance(node, ast.Name) and node.id in functions and node.id not in reached:
                reached.add(node.id)
                waiting.append(node.id)
    return adapters, modules


def ports_of(modules: set[str]) -> set[type]:
    return {
        port
        for module in modules
        for port in vars(import_module(module)).values()
        if isinstance(port, type) and is_protocol(port)
    }


@cache
def called_by(reaction: str) -> frozenset[str]:
    """IAM actions of all calls a reaction can make: of its adapters only what its ports have, the rest is the command line's."""
    adapters, modules = assembled(reaction)
    ports = ports_of(modules)
    found: set[str] = set()
    for module, name in adapters:
        adapter = getattr(import_module(module), name)
        fitting = [members for port in ports if (members := get_protocol_members(port)) <= set(dir(adapter))]
        assert fitting, f"{name} fits no port of {reaction}"
        found |= calls_of(module, set().union(*fitting))
    return frozenset(found)


def calls_of(module: str, methods: set[str]) -> set[str]:
    """IAM actions of the boto3 methods named in what can be reached from some methods of an adapter."""
    tree = ast.parse((CORE.parent / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
    services, elsewhere = imports_of(tree)
    named_by_attribute, named_plainly = definitions(tree)
    words: set[str] = set()
    waiting = [definition for name in methods | {"__init__"} for definition in named_by_attribute[name]]
    seen: set[ast.AST] = set()
    while waiting:
        definition = waiting.pop()
        if definition in seen:
            continue
        seen.add(definition)
        for node in ast.walk(definition):
            match node:
                case ast.Attribute(attr=word):
                    words.add(word)
                    waiting += named_by_attribute.get(word, [])
                case ast.Name(id=word):
                    words.add(word)
                    waiting += [named_plainly[word]] if word in named_plainly else []
                case ast.Constant(value=str(word)):  # a paginator's name, a table of methods
                    words.add(word)
    found = set(MADE_BY_POWERTOOLS.get(module.rpartition(".")[2], ()))
    for service in services:
        for method in words & set(operations(service)):
            action = f"{PREFIXES.get(service, service)}:{operations(service)[method]}"
            found.add(SAME_ACTION.get(action, action))
    for name in words & set(elsewhere):
        used = getattr(import_module(elsewhere[name]), name)
        if isinstance(used, type):
            found |= calls_of(elsewhere[name], words & set(vars(used)))
    return found


def imports_of(tree: ast.Module) -> tuple[set[str], dict[str, str]]:
    """AWS services a module has clients of, and what it imports from other modules of `aws`."""
    services, elsewhere = set(), {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom):
            continue
        if re.fullmatch(r"mypy_boto3_\w+", str(node.module)):
            services.add(str(node.module).removeprefix("mypy_boto3_").replace("_", "-"))
        elif str(node.module).startswith("stationkeeper.aws."):
            elsewhere |= {alias.name: str(node.module) for alias in node.names}
    return services, elsewhere


def definitions(tree: ast.Module) -> tuple[dict[str, list[ast.AST]], dict[str, ast.AST]]:
    """Methods of a module's classes, which may share names, and its functions and constants, by name."""
    methods: dict[str, list[ast.AST]] = {}
    plain: dict[str, ast.AST] = {}
    for node in tree.body:
        match node:
            case ast.FunctionDef():
                plain[node.name] = node
            case ast.Assign(targets=[ast.Name(id=name)]):
                plain[name] = node
            case ast.ClassDef():
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef):
                        methods.setdefault(inner.name, []).append(inner)
    return methods, plain


# ---- what the template allows


def documents_of(role: str) -> list[dict[str, Any]]:
    """A role's own policies."""
    return [one["PolicyDocument"] for one in TEMPLATE["Resources"][role]["Properties"]["Policies"]]


def attached_to(role: str) -> list[dict[str, Any]]:
    """Policies of the template that are attached to a role."""
    arns = TEMPLATE["Resources"][role]["Properties"].get("ManagedPolicyArns", [])
    return [TEMPLATE["Resources"][arn["Ref"]]["Properties"]["PolicyDocument"] for arn in arns]


def statements_in(document: dict[str, Any]) -> list[Statement]:
    """Its statements, those that depend on parameters too."""
    found: list[Statement] = []
    for statement in document["Statement"]:
        branches = statement["Fn::If"][1:] if "Fn::If" in statement else [statement]
        found += [branch for branch in branches if "Sid" in branch]
    return found


def statements_of(role: str) -> list[Statement]:
    return [
        statement
        for document in (*documents_of(role), *attached_to(role))
        for statement in statements_in(document)
    ]


def allowing(reaction: str) -> Iterator[tuple[str, Statement]]:
    for statement in statements_of(f"{reaction}Role"):
        if statement["Effect"] == "Allow":
            for action in as_list(statement["Action"]):
                yield action, statement


def allowed(reaction: str) -> set[str]:
    return {action for action, _ in allowing(reaction)}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@cache
def actions_of(prefix: str) -> dict[str, list[str]]:
    """Actions of a service in lower case, with the resource types they take, as cfn-lint knows them from AWS."""
    text = files("cfnlint.data.AdditionalSpecs").joinpath("Policies.json").read_text(encoding="utf-8")
    return {
        name.lower(): about.get("Resources", [])
        for name, about in json.loads(text)[prefix]["Actions"].items()
    }


def takes(action: str) -> list[str]:
    prefix, _, name = action.partition(":")
    return actions_of(prefix)[name.lower()]


def kind_of(arn: str) -> str:
    """The resource type of one of SageMaker's ARNs: executions stand below their pipeline."""
    kind, _, name = arn.rpartition(":")[2].partition("/")
    return f"{kind}-execution" if "/execution/" in name else kind


def condition(statement: Statement, operator: str, key: str) -> Any:
    return statement.get("Condition", {}).get(operator, {}).get(key)


# ---- tests


def test_calls_are_read_from_the_source():
    """So that an empty set below is none by mistake."""
    assert {"sagemaker:UpdateEndpoint", "sagemaker:ListModelPackages", "s3:GetObject"} <= called_by("release")
    assert {"sagemaker:CreateModelBiasJobDefinition", "cloudwatch:PutMetricAlarm"} <= called_by("release")
    assert {"sagemaker:InvokeEndpoint", "dynamodb:PutItem", "tag:GetResources"} <= called_by("release")
    assert {"sqs:SendMessage", "sagemaker:DeleteModel", "tag:GetResources"} <= called_by("sweep")
    assert "sagemaker:DescribeModelPackage" not in called_by("sweep")
    assert called_by("notification") >= {"sns:Publish", "dynamodb:UpdateItem", "events:PutEvents"}
    assert called_by("monitor_report") >= {"ssm:GetParameterHistory", "sagemaker:DescribeProcessingJob"}


@pytest.mark.parametrize("reaction", REACTIONS)
def test_a_role_allows_every_call_of_the_code(reaction):
    assert called_by(REACTIONS[reaction]) - allowed(reaction) == set()


@pytest.mark.parametrize("reaction", REACTIONS)
def test_a_role_allows_nothing_the_code_does_not_call(reaction):
    reasons = {**BY_LAMBDA_ITSELF, **WITHOUT_A_CALL[reaction]}

    assert allowed(reaction) - called_by(REACTIONS[reaction]) == set(reasons)


@pytest.mark.parametrize("reaction", REACTIONS)
def test_an_action_is_allowed_on_a_kind_of_resource_it_takes(reaction):
    for action, statement in allowing(reaction):
        arns = [
            resource["Fn::Sub"]
            for resource in as_list(statement["Resource"])
            if isinstance(resource, dict) and ":sagemaker:" in str(resource.get("Fn::Sub"))
        ]
        kinds = [kind_of(arn) for arn in arns]
        if kinds and action.startswith("sagemaker:") and statement["Sid"] != "MakeModelsOfVersions":
            assert any(fnmatchcase(taken, kind) for taken in takes(action) for kind in kinds), action


def test_a_wide_resource_is_explained_where_it_stands():
    wide = [line for line in TEXT.splitlines() if re.search(r"\bResource:.*[\"']\*[\"']", line)]

    assert len(wide) > 20
    assert [line for line in wide if not re.search(r'Resource: "\*" # \w.{10,}', line)] == []
    assert not re.search(r"^\s*- [\"']\*[\"']", TEXT, re.MULTILINE)


@pytest.mark.parametrize("reaction", REACTIONS)
def test_a_resource_is_wide_only_where_the_action_takes_no_other(reaction):
    for action, statement in allowing(reaction):
        if "*" in as_list(statement["Resource"]):
            explained = action in WIDE or action.partition(":")[0] in WIDE
            assert explained or not takes(action), action


@pytest.mark.parametrize("reaction", REACTIONS)
def test_no_action_and_no_service_is_allowed_as_a_whole(reaction):
    assert [action for action in allowed(reaction) if "*" in action] == []


def test_what_is_made_must_carry_our_tag():
    made = [
        (action, statement)
        for action, statement in allowing("Release")
        if re.match(r"sagemaker:Create|cloudwatch:(PutMetricAlarm|TagResource)", action)
    ]

    assert len({action for action, _ in made}) == 11
    for action, statement in made:
        of_a_version = statement["Sid"] == "MakeModelsOfVersions"  # beside the one on the model itself
        through_autoscaling = condition(statement, "Bool", "aws:ViaAWSService") == "true"
        tagged = condition(statement, "Null", f"aws:RequestTag/{OURS}") == "false"
        assert tagged or of_a_version or through_autoscaling, action


@pytest.mark.parametrize("reaction", ["Release", "Sweep"])
def test_only_what_carries_our_tag_may_be_deleted(reaction):
    deleting = [pair for pair in allowing(reaction) if re.match(r"(sagemaker|cloudwatch):Delete", pair[0])]

    assert deleting
    for action, statement in deleting:
        through_autoscaling = condition(statement, "Bool", "aws:ViaAWSService") == "true"
        tagged = condition(statement, "Null", f"aws:ResourceTag/{OURS}") == "false"
        assert tagged or through_autoscaling, action


def test_the_tag_of_the_conditions_is_the_one_the_code_sets():
    settings = SimpleNamespace(
        endpoint="churn-prod", stack=StackDefaults("123456789012", "eu-west-1"), monitor=None
    )
    group = "arn:aws:sagemaker:eu-west-1:123456789012:model-package-group/churn"

    on_what_serves = {tag["Key"] for tag in _tags(group, settings, SimpleNamespace(number=7))}
    on_monitors = monitor_settings(settings, SimpleNamespace(models={}), group).tags

    assert OURS in on_what_serves
    assert OURS in on_monitors


def test_tags_are_added_only_while_something_is_made():
    [statement] = [one for action, one in allowing("Release") if action == "sagemaker:AddTags"]
    [making] = [one for one in statements_of("ReleaseRole") if one["Sid"] == "MakeOnlyWhatIsTaggedAsOurs"]

    while_making = condition(statement, "StringEquals", "sagemaker:TaggingAction")

    assert {f"sagemaker:{operation}" for operation in while_making} == set(making["Action"])
    assert statement["Resource"] == making["Resource"]


def test_execution_roles_are_handed_on_to_sagemaker_alone_and_only_those_named():
    template = TEMPLATE["Resources"]["ReleaseRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    [conditional] = [
        one["Fn::If"]
        for one in template["Statement"]
        if "Fn::If" in one and one["Fn::If"][1].get("Action") == "iam:PassRole"
    ]
    name, statement, otherwise = conditional

    assert (name, otherwise) == ("HasExecutionRoles", {"Ref": "AWS::NoValue"})
    assert statement["Resource"] == {"Ref": "ExecutionRoleArns"}
    assert condition(statement, "StringEquals", "iam:PassedToService") == "sagemaker.amazonaws.com"


@pytest.mark.parametrize("reaction", ["Release", "AlarmResponse"])
def test_who_may_reject_a_version_can_never_approve_one(reaction):
    [statement] = [one for action, one in allowing(reaction) if action == "sagemaker:UpdateModelPackage"]

    assert condition(statement, "StringEquals", "sagemaker:ModelApprovalStatus") == "Rejected"


@pytest.mark.parametrize(
    ("reaction", "writes", "reads"),
    [
        ("MonitorReport", {"monitor#*"}, set()),
        ("DriftPage", {"run#*"}, {"release#*"}),
        ("Release", {"release#*"}, {"retraining#*"}),
        ("ArtifactSync", {"models#*", "multi-model-endpoints"}, {"refusals#*"}),
        ("AlarmResponse", {"alarms#*", "release#*"}, {"monitor#*"}),
        ("Retraining", {"retraining#*"}, {"release#*", "monitor#*"}),
        ("JobReport", set(), {"retraining#*"}),
        ("Notification", {"delivery#*"}, set()),
        ("Sweep", {"release#*"}, {"models#*", "multi-model-endpoints"}),
    ],
)
def test_a_function_writes_what_is_its_own_to_remember_and_reads_what_it_needs_besides(
    reaction, writes, reads
):
    keys: dict[str, set[str]] = {}
    for action, statement in allowing(reaction):
        if action.startswith("dynamodb:"):
            about = condition(statement, "ForAllValues:StringLike", "dynamodb:LeadingKeys")
            keys[action] = keys.get(action, set()) | set(about)

    assert keys.pop("dynamodb:PutItem", set()) == writes
    assert set().union(*keys.values()) == writes | reads


@pytest.mark.parametrize("role", [name for name in TEMPLATE["Resources"] if name.endswith("Role")])
def test_a_role_with_all_options_fits_into_what_iam_takes(role):
    """IAM takes 10,240 characters of a role's own policies and 6,144 of each attached one, white space not counted."""
    assert sum(map(characters, documents_of(role))) <= 10_240
    assert all(characters(document) <= 6_144 for document in attached_to(role))


def characters(document: dict[str, Any]) -> int:
    statements = [written_out(statement) for statement in statements_in(document)]
    return len(re.sub(r"\s", "", json.dumps({"Version": "2012-10-17", "Statement": statements})))


def written_out(node: Any) -> Any:
    """A statement as CloudFormation sends it, with long values: ten buckets, ten keys, ten roles."""
    several = {
        "MonitoredBuckets": 10,
        "MonitoredKeyArns": 10,
        "ExecutionRoleArns": 10,
        "RetrainingPipelineArns": 10,
    }
    match node:
        case {"Ref": "AWS::Partition"}:
            return "aws-us-gov"
        case {"Ref": "AWS::Region"}:
            return "ap-southeast-2"
        case {"Ref": name} if name in several:
            return ["x" * 80] * several[name]
        case {"Ref": _}:
            return "x" * 80
        case {"Fn::GetAtt": _}:
            return "x" * 110
        case {"Fn::Sub": [text, _]}:
            return written_out({"Fn::Sub": text})
        case {"Fn::Sub": str(text)}:
            known = text.replace("${AWS::Partition}", "aws-us-gov").replace(
                "${AWS::Region}", "ap-southeast-2"
            )
            known = known.replace("${AWS::AccountId}", "123456789012")
            return re.sub(r"\$\{[^}]+\}", "x" * 63, known)
        case {"Fn::Split": [_, text]}:
            return [written_out(text)] * several["MonitoredBuckets"]
        case {"Fn::If": [_, yes, _]}:
            return written_out(yes)
        case dict():
            return {key: written_out(value) for key, value in node.items()}
        case list():
            return [written_out(value) for value in node]
        case _:
            return node
