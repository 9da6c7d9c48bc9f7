"""One call of a new version on a multi-model endpoint, before anybody is sent to it: it loads the model, too."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError

from stationkeeper.alerts.text import lasting, plain
from stationkeeper.artifacts.warm_up import WarmUp
from stationkeeper.aws.errors import code_of, is_passing, said_by
from stationkeeper.aws.sample_payloads import NoPayload, SamplePayloads

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

_PATIENCE_SECONDS = 150  # the function lives 300, and has read and copied the artifact before; it comes back for what still loads
_PAUSE_SECONDS = 5
_CALL_SECONDS = 68  # at most: the time-outs of `clients.sagemaker_runtime`

_ARCHIVES = (".tar.gz", ".tgz")
_TYPE_IN_ARCHIVES = "text/csv"  # as smoke tests of releases take it to be
_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".jsonlines": "application/jsonlines",
    ".npy": "application/x-npy",
    ".parquet": "application/x-parquet",
    ".txt": "text/plain",
}
_UNKNOWN_TYPE = "application/octet-stream"

_NOT_ENOUGH_MEMORY = 507  # what containers answer to a model they have no room for
_PRESSED = (429, 503)  # others are loaded or called at this moment
_NOT_LOADED = (
    "failed to download model",
    "unable to download model",
    "failed to load model",
    "unable to load model",
)
_SHOWN_CHARACTERS = 300


class AwsWarmUps:
    """Sends a file, or the first one of a gzip tar archive, until the model is loaded and answers."""

    def __init__(
        self,
        s3: Callable[[], S3Client],
        runtime: Callable[[], SageMakerRuntimeClient],
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._payloads = SamplePayloads(s3)
        self._runtime = runtime
        self._sleep = sleep
        self._clock = clock

    def call(self, endpoint: str, target_model: str, payload_uri: str, content_type: str) -> WarmUp:
        """Call a model until it has answered once, for over two minutes at most.

        Only an answer of the model, its loading, or none at all speaks against it: where nothing could be tried, that is said.

        Parameters
        ----------
        target_model : its artifact, relative to the endpoint's prefix.
        payload_uri : of a gzip tar archive by its ending, else of a file that is sent as it is.
        content_type : of the files its package takes, "" where that is not known.

        Raises
        ------
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError
            Passing faults of S3 and of the service.

        Source: "Retry Requests on ModelNotReadyException Errors" in "Invoke a Multi-Model Endpoint": a call waits 60 s for
        the model to load, and loading goes on without it.
        """
        begun = self._clock()
        try:
            payload, its_type = self._payload(payload_uri, content_type)
        except NoPayload as nothing:
            return WarmUp(said=str(nothing))
        while (outcome := self._tried(endpoint, target_model, payload, its_type)) is None:
            spent = self._clock() - begun
            if spent + _PAUSE_SECONDS + _CALL_SECONDS > _PATIENCE_SECONDS:
                waited = lasting(timedelta(seconds=spent))
                return WarmUp(
                    failed=True, loading=True, said=f"it was not loaded after {waited}, or did not answer"
                )
            self._sleep(_PAUSE_SECONDS)
        return outcome

    def _payload(self, uri: str, registered_type: str) -> tuple[bytes, str]:
        """What is sent, and its content type: the registered one is of the package's own payload, not of any file."""
        if uri.lower().endswith(_ARCHIVES):
            content, content_type = self._payloads.first_file(uri), registered_type or _TYPE_IN_ARCHIVES
        else:
            content = self._payloads.whole_file(uri)
            ending = PurePosixPath(uri).suffix.lower()
            content_type = _TYPES.get(ending) or registered_type or _UNKNOWN_TYPE
        if not content:  # the model would rightly refuse it
            raise NoPayload(f"the sample payload {uri} is empty")
        return content, content_type

    def _tried(self, endpoint: str, target_model: str, payload: bytes, content_type: str) -> WarmUp | None:
        """What came of one call; None while the model is still loading."""
        try:
            answer = self._runtime().invoke_endpoint(
                EndpointName=endpoint, TargetModel=target_model, Body=payload, ContentType=content_type
            )
        except ReadTimeoutError:
            return None
        except ParamValidationError as error:
            return WarmUp(said=f"the endpoint could not be called: {error}")
        except ClientError as error:
            if code_of(error) == "ModelNotReadyException":
                return None
            return _said_of(error)
        # A fault from here on is raised: the model has answered, and is not asked again.
        size = len(answer["Body"].read())
        return WarmUp(answered=True) if size else WarmUp(failed=True, said="it answered with nothing")


def _said_of(error: ClientError) -> WarmUp:
    """Whether an error speaks against the model; passing ones are raised."""
    answer = error.response
    its_status = answer.get("OriginalStatusCode")
    its_words = plain(str(answer.get("OriginalMessage") or said_by(error)), _SHOWN_CHARACTERS)
    statuses = (its_status, answer.get("ResponseMetadata", {}).get("HTTPStatusCode"))
    if _NOT_ENOUGH_MEMORY in statuses or code_of(error).startswith("InsufficientStorage"):
        return WarmUp(failed=True, loading=True, said=f"there is not enough memory to load it: {its_words}")
    if code_of(error) == "ModelError" and its_status in _PRESSED:
        return WarmUp(failed=True, loading=True, said=f"its container is busy ({its_status}): {its_words}")
    if code_of(error) == "ModelError":
        status = f" ({its_status})" if its_status else ""
        return WarmUp(failed=True, said=f"it answered with an error{status}: {its_words}")
    if is_passing(error):
        raise error
    if code_of(error).startswith("Validation") and any(
        words in said_by(error).lower() for words in _NOT_LOADED
    ):
        return WarmUp(failed=True, said=f"it cannot be loaded: {its_words}")
    return WarmUp(said=f"the endpoint could not be called: {its_words}")
