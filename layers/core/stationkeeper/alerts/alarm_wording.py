"""What is told of CloudWatch alarms of an endpoint: red, and clear again."""

from datetime import timedelta

from stationkeeper.alerts.alarm_phrases import (
    Changed,
    after_release,
    changed,
    changes,
    console_names,
    live_facts,
    open_monitors,
    still_red,
    untold,
)
from stationkeeper.alerts.alarm_steps import (
    alarm_left_out,
    alarms_muted,
    release_taken_back,
    stationkeepers_view,
)
from stationkeeper.alerts.cleaning import cleaned
from stationkeeper.alerts.endpoint_steps import alarm_pages, instances_log, metrics_page, watched
from stationkeeper.alerts.layout import Told, facts, listed, paragraphs, steps
from stationkeeper.alerts.release_phrases import sentence, short_version, version_words
from stationkeeper.alerts.text import count, lasting, moment
from stationkeeper.events.alarm_events import AlarmCleared, AlarmEvent, AlarmRaised

_LOG_BEFORE = timedelta(minutes=15)
"""What went wrong is in the log before an alarm sees it."""


def told(event: AlarmEvent) -> Told:
    """What is said of an event about alarms."""
    match cleaned(event):
        case AlarmRaised() as raised:
            return _raised(raised)
        case AlarmCleared() as cleared:
            return _cleared(cleared)
        case _:
            raise TypeError(f"no wording for {event.detail_type}")


def _raised(event: AlarmRaised) -> Told:
    alarms = changed(event)
    raised = tuple(alarm for alarm in alarms if alarm.raised)
    news = event.red if event.first else tuple(alarm.name for alarm in raised)
    looked_at = news or event.red
    over = tuple(alarm for alarm in alarms if not alarm.raised)
    body = paragraphs(
        _opening(event, raised),
        facts(
            ("Red since", f"{moment(event.since)}, {lasting(event.at - event.since)} ago"),
            *live_facts(event),
            ("On call", event.on_call),
        ),
        changes("WHAT WENT RED", raised, event.at),
        changes("CLEAR AGAIN", over, event.at),
        untold(event),
        still_red(event, alarms),
        open_monitors(event.monitors),
        listed("WHAT STATIONKEEPER DID", [*_done(event), _you_hear_again(event)]),
        steps(
            release_taken_back(event) if event.response == "refused" else None,
            alarm_pages(event, console_names(event, looked_at)),
            metrics_page(event),
            instances_log(event, "Read the log of its instances", event.since - _LOG_BEFORE),
            release_taken_back(event) if event.response != "refused" else None,
            watched(event, "See what SageMaker says of the endpoint"),
            stationkeepers_view(event),
            alarms_muted(event, console_names(event, looked_at)),
            alarm_left_out(event, raised or alarms),
        ),
    )
    return Told(_raised_headlines(event, raised), body)


def _opening(event: AlarmRaised, raised: tuple[Changed, ...]) -> str:
    context = after_release(event)
    release = f" The first went red {context}." if context else ""
    if event.first:
        number = max(event.red_count, len(event.red), 1)
        if number == 1:
            name = next(iter((*event.red, *(alarm.name for alarm in raised))), "one")
            return f"The alarm {name} of endpoint {event.endpoint} is red{f', {context}' if context else ''}."
        return f"{count(number, 'alarm')} of endpoint {event.endpoint} are red.{release}"
    more = count(len(raised), "more alarm") if _new(event, raised) else "Alarms"
    again = "" if _new(event, raised) else " again"
    lasts = lasting(event.at - event.since)
    return (
        f"{more} of endpoint {event.endpoint} went red{again}: {count(event.red_count, 'alarm')} "
        f"{'is' if event.red_count == 1 else 'are'} red now. This incident, #{event.incident}, has lasted {lasts}.{release}"
    )


def _new(event: AlarmRaised, raised: tuple[Changed, ...]) -> bool:
    """Whether others were red all the while, so that these come on top of them."""
    return bool(raised) and event.red_count > sum(alarm.red for alarm in raised)


def _raised_headlines(event: AlarmRaised, raised: tuple[Changed, ...]) -> tuple[str, ...]:
    number = max(event.red_count, len(event.red), 1)
    names = event.red or tuple(alarm.name for alarm in raised)
    which = f"alarm {names[0]}" if number == 1 and names else f"{count(number, 'alarm')}"
    colour = "alarm red" if number == 1 else f"{count(number, 'alarm')} red"
    version, short = version_words(event.version), short_version(event.version)
    plainest = (colour, "alarm red" if number == 1 else "alarms red")
    match event.response:
        case "rejected":
            after = f" after {lasting(event.at - event.released_at)}" if event.released_at else ""
            back = f"{version} taken back"
            return f"{which}: {back}{after}", f"{back}{after}", back, f"{short} taken back", "taken back"
        case "refused":
            return (
                f"{which} red, {version} could not be rejected",
                f"{version} could not be rejected",
                f"could not reject {short}",
                "NOT rejected",
            )
        case "deploying":
            during = (
                f"while {version_words(event.releasing)} is being released"
                if event.releasing
                else "during a release"
            )
            return f"{which} red {during}", f"{colour} {during}", f"{colour} during a release", *plainest
        case _:
            return *_told_headlines(event, raised, which, colour), *plainest


def _told_headlines(
    event: AlarmRaised, raised: tuple[Changed, ...], which: str, colour: str
) -> tuple[str, ...]:
    number = max(event.red_count, len(event.red), 1)
    if not event.first:
        if _new(event, raised):
            names = (
                f"alarm {raised[0].name} is red too" if len(raised) == 1 else f"{len(raised):,} more alarms"
            )
            return f"{names}, {number:,} red now", f"{count(len(raised), 'more alarm')}, {number:,} red now"
        return (f"{which} is red again" if number == 1 else f"{which} red again",)
    if len(raised) == number == 1 and len(raised[0].raised) > 1:
        return (f"{which} went red {len(raised[0].raised)} times", f"{colour} {len(raised[0].raised)} times")
    context = after_release(event)
    is_red = f"{which} is red" if number == 1 else f"{which} red"
    if not context:
        return (is_red,)
    brief = context.removesuffix(" came into service")
    return f"{is_red}, {context}", f"{is_red}, {brief}", is_red, f"{colour} {brief}"


def _done(event: AlarmRaised) -> list[str]:
    version = version_words(event.version)
    why = f" Why: {sentence(event.because)}" if event.because else ""
    match event.response:
        case "rejected":
            return [f"It rejected {version} in the registry.{why}", _takes_over(event)]
        case "refused":
            return [
                f"It could NOT reject {version} in the registry: {sentence(event.refusal or 'nobody knows why')}{why}",
                f"It does not count on it: {version} is barred here all the same, though the registry calls it approved.",
                _takes_over(event),
            ]
        case "deploying":
            under_way = (
                version_words(event.releasing) if event.releasing is not None else "what is being released"
            )
            return [
                f"It told you. SageMaker itself watches the release and rolls {under_way} back.{why}",
                "You hear of that as well.",
            ]
        case _:
            left = f" It took nothing back: {sentence(event.because)}" if event.because else ""
            return [f"It told you, and changed nothing.{left}"]


def _takes_over(event: AlarmRaised) -> str:
    before = f" ({event.replaced}, if it still is approved)" if event.replaced is not None else ""
    return (
        f"The next highest approved version takes over{before}; you hear of that. If there is none, "
        f"{version_words(event.version)} stays."
    )


def _you_hear_again(event: AlarmEvent) -> str:
    return (
        f"You hear again when more alarms go red, and when all are clear: in this thread, #{event.incident}."
    )


def _cleared(event: AlarmCleared) -> Told:
    alarms = changed(event)
    clear = tuple(alarm for alarm in alarms if not alarm.red and alarm.name not in event.red)
    stay = max(event.red_count, len(event.red))
    over = max((edge.at for edge in event.edges if edge.state == "OK"), default=event.at)
    length = lasting(over - event.since)
    if stay:
        which = event.red[0] if event.red and stay == 1 else count(stay, "alarm")
        verb = "stays" if stay == 1 else "stay"
        opening = (
            f"{len(clear):,} of {count(len(clear) + stay, 'alarm')} of endpoint {event.endpoint} "
            f"{'is' if len(clear) == 1 else 'are'} clear; {which} {verb} red."
        )
        did = "It told you, and changed nothing."
    else:
        opening = f"All alarms of endpoint {event.endpoint} are clear again, after {length}."
        did = "It closed the incident. An alarm that soon goes red again is told in the same thread."
    body = paragraphs(
        opening,
        facts(
            ("Red from", moment(event.since)),
            ("As of" if stay else "Clear by", moment(event.at)),
            *live_facts(event),
            ("On call", event.on_call),
        ),
        changes("WHAT IS CLEAR" if stay else "WHAT WAS RED", clear or alarms, event.at),
        untold(event),
        still_red(event, ()),
        open_monitors(event.monitors),
        listed("WHAT STATIONKEEPER DID", [did, *([_you_hear_again(event)] if stay else [])]),
        steps(
            alarm_pages(event, console_names(event, event.red or (alarm.name for alarm in clear))),
            metrics_page(event),
            instances_log(event, "Read the log of its instances", event.since - _LOG_BEFORE),
            stationkeepers_view(event),
            title="WHAT TO DO NEXT" if stay else "TO CHECK IT",
        ),
    )
    return Told(_cleared_headlines(event, clear, stay, length), body, fine=not stay)


def _cleared_headlines(
    event: AlarmCleared, clear: tuple[Changed, ...], stay: int, length: str
) -> tuple[str, ...]:
    if stay:
        verb = "stays" if stay == 1 else "stay"
        of = f"{len(clear):,} of {count(len(clear) + stay, 'alarm')} clear"
        who = event.red[0] if event.red and stay == 1 else f"{stay:,}"
        return f"{of}, {who} {verb} red", f"{of}, {stay:,} {verb} red", f"{stay:,} {verb} red", "alarms red"
    only = clear[0] if len(clear) == 1 else None
    lasted = only is not None and only.edges[-1].red_since in (None, event.since)
    return (
        *([f"alarm {only.name} clear after {length}"] if only and lasted else []),
        f"alarms clear after {length}",
        "alarms clear",
    )
