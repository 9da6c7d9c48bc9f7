"""`stationkeeper demo`: the real artifacts react to a day of one endpoint, to releases to another, to its drift and alarms, to new models."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

from embedded_aws.embedded import EmbeddedAws
from rich.console import Console
from rich.text import Text
from stationkeeper.alerts.text import count

from stationkeeper_command import models_wording, pages, project, timeline
from stationkeeper_command.artifact_scenes import artifact_scenes, models_seen
from stationkeeper_command.errors import CommandError
from stationkeeper_command.release_scenes import inventory, release_scenes
from stationkeeper_command.retraining_scenes import retraining_scenes
from stationkeeper_command.scenes import AccountScene, Scene, demo_scenes, files_of, replay_scenes
from stationkeeper_command.system import make_bucket, running

_DRAIN_SECONDS = 120
_SHOWN = ("ApprovalRequested", "AlarmRaised", "ArtifactRejected")
"""Kinds of messages of which the last is shown as on-call gets it."""


def run(console: Console, progress: Console, reports: Path | None) -> list[dict[str, Any]]:
    """Play the scenes; returns each with what came of it.

    `console` is where the story goes, `progress` where waiting is shown.

    Raises
    ------
    CommandError
        A scene ended in other messages than its title promises.
    """
    now = datetime.now(UTC)
    scenes = replay_scenes(reports, now) if reports else demo_scenes(now)
    told: list[dict[str, Any]] = []
    odd: list[str] = []
    # Only monitor_report is killed here, and it needs no deadline to pass before it may be tried again.
    with running(progress, honour_deadlines=False) as system:
        reader = timeline.Reader(project.STATE)
        s3 = system.client("s3")
        for number, scene in enumerate(scenes, 1):
            console.print(_heading(number, scene))
            happened = _play(system, s3, reader, scene)
            timeline.show(console, happened)
            told.append({"scene": scene.title, "event_id": scene.event["id"], **happened.as_json()})
            odd += surprises(number, scene, happened, {})
        if not reports:
            churn = (*release_scenes(), *retraining_scenes())
            odd += _play_in_account(system, reader, console, told, churn)
            _show_endpoint(system, console, told)
            odd += _play_in_account(system, reader, console, told, artifact_scenes())
            odd += _show_models(system, console, told)
        drawn = pages.kept(system, project.STATE / "pages")
    _finish(console, told)
    _show_pages(console, told, drawn)
    if odd:
        raise CommandError(f"not as the scenes say: {'; '.join(odd)}")
    return told


def _play_in_account(
    system: EmbeddedAws,
    reader: timeline.Reader,
    console: Console,
    told: list[dict[str, Any]],
    scenes: Iterable[AccountScene],
) -> list[str]:
    """Adds to `told`; returns what did not go as the scenes say."""
    odd: list[str] = []
    threads: dict[str, str] = {}
    for scene in scenes:
        number = len(told) + 1
        console.print(
            Text.assemble((f"\n{number:>2}. {scene.title}\n", "bold"), (f"    {scene.what}", "dim"))
        )
        before = system.journal.last
        scene.act(system)
        system.drain(_DRAIN_SECONDS)
        happened = reader.happened(entry.as_json() for entry in system.journal.since(before))
        happened.unmatched = 0  # most of what SageMaker tells of an endpoint at work is for nobody
        try:
            happened.seen = scene.seen(system) if scene.seen is not None else []
        except CommandError as error:
            odd.append(f"after scene {number} {error}")
        timeline.show(console, happened)
        told.append({"scene": scene.title, **happened.as_json(), "callers": happened.seen})
        odd += surprises(number, scene, happened, threads)
    return odd


def _show_endpoint(system: EmbeddedAws, console: Console, told: list[dict[str, Any]]) -> None:
    there = inventory(system)
    console.print(
        Text(
            f"\n    {there['endpoint']} is {there['status']} on {there['config']}, {there['instances']} instances, "
            f"autoscaling {there['autoscaling']}, monitors {', '.join(there['monitors']) or 'none'}"
        )
    )
    told[-1]["endpoint"] = there


def _show_models(system: EmbeddedAws, console: Console, told: list[dict[str, Any]]) -> list[str]:
    """The models as `stationkeeper models` lists them; adds to the last scene, returns why they cannot be listed."""
    try:
        listing = models_seen(system)
    except CommandError as error:
        return [str(error).rstrip(".")]
    models = list(listing.models)
    lines = StringIO()
    models_wording.show(
        Console(file=lines, highlight=False, soft_wrap=True), replace(listing, models=iter(models))
    )
    console.print(Text(f"\n    $ stationkeeper models {listing.endpoint}", style="bold"))
    for line in lines.getvalue().splitlines():
        console.print(Text(f"    {line}".rstrip()))
    told[-1]["models"] = json.loads(
        "".join(models_wording.json_pieces(replace(listing, models=iter(models))))
    )
    return []


def surprises(
    number: int, scene: Scene | AccountScene, happened: timeline.Happened, threads: dict[str, str]
) -> list[str]:
    """What came of a scene besides, or instead of, what it promises; `threads` remembers the incident of each thread."""
    messages = [message["attributes"] for message in happened.messages]
    kinds = [str(attributes.get("kind")) for attributes in messages]
    incidents = [str(attributes.get("incident")) for attributes in messages]
    found = [
        f"scene {number} left {count(len(lost), 'event')} unhandled"
        for lost in (happened.dead_letters, happened.undelivered)
        if lost
    ]
    if scene.tells is not None and sorted(kinds) != sorted(scene.tells):
        told, meant = (", ".join(one) or "nothing" for one in (kinds, scene.tells))
        found.append(f"scene {number} told {told}, not {meant}")
    thread = scene.thread if isinstance(scene, AccountScene) else ""
    if thread and incidents:
        incident = threads.setdefault(thread, incidents[0])
        found += [
            f"scene {number} told #{other}, and its thread is #{incident}"
            for other in incidents
            if other != incident
        ]
    return found


def _play(system: EmbeddedAws, s3: Any, reader: timeline.Reader, scene: Scene) -> timeline.Happened:
    for bucket, key, content in files_of(scene):
        make_bucket(s3, bucket)
        s3.put_object(Bucket=bucket, Key=key, Body=content)
    if scene.crash is not None:
        system.add_fault(*scene.crash, kind="crash-after")
    before = system.journal.last
    system.send(scene.event, times=scene.times)
    system.drain(_DRAIN_SECONDS)
    return reader.happened(entry.as_json() for entry in system.journal.since(before))


def _heading(number: int, scene: Scene) -> Text:
    detail = scene.event["detail"]
    times = f" x{scene.times}" if scene.times > 1 else ""
    return Text.assemble(
        (f"\n{number:>2}. {scene.title}\n", "bold"),
        (
            f"    {scene.event['time']}  {scene.event['detail-type']}: {detail['ProcessingJobStatus']}{times}",
            "dim",
        ),
    )


def _show_pages(console: Console, told: list[dict[str, Any]], drawn: list[Path]) -> None:
    if not drawn:
        return
    messages = [message for scene in told for message in scene["messages"]]
    one = pages.linked_by(messages, project.STATE / "pages") or drawn[-1]
    console.print(f"{count(len(drawn), 'drift page')}, for a browser; one of them: {one}")


def _finish(console: Console, told: list[dict[str, Any]]) -> None:
    messages = [message for scene in told for message in scene["messages"]]
    if not messages:
        console.print("\nNothing on-call must hear.")
        return
    last = {message["attributes"].get("kind"): message for message in messages}
    shown = [last[kind] for kind in _SHOWN if kind in last] or [last.get("ViolationsDetected", messages[-1])]
    for message in shown:
        console.print()
        console.rule("An e-mail on-call gets", align="left")
        console.print(Text(f"Subject: {message['subject']}\n\n{message['message']}"))
    console.rule()
    console.print(f"{count(len(messages), 'message')}; all of them: {project.STATE / 'outbox'}")
