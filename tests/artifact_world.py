"""artifact_sync over fakes of its own ports: one account with a multi-model endpoint, fast enough for 10,000 models.

The real reaction, records, settling and telling; only what AWS would do is faked, with what matters of it: conditional writes, keys that
exist, copies of what was checked. Every call of a port that costs a call of AWS is counted; `interrupt` may crash the function at any.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from stationkeeper.artifacts.found_job import FoundJob
from stationkeeper.artifacts.record import ModelRecord
from stationkeeper.artifacts.refusal import ArtifactRefused, Refusal
from stationkeeper.artifacts.stored import Checked, KeyTaken, Stored
from stationkeeper.artifacts.warm_up import WarmUp
from stationkeeper.errors import MemoryConflict, UnderWay
from stationkeeper.events.artifact_trigger import ENDPOINT_TAG, ArtifactTrigger
from stationkeeper.events.job import JobStateChange
from stationkeeper.events.scheduled import SweepDue
from stationkeeper.jobs.registration import TrainingJob
from stationkeeper.reactions.artifact_candidates import Candidates
from stationkeeper.reactions.artifact_groups import Groups
from stationkeeper.reactions.artifact_places import Places
from stationkeeper.reactions.artifact_publishing import Publishing
from stationkeeper.reactions.artifact_settling import Settling
from stationkeeper.reactions.artifact_sweep import ArtifactSweep
from stationkeeper.reactions.artifact_sync import ArtifactSync
from stationkeeper.releases.observed import Endpoint, EndpointConfig, Fleet, Model
from stationkeeper.releases.registry import ModelPackage, Version

ACCOUNT, REGION = "111122223333", "eu-west-1"
ENDPOINT = "house-prices"
BUCKET, PREFIX = "serving", "models/"
START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


class Crash(BaseException):
    """The function is killed."""


@dataclass
class Object:
    etag: str
    size: int = 1_000
    marks: Mapping[str, str] = field(default_factory=dict)
    refusal: Refusal | None = None


@dataclass
class Account:
    """What there is in AWS. `objects` by s3 address."""

    now: datetime = START
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    packages: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    objects: dict[str, Object] = field(default_factory=dict)
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of training jobs, by name."""
    containers: list[dict[str, Any]] = field(
        default_factory=lambda: [{"Mode": "MultiModel", "ModelDataUrl": f"s3://{BUCKET}/{PREFIX}"}]
    )
    """Of the endpoint's model."""
    items: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    due: dict[tuple[str, str], datetime | None] = field(default_factory=dict)
    noted: set[str] = field(default_factory=set)
    parameters: dict[str, str] = field(default_factory=dict)
    moves: dict[str, list[str]] = field(default_factory=dict)
    """Every value a pointer ever had, in order."""
    said: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    counted: dict[str, list[str]] = field(default_factory=dict)
    """The first ten refusals of each day."""
    written: Counter[str] = field(default_factory=Counter)
    """How often something was written to an address under the prefix."""
    deleted: list[str] = field(default_factory=list)
    undeletable: bool = False
    calls: list[str] = field(default_factory=list)
    interrupt: Callable[[str, str], None] = lambda _name, _when: None
    etags: "count[int]" = field(default_factory=lambda: count(1))

    def called(self, name: str) -> "_Call":
        self.calls.append(name)
        return _Call(self, name)


@dataclass
class _Call:
    """One call: it may be interrupted before AWS does it, and after."""

    account: Account
    name: str

    def __enter__(self) -> None:
        self.account.interrupt(self.name, "before")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.account.interrupt(self.name, "after")


@dataclass
class FakeRegistry:
    account: Account

    def is_own(self, arn: str) -> bool:
        return f":{ACCOUNT}:" in arn

    def tags(self, arn: str) -> dict[str, str] | None:
        with self.account.called("ListTags"):
            return self.account.tags.get(arn)

    def package(self, arn: str) -> ModelPackage | None:
        with self.account.called("DescribeModelPackage"):
            found = self.account.packages.get(arn)
            return ModelPackage.model_validate(found) if found else None

    def approved(self, group_arn: str) -> tuple[Version, ...] | None:
        with self.account.called("ListModelPackages"):
            if group_arn not in self.account.tags:
                return None
            beginning = group_arn.replace(":model-package-group/", ":model-package/") + "/"
            return tuple(
                Version.model_validate(found)
                for arn, found in self.account.packages.items()
                if arn.startswith(beginning) and found["ModelApprovalStatus"] == "Approved"
            )

    def training_job(self, name: str) -> TrainingJob | None:
        with self.account.called("DescribeTrainingJob"):
            found = self.account.jobs.get(name)
            return TrainingJob.model_validate(found) if found else None

    def endpoint(self, name: str) -> Endpoint | None:
        with self.account.called("DescribeEndpoint"):
            if name != ENDPOINT:
                return None
            return Endpoint(
                EndpointName=name,
                EndpointArn=f"arn:{name}",
                EndpointStatus="InService",
                EndpointConfigName="config",
            )

    def fleet(self, config_name: str) -> Fleet | None:
        with self.account.called("DescribeEndpointConfig"), self.account.called("DescribeModel"):
            config = EndpointConfig(
                config_name, {"ProductionVariants": [{"VariantName": "all", "ModelName": "many"}]}
            )
            return Fleet(config, {"many": Model("many", {"Containers": self.account.containers})})


@dataclass
class FakeStore:
    account: Account

    def check(self, uri: str, unless_etag: str = "") -> Checked | None:
        with self.account.called("GetObject"):
            found = self.account.objects.get(uri)
            if found is None:
                raise ArtifactRefused(Refusal("missing", f"There is nothing at {uri}.", passing=True))
            if found.etag == unless_etag:
                return None
            if found.refusal:
                raise ArtifactRefused(found.refusal, found.etag)
            bucket, _, key = uri.removeprefix("s3://").partition("/")
            return Checked(bucket, key, found.etag, found.size, 1, 4 * found.size, None)

    def publish(self, artifact: Checked, bucket: str, key: str, marks: Mapping[str, str]) -> Stored:
        uri = f"s3://{bucket}/{key}"
        with self.account.called("CopyObject"):
            there = self.account.objects.get(uri)
            if there is None:
                self.account.written[uri] += 1
                there = self.account.objects[uri] = Object(artifact.etag, artifact.size, dict(marks))
                return Stored(there.etag, there.size)
        with self.account.called("HeadObject"):
            if dict(there.marks) != dict(marks):
                raise KeyTaken(bucket, key)
            return Stored(there.etag, there.size)

    def put_in_place(self, bucket: str, version_key: str, key: str, marks: Mapping[str, str]) -> None:
        uri = f"s3://{bucket}/{key}"
        with self.account.called("HeadObject"):
            there = self.account.objects.get(uri)
        if there is not None and there.marks.get("stationkeeper-model") != marks["stationkeeper-model"]:
            raise KeyTaken(bucket, key)
        with self.account.called("CopyObject"):
            if self.account.objects.get(uri) is not there:
                raise MemoryConflict("changed meanwhile")
            copied = self.account.objects[f"s3://{bucket}/{version_key}"]
            self.account.objects[uri] = Object(copied.etag, copied.size, dict(marks))

    def is_there(self, bucket: str, key: str, etag: str) -> bool:
        with self.account.called("HeadObject"):
            there = self.account.objects.get(f"s3://{bucket}/{key}")
            return there is not None and there.etag == etag

    def delete(self, bucket: str, key: str, etag: str) -> bool:
        uri = f"s3://{bucket}/{key}"
        with self.account.called("DeleteObject"):
            there = self.account.objects.get(uri)
            if there is None:
                return True
            if self.account.undeletable:
                return False
            if there.etag != etag:
                return True
            del self.account.objects[uri]
            self.account.deleted.append(uri)
            return True


@dataclass
class FakeRecords:
    account: Account
    keep: timedelta = timedelta(days=7)

    def recall(self, endpoint: str, model: str) -> ModelRecord:
        with self.account.called("GetItem"):
            found = self.account.items.get((endpoint.lower(), model))
            if found is None:
                return ModelRecord(endpoint=endpoint, model=model)
            return ModelRecord.model_validate_json(found[1]).model_copy(update={"version": found[0]})

    def remember(self, endpoint: str, model: str, record: ModelRecord) -> ModelRecord:
        with self.account.called("PutItem"):
            key = endpoint.lower(), model
            if self.account.items.get(key, (0, ""))[0] != record.version:
                raise MemoryConflict(f"{key} was changed by somebody else")
            self.account.items[key] = record.version + 1, record.model_dump_json(exclude={"version"})
            self.account.due[key] = record.next_due(self.keep, self.account.now)
            return record.model_copy(update={"version": record.version + 1})

    def note(self, endpoint: str) -> None:
        with self.account.called("PutItem of the index"):
            self.account.noted.add(endpoint.lower())

    def next_of_the_day(self, endpoint: str, at: datetime, what: str) -> int:
        with self.account.called("UpdateItem"):
            day = f"{endpoint} {at.date()}"
            first = self.account.counted.setdefault(day, [])
            if what in first:
                return 1
            if len(first) < 10:
                first.append(what)
            self.account.refusals[day] += 1
            return self.account.refusals[day]

    # What `sweep` asks.

    def endpoints(self) -> tuple[str, ...]:
        return tuple(sorted(self.account.noted))

    def due(self, endpoint: str, now: datetime) -> tuple[str, ...]:
        return tuple(
            model
            for (its, model), at in self.account.due.items()
            if its == endpoint and at is not None and at <= now
        )

    def settled(self, models: Iterator[tuple[str, str]]) -> dict[tuple[str, str], frozenset[str]]:
        return {
            (endpoint, model): frozenset(
                ModelRecord.model_validate_json(
                    self.account.items[endpoint.lower(), model][1]
                ).settled_sources
            )
            for endpoint, model in models
            if (endpoint.lower(), model) in self.account.items
        }


@dataclass
class FakeTrained:
    account: Account

    def artifact_groups(self) -> tuple[str, ...]:
        return tuple(sorted(arn for arn, tags in self.account.tags.items() if ENDPOINT_TAG in tags))

    def trained_since(self, since: datetime) -> Iterator[FoundJob]:
        for name, event in self.account.events.items():
            if name in self.account.jobs and self.account.jobs[name]["CreationTime"] >= since:
                uri = self.account.jobs[name]["ModelArtifacts"]["S3ModelArtifacts"]
                yield FoundJob(JobStateChange.parse(event).detail, uri)


@dataclass
class FakeQueue:
    messages: list[dict[str, Any]] = field(default_factory=list)

    def send(self, messages: list[dict[str, object]]) -> None:
        self.messages += messages


@dataclass
class FakePointers:
    account: Account

    def move(self, name: str, target_model: str) -> None:
        with self.account.called("PutParameter"):
            self.account.parameters[name] = target_model
            self.account.moves.setdefault(name, []).append(target_model)


@dataclass
class FakeBus:
    account: Account

    def publish(self, details: list[tuple[str, str]]) -> None:
        import json

        with self.account.called("PutEvents"):
            self.account.said += [(kind, json.loads(detail)) for kind, detail in details]


@dataclass
class FakeWarmUps:
    account: Account
    answer: WarmUp = field(default_factory=lambda: WarmUp(answered=True))

    def call(self, _endpoint: str, _target_model: str, _payload_uri: str, _content_type: str) -> WarmUp:
        with self.account.called("InvokeEndpoint"):
            return self.answer


@dataclass
class ArtifactWorld:
    """One account, and the containers of the function in it."""

    account: Account = field(default_factory=Account)
    keep_days: int = 7
    _tokens: "count[int]" = field(default_factory=count)

    def __post_init__(self) -> None:
        self.warm_ups = FakeWarmUps(self.account)
        self.reaction = self.container()

    def container(self) -> ArtifactSync:
        """A fresh container of the function: it remembers nothing."""
        account, now = self.account, lambda: self.account.now
        registry, records, store = FakeRegistry(account), self._records(), FakeStore(account)
        settling = Settling(
            records=records,
            pointers=FakePointers(account),
            shelf=store,
            refusals=records,
            bus=FakeBus(account),
            keep_days=self.keep_days,
            now=now,
            token=lambda: f"copy {next(self._tokens)}",
        )
        publishing = Publishing(Places(registry, records, now), store, self.warm_ups, settling)
        candidates = Candidates(registry, publishing, "the platform team", now)
        return ArtifactSync(registry, Groups(registry, candidates, now), candidates)

    # ---------------------------------------------------------------- what happens

    def trained(
        self,
        model: str,
        job: str = "",
        *,
        at: datetime | None = None,
        refusal: Refusal | None = None,
        **tags: str,
    ) -> dict[str, Any]:
        """A training job for a model ended well; its event."""
        created = at or self.account.now
        job = job or f"{model}-{created:%Y%m%d%H%M%S%f}"
        uri = f"s3://training/model_artifacts/{model}/{job}/output/model.tar.gz"
        arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/{job}"
        self.account.objects[uri] = Object(f'"{next(self.account.etags)}"', refusal=refusal)
        self.account.jobs[job] = {
            "TrainingJobName": job,
            "TrainingJobArn": arn,
            "TrainingJobStatus": "Completed",
            "CreationTime": created,
            "ModelArtifacts": {"S3ModelArtifacts": uri},
        }
        told = {ENDPOINT_TAG: ENDPOINT, "stationkeeper:target-model": model}
        told |= {f"stationkeeper:{name.replace('_', '-')}": value for name, value in tags.items()}
        detail = {
            "TrainingJobName": job,
            "TrainingJobArn": arn,
            "TrainingJobStatus": "Completed",
            "CreationTime": int(created.timestamp() * 1_000),
            "Tags": {name: value for name, value in told.items() if value},
        }
        event = self.event("SageMaker Training Job State Change", detail)
        self.account.events[job] = event
        return event

    def group(self, group: str, model: str = "", **tags: str) -> str:
        """A group that opted in; its ARN."""
        arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/{group}"
        told = {ENDPOINT_TAG: ENDPOINT, "stationkeeper:target-model": model}
        told |= {f"stationkeeper:{name.replace('_', '-')}": value for name, value in tags.items()}
        self.account.tags[arn] = {name: value for name, value in told.items() if value}
        return arn

    def version(
        self,
        group_arn: str,
        number: int,
        status: str = "Approved",
        *,
        refusal: Refusal | None = None,
        uri: str = "",
    ) -> dict[str, Any]:
        """A version as it is now; the event of that."""
        arn = f"{group_arn.replace(':model-package-group/', ':model-package/')}/{number}"
        uri = uri or f"s3://training/{group_arn.rpartition('/')[2]}/{number}/model.tar.gz"
        if uri not in self.account.objects:
            self.account.objects[uri] = Object(f'"{next(self.account.etags)}"', refusal=refusal)
        known = self.account.packages.get(arn, {})
        self.account.packages[arn] = {
            "ModelPackageArn": arn,
            "ModelPackageVersion": number,
            "ModelPackageStatus": "Completed",
            "ModelApprovalStatus": status,
            "CreationTime": known.get("CreationTime", self.account.now),
            "InferenceSpecification": {"Containers": [{"Image": "image", "ModelDataUrl": uri}]},
        }
        detail = {"ModelPackageArn": arn, "ModelPackageVersion": number, "ModelApprovalStatus": status}
        return self.event("SageMaker Model Package State Change", detail)

    def event(
        self, detail_type: str, detail: Mapping[str, Any], source: str = "aws.sagemaker"
    ) -> dict[str, Any]:
        return {
            "id": f"event-{next(self.account.etags)}",
            "source": source,
            "detail-type": detail_type,
            "account": ACCOUNT,
            "region": REGION,
            "time": self.account.now.isoformat(),
            "detail": dict(detail),
        }

    def message(self, detail_type: str, **detail: str) -> dict[str, Any]:
        """A message of `sweep` or of a person."""
        return self.event(detail_type, detail, "stationkeeper")

    def sweep(self) -> list[dict[str, Any]]:
        """What `sweep` asks to look at in this hour; nothing has looked yet."""
        queue, records = FakeQueue(), self._records()
        due = SweepDue.parse(self.event("SweepDue", {}, "stationkeeper.schedule"))
        ArtifactSweep(FakeTrained(self.account), records, queue).sweep(due, self.account.now)
        return queue.messages

    def _records(self) -> FakeRecords:
        return FakeRecords(self.account, timedelta(days=self.keep_days))

    def react(self, *events: Mapping[str, Any], container: ArtifactSync | None = None) -> None:
        for event in events:
            with suppress(UnderWay):  # the queue brings it again; here nobody does, the sweep must be enough
                (container or self.reaction).react(ArtifactTrigger.parse(dict(event)))

    def wait(self, **time: float) -> None:
        self.account.now += timedelta(**time)

    # ---------------------------------------------------------------- what came of it

    def pointer(self, model: str) -> str:
        return self.account.parameters.get(f"/stationkeeper/{ENDPOINT}/{model}", "")

    def record(self, model: str) -> ModelRecord:
        version, text = self.account.items[ENDPOINT, model]
        return ModelRecord.model_validate_json(text).model_copy(update={"version": version})

    def published(self, model: str = "") -> list[str]:
        """Keys of the versions that lie under the prefix."""
        beginning = f"s3://{BUCKET}/{PREFIX}"
        return sorted(
            uri.removeprefix(beginning)
            for uri in self.account.objects
            if uri.startswith(f"{beginning}{model}")
        )

    def said(self, *, loud: bool = False) -> list[tuple[str, str, str]]:
        """(kind, model, version or code) of all events; each id once. `loud`: only what on-call hears."""
        seen: dict[str, tuple[str, str, str]] = {}
        for kind, detail in self.account.said:
            if not (loud and detail["quiet"]):
                seen.setdefault(
                    detail["id"], (kind, detail["model"], detail.get("code") or detail["version"])
                )
        return list(seen.values())

    def calls_of(self, *events: Mapping[str, Any]) -> list[str]:
        before = len(self.account.calls)
        self.react(*events)
        return self.account.calls[before:]
