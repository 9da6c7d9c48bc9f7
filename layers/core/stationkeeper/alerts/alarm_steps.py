"""What on-call may do next about alarms: take the release back, see what Stationkeeper thinks, leave an alarm out."""

import json
from collections.abc import Iterable

from stationkeeper.alerts.alarm_phrases import Changed
from stationkeeper.alerts.commands import aws
from stationkeeper.alerts.layout import Step
from stationkeeper.alerts.release_phrases import version_words
from stationkeeper.alerts.release_steps import TAG_PREFIX, approved, group_name, rejected
from stationkeeper.alerts.text import quoted
from stationkeeper.events.alarm_events import AlarmEvent, AlarmRaised

_ALARMS_LEFT_OUT = 2
_ALARMS_MUTED = 12
_RULE_NAME_CHARACTERS = 100


def release_taken_back(event: AlarmRaised) -> Step | None:
    """What undoes the release, or undoes that it was undone; nothing while SageMaker decides."""
    if event.version is None or event.package_arn is None:
        return None
    version = version_words(event.version)
    match event.response:
        case "deploying":  # what is live was there before, and is what SageMaker goes back to
            return None
        case "rejected":
            return approved(
                event, f"If {version} was not to blame, approve it anew; it is then released again"
            )
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


def alarms_muted(event: AlarmEvent, names: Iterable[str]) -> Step | None:
    """How alarms are not told for a while. Their changes reach us whether their actions are enabled or not."""
    muted = list(names)[:_ALARMS_MUTED]
    if not muted:
        return None
    what = f"To mute {'it' if len(muted) == 1 else 'them'} for a week, make a mute rule, with the UTC time at which it begins (disabling actions does not help)"
    targets = quoted(json.dumps({"AlarmNames": muted}))
    rule = quoted(json.dumps({"Schedule": {"Expression": "at(YYYY-MM-DDTHH:MM)", "Duration": "P7D"}}))
    named = f"--name {quoted(f'mute-{muted[0]}'[:_RULE_NAME_CHARACTERS])}"
    lines = (
        aws(event, "cloudwatch put-alarm-mute-rule", named, "\\"),
        f"  --mute-targets {targets} \\",
        f"  --rule {rule}",
    )
    return Step(what, lines)


def alarm_left_out(event: AlarmEvent, alarms: Iterable[Changed]) -> Step | None:
    """How an alarm is not told any more."""
    arns = list(dict.fromkeys(edge.alarm_arn for alarm in alarms for edge in alarm.edges if edge.alarm_arn))
    if not arns:
        return None
    lines = (
        aws(
            event,
            "cloudwatch untag-resource",
            f"--resource-arn {quoted(arn)}",
            f"--tag-keys {TAG_PREFIX}endpoint",
        )
        for arn in arns[:_ALARMS_LEFT_OUT]
    )
    return Step("If only a tag ties it to this endpoint, take that away to hear no more of it", tuple(lines))
