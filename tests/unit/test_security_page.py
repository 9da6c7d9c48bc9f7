"""Every permission of the template stands in docs/security.md, with its actions, where it counts, and why; and none that is not there."""

import re
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

type Node = dict[str, Any]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
RESOURCES: Node = TEMPLATE["Resources"]
ROLES = [name for name, resource in RESOURCES.items() if resource["Type"] == "AWS::IAM::Role"]
OF_FUNCTIONS = [
    resource["Properties"]["Role"]["Fn::GetAtt"][0]
    if isinstance(resource["Properties"]["Role"], dict)
    else resource["Properties"]["Role"].partition(".")[0]
    for resource in RESOURCES.values()
    if resource["Type"] == "AWS::Serverless::Function"
]
SHARED = "Every function"


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# ---- what the template has


def statements_of(role: str) -> list[tuple[Node, str]]:
    """Statements of a role and of the policies attached to it, with the condition of the template they depend on, or ""."""
    properties = RESOURCES[role]["Properties"]
    documents = [one["PolicyDocument"] for one in properties["Policies"]]
    documents += [
        RESOURCES[arn["Ref"]]["Properties"]["PolicyDocument"]
        for arn in properties.get("ManagedPolicyArns", [])
    ]
    found: list[tuple[Node, str]] = []
    for statement in (one for document in documents for one in document["Statement"]):
        if "Fn::If" in statement:
            condition, yes, otherwise = statement["Fn::If"]
            assert otherwise == {"Ref": "AWS::NoValue"}
            found.append((yes, condition))
        else:
            found.append((statement, ""))
    return found


def parameters_in(node: Any) -> set[str]:
    """Parameters that something of the template refers to."""
    match node:
        case {"Ref": str(name)} if name in TEMPLATE["Parameters"]:
            return {name}
        case dict():
            return set().union(*map(parameters_in, node.values()))
        case list():
            return set().union(*map(parameters_in, node))
        case _:
            return set()


# ---- what the page has


def table_of(section: str) -> list[list[str]]:
    """Cells of the rows of the table below a heading."""
    _, *sections = re.split(r"^#+ ", PAGE, flags=re.MULTILINE)
    [below] = [text for text in sections if section in text.partition("\n")[0]]
    rows = [line for line in below.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in rows]


def code_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def rows_of(section: str) -> dict[str, list[str]]:
    """Rows of a role's table by Sid."""
    rows = {code_in(cells[0])[0]: cells for cells in table_of(section)}
    assert len(rows) == len(table_of(section))
    return rows


def rows_for(role: str) -> dict[str, list[str]]:
    """A role's own rows, and of a function's role those that all have."""
    shared = rows_of(SHARED) if role in OF_FUNCTIONS else {}
    return {**shared, **rows_of(f"`{role}`")}


# ---- tests


def test_every_function_and_the_schedule_have_a_role_of_their_own():
    assert len(set(OF_FUNCTIONS)) == len(OF_FUNCTIONS)
    assert set(ROLES) == {*OF_FUNCTIONS, "SweepScheduleRole"}
    assert set(re.findall(r"^### .*`(\w+Role)`", PAGE, re.MULTILINE)) == set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_every_permission_is_listed_with_its_actions_and_no_other(role):
    allowed = {statement["Sid"]: sorted(as_list(statement["Action"])) for statement, _ in statements_of(role)}

    assert {sid: sorted(code_in(cells[1])) for sid, cells in rows_for(role).items()} == allowed


@pytest.mark.parametrize("role", ROLES)
def test_every_permission_has_its_reason(role):
    assert all(len(cells) == 4 and len(cells[3]) >= 15 for cells in rows_for(role).values())


@pytest.mark.parametrize("role", ROLES)
def test_what_is_wide_is_named_and_nothing_else_is(role):
    wide = {statement["Sid"] for statement, _ in statements_of(role) if "*" in as_list(statement["Resource"])}

    assert {sid for sid, cells in rows_for(role).items() if "**`*`**" in cells[2]} == wide


@pytest.mark.parametrize("role", ROLES)
def test_denials_are_named(role):
    denied = {statement["Sid"] for statement, _ in statements_of(role) if statement["Effect"] == "Deny"}

    assert {sid for sid, cells in rows_for(role).items() if cells[1].startswith("**Deny**")} == denied


@pytest.mark.parametrize("role", ROLES)
def test_conditions_are_named(role):
    """Keys of conditions; of the table's items what their keys begin with."""
    rows = rows_for(role)
    for statement, _ in statements_of(role):
        for operator, conditions in statement.get("Condition", {}).items():
            for key, values in conditions.items():
                named = as_list(values) if key == "dynamodb:LeadingKeys" else [key]
                where = code_in(rows[statement["Sid"]][2])
                assert set(named) <= set(where), (statement["Sid"], operator)


@pytest.mark.parametrize("role", ROLES)
def test_parameters_that_widen_a_permission_are_named(role):
    rows = rows_for(role)
    for statement, condition in statements_of(role):
        deciding = parameters_in(TEMPLATE["Conditions"][condition]) if condition else set()
        named = deciding | parameters_in(statement["Resource"])
        assert named <= set(code_in(rows[statement["Sid"]][2])), statement["Sid"]


def kind_of(name: str) -> str:
    """How the page calls what a resource policy stands on: all queues have the same two statements."""
    resource = RESOURCES[name]
    match resource["Type"]:
        case "AWS::SQS::QueuePolicy":
            return "...Queue"
        case "AWS::SNS::TopicPolicy":
            return str(resource["Properties"]["Topics"][0]["Ref"])
        case "AWS::S3::BucketPolicy":
            return str(resource["Properties"]["Bucket"]["Ref"])
        case _:
            return name


def test_policies_of_resources_are_listed_with_effect_action_and_condition():
    listed = {
        (code_in(where)[0], code_in(sid)[0], effect, *sorted(code_in(action))): set(code_in(conditions))
        for where, sid, effect, _, action, conditions in table_of("Policies of resources")
    }

    found: dict[tuple[str, ...], set[str]] = {}
    for name, resource in RESOURCES.items():
        properties = resource.get("Properties", {})
        document = properties.get("KeyPolicy") or (
            properties.get("PolicyDocument") if resource["Type"].endswith("Policy") else None
        )
        if document is None or resource["Type"] == "AWS::IAM::ManagedPolicy":
            continue
        for one in document["Statement"]:
            keys = {key for conditions in one.get("Condition", {}).values() for key in conditions}
            key = (kind_of(name), one["Sid"], one["Effect"], *sorted(as_list(one["Action"])))
            assert found.setdefault(key, keys) == keys
    assert listed == found


def test_every_queue_has_a_policy():
    queues = {name for name, one in RESOURCES.items() if one["Type"] == "AWS::SQS::Queue"}
    covered = {
        queue["Ref"]
        for one in RESOURCES.values()
        if one["Type"] == "AWS::SQS::QueuePolicy"
        for queue in one["Properties"]["Queues"]
    }

    assert covered == queues


def test_everything_that_holds_data_is_listed_and_how_long():
    held = {
        "AWS::S3::Bucket",
        "AWS::DynamoDB::Table",
        "AWS::Events::Archive",
        "AWS::SNS::Topic",
    }
    names = {name for name, one in RESOURCES.items() if one["Type"] in held}
    [archive] = [one for one in RESOURCES.values() if one["Type"] == "AWS::Events::Archive"]
    [rule] = RESOURCES["ReportBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    retentions = {
        one["Properties"]["MessageRetentionPeriod"]
        for one in RESOURCES.values()
        if one["Type"] == "AWS::SQS::Queue"
    }
    stored = {name: " ".join(cells) for cells in table_of("What is stored") for name in code_in(cells[0])}

    assert names <= set(stored)
    assert f"{archive['Properties']['RetentionDays']} days" in stored["EventArchive"]
    assert f"{rule['ExpirationInDays']} days" in stored["ReportBucket"]
    assert f"{rule['NoncurrentVersionExpiration']['NoncurrentDays']} more" in stored["ReportBucket"]
    assert {f"{seconds // 86400} days" for seconds in retentions} == {"14 days"}
    assert "14 days" in stored["...Queue"]
