"""A made-up ILLiad: takes OpenURLs by a small reader of its own, puts them on forms by genre, answers with pages.

Written without the code under test: whoever changes an adapter finds here what another system makes of it. The names
of forms and fields are like ILLiad's; its pages are ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl

from aiohttp import web

FORMS = {
    "article": ("ArticleRequest", {"jtitle": "PhotoJournalTitle", "atitle": "PhotoArticleTitle"}),
    "proceeding": ("ConferencePaperRequest", {"btitle": "PhotoJournalTitle", "atitle": "PhotoArticleTitle"}),
    "bookitem": ("BookChapterRequest", {"btitle": "PhotoJournalTitle", "atitle": "PhotoArticleTitle"}),
    "book": ("LoanRequest", {"btitle": "LoanTitle", "pub": "LoanPublisher", "place": "LoanPlace", "date": "LoanDate"}),
    "dissertation": ("ThesisRequest", {"title": "LoanTitle", "inst": "LoanPublisher", "date": "LoanDate"}),
}
PHOTO = {
    "volume": "PhotoJournalVolume",
    "issue": "PhotoJournalIssue",
    "date": "PhotoJournalYear",
    "pages": "PhotoJournalInclusivePages",
}
ALL = {"issn": "ISSN", "isbn": "ISSN", "edition": "LoanEdition", "notes": "Notes"}
SITE = {
    "illgate_user": "Username",
    "illgate_request": "CitedIn",
    "illgate_pickup": "ItemInfo1",
    "illgate_needby": "NotWantedAfter",
}
"""What this site's customisation maps."""

TAKEN = "<html><body><div>Request Received. <b>Transaction&nbsp;Number</b>: {number}</div></body></html>"
LOGON = "<html><head><title>Logon to ILLiad</title></head><body><form>…</form></body></html>"
REFUSED = '<html><body><span class="statusError">User <i>{user}</i> is not cleared &amp; may not request.</span>'
BUSY = "<html><body><p>ILLiad is currently unavailable.</p></body></html>"


@dataclass
class Form:
    """A request as it stands in the system."""

    name: str
    fields: Mapping[str, str]


@dataclass
class Illiad:
    """`answer`: well, refused, logon, busy, silent, or a status. `seen` counts what arrived, taken or not."""

    answer: str = "well"
    headers: dict[str, str] = field(default_factory=dict)
    forms: list[Form] = field(default_factory=list)
    seen: list[web.BaseRequest] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._free = asyncio.Event()
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=1.0)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await self._site.start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._free.set()
        await self._runner.cleanup()

    @property
    def port(self) -> int:
        port: int = self._runner.addresses[0][1]
        return port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/illiad/illiad.dll/OpenURL"

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = (await request.read()).decode("ascii")
        self.seen.append(request)
        self.bodies.append(body)
        if self.answer == "silent":
            await self._free.wait()
        if self.answer.isdigit():
            return web.Response(status=int(self.answer), headers=self.headers)
        keys = read(request.url.raw_query_string, body)
        if self.answer == "well":
            self.forms.append(form_of(keys))
        page = {"well": TAKEN, "refused": REFUSED, "logon": LOGON, "busy": BUSY}[self.answer]
        text = page.format(number=700_000 + len(self.forms), user=keys.get("illgate_user", ""))
        return web.Response(text=text, content_type="text/html")


def read(query: str, body: str) -> dict[str, str]:
    """The last value of each key, without `rft.`; the character set as the context object says."""
    said = f"{query}&{body}"
    charset = "iso-8859-1" if "ISO-8859-1" in said else "utf-8"
    pairs = parse_qsl(said, keep_blank_values=False, strict_parsing=False, encoding=charset, errors="strict")
    return {key.removeprefix("rft."): value for key, value in pairs}


def form_of(keys: Mapping[str, str]) -> Form:
    name, own = FORMS.get(keys.get("genre", ""), ("OtherRequest", {"btitle": "LoanTitle", "title": "LoanTitle"}))
    photo = PHOTO if "Photo" in "".join(own.values()) else {}
    fields = {there: keys[key] for key, there in {**photo, **own, **ALL, **SITE}.items() if key in keys}
    author = ", ".join(filter(None, (keys.get("aulast"), keys.get("aufirst"))))
    if author:
        fields["PhotoArticleAuthor" if photo else "LoanAuthor"] = author
    return Form(name, fields)
