"""A version waits for approval, or an older one was approved: what people are told about versions that are not released."""

from dataclasses import dataclass
from typing import Protocol

from stationkeeper.events.domain import DomainEvent
from stationkeeper.events.job_events import Retrained
from stationkeeper.events.release_trigger import ReleaseTrigger
from stationkeeper.reactions.release_looking import ReleaseSight
from stationkeeper.reactions.release_notebook import Notebook, package_arn
from stationkeeper.releases.decision import Block, Look, package_failed
from stationkeeper.releases.metrics import compared, metrics_of
from stationkeeper.releases.registry import ModelPackage, highest
from stationkeeper.releases.telling import Telling
from stationkeeper.severity import Severity

_WAITING = "PendingManualApproval"


class MetricsFiles(Protocol):
    def read(self, uri: str) -> bytes | str:
        """The file's bytes, or why it cannot be read."""


class Retrainings(Protocol):
    def that_made(self, generated_by: str) -> Retrained | None:
        """The retraining an ARN is the pipeline execution of; None when it was not started here."""


@dataclass(frozen=True, slots=True)
class Approvals:
    """Asks for approval of the newest version that waits, once; says why an older version that was approved changes nothing."""

    sight: ReleaseSight
    files: MetricsFiles
    retrainings: Retrainings
    notebook: Notebook

    def ask(self, look: Look, trigger: ReleaseTrigger, telling: Telling) -> None:
        """Raises `MemoryConflict` when the record was written since the look: look again."""
        if look.approved is None or self._tell_failed(look, telling):
            return
        if trigger.version is not None and trigger.approval == "Approved" and trigger.approval_changed:
            self._explain_older(look, trigger.version, telling)
        elif trigger.thorough or (trigger.version is not None and trigger.approval in (_WAITING, None)):
            self._ask(look, telling)

    def _tell_failed(self, look: Look, telling: Telling) -> bool:
        """An approved version above the one that should run cannot, as its package failed: whoever approved it should know."""
        failed = highest(one for one in look.approved or () if not one.usable and not one.being_made)
        newest = look.desired.number if look.desired else 0
        if failed is None or failed.number <= newest or look.record.told.get("failed") == str(failed.number):
            return False
        block = package_failed(failed)
        self.notebook.write(
            look,
            look.record.telling("failed", str(failed.number)),
            telling.blocked(block, failed.model_package_arn),
        )
        return True

    def _ask(self, look: Look, telling: Telling) -> None:
        version = highest(version for version in self.sight.waiting(look.group_arn) if version.usable)
        newest = look.desired.number if look.desired else 0
        asked = int(look.record.told.get("asked", "0"))
        if version is None or version.number <= max(newest, asked):
            return
        package = self.sight.package(version.model_package_arn)
        if package is None or package.model_approval_status not in (_WAITING, None):
            return
        event = self._request(look, package, telling)
        self.notebook.write(look, look.record.telling("asked", str(version.number)), event)

    def _request(self, look: Look, package: ModelPackage, telling: Telling) -> DomainEvent:
        candidate = self._metrics(package)
        live_arn = look.known_live.package_arn if look.known_live else None
        if live_arn is None and look.desired is not None and look.running == look.desired.number:
            live_arn = look.desired.model_package_arn
        live_package = self.sight.package(live_arn) if live_arn else None
        live = self._metrics(live_package) if live_package else "no version of this group is live"
        return telling.approval_requested(
            package,
            compared(
                candidate if isinstance(candidate, dict) else {}, live if isinstance(live, dict) else {}
            ),
            "" if isinstance(candidate, dict) else candidate,
            "" if isinstance(live, dict) else live,
            self.retrainings.that_made(package.generated_by),
        )

    def _metrics(self, package: ModelPackage) -> dict[str, float] | str:
        if package.quality_uri is None:
            return package.noted_metrics or "it was registered without model-quality metrics"
        content = self.files.read(package.quality_uri)
        return content if isinstance(content, str) else metrics_of(content)

    def _explain_older(self, look: Look, version: int, telling: Telling) -> None:
        """Somebody approved a version below the one that should run: nothing changes, and they should know why."""
        desired = look.desired
        if (
            desired is None
            or version >= desired.number
            or look.record.told.get("older") == f"{version}<{desired.number}"
        ):
            return
        arn = package_arn(look, version)
        if arn is None:
            return
        newer = sorted(one.number for one in look.candidates if one.number > version)
        block = Block(
            "older-version",
            f"Version {version} is approved, and changes nothing: {_numbered(newer)} approved too, and the highest counts.",
            Severity.INFO,
            f"To run version {version}, reject {'it' if len(newer) == 1 else 'them'}",
            version,
        )
        self.notebook.write(
            look, look.record.telling("older", f"{version}<{desired.number}"), telling.blocked(block, arn)
        )


def _numbered(versions: list[int]) -> str:
    if len(versions) == 1:
        return f"version {versions[0]} is"
    shown = ", ".join(str(version) for version in versions[-5:])
    return f"versions {shown} are"
