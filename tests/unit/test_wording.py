"""What all messages share: what SNS takes, how they are laid out, and that nothing is told without words."""

import re
import shlex

import pytest
from stationkeeper.alerts.layout import Step, console, facts, first_of, listed, paragraphs, steps
from stationkeeper.alerts.wording import BODY_BYTES, SUBJECT_CHARACTERS, Message, message_for
from stationkeeper.events.alarm_events import AlarmEvent
from stationkeeper.events.domain import Cause, DomainEvent, MonitorEvent
from stationkeeper.events.job_events import JobEvent
from stationkeeper.events.on_bus import DETAIL_TYPES, DomainEventOnBus, from_detail
from stationkeeper.events.release_events import ReleaseEvent
from stationkeeper.events.retraining_events import RetrainingEvent
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


def command(body: str, *words: str) -> list[str]:
    """The arguments after `words` of the only command that begins with them."""
    (found,) = [one for one in commands_of(body) if one[1 : len(words) + 1] == list(words)]
    return found[len(words) + 1 :]


def options(arguments: list[str]) -> dict[str, str]:
    return dict(zip(arguments[::2], arguments[1::2], strict=True))


def judgement(body: str, status: str) -> dict[str, str]:
    """The command that approves or rejects, by its options."""
    found = [options(one[3:]) for one in commands_of(body) if one[2] == "update-model-package"]
    (judged,) = [one for one in found if one["--model-approval-status"] == status]
    return judged


def assert_laid_out(body: str, *beginnings: str) -> None:
    """Nothing from outside begins a line of its own: each begins with one of ours, or is indented."""
    ours = re.compile(
        "|".join((*beginnings, "[A-Z][A-Z ,']+$", "  ", "--$", "Runbook: ", "Stationkeeper, account ", "$"))
    )
    assert [line for line in body.split("\n") if not ours.match(line)] == []
    assert "\n\n\n" not in body
    assert not re.search(r"[ \t]\n", body)
    assert body.splitlines() == body.split("\n")[:-1]


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


EVERYTHING = {
    **COMMON,
    "at": START,
    "since": START,
    "run_at": START,
    "started_at": START,
    "drift_since": START,
    "drift_severity": Severity.WARNING,
    "runs": 1,
    "total": 1,
    "counts": {},
    "by_check": {},
    "of": "violations",
    "version": "7",
    "source": "training-job",
    "size_bytes": 1,
    "unpacked_bytes": 1,
    "files": 1,
    "pointed": True,
    **dict.fromkeys(
        (
            *(
                "schedule",
                "schedule_arn",
                "group",
                "group_arn",
                "why",
                "traffic",
                "code",
                "reason",
                "kind",
                "job",
                "job_arn",
            ),
            *("pipeline", "pipeline_arn", "drift", "execution_arn"),
            *("model", "source_arn", "target_model", "published_uri"),
        ),
        "something",
    ),
}


@pytest.mark.parametrize("detail_type", DETAIL_TYPES)
def test_every_event_has_words(detail_type):
    """With nothing but what it must hold, too."""
    event = from_detail(detail_type, EVERYTHING)

    assert_deliverable(message_for(event, PARAMETER))


@pytest.mark.parametrize("detail_type", DETAIL_TYPES)
def test_an_incident_stands_whole_at_the_end_of_every_subject(detail_type):
    event = from_detail(
        detail_type, {**EVERYTHING, "endpoint": "e" * 63, "incident": "1a2b3c4d", "severity": "critical"}
    )

    subject = message_for(event, PARAMETER).subject

    assert subject.endswith(" #1a2b3c4d")
    assert "..." not in subject


def test_what_has_no_endpoint_and_no_team_can_be_filtered_on_all_the_same():
    """SNS takes no empty attribute."""
    event = from_detail("JobFailed", {**EVERYTHING, "endpoint": "", "on_call": ""})

    message = message_for(event, PARAMETER)

    assert message.subject.startswith("[INFO] something: job failed")
    assert (message.attributes["endpoint"], message.attributes["team"]) == ("none", "none")


def test_an_incident_of_another_making_does_not_push_the_headline_out():
    event = from_detail("AlarmRaised", {**EVERYTHING, "incident": "x" * 200})

    assert message_for(event, PARAMETER).subject == "[INFO] taxi-prod: 1 alarm is red #xxxxx..."


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
        AlarmEvent(**EVERYTHING),
        RetrainingEvent(**EVERYTHING),
        JobEvent(**EVERYTHING),
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
    assert str(paragraphs("one", "", "two")) == "one\n\ntwo"


def test_a_list_says_how_many_more():
    assert first_of("TITLE", ("a", "b", "c"), 2) == "TITLE\n  a\n  b\n  ... and 1 more"
    assert first_of("TITLE", (), 2) == ""
    assert listed("TITLE", ["a  "]) == "TITLE\n  a"


def test_facts_stand_below_each_other_and_none_is_empty():
    assert facts(("Since", "today"), ("Nobody", ""), ("On call", "me")) == "Since    today\nOn call  me"


def test_steps_are_numbered_without_gaps():
    laid_out = str(steps(Step("First", ("aws a",)), None, Step("Then", ("aws b \\", "  --c")), lead="Hurry."))

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
