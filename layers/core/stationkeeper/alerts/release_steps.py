"""What on-call may do next about a release: the commands to paste, every argument quoted for the shell."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from stationkeeper.alerts.layout import Step, console, endpoint_page
from stationkeeper.alerts.text import quoted
from stationkeeper.events.release_events import ReleaseEvent

TAG_PREFIX = "stationkeeper:"  # of releases.settings, which messages do not need to load
_ALARMS_LOOKED_AT = 2
YOUR_REASON = "your reason"
"""What a command says where a person should: it is kept with the version, and told with its release."""


def aws(event: ReleaseEvent, call: str, *options: str) -> str:
    """One command; its options are quoted where they hold text from outside."""
    return " ".join((f"aws {call} --region {quoted(event.region)}", *options))


def watched(event: ReleaseEvent, what: str = "Watch it") -> Step:
    """Status, config and failure reason of the endpoint."""
    named = f"--endpoint-name {quoted(event.endpoint)}"
    query = "--query '[EndpointStatus,EndpointConfigName,FailureReason]'"
    return Step(what, (aws(event, "sagemaker describe-endpoint", named, query),))


def in_console(event: ReleaseEvent) -> Step:
    return Step("Look at it in the console, with its metrics", (endpoint_page(event),))


def instances_log(event: ReleaseEvent, what: str, since: datetime) -> Step:
    """What the endpoint's containers wrote; `since` is said in full, so that it holds whenever it is pasted."""
    group = quoted(f"/aws/sagemaker/Endpoints/{event.endpoint}")
    return Step(what, (aws(event, f"logs tail {group}", f"--since {_utc(since)}"),))


def job_log(event: ReleaseEvent, job: str) -> Step:
    where = f"--since 1d --log-stream-name-prefix {quoted(job)}"
    return Step("Read the job's log", (aws(event, "logs tail /aws/sagemaker/ProcessingJobs", where),))


def job_described(event: ReleaseEvent, job: str) -> Step:
    named = f"--processing-job-name {quoted(job)}"
    query = "--query '[ProcessingJobStatus,FailureReason,ExitMessage,ProcessingInputs]'"
    return Step(
        "See what it was given and how it ended",
        (aws(event, "sagemaker describe-processing-job", named, query),),
    )


def alarms_explained(event: ReleaseEvent, alarms: Iterable[str], since: datetime) -> Step | None:
    """When alarms went red. Without both types named, composite alarms have no history."""
    names = list(alarms)[:_ALARMS_LOOKED_AT]
    if not names:
        return None
    query = "--query 'AlarmHistoryItems[].[Timestamp,HistorySummary]' --output text"
    kind = (
        f"--alarm-types MetricAlarm CompositeAlarm --history-item-type StateUpdate --start-date {_utc(since)}"
    )
    lines = []
    for name in names:
        named = f"--alarm-name {quoted(name)}"
        lines += [aws(event, "cloudwatch describe-alarm-history", named, "\\"), f"  {kind} \\", f"  {query}"]
    page = f"{console(event.region)}/cloudwatch/home?region={event.region}#alarmsV2:alarm"
    lines += [f"{page}/{quote(name, safe='')}" for name in names]
    return Step(
        f"See when the alarm{'' if len(names) == 1 else 's'} went red; how far, in the console", tuple(lines)
    )


def listed_versions(event: ReleaseEvent, what: str, status: str = "") -> Step:
    """The newest versions of the group, with their approval and ARN."""
    # A group of another account is only known by its ARN.
    name = event.group if f":{event.account}:" in event.group_arn else event.group_arn
    only = f"--model-approval-status {status}" if status else ""
    query = "'ModelPackageSummaryList[].[ModelPackageVersion,ModelApprovalStatus,ModelPackageArn]'"
    options = (
        f"--model-package-group-name {quoted(name)}",
        only,
        f"--max-items 20 --query {query} --output table",
    )
    return Step(what, (aws(event, "sagemaker list-model-packages", *filter(None, options)),))


def described_version(event: ReleaseEvent, what: str) -> Step | None:
    if event.package_arn is None:
        return None
    named = f"--model-package-name {quoted(event.package_arn)}"
    return Step(what, (aws(event, "sagemaker describe-model-package", named),))


def approved(
    event: ReleaseEvent, what: str, arn: str | None = None, reason: str = YOUR_REASON
) -> Step | None:
    return _judged(event, what, arn or event.package_arn, "Approved", reason)


def rejected(
    event: ReleaseEvent, what: str, arn: str | None = None, reason: str = YOUR_REASON
) -> Step | None:
    return _judged(event, what, arn or event.package_arn, "Rejected", reason)


def arn_of(event: ReleaseEvent, version: int | None) -> str | None:
    """The ARN of another version of the event's group; None when it cannot be told."""
    group, _, number = (event.package_arn or "").rpartition("/")
    return f"{group}/{version}" if version is not None and number == str(event.version) else None


def tagged(event: ReleaseEvent, what: str, tags: Mapping[str, str], group_arn: str = "") -> Step:
    """Tags to put on the event's group, or another one; their names without the prefix."""
    pairs = (quoted(f"Key={TAG_PREFIX}{name},Value={value}") for name, value in tags.items())
    resource = f"--resource-arn {quoted(group_arn or event.group_arn)}"
    return Step(what, (aws(event, "sagemaker add-tags", resource, "--tags", *pairs),))


def _judged(event: ReleaseEvent, what: str, arn: str | None, status: str, reason: str) -> Step | None:
    if arn is None:
        return None
    return Step(
        what,
        (
            aws(event, "sagemaker update-model-package", "\\"),
            f"  --model-package-arn {quoted(arn)} \\",
            f"  --model-approval-status {status} --approval-description {quoted(reason)}",
        ),
    )


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
