"""`SageMaker Model Package State Change`: a version was registered, approved, rejected, or merely annotated.

The event fires again, still saying `Approved`, when only metadata changed, and may lack any previous status.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from stationkeeper.events.envelope import Envelope, one
from stationkeeper.events.fields import Many, SageMakerModel, Text


class ModelPackageChange(SageMakerModel):
    """What the event says of the package; only where to look is used, the rest is read again."""

    model_package_arn: str = Field(min_length=1)
    model_package_group_name: Text = None
    model_package_version: int | None = None
    model_approval_status: Text = None
    updated_model_package_fields: Many[str] = ()
    """What changed, where the event says so; approvals through the API may not."""

    @property
    def approval_changed(self) -> bool:
        return (
            not self.updated_model_package_fields
            or "ModelApprovalStatus" in self.updated_model_package_fields
        )


class ModelPackageStateChange(Envelope):
    source: Annotated[Literal["aws.sagemaker"], BeforeValidator(one)]
    detail_type: Literal["SageMaker Model Package State Change"] = Field(alias="detail-type")
    detail: ModelPackageChange
