"""What the monitor measured and found within its limits: shown on every page of metrics, bias and attributions."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from stationkeeper.alerts.text import figure, plain
from stationkeeper.pages import captions
from stationkeeper.pages.content import PageContent
from stationkeeper.pages.illustrations import Illustration, attributions, biases, history, pair
from stationkeeper.reports.statistics import Statistics
from stationkeeper.reports.verdict import Verdict

_NAME_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Measured:
    """A value that is not violated, in words, with its picture where there is something to draw."""

    name: str
    says: str
    illustration: Illustration | None


def within_limits(verdict: Verdict, content: PageContent) -> tuple[Measured, ...]:
    """Metrics with a threshold first, then other metrics, biases, attributions."""
    if not isinstance(content.current, Statistics):
        return ()
    violated = {judged.violation.subject for judged in verdict.worst}
    qualified = {f"{judged.violation.subject} {judged.violation.qualifier}" for judged in verdict.worst}
    labels = {judged.violation.qualifier for judged in verdict.worst}
    current = content.current
    return tuple(
        chain(
            _metrics(current, content, violated),
            _biases(current, content, qualified),
            _labels(current, content, labels),
        )
    )


def _metrics(current: Statistics, content: PageContent, violated: set[str]) -> Iterator[Measured]:
    thresholds = content.constraints.thresholds if isinstance(content.constraints, Statistics) else {}
    for name in sorted(current.metrics.keys() - violated, key=lambda name: (name not in thresholds, name)):
        value, margin = current.metrics[name]
        shown = f"{figure(value)} +/- {figure(margin)}" if margin is not None else figure(value)
        threshold = thresholds.get(name)
        yield Measured(
            name=plain(name, _NAME_CHARACTERS),
            says=f"{shown}, {captions.limit(threshold)}" if threshold else shown,
            illustration=history([name], content.runs, value, threshold),
        )


def _biases(current: Statistics, content: PageContent, violated: set[str]) -> Iterator[Measured]:
    sources = [side for side in (content.baseline, content.constraints) if isinstance(side, Statistics)]
    expected = biases(*sources)
    for name, value in biases(current).items():
        if name in violated:
            continue
        before = expected.get(name)
        over_runs = history([name], content.runs, value, None, before)
        yield Measured(
            name=plain(name, _NAME_CHARACTERS),
            says=figure(value) if before is None else f"{figure(value)}, {figure(before)} in the baseline",
            illustration=over_runs or pair(value, before),
        )


def _labels(current: Statistics, content: PageContent, violated: set[str]) -> Iterator[Measured]:
    sources = [side for side in (content.constraints, content.baseline) if isinstance(side, Statistics)]
    expected = {label: values for side in sources for label, values in side.attributions.items()}
    for label in current.attributions:
        if label not in violated:
            yield Measured(
                name=plain(label, _NAME_CHARACTERS) or "unnamed",
                says="Attributions of this label",
                illustration=attributions(label, current.attributions, expected),
            )
