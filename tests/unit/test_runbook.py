"""The runbook, docs/operations.md: every message and every alarm finds its paragraph, and what it tells people to type exists."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from samtranslator.yaml_helper import yaml_parse
from stationkeeper.alerts.block_wording import BLOCKS
from stationkeeper.alerts.phrases import BLIND
from stationkeeper.alerts.runbook import DOCUMENT, address_of, anchor_of
from stationkeeper.alerts.skip_wording import SKIPS
from stationkeeper.alerts.wording import message_for
from stationkeeper.events.alarm_events import AlarmRaised
from stationkeeper.events.domain import DomainEvent
from stationkeeper.events.on_bus import DETAIL_TYPES, from_detail
from stationkeeper_command.dead_letters import reactions
from stationkeeper_command.main import app
from typer.core import TyperGroup

from tests.unit.test_wording import EVERYTHING, PARAMETER

ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / DOCUMENT).read_text(encoding="utf-8")
PROJECT = "\n".join([RUNBOOK, *((ROOT / name).read_text(encoding="utf-8") for name in ("README.md",))])
TEMPLATE: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
ALARMS = {
    name: resource["Properties"]
    for name, resource in RESOURCES.items()
    if resource["Type"] == "AWS::CloudWatch::Alarm"
}
REASONED = [
    *(("MonitorBlind", "reason", reason) for reason in BLIND),
    *(("ReleaseBlocked", "code", code) for code in BLOCKS),
    *(("RetrainingSkipped", "code", code) for code in SKIPS),
    *(("AlarmRaised", "response", one) for one in get_args(AlarmRaised.model_fields["response"].annotation)),
]


def anchors() -> list[str]:
    """The anchors that are named in the page, and those its headings make."""
    headings = re.findall(r"^#+ (.+)$", RUNBOOK, re.MULTILINE)
    slugs = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
    return [*re.findall(r'<a id="([a-z-]+)"></a>', RUNBOOK), *slugs]


def event(detail_type: str, **said: Any) -> DomainEvent:
    return from_detail(detail_type, {**EVERYTHING, **said})


@pytest.mark.parametrize("detail_type", DETAIL_TYPES)
def test_every_kind_of_message_has_its_paragraph(detail_type):
    named = event(detail_type)

    anchor = anchor_of(named).removesuffix("-told")  # what is not said of the response

    assert anchor == re.sub("([A-Z])", r"-\1", detail_type).lower().removeprefix("-")
    assert anchors().count(anchor) == 1


@pytest.mark.parametrize(("detail_type", "field", "reason"), REASONED)
def test_every_reason_has_its_paragraph(detail_type, field, reason):
    anchor = anchor_of(event(detail_type, **{field: reason}))

    assert anchor.endswith(f"-{reason}")
    assert anchors().count(anchor) == 1


def test_every_message_ends_with_its_paragraph_in_the_project_or_where_the_team_keeps_it():
    blind = event("MonitorBlind", reason="no-data")

    assert address_of(blind, "") == "docs/operations.md#monitor-blind-no-data"
    assert "\n--\nRunbook: docs/operations.md#monitor-blind-no-data\n" in message_for(blind, PARAMETER).body
    told = message_for(blind, PARAMETER, "https://wiki.example.com/stationkeeper")
    assert "\n--\nRunbook: https://wiki.example.com/stationkeeper#monitor-blind-no-data\n" in told.body


def test_no_anchor_is_there_twice():
    assert len(anchors()) == len(set(anchors()))


def test_every_link_within_the_page_and_to_its_neighbours_leads_somewhere():
    for target in re.findall(r"\]\(([^)]+)\)", RUNBOOK):
        page, _, anchor = target.partition("#")
        assert not page or (ROOT / "docs" / page).is_file(), target
        assert not anchor or page or anchor in anchors(), target


def test_every_alarm_of_the_stack_is_named_and_names_its_paragraph():
    assert [name for name in ALARMS if f"`{name}`" not in RUNBOOK] == []
    for name, alarm in ALARMS.items():
        found = re.search(r"See docs/operations\.md#([a-z-]+)$", alarm["AlarmDescription"])
        assert found, name
        assert found[1] in anchors(), name
        # The paragraph, or the row of the table, that the anchor stands at is about this alarm.
        paragraph = RUNBOOK.partition(f'<a id="{found[1]}"></a>')[2].partition("<a id=")[0]
        assert f"`{name}`" in paragraph, name


def test_every_reaction_of_the_stack_can_be_paused_and_redriven_by_the_name_that_is_given():
    outputs = dict.fromkeys(TEMPLATE["Outputs"], "url")
    for reaction in reactions(outputs):
        assert re.search(rf"`(stationkeeper redrive )?{reaction.name}`", RUNBOOK) or reaction.name == "sweep"
        name = reaction.name.title().replace("_", "")
        assert f"`{name}`" in RUNBOOK
        assert f"{name}Function" in RESOURCES


def test_every_rule_that_feeds_a_reaction_can_be_disabled():
    rules = [name for name, resource in RESOURCES.items() if resource["Type"] == "AWS::Events::Rule"]

    assert [name for name in rules if not re.search(rf"\b{name}\b", RUNBOOK)] == []


def test_outputs_and_resources_that_are_named_are_those_of_the_template():
    outputs = set(re.findall(r"\$\(output (\w+)\)", RUNBOOK)) | set(re.findall(r"\$\(arn (\w+)\)", RUNBOOK))
    outputs |= set(re.findall(r"`(\w+(?:Arn|Name|Url))`", RUNBOOK)) - {"RunbookUrl"}
    resources = set(re.findall(r'resource "?(\w+)"?\)', RUNBOOK))

    assert len(outputs) > 8
    assert outputs <= set(TEMPLATE["Outputs"])
    assert resources <= set(RESOURCES)
    for parameter in re.findall(r"parameters? `(\w+)`", RUNBOOK):
        assert parameter in TEMPLATE["Parameters"]


def test_every_command_that_is_named_exists_with_its_options():
    commands = typer.main.get_command(app)
    assert isinstance(commands, TyperGroup)
    named = set()
    for line in re.findall(r"(?:\.venv/bin/|[`\s])stationkeeper ([a-z][^`\n|]*)", PROJECT):
        name = line.split()[0]
        assert name in commands.commands, line
        named.add(name)
        known = {option for parameter in commands.commands[name].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", line)) <= known, line
    assert {"status", "plan", "redrive", "replay", "report", "models"} <= named


@pytest.mark.parametrize(
    ("address", "taken"),
    [
        ("", True),
        ("https://wiki.example.com/pages/42?title=Stationkeeper%20runbook", True),
        ("http://wiki.example.com", False),
        ("https://wiki.example.com/page#here", False),
        ("https://wiki.example.com/two words", False),
        ("wiki.example.com", False),
    ],
)
def test_only_an_address_that_takes_an_anchor_can_be_the_runbooks(address, taken):
    assert bool(re.search(TEMPLATE["Parameters"]["RunbookUrl"]["AllowedPattern"], address)) is taken
