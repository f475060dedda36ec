"""`/d/TOKEN`: where a delivered copy is fetched by whoever has the link.

Opening the link shows a page with a button; only the button fetches and counts. So programs that look at links in
mails, as many mail servers do, use up nothing.
"""

from __future__ import annotations

from datetime import UTC
from html import escape

from aiohttp import hdrs, web

from gateway.domain.frozen import frozen
from gateway.domain.problems import Unavailable
from gateway.domain.requests.links import BadLink, CopyLink, LinkFault, library_of_copy_link, link_id, verify_copy_link
from gateway.domain.requests.views import NotThere, StoredFile
from gateway.store.api import downloads
from gateway.store.api.secrets import COPY_LINKS, read_secret
from gateway.web.api.frame import HEADERS, framed
from gateway.web.api.operations.files_and_rota import file_headers
from gateway.web.api.parts import Parts
from gateway.web.api.speaking import spoken_to

COPY_PATH = "/d/{token}"


@frozen
class Found:
    link: CopyLink
    id: str
    left: int


class CopyPages:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._questions = parts.services.questions

    async def show(self, request: web.Request) -> web.StreamResponse:
        try:
            found = await self._find(request)
        except BadLink:
            return self._plain(request, 410, "copy-gone")
        except Unavailable:
            return self._plain(request, 503, "later")
        spoken = spoken_to(self._questions, request)
        words = spoken.words.pages
        until = f"{spoken.words.when(found.link.expires, UTC)} UTC"
        left = words["copy-once" if found.left == 1 else "copy-times"].format(times=found.left, until=until)
        button = f'<form method="post"><button type="submit">{escape(words["copy-fetch"])}</button></form>'
        return framed(200, words["copy"], f"<p>{escape(left)}</p>{button}", spoken.language, spoken.words.direction)

    async def fetch(self, request: web.Request) -> web.StreamResponse:
        """The file is looked for before the download is counted, so that a failure uses nothing up."""
        try:
            found = await self._find(request)
            file = await self._file(found.link)
            link, now = found.link, self._parts.clock.now()
            taken = await self._parts.store.write(
                lambda c: downloads.take(c, link.library, found.id, link.downloads, now)
            )
        except (BadLink, NotThere):
            return self._plain(request, 410, "copy-gone")
        except Unavailable:
            return self._plain(request, 503, "later")
        if not taken:
            return self._plain(request, 410, "copy-gone")
        headers = {**HEADERS, **file_headers(file), hdrs.CONTENT_TYPE: file.attachment.media_type}
        return web.Response(body=file.content, headers=headers)

    async def _file(self, link: CopyLink) -> StoredFile:
        return await self._parts.services.requests.attachment(link.library, link.request_id, link.attachment_id)

    async def _find(self, request: web.Request) -> Found:
        """Raises BadLink, Unavailable."""
        token = request.match_info["token"]
        library, id_ = library_of_copy_link(token), link_id(token)
        secret = await self._parts.store.read(lambda c: read_secret(c, library, COPY_LINKS))
        if secret is None:  # no link was ever made for such a library
            raise BadLink(LinkFault.FORGED)
        link = verify_copy_link(token, secret, self._parts.clock.now())
        count = await self._parts.store.read(lambda c: downloads.count(c, library, id_))
        if count >= link.downloads:
            raise BadLink(LinkFault.USED_UP)
        return Found(link, id_, link.downloads - count)

    def _plain(self, request: web.Request, status: int, word: str) -> web.Response:
        """One answer for all that is wrong with a link: it tells nothing to whoever tries."""
        spoken = spoken_to(self._questions, request)
        words = spoken.words.pages
        why = f"<p>{escape(words[f'{word}-why'])}</p>"
        return framed(status, words[word], why, spoken.language, spoken.words.direction)
