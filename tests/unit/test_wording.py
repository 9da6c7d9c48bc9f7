"""What all messages share: what SNS takes, how they are laid out, and that nothing is told without words."""

import re
import shlex

import pytest
from stationkeeper.alerts.layout import Step, console, facts, first_of, listed, paragraphs, steps
from stationkeeper.alerts.wording import BODY_BYTES, SUBJECT_CHARACTERS, Message, message_for
from stationkeeper.events.domain import Cause, DomainEvent, MonitorEvent
from stationkeeper.events.on_bus import DETAIL_TYPES, DomainEventOnBus
from stationkeeper.events.release_events import ReleaseEvent
from stationkeeper.severity import Severity

from tests.unit.builders import START

PARAMETER = "/stationkeeper/severity-policy"
_NEVER_SHOWN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def assert_deliverable(message: Message) -> None:
    """SNS takes it, mail clients and terminals show it as it is."""
    assert 1 <= len(message.subject) <= SUBJECT_CHARACTERS < 100
    assert all(" " <= character <= "~" for character in message.subject)
    assert re.match(r"\[(OK|INFO|WARNING|CRITICAL)\] ", message.subject)
    if re.fullmatch("[0-9a-f]{8}", message.attributes["incident"]):
        assert message.subject.endswith(f" #{message.attributes['incident']}")
    assert len(message.body.encode("utf-8")) < BODY_BYTES
    assert not _NEVER_SHOWN.search(message.body)
    assert message.attributes.keys() == {"severity", "endpoint", "kind", "incident", "team"}
    assert all(value and value.isprintable() for value in message.attributes.values())


def subject_of(message: Message) -> str:
    """The subject without the incident, which stands whole at its end."""
    subject, _, incident = message.subject.rpartition(" #")
    assert incident == message.attributes["incident"]
    return subject


def commands_of(body: str) -> list[list[str]]:
    """The arguments of every command a body offers, as a shell reads them."""
    lines, commands = iter(body.split("\n")), []
    for line in lines:
        if not line.startswith("     aws "):
            continue
        whole = line
        while whole.endswith(" \\"):
            whole = whole[:-1] + next(lines).strip()
        commands.append(shlex.split(whole))
    return commands


COMMON = {
    "id": "1",
    "incident": "2",
    "severity": Severity.INFO,
    "endpoint": "taxi-prod",
    "account": "123456789012",
    "region": "eu-west-1",
    "on_call": "ml-on-call",
    "cause": Cause(event_id="3"),
}


def test_an_unknown_event_is_refused_by_its_name():
    body = {
        "id": "1",
        "source": "stationkeeper",
        "detail-type": "SomethingElse",
        "account": "1",
        "region": "r",
        "time": "2026-11-23T00:00:00Z",
    }

    with pytest.raises(Exception, match=f"detail-type: .*not one of {', '.join(sorted(DETAIL_TYPES))}"):
        DomainEventOnBus.parse({**body, "detail": {}})


@pytest.mark.parametrize(
    "event",
    [
        DomainEvent(**COMMON),
        MonitorEvent(**COMMON, schedule="s", schedule_arn="a", run_at=START, since=START, runs=1),
        ReleaseEvent(**COMMON, group="churn", group_arn="a", at=START),
    ],
    ids=lambda event: type(event).__name__,
)
def test_what_has_no_words_is_not_told_in_wrong_ones(event):
    with pytest.raises(TypeError, match="no wording for "):
        message_for(event, PARAMETER)


@pytest.mark.parametrize(
    ("region", "address"),
    [
        ("eu-west-1", "https://eu-west-1.console.aws.amazon.com"),
        ("cn-north-1", "https://cn-north-1.console.amazonaws.cn"),
        ("us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_a_console_link_fits_the_partition(region, address):
    assert console(region) == address


def test_paragraphs_leave_out_what_says_nothing():
    assert paragraphs("one", "", "two") == "one\n\ntwo"


def test_a_list_says_how_many_more():
    assert first_of("TITLE", ("a", "b", "c"), 2) == "TITLE\n  a\n  b\n  ... and 1 more"
    assert first_of("TITLE", (), 2) == ""
    assert listed("TITLE", ["a  "]) == "TITLE\n  a"


def test_facts_stand_below_each_other_and_none_is_empty():
    assert facts(("Since", "today"), ("Nobody", ""), ("On call", "me")) == "Since    today\nOn call  me"


def test_steps_are_numbered_without_gaps():
    laid_out = steps(Step("First", ("aws a",)), None, Step("Then", ("aws b \\", "  --c")), lead="Hurry.")

    assert laid_out.splitlines() == [
        "WHAT TO DO NEXT",
        "  Hurry.",
        "  1. First:",
        "     aws a",
        "  2. Then:",
        "     aws b \\",
        "       --c",
    ]
    assert commands_of(laid_out) == [["aws", "a"], ["aws", "b", "--c"]]
