"""Pages in a real browser: the system's Chromium, driven by Playwright.

Without one these tests are skipped; with STATIONKEEPER_REQUIRE_REAL=1 they fail instead.
"""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        complain = pytest.fail if os.environ.get("STATIONKEEPER_REQUIRE_REAL") == "1" else pytest.skip
        complain(f"no browser on this machine: none of {', '.join(_NAMES)}")
    with sync_playwright() as playwright:
        # Containers give neither a sandbox nor a graphics card.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
