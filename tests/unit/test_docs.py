"""What the docs promise of the template and the tags, held to both."""

import re
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse
from stationkeeper.events.on_bus import DETAIL_TYPES
from stationkeeper.tags import KNOWN_TAGS

ROOT = Path(__file__).parents[2]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_tag_is_explained():
    explained = set(re.findall(r"`(?:stationkeeper:)?([a-z-]+)", text("docs/releases.md")))

    assert explained >= KNOWN_TAGS


def test_the_alarms_of_the_stack_are_counted_in_what_it_costs():
    resources = yaml_parse(text("template.yaml"))["Resources"].values()
    alarms = [resource for resource in resources if resource["Type"] == "AWS::CloudWatch::Alarm"]

    assert f"| {len(alarms)} CloudWatch alarms of the stack" in text("README.md")


def test_every_event_that_passes_a_rule_and_every_one_we_say_is_explained():
    rules = [
        resource["Properties"]["EventPattern"]
        for resource in yaml_parse(text("template.yaml"))["Resources"].values()
        if resource["Type"] == "AWS::Events::Rule"
    ]
    heard = {detail_type for rule in rules for detail_type in rule["detail-type"]}

    explained = set(re.findall(r"`([A-Za-z ]+)`", text("docs/events.md")))

    assert explained >= heard | set(DETAIL_TYPES)
