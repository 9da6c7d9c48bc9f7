"""What is told of retraining: a pipeline was started because of drift, or was not, and why."""

from stationkeeper.alerts.cleaning import cleaned
from stationkeeper.alerts.job_steps import execution_described, execution_stopped, steps_listed, studio
from stationkeeper.alerts.layout import Told, facts, first_of, listed, paragraphs, steps
from stationkeeper.alerts.release_phrases import beginning, sentence, version_words
from stationkeeper.alerts.retraining_phrases import found
from stationkeeper.alerts.skip_wording import skipped
from stationkeeper.alerts.text import moment, plain
from stationkeeper.events.retraining_events import (
    PassedParameter,
    RetrainingEvent,
    RetrainingSkipped,
    RetrainingStarted,
)

_LISTED = 15
_PARAMETERS = 30
_NAME_CHARACTERS = 60
_VALUE_CHARACTERS = 120
_WHY_CHARACTERS = 200


def told(event: RetrainingEvent) -> Told:
    """What is said of an event about retraining."""
    match cleaned(event):
        case RetrainingStarted() as started:
            words = _started(started)
        case RetrainingSkipped() as skip:
            words = skipped(skip)
        case _:
            raise TypeError(f"no wording for {event.detail_type}")
    return words._replace(about=event.group or event.schedule)


def _started(event: RetrainingStarted) -> Told:
    serving = version_words(event.serving) if event.serving is not None else "what serves now"
    drift = event.drift or "constraints were violated"
    body = paragraphs(
        f"Retraining of {event.group} has started: an execution of pipeline {event.pipeline} runs, because of drift on "
        f"endpoint {event.endpoint}: {sentence(drift)} {beginning(serving)} serves meanwhile.",
        facts(
            ("Drift", f"{found(event.drift, event.drift_severity)}, since {moment(event.drift_since)}"),
            ("Found by", event.schedule),
            ("Started", moment(event.at)),
            ("Pipeline", event.pipeline),
            ("Execution", event.execution_arn),
            ("Not again", f"before {moment(event.not_again_before)}" if event.not_again_before else ""),
            ("On call", event.on_call),
        ),
        first_of("PARAMETERS IT WAS STARTED WITH", tuple(map(_parameter, event.parameters)), _PARAMETERS)
        or "It was started with the pipeline's own defaults for every parameter.",
        first_of("WORTH KNOWING", event.notes, _LISTED),
        listed(
            "WHAT STATIONKEEPER DID",
            [
                "It started the execution, once. It changed nothing on the endpoint.",
                f"You hear of the new version, which will wait for approval, or of a failure, in this thread: #{event.incident}.",
            ],
        ),
        steps(
            steps_listed(event, event.execution_arn, "Watch its steps"),
            execution_described(event, event.execution_arn, "See how it is doing as a whole"),
            studio(event),
            execution_stopped(event, event.execution_arn, "To stop it; what serves stays as it is"),
            title="TO WATCH IT, OR TO STOP IT",
        ),
    )
    choices = (
        f"retraining started, {drift}",
        f"retraining started, {drift.partition(' (')[0]}",
        f"retraining with {event.pipeline}",
        "retraining started",
        "retraining",
    )
    return Told(choices, body)


def _parameter(parameter: PassedParameter) -> str:
    why = f"  ({plain(parameter.why, _WHY_CHARACTERS)})" if parameter.why else ""
    return f"{plain(parameter.name, _NAME_CHARACTERS)} = {plain(parameter.value, _VALUE_CHARACTERS)}{why}"
