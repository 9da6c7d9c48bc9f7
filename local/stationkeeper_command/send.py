"""`stationkeeper send`: events into a running `stationkeeper local`, and what came of them."""

import json
from pathlib import Path
from typing import Any

from embedded_aws import sdk
from rich.console import Console
from rich.text import Text

from stationkeeper_command import timeline
from stationkeeper_command.errors import CommandError
from stationkeeper_command.scenes import places
from stationkeeper_command.system import REGION, Control, make_bucket

_REQUIRED = ("source", "detail-type", "detail")


def run(console: Console, files: list[Path], port: int, times: int) -> dict[str, Any]:
    """Send every file's event, wait until all queues are empty, and say what happened."""
    events = [_event(path) for path in files]
    control = Control(port)
    state_folder = Path(control.ready()["state_folder"])
    s3 = sdk.client(sdk.session(REGION), "s3", control.url)
    for path, event in zip(files, events, strict=True):
        _put_sample_report(console, s3, path, event)
    reader = timeline.Reader(state_folder)
    before = control.last_entry()
    for event in events:
        shown = f"{event['detail-type']} {event.get('id', '')}{f' x{times}' if times > 1 else ''}"
        console.print(Text.assemble(("event  ", "bold"), shown))
    control.send(events, times)
    control.drain()
    happened = reader.happened(control.entries_since(before))
    timeline.show(console, happened)
    if not happened.messages:
        console.print("No message left.")
    return {"events": [event.get("id") for event in events], "times": times, **happened.as_json()}


def _event(path: Path) -> dict[str, Any]:
    try:
        event = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CommandError(f"there is no file {path}") from error
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{path} is not JSON: {error}") from error
    if not isinstance(event, dict):
        raise CommandError(f"{path} is not an EventBridge event: expected an object")
    missing = [name for name in _REQUIRED if name not in event]
    if missing:
        raise CommandError(f"{path} is not an EventBridge event: it has no {', '.join(missing)}")
    if not isinstance(event["detail"], dict):
        raise CommandError(f"{path} is not an EventBridge event: its detail is no object")
    return event


def _put_sample_report(console: Console, s3: Any, path: Path, event: dict[str, Any]) -> None:
    """Samples have their report in `reports/` beside them; it goes where the event says, as the job would have put it."""
    report = path.parent / "reports" / path.name
    if not report.is_file():
        return
    for bucket, key in places(event):
        make_bucket(s3, bucket)
        s3.put_object(Bucket=bucket, Key=key, Body=report.read_bytes())
        console.print(Text(f"report s3://{bucket}/{key}  (from {report})", style="dim"))
