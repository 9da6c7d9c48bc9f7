"""Which endpoints run on a configuration or model. Kept apart, because those do not know endpoints."""

from collections.abc import Iterator
from typing import Any

from moto.sagemaker.models import SageMakerModelBackend


def endpoints_on_configuration(backend: SageMakerModelBackend, name: str) -> list[str]:
    """Names of endpoints whose live or coming configuration it is."""
    return sorted({endpoint for endpoint, config in _in_use(backend) if config.name == name})


def endpoints_on_model(backend: SageMakerModelBackend, name: str) -> list[str]:
    """Names of endpoints whose live or coming configuration runs this model."""
    return sorted(
        {
            endpoint
            for endpoint, config in _in_use(backend)
            for kind in ("ProductionVariants", "ShadowProductionVariants")
            for variant in config.fields.get(kind, [])
            if variant.get("ModelName") == name
        }
    )


def _in_use(backend: SageMakerModelBackend) -> Iterator[tuple[str, Any]]:
    for endpoint in vars(backend)["endpoints"].values():
        for config in endpoint.configurations:
            yield endpoint.name, config
