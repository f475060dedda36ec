"""`/d/TOKEN`: where a delivered copy is fetched by whoever has the link.

Opening the link shows a page with a button; only the button fetches and counts. So programs that look at links in
mails, as many mail servers do, use up nothing.
"""

from __future__ import annotations

from aiohttp import hdrs, web

from gateway.domain.frozen import frozen
from gateway.domain.problems import Unavailable
from gateway.domain.requests.links import BadLink, CopyLink, LinkFault, library_of, link_id, verify
from gateway.domain.requests.views import NotThere, StoredFile
from gateway.store.api import downloads
from gateway.store.api.secrets import COPY_LINKS, read_secret
from gateway.web.api.frame import HEADERS, framed
from gateway.web.api.operations.files_and_rota import file_headers
from gateway.web.api.parts import Parts

PATH = "/d/{token}"


@frozen
class Found:
    link: CopyLink
    id: str
    left: int


class CopyPages:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def show(self, request: web.Request) -> web.StreamResponse:
        try:
            found = await self._find(request)
        except BadLink:
            return _gone()
        except Unavailable:
            return _later()
        until = f"{found.link.expires:%Y-%m-%d %H:%M} UTC"
        times = "once" if found.left == 1 else f"{found.left} times"
        return framed(
            200,
            "Your copy is here",
            f"<p>It can be fetched {times} more, until {until}.</p>"
            '<form method="post"><button type="submit">Fetch it</button></form>',
        )

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
            return _gone()
        except Unavailable:
            return _later()
        if not taken:
            return _gone()
        headers = {**HEADERS, **file_headers(file), hdrs.CONTENT_TYPE: file.attachment.media_type}
        return web.Response(body=file.content, headers=headers)

    async def _file(self, link: CopyLink) -> StoredFile:
        return await self._parts.services.requests.attachment(link.library, link.request_id, link.attachment_id)

    async def _find(self, request: web.Request) -> Found:
        """Raises BadLink, Unavailable."""
        token = request.match_info["token"]
        library, id_ = library_of(token), link_id(token)
        secret = await self._parts.store.read(lambda c: read_secret(c, library, COPY_LINKS))
        if secret is None:  # no link was ever made for such a library
            raise BadLink(LinkFault.FORGED)
        link = verify(token, secret, self._parts.clock.now())
        count = await self._parts.store.read(lambda c: downloads.count(c, library, id_))
        if count >= link.downloads:
            raise BadLink(LinkFault.USED_UP)
        return Found(link, id_, link.downloads - count)


def _gone() -> web.Response:
    """One answer for all that is wrong with a link: it tells nothing to whoever tries."""
    return framed(
        410,
        "This link is not valid any more",
        "<p>It has expired, or was used as often as it may be. Please ask your library for a new one.</p>",
    )


def _later() -> web.Response:
    return framed(503, "Not possible now", "<p>Please try again in a few minutes.</p>")
