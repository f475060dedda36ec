"""RequestService: what API, pages and commands ask to be done with requests, through `intake`, `partner_inbox` and
`actions`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from gateway.domain.requests.attachments import describe_page_mismatch
from gateway.domain.requests.drafts import BorrowingDraft, LendingDraft
from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal
from gateway.domain.requests.request import (
    Attachment,
    Request,
    Role,
    RotaLine,
    RotaLineStatus,
    ServiceType,
)
from gateway.domain.requests.views import (
    ActionRequest,
    FileUpload,
    NotFound,
    UndoableAct,
)
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.shared_store import Transaction
from gateway.services.outbox.keyed_work import write_once
from gateway.services.request_work.actions import ActionService
from gateway.services.request_work.attachments import check_upload
from gateway.services.request_work.request_reader import RequestReader
from gateway.services.requests.intake import create_borrowing_request
from gateway.services.requests.lending_intake import create_lending_request
from gateway.services.requests.library_context import require_request, require_role
from gateway.services.requests.transitions import EventRequest, apply_event, apply_event_in, raise_if_denied
from gateway.store.requests import history
from gateway.store.schema import make_exchange_id


@value_object
class RequestService(RequestReader):
    actions: ActionService

    # --- making ------------------------------------------------------------------------------------------

    async def create_borrowing(self, draft: BorrowingDraft) -> Request:
        """Checked and submitted. Raises Refused (unknown or blocked patron, limit, duplicate, locally owned …)."""
        return await create_borrowing_request(self.context, draft)

    async def create_lending(self, draft: LendingDraft) -> Request:
        """Create a request; raises Refused (the requester's number is taken, closed, over the threshold …)."""
        return await create_lending_request(self.context, draft)

    async def apply_action(self, request_id: str, action: ActionRequest) -> Request:
        """The request after the event. Where the library's system must say yes first, its answer is awaited.

        Raises NotFound, VersionConflict, EventDenied, Refused, OutcomeUnknown.
        """
        return await self.actions.perform(request_id, action)

    async def recall_action(self, request_id: str, reference: str) -> Request:
        """The request after what was done under a key (gateway.services.outbox.keyed_work), as it is now. Raises as
        `apply_action`."""
        return await self.actions.recall(request_id, reference)

    async def undo_act(self, act: UndoableAct, actor: str) -> Request:
        """The request as it was before an act of staff. Raises NotFound, VersionConflict, EventDenied, Refused,
        Unavailable."""
        return await self.actions.undo_act(act, actor)

    # --- files -------------------------------------------------------------------------------------------

    async def attach(
        self, request_id: str, upload: FileUpload, actor: str, version: int | None
    ) -> tuple[Request, Attachment]:
        """Attach a file; raises NotFound, VersionConflict, Refused."""
        await require_request(self.context, request_id)  # before a scanner is bothered
        upload = await check_upload(upload, self.context.policy().copies)
        now = self.context.now()
        attachment = Attachment(
            id=make_exchange_id(now),
            name=upload.name,
            media_type=upload.media_type,
            size=len(upload.content),
            pages=upload.pages,
            sha256=hashlib.sha256(upload.content).hexdigest(),
            at=now,
        )
        event = Event(local_signal(EventKind.NOTE), now, actor, EventDetails(attachment=attachment.id))
        event_request = EventRequest(
            request_id=request_id,
            event=event,
            expected=version,
            prepare=lambda request: _add_attachment(request, attachment),
        )

        def insert_attachment(connection: Transaction) -> Request:
            history.put_file(connection, self.context.symbol, attachment.id, upload.content)
            return raise_if_denied(apply_event_in(connection, self.context, event_request)).request

        return await write_once(self.context.store, insert_attachment, lambda _: attachment.id), attachment

    # --- the rota of one request -------------------------------------------------------------------------

    async def reorder(self, request_id: str, partners: Sequence[str], actor: str, version: int | None) -> Request:
        """Waiting lines of the rota in this order; partners that are new are added, those left out stay behind.

        Raises NotFound, VersionConflict, Refused (a partner that doesn't exist).
        """
        partners = tuple(dict.fromkeys(partners))
        for partner in partners:
            self.context.require_partner(partner)

        def reorder_rota(request: Request) -> Request:
            done = tuple(line for line in request.rota if line.standing is not RotaLineStatus.WAITING)
            waiting = {line.partner: line for line in request.rota if line.standing is RotaLineStatus.WAITING}
            first = [waiting.pop(name, RotaLine(name)) for name in partners]
            lines = [replace(line, why=write_sentence("manually"), by_hand=True) for line in first]
            return replace(request, rota=(*done, *lines, *waiting.values()))

        names = ", ".join(self.context.name_of_partner(partner) for partner in partners)
        note = write_sentence("Rota: %(partners)s", partners=names)
        return await self._change_rota(request_id, reorder_rota, actor, version, note)

    async def skip(self, request_id: str, partner: str, why: str, actor: str, version: int | None) -> Request:
        """A waiting line of the rota is not asked. Raises NotFound (request or line), VersionConflict."""

        def skip_line(request: Request) -> Request:
            waits = any(line.partner == partner and line.standing is RotaLineStatus.WAITING for line in request.rota)
            if not waits:
                raise NotFound("rota line")
            rota = tuple(
                replace(line, standing=RotaLineStatus.SKIPPED, why=why)
                if line.partner == partner and line.standing is RotaLineStatus.WAITING
                else line
                for line in request.rota
            )
            return replace(request, rota=rota)

        name = self.context.name_of_partner(partner)
        note = (
            write_sentence("Skipped: %(partner)s (%(words)s)", partner=name, words=why)
            if why
            else write_sentence("Skipped: %(partner)s", partner=name)
        )
        return await self._change_rota(request_id, skip_line, actor, version, note)

    async def _change_rota(
        self,
        request_id: str,
        change: Callable[[Request], Request],
        actor: str,
        version: int | None,
        note: str,
    ) -> Request:
        event = Event(local_signal(EventKind.NOTE), self.context.now(), actor, EventDetails(note=note))

        def change_borrowing_rota(request: Request) -> Request:
            require_role(request, Role.BORROWING)
            return change(request)

        event_request = EventRequest(
            request_id=request_id, event=event, expected=version, prepare=change_borrowing_rota
        )
        return (await apply_event(self.context, event_request)).request


def _add_attachment(request: Request, attachment: Attachment) -> Request:
    """A copy of another length than cited gets a warning for staff."""
    mismatch = describe_page_mismatch(request.citation, attachment.name, attachment.pages)
    warnings = (
        (*request.warnings, mismatch) if mismatch and request.service.type is not ServiceType.LOAN else request.warnings
    )
    return replace(request, attachments=(*request.attachments, attachment), warnings=warnings)
