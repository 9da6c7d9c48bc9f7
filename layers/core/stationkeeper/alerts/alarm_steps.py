"""What on-call may do next about alarms: take the release back, see what Stationkeeper thinks, leave an alarm out."""

from collections.abc import Iterable

from stationkeeper.alerts.alarm_phrases import Changed
from stationkeeper.alerts.commands import aws
from stationkeeper.alerts.layout import Step
from stationkeeper.alerts.release_phrases import version_words
from stationkeeper.alerts.release_steps import TAG_PREFIX, approved, group_name, rejected
from stationkeeper.alerts.text import plain, quoted
from stationkeeper.events.alarm_events import AlarmEvent, AlarmRaised

_ALARMS_LEFT_OUT = 2


def release_taken_back(event: AlarmRaised) -> Step | None:
    """What undoes the release, or undoes that it was undone; nothing while SageMaker decides."""
    if event.version is None or event.package_arn is None:
        return None
    version = version_words(event.version)
    match event.response:
        case "deploying":  # what is live was there before, and is what SageMaker goes back to
            return None
        case "rejected":
            return approved(event, f"If {version} was not to blame, approve it anew; it is then released again")
        case "refused":
            return rejected(
                event,
                f"Reject {version} yourself, for all who read the registry",
                reason="taken back after an alarm",
            )
        case _:
            before = f" ({event.replaced}, if it still is approved)" if event.replaced is not None else ""
            what = f"If {version} is to blame, go back: reject it, and the next highest approved version takes over{before}"
            return rejected(event, what, reason="taken back after an alarm")


def stationkeepers_view(event: AlarmEvent) -> Step:
    """The commands that look and change nothing."""
    plan = (f"stationkeeper plan {quoted(group_name(event))}",) if event.group else ()
    what = "See all endpoints at a glance" + (", and what would be done to this one now" if plan else "")
    return Step(what, ("stationkeeper status", *plan))


def alarm_left_out(event: AlarmEvent, alarms: Iterable[Changed]) -> Step | None:
    """How an alarm is not told any more. Its state changes reach us whether its actions are enabled or not."""
    arns = list(dict.fromkeys(edge.alarm_arn for alarm in alarms for edge in alarm.edges if edge.alarm_arn))
    if not arns:
        return None
    what = (
        "To hear no more of an alarm that a tag ties to this endpoint, take the tag away; disabling its actions does not help, and "
        "one on the endpoint's own metrics needs a better threshold"
    )
    lines = (
        aws(
            event,
            "cloudwatch untag-resource",
            f"--resource-arn {quoted(plain(arn, 500))}",
            f"--tag-keys {TAG_PREFIX}endpoint",
        )
        for arn in arns[:_ALARMS_LEFT_OUT]
    )
    return Step(what, tuple(lines))
