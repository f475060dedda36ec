"""CopyService: copies that are made, and how the links stand by which they went out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.domain.requests.events import EventDetails, EventKind, EventOrigin
from gateway.domain.requests.request import LendingState, Request, Role, ServiceType
from gateway.domain.requests.signed_links import CopyLink, InvalidLinkError, link_id, read_copy_link
from gateway.domain.requests.state_table import can_sign_off
from gateway.domain.requests.views import (
    ActionRequest,
    CopyLinkView,
    DeliveredCopy,
    FileUpload,
    NotFound,
    RequestFilter,
    SeveralRequests,
)
from gateway.domain.value import value_object
from gateway.ports.shared_store import Transaction
from gateway.services.request_work.request_service import RequestService
from gateway.services.requests.library_context import LibraryContext, require_request
from gateway.store import api_records
from gateway.store.api_records import DownloadRecord
from gateway.store.requests import history
from gateway.store.requests.history import EventRow

MAX_DELIVERED = 50

_APART = re.compile(r"[\s_.,;()\[\]+]+")
"""What stands between the number of a request and the rest of a file's name."""

_COPY_PATH = "/d/"


@value_object
class CopyService:
    context: LibraryContext
    requests: RequestService

    # --- making ------------------------------------------------------------------------------------------

    async def find_request_of_file(self, file_name: str) -> Request:
        """The lending request whose number stands in the name of the file, as in `L2026-00012.pdf` or
        `L2026-00012_2.pdf`. Raises NotFound, SeveralRequests."""
        stem = re.split(r"[\\/]", file_name)[-1]
        several: SeveralRequests | None = None
        for word in dict.fromkeys((stem.rpartition(".")[0] or stem, *_APART.split(stem))):
            try:
                request = await self.requests.find_request(word)
            except NotFound:
                continue
            except SeveralRequests as error:
                several = several or error
                continue
            if request.role is Role.LENDING:
                return request
        raise several or NotFound("request")

    async def add_copy(self, request_id: str, upload: FileUpload, actor: str, *, whole: bool) -> Request:
        """`whole`: with this file the copy is made. Raises NotFound, Refused, EventDenied, Unavailable."""
        request, attachment = await self.requests.attach(request_id, upload, actor, None)
        if not whole:
            return request
        action_request = ActionRequest(
            kind=EventKind.DIGITISED, details=EventDetails(attachment=attachment.id), actor=actor, version=None
        )
        return await self.requests.apply_action(request_id, action_request)

    def can_sign_off(self, request: Request, actor: str) -> bool:
        """Return whether the partner's workflow lets this person allow the copy."""
        return can_sign_off(request, self.context.workflow(request), actor)

    # --- delivered ---------------------------------------------------------------------------------------

    async def list_links(self, request_id: str) -> Sequence[CopyLinkView]:
        """List the links of one request, oldest first. Raises NotFound."""
        request = await require_request(self.context, request_id)
        return await self.context.store.read(lambda c: _load_links(c, self.context, request))

    async def list_delivered(self, limit: int) -> Sequence[DeliveredCopy]:
        """Those that changed last, newest first; at most MAX_DELIVERED."""
        request_filter = RequestFilter(
            role=Role.LENDING, states=(LendingState.COMPLETED.value,), services=(ServiceType.COPY,), open=False
        )
        page = await self.requests.list_requests(request_filter, min(limit, MAX_DELIVERED), "")

        def load_delivered(connection: Transaction) -> Sequence[DeliveredCopy]:
            return tuple(
                DeliveredCopy(request, request.changed, _load_links(connection, self.context, request))
                for request in page
            )

        return await self.context.store.read(load_delivered)


def _load_links(connection: Transaction, context: LibraryContext, request: Request) -> tuple[CopyLinkView, ...]:
    rows = history.list_events_of_request(connection, context.symbol, request.id)
    links = {token: (row, link) for row in rows if (token := _find_token(row)) and (link := _parse_own(token, request))}
    counts = api_records.find_downloads(connection, context.symbol, [link_id(token) for token in links])
    never = DownloadRecord(0, None)
    return tuple(
        _build_view(request, row, link, counts.get(link_id(token), never)) for token, (row, link) in links.items()
    )


def _find_token(row: EventRow) -> str:
    """Find the token of a link that went out. Empty: there was none."""
    event = row.event
    if row.denied or event.kind is not EventKind.COPY_DELIVERED or event.signal.origin is not EventOrigin.US:
        return ""
    return event.details.link.rpartition(_COPY_PATH)[2]


def _parse_own(token: str, request: Request) -> CopyLink | None:
    """None: an address of somebody else's."""
    try:
        link = read_copy_link(token)
    except InvalidLinkError:
        return None
    return link if (link.library, link.request_id) == (request.library, request.id) else None


def _build_view(request: Request, row: EventRow, link: CopyLink, fetched: DownloadRecord) -> CopyLinkView:
    file = next((attachment.name for attachment in request.attachments if attachment.id == link.attachment_id), "")
    return CopyLinkView(
        file=file,
        sent=row.at,
        expires=link.expires,
        downloads=link.downloads,
        fetched=fetched.count,
        last=fetched.last_at,
    )
