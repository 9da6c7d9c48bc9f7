"""What on-call may do next about a monitor: the commands to paste, every argument quoted for the shell."""

import json
from datetime import timedelta
from typing import NamedTuple

from stationkeeper.alerts.layout import Step, endpoint_page, s3_console, sagemaker_console
from stationkeeper.alerts.text import quoted
from stationkeeper.events.domain import MonitorEvent, ReportedViolation, ViolationsDetected


def drift_page(event: MonitorEvent) -> Step | None:
    if not event.page_uri:
        return None
    return Step(
        "See it drawn: what broke beside the baseline, and the last runs (there within a minute or two)",
        (
            s3_console(event.page_uri, event.region),
            f"aws s3 cp --region {event.region} {quoted(event.page_uri)} drift.html",
        ),
    )


def read_report(event: MonitorEvent) -> Step | None:
    if event.report_uri is None:
        return None
    return Step("Read the whole report", (f"aws s3 cp --region {event.region} {quoted(event.report_uri)} -",))


def consoles(event: MonitorEvent) -> Step:
    links = [f"{sagemaker_console(event.region)}/processing-jobs/{event.cause.job}"]
    if event.endpoint != event.schedule:
        links.insert(0, endpoint_page(event))
    return Step("Look at it in the console", tuple(links))


class BlindRun(NamedTuple):
    """What the steps after a run that could not be judged are made of; `report_uri` is None where there is no report."""

    reason: str
    region: str
    endpoint: str
    schedule: str
    job: str
    report_uri: str | None


def after_blindness(run: BlindRun, advice: str) -> tuple[Step, ...]:
    """What to look at first, then the job's log."""
    steps = (_advised(run, advice), _job_log(run))
    return tuple(step for step in steps if step is not None)


def _job_log(run: BlindRun) -> Step:
    where = f"--region {run.region} --since 1d --log-stream-name-prefix {quoted(run.job)}"
    return Step("Read the job's log", (f"aws logs tail /aws/sagemaker/ProcessingJobs {where}",))


def _advised(run: BlindRun, advice: str) -> Step | None:
    region = run.region
    match run.reason:
        case "no-data" if run.endpoint != run.schedule:
            name = f"--region {region} --endpoint-name {quoted(run.endpoint)}"
            query = "--query '[EndpointStatus,DataCaptureConfig]'"
            return Step(advice, (f"aws sagemaker describe-endpoint {name} {query}",))
        case "report-missing" | "report-malformed" | "report-contradictory" if run.report_uri:
            folder = run.report_uri.rsplit("/", 1)[0]
            return Step(advice, (f"aws s3 ls --region {region} --recursive {quoted(folder + '/')}",))
        case "report-too-large" if run.report_uri:
            return Step(advice, (f"aws s3 cp --region {region} {quoted(run.report_uri)} report.json",))
        case "report-denied" if run.report_uri:
            where = _bucket_and_key(run.report_uri)
            return Step(advice, (f"aws s3api head-object --region {region} {where}",))
        case "job-failed" | "job-stopped":
            return None  # the log is the next step anyway
        case _:
            job = f"--region {region} --processing-job-name {quoted(run.job)}"
            return Step(advice, (f"aws sagemaker describe-processing-job {job}",))


def _bucket_and_key(uri: str) -> str:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return f"--bucket {quoted(bucket)} --key {quoted(key)}"


def mute(event: ViolationsDetected, example: list[ReportedViolation], parameter: str) -> Step | None:
    if event.policy_problem:
        history = f"--region {event.region} --name {quoted(parameter)}"
        return Step(
            "Mend the severity policy; before that no mute takes effect",
            (
                f"aws ssm get-parameter-history {history} --query 'Parameters[].[Version,Value]' --output text",
            ),
        )
    if not example:
        return None
    worst = example[0]
    whole = f" (all of {worst.subject}, not only {worst.qualifier})" if worst.qualifier else ""
    entry = {
        "endpoint": event.endpoint,
        "feature": worst.feature_glob,
        "check": worst.check_glob,
        "until": (event.run_at + timedelta(days=7)).date().isoformat(),
        "reason": "why",
    }
    name = f"--region {event.region} --name {quoted(parameter)}"
    about = f"If you know this and accept it, mute {worst.check} of {worst.subject}{whole} for a week"
    lines = (
        f"aws ssm get-parameter {name} --query Parameter.Value --output text \\",
        f"  | jq -nc --argjson mute {quoted(json.dumps(entry))} '(input? // {{}}) | .mutes += [$mute]' > severity-policy.json \\",
        f"  && aws ssm put-parameter {name} --type String --tier Intelligent-Tiering --overwrite \\",
        "  --value file://severity-policy.json",
    )
    return Step(f"{about} (needs jq; holds within 5 minutes, from the next run on)", lines)
