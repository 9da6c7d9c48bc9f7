#!/usr/bin/env python3
"""Make the pictures of the README: run the demo, and photograph its terminal and one of its drift pages in Chromium.

Run by `make pictures`. Needs a Chromium on the PATH.
"""

import io
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI
from stationkeeper_command import demo, pages, project

PICTURES = project.ROOT / "docs" / "images"
_COLUMNS = 150
_SCENES = 5
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    path = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if path is None:
        sys.exit(f"pictures: no browser found: none of {', '.join(_BROWSERS)}")
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), highlight=False, soft_wrap=True)
    told = demo.run(console, Console(stderr=True), None)
    # The endpoint with a few runs to look back on.
    messages = [
        message
        for scene in told
        for message in scene["messages"]
        if message["attributes"]["endpoint"] == "churn-prod"
    ]
    page = pages.linked_by(messages, project.STATE / "pages")
    if page is None:
        sys.exit("pictures: the demo told of no violations")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        _photograph_page(browser, page)
        _photograph_terminal(browser, _beginning(console))
        browser.close()


def _photograph_page(browser: Browser, page: Path) -> None:
    for name, width, height, scheme in (
        ("drift-page", 1200, 1150, "light"),
        ("drift-page-phone", 390, 1150, "dark"),
    ):
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=False,
        )
        opened = context.new_page()
        opened.goto(page.as_uri())
        opened.screenshot(path=PICTURES / f"{name}.png")
        context.close()


def _beginning(console: Console) -> str:
    """The first scenes of the demo, as HTML of one terminal."""
    whole = console.export_html(theme=MONOKAI, inline_styles=True)
    head, found, _ = whole.partition(f"{_SCENES + 1:>2}. ")
    if not found:
        sys.exit(f"pictures: the demo has fewer than {_SCENES + 1} scenes")
    return f"{head.rpartition('<span')[0]}</code></pre></body></html>"


def _photograph_terminal(browser: Browser, html: str) -> None:
    page = browser.new_page(viewport={"width": 1_300, "height": 100})
    page.set_content(html)
    page.screenshot(path=PICTURES / "demo.png", full_page=True)


if __name__ == "__main__":
    main()
