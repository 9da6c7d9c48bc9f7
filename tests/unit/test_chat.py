"""What a chat shows of a message: the form Amazon Q takes, nothing that formats, mentions or links, commands whole or not at all."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from stationkeeper.alerts.chat import STEP_CHARACTERS, STEPS, chat_message, shown
from stationkeeper.alerts.layout import Body, Step, Told, paragraphs, steps
from stationkeeper.alerts.wording import Message, message_for
from stationkeeper.events.domain import DomainEvent
from stationkeeper.events.on_bus import DETAIL_TYPES, from_detail

from tests.unit.test_wording import EVERYTHING, PARAMETER

TEXTS = {"type": "array", "items": {"type": "string", "minLength": 1}}
SCHEMA = {
    "type": "object",
    "required": ["version", "source", "content"],
    "additionalProperties": False,
    "properties": {
        "version": {"const": "1.0"},
        "source": {"const": "custom"},
        "id": {"type": "string", "minLength": 1, "maxLength": 64},
        "content": {
            "type": "object",
            "required": ["description"],
            "additionalProperties": False,
            "properties": {
                "textType": {"const": "client-markdown"},
                "title": {"type": "string", "minLength": 1, "maxLength": 250},
                "description": {"type": "string", "minLength": 1, "maxLength": 3000},
                "nextSteps": {
                    **TEXTS,
                    "maxItems": STEPS,
                    "items": {"type": "string", "minLength": 1, "maxLength": 350},
                },
                "keywords": {
                    **TEXTS,
                    "maxItems": 10,
                    "items": {"type": "string", "minLength": 1, "maxLength": 75},
                },
            },
        },
        "metadata": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "threadId": {"type": "string", "minLength": 1, "maxLength": 250},
                "summary": {"type": "string", "minLength": 1, "maxLength": 250},
                "eventType": {"type": "string", "minLength": 1, "maxLength": 75},
                "relatedResources": TEXTS,
                "additionalContext": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        },
    },
}
"""Fields and what must be there: AWS documentation, "Custom notifications using Amazon Q Developer in chat applications".

The lengths are ours: narrow enough for either chat.
"""
FORM = Draft202012Validator(SCHEMA)
HOSTILE = (
    *("*x*", "_x_", "~x~", "`x`", "<!here>", "<@U1>", "@channel", "@here", "[a](http://x)", "<at>all</at>"),
    *(
        "http://evil.example",
        "www.evil.example",
        "evil.zip",
        "<http://x|y>",
        "&lt;!here&gt;",
        ":smile:",
        "**x**",
    ),
    *(
        "a`*x*`b",
        "``x``",
        "\\*x*",
        "x@evil.example",
        "mailto:x@evil.example",
        "(*x*)",
        '"_x_".',
        "*x",
        "t.co",
        "x*",
    ),
)


def chat_of(event: DomainEvent, runbook_url: str = "") -> dict[str, Any]:
    said = chat_message(event, message_for(event, PARAMETER, runbook_url), runbook_url)
    assert len(said.body.encode()) < 100_000  # SNS: 256 KiB with attributes
    notification: dict[str, Any] = json.loads(said.body)
    assert [error.message for error in FORM.iter_errors(notification)] == []
    return notification


def message_with(*parts: Any) -> Message:
    return Message("[INFO] x: y #1", "", {}, Told(("y",), paragraphs(*parts)))


def content_of(*parts: Any) -> dict[str, Any]:
    event = from_detail("JobFailed", EVERYTHING)
    content: dict[str, Any] = json.loads(chat_message(event, message_with(*parts), "").body)["content"]
    return content


def outside_code(text: str) -> str:
    """What a chat reads as Markdown: all but code, of which each piece must be closed in its own line."""
    for line in text.splitlines():
        assert line.count("`") % 2 == 0, line
    return re.sub(r"`[^`\n]*`", "", text)


def assert_harmless(text: str) -> None:
    assert not re.search(r"[<>@&]", text), text
    assert not re.search(r"[*_~\[\]\\|]|://|\w\.[A-Za-z]{2}|:\w+:", outside_code(text)), text


@pytest.mark.parametrize("kind", DETAIL_TYPES)
def test_every_kind_has_the_published_form_and_stands_in_the_thread_of_its_incident(kind):
    event = from_detail(kind, EVERYTHING)

    chat = chat_of(event)

    assert chat["metadata"]["threadId"] == event.incident
    assert chat["metadata"]["eventType"] == kind
    assert message_for(event, PARAMETER).told.body.opening


@pytest.mark.parametrize("kind", DETAIL_TYPES)
def test_the_longest_and_the_widest_texts_keep_to_the_form(kind):
    wide = {name: "*\u4e16 <x>&" * 900 for name, value in EVERYTHING.items() if value == "something"}
    chat_of(
        from_detail(
            kind,
            {**EVERYTHING, **wide, "endpoint": "e" * 400, "incident": "<@U1>" * 80, "on_call": "*a " * 90},
        )
    )


def test_two_messages_of_one_incident_are_one_thread_and_those_of_another_are_not():
    threads = [
        chat_of(from_detail(kind, {**EVERYTHING, "incident": incident}))["metadata"]["threadId"]
        for kind, incident in (
            ("AlarmRaised", "1a2b3c4d"),
            ("AlarmCleared", "1a2b3c4d"),
            ("AlarmRaised", "0"),
        )
    ]

    assert threads == ["1a2b3c4d", "1a2b3c4d", "0"]


def test_it_keeps_subject_and_attributes_of_the_message_to_filter_on():
    event = from_detail("AlarmRaised", EVERYTHING)
    message = message_for(event, PARAMETER)

    said = chat_message(event, message, "")

    assert (said.subject, said.attributes) == (message.subject, message.attributes)


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_outside_neither_formats_nor_mentions_nor_links(text):
    for said in (shown(text), shown(f"The model {text}, of two {text} words")):
        assert_harmless(said)


@pytest.mark.parametrize(
    "text", ["*two words*", "_two words_", "[a b](http://x y)", "`two words`", "<!here| x>"]
)
def test_formatting_across_words_is_broken(text):
    assert_harmless(shown(text))


@pytest.mark.parametrize("kind", DETAIL_TYPES)
@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_is_harmless_in_every_message(kind, text):
    hostile = {name: text for name, value in EVERYTHING.items() if value == "something"}
    event = from_detail(kind, {**EVERYTHING, **hostile, "endpoint": text, "on_call": text, "incident": text})

    content = chat_of(event)["content"]

    description, _, _ = content["description"].rpartition("\nRunbook: ")
    for said in (content["title"], description, *content["keywords"]):
        assert_harmless(said)
    for step in content["nextSteps"]:
        assert not re.search(r"[<>]|<@|<!", step)
        links = [word for word in outside_code(step).split() if word.startswith("https://")]
        assert all(
            re.match(r"https://[a-z0-9-]+\.console\.aws|https://\w+\.console\.aws", link) for link in links
        )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 features drifted, by 0.8.", "2 features drifted, by 0.8."),
        ("The model house_prices, of taxi-prod.", "The model `house_prices`, of taxi-prod."),
        ("It (see model.tar.gz) failed.", "It (see `model.tar.gz`) failed."),
        ("p < 0.05", "p \u2039 0.05"),
    ],
)
def test_plain_words_stay_and_names_become_code(text, expected):
    assert shown(text) == expected


def test_the_description_is_what_stands_before_the_first_list_or_table():
    content = content_of("First.\nWhy: this.", "", "Second.", "Since  today\nBy     me", "Third.")

    assert content["description"].startswith(
        "First.\nWhy: this.\n\nSecond.\n\nIncident 2, on call ml-on-call. "
    )
    assert "Third" not in content["description"]


def test_a_long_opening_is_cut_between_words_and_says_so():
    content = content_of("a_b " * 2_000)

    opening = content["description"].partition("\n\n")[0]
    assert opening.endswith("`a_b`...")
    assert len(content["description"]) <= 3_000
    outside_code(content["description"])


def test_commands_are_code_and_links_are_links():
    content = content_of(
        "First.",
        steps(
            Step(
                "Look", ("https://eu-west-1.console.aws.amazon.com/x?a=b&c=d_e", "aws s3 cp 's3://b/*_x' -")
            ),
            None,
            Step("Then", ("aws b \\", "  --c 'd  e'")),
            Step("Think"),
        ),
    )

    assert content["nextSteps"] == [
        "Look: https://eu-west-1.console.aws.amazon.com/x?a=b&c=d_e `aws s3 cp 's3://b/*_x' -`",
        "Then: `aws b --c 'd  e'`",
        "Think",
    ]


@pytest.mark.parametrize(
    "command", ["echo `id`", "aws a --b '<!here>'", "aws a --b " + "c" * STEP_CHARACTERS]
)
def test_a_command_that_a_chat_would_change_or_cut_is_left_to_the_e_mail_with_those_after_it(command):
    content = content_of("First.", steps(Step("Do", ("aws first", command, "aws last"))))

    assert content["nextSteps"] == ["Do: `aws first` (in the e-mail)"]


def test_steps_beyond_the_limit_are_left_out():
    content = content_of("First.", steps(*(Step(f"Step {number}") for number in range(STEPS + 5))))

    assert content["nextSteps"] == [f"Step {number}" for number in range(STEPS)]


@pytest.mark.parametrize(
    ("runbook_url", "shown_as"),
    [
        ("", "`docs/operations.md#job-failed`"),
        ("https://wiki.example.com/a_b", "https://wiki.example.com/a_b#job-failed"),
        ("https://wiki.example.com/<!here>", "`https://wiki.example.com/\u2039!here\u203a#job-failed`"),
    ],
)
def test_the_runbook_is_linked_where_it_is_a_link(runbook_url, shown_as):
    description = chat_of(from_detail("JobFailed", EVERYTHING), runbook_url)["content"]["description"]

    assert description.endswith(f"\nRunbook: {shown_as}")


def test_a_body_knows_its_steps_wherever_they_stand():
    one, two = Step("One"), Step("Two")

    body = paragraphs("First.", steps(one), "Middle.", steps(two))

    assert body.steps == (one, two)
    assert isinstance(body, Body)
