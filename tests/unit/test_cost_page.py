"""The table of docs/cost.md, worked out anew from prices, quantities and what the template and the code make.

Prices are those AWS publishes for us-east-1, in US dollars; months have 30 days. What is assumed stands here as a named number, and in the page.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import pytest
from samtranslator.yaml_helper import yaml_parse
from stationkeeper.aws.run_records import _KEPT_FOR

from tests.metrics_in_code import REACTIONS, metrics_in_code, most_series

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/cost.md").read_text(encoding="utf-8")
TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
RESOURCES = TEMPLATE["Resources"]

MILLION = 1e6
HOURS = 720
SECONDS = HOURS * 3600

# ---- what is assumed
MONITORS = 2
MERGES_PER_RUN = 0.5
NEWS_PER_RUN = 0.02
MESSAGES_PER_RELEASE = 2
POLLERS, POLL_SECONDS = 5, 20
"""Of an event source mapping at rest [guide: Using Lambda with Amazon SQS, polling and scaling]."""
COLD_STARTS = 0.1
"""Share of messages that start a container, which takes a second."""
LOG_GIGABYTES = 4e-6
PAGE_GIGABYTES = 100e-6
RUN_GIGABYTES = 2e-6
SERIES_PER_MESSAGE = 5
"""Metrics of a release, of violations by check, of the message itself, each for an hour."""


def of_type(kind: str) -> list[str]:
    return [name for name, resource in RESOURCES.items() if resource["Type"] == kind]


def gigabytes(function: str) -> float:
    return float(RESOURCES[f"{function}Function"]["Properties"]["MemorySize"]) / 1024


FUNCTIONS = len(of_type("AWS::Serverless::Function"))
PAGES_DAYS = sum(
    days
    for rule in RESOURCES["ReportBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    for days in (rule["ExpirationInDays"], rule["NoncurrentVersionExpiration"]["NoncurrentDays"])
)
RUN_DAYS = _KEPT_FOR.days
REPLACED_DAYS = TEMPLATE["Parameters"]["KeepDays"]["Default"]


@dataclass(frozen=True)
class Use:
    """A month of so many endpoints, with as many releases."""

    endpoints: int

    @property
    def runs(self) -> float:
        return self.endpoints * MONITORS * HOURS

    @property
    def messages(self) -> float:
        return self.runs * NEWS_PER_RUN + self.endpoints * MESSAGES_PER_RELEASE

    @property
    def job_events(self) -> float:
        """Of monitoring jobs, merges of ground truth among them; two functions hear each."""
        return self.runs * (1 + MERGES_PER_RUN)

    @property
    def pages(self) -> float:
        """Runs, and those that were told once more."""
        return self.runs * (1 + NEWS_PER_RUN)

    @property
    def looks(self) -> float:
        return self.endpoints * HOURS

    @property
    def handled(self) -> dict[str, float]:
        """Messages taken from queues, by function."""
        return {
            "MonitorReport": self.job_events,
            "DriftPage": self.job_events + self.runs * NEWS_PER_RUN,
            "Release": self.looks,
            "AlarmResponse": self.looks,
            "Retraining": self.runs * NEWS_PER_RUN,
            "Notification": self.messages,
            "Sweep": HOURS,
        }


def lambda_seconds(use: Use) -> dict[str, float]:
    cold = {name: COLD_STARTS * number for name, number in use.handled.items()}
    warm = {
        "MonitorReport": 0.1 * use.job_events,
        "DriftPage": 0.5 * use.pages + 0.1 * use.runs * MERGES_PER_RUN,
        "Release": 1.0 * use.looks,
        "AlarmResponse": 0.1 * use.looks,
        "Retraining": 0.5 * use.runs * NEWS_PER_RUN,
        "Notification": 0.3 * use.messages,
        "Sweep": 2.0 * HOURS,
    }
    return {name: warm[name] + cold[name] for name in warm}


def lambda_cost(*functions: str) -> Callable[[Use], float]:
    return lambda use: sum(
        lambda_seconds(use)[name] * gigabytes(name) * 0.0000133334 + use.handled[name] * 0.20 / MILLION
        for name in functions
    )


def queue_requests(use: Use) -> float:
    """A poll of 20 seconds per poller, message or none; three requests for each message: sent, received, deleted."""
    return FUNCTIONS * POLLERS * SECONDS / POLL_SECONDS + 3 * sum(use.handled.values())


def dynamodb(use: Use) -> float:
    reads, writes = 0.125 / MILLION, 0.625 / MILLION
    judged = use.runs * (2 * 1 * reads + 2 * 3 * writes)
    drawn = use.pages * ((8 + 1) * reads + 2 * writes)
    looked = 2 * use.looks * 2 * reads
    told = use.messages * 3 * (2 * writes)
    return judged + drawn + looked + told


def series(use: Use) -> float:
    """Time series of metrics, in months of each: those written every hour, and those a message makes for an hour."""
    swept = 4  # EventsReceived and ReactionLatency of sweep, GroupsSwept, ArtifactsSwept
    if not use.endpoints:
        return swept
    received = 2 * 4  # the same two of monitor_report, drift_page, release, alarm_response
    steady = swept + received + len(("EventsIgnored",)) * 2 + 4  # reports judged, parsed; policy; pages drawn
    possible = sum(most_series(name) for name in metrics_in_code() if name != "ViolationsOpen")
    now_and_then = min(possible - steady, SERIES_PER_MESSAGE * use.messages / HOURS)
    return MONITORS * use.endpoints + steady + now_and_then


@dataclass(frozen=True)
class Line:
    """A line of the table: what is paid for, AWS's page with its price, and dollars a month."""

    what: str
    priced_at: str
    dollars: Callable[[Use], float]


LINES = (
    Line("key of the topics", "kms", lambda _: 1.00),
    Line(
        f"{len(of_type('AWS::CloudWatch::Alarm'))} alarms of the stack",
        "cloudwatch",
        lambda _: 0.10 * len(of_type("AWS::CloudWatch::Alarm")),
    ),
    Line("dashboard", "cloudwatch", lambda _: 3.00 * len(of_type("AWS::CloudWatch::Dashboard"))),
    Line(
        "guards of releases",
        "cloudwatch",
        lambda use: 0.10 * 2 * use.endpoints * (1 + REPLACED_DAYS / 30),
    ),
    Line("custom metrics", "cloudwatch", lambda use: 0.30 * series(use)),
    Line("logs", "cloudwatch", lambda use: 0.50 * LOG_GIGABYTES * sum(use.handled.values())),
    Line(f"{FUNCTIONS} queues", "sqs", lambda use: max(0, queue_requests(use) - MILLION) * 0.40 / MILLION),
    Line("`drift_page`", "lambda", lambda_cost("DriftPage")),
    Line(
        "other functions",
        "lambda",
        lambda_cost("MonitorReport", "Release", "AlarmResponse", "Retraining", "Notification", "Sweep"),
    ),
    Line("table: requests", "dynamodb", dynamodb),
    Line(
        "table: what is kept",
        "dynamodb",
        lambda use: use.runs * RUN_DAYS / 30 * RUN_GIGABYTES * (0.25 + 0.20),
    ),
    Line(
        "S3: requests",
        "s3",
        lambda use: (use.runs + 4 * use.pages) * 0.0004 / 1000 + use.pages * 0.005 / 1000,
    ),
    Line("S3: pages kept", "s3", lambda use: use.runs * PAGES_DAYS / 30 * PAGE_GIGABYTES * 0.023),
    Line("e-mail", "sns", lambda use: use.messages * 2.00 / 100_000),
    Line(
        "chat, `OnCallTold`, the bus",
        "sns, eventbridge",
        lambda use: use.messages * (2 * 0.50 + 0.60 + 2 * 1.00) / MILLION,
    ),
)
LEVELS = (0, 10, 100, 1000)


def written(dollars: float) -> str:
    return "0" if dollars < 0.005 else f"{dollars:,.2f}"


def rows() -> dict[str, list[str]]:
    """Rows of the table of costs: what is paid for, and its other cells."""
    table = PAGE.partition("## What that costs")[2]
    found = re.findall(r"^\| ([^|]+?) \| ([\w, ]*) \| (.+) \|$", table, re.MULTILINE)
    return {what: [priced, *cells.split(" | ")] for what, priced, cells in found}


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.what)
def test_a_line_is_what_prices_and_quantities_come_to(line: Line):
    [row] = [cells for what, cells in rows().items() if what.startswith(line.what)]

    assert row == [line.priced_at, *(written(line.dollars(Use(level))) for level in LEVELS)]


def test_the_lines_are_all_there_is_and_add_up():
    table = rows()
    together = [ceil(sum(line.dollars(Use(level)) for line in LINES)) for level in LEVELS]

    assert table.pop("**together**") == ["", *(f"**{dollars:,}**" for dollars in together)]
    assert len(table) == len(LINES)


def test_the_page_says_how_much_is_done():
    for what in ("runs", "job_events", "pages", "looks", "messages"):
        numbers = " | ".join(f"{getattr(Use(level), what):,.0f}" for level in LEVELS)
        assert f" | {numbers} |" in PAGE, what


def test_the_readme_says_what_the_page_says():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    idle, busy = (ceil(sum(line.dollars(Use(level)) for line in LINES)) for level in (0, 100))

    assert f"About {idle} dollars a month idle" in readme
    assert f"about {busy} with 100 managed endpoints" in readme


def test_what_is_read_off_the_code_is_there():
    """Names of metrics that are counted by hand above."""
    assert {
        *("EventsReceived", "ReactionLatency", "EventsIgnored", "GroupsSwept", "ArtifactsSwept"),
        *("ReportsJudged", "ReportParsing", "InvalidSeverityPolicy", "PagesDrawn", "ViolationsOpen"),
    } <= set(metrics_in_code())
    assert len(REACTIONS) == FUNCTIONS
