"""`stationkeeper models`: the models of a multi-model endpoint, their versions, and what was refused. Looks, and changes nothing."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import chain, islice

from stationkeeper.alerts.text import plain
from stationkeeper.artifacts.naming import is_model_name
from stationkeeper.artifacts.record import ModelRecord, Refused, Version
from stationkeeper.aws import clients
from stationkeeper.aws.model_records import DynamoDbModelRecords
from stationkeeper.events.artifact_trigger import ENDPOINT_TAG
from stationkeeper.releases.names import is_resource_name

from stationkeeper_command.account import Account, deployed, outputs_of
from stationkeeper_command.errors import CommandError

_LATELY = timedelta(hours=24)
_NAMED = 20
"""So many endpoints are named to somebody who asked for another one."""


class State(StrEnum):
    """What became of a version; its value is what `--json` says."""

    CURRENT = "current"
    PREVIOUS = "previous"
    KEPT = "kept"
    REJECTED = "rejected"
    FAILED = "refused-warm-up"
    RETIRING = "retiring"
    RETIRED = "retired"


class View(StrEnum):
    """What is listed: a line per model, per version, or per refusal."""

    MODELS = "models"
    VERSIONS = "versions"
    REFUSALS = "refusals"


@dataclass(frozen=True, slots=True)
class Wanted:
    """`patterns` are shell globs; a model is wanted when one of them matches, or when there are none."""

    patterns: tuple[str, ...] = ()
    all_versions: bool = False
    refused: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The patterns, when all of them are names: no name of a model has a character that means something in a glob."""
        return () if any(set("*?[") & set(one) for one in self.patterns) else self.patterns

    def matches(self, model: str) -> bool:
        return not self.patterns or any(fnmatchcase(model, one) for one in self.patterns)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An artifact that was refused. `open`: no good version was published since."""

    code: str
    at: datetime
    source_arn: str
    passing: bool
    open: bool


@dataclass(frozen=True)
class Model:
    """One model as it is remembered."""

    record: ModelRecord

    @property
    def name(self) -> str:
        return self.record.model

    @property
    def nameless(self) -> bool:
        """Whether it is no model, but a refusal of something of which nobody knows what model it is (see `naming.nameless`)."""
        return self.name.startswith("-")

    @property
    def current(self) -> Version | None:
        """The version callers are to be sent to."""
        return self.record.serving

    @cached_property
    def previous(self) -> Version | None:
        """The newest other good version beside the current one: where callers would go back to."""
        current = self.current
        if current is None:
            return None
        # After a move of the endpoint to another prefix, what lies under the old one serves nobody any more.
        others = [
            one
            for one in self.record.versions
            if one.good and one.uri != current.uri and one.superseded_at and _base(one) == _base(current)
        ]
        return max(others, key=lambda one: one.order, default=None)

    @cached_property
    def refusals(self) -> tuple[Refusal, ...]:
        """Newest first."""
        found = [
            Refusal(one.code, one.at, one.source_arn, one.passing, self._is_open(one))
            for one in self.record.refused
        ]
        return tuple(sorted(found, key=lambda one: one.at, reverse=True))

    @property
    def open_refusals(self) -> tuple[Refusal, ...]:
        return tuple(one for one in self.refusals if one.open)

    @property
    def pointed(self) -> bool:
        """Whether callers are known to be sent where they are to be sent."""
        return self.record.agrees

    @property
    def nothing_left(self) -> bool:
        """Whether the version was taken back, and callers stay at it because there is no other."""
        return self.current is not None and self.current.rejected

    @property
    def in_place_behind(self) -> bool:
        return self.record.wants_in_place and self.record.in_place != self.record.current

    @property
    def versions(self) -> tuple[Version, ...]:
        """Newest first."""
        return tuple(sorted(self.record.versions, key=lambda one: one.order, reverse=True))

    def _is_open(self, refused: Refused) -> bool:
        # Of a published version: its pointer or its key in place, mended without a new version.
        if refused.identity.startswith("pointer "):
            return not self.pointed
        if refused.identity.startswith("in place "):
            return self.in_place_behind
        return not any(
            one.published_at > refused.at and one.makes_good(refused)
            for one in self.record.versions
            if not one.failed
        )

    def state_of(self, version: Version) -> State:
        if version.uri == self.record.current:
            return State.CURRENT
        if version.retired:
            return State.RETIRED
        if version.retiring:
            return State.RETIRING
        if version.failed:
            return State.FAILED
        if version.rejected:
            return State.REJECTED
        return State.PREVIOUS if version is self.previous else State.KEPT


@dataclass
class Summary:
    """Sums of the models that were listed; complete once all of them were. Sizes in bytes."""

    models: int = 0
    current_bytes: int = 0
    kept_bytes: int = 0
    """With all other versions that lie under the prefix."""
    published_lately: int = 0
    """Models with a good version that was published in the last 24 hours."""
    refused: int = 0
    """Models with a refusal that is not made good."""
    nameless: int = 0
    """Artifacts that were refused because nothing says which model they are."""

    def add(self, model: Model, now: datetime) -> None:
        if model.nameless:
            self.nameless += 1
            return
        versions = model.record.versions
        self.models += 1
        self.current_bytes += model.current.size_bytes if model.current else 0
        self.kept_bytes += sum(one.size_bytes for one in versions if not one.retired)
        self.published_lately += any(now - one.published_at < _LATELY for one in versions if not one.failed)
        self.refused += bool(model.open_refusals)


@dataclass(frozen=True, slots=True)
class Listing:
    """What was asked for; `models` are read while they are gone through, once, in the order of their names.

    `only` is the model when exactly one was asked for, `labels` whether versions of jobs are to be shown by their labels.
    """

    endpoint: str
    view: View
    models: Iterator[Model]
    summary: Summary
    now: datetime
    labels: bool = False
    only: Model | None = None


@dataclass(frozen=True, slots=True)
class Deployed:
    """A stack, and what it remembers of an endpoint's models."""

    account: Account
    endpoint: str
    records: DynamoDbModelRecords
    queue_url: str

    def all(self) -> Iterator[Model]:
        return (Model(record) for record in self.records.all_of(self.endpoint))

    def one(self, name: str) -> Model | None:
        """A model by its name; None when nothing is remembered of it. One call at most."""
        if not is_model_name(name):
            return None
        record = self.records.recall(self.endpoint, name)
        return Model(record) if record.version else None

    def known(self, name: str) -> Model:
        """As `one`; raises CommandError when there is none."""
        model = self.one(name)
        if model is None:
            raise self.unknown_model(f"model {plain(name, 120)}", name, self.all_names())
        return model

    def all_names(self) -> list[str]:
        """Raises CommandError when there is no model at all."""
        names = [model.name for model in self.all() if not model.nameless]
        if not names:
            raise self.unknown_endpoint()
        return names

    def unknown_model(self, what: str, asked: str, names: list[str]) -> CommandError:
        lower = {name.lower(): name for name in names}
        close = [lower[name] for name in get_close_matches(asked.lower(), lower, n=3, cutoff=0.75)]
        hint = f"Did you mean {', '.join(plain(name, 120) for name in close)}?" if close else ""
        listing = f"`stationkeeper models {self.endpoint}` lists all {len(names):,}."
        return CommandError(f"the endpoint {self.endpoint} has no {what}. {hint or listing}")

    def unknown_endpoint(self) -> CommandError:
        others = [plain(name, 63) for name in self.records.endpoints() if name != self.endpoint.lower()]
        if not others:
            hint = (
                f"No endpoint has any yet. To opt in, tag training jobs, or a model package group, with {ENDPOINT_TAG}="
                f"{self.endpoint}."
            )
        else:
            more = f" and {len(others) - _NAMED:,} more" if len(others) > _NAMED else ""
            hint = f"Endpoints that have: {', '.join(others[:_NAMED])}{more}."
        return CommandError(f"no model was published to the endpoint {self.endpoint}. {hint}")


@contextmanager
def looked_at(endpoint: str, stack: str, port: int | None) -> Iterator[Deployed]:
    """A stack's memory of an endpoint's models.

    Raises
    ------
    CommandError
        For whatever goes wrong with AWS, inside the block too.
    """
    _check_endpoint(endpoint)
    with deployed(stack, port) as account:
        outputs = outputs_of(stack)
        missing = [name for name in ("StateTableName", "ArtifactSyncQueueUrl") if name not in outputs]
        if missing:
            raise CommandError(
                f"the stack {plain(stack)} in {account.region} has no output {missing[0]}: it is older than this command. "
                "Deploy this version (`make deploy`), or name the stack with --stack."
            )
        records = DynamoDbModelRecords(clients.dynamodb, outputs["StateTableName"])
        yield Deployed(account, endpoint, records, outputs["ArtifactSyncQueueUrl"])


@contextmanager
def listed(wanted: Wanted, endpoint: str, stack: str, port: int | None) -> Iterator[Listing]:
    """The models that are wanted, to be gone through inside the block: one call per model named, else one per megabyte of all.

    Raises
    ------
    CommandError
        When there is nothing to list, or AWS cannot be read, inside the block too.
    """
    with looked_at(endpoint, stack, port) as found:
        now, summary = datetime.now(UTC), Summary()
        models = selected(found, wanted)
        first = list(islice(models, 2))
        only = first[0] if wanted.patterns and len(first) == 1 and not wanted.refused else None
        view = View.VERSIONS if only or wanted.all_versions else View.MODELS
        yield Listing(
            endpoint=(first[0].record.endpoint if first else "") or endpoint,
            view=View.REFUSALS if wanted.refused else view,
            models=summed(chain(first, models), summary, now, nameless=wanted.refused),
            summary=summary,
            now=now,
            labels=bool(wanted.patterns),
            only=only,
        )


def selected(found: Deployed, wanted: Wanted) -> Iterator[Model]:
    """The models that are wanted, by name.

    Raises
    ------
    CommandError
        The endpoint has no model, or none that matches; having none with a refusal is no error.
    """
    if wanted.names:
        candidates: Iterable[Model] = [found.known(name) for name in sorted(set(wanted.names))]
    else:
        candidates = found.all()
    names, matching = [], 0
    for model in candidates:
        if not model.nameless:
            names.append(model.name)
        elif wanted.patterns:
            continue
        if not wanted.matches(model.name):
            continue
        matching += 1
        if not wanted.refused or model.open_refusals:
            yield model
    if not names and not matching:
        raise found.unknown_endpoint()
    if not matching:
        asked = " or ".join(repr(plain(one, 120)) for one in wanted.patterns)
        raise found.unknown_model(f"model that matches {asked}", wanted.patterns[0].strip("*?"), names)


def summed(
    models: Iterable[Model], summary: Summary, now: datetime, *, nameless: bool = False
) -> Iterator[Model]:
    """The models, each added to the summary; what is of no known model is passed on only if asked for."""
    for model in models:
        summary.add(model, now)
        if nameless or not model.nameless:
            yield model


def _base(version: Version) -> tuple[str, str]:
    """Bucket and prefix a version lies under."""
    bucket, _, prefix = version.where
    return bucket, prefix


def _check_endpoint(name: str) -> None:
    if is_resource_name(name):
        return
    hint = ""
    if name.startswith("arn:") and is_resource_name(name.rpartition("/")[2]):
        hint = f": it is an ARN. Name it {name.rpartition('/')[2]}"
    raise CommandError(
        f"{plain(name)!r} is no name of an endpoint (letters, digits and inner hyphens, at most 63){hint}"
    )
