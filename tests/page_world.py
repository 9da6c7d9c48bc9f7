"""The system with the function that draws pages: events reach it by the template's rules, in the order a test wants."""

import copy
import html
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from embedded_aws.moto_additions import s3 as s3_additions
from samtranslator.yaml_helper import yaml_parse
from stationkeeper.aws import clients

from tests.world import REGION, REPORT_BUCKET, ROOT, World, _invoke, _load, world

_TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))


@dataclass
class PageWorld(World):
    """`processing_jobs` are those that SageMaker can describe, by name."""

    processing_jobs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.s3.create_bucket(Bucket=REPORT_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.pages_url = self.sqs.create_queue(
            QueueName="pages",
            Attributes={
                "Policy": self.sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=["Policy"])[
                    "Attributes"
                ]["Policy"]
            },
        )["QueueUrl"]
        rule = _TEMPLATE["Resources"]["DriftPageRule"]["Properties"]
        self.events.put_rule(
            Name="pages", EventBusName="stationkeeper", EventPattern=json.dumps(rule["EventPattern"])
        )
        self.events.put_targets(
            Rule="pages",
            EventBusName="stationkeeper",
            Targets=[{"Id": "queue", "Arn": self._arn(self.pages_url)}],
        )

    def start_containers(self) -> None:
        super().start_containers()
        self.drift_page = _load("drift_page")
        clients.sagemaker().meta.events.register(
            "before-call.sagemaker.DescribeProcessingJob", self._describe
        )

    def _describe(self, params: dict[str, Any], **_: Any) -> Any:
        """moto's processing jobs take no monitoring schedule."""
        job = self.processing_jobs.get(json.loads(params["body"])["ProcessingJobName"])
        if job is None:
            return None
        return SimpleNamespace(status_code=200), copy.deepcopy(job)

    def draw(self, *events: dict[str, Any]) -> list[str]:
        """One invocation with these events; returns the ids of those that failed."""
        return _invoke(self.drift_page, [json.dumps(event) for event in events])

    def done(self) -> list[dict[str, Any]]:
        """What came over our bus for pages since the last time."""
        return [json.loads(one["Body"]) for one in self._receive(self.pages_url)]

    def judged_and_drawn(self, event: dict[str, Any]) -> str:
        """A run goes all the way; returns its page."""
        assert self.invoke_monitor_report(event) == []
        assert self.draw(event) == []
        for done in self.done():
            assert self.draw(done) == []
        return self.page(event)

    def put_beside(self, event: dict[str, Any], name: str, content: str | bytes) -> None:
        """A file beside the run's report."""
        uri = event["detail"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        self.s3.put_object(Bucket=bucket, Key=f"{key}/{name}", Body=content)

    def page(self, event: dict[str, Any]) -> str:
        return self.s3.get_object(Bucket=REPORT_BUCKET, Key=page_key(event))["Body"].read().decode()

    def pages(self) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=REPORT_BUCKET).get("Contents", [])
        return [one["Key"] for one in listed]


def page_key(event: dict[str, Any]) -> str:
    detail = event["detail"]
    schedule = detail["MonitoringScheduleArn"].rpartition("/")[2]
    return f"drift-pages/{schedule}/{detail['ProcessingJobName']}.html"


def words(page: str) -> str:
    """A page's text as a reader sees it, in one line."""
    body = re.sub(r"<style.*?</style>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


@contextmanager
def page_world() -> Iterator[PageWorld]:
    with world(PageWorld) as system, s3_additions.installed():
        yield system
