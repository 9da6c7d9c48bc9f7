"""Who refers to endpoint configs and models: what is deleted must be nobody's."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class References:
    """Configs that endpoints of the account run or go to, and the models of each config there is."""

    configs_in_use: frozenset[str]
    models_of: dict[str, frozenset[str]]

    def config_is_free(self, name: str) -> bool:
        return name not in self.configs_in_use

    def model_is_free(self, name: str, without: Iterable[str]) -> bool:
        """Whether no config holds it, but those that are taken away themselves."""
        gone = set(without)
        return not any(name in models for config, models in self.models_of.items() if config not in gone)
