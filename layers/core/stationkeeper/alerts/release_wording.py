"""What is told of releases: a version is brought into service, stays there or does not.

A version that waits is worded in `approval_wording`, what cannot be released in `block_wording`.
"""

from stationkeeper.alerts.approval_wording import approval_requested
from stationkeeper.alerts.block_wording import blocked
from stationkeeper.alerts.cleaning import cleaned
from stationkeeper.alerts.endpoint_steps import alarms_explained, in_console, instances_log, watched
from stationkeeper.alerts.layout import Told, facts, first_of, listed, paragraphs, steps
from stationkeeper.alerts.release_phrases import (
    beginning,
    by_whom,
    sentence,
    serving_words,
    short_version,
    version_of_group,
    version_words,
)
from stationkeeper.alerts.release_steps import (
    approved,
    listed_versions,
    rejected,
)
from stationkeeper.alerts.text import lasting, moment
from stationkeeper.events.release_events import (
    ApprovalRequested,
    ReleaseBlocked,
    ReleaseEvent,
    ReleaseRolledBack,
    ReleaseStarted,
    ReleaseSucceeded,
)
from stationkeeper.severity import Severity

_LISTED = 15


def told(event: ReleaseEvent) -> Told:
    """What is said of a release's event."""
    match cleaned(event):
        case ReleaseStarted() as started:
            return _started(started)
        case ReleaseSucceeded() as succeeded:
            return _succeeded(succeeded)
        case ReleaseRolledBack() as rolled_back:
            return _rolled_back(rolled_back)
        case ReleaseBlocked() as stuck:
            return blocked(stuck)
        case ApprovalRequested() as requested:
            return approval_requested(requested)
        case _:
            raise TypeError(f"no wording for {event.detail_type}")


def _started(event: ReleaseStarted) -> Told:
    version, short = version_words(event.version), short_version(event.version)
    which = version_of_group(event)
    if event.creating:
        first = f"The endpoint {event.endpoint} is being created with {which}; that takes about ten minutes."
        choices = [f"creating the endpoint with {version}"]
    else:
        before = version_words(event.replaces) if event.replaces is not None else "a model of another origin"
        first = f"{beginning(which)} is being released to endpoint {event.endpoint}, in place of {before}, which serves meanwhile."
        choices = [f"releasing {version}, replacing {event.replaces}"] if event.replaces is not None else []
    unguarded = not (event.alarms or event.creating)
    did = [f"It asked SageMaker to {'create' if event.creating else 'update'} the endpoint."]
    did.append(
        f"You hear again when {version} is in service{'' if event.creating else ' or rolled back'}, or when it needs you."
    )
    note = f'"{event.approval_note}"' if event.approval_note else ""
    body = paragraphs(
        first + (f"\nWhy: {sentence(event.why)}" if event.why else ""),
        facts(
            ("Started", moment(event.at)),
            ("Approved", ": ".join(filter(None, (by_whom(event.approved_by), note)))),
            ("How" if event.creating else "Traffic", event.traffic),
            ("On call", event.on_call),
        ),
        "No alarm guards it: SageMaker rolls it back only when its instances do not start. Watch it."
        if unguarded
        else first_of(_alarms_title(event), event.alarms, _LISTED),
        first_of("WORTH KNOWING", event.notes, _LISTED),
        listed("WHAT STATIONKEEPER DID", did),
        steps(
            watched(event),
            in_console(event),
            rejected(event, _how_to_stop(event), reason="stopped during its release"),
            title="TO WATCH IT, OR TO STOP IT",
        ),
    )
    return Told(
        (*choices, f"releasing {version}", f"releasing {short}", f"{short} starts", "releasing"), body
    )


def _alarms_title(event: ReleaseStarted) -> str:
    if event.creating:
        return "ALARMS THAT WATCH IT"
    if len(event.alarms) == 1:
        return "SAGEMAKER ROLLS IT BACK WHEN THIS ALARM GOES RED"
    return "SAGEMAKER ROLLS IT BACK WHEN ONE OF THESE ALARMS GOES RED"


def _how_to_stop(event: ReleaseStarted) -> str:
    version = version_words(event.version)
    busy = "makes the endpoint" if event.creating else "finishes this update"
    return f"To stop it, reject {version}. SageMaker {busy} first, then {_what_takes_over(event.version, event.replaces)}"


def _what_takes_over(version: int | None, before: int | None) -> str:
    """What happens when a version in service is rejected."""
    if before is not None and version is not None and before < version:
        return f"the next highest approved version takes over ({before}, if it still is approved)"
    return f"the next highest approved version takes over; {version_words(version)} stays if there is none"


def _succeeded(event: ReleaseSucceeded) -> Told:
    version, short = version_words(event.version), short_version(event.version)
    length = lasting(event.at - event.started_at)
    instead = f", in place of version {event.replaced}" if event.replaced is not None else ""
    did = ["It checked that the endpoint runs the config that was asked for."]
    if event.kept_until:
        whose = f"of version {event.replaced}" if event.replaced is not None else "that it replaced"
        did.append(f"It keeps the config and the model {whose} until {moment(event.kept_until)}.")
    if event.later:
        did.append("It finishes by itself what is still to come.")
    if not event.notes:
        did.append("Nothing is left for you to do.")
    body = paragraphs(
        f"{beginning(version_of_group(event))} is in service on endpoint {event.endpoint}{instead}. The release took {length}.",
        facts(
            ("In service", moment(event.at)),
            ("Started", moment(event.started_at)),
            ("Approved", by_whom(event.approved_by)),
            ("On call", event.on_call),
        ),
        first_of("IT HAS", event.has, _LISTED),
        first_of("MISSING, OR NOT AS ASKED FOR", event.notes, _LISTED),
        first_of("STILL TO COME", event.later, _LISTED),
        listed("WHAT STATIONKEEPER DID", did),
        steps(
            watched(event, "See that it serves"),
            in_console(event),
            rejected(
                event,
                f"To go back, reject {version}; {_what_takes_over(event.version, event.replaced)}",
                reason="taken back after its release",
            ),
            title="TO CHECK IT, OR TO GO BACK",
        ),
    )
    choices = (
        f"{version} in service after {length}",
        f"{version} in service",
        f"{short} in service",
        f"{short} serves",
        "in service",
    )
    return Told(choices, body, fine=event.severity is Severity.INFO)


def _rolled_back(event: ReleaseRolledBack) -> Told:
    version, short = version_words(event.version), short_version(event.version)
    reason = f"Reason: {event.reason or 'none was given.'}"
    if event.silent:
        reason = "SageMaker gave no reason; only the endpoint's config shows it."
    first, *choices = _what_serves_after(event)
    body = paragraphs(
        first,
        reason,
        facts(
            ("Found", f"{moment(event.at)}, {lasting(event.at - event.started_at)} after the release began"),
            ("Began", moment(event.started_at)),
            ("Approved", by_whom(event.approved_by)),
            ("On call", event.on_call),
        ),
        first_of("RED ALARM" if len(event.red_alarms) == 1 else "RED ALARMS", event.red_alarms, _LISTED),
        listed("WHAT STATIONKEEPER DID", _after_rollback(event)),
        steps(
            None
            if event.rejected
            else rejected(
                event, f"Reject {version} yourself, for all who read the registry", reason="rolled back"
            ),
            listed_versions(event, "Approve a version that works; these there are")
            if _stuck(event)
            else None,
            alarms_explained(event, event.red_alarms, event.started_at),
            instances_log(
                event, "Read the log of its instances, from the beginning of the release", event.started_at
            ),
            watched(event, "See what SageMaker says of the endpoint"),
            in_console(event),
            approved(event, f"To try {version} once more when the cause is gone, approve it anew"),
        ),
    )
    ended = _ended(event)
    return Told((*choices, f"{version} {ended}", f"{short} {ended}", ended), body)


def _still_serves(event: ReleaseRolledBack) -> bool:
    """It failed a test in service: it is replaced, not rolled back by SageMaker, and serves until then."""
    return event.serving is not None and event.serving == event.version


def _stuck(event: ReleaseRolledBack) -> bool:
    return _still_serves(event) and event.next_version is None


def _ended(event: ReleaseRolledBack) -> str:
    return "failed" if _still_serves(event) else "rolled back"


def _what_serves_after(event: ReleaseRolledBack) -> list[str]:
    """The first sentences, and the longer forms of the subject."""
    version, which = version_words(event.version), beginning(version_of_group(event))
    if _still_serves(event):
        first = f"{which} came into service on endpoint {event.endpoint} and failed there."
        if event.next_version is None:
            return [
                f"{first} It STILL SERVES everybody: no other version is approved.",
                f"{version} failed and still serves",
            ]
        return [
            f"{first} It serves until version {event.next_version} takes over.",
            f"{version} failed, version {event.next_version} takes over",
        ]
    first = (
        f"{which} did not stay in service on endpoint {event.endpoint}: SageMaker rolled it back. "
        f"{beginning(serving_words(event.serving))} serves everybody again. Calls that {version} answered meanwhile may have failed."
    )
    if event.serving is None:
        return [first]
    return [first, f"{version} rolled back, version {event.serving} serves"]


def _after_rollback(event: ReleaseRolledBack) -> list[str]:
    version = version_words(event.version)
    if event.rejected:
        did = [f"It rejected {version} in the registry, so that it is not tried again."]
    else:
        why = sentence(event.refusal or "nobody knows why")
        did = [
            f"It could NOT reject {version} in the registry: {why}",
            "It will not try it again, but the registry still calls it approved.",
        ]
    if event.next_version is not None and event.next_version != event.serving:
        did.append(
            f"It goes on to version {event.next_version}, the next highest approved. You hear of that."
        )
    else:
        did.append("It releases nothing more to this endpoint before somebody approves a version.")
    return did
