"""The built artifacts in the embedded AWS: one build for all tests, one system for each module."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from embedded_aws import PublishedMessage
from embedded_aws.embedded import EmbeddedAws
from stationkeeper_command import project

from tests.world import BUCKET


@pytest.fixture(scope="session")
def built() -> None:
    if not project.is_built():
        project.build()
    project.prepare_runtime()


def subject_and_incident(subject: str, attributes: Mapping[str, Any]) -> tuple[str, str]:
    """The parts of a message's subject; an incident stands in it and among the attributes, and is the same."""
    words, _, incident = subject.rpartition(" #")
    assert re.fullmatch("[0-9a-f]{8}", incident), subject
    assert attributes["incident"] == incident
    return words, incident


class System:
    """The stack, with the reports its runs read."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        self.s3 = aws.client("s3")
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        self._read = 0

    def outbox(self) -> list[PublishedMessage]:
        """The e-mails so far; a chat gets each message, too."""
        return [message for message in self.aws.outbox() if message.topic == "AlertTopic"]

    def put_report(self, event: dict[str, Any], report: bytes) -> None:
        uri = event["detail"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
        key = uri.removeprefix(f"s3://{BUCKET}/")
        self.s3.put_object(Bucket=BUCKET, Key=f"{key}/constraint_violations.json", Body=report)

    def react(self, *events: dict[str, Any], times: int = 1) -> list[str]:
        """Subjects, without the incidents they end with, of the messages on-call got because of these events."""
        self.aws.send(events, times=times)
        self.aws.drain(180)
        return [subject for subject, _ in self.mail()]

    def mail(self) -> list[tuple[str, str]]:
        """Subject and incident of each message on-call got since the last time."""
        messages = self.outbox()
        new, self._read = messages[self._read :], len(messages)
        return [subject_and_incident(str(message.subject), message.attributes) for message in new]


@pytest.fixture
def system(built: None, tmp_path: Path) -> Iterator[System]:
    with EmbeddedAws(
        project.BUILD,
        tmp_path,
        project.RUNTIME_PYTHON,
        parameters={"OnCall": "ml-on-call", "Architecture": project.architecture()},
        stack_name="stationkeeper",
        honour_deadlines=False,
    ) as aws:
        yield System(aws)
