"""A message as a custom notification of Amazon Q Developer in chat applications, which posts it to Slack or Microsoft Teams.

Source: AWS documentation, "Custom notifications using Amazon Q Developer in chat applications". Texts are Markdown, of the chat they
end in: what may format, mention or link in either is shown as code, in which only what `_STAND_INS` replaces would still do something.
"""

import json
import re
from dataclasses import replace

from stationkeeper.alerts import runbook
from stationkeeper.alerts.layout import Step
from stationkeeper.alerts.text import plain
from stationkeeper.alerts.wording import Message
from stationkeeper.events.domain import DomainEvent

# Ours, on the short side: a chat is no e-mail.
TITLE_CHARACTERS = 250
DESCRIPTION_CHARACTERS = 3_000
STEPS = 10
STEP_CHARACTERS = 350
KEYWORD_CHARACTERS = 75
RESOURCE_CHARACTERS = 350
_WORD_CHARACTERS = 200
_IN_MAIL = "(in the e-mail)"

_STAND_INS = str.maketrans({"<": "\u2039", ">": "\u203a", "@": "\uff20", "&": "\uff06", "`": "'"})
_WORD = re.compile(r"""(["'(]*)(.*?)([.,;:!?)"']*)""")
_ACTIVE = re.compile(r"[*_~\[\]|\\\uff20\uff06]|://|^#+$|:\w+:|[^\W\d_]\.[^\W\d_]|\w\.[^\W\d_]{2}")
_LINK = re.compile(r"https://[!-~]+")
_DANGEROUS = re.compile(r"[<>`]")


def chat_message(event: DomainEvent, message: Message, runbook_url: str) -> Message:
    """The same message for a chat: its first sentences, and what to do next. Its body is JSON, at most some 20 KB."""
    incident = plain(event.incident, KEYWORD_CHARACTERS)
    title = _clipped(shown(message.subject), TITLE_CHARACTERS)
    notification = {
        "version": "1.0",
        "source": "custom",
        "id": event.id[:64],
        "content": {
            "textType": "client-markdown",
            "title": title,
            "description": _description(event, message, runbook_url),
            "nextSteps": [_next_step(step) for step in message.told.body.steps[:STEPS]],
            "keywords": [
                _clipped(shown(plain(text, 70)), KEYWORD_CHARACTERS)
                for text in (event.severity.value, event.detail_type, event.endpoint, event.on_call, incident)
                if text
            ],
        },
        "metadata": {
            "threadId": incident,
            "summary": title,
            "eventType": event.detail_type,
            "relatedResources": [
                plain(text.translate(_STAND_INS), RESOURCE_CHARACTERS)
                for text in (event.endpoint, event.cause.job_arn)
                if text
            ],
            "additionalContext": message.attributes
            | {"account": plain(event.account), "region": plain(event.region)},
        },
    }
    return replace(message, body=json.dumps(notification))


def shown(text: str) -> str:
    """A text in which nothing formats, mentions or links, line by line; words that might are shown as code."""
    return "\n".join(" ".join(map(_word, line.split())) for line in text.splitlines())


def _word(word: str) -> str:
    safe = _clipped_word(word.translate(_STAND_INS))
    found = _WORD.fullmatch(safe)
    assert found is not None  # the pattern takes any word
    before, core, after = found.groups()
    return f"{before}`{core}`{after}" if _ACTIVE.search(safe) else safe


def _clipped_word(word: str) -> str:
    return word if len(word) <= _WORD_CHARACTERS else word[: _WORD_CHARACTERS - 3] + "..."


def _clipped(text: str, limit: int) -> str:
    """Cut between words, so that no code stays open."""
    if len(text) <= limit:
        return text
    kept = text[: limit - 3]
    return kept[: max(kept.rfind(" "), kept.rfind("\n"), 0)].rstrip() + "..."


def _description(event: DomainEvent, message: Message, runbook_url: str) -> str:
    where = (
        f"Incident {event.incident}, on call {event.on_call or 'nobody'}. The e-mail has the whole message."
    )
    address = runbook.address_of(event, runbook_url)
    link = address if _LINK.fullmatch(address) and not _DANGEROUS.search(address) else shown(address)
    ending = f"\n\n{shown(plain(where))}\nRunbook: {link}"
    opening = "\n\n".join(map(shown, message.told.body.opening))
    return _clipped(opening, DESCRIPTION_CHARACTERS - len(ending)) + ending


def _next_step(step: Step) -> str:
    """What to do, and its commands and links as far as they fit whole: half a command is none."""
    what = _clipped(shown(step.what), STEP_CHARACTERS // 2)
    commands = re.sub(r"\s*\\\n\s*", " ", "\n".join(step.lines)).splitlines()
    left = STEP_CHARACTERS - len(what) - len(f": {_IN_MAIL}")
    pasted = []
    for command in commands:
        one = _pasted(command)
        if one == _IN_MAIL or len(one) + 1 > left:
            pasted.append(_IN_MAIL)
            break  # those after it may build on it
        pasted.append(one)
        left -= len(one) + 1
    return ": ".join(filter(None, (what, " ".join(pasted))))


def _pasted(command: str) -> str:
    """A link as it is, a command as code; what a chat would change, code or not, is not shown."""
    text = command.strip()
    if _DANGEROUS.search(text):
        return _IN_MAIL
    return text if _LINK.fullmatch(text) else f"`{text}`"
