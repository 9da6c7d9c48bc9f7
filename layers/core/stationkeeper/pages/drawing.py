"""A page, from its content to one HTML file."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from stationkeeper.pages import pictures
from stationkeeper.pages.content import PageContent
from stationkeeper.pages.groups import Extent
from stationkeeper.pages.strip import TILE_HEIGHT
from stationkeeper.pages.view import view_of

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATES = Path(__file__).parent / "templates"
LARGEST_BYTES = 2_000_000
# Fewer where long names would make the page larger than that; the last always fits.
_EXTENTS = (Extent(500, 1_000), Extent(200, 1_000), Extent(50, 300), Extent(0, 100))


def draw(content: PageContent) -> str:
    """The drift page of a run: HTML without scripts, that asks for nothing from anywhere.

    The same content makes the same page, below `LARGEST_BYTES` in UTF-8.
    """
    template, css, css_hash = _template()
    page = ""
    for extent in _EXTENTS:
        page = template.render(
            page=view_of(content, extent),
            css=css,
            css_hash=css_hash,
            pictures=pictures,
            tile_height=TILE_HEIGHT,
        )
        if len(page.encode()) < LARGEST_BYTES:
            break
    return page


@cache
def _template() -> "tuple[Template, str, str]":
    """The template, its style, and the hash by which browsers know that style."""
    # A function that draws no page does not pay for the import.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    css = (_TEMPLATES / "drift_page.css").read_text(encoding="utf-8")
    css_hash = b64encode(sha256(css.encode()).digest()).decode()
    return environment.get_template("drift_page.html.j2"), Markup(css), css_hash  # noqa: S704 - our own file
