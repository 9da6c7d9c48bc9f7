"""The models of an endpoint as tables, and as JSON: printed while they are read, as there may be 10,000."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched, chain
from textwrap import indent
from typing import Any, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text
from stationkeeper.alerts.text import count, lasting, plain, size_in_words
from stationkeeper.artifacts.naming import pointer_name
from stationkeeper.artifacts.record import Version

from stationkeeper_command.models import Listing, Model, Refusal, State, Summary, View

_NOTHING = "-"
_ROWS_AT_ONCE = 200
_JOB_LABEL = re.compile(r"(\d{14})\d{3}(-[0-9a-f]{8})?")
_STATES = {
    State.CURRENT: ("current", "green"),
    State.PREVIOUS: ("previous", ""),
    State.KEPT: ("kept", ""),
    State.REJECTED: ("rejected", "yellow"),
    State.FAILED: ("refused warm-up", "yellow"),
    State.RETIRING: ("being deleted", "dim"),
    State.RETIRED: ("retired", "dim"),
}


@dataclass(frozen=True, slots=True)
class _Column:
    heading: str
    right: bool = False
    no_wrap: bool = False


_SIZE, _MODEL = _Column("SIZE", right=True, no_wrap=True), _Column("MODEL")
_VERSION_COLUMNS = (
    *(_Column(heading) for heading in ("VERSION", "STATE", "SOURCE", "PUBLISHED", "SUPERSEDED")),
    _SIZE,
    _Column("TARGETMODEL"),
)


def show(console: Console, listing: Listing) -> None:
    """Print what was asked for: on a terminal as wide as it is, piped one line each, as wide as it takes."""
    match listing.view:
        case View.VERSIONS if listing.only is not None:
            _show_one(console, listing, listing.only)
            return
        case View.VERSIONS:
            rows = (
                (_text(model.name, 100), *row)
                for model in listing.models
                for row in _version_rows(model, listing.now)
            )
            _print(console, (_MODEL, *_VERSION_COLUMNS), rows)
        case View.REFUSALS:
            _show_refused(console, listing)
        case View.MODELS:
            columns = (_MODEL, _Column("CURRENT"), _SIZE)
            rest = (_Column(heading) for heading in ("PUBLISHED", "PREVIOUS", "NOTE"))
            _print(console, (*columns, *rest), (_model_row(model, listing) for model in listing.models))
    if listing.summary.models or listing.summary.nameless:
        console.print(Text(f"\n{summed_up(listing.summary)}"))


def summed_up(summary: Summary) -> str:
    """One line about all models that were listed."""
    nameless = f"; {summary.nameless:,} refused of no known model" if summary.nameless else ""
    return (
        f"{count(summary.models, 'model')}, {size_in_words(summary.current_bytes)} "
        f"({size_in_words(summary.kept_bytes)} with all versions kept); "
        f"{summary.published_lately:,} published in the last 24 hours; {summary.refused:,} with a refusal{nameless}"
    )


def readable_label(version: Version) -> str:
    """`2026-11-23 13:05Z` for the version of a training job: when the job was created. Other labels are short as they are.

    A label that was told apart from another one keeps what tells it apart.
    """
    found = _JOB_LABEL.fullmatch(version.label) if version.source.kind == "training-job" else None
    if found is None:
        return version.label
    try:
        at = datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return version.label
    return f"{at:%Y-%m-%d %H:%MZ}{found[2] or ''}"


def source_words(version: Version) -> str:
    """`job houston-7`, `package houston/7`."""
    source = version.source
    name = source.name or source.arn.rpartition(":")[2].partition("/")[2] or source.arn
    return plain(f"{'job' if source.kind == 'training-job' else 'package'} {name}", 140)


def notes(model: Model, now: datetime) -> list[str]:
    """What a person should know of a model, the worst first."""
    said = []
    if not model.pointed:
        said.append("pointer not moved yet")
    if model.nothing_left:
        said.append("version rejected, but nothing else is left")
    if model.open_refusals:
        last = model.open_refusals[0]
        said.append(f"refused: {plain(last.code, 40)}, {ago(last.at, now)}")
    if model.in_place_behind:
        said.append("in place behind")
    return said


def ago(at: datetime | None, now: datetime) -> str:
    """`3 days ago`: how long is enough for a table, `--json` has the moment itself."""
    if at is None:
        return _NOTHING
    number, _, rest = lasting(now - at).partition(" ")
    return f"{number} {rest.split()[0]} ago" if number.isdigit() else "just now"


def _text(text: str, limit: int, style: str = "") -> Text:
    return Text(plain(text, limit), style=style)


def _model_row(model: Model, listing: Listing) -> tuple[Text, ...]:
    current, previous = model.current, model.previous
    labels = [_label(version, exact=listing.labels) for version in (current, previous)]
    if current is not None and labels[0] == labels[1]:  # two jobs of one minute
        labels = [_label(version, exact=True) for version in (current, previous)]
    return (
        _text(model.name, 100),
        _text(labels[0], 60),
        Text(size_in_words(current.size_bytes) if current else _NOTHING),
        Text(ago(current.published_at if current else None, listing.now)),
        _text(labels[1], 60),
        Text("; ".join(notes(model, listing.now)), style="yellow"),
    )


def _label(version: Version | None, *, exact: bool) -> str:
    if version is None:
        return _NOTHING
    return version.label if exact else readable_label(version)


def _show_one(console: Console, listing: Listing, model: Model) -> None:
    """All of one model."""
    if model.versions:
        _print(console, _VERSION_COLUMNS, _version_rows(model, listing.now))
        console.print()
    name = pointer_name(listing.endpoint, model.name)
    pointed = model.record.at(model.record.pointer)
    named = pointed.target_model if pointed else model.record.pointer or "nothing yet"
    console.print(_text(f"Pointer {name}: {named}", 600))
    for note in notes(model, listing.now):
        console.print(Text(f"{note[:1].upper()}{note[1:]}.", style="yellow"))
    if model.refusals:
        console.print()
        columns = tuple(_Column(heading) for heading in ("REFUSED", "WHEN", "STATE", "SOURCE"))
        _print(console, columns, (_refusal_row(refusal, listing.now) for refusal in model.refusals))


def _show_refused(console: Console, listing: Listing) -> None:
    """The refusals of each model that no good version has made up for."""
    first = next(listing.models, None)
    if first is None:
        console.print(Text("No refusal is open: whatever was refused, a good version was published since."))
        return
    columns = tuple(_Column(heading) for heading in ("MODEL", "REFUSED", "WHEN", "STATE", "SOURCE"))
    rows = (
        (_text("(no name)" if model.nameless else model.name, 100), *_refusal_row(refusal, listing.now))
        for model in chain([first], listing.models)
        for refusal in model.open_refusals
    )
    _print(console, columns, rows)


def _refusal_row(refusal: Refusal, now: datetime) -> tuple[Text, ...]:
    open_words = "looked at again" if refusal.passing else "final"
    return (
        _text(refusal.code, 40, "yellow" if refusal.open else ""),
        Text(ago(refusal.at, now)),
        Text(open_words if refusal.open else "made good"),
        _text(refusal.source_arn.rpartition(":")[2].partition("/")[2] or refusal.source_arn, 140),
    )


def _version_rows(model: Model, now: datetime) -> Iterator[tuple[Text, ...]]:
    for version in model.versions:
        state = model.state_of(version)
        words, style = _STATES[state]
        if state is State.CURRENT and version.rejected:
            words, style = "current, rejected", "yellow"
        yield (
            _text(version.label, 60),
            Text(words, style=style),
            Text(source_words(version)),
            Text(ago(version.published_at, now)),
            Text(ago(version.superseded_at, now)),
            Text(size_in_words(version.size_bytes)),
            _text(version.target_model, 400),
        )


def _print(console: Console, columns: tuple[_Column, ...], rows: Iterable[tuple[Text, ...]]) -> None:
    """A table that grows while its rows are read: on a terminal its headings come again, piped its columns only get wider."""
    if console.is_terminal:
        for some in batched(rows, _ROWS_AT_ONCE, strict=False):
            console.print(_table(columns, some))
        return
    widths = [cell_len(column.heading) for column in columns]
    heading = [tuple(Text(column.heading) for column in columns)]
    for some in batched(chain(heading, rows), _ROWS_AT_ONCE, strict=False):
        widths = [max(width, *(row[index].cell_len for row in some)) for index, width in enumerate(widths)]
        # Not through Rich: it takes ten times as long, and 10,000 models have many versions.
        console.out("\n".join(_line(columns, widths, row) for row in some), highlight=False)


def _table(columns: tuple[_Column, ...], rows: Iterable[tuple[Text, ...]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        justify: Literal["left", "right"] = "right" if column.right else "left"
        table.add_column(column.heading, justify=justify, no_wrap=column.no_wrap, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _line(columns: tuple[_Column, ...], widths: list[int], row: tuple[Text, ...]) -> str:
    cells = []
    for column, width, cell in zip(columns, widths, row, strict=True):
        blank = " " * (width - cell.cell_len)
        cells.append(blank + cell.plain if column.right else cell.plain + blank)
    return "  ".join(cells).rstrip()


# ------------------------------------------------------------------ JSON


def json_pieces(listing: Listing) -> Iterator[str]:
    """The document `--json` prints, a line or a model at a time."""
    yield f'{{\n  "endpoint": {json.dumps(listing.endpoint)},\n  "models": ['
    between = ""
    for model in listing.models:
        document = _as_json(model, listing)
        yield between + "\n" + indent(json.dumps(document, indent=2, allow_nan=False), "    ")
        between = ","
    summary = listing.summary
    document = {
        "models": summary.models,
        "current_bytes": summary.current_bytes,
        "kept_bytes": summary.kept_bytes,
        "published_in_24_hours": summary.published_lately,
        "with_refusal": summary.refused,
        "refused_of_no_known_model": summary.nameless,
    }
    end = "\n  ]" if between else "]"
    yield f'{end},\n  "summary": {indent(json.dumps(document, indent=2), "  ").lstrip()}\n}}\n'


def _as_json(model: Model, listing: Listing) -> dict[str, Any]:
    listed = listing.view is View.VERSIONS
    current, previous = model.current, model.previous
    return {
        "model": None if model.nameless else model.name,
        "current": _version_as_json(model, current) if current else None,
        "previous": _version_as_json(model, previous) if previous else None,
        "pointer": None if model.nameless else pointer_name(listing.endpoint, model.name),
        "pointer_moved": model.pointed,
        "nothing_left": model.nothing_left,
        "in_place_behind": model.in_place_behind,
        "refusals": [
            {
                "code": one.code,
                "at": one.at.isoformat(),
                "source_arn": one.source_arn,
                "passing": one.passing,
                "open": one.open,
            }
            for one in model.refusals
        ],
        "versions": [_version_as_json(model, one) for one in model.versions] if listed else None,
    }


def _version_as_json(model: Model, version: Version) -> dict[str, Any]:
    return {
        "version": version.label,
        "state": model.state_of(version).value,
        "rejected": version.rejected,
        "source": version.source.kind,
        "source_arn": version.source.arn,
        "artifact_uri": version.source.artifact_uri,
        "published_at": version.published_at.isoformat(),
        "superseded_at": version.superseded_at.isoformat() if version.superseded_at else None,
        "size_bytes": version.size_bytes,
        "target_model": version.target_model,
        "uri": version.uri,
        "warm_up_failure": version.failed or None,
    }
