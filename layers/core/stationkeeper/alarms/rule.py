"""The children of a composite alarm, from its rule.

A rule is `ALARM("name")`, `OK(...)`, `INSUFFICIENT_DATA(...)` of a name or an ARN, `AT_LEAST(2, ALARM, (one, "the other"))`, joined by
AND, OR, NOT and parentheses. A child is a child however the rule looks at it: one under `NOT` or `OK` too.

Source: API reference, `PutCompositeAlarm`; CloudWatch guide, "Rule expressions".
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from stationkeeper.events.alarm import alarm_name_of

MOST_CHILDREN = 100
_NAME_CHARACTERS = 255
_STATES = ("ALARM", "OK", "INSUFFICIENT_DATA")
_LIST = ","
"""Stands for what is called with the last argument of `AT_LEAST`: the parenthesis comes after a comma."""

# Every character is in exactly one token and none is looked at twice; an end of text closes a quote that is open.
_TOKEN = re.compile(
    r'"(?P<quoted>(?:[^"\\]|\\.)*+)(?P<closed>"?)|(?P<mark>[(),])|(?P<bare>[^"(),]++)', re.DOTALL
)
_ESCAPED = re.compile(r'\\(["\\])')


class Rule(NamedTuple):
    """Names of the children in order, and how their states are combined."""

    children: tuple[str, ...]
    joined: Literal["any", "all", "otherwise"]
    """`any` of them, or `all` of them, must be in ALARM; or something else."""


def children_of_rule(rule: str) -> tuple[str, ...]:
    """Names of the alarms a rule refers to, in order and once each; at most 100."""
    return read_rule(rule).children


def read_rule(rule: str) -> Rule:
    """A rule as far as it can be read. Takes time in proportion to its length, and raises nothing."""
    children: dict[str, None] = {}
    words: set[str] = set()
    for word, argument in _calls(rule):
        words.add(word)
        for reference in argument:
            name = alarm_name_of(reference)
            if 0 < len(name) <= _NAME_CHARACTERS and len(children) < MOST_CHILDREN:
                children[name] = None
    if words <= {"ALARM", "OR"}:
        return Rule(tuple(children), "any")
    return Rule(tuple(children), "all" if words <= {"ALARM", "AND"} else "otherwise")


def _calls(rule: str) -> Iterator[tuple[str, list[str]]]:
    """Each word of a rule with the references it is called with, where it is called with any."""
    word = called = ""
    references: list[list[str]] = []
    for token in _TOKEN.finditer(rule):
        mark = token["mark"]
        if called and mark == ")":
            yield called, ["".join(parts).strip() for parts in references]
            word = called = ""
        elif called and mark == "(":  # no name holds one without quotes: not a call after all
            word = called = ""
        elif called == _LIST and mark == ",":
            references.append([])
        elif called:
            references[-1].append(_text_of(token))
        elif mark == "(" and word in (*_STATES, _LIST):
            called, references = word, [[]]
        elif mark:
            word = _LIST if mark == "," else ""
        else:
            for word in (token["bare"] or "").upper().split():
                if word not in _STATES:
                    yield word, []


def _text_of(token: re.Match[str]) -> str:
    if token["quoted"] is None:
        return token[0]
    return _ESCAPED.sub(r"\1", token["quoted"]) if token["closed"] else ""
