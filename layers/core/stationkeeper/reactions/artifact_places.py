"""Where multi-model endpoints load from, asked once in a while: 10,000 events of one endpoint are one question."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from stationkeeper.artifacts.place import Place, place_of
from stationkeeper.artifacts.refusal import Refusal
from stationkeeper.releases.observed import Endpoint, Fleet

_KEPT_FOR = timedelta(minutes=1)


class Endpoints(Protocol):
    def endpoint(self, name: str) -> Endpoint | None:
        """An endpoint as it is now; None when it is not there."""

    def fleet(self, config_name: str) -> Fleet | None:
        """A config with its models; None when one of them is gone."""


class EndpointIndex(Protocol):
    def note(self, endpoint: str) -> None:
        """Remember that models are published to an endpoint, for `sweep`."""


@dataclass(frozen=True, slots=True)
class Places:
    """Costs 3 calls and one write per endpoint and container, every minute."""

    endpoints: Endpoints
    index: EndpointIndex
    now: Callable[[], datetime]
    _known: dict[str, tuple[datetime, Place]] = field(default_factory=dict)

    def of(self, name: str) -> Place | Refusal:
        """Where an endpoint loads from, at most a minute old; what is wrong with it is asked every time."""
        asked_at, place = self._known.get(name, (None, None))
        now = self.now()
        if asked_at is not None and place is not None and now - asked_at < _KEPT_FOR:
            return place
        endpoint = self.endpoints.endpoint(name)
        fleet = self.endpoints.fleet(endpoint.endpoint_config_name) if endpoint else None
        found = place_of(name, endpoint, fleet)
        if isinstance(found, Place):
            self.index.note(found.endpoint)
            self._known[name] = now, found
        return found
