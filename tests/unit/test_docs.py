"""What the docs promise of the template and the tags, held to both."""

import re
from pathlib import Path

import pytest
from samtranslator.yaml_helper import yaml_parse
from stationkeeper.events.notification_events import OnCallTold
from stationkeeper.events.on_bus import DETAIL_TYPES
from stationkeeper.releases.settings import ReleaseSettings, StackDefaults, settings_of
from stationkeeper.retraining.settings import retraining_settings
from stationkeeper.tags import KNOWN_TAGS, PARAMETER_TAG, TAG_PREFIX
from stationkeeper_command.main import app

from tests.metrics_in_code import metrics_in_code

ROOT = Path(__file__).parents[2]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


STACK = StackDefaults(account="123456789012", region="eu-west-1", bake_minutes=61, capture_percentage=51)


def rows_of_tags() -> dict[str, list[list[str]]]:
    """Rows of the tables of the tag reference, cell by cell, by the tag in the first one."""
    rows: dict[str, list[list[str]]] = {}
    for line in text("docs/tags.md").splitlines():
        if found := re.match(r"\| `([a-z-]+(?:/<Name>)?)` \|", line):
            rows.setdefault(found[1], []).append([cell.strip() for cell in line.strip("| ").split(" | ")])
    return rows


def test_every_tag_is_explained_and_no_other():
    assert set(rows_of_tags()) == {*KNOWN_TAGS, f"{PARAMETER_TAG}<Name>"}


def test_what_makes_of_ours_carry_is_explained_as_well():
    explained = text("docs/tags.md")

    assert all(f"`{TAG_PREFIX}{name}`" in explained for name in ("released-to", "group", "version"))


@pytest.mark.parametrize("name", ["releases", "retraining", "multi-model-endpoints", "alarms", "deployment"])
def test_tags_have_one_reference_and_others_link_to_it(name: str):
    page = text(f"docs/{name}.md")

    assert "| tag `stationkeeper:`" not in page
    assert "(tags.md" in page


def bounds() -> list[tuple[str, int, int]]:
    """Tags that hold a whole number: least and most of it, as explained."""
    return [
        (name, int(found[1]), int(found[2]))
        for name, rows in rows_of_tags().items()
        for row in rows
        if (found := re.match(r"`(\d+)` to `(\d+)`", row[1]))
    ]


def problems_of(name: str, value: int) -> tuple[str, ...]:
    """What is wrong with a tag, as the code reads it."""
    tags = {f"{TAG_PREFIX}endpoint": "churn-prod", f"{TAG_PREFIX}retraining-pipeline": "churn"}
    tags[TAG_PREFIX + name] = str(value)
    release, retraining = settings_of(tags, STACK), retraining_settings(tags, "on-call", 24)
    assert isinstance(release, ReleaseSettings)
    assert retraining is not None
    return release.problems + retraining.problems


@pytest.mark.parametrize(("name", "least", "most"), bounds())
def test_bounds_of_a_tag_are_those_the_code_has(name: str, least: int, most: int):
    assert problems_of(name, least) == problems_of(name, most) == ()
    assert problems_of(name, least - 1) != ()
    assert problems_of(name, most + 1) != ()


def test_every_tag_that_holds_a_number_has_its_bounds():
    assert {name for name, _, _ in bounds()} == {
        *("min-instances", "max-instances", "invocations-per-instance", "capture-percentage"),
        *("bake-minutes", "error-percent", "latency-milliseconds", "retraining-cool-down-hours"),
    }


def test_defaults_of_tags_are_those_of_the_template():
    parameters = yaml_parse(text("template.yaml"))["Parameters"]
    named = re.findall(r"`([A-Z]\w+)` \(`?([\w.,-]+)`?", text("docs/tags.md"))

    assert len(named) >= 9
    for name, default in named:
        assert str(parameters[name]["Default"]) == default.replace(",", ""), name


# ---------------------------------------------------------------- everything else


PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")})


def anchors(page: Path) -> set[str]:
    """Headings as GitHub names them, and anchors that are named."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return {*slugs, *re.findall(r'<a id="([a-z-]+)"></a>', text)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        other = (page.parent / path) if path else page
        assert other.exists(), target
        assert not anchor or anchor in anchors(other), target


def test_every_page_is_in_the_readmes_index():
    index = text("README.md").partition("## Documentation")[2]

    assert {page.name for page in (ROOT / "docs").glob("*.md")} <= set(
        re.findall(r"\(docs/([\w-]+\.md)\)", index)
    )


def test_every_command_is_in_the_readme():
    named = set(re.findall(r"^\| `([a-z]+)", text("README.md").partition("## Commands")[2], re.MULTILINE))

    assert named == {command.callback.__name__ for command in app.registered_commands if command.callback}


def test_every_event_that_passes_a_rule_and_every_one_we_say_is_explained():
    rules = [
        resource["Properties"]["EventPattern"]
        for resource in yaml_parse(text("template.yaml"))["Resources"].values()
        if resource["Type"] == "AWS::Events::Rule"
    ]
    heard = {detail_type for rule in rules for detail_type in rule["detail-type"]}

    explained = set(re.findall(r"`([A-Za-z ]+)`", text("docs/events.md")))

    assert explained >= heard | {*DETAIL_TYPES, OnCallTold.detail_type}


def test_every_metric_is_explained_with_its_dimensions():
    rows = re.findall(r"^\| (`[A-Z]\w+`[^|]*)\|([^|]*)\|", text("docs/architecture.md"), re.MULTILINE)
    explained = {
        name: frozenset(re.findall(r"`(\w+)`", dimensions))
        for names, dimensions in rows
        for name in re.findall(r"`(\w+)`", names)
    }

    assert explained == metrics_in_code()
