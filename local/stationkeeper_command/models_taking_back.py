"""`stationkeeper models --take-back`: what would come of taking a version back, and the wish itself, sent to `artifact_sync`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from botocore.exceptions import ClientError
from rich.console import Console
from rich.text import Text
from stationkeeper.alerts.text import moment, plain, quoted
from stationkeeper.artifacts.place import Place, place_of
from stationkeeper.artifacts.record import Version
from stationkeeper.aws import clients
from stationkeeper.aws.errors import is_denied, said_by
from stationkeeper.aws.queues import SqsQueue
from stationkeeper.errors import PublishingFailed
from stationkeeper.events.artifact_trigger import TAKE_MODEL_BACK, TakeModelBack

from stationkeeper_command.errors import CommandError
from stationkeeper_command.models import Deployed, Model, State, looked_at
from stationkeeper_command.models_wording import source_words

_NAMED = 10
"""So many versions are named to somebody who asked for another one."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What comes of taking a version back. `after` is where callers are then; `moves` whether that is somewhere else."""

    version: Version
    after: Version | None
    moves: bool
    serving: bool
    """Whether callers are sent to the version now."""


def run(
    console: Console,
    endpoint: str,
    model: str,
    label: str,
    stack: str,
    port: int | None,
    confirm: Callable[[str], bool] | None,
    again: str,
) -> bool:
    """Say what would happen, ask, and send the wish; whether nobody said no.

    Parameters
    ----------
    label : of the version; "" for the current one.
    confirm : asks a person; None where nobody can be asked: then nothing is sent.
    again : further options that a person has to repeat.

    Raises
    ------
    CommandError
        There is no such version, it is none of a training job, or AWS cannot be asked.
    """
    with looked_at(endpoint, stack, port) as found:
        known = found.known(model)
        version = chosen(known, label)
        if version.source.kind == "model-package":
            raise CommandError(_registry_words(found, version))
        if known.state_of(version) in (State.RETIRED, State.RETIRING, State.FAILED, State.REJECTED):
            console.print(
                Text(f"Nothing to do: callers are not sent to {_words(version)} any more, and never will be.")
            )
            return True
        outlook = _outlook(found, known, version)
        if outlook is None:
            console.print(
                Text(
                    f"Nothing to do: {_words(version)} is taken back already. Callers stay at it: nothing else is left."
                )
            )
            return True
        for line in told(known.name, outlook):
            console.print(Text(line))
        if confirm is None:
            command = f"stationkeeper models {found.endpoint} --take-back {quoted(known.name)} --version {quoted(version.label)}"
            console.print(Text(f"\nNothing was sent. To do it:\n\n  {command}{again} --yes"))
            return True
        if not confirm("Take it back?"):
            console.print(Text("Nothing was sent."))
            return False
        _send(found, known, version)
        console.print(
            Text(
                f"Sent. It is done within seconds; see: stationkeeper models {found.endpoint} --model {quoted(known.name)}{again}"
            )
        )
        return True


def chosen(model: Model, label: str) -> Version:
    """The version with a label; the current one when none is given."""
    name = plain(model.name, 120)
    if not label:
        if model.current is None:
            raise CommandError(f"callers are sent to no version of {name}: there is none to take back")
        return model.current
    found = next((one for one in model.record.versions if one.label == label), None)
    if found is not None:
        return found
    labels = [plain(one.label, 60) for one in model.versions if not one.retired]
    if not labels:
        raise CommandError(f"{name} has no version {plain(label, 60)!r}, nor any other")
    more = f" and {len(labels) - _NAMED:,} older ones" if len(labels) > _NAMED else ""
    raise CommandError(
        f"{name} has no version {plain(label, 60)!r}. It has: {', '.join(labels[:_NAMED])}{more}"
    )


def told(model: str, outlook: Outlook) -> list[str]:
    """What would come of it, a line each."""
    version, after = outlook.version, outlook.after
    name = plain(model, 120)
    lines = [
        f"To take back: {_words(version)} of {name} ({source_words(version)}, published {moment(version.published_at)})."
    ]
    if outlook.moves and after is not None:
        where = "go back to" if outlook.serving else "go to"
        lines.append(
            f"Callers {where}: {_words(after)} ({source_words(after)}, published {moment(after.published_at)}), "
            f"TargetModel {plain(after.target_model, 400)}."
        )
    elif outlook.serving:
        lines.append(
            f"Callers stay at it: no other good version of {name} is left. On-call is told; the next good version takes over."
        )
    else:
        stay = f"they stay at {_words(after)}" if after else "they are sent nowhere yet"
        lines.append(f"Callers are not sent to it now: {stay}, and will not go back to this one.")
    lines.append("This cannot be undone: a version of a training job that was taken back serves no more.")
    return lines


def message(found: Deployed, model: Model, version: Version, at: datetime) -> dict[str, object]:
    """The wish, in the form of an event."""
    wish = TakeModelBack.model_validate(
        {
            "id": str(uuid4()),
            "source": "stationkeeper",
            "detail-type": TAKE_MODEL_BACK,
            "account": found.account.number,
            "region": found.account.region,
            "time": at.isoformat(),
            "detail": {
                "endpoint": model.record.endpoint or found.endpoint,
                "model": model.name,
                "version": version.label,
            },
        }
    )
    return wish.model_dump(mode="json", by_alias=True)


def _outlook(found: Deployed, model: Model, version: Version) -> Outlook | None:
    """What the function would do with the wish; None when that is nothing."""
    record, now = model.record, datetime.now(UTC)
    sight, name = found.account.sight, record.endpoint or found.endpoint
    endpoint = sight.endpoint(name)
    fleet = sight.fleet(endpoint.endpoint_config_name) if endpoint else None
    place = place_of(name, endpoint, fleet)
    if not isinstance(place, Place):
        raise CommandError(f"nothing can be taken back now: {plain(place.why, 600)}")
    changed = record.with_taken_back(version.label).pointed(place, now)
    if changed == record:
        return None
    return Outlook(
        version=version,
        after=changed.serving,
        moves=changed.current != record.current,
        serving=version.uri == record.current,
    )


def _send(found: Deployed, model: Model, version: Version) -> None:
    queue = SqsQueue(clients.sqs, found.queue_url)
    try:
        queue.send([message(found, model, version, datetime.now(UTC))])
    except PublishingFailed as error:
        raise CommandError(f"{plain(str(error), 500)}. Try again later.") from error
    except ClientError as error:
        if not is_denied(error):
            raise
        raise CommandError(
            f"access denied: {plain(said_by(error), 500)} Taking a version back needs sqs:SendMessage for the queue of "
            "artifact_sync, which ReadOnlyAccess does not allow. Nothing was sent."
        ) from error


def _registry_words(found: Deployed, version: Version) -> str:
    arn = quoted(plain(version.source.arn, 500))
    return (
        f"{_words(version)} is of a model package group: reject it in the registry, and callers go back by themselves:\n"
        f"  aws sagemaker update-model-package --region {found.account.region} --model-package-arn {arn} "
        "--model-approval-status Rejected"
    )


def _words(version: Version) -> str:
    return f"version {plain(version.label, 60)}"
