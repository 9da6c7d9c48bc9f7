"""`SageMaker Processing Job State Change`: a processing job, maybe of a monitoring schedule, changed state.

The event carries what `DescribeProcessingJob` answers, with other spellings of times and empty values.
"""

import re
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from stationkeeper.events.envelope import Envelope
from stationkeeper.events.fields import Many, Maybe, SageMakerModel, Text, TextMap, Timestamp

# model-monitoring-202302131700-2380a120b4182cad1daa9eb5
_SCHEDULED_NAME = re.compile(r"-(\d{12})-[0-9a-f]{24}$")


class S3Output(SageMakerModel):
    s3_uri: Text = None
    local_path: Text = None


class ProcessingOutput(SageMakerModel):
    output_name: Text = None
    s3_output: Maybe[S3Output] = None


class ProcessingOutputConfig(SageMakerModel):
    outputs: Many[ProcessingOutput] = ()


class S3Input(SageMakerModel):
    s3_uri: Text = None
    local_path: Text = None


class ProcessingInput(SageMakerModel):
    input_name: Text = None
    s3_input: Maybe[S3Input] = None


class AppSpecification(SageMakerModel):
    image_uri: Text = None


class ProcessingJob(SageMakerModel):
    """The job as the event, or `DescribeProcessingJob`, describes it."""

    processing_job_name: str = Field(min_length=1)
    processing_job_arn: str = Field(min_length=1)
    processing_job_status: str
    monitoring_schedule_arn: Text = None
    exit_message: Text = None
    failure_reason: Text = None
    app_specification: Maybe[AppSpecification] = None
    processing_inputs: Many[ProcessingInput] = ()
    processing_output_config: Maybe[ProcessingOutputConfig] = None
    environment: TextMap = Field(default_factory=dict)
    tags: TextMap = Field(default_factory=dict)
    creation_time: Timestamp = None
    processing_start_time: Timestamp = None
    processing_end_time: Timestamp = None

    @property
    def image(self) -> str:
        """The container image's address, or ""."""
        return (self.app_specification.image_uri if self.app_specification else None) or ""

    @property
    def outputs(self) -> tuple[ProcessingOutput, ...]:
        return self.processing_output_config.outputs if self.processing_output_config else ()

    def output_uri(self) -> str | None:
        """S3 address of the folder the report is written under, without a trailing slash; None when not told.

        The output is called `result` (scheduled), `monitoring_output` (baseline) or `analysis_result` (Clarify);
        custom containers name it as they like, so its local path, then its position, decide.
        """
        uris = [
            (output.output_name, output.s3_output) for output in self.outputs if output.s3_output is not None
        ]
        by_name = [s3 for name, s3 in uris if name in ("result", "analysis_result", "monitoring_output")]
        by_path = [
            s3 for _, s3 in uris if s3.local_path and s3.local_path == self.environment.get("output_path")
        ]
        for s3 in [*by_name, *by_path, *(s3 for _, s3 in uris)]:
            if s3.s3_uri:
                return s3.s3_uri.rstrip("/")
        return None

    def baseline_uri(self, of: Literal["statistics", "constraints"]) -> str | None:
        """S3 address of the baseline's file that the run was held against; None when not told.

        The environment names the file in the container, an input the address its folder was filled from: a file or a folder.
        """
        folder, _, name = (self.environment.get(f"baseline_{of}") or "").rpartition("/")
        usual_name = "baseline" if of == "statistics" else "constraints"
        inputs = [
            (one.input_name, one.s3_input) for one in self.processing_inputs if one.s3_input is not None
        ]
        by_path = [s3 for _, s3 in inputs if folder and s3.local_path == folder]
        by_name = [s3 for input_name, s3 in inputs if input_name == usual_name]
        for s3 in [*by_path, *by_name]:
            if s3.s3_uri:
                return (
                    s3.s3_uri
                    if s3.s3_uri.endswith(".json")
                    else f"{s3.s3_uri.rstrip('/')}/{name or f'{of}.json'}"
                )
        return None

    def scheduled_for(self) -> datetime | None:
        """When the run was due: the end of its window, the stamp in its name, or when it was made."""
        end = _iso(self.environment.get("end_time"))
        if end:
            return end
        stamp = _SCHEDULED_NAME.search(self.processing_job_name)
        if stamp:
            try:
                return datetime.strptime(stamp[1], "%Y%m%d%H%M").replace(tzinfo=UTC)
            except ValueError:  # twelve digits that are no date: the job's own times decide
                pass
        return self.creation_time or self.processing_start_time or self.processing_end_time

    def window(self) -> tuple[datetime, datetime] | None:
        """Start and end of the data the run looked at, when told."""
        start, end = (_iso(self.environment.get(name)) for name in ("start_time", "end_time"))
        return (start, end) if start and end else None


class ProcessingJobStateChange(Envelope):
    source: Literal["aws.sagemaker"]
    detail_type: Literal["SageMaker Processing Job State Change"] = Field(alias="detail-type")
    detail: ProcessingJob


def _iso(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:  # relative offsets such as -PT1H are settings, not moments
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
