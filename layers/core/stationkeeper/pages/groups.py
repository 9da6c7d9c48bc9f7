"""The violations of a run, grouped by check, as the page shows them: the worst with a picture each, others as rows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from stationkeeper.alerts.phrases import headlines, numbers_of
from stationkeeper.alerts.text import plain
from stationkeeper.pages import captions
from stationkeeper.pages.content import PageContent
from stationkeeper.pages.illustrations import Illustration, of_violation
from stationkeeper.reports.policy import DEFAULT_LIMITS
from stationkeeper.reports.statistics import Statistics
from stationkeeper.reports.verdict import Judged, Verdict
from stationkeeper.reports.violation import Measure, Monitor, Violation
from stationkeeper.severity import Severity

NAME_CHARACTERS = 300
_QUALIFIER_CHARACTERS = 120
_DESCRIPTION_CHARACTERS = 500
_OF_COLUMNS = ("missing_column_check", "extra_column_check")
_COLUMNS_NAMED = 20
_COLUMN_CHARACTERS = 60


class Extent(NamedTuple):
    """How many violations, worst first, have a picture, and how many are listed at all; the rest is counted."""

    pictured: int
    listed: int


@dataclass(frozen=True, slots=True)
class Card:
    """A violation with its pictures. `says` is worded as in messages, `quote` is what the monitor wrote."""

    name: str
    qualifier: str
    severity: str
    says: str
    past: str
    quote: str
    illustrations: tuple[Illustration, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A violation without a picture."""

    name: str
    qualifier: str
    severity: str
    says: str
    past: str


@dataclass(frozen=True, slots=True)
class Group:
    """The violations of one check.

    Attributes
    ----------
    severity : the worst of them.
    severities : how many there are of each severity, in words.
    uncounted : those that are neither cards nor rows.
    """

    anchor: str
    title: str
    check: str
    severity: str
    severities: str
    cards: tuple[Card, ...]
    rows: tuple[Row, ...]
    uncounted: int


class _Member(NamedTuple):
    """A violation of a group. One told `again`, of a constraint that a worse one is of, has no picture: it would be the same."""

    judged: Judged
    as_card: bool
    again: bool


def grouped(verdict: Verdict, content: PageContent, extent: Extent) -> tuple[Group, ...]:
    """One group per check, the one with the worst violation first."""
    members: dict[str, list[_Member]] = {}
    told: set[str] = set()
    for index, judged in enumerate(verdict.worst[: extent.listed]):
        identity = judged.violation.identity
        member = _Member(judged, as_card=index < extent.pictured, again=identity in told)
        members.setdefault(_check_of(judged.violation), []).append(member)
        told.add(identity)
    for check, _ in sorted(verdict.by_check, key=lambda key: (-key[1].rank, key[0])):
        members.setdefault(check, [])  # all its violations are beyond those that are listed
    return tuple(
        _group(number, check, of_check, verdict, content)
        for number, (check, of_check) in enumerate(members.items(), 1)
    )


def _check_of(violation: Violation) -> str:
    return violation.check if violation.check in DEFAULT_LIMITS else "other"


def _group(number: int, check: str, members: list[_Member], verdict: Verdict, content: PageContent) -> Group:
    counts = {severity: found for (of, severity), found in verdict.by_check.items() if of == check and found}
    total = sum(counts.values())
    return Group(
        anchor=f"check-{number}",
        title=headlines({check: total})[0],
        check="" if check == "other" else check,
        severity=max(counts, default=Severity.INFO).value,
        severities=severities(counts),
        cards=tuple(_card(member, content) for member in members if member.as_card),
        rows=tuple(_row(member.judged) for member in members if not member.as_card),
        uncounted=total - len(members),
    )


def severities(counts: Mapping[Severity, int]) -> str:
    """`3 critical, 1 info`."""
    worst_first = sorted(counts.items(), key=lambda item: -item[0].rank)
    return ", ".join(f"{number:,} {severity.value}" for severity, number in worst_first if number)


def _card(member: _Member, content: PageContent) -> Card:
    violation = member.judged.violation
    row = _row(member.judged)
    quote = plain(violation.description, _DESCRIPTION_CHARACTERS) if _in_its_own_words(violation) else ""
    return Card(
        name=row.name,
        qualifier=row.qualifier,
        severity=row.severity,
        says=row.says if member.again else _columns(violation, content) or row.says,
        past=row.past,
        quote="" if quote == row.says else quote,
        illustrations=() if member.again else of_violation(violation, content),
    )


def _row(judged: Judged) -> Row:
    violation = judged.violation
    cleaned = replace(
        violation,
        subject=plain(violation.subject, NAME_CHARACTERS) or "unnamed",
        qualifier=plain(violation.qualifier, _QUALIFIER_CHARACTERS),
        check=plain(violation.check, _QUALIFIER_CHARACTERS),
        description=plain(violation.description, _DESCRIPTION_CHARACTERS),
    )
    return Row(
        name=cleaned.subject,
        qualifier=cleaned.qualifier or ("" if violation.check in DEFAULT_LIMITS else cleaned.check),
        severity=judged.severity.value,
        says=numbers_of(cleaned),
        past=captions.past(violation),
    )


def _in_its_own_words(violation: Violation) -> bool:
    """Whether the numbers alone would leave out what the monitor wrote."""
    return violation.measure is Measure.UNKNOWN or violation.monitor is Monitor.CUSTOM


def _columns(violation: Violation, content: PageContent) -> str:
    """Which columns are missing or too many, where both sides list as many as the monitor counted; "" otherwise."""
    if violation.check not in _OF_COLUMNS:
        return ""
    if not (isinstance(content.current, Statistics) and isinstance(content.baseline, Statistics)):
        return ""
    now, was = content.current.columns, content.baseline.columns
    if (len(now), len(was)) != (violation.observed, violation.expected):
        return ""
    missing = violation.check == "missing_column_check"
    among, others, kind = (was, set(now), "missing") if missing else (now, set(was), "not known before")
    names = [name for name in among if name not in others]  # in the order of the file
    if not names:
        return ""
    shown = ", ".join(plain(name, _COLUMN_CHARACTERS) or "unnamed" for name in names[:_COLUMNS_NAMED])
    more = f" and {len(names) - _COLUMNS_NAMED:,} more" if len(names) > _COLUMNS_NAMED else ""
    return f"{numbers_of(violation)}; {kind}: {shown}{more}"
