"""The messages on-call reads: plain text a person woken by it can act on.

Every text from outside has been cleaned when the domain event was made (`alerts.text.plain`), and is quoted where it becomes part
of a command.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from stationkeeper.alerts.phrases import (
    BLIND,
    MONITORS,
    UNKNOWN_BLINDNESS,
    headlines,
    numbers_of,
    subject_of,
)
from stationkeeper.alerts.text import (
    ascii_line,
    clip_bytes,
    count,
    figure,
    lasting,
    moment,
    period,
    plain,
    quoted,
)
from stationkeeper.events.domain import (
    DomainEvent,
    MonitorBlind,
    MonitorRecovered,
    ReportedViolation,
    ViolationsDetected,
)
from stationkeeper.reports.verdict import KEPT
from stationkeeper.severity import Severity

SUBJECT_CHARACTERS = 99  # SNS: under 100
BODY_BYTES = 200_000  # SNS: 256 KiB with attributes
_LISTED = 15
_OVER_LISTED = 20
_FEW_FOLLOWED = (
    f"Only the worst {KEPT:,} are followed one by one: what is new or over among the others is not told."
)
_NAME_WIDTH = 44


@dataclass(frozen=True, slots=True)
class Message:
    """What is delivered: an ASCII subject of one line, a plain-text body, attributes to filter on."""

    subject: str
    body: str
    attributes: dict[str, str]


def message_for(event: DomainEvent, severity_policy_parameter: str) -> Message:
    """The message for a domain event.

    `severity_policy_parameter` is the SSM parameter that the command for muting edits.
    """
    match event:
        case ViolationsDetected():
            headline, body = _violations(event, severity_policy_parameter)
        case MonitorBlind():
            headline, body = _blind(event)
        case MonitorRecovered():
            headline, body = _recovered(event)
        case _:
            raise TypeError(f"no wording for {event.detail_type}")
    fine = isinstance(event, MonitorRecovered) and not event.open_violations
    word = "OK" if fine else event.severity.value.upper()
    subject = ascii_line(f"[{word}] {event.endpoint}: {headline}", SUBJECT_CHARACTERS)
    attributes = {
        "severity": event.severity.value,
        "endpoint": event.endpoint,
        "kind": event.detail_type,
        "incident": event.incident,
        "team": event.on_call,
    }
    return Message(subject, clip_bytes(body + _footer(event), BODY_BYTES), attributes)


def _violations(event: ViolationsDetected, parameter: str) -> tuple[str, str]:
    suffix = _suffix(event)
    muted = f"; {event.muted:,} more muted" if event.muted else ""
    room = SUBJECT_CHARACTERS - len(f"[{event.severity.value}] {event.endpoint}: {suffix}")
    choices = headlines(event.by_check)
    headline = next((choice for choice in choices if len(choice) <= room), choices[-1]) + suffix
    parts = [
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
        parts.append(_list("NEW OR WORSE, WORST FIRST", _lines(fresh), news - len(fresh)))
    if lasting_on:
        title = "KNOWN BEFORE, WORST FIRST" if fresh else "WORST FIRST"
        parts.append(_list(title, _lines(lasting_on), event.total - news - len(lasting_on)))
    if event.over_count:
        over = list(event.over[:_OVER_LISTED])
        parts.append(
            _list("OVER, OR CAME AND WENT, SINCE THE LAST MESSAGE", over, event.over_count - len(over))
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
        _steps(_read_report(event), _consoles(event), _mute(event, (fresh or lasting_on)[:1], parameter))
    )
    return headline, "\n\n".join(filter(None, parts))


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


def _blind(event: MonitorBlind) -> tuple[str, str]:
    words = BLIND.get(event.reason, UNKNOWN_BLINDNESS)
    late = event.newer_run_at is not None and event.severity is Severity.INFO
    ending = " (late news)" if late else " (ongoing)" if event.reminder else ""
    headline = f"{'a run was' if late else 'monitor is'} blind, {words.short}{ending}"
    missed = f"{_the_monitor(event)} could not be judged{_window(event, ' for the data from ')}"
    parts = [
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
    parts.append(_steps(_advice(event, words.advice), _job_log(event), _consoles(event)))
    return headline, "\n\n".join(parts)


def _recovered(event: MonitorRecovered) -> tuple[str, str]:
    length = lasting(event.run_at - event.since)
    if event.of == "blindness":
        found = count(event.open_violations or 0, "violation") if event.open_violations else "no violations"
        headline = f"monitor sees again, {found}{' open' if event.open_violations else ''}"
        severities = f": {_severities(event.counts)}" if event.open_violations else ""
        first = (
            f"{_the_monitor(event)} can be judged again{_window(event, ': it looked at the data from ')} and found "
            f"{found}{severities}. It had been blind for {length}."
        )
    else:
        headline = f"recovered after {length}"
        first = (
            f"{_looked(event)} and found no violations any more. The problem lasted {length}, "
            f"{count(event.runs, 'run')}."
        )
    if event.muted:
        first += f" {count(event.muted, 'violation')} {'is' if event.muted == 1 else 'are'} there still, but muted."
    parts = [first, _facts(event, "Lasted from")]
    if event.worst:
        worst = list(event.worst)
        parts.append(
            _list("STILL OPEN, WORST FIRST", _lines(worst), (event.open_violations or 0) - len(worst))
        )
    if event.over_count:
        over = list(event.over[:_OVER_LISTED])
        parts.append(_list("WHAT IS OVER", over, event.over_count - len(over)))
    if event.of == "blindness" and event.open_violations:
        did = "It closed the incident of the blind monitor. What is open stays open, in its own incident."
    else:
        did = "It closed the incident. Nothing is left for you to do."
    parts.append(f"WHAT STATIONKEEPER DID\n  {did}")
    parts.append(_steps(_read_report(event), _consoles(event), title="TO CHECK IT"))
    return headline, "\n\n".join(parts)


def _the_monitor(event: DomainEvent) -> str:
    name = MONITORS.get(event.monitor, "monitor")
    whose = f"endpoint {event.endpoint}" if event.endpoint != event.schedule else f"schedule {event.schedule}"
    return f"The {name} of {whose}"


def _looked(event: DomainEvent) -> str:
    return f"{_the_monitor(event)} looked at the data{_window(event, ' from ')}"


def _window(event: DomainEvent, before: str) -> str:
    return f"{before}{period(event.window.start, event.window.end)}" if event.window else ""


def _facts(event: DomainEvent, since: str) -> str:
    length = event.run_at - event.since
    lasted = f", {lasting(length)} ago" if length > timedelta(0) else ""
    rows = [
        (since, f"{moment(event.since)}{lasted} ({count(event.runs, 'run')})"),
        ("Run", f"{moment(event.run_at)}, job {event.cause.job}"),
        ("Schedule", event.schedule),
        ("On call", event.on_call),
    ]
    width = max(len(name) for name, _ in rows) + 2
    return "\n".join(f"{name:<{width}}{value}" for name, value in rows)


def _lines(violations: list[ReportedViolation]) -> list[str]:
    told = 5 if any(v.status != "ongoing" for v in violations) else 0
    width = min(_NAME_WIDTH, max((len(subject_of(v)) for v in violations), default=0))
    return [
        f"{v.severity.value:<10}{v.status.upper() if told else '':<{told}}{'  ' if told else ''}"
        f"{subject_of(v):<{width}}  {numbers_of(v)}"
        for v in violations
    ]


def _list(title: str, lines: list[str], more: int) -> str:
    rest = [f"... and {more:,} more"] if more > 0 else []
    return "\n".join([title, *(f"  {line.rstrip()}" for line in [*lines, *rest])])


def _steps(*steps: tuple[str, tuple[str, ...]] | None, title: str = "WHAT TO DO NEXT") -> str:
    lines = [title]
    for number, (what, commands) in enumerate(filter(None, steps), 1):
        lines += [f"  {number}. {what}:", *(f"     {command}" for command in commands)]
    return "\n".join(lines)


def _read_report(event: DomainEvent) -> tuple[str, tuple[str, ...]] | None:
    if event.report_uri is None:
        return None
    return "Read the whole report", (f"aws s3 cp --region {event.region} {quoted(event.report_uri)} -",)


def _consoles(event: DomainEvent) -> tuple[str, tuple[str, ...]]:
    console = f"https://{_console_host(event.region)}/sagemaker/home?region={event.region}#"
    links = [f"{console}/processing-jobs/{event.cause.job}"]
    if event.endpoint != event.schedule:
        links.insert(0, f"{console}/endpoints/{event.endpoint}")
    return "Look at it in the console", tuple(links)


def _console_host(region: str) -> str:
    if region.startswith("cn-"):
        return f"{region}.console.amazonaws.cn"
    if region.startswith("us-gov-"):
        return f"{region}.console.amazonaws-us-gov.com"
    return f"{region}.console.aws.amazon.com"


def _job_log(event: DomainEvent) -> tuple[str, tuple[str, ...]]:
    where = f"--region {event.region} --since 1d --log-stream-name-prefix {quoted(event.cause.job)}"
    return "Read the job's log", (f"aws logs tail /aws/sagemaker/ProcessingJobs {where}",)


def _advice(event: MonitorBlind, advice: str) -> tuple[str, tuple[str, ...]] | None:
    region = event.region
    match event.reason:
        case "no-data" if event.endpoint != event.schedule:
            name = f"--region {region} --endpoint-name {quoted(event.endpoint)}"
            return advice, (
                f"aws sagemaker describe-endpoint {name} --query '[EndpointStatus,DataCaptureConfig]'",
            )
        case "report-missing" | "report-malformed" | "report-contradictory" if event.report_uri:
            folder = event.report_uri.rsplit("/", 1)[0]
            return advice, (f"aws s3 ls --region {region} --recursive {quoted(folder + '/')}",)
        case "report-too-large" if event.report_uri:
            return advice, (f"aws s3 cp --region {region} {quoted(event.report_uri)} report.json",)
        case "report-denied" if event.report_uri:
            return advice, (f"aws s3api head-object --region {region} {_bucket_and_key(event.report_uri)}",)
        case "job-failed" | "job-stopped":
            return None  # the log is the next step anyway
        case _:
            return advice, (
                f"aws sagemaker describe-processing-job --region {region} --processing-job-name {quoted(event.cause.job)}",
            )


def _bucket_and_key(uri: str) -> str:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return f"--bucket {quoted(bucket)} --key {quoted(key)}"


def _mute(
    event: ViolationsDetected, example: list[ReportedViolation], parameter: str
) -> tuple[str, tuple[str, ...]] | None:
    if event.policy_problem:
        history = f"--region {event.region} --name {quoted(parameter)}"
        return "Mend the severity policy; before that no mute takes effect", (
            f"aws ssm get-parameter-history {history} --query 'Parameters[].[Version,Value]' --output text",
        )
    if not example:
        return None
    worst = example[0]
    whole = f" (all of {worst.subject}, not only {worst.qualifier})" if worst.qualifier else ""
    mute = {
        "endpoint": event.endpoint,
        "feature": worst.feature_glob,
        "check": worst.check_glob,
        "until": (event.run_at + timedelta(days=7)).date().isoformat(),
        "reason": "why",
    }
    name = f"--region {event.region} --name {quoted(parameter)}"
    about = f"If you know this and accept it, mute {worst.check} of {worst.subject}{whole} for a week"
    return f"{about} (needs jq; holds within 5 minutes, from the next run on)", (
        f"aws ssm get-parameter {name} --query Parameter.Value --output text \\",
        f"  | jq -nc --argjson mute {quoted(json.dumps(mute))} '(input? // {{}}) | .mutes += [$mute]' > severity-policy.json \\",
        f"  && aws ssm put-parameter {name} --type String --tier Intelligent-Tiering --overwrite \\",
        "  --value file://severity-policy.json",
    )


def _policy_problem(event: DomainEvent) -> str:
    return (
        f"The severity policy needs you: {plain(event.policy_problem, 500)}." if event.policy_problem else ""
    )


def _footer(event: DomainEvent) -> str:
    problem = "" if isinstance(event, ViolationsDetected) else _policy_problem(event)
    return (
        f"\n{problem and f'\n{problem}\n'}\n--\n"
        f"Stationkeeper, account {event.account}, region {event.region}. Incident {event.incident}, "
        f"event {event.cause.event_id}.\n"
    )
