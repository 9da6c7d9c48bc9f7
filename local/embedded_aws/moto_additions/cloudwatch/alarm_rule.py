"""The rule of a composite alarm: `ALARM("errors") AND NOT (OK(latency) OR FALSE)`.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from moto.cloudwatch.exceptions import ValidationError

# name of an alarm -> `OK`, `ALARM` or `INSUFFICIENT_DATA`
type StateOf = Callable[[str], str]
type Expression = Callable[[StateOf], bool]

_TOKEN = re.compile(
    r"""
    (?P<open>\() | (?P<close>\))
  | (?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"(?P<quoted>[^"]+)"|(?P<bare>[^()"]+?))\s*\)
  | (?P<word>AND|OR|NOT|TRUE|FALSE)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True)
class AlarmRule:
    """`names` are those of the alarms it looks at, in the order of the text, whether named or by their ARN."""

    names: tuple[str, ...]
    holds: Expression


def parse(text: str) -> AlarmRule:
    """NOT binds closest, then AND, then OR.

    Raises
    ------
    ValidationError
        It is no rule; in the service's words.
    """
    return _Parser(text).rule()


def name_in(reference: str) -> str:
    """The name of the alarm in its ARN; a name stays as it is."""
    return reference.split(":", 6)[6] if re.match(r"arn:[^:]+:cloudwatch:", reference) else reference


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._names: dict[str, None] = {}
        self._token: re.Match[str] | None = None
        self._advance()

    def rule(self) -> AlarmRule:
        expression = self._either()
        if self._token is not None:
            raise self._unsupported()
        return AlarmRule(tuple(self._names), expression)

    def _either(self) -> Expression:
        parts = [self._both()]
        while self._took("word", "OR"):
            parts.append(self._both())
        return lambda state_of: any(part(state_of) for part in parts)

    def _both(self) -> Expression:
        parts = [self._one()]
        while self._took("word", "AND"):
            parts.append(self._one())
        return lambda state_of: all(part(state_of) for part in parts)

    def _one(self) -> Expression:
        if self._took("word", "NOT"):
            negated = self._one()
            return lambda state_of: not negated(state_of)
        if self._took("open"):
            inner = self._either()
            if not self._took("close"):
                raise self._unsupported()
            return inner
        for word, value in (("TRUE", True), ("FALSE", False)):
            if self._took("word", word):
                return lambda _, value=value: value  # type: ignore[misc]
        return self._reference()

    def _reference(self) -> Expression:
        token = self._token
        if token is None or token["state"] is None:
            raise self._unsupported()
        wanted, name = token["state"].upper(), name_in(token["quoted"] or token["bare"])
        self._names[name] = None
        self._advance()
        return lambda state_of: state_of(name) == wanted

    def _took(self, kind: str, word: str = "") -> bool:
        """Whether the token is of this kind; it is behind us then."""
        token = self._token
        if token is None or token[kind] is None or (word and token[kind].upper() != word):
            return False
        self._advance()
        return True

    def _advance(self) -> None:
        start = self._token.end() if self._token else 0
        self._position = len(self._text) - len(self._text[start:].lstrip())
        self._token = _TOKEN.match(self._text, self._position)
        if self._token is None and self._position < len(self._text):
            raise self._unsupported()

    def _unsupported(self) -> ValidationError:
        word = re.match(r"[()]|[^\s()]*", self._text[self._position :])
        shown = word.group() if word else ""
        return ValidationError(f"Error in AlarmRule [Unsupported token '{shown}' at char {self._position}]")
