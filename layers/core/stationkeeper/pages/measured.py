"""What the monitor measured beside the violations that are listed: metrics, biases and attributions, by how they stand to their limits."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from itertools import chain

from stationkeeper.alerts.text import figure, plain
from stationkeeper.pages import captions
from stationkeeper.pages.content import PageContent
from stationkeeper.pages.illustrations import Illustration, attributions, expected_bias, history, pair
from stationkeeper.reports.statistics import Statistics, Threshold
from stationkeeper.reports.verdict import Verdict
from stationkeeper.reports.violation import identity_of

_SHOWN = 60
_NAME_CHARACTERS = 120
_OF_METRICS = ("LessThanThreshold", "GreaterThanThreshold")
_OF_ATTRIBUTIONS = ("shap", "feature_attribution_drift_check")


@dataclass(frozen=True, slots=True)
class Measured:
    """A value that is not listed as a violation, in words, with its picture where there is something to draw."""

    name: str
    says: str
    illustration: Illustration | None


@dataclass(frozen=True, slots=True)
class Section:
    """Values that stand alike; `further` are not shown."""

    heading: str
    measured: tuple[Measured, ...]
    further: int


class _Standing(Enum):
    """How a value stands to its limit; the page shows them in this order."""

    MUTED = auto()
    PAST = auto()  # beyond the violations a verdict keeps, or not reported
    WITHIN = auto()
    NO_LIMIT = auto()


_HEADINGS = {
    _Standing.MUTED: "Past the limit, muted",
    _Standing.PAST: "Past the limit, not listed as a violation",
    _Standing.WITHIN: "Within limits",
}

# Drawn only when it is shown: a file may hold a hundred thousand values.
type _Standings = Iterator[tuple[_Standing, Callable[[], Measured]]]


def sections(verdict: Verdict, content: PageContent) -> tuple[Section, ...]:
    """In each, metrics first, then biases, then attributions. Limits of biases and attributions are the monitor's own: no file
    tells them, so only those that are muted are known to be past them."""
    if not isinstance(content.current, Statistics):
        return ()
    found: dict[_Standing, list[Callable[[], Measured]]] = {}
    for standing, drawn in chain(
        _metrics(content.current, verdict, content),
        _biases(content.current, verdict, content),
        _attributions(content.current, verdict, content),
    ):
        found.setdefault(standing, []).append(drawn)
    alone = not verdict.worst and found.keys() == {_Standing.NO_LIMIT}
    headings = {**_HEADINGS, _Standing.NO_LIMIT: "What was measured" if alone else "Also measured"}
    made: list[Section] = []
    left = _SHOWN
    for standing in _Standing:
        if values := found.get(standing):
            shown = tuple(drawn() for drawn in values[:left])
            made.append(Section(headings[standing], shown, len(values) - len(shown)))
            left -= len(shown)
    return tuple(made)


def _is_muted(verdict: Verdict, subject: str, qualifier: str, *checks: str) -> bool:
    known = verdict.muted_identities
    return bool(known) and any(identity_of(subject, qualifier, check) in known for check in checks)


def _metrics(current: Statistics, verdict: Verdict, content: PageContent) -> _Standings:
    violated = {judged.violation.subject for judged in verdict.worst}
    thresholds = content.constraints.thresholds if isinstance(content.constraints, Statistics) else {}
    for name in sorted(current.metrics.keys() - violated, key=lambda name: (name not in thresholds, name)):
        threshold = thresholds.get(name)
        if _is_muted(verdict, name, "", *_OF_METRICS):
            standing = _Standing.MUTED
        elif threshold is None:
            standing = _Standing.NO_LIMIT
        else:
            past = captions.is_past(current.metrics[name][0], threshold)
            standing = _Standing.PAST if past else _Standing.WITHIN
        yield standing, partial(_metric, name, current.metrics[name], threshold, content)


def _metric(
    name: str, measured: tuple[float, float | None], threshold: Threshold | None, content: PageContent
) -> Measured:
    value, margin = measured
    shown = f"{figure(value)} +/- {figure(margin)}" if margin is not None else figure(value)
    return Measured(
        name=plain(name, _NAME_CHARACTERS) or "unnamed",
        says=f"{shown}, {captions.limit(threshold)}" if threshold else shown,
        illustration=history([name], content.runs, value, threshold),
    )


def _biases(current: Statistics, verdict: Verdict, content: PageContent) -> _Standings:
    violated = {(judged.violation.subject, judged.violation.qualifier) for judged in verdict.worst}
    sources = [side for side in (content.baseline, content.constraints) if isinstance(side, Statistics)]
    for of, value in current.bias.items():
        if of not in violated:
            muted = _is_muted(verdict, *of, "bias_drift_check")
            yield (
                _Standing.MUTED if muted else _Standing.NO_LIMIT,
                partial(_bias, of, value, sources, content),
            )


def _bias(of: tuple[str, str], value: float, sources: list[Statistics], content: PageContent) -> Measured:
    before = expected_bias(of, *sources)
    name = " ".join(of)
    over_runs = history([name], content.runs, value, None, before)
    return Measured(
        name=plain(name, _NAME_CHARACTERS) or "unnamed",
        says=figure(value) if before is None else f"{figure(value)}, {figure(before)} in the baseline",
        illustration=over_runs or pair(value, before),
    )


def _attributions(current: Statistics, verdict: Verdict, content: PageContent) -> _Standings:
    violated = {judged.violation.qualifier for judged in verdict.worst}
    sources = [side for side in (content.baseline, content.constraints) if isinstance(side, Statistics)]
    expected = next((side.attributions for side in sources if side.attributions), {})
    metric, check = _OF_ATTRIBUTIONS
    for label in current.attributions:
        if label not in violated:
            muted = _is_muted(verdict, metric, label, check)
            yield (
                _Standing.MUTED if muted else _Standing.NO_LIMIT,
                partial(_label, label, current, expected),
            )


def _label(label: str, current: Statistics, expected: Mapping[str, Mapping[str, float]]) -> Measured:
    return Measured(
        name=plain(label, _NAME_CHARACTERS) or "unnamed",
        says="Attributions of this label",
        illustration=attributions(label, current.attributions, expected),
    )
