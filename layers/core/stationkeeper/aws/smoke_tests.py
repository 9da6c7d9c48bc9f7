"""One call of a new version with the sample payload it was registered with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError

from stationkeeper.aws.errors import code_of, is_passing, said_by
from stationkeeper.aws.sample_payloads import NoPayload, SamplePayloads

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient


class AwsSmokeTests:
    """Reads `SamplePayloadUrl`, a gzip tar archive, and sends its first file."""

    def __init__(self, s3: Callable[[], S3Client], runtime: Callable[[], SageMakerRuntimeClient]) -> None:
        self._payloads = SamplePayloads(s3)
        self._runtime = runtime

    def run(self, endpoint: str, variant: str, payload_uri: str, content_type: str) -> tuple[bool, str]:
        """Call a variant once; whether its model answered well, and what is to be said of it.

        True with words means that nothing was tested: only an answer of the model itself, or none, speaks against it. Passing
        faults of S3 and of the service are raised.
        """
        try:
            payload = self._payloads.first_file(payload_uri)
        except NoPayload as nothing:
            return True, f"no smoke test: {nothing}"
        try:
            answer = self._runtime().invoke_endpoint(
                EndpointName=endpoint, TargetVariant=variant, Body=payload, ContentType=content_type
            )
        except ReadTimeoutError:
            return False, "the model did not answer the sample payload in time"
        except (ClientError, ParamValidationError) as error:
            return _said_of(error)
        size = len(answer["Body"].read())
        return (True, "") if size else (False, "the model answered the sample payload with nothing")


def _said_of(error: ClientError | ParamValidationError) -> tuple[bool, str]:
    if isinstance(error, ClientError):
        if code_of(error) == "ModelError":
            return False, f"the model answered the sample payload with an error: {said_by(error)}"
        if code_of(error) == "ModelNotReadyException" or is_passing(error):
            raise error
        return True, f"no smoke test: the endpoint could not be called: {said_by(error)}"
    return True, f"no smoke test: the endpoint could not be called: {error}"
