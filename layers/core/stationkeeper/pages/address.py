"""Where the drift page of a run is: known before it is drawn, so that a message can link to it."""

import re
from dataclasses import dataclass
from hashlib import blake2b

from stationkeeper.alerts.layout import s3_console

FOLDER = "drift-pages"

_UNUSUAL = re.compile(r"[^A-Za-z0-9_-]+")
_NAME_CHARACTERS = 63  # of SageMaker's names


@dataclass(frozen=True, slots=True)
class PagePlace:
    """The bucket pages are kept in, and its region."""

    bucket: str
    region: str

    def key(self, schedule_arn: str, job: str) -> str:
        """The key of a run's page: `drift-pages/<schedule>/<job>.html`."""
        return f"{FOLDER}/{_safe(schedule_arn.rpartition('/')[2])}/{_safe(job)}.html"

    def uri(self, schedule_arn: str, job: str) -> str:
        return f"s3://{self.bucket}/{self.key(schedule_arn, job)}"

    def link(self, schedule_arn: str, job: str) -> str:
        """Where a person who may read the bucket opens the page: in the console of S3."""
        return s3_console(self.uri(schedule_arn, job), self.region)


def _safe(name: str) -> str:
    """A name as part of a key; one that SageMaker would not give is told apart by a hash, as it may be anything."""
    safe = _UNUSUAL.sub("-", name)[:_NAME_CHARACTERS]
    if safe == name:
        return name
    return f"{safe}-{blake2b(name.encode('utf-8', 'surrogatepass'), digest_size=4).hexdigest()}"
