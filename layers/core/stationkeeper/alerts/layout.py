"""How every message is laid out: paragraphs, lists, facts, and numbered steps with what to paste."""

from collections.abc import Iterable
from itertools import takewhile
from typing import NamedTuple
from urllib.parse import quote

from stationkeeper.events.domain import DomainEvent


class Step(NamedTuple):
    """What to do next, and what to paste or open for it."""

    what: str
    lines: tuple[str, ...] = ()


class Steps(NamedTuple):
    """Numbered steps, each with its lines below; `lead` is said before them."""

    title: str
    lead: str
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        lines = [self.title, *([f"  {self.lead}"] if self.lead else [])]
        for number, step in enumerate(self.steps, 1):
            lines += [f"  {number}. {step.what}:", *(f"     {line}" for line in step.lines)]
        return "\n".join(lines)


class Body(NamedTuple):
    """What is said below the subject, part by part: an e-mail has all of them, a chat message only some."""

    parts: tuple[str | Steps, ...]

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.parts))

    @property
    def opening(self) -> tuple[str, ...]:
        """The sentences before the first list or table. Those have columns, two spaces apart; cleaned text never has two."""
        return tuple(takewhile(lambda part: "  " not in part, map(str, self.parts)))

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(step for part in self.parts if isinstance(part, Steps) for step in part.steps)


class Told(NamedTuple):
    """An event in words. `headlines` say the same, the most telling first, the shortest last: the first that fits is taken."""

    headlines: tuple[str, ...]
    body: Body
    fine: bool = False
    """Good news: the subject begins with OK."""
    about: str = ""
    """What the subject names where there is no endpoint."""


def paragraphs(*parts: str | Steps) -> Body:
    """The parts that say something, a blank line between them."""
    return Body(tuple(part for part in parts if part))


def listed(title: str, lines: Iterable[str], more: int = 0) -> str:
    """A title and indented lines below it; `more` are not shown."""
    rest = [f"... and {more:,} more"] if more > 0 else []
    return "\n".join([title, *(f"  {line.rstrip()}" for line in [*lines, *rest])])


def first_of(title: str, lines: tuple[str, ...], most: int) -> str:
    """A list of at most `most` lines; "" when there are none."""
    return listed(title, lines[:most], len(lines) - most) if lines else ""


def facts(*rows: tuple[str, str]) -> str:
    """Names and values in two columns; a fact without a value is left out."""
    told = [(name, value) for name, value in rows if value]
    width = max((len(name) for name, _ in told), default=0) + 2
    return "\n".join(f"{name:<{width}}{value}" for name, value in told)


def steps(*wanted: Step | None, title: str = "WHAT TO DO NEXT", lead: str = "") -> Steps:
    """Those of the steps that there are; `lead` is said before them."""
    return Steps(title, lead, tuple(step for step in wanted if step is not None))


def endpoint_page(event: DomainEvent) -> str:
    """The address of an endpoint in SageMaker's console."""
    return f"{sagemaker_console(event.region)}/endpoints/{quote(event.endpoint, safe='')}"


def sagemaker_console(region: str) -> str:
    return f"{console(region)}/sagemaker/home?region={region}#"


def cloudwatch_console(region: str) -> str:
    return f"{console(region)}/cloudwatch/home?region={region}#"


def s3_console(uri: str, region: str) -> str:
    """Where a person opens a file in S3, from its `s3://bucket/key`."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return (
        f"{console(region)}/s3/object/{quote(bucket, safe='')}?region={region}&prefix={quote(key, safe='/')}"
    )


def console(region: str) -> str:
    """Where the console of a region is, in whichever partition."""
    if region.startswith("cn-"):
        return f"https://{region}.console.amazonaws.cn"
    if region.startswith("us-gov-"):
        return f"https://{region}.console.amazonaws-us-gov.com"
    return f"https://{region}.console.aws.amazon.com"
