"""`SageMaker Endpoint State Change`, its older name, and the changes of a guarded deployment.

The event says `IN_SERVICE` where the API says `InService`; only the endpoint's name is used, the rest is read again.
"""

from typing import Literal

from pydantic import Field

from stationkeeper.events.envelope import Envelope
from stationkeeper.events.fields import SageMakerModel, Text


class EndpointChange(SageMakerModel):
    endpoint_name: str = Field(min_length=1)
    endpoint_arn: Text = None
    endpoint_status: Text = None


class EndpointStateChange(Envelope):
    source: Literal["aws.sagemaker"]
    detail_type: Literal[
        "SageMaker Endpoint State Change",
        "SageMakerEndpointStateChange",
        "SageMaker Endpoint Deployment State Change",
    ] = Field(alias="detail-type")
    detail: EndpointChange
