"""The handbook of staff: the pages of docs/staff, as they are shipped, with their pictures. In English.

Links between its pages lead to each other here; what leads elsewhere in docs/ is not in them (a test sees to it).
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from aiohttp import hdrs, web
from markdown_it import MarkdownIt
from markupsafe import Markup

import gateway
from gateway.domain.requests.views import NotFound
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.web.html.assets import HEADERS
from gateway.web.staff.staff_request import ROOT, StaffPage, StaffRequest

PLACE = f"{ROOT}/handbook"

FIRST_PAGE = "README"
"""File of the page that leads to the others."""

NOT_SHOWN = frozenset({"review"})
"""For those who work on the pages, not at them."""

_NAME = re.compile(r"[a-z][a-z-]{0,40}")
_LINK = re.compile(r'(?P<attribute>href|src)="(?P<target>(?:pictures/)?[a-z-]+)\.(?P<ending>md|png)"')
_HEADING = re.compile(r"<h1>(?P<title>.*?)</h1>\s*")


@value_object
class HandbookPage:
    """`title`: plain text; `body`: HTML of ours, without the heading."""

    title: str
    body: str


def find_handbook_folder() -> Path:
    """Find the folder in a wheel, or else in the source tree."""
    package = Path(gateway.__file__).parent
    inside = package / "shipped" / "handbook"
    return inside if inside.is_dir() else package.parent / "docs" / "staff"


def has_handbook_page(name: str) -> bool:
    return (
        _NAME.fullmatch(name) is not None
        and name not in NOT_SHOWN
        and (find_handbook_folder() / f"{name}.md").is_file()
    )


@cache
def load_handbook_page(name: str) -> HandbookPage:
    """Load a page; raises NotFound."""
    if name != FIRST_PAGE and not has_handbook_page(name):
        raise NotFound(name)
    text = (find_handbook_folder() / f"{name}.md").read_text(encoding="utf-8")
    body = MarkdownIt("commonmark", {"html": False, "xhtmlOut": False}).enable("table").render(text)
    heading = _HEADING.search(body)
    assert heading is not None, f"{name}.md has no heading"
    body = _HEADING.sub("", body, count=1)
    return HandbookPage(str(Markup(heading["title"]).striptags()), _LINK.sub(_make_own_link, body))


def _make_own_link(link: re.Match[str]) -> str:
    ending = "" if link["ending"] == "md" else ".png"
    return f'{link["attribute"]}="{PLACE}/{link["target"]}{ending}"'


async def show_first_page(request: StaffRequest) -> web.Response:
    page = load_handbook_page(FIRST_PAGE)
    return request.render("handbook", page.title, body=Markup(page.body), is_first=True)


async def show_handbook_page(request: StaffRequest) -> web.Response:
    name = request.http.match_info["name"]
    if name == FIRST_PAGE:
        raise NotFound(name)
    page = load_handbook_page(name)
    return request.render("handbook", page.title, body=Markup(page.body), is_first=False)


async def send_picture(request: StaffRequest) -> web.Response:
    name = request.http.match_info["picture"]
    file = find_handbook_folder() / "pictures" / f"{name}.png"
    if not _NAME.fullmatch(name) or not file.is_file():
        raise NotFound(name)
    headers = {**HEADERS, hdrs.CACHE_CONTROL: "private, max-age=3600"}
    return web.Response(body=file.read_bytes(), content_type="image/png", headers=headers)


PAGES = (
    StaffPage("GET", "/handbook", show_first_page, Right.OWN_ACCOUNT),
    StaffPage("GET", "/handbook/{name}", show_handbook_page, Right.OWN_ACCOUNT),
    StaffPage("GET", "/handbook/pictures/{picture}.png", send_picture, Right.OWN_ACCOUNT),
)
