"""What people would receive: every message published to a topic, as a file."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from moto.sns.models import Topic


@dataclass(frozen=True)
class PublishedMessage:
    """One message as it was published.

    `topic` is the topic's logical id in the template; `message` is the text exactly as given; `number` counts
    from 1 in the order of publishing; `published_at` is ISO 8601 in UTC.
    """

    number: int
    topic: str
    topic_arn: str
    subject: str | None
    message: str
    attributes: dict[str, Any]
    published_at: str

    @property
    def file_name(self) -> str:
        return f"{self.number:04}-{self.topic}.json"


class Outbox:
    """Writes `<folder>/<number>-<topic>.json`. Used under moto's lock only."""

    def __init__(self, folder: Path, name_of_topic: Callable[[str], str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._name_of_topic = name_of_topic
        self._messages: list[PublishedMessage] = []

    def put(
        self, topic: Topic, message: str, subject: str | None, attributes: dict[str, Any]
    ) -> PublishedMessage:
        published = PublishedMessage(
            number=len(self._messages) + 1,
            topic=self._name_of_topic(topic.arn),
            topic_arn=topic.arn,
            subject=subject,
            message=message,
            attributes={name: _text(value) for name, value in attributes.items()},
            published_at=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        )
        self._messages.append(published)
        path = self._folder / published.file_name
        path.write_text(json.dumps(asdict(published), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return published

    def all(self) -> list[PublishedMessage]:
        return list(self._messages)


def _text(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
