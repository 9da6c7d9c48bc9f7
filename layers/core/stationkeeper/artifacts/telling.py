"""From what became of an artifact to the domain event that says it: a pure translation."""

from dataclasses import dataclass
from datetime import UTC, datetime

from stationkeeper.alerts.text import plain
from stationkeeper.artifacts.naming import in_place_key, pointer_name
from stationkeeper.artifacts.record import ModelRecord, Refused, Source, Version
from stationkeeper.artifacts.refusal import Refusal
from stationkeeper.events.artifact_events import ArtifactPublished, ArtifactRejected, ArtifactWithdrawn
from stationkeeper.events.domain import Cause, stable_id
from stationkeeper.releases.names import is_resource_name
from stationkeeper.releases.registry import group_name
from stationkeeper.severity import Severity

_LOUD = 3
"""So many rejections of an endpoint and day are told one by one; of the others every tenth, hundredth, thousandth."""


def is_loud(of_the_day: int) -> bool:
    """Whether on-call hears of a rejection: the first three of a day, then the 10th, 100th, 1,000th, ...

    >>> [number for number in range(1, 2000) if is_loud(number)]
    [1, 2, 3, 10, 100, 1000]
    """
    return of_the_day <= _LOUD or str(of_the_day).rstrip("0") == "1"


@dataclass(frozen=True, slots=True)
class Telling:
    """What all events about one artifact share."""

    endpoint: str
    model: str
    source: Source
    named_by: str
    account: str
    region: str
    on_call: str
    event_id: str
    at: datetime

    def published(
        self,
        version: Version,
        record: ModelRecord,
        before: ModelRecord,
        *,
        warmed: bool = False,
        mended: Refused | None = None,
        again: int = 0,
    ) -> ArtifactPublished:
        """
        Parameters
        ----------
        record, before : the record with the version, and as it was before.
        mended : the refusal that on-call heard of, and that this makes good.
        again : it was published before, and callers are sent to it anew because a person approved it: how many of the endpoint on that day.
        """
        previous = before.serving
        about = f"{version.uri} {record.version}" if again else version.uri
        incident = mended.incident if mended else self._incident("published", self.source.identity)
        return ArtifactPublished.model_validate(
            {
                **self._shared("ArtifactPublished", Severity.INFO, incident, version.label, about),
                **self._serving(record),
                "quiet": mended is None and not (again and is_loud(again)),
                "target_model": version.target_model,
                "published_uri": plain(version.uri, 1_200),
                "size_bytes": version.size_bytes,
                "unpacked_bytes": version.unpacked_bytes,
                "files": version.files,
                "pointed": record.current == version.uri,
                "previous": previous.told if previous and previous.uri != version.uri else None,
                "in_place": in_place_key(self.model) if version.in_place else "",
                "warmed": warmed,
                "mended": mended.code if mended else "",
            }
        )

    def rejected(
        self, refusal: Refusal, record: ModelRecord, of_the_day: int, target_model: str = "", etag: str = ""
    ) -> ArtifactRejected:
        """
        Parameters
        ----------
        record : as callers are sent by it now.
        of_the_day : how many artifacts of the endpoint were rejected since midnight, this one included.
        target_model : of a version that lies under the prefix all the same.
        etag : of what was read: other content is news.
        """
        label = str(self.source.number) if self.source.number else ""
        return ArtifactRejected.model_validate(
            {
                **self._shared(
                    "ArtifactRejected",
                    Severity.WARNING,
                    self.incident_of_the_day,
                    label,
                    f"{refusal.code} {etag}",
                ),
                **self._serving(record),
                "quiet": not is_loud(of_the_day),
                "code": refusal.code,
                "reason": plain(refusal.why, 600),
                "hint": plain(refusal.advice, 400),
                "passing": refusal.passing,
                "of_the_day": of_the_day,
                "target_model": target_model,
            }
        )

    def withdrawn(self, version: Version, record: ModelRecord, of_the_day: int = 1) -> ArtifactWithdrawn:
        """`record` as it is with the version taken back; `of_the_day`: how many of the endpoint were, this one included."""
        incident = self._incident("withdrawn", self.source.identity)
        return ArtifactWithdrawn.model_validate(
            {
                **self._shared(
                    "ArtifactWithdrawn", Severity.INFO, incident, version.label, str(record.version)
                ),
                **self._serving(record),
                "severity": Severity.WARNING if record.current == version.uri else Severity.INFO,
                "quiet": not is_loud(of_the_day),
                "target_model": version.target_model,
                "nothing_left": record.current == version.uri,
            }
        )

    @property
    def incident_of_the_day(self) -> str:
        """Rejections of one endpoint and day are one incident: a night's broken artifacts have one cause more often than not."""
        return stable_id("artifacts", self.endpoint.lower(), self.at.astimezone(UTC).date().isoformat())[:8]

    def _incident(self, kind: str, what: str) -> str:
        return stable_id(kind, self.endpoint.lower(), self.model, what)[:8]

    def _serving(self, record: ModelRecord) -> dict[str, object]:
        return {
            "serving": record.serving.told if record.serving else None,
            "pointer": pointer_name(record.endpoint or self.endpoint, self.model)
            if self.model and is_resource_name(self.endpoint)
            else "",
        }

    def _shared(
        self, kind: str, severity: Severity, incident: str, label: str, about: str
    ) -> dict[str, object]:
        source = self.source
        return {
            "id": stable_id(self.endpoint.lower(), self.model, source.identity, kind, about),
            "incident": incident,
            "severity": severity,
            "endpoint": plain(self.endpoint, 63),
            "account": self.account,
            "region": self.region,
            "on_call": plain(self.on_call, 64),
            "cause": Cause(
                event_id=plain(self.event_id, 100),
                job=plain(source.name or source.arn.rpartition("/")[2], 100)
                if source.kind == "training-job"
                else "",
                job_arn=plain(source.arn, 300) if source.kind == "training-job" else "",
            ),
            "at": self.at,
            "model": self.model,
            "version": label,
            "source": source.kind,
            "source_arn": plain(source.arn, 300),
            "artifact_uri": plain(source.artifact_uri, 1_200),
            "named_by": plain(self.named_by, 200),
            "group": plain(group_name(source.owner), 63) if source.owner else "",
        }
