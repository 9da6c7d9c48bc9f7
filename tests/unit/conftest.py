"""Unit tests: no network, no AWS, and the same examples in every run.

HYPOTHESIS_PROFILE=thorough looks for new counterexamples instead, longer and at random.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("unit", derandomize=True, database=None, deadline=None, max_examples=60)
settings.register_profile(
    "thorough", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "unit"))


@pytest.fixture(autouse=True)
def _no_network(socket_disabled):
    """A unit test that opens a socket fails."""
