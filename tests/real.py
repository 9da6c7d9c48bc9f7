"""The services' own reports, events and answers. They lie beside the project, never in it.

Without them the tests that read them are skipped; with STATIONKEEPER_REQUIRE_REAL=1 they fail instead.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

PLACE = Path(
    os.environ.get("STATIONKEEPER_REAL") or Path(__file__).resolve().parent.parent.parent / "shared" / "real"
)


def real_files(*patterns: str) -> list[Any]:
    """Parameters of a test that is run once per file; one that says what is missing when there is none."""
    found = sorted(path for pattern in patterns for path in PLACE.glob(pattern))
    if not found:
        return [pytest.param(PLACE / patterns[0], id="missing")]
    return [pytest.param(path, id=str(path.relative_to(PLACE))) for path in found]


def read(path: Path) -> bytes:
    """A file's bytes; skips or fails the test when it is not there."""
    if not path.is_file():
        complain = pytest.fail if os.environ.get("STATIONKEEPER_REQUIRE_REAL") == "1" else pytest.skip
        complain(f"no real data at {path}; set STATIONKEEPER_REAL to its folder")
    return path.read_bytes()


def read_json(path: Path) -> Any:
    return json.loads(read(path).decode("utf-8-sig"))
