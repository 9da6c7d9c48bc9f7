"""The strip of runs up to this one: one tile for each, oldest first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from stationkeeper.alerts.text import count, moment, plain
from stationkeeper.pages import pictures
from stationkeeper.pages.content import PastRun

TILE_HEIGHT = 28
_REASON_CHARACTERS = 120

# An address below or beside this page, or one with https; nothing else that a browser would take for a scheme.
_ADDRESS = re.compile(r"(?:https://[\w.-]+/[\w%+=.~/?&-]*|(?!/)[\w%+=.~-][\w%+=.~/-]*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tile:
    """One run of the strip. `height` of its column is out of `TILE_HEIGHT`."""

    kind: str
    label: str
    number: str
    height: int
    page: str
    this: bool


def tiles(runs: Sequence[PastRun]) -> tuple[Tile, ...]:
    """The tiles of these runs; columns are as high as there are violations, compared with the most of all."""
    largest = max((run.total or 0 for run in runs), default=0)
    return tuple(_tile(run, largest, this=run is runs[-1]) for run in runs)


def _tile(run: PastRun, largest: int, *, this: bool) -> Tile:
    if run.total is None:
        kind, number, found = (
            "blind",
            "?",
            f"blind, {plain(run.blind, _REASON_CHARACTERS) or 'could not be judged'}",
        )
    elif run.severity is None:
        kind, number, found = "clean", "0", "no violations"
    else:
        kind, number = run.severity.value, _short(run.total)
        found = f"{count(run.total, 'violation')}, worst {kind}"
    return Tile(
        kind=kind,
        label=f"{moment(run.at)}: {found}{' (this run)' if this else ''}",
        number=number,
        height=TILE_HEIGHT if run.total is None else pictures.column(run.total, largest, TILE_HEIGHT),
        page=run.page if _ADDRESS.fullmatch(run.page) else "",
        this=this,
    )


def _short(number: int) -> str:
    """A count in at most four characters."""
    if number < 1_000:
        return str(number)
    return f"{number // 1_000}k" if number < 1_000_000 else f"{number // 1_000_000}M"


def in_words(runs: Sequence[PastRun]) -> str:
    """How many of the runs were clean, violated, blind, and from when they are.

    A run that is remembered only later is missing: the words say from when they are.
    """
    if not runs:
        return ""
    blind = sum(run.total is None for run in runs)
    clean = sum(run.total == 0 for run in runs)
    counts = ((clean, "clean"), (len(runs) - blind - clean, "with violations"), (blind, "blind"))
    parts = ", ".join(f"{number} {what}" for number, what in counts if number)
    when = moment(runs[0].at) if len(runs) == 1 else f"{moment(runs[0].at)} to {moment(runs[-1].at)}"
    return f"{when}: {parts}, as known when this page was drawn."


def open_before(runs: Sequence[PastRun]) -> str:
    """What the last run before this one found that could be judged."""
    judged = next((run for run in reversed(runs[:-1]) if run.total is not None), None)
    if judged is None or judged.total is None:
        return "No earlier run that could be judged is known."
    if not judged.total or judged.severity is None:
        return f"The last run that could be judged, of {moment(judged.at)}, found no violations."
    were = "was" if judged.total == 1 else "were"
    return (
        f"At the last run that could be judged, of {moment(judged.at)}, {count(judged.total, 'violation')} {were} open, the "
        f"worst {judged.severity.value}; that problem is neither over nor confirmed."
    )
