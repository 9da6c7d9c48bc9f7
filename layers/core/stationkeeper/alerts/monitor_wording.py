"""What is told of monitors: constraints violated, a run that could not be judged, a recovery.

Every text from outside has been cleaned when the domain event was made (`alerts.text.plain`).
"""

from collections.abc import Mapping
from datetime import timedelta

from stationkeeper.alerts.layout import Steps, Told, facts, listed, paragraphs, steps
from stationkeeper.alerts.monitor_steps import (
    BlindRun,
    after_blindness,
    consoles,
    drift_page,
    mute,
    read_report,
)
from stationkeeper.alerts.phrases import (
    BLIND,
    MONITORS,
    UNKNOWN_BLINDNESS,
    headlines,
    numbers_of,
    subject_of,
)
from stationkeeper.alerts.text import count, figure, lasting, moment, period, plain
from stationkeeper.events.domain import (
    MonitorBlind,
    MonitorEvent,
    MonitorRecovered,
    ReportedViolation,
    ViolationsDetected,
)
from stationkeeper.reports.verdict import KEPT
from stationkeeper.severity import Severity

_LISTED = 15
_OVER_LISTED = 20
_FEW_FOLLOWED = (
    f"Only the worst {KEPT:,} are followed one by one: what is new or over among the others is not told."
)
_NAME_WIDTH = 44


def told(event: MonitorEvent, severity_policy_parameter: str) -> Told:
    """What is said of a monitor's event; `severity_policy_parameter` is what the command for muting edits."""
    match event:
        case ViolationsDetected():
            return _violations(event, severity_policy_parameter)
        case MonitorBlind():
            return _blind(event)
        case MonitorRecovered():
            return _recovered(event)
        case _:
            raise TypeError(f"no wording for {event.detail_type}")


def _violations(event: ViolationsDetected, parameter: str) -> Told:
    suffix = _suffix(event)
    muted = f"; {event.muted:,} more muted" if event.muted else ""
    parts: list[str | Steps] = [
        f"{_looked(event)} and found {count(event.total, 'violation')}: {_severities(event.counts)}{muted}.",
        _why_now(event),
        _policy_problem(event),
        _facts(event, "Violated since"),
        _FEW_FOLLOWED if event.total > KEPT else "",
    ]
    fresh = [v for v in event.worst if v.status != "ongoing"][:_LISTED]
    lasting_on = [v for v in event.worst if v.status == "ongoing"][:_LISTED]
    news = event.new + event.worse if not event.first else 0
    if fresh:
        parts.append(listed("NEW OR WORSE, WORST FIRST", _lines(fresh), news - len(fresh)))
    if lasting_on:
        title = "KNOWN BEFORE, WORST FIRST" if fresh else "WORST FIRST"
        parts.append(listed(title, _lines(lasting_on), event.total - news - len(lasting_on)))
    if event.over_count:
        over = event.over[:_OVER_LISTED]
        parts.append(
            listed("OVER, OR CAME AND WENT, SINCE THE LAST MESSAGE", over, event.over_count - len(over))
        )
    parts.append(
        "WHAT IT MAY MEAN\n"
        "  Types, gaps, unknown values, columns: look upstream, the data may be broken. Drift, metrics, bias: the world\n"
        "  may have changed; retraining may be due. A limit that was never right: change or mute it."
    )
    parts.append(
        "WHAT STATIONKEEPER DID\n"
        "  It judged the report and told you. It changed nothing on the endpoint, which keeps serving.\n"
        f"  You hear again when something new or worse is found, {_rhythm(event)} while this lasts, and when it is over."
    )
    parts.append(
        steps(
            drift_page(event),
            read_report(event),
            consoles(event),
            mute(event, (fresh or lasting_on)[:1], parameter),
        )
    )
    choices = headlines(event.by_check)
    return Told((*(choice + suffix for choice in choices), *choices[-2:]), paragraphs(*parts))


def _suffix(event: ViolationsDetected) -> str:
    if event.newer_run_at is not None:
        return " (late news)"
    if event.reminder:
        return " (ongoing)"
    if event.first:
        return ""
    words = ", ".join(f"{n} {word}" for n, word in ((event.new, "new"), (event.worse, "worse")) if n)
    return f" ({words})" if words else " (more)"


def _rhythm(event: ViolationsDetected | MonitorBlind) -> str:
    if event.repeat_after_hours == 24:
        return "once a day"
    return (
        "every hour" if event.repeat_after_hours == 1 else f"every {figure(event.repeat_after_hours)} hours"
    )


def _severities(counts: Mapping[Severity, int]) -> str:
    ranked = sorted(Severity, reverse=True)
    return ", ".join(f"{counts[severity]:,} {severity.value}" for severity in ranked if counts.get(severity))


def _why_now(event: ViolationsDetected) -> str:
    if event.newer_run_at is not None:
        return (
            f"This is late news: a newer run, of {moment(event.newer_run_at)}, was judged before the event of this "
            "one came, and did not find all of this."
        )
    if event.first:
        return "This is the first message about it."
    if event.reminder and not (event.new or event.worse):
        return "Nothing new since the last message; it lasts."
    if not (event.new or event.worse):
        return "There are at least twice as many as in the last message."
    return f"Since the last message {_were(event)}."


def _were(event: ViolationsDetected) -> str:
    parts = [
        f"{count(number, 'violation')} {'is' if number == 1 else 'are'} {word}"
        for number, word in ((event.new, "new"), (event.worse, "worse"))
        if number
    ]
    return " and ".join(parts)


def _blind(event: MonitorBlind) -> Told:
    words = BLIND.get(event.reason, UNKNOWN_BLINDNESS)
    late = event.newer_run_at is not None and event.severity is Severity.INFO
    ending = " (late news)" if late else " (ongoing)" if event.reminder else ""
    blind = "a run was blind" if late else "monitor is blind"
    choices = (
        f"{blind}, {words.short}{ending}",
        blind + ending,
        blind,
        "blind run" if late else "blind monitor",
    )
    missed = f"{_the_monitor(event)} could not be judged{_window(event, ' for the data from ')}"
    parts: list[str | Steps] = [
        f"{missed}: nothing is known about the model there.",
        words.sentence + (f"\nReason: {event.said}" if event.said else ""),
    ]
    if late and event.newer_run_at is not None:
        parts.append(
            f"Newer runs have been judged, the last of {moment(event.newer_run_at)}. This is for the record."
        )
    parts.append(_facts(event, "Blind since"))
    if event.open_violations and not late:
        parts.append(
            f"At the last run that could be judged, {count(event.open_violations, 'violation')} "
            f"{'was' if event.open_violations == 1 else 'were'} open; that problem "
            "is neither over nor confirmed."
        )
    did = "It told you, and did not count this run as healthy. It changed nothing on the endpoint."
    then = f"You hear again when the reason changes, {_rhythm(event)} while this lasts, and when the monitor sees again."
    parts.append("\n  ".join(["WHAT STATIONKEEPER DID", did, *([] if late else [then])]))
    run = BlindRun(
        event.reason, event.region, event.endpoint, event.schedule, event.cause.job, event.report_uri
    )
    parts.append(steps(*after_blindness(run, words.advice), consoles(event), drift_page(event)))
    return Told(choices, paragraphs(*parts, _policy_problem(event)))


def _recovered(event: MonitorRecovered) -> Told:
    length = lasting(event.run_at - event.since)
    if event.of == "blindness":
        found = count(event.open_violations or 0, "violation") if event.open_violations else "no violations"
        opened = f"{found}{' open' if event.open_violations else ''}"
        choices: tuple[str, ...] = (f"monitor sees again, {opened}", "monitor sees again", "sees again")
        severities = f": {_severities(event.counts)}" if event.open_violations else ""
        first = (
            f"{_the_monitor(event)} can be judged again{_window(event, ': it looked at the data from ')} and found "
            f"{found}{severities}. It had been blind for {length}."
        )
    else:
        choices = (f"recovered after {length}", "recovered")
        first = (
            f"{_looked(event)} and found no violations any more. The problem lasted {length}, "
            f"{count(event.runs, 'run')}."
        )
    if event.muted:
        first += f" {count(event.muted, 'violation')} {'is' if event.muted == 1 else 'are'} there still, but muted."
    parts: list[str | Steps] = [first, _facts(event, "Lasted from")]
    if event.worst:
        worst = list(event.worst)
        parts.append(
            listed("STILL OPEN, WORST FIRST", _lines(worst), (event.open_violations or 0) - len(worst))
        )
    if event.over_count:
        over = event.over[:_OVER_LISTED]
        parts.append(listed("WHAT IS OVER", over, event.over_count - len(over)))
    if event.of == "blindness" and event.open_violations:
        did = "It closed the incident of the blind monitor. What is open stays open, in its own incident."
    else:
        did = "It closed the incident. Nothing is left for you to do."
    parts.append(f"WHAT STATIONKEEPER DID\n  {did}")
    parts.append(steps(drift_page(event), read_report(event), consoles(event), title="TO CHECK IT"))
    body = paragraphs(*parts, _policy_problem(event))
    return Told(choices, body, fine=not event.open_violations)


def _the_monitor(event: MonitorEvent) -> str:
    name = MONITORS.get(event.monitor, "monitor")
    whose = f"endpoint {event.endpoint}" if event.endpoint != event.schedule else f"schedule {event.schedule}"
    return f"The {name} of {whose}"


def _looked(event: MonitorEvent) -> str:
    return f"{_the_monitor(event)} looked at the data{_window(event, ' from ')}"


def _window(event: MonitorEvent, before: str) -> str:
    return f"{before}{period(event.window.start, event.window.end)}" if event.window else ""


def _facts(event: MonitorEvent, since: str) -> str:
    length = event.run_at - event.since
    lasted = f", {lasting(length)} ago" if length > timedelta(0) else ""
    return facts(
        (since, f"{moment(event.since)}{lasted} ({count(event.runs, 'run')})"),
        ("Run", f"{moment(event.run_at)}, job {event.cause.job}"),
        ("Schedule", event.schedule),
        ("On call", event.on_call),
    )


def _lines(violations: list[ReportedViolation]) -> list[str]:
    told = 5 if any(v.status != "ongoing" for v in violations) else 0
    width = min(_NAME_WIDTH, max((len(subject_of(v)) for v in violations), default=0))
    return [
        f"{v.severity.value:<10}{v.status.upper() if told else '':<{told}}{'  ' if told else ''}"
        f"{subject_of(v):<{width}}  {numbers_of(v)}"
        for v in violations
    ]


def _policy_problem(event: MonitorEvent) -> str:
    return (
        f"The severity policy needs you: {plain(event.policy_problem, 500)}." if event.policy_problem else ""
    )
