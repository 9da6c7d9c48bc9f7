"""EventBridge replays in moto: all of the archive, to every rule, before StartReplay has answered.

Here a replay takes its time, as in EventBridge: it goes through the archive minute by minute of the events' own times, brings what happened in
the range asked for to the rules it names (or to all), and can be cancelled on the way. An event that is replayed has an id of its own and
`replay-name`, and is not archived again. Gap that stays: EventBridge archives with a delay of minutes, and counts with one of hours.
"""

import copy
import uuid
from contextlib import ExitStack
from datetime import datetime
from itertools import groupby
from typing import Any
from unittest import mock

from moto.core.exceptions import JsonRESTError
from moto.core.utils import unix_time
from moto.events.exceptions import IllegalStatusException
from moto.events.models import Archive, EventsBackend, Replay, ReplayState, events_backends

from embedded_aws.moto_additions import events
from embedded_aws.moto_additions.background import Background

_MOST_AT_ONCE = 10
_ACTIVE = (ReplayState.STARTING, ReplayState.RUNNING, ReplayState.CANCELLING)


def installed(background: Background) -> ExitStack:
    describe_short = Replay.describe_short

    def replay_events(replay: Replay, archive: Archive) -> None:
        backend = events_backends[replay.account_id][replay.region]
        active = sum(one.state in _ACTIVE for one in backend.replays.values())
        if active > _MOST_AT_ONCE:  # moto has counted this one among them
            del backend.replays[replay.name]
            raise JsonRESTError("LimitExceededException", f"{active - 1} replays are active already.")
        minutes = _minutes(replay, archive)
        background.add(lambda: _step(replay, minutes))

    def describe(replay: Replay) -> dict[str, Any]:
        last = getattr(replay, "last_replayed_at", None)
        members = {"EventLastReplayedTime": last, **describe_short(replay)}
        return {name: value for name, value in members.items() if value is not None}

    def cancel_replay(backend: EventsBackend, name: str) -> dict[str, str]:
        replay = backend._get_replay(name)
        if replay.state not in (ReplayState.STARTING, ReplayState.RUNNING):
            raise IllegalStatusException(f"Replay {name} is not in a valid state for this operation.")
        replay.state = ReplayState.CANCELLING
        return {"ReplayArn": replay.arn, "State": replay.state.value}

    context = ExitStack()
    context.enter_context(mock.patch.object(Replay, "replay_events", replay_events))
    context.enter_context(mock.patch.object(Replay, "describe_short", describe))
    context.enter_context(mock.patch.object(EventsBackend, "cancel_replay", cancel_replay))
    return context


def _minutes(replay: Replay, archive: Archive) -> list[list[events.Event]]:
    """What is to be replayed: the events of each minute, in the order of their times."""
    begin, end = float(replay.event_start_time), float(replay.event_end_time)
    wanted = sorted(
        (event for event in archive.events if begin <= _seconds(event) < end),  # type: ignore[arg-type]
        key=_seconds,  # type: ignore[arg-type]
    )
    return [list(group) for _, group in groupby(wanted, key=lambda event: int(_seconds(event) // 60))]  # type: ignore[arg-type]


def _step(replay: Replay, minutes: list[list[events.Event]]) -> bool:
    """One minute of the archive; whether the replay goes on."""
    if replay.state is ReplayState.CANCELLING:
        replay.state = ReplayState.CANCELLED
    elif not minutes:
        replay.state = ReplayState.COMPLETED
    else:
        replay.state = ReplayState.RUNNING
        minute = minutes.pop(0)
        for event in minute:
            _bring(replay, event)
        replay.last_replayed_at = _seconds(minute[-1])  # type: ignore[attr-defined]
    if replay.state is ReplayState.RUNNING:
        return True
    replay.end_time = unix_time()
    return False


def _bring(replay: Replay, event: events.Event) -> None:
    bus = events_backends[replay.account_id][replay.region].describe_event_bus(
        replay.destination["Arn"].rpartition("/")[2]
    )
    filters = replay.destination.get("FilterArns")
    for rule in list(bus.rules.values()):
        if not filters or rule.arn in filters:
            again = copy.deepcopy(event) | {"id": str(uuid.uuid4()), "replay-name": replay.name}
            rule.send_to_targets(again)  # type: ignore[arg-type]


def _seconds(event: events.Event) -> float:
    return datetime.fromisoformat(event["time"]).timestamp()
