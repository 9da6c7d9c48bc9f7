"""What is told of jobs and pipeline executions that ended: failed, stopped, or done."""

from stationkeeper.alerts.cleaning import cleaned
from stationkeeper.alerts.job_phrases import (
    PURPOSES,
    PurposeWords,
    after,
    job_words,
    kind_of,
    ran_for,
    version_number,
    whose,
)
from stationkeeper.alerts.job_steps import (
    described,
    execution_retried,
    failed_trainings,
    job_log,
    job_page,
    step_log,
    stoppers,
)
from stationkeeper.alerts.layout import Told, facts, first_of, listed, paragraphs, steps
from stationkeeper.alerts.release_phrases import beginning, sentence, version_of_group
from stationkeeper.alerts.release_steps import judged, listed_versions, tagged
from stationkeeper.alerts.retraining_phrases import because_of
from stationkeeper.alerts.text import figure, moment, plain
from stationkeeper.events.job_events import JobEvent, JobFailed, JobStopped, JobSucceeded

_LISTED = 15
_METRIC_CHARACTERS = 60
_RETRAINING = "retraining"
_UNREGISTERED = "register"


def told(event: JobEvent) -> Told:
    """What is said of an event about a job."""
    match cleaned(event):
        case JobFailed() as failed:
            words = _failed(failed)
        case JobStopped() as stopped:
            words = _stopped(stopped)
        case JobSucceeded() as succeeded:
            words = _succeeded(succeeded)
        case _:
            raise TypeError(f"no wording for {event.detail_type}")
    return words._replace(about=event.job or "a job")


def _failed(event: JobFailed) -> Told:
    purpose = PURPOSES.get(event.purpose)
    again = "It may well succeed if it is simply started again." if event.passing else ""
    body = paragraphs(
        _what_failed(event, purpose),
        "\n".join(
            filter(
                None,
                (
                    f"Reason: {event.reason or 'none was given.'}",
                    f"Likely: {beginning(sentence(event.hint))}" if event.hint else "",
                    f"Its step {event.step.name} says: {event.step.reason}"
                    if event.step and event.step.reason and event.step.reason != event.reason
                    else "",
                ),
            )
        ),
        _because(event),
        _facts(event, "Ended" if event.code == _UNREGISTERED else "Failed"),
        listed("WHAT STATIONKEEPER DID", _after_failure(event, purpose)),
        steps(
            step_log(event, event.step) if event.step else None,
            job_log(event),
            described(event),
            failed_trainings(event),
            listed_versions(event, "List the versions of the group")
            if event.code == _UNREGISTERED and event.group
            else None,
            tagged(event, purpose.mend, purpose.tags)
            if purpose and purpose.tags and event.group_arn
            else None,
            job_page(event),
            execution_retried(event, event.job_arn, _retry_words(event)) if _may_go_on(event) else None,
            lead=again,
        ),
    )
    return Told(_failed_headlines(event, purpose), body)


def _because(event: JobEvent) -> str:
    if event.retrained is None:
        return ""
    itself = event.purpose == _RETRAINING
    return because_of(
        event.retrained, event, "The retraining" if itself else "It is part of a retraining that"
    )


def _may_go_on(event: JobFailed) -> bool:
    return event.kind == "pipeline" and event.code != _UNREGISTERED


def _retry_words(event: JobFailed) -> str:
    when = "Let it go on" if event.passing else "When the cause is gone, let it go on"
    return f"{when} from where it failed; what ended well is not run again"


def _what_failed(event: JobFailed, purpose: PurposeWords | None) -> str:
    which = version_of_group(event) if event.version is not None else f"group {event.group}"
    if purpose is not None:
        where = f"Endpoint {event.endpoint}" if event.endpoint else "Its endpoint"
        return f"The job that was to {purpose.was_to} {which} failed. {where} {purpose.lacking}."
    if event.code == _UNREGISTERED:
        group = f"a version of {event.group}" if event.group else "a version"
        return f"The {job_words(event)} ended well{after(event)}, but its model could NOT be registered as {group}."
    step = f" at its step {event.step.name}" if event.step else ""
    belongs = f" It belongs to {whose(event)}." if whose(event) else ""
    if event.purpose == _RETRAINING:
        where = f" on endpoint {event.endpoint}" if event.endpoint else ""
        return (
            f"Retraining{f' of {event.group}' if event.group else ''} failed{step}{after(event)}: the {job_words(event)} brought "
            f"no new version. The live version{where} goes on serving, and drifting."
        )
    was_for = f" It was for {sentence(event.purpose)}" if event.purpose else ""
    return f"The {job_words(event)} failed{step}{after(event)}.{belongs}{was_for}"


def _after_failure(event: JobFailed, purpose: PurposeWords | None) -> list[str]:
    if purpose is not None:
        return ["It told you. The endpoint serves as before.", purpose.again]
    if event.code == _UNREGISTERED:
        return ["It told you. Nothing that serves has changed, and what the job wrote is kept."]
    if event.purpose == _RETRAINING:
        return [
            "It told you. It changed nothing on the endpoint, which serves as before.",
            "It does not start this execution again; it may start a new one when drift is told again, after the cool-down.",
        ]
    return ["It told you. It changed nothing, and does not start it again."]


def _failed_headlines(event: JobFailed, purpose: PurposeWords | None) -> tuple[str, ...]:
    if purpose is not None:
        return purpose.headlines
    kind = kind_of(event).name
    named = f"{kind} {event.job}" if event.endpoint else kind
    if event.code == _UNREGISTERED:
        return (
            f"{named} done, but its model is not registered",
            "model trained, but not registered",
            "model not registered",
            "unregistered",
        )
    step = f" at step {event.step.name}" if event.step else ""
    if event.purpose == _RETRAINING:
        return (
            f"retraining failed{step}{after(event)}",
            f"retraining failed{step}",
            "retraining failed",
            "job failed",
        )
    return (
        f"{named} failed{step}{after(event)}",
        f"{named} failed{step}",
        f"{named} failed",
        f"{kind} failed{step}",
        f"{kind} failed",
        "job failed",
    )


def _facts(event: JobEvent, ended: str) -> str:
    failed = event if isinstance(event, JobFailed) else None
    step = failed.step if failed else None
    pipeline = event.kind == "pipeline"
    kind_of_error = failed.code if failed and failed.code != _UNREGISTERED else ""
    exit_code = failed.exit_code if failed else None
    return facts(
        (ended, moment(event.ended_at or event.at)),
        ("Ran for", ran_for(event)),
        ("Pipeline" if pipeline else "Job", event.job),
        ("Execution", event.job_arn if pipeline else ""),
        ("Step", f"{step.name} ({step.kind})" if step and step.kind else step.name if step else ""),
        ("Step's job", step.job_arn.rpartition("/")[2] if step else ""),
        ("Error", kind_of_error),
        ("Exit code", str(exit_code) if exit_code is not None else ""),
        ("Group", event.group),
        ("On call", event.on_call),
    )


def _stopped(event: JobStopped) -> Told:
    kind = kind_of(event).name
    retraining = event.purpose == _RETRAINING
    serves = " The live version goes on serving, and drifting." if retraining else ""
    belongs = f" It belongs to {whose(event)}." if whose(event) and not retraining else ""
    body = paragraphs(
        f"The {job_words(event)} was stopped{after(event)}: by somebody, or by a limit.{belongs}{serves}",
        f"Reason: {event.reason}" if event.reason else "",
        _because(event),
        _facts(event, "Stopped"),
        listed("WHAT STATIONKEEPER DID", ["It told you. It changed nothing, and does not start it again."]),
        steps(job_log(event), described(event), stoppers(event), job_page(event)),
    )
    named = "retraining" if retraining else f"{kind} {event.job}" if event.endpoint else kind
    return Told(
        (
            f"{named} stopped{after(event)}",
            f"{named} stopped",
            f"{kind} stopped{after(event)}",
            f"{kind} stopped",
            "job stopped",
        ),
        body,
    )


def _succeeded(event: JobSucceeded) -> Told:
    kind = kind_of(event).name
    retraining = event.purpose == _RETRAINING or event.retrained is not None
    numbers = [version_number(arn) for arn in event.registered]
    known = [number for number in numbers if number is not None]
    came = _came_out(event, known)
    did = ["It told you. It changed nothing that serves."]
    if event.registered:
        did.append("It releases nothing before somebody approves it.")
    first = event.registered[0] if event.registered else None
    which = f"version {known[0]}" if known and numbers[0] is not None else "it"
    body = paragraphs(
        f"The {job_words(event)} ended well{after(event)}. {came}",
        _because(event),
        _facts(event, "Ended"),
        first_of("REGISTERED", event.registered, _LISTED),
        first_of("METRICS", _metrics(event), _LISTED),
        listed("WHAT STATIONKEEPER DID", did),
        steps(
            judged(event, f"Approve {which}", first, "Approved"),
            judged(event, "Or reject it; the live version goes on serving", first, "Rejected"),
            listed_versions(event, "List the versions of the group") if event.group else None,
            described(event),
            job_page(event),
        ),
    )
    named = "retraining" if retraining else f"{kind} {event.job}" if event.endpoint else kind
    versions = _versions(known)
    long = (f"{named} done{after(event)}, {versions}", f"{named} done, {versions}") if versions else ()
    done = (f"{named} done{after(event)}", f"{named} done", f"{kind} done")
    return Told((*long, *done, "job done"), body, fine=True)


def _versions(numbers: list[int]) -> str:
    if not numbers:
        return ""
    if len(numbers) > 1:
        return f"{len(numbers)} versions registered"
    return f"version {numbers[0]} registered"


def _came_out(event: JobSucceeded, numbers: list[int]) -> str:
    if not event.registered:
        return "It registered no version."
    of = f" of {event.group}" if event.group else ""
    if len(event.registered) > 1:
        return f"It brought {len(event.registered)} versions{of}, which wait for approval."
    which = f"Version {numbers[0]}" if numbers else "A version"
    return f"{which}{of} came out of it and waits for approval."


def _metrics(event: JobSucceeded) -> tuple[str, ...]:
    names = [plain(name, _METRIC_CHARACTERS) for name, _ in event.metrics]
    width = max(map(len, names), default=0)
    return tuple(
        f"{name:<{width}}  {figure(value)}" for name, (_, value) in zip(names, event.metrics, strict=True)
    )
