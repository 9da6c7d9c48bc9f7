"""Multi-model endpoints in moto: any `TargetModel` is answered, whether there is such an artifact or not.

Gaps filled here: the artifact has to be in S3 when its model is called first; loading can take several calls, or
never succeed; a model that is loaded stays so, whatever becomes of its artifact. A new fleet begins with no model.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from moto.s3.exceptions import MissingBucket
from moto.s3.models import FakeKey, s3_backends
from moto.utilities.utils import get_partition

from embedded_aws.moto_additions.sagemaker.endpoint import Endpoint, endpoints_of
from embedded_aws.moto_additions.sagemaker.runtime_answers import (
    RuntimeAnswer,
    model_error,
    model_not_ready,
    validation_error,
)

_LOADING_FAILED_STATUS = 500


@dataclass(frozen=True)
class LoadPlan:
    """How a model comes up: `not_ready` calls are told to come again; with `error` it does not come up at all."""

    not_ready: int = 0
    error: str | None = None


class ModelLoads:
    """What has been loaded is kept in the endpoints; here are the plans for what will be."""

    def __init__(self) -> None:
        self._plans: dict[str, list[tuple[str, LoadPlan]]] = {}
        self._called: dict[str, Endpoint] = {}

    def plan(self, endpoint_name: str, target_model: str, plan: LoadPlan) -> None:
        self._plans.setdefault(endpoint_name, []).append((target_model, plan))

    def loaded(self, endpoint_name: str) -> dict[str, str]:
        """ETags of the artifacts in memory by `TargetModel`, of all variants of the endpoint that is there now."""
        endpoint = self._called.get(endpoint_name)
        if endpoint is None or endpoints_of(endpoint.backend).get(endpoint_name) is not endpoint:
            return {}
        return {target: etag for models in endpoint.loaded.values() for target, etag in models.items()}

    def refusal(
        self, endpoint: Endpoint, variant: str, target_model: str | None, request_id: str
    ) -> RuntimeAnswer | None:
        """Why no model is asked, or None when one can be: it is loaded by then."""
        container = _multi_model_container(endpoint, variant)
        if container is None:
            if target_model is None:
                return None
            # [amazon-sagemaker-examples #1026]
            return validation_error(
                f"Endpoint {endpoint.name} is not a multi-model endpoint and does not support target model header."
            )
        if target_model is None:
            # [sagemaker-tensorflow-serving-container #166]
            return validation_error(f"Request {request_id} is missing a target model header.")
        self._called[endpoint.name] = endpoint
        loaded = endpoint.loaded.setdefault(variant, {})
        return None if target_model in loaded else self._load(endpoint, variant, container, target_model)

    def _load(
        self, endpoint: Endpoint, variant: str, container: dict[str, Any], target_model: str
    ) -> RuntimeAnswer | None:
        bucket, key = _place(container, target_model)
        artifact = _artifact(endpoint, bucket, key)
        if artifact is None:
            return validation_error(
                f"Failed to download model data(bucket: {bucket}, key: {key}). Please ensure that there is an object "
                "located at the URL and that the role passed to CreateModel has permissions to download the model."
            )
        plan = self._plan_for(endpoint.name, target_model)
        calls = endpoint.loading.setdefault(variant, {})
        if calls.get(target_model, 0) < plan.not_ready:
            calls[target_model] = calls.get(target_model, 0) + 1
            # ? Only the code is documented.
            return model_not_ready(
                f"Model {target_model} of endpoint {endpoint.name} is not ready for inference yet."
            )
        if plan.error is not None:
            account, region = endpoint.backend.account_id, endpoint.backend.region_name
            return model_error(_LOADING_FAILED_STATUS, plan.error, endpoint.name, account, region)
        endpoint.loaded[variant][target_model] = artifact.etag
        return None

    def _plan_for(self, endpoint_name: str, target_model: str) -> LoadPlan:
        """The latest plan that concerns this model."""
        plans = reversed(self._plans.get(endpoint_name, []))
        return next((plan for pattern, plan in plans if fnmatchcase(target_model, pattern)), LoadPlan())


def _multi_model_container(endpoint: Endpoint, variant: str) -> dict[str, Any] | None:
    """The container that hosts many models, alone or anywhere in an inference pipeline."""
    containers = endpoint.containers.get(variant, [])
    return next((container for container in containers if container.get("Mode") == "MultiModel"), None)


def _place(container: dict[str, Any], target_model: str) -> tuple[str, str]:
    """Bucket and key: the model's path is relative to the prefix.

    ? Samples end the prefix with a slash; without one, one is put between.
    """
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    prefix = container.get("ModelDataUrl") or source.get("S3Uri", "")
    bucket, _, folder = prefix.removeprefix("s3://").partition("/")
    return bucket, f"{folder}{'/' if folder and not folder.endswith('/') else ''}{target_model}"


def _artifact(endpoint: Endpoint, bucket: str, key: str) -> FakeKey | None:
    backend = endpoint.backend
    try:
        found = s3_backends[backend.account_id][get_partition(backend.region_name)].get_object(bucket, key)
    except MissingBucket:
        return None
    return found if isinstance(found, FakeKey) else None
