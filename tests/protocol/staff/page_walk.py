"""A walk over every page: from link to link as readers and staff go, then each form that was met, sent as it stands."""

from __future__ import annotations

import gzip
import re
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml import html

from gateway.web.staff.app import PAGES, page_name
from gateway.web.staff.staff_request import ROOT, StaffPage
from tests.protocol.pages.support import BOOK, OURS, Answer, Visitor
from tests.protocol.staff.page_world import CANDIDATES, CHANGED_PROFILE, CONDITIONAL, REVIEWED, WRITTEN

NOT_PAGES = {
    "GET /staff/live",
    "GET /staff/live/counts",
    "GET /staff/requests/{number}/readers",
    "GET /staff/sign-in/provider",
    "GET /staff/sign-in/proxy",
    "GET /staff/signed-in",
    "GET /staff/print/{number}/pdf",
    "GET /staff/print/{number}/slips/{request}",
    "GET /staff/requests/{number}/files/{file}",
    "GET /staff/mail/{mail}/original",
    "GET /staff/handbook/pictures/{picture}.png",
}
"""A stream, JSON, steps on the way to an identity provider, files, and the page of a batch with one sheet of it."""

NOT_SENT = {"POST /staff/sign-out", "POST /staff/account/sessions", "POST /staff/account/password"}
"""Forms that sign out who walks."""

FORMS_OF_AN_ACT = 1
"""All acts have one route, and each has fields of its own."""

STARTS = (
    "/",
    f"{ROOT}/sign-in",
    f"{ROOT}/nowhere",
    f"{ROOT}/requests/{CONDITIONAL}",
    f"{ROOT}/requests/{REVIEWED}",
    f"{ROOT}/requests/{CANDIDATES}",
    f"{ROOT}/requests/{WRITTEN}/journal",
    f"{ROOT}/operation/profiles/{CHANGED_PROFILE}/history",
    f"{ROOT}/find?q=e",
    f"{ROOT}/find?q=nothing+of+ours",
    f"{ROOT}/borrowing?q=nothing+of+ours",
    f"{ROOT}/requests/new?role=lending",
    "/openurl",
    "/openurl/NOBODY",
    f"/openurl/DEMO?{BOOK}",
    f"/openurl/DEMO?{OURS}",
    "/openurl/DEMO/citation",
    f"/openurl/DEMO/request?{BOOK}",
    f"/openurl/DEMO/hold?{OURS}",
    "/openurl/DEMO/requests",
    "/openurl/DEMO/privacy",
    "/openurl/DEMO/nowhere",
    "/openurl/DEMO/sign-in",
)


@dataclass
class PageWalk:
    """`pages`: the HTML by method and address; `files`: what they bring along, by address; `wrong_links`: where a link
    led that isn't there; `routes`: the pages of staff that were reached."""

    visitor: Visitor
    each: int = 4  # pages of one route: more show the same again
    pages: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    wrong_links: dict[str, str] = field(default_factory=dict)
    routes: Counter[str] = field(default_factory=Counter)
    _forms: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    _acts: Counter[str] = field(default_factory=Counter)

    async def see_pages(self, addresses: Iterable[str]) -> None:
        for address in addresses:
            self.pages[f"GET {address} before"] = (await self.visitor.get(address)).text

    async def follow_links(self) -> None:
        plain = [
            f"{ROOT}{page.path}"
            for page in PAGES
            if page.method == "GET" and "{" not in page.path and page_name(page) not in NOT_PAGES
        ]
        starts = (*plain, *STARTS)
        ways = deque((address, "") for address in starts)
        seen: set[str] = set()
        while ways:
            address, met_at = ways.popleft()
            if address in seen or not (self._is_wanted(address) or address in starts):
                continue
            seen.add(address)
            answer = await self.visitor.get(address)
            if not is_html(answer):
                continue
            if answer.status == 404 and met_at:
                self.wrong_links[address] = met_at
            self.pages[f"GET {address}"] = answer.text
            self._keep_forms(answer)
            links = (urljoin(address, str(one)).partition("#")[0] for one in answer.tree.xpath("//a/@href"))
            ways.extend((link, address) for link in links if link.startswith("/"))

    def list_addresses(self) -> list[str]:
        """Those of staff, and one of each kind of patrons' page."""
        met = [name.removeprefix("GET ") for name in self.pages]
        patrons = {re.sub(r"/\w{24}|\?.*", "", address): address for address in met if address.startswith("/openurl")}
        return [*(one for one in met if one.startswith("/staff") or one == "/"), *patrons.values()]

    async def fetch_files(self) -> None:
        """The style sheets and scripts of the pages."""
        for address in sorted({file for page in self.pages.values() for file in list_files(page)}):
            self.files[address] = (await self.visitor.get(address)).text

    def find_heavy_pages(self, most_bytes: int) -> dict[str, int]:
        """Those that a proxy would send as more bytes, with all their files, which browsers keep."""
        weights = {address: len(gzip.compress(text.encode())) for address, text in self.files.items()}
        totals = {
            name: len(gzip.compress(page.encode())) + sum(weights[file] for file in list_files(page))
            for name, page in self.pages.items()
        }
        return {name: total for name, total in totals.items() if total > most_bytes}

    async def send_forms(self) -> None:
        """One of each route. Those that answer with a page of their own are kept, most of them with what is wrong."""
        for name, (action, fields) in sorted(self._forms.items()):
            answer = await self.visitor.post(action, fields, follow=False)
            if is_html(answer) and answer.text:
                self.pages[f"{name} {action}"] = answer.text

    def missing_routes(self) -> list[str]:
        """Pages of staff that no link led to."""
        return [
            page_name(page)
            for page in PAGES
            if page.method == "GET" and page_name(page) not in NOT_PAGES and not self.routes[page_name(page)]
        ]

    def _is_wanted(self, address: str) -> bool:
        if "ui_language=" in address or address.startswith(("/api", "/_assets", "/docs")):
            return False
        name = name_route("GET", address)
        if name in NOT_PAGES:
            return False
        self.routes[name] += 1
        if act := re.search(r"/act/[a-z-]+$", urlsplit(address).path):
            self._acts[act[0]] += 1
            return self._acts[act[0]] <= FORMS_OF_AN_ACT
        return self.routes[name] <= self.each

    def _keep_forms(self, answer: Answer) -> None:
        for form in answer.tree.xpath("//form[translate(@method, 'POST', 'post')='post']"):
            action = urlsplit(urljoin(answer.url, form.get("action") or answer.url)).path
            name = name_route("POST", action)
            if name not in NOT_SENT and not (form.get("enctype") or "").startswith("multipart"):
                self._forms.setdefault(name, (action, read_fields(form)))


def is_html(answer: Answer) -> bool:
    return answer.headers.get("Content-Type", "").startswith("text/html")


def list_files(page: str) -> list[str]:
    found = html.document_fromstring(page).xpath("//link[@rel='stylesheet']/@href | //script/@src")
    return [str(address) for address in found]


def read_fields(form: Any) -> dict[str, str]:
    """What is hidden and what is chosen beforehand; nothing typed."""
    fields = {str(one.get("name")): str(one.get("value") or "") for one in form.xpath(".//input[@type='hidden']")}
    for one in form.xpath(".//textarea[@name]"):
        fields[str(one.get("name"))] = str(one.text_content())
    for one in form.xpath(".//select[@name]"):
        options = one.xpath("./option[@selected]/@value") or one.xpath(".//option[1]/@value")
        fields[str(one.get("name"))] = str(options[0]) if options else ""
    for one in form.xpath(".//input[@type='radio' or @type='checkbox'][@checked]"):
        fields[str(one.get("name"))] = str(one.get("value", "on"))
    return fields


def name_route(method: str, address: str) -> str:
    """The page of staff as the table names it; elsewhere the path."""
    path = urlsplit(address).path
    for page in sorted(PAGES, key=lambda page: page.path.count("{")):
        if page.method == method and re.fullmatch(_make_pattern(page), path):
            return page_name(page)
    return f"{method} {path}"


def _make_pattern(page: StaffPage) -> str:
    """With or without the library in the address."""
    parts = re.split(r"(\{[^}]*\})", page.path)
    return f"{ROOT}(?:/demo)?" + "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in parts)
