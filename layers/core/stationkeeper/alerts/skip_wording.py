"""What is told of drift that started no retraining, by the code of what stood in its way.

The event says why and what to advise; here is what each code is called in a subject, and the commands that fit it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from stationkeeper.alerts.commands import aws
from stationkeeper.alerts.job_steps import execution_stopped, steps_listed, studio
from stationkeeper.alerts.layout import Step, Told, facts, listed, paragraphs, steps
from stationkeeper.alerts.release_phrases import beginning, sentence, short_version, version_words
from stationkeeper.alerts.release_steps import approved, described_version, listed_versions, rejected, tagged
from stationkeeper.alerts.retraining_phrases import found
from stationkeeper.alerts.text import moment, quoted
from stationkeeper.events.retraining_events import RetrainingSkipped

type _Next = Callable[[RetrainingSkipped], Step | None]


@dataclass(frozen=True, slots=True)
class SkipWords:
    """What stood in the way: in a subject, the longest form first, and the next steps.

    `{version}` in a headline becomes `version 9`, `{v}` becomes `v9`, `{until}` a moment. The last form fits beside the
    longest endpoint.
    """

    headlines: tuple[str, ...]
    steps: tuple[_Next, ...]


def skipped(event: RetrainingSkipped) -> Told:
    words = SKIPS.get(event.code, UNKNOWN_SKIP)
    serving = f" {beginning(version_words(event.serving))} serves on." if event.serving is not None else ""
    again = "It decides anew when the drift is told again."
    if event.until is not None:
        again = f"It decides anew when the drift is told again after {moment(event.until)}."
    body = paragraphs(
        "\n".join(
            filter(
                None,
                (
                    f"Endpoint {event.endpoint} drifts, and no retraining of {event.group} was started.{serving}",
                    f"Why: {beginning(sentence(event.why))}" if event.why else "",
                ),
            )
        ),
        facts(
            ("Drift", f"{found(event.drift, event.drift_severity)}, since {moment(event.drift_since)}"),
            ("Found by", event.schedule),
            ("Decided", moment(event.at)),
            ("Pipeline", event.pipeline),
            ("Execution", event.execution_arn),
            ("Waits", version_words(event.version) if event.version is not None else ""),
            ("Not before", moment(event.until) if event.until is not None else ""),
            ("On call", event.on_call),
        ),
        listed("WHAT STATIONKEEPER DID", ["It started nothing and changed nothing, and told you.", again]),
        steps(*(step(event) for step in words.steps), lead=sentence(event.advice)),
    )
    return Told(tuple(_filled(form, event) for form in _choices(words, event)), body)


def _choices(words: SkipWords, event: RetrainingSkipped) -> tuple[str, ...]:
    """The forms whose blanks can be filled."""
    return tuple(form for form in words.headlines if "{until}" not in form or event.until is not None)


def _filled(form: str, event: RetrainingSkipped) -> str:
    return (
        form.replace("{version}", version_words(event.version) if event.version is not None else "a version")
        .replace("{v}", short_version(event.version))
        .replace("{until}", moment(event.until) if event.until is not None else "")
    )


def _steps_of_execution(event: RetrainingSkipped) -> Step | None:
    return steps_listed(event, event.execution_arn, "See how far that execution is")


def _stop_execution(event: RetrainingSkipped) -> Step | None:
    return execution_stopped(event, event.execution_arn, "If it hangs, or trains on what drifted, stop it")


def _executions(event: RetrainingSkipped) -> Step | None:
    name = _pipeline_name(event)
    if not name:
        return None
    query = "'PipelineExecutionSummaries[].[StartTime,PipelineExecutionStatus,PipelineExecutionArn]'"
    options = f"--pipeline-name {quoted(name)} --max-items 10 --query {query} --output table"
    return Step(
        "List the newest executions of the pipeline",
        (aws(event, "sagemaker list-pipeline-executions", options),),
    )


def _described(event: RetrainingSkipped) -> Step | None:
    name = _pipeline_name(event)
    if not name:
        return None
    options = f"--pipeline-name {quoted(name)} --query PipelineDefinition --output text"
    return Step(
        "See which parameters the pipeline declares", (aws(event, "sagemaker describe-pipeline", options),)
    )


def _by_hand(event: RetrainingSkipped) -> Step | None:
    name = _pipeline_name(event)
    if not name:
        return None
    command = aws(event, "sagemaker start-pipeline-execution", f"--pipeline-name {quoted(name)}")
    return Step("To retrain all the same, start it by hand, with the parameters it needs", (command,))


def _pipeline_name(event: RetrainingSkipped) -> str:
    """How a command names the pipeline: one of another account is only known by its ARN."""
    ours = not event.pipeline_arn or f":{event.account}:" in event.pipeline_arn
    return event.pipeline if ours and event.pipeline else event.pipeline_arn


def _pipelines(event: RetrainingSkipped) -> Step:
    query = "--max-items 50 --query 'PipelineSummaries[].PipelineName' --output text"
    return Step("List the pipelines there are", (aws(event, "sagemaker list-pipelines", query),))


def _tag_pipeline(event: RetrainingSkipped) -> Step | None:
    return tagged(
        event, "Tag the group with the one that retrains it", {"retraining-pipeline": "your-pipeline"}
    )


def _tag_parameter(event: RetrainingSkipped) -> Step | None:
    tags = {"retraining-parameter/YourParameter": "its-value"}
    return tagged(event, "Give the parameter its value by a tag on the group", tags)


def _tag_cool_down(event: RetrainingSkipped) -> Step | None:
    return tagged(
        event,
        "To wait less after a retraining, tag the group with hours",
        {"retraining-cool-down-hours": "12"},
    )


def _tags(event: RetrainingSkipped) -> Step:
    resource = f"--resource-arn {quoted(event.group_arn)}"
    return Step("See the tags of the group", (aws(event, "sagemaker list-tags", resource),))


def _waiting(event: RetrainingSkipped) -> Step | None:
    return described_version(event, f"See all that was registered with {version_words(event.version)}")


def _waiting_listed(event: RetrainingSkipped) -> Step:
    return listed_versions(event, "List what waits", status="PendingManualApproval")


def _approve(event: RetrainingSkipped) -> Step | None:
    where = f"Stationkeeper then releases it to {event.endpoint}"
    return approved(event, f"Approve it: {where}, unless a higher version is approved already")


def _reject(event: RetrainingSkipped) -> Step | None:
    return rejected(event, "Or reject it; the next message of this drift may then start a retraining")


def _studio(event: RetrainingSkipped) -> Step:
    return studio(event)


SKIPS: dict[str, SkipWords] = {
    "running": SkipWords(
        ("no retraining started, one runs already", "retraining runs already", "runs already"),
        (_steps_of_execution, _executions, _studio, _stop_execution),
    ),
    "waiting-for-approval": SkipWords(
        (
            "no retraining, {version} waits for approval",
            "{version} waits for approval",
            "approve {v}?",
            "approve it?",
        ),
        (_waiting, _approve, _reject, _waiting_listed),
    ),
    "cool-down": SkipWords(
        ("no retraining before {until}", "no retraining yet, cool-down", "cool-down"),
        (_executions, _by_hand, _tag_cool_down),
    ),
    "no-pipeline": SkipWords(
        ("no retraining, its pipeline does not exist", "retraining pipeline is gone", "no pipeline"),
        (_pipelines, _tag_pipeline),
    ),
    "missing-parameter": SkipWords(
        ("no retraining, a parameter has no value", "a parameter has no value", "no parameter"),
        (_described, _tag_parameter, _by_hand),
    ),
    "refused": SkipWords(
        ("no retraining, AWS refused to start it", "retraining was refused", "AWS refused"),
        (_described, _executions, _by_hand),
    ),
    "unreadable-tags": SkipWords(
        ("no retraining, the group's tags are not usable", "tags are not usable", "tags unusable"),
        (_tags, _tag_pipeline),
    ),
}
UNKNOWN_SKIP = SkipWords(
    ("drift, but no retraining was started", "no retraining"), (_executions, _waiting_listed, _tags)
)
