"""The drift page as a browser shows it: on a phone and a desk, light and dark, with and without scripts, on paper."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from stationkeeper.pages.content import PageContent
from stationkeeper.pages.drawing import draw

from tests import page_contents

SCREENS = [pytest.param(390, id="phone"), pytest.param(1440, id="desk")]
SCHEMES = ["light", "dark"]
PAGES: dict[str, Callable[[], PageContent]] = {
    **page_contents.ALL,
    "many": lambda: page_contents.many(520),
    "long-names": lambda: page_contents.many(30, name="é😀ß" * 100),
    "real-taxi": lambda: page_contents.real_taxi_quality("2020-04-06", "2020-02-03"),
    "real-taxi-no-baseline": lambda: page_contents.real_taxi_quality("2020-03-16"),
    "real-taxi-model": page_contents.real_taxi_model,
}

# Contrast of every visible text with what is behind it, by the formula of WCAG 2.
CONTRASTS = """() => {
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const over = ([r, g, b, a = 1], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a)];
  const light = rgb => {
    const [r, g, b] = rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = element => {
    if (!element) return [255, 255, 255];
    const own = parts(getComputedStyle(element).backgroundColor);
    return own.length < 4 || own[3] > 0 ? over(own, ground(element.parentElement)) : ground(element.parentElement);
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility()) continue;
    const behind = ground(element), color = over(parts(getComputedStyle(element).color), behind);
    const [a, b] = [light(color), light(behind)].sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), node.data.trim().slice(0, 40), getComputedStyle(element).color]);
  }
  return found;
}"""

# What sticks out of the page, or is cut off by an element that hides what does not fit; not what is there for screen readers only.
CLIPPED = """() => [...document.body.querySelectorAll('*')].filter(element => {
  if (element.closest('.unseen, .skip, .rows thead, svg') || !element.checkVisibility()) return false;
  const box = element.getBoundingClientRect(), style = getComputedStyle(element);
  const hides = style.overflow !== 'visible' &&
    (element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1);
  return box.right > document.documentElement.clientWidth + 1 || box.left < -1 || hides;
}).map(element => element.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Each page as a file: its address is what its Content-Security-Policy is held against."""
    folder = tmp_path_factory.mktemp("pages")

    def file_of(name: str) -> Path:
        file = folder / f"{name}.html"
        if not file.exists():
            file.write_text(draw(PAGES[name]()), encoding="utf-8")
        return file

    return file_of


@contextmanager
def opened(browser: Browser, file: Path, *, width: int, **settings: Any) -> Iterator[tuple[Page, list[str]]]:
    """The page, and everything that the browser complained of or asked for besides the page itself."""
    context = browser.new_context(viewport={"width": width, "height": 900}, **settings)
    page = context.new_page()
    noise: list[str] = []
    page.on("console", lambda message: noise.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: noise.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (noise.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: noise.append(request.url) if request.url != file.as_uri() else None)
    try:
        page.goto(file.as_uri())
        yield page, noise
    finally:
        context.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", SCREENS)
@pytest.mark.parametrize("name", PAGES)
def test_page_fits_the_screen_asks_for_nothing_and_can_be_read(browser, drawn, name, width, scheme):
    with opened(browser, drawn(name), width=width, color_scheme=scheme) as (page, noise):
        wide = page.evaluate("document.documentElement.scrollWidth")
        clipped = page.evaluate(CLIPPED)
        contrasts = page.evaluate(CONTRASTS)

    assert noise in ([], ["data:,"])  # the empty icon, which keeps browsers from asking for one
    assert wide == width
    assert clipped == []
    assert len(contrasts) > 10
    assert [(round(ratio, 2), *what) for ratio, *what in contrasts if ratio < 4.5] == []


@pytest.mark.parametrize("name", ["data-quality", "model-quality", "blind"])
def test_dark_and_light_differ(browser, drawn, name):
    grounds = []
    for scheme in SCHEMES:
        with opened(browser, drawn(name), width=390, color_scheme=scheme) as (page, _):
            grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    assert len(set(grounds)) == 2


@pytest.mark.parametrize("name", page_contents.ALL)
def test_page_looks_the_same_without_scripts(browser, drawn, name):
    looks = []
    for scripts in (True, False):
        with opened(browser, drawn(name), width=390, java_script_enabled=scripts) as (page, _):
            looks.append(page.screenshot(full_page=True, animations="disabled"))

    assert looks[0] == looks[1]


@pytest.mark.parametrize("name", PAGES)
def test_everything_that_means_something_has_a_name(browser, drawn, name):
    with opened(browser, drawn(name), width=390) as (page, _):
        unnamed = page.evaluate(
            """() => [...document.querySelectorAll('svg, a, [role=img]')].filter(element => {
              if (element.closest('[aria-hidden=true]')) return false;
              const by = element.getAttribute('aria-labelledby');
              const name = element.getAttribute('aria-label') ?? (by ? document.getElementById(by)?.textContent : null);
              return !(name ?? (element.tagName === 'A' ? element.textContent : '')).trim() ||
                (element.tagName === 'svg' && element.getAttribute('role') !== 'img');
            }).map(element => element.outerHTML.slice(0, 120))"""
        )

    assert unnamed == []


@pytest.mark.parametrize("name", PAGES)
def test_page_is_whole_and_light_on_paper(browser, drawn, name):
    with opened(browser, drawn(name), width=700, color_scheme="dark") as (page, _):
        shown = page.evaluate("document.body.innerText.length")
        page.emulate_media(media="print", color_scheme="dark")
        printed = page.evaluate("document.body.innerText.length")
        clipped = page.evaluate(CLIPPED)
        wide = page.evaluate("document.documentElement.scrollWidth")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        faint = [one for one in page.evaluate(CONTRASTS) if one[0] < 4.5]

    assert printed > 0.9 * shown  # only links within the page are left out
    assert (wide, clipped, faint) == (700, [], [])
    assert ground == "rgb(255, 255, 255)"


def test_what_names_hold_is_text(browser, drawn):
    with opened(browser, drawn("data-quality"), width=1440) as (page, noise):
        names = page.evaluate("[...document.querySelectorAll('h4')].map(one => one.textContent)")
        elements = page.evaluate("document.querySelectorAll('img, script, b, iframe').length")

    assert "</script><img src=x onerror=alert(1)>" in names
    assert elements == 0
    assert not any("error" in line or "dialog" in line for line in noise)


def test_content_security_policy_holds(browser, drawn, tmp_path):
    """What somebody might get into the page would still not be run, loaded or styled."""
    page_with_more = tmp_path / "more.html"
    injected = (
        '<p id="more" style="color: red"><img src="x.png"></p><script>document.title = "taken"</script>'
    )
    page_with_more.write_text(
        drawn("clean").read_text(encoding="utf-8").replace("</main>", f"{injected}</main>"), encoding="utf-8"
    )

    with opened(browser, page_with_more, width=390) as (page, noise):
        title = page.title()
        color = page.evaluate("getComputedStyle(document.getElementById('more')).color")

    assert title.startswith("Clean")
    assert color != "rgb(255, 0, 0)"
    assert len([line for line in noise if "Content Security Policy" in line]) >= 3, json.dumps(noise)


def test_jumps_lead_to_their_check(browser, drawn):
    with opened(browser, drawn("data-quality"), width=390) as (page, _):
        page.get_by_role("navigation").get_by_role("link").last.click()
        top = page.evaluate("document.querySelector(location.hash).getBoundingClientRect().top")

    assert -1 <= top < 900
