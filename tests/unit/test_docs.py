"""What the docs promise of the template and the tags, held to both."""

import re
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse
from stationkeeper.tags import KNOWN_TAGS

ROOT = Path(__file__).parents[2]
OF_OTHER_REACTIONS = {
    "multi-model-endpoint",
    "target-model",
    "register-to",
    "retraining-pipeline",
    "retrain-at",
}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_tag_that_releases_read_is_explained():
    explained = set(re.findall(r"`(?:stationkeeper:)?([a-z-]+)", text("docs/releases.md")))

    assert explained >= KNOWN_TAGS - OF_OTHER_REACTIONS


def test_the_alarms_of_the_stack_are_counted_in_what_it_costs():
    resources = yaml_parse(text("template.yaml"))["Resources"].values()
    alarms = [resource for resource in resources if resource["Type"] == "AWS::CloudWatch::Alarm"]

    assert f"| {len(alarms)} CloudWatch alarms of the stack" in text("README.md")
