"""PatronCopies: copies that have come for a patron, as their account hands them out.

A file that is here is given out as often and as long as the link of its letter, which counts the same downloads. A
partner's link is handed on as it is (decision 28), as often and as long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from gateway.domain.requests.events import EventKind, EventOrigin
from gateway.domain.requests.patron_status import COPY_READY, status_of_request
from gateway.domain.requests.request import Attachment, Request
from gateway.domain.requests.signed_links import CopyLink, InvalidLinkError, is_signed, link_id, read_copy_link
from gateway.domain.requests.views import NotFound, StoredFile
from gateway.domain.value import value_object
from gateway.ports.shared_store import Transaction
from gateway.services.patrons.patron_requests import is_long_ago, require_own_request
from gateway.services.request_work.request_service import RequestService
from gateway.services.requests.library_context import LibraryContext
from gateway.store import api_records
from gateway.store.api_access import COPY_LINKS, read_secret
from gateway.store.requests import history
from gateway.store.requests.history import EventRow

COPY_PATH = "/d/"

WEB = ("https", "http")


@value_object(kw_only=True)
class PatronCopy:
    """`file`: it is here; None: `url` is the partner's. `expires`, `left`: until when and how often it is given out."""

    file: Attachment | None
    url: str
    expires: datetime
    left: int


@value_object(kw_only=True)
class TakenCopy:
    """`is_given`: one more download was counted; else there was none left. `content`: of a file of ours."""

    copy: PatronCopy
    is_given: bool
    content: StoredFile | None = None


@value_object(kw_only=True)
class _DeliveredCopy:
    """`counter`: under which downloads are counted, `most` of them."""

    file: Attachment | None
    url: str
    expires: datetime
    most: int
    counter: str


@value_object
class PatronCopies:
    requests: RequestService

    async def load_copies(self, wanted: Iterable[Request]) -> Mapping[str, PatronCopy]:
        """Load the copies that are or were given out here, by id of the request; not those that came long ago."""
        context = self.requests.context
        recent = [request for request in wanted if _has_copy(request) and not is_long_ago(context, request)]
        if not recent:
            return {}

        def load_copies(connection: Transaction) -> Mapping[str, PatronCopy]:
            copies = {request.id: _load_copy(connection, self.requests.context, request) for request in recent}
            return {id_: copy for id_, copy in copies.items() if copy is not None}

        return await self.requests.context.store.read(load_copies)

    async def load_copy(self, request_id: str, patron_id: str) -> PatronCopy:
        """Load a copy; raises NotFound: none has come that could be given out here, or it is somebody else's."""
        request = await require_own_request(self.requests.context, request_id, patron_id)
        copy = await self.requests.context.store.read(lambda c: _load_copy(c, self.requests.context, request))
        if copy is None:
            raise NotFound("copy")
        return copy

    async def take_copy(self, request_id: str, patron_id: str) -> TakenCopy:
        """One more download is counted. Raises NotFound as `load_copy`, or where the file is gone."""
        request = await require_own_request(self.requests.context, request_id, patron_id)
        link = await self.requests.context.store.read(lambda c: _find_delivered(c, self.requests.context, request))
        if link is None:
            raise NotFound("copy")
        content, now = None, self.requests.context.now()
        if link.file is not None:  # looked for before the download is counted: a failure uses nothing up
            content = await self.requests.load_attachment(request.id, link.file.id)
        is_given = link.expires > now and await self.requests.context.store.write(
            lambda c: api_records.count_download(c, self.requests.context.symbol, link.counter, link.most, now)
        )
        copy = await self.load_copy(request_id, patron_id)
        return TakenCopy(copy=copy, is_given=is_given, content=content if is_given else None)


def _has_copy(request: Request) -> bool:
    return status_of_request(request).word == COPY_READY


def _load_copy(connection: Transaction, context: LibraryContext, request: Request) -> PatronCopy | None:
    copy = _find_delivered(connection, context, request)
    if copy is None:
        return None
    download_count = api_records.get_download_count(connection, context.symbol, copy.counter)
    left = max(0, copy.most - download_count) if copy.expires > context.now() else 0
    return PatronCopy(file=copy.file, url=copy.url, expires=copy.expires, left=left)


def _find_delivered(connection: Transaction, context: LibraryContext, request: Request) -> _DeliveredCopy | None:
    """The copy that came last."""
    if not _has_copy(request):
        return None
    rows = history.list_events_of_request(connection, context.symbol, request.id)
    row = _find_last_delivery(rows)
    if row is None:
        return None
    details, rules = row.event.details, context.policy().copies
    link = _read_own_link(connection, details.link, request)
    file_id = link.attachment_id if link is not None else details.attachment
    file = next((attachment for attachment in request.attachments if attachment.id == file_id), None)
    is_on_web = link is None and _is_on_web(details.link)
    if file is None and not is_on_web:
        return None
    counter = details.link.rpartition(COPY_PATH)[2] if link is not None else f"account {request.id} {row.id}"
    return _DeliveredCopy(
        file=file,
        url="" if file is not None else details.link,
        expires=link.expires if link is not None else row.at + timedelta(days=rules.link_days),
        most=link.downloads if link is not None else rules.downloads,
        counter=link_id(counter),
    )


def _is_on_web(link: str) -> bool:
    """Return whether a browser can open it: it is what a partner wrote."""
    try:
        parts = urlsplit(link)
        return parts.scheme in WEB and bool(parts.hostname)
    except ValueError:  # such as an address in brackets that don't close
        return False


def _find_last_delivery(rows: Sequence[EventRow]) -> EventRow | None:
    delivered = (
        row
        for row in reversed(rows)
        if row.event.kind is EventKind.COPY_DELIVERED
        and row.event.signal.origin is EventOrigin.PARTNER
        and not row.denied
    )
    return next(delivered, None)


def _read_own_link(connection: Transaction, link: str, request: Request) -> CopyLink | None:
    """Read the link of a file of this request. None: it is a partner's, whatever it looks like."""
    token = link.rpartition(COPY_PATH)[2]
    secret = read_secret(connection, request.library, COPY_LINKS)
    try:
        copy_link = read_copy_link(token)
    except InvalidLinkError:
        return None
    is_ours = secret is not None and is_signed(token, secret)
    return copy_link if is_ours and (copy_link.library, copy_link.request_id) == (request.library, request.id) else None
