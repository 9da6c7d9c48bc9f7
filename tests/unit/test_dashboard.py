"""The dashboard shows all that the stack has and writes, in what CloudWatch takes: it refuses little, and draws nothing where a name is wrong."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.metrics_in_code import metrics_in_code, most_series

ROOT = Path(__file__).parents[2]
RESOURCES: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))["Resources"]
TEXT: str = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
FUNCTIONS = {
    name.removesuffix("Function"): one["Properties"]
    for name, one in RESOURCES.items()
    if one["Type"] == "AWS::Serverless::Function"
}

# What AWS writes by itself [user guides of the services: metrics and dimensions].
OF_AWS = {
    "AWS/DynamoDB": {"ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"},
    "AWS/Lambda": {"Duration", "Errors", "Invocations", "Throttles"},
    "AWS/Logs": {"IncomingBytes"},
    "AWS/SNS": {"NumberOfMessagesPublished"},
    "AWS/SQS": {
        "ApproximateAgeOfOldestMessage",
        "ApproximateNumberOfMessagesVisible",
        "NumberOfEmptyReceives",
        "NumberOfMessagesReceived",
    },
    "AWS/SageMaker": {
        "Invocation5XXErrors",
        "Invocations",
        "ModelCacheHit",
        "ModelLatency",
        "ModelLoadingWaitTime",
    },
    "/aws/sagemaker/Endpoints": {"DiskUtilization", "LoadedModelCount", "MemoryUtilization"},
}
DIMENSIONS_OF_AWS = {
    "AWS/DynamoDB": {"TableName"},
    "AWS/Lambda": {"FunctionName"},
    "AWS/Logs": {"LogGroupName"},
    "AWS/SNS": {"TopicName"},
    "AWS/SQS": {"QueueName"},
    "AWS/SageMaker": {"EndpointName", "VariantName"},
    "/aws/sagemaker/Endpoints": {"EndpointName", "VariantName"},
}
MADE_FOR_AN_ALARM = {"InvalidSeverityPolicy"}

# CloudWatch API reference: dashboard body structure and syntax.
AXIS = {
    "type": "object",
    "properties": {"min": {"type": "number"}, "max": {"type": "number"}, "label": {"type": "string"}},
    "additionalProperties": False,
}
DRAWN = {
    "type": "object",
    "properties": {
        "color": {"pattern": "^#[0-9a-f]{6}$"},
        "expression": {"type": "string", "maxLength": 2_048},
        "id": {"pattern": "^[a-z][A-Za-z0-9_]*$"},
        "label": {"type": "string"},
        "period": {"type": "integer"},
        "stat": {"pattern": r"^(Sum|Average|Minimum|Maximum|SampleCount|p\d{1,2}(\.\d+)?)$"},
        "visible": {"type": "boolean"},
        "yAxis": {"enum": ["left", "right"]},
    },
    "additionalProperties": False,
}
PROPERTIES = {
    "text": {
        "properties": {"markdown": {"type": "string"}},
        "required": ["markdown"],
        "additionalProperties": False,
    },
    "alarm": {
        "properties": {
            "alarms": {"type": "array", "minItems": 1, "maxItems": 100, "items": {"type": "string"}},
            "sortBy": {"enum": ["default", "stateUpdatedTimestamp", "timestamp"]},
            "title": {"type": "string"},
        },
        "required": ["alarms"],
        "additionalProperties": False,
    },
    "metric": {
        "properties": {
            "metrics": {
                "type": "array",
                "minItems": 1,
                "maxItems": 500,
                "items": {
                    "type": "array",
                    "minItems": 1,
                    "items": {"anyOf": [{"type": "string"}, DRAWN]},
                },
            },
            "period": {"type": "integer", "multipleOf": 60},
            "region": {"type": "string"},
            "stacked": {"type": "boolean"},
            "stat": DRAWN["properties"]["stat"],
            "title": {"type": "string"},
            "view": {"enum": ["timeSeries", "singleValue", "bar", "pie", "gauge", "table"]},
            "yAxis": {
                "type": "object",
                "properties": {"left": AXIS, "right": AXIS},
                "additionalProperties": False,
            },
        },
        "required": ["metrics", "region"],
        "additionalProperties": False,
    },
}
BODY = {
    "type": "object",
    "properties": {
        "widgets": {
            "type": "array",
            "maxItems": 500,
            "items": {
                "type": "object",
                "properties": {
                    "type": {"enum": list(PROPERTIES)},
                    "x": {"type": "integer", "minimum": 0, "maximum": 23},
                    "y": {"type": "integer", "minimum": 0},
                    "width": {"type": "integer", "minimum": 1, "maximum": 24},
                    "height": {"type": "integer", "minimum": 1, "maximum": 1_000},
                    "properties": {"type": "object"},
                },
                "required": ["type", "x", "y", "width", "height", "properties"],
                "additionalProperties": False,
                "allOf": [
                    {
                        "if": {"properties": {"type": {"const": kind}}},
                        "then": {"properties": {"properties": allowed}},
                    }
                    for kind, allowed in PROPERTIES.items()
                ],
            },
        }
    },
    "required": ["widgets"],
    "additionalProperties": False,
}


def substituted(text: str) -> str:
    """The body as CloudFormation hands it over, with the names of resources in place of what they become."""
    known = text.replace("${AWS::Region}", "eu-west-1")
    return re.sub(r"\$\{!", "${", re.sub(r"\$\{([A-Za-z]+)(?:\.\w+)?\}", r"\1", known))


WIDGETS: list[dict[str, Any]] = json.loads(substituted(TEXT))["widgets"]
GRAPHS = [widget["properties"] for widget in WIDGETS if widget["type"] == "metric"]


def options_of(line: list[Any]) -> dict[str, Any]:
    return line[-1] if isinstance(line[-1], dict) else {}


def plain_metrics(graph: dict[str, Any]) -> list[tuple[str, str, dict[str, str]]]:
    """Namespace, name and dimensions of the metrics that are named one by one."""
    found = []
    for line in graph["metrics"]:
        words = [word for word in line if isinstance(word, str)]
        if words:
            found.append((words[0], words[1], dict(zip(words[2::2], words[3::2], strict=True))))
    return found


def expressions(graph: dict[str, Any]) -> list[str]:
    return [
        options["expression"] for line in graph["metrics"] if "expression" in (options := options_of(line))
    ]


def looked_for(expression: str) -> list[tuple[str, str, set[str]]]:
    """Namespace, name and dimensions of what a SEARCH or a SELECT looks for."""
    searched = [
        (schema.split(",")[0], name, set(schema.split(",")[1:]))
        for schema, name in re.findall(r"""SEARCH\('\{([^}]+)\} MetricName="(\w+)\"""", expression)
    ]
    selected = [
        (namespace, name, set(schema.split(", ")))
        for name, namespace, schema in re.findall(
            r'SELECT \w+\((\w+)\) FROM SCHEMA\("([^"]+)", ([^)]+)\)', expression
        )
    ]
    return searched + selected


def shown() -> list[tuple[str, str, set[str]]]:
    """Namespace, name and names of dimensions of all metrics on the dashboard."""
    found = [(space, name, set(at)) for graph in GRAPHS for space, name, at in plain_metrics(graph)]
    return found + [one for graph in GRAPHS for text in expressions(graph) for one in looked_for(text)]


def row_of(stem: str) -> list[dict[str, Any]]:
    """The graphs between the heading of a function and the next heading."""
    reaction = FUNCTIONS[stem]["CodeUri"].removeprefix("functions/")
    headings = [
        number
        for number, widget in enumerate(WIDGETS)
        if widget["properties"].get("markdown", "").startswith(f"## {reaction}: ")
    ]
    [start] = headings
    row = []
    for widget in WIDGETS[start + 1 :]:
        if widget["type"] != "metric":
            break
        row.append(widget["properties"])
    return row


def test_the_template_has_the_dashboard_that_the_script_writes():
    script = ROOT / "scripts" / "generate_dashboard.py"

    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_body_has_no_property_that_cloudwatch_does_not_know():
    jsonschema.validate({"widgets": WIDGETS}, BODY)


def test_the_schema_refuses_what_cloudwatch_does_not_know():
    graph = next(widget for widget in WIDGETS if widget["type"] == "metric")

    for wrong in (
        {**graph, "depth": 3},
        {**graph, "x": 24},
        {**graph, "properties": {**graph["properties"], "titel": "misspelled"}},
        {
            **graph,
            "properties": {**graph["properties"], "metrics": [["AWS/SQS", "x", {"colour": "#000000"}]]},
        },
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"widgets": [wrong]}, BODY)


def test_what_is_filled_in_is_in_the_template():
    names = set(re.findall(r"\$\{([A-Za-z:]+)(?:\.\w+)?\}", TEXT)) - {"AWS::Region"}

    assert names <= set(RESOURCES)
    assert [name for name in names if "Condition" in RESOURCES[name]] == []


def test_widgets_stand_on_the_grid_and_not_on_each_other():
    cells = Counter(
        (x, y)
        for one in WIDGETS
        for x in range(one["x"], one["x"] + one["width"])
        for y in range(one["y"], one["y"] + one["height"])
    )

    assert max(cells.values()) == 1
    assert max(x for x, _ in cells) == 23
    assert len({y for _, y in cells}) == max(y for _, y in cells) + 1  # no gap


def test_every_metric_on_it_is_written_by_somebody_with_these_dimensions():
    in_code = metrics_in_code()
    assert shown()

    for namespace, name, dimensions in shown():
        if namespace == "Stationkeeper":
            assert dimensions == {"service", *in_code[name]}, name
        else:
            assert name in OF_AWS[namespace], name
            assert dimensions == DIMENSIONS_OF_AWS[namespace], name


def test_every_metric_that_the_functions_write_is_on_it():
    ours = {name for namespace, name, _ in shown() if namespace == "Stationkeeper"}

    assert ours == set(metrics_in_code()) - MADE_FOR_AN_ALARM


def test_an_expression_is_understood_and_refers_to_what_its_graph_has():
    for graph in GRAPHS:
        options = [options_of(line) for line in graph["metrics"]]
        ids = [one["id"] for one in options if "id" in one]
        assert len(ids) == len(set(ids))
        for expression in expressions(graph):
            if not looked_for(expression):  # arithmetic on other lines
                assert set(re.findall(r"[a-z]\w*", expression)) <= set(ids), expression
                assert re.findall(r"[a-z]\w*", expression)
            assert expression.count("(") == expression.count(")")


def test_a_graph_has_one_query_of_metrics_insights_at_most():
    """Two of them, and CloudWatch draws neither [reported of live dashboards]."""
    queries = [sum("SELECT" in text for text in expressions(graph)) for graph in GRAPHS]

    assert max(queries) == 1


def most_metrics(graph: dict[str, Any]) -> int:
    """Metrics a graph may have to fetch, in an account of any size."""
    total = len(plain_metrics(graph))
    for text in expressions(graph):
        for namespace, name, _ in looked_for(text):
            if "SELECT" in text:
                total += int(re.findall(r"LIMIT (\d+)$", text)[0])
            elif namespace == "Stationkeeper" and name != "ViolationsOpen":
                total += most_series(name)
            else:
                total += 500  # what a SEARCH returns at most
    return total


def test_it_stays_within_what_cloudwatch_draws_however_many_endpoints_there_are():
    assert max(map(most_metrics, GRAPHS)) <= 500
    assert sum(map(most_metrics, GRAPHS)) <= 2_500


def test_functions_have_their_rows_in_the_order_of_the_template():
    headings = [
        found[1]
        for widget in WIDGETS
        if (found := re.match(r"## (\w+): ", widget["properties"].get("markdown", "")))
    ]

    assert headings == [one["CodeUri"].removeprefix("functions/") for one in FUNCTIONS.values()]


@pytest.mark.parametrize("stem", FUNCTIONS)
def test_a_row_shows_what_came_in_what_waits_what_failed_and_how_long_it_took(stem):
    reaction = FUNCTIONS[stem]["CodeUri"].removeprefix("functions/")
    metrics = [one for graph in row_of(stem) for one in plain_metrics(graph)]
    ours = {"service": "stationkeeper", "reaction": reaction}
    waits, dead = "ApproximateNumberOfMessagesVisible", {"QueueName": f"{stem}DeadLetters"}
    expected = [
        ("Stationkeeper", "EventsReceived", ours),
        ("Stationkeeper", "EventsIgnored", ours),
        ("AWS/SQS", waits, {"QueueName": f"{stem}Queue"}),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": f"{stem}Queue"}),
        ("Stationkeeper", "ReactionFailures", ours),
        ("AWS/Lambda", "Errors", {"FunctionName": f"{stem}Function"}),
        ("AWS/Lambda", "Throttles", {"FunctionName": f"{stem}Function"}),
        ("AWS/SQS", waits, dead),
    ]
    took = [
        options_of(line)["stat"]
        for graph in row_of(stem)
        for line in graph["metrics"]
        if line[1:2] == ["ReactionLatency"] and reaction in line
    ]

    assert [one for one in expected if one not in metrics] == []
    assert took == ["p50", "p95", "Maximum"]
    assert len(row_of(stem)) >= 4  # what was done, too


@pytest.mark.parametrize(
    "kind",
    [
        "AWS::CloudWatch::Alarm",
        "AWS::DynamoDB::Table",
        "AWS::Logs::LogGroup",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
        "AWS::Serverless::Function",
    ],
)
def test_everything_of_the_stack_that_has_a_state_is_on_it(kind):
    there = {name for name, one in RESOURCES.items() if one["Type"] == kind and "Condition" not in one}

    assert there
    assert [name for name in there if f"${{{name}}}" not in TEXT and f"${{{name}." not in TEXT] == []


def test_alarms_stand_at_the_top_all_of_them():
    first, second = WIDGETS[:2]

    assert (first["type"], second["type"]) == ("text", "alarm")
    assert second["properties"]["alarms"] == [
        name
        for name, one in RESOURCES.items()
        if one["Type"] == "AWS::CloudWatch::Alarm" and "Condition" not in one
    ]


def test_gigabyte_seconds_follow_from_the_memory_of_each_function():
    [graph] = [graph for graph in GRAPHS if "gigabyte-seconds" in graph["title"]]
    factors = [float(text.rpartition(" * ")[2]) for text in expressions(graph)]

    assert factors == pytest.approx([one["MemorySize"] / 1024 for one in FUNCTIONS.values()], rel=1e-3)


def test_it_links_to_nothing_outside():
    assert not re.search(r"https?://|\]\(", TEXT)
