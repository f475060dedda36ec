"""The far side of a conversation: takes what we send, keeps its octets and answers with octets of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aiohttp import web
from aiohttp.test_utils import TestServer
from lxml import etree


@dataclass(frozen=True)
class Posted:
    """A message that came. `texts`: of its elements without children, by local name; the first of each name."""

    path: str
    body: bytes
    headers: dict[str, str]

    @property
    def kind(self) -> str:
        root = etree.fromstring(self.body)
        message = root[0] if etree.QName(root).localname == "ISO18626Message" else root
        return str(etree.QName(message).localname)

    @property
    def texts(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for element in etree.fromstring(self.body).iter("{*}*"):
            if not len(element):
                found.setdefault(str(etree.QName(element).localname), element.text or "")
        return found

    def list_texts(self, name: str) -> list[str]:
        return [element.text or "" for element in etree.fromstring(self.body).iter(f"{{*}}{name}")]


@dataclass(frozen=True)
class SiteAnswer:
    body: bytes
    status: int = 200
    content_type: str = "application/xml"


@dataclass
class PartnerSite:
    """`answer`: of each message that comes."""

    answer: Callable[[Posted], SiteAnswer]
    posted: list[Posted] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        site = web.Application()
        site.router.add_post("/{path:.*}", self._take)
        self._server = TestServer(site)
        await self._server.start_server()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._server.close()

    def write_url(self, path: str) -> str:
        return str(self._server.make_url(path))

    async def _take(self, request: web.Request) -> web.Response:
        posted = Posted(request.path, await request.read(), dict(request.headers))
        self.posted.append(posted)
        answer = self.answer(posted)
        return web.Response(body=answer.body, status=answer.status, content_type=answer.content_type)
