"""Everything that makes the artifact reaction look at a model of a multi-model endpoint, as one type."""

from typing import Literal

from pydantic import Field

from stationkeeper.events.envelope import Envelope
from stationkeeper.events.fields import Lenient
from stationkeeper.events.job import Job, JobStateChange
from stationkeeper.events.model_package import ModelPackageStateChange
from stationkeeper.events.release_trigger import LOOK_AGAIN, LookAgain, group_arn_of
from stationkeeper.tags import TAG_PREFIX

ENDPOINT_TAG = f"{TAG_PREFIX}multi-model-endpoint"
"""Opts in: the multi-model endpoint that artifacts are published to."""
LOOK_AT_TRAINING_JOB = "LookAtTrainingJob"
LOOK_AT_MODEL = "LookAtModel"
TAKE_MODEL_BACK = "TakeModelBack"


class _Where(Lenient):
    endpoint: str = Field(min_length=1)
    model: str = Field(min_length=1)


class LookAtModel(Envelope):
    """A message of `sweep`: something is left to be done for a model."""

    source: Literal["stationkeeper"]
    detail_type: Literal["LookAtModel"] = Field(alias="detail-type")
    detail: _Where


class _Version(_Where):
    version: str = Field(min_length=1)
    """The label of the version to take back, as `stationkeeper models` shows it."""


class TakeModelBack(Envelope):
    """A person's wish, by `stationkeeper models --take-back`: this version of a model is to serve no more."""

    source: Literal["stationkeeper"]
    detail_type: Literal["TakeModelBack"] = Field(alias="detail-type")
    detail: _Version


class LookAtTrainingJob(Envelope):
    """A message of `sweep`: a training job whose event nobody saw to the end."""

    source: Literal["stationkeeper"]
    detail_type: Literal["LookAtTrainingJob"] = Field(alias="detail-type")
    detail: Job


class ArtifactTrigger(Envelope):
    """An event that leads to the one question: is the newest good version of this model what callers are sent to?

    Exactly one of `training_job`, `package_arn`, `group_arn` and `model` says where to look.
    """

    training_job: Job | None = None
    package_arn: str = ""
    """A version of a group, which the event is about; `group_arn` is given too."""
    group_arn: str = ""
    endpoint: str = ""
    model: str = ""
    taken_back: str = ""
    """The version that a person takes back; ""."""

    @classmethod
    def parse(cls, body: str | bytes | dict[str, object]) -> "ArtifactTrigger":
        """Read any of the reaction's events.

        Raises
        ------
        InvalidEvent
            It is none of them, or lacks what the reaction needs.
        """
        envelope = Envelope.parse(body)
        match envelope.detail_type:
            case "SageMaker Model Package State Change":
                package = ModelPackageStateChange.parse(body)
                arn = package.detail.model_package_arn
                return cls._of(package, package_arn=arn, group_arn=group_arn_of(arn) or "")
            case detail_type if detail_type == LOOK_AGAIN:
                return cls._of(envelope, group_arn=LookAgain.parse(body).detail.group_arn)
            case detail_type if detail_type == LOOK_AT_TRAINING_JOB:
                return cls._of(envelope, training_job=LookAtTrainingJob.parse(body).detail)
            case detail_type if detail_type == LOOK_AT_MODEL:
                where = LookAtModel.parse(body).detail
                return cls._of(envelope, endpoint=where.endpoint, model=where.model)
            case detail_type if detail_type == TAKE_MODEL_BACK:
                what = TakeModelBack.parse(body).detail
                return cls._of(envelope, endpoint=what.endpoint, model=what.model, taken_back=what.version)
            case _:
                return cls._of(envelope, training_job=JobStateChange.parse(body).detail)

    @classmethod
    def _of(cls, event: Envelope, **facts: object) -> "ArtifactTrigger":
        envelope = event.model_dump(by_alias=True, include=set(Envelope.model_fields))
        return cls.model_validate({**envelope, **facts})
