"""What is told of a version that waits for approval: what it is, its metrics beside the live one's, how to decide."""

from stationkeeper.alerts.layout import Told, facts, listed, paragraphs, steps
from stationkeeper.alerts.release_phrases import (
    beginning,
    sentence,
    short_version,
    version_of_group,
    version_words,
)
from stationkeeper.alerts.release_steps import approved, described_version, rejected
from stationkeeper.alerts.retraining_phrases import because_of, retraining_facts
from stationkeeper.alerts.text import figure, figures, moment, plain
from stationkeeper.events.release_events import ApprovalRequested, MetricCompared

_LISTED = 25
_NAME_WIDTH = 36


def approval_requested(event: ApprovalRequested) -> Told:
    version = version_words(event.version)
    meanwhile = stays = ""
    if event.serving is not None:
        meanwhile = f" Version {event.serving} serves meanwhile."
        stays = f"; version {event.serving} goes on serving"
    registered = moment(event.registered_at) if event.registered_at else ""
    by = f"by {event.registered_by}" if event.registered_by else ""
    body = paragraphs(
        f"{beginning(version_of_group(event))} was registered for endpoint {event.endpoint} and waits for somebody to "
        f"approve it.{meanwhile}",
        because_of(event.retrained, event) if event.retrained else "",
        facts(
            ("Registered", f"{registered} {by}".strip()),
            ("What it is", event.description),
            *(retraining_facts(event.retrained) if event.retrained else ()),
            ("On call", event.on_call),
        ),
        _metrics(event),
        listed(
            "WHAT STATIONKEEPER DID",
            ["It told you, once. It releases nothing before somebody approves it."],
        ),
        steps(
            described_version(event, "See all that was registered with it"),
            approved(
                event,
                f"Approve it: Stationkeeper then releases it to {event.endpoint}, unless a higher version is approved already",
            ),
            rejected(event, f"Or reject it{stays}"),
        ),
    )
    choices = (
        *([f"{version} of {event.group}, retrained, waits for approval"] if event.retrained else []),
        f"{version} of {event.group} waits for approval",
        f"{version} waits for approval",
        f"approve {short_version(event.version)}?",
        "approve it?",
    )
    return Told(choices, body)


def _metrics(event: ApprovalRequested) -> str:
    said = []
    if event.metrics:
        shown = event.metrics[:_LISTED]
        said.append(listed("METRICS", _table(event, shown), len(event.metrics) - len(shown)))
    elif not event.metrics_problem:
        said.append(f"No metrics were registered with {version_words(event.version)}.")
    live = version_words(event.serving) if event.serving is not None else "the live version"
    problems = (
        (
            version_words(event.version),
            event.metrics_problem,
            any(m.candidate is not None for m in event.metrics),
        ),
        (
            live,
            event.live_metrics_problem,
            any(m.live is not None for m in event.metrics),
        ),
    )
    said += [
        f"{'Not all metrics' if some else 'No metrics'} of {whose}: {sentence(why)}"
        for whose, why, some in problems
        if why
    ]
    if event.metrics:
        said.append(
            "They were measured when each version was registered, perhaps on different data, and do not say which "
            "direction is better."
        )
    return "\n\n".join(said)


def _table(event: ApprovalRequested, metrics: tuple[MetricCompared, ...]) -> list[str]:
    """Columns of name, candidate, live and change; the last two only when something is known of the live version."""
    compared = any(metric.live is not None for metric in metrics)
    live_words = short_version(event.serving) if event.serving is not None else "live"
    rows = [["", short_version(event.version), live_words, "change"]]
    for metric in metrics:
        candidate, live = figures(metric.candidate, metric.live)
        rows.append(
            [
                plain(metric.name, _NAME_WIDTH),
                candidate if metric.candidate is not None else "-",
                live if metric.live is not None else "-",
                _change(metric),
            ]
        )
    if not compared:
        rows = [row[:2] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]


def _change(metric: MetricCompared) -> str:
    if metric.candidate is None or metric.live is None:
        return "-"
    if metric.candidate == metric.live:
        return "same"
    change = metric.candidate - metric.live
    return f"+{figure(change)}" if change > 0 else figure(change)
