"""Unit tests: no network, no AWS, and the same examples in every run.

HYPOTHESIS_PROFILE=thorough looks for new counterexamples instead, longer and at random.
"""

import faulthandler
import os
import sys

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


@pytest.fixture(autouse=True)
def _no_hang():
    """A test that never ends (a pattern that backtracks for ever) ends the run, with a traceback that shows it."""
    faulthandler.dump_traceback_later(60, exit=True, file=sys.__stderr__)
    yield
    faulthandler.cancel_dump_traceback_later()
