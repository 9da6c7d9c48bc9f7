from collections.abc import Iterator

import pytest

from tests.world import World, world


@pytest.fixture
def system() -> Iterator[World]:
    with world() as running:
        yield running
